/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ROOT_H
#define CORE_CLI_ROOT_H

#include "core/error.h"

/* Where the states of containers lie: what --root says, else the user's default. Absolute,
 * malloc'ed. */
int root_choose(const char *given, char **root, struct error *err);

#endif
