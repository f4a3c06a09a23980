/* SPDX-License-Identifier: Apache-2.0 */
/* The filter in the container's state: `exec` installs what `create` has installed. */
#ifndef PLUGINS_SECCOMP_KEPT_H
#define PLUGINS_SECCOMP_KEPT_H

#include "plugins/seccomp/profile.h"

int filter_keep(struct hozo_ctx *ctx, const struct filter *filter);
int filter_kept(struct hozo_ctx *ctx,
                struct filter *filter); /* to be freed with free(filter->code) */

#endif
