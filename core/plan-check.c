/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of plan-ops.h, and the check that lets everyone else read a plan without fear. */
#include "core/plan.h"

#include <string.h>

const struct plan_op_info plan_op_info[OP_COUNT] = {
#define OP(id, name, signature) [OP_##id] = {name, signature},
    PLAN_OPS(OP)
#undef OP
};

const char *const plan_phase_name[PHASE_COUNT] = {
#define PHASE(id, name, process, what) [PHASE_##id] = name,
    PLAN_PHASES(PHASE)
#undef PHASE
};

const uint8_t plan_phase_process[PHASE_COUNT] = {
#define PHASE(id, name, process, what) [PHASE_##id] = PROCESS_##process,
    PLAN_PHASES(PHASE)
#undef PHASE
};

const char *const plan_step_name[STEP_COUNT] = {
#define STEP(id, text) [STEP_##id] = text,
    PLAN_STEPS(STEP)
#undef STEP
};

char plan_arg_type(const char *signature, unsigned i, const char **name, size_t *name_len)
{
    const char *s = signature;

    while (i-- && *s) {
        while (*s && *s != ' ')
            s++;
        while (*s == ' ')
            s++;
    }
    if (!*s)
        return 0;
    if (name) {
        *name = s + 2;
        *name_len = strcspn(s + 2, " ");
    }
    return *s;
}

void plan_arg_types(unsigned kind, char types[PLAN_ARGS_MAX + 1])
{
    const char *s = plan_op_info[kind].signature;
    unsigned n = 0;

    memset(types, 0, PLAN_ARGS_MAX + 1);
    while (*s && n < PLAN_ARGS_MAX) {
        types[n++] = *s;
        while (*s && *s++ != ' ')
            ;
    }
}

char plan_op_arg_type(const struct plan_op *op, unsigned i)
{
    char type = plan_arg_type(plan_op_info[op->kind].signature, i, NULL, NULL);
    unsigned n = i - SYSCALL_ARGS;

    if (op->kind != OP_SYSCALL || i < SYSCALL_ARGS || !type)
        return type;
    if (op->arg[2] & SYSCALL_SLOT(n))
        return 'r';
    return op->arg[2] & (SYSCALL_STRING(n) | SYSCALL_NUMBER(n)) ? 'L' : type;
}

int64_t plan_op_fills(const struct plan_op *op)
{
    for (unsigned i = 0; i < PLAN_ARGS_MAX; i++)
        if (plan_op_arg_type(op, i) == 'w')
            return (int64_t)op->arg[i];
    return -1;
}

struct check {
    const char *buf;
    size_t size, data; /* strings and bytes lie in [data, size) */
    uint32_t n_slots, n_lates;
};

static bool string_ok(const struct check *c, uint64_t offset)
{
    return !offset ||
           (offset >= c->data && offset < c->size && memchr(c->buf + offset, 0, c->size - offset));
}

static bool template_ok(const struct check *c, const char *s)
{
    for (; *s; s++) {
        if (*s != LATE_MARK)
            continue;
        s++;
        if (*s != LATE_MARK && (*s < 'A' || (unsigned)(*s - 'A') >= c->n_lates))
            return false;
    }
    return true;
}

static bool bytes_ok(const struct check *c, uint64_t arg)
{
    uint64_t offset = arg >> 32, length = (uint32_t)arg;

    return !arg || (offset >= c->data && offset <= c->size && length <= c->size - offset);
}

static bool late_ok(const struct check *c, const struct plan_late *late)
{
    /* Bytes end with a NUL as well: whoever takes them for a text stays within the plan. */
    return string_ok(c, late->value) &&
           (!late->size || (late->value && bytes_ok(c, (uint64_t)late->value << 32 | late->size)));
}

static bool list_ok(const struct check *c, uint64_t arg, bool templates)
{
    uint64_t offset = arg >> 32;

    if (!arg)
        return true;
    for (uint32_t n = (uint32_t)arg; n; n--) {
        if (!offset || !string_ok(c, offset) || (templates && !template_ok(c, c->buf + offset)))
            return false;
        offset += strlen(c->buf + offset) + 1;
    }
    return offset >= c->data && offset <= c->size;
}

static bool arg_ok(const struct check *c, char type, uint64_t arg)
{
    switch (type) {
    case 's':
        return string_ok(c, arg);
    case 't':
        return string_ok(c, arg) && (!arg || template_ok(c, c->buf + arg));
    case 'l':
    case 'T':
        return list_ok(c, arg, type == 'T');
    case 'b':
        return bytes_ok(c, arg);
    case 'r':
    case 'w':
        return arg < c->n_slots;
    case 'L':
        return arg < c->n_lates;
    default: /* numbers of every kind; behind the last argument all is zero */
        return type || !arg;
    }
}

/* An argument is at most one of these, and a pointer lies within the memory. */
static bool syscall_ok(const struct plan_op *op)
{
    uint64_t how = op->arg[2], all = 0;

    for (unsigned i = 0; i < 6; i++) {
        uint64_t mine =
            SYSCALL_POINTER(i) | SYSCALL_STRING(i) | SYSCALL_NUMBER(i) | SYSCALL_SLOT(i);

        all |= mine;
        if ((how & mine) & ((how & mine) - 1))
            return false;
        if (how & SYSCALL_POINTER(i) && op->arg[SYSCALL_ARGS + i] > (uint32_t)op->arg[3])
            return false;
    }
    return !(how & ~all);
}

static bool op_ok(const struct check *c, const struct plan_op *op, unsigned *phase)
{
    char types[PLAN_ARGS_MAX + 1];

    if (op->kind >= OP_COUNT || op->phase >= PHASE_COUNT || op->phase < *phase)
        return false;
    *phase = op->phase;
    if (!string_ok(c, op->owner) || !string_ok(c, op->path) || !string_ok(c, op->what))
        return false;
    plan_arg_types(op->kind, types);
    for (unsigned i = 0; op->kind == OP_SYSCALL && i < PLAN_ARGS_MAX; i++)
        types[i] = plan_op_arg_type(op, i);
    for (unsigned i = 0; i < PLAN_ARGS_MAX; i++)
        if (!arg_ok(c, types[i], op->arg[i]))
            return false;
    return op->kind != OP_SYSCALL || syscall_ok(op);
}

/* A table lies aligned behind the one before it. */
static bool table_ok(size_t *end, size_t size, uint32_t offset, uint32_t count, size_t row)
{
    if (offset < *end || offset % 8 || offset > size || count > (size - offset) / row)
        return false;
    *end = offset + count * row;
    return true;
}

int plan_check(const void *buf, size_t size, const char **why)
{
    const struct plan_header *h = buf;
    struct check c = {.buf = buf, .size = size};
    size_t end = sizeof *h;
    const char *ignored;
    unsigned phase = 0;

    if (!why)
        why = &ignored;
    *why = "header";
    if (size < sizeof *h || size > PLAN_SIZE_MAX || h->size != size || (uintptr_t)buf % 8 ||
        memcmp(h->magic, PLAN_MAGIC, sizeof h->magic) || h->version != PLAN_VERSION)
        return -1;
    *why = "tables";
    if (!table_ok(&end, size, h->ops_offset, h->n_ops, sizeof(struct plan_op)) ||
        !table_ok(&end, size, h->slots_offset, h->n_slots, sizeof(struct plan_slot)) ||
        !table_ok(&end, size, h->lates_offset, h->n_lates, sizeof(struct plan_late)) ||
        h->n_lates < LATE_BUILTIN_COUNT || h->n_lates > LATE_MAX)
        return -1;
    c.data = end;
    c.n_slots = h->n_slots;
    c.n_lates = h->n_lates;
    *why = "slots";
    for (uint32_t i = 0; i < h->n_slots; i++) {
        const struct plan_slot *s =
            (const struct plan_slot *)(const void *)(c.buf + h->slots_offset) + i;

        if (!s->name || !string_ok(&c, s->name))
            return -1;
    }
    *why = "late values";
    for (uint32_t i = 0; i < h->n_lates; i++)
        if (!plan_lates(h)[i].name || !string_ok(&c, plan_lates(h)[i].name) ||
            !late_ok(&c, &plan_lates(h)[i]))
            return -1;
    *why = "operations";
    plan_for_each (op, h)
        if (!op_ok(&c, op, &phase))
            return -1;
    *why = NULL;
    return 0;
}
