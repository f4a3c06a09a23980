/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/seccomp/words.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

/* Linux 5.19; headers before do not have it, and it is never handed to the kernel from here. */
#define WAIT_KILLABLE_RECV (1u << 5)

/* What a system call may return as an error (MAX_ERRNO of the kernel, which cuts a larger one down to it), and
 * what a tracer is told in 16 bits. */
#define ERRNO_MAX 4095
#define TRACE_MAX 0xffff

/* clang-format off */
#define ACTIONS(ROW)                                                                               \
    ROW("SCMP_ACT_KILL",         SECCOMP_RET_KILL_THREAD,  0)                                      \
    ROW("SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0)                                      \
    ROW("SCMP_ACT_KILL_THREAD",  SECCOMP_RET_KILL_THREAD,  0)                                      \
    ROW("SCMP_ACT_TRAP",         SECCOMP_RET_TRAP,         0)                                      \
    ROW("SCMP_ACT_ERRNO",        SECCOMP_RET_ERRNO,        ERRNO_MAX)                              \
    ROW("SCMP_ACT_TRACE",        SECCOMP_RET_TRACE,        TRACE_MAX)                              \
    ROW("SCMP_ACT_ALLOW",        SECCOMP_RET_ALLOW,        0)                                      \
    ROW("SCMP_ACT_LOG",          SECCOMP_RET_LOG,          0)                                      \
    ROW("SCMP_ACT_NOTIFY",       SECCOMP_RET_USER_NOTIF,   0)

#define OPERATORS(ROW)                                                                             \
    ROW("SCMP_CMP_NE",        EQUAL,            true,  false)                                      \
    ROW("SCMP_CMP_LT",        GREATER_OR_EQUAL, true,  false)                                      \
    ROW("SCMP_CMP_LE",        GREATER,          true,  false)                                      \
    ROW("SCMP_CMP_EQ",        EQUAL,            false, false)                                      \
    ROW("SCMP_CMP_GE",        GREATER_OR_EQUAL, false, false)                                      \
    ROW("SCMP_CMP_GT",        GREATER,          false, false)                                      \
    ROW("SCMP_CMP_MASKED_EQ", EQUAL,            false, true)

#define FLAGS(FIRST, ROW)                                                                          \
    FIRST("SECCOMP_FILTER_FLAG_TSYNC",            SECCOMP_FILTER_FLAG_TSYNC,      false)           \
    ROW("SECCOMP_FILTER_FLAG_LOG",                SECCOMP_FILTER_FLAG_LOG,        false)           \
    ROW("SECCOMP_FILTER_FLAG_SPEC_ALLOW",         SECCOMP_FILTER_FLAG_SPEC_ALLOW, false)           \
    ROW("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", WAIT_KILLABLE_RECV,             true)

#define ARCHITECTURES(ROW)                                                                         \
    ROW("SCMP_ARCH_X86",         "x86")                                                            \
    ROW("SCMP_ARCH_X86_64",      "x86_64")                                                         \
    ROW("SCMP_ARCH_X32",         "x32")                                                            \
    ROW("SCMP_ARCH_ARM",         "arm")                                                            \
    ROW("SCMP_ARCH_AARCH64",     "aarch64")                                                        \
    ROW("SCMP_ARCH_LOONGARCH64", "loongarch64")                                                    \
    ROW("SCMP_ARCH_M68K",        "m68k")                                                           \
    ROW("SCMP_ARCH_MIPS",        "mips")                                                           \
    ROW("SCMP_ARCH_MIPS64",      "mips64")                                                         \
    ROW("SCMP_ARCH_MIPS64N32",   "mips64n32")                                                      \
    ROW("SCMP_ARCH_MIPSEL",      "mipsel")                                                         \
    ROW("SCMP_ARCH_MIPSEL64",    "mipsel64")                                                       \
    ROW("SCMP_ARCH_MIPSEL64N32", "mipsel64n32")                                                    \
    ROW("SCMP_ARCH_PPC",         "ppc")                                                            \
    ROW("SCMP_ARCH_PPC64",       "ppc64")                                                          \
    ROW("SCMP_ARCH_PPC64LE",     "ppc64le")                                                        \
    ROW("SCMP_ARCH_S390",        "s390")                                                           \
    ROW("SCMP_ARCH_S390X",       "s390x")                                                          \
    ROW("SCMP_ARCH_SH",          "sh")                                                             \
    ROW("SCMP_ARCH_SHEB",        "sheb")                                                           \
    ROW("SCMP_ARCH_PARISC",      "parisc")                                                         \
    ROW("SCMP_ARCH_PARISC64",    "parisc64")                                                       \
    ROW("SCMP_ARCH_RISCV64",     "riscv64")

#define NAME(name, ...)       name,
#define ALL(...)              {__VA_ARGS__},
#define JSON_FIRST(name, ...) "\"" name "\""
#define JSON(name, ...)       ",\"" name "\""

const char *const action_names[] = {ACTIONS(NAME) NULL};
const char *const operator_names[] = {OPERATORS(NAME) NULL};
const char *const flag_names[] = {FLAGS(NAME, NAME) NULL};
const char *const architecture_names[] = {ARCHITECTURES(NAME) NULL};
const char flags_json[] = "[" FLAGS(JSON_FIRST, JSON) "]";

static const struct action actions[] = {ACTIONS(ALL)};
static const struct operator operators[] = {OPERATORS(ALL)};
static const struct flag flags[] = {FLAGS(ALL, ALL)};
static const struct architecture architectures[] = {ARCHITECTURES(ALL)};
/* clang-format on */

#define FIND(table, wanted)                                                                        \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++)                                \
        if (!strcmp((table)[i].name, wanted))                                                      \
            return &(table)[i];                                                                    \
    return NULL

const struct action *action_of(const char *name)
{
    FIND(actions, name);
}

const struct operator* operator_of(const char *name)
{
    FIND(operators, name);
}

const struct flag *flag_of(const char *name)
{
    FIND(flags, name);
}

const struct architecture *architecture_of(const char *name)
{
    FIND(architectures, name);
}

bool is_stricter(uint32_t action, uint32_t than)
{
    return (int32_t)(action & SECCOMP_RET_ACTION_FULL) < (int32_t)(than & SECCOMP_RET_ACTION_FULL);
}
