/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get(uint64_t *permitted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

static int set(uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    for (int i = 0; i < 2; i++) {
        data[i].effective = data[i].permitted = (uint32_t)(permitted >> (32 * i));
        data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
    }
    return (int)syscall(SYS_capset, &header, data);
}

/* Without CAP_SETPCAP it stays as it is. Nothing is lost by that: with no_new_privs an execve adds to what a process
 * has nothing, neither for root nor by a file's capabilities. */
static int drop_bounding(uint64_t but)
{
    for (unsigned long cap = 0; cap < 64; cap++)
        if (!(but >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno == EINVAL || errno == EPERM ? 0 : -1;
    return 0;
}

int privileges_keep(uint64_t capabilities)
{
    uint64_t have;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || get(&have) < 0 ||
        drop_bounding(capabilities) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    return set(have & capabilities, 0);
}

int privileges_pass(uint64_t capabilities)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_bounding(capabilities) < 0 ||
        set(capabilities, capabilities) < 0)
        return -1;
    for (unsigned long cap = 0; cap < 64; cap++)
        if ((capabilities >> cap & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return -1;
    return 0;
}
