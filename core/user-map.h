/* SPDX-License-Identifier: Apache-2.0 */
/* Which users there are for this process: a user namespace may have few of those that own the system's files. */
#ifndef CORE_USER_MAP_H
#define CORE_USER_MAP_H

#include <sys/types.h>

#include "core/base.h"

/* Each user is who it is for everybody. */
bool users_are_all(void);

/* Who outside has a place here. */
void users_with_a_place(bool *everybody, bool *root);

/* The user that all those without a place appear as. */
uid_t users_without_a_place(void);

#endif
