/* SPDX-License-Identifier: Apache-2.0 */
/* hozo plan: the plan that create would carry out, made without any privilege or side effect. */
#include <fcntl.h>

#include "core/cli/create-options.h"
#include "core/compile.h"

static int print(const struct container *c, bool as_json, struct error *err)
{
    auto_text struct text out = {0};

    if (as_json) {
        text_add(&out, "{\"host\":");
        text_json_tree(&out, &c->facts, c->facts.root);
        text_add(&out, ",\"plan\":");
        plan_print_json(c->plan, &out);
        if (c->guest) {
            text_add(&out, ",\"guest\":");
            plan_print_json(c->guest, &out);
        }
        text_add(&out, "}\n");
    } else {
        plan_print(c->plan, &out);
        if (c->guest) {
            text_add(&out, "\nin the virtual machine:\n");
            plan_print(c->guest, &out);
        }
    }
    if (out.failed)
        return fail_memory(err);
    fwrite(out.at, 1, out.length, stdout);
    return 0;
}

typedef int printer(const struct container *c, bool as_json, struct error *err);

static int compile(const struct globals *g, const struct create_options *o, const char *host,
                   const char *id, printer *then, bool as_json, struct error *err)
{
    auto_container struct container c;

    container_init(&c);
    if (compile_load(g, o, host, id, &c, err) < 0 || compile_create(&c, err) < 0)
        return -1;
    return then ? then(&c, as_json, err) : 0;
}

/* A trace is a file of JSON at any time, also this one while it is written. */
static int print_times(const char *file, struct text *memory, struct error *err)
{
    auto_json struct json trace = {0};
    auto_text struct text out = {0};

    if (memory) {
        text_add(memory, "]");
        if (memory->failed)
            return fail_memory(err);
    }
    if ((memory ? json_parse(&trace, "trace", memory->at, memory->length, err)
                : json_read(&trace, AT_FDCWD, file, err)) < 0)
        return -1;
    if (trace_print(&trace, &out, err) < 0)
        return fail_prefix(err, "%s", file ? file : "trace");
    return output(&out, err);
}

static int time_compiling(const struct globals *g, const struct create_options *o, const char *host,
                          const char *id, struct error *err)
{
    auto_text struct text memory = {0};
    struct globals traced = *g;
    struct trace own;

    if (!g->trace) {
        trace_remember(&own, &memory, "plan");
        traced.trace = &own;
    }
    if (compile(&traced, o, host, id, NULL, false, err) < 0)
        return -1;
    return print_times(g->trace_file, g->trace ? NULL : &memory, err);
}

int verb_plan(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct create_options o = {0};
    bool as_json = false, time = false;
    const char *host = NULL, *recorded = NULL;
    const struct option options[] = {
        {"json", 0, OPTION_FLAG, &as_json, NULL, "for programs, with the host facts"},
        {"time", 0, OPTION_FLAG, &time, NULL, "print how long it takes to make the plan"},
        {"recorded", 0, OPTION_STRING, &recorded, "FILE", "with --time: what --trace has written"},
        HOST_OPTION(host),
        CREATE_OPTIONS(o),
        {0},
    };

    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("plan", argc, 0, 1, err) < 0)
        return -1;
    if (time && as_json)
        return fail(err, 0, NULL, "plan: --json has no meaning with --time: see --trace");
    if (recorded && !time)
        return fail(err, 0, NULL, "plan: --recorded needs --time");
    if (recorded)
        return print_times(recorded, NULL, err);
    if (time)
        return time_compiling(g, &o, host, argc ? argv[0] : "ID", err);
    return compile(g, &o, host, argc ? argv[0] : "ID", print, as_json, err);
}
