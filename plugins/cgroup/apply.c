/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what plan.c has written down, in that order, and nothing else. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct applying {
    struct hozo_ctx *ctx;
    uint32_t existing;    /* bit n: the n-th directory was there before */
    unsigned n;           /* directories so far */
    struct cgroup_new in; /* the one that is being set up */
    struct writing to;
};

static void applying_begin(struct applying *a)
{
    writing_begin(&a->to, a->ctx);
    a->to.refused = a->in.refused;
}

static void applying_end(struct applying *a)
{
    writing_end(&a->to);
}

static bool is(const struct hozo_work *w, const char *what)
{
    return !strcmp(w->what, what);
}

/* The work that leads into another directory of the container's. */
static bool is_directory(const struct hozo_work *w)
{
    return is(w, WORK_MKDIR) || is(w, WORK_UNIT);
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
        if (!is_directory(&w) || !around.value || !(end = strstr(around.value, "=/")))
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

/* {"version":2,"hierarchies":[…],"created":["/sys/fs/cgroup/id"]}: the first `n` directories of the plan; and
 * "unit":true if they are those of one. */
static int record(struct hozo_ctx *ctx, unsigned n)
{
    auto_free char *text = NULL;
    struct hozo_work w;
    bool unit = false;
    unsigned seen = 0;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return hozo_error(ctx, ENOMEM, CGROUPS_PATH, "state");
    fputs("{\"version\":2,\"hierarchies\":[", f);
    print_hierarchies(ctx, f);
    fputs("],\"created\":[", f);
    for (size_t i = 0; next_work(ctx, i, &w); i++) {
        unit |= is(&w, WORK_UNIT);
        if (!is_directory(&w) || seen == n)
            continue;
        fputs(seen++ ? "," : "", f);
        print_json_string(f, w.value);
    }
    fputs(unit ? "],\"unit\":true}" : "]}", f);
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

static int make(struct applying *a, const struct hozo_work *w)
{
    bool lost;

    writing_end(&a->to);
    a->in.directory = a->to.directory = w->value;
    a->in.exists = is(w, WORK_UNIT) ? !access(w->value, F_OK) : (a->existing >> a->n & 1) != 0;
    a->to.dir = cgroup_make(&a->in, &lost);
    if (a->to.dir < 0) {
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
    writing_end(&a->to);
    a->in = (struct cgroup_new){.ctx = a->ctx, .directory = w->value};
    a->to.directory = w->value;
    a->to.dir = cgroup_open(w->value, O_RDONLY);
    return a->to.dir < 0 ? hozo_error(a->ctx, -a->to.dir, w->path, "%s", w->value) : 0;
}

static int restrict_devices(struct applying *a, const struct hozo_work *w)
{
    int r = a->to.dir < 0 ? -EBADF : device_program_attach(a->to.dir, w->data, w->data_size);

    return r < 0 ? hozo_error(a->ctx, -r, w->path, "device program of %s", a->in.directory) : 0;
}

static int own(struct applying *a, const struct hozo_work *w)
{
    char *end;
    unsigned long uid = strtoul(w->value, &end, 10);
    int r;

    if (a->to.dir < 0 || end == w->value || *end || uid >= UINT32_MAX)
        return bad_work(a->ctx, w);
    r = cgroup_give(a->to.dir, (uid_t)uid);
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
        {WORK_HIERARCHY, hierarchy},
        {WORK_MKDIR, make},
        {WORK_UNIT, make},
        {WORK_ENTER, enter},
        {WORK_DEVICES, restrict_devices},
        {WORK_AWAIT, await},
        {WORK_OWNER, own},
    };
    struct hozo_work w;

    for (size_t i = 0; next_work(a->ctx, i, &w); i++) {
        size_t k = 0;

        while (k < sizeof(acts) / sizeof(acts[0]) && !is(&w, acts[k].what))
            k++;
        if ((k < sizeof(acts) / sizeof(acts[0]) ? acts[k].act(a, &w) : write_work(&a->to, &w)) < 0)
            return -1;
    }
    return 0;
}

int cgroup_prepare(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(applying_end))) struct applying a = {.ctx = ctx};

    applying_begin(&a);
    if (examine(&a) < 0 || record(ctx, HIERARCHIES_MAX) < 0)
        return -1;
    return carry_out(&a);
}

int cgroup_attach(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(applying_end))) struct applying a = {.ctx = ctx};

    applying_begin(&a);
    return carry_out(&a);
}
