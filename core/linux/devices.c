/* SPDX-License-Identifier: Apache-2.0 */
/* linux.devices, the devices and links that config-linux.md promises, and the terminal. */
#include "core/compile.h"

#include <string.h>
#include <sys/stat.h>

#include "core/log.h"

static const struct {
    const char *path;
    unsigned major, minor;
} default_devices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

/* An image's own /dev/ptmx would be that of another devpts; of the rest an image may know better. */
static const struct {
    const char *path, *target;
    unsigned how;
} default_links[] = {
    {"/dev/fd", "/proc/self/fd", 0},       {"/dev/stdin", "/proc/self/fd/0", 0},
    {"/dev/stdout", "/proc/self/fd/1", 0}, {"/dev/stderr", "/proc/self/fd/2", 0},
    {"/dev/core", "/proc/kcore", 0},       {"/dev/ptmx", "pts/ptmx", HOW_REPLACE},
};

static const struct {
    const char *type;
    mode_t mode;
} device_types[] = {{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};

/* The node 5:2 gives terminals of the devpts that is mounted beside it, and where the host's node is bound
 * that is none: the link takes its place. Engines list it for a privileged container. */
static bool is_dead_ptmx(const struct compile *p, const cJSON *device)
{
    const struct json *doc = &p->c->config;

    return p->bind_nodes && !p->dev_is_bound &&
           !strcmp(json_string(device, "path", ""), "/dev/ptmx") &&
           json_int(doc, device, "major", -1) == 5 && json_int(doc, device, "minor", -1) == 2;
}

static bool is_configured(const struct compile *p, const char *path)
{
    const cJSON *device;

    cJSON_ArrayForEach (device, json_get(p->linux_, "devices"))
        if (!strcmp(json_string(device, "path", ""), path) && !is_dead_ptmx(p, device))
            return true;
    return false;
}

struct node {
    mode_t mode;
    unsigned major, minor;
    int64_t uid, gid;
};

/* Who may not make a device node gets the host's, which keeps its owner and mode. */
static void node(struct compile *p, const char *at, const char *path, const struct node *n)
{
    if (p->bind_nodes && !S_ISFIFO(n->mode))
        plan_op(p->b, PHASE_DEVICES, BIND_NODE, at, SLOT(p->root), STR(path), NUM(n->mode & S_IFMT),
                NUM(n->major), NUM(n->minor));
    else
        plan_op(p->b, PHASE_DEVICES, MKNOD, at, SLOT(p->root), STR(path), NUM(n->mode),
                NUM(n->major), NUM(n->minor), NUM(n->uid), NUM(n->gid));
    plan_what(p->b, "make %s", path);
}

static void add_defaults(struct compile *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++) {
        const char *path = default_devices[i].path;

        if (is_configured(p, path))
            continue;
        node(p, NULL, path,
             &(struct node){S_IFCHR | 0666, default_devices[i].major, default_devices[i].minor});
    }
    for (size_t i = 0; i < ARRAY_SIZE(default_links); i++) {
        if (is_configured(p, default_links[i].path))
            continue;
        plan_op(p->b, PHASE_DEVICES, SYMLINK, NULL, SLOT(p->root), STR(default_links[i].path),
                STR(default_links[i].target), NUM(default_links[i].how));
        plan_what(p->b, "link %s", default_links[i].path);
    }
}

/* What cannot be given to a node of the host: its owner and mode are the host's. */
static void warn_of_host_node(const struct compile *p, const cJSON *device, const char *at)
{
    static const char *const members[] = {"fileMode", "uid", "gid"};
    char line[128];

    for (size_t i = 0; p->c->log && i < ARRAY_SIZE(members); i++)
        if (json_get(device, members[i])) {
            snprintf(line, sizeof line, "%s.%s: has no effect on the host's node that is bound", at,
                     members[i]);
            log_line(p->c->log, LOG_LEVEL_WARNING, line);
        }
}

static int add_device(struct compile *p, const cJSON *device, const char *at, struct error *err)
{
    const struct json *doc = &p->c->config;
    const char *type = json_string(device, "type", ""), *path = json_string(device, "path", "");
    int64_t major = json_int(doc, device, "major", -1), minor = json_int(doc, device, "minor", -1);
    mode_t format = 0;

    for (size_t i = 0; i < ARRAY_SIZE(device_types); i++)
        if (!strcmp(type, device_types[i].type))
            format = device_types[i].mode;
    if (!format)
        return fail(err, 0, at, "type \"%s\" is not one of c, u, b, p", type);
    if (path[0] != '/')
        return fail(err, 0, at, "path \"%s\" is not absolute", path);
    if (format != S_IFIFO && (major < 0 || minor < 0))
        return fail(err, 0, at, "major and minor are required for type %s", type);
    if (format != S_IFIFO && (major >= 1 << 12 || minor >= 1 << 20))
        return fail(err, 0, at, "the kernel has no device %lld:%lld", (long long)major,
                    (long long)minor);
    if (p->bind_nodes && format != S_IFIFO)
        warn_of_host_node(p, device, at);
    node(p, at, path,
         &(struct node){format | ((mode_t)json_int(doc, device, "fileMode", 0666) & 07777),
                        format == S_IFIFO ? 0 : (unsigned)major,
                        format == S_IFIFO ? 0 : (unsigned)minor, json_int(doc, device, "uid", 0),
                        json_int(doc, device, "gid", 0)});
    return 0;
}

int compile_devices(struct compile *p, struct error *err)
{
    const cJSON *device;
    unsigned index = 0;

    /* After the mounts: a /dev that was bound from elsewhere is left as it is. */
    if (!p->dev_is_bound)
        add_defaults(p);
    cJSON_ArrayForEach (device, json_get(p->linux_, "devices")) {
        char path[64];

        snprintf(path, sizeof path, "linux.devices[%u]", index++);
        if (p->origin)
            snprintf(path, sizeof path, "%s", p->origin);
        if (!is_dead_ptmx(p, device) && add_device(p, device, path, err) < 0)
            return -1;
    }
    return 0;
}
