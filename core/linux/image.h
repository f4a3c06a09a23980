/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo-init as a file that can be executed, and that nobody can write to, whatever capabilities he has and
 * whatever /proc/PID/exe leads to (CVE-2019-5736). It never is a file of the host.
 */
#ifndef CORE_LINUX_IMAGE_H
#define CORE_LINUX_IMAGE_H

#include "core/error.h"

/* With these bytes, which stay as they are; -1 with errno. A flag that the kernel does not know is left out. */
int sealed_memfd(const char *name, unsigned flags, const void *bytes, size_t size);

/* A sealed memfd that holds hozo-init; where memfds may not be executed, a file on a tmpfs. */
int init_image(struct error *err);

/* On a read-only tmpfs that is mounted nowhere; needs CAP_SYS_ADMIN over the mount namespace. */
int image_on_tmpfs(struct error *err);

#endif
