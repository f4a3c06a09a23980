/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/agent/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct process *process_find(struct agent *a, uint16_t number)
{
    for (struct process *p = a->processes; p; p = p->next)
        if (p->number == number && !p->gone)
            return p;
    return NULL;
}

struct process *process_new(struct agent *a, uint16_t number)
{
    struct process *p =
        mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    p->agent = a;
    p->number = number;
    p->start = p->sync.fd = p->result.fd = p->input.watch.fd = -1;
    p->input.granted = STREAM_WINDOW;
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++) {
        p->output[i].watch.fd = -1;
        p->output[i].credit = STREAM_WINDOW;
    }
    if ((p->plan_fd = memfd_create("hozo-plan", MFD_CLOEXEC)) < 0) {
        munmap(p, sizeof *p);
        return NULL;
    }
    p->next = a->processes;
    a->processes = p;
    return p;
}

/* hozo-init's end comes with all that it has said before. */
static void process_ended(struct process *p)
{
    if (p->sync.fd >= 0)
        sync_ready(p->agent, &p->sync);
    if (p->sync.fd >= 0 && !p->gone)
        sync_ended(p);
    if (p->result.fd >= 0 && !p->gone)
        result_ready(p->agent, &p->result);
    if (p->gone)
        return;
    outputs_owe(p);
    /* The container is what its first process lives for. With a pid namespace the kernel sees to that. */
    if (p->number == 1)
        signal_all(SIGKILL);
}

void process_refresh(struct process *p)
{
    if (p->gone)
        return;
    streams_refresh(p);
    if (p->exited && !p->told && outputs_paid(p)) {
        agent_send(p->agent, FRAME_EXITED, 0, p->number, &p->end, sizeof p->end);
        p->told = true;
    }
    p->gone = p->told && outputs_ended(p);
}

void processes_refresh(struct agent *a)
{
    for (struct process *p = a->processes; p; p = p->next)
        process_refresh(p);
}

static void reaped(struct agent *a, const siginfo_t *info)
{
    for (struct process *p = a->processes; p; p = p->next) {
        if (p->stage == info->si_pid)
            p->stage = 0;
        if (p->pid != info->si_pid)
            continue;
        p->end.code = (uint32_t)info->si_status;
        if (info->si_code != CLD_EXITED) {
            p->end.signal = (uint32_t)info->si_status;
            p->end.code += 128;
        }
        p->exited = true;
        process_ended(p);
        p->pid = 0;
        process_refresh(p);
    }
}

/* Also those that were left to process 1. */
void processes_reap(struct agent *a)
{
    siginfo_t info;

    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (!info.si_pid)
            return;
        reaped(a, &info);
    }
}

static void release(struct process *p)
{
    streams_close(p);
    watch_close(p->agent, &p->sync);
    watch_close(p->agent, &p->result);
    cleanup_close(&p->start);
    cleanup_close(&p->plan_fd);
    if (p->plan)
        munmap(p->plan, p->plan_size);
    munmap(p, sizeof *p);
}

void processes_sweep(struct agent *a)
{
    for (struct process **at = &a->processes; *at;) {
        struct process *p = *at;

        if (p->gone) {
            *at = p->next;
            release(p);
        } else {
            at = &p->next;
        }
    }
}

void signal_all(int number)
{
    kill(-1, number);
}

/* Only the agent waits for its children: such a number is nobody else's until it has. */
void process_signal(struct process *p, int number)
{
    pid_t pid = p->pid ? p->pid : p->stage;

    if (pid > 0)
        kill(pid, number);
}
