/* SPDX-License-Identifier: Apache-2.0 */
/* Adding to a document that has been read: what plugins add to a configuration, settings to host facts. */
#ifndef CORE_JSON_EDIT_H
#define CORE_JSON_EDIT_H

#include "core/json.h"

/* Parses `text` and puts its value into `into`, a node of the document: as the member `name` of an object,
 * or behind the last of an array. doc->text stays as it was read; text_json_tree() prints all. */
int json_insert(struct json *doc, cJSON *into, const char *name, const char *text, size_t size,
                struct error *err);

/* The member of an object of the document; made empty ("{}", "[]") if it is absent or null. NULL: *err. */
cJSON *json_ensure(struct json *doc, cJSON *object, const char *name, const char *empty,
                   struct error *err);

/* Both say the same, in whatever order members stand and with whatever blanks. Members that are null count. */
bool json_same(const struct json *a_doc, const cJSON *a, const struct json *b_doc, const cJSON *b);

#endif
