/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a plan. Operations are appended in any order; plan_finish() sorts them by phase, then by
 * rank of their owner, then by the order in which they came, and lays out the flat buffer.
 *
 * The first error (memory, an argument that does not fit the operation's signature) sticks and is
 * returned by plan_finish(), so that callers append without checking.
 *
 *     plan_op(b, PHASE_ROOT, PIVOT, "root", SLOT(root));
 */
#ifndef CORE_PLANNER_H
#define CORE_PLANNER_H

#include "core/error.h"
#include "core/plan.h"

struct plan_builder;

struct plan_value {
    enum plan_value_type {
        VALUE_NUMBER,
        VALUE_STRING,   /* NULL: absent. For a template argument: taken literally */
        VALUE_TEMPLATE, /* may hold late values */
        VALUE_LIST,     /* NULL-terminated vector, literal */
        VALUE_TEMPLATES,
        VALUE_BYTES,
        VALUE_SLOT,
    } type;
    uint64_t number;
    const void *at;
};

/* clang-format off */
#define NUM(n)        ((struct plan_value){VALUE_NUMBER, (uint64_t)(n), NULL})
#define STR(s)        ((struct plan_value){VALUE_STRING, 0, (s)})
#define TEMPLATE(s)   ((struct plan_value){VALUE_TEMPLATE, 0, (s)})
#define LIST(v)       ((struct plan_value){VALUE_LIST, 0, (v)})
#define TEMPLATES(v)  ((struct plan_value){VALUE_TEMPLATES, 0, (v)})
#define BYTES(p, n)   ((struct plan_value){VALUE_BYTES, (n), (p)})
#define SLOT(s)       ((struct plan_value){VALUE_SLOT, (uint64_t)(s), NULL})
/* clang-format on */

struct plan_builder *plan_new(void);
void plan_builder_free(struct plan_builder **b);
#define auto_plan_builder __attribute__((cleanup(plan_builder_free)))

/* Who speaks from now on: "core" has rank 0, plugins their place in the order. Copied. */
void plan_speaker(struct plan_builder *b, const char *owner, unsigned rank);

/* What the core does for this JSON path, and below it, is done for `owner`: a plugin that added it to the
 * configuration. Copied. */
void plan_origin(struct plan_builder *b, const char *path, const char *owner);

/* A new slot of this name (not unique). Negative only without memory. */
int plan_slot(struct plan_builder *b, const char *name);

/* A new late value, to be set before the plan is handed over; returns n for the mark 'A' + n. */
int plan_late_add(struct plan_builder *b, const char *name);

void plan_flag(struct plan_builder *b, uint32_t flag);
void plan_preserve_fds(struct plan_builder *b, uint32_t count);

void plan_add(struct plan_builder *b, enum plan_phase phase, enum plan_kind kind, const char *path,
              const struct plan_value *values, unsigned count);
#define plan_op(b, phase, kind, path, ...)                                                         \
    plan_add(b, phase, OP_##kind, path, (const struct plan_value[]){__VA_ARGS__},                  \
             sizeof((const struct plan_value[]){__VA_ARGS__}) / sizeof(struct plan_value))
#define plan_op0(b, phase, kind, path) plan_add(b, phase, OP_##kind, path, NULL, 0)

/* The text to print if the operation appended last fails; default: its name. */
void plan_what(struct plan_builder *b, const char *fmt, ...) PRINTF(2, 3);

/* The flat plan: malloc'ed, checked with plan_check(). */
int plan_finish(struct plan_builder *b, struct plan_header **plan, struct error *err);

/* Sets a late value in a finished plan; the buffer may move. */
int plan_late_set(struct plan_header **plan, unsigned late, const char *value, struct error *err);
int plan_late_set_bytes(struct plan_header **plan, unsigned late, const void *bytes, size_t size,
                        struct error *err);

/* For people, and for programs. */
struct text;
void plan_print(const struct plan_header *plan, struct text *out);
/* One operation as a call, in a line. What may be secret, or is for hozo alone, is left out: the environment, what is
 * written into files, options of mounts, bytes, the state for hooks. */
void plan_print_call(const struct plan_header *plan, const struct plan_op *op, struct text *out);
void plan_print_json(const struct plan_header *plan, struct text *out);

/* Fills *err from the failure of operation `op`: "linux.maskedPaths[3]: mask: move_mount: …". */
int plan_fail(const struct plan_header *plan, uint32_t op, int errnum, uint32_t step,
              struct error *err);
/* The same with the texts of a process whose plan is not at hand. */
int step_fail(const char *path, const char *what, int errnum, uint32_t step, struct error *err);

#endif
