/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as hozo reads it. A strict scanner goes over the text first: UTF-8, depth, duplicate keys, NUL in
 * strings (escaped too), nothing behind the value; it keeps the source text of every number. Then cJSON
 * builds the tree. Member names match exactly. A member that is null counts as absent.
 *
 * cJSON keeps numbers as doubles; so a number node's `valueint` is here its index in the document's side
 * table, and the value is read with json_i64() or json_u64() from the source text, all 64 bits of it.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <cjson/cJSON.h>

#include "core/error.h"

#define JSON_SIZE_MAX  (16u << 20)
#define JSON_DEPTH_MAX 64

struct json {
    char *text;     /* as read, NUL-terminated; owned */
    size_t size;    /* of the text */
    cJSON *root;    /* owned */
    char **numbers; /* source text of each number, in document order; owned */
    size_t n_numbers;
};

#define auto_json __attribute__((cleanup(json_free)))

void json_free(struct json *doc);

/* `name` says in errors what is read: "config.json". The text is copied. Errors carry the line and,
 * inside the document, the path reached: "config.json:3: process.args[1]: …". */
int json_parse(struct json *doc, const char *name, const char *text, size_t size,
               struct error *err);

/* Reads a file below dirfd (at most JSON_SIZE_MAX bytes; regular file or pipe) and parses it. */
int json_read(struct json *doc, int dirfd, const char *file, struct error *err);

/* The same of what is open; `file` is its name in errors. */
int json_read_fd(struct json *doc, const char *file, int fd, struct error *err);

/* The member of an object, or NULL if absent or null (or `object` is NULL or no object). */
const cJSON *json_get(const cJSON *object, const char *name);

/* Descends: json_at(root, "linux", "resources", NULL). */
const cJSON *json_at(const cJSON *node, ...) __attribute__((sentinel));

/* The value, or `fallback` if absent or of another type. */
const char *json_string(const cJSON *object, const char *name, const char *fallback);
bool json_bool(const cJSON *object, const char *name, bool fallback);
size_t json_length(const cJSON *array); /* elements or members; 0 for NULL */

/* 0, or -1 if the node is no number, has a fraction or an exponent, or is out of range. */
int json_i64(const struct json *doc, const cJSON *number, int64_t *value);
int json_u64(const struct json *doc, const cJSON *number, uint64_t *value);

/* A number member, or `fallback` if absent. For fields that validation has already seen. */
int64_t json_int(const struct json *doc, const cJSON *object, const char *name, int64_t fallback);

/* The strings of an array as a NULL-terminated vector that borrows them. NULL only without memory. */
const char **json_strings(const cJSON *array);

/* --- writing ---------------------------------------------------------------------------------- */

/* Text that grows. `failed` is set once memory ran out; check it at the end only. */
struct text {
    char *at;
    size_t length, room;
    bool failed;
};

#define auto_text __attribute__((cleanup(text_free)))

void text_free(struct text *t);
void text_add(struct text *t, const char *fmt, ...) PRINTF(2, 3);
void text_append(struct text *t, const char *bytes, size_t size);
void text_put(struct text *t, const char *string);
/* Quoted and escaped as JSON; invalid UTF-8 becomes U+FFFD. Slashes stay as they are. */
void text_json(struct text *t, const char *string);
/* A tree, compact; numbers come from the side table. */
void text_json_tree(struct text *t, const struct json *doc, const cJSON *node);

/* How errors name a place: linux.sysctl["net.core.somaxconn"], mounts[3].type. */
void path_member(struct text *path, const char *name);
void path_element(struct text *path, size_t index);
/* How much of a text of this length needs no quotes there: letters, digits, '_' and '-'. */
size_t json_plain_length(const char *text, size_t length);

#endif
