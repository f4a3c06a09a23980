/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan-words.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>

/* The first row that fits wins: rows with more bits stand first. */
struct word {
    uint64_t mask, bits;
    const char *word;
};

#define BIT(bit, word)                                                                             \
    {                                                                                              \
        bit, bit, word                                                                             \
    }
#define REC(bit, word)                                                                             \
    {bit | MS_REC, bit | MS_REC, "r" word},                                                        \
    {                                                                                              \
        bit, bit, word                                                                             \
    }
#define CAP(name)                                                                                  \
    {                                                                                              \
        1ull << CAP_##name, 1ull << CAP_##name, "CAP_" #name                                       \
    }
#define ALL_CAPABILITIES ((1ull << (CAP_CHECKPOINT_RESTORE + 1)) - 1)

/* clang-format off */
static const struct word namespaces[] = {
    BIT(CLONE_NEWPID, "pid"), BIT(CLONE_NEWNET, "network"), BIT(CLONE_NEWNS, "mount"),
    BIT(CLONE_NEWIPC, "ipc"), BIT(CLONE_NEWUTS, "uts"), BIT(CLONE_NEWUSER, "user"),
    BIT(CLONE_NEWCGROUP, "cgroup"), BIT(CLONE_NEWTIME, "time"),
    {0, 0, NULL},
};

/* Access times are a number within the bits; "atime" is the whole of it, as `clear` needs it. */
static const struct word attributes[] = {
    BIT(MOUNT_ATTR_RDONLY, "rdonly"), BIT(MOUNT_ATTR_NOSUID, "nosuid"),
    BIT(MOUNT_ATTR_NODEV, "nodev"), BIT(MOUNT_ATTR_NOEXEC, "noexec"),
    {MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME, "atime"},
    {MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, "noatime"},
    {MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME, "strictatime"},
    BIT(MOUNT_ATTR_NODIRATIME, "nodiratime"), BIT(MOUNT_ATTR_IDMAP, "idmap"),
    BIT(MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"),
    {0, 0, NULL},
};

static const struct word ways[] = {
    BIT(HOW_NO_SYMLINKS, "no-symlinks"), BIT(HOW_COPY_UP, "copy-up"), BIT(HOW_ON_PROC, "on-proc"),
    BIT(HOW_BIND_CONSOLE, "bind-console"), BIT(HOW_OF_PROC, "of-proc"),
    BIT(HOW_TARGET_MODE, "target-mode"),
    BIT(HOW_REPLACE, "replace"), BIT(HOW_SLAVE, "slave"),
    {0, 0, NULL},
};

static const struct word propagations[] = {
    REC(MS_SHARED, "shared"), REC(MS_SLAVE, "slave"), REC(MS_PRIVATE, "private"),
    REC(MS_UNBINDABLE, "unbindable"),
    {0, 0, NULL},
};

static const struct word capabilities[] = {
    {ALL_CAPABILITIES, ALL_CAPABILITIES, "all"},
    CAP(CHOWN), CAP(DAC_OVERRIDE), CAP(DAC_READ_SEARCH), CAP(FOWNER), CAP(FSETID), CAP(KILL),
    CAP(SETGID), CAP(SETUID), CAP(SETPCAP), CAP(LINUX_IMMUTABLE), CAP(NET_BIND_SERVICE),
    CAP(NET_BROADCAST), CAP(NET_ADMIN), CAP(NET_RAW), CAP(IPC_LOCK), CAP(IPC_OWNER),
    CAP(SYS_MODULE), CAP(SYS_RAWIO), CAP(SYS_CHROOT), CAP(SYS_PTRACE), CAP(SYS_PACCT),
    CAP(SYS_ADMIN), CAP(SYS_BOOT), CAP(SYS_NICE), CAP(SYS_RESOURCE), CAP(SYS_TIME),
    CAP(SYS_TTY_CONFIG), CAP(MKNOD), CAP(LEASE), CAP(AUDIT_WRITE), CAP(AUDIT_CONTROL),
    CAP(SETFCAP), CAP(MAC_OVERRIDE), CAP(MAC_ADMIN), CAP(SYSLOG), CAP(WAKE_ALARM),
    CAP(BLOCK_SUSPEND), CAP(AUDIT_READ), CAP(PERFMON), CAP(BPF), CAP(CHECKPOINT_RESTORE),
    {0, 0, NULL},
};
/* clang-format on */

void plan_words(struct text *out, char type, uint64_t value, plan_word emit)
{
    const struct word *words = type == 'n'   ? namespaces
                               : type == 'a' ? attributes
                               : type == 'p' ? propagations
                               : type == 'h' ? ways
                                             : capabilities;
    uint64_t said = 0;
    unsigned index = 0;
    char rest[24];

    for (const struct word *w = words; w->word; w++)
        if ((value & w->mask) == w->bits && (w->bits & ~said)) {
            emit(out, w->word, index++);
            said |= w->bits;
        }
    if (value & ~said) {
        snprintf(rest, sizeof rest, "0x%llx", (unsigned long long)(value & ~said));
        emit(out, rest, index);
    }
}
