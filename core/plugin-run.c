/* SPDX-License-Identifier: Apache-2.0 */
/* What only the stages on the host may do: run a program, open a heavy library. */
#include "core/plugin-parts.h"

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/program.h"

#define OUTPUT_MAX (1u << 20)

static void tell(struct call *k, const struct program_end *end, struct hozo_run *r)
{
    bool signaled = end->how != PROGRAM_ENDED || WIFSIGNALED(end->status);

    r->status = signaled ? -1 : WEXITSTATUS(end->status);
    r->signal = !signaled ? 0 : end->how != PROGRAM_ENDED ? SIGKILL : WTERMSIG(end->status);
    r->output = k->output.at ? k->output.at : "";
    r->output_size = k->output.length;
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
    if (program_run(&program, &end, k->err) < 0) {
        k->failed = true;
        return -1;
    }
    if (k->output.failed)
        return call_refuse(k, "out of memory");
    tell(k, &end, &r);
    memcpy(theirs, &r, sizeof r);
    return 0;
}

void *run_dlopen(struct hozo_ctx *ctx, const char *library)
{
    struct call *k = call_of(ctx);
    char real[PATH_MAX];
    void *handle;
    int fd;

    if (call_allowed(k, "hozo_dlopen", STAGES_HOST) < 0)
        return NULL;
    if (library[0] == '/') {
        fd = trust_walk(library, true, real, k->err);
        if (fd < 0) {
            k->failed = true;
            return NULL;
        }
        close(fd);
        library = real;
    } else if (strchr(library, '/')) {
        call_refuse(k, "opens a library by a path that is not absolute: %s", library);
        return NULL;
    }
    if (!(handle = dlopen(library, RTLD_NOW | RTLD_LOCAL))) {
        const char *why = dlerror();

        k->failed = true;
        fail(k->err, 0, NULL, "plugin %s: %s", k->plugin->d->name, why ? why : library);
    }
    return handle;
}
