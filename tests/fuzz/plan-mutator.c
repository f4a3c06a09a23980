/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a plan that plan_check() may well accept: random bytes hardly ever get past its header. What is
 * no plan is replaced by one.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % (below ? below : 1);
}

/* --- a plan to begin with --------------------------------------------------------------------- */

static struct plan_value example_value(char type)
{
    static const char *const list[] = {"a", "b", NULL};
    static const char *const templates[] = {"A=1", "B=" LATE_TEXT_PID, NULL};

    switch (type) {
    case 's':
        return STR("/string");
    case 't':
        return TEMPLATE("<" LATE_TEXT_HOME ">");
    case 'l':
        return LIST(list);
    case 'T':
        return TEMPLATES(templates);
    case 'b':
        return BYTES("bytes", 5);
    case 'r':
    case 'w':
        return SLOT(any(2));
    case 'L':
        return NUM(any(3));
    default:
        return NUM(3);
    }
}

/* Some of the operations; all come up in time. */
static struct plan_header *example(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    struct plan_header *plan = NULL;
    struct error err;

    plan_slot(b, "root");
    plan_slot(b, "proc");
    plan_late_add(b, "acme.device");
    for (unsigned kind = 0; kind < OP_COUNT; kind++) {
        struct plan_value values[PLAN_ARGS_MAX];
        char types[PLAN_ARGS_MAX + 1];
        unsigned n = 0;

        plan_arg_types(kind, types);
        for (; types[n]; n++)
            values[n] = example_value(types[n]);
        if (!any(4))
            plan_add(b, kind * PHASE_COUNT / OP_COUNT, kind, "path", values, n);
    }
    must(!plan_finish(b, &plan, &err));
    return plan;
}

/* --- one change ------------------------------------------------------------------------------- */

static uint32_t edge(void)
{
    static const uint32_t edges[] = {0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};

    return edges[any(ARRAY_SIZE(edges))];
}

/* Behind the tables; sometimes anywhere. */
static uint32_t offset(const struct plan_header *p)
{
    uint32_t data = p->lates_offset + p->n_lates * (uint32_t)sizeof(struct plan_late);

    return any(16) ? data + any(p->size - data + 1) : any(8) ? any(p->size + 8) : edge();
}

static uint64_t argument(const struct plan_header *p, char type)
{
    switch (any(32) ? type : 'x') {
    case 0:
        return 0;
    case 's':
    case 't':
        return any(8) ? offset(p) : 0;
    case 'l':
    case 'T':
    case 'b':
        return any(8) ? (uint64_t)offset(p) << 32 | (any(16) ? any(8) : edge()) : 0;
    case 'r':
    case 'w':
        return any(p->n_slots + !any(16));
    default:
        return (uint64_t)edge() << any(33) | any(1 << any(24));
    }
}

static void change_op(struct plan_header *p)
{
    struct plan_op *op = (struct plan_op *)plan_ops(p) + any(p->n_ops);
    char types[PLAN_ARGS_MAX + 1];
    unsigned i = any(PLAN_ARGS_MAX);

    if (!p->n_ops)
        return;
    switch (any(8)) {
    case 0:
        *op = plan_ops(p)[any(p->n_ops)];
        break;
    case 1:
        op->kind = (uint16_t)any(OP_COUNT + !any(16));
        break;
    case 2:
        op->phase = (uint16_t)any(PHASE_COUNT + !any(16));
        break;
    case 3:
        *(uint32_t *[]){&op->owner, &op->path, &op->what}[any(3)] = any(4) ? offset(p) : 0;
        break;
    default:
        plan_arg_types(op->kind < OP_COUNT ? op->kind : 0, types);
        op->arg[i] = argument(p, types[i]);
    }
}

static void change_rows(struct plan_header *p)
{
    struct plan_slot *slot = plan_slots(p) + any(p->n_slots);
    struct plan_late *late = (struct plan_late *)plan_lates(p) + any(p->n_lates);

    if (any(2) && p->n_slots)
        any(2) ? (slot->name = offset(p)) : (uint32_t)(slot->fd = (int)any(8) - 1);
    else
        *(any(2) ? &late->name : &late->value) = offset(p);
}

static void change_header(struct plan_header *p)
{
    uint32_t *numbers[] = {&p->flags,   &p->preserve_fds, &p->n_ops,   &p->ops_offset,
                           &p->n_slots, &p->slots_offset, &p->n_lates, &p->lates_offset};
    uint32_t *n = numbers[any(ARRAY_SIZE(numbers))];

    *n = any(4) ? *n + any(5) - 2 : edge();
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct plan_header *p = (struct plan_header *)(void *)data;
    uint32_t tables;

    state = seed;
    if (plan_check(data, size, NULL)) {
        auto_free struct plan_header *new = example();

        if (new->size > max_size)
            return LLVMFuzzerMutate(data, size, max_size);
        memcpy(data, new, new->size);
        return new->size;
    }
    tables = p->lates_offset + p->n_lates * (uint32_t)sizeof(struct plan_late);
    switch (any(16)) {
    case 0:
        return LLVMFuzzerMutate(data, size, max_size);
    case 1:
        change_header(p);
        break;
    case 2:
    case 3:
        change_rows(p);
        break;
    case 4 ... 7:
        size = tables + LLVMFuzzerMutate(data + tables, size - tables, max_size - tables);
        p->size = (uint32_t)size;
        break;
    default:
        change_op(p);
    }
    return size;
}
