/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams: pipes, or both directions of a terminal; as much at a time as the receiver has allowed. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "plugins/vm/agent/process.h"

/* No terminal holds more that is not yet read. */
#define TERMINAL_HOLDS (128u << 10)
/* Smaller credits are saved up. */
#define CREDIT_LEAST (STREAM_WINDOW / 8)

/* --- to the process -------------------------------------------------------------------------------- */

/* Nobody reads any more. What still comes is thrown away, but no more is asked for. */
static void input_close(struct process *p)
{
    struct input *in = &p->input;

    watch_close(p->agent, &in->watch);
    in->closed = true;
    if (in->ring)
        munmap(in->ring, STREAM_WINDOW);
    in->ring = NULL;
    in->filled = 0;
}

/* Behind EXITED nothing is asked for: what is still read then was left by others. */
static void give_credit(struct process *p)
{
    struct input *in = &p->input;

    if (!in->consumed || in->ended || p->told || (in->filled && in->consumed < CREDIT_LEAST))
        return;
    agent_send(p->agent, FRAME_CREDIT, STREAM_STDIN, p->number, &in->consumed, sizeof in->consumed);
    in->granted += in->consumed;
    in->consumed = 0;
}

/* As much as fits. The end of what is typed at a terminal is no end of the terminal. */
static void input_flush(struct process *p)
{
    struct input *in = &p->input;

    while (in->watch.fd >= 0 && in->filled) {
        size_t run = STREAM_WINDOW - in->start;
        ssize_t n = write(in->watch.fd, in->ring + in->start, in->filled < run ? in->filled : run);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            input_close(p);
            return;
        }
        in->start = (in->start + (size_t)n) % STREAM_WINDOW;
        in->filled -= (size_t)n;
        in->consumed += (uint32_t)n;
    }
    give_credit(p);
    if (in->watch.fd >= 0 && in->ended && !in->filled && !p->spawn.terminal)
        input_close(p);
}

static void input_ready(struct agent *a, struct watch *w)
{
    (void)a;
    process_refresh(w->process);
}

void input_open(struct process *p, int fd)
{
    p->input.watch = (struct watch){.fd = fd, .process = p, .ready = input_ready};
}

/* Memory only for those to whom something is sent. */
static int open_ring(struct input *in)
{
    void *at;

    if (in->ring)
        return 0;
    at = mmap(NULL, STREAM_WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    in->ring = at == MAP_FAILED ? NULL : at;
    return in->ring ? 0 : -1;
}

int input_take(struct process *p, const void *bytes, size_t size)
{
    struct input *in = &p->input;
    size_t end, run;

    if (in->ended || size > in->granted)
        return -1;
    in->ended = !size;
    in->granted -= (uint32_t)size;
    if (!size || in->closed)
        return 0;
    if (open_ring(in) < 0)
        return -1;
    end = (in->start + in->filled) % STREAM_WINDOW;
    run = STREAM_WINDOW - end < size ? STREAM_WINDOW - end : size;
    memcpy(in->ring + end, bytes, run);
    memcpy(in->ring, (const char *)bytes + run, size - run);
    in->filled += size;
    return 0;
}

/* --- from the process ------------------------------------------------------------------------------ */

static void output_end(struct process *p, unsigned i)
{
    struct output *out = &p->output[i];

    watch_close(p->agent, &out->watch);
    agent_send(p->agent, FRAME_DATA, (uint8_t)(STREAM_STDOUT + i), p->number, NULL, 0);
    out->owed = 0;
    out->ended = true;
}

void output_stop(struct process *p, unsigned stream)
{
    if (p->output[stream].watch.fd >= 0 && !p->spawn.terminal)
        output_end(p, stream);
}

/* One frame. false: there is nothing now, or nothing may be sent. */
static bool output_pump(struct process *p, unsigned i)
{
    struct output *out = &p->output[i];
    size_t most = out->credit < FRAME_MAX ? out->credit : FRAME_MAX;
    char bytes[FRAME_MAX];
    ssize_t n;

    if (out->watch.fd < 0 || !most || !frames_room(&p->agent->port))
        return false;
    while ((n = read(out->watch.fd, bytes, most)) < 0 && errno == EINTR)
        ;
    if (n < 0 && errno == EAGAIN) {
        out->owed = 0;
        return false;
    }
    if (n <= 0) { /* EIO: nobody has the other side of the terminal open */
        output_end(p, i);
        return false;
    }
    agent_send(p->agent, FRAME_DATA, (uint8_t)(STREAM_STDOUT + i), p->number, bytes, (size_t)n);
    out->credit -= (uint32_t)n;
    out->owed -= out->owed < (size_t)n ? out->owed : (size_t)n;
    return true;
}

static void output_ready(struct agent *a, struct watch *w)
{
    struct process *p = w->process;

    (void)a;
    /* Something else of this turn has told its end: nothing may follow that. */
    if (p->gone)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++)
        if (w == &p->output[i].watch)
            output_pump(p, i);
    process_refresh(p);
}

void output_open(struct process *p, unsigned stream, int fd)
{
    p->output[stream].watch = (struct watch){.fd = fd, .process = p, .ready = output_ready};
}

void output_credit(struct process *p, unsigned stream, uint32_t bytes)
{
    uint32_t *credit = &p->output[stream].credit;

    *credit = bytes > UINT32_MAX - *credit ? UINT32_MAX : *credit + bytes;
}

void outputs_owe(struct process *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++) {
        struct output *out = &p->output[i];
        int there = 0;

        if (out->watch.fd < 0)
            continue;
        if (!p->spawn.terminal && ioctl(out->watch.fd, FIONREAD, &there) < 0)
            there = 0;
        out->owed = p->spawn.terminal ? TERMINAL_HOLDS : (size_t)there;
    }
}

bool outputs_paid(struct process *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++)
        if (p->output[i].owed)
            return false;
    return true;
}

bool outputs_ended(const struct process *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++)
        if (p->output[i].watch.fd >= 0)
            return false;
    return true;
}

/* --- both ------------------------------------------------------------------------------------------ */

void streams_refresh(struct process *p)
{
    input_flush(p);
    watch_for(p->agent, &p->input.watch, p->input.filled ? EPOLLOUT : 0);
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++) {
        struct output *out = &p->output[i];

        while (out->owed && output_pump(p, i))
            ;
        watch_for(p->agent, &out->watch, out->credit && frames_room(&p->agent->port) ? EPOLLIN : 0);
    }
}

void streams_close(struct process *p)
{
    input_close(p);
    for (unsigned i = 0; i < ARRAY_SIZE(p->output); i++)
        watch_close(p->agent, &p->output[i].watch);
}
