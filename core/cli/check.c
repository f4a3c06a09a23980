/* SPDX-License-Identifier: Apache-2.0 */
/* hozo check: who serves each member of a configuration, and whether create would be tried. */
#include "core/cli/create-options.h"
#include "core/compile.h"

static int check(struct container *c, bool strict, struct error *err)
{
    auto_text struct text table = {0};
    struct error why = {0};
    int r = compile_create(c, &why);

    if (plugins_explain(c, strict, &why, &table, err) < 0 || output(&table, err) < 0)
        return -1;
    *err = why;
    return r < 0 || why.text[0] ? -1 : 0;
}

int verb_check(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct create_options o = {0};
    bool strict = false;
    const char *host = NULL;
    const struct option options[] = {
        {"strict", 0, OPTION_FLAG, &strict, NULL, "refuse members that no specification has"},
        HOST_OPTION(host),
        CREATE_OPTIONS(o),
        {0},
    };
    auto_container struct container c;

    container_init(&c);
    if (options_parse(options, &argc, &argv, err) < 0 ||
        arguments_expect("check", argc, 0, 1, err) < 0 ||
        compile_load(g, &o, host, argc ? argv[0] : "ID", &c, err) < 0)
        return -1;
    return check(&c, strict, err);
}
