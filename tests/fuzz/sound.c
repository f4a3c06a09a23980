/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every plan that hozo makes, beyond plan_check(), which holds for every plan that hozo-init
 * takes. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Arguments that may be absent; every other string and template is there. */
static const struct {
    enum plan_kind kind;
    unsigned argument;
} optional[] = {
    {OP_WORK, 1},      /* value */
    {OP_FIND_EXEC, 1}, /* path */
    {OP_MAP, 2},       /* program */
    {OP_MASK, 2},      /* option */
};

static bool may_be_absent(const struct plan_op *op, unsigned argument)
{
    for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
        if (optional[i].kind == op->kind && optional[i].argument == argument)
            return true;
    return false;
}

/* Nobody reads a slot that nobody has filled. That of the root is hozo-init's own where none is made, and
 * exec's `init` the runtime's. */
static void check_slots(const struct plan_header *plan)
{
    auto_free bool *filled = calloc(plan->n_slots + 1, sizeof *filled);

    must(filled);
    for (uint32_t i = 0; i < plan->n_slots; i++) {
        const char *name = plan_string(plan, plan_slots((struct plan_header *)plan)[i].name);

        filled[i] = !strcmp(name, "root") || !strcmp(name, "init");
    }
    plan_for_each (op, plan) {
        char types[PLAN_ARGS_MAX + 1];

        plan_arg_types(op->kind, types);
        for (unsigned i = 0; types[i]; i++) {
            must(types[i] != 'r' || filled[op->arg[i]]);
            must(!strchr("st", types[i]) || op->arg[i] || may_be_absent(op, i));
        }
        for (unsigned i = 0; types[i]; i++)
            if (types[i] == 'w')
                filled[op->arg[i]] = true;
        if (op->kind == OP_CLOSE)
            filled[op->arg[0]] = false;
    }
}

static bool leads_up(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
            return true;
    return false;
}

/* "/a/b": what is compared with names below /proc must be what is mounted on. */
static bool is_clean(const char *path)
{
    size_t length = strlen(path);

    return *path == '/' && !strstr(path, "//") && !strstr(path, "/./") && !leads_up(path) &&
           (length == 1 || (path[length - 1] != '/' && strcmp(path + length - 2, "/.")));
}

/* Nothing but a procfs on /proc (CVE-2019-16884), and below it only what was asked for as such. */
static void check_mount(const struct plan_header *plan, const struct plan_op *op)
{
    const char *target = plan_string(plan, op->arg[1]);
    const char *type = op->kind == OP_MOUNT ? plan_string(plan, op->arg[2]) : "";
    uint64_t how = op->arg[op->kind == OP_MOUNT ? 7 : op->kind == OP_BIND ? 9 : 8];

    must(is_clean(target));
    must(strcmp(target, "/proc") || (op->kind == OP_MOUNT && !strcmp(type, "proc")) ||
         (how & HOW_OF_PROC));
    must(strncmp(target, "/proc/", 6) || (how & HOW_ON_PROC));
}

/* What the runtime makes on the host, and what is written through a procfs, stays below. */
static void check_path(const struct plan_header *plan, const struct plan_op *op)
{
    const char *what = plan_string(plan, op->kind == OP_WORK ? op->arg[0] : 0), *value;

    switch (op->kind) {
    case OP_WORK:
        value = plan_string(plan, op->arg[1]);
        must((strcmp(what, "mkdir") && strcmp(what, "enter")) ||
             (*value == '/' && !leads_up(value)));
        break;
    case OP_WRITE:
        value = plan_string(plan, op->arg[1]);
        must((!strncmp(value, "sys/", 4) || !strncmp(value, "self/attr/", 10)) && !leads_up(value));
        break;
    case OP_MOUNT:
    case OP_BIND:
    case OP_BIND_TREE:
        check_mount(plan, op);
        break;
    case OP_MKDIR:
    case OP_MKNOD:
    case OP_BIND_NODE:
    case OP_SYMLINK:
    case OP_MASK:
    case OP_READONLY:
    case OP_REMOUNT:
        must(*plan_string(plan, op->arg[1]) == '/');
    }
}

void check_paths(const struct plan_header *plan)
{
    plan_for_each (op, plan)
        check_path(plan, op);
}

void check_plan(const struct plan_header *plan)
{
    auto_text struct text people = {0}, programs = {0};
    const struct plan_op *last = plan_ops(plan) + plan->n_ops - 1;
    const char *why = NULL;

    must(!plan_check(plan, plan->size, &why) && !why);
    must(plan->n_ops && last->kind == OP_EXEC);
    check_slots(plan);
    plan_for_each (op, plan) {
        must(op->owner);
        must((op->kind == OP_EXEC) == (op == last));
    }
    plan_print(plan, &people);
    plan_print_json(plan, &programs);
    must(!people.failed && people.at && !memchr(people.at, 0, people.length));
    check_json(&programs);
}
