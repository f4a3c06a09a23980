/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources.unified: files of cgroup v2 by their names. They are written behind the other fields, whose
 * values they replace.
 */
#include "plugins/cgroup/resources.h"
#include "plugins/cgroup/unit.h"

#include <errno.h>
#include <string.h>

#define UNIFIED_FILES RESOURCES ".unified"

/* clang-format off */
static const struct resource rows[] = {
    {UNIFIED_FILES ".*", HOZO_STRING, NULL, "KEY", NULL, "KEY is the member's name; line by line, behind all other fields"},
};
/* clang-format on */

/* What decides where processes are and whether they run is no parameter: it is the runtime's, and a process
 * that is born in a frozen cgroup hangs whoever waits for it. */
static bool is_runtimes(const char *file)
{
    static const char *const files[] = {"cgroup.procs",  "cgroup.threads",         "cgroup.kill",
                                        "cgroup.freeze", "cgroup.subtree_control", "cgroup.type"};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (!strcmp(file, files[i]))
            return true;
    return false;
}

static int check_name(struct planning *p, const struct hozo_cursor *entry, const char *file)
{
    if (!*file || !strcmp(file, ".") || !strcmp(file, "..") || strpbrk(file, "/=") ||
        strlen(file) > 200)
        return hozo_error(p->ctx, 0, entry->path, "is not the name of a file of a control group");
    if (is_runtimes(file))
        return hozo_error(p->ctx, 0, entry->path, "is the runtime's to write");
    return 0;
}

/* A limit of tasks has to wait for the container's process: see pids.c. */
static bool is_due(const struct planning *p, const char *file)
{
    return p->update || !p->h || (p->pass == LATE) == !strcmp(file, "pids.max");
}

/* The kernel takes one device, or one line, in each write. */
static int put_lines(struct planning *p, const char *path, const char *file, const char *text)
{
    do {
        size_t n = strcspn(text, "\n");
        auto_free char *line = strndup(text, n);

        if (!line)
            return hozo_error(p->ctx, ENOMEM, path, "%s", file);
        if (resource_put(p, path, WORK_WRITE, file, line) < 0)
            return -1;
        text += n;
        text += *text == '\n';
    } while (*text);
    return 0;
}

static int entry(struct planning *p, const struct resource *row, const struct hozo_cursor *at,
                 const char *file)
{
    (void)row;
    if (check_name(p, at, file) < 0)
        return -1;
    if (!p->h)
        return resource_refuse(p, at->path);
    if (is_due(p, file))
        return put_lines(p, at->path, file, hozo_as_string(p->ctx, at));
    return p->pass == EARLY && unit_wanted(p->ctx)
               ? resource_put(p, at->path, WORK_WRITE, file, "max")
               : 0;
}

static int plan(struct planning *p)
{
    return resource_each(p, UNIFIED_FILES, rows, entry);
}

const struct family unified_family = {"", UNIFIED_FILES, EARLY | LATE, rows, 1, plan};
