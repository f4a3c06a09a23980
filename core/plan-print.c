/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for people. A heading for each phase that has operations, and below it one line an
 * operation,
 *
 *     mounts (inside)
 *       mount($root, "/proc", "proc", "proc", set=nosuid|nodev|noexec)    core  mounts[0]
 *
 * with its owner and the JSON path that caused it. $name is a slot; behind "=" stand those that the
 * operation fills. Arguments stand in the order of the table in plan-ops.h: strings, lists, slots
 * and namespaces without a name as far as none is left out before them, all others with theirs.
 * Absent ones and empty bits are left out. A late value stands outside the quotes:
 * "LISTEN_PID="<late: pid>.
 *
 * Of bytes their number is told and, up to 16, their content; of more than 16 the FNV-1a hash of 32
 * bits, so that a change of content is seen.
 */
#include "core/json.h"
#include "core/plan-words.h"
#include "core/planner.h"

#include <string.h>

#define OWNER_COLUMN 64
#define PATH_COLUMN  (OWNER_COLUMN + 8)

static void text_late(struct text *out, const struct plan_header *plan, uint64_t late)
{
    text_add(out, "<late: %s>", plan_string(plan, plan_lates(plan)[late].name));
}

static void text_template(struct text *out, const struct plan_header *plan, const char *template)
{
    auto_text struct text part = {0};
    int late;

    if (!*template)
        text_json(out, "");
    while ((late = plan_template_part(&template, &part)) != PART_END) {
        if (late == PART_TEXT)
            text_json(out, part.at ? part.at : "");
        else
            text_late(out, plan, (unsigned)late);
        out->failed |= part.failed;
    }
}

static void text_list(struct text *out, const struct plan_header *plan,
                      const struct plan_argument *a)
{
    uint32_t count;
    const char *s = plan_list(plan, a->value, &count);

    text_add(out, "[");
    for (uint32_t i = 0; i < count; i++, s += strlen(s) + 1) {
        text_add(out, "%s", i ? ", " : "");
        if (a->type == 'T')
            text_template(out, plan, s);
        else
            text_json(out, s);
    }
    text_add(out, "]");
}

static void text_word(struct text *out, const char *word, unsigned index)
{
    text_add(out, "%s%s", index ? "|" : "", word);
}

static void text_value(struct text *out, const struct plan_header *plan,
                       const struct plan_argument *a)
{
    const void *at;
    uint32_t size;

    switch (a->type) {
    case 's':
        text_json(out, plan_string(plan, a->value));
        break;
    case 't':
        text_template(out, plan, plan_string(plan, a->value));
        break;
    case 'l':
    case 'T':
        text_list(out, plan, a);
        break;
    case 'b':
        at = plan_bytes(plan, a->value, &size);
        text_add(out, "<%u bytes: %s", size, size > PLAN_BYTES_SHOWN ? "fnv " : "");
        plan_bytes_text(out, at, size);
        text_add(out, ">");
        break;
    case 'r':
    case 'w':
        plan_slot_name(out, plan, a->value);
        break;
    case 'L':
        text_late(out, plan, a->value);
        break;
    case 'u':
        text_add(out, "%llu", (unsigned long long)a->value);
        break;
    case 'd':
        text_add(out, "%lld", (long long)a->value);
        break;
    case 'o':
        text_add(out, "0%03llo", (unsigned long long)a->value);
        break;
    case 'x':
        text_add(out, "0x%llx", (unsigned long long)a->value);
        break;
    default:
        if (!a->value)
            text_add(out, "-");
        plan_words(out, a->type, a->value, text_word);
    }
}

static bool named(const struct plan_argument *a, const char *name)
{
    return (size_t)a->name_length == strlen(name) && !memcmp(a->name, name, strlen(name));
}

static void text_arguments(struct text *out, const struct plan_header *plan,
                           const struct plan_op *op)
{
    const char *signature = plan_op_info[op->kind].signature, *separator = "";
    bool only = !plan_arg_type(signature, 1, NULL, NULL), in_order = true;
    struct plan_argument a;

    for (unsigned i = 0; plan_argument(op, i, &a); i++) {
        bool absent = !a.value && (strchr("stlTbL", a.type) || (!only && strchr("xanpch", a.type)));

        if (a.type == 'w')
            continue;
        in_order = in_order && !absent && (only || strchr("stlTrn", a.type));
        if (absent)
            continue;
        text_add(out, "%s", separator);
        if (!in_order)
            text_add(out, "%.*s=", a.name_length, a.name);
        text_value(out, plan, &a);
        separator = ", ";
    }
}

static void text_filled(struct text *out, const struct plan_header *plan, const struct plan_op *op)
{
    const char *separator = " = ";
    struct plan_argument a;

    for (unsigned i = 0; plan_argument(op, i, &a); i++) {
        if (a.type != 'w')
            continue;
        text_add(out, "%s", separator);
        text_value(out, plan, &a);
        separator = ", ";
    }
}

/* Blanks up to a column of the line that starts at `line`; two at least. */
static void column(struct text *out, size_t line, size_t column)
{
    size_t width = out->length - line, blanks = width + 2 < column ? column - width : 2;

    text_add(out, "%*s", (int)blanks, "");
}

/* Member names of config.json reach the JSON path, and may hold anything. */
static void plain(struct text *out, const char *s)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            text_json(out, s);
            return;
        }
    text_append(out, s, strlen(s));
}

static bool is_private(const struct plan_argument *a)
{
    static const char *const names[] = {"env", "state", "value", "options"};

    for (size_t i = 0; strchr("slt", a->type) && i < ARRAY_SIZE(names); i++)
        if (named(a, names[i]))
            return true;
    return false;
}

/* Who reads a trace may be somebody else than who may read the plan. */
void plan_print_call(const struct plan_header *plan, const struct plan_op *op, struct text *out)
{
    const char *separator = "";
    struct plan_argument a;

    text_add(out, "%s(", plan_op_info[op->kind].name);
    for (unsigned i = 0; plan_argument(op, i, &a); i++) {
        if (strchr("Tbw", a.type) || is_private(&a) || (!a.value && strchr("stlTbLxanpch", a.type)))
            continue;
        text_add(out, "%s%.*s=", separator, a.name_length, a.name);
        text_value(out, plan, &a);
        separator = ", ";
    }
    text_add(out, ")");
}

static void text_op(struct text *out, const struct plan_header *plan, const struct plan_op *op)
{
    size_t line = out->length;

    text_add(out, "  %s(", plan_op_info[op->kind].name);
    text_arguments(out, plan, op);
    text_add(out, ")");
    text_filled(out, plan, op);
    column(out, line, OWNER_COLUMN);
    plain(out, op->owner ? plan_string(plan, op->owner) : "-");
    if (op->path) {
        column(out, line, PATH_COLUMN);
        plain(out, plan_string(plan, op->path));
    }
    text_add(out, "\n");
}

void plan_print(const struct plan_header *plan, struct text *out)
{
    unsigned phase = PHASE_COUNT;

    if (plan->flags & PLAN_ATTACH_STAGE)
        text_add(out, "attach-stage\n");
    if (plan->preserve_fds)
        text_add(out, "preserve-fds %u\n", plan->preserve_fds);
    plan_for_each (op, plan) {
        if (op->phase != phase)
            text_add(out, "%s (%s)\n", plan_phase_name[op->phase], plan_process_name(op->phase));
        phase = op->phase;
        text_op(out, plan, op);
    }
}
