/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each event is written as it happens, in one write together with the bracket that ends the array; the next one
 * overwrites that. So the file is JSON at any time, also when hozo has been killed.
 */
#include "core/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/container.h"
#include "core/json.h"

#define HEAD "["
#define TAIL "\n]\n"

static const struct {
    const char *name, *argument;
} spans[SPAN_COUNT] = {
#define SPAN(id, name, argument, what) [SPAN_##id] = {name, argument},
    TRACE_SPANS(SPAN)
#undef SPAN
};

uint64_t trace_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- the file ----------------------------------------------------------------------------------- */

/* What does not fit is taken back: what is there stays JSON. */
static void give_up(struct trace *t)
{
    ssize_t written UNUSED;

    t->failed = errno ? errno : EIO;
    if (!ftruncate(t->fd, (off_t)t->size))
        written = pwrite(t->fd, TAIL, strlen(TAIL), (off_t)t->size);
}

static void put(struct trace *t, struct text *event)
{
    size_t length = event->length;

    if (t->memory)
        text_append(t->memory, event->at ? event->at : "", length);
    text_add(event, TAIL);
    if (t->fd < 0 || t->failed)
        return;
    errno = 0;
    if (event->failed ||
        pwrite(t->fd, event->at, event->length, (off_t)t->size) != (ssize_t)event->length) {
        give_up(t);
        return;
    }
    t->size += length;
}

/* The tracks are those of the plan's processes; no track of a trace viewer has the number 0. */
static void event(const struct trace *t, struct text *out, char type, unsigned process,
                  uint64_t when)
{
    text_add(out, "%s\n{\"ph\":\"%c\",\"pid\":%d,\"tid\":%u,\"ts\":%llu.%03u", t->begun ? "," : "",
             type, t->pid, process + 1, (unsigned long long)(when / 1000), (unsigned)(when % 1000));
}

static void label(struct text *out, const char *category, const char *name)
{
    text_add(out, ",\"cat\":\"%s\",\"name\":", category);
    text_json(out, name);
    text_add(out, ",\"args\":{");
}

static void argument(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_add(out, "%s\"%s\":", out->at && out->at[out->length - 1] == '{' ? "" : ",", name);
    text_json(out, value);
}

static void finish(struct trace *t, struct text *out)
{
    text_add(out, "}}");
    put(t, out);
    t->begun = true;
}

static void name_track(struct trace *t, unsigned process, const char *what, const char *name)
{
    auto_text struct text out = {0};

    event(t, &out, 'M', process, 0);
    label(&out, "__metadata", what);
    argument(&out, "name", name);
    finish(t, &out);
}

/* The first events: who is who, and the span around all others. */
static void begin(struct trace *t, const char *name)
{
    auto_text struct text head = {0}, out = {0};

    text_add(&head, HEAD);
    t->pid = (int)getpid();
    put(t, &head);
    name_track(t, PROCESS_RUNTIME, "process_name", "hozo");
    name_track(t, PROCESS_RUNTIME, "thread_name", "runtime");
    name_track(t, PROCESS_STAGE, "thread_name", "hozo-init: stage process");
    name_track(t, PROCESS_HELPER, "thread_name", "hozo-init: helper");
    name_track(t, PROCESS_INSIDE, "thread_name", "hozo-init: inside process");
    event(t, &out, 'B', PROCESS_RUNTIME, trace_now());
    label(&out, TRACE_CORE, name);
    finish(t, &out);
}

/* Somebody else's file is not written to, wherever a link leads. */
static int own_file(int fd, struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fail(err, errno, NULL, "stat");
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return fail(err, 0, NULL, "it is not a regular file with one name");
    if (st.st_uid != geteuid())
        return fail(err, 0, NULL, "it belongs to somebody else");
    return ftruncate(fd, 0) < 0 ? fail(err, errno, NULL, "truncate") : 0;
}

int trace_open(struct trace *t, const char *file, const char *name, struct error *err)
{
    *t = (struct trace){
        .fd =
            open(file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600)};
    if (t->fd < 0)
        return fail(err, errno, NULL, "open trace file %s", file);
    if (own_file(t->fd, err) < 0) {
        close(steal_fd(t->fd));
        return fail_prefix(err, "trace file %s", file);
    }
    begin(t, name);
    if (!t->failed)
        return 0;
    close(steal_fd(t->fd));
    return fail(err, t->failed, NULL, "write trace file %s", file);
}

void trace_remember(struct trace *t, struct text *memory, const char *name)
{
    *t = (struct trace){.fd = -1, .memory = memory};
    begin(t, name);
}

bool trace_close(struct trace *t, const struct error *failed)
{
    auto_text struct text out = {0};
    char why[sizeof failed->path + sizeof failed->text + 256];

    event(t, &out, 'E', PROCESS_RUNTIME, trace_now());
    text_add(&out, ",\"args\":{");
    if (failed) {
        error_format(failed, why, sizeof why);
        argument(&out, "error", why);
    }
    finish(t, &out);
    if (t->memory)
        text_add(t->memory, TAIL);
    cleanup_close(&t->fd);
    t->fd = -1;
    return !t->failed;
}

/* --- spans of this process ------------------------------------------------------------------------ */

struct trace *trace_begin_span(struct trace *t, enum trace_span span, const char *value)
{
    auto_text struct text out = {0};

    event(t, &out, 'B', PROCESS_RUNTIME, trace_now());
    label(&out, TRACE_CORE, spans[span].name);
    if (spans[span].argument)
        argument(&out, spans[span].argument, value);
    finish(t, &out);
    return t;
}

struct trace *trace_begin_callback(struct trace *t, const char *plugin, const char *callback)
{
    auto_text struct text out = {0}, name = {0};

    event(t, &out, 'B', PROCESS_RUNTIME, trace_now());
    text_add(&name, "%s: %s", plugin, callback);
    label(&out, TRACE_PLUGIN, name.at ? name.at : plugin);
    argument(&out, "plugin", plugin);
    argument(&out, "callback", callback);
    finish(t, &out);
    return t;
}

static void end(struct trace *t, const char *plugin)
{
    auto_text struct text out = {0};

    event(t, &out, 'E', PROCESS_RUNTIME, trace_now());
    text_add(&out, ",\"args\":{");
    argument(&out, "plugin", plugin);
    finish(t, &out);
}

void trace_end_span(struct trace *t)
{
    end(t, NULL);
}

void trace_end_for(struct trace *t, const char *plugin)
{
    end(t, plugin);
}

/* --- phases and operations ------------------------------------------------------------------------ */

static void label_operation(struct text *out, const struct plan_header *plan,
                            const struct plan_op *op)
{
    auto_text struct text call = {0};

    label(out, TRACE_OPERATION, plan_op_info[op->kind].name);
    argument(out, "phase", plan_phase_name[op->phase]);
    argument(out, "owner", op->owner ? plan_string(plan, op->owner) : NULL);
    argument(out, "path", plan_string(plan, op->path));
    plan_print_call(plan, op, &call);
    argument(out, "call", call.at);
    text_add(out, ",\"number\":%u", (unsigned)(op - plan_ops(plan)));
}

struct trace *trace_begin_phase(struct trace *t, unsigned phase)
{
    auto_text struct text out = {0};

    event(t, &out, 'B', PROCESS_RUNTIME, trace_now());
    label(&out, TRACE_PHASE, plan_phase_name[phase]);
    finish(t, &out);
    return t;
}

struct trace *trace_begin_operation(struct trace *t, const struct plan_header *plan,
                                    const struct plan_op *op)
{
    auto_text struct text out = {0};

    event(t, &out, 'B', PROCESS_RUNTIME, trace_now());
    label_operation(&out, plan, op);
    finish(t, &out);
    return t;
}

static void whole(const struct trace *t, struct text *out, unsigned process, uint64_t begin,
                  uint64_t end)
{
    event(t, out, 'X', process, begin);
    text_add(out, ",\"dur\":%llu.%03u", (unsigned long long)((end - begin) / 1000),
             (unsigned)((end - begin) % 1000));
}

void trace_add_phase(struct trace *t, unsigned phase, uint64_t begin, uint64_t end)
{
    auto_text struct text out = {0};

    whole(t, &out, plan_phase_process[phase], begin, end);
    label(&out, TRACE_PHASE, plan_phase_name[phase]);
    finish(t, &out);
}

void trace_add_operation(struct trace *t, const struct plan_header *plan, const struct plan_op *op,
                         uint64_t begin, uint64_t end)
{
    auto_text struct text out = {0};

    whole(t, &out, plan_phase_process[op->phase], begin, end);
    label_operation(&out, plan, op);
    finish(t, &out);
}

void trace_add_wait(struct trace *t, const char *phase, uint64_t begin, uint64_t end)
{
    auto_text struct text out = {0};

    whole(t, &out, PROCESS_INSIDE, begin, end);
    label(&out, TRACE_CORE, spans[SPAN_ASK].name);
    argument(&out, spans[SPAN_ASK].argument, phase);
    finish(t, &out);
}
