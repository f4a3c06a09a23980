/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp of config-linux.md. */
#include "core/spec/rows.h"

#define SECCOMP PLUGIN("seccomp")

/* clang-format off */
#define ACTIONS                                                                                    \
    VALUES("SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",      \
           "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY")

static const struct spec_field arg[] = {
    UINT(SECCOMP, "index", 32, REQUIRED),
    UINT(SECCOMP, "value", 64, REQUIRED),
    UINT(SECCOMP, "valueTwo", 64),
    STRING(SECCOMP, "op", REQUIRED,
           VALUES("SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE",
                  "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ")),
    {0},
};

static const struct spec_field syscall_rule[] = {
    SOME_STRINGS(SECCOMP, "names", REQUIRED),
    STRING(SECCOMP, "action", REQUIRED, ACTIONS),
    UINT(SECCOMP, "errnoRet", 32),
    OBJECTS(SECCOMP, "args", arg),
    {0},
};

const struct spec_field spec_seccomp[] = {
    STRING(SECCOMP, "defaultAction", REQUIRED, ACTIONS),
    UINT(SECCOMP, "defaultErrnoRet", 32),
    STRINGS(SECCOMP, "architectures",
            VALUES("SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM",
                   "SCMP_ARCH_AARCH64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
                   "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
                   "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
                   "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390",
                   "SCMP_ARCH_S390X", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB", "SCMP_ARCH_PARISC",
                   "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64")),
    STRINGS(SECCOMP, "flags",
            VALUES("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                   "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")),
    STRING(SECCOMP, "listenerPath"),
    STRING(SECCOMP, "listenerMetadata"),
    OBJECTS(SECCOMP, "syscalls", syscall_rule),
    {0},
};
/* clang-format on */
