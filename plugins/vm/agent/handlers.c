/* SPDX-License-Identifier: Apache-2.0 */
/* What the frames of the monitor do. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "plugins/vm/agent/process.h"

/* -1: it must not come, or not now. */
typedef int handler(struct agent *a, const struct frame *head, const void *payload);

static int take_record(struct agent *a, const struct frame *head, const void *payload)
{
    return records_add(&a->records, payload, head->size);
}

static int set_up(struct agent *a, const struct frame *head, const void *payload)
{
    struct problem why;

    (void)head, (void)payload;
    if (records_carry_out(a, &why) < 0) {
        a->broken = true;
        agent_send(a, FRAME_BROKEN, 0, 0, why.text, why.size);
        return 0;
    }
    a->up = true;
    agent_send(a, FRAME_UP, 0, 0, NULL, 0);
    return 0;
}

static int take_plan(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);

    if (!head->process || !head->size || (p && p->spawned) ||
        (!p && !(p = process_new(a, head->process))) || PLAN_SIZE_MAX - p->plan_size < head->size)
        return -1;
    if (write(p->plan_fd, payload, head->size) != (ssize_t)head->size)
        return -1;
    p->plan_size += head->size;
    return 0;
}

static int spawn(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);

    if (!p || p->spawned)
        return -1;
    memcpy(&p->spawn, payload, sizeof p->spawn);
    process_spawn(p);
    process_refresh(p);
    return 0;
}

/* A process may have ended that the other side does not know of yet: for the following that is no mistake. */

static int start(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);

    (void)payload;
    return p && !p->exited ? process_start(p) : 0;
}

static int take_data(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);

    if (head->stream > STREAM_STDERR || (head->stream != STREAM_STDIN && head->size))
        return -1;
    if (p && head->stream != STREAM_STDIN)
        output_stop(p, head->stream - STREAM_STDOUT);
    else if (p && input_take(p, payload, head->size) < 0)
        return -1;
    if (p)
        process_refresh(p);
    return 0;
}

static int take_credit(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);
    uint32_t bytes;

    if (head->stream != STREAM_STDOUT && head->stream != STREAM_STDERR)
        return -1;
    memcpy(&bytes, payload, sizeof bytes);
    if (p) {
        output_credit(p, head->stream - STREAM_STDOUT, bytes);
        process_refresh(p);
    }
    return 0;
}

static int pass_signal(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);
    uint32_t number;

    memcpy(&number, payload, sizeof number);
    if (number < 1 || number > 64)
        return -1;
    if (!head->process)
        signal_all((int)number);
    else if (p)
        process_signal(p, (int)number);
    return 0;
}

static int resize(struct agent *a, const struct frame *head, const void *payload)
{
    struct process *p = process_find(a, head->process);
    uint16_t size[2];

    memcpy(size, payload, sizeof size);
    if (!p)
        return 0;
    p->spawn.rows = size[0];
    p->spawn.columns = size[1];
    if (p->spawn.terminal && p->output[0].watch.fd >= 0)
        ioctl(p->output[0].watch.fd, TIOCSWINSZ,
              &(struct winsize){.ws_row = size[0], .ws_col = size[1]});
    return 0;
}

static int off(struct agent *a, const struct frame *head, const void *payload)
{
    (void)head, (void)payload;
    power_off(a, true);
}

#define SETTING 1u /* until all records are there */
#define UP      2u
#define BROKEN  4u

/* clang-format off */
static const struct {
    handler *handle;
    unsigned when;
    size_t least, most; /* bytes */
} handlers[] = {
    [FRAME_RECORD] = {take_record, SETTING,               1, FRAME_MAX},
    [FRAME_SET_UP] = {set_up,      SETTING,               0, 0},
    [FRAME_PLAN]   = {take_plan,   UP,                    1, FRAME_MAX},
    [FRAME_SPAWN]  = {spawn,       UP,                    sizeof(struct frame_spawn), sizeof(struct frame_spawn)},
    [FRAME_START]  = {start,       UP,                    0, 0},
    [FRAME_DATA]   = {take_data,   UP,                    0, FRAME_MAX},
    [FRAME_CREDIT] = {take_credit, UP,                    sizeof(uint32_t), sizeof(uint32_t)},
    [FRAME_SIGNAL] = {pass_signal, UP,                    sizeof(uint32_t), sizeof(uint32_t)},
    [FRAME_RESIZE] = {resize,      UP,                    2 * sizeof(uint16_t), 2 * sizeof(uint16_t)},
    [FRAME_OFF]    = {off,         SETTING | UP | BROKEN, 0, 0},
};
/* clang-format on */

int agent_handle(struct agent *a, const struct frame *head, const void *payload)
{
    unsigned now = a->broken ? BROKEN : a->up ? UP : SETTING;

    if (head->type >= ARRAY_SIZE(handlers) || !(handlers[head->type].when & now) ||
        head->size < handlers[head->type].least || head->size > handlers[head->type].most)
        return -1;
    return handlers[head->type].handle(a, head, payload);
}
