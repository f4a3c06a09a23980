/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent says. The guest may be in anybody's hands: a frame of the wrong size, at the wrong time or about a
 * process that there is not ends the machine.
 */
#include <errno.h>
#include <string.h>

#include "plugins/vm/monitor/monitor.h"

/* Beyond it nobody is asked who would make frames; what the agent is owed still has room. */
#define LISTENS (FRAMES_OUT / 2)

void guest_send(struct machine *m, uint8_t type, uint8_t stream, uint16_t process,
                const void *payload, size_t size)
{
    const struct frame head = {
        .type = type, .stream = stream, .process = process, .size = (uint32_t)size};

    if (m->guest >= 0 && frames_put(&m->frames, &head, payload) < 0)
        broken(m, errno, "the guest does not listen");
}

bool guest_listens(const struct machine *m)
{
    return m->guest >= 0 && frames_waiting(&m->frames) < LISTENS;
}

static int send_records(struct machine *m, const struct setup *s, bool all)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct record *r = &s->records[i];
        size_t first = all ? 0 : 1, size;

        if (!all && strcmp(r->words[0], "guest"))
            continue;
        size = (size_t)(r->words[r->n - 1] - r->words[first]) + strlen(r->words[r->n - 1]) + 1;
        if (size > FRAME_MAX)
            return broken(m, EMSGSIZE, "the guest's instructions");
        while (!frames_room(&m->frames))
            if (turn(m, -1) < 0)
                return -1;
        guest_send(m, FRAME_RECORD, 0, 0, r->words[first], size);
    }
    return 0;
}

int guest_tell_records(struct machine *m)
{
    return send_records(m, &m->setup, false) < 0 ? -1 : send_records(m, &m->network, true);
}

/* --- frames ------------------------------------------------------------------------------------------ */

struct heard {
    const struct frame *head;
    const void *payload;
    struct process *process; /* NULL: a frame about the machine */
};

static int ready(struct machine *m, const struct heard *h)
{
    (void)h;
    m->stage = STAGE_RECORDS;
    return 0;
}

static int up(struct machine *m, const struct heard *h)
{
    (void)h;
    m->stage = STAGE_UP;
    m->deadline = 0;
    return 0;
}

static int cannot(struct machine *m, const struct heard *h)
{
    broken(m, 0, "the guest: %.*s", (int)h->head->size, (const char *)h->payload);
    return 0;
}

static void tell_runtime(struct machine *m, const struct frame_failed *f)
{
    const struct sync_message message = {
        .type = SYNC_GUEST_FAILED, .value = f->op, .errnum = f->errnum, .step = f->step};

    monitor_sync(m, &message);
    m->over = true;
    m->status = 1;
}

static int failed(struct machine *m, const struct heard *h)
{
    struct frame_failed f;

    memcpy(&f, h->payload, sizeof f);
    if (h->process->id == 1) {
        if (h->process->state != PROCESS_SPAWNED)
            return -1;
        tell_runtime(m, &f);
        return 0;
    }
    if (h->process->state == PROCESS_EXECUTED)
        return -1;
    visitor_tell(h->process, CONTROL_FAILED, (int32_t)f.op, f.errnum, (int32_t)f.step);
    process_free(h->process);
    return 0;
}

static int created(struct machine *m, const struct heard *h)
{
    (void)m;
    if (h->process->state != PROCESS_SPAWNED)
        return -1;
    h->process->state = PROCESS_CREATED;
    visitor_tell(h->process, CONTROL_CREATED, 0, 0, 0);
    return 0;
}

/* Whoever reads it checks it as it checks a container's; but hozo-init does not write what the user's terminal obeys. */
static int refused(struct machine *m, const struct heard *h)
{
    struct sync_failure f;

    if (h->process->id != 1 || h->process->state != PROCESS_STARTED)
        return -1;
    memcpy(&f, h->payload, h->head->size);
    for (char *c = f.text; c < (char *)&f + h->head->size; c++)
        if (*c && (*c < 0x20 || *c == 0x7f))
            *c = '?';
    if (write(MONITOR_RESULT, &f, h->head->size) < 0)
        return broken(m, errno, "write the result");
    m->over = true;
    m->status = 1;
    return 0;
}

static int executed(struct machine *m, const struct heard *h)
{
    const char executing = START_EXECUTING;

    if (h->process->state != (h->process->id == 1 ? PROCESS_STARTED : PROCESS_CREATED))
        return -1;
    h->process->state = PROCESS_EXECUTED;
    visitor_tell(h->process, CONTROL_EXECUTED, 0, 0, 0);
    if (h->process->id > 1)
        return 0;
    if (write(MONITOR_RESULT, &executing, 1) != 1)
        return broken(m, errno, "write the result");
    close(MONITOR_RESULT);
    m->result = -1;
    return 0;
}

static int data(struct machine *m, const struct heard *h)
{
    (void)m;
    if (h->head->stream != STREAM_STDOUT && h->head->stream != STREAM_STDERR)
        return -1;
    return sink_take(&h->process->out[h->head->stream - STREAM_STDOUT], h->payload, h->head->size);
}

static int credit(struct machine *m, const struct heard *h)
{
    uint32_t n;

    (void)m;
    memcpy(&n, h->payload, sizeof n);
    if (h->head->stream != STREAM_STDIN || n > STREAM_WINDOW - h->process->in.credit)
        return -1;
    h->process->in.credit += n;
    return 0;
}

static int exited(struct machine *m, const struct heard *h)
{
    struct process *p = h->process;

    memcpy(&p->exited, h->payload, sizeof p->exited);
    if (p->exited.code > 255 || p->exited.signal > 64)
        return -1;
    if (p->id == 1 && p->state == PROCESS_SPAWNED)
        return broken(m, 0, "the container's process has ended before it was created");
    p->state = PROCESS_EXITED;
    source_close(&p->in);
    sink_mark(&p->out[0]);
    sink_mark(&p->out[1]);
    if (p->id == 1)
        machine_off(m);
    return 0;
}

static int written(struct machine *m, const struct heard *h)
{
    (void)h;
    m->stage = STAGE_WRITTEN;
    return 0;
}

#define SIZES(least, most) (least), (most)
#define EXACTLY(type)      sizeof(type), sizeof(type)
#define STAGES(from, to)   STAGE_##from, STAGE_##to
#define MACHINE            false
#define PROCESS            true

/* clang-format off */
static const struct {
    int (*heard)(struct machine *m, const struct heard *h);
    size_t least, most;
    enum stage from, to;
    bool process;
} table[] = {
    [FRAME_READY]    = {ready,    SIZES(0, FRAME_MAX),           STAGES(BOOT, BOOT),             MACHINE},
    [FRAME_UP]       = {up,       SIZES(0, 0),                   STAGES(SETTING_UP, SETTING_UP), MACHINE},
    [FRAME_BROKEN]   = {cannot,   SIZES(0, FRAME_MAX),           STAGES(BOOT, OFF),              MACHINE},
    [FRAME_FAILED]   = {failed,   EXACTLY(struct frame_failed),  STAGES(UP, OFF),                PROCESS},
    [FRAME_CREATED]  = {created,  SIZES(0, 0),                   STAGES(UP, OFF),                PROCESS},
    [FRAME_REFUSED]  = {refused,  SIZES(sizeof(struct sync_message), sizeof(struct sync_failure)),
                                                                 STAGES(UP, UP),                 PROCESS},
    [FRAME_EXECUTED] = {executed, SIZES(0, 0),                   STAGES(UP, OFF),                PROCESS},
    [FRAME_DATA]     = {data,     SIZES(0, FRAME_MAX),           STAGES(UP, OFF),                PROCESS},
    [FRAME_CREDIT]   = {credit,   EXACTLY(uint32_t),             STAGES(UP, OFF),                PROCESS},
    [FRAME_EXITED]   = {exited,   EXACTLY(struct frame_exited),  STAGES(UP, OFF),                PROCESS},
    [FRAME_WRITTEN]  = {written,  SIZES(0, 0),                   STAGES(OFF, OFF),               MACHINE},
};
/* clang-format on */

/* Is there such a process, and may the guest speak of it? What it has left behind may still write. */
static struct process *process_of(struct machine *m, const struct frame *head)
{
    struct process *p =
        head->process && head->process <= PROCESSES_MAX ? &m->process[head->process] : NULL;

    if (!p || p->state < PROCESS_SPAWNED ||
        (p->state == PROCESS_EXITED && head->type != FRAME_DATA))
        return NULL;
    return p;
}

static int carry_out(struct machine *m, const struct frame *head, const void *payload)
{
    struct heard h = {head, payload, NULL};

    if (head->type >= ARRAY_SIZE(table) || !table[head->type].heard ||
        m->stage < table[head->type].from || m->stage > table[head->type].to ||
        head->size < table[head->type].least || head->size > table[head->type].most)
        return -1;
    if (table[head->type].process && !(h.process = process_of(m, head)))
        return -1;
    return table[head->type].heard(m, &h);
}

void guest_ready(struct machine *m)
{
    const void *payload;
    struct frame head;
    int r;

    if (frames_fill(&m->frames) < 0) {
        m->heard = false;
        return;
    }
    while (!m->broken && !m->over && (r = frames_next(&m->frames, &head, &payload)))
        if ((r < 0 || carry_out(m, &head, payload) < 0) && !m->broken)
            broken(m, EPROTO, "the guest says what it must not say (%u)", r < 0 ? 0 : head.type);
}
