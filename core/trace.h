/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --trace FILE: where the time goes, as Trace Event JSON (docs/trace.md). Whoever does something worth a name
 * opens a span, which ends with its scope:
 *
 *     auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_PARSE, NULL);
 *
 * Without a trace that is a comparison with NULL, and nothing else. Every time is one of CLOCK_MONOTONIC.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/error.h"
#include "core/plan.h"
#include "core/sync.h"

struct text;
struct container;

/* The spans of the core: name, what their argument is called, what happens in them. */
/* clang-format off */
#define TRACE_SPANS(SPAN)                                                                          \
    SPAN(PARSE,    "parse",           NULL,      "`config.json` is read and compared with the specification's table") \
    SPAN(FACTS,    "facts",           NULL,      "what the plan needs to know of this host is looked up") \
    SPAN(OPEN,     "open state",      NULL,      "the container is locked, its state and configuration are read") \
    SPAN(COMPILE,  "compile",         NULL,      "a plan is made of the configuration, by the core and the plugins") \
    SPAN(FIND,     "find plugins",    NULL,      "the plugin directories are read")                \
    SPAN(LOAD,     "load",            "file",    "a plugin's file is examined and loaded; also where that fails") \
    SPAN(SERVE,    "assign members",  NULL,      "each member that is present is assigned to who serves it, and checked") \
    SPAN(WRITE,    "write state",     NULL,      "what `delete` will need is written down")        \
    SPAN(SPAWN,    "start hozo-init", NULL,      "until the stage process has been executed")      \
    SPAN(ENTER,    "enter groups",    NULL,      "with cgroup v1: the stage process is put into its control groups") \
    SPAN(BIRTH,    "await process",   NULL,      "until the stage process has told who the inside process is") \
    SPAN(SET_UP,   "set up",          NULL,      "the inside process works, and asks for the runtime's phases") \
    SPAN(ASK,      "await runtime",   "phase",   "on the track of hozo-init: it waits while the runtime does this phase") \
    SPAN(RELEASE,  "start program",   NULL,      "from the word to start until the program runs")  \
    SPAN(READY,    "await readiness", NULL,      "with `NOTIFY_SOCKET`: until the program has said that it is ready") \
    SPAN(WAIT,     "program runs",    NULL,      "`run` and `exec` in the foreground: until the program has ended") \
    SPAN(END,      "end processes",   NULL,      "what is left of the container's processes is killed") \
    SPAN(REMOVE,   "remove state",    NULL,      "the container is forgotten")                     \
    SPAN(HOOK,     "hook",            "path",    "a hook of the kinds `poststart` and `poststop`") \
    SPAN(PROGRAM,  "program",         "path",    "within a callback: the plugin has a program run") \
    SPAN(LIBRARY,  "library",         "file",    "within a callback: the plugin has a library loaded")
/* clang-format on */

enum trace_span {
#define SPAN(id, name, argument, what) SPAN_##id,
    TRACE_SPANS(SPAN)
#undef SPAN
        SPAN_COUNT
};

/* Categories: whose time it is. */
#define TRACE_CORE      "core"
#define TRACE_PLUGIN    "plugin"
#define TRACE_PHASE     "phase"
#define TRACE_OPERATION "operation"

struct trace {
    int fd;              /* -1: in memory only */
    int pid;             /* of this process */
    uint64_t size;       /* of what is in the file, without the bracket that closes it */
    struct text *memory; /* all of it once more; NULL: not wanted */
    bool begun;          /* an event is there */
    int failed;          /* why the file takes no more: an errno, or 0 */
};

/* The file is the caller's own, and a regular one; what was in it is gone. `name`: of the span around all
 * others. */
int trace_open(struct trace *t, const char *file, const char *name, struct error *err);
/* The same without a file. */
void trace_remember(struct trace *t, struct text *memory, const char *name);
/* Ends that span. `failed`: why the verb did, or NULL. True if the file is complete. */
bool trace_close(struct trace *t, const struct error *failed);

/* Nanoseconds. */
uint64_t trace_now(void);

/* --- spans of this process ------------------------------------------------------------------------ */

struct trace *trace_begin_span(struct trace *t, enum trace_span span, const char *value);
struct trace *trace_begin_callback(struct trace *t, const char *plugin, const char *callback);
struct trace *trace_begin_phase(struct trace *t, unsigned phase);
struct trace *trace_begin_operation(struct trace *t, const struct plan_header *plan,
                                    const struct plan_op *op);
void trace_end_span(struct trace *t);

#define span_begin(t, span, argument)  ((t) ? trace_begin_span(t, span, argument) : NULL)
#define span_callback(t, plugin, name) ((t) ? trace_begin_callback(t, plugin, name) : NULL)
#define span_phase(t, phase)           ((t) ? trace_begin_phase(t, phase) : NULL)
#define span_operation(t, plan, op)    ((t) ? trace_begin_operation(t, plan, op) : NULL)

static inline void span_end(struct trace **t)
{
    if (*t)
        trace_end_span(*t);
    *t = NULL;
}
#define auto_span __attribute__((cleanup(span_end)))

/* The same for a span of which only its end shows whose it was. */
void trace_end_for(struct trace *t, const char *plugin);

static inline void span_end_for(struct trace **t, const char *plugin)
{
    if (*t)
        trace_end_for(*t, plugin);
    *t = NULL;
}

/* --- spans of hozo-init --------------------------------------------------------------------------- */

/* One that is over, of the process that the phase belongs to. */
void trace_add_phase(struct trace *t, unsigned phase, uint64_t begin, uint64_t end);
void trace_add_operation(struct trace *t, const struct plan_header *plan, const struct plan_op *op,
                         uint64_t begin, uint64_t end);
void trace_add_wait(struct trace *t, const char *phase, uint64_t begin, uint64_t end);

/*
 * The table in which hozo-init notes times (core/sync.h), and what was told of it. By then the container may have
 * written to it: nothing is believed but two numbers a row, and those only within the time that has gone by.
 */
struct times {
    int fd;         /* -1: not traced */
    bool helper;    /* of its operations */
    uint64_t since; /* no row is older */
    int64_t ahead;  /* by how much CLOCK_REALTIME is ahead of CLOCK_MONOTONIC */
};
#define TIMES_INIT ((struct times){.fd = -1})

/* The descriptor belongs to *x from now on. */
void times_begin(struct times *x, int fd);
static inline void times_close(struct times *x)
{
    cleanup_close(&x->fd);
    x->fd = -1;
}
#define auto_times __attribute__((cleanup(times_close)))
/* Puts all rows of this plan into the trace, and closes the table. What has no end yet ends now. */
void times_tell(struct times *x, const struct plan_header *plan, struct trace *t);

/* --- as a table ----------------------------------------------------------------------------------- */

struct json;
int trace_print(const struct json *trace, struct text *out, struct error *err);

#endif
