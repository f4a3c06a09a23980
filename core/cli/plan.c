/* SPDX-License-Identifier: Apache-2.0 */
/* hozo plan: the plan that create would carry out, made without any privilege or side effect. */
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

int verb_plan(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct create_options o = {0};
    bool as_json = false;
    const char *host = NULL;
    const struct option options[] = {
        {"json", 0, OPTION_FLAG, &as_json, NULL, "for programs, with the host facts"},
        HOST_OPTION(host),
        CREATE_OPTIONS(o),
        {0},
    };
    auto_container struct container c;

    container_init(&c);
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("plan", argc, 0, 1, err) < 0 ||
        compile_load(g, &o, host, argc ? argv[0] : "ID", &c, err) < 0)
        return -1;
    if (compile_create(&c, err) < 0)
        return -1;
    return print(&c, as_json, err);
}
