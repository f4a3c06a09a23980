/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of D-Bus as text, in GVariant's notation: true, 15, uint64 30000000, 'text', ['a', 'b'],
 * [('/dev/block/8:0', uint64 1048576)], @as []. A number without a type is an int32, with a point a double.
 */
#ifndef PLUGINS_SYSTEMD_VARIANT_H
#define PLUGINS_SYSTEMD_VARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARIANT_SIGNATURE_MAX 64

/* The D-Bus signature of a value, "t", "a(st)"; the whole value has been looked at. -1 and *why. */
int variant_signature(const char *text, char signature[VARIANT_SIGNATURE_MAX], const char **why);

/* The type behind `*at` in a sound signature: its length. */
size_t variant_type_length(const char *at);

/* The pieces of a value in order. `value` is that of the type: bool * (b), uint8_t * (y), int16_t * (n), … double * (d),
 * const char * (s, o, g). -1 ends the walk. */
struct variant_sink {
    void *data;
    int (*basic)(void *data, char type, const void *value);
    int (*open)(void *data, char type, const char *contents); /* 'a' or '(' */
    int (*close)(void *data);
};

/* The value of a text that variant_signature() has accepted: 0, or -1 if the sink said so. */
int variant_tell(const char *text, const struct variant_sink *sink);

/* A text that is one number: false if it is another, or less than 0. */
bool variant_as_uint(const char *text, uint64_t *number);

/* A text that is one string: what it says. NULL if it is another, or without memory. */
char *variant_as_string(const char *text);

#endif
