/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces in the plan: whose ids the container's processes have, and what hozo may do for them. */
#ifndef CORE_LINUX_USER_NAMESPACE_H
#define CORE_LINUX_USER_NAMESPACE_H

#include "core/compile.h"

/* Fills what the other sections ask: p->user_namespace, p->privileged, p->bind_nodes. */
void user_namespace_look(struct compile *p);

/* Maps, and what follows from them; `new`: the namespace is made, not joined. */
int compile_user_namespace(struct compile *p, bool new, struct error *err);

/* The first ids of the container's user namespace, 0 as a rule: who sets it up. */
void user_namespace_setup_ids(struct compile *p);

/* config-linux.md: uidMappings, gidMappings as the kernel's text. NULL with *err. `path` is the JSON path of
 * the array. */
char *id_mappings_text(const struct json *doc, const cJSON *mappings, const char *path,
                       struct error *err);

/* Whether the configuration's mappings (`member`: uidMappings, gidMappings) leave this id out. */
bool id_is_unmapped(const struct compile *p, const char *member, uint64_t id);

/* From now on the plan has a helper, in the mount namespace of the inside process. */
void compile_helper(struct compile *p);

#endif
