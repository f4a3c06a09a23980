/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: programs with the container's state on their standard input. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"

void file_close_above(int fd)
{
    closefrom(fd + 1);
}

static _Noreturn void be_hook(const struct os_hook *h, int input)
{
    static char *const none[] = {NULL};
    const char *const fallback[] = {h->program, NULL};
    const char *const *args = h->args && h->args[0] ? h->args : fallback;
    sigset_t unblocked;

    setpgid(0, 0);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&unblocked);
    sigprocmask(SIG_SETMASK, &unblocked, NULL);
    if (dup2(input, 0) < 0 || (h->directory && chdir(h->directory) < 0))
        _exit(127);
    file_close_above(2);
    execve(h->program, (char *const *)(uintptr_t)args,
           h->env ? (char *const *)(uintptr_t)h->env : none);
    _exit(127);
}

/* Its exit status; or negative, when it has been killed for its time. */
static int await_hook(int pid, unsigned timeout)
{
    const struct timespec tick = {.tv_nsec = 10000000};
    struct timespec now, end;
    int status, r;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout;
    for (;;) {
        r = waitpid(pid, &status, timeout ? WNOHANG : 0);
        if (r == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
        if (r < 0 && errno != EINTR)
            return -errno;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (timeout &&
            (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))) {
            kill(-pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return -ETIMEDOUT;
        }
        nanosleep(&tick, NULL);
    }
}

/* The state in memory that is a file: a hook need not read it, and in a jail there may be no place for files. */
static int input_of(const struct os_hook *h)
{
    size_t size = strlen(h->input);
    int fd = memfd_create("state", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (write(fd, h->input, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

int child_hook(void *self, const struct os_hook *h)
{
    int input = input_of(h), pid;

    (void)self;
    if (input < 0)
        return input;
    pid = fork();
    if (pid == 0)
        be_hook(h, input);
    close(input);
    return pid < 0 ? -errno : await_hook(pid, h->timeout);
}
