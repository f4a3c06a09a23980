/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The specification as data: every member of config.json that OCI Runtime Specification 1.3 defines,
 * with its type, its range, and who serves it. From these tables come type checking, the lookup of
 * plugins, the name of the package that an error mentions, and lists in `features`.
 */
#ifndef CORE_SPEC_H
#define CORE_SPEC_H

#include <cjson/cJSON.h>

#include "core/error.h"
#include "core/json.h"

enum spec_type {
    SPEC_STRING,
    SPEC_BOOL,
    SPEC_INT,    /* of `bits`, signed */
    SPEC_UINT,   /* of `bits` */
    SPEC_NUMBER, /* any */
    SPEC_OBJECT, /* `members` */
    SPEC_MAP,    /* any key; values are `element` */
    SPEC_ARRAY,  /* of `element` */
    SPEC_ANY,
};

enum spec_server {
    SERVED_BY_CORE,   /* for an object: its members decide */
    SERVED_BY_PLUGIN, /* some descriptor must own it */
    SERVED_ELSEWHERE, /* of another operating system: ignored */
    SERVED_NOT,       /* informative, ignored by the specification's own words */
};

struct spec_field {
    const char *name; /* NULL ends a table */
    enum spec_type type;
    uint8_t bits;
    bool required;
    enum spec_server server;
    const struct spec_field *members; /* SPEC_OBJECT: table; MAP, ARRAY: one row, the element */
    const char *const *values;        /* permitted strings, NULL-terminated; NULL: any */
    const char *package;              /* SERVED_BY_PLUGIN: what to install */
    uint8_t min;                      /* UINT: least value; ARRAY: least number of elements */
};

extern const struct spec_field spec_config[];  /* the members of config.json */
extern const struct spec_field spec_process[]; /* the members of `process`: exec --process */

const struct spec_field *spec_member(const struct spec_field *table, const char *name);

/*
 * Checks types, ranges, permitted values and required members of a whole tree. Unknown members are
 * ignored. `path` is what stands before the first member: "" or "process".
 */
int spec_check(const struct json *doc, const cJSON *object, const struct spec_field *table,
               const char *path, struct error *err);

/*
 * Calls visit() for each present leaf and container that the specification knows, parents first, with
 * its path as text and the row; stops at a negative return and returns it. visit() returning 1 for a
 * container keeps the walk from descending. An element is visited with the one row of its array or map,
 * named "[]" or "*". Members that no specification knows are passed over.
 * Without memory the walk ends with -ENOMEM.
 */
struct spec_visit {
    int (*visit)(void *data, const char *path, const cJSON *node, const struct spec_field *row);
    void *data;
};
int spec_walk(const cJSON *object, const struct spec_field *table, const char *path,
              const struct spec_visit *v);

#endif
