/* SPDX-License-Identifier: Apache-2.0 */
/* What `mounts` of config.md becomes: file systems of FreeBSD, and names and values for nmount(2). */
#include "plugins/freebsd/freebsd.h"

#define OPTIONS_MAX 4

/* clang-format off */
/* Those that make sense for a container, with what they take as NAME=VALUE and as a word. */
static const struct type {
    const char *name;
    bool source;                       /* a directory or a file of the host */
    const char *values[OPTIONS_MAX + 2], *words[OPTIONS_MAX];
} types[] = {
    {"nullfs",    true,  {NULL}, {"cache", "nocache", NULL}},
    {"devfs",     false, {"ruleset", NULL}, {NULL}},
    {"fdescfs",   false, {NULL}, {"linrdlnk", "nodup", NULL}},
    {"linprocfs", false, {NULL}, {NULL}},
    {"linsysfs",  false, {NULL}, {NULL}},
    {"procfs",    false, {NULL}, {NULL}},
    {"tmpfs",     false, {"size", "mode", "uid", "gid", "inodes"}, {"nonc", NULL}},
};

/* Of every file system, by the words that nmount(2) knows. */
static const struct {
    const char *given, *said; /* said NULL: that is how it is on FreeBSD, and nothing is said */
} words[] = {
    {"ro", "ro"}, {"rdonly", "ro"}, {"rw", "noro"},
    {"noexec", "noexec"}, {"exec", "exec"}, {"nosuid", "nosuid"}, {"suid", "suid"},
    {"noatime", "noatime"}, {"atime", "atime"},
    {"nosymfollow", "nosymfollow"}, {"symfollow", "symfollow"},
    {"sync", "sync"}, {"async", "async"}, {"union", "union"},
    {"nocover", "nocover"}, {"emptydir", "emptydir"}, {"untrusted", "untrusted"},
    {"nodev", NULL}, {"bind", NULL}, {"rbind", NULL},
    {"private", NULL}, {"rprivate", NULL},
};
/* clang-format on */

static const struct type *find_type(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

/* --- options ------------------------------------------------------------------------------------ */

static int add_option(struct jail *j, struct mount *m, const char *name, const char *value)
{
    struct option *o = jail_grow(j, &m->options, &m->n_options, sizeof(*o));

    if (!o || !name)
        return -1;
    *o = (struct option){.name = name, .value = value};
    return 0;
}

static bool is_listed(const char *const *list, size_t n, const char *word, size_t length)
{
    for (size_t i = 0; i < n && list[i]; i++)
        if (strlen(list[i]) == length && !strncmp(list[i], word, length))
            return true;
    return false;
}

/* -1: none of them. */
static int find_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (!strcmp(words[i].given, word))
            return (int)i;
    return -1;
}

static int read_option(struct jail *j, const struct type *type, struct mount *m,
                       const struct hozo_cursor *at)
{
    const char *word = hozo_as_string(j->ctx, at);
    size_t n = strcspn(word, "=");
    int i = find_word(word);

    if (i >= 0)
        return words[i].said ? add_option(j, m, words[i].said, NULL) : 0;
    if (word[n] && is_listed(type->values, ARRAY_SIZE(type->values), word, n))
        return word[n + 1] ? add_option(j, m, jail_text(j, "%.*s", (int)n, word), word + n + 1)
                           : hozo_error(j->ctx, 0, at->path, "\"%s\" has no value", word);
    if (!word[n] && is_listed(type->words, ARRAY_SIZE(type->words), word, n))
        return add_option(j, m, word, NULL);
    return hozo_error(j->ctx, 0, at->path, "%s of FreeBSD has no option \"%s\"", type->name, word);
}

static int read_options(struct jail *j, const struct type *type, struct mount *m,
                        const struct hozo_cursor *mount)
{
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, mount, "options", &array);

    for (size_t i = 0; found > 0 && (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++)
        if (read_option(j, type, m, &at) < 0)
            return -1;
    return found;
}

/* --- one mount ---------------------------------------------------------------------------------- */

static bool has_dots(const char *path)
{
    for (; *path; path += strcspn(path, "/"), path += strspn(path, "/"))
        if (!strncmp(path, "..", 2) && (!path[2] || path[2] == '/'))
            return true;
    return false;
}

/* "/dev//fd/" as "/dev/fd". */
static char *normal(struct jail *j, const char *path)
{
    char *copy = jail_text(j, "%s", path), *end = copy;

    if (!copy)
        return NULL;
    for (; *path; path++)
        if (*path != '/' || (path[1] && path[1] != '/'))
            *end++ = *path;
    if (end == copy)
        *end++ = '/';
    *end = '\0';
    return copy;
}

static int read_places(struct jail *j, const struct type *type, struct mount *m,
                       const struct hozo_cursor *mount)
{
    struct hozo_cursor at;

    if (hozo_find(j->ctx, mount, "destination", &at) < 0)
        return -1;
    m->destination = hozo_as_string(j->ctx, &at);
    if (*m->destination != '/' || has_dots(m->destination))
        return hozo_error(j->ctx, 0, at.path, "\"%s\" is no absolute path without \"..\"",
                          m->destination);
    if (!(m->destination = normal(j, m->destination)))
        return -1;
    if (!m->destination[1])
        return hozo_error(j->ctx, 0, at.path, "a mount on / would hide the root");
    m->source = type->name;
    if (!type->source)
        return 0;
    m->source = NULL;
    if (jail_string(j, mount, "source", &m->source) < 0)
        return -1;
    return m->source && *m->source == '/'
               ? 0
               : hozo_error(j->ctx, 0, m->path, "nullfs has no source that is an absolute path");
}

static int check_mappings(struct jail *j, const struct hozo_cursor *mount)
{
    static const char *const members[] = {"uidMappings", "gidMappings"};
    struct hozo_cursor at;

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        int found = hozo_find(j->ctx, mount, members[i], &at);

        if (found)
            return found < 0 ? -1 : hozo_error(j->ctx, 0, at.path, "FreeBSD maps no ids of mounts");
    }
    return 0;
}

/* A devfs without a ruleset shows the devices of the host, and root of a jail may open those that it sees. */
static int hide_devices(struct jail *j, struct mount *m)
{
    if (strcmp(m->type, "devfs") != 0)
        return 0;
    for (size_t i = 0; i < m->n_options; i++)
        if (!strcmp(m->options[i].name, "ruleset"))
            return 0;
    return add_option(j, m, "ruleset", DEVFS_RULESET);
}

static int read_mount(struct jail *j, const struct hozo_cursor *mount)
{
    struct mount *m = jail_grow(j, &j->mounts, &j->n_mounts, sizeof(*m));
    const struct type *type;

    if (!m)
        return -1;
    *m = (struct mount){.path = mount->path, .type = "nullfs"};
    if (jail_string(j, mount, "type", &m->type) < 0)
        return -1;
    if (!(type = find_type(m->type)))
        return hozo_error(j->ctx, 0, mount->path,
                          "\"%s\" is no type of file system that a container on FreeBSD gets",
                          m->type);
    if (read_places(j, type, m, mount) < 0 || check_mappings(j, mount) < 0)
        return -1;
    return read_options(j, type, m, mount) < 0 ? -1 : hide_devices(j, m);
}

int mounts_read(struct jail *j)
{
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, NULL, "mounts", &array);

    for (size_t i = 0; found > 0 && (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++)
        if (read_mount(j, &at) < 0)
            return -1;
    return found;
}
