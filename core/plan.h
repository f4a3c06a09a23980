/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as it lies in memory: one flat, position-independent buffer, the same for the runtime
 * that writes it and for hozo-init that executes it. Nothing in it is trusted before plan_check()
 * has seen the whole buffer; after that every accessor below is safe.
 *
 *     header | operations | slots | late values | data (strings, lists, bytes)
 *
 * A string is an offset from the start of the buffer, NUL-terminated, 0 if absent. A list or a run
 * of bytes is offset << 32 | length (bytes) or count (strings, one behind the other).
 *
 * A template is a string in which the byte 1 introduces a late value: 1,'A'+n stands for late value
 * n, and 1,1 for the byte 1 itself.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/base.h"
#include "core/plan-ops.h"

#define PLAN_MAGIC    "hozoplan"
#define PLAN_VERSION  1
#define PLAN_SIZE_MAX (64u << 20)

enum plan_kind {
#define OP(id, name, signature) OP_##id,
    PLAN_OPS(OP)
#undef OP
        OP_COUNT
};

enum plan_phase {
#define PHASE(id, name, process, what) PHASE_##id,
    PLAN_PHASES(PHASE)
#undef PHASE
        PHASE_COUNT
};

enum plan_process { PROCESS_RUNTIME, PROCESS_STAGE, PROCESS_HELPER, PROCESS_INSIDE };

enum plan_step {
#define STEP(id, text) STEP_##id,
    PLAN_STEPS(STEP)
#undef STEP
        STEP_COUNT
};

/* header.flags */
#define PLAN_ATTACH_STAGE 1u /* the stage process waits for GO before anything: cgroup v1 */
#define PLAN_HELPER       2u /* for the helper: it carries out the phase `sources` and ends */

/* `how` of mount, bind, console and symlink. No component of the target may be a link (proc and sysfs:
 * CVE-2019-19921); what lay there is copied into the mount (tmpcopyup); the target may lie in a procfs,
 * else a link to there is refused (CVE-2019-16884); the terminal also becomes /dev/console; what is bound
 * must be the root of a procfs; the file system gets the mode of the directory that it covers; what is
 * there is replaced; what is mounted below a bind mount does not reach the host, whatever the source's
 * propagation. */
#define HOW_NO_SYMLINKS  1u
#define HOW_COPY_UP      2u
#define HOW_ON_PROC      4u
#define HOW_BIND_CONSOLE 8u
#define HOW_OF_PROC      16u
#define HOW_TARGET_MODE  32u
#define HOW_REPLACE      64u
#define HOW_SLAVE        128u

/* `flags` of seccomp: those of seccomp(2), and that one which the kernel takes with a listener only:
 * SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV. */
#define SECCOMP_KILLABLE (UINT64_C(1) << 32)

/* `pointers` of syscall: bit i: a<i> is an offset into `memory`; the higher bits: the address of a late
 * value's text, that text as a number, a slot's descriptor. */
#define SYSCALL_POINTER(i) (UINT64_C(1) << (i))
#define SYSCALL_STRING(i)  (UINT64_C(1) << (8 + (i)))
#define SYSCALL_NUMBER(i)  (UINT64_C(1) << (16 + (i)))
#define SYSCALL_SLOT(i)    (UINT64_C(1) << (24 + (i)))
#define SYSCALL_ARGS       4 /* a0 is the operation's argument of this index */

/* Late values that hozo-init itself knows. Those of plugins come behind them. */
enum plan_late_builtin { LATE_PID, LATE_HOME, LATE_BUILTIN_COUNT };
#define LATE_MARK      '\001'
#define LATE_TEXT_PID  "\001A" /* for string literals */
#define LATE_TEXT_HOME "\001B"
#define LATE_MAX       60

struct plan_header {
    char magic[8];
    uint32_t version;
    uint32_t size;
    uint32_t flags;
    uint32_t preserve_fds; /* descriptors 3 .. 2+n survive the last exec */
    uint32_t n_ops, ops_offset;
    uint32_t n_slots, slots_offset;
    uint32_t n_lates, lates_offset;
};

struct plan_op {
    uint16_t kind;  /* enum plan_kind */
    uint16_t phase; /* enum plan_phase; never falls along the list */
    uint32_t owner; /* string: "core" or a plugin's name */
    uint32_t path;  /* string: the JSON path that caused it; 0 if none */
    uint32_t what;  /* string: what to print if it fails; 0: the operation's name */
    uint64_t arg[PLAN_ARGS_MAX];
};

struct plan_slot {
    uint32_t name; /* string */
    int32_t fd;    /* written by the runtime before hozo-init starts; -1: filled later */
};

struct plan_late {
    uint32_t name;  /* string */
    uint32_t value; /* string; 0 until it is known */
    uint32_t size;  /* … or so many bytes, aligned to 8, and a NUL */
    uint32_t unused;
};

struct plan_op_info {
    const char *name, *signature;
};

extern const struct plan_op_info plan_op_info[OP_COUNT];
extern const char *const plan_phase_name[PHASE_COUNT];
extern const uint8_t plan_phase_process[PHASE_COUNT]; /* enum plan_process */
extern const char *const plan_step_name[STEP_COUNT];

/* 0 if every offset, length, kind, phase, slot and template in the buffer is sound, else -1.
 * `why`, if not NULL, is set to a static text. Never reads beyond `size`. */
int plan_check(const void *buf, size_t size, const char **why);

/* The i-th letter of a signature and the start of its name; 0 behind the last argument. */
char plan_arg_type(const char *signature, unsigned i, const char **name, size_t *name_len);

/* The letter of an operation's i-th argument: as the signature says, but that what a system call gets may be
 * a slot ('r') or a late value ('L'). */
char plan_op_arg_type(const struct plan_op *op, unsigned i);

/* The slot that an operation fills, or -1. */
int64_t plan_op_fills(const struct plan_op *op);

/* All letters of an operation's signature at once, the rest 0. */
void plan_arg_types(unsigned kind, char types[PLAN_ARGS_MAX + 1]);

static inline const struct plan_op *plan_ops(const struct plan_header *p)
{
    return (const struct plan_op *)(const void *)((const char *)p + p->ops_offset);
}

static inline struct plan_slot *plan_slots(struct plan_header *p)
{
    return (struct plan_slot *)(void *)((char *)p + p->slots_offset);
}

static inline const struct plan_late *plan_lates(const struct plan_header *p)
{
    return (const struct plan_late *)(const void *)((const char *)p + p->lates_offset);
}

/* NULL if absent. */
static inline const char *plan_string(const struct plan_header *p, uint64_t offset)
{
    return offset ? (const char *)p + offset : NULL;
}

/* First string of a list; *count strings follow each other. */
static inline const char *plan_list(const struct plan_header *p, uint64_t arg, uint32_t *count)
{
    *count = (uint32_t)arg;
    return (const char *)p + (arg >> 32);
}

/* What is known of a late value that is bytes. */
static inline const void *plan_late_bytes(const struct plan_header *p, uint64_t late,
                                          uint32_t *size)
{
    *size = plan_lates(p)[late].size;
    return (const char *)p + plan_lates(p)[late].value;
}

static inline const void *plan_bytes(const struct plan_header *p, uint64_t arg, uint32_t *size)
{
    *size = (uint32_t)arg;
    return (const char *)p + (arg >> 32);
}

#define plan_for_each(op, p)                                                                       \
    for (const struct plan_op *op = plan_ops(p), *op##_end = op + (p)->n_ops; op < op##_end; op++)

#endif
