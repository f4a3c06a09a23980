/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins have left behind for containers that were deleted by force: the container's directory, moved to
 * ROOT/.orphans/ID~N, with a state that names only those plugins. `hozo plugin clean` goes on from there.
 */
#ifndef CORE_ORPHANS_H
#define CORE_ORPHANS_H

#include "core/container.h"

/* Keeps the directory of a container for the plugins that are marked in its state. */
int orphan_keep(struct container *c, struct error *err);

/* Lets the plugins undo what they left, as far as they are back. One line in `out` for each orphan.
 * Returns how many are left. */
int orphans_clean(const char *root, const char *plugin_dir, const struct log *log, struct text *out,
                  struct error *err);

#endif
