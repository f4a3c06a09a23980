/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pidfd.h"

#include <sys/pidfd.h>

#include "core/base.h"

int pidfd_of(pid_t pid)
{
    return pidfd_open(pid, 0);
}

int pidfd_signal(int pidfd, pid_t pid UNUSED, int number)
{
    return pidfd_send_signal(pidfd, number, NULL, 0);
}
