/* SPDX-License-Identifier: Apache-2.0 */
/* The document of the host facts: from what was looked at, and from a file. */
#include "core/facts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "core/spec/rows.h"
#include "core/utf8.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* A line of mountinfo whose type is cgroup or cgroup2. */
struct cgroup_mount {
    char *root, *point, *options;
    bool v2;
};

/* A line of /proc/self/cgroup: a hierarchy, and the mount that shows it best. */
struct hierarchy {
    char *controllers; /* "" is v2 */
    char *path;
    bool mounted;
    size_t order; /* of the mount */
    struct cgroup_mount mount;
};

/* --- parsing ---------------------------------------------------------------------------------- */

/* "\040" is a blank: mountinfo writes blanks, line ends and backslashes so. In place. */
static void unescape(char *s)
{
    char *out = s;

    for (; *s; s++)
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        } else {
            *out++ = *s;
        }
    *out = '\0';
}

/* "36 31 0:33 ROOT POINT rw,relatime shared:9 - TYPE SOURCE OPTIONS"; the line is cut up. */
static bool mount_parse(char *line, struct cgroup_mount *m)
{
    char *tail = strstr(line, " - "), *type;

    if (!tail)
        return false;
    *tail = '\0';
    tail += strlen(" - ");
    type = strsep(&tail, " ");
    if (strcmp(type, "cgroup") && strcmp(type, "cgroup2"))
        return false;
    m->v2 = !strcmp(type, "cgroup2");
    strsep(&tail, " ");
    m->options = tail;
    for (int i = 0; i < 3; i++)
        strsep(&line, " ");
    m->root = strsep(&line, " ");
    m->point = strsep(&line, " ");
    if (!m->point || !m->options)
        return false;
    unescape(m->root);
    unescape(m->point);
    return true;
}

/* The lines "4:memory:/user.slice" of /proc/self/cgroup. They point into `text`. */
static struct hierarchy *hierarchies_parse(char *text, size_t *count)
{
    struct hierarchy *all;
    size_t lines = 1;
    char *line;

    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    all = calloc(lines, sizeof *all);
    *count = 0;
    while (all && (line = strsep(&text, "\n"))) {
        strsep(&line, ":");
        all[*count].controllers = strsep(&line, ":");
        all[*count].path = line;
        *count += line && *line == '/';
    }
    return all;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool listed(const char *list, const char *word, size_t length)
{
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (n == length && !memcmp(list, word, n))
            return true;
    }
    return false;
}

/* Whether the options of a mount name controllers of this hierarchy. */
static bool belongs(const struct hierarchy *h, const struct cgroup_mount *m)
{
    if (m->v2 || !*h->controllers)
        return m->v2 && !*h->controllers;
    for (size_t n, at = 0; m->options[at]; at += n + (m->options[at + n] == ',')) {
        n = strcspn(m->options + at, ",");
        if (listed(h->controllers, m->options + at, n))
            return true;
    }
    return false;
}

/* The part of `path` below `root`; NULL if it does not lie there. */
static const char *below(const char *path, const char *root)
{
    size_t length = strcmp(root, "/") ? strlen(root) : 0;

    if (strncmp(path, root, length) || (path[length] && path[length] != '/'))
        return NULL;
    path += length;
    /* Outside the cgroup namespace: "/../other". */
    if (!strncmp(path, "/..", 3) && (!path[3] || path[3] == '/'))
        return NULL;
    return *path ? path : "/";
}

/* Whether a mount that comes later in the list is to be preferred. */
static bool better(const struct hierarchy *h, const struct cgroup_mount *m)
{
    const struct cgroup_mount *old = &h->mount;
    bool shows = below(h->path, m->root), whole = !strcmp(m->root, "/");
    bool old_shows, old_whole;

    /* At the same place the later one hides the earlier. */
    if (!h->mounted || !strcmp(m->point, old->point))
        return true;
    old_shows = below(h->path, old->root);
    old_whole = !strcmp(old->root, "/");
    if (shows != old_shows)
        return shows;
    if (whole != old_whole)
        return whole;
    return strlen(m->point) < strlen(old->point);
}

/* Gives each hierarchy its mount. */
static void mounts_match(struct hierarchy *all, size_t count, char *mountinfo, bool v2)
{
    char *line;

    for (size_t order = 0; (line = strsep(&mountinfo, "\n")); order++) {
        struct cgroup_mount m;

        if (!mount_parse(line, &m))
            continue;
        /* Other mounts may be hidden below the one that is known to be there. */
        if (v2 && strcmp(m.point, CGROUP_ROOT))
            continue;
        for (struct hierarchy *h = all; h < all + count; h++) {
            if (!belongs(h, &m) || !better(h, &m))
                continue;
            h->mount = m;
            h->order = order;
            h->mounted = true;
        }
    }
}

static int by_order(const void *left, const void *right)
{
    const struct hierarchy *l = left, *r = right;

    return l->order < r->order ? -1 : l->order > r->order;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Whether a directory can be made beside `own`. */
static bool writable(const struct facts_source *source, const struct hierarchy *h, const char *own)
{
    size_t length = (size_t)(strrchr(own, '/') - own);
    auto_text struct text directory = {0};

    text_add(&directory, "%s%.*s", h->mount.point, (int)length, own);
    return !source->writable || !directory.at || source->writable(directory.at);
}

static void write_place(struct text *out, const struct facts_source *source,
                        const struct hierarchy *h)
{
    const char *own = below(h->path, h->mount.root);

    text_add(out, "\"mountpoint\":");
    text_json(out, h->mount.point);
    if (own) {
        text_add(out, ",\"own\":");
        text_json(out, own);
        if (!writable(source, h, own))
            text_add(out, ",\"writable\":false");
    }
    text_add(out, "}");
}

/* In the order of the mount's options, as the name of a joint mount has them: "cpu,cpuacct". */
static void write_controllers(struct text *out, const struct hierarchy *h)
{
    const char *option = h->mount.options, *separator = "";
    char word[128];

    text_add(out, "{\"controllers\":[");
    for (size_t n; *option; option += n + (option[n] == ',')) {
        n = strcspn(option, ",");
        if (n >= sizeof word || !listed(h->controllers, option, n))
            continue;
        memcpy(word, option, n);
        word[n] = '\0';
        text_add(out, "%s", separator);
        text_json(out, word);
        separator = ",";
    }
    text_add(out, "],");
}

static void write_cgroup(struct text *out, const struct facts_source *source, struct hierarchy *all,
                         size_t count)
{
    const struct hierarchy *unified = NULL;
    unsigned n_v1 = 0;
    const char *layout;

    qsort(all, count, sizeof *all, by_order);
    for (const struct hierarchy *h = all; h < all + count; h++) {
        if (h->mounted && !*h->controllers)
            unified = h;
        else if (h->mounted)
            n_v1++;
    }
    layout = source->v2 || (unified && !n_v1) ? "v2" : unified ? "hybrid" : n_v1 ? "v1" : "none";
    text_add(out, "{\"layout\":\"%s\"", layout);
    if (unified) {
        text_add(out, ",\"unified\":{");
        write_place(out, source, unified);
    }
    if (n_v1) {
        text_add(out, ",\"hierarchies\":[");
        n_v1 = 0;
        for (const struct hierarchy *h = all; h < all + count; h++) {
            if (!h->mounted || !*h->controllers)
                continue;
            text_add(out, "%s", n_v1++ ? "," : "");
            write_controllers(out, h);
            write_place(out, source, h);
        }
        text_add(out, "]");
    }
    text_add(out, "}");
}

/* Engines set the variable to nothing, to unset it. */
static void write_runtime_directory(struct text *out, const char *directory)
{
    if (!directory || *directory != '/' || !utf8_valid(directory))
        return;
    text_put(out, ",\"runtimeDirectory\":");
    text_json(out, directory);
}

int facts_write(struct text *out, const struct facts_source *source, struct error *err)
{
    static const char whole[] = "0 0 0:0 / " CGROUP_ROOT " rw - cgroup2 cgroup2 rw";
    auto_free char *cgroup = strdup(source->cgroup);
    auto_free char *mountinfo = strdup(source->mountinfo ? source->mountinfo : whole);
    auto_free struct hierarchy *all = NULL;
    size_t count;

    if (!cgroup || !mountinfo || !(all = hierarchies_parse(cgroup, &count)))
        return fail_memory(err);
    mounts_match(all, count, mountinfo, source->v2);
    text_add(out, "{\"kernel\":");
    text_json(out, source->kernel);
    text_add(out, ",\"euid\":%u,\"egid\":%u,\"userNamespace\":%s", source->euid, source->egid,
             source->user_namespace ? "true" : "false");
    if (source->last_capability >= 0)
        text_add(out, ",\"lastCapability\":%d", source->last_capability);
    if (source->capabilities)
        text_add(out, ",\"capabilities\":%" PRIu64, source->capabilities);
    write_runtime_directory(out, source->runtime_directory);
    text_add(out, ",\"cgroup\":");
    write_cgroup(out, source, all, count);
    text_add(out, "}");
    return out->failed ? fail_memory(err) : 0;
}

/* --- recorded --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct spec_field recorded_hierarchy[] = {
    STRINGS(CORE, "controllers"),
    STRING(CORE, "mountpoint", REQUIRED),
    STRING(CORE, "own"),
    BOOL(CORE, "writable"),
    {0},
};

static const struct spec_field recorded_cgroup[] = {
    STRING(CORE, "layout", REQUIRED, VALUES("v2", "v1", "hybrid", "none")),
    OBJECT(CORE, "unified", recorded_hierarchy),
    OBJECTS(CORE, "hierarchies", recorded_hierarchy),
    {0},
};

static const struct spec_field recorded[] = {
    STRING(CORE, "kernel"),
    UINT(CORE, "euid", 32),
    UINT(CORE, "egid", 32),
    BOOL(CORE, "userNamespace"),
    UINT(CORE, "lastCapability", 8),
    UINT(CORE, "capabilities", 64),
    STRING(CORE, "runtimeDirectory"),
    OBJECT(CORE, "cgroup", recorded_cgroup, REQUIRED),
    {0},
};
/* clang-format on */

int facts_read(struct json *facts, const char *file, struct error *err)
{
    if (json_read(facts, AT_FDCWD, file, err) < 0)
        return -1;
    if (spec_check(facts, facts->root, recorded, "", err) < 0)
        return fail_prefix(err, "%s", file);
    return 0;
}
