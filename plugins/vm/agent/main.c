/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>

#include "plugins/vm/agent/agent.h"
#include "plugins/vm/agent/process.h"

/* hozo-agent --on N FILE: no machine. Serves descriptor N as process 1 of a pid namespace; FILE is hozo-init. */
static int attach(struct agent *a, char **argv)
{
    int fd = *argv[2] >= '0' && *argv[2] <= '9' ? atoi(argv[2]) : -1;

    if (getpid() != 1 || fd < 3 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        return -1;
    a->init = open(argv[3], O_RDONLY | O_CLOEXEC);
    frames_open(&a->port, fd);
    return a->init < 0 ? -1 : 0;
}

static void ready(struct agent *a)
{
    struct utsname names;

    uname(&names);
    agent_send(a, FRAME_READY, 0, 0, names.release, strlen(names.release));
}

int main(int argc, char **argv)
{
    static struct agent agent; /* all zero: it need not lie in the file */

    /* The kernel passes on words of its own command line as well. */
    agent.machine = argc != 4 || strcmp(argv[1], "--on");
    agent.epoll = agent.init = -1;
    agent.room = true;
    signal(SIGPIPE, SIG_IGN);
    if (agent.machine && getpid() != 1)
        return 1;
    if (agent.machine ? boot(&agent) : attach(&agent, argv)) {
        if (!agent.machine)
            return 1;
        power_off(&agent, false);
    }
    ready(&agent);
    agent_serve(&agent);
    power_off(&agent, false);
}
