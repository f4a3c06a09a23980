/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How not to enter a container: as a program of the host, with its memory, a directory of the host open.
 * That it is not dumpable does not help.
 *
 *     leak PID-NAMESPACE
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int ns = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    pid_t pid;

    if (ns < 0 || open("/", O_RDONLY | O_DIRECTORY) < 0 || setns(ns, CLONE_NEWPID) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || (pid = fork()) < 0)
        return 1;
    if (!pid)
        _exit(getpid() == 1);
    return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
