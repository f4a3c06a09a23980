/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_WAIT_H
#define TESTS_FREEBSD_SYS_WAIT_H

#include <sys/types.h>
typedef enum { P_PID } idtype_t;
#define WNOHANG 1
#define WIFEXITED(status)   (((status)&0177) == 0)
#define WEXITSTATUS(status) ((status) >> 8 & 0377)
pid_t waitpid(pid_t pid, int *status, int options);
#define WIFSIGNALED(status) (((status)&0177) != 0177 && ((status)&0177) != 0)
#define WTERMSIG(status) ((status)&0177)
pid_t wait(int *status);

#endif
