/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for programs. Arguments by their names: numbers as numbers, bits as arrays of words, slots
 * as
 * "$name", bytes as {"size": 8, "hex": "…"} or, from 17 bytes on, {"size": 300, "fnv": "…"}. A
 * template without late values is a string, any other an array of strings and {"late": "pid"}.
 * Absent strings, lists and bytes are left out.
 */
#include "core/plan-words.h"
#include "core/planner.h"

#include <string.h>

static void json_slot(struct text *out, const struct plan_header *plan, uint64_t slot)
{
    auto_text struct text name = {0};

    plan_slot_name(&name, plan, slot);
    text_json(out, name.at ? name.at : "");
    out->failed |= name.failed;
}

static void json_late(struct text *out, const struct plan_header *plan, uint64_t late)
{
    text_add(out, "{\"late\":");
    text_json(out, plan_string(plan, plan_lates(plan)[late].name));
    text_add(out, "}");
}

static void json_template(struct text *out, const struct plan_header *plan, const char *template)
{
    auto_text struct text part = {0}, parts = {0};
    unsigned n = 0;
    bool plain = true;
    int late;

    while ((late = plan_template_part(&template, &part)) != PART_END) {
        text_add(&parts, "%s", n++ ? "," : "");
        if (late == PART_TEXT) {
            text_json(&parts, part.at ? part.at : "");
            continue;
        }
        plain = false;
        json_late(&parts, plan, (unsigned)late);
    }
    text_add(out, plain ? "%s" : "[%s]", n && parts.at ? parts.at : "\"\"");
    out->failed |= part.failed || parts.failed;
}

static void json_list(struct text *out, const struct plan_header *plan,
                      const struct plan_argument *a)
{
    uint32_t count;
    const char *s = plan_list(plan, a->value, &count);

    text_add(out, "[");
    for (uint32_t i = 0; i < count; i++, s += strlen(s) + 1) {
        text_add(out, "%s", i ? "," : "");
        if (a->type == 'T')
            json_template(out, plan, s);
        else
            text_json(out, s);
    }
    text_add(out, "]");
}

static void json_word(struct text *out, const char *word, unsigned index)
{
    text_add(out, "%s\"%s\"", index ? "," : "", word);
}

static void json_value(struct text *out, const struct plan_header *plan,
                       const struct plan_argument *a)
{
    const void *at;
    uint32_t size;

    switch (a->type) {
    case 's':
        text_json(out, plan_string(plan, a->value));
        break;
    case 't':
        json_template(out, plan, plan_string(plan, a->value));
        break;
    case 'l':
    case 'T':
        json_list(out, plan, a);
        break;
    case 'b':
        at = plan_bytes(plan, a->value, &size);
        text_add(out, "{\"size\":%u,\"%s\":\"", size, size > PLAN_BYTES_SHOWN ? "fnv" : "hex");
        plan_bytes_text(out, at, size);
        text_add(out, "\"}");
        break;
    case 'r':
    case 'w':
        json_slot(out, plan, a->value);
        break;
    case 'L':
        json_late(out, plan, a->value);
        break;
    case 'd':
        text_add(out, "%lld", (long long)a->value);
        break;
    case 'u':
    case 'o':
    case 'x':
        text_add(out, "%llu", (unsigned long long)a->value);
        break;
    default:
        text_add(out, "[");
        plan_words(out, a->type, a->value, json_word);
        text_add(out, "]");
    }
}

static void json_member(struct text *out, const struct plan_header *plan, const char *name,
                        uint32_t string)
{
    if (!string)
        return;
    text_add(out, ",\"%s\":", name);
    text_json(out, plan_string(plan, string));
}

static void json_op(struct text *out, const struct plan_header *plan, const struct plan_op *op)
{
    const char *separator = "";
    struct plan_argument a;

    text_add(out, "{\"op\":\"%s\"", plan_op_info[op->kind].name);
    json_member(out, plan, "owner", op->owner);
    json_member(out, plan, "path", op->path);
    json_member(out, plan, "what", op->what);
    text_add(out, ",\"arguments\":{");
    for (unsigned i = 0; plan_argument(op, i, &a); i++) {
        if (!a.value && strchr("stlTbL", a.type))
            continue;
        text_add(out, "%s\"%.*s\":", separator, a.name_length, a.name);
        json_value(out, plan, &a);
        separator = ",";
    }
    text_add(out, "}}");
}

void plan_print_json(const struct plan_header *plan, struct text *out)
{
    unsigned phase = PHASE_COUNT;

    text_add(out, "{\"version\":%u,\"preserveFds\":%u,\"attachStage\":%s,\"phases\":[",
             plan->version, plan->preserve_fds, plan->flags & PLAN_ATTACH_STAGE ? "true" : "false");
    plan_for_each (op, plan) {
        if (op->phase == phase)
            text_add(out, ",");
        else
            text_add(out, "%s{\"phase\":\"%s\",\"process\":\"%s\",\"operations\":[",
                     phase == PHASE_COUNT ? "" : "]},", plan_phase_name[op->phase],
                     plan_process_name(op->phase));
        phase = op->phase;
        json_op(out, plan, op);
    }
    text_add(out, "%s],\"slots\":[", phase == PHASE_COUNT ? "" : "]}");
    for (uint32_t i = 0; i < plan->n_slots; i++) {
        text_add(out, "%s", i ? "," : "");
        json_slot(out, plan, i);
    }
    text_add(out, "],\"lateValues\":[");
    for (uint32_t i = 0; i < plan->n_lates; i++) {
        text_add(out, "%s", i ? "," : "");
        text_json(out, plan_string(plan, plan_lates(plan)[i].name));
    }
    text_add(out, "]}\n");
}
