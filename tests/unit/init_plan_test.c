/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged plans: refused, or read by everyone without a step outside. And what templates become. */
#include <sched.h>

#include "tests/unit/init_harness.h"
#include "tests/unit/read_plan.h"

#define ROUNDS 20000

/* A generator of our own, so that a failure can be repeated on every machine. */
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % below;
}

static struct plan_header *example(void)
{
    static const char *const args[] = {"sh", "-c", "true", NULL};
    static const char *const env[] = {"A=1", "PID=" LATE_TEXT_PID, "\1\1" LATE_TEXT_HOME, "", NULL};
    static const uint32_t groups[] = {5, 6, 7};
    auto_plan_builder struct plan_builder *b = new_plan();
    struct plan_header *plan = NULL;
    struct error err = {0};
    int root = plan_slot(b, "root"), proc = plan_slot(b, "proc");

    plan_late_add(b, "acme.device");
    plan_op(b, PHASE_PREPARE, WORK, "linux.acme", STR("write"), STR("x"), BYTES("abcdefgh", 8));
    plan_op(b, PHASE_CLONE, CLONE, "linux.namespaces", NUM(CLONE_NEWNS));
    plan_op(b, PHASE_MOUNTS, MOUNT, "mounts[0]", SLOT(root), STR("/dev"), STR("tmpfs"),
            STR("tmpfs"), LIST(args), NUM(0), NUM(0), NUM(0));
    plan_what(b, "mount tmpfs to /dev");
    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks", STR("/bin/true"), LIST(args), LIST(args),
            NUM(3), TEMPLATE("{\"pid\":" LATE_TEXT_PID "}"));
    plan_op(b, PHASE_SYSTEM, WRITE, "linux.sysctl", SLOT(proc), STR("sys/x"),
            TEMPLATE(LATE_TEXT_HOME), NUM(1));
    plan_op(b, PHASE_IDENTITY, IDS, "process.user", NUM(1), NUM(1), BYTES(groups, sizeof groups));
    plan_op(b, PHASE_EXEC, EXEC, "process.args", LIST(args), TEMPLATES(env));
    if (plan_finish(b, &plan, &err) < 0)
        abort();
    return plan;
}

/* Exactly `size` bytes of memory, so that the first one behind them is watched. */
static bool accepted(const void *bytes, size_t size)
{
    auto_free void *copy = malloc(size ? size : 1);
    bool good;

    memcpy(copy, bytes, size);
    good = !plan_check(copy, size, NULL);
    if (good)
        read_plan(copy);
    return good;
}

static void damage(const struct plan_header *plan)
{
    auto_free char *copy = malloc(plan->size);
    unsigned refused = 0, cut = 0;

    check(accepted(plan, plan->size), "the undamaged plan is accepted");
    for (unsigned i = 0; i < ROUNDS; i++) {
        memcpy(copy, plan, plan->size);
        for (unsigned n = 1 + any(4); n; n--)
            copy[any(plan->size)] ^= (char)(1 + any(255));
        refused += !accepted(copy, plan->size);
    }
    printf("# %u of %d refused\n", refused, ROUNDS);
    check(refused > ROUNDS / 4 && refused < ROUNDS, "changed bytes: refused, or harmless");
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        /* Numbers that matter: the header's tables and the operations, to values at the edges. */
        static const uint32_t edges[] = {0,          1,          7,          8,
                                         0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
        uint32_t at = 12 + 4 * any((plan->slots_offset - 12) / 4);

        memcpy(copy, plan, plan->size);
        memcpy(copy + at, &edges[any(ARRAY_SIZE(edges))], 4);
        accepted(copy, plan->size);
    }
    check(true, "numbers at the edges: refused, or harmless");
    for (uint32_t size = 0; size < plan->size; size++) {
        uint32_t claimed = size;

        memcpy(copy, plan, plan->size);
        cut += accepted(copy, size);
        memcpy(copy + offsetof(struct plan_header, size), &claimed, sizeof claimed);
        if (size >= sizeof *plan)
            accepted(copy, size);
    }
    check(!cut, "cut off anywhere: refused");
}

static bool refused_with(const struct plan_header *plan, void (*change)(struct plan_header *))
{
    auto_free struct plan_header *copy = malloc(plan->size);

    memcpy(copy, plan, plan->size);
    change(copy);
    return plan_check(copy, plan->size, NULL) < 0;
}

static struct plan_op *op_of(struct plan_header *p, enum plan_kind kind)
{
    plan_for_each (op, p)
        if (op->kind == kind)
            return (struct plan_op *)op;
    abort();
}

/* clang-format off */
static void more_ops(struct plan_header *p) { p->n_ops = 0xffffffff; }
static void ops_wrap(struct plan_header *p) { p->ops_offset = 0xfffffff8; }
static void ops_in_header(struct plan_header *p) { p->ops_offset = 8; }
static void tables_overlap(struct plan_header *p) { p->slots_offset = p->ops_offset; }
static void unaligned(struct plan_header *p) { p->lates_offset += 4; }
static void many_lates(struct plan_header *p) { p->n_lates = LATE_MAX + 1; }
static void bigger(struct plan_header *p) { p->size++; }
static void other_version(struct plan_header *p) { p->version++; }
static void list_count(struct plan_header *p) { op_of(p, OP_EXEC)->arg[0] |= 0xffffffff; }
static void list_offset(struct plan_header *p) { op_of(p, OP_EXEC)->arg[0] |= UINT64_C(0xffffffff) << 32; }
static void list_in_ops(struct plan_header *p) { op_of(p, OP_EXEC)->arg[0] = (uint64_t)p->ops_offset << 32 | 1; }
static void bytes_length(struct plan_header *p) { op_of(p, OP_IDS)->arg[2] |= 0xffffffff; }
static void string_wide(struct plan_header *p) { op_of(p, OP_MOUNT)->arg[1] |= UINT64_C(1) << 40; }
static void slot_number(struct plan_header *p) { op_of(p, OP_MOUNT)->arg[0] = p->n_slots; }
static void kind_number(struct plan_header *p) { op_of(p, OP_EXEC)->kind = OP_COUNT; }
static void phase_falls(struct plan_header *p) { op_of(p, OP_EXEC)->phase = 0; }
static void hidden_arg(struct plan_header *p) { op_of(p, OP_CLONE)->arg[9] = 1; }
static void late_number(struct plan_header *p)
{
    *strchr((char *)p + op_of(p, OP_WRITE)->arg[2], 'B') = 'Z';
}
static void late_cut(struct plan_header *p)
{
    *strchr((char *)p + op_of(p, OP_WRITE)->arg[2], 'B') = '\0';
}
/* clang-format on */

static void impossible(const struct plan_header *plan)
{
    static const struct {
        void (*change)(struct plan_header *);
        const char *name;
    } cases[] = {
        {more_ops, "more operations than bytes"},
        {ops_wrap, "a table behind the end"},
        {ops_in_header, "a table inside the header"},
        {tables_overlap, "two tables in one place"},
        {unaligned, "a table that is not aligned"},
        {many_lates, "more late values than letters"},
        {bigger, "a size that is not the size"},
        {other_version, "another version"},
        {list_count, "a list with too many strings"},
        {list_offset, "a list behind the end"},
        {list_in_ops, "a list that lies in the operations"},
        {bytes_length, "bytes beyond the end"},
        {string_wide, "a string offset of more than 32 bits"},
        {slot_number, "a slot that does not exist"},
        {kind_number, "an unknown operation"},
        {phase_falls, "phases out of order"},
        {hidden_arg, "a value behind the last argument"},
        {late_number, "an unknown late value"},
        {late_cut, "a mark at the end of a template"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(refused_with(plan, cases[i].change), cases[i].name);
}

static bool expands(struct plan_header *plan, const char *home, const char *template,
                    const char *wanted)
{
    const struct interpreter in = {.plan = plan, .home = (char *)home};
    auto_free char *got = expand(&in, template);

    return wanted ? got && !strcmp(got, wanted) : !got && errno == EINVAL;
}

static void templates(void)
{
    struct plan_header *plan = example();
    char pid[64];
    struct error err;

    snprintf(pid, sizeof pid, "<%d%d>", (int)getpid(), (int)getpid());
    check(expands(plan, NULL, "", ""), "nothing");
    check(expands(plan, NULL, "plain", "plain"), "no late value");
    check(expands(plan, NULL, "<" LATE_TEXT_PID LATE_TEXT_PID ">", pid), "the pid, twice");
    check(expands(plan, NULL, "H=" LATE_TEXT_HOME, "H=/"), "no home: /");
    check(expands(plan, "/h", LATE_TEXT_HOME LATE_TEXT_HOME "x", "/h/hx"), "the home");
    check(expands(plan, NULL,
                  "\1\1"
                  "A",
                  "\1"
                  "A"),
          "the mark itself");
    check(expands(plan, NULL,
                  "\1"
                  "C",
                  NULL),
          "a late value that nobody has filled");
    check(expands(plan, NULL, NULL, NULL), "no template");
    check(!plan_late_set(&plan, 2, "eth7", &err) && expands(plan, NULL,
                                                            "-\1"
                                                            "C-",
                                                            "-eth7-"),
          "a plugin's late value");
    check(!plan_late_set(&plan, 2,
                         "\1"
                         "A",
                         &err) &&
              expands(plan, NULL,
                      "\1"
                      "C",
                      "\1"
                      "A"),
          "what is filled in is no template");
    free(plan);
}

int main(void)
{
    auto_free struct plan_header *plan = example();

    damage(plan);
    impossible(plan);
    templates();
    return done();
}
