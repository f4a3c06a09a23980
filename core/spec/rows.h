/* SPDX-License-Identifier: Apache-2.0 */
/* How the tables are written: one row a line; who serves it, its name, what it holds. */
#ifndef CORE_SPEC_ROWS_H
#define CORE_SPEC_ROWS_H

#include "core/spec.h"

/* The name of the one row that describes the elements of an array or the values of a map. */
#define ELEMENT "[]"
#define VALUE   "*"

/* clang-format off */
#define CORE       .server = SERVED_BY_CORE
#define ELSEWHERE  .server = SERVED_ELSEWHERE
#define IGNORED    .server = SERVED_NOT
#define PLUGIN(id) .server = SERVED_BY_PLUGIN, .package = "hozo-plugin-" id

#define REQUIRED    .required = true
#define VALUES(...) .values = (const char *const[]){__VA_ARGS__, NULL}

/* `server` holds a comma, so no macro may hand it on to another: each spells its row out. */
#define STRING(server, n, ...) \
    {.name = (n), .type = SPEC_STRING, server, ##__VA_ARGS__}
#define BOOL(server, n, ...) \
    {.name = (n), .type = SPEC_BOOL, server, ##__VA_ARGS__}
#define INT(server, n, b, ...) \
    {.name = (n), .type = SPEC_INT, server, .bits = (b), ##__VA_ARGS__}
#define UINT(server, n, b, ...) \
    {.name = (n), .type = SPEC_UINT, server, .bits = (b), ##__VA_ARGS__}
#define ANY(server, n) \
    {.name = (n), .type = SPEC_ANY, server}
#define OBJECT(server, n, table, ...) \
    {.name = (n), .type = SPEC_OBJECT, server, .members = (table), ##__VA_ARGS__}

/* Arrays and maps; `table` are the members of each object in them. */
#define ROWS(...) .members = (const struct spec_field[]){__VA_ARGS__}
#define OBJECTS(server, n, table) \
    {.name = (n), .type = SPEC_ARRAY, server, \
     ROWS({.name = ELEMENT, .type = SPEC_OBJECT, server, .members = (table)})}
#define MAP_OF_OBJECTS(server, n, table) \
    {.name = (n), .type = SPEC_MAP, server, \
     ROWS({.name = VALUE, .type = SPEC_OBJECT, server, .members = (table)})}
#define STRINGS(server, n, ...) /* what follows the name narrows each string */ \
    {.name = (n), .type = SPEC_ARRAY, server, \
     ROWS({.name = ELEMENT, .type = SPEC_STRING, server, ##__VA_ARGS__})}
#define SOME_STRINGS(server, n, ...) /* one at least; what follows is of the array */ \
    {.name = (n), .type = SPEC_ARRAY, server, .min = 1, \
     ROWS({.name = ELEMENT, .type = SPEC_STRING, server}), ##__VA_ARGS__}
#define UINTS(server, n, b) \
    {.name = (n), .type = SPEC_ARRAY, server, \
     ROWS({.name = ELEMENT, .type = SPEC_UINT, server, .bits = (b)})}
#define MAP_OF_STRINGS(server, n) \
    {.name = (n), .type = SPEC_MAP, server, \
     ROWS({.name = VALUE, .type = SPEC_STRING, server})}
/* clang-format on */

extern const struct spec_field spec_linux[];
extern const struct spec_field spec_id_mapping[];
extern const struct spec_field spec_resources[];
extern const struct spec_field spec_seccomp[];
extern const struct spec_field spec_vm[];
extern const struct spec_field spec_freebsd[];

#endif
