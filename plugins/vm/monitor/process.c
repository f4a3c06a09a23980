/* SPDX-License-Identifier: Apache-2.0 */
/* A process in the guest: its plan on the way there, its streams, its signals. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "core/plan.h"
#include "plugins/vm/monitor/monitor.h"

struct process *process_add(struct machine *m, uint16_t id, int plan, const int stdio[3],
                            const struct frame_spawn *spawn)
{
    struct process *p = &m->process[id];
    struct stat st;

    if (fstat(plan, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > (off_t)PLAN_SIZE_MAX)
        return NULL;
    *p = (struct process){.state = PROCESS_SENDING,
                          .id = id,
                          .left = INT64_C(1000) * m->setup.seconds,
                          .plan = plan,
                          .size = st.st_size,
                          .spawn = *spawn,
                          .control = -1,
                          .poll = -1};
    source_open(&p->in, stdio[0], spawn->terminal);
    sink_open(&p->out[0], stdio[1], spawn->terminal);
    sink_open(&p->out[1], stdio[2], spawn->terminal);
    return p;
}

void process_free(struct process *p)
{
    cleanup_close(&p->plan);
    source_close(&p->in);
    sink_close(&p->out[0]);
    sink_close(&p->out[1]);
    cleanup_close(&p->control);
    *p = (struct process){.plan = -1, .control = -1, .in.fd = -1, .out = {{.fd = -1}, {.fd = -1}}};
}

static void send_plan(struct machine *m, struct process *p)
{
    char piece[FRAME_MAX];

    while (p->sent < p->size && frames_room(&m->frames)) {
        ssize_t n = pread(p->plan, piece, sizeof piece, p->sent);

        if (n <= 0) {
            broken(m, n ? errno : EIO, "read the plan");
            return;
        }
        guest_send(m, FRAME_PLAN, 0, p->id, piece, (size_t)n);
        p->sent += n;
    }
    if (p->sent < p->size || !frames_room(&m->frames))
        return;
    guest_send(m, FRAME_SPAWN, 0, p->id, &p->spawn, sizeof p->spawn);
    p->state = PROCESS_SPAWNED;
    cleanup_close(&p->plan);
    p->plan = -1;
    if (p->id > 1 && p->control < 0) /* given up meanwhile */
        process_signal(m, p, SIGKILL);
}

static bool may_read(const struct machine *m, const struct process *p)
{
    return p->state == PROCESS_EXECUTED && m->stage == STAGE_UP && frames_room(&m->frames);
}

/* Who goes on writing then shall get its signal. A terminal's other side hangs up by itself. */
static bool is_unread(const struct process *p, const struct sink *s)
{
    return s->fd < 0 && !s->ended && !s->told && !p->spawn.terminal;
}

void process_pump(struct machine *m, struct process *p)
{
    if (p->state == PROCESS_SENDING)
        send_plan(m, p);
    if (p->state < PROCESS_SPAWNED || m->stage > STAGE_UP)
        return;
    for (uint8_t i = 0; i < 2 && guest_listens(m); i++) {
        uint32_t n = sink_credit(&p->out[i]);

        if (is_unread(p, &p->out[i])) {
            p->out[i].told = true;
            guest_send(m, FRAME_DATA, (uint8_t)(STREAM_STDOUT + i), p->id, NULL, 0);
        }

        if (n)
            guest_send(m, FRAME_CREDIT, (uint8_t)(STREAM_STDOUT + i), p->id, &n, sizeof n);
    }
    if (p->in.fd < 0 && !p->in.told && may_read(m, p)) {
        p->in.told = true;
        guest_send(m, FRAME_DATA, STREAM_STDIN, p->id, NULL, 0);
    }
}

void process_poll(struct machine *m, struct process *p)
{
    bool asks = p->state >= PROCESS_SPAWNED && p->state < PROCESS_EXITED && guest_listens(m);

    p->in.poll = polls_add(&m->polls, p->in.fd, may_read(m, p) && p->in.credit ? POLLIN : 0);
    for (int i = 0; i < 2; i++)
        p->out[i].poll = polls_add(&m->polls, p->out[i].fd, p->out[i].used ? POLLOUT : 0);
    p->poll = polls_add(&m->polls, p->control, asks ? POLLIN : 0);
}

static void read_input(struct machine *m, struct process *p)
{
    char piece[FRAME_MAX];
    ssize_t n = source_read(&p->in, piece, sizeof piece);

    if (n > 0)
        guest_send(m, FRAME_DATA, STREAM_STDIN, p->id, piece, (size_t)n);
}

void process_ready(struct machine *m, struct process *p)
{
    for (int i = 0; i < 2; i++)
        if (polls_got(&m->polls, p->out[i].poll))
            sink_write(&p->out[i]);
    if (polls_got(&m->polls, p->in.poll) && p->in.fd >= 0 && may_read(m, p))
        read_input(m, p);
    if (polls_got(&m->polls, p->poll))
        visitor_ready(m, p);
}

void process_signal(struct machine *m, struct process *p, uint32_t signal)
{
    if (p->state >= PROCESS_SPAWNED && p->state < PROCESS_EXITED)
        guest_send(m, FRAME_SIGNAL, 0, p->id, &signal, sizeof signal);
}

void process_resize(struct machine *m, struct process *p, uint16_t rows, uint16_t columns)
{
    const uint16_t size[2] = {rows, columns};

    if (p->state >= PROCESS_SPAWNED && p->state < PROCESS_EXITED)
        guest_send(m, FRAME_RESIZE, 0, p->id, size, sizeof size);
}

bool process_is_awaited(const struct process *p)
{
    return (p->state == PROCESS_SENDING || p->state == PROCESS_SPAWNED) &&
           (p->id == 1 || p->control >= 0);
}

bool process_flushed(const struct process *p)
{
    return sink_empty(&p->out[0]) && sink_empty(&p->out[1]);
}

/* Its number is used again only when nothing will be heard of it any more. A terminal has but one stream. */
void process_settle(struct process *p)
{
    if (p->state != PROCESS_EXITED || p->id == 1 || p->out[0].last || p->out[1].last)
        return;
    if (p->control >= 0) {
        visitor_tell(p, CONTROL_EXITED, (int32_t)p->exited.code, (int32_t)p->exited.signal, 0);
        close(p->control);
        p->control = -1;
    }
    if (process_flushed(p) && p->out[0].ended && (p->out[1].ended || p->spawn.terminal))
        process_free(p);
}
