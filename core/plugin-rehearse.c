/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who only looks at plugins opens all of them, so one that crashes when it is loaded would take the answer
 * about the others with it. Another process opens them first; what it does not survive is broken.
 */
#include "core/plugin-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#define SECONDS 30

static void silence(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
}

/* In the child: says before each file which one it is. */
static _Noreturn void rehearse(struct plugins *p, size_t from, int to)
{
    silence();
    p->trace = NULL; /* the other process writes it */
    for (size_t i = from; i < p->n_files; i++) {
        const struct plugin_file *f = &p->files[i];
        struct error ignored;

        if (plugin_kind(f->name, NULL) == KIND_STRAY)
            continue;
        alarm(SECONDS);
        if (write(to, &i, sizeof i) != sizeof i)
            _exit(1);
        plugins_open(p, f->name, &ignored);
    }
    _exit(0);
}

/* 1: the file *last was too much; 0: all went well. */
static int attempt(struct plugins *p, size_t from, size_t *last, struct error *err)
{
    auto_close int reader = -1, writer = -1;
    int fds[2], status;
    size_t index;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return fail(err, errno, NULL, "pipe");
    reader = fds[0];
    writer = fds[1];
    if ((pid = fork()) < 0)
        return fail(err, errno, NULL, "fork");
    if (!pid)
        rehearse(p, from, writer);
    close(steal_fd(writer));
    *last = from;
    while (read(reader, &index, sizeof index) == sizeof index)
        *last = index;
    if (waitpid(pid, &status, 0) < 0)
        return fail(err, errno, NULL, "wait");
    return status != 0;
}

int plugins_rehearse(struct plugins *p, struct error *err)
{
    size_t last = 0;
    int r;

    if (plugins_scan(p, err) < 0)
        return -1;
    for (size_t from = 0; from < p->n_files && (r = attempt(p, from, &last, err));
         from = last + 1) {
        if (r < 0)
            return -1;
        p->files[last].fatal = true;
    }
    return 0;
}
