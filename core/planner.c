/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings and bytes are collected in one pool while operations are appended; offsets are then those
 * within the pool, and plan_finish() moves them to where the pool lies in the plan. The pool's
 * first byte belongs to nobody, so that no offset is 0.
 */
#include "core/planner.h"
#include "core/plan-encode.h"

#include <errno.h>
#include <string.h>

struct entry {
    struct plan_op op;
    unsigned rank;
    size_t sequence;
};

struct origin {
    uint32_t path, owner; /* strings of the pool */
};

struct plan_builder {
    bool failed;
    struct error err;
    uint32_t flags, preserve_fds, owner;
    unsigned rank;
    struct vector ops;     /* struct entry */
    struct vector slots;   /* struct plan_slot */
    struct vector lates;   /* struct plan_late */
    struct vector origins; /* struct origin */
    struct pool pool;
};

static void sticky(struct plan_builder *b, int errnum, const char *path, const char *fmt, ...)
    PRINTF(4, 5);

static void sticky(struct plan_builder *b, int errnum, const char *path, const char *fmt, ...)
{
    va_list ap;

    if (b->failed)
        return;
    va_start(ap, fmt);
    vfail(&b->err, errnum, path, fmt, ap);
    va_end(ap);
    b->failed = true;
}

static void *add_row(struct plan_builder *b, struct vector *v, size_t row)
{
    void *at = vector_add(v, 1, row, PLAN_SIZE_MAX);

    if (!at)
        sticky(b, errno, NULL, "the plan");
    return at;
}

static uint32_t add_string(struct plan_builder *b, const char *s)
{
    size_t start = b->pool.bytes.count;

    if (!s)
        return 0;
    pool_put(&b->pool, s, strlen(s) + 1);
    return pool_share(&b->pool, start, 1);
}

/* --- the interface ---------------------------------------------------------------------------- */

struct plan_builder *plan_new(void)
{
    struct plan_builder *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->pool.limit = PLAN_SIZE_MAX;
    pool_put(&b->pool, "", 1);
    plan_speaker(b, "core", 0);
    plan_late_add(b, "pid");
    plan_late_add(b, "home");
    return b;
}

void plan_builder_free(struct plan_builder **b)
{
    if (!*b)
        return;
    free((*b)->ops.at);
    free((*b)->slots.at);
    free((*b)->lates.at);
    free((*b)->origins.at);
    pool_free(&(*b)->pool);
    free(*b);
    *b = NULL;
}

void plan_speaker(struct plan_builder *b, const char *owner, unsigned rank)
{
    if (!b)
        return;
    b->owner = add_string(b, owner);
    b->rank = rank;
}

void plan_origin(struct plan_builder *b, const char *path, const char *owner)
{
    struct origin *origin = b ? add_row(b, &b->origins, sizeof *origin) : NULL;

    if (origin)
        *origin = (struct origin){add_string(b, path), add_string(b, owner)};
}

/* The core's own, or the plugin that added the place. */
static uint32_t owner_of(const struct plan_builder *b, const char *path)
{
    const struct origin *origins = b->origins.at;

    for (size_t i = 0; path && !b->rank && i < b->origins.count; i++) {
        const char *start = (const char *)b->pool.bytes.at + origins[i].path;
        size_t n = strlen(start);

        if (!strncmp(path, start, n) && (!path[n] || strchr(".[", path[n])))
            return origins[i].owner;
    }
    return b->owner;
}

int plan_slot(struct plan_builder *b, const char *name)
{
    struct plan_slot *slot = b ? add_row(b, &b->slots, sizeof *slot) : NULL;

    if (!slot)
        return -1;
    *slot = (struct plan_slot){.name = add_string(b, name), .fd = -1};
    return (int)b->slots.count - 1;
}

int plan_late_add(struct plan_builder *b, const char *name)
{
    struct plan_late *late;

    if (b && b->lates.count >= LATE_MAX)
        sticky(b, 0, NULL, "late value \"%s\": there are %d already", name, LATE_MAX);
    late = b && b->lates.count < LATE_MAX ? add_row(b, &b->lates, sizeof *late) : NULL;
    if (!late)
        return -1;
    *late = (struct plan_late){.name = add_string(b, name)};
    return (int)b->lates.count - 1;
}

void plan_flag(struct plan_builder *b, uint32_t flag)
{
    if (b)
        b->flags |= flag;
}

void plan_preserve_fds(struct plan_builder *b, uint32_t count)
{
    if (b)
        b->preserve_fds = count;
}

void plan_add(struct plan_builder *b, enum plan_phase phase, enum plan_kind kind, const char *path,
              const struct plan_value *values, unsigned count)
{
    struct plan_encoder encoder;
    struct entry *entry;
    struct plan_op op = {.kind = (uint16_t)kind, .phase = (uint16_t)phase};
    char types[PLAN_ARGS_MAX + 1];
    const char *signature, *name, *why;
    size_t length;
    unsigned i;

    if (!b || b->failed)
        return;
    if ((unsigned)kind >= OP_COUNT || (unsigned)phase >= PHASE_COUNT) {
        sticky(b, 0, path, "no such operation (%d) or phase (%d)", (int)kind, (int)phase);
        return;
    }
    encoder = (struct plan_encoder){&b->pool, b->slots.count, b->lates.count};
    signature = plan_op_info[kind].signature;
    plan_arg_types(kind, types);
    for (i = 0; i < count && types[i]; i++) {
        why = plan_encode(&encoder, types[i], &values[i], &op.arg[i]);
        if (why && plan_arg_type(signature, i, &name, &length))
            sticky(b, 0, path, "operation %s: argument %.*s: %s", plan_op_info[kind].name,
                   (int)length, name, why);
    }
    if (i < count)
        sticky(b, 0, path, "operation %s: %u arguments too many", plan_op_info[kind].name,
               count - i);
    if (types[i] && plan_arg_type(signature, i, &name, &length))
        sticky(b, 0, path, "operation %s: argument %.*s: missing", plan_op_info[kind].name,
               (int)length, name);
    op.owner = owner_of(b, path);
    op.path = add_string(b, path);
    if (b->pool.errnum)
        sticky(b, b->pool.errnum, path, "operation %s", plan_op_info[kind].name);
    entry = b->failed ? NULL : add_row(b, &b->ops, sizeof *entry);
    if (entry)
        *entry = (struct entry){.op = op, .rank = b->rank, .sequence = b->ops.count};
}

void plan_what(struct plan_builder *b, const char *fmt, ...)
{
    auto_free char *what = NULL;
    va_list ap;
    int n;

    if (!b || b->failed)
        return;
    va_start(ap, fmt);
    n = vasprintf(&what, fmt, ap);
    va_end(ap);
    if (n < 0) {
        what = NULL;
        sticky(b, ENOMEM, NULL, "allocate");
    } else if (!b->ops.count) {
        sticky(b, 0, NULL, "no operation is there to be called \"%s\"", what);
    } else {
        ((struct entry *)b->ops.at)[b->ops.count - 1].op.what = add_string(b, what);
    }
}

/* --- the finished plan ------------------------------------------------------------------------ */

static int by_place(const void *left, const void *right)
{
    const struct entry *l = left, *r = right;

    if (l->op.phase != r->op.phase)
        return l->op.phase < r->op.phase ? -1 : 1;
    if (l->rank != r->rank)
        return l->rank < r->rank ? -1 : 1;
    return l->sequence < r->sequence ? -1 : l->sequence > r->sequence;
}

static uint32_t moved(uint32_t offset, uint32_t base)
{
    return offset ? offset + base : 0;
}

static struct plan_op moved_op(const struct plan_op *from, uint32_t base)
{
    struct plan_op op = *from;
    char types[PLAN_ARGS_MAX + 1];

    op.owner = moved(op.owner, base);
    op.path = moved(op.path, base);
    op.what = moved(op.what, base);
    plan_arg_types(op.kind, types);
    for (unsigned i = 0; i < PLAN_ARGS_MAX && types[i]; i++) {
        if (!op.arg[i])
            continue;
        if (strchr("st", types[i]))
            op.arg[i] += base;
        else if (strchr("lTb", types[i]))
            op.arg[i] += (uint64_t)base << 32;
    }
    return op;
}

static void lay_out(const struct plan_builder *b, struct plan_header *plan, uint32_t base)
{
    const struct entry *entries = b->ops.at;
    const struct plan_slot *slots = b->slots.at;
    const struct plan_late *lates = b->lates.at;
    struct plan_op *op = (struct plan_op *)(void *)((char *)plan + plan->ops_offset);
    struct plan_slot *slot = (struct plan_slot *)(void *)((char *)plan + plan->slots_offset);
    struct plan_late *late = (struct plan_late *)(void *)((char *)plan + plan->lates_offset);

    for (size_t i = 0; i < b->ops.count; i++)
        *op++ = moved_op(&entries[i].op, base);
    for (size_t i = 0; i < b->slots.count; i++)
        *slot++ = (struct plan_slot){moved(slots[i].name, base), -1};
    for (size_t i = 0; i < b->lates.count; i++)
        *late++ = (struct plan_late){.name = moved(lates[i].name, base)};
    memcpy((char *)plan + base, b->pool.bytes.at, b->pool.bytes.count);
}

int plan_finish(struct plan_builder *b, struct plan_header **plan, struct error *err)
{
    auto_free struct plan_header *h = NULL;
    size_t ops_end, slots_end, base, size;
    const char *why;

    if (!b)
        return fail_memory(err);
    if (b->pool.errnum)
        sticky(b, b->pool.errnum, NULL, "the plan");
    if (b->failed) {
        *err = b->err;
        return -1;
    }
    ops_end = sizeof *h + b->ops.count * sizeof(struct plan_op);
    slots_end = ops_end + b->slots.count * sizeof(struct plan_slot);
    base = slots_end + b->lates.count * sizeof(struct plan_late);
    size = base + b->pool.bytes.count;
    if (size > PLAN_SIZE_MAX)
        return fail(err, E2BIG, NULL, "the plan");
    h = malloc(size);
    if (!h)
        return fail_memory(err);
    *h = (struct plan_header){
        .magic = {PLAN_MAGIC},
        .version = PLAN_VERSION,
        .size = (uint32_t)size,
        .flags = b->flags,
        .preserve_fds = b->preserve_fds,
        .n_ops = (uint32_t)b->ops.count,
        .ops_offset = sizeof *h,
        .n_slots = (uint32_t)b->slots.count,
        .slots_offset = (uint32_t)ops_end,
        .n_lates = (uint32_t)b->lates.count,
        .lates_offset = (uint32_t)slots_end,
    };
    if (b->ops.count)
        qsort(b->ops.at, b->ops.count, sizeof(struct entry), by_place);
    lay_out(b, h, (uint32_t)base);
    if (plan_check(h, size, &why))
        return fail(err, 0, NULL, "internal error: the plan's %s are unsound", why);
    *plan = steal_ptr(h);
    return 0;
}

/* Behind what is there, aligned, with a NUL. */
static int set_late(struct plan_header **plan, unsigned late, const void *bytes, size_t length,
                    struct plan_late *set, struct error *err)
{
    struct plan_header *h = *plan;
    size_t end = h->size, start = (end + 7) & ~(size_t)7;

    if (late >= h->n_lates)
        return fail(err, 0, NULL, "internal error: late value %u is not in the plan", late);
    if (start >= PLAN_SIZE_MAX || length >= PLAN_SIZE_MAX - start)
        return fail(err, E2BIG, NULL, "the plan");
    h = realloc(h, start + length + 1);
    if (!h)
        return fail_memory(err);
    memset((char *)h + end, 0, start - end);
    memcpy((char *)h + start, bytes, length);
    ((char *)h)[start + length] = '\0';
    h->size = (uint32_t)(start + length + 1);
    set->name = plan_lates(h)[late].name;
    set->value = (uint32_t)start;
    ((struct plan_late *)(void *)((char *)h + h->lates_offset))[late] = *set;
    *plan = h;
    return 0;
}

int plan_late_set(struct plan_header **plan, unsigned late, const char *value, struct error *err)
{
    return set_late(plan, late, value, strlen(value), &(struct plan_late){0}, err);
}

int plan_late_set_bytes(struct plan_header **plan, unsigned late, const void *bytes, size_t size,
                        struct error *err)
{
    return set_late(plan, late, bytes, size, &(struct plan_late){.size = (uint32_t)size}, err);
}
