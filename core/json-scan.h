/* SPDX-License-Identifier: Apache-2.0 */
/* The strict scanner: what json.c and its error paths need of it. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include "core/error.h"

struct json_scan {
    char **numbers; /* their source texts, in document order; one block, owned by the caller */
    size_t n_numbers;
    size_t n_values; /* of every type */
};

/* `text` is NUL-terminated behind `size` bytes. */
int json_scan(struct json_scan *result, const char *name, const char *text, size_t size,
              struct error *err);

#endif
