/* SPDX-License-Identifier: Apache-2.0 */
/* When what plugins confine the process with is applied: the seccomp filter and the labels of security modules. */
#include "core/linux/confine.h"

#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>

/* --- seccomp ---------------------------------------------------------------------------------- */

/*
 * Without no_new_privs the kernel takes a filter only from who has CAP_SYS_ADMIN: before the capabilities change, but
 * behind the bounding set and the ids. A filter, or an agent, can say of these that they have changed when they have
 * not; of the capabilities execve leaves nothing that is not in the bounding set. With no_new_privs, behind all that a process does to itself, plugins'
 * calls included: what the filter then sees is the report, the wait, hooks and execve.
 */
void compile_seccomp(struct compile *p, bool no_new_privs, bool last)
{
    const struct planned_seccomp *s = &p->c->plugins.seccomp;

    if (!s->plugin || no_new_privs != last)
        return;
    plan_speaker(p->b, s->plugin, last ? UINT_MAX : 0);
    /* Its listener is fetched from the process, which only root may do with one that cannot be traced. */
    if (s->listener && !p->privileged)
        plan_op0(p->b, PHASE_IDENTITY, TRACEABLE, s->path);
    plan_op(p->b, PHASE_IDENTITY, SECCOMP, s->path,
            NUM(s->flags | (s->killable ? SECCOMP_KILLABLE : 0)), BYTES(s->filter, s->filter_size),
            NUM(s->late), STR(s->listener), STR(s->metadata));
    plan_speaker(p->b, "core", 0);
}

/* --- labels ----------------------------------------------------------------------------------- */

/* The process writes through a procfs of its own pid namespace, which shows nothing but processes, and only
 * those of the container: one of the host's could be found in it by a neighbour (CVE-2016-9962), and what is
 * mounted in the container is not believed (CVE-2019-16884). */
static int own_procfs(struct compile *p, enum plan_phase phase, int *slot)
{
    if (*slot < 0) {
        *slot = plan_slot(p->b, "own-proc");
        plan_op(p->b, phase, OWN_PROCFS, NULL, SLOT(*slot));
    }
    return *slot;
}

static void write_attribute(struct compile *p, int proc, const struct planned_label *l,
                            const char *value)
{
    auto_free char *path = NULL;

    plan_origin(p->b, l->path, l->plugin);
    if (asprintf(&path, "self/%s", l->file) < 0)
        path = NULL;
    plan_op(p->b, PHASE_ENTER, WRITE, l->path, SLOT(proc), STR(path), STR(value),
            NUM(PROC_SUPER_MAGIC));
    plan_what(p->b, "write %s", l->file);
}

/* The kernel reads the label when the keyring is made; a new line takes it back. */
void compile_keyring(struct compile *p, int *proc)
{
    const struct plugins *plugins = &p->c->plugins;

    for (size_t i = 0; i < plugins->n_labels; i++)
        if (plugins->labels[i].kind == HOZO_LABEL_KEYRING)
            write_attribute(p, own_procfs(p, PHASE_ENTER, proc), &plugins->labels[i],
                            plugins->labels[i].value);
    plan_op0(p->b, PHASE_ENTER, KEYRING, NULL);
    for (size_t i = 0; i < plugins->n_labels; i++)
        if (plugins->labels[i].kind == HOZO_LABEL_KEYRING)
            write_attribute(p, *proc, &plugins->labels[i], "\n");
}

/* Opened before a seccomp filter could forbid it, written directly before execve(2), which takes it: hooks are
 * programs, too. */
void compile_exec_labels(struct compile *p, int *proc)
{
    const struct plugins *plugins = &p->c->plugins;

    for (size_t i = 0; i < plugins->n_labels; i++) {
        const struct planned_label *l = &plugins->labels[i];

        if (l->kind != HOZO_LABEL_EXEC)
            continue;
        plan_origin(p->b, l->path, l->plugin);
        plan_op(p->b, PHASE_PROCESS, LABEL, l->path, SLOT(own_procfs(p, PHASE_PROCESS, proc)),
                STR(l->file), STR(l->value));
        plan_what(p->b, "%s", l->file);
    }
}

/* --- mounts ----------------------------------------------------------------------------------- */

#define MQUEUE_MAGIC 0x19800202

/*
 * File systems that are one for all who mount them: the kernel refuses an option there, or takes the first one's
 * for everybody (security/selinux/hooks.c, Linux 6.18). In proc it labels the files by their processes. Of mqueue the
 * root is labelled, where it is the container's.
 */
static const struct {
    const char *type;
    uint64_t label_root; /* magic number; 0: nothing is labelled */
} exceptions[] = {
    {"binfmt_misc", 0},       {"cgroup", 0},    {"cgroup2", 0},  {"configfs", 0},
    {"debugfs", 0},           {"devtmpfs", 0},  {"efivarfs", 0}, {"fusectl", 0},
    {"mqueue", MQUEUE_MAGIC}, {"proc", 0},      {"pstore", 0},   {"resctrl", 0},
    {"securityfs", 0},        {"selinuxfs", 0}, {"sysfs", 0},    {"tracefs", 0},
};

static const struct planned_label *mount_label(const struct compile *p)
{
    const struct plugins *plugins = &p->c->plugins;

    for (size_t i = 0; i < plugins->n_labels; i++)
        if (plugins->labels[i].kind == HOZO_LABEL_MOUNT)
            return &plugins->labels[i];
    return NULL;
}

/* The configuration may label a mount itself: then that counts. SELinux has context=, fscontext=, defcontext= and
 * rootcontext=. */
static bool is_labelled(const char *const *options)
{
    for (; options && *options; options++) {
        size_t n = strcspn(*options, "="), length = strlen("context");

        if ((*options)[n] && n >= length && !memcmp(*options + n - length, "context", length))
            return true;
    }
    return false;
}

int mount_label_option(const struct compile *p, const char *type, const char *const *options,
                       char **option, struct error *err)
{
    const struct planned_label *l = mount_label(p);

    *option = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
        if (!strcmp(type, exceptions[i].type))
            return 0;
    if (!l || is_labelled(options) || asprintf(option, "%s=%s", l->option, l->value) >= 0)
        return 0;
    *option = NULL;
    return fail_memory(err);
}

void compile_mount_label(struct compile *p, const char *type, const char *target, const char *path)
{
    const struct planned_label *l = mount_label(p);

    /* Message queues are those of the IPC namespace: the host's keep their label. With a user namespace that root has
     * made, their root belongs to somebody who is nobody inside. */
    if (!(p->namespaces & CLONE_NEWIPC) || (p->user_namespace && p->privileged))
        return;
    for (size_t i = 0; l && i < ARRAY_SIZE(exceptions); i++)
        if (exceptions[i].label_root && !strcmp(type, exceptions[i].type)) {
            plan_op(p->b, PHASE_MOUNTS, LABEL_ROOT, path, SLOT(p->root), STR(target),
                    NUM(exceptions[i].label_root), STR(l->file), STR(l->value));
            plan_what(p->b, "label %s", target);
        }
}
