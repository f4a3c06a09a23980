/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_PROCCTL_H
#define TESTS_FREEBSD_SYS_PROCCTL_H

/* procctl(2) */
#include <sys/wait.h>
#define PROC_NO_NEW_PRIVS_CTL    19
#define PROC_NO_NEW_PRIVS_ENABLE 1
int procctl(idtype_t type, id_t id, int command, void *data);

#endif
