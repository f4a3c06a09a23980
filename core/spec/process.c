/* SPDX-License-Identifier: Apache-2.0 */
/* The section `process` of config.md. */
#include "core/spec/rows.h"

/* clang-format off */
static const struct spec_field console_size[] = {
    UINT(CORE, "height", 64, REQUIRED),
    UINT(CORE, "width", 64, REQUIRED),
    {0},
};

static const struct spec_field user[] = {
    UINT(CORE, "uid", 32),
    UINT(CORE, "gid", 32),
    UINT(CORE, "umask", 32),
    UINTS(CORE, "additionalGids", 32),
    STRING(IGNORED, "username"), /* Windows only */
    {0},
};

static const struct spec_field rlimit[] = {
    STRING(CORE, "type", REQUIRED,
           VALUES("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE",
                  "RLIMIT_LOCKS", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",
                  "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
                  "RLIMIT_SIGPENDING", "RLIMIT_STACK")),
    UINT(CORE, "soft", 64, REQUIRED),
    UINT(CORE, "hard", 64, REQUIRED),
    {0},
};

/* No list of names: which capabilities there are is the kernel's matter. */
static const struct spec_field capabilities[] = {
    STRINGS(CORE, "bounding"),
    STRINGS(CORE, "permitted"),
    STRINGS(CORE, "effective"),
    STRINGS(CORE, "inheritable"),
    STRINGS(CORE, "ambient"),
    {0},
};

static const struct spec_field io_priority[] = {
    STRING(CORE, "class", REQUIRED,
           VALUES("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE")),
    INT(CORE, "priority", 32, REQUIRED),
    {0},
};

static const struct spec_field scheduler[] = {
    STRING(CORE, "policy", REQUIRED,
           VALUES("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE",
                  "SCHED_DEADLINE")),
    INT(CORE, "nice", 32),
    INT(CORE, "priority", 32),
    STRINGS(CORE, "flags",
            VALUES("SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN",
                   "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
                   "SCHED_FLAG_UTIL_CLAMP_MAX")),
    UINT(CORE, "runtime", 64),
    UINT(CORE, "deadline", 64),
    UINT(CORE, "period", 64),
    {0},
};

static const struct spec_field exec_cpu_affinity[] = {
    STRING(CORE, "initial"),
    STRING(CORE, "final"),
    {0},
};

const struct spec_field spec_process[] = {
    BOOL(CORE, "terminal"),
    OBJECT(CORE, "consoleSize", console_size),
    OBJECT(CORE, "user", user),
    STRING(CORE, "cwd", REQUIRED),
    STRINGS(CORE, "env"),
    STRINGS(CORE, "args"),
    STRING(IGNORED, "commandLine"), /* Windows only */
    OBJECTS(CORE, "rlimits", rlimit),
    OBJECT(CORE, "capabilities", capabilities),
    BOOL(CORE, "noNewPrivileges"),
    INT(CORE, "oomScoreAdj", 32),
    STRING(PLUGIN("apparmor"), "apparmorProfile"),
    STRING(PLUGIN("selinux"), "selinuxLabel"),
    OBJECT(CORE, "scheduler", scheduler),
    OBJECT(CORE, "ioPriority", io_priority),
    OBJECT(CORE, "execCPUAffinity", exec_cpu_affinity),
    {0},
};
/* clang-format on */
