/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what plan.c has written down, in that order, and nothing else. */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct applying {
    struct hozo_ctx *ctx;
    uint32_t existing;    /* bit n: the n-th directory was there before */
    unsigned n;           /* directories so far */
    struct cgroup_new in; /* the one that is being set up */
    int dir;
    int file; /* of the last write: device rules are many writes to one file */
    char file_name[64];
};

static void applying_end(struct applying *a)
{
    cgroup_close_fd(&a->file);
    cgroup_close_fd(&a->dir);
}

static bool is(const struct hozo_work *w, const char *what)
{
    return !strcmp(w->what, what);
}

static bool next_work(struct hozo_ctx *ctx, size_t i, struct hozo_work *w)
{
    *w = (struct hozo_work){.size = sizeof(*w)};
    return hozo_next_work(ctx, i, w) == 1;
}

static int bad_work(struct hozo_ctx *ctx, const struct hozo_work *w)
{
    return hozo_error(ctx, 0, w->path, "the plan has no such work: %s %s", w->what, w->value);
}

/* --- state --------------------------------------------------------------------------------------
 */

static void print_json_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(f, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

static void print_member(FILE *f, const char *name, const char *value, size_t length)
{
    auto_free char *text = strndup(value, length);

    fprintf(f, "\"%s\":", name);
    print_json_string(f, text ? text : "");
}

/* "cpu,cpuacct=/sys/fs/cgroup/cpu" and its directory, for verbs that have no plan: see hierarchies_recorded(). */
static void print_hierarchies(struct hozo_ctx *ctx, FILE *f)
{
    struct hozo_work w, around = {0};
    const char *separator = "";

    for (size_t i = 0; next_work(ctx, i, &w); i++) {
        const char *end;

        if (is(&w, WORK_HIERARCHY))
            around = w;
        if (!is(&w, WORK_MKDIR) || !around.value || !(end = strstr(around.value, "=/")))
            continue;
        if (!strncmp(around.value, UNIFIED "=/", strlen(UNIFIED "=/")))
            end = around.value;
        fprintf(f, "%s{", separator);
        print_member(f, "controllers", around.value, (size_t)(end - around.value));
        fputc(',', f);
        print_member(f, "directory", w.value, strlen(w.value));
        fputc('}', f);
        separator = ",";
    }
}

/* {"version":2,"hierarchies":[…],"created":["/sys/fs/cgroup/id"]}: the first `n` directories of the plan. */
static int record(struct hozo_ctx *ctx, unsigned n)
{
    auto_free char *text = NULL;
    struct hozo_work w;
    unsigned seen = 0;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "state");
    fputs("{\"version\":2,\"hierarchies\":[", f);
    print_hierarchies(ctx, f);
    fputs("],\"created\":[", f);
    for (size_t i = 0; next_work(ctx, i, &w); i++) {
        if (!is(&w, WORK_MKDIR) || seen == n)
            continue;
        fputs(seen++ ? "," : "", f);
        print_json_string(f, w.value);
    }
    fputs("]}", f);
    if (fclose(f))
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "state");
    return hozo_state_set(ctx, text, size);
}

/* --- the pieces of work -------------------------------------------------------------------------
 */

/* "cpu,cpuacct=/sys/fs/cgroup/cpu" */
static int hierarchy(struct applying *a, const struct hozo_work *w)
{
    const char *equals = strstr(w->value, "=/");
    char controllers[256];

    if (!equals || equals - w->value >= (ptrdiff_t)sizeof(controllers))
        return bad_work(a->ctx, w);
    snprintf(controllers, sizeof(controllers), "%.*s", (int)(equals - w->value), w->value);
    a->in = (struct cgroup_new){
        .ctx = a->ctx,
        .mountpoint_length = strlen(equals + 1),
        .unified = !strcmp(controllers, UNIFIED),
        .cpuset = controllers_have(controllers, "cpuset"),
        .freezer = controllers_have(controllers, "freezer"),
    };
    return 0;
}

static int examine(struct applying *a)
{
    struct hozo_work w;
    unsigned n = 0;

    for (size_t i = 0; next_work(a->ctx, i, &w); i++) {
        if (is(&w, WORK_HIERARCHY) && hierarchy(a, &w) < 0)
            return -1;
        if (!is(&w, WORK_MKDIR))
            continue;
        a->in.directory = w.value;
        if (cgroup_usable(&a->in) < 0)
            return -1;
        if (a->in.exists)
            a->existing |= UINT32_C(1) << n;
        n++;
    }
    return 0;
}

static void leave(struct applying *a)
{
    applying_end(a);
    a->file = a->dir = -1;
    *a->file_name = '\0';
}

static int make(struct applying *a, const struct hozo_work *w)
{
    bool lost;

    leave(a);
    a->in.directory = w->value;
    a->in.exists = a->existing >> a->n & 1;
    a->dir = cgroup_make(&a->in, &lost);
    if (a->dir < 0) {
        /* The directory that another one has made meanwhile is not ours to remove. */
        if (lost)
            record(a->ctx, a->n);
        return -1;
    }
    a->n++;
    return 0;
}

static int enter(struct applying *a, const struct hozo_work *w)
{
    leave(a);
    a->in = (struct cgroup_new){.ctx = a->ctx, .directory = w->value};
    a->dir = cgroup_open(w->value, O_RDONLY);
    return a->dir < 0 ? hozo_error(a->ctx, -a->dir, w->path, "%s", w->value) : 0;
}

static int open_file(struct applying *a, const struct hozo_work *w, const char *name)
{
    if (a->file >= 0 && !strcmp(a->file_name, name))
        return 0;
    cgroup_close_fd(&a->file);
    snprintf(a->file_name, sizeof(a->file_name), "%s", name);
    a->file = openat(a->dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (a->file >= 0)
        return 0;
    if (errno == ENOENT && is(w, WORK_WRITE_IF)) {
        hozo_log(a->ctx, HOZO_LOG_DEBUG, "%s has no %s: left out", a->in.directory, name);
        return 1;
    }
    if (errno != ENOENT)
        return hozo_error(a->ctx, errno, w->path, "%s/%s", a->in.directory, name);
    return hozo_error(a->ctx, 0, w->path, "the cgroup %s has no %s%s%s", a->in.directory, name,
                      *a->in.refused ? "; controllers that could not be enabled: " : "",
                      a->in.refused);
}

static int write_work(struct applying *a, const struct hozo_work *w)
{
    const char *equals = strchr(w->value, '=');
    char name[sizeof(a->file_name)];
    int r;

    if (!equals || equals - w->value >= (ptrdiff_t)sizeof(name) || a->dir < 0)
        return bad_work(a->ctx, w);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - w->value), w->value);
    if ((r = open_file(a, w, name)) != 0)
        return r < 0 ? -1 : 0;
    if (write(a->file, equals + 1, strlen(equals + 1)) < 0)
        return hozo_error(a->ctx, errno, w->path, "writing \"%s\" to %s/%s", equals + 1,
                          a->in.directory, name);
    return 0;
}

static int restrict_devices(struct applying *a, const struct hozo_work *w)
{
    int r = a->dir < 0 ? -EBADF : device_program_attach(a->dir, w->data, w->data_size);

    return r < 0 ? hozo_error(a->ctx, -r, w->path, "device program of %s", a->in.directory) : 0;
}

static int own(struct applying *a, const struct hozo_work *w)
{
    char *end;
    unsigned long uid = strtoul(w->value, &end, 10);
    int r;

    if (a->dir < 0 || end == w->value || *end || uid >= UINT32_MAX)
        return bad_work(a->ctx, w);
    r = cgroup_give(a->dir, (uid_t)uid);
    return r < 0 ? hozo_error(a->ctx, -r, w->path, "owner of %s", a->in.directory) : 0;
}

static int await(struct applying *a, const struct hozo_work *w)
{
    int32_t pid;
    int pidfd;

    (void)w;
    return hozo_process(a->ctx, &pid, &pidfd);
}

static int carry_out(struct applying *a)
{
    static const struct {
        const char *what;
        int (*act)(struct applying *a, const struct hozo_work *w);
    } acts[] = {
        {WORK_HIERARCHY, hierarchy}, {WORK_MKDIR, make},          {WORK_ENTER, enter},
        {WORK_WRITE, write_work},    {WORK_WRITE_IF, write_work}, {WORK_DEVICES, restrict_devices},
        {WORK_AWAIT, await},         {WORK_OWNER, own},
    };
    struct hozo_work w;

    for (size_t i = 0; next_work(a->ctx, i, &w); i++) {
        size_t k = 0;

        while (k < sizeof(acts) / sizeof(acts[0]) && !is(&w, acts[k].what))
            k++;
        if (k == sizeof(acts) / sizeof(acts[0]))
            return bad_work(a->ctx, &w);
        if (acts[k].act(a, &w) < 0)
            return -1;
    }
    return 0;
}

int cgroup_prepare(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(applying_end))) struct applying a = {.ctx = ctx, .dir = -1, .file = -1};

    if (examine(&a) < 0 || record(ctx, HIERARCHIES_MAX) < 0)
        return -1;
    return carry_out(&a);
}

int cgroup_attach(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(applying_end))) struct applying a = {.ctx = ctx, .dir = -1, .file = -1};

    return carry_out(&a);
}
