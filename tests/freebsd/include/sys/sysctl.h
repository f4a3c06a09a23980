/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_SYSCTL_H
#define TESTS_FREEBSD_SYS_SYSCTL_H

#include <sys/types.h>
#define CTL_KERN      1
#define KERN_PROC     14
#define KERN_PROC_PID 1
#define KERN_PROC_PATHNAME 12
int sysctl(const int *name, unsigned int n, void *old, size_t *old_size, const void *new_, size_t new_size);


#endif
