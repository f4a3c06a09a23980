/* SPDX-License-Identifier: Apache-2.0 */
/* Carries a plan out as far as the blocked, or for exec the running, process. */
#ifndef CORE_LINUX_LAUNCH_H
#define CORE_LINUX_LAUNCH_H

#include "core/container.h"

struct launch {
    /* The stage process has started: work for the time that it takes. May call launch_await(). */
    int (*started)(struct container *c, struct error *err);
    /* The inside process has been let go: c->pid and c->pidfd are set. It dies with this process until the
     * phase `limits`, for which it waits. */
    int (*born)(struct container *c, struct error *err);
    /* exec: a cgroup that cannot take the process is replaced by the one where init now is. */
    bool follow_init;
    /* exec: the cgroups to be put into, and none else; without any those of the container. */
    const struct exec_cgroup *chosen;
    enum status status; /* of the container: what an agent is told */
    bool patient;       /* the cgroup is known to be frozen: for as long as it is */
    pid_t stage;        /* the stage process, until it has been waited for */
    int sync;           /* result: our end of the socket */
    int console;        /* result: master of the terminal, or -1 */
};

/* On failure the process, if there was one, has been killed and reaped. */
int launch(struct container *c, struct launch *l, struct error *err);

/* Waits until the inside process is there: c->pid, c->pidfd. Again: does nothing. */
int launch_await(struct container *c, struct error *err);

/* Answers the inside process until all is set up: does the phases of the runtime, takes the terminal. A part
 * of launch(), by itself for tests. */
int launch_converse(struct container *c, struct launch *l, struct error *err);

/* exec: waits until the program runs (end of file) or its execve has failed. */
int launch_executed(struct container *c, struct launch *l, struct error *err);

/* Ends c->pid, our own child, and reaps it. */
void launch_kill(struct container *c);

/* In a signal handler, when a plugin has crashed: ends the stage process, and reaps it and c->pid, which has had
 * its signal. */
void launch_crashed(const struct container *c);

/* In the foreground a signal ends the waiting for a message: what is being made is not the user's program yet. */
int launch_wait(const struct container *c, int sync, int seconds, struct error *err);

#endif
