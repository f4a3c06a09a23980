/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to hozo-init. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "plugins/vm/agent/process.h"

const struct plan_op *plan_find(const struct plan_header *plan, unsigned kind)
{
    plan_for_each (op, plan)
        if (op->kind == kind)
            return op;
    return NULL;
}

void process_fail(struct process *p, const struct plan_op *op, int errnum, uint32_t step)
{
    const struct frame_failed failed = {
        .op = op ? (uint32_t)(op - plan_ops(p->plan)) : 0, .errnum = errnum, .step = step};

    if (p->gone)
        return;
    process_signal(p, SIGKILL);
    agent_send(p->agent, FRAME_FAILED, 0, p->number, &failed, sizeof failed);
    p->gone = true;
}

/* The other side's, but for the slots, which are filled here: none of them may name a descriptor yet. */
static int map_plan(struct process *p)
{
    const struct plan_header *plan;
    void *at;

    at = p->plan_size ? mmap(NULL, p->plan_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->plan_fd, 0)
                      : MAP_FAILED;
    if (at == MAP_FAILED || plan_check(at, p->plan_size, NULL) < 0) {
        if (at != MAP_FAILED)
            munmap(at, p->plan_size);
        return -1;
    }
    plan = p->plan = at;
    if (plan->preserve_fds || plan->flags & PLAN_HELPER)
        return -1;
    for (uint32_t i = 0; i < plan->n_slots; i++)
        if (plan_slots(p->plan)[i].fd != -1)
            return -1;
    return 0;
}

/* The operation that reads this slot. */
static const struct plan_op *reader(const struct plan_header *plan, uint64_t slot)
{
    plan_for_each (op, plan)
        for (unsigned i = 0; i < PLAN_ARGS_MAX; i++)
            if (plan_op_arg_type(op, i) == 'r' && op->arg[i] == slot)
                return op;
    return NULL;
}

/* A further process joins the first one's namespaces through this slot, which no operation fills. */
static int fill_init(struct process *p)
{
    const struct process *first = process_find(p->agent, 1);

    for (uint32_t i = 0; i < p->plan->n_slots; i++) {
        struct plan_slot *slot = &plan_slots(p->plan)[i];
        const char *name = plan_string(p->plan, slot->name);

        if (!name || strcmp(name, "init") != 0)
            continue;
        if (first && first != p && first->created && first->pid)
            slot->fd = (int)syscall(SYS_pidfd_open, first->pid, 0);
        else
            errno = ESRCH;
        if (slot->fd < 0) {
            process_fail(p, reader(p->plan, i), errno, STEP_OPEN);
            return -1;
        }
    }
    return 0;
}

struct ends {
    int ours[3], theirs[3];
};

/* Ours do not block. Theirs must: no program expects what it was not told. */
static int open_pipes(struct ends *e)
{
    for (int i = 0; i < 3; i++) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
            return -1;
        e->ours[i] = fds[!i];
        e->theirs[i] = fds[!!i];
        if (fcntl(e->ours[i], F_SETFL, O_NONBLOCK) < 0)
            return -1;
    }
    return 0;
}

/* Until there is a terminal, which hozo-init opens. */
static int open_nothing(struct ends *e)
{
    for (int i = 0; i < 3; i++)
        if ((e->theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
            return -1;
    return 0;
}

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        cleanup_close(&fds[i]);
        fds[i] = -1;
    }
}

static void give_streams(struct process *p, struct ends *e)
{
    if (p->spawn.terminal)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++)
        output_open(p, i, steal_fd(e->ours[1 + i]));
    input_open(p, steal_fd(e->ours[0]));
}

static int start(struct process *p, struct ends *e, const struct plan_op **op)
{
    int sync[2];

    if ((p->spawn.terminal ? open_nothing(e) : open_pipes(e)) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
        return -1;
    p->sync = (struct watch){.fd = sync[0], .process = p, .ready = sync_ready};
    p->stage = stage_start(p, sync[1], e->theirs, op);
    close(sync[1]);
    if (p->stage < 0) {
        p->stage = 0;
        return -1;
    }
    watch_for(p->agent, &p->sync, EPOLLIN);
    give_streams(p, e);
    return 0;
}

/* What hozo-init has now the agent need not keep. */
static void close_slots(const struct process *p)
{
    for (uint32_t i = 0; i < p->plan->n_slots; i++)
        cleanup_close(&plan_slots(p->plan)[i].fd);
}

/* cgroup v1's way of being put somewhere first: here there is nowhere. */
static void let_stage_go(const struct process *p)
{
    const struct sync_message go = {.type = SYNC_GO};

    if (p->plan->flags & PLAN_ATTACH_STAGE)
        send(p->sync.fd, &go, sizeof go, MSG_NOSIGNAL);
}

void process_spawn(struct process *p)
{
    struct ends e = {{-1, -1, -1}, {-1, -1, -1}};
    const struct plan_op *cannot, *op = NULL;

    p->spawned = true;
    if (map_plan(p) < 0) {
        process_fail(p, NULL, EBADMSG, STEP_VERIFY);
        return;
    }
    if ((cannot = phases_check(p->plan))) {
        process_fail(p, cannot, ENOSYS, STEP_NONE);
        return;
    }
    p->phase = phase_next(p->plan, PHASE_ATTACH);
    if (!fill_init(p) && !phase_run(p, PHASE_PREPARE) && start(p, &e, &op) < 0)
        process_fail(p, op ? op : plan_find(p->plan, OP_CLONE), errno, op ? STEP_NONE : STEP_FORK);
    close_all(e.ours);
    close_all(e.theirs);
    close_slots(p);
    if (!p->gone)
        let_stage_go(p);
}
