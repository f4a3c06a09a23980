/* SPDX-License-Identifier: Apache-2.0 */
/* What only the stages on the host may do: run a program, open a heavy library. */
#include "core/plugin-parts.h"

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/program.h"

#define OUTPUT_MAX (1u << 20)

/* The program or the library is nothing that the configuration names: who wants it is said, too. */
static int failed(struct call *k)
{
    k->failed = true;
    return fail_prefix(k->err, "plugin %s", k->plugin->d->name);
}

static void tell(struct call *k, const struct program_end *end, struct hozo_run *r)
{
    bool signaled = end->how != PROGRAM_ENDED || WIFSIGNALED(end->status);

    r->status = signaled ? -1 : WEXITSTATUS(end->status);
    r->signal = !signaled ? 0 : end->how != PROGRAM_ENDED ? SIGKILL : WTERMSIG(end->status);
    r->output = k->output.at ? k->output.at : "";
    r->output_size = k->output.length;
}

static unsigned now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* The program's time is the callback's; but who ends the callback has to end the program first. */
static int run_in_time(struct trace *t, struct program *p, struct program_end *end,
                       struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(t, SPAN_PROGRAM, p->path);
    unsigned begin = now_ms(), left = guard_stop(), used;
    bool own_limit = p->timeout && p->timeout < left;
    int r;

    p->timeout = own_limit ? p->timeout : left ? left : 1;
    r = program_run(p, end, err);
    if (!r && end->how == PROGRAM_TIMED_OUT && !own_limit)
        guard_overdue();
    used = now_ms() - begin;
    guard_go(used < left ? left - used : 0);
    return r;
}

int run_program(struct hozo_ctx *ctx, struct hozo_run *theirs)
{
    struct call *k = call_of(ctx);
    struct program program;
    struct program_end end;
    struct hozo_run r = {0};

    if (call_allowed(k, "hozo_run", STAGES_HOST) < 0 ||
        call_take(k, "struct hozo_run", theirs, &r, sizeof r) < 0)
        return -1;
    if (!r.args || !r.args[0] || r.args[0][0] != '/')
        return call_refuse(k, "runs a program without an absolute path");
    text_free(&k->output);
    k->output = (struct text){0};
    program = (struct program){.path = r.args[0],
                               .args = r.args,
                               .env = r.env,
                               .input = r.input,
                               .input_size = r.input_size,
                               .timeout = r.timeout,
                               .interrupt = k->c->interrupt,
                               .output = &k->output,
                               .output_max = OUTPUT_MAX};
    if (run_in_time(k->c->plugins.trace, &program, &end, k->err) < 0)
        return failed(k);
    if (k->output.failed)
        return call_refuse(k, "out of memory");
    tell(k, &end, &r);
    memcpy(theirs, &r, sizeof r);
    return 0;
}

void *run_dlopen(struct hozo_ctx *ctx, const char *library)
{
    auto_span struct trace *span UNUSED = NULL;
    struct call *k = call_of(ctx);
    char real[PATH_MAX];
    void *handle;
    int fd;

    if (call_allowed(k, "hozo_dlopen", STAGES_HOST) < 0)
        return NULL;
    if (library[0] == '/') {
        fd = trust_walk(library, true, real, k->err);
        if (fd < 0) {
            fail_prefix(k->err, "%s", library);
            failed(k);
            return NULL;
        }
        close(fd);
        library = real;
    } else if (strchr(library, '/')) {
        call_refuse(k, "opens a library by a path that is not absolute: %s", library);
        return NULL;
    }
    span = span_begin(k->c->plugins.trace, SPAN_LIBRARY, library);
    if (!(handle = dlopen(library, RTLD_NOW | RTLD_LOCAL))) {
        const char *why = dlerror();

        fail(k->err, 0, NULL, "%s", why ? why : library);
        failed(k);
    }
    return handle;
}
