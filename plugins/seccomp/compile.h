/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of a profile: out of the cache, or made with libseccomp. */
#ifndef PLUGINS_SECCOMP_COMPILE_H
#define PLUGINS_SECCOMP_COMPILE_H

#include "plugins/seccomp/profile.h"

/* To be freed with free(filter->code), in any case. */
int profile_compile(struct hozo_ctx *ctx, const struct profile *p, struct filter *filter);

#endif
