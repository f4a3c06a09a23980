/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record says, undone in reverse order. It goes on behind what fails, which stays in the record; what is
 * gone already is no failure.
 */
#include <errno.h>
#include <signal.h>

#include "plugins/freebsd/runner.h"

static int fail(struct runner *r, int errnum, const char *path, const char *what, const char *name)
{
    return hozo_error(r->jail->ctx, errnum, path, "%s %s", what, name);
}

static bool is_gone(int e, int gone)
{
    return e >= 0 || e == gone || e == -ENOENT;
}

/* --- process and jail --------------------------------------------------------------------------- */

static int end_process(struct runner *r)
{
    uint64_t born;
    int e = r->record.pid ? OS(r, born, r->record.pid, &born) : -ESRCH;

    if (e >= 0 && born == r->record.born)
        e = OS(r, kill, r->record.pid, SIGKILL);
    if (!is_gone(e, -ESRCH))
        return fail(r, -e, "process", "ending the process of", r->jail->id);
    r->record.pid = 0;
    return 0;
}

/* Its jid; 0: there is none. By the name it is ours if it has our root. */
static int find_jail(struct runner *r)
{
    char path[4096];
    int jid;

    if (!r->record.jail)
        return 0;
    jid = OS(r, jail_find, r->jail->name, path, sizeof(path));
    if (jid == -ENOENT)
        return 0;
    if (jid > 0 && (r->record.jid ? jid != r->record.jid : strcmp(path, r->record.path) != 0))
        return 0;
    return jid;
}

static int return_interfaces(struct runner *r, int jid)
{
    int failed = 0;

    /* With the jail its interfaces have gone back. */
    for (; jid > 0 && r->record.interfaces; r->record.interfaces--) {
        const struct interface *in = &r->jail->interfaces[r->record.interfaces - 1];
        int e = OS(r, move_back, in->name, jid);

        if (!is_gone(e, -ENXIO)) {
            failed = fail(r, -e, in->path, "moving back", in->name);
            break;
        }
    }
    if (jid == 0)
        r->record.interfaces = 0;
    return failed;
}

static int remove_jail(struct runner *r)
{
    int jid = find_jail(r), e;

    if (jid < 0)
        return fail(r, -jid, JAIL, "looking for jail", r->jail->name);
    if (return_interfaces(r, jid) < 0)
        return -1;
    if (jid && !is_gone(e = OS(r, jail_remove, jid), -EINVAL))
        return fail(r, -e, JAIL, "removing jail", r->jail->name);
    r->record.jail = false;
    r->record.jid = 0;
    return 0;
}

static int lower_parent(struct runner *r, size_t i)
{
    const char *name = runner_parent(r, i);
    int current, maximum, jid, e;

    if (!name)
        return -1;
    jid = OS(r, jail_find, name, NULL, 0);
    e = jid < 0 ? jid : OS(r, jail_children, jid, &current, &maximum);
    /* It may not have been raised, or be lowered already; and others have raised it as well. */
    if (e >= 0 && maximum >= r->record.raised[i] && maximum > current)
        e = OS(r, jail_allow_children, jid, maximum - 1);
    if (!is_gone(e, -ENOENT))
        return fail(r, -e, JAIL ".parent", "allowing one less below jail", name);
    r->record.raised[i] = 0;
    return 0;
}

static int lower_parents(struct runner *r)
{
    int failed = 0;

    for (size_t i = PARENTS_MAX; i--;)
        if (r->record.raised[i] && lower_parent(r, i) < 0)
            failed = -1;
    return failed;
}

/* --- addresses and mounts ----------------------------------------------------------------------- */

static int remove_aliases(struct runner *r)
{
    int failed = 0;

    for (size_t i = r->jail->n_aliases; i--;) {
        const struct alias *a = &r->jail->aliases[i];
        int e;

        if (!r->record.aliases[i])
            continue;
        e = OS(r, remove_address, a->interface, a->address, a->ip6);
        if (is_gone(e, -EADDRNOTAVAIL) || e == -ENXIO)
            r->record.aliases[i] = false;
        else
            failed = fail(r, -e, a->path, "removing", a->address);
    }
    return failed;
}

static int unmount(struct runner *r, const char *path, const char *place)
{
    int e = place ? OS(r, unmount, place) : -ENOMEM;

    return is_gone(e, -EINVAL) ? 0 : fail(r, -e, path, "unmounting", place ? place : "");
}

/* Those below another first. */
static int unmount_all(struct runner *r)
{
    for (; r->record.mounts; r->record.mounts--) {
        const struct mount *m = &r->jail->mounts[r->record.mounts - 1];

        if (unmount(r, m->path, runner_place(r, m->destination)) < 0)
            return -1;
    }
    if (r->record.root && unmount(r, "root.readonly", r->record.path) < 0)
        return -1;
    r->record.root = false;
    return 0;
}

static int remove_directory(struct runner *r)
{
    const char *path = runner_directory(r);
    int e = 0;

    if (!path)
        return -1;
    if (r->record.fifos && !is_gone(e = OS(r, remove_fifos, path), -ENOENT))
        return fail(r, -e, JAIL, "removing fifos in", path);
    r->record.fifos = false;
    if (r->record.directory && r->jail->readonly &&
        !is_gone(e = OS(r, remove_directory, r->jail->root), -ENOENT))
        return fail(r, -e, JAIL, "removing", r->jail->root);
    if (r->record.directory && !is_gone(e = OS(r, remove_directory, path), -ENOENT))
        return fail(r, -e, JAIL, "removing", path);
    r->record.directory = false;
    return 0;
}

int runner_undo(struct runner *r)
{
    bool failed;

    if (r->record.mounts > r->jail->n_mounts || r->record.interfaces > r->jail->n_interfaces)
        return hozo_error(r->jail->ctx, 0, JAIL,
                          "what the container's state says of it is damaged");
    /* While the jail is there nothing below its root can be taken from it. */
    failed = end_process(r) < 0 || remove_jail(r) < 0;

    if (!failed) {
        failed = lower_parents(r) < 0;
        failed |= remove_aliases(r) < 0;
        failed |= unmount_all(r) < 0 || remove_directory(r) < 0;
    }
    return r->save(r) < 0 || failed ? -1 : 0;
}
