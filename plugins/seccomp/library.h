/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp, as the dictionary of architectures and system calls that it is. Loaded only when something has to be
 * looked up: no object of hozo names it as needed. */
#ifndef PLUGINS_SECCOMP_LIBRARY_H
#define PLUGINS_SECCOMP_LIBRARY_H

#include <limits.h>
#include <seccomp.h>

#include "plugins/seccomp/profile.h"

struct library {
    void *handle;
    __typeof__(seccomp_version) *version;
    __typeof__(seccomp_arch_native) *arch_native;
    __typeof__(seccomp_arch_resolve_name) *arch_resolve_name;
    __typeof__(seccomp_syscall_resolve_name_arch) *resolve_name;
    __typeof__(seccomp_syscall_resolve_num_arch) *resolve_number;
};

int library_open(struct hozo_ctx *ctx, struct library *l);

/* Which file it is, and whether that is still the same: a line of text. */
#define IDENTITY_MAX (PATH_MAX + 128)
int library_identity(const struct library *l, char identity[IDENTITY_MAX]);
bool identity_holds(const char *identity);

/* The rules by architectures and numbers: the native one is first. To be freed in any case. */
struct sections {
    struct section *at;
    size_t n;
};
int sections_make(struct hozo_ctx *ctx, const struct profile *p, const struct library *l,
                  struct sections *s);
void sections_free(struct sections *s);

#endif
