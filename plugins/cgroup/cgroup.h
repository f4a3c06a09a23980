/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup plugin: linux.cgroupsPath and what it serves of linux.resources, by the kernel's
 * files.
 *
 *     hierarchy.c   where the container's cgroups lie                    pure
 *     unit.c        … if systemd makes them                              pure
 *     resources.h   memory, cpu, …: field -> file and value, see there
 *     devices.c     device rules; what cgroup v1 is told                 pure
 *     program.c     device rules -> eBPF program for cgroup v2           pure
 *     device-plan.c device rules as work                                 pure
 *     plan.c        the list of all that will be done                    pure
 *     apply.c       does it: prepare and attach
 *     directory.c   making a cgroup, level by level
 *     owner.c       giving it to the user of a container that manages its own
 *     load.c        loading and attaching the program
 *     cleanup.c     removing the cgroups
 *     stats.h       what `events` tells of them
 */
#ifndef PLUGINS_CGROUP_CGROUP_H
#define PLUGINS_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <hozo/plugin.h>

#define CGROUPS_PATH "linux.cgroupsPath"
#define RESOURCES    "linux.resources"

#define auto_free  __attribute__((cleanup(cgroup_free_ptr)))
#define auto_close __attribute__((cleanup(cgroup_close_fd)))

static inline void cgroup_free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void cgroup_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* --- hierarchy.c --------------------------------------------------------------------------------
 */

#define HIERARCHIES_MAX 32

struct hierarchy {
    bool unified;
    char *controllers; /* "cpu,cpuacct", "name=systemd"; "" if unified */
    char *mountpoint;
    char *path;      /* of the container's cgroup below the mount point: "/pod/id" */
    char *directory; /* mountpoint + path */
};

/* The unified hierarchy comes first: its cgroup.kill ends all processes at once when cleaning up.
 */
struct hierarchies {
    struct hierarchy at[HIERARCHIES_MAX];
    size_t n;
    bool v2; /* nothing but the unified one */
    /* There is one in which an ordinary user may make nothing: without a cgroupsPath, which says where, nothing
     * is made there. */
    bool forbidden;
    /* As recorded: they are those of a unit, and systemd writes into them as well. */
    bool unit;
};

int hierarchies_find(struct hozo_ctx *ctx, struct hierarchies *all);
/* All of them, with the path of a unit's cgroup, which is the same in each. */
int hierarchies_of_unit(struct hozo_ctx *ctx, const char *path, struct hierarchies *all);
/* For verbs after create, as its state tells: of each only `unified`, `controllers` and `directory`. */
int hierarchies_recorded(struct hozo_ctx *ctx, struct hierarchies *all);
void hierarchies_free(struct hierarchies *all);
/* Whether "cpu,cpuacct" names the controller. */
bool controllers_have(const char *controllers, const char *controller);
bool hierarchy_has(const struct hierarchy *h, const char *controller);

/* "/a//./b" -> "/a/b", "." -> "". NULL: a ".." (errno EINVAL), or no memory. Always starts with '/'
 * or is empty. */
char *cgroup_path_clean(const char *path);
/* Where an absolute, a relative or no (NULL) cgroupsPath leads, seen from hozo's own cgroup. */
char *cgroup_path_resolve(const char *cgroups_path, const char *id, const char *own);

/* --- devices.c ----------------------------------------------------------------------------------
 */

#define DEVICE_MKNOD 1u /* as BPF_DEVCG_ACC_* */
#define DEVICE_READ  2u
#define DEVICE_WRITE 4u
#define DEVICE_ALL   7u

struct device_rule {
    bool allow;
    char type;            /* 'a', 'b', 'c' */
    int64_t major, minor; /* -1: any */
    unsigned access;      /* DEVICE_* */
    uint32_t index;       /* in linux.resources.devices; DEVICE_DEFAULT: always allowed */
};
#define DEVICE_DEFAULT UINT32_MAX

/* A later rule overrides an earlier one; where none says anything, everything is allowed. */
struct device_rules {
    struct device_rule *at;
    size_t n;
};

/* The rules of the configuration, then the devices that every container has. None if it has none.
 */
int devices_read(struct hozo_ctx *ctx, struct device_rules *rules);
void device_rules_free(struct device_rules *rules);
int device_access(const char *text, unsigned *access);
/* "c 1:3 rwm" */
#define DEVICE_TEXT_MAX 64
const char *device_text(const struct device_rule *rule, char *room);

/*
 * The same as cgroup v1 knows it: one default, and exceptions from it that do not depend on their
 * order. -1: that cannot be said so; *culprit is the rule.
 */
struct device_exceptions {
    bool allow; /* the default */
    struct device_rule *at;
    size_t n;
};
int device_exceptions(const struct device_rules *rules, struct device_exceptions *out,
                      size_t *culprit);

/* --- program.c ----------------------------------------------------------------------------------
 */

struct bpf_insn;

/* The program, malloc'ed; *n 0 and NULL if nothing is denied. -1 without memory or if too long. */
int device_program(const struct device_rules *rules, struct bpf_insn **program, size_t *n);

/* --- owner.c ------------------------------------------------------------------------------------
 */

#define CGROUP_OWNER_MAX 24

/* Whether the container's cgroup shall belong to its user, and who that is outside, in digits. */
bool cgroup_owner(struct hozo_ctx *ctx, char uid[CGROUP_OWNER_MAX]);
/* The directory, and those files in it that may be delegated. Negative errno. */
int cgroup_give(int dir, uid_t uid);

/* --- plan.c, apply.c, directory.c, load.c, cleanup.c
 * ---------------------------------------------- */

/*
 * The vocabulary of the plugin's work. A hierarchy holds for the directories after it; a directory
 * is entered by being made, and writes go into it.
 */
#define WORK_HIERARCHY                                                                             \
    "hierarchy"                  /* "cpu,cpuacct=/sys/fs/cgroup/cpu", "unified=/sys/fs/cgroup"     \
                                  */
#define WORK_MKDIR    "mkdir"    /* directory in that hierarchy */
#define WORK_UNIT     "unit"     /* the same of a unit: where systemd manages the hierarchy it is there */
#define WORK_ENTER    "enter"    /* directory, made before */
#define WORK_AWAIT    "await"    /* the container's process */
#define WORK_DEVICES  "devices"  /* the rules; data: the program */
#define WORK_OWNER    "owner"    /* user of the host to whom the directory is given */

#define UNIFIED "unified"

int cgroup_plan(struct hozo_ctx *ctx);
int cgroup_prepare(struct hozo_ctx *ctx);
int cgroup_attach(struct hozo_ctx *ctx);
int cgroup_cleanup(struct hozo_ctx *ctx);
int cgroup_update(struct hozo_ctx *ctx);
int cgroup_update_apply(struct hozo_ctx *ctx);
int cgroup_update_undo(struct hozo_ctx *ctx);

/* Opens a directory by its absolute path; no component may be a link. Negative errno. */
int cgroup_open(const char *directory, int flags);
/* Reads a small file; its length, or negative errno. NUL-terminated. */
int cgroup_read(int dir, const char *file, char *room, size_t size);

struct cgroup_new {
    struct hozo_ctx *ctx;
    const char *directory;
    size_t mountpoint_length; /* of its text */
    bool unified, cpuset, freezer;
    bool exists;       /* as cgroup_usable() has found */
    char refused[256]; /* controllers that could not be enabled, and why */
};

/* Whether it exists; an error if it is used by someone or frozen. */
int cgroup_usable(struct cgroup_new *new);
/* Why a cgroup that was made before may be without controllers; or "". */
void cgroup_explain(int dir, char *room, size_t size);
/* Makes it and its parents. A descriptor, or -1 after hozo_error(); *lost: another one made it. */
int cgroup_make(struct cgroup_new *new, bool *lost);

/* Instead of the program that an earlier container has left there, if any. Negative errno. */
int device_program_attach(int cgroup, const void *program, size_t size);

#endif
