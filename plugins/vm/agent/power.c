/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the machine. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>

#include "plugins/vm/agent/agent.h"
#include "plugins/vm/agent/process.h"

#define PATIENCE_MS 3000 /* a process that waits for a device may not end at all */
#define GIVE_UP     10   /* seconds: a file system whose server is gone is never written out */

static void nap(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void end_processes(void)
{
    signal_all(SIGKILL);
    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
            ;
        if (pid < 0 && errno == ECHILD)
            return;
        nap(1);
    }
}

static void switch_off(void)
{
    reboot(RB_POWER_OFF);
    reboot(RB_AUTOBOOT); /* a hypervisor takes that for an end as well */
}

/* Whatever the agent itself waits for. */
static void watchdog(void)
{
    if (fork())
        return;
    sleep(GIVE_UP);
    switch_off();
    _exit(0);
}

static void end_file_systems(void)
{
    sync();
    if (umount2(SHARE_IN_GUEST, 0) < 0 && errno == EBUSY)
        umount2(SHARE_IN_GUEST, MNT_DETACH);
    mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
    sync();
}

static void tell(struct agent *a)
{
    agent_send(a, FRAME_WRITTEN, 0, 0, NULL, 0);
    /* A port takes no more than it can carry: so this returns when all of it has left. */
    fcntl(a->port.fd, F_SETFL, O_RDWR);
    frames_flush(&a->port);
}

void power_off(struct agent *a, bool asked)
{
    end_processes();
    if (a->machine) {
        watchdog();
        end_file_systems();
    }
    if (asked)
        tell(a);
    if (!a->machine)
        _exit(0);
    switch_off();
    for (;;)
        pause();
}
