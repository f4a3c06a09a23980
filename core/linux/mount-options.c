/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/mount-options.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW /* Linux 5.14 */
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum option_kind {
    NOTHING,     /* the default: accepted, changes nothing */
    ATTR,        /* set `bits` */
    NOT_ATTR,    /* clear `bits` */
    ATIME,       /* choose `bits` among the access time modes */
    PROPAGATION, /* `bits` */
    BIND,        /* `bits` = recursive */
    COPY_UP,
    MAPPED, /* `bits` = recursive */
    REMOUNT,
    FILE_SYSTEM,     /* a flag of the super block: fsconfig takes it by this name */
    NOT_FILE_SYSTEM, /* its opposite, which is the default: its name but for the first `bits` letters */
};

#define RECURSIVE true

/* Sorted by name. */
/* clang-format off */
static const struct mount_option {
    const char *name;
    enum option_kind kind;
    uint64_t bits;
    bool recursive;
} table[] = {
    {"async",         NOT_FILE_SYSTEM, 1, false},
    {"atime",         ATIME,       MOUNT_ATTR_RELATIME, false},
    {"bind",          BIND,        0, false},
    {"defaults",      NOTHING,     0, false},
    {"dev",           NOT_ATTR,    MOUNT_ATTR_NODEV, false},
    {"diratime",      NOT_ATTR,    MOUNT_ATTR_NODIRATIME, false},
    {"dirsync",       FILE_SYSTEM, 0, false},
    {"exec",          NOT_ATTR,    MOUNT_ATTR_NOEXEC, false},
    {"idmap",         MAPPED,      0, false},
    {"iversion",      FILE_SYSTEM, 0, false},
    {"lazytime",      FILE_SYSTEM, 0, false},
    {"loud",          NOTHING,     0, false},
    {"mand",          FILE_SYSTEM, 0, false},
    {"noatime",       ATIME,       MOUNT_ATTR_NOATIME, false},
    {"nodev",         ATTR,        MOUNT_ATTR_NODEV, false},
    {"nodiratime",    ATTR,        MOUNT_ATTR_NODIRATIME, false},
    {"noexec",        ATTR,        MOUNT_ATTR_NOEXEC, false},
    {"noiversion",    NOT_FILE_SYSTEM, 2, false},
    {"nolazytime",    NOT_FILE_SYSTEM, 2, false},
    {"nomand",        NOT_FILE_SYSTEM, 2, false},
    {"norelatime",    ATIME,       MOUNT_ATTR_STRICTATIME, false},
    {"nostrictatime", ATIME,       MOUNT_ATTR_RELATIME, false},
    {"nosuid",        ATTR,        MOUNT_ATTR_NOSUID, false},
    {"nosymfollow",   ATTR,        MOUNT_ATTR_NOSYMFOLLOW, false},
    {"private",       PROPAGATION, MS_PRIVATE, false},
    {"ratime",        ATIME,       MOUNT_ATTR_RELATIME, RECURSIVE},
    {"rbind",         BIND,        1, false},
    {"rdev",          NOT_ATTR,    MOUNT_ATTR_NODEV, RECURSIVE},
    {"rdiratime",     NOT_ATTR,    MOUNT_ATTR_NODIRATIME, RECURSIVE},
    {"relatime",      ATIME,       MOUNT_ATTR_RELATIME, false},
    {"remount",       REMOUNT,     0, false},
    {"rexec",         NOT_ATTR,    MOUNT_ATTR_NOEXEC, RECURSIVE},
    {"ridmap",        MAPPED,      1, false},
    {"rnoatime",      ATIME,       MOUNT_ATTR_NOATIME, RECURSIVE},
    {"rnodev",        ATTR,        MOUNT_ATTR_NODEV, RECURSIVE},
    {"rnodiratime",   ATTR,        MOUNT_ATTR_NODIRATIME, RECURSIVE},
    {"rnoexec",       ATTR,        MOUNT_ATTR_NOEXEC, RECURSIVE},
    {"rnorelatime",   ATIME,       MOUNT_ATTR_STRICTATIME, RECURSIVE},
    {"rnostrictatime",ATIME,       MOUNT_ATTR_RELATIME, RECURSIVE},
    {"rnosuid",       ATTR,        MOUNT_ATTR_NOSUID, RECURSIVE},
    {"rnosymfollow",  ATTR,        MOUNT_ATTR_NOSYMFOLLOW, RECURSIVE},
    {"ro",            ATTR,        MOUNT_ATTR_RDONLY, false},
    {"rprivate",      PROPAGATION, MS_PRIVATE | MS_REC, false},
    {"rrelatime",     ATIME,       MOUNT_ATTR_RELATIME, RECURSIVE},
    {"rro",           ATTR,        MOUNT_ATTR_RDONLY, RECURSIVE},
    {"rrw",           NOT_ATTR,    MOUNT_ATTR_RDONLY, RECURSIVE},
    {"rshared",       PROPAGATION, MS_SHARED | MS_REC, false},
    {"rslave",        PROPAGATION, MS_SLAVE | MS_REC, false},
    {"rstrictatime",  ATIME,       MOUNT_ATTR_STRICTATIME, RECURSIVE},
    {"rsuid",         NOT_ATTR,    MOUNT_ATTR_NOSUID, RECURSIVE},
    {"rsymfollow",    NOT_ATTR,    MOUNT_ATTR_NOSYMFOLLOW, RECURSIVE},
    {"runbindable",   PROPAGATION, MS_UNBINDABLE | MS_REC, false},
    {"rw",            NOT_ATTR,    MOUNT_ATTR_RDONLY, false},
    {"shared",        PROPAGATION, MS_SHARED, false},
    {"silent",        NOTHING,     0, false},
    {"slave",         PROPAGATION, MS_SLAVE, false},
    {"strictatime",   ATIME,       MOUNT_ATTR_STRICTATIME, false},
    {"suid",          NOT_ATTR,    MOUNT_ATTR_NOSUID, false},
    {"symfollow",     NOT_ATTR,    MOUNT_ATTR_NOSYMFOLLOW, false},
    {"sync",          FILE_SYSTEM, 0, false},
    {"tmpcopyup",     COPY_UP,     0, false},
    {"unbindable",    PROPAGATION, MS_UNBINDABLE, false},
};
/* clang-format on */

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct mount_option *)row)->name);
}

static void remember(uint64_t *set, uint64_t *clear, uint64_t on, uint64_t off)
{
    *set = (*set & ~off) | on;
    *clear = (*clear & ~on) | off;
}

static void apply_attribute(uint64_t *set, uint64_t *clear, const struct mount_option *m)
{
    if (m->kind == ATTR)
        remember(set, clear, m->bits, 0);
    else if (m->kind == NOT_ATTR)
        remember(set, clear, 0, m->bits);
    else { /* mount_setattr(2): the whole group is cleared, then one mode is set */
        *set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | m->bits;
        *clear |= MOUNT_ATTR__ATIME;
    }
}

static void apply(struct mount_options *o, const struct mount_option *m)
{
    switch (m->kind) {
    case ATTR:
    case NOT_ATTR:
    case ATIME:
        /* A recursive one means the mount itself too, so that there the last word counts. */
        apply_attribute(&o->set, &o->clear, m);
        if (m->recursive)
            apply_attribute(&o->rset, &o->rclear, m);
        break;
    case PROPAGATION:
        o->propagation = m->bits;
        break;
    case BIND:
        o->bind = true;
        o->recursive |= m->bits != 0;
        break;
    case COPY_UP:
        o->copy_up = true;
        break;
    case MAPPED:
        o->idmap = m->bits ? IDMAP_RECURSIVE : IDMAP_TOP;
        break;
    case REMOUNT:
        o->remount = true;
        break;
    case NOTHING:
    case FILE_SYSTEM:
    case NOT_FILE_SYSTEM:
        break;
    }
}

/* The last word counts. */
static void forget(const char **data, size_t *n, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++)
        if (strcmp(data[i], name))
            data[kept++] = data[i];
    while (*n > kept)
        data[--*n] = NULL;
}

int mount_options_parse(const cJSON *options, struct mount_options *o, struct error *err)
{
    size_t n = 0;
    const cJSON *option;

    *o = (struct mount_options){.data = calloc(json_length(options) + 1, sizeof *o->data)};
    if (!o->data)
        return fail_memory(err);
    cJSON_ArrayForEach (option, options) {
        const char *name = option->valuestring;
        const struct mount_option *m =
            bsearch(name, table, ARRAY_SIZE(table), sizeof *table, compare);

        if (!m || m->kind == FILE_SYSTEM)
            o->data[n++] = name;
        if (m && m->kind == NOT_FILE_SYSTEM)
            forget(o->data, &n, name + m->bits);
        if (m)
            apply(o, m);
    }
    return 0;
}

int mount_options_add(struct mount_options *o, const char *option, struct error *err)
{
    size_t n = 0;
    const char **more;

    while (o->data[n])
        n++;
    if (!(more = reallocarray(o->data, n + 2, sizeof *more)))
        return fail_memory(err);
    more[n] = option;
    more[n + 1] = NULL;
    o->data = more;
    return 0;
}

const char *mount_option_name(size_t index)
{
    return index < ARRAY_SIZE(table) ? table[index].name : NULL;
}
