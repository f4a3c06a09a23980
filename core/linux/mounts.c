/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: in the order of the configuration, each one operation. */
#include "core/compile.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "core/linux/bind.h"
#include "core/linux/confine.h"
#include "core/linux/mount-options.h"

static bool names_mode(const struct mount_options *o)
{
    for (const char **option = o->data; *option; option++)
        if (!strncmp(*option, "mode=", 5))
            return true;
    return false;
}

/* proc and sysfs are what the masks and the LSM labels rely on: their mount points must be just
 * there, not behind a link of the image (CVE-2019-19921, CVE-2023-27561). */
static uint64_t how(const char *type, const char *target, const struct mount_options *o)
{
    bool bound = !strcmp(type, "bind") && !strcmp(target, "/proc");
    bool strict = bound || !strcmp(type, "proc") || !strcmp(type, "sysfs");
    bool on_proc = !strncmp(target, "/proc/", 6);
    bool like_target = !strcmp(type, "tmpfs") && !names_mode(o);

    return (strict ? HOW_NO_SYMLINKS : 0) | (on_proc ? HOW_ON_PROC : 0) |
           (bound ? HOW_OF_PROC : 0) | (o->copy_up ? HOW_COPY_UP : 0) |
           (like_target ? HOW_TARGET_MODE : 0);
}

static bool is_dev(const char *destination)
{
    return !strcmp(destination, "/dev");
}

/* What hozo does in /dev and in the root comes after the mounts: they become read-only at the very end. */
static uint64_t late_readonly(struct compile *p, const char *target, uint64_t set, const char *path)
{
    if (!(set & MOUNT_ATTR_RDONLY))
        return set;
    plan_op(p->b, PHASE_SYSTEM, READONLY, path, SLOT(p->root), STR(target));
    return set & ~(uint64_t)MOUNT_ATTR_RDONLY;
}

static int check_bind(const struct mount_options *o, const char *path, struct error *err)
{
    char at[256];

    snprintf(at, sizeof at, "%s.options", path);
    if (o->data[0])
        return fail(err, 0, at, "\"%s\" means nothing to a bind mount", o->data[0]);
    return o->copy_up ? fail(err, 0, at, "tmpcopyup is for tmpfs") : 0;
}

/* Unless it shall be shared, what is mounted below it must not reach the host: see compile_root(). */
unsigned compile_bind_how(const struct compile *p, const struct mount_options *o)
{
    return p->tree_is_shared && !(o->propagation & MS_SHARED) ? HOW_SLAVE : 0;
}

/* A mount that is bound, from a source that may hold late values. */
static int bind(struct compile *p, const char *target, struct plan_value source, const cJSON *mount,
                const char *path, const struct mount_options *o, struct error *err)
{
    p->dev_is_bound |= is_dev(target);
    return compile_bind(p,
                        &(struct bind){target, source, mount, path,
                                       how("bind", target, o) | compile_bind_how(p, o), o},
                        err);
}

static int add_bind(struct compile *p, const cJSON *mount, const char *target, const char *path,
                    const struct mount_options *o, struct error *err)
{
    const char *source = json_string(mount, "source", NULL);
    auto_free char *absolute = NULL;
    char at[256];

    if (check_bind(o, path, err) < 0)
        return -1;
    if (!source || !*source) {
        snprintf(at, sizeof at, "%s.source", path);
        return fail(err, 0, at, "is missing");
    }
    /* config.md: relative to the bundle. */
    if (source[0] != '/') {
        if (asprintf(&absolute, "%s/%s", p->c->state.bundle, source) < 0)
            return fail_memory(err);
        source = absolute;
    }
    return bind(p, target, STR(source), mount, path, o, err);
}

static int add_mount(struct compile *p, const cJSON *mount, const char *target, const char *path,
                     struct mount_options *o, struct error *err)
{
    const char *type = json_string(mount, "type", NULL),
               *source = json_string(mount, "source", NULL);
    auto_free char *label = NULL;
    uint64_t set = o->set;
    char at[256];

    if (!type || !*type) {
        snprintf(at, sizeof at, "%s.type", path);
        return fail(err, 0, at, "is missing");
    }
    if (o->copy_up && strcmp(type, "tmpfs")) {
        snprintf(at, sizeof at, "%s.options", path);
        return fail(err, 0, at, "tmpcopyup is for tmpfs");
    }
    if (is_dev(target))
        set = late_readonly(p, target, set, path);
    if (mount_label_option(p, type, o->data, &label, err) < 0 ||
        (label && mount_options_add(o, label, err) < 0))
        return -1;
    plan_op(p->b, PHASE_MOUNTS, MOUNT, path, SLOT(p->root), STR(target), STR(type),
            STR(source && *source ? source : type), LIST(o->data), NUM(set), NUM(o->propagation),
            NUM(how(type, target, o)));
    plan_what(p->b, "mount %s to %s", type, target);
    compile_mount_label(p, type, target, path);
    return 0;
}

/* Of a mount that is there the attributes that are named change, and no others. */
static int add_remount(struct compile *p, const char *target, const char *path,
                       const struct mount_options *o, struct error *err)
{
    uint64_t set = o->set;
    char at[256];

    snprintf(at, sizeof at, "%s.options", path);
    if (o->copy_up)
        return fail(err, 0, at, "tmpcopyup is for a new tmpfs");
    if (o->data[0])
        return fail(err, 0, at,
                    "remount does not change \"%s\" of a file system that others may use",
                    o->data[0]);
    if (!(o->set | o->clear | o->rset | o->rclear | o->propagation))
        return fail(err, 0, at, "remount, but nothing that it would change");
    if (is_dev(target) || !strcmp(target, "/"))
        set = late_readonly(p, target, set, path);
    plan_op(p->b, PHASE_MOUNTS, REMOUNT, path, SLOT(p->root), STR(target), NUM(set), NUM(o->clear),
            NUM(o->rset), NUM(o->rclear), NUM(o->propagation));
    plan_what(p->b, "remount %s", target);
    return 0;
}

/* What may be mounted below /proc: files that tools of containers replace (lxcfs), and no others, since
 * such a mount can hide what the runtime masks or writes (CVE-2019-16884). */
static const char *const below_proc[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
};

/* "//proc/./x/../y/" → "/proc/y": what is compared must be what is mounted on. */
static void clean(char *path)
{
    char *to = path;

    for (const char *from = path; *from;) {
        size_t n;

        from += strspn(from, "/");
        n = strcspn(from, "/");
        if (n == 2 && !memcmp(from, "..", 2)) {
            while (to > path && *--to != '/')
                ;
        } else if (n && !(n == 1 && *from == '.')) {
            *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

static int check_proc(const char *target, const char *type, const char *path, struct error *err)
{
    if (!strcmp(target, "/proc") && strcmp(type, "proc") && strcmp(type, "bind"))
        return fail(err, 0, path, "only a proc file system may be mounted on /proc");
    if (strncmp(target, "/proc/", 6))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(below_proc); i++)
        if (!strcmp(target, below_proc[i]))
            return 0;
    return fail(err, 0, path, "%s: mounts below /proc are refused", target);
}

static int add(struct compile *p, const cJSON *mount, const char *path, struct error *err)
{
    const char *type = json_string(mount, "type", "");
    const char *destination = json_string(mount, "destination", "");
    auto_free char *target = NULL;
    struct mount_options o;
    int r;

    /* config.md asks for absolute paths; a relative one is read as below "/", as it once was. */
    if (asprintf(&target, "%s%s", destination[0] == '/' ? "" : "/", destination) < 0)
        return fail_memory(err);
    if (!*destination) {
        char at[256];

        snprintf(at, sizeof at, "%s.destination", path);
        return fail(err, 0, at, "is empty");
    }
    clean(target);
    if (mount_options_parse(json_get(mount, "options"), &o, err) < 0) {
        free(o.data);
        return -1;
    }
    /* config.md: the options make a bind mount, whatever its type. */
    if (o.bind)
        type = "bind";
    if ((o.remount || strcmp(type, "bind")) && bind_is_mapped(mount, &o))
        r = fail(err, 0, path, "only new bind mounts can be idmapped");
    else if (o.remount)
        r = add_remount(p, target, path, &o, err);
    else if (check_proc(target, type, path, err) < 0)
        r = -1;
    else if (!strcmp(type, "bind"))
        r = add_bind(p, mount, target, path, &o, err);
    else if (!strcmp(type, "cgroup") || !strcmp(type, "cgroup2"))
        r = compile_cgroup_mount(p, target, &o, path, err);
    else
        r = add_mount(p, mount, target, path, &o, err);
    free(o.data);
    return r;
}

int compile_late_bind(struct compile *p, const char *source, const char *destination,
                      const cJSON *options, const char *path, struct error *err)
{
    auto_free char *target = strdup(destination);
    struct mount_options o;
    int r;

    if (!target)
        return fail_memory(err);
    if (p->joins_mounts)
        return fail(err, 0, path, "mounts are not possible in a mount namespace that is joined");
    clean(target);
    r = mount_options_parse(options, &o, err);
    if (!r && !(r = check_bind(&o, path, err)) && !(r = check_proc(target, "bind", path, err)))
        r = bind(p, target, TEMPLATE(source), NULL, path, &o, err);
    free(o.data);
    return r;
}

int compile_mounts(struct compile *p, struct error *err)
{
    const cJSON *mount;
    unsigned index = 0;

    cJSON_ArrayForEach (mount, json_get(p->config, "mounts")) {
        char path[64];

        snprintf(path, sizeof path, "mounts[%u]", index++);
        if (p->origin)
            snprintf(path, sizeof path, "%s", p->origin);
        if (add(p, mount, path, err) < 0)
            return -1;
    }
    return 0;
}
