/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan-words.h"

#include <string.h>

const char *plan_process_name(unsigned phase)
{
    static const char *const name[] = {
        [PROCESS_RUNTIME] = "runtime",
        [PROCESS_STAGE] = "stage",
        [PROCESS_HELPER] = "helper",
        [PROCESS_INSIDE] = "inside",
    };

    return name[plan_phase_process[phase]];
}

bool plan_argument(const struct plan_op *op, unsigned i, struct plan_argument *a)
{
    size_t length = 0;

    a->type = plan_arg_type(plan_op_info[op->kind].signature, i, &a->name, &length);
    if (!a->type)
        return false;
    a->name_length = (int)length;
    a->value = op->arg[i];
    /* What else the arguments of a system call are is told where they stand. */
    if (op->kind == OP_SYSCALL) {
        a->type = plan_op_arg_type(op, i);
        a->value &= i == 2 ? SYSCALL_STRING(0) - 1 : UINT64_MAX;
    }
    return true;
}

void plan_slot_name(struct text *out, const struct plan_header *plan, uint64_t slot)
{
    const struct plan_slot *slots =
        (const struct plan_slot *)(const void *)((const char *)plan + plan->slots_offset);
    const char *name = plan_string(plan, slots[slot].name);
    unsigned number = 1;

    for (uint64_t i = 0; i < slot; i++)
        number += !strcmp(plan_string(plan, slots[i].name), name);
    text_add(out, "$%s", name);
    if (number > 1)
        text_add(out, ".%u", number);
}

void plan_bytes_text(struct text *out, const unsigned char *at, uint32_t size)
{
    uint32_t hash = 2166136261u;

    for (uint32_t i = 0; i < size; i++) {
        if (size <= PLAN_BYTES_SHOWN)
            text_add(out, "%02x", at[i]);
        hash = (hash ^ at[i]) * 16777619u;
    }
    if (size > PLAN_BYTES_SHOWN)
        text_add(out, "%08x", hash);
}

int plan_template_part(const char **template, struct text *part)
{
    const char *s = *template;

    if (!*s)
        return PART_END;
    if (*s == LATE_MARK && s[1] != LATE_MARK) {
        *template = s + 2;
        return s[1] - 'A';
    }
    part->length = 0;
    for (; *s && (*s != LATE_MARK || s[1] == LATE_MARK); s++) {
        if (*s == LATE_MARK)
            s++;
        text_append(part, s, 1);
    }
    *template = s;
    return PART_TEXT;
}
