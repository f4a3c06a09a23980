/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo in the foreground: it stands between its caller and one process of the container until that
 * ends. Signals go to the process; with a terminal, bytes and window sizes go both ways.
 */
#ifndef CORE_LINUX_TERMINAL_H
#define CORE_LINUX_TERMINAL_H

#include <signal.h>
#include <sys/types.h>

#include "core/error.h"

struct foreground {
    int signals; /* signalfd */
    int interrupt; /* another, never read, for those that ask to end: while the process is being made */
    sigset_t before;
    /* A further descriptor: whenever it is readable this is called, until it returns false. -1: none. */
    int watch;
    bool (*watched)(void *data);
    void *data;
};

/* clang-format off */
#define FOREGROUND_INIT {.signals = -1, .interrupt = -1, .watch = -1}
/* clang-format on */
#define auto_foreground __attribute__((cleanup(foreground_end)))

/* Before the process exists: from here on signals wait until foreground_run() forwards them. A
 * child inherits the blocked mask and has to reset it. */
int foreground_prepare(struct foreground *f, struct error *err);

/*
 * Until `pid`, a child of the caller, has ended and all that it wrote to its terminal is out.
 * *status is its exit code, or 128 and its signal. `master` is closed; -1: the process has hozo's
 * own stdio.
 */
int foreground_run(struct foreground *f, int pidfd, pid_t pid, int master, int *status,
                   struct error *err);

/* Gives the terminal of the process the size of hozo's own, if it has one: before the program runs,
 * so that it never sees another. foreground_run() does it again when the size changes. */
void foreground_size(int master);

/* Signals act as before. */
void foreground_end(struct foreground *f);

#endif
