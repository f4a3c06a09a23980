/* SPDX-License-Identifier: Apache-2.0 */
/* The phase `sources`: another hozo-init opens what the inside process may not. */
#ifndef CORE_LINUX_HELPER_H
#define CORE_LINUX_HELPER_H

#include "core/container.h"

/* Runs the helper and hands what it opens on to the inside process, whose socket is `sync`. */
int helper_run(struct container *c, int sync, struct error *err);

#endif
