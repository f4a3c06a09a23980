/* SPDX-License-Identifier: Apache-2.0 */
/* The start of hozo-init, as core/linux/clone.c does it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/init/kernel.h"
#include "plugins/vm/agent/process.h"

/* In the child, which has descriptors of its own but the parent's memory. */
struct child {
    const struct process *process;
    const int *stdio;
    int sync;
    char numbers[32]; /* the word of hozo-init's command line */
    const struct plan_op *op;
    int errnum; /* result: why it was not executed */
};

static char *decimal(char *to, unsigned n)
{
    char digits[12], *d = digits;

    do
        *d++ = (char)('0' + n % 10);
    while (n /= 10);
    while (d > digits)
        *to++ = *--d;
    *to = '\0';
    return to;
}

static void keep(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

/* What `prepare` says of the runtime: there it is inherited. */
static int set_affinity(struct child *c, const struct plan_header *plan)
{
    plan_for_each (op, plan) {
        uint32_t size;
        const void *mask;

        if (op->kind != OP_AFFINITY || op->phase != PHASE_PREPARE)
            continue;
        c->op = op;
        mask = plan_bytes(plan, op->arg[1], &size);
        if (syscall(SYS_sched_setaffinity, 0, size, mask) < 0)
            return -1;
    }
    c->op = NULL;
    return 0;
}

/* AddressSanitizer would guard this frame, on a stack that is the parent's, for ever. */
static void __attribute__((noreturn, noinline, no_sanitize_address)) execute(struct child *c)
{
    char *const argv[] = {(char *)"hozo-init", c->numbers, NULL}, *const envp[] = {NULL};
    const struct process *p = c->process;

    for (int i = 0; i < 3; i++)
        dup2(c->stdio[i], i);
    for (uint32_t i = 0; i < p->plan->n_slots; i++)
        keep(plan_slots(p->plan)[i].fd);
    keep(c->sync);
    keep(p->plan_fd);
    if (!set_affinity(c, p->plan))
        syscall(SYS_execveat, p->agent->init, "", argv, envp, AT_EMPTY_PATH);
    c->errnum = errno;
    _exit(127);
}

pid_t stage_start(const struct process *p, int sync, const int stdio[3], const struct plan_op **op)
{
    static struct child c; /* no register of a frame that the child goes on in */
    char *at;
    pid_t pid;

    c = (struct child){.process = p, .stdio = stdio, .sync = sync};
    at = decimal(c.numbers, (unsigned)sync);
    *at++ = ',';
    decimal(at, (unsigned)p->plan_fd);
    /* The child is execute() alone, which never comes back. */
    if (!(pid = vfork())) /* NOLINT(*.vfork) */
        execute(&c);      /* NOLINT(*.Vfork) */
    if (pid > 0 && c.errnum) {
        waitpid(pid, NULL, 0);
        *op = c.op;
        errno = c.errnum;
        return -1;
    }
    return pid;
}
