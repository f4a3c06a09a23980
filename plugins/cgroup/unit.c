/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/cgroup/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/cgroup/cgroup.h"

#define UNIT_NAME_MAX   255
#define UNIT_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"
#define SLICE           ".slice"
#define SYSTEM_SLICE    "system.slice"
#define USER_SLICE      "user.slice"

bool unit_wanted(struct hozo_ctx *ctx)
{
    const char *manager = hozo_option(ctx, "cgroup-manager");

    return manager && !strcmp(manager, "systemd");
}

void unit_free(struct unit *unit)
{
    free(unit->name);
    free(unit->slice);
    free(unit->path);
}

/* --- names ---------------------------------------------------------------------------------------
 */

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), length = strlen(suffix);

    return n > length && !strcmp(name + n - length, suffix);
}

static bool valid_name(const char *name)
{
    size_t n = strlen(name);

    return n <= UNIT_NAME_MAX && *name != '.' && strspn(name, UNIT_CHARACTERS) == n;
}

/* What systemd prefixes with "_", so that no unit is taken for a file of the kernel's. */
static bool needs_escape(const char *name)
{
    static const char *const first[] = {"cgroup", "cpu",          "cpuacct",    "cpuset",
                                        "io",     "blkio",        "memory",     "devices",
                                        "pids",   "bpf-firewall", "bpf-devices"};
    size_t n = strcspn(name, ".");

    if (*name == '_')
        return true;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        if (name[n] && strlen(first[i]) == n && !strncmp(name, first[i], n))
            return true;
    return false;
}

static const char *escape(const char *name)
{
    return needs_escape(name) ? "_" : "";
}

/* "/a.slice/a-b.slice" from "a-b.slice": every dash leads one level down. */
char *unit_slice_path(const char *slice)
{
    size_t stem = strlen(slice) - strlen(SLICE);
    char *path = NULL;
    size_t size;
    FILE *f;

    errno = EINVAL;
    if (!ends_in(slice, SLICE) || !valid_name(slice))
        return NULL;
    if (!strcmp(slice, "-" SLICE))
        return strdup("");
    if (*slice == '-' || slice[stem - 1] == '-' || strstr(slice, "--"))
        return NULL;
    if (!(f = open_memstream(&path, &size)))
        return NULL;
    for (size_t i = 1; i <= stem; i++)
        if (i == stem || slice[i] == '-') {
            char name[UNIT_NAME_MAX + 1];

            snprintf(name, sizeof(name), "%.*s" SLICE, (int)i, slice);
            fprintf(f, "/%s%s", escape(name), name);
        }
    if (fclose(f)) {
        free(path);
        errno = ENOMEM;
        return NULL;
    }
    return path;
}

/* --- the user's manager --------------------------------------------------------------------------
 */

/* Root of a user namespace is any user outside, who is known by where hozo lives. */
static bool is_of(unsigned long number, unsigned uid)
{
    return number && (!uid || number == uid);
}

char *unit_manager_path(const char *own, unsigned uid)
{
    static const char before[] = "/user@", after[] = ".service";

    for (const char *at = own; (at = strstr(at, before)); at++) {
        char *end;
        unsigned long number = strtoul(at + strlen(before), &end, 10);

        if (strncmp(end, after, strlen(after)) != 0)
            continue;
        end += strlen(after);
        if ((!*end || *end == '/') && is_of(number, uid))
            return strndup(own, (size_t)(end - own));
    }
    errno = EINVAL;
    return NULL;
}

static bool is_user_namespace(struct hozo_ctx *ctx)
{
    struct hozo_cursor fact;

    return hozo_fact(ctx, NULL, "userNamespace", &fact) == 1 && hozo_as_bool(ctx, &fact);
}

static unsigned user_id(struct hozo_ctx *ctx)
{
    struct hozo_cursor fact;

    return hozo_fact(ctx, NULL, "euid", &fact) == 1 ? (unsigned)hozo_as_uint(ctx, &fact) : 0;
}

static const char *own_group(struct hozo_ctx *ctx)
{
    struct hozo_cursor fact;

    return hozo_fact(ctx, NULL, "cgroup.unified.own", &fact) == 1 ? hozo_as_string(ctx, &fact)
                                                                  : "/";
}

/* An ordinary user can bring a process into a group only from below what is the user's own, as the kernel has
 * it: whoever logs in is beside it. */
static int find_own_manager(struct hozo_ctx *ctx, unsigned uid, char **path)
{
    struct hozo_cursor fact;

    if (hozo_fact(ctx, NULL, "runtimeDirectory", &fact) != 1)
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "XDG_RUNTIME_DIR is not set: there the user's systemd is found");
    if (hozo_fact(ctx, NULL, "cgroup.hierarchies", &fact) == 1)
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "a user's systemd manages control groups on cgroup v2 only");
    if ((*path = unit_manager_path(own_group(ctx), uid)))
        return 0;
    if (errno != EINVAL)
        return hozo_error(ctx, errno, CGROUPS_PATH, "unit");
    return hozo_error(ctx, 0, CGROUPS_PATH,
                      "hozo runs in %s, which is not below the user's systemd; start it by "
                      "systemd-run --user --scope",
                      own_group(ctx));
}

/*
 * Root has the system's manager, everybody else the own one. Root of a user namespace is either: of a
 * container with a systemd of its own, or of an engine's that an ordinary user has started, below that user's
 * manager.
 */
static int find_manager(struct hozo_ctx *ctx, struct unit *unit, char **path)
{
    unsigned uid = user_id(ctx);
    struct hozo_cursor fact;

    if (!uid && is_user_namespace(ctx) && hozo_fact(ctx, NULL, "runtimeDirectory", &fact) == 1)
        *path = unit_manager_path(own_group(ctx), uid);
    unit->user = uid || *path;
    if (uid)
        return find_own_manager(ctx, uid, path);
    if (!*path && !(*path = strdup("")))
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "unit");
    return 0;
}

/* --- the configuration ---------------------------------------------------------------------------
 */

/* An id may hold '+', a unit's name may not. */
static char *name_of_id(const char *id)
{
    char *name = NULL;
    size_t size;
    FILE *f = open_memstream(&name, &size);

    if (!f)
        return NULL;
    fputs("hozo-", f);
    for (; *id; id++)
        if (*id == '+')
            fputs("\\x2b", f);
        else
            fputc(*id, f);
    fputs(".scope", f);
    if (fclose(f)) {
        free(name);
        return NULL;
    }
    return name;
}

/* 1, or 0 if it does not consist of three parts. */
static int split(const char *text, struct unit *unit)
{
    const char *prefix = strchr(text, ':'), *name = prefix ? strchr(prefix + 1, ':') : NULL;

    if (!name || strchr(name + 1, ':') || !name[1])
        return 0;
    if (prefix > text)
        unit->slice = strndup(text, (size_t)(prefix - text));
    if ((unit->is_slice = ends_in(name, SLICE)))
        unit->name = strdup(name + 1);
    else if (asprintf(&unit->name, "%.*s-%s.scope", (int)(name - prefix - 1), prefix + 1,
                      name + 1) < 0)
        unit->name = NULL;
    return 1;
}

static int read_path(struct hozo_ctx *ctx, struct unit *unit)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, CGROUPS_PATH, &at);
    const char *text = found == 1 ? hozo_as_string(ctx, &at) : "";

    if (found < 0)
        return -1;
    if (!*text)
        unit->name = name_of_id(hozo_id(ctx));
    else if (!split(text, unit))
        return hozo_error(ctx, 0, CGROUPS_PATH,
                          "\"%s\" is not of the form SLICE:PREFIX:NAME, which systemd needs", text);
    if (!unit->slice)
        unit->slice = strdup(unit->user ? USER_SLICE : SYSTEM_SLICE);
    if (!unit->name || !unit->slice)
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "unit");
    if (!valid_name(unit->name))
        return hozo_error(ctx, 0, CGROUPS_PATH, "\"%s\" cannot be the name of a unit", unit->name);
    return 0;
}

/* A slice lies where its own name says. */
static char *join_path(const char *manager, const struct unit *unit)
{
    auto_free char *slice = unit_slice_path(unit->is_slice ? unit->name : unit->slice);
    char *path;
    int n;

    if (!slice)
        return NULL;
    errno = EINVAL;
    if (unit->is_slice && !*slice)
        return NULL; /* all of the manager's groups are nobody's container */
    n = unit->is_slice
            ? asprintf(&path, "%s%s", manager, slice)
            : asprintf(&path, "%s%s/%s%s", manager, slice, escape(unit->name), unit->name);
    return n < 0 ? NULL : path;
}

int unit_find(struct hozo_ctx *ctx, struct unit *unit)
{
    auto_free char *manager = NULL;

    *unit = (struct unit){0};
    if (find_manager(ctx, unit, &manager) < 0 || read_path(ctx, unit) < 0)
        return -1;
    unit->path = join_path(manager, unit);
    if (!unit->path && errno == EINVAL)
        return hozo_error(ctx, 0, CGROUPS_PATH, "\"%s\" is not the name of a slice",
                          unit->is_slice ? unit->name : unit->slice);
    return unit->path ? 0 : hozo_error(ctx, errno, CGROUPS_PATH, "unit");
}
