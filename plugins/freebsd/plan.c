/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: each parameter, mount, rule, interface and hook, in the order in which FreeBSD would get them. */
#include <inttypes.h>
#include <stdio.h>

#include "plugins/freebsd/freebsd.h"

static int append(struct jail *j, uint32_t phase, const char *path, const char *what,
                  const char *value)
{
    const struct hozo_work work = {
        .size = sizeof(work), .phase = phase, .path = path, .what = what, .value = value};

    return value ? hozo_plan_work(j->ctx, &work) : -1;
}

#define PREPARE HOZO_PHASE_PREPARE
#define ATTACH  HOZO_PHASE_ATTACH

/* --- the jail ----------------------------------------------------------------------------------- */

/* Each jail above this one has to allow one more below it: children.max. */
static int plan_parents(struct jail *j)
{
    if (!j->parent)
        return 0;
    for (const char *s = j->parent;; s++) {
        s += strcspn(s, ".");
        if (append(j, PREPARE, JAIL ".parent", "children",
                   jail_text(j, "%.*s", (int)(s - j->parent), j->parent)) < 0)
            return -1;
        if (!*s)
            return 0;
    }
}

static int plan_aliases(struct jail *j)
{
    for (size_t i = 0; i < j->n_aliases; i++) {
        const struct alias *a = &j->aliases[i];

        if (append(j, PREPARE, a->path, "alias",
                   jail_text(j, "%s %s/%d", a->interface, a->address, a->ip6 ? 128 : 32)) < 0)
            return -1;
    }
    return 0;
}

static int plan_parameters(struct jail *j)
{
    for (size_t i = 0; i < j->n_parameters; i++) {
        const struct parameter *p = &j->parameters[i];

        if (append(j, PREPARE, p->path, "parameter",
                   p->text ? jail_text(j, "%s=%s", p->name, p->text) : p->name) < 0)
            return -1;
    }
    return 0;
}

static int plan_interfaces(struct jail *j)
{
    for (size_t i = 0; i < j->n_interfaces; i++)
        if (append(j, PREPARE, j->interfaces[i].path, "interface", j->interfaces[i].name) < 0)
            return -1;
    return 0;
}

/* --- mounts ------------------------------------------------------------------------------------- */

static int plan_mount(struct jail *j, const struct mount *m)
{
    const char *text = jail_text(j, "%s %s on %s", m->type, m->source, m->destination);

    for (size_t i = 0; text && i < m->n_options; i++) {
        const struct option *o = &m->options[i];

        text = jail_text(j, "%s%s%s%s%s", text, i ? "," : " ", o->name, o->value ? "=" : "",
                         o->value ? o->value : "");
    }
    return append(j, PREPARE, m->path, "nmount", text);
}

static int plan_rules(struct jail *j)
{
    for (size_t i = 0; i < j->n_rules; i++) {
        const struct rule *r = &j->rules[i];

        if (append(j, PREPARE, r->path, "devfs-rule",
                   r->mode < 0
                       ? jail_text(j, "path %s unhide", r->node)
                       : jail_text(j, "path %s unhide mode %04o", r->node, (unsigned)r->mode)) < 0)
            return -1;
    }
    return 0;
}

static int plan_mounts(struct jail *j)
{
    if (j->readonly && append(j, PREPARE, "root.readonly", "nmount",
                              jail_text(j, "nullfs %s on %s ro", j->rootfs, j->root)) < 0)
        return -1;
    for (size_t i = 0; i < j->n_mounts; i++)
        if (plan_mount(j, &j->mounts[i]) < 0)
            return -1;
    return plan_rules(j);
}

/* --- the process -------------------------------------------------------------------------------- */

static int plan_hooks(struct jail *j, enum hook_kind kind)
{
    for (size_t i = 0; i < j->n_hooks; i++)
        if (j->hooks[i].kind == kind &&
            append(j, ATTACH, j->hooks[i].at, "hook", j->hooks[i].program) < 0)
            return -1;
    return 0;
}

static int plan_limits(struct jail *j)
{
    for (size_t i = 0; i < j->process.n_limits; i++) {
        const struct limit *l = &j->process.limits[i];

        if (append(j, ATTACH, l->path, "rlimit",
                   jail_text(j, "%s soft=%" PRIu64 " hard=%" PRIu64, l->name, l->soft, l->hard)) <
            0)
            return -1;
    }
    return 0;
}

static int plan_user(struct jail *j)
{
    const struct process *p = &j->process;
    const char *ids = jail_text(j, "uid=%" PRIu32 " gid=%" PRIu32, p->uid, p->gid);

    for (size_t i = 0; ids && i < p->n_groups; i++)
        ids = jail_text(j, "%s%s%" PRIu32, ids, i ? "," : " groups=", p->groups[i]);
    if (p->umask >= 0 && append(j, ATTACH, "process.user.umask", "umask",
                                jail_text(j, "%04o", (unsigned)p->umask)) < 0)
        return -1;
    return append(j, ATTACH, "process.user", "user", ids);
}

static int plan_terminal(struct jail *j)
{
    const struct process *p = &j->process;

    return p->terminal ? append(j, ATTACH, "process.terminal", "terminal",
                                jail_text(j, "%" PRIu64 "x%" PRIu64, p->width, p->height))
                       : 0;
}

static int plan_process(struct jail *j)
{
    const struct process *p = &j->process;

    if (plan_hooks(j, HOOK_PRESTART) < 0 || plan_hooks(j, HOOK_CREATE_RUNTIME) < 0 ||
        plan_hooks(j, HOOK_CREATE_CONTAINER) < 0 ||
        append(j, ATTACH, JAIL, "attach", j->name) < 0 || plan_terminal(j) < 0 ||
        plan_limits(j) < 0 || append(j, ATTACH, "process.cwd", "chdir", p->cwd) < 0 ||
        plan_user(j) < 0)
        return -1;
    if (p->no_new_privileges &&
        append(j, ATTACH, "process.noNewPrivileges", "no-new-privileges", "") < 0)
        return -1;
    if (plan_hooks(j, HOOK_START_CONTAINER) < 0 ||
        append(j, ATTACH, "process.args", "execute", p->args[0]) < 0)
        return -1;
    return plan_hooks(j, HOOK_POSTSTART) < 0 ? -1 : plan_hooks(j, HOOK_POSTSTOP);
}

int freebsd_plan(struct hozo_ctx *ctx)
{
    struct jail j;
    int r = jail_read(ctx, &j);

    if (r > 0)
        r = plan_mounts(&j) < 0 || plan_aliases(&j) < 0 || plan_parents(&j) < 0 ||
                    plan_parameters(&j) < 0 || plan_interfaces(&j) < 0 || plan_process(&j) < 0
                ? -1
                : 0;
    jail_free(&j);
    return r;
}
