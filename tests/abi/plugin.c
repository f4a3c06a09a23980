/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that tests compile with the frozen header and today's host has to serve: it uses calls of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <hozo/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY "org.test.frozen"

static const char *const names[] = {"annotations." KEY};
static const struct hozo_annotation annotations[] = {{KEY, HOZO_OWN, "Whether it does anything."}};
static const struct hozo_field fields[] = {
    {"process.env", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Looked at."},
    {"process.env[]", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "Looked at."},
};
static const struct hozo_field settings[] = {
    {"limit", HOZO_INT, HOZO_OWN, NULL, 1, 10, NULL, "Never set."},
};
static const char *const after[] = {"cgroup"};

static int asked(struct hozo_ctx *ctx)
{
    const char *value;

    return hozo_annotation(ctx, KEY, &value);
}

static int adjust(struct hozo_ctx *ctx)
{
    static const char *const options[] = {"size=4k", NULL};
    struct hozo_mount mount = {sizeof(mount), "/scratch", "tmpfs", "tmpfs", options};
    int r = asked(ctx);

    if (r <= 0)
        return r;
    return hozo_add_env(ctx, "EARLY", "early") < 0 ? -1 : hozo_add_mount(ctx, &mount);
}

static int validate(struct hozo_ctx *ctx)
{
    struct hozo_cursor env, item;
    int r = hozo_find(ctx, NULL, "process.env", &env);

    for (size_t i = 0; r > 0 && (r = hozo_item(ctx, &env, i, &item, NULL)) > 0; i++)
        if (!strcmp(hozo_as_string(ctx, &item), "FROZEN=x"))
            return hozo_error(ctx, EINVAL, item.path, "%s is mine", "FROZEN");
    return r;
}

static int plan(struct hozo_ctx *ctx)
{
    struct hozo_syscall call = {.size = sizeof(call),
                                .phase = HOZO_PHASE_PROCESS,
                                .path = "annotations",
                                .name = "setpriority",
                                .number = SYS_setpriority,
                                .args = {PRIO_PROCESS, 0, 3}};
    struct hozo_work work = {
        .size = sizeof(work), .phase = HOZO_PHASE_PREPARE, .what = "look", .value = "here"};
    struct hozo_env env = {.size = sizeof(env), .path = "annotations", .name = "FROZEN"};
    struct hozo_bind bind = {.size = sizeof(bind), .path = "annotations", .destination = "/frozen"};
    struct hozo_cursor at;
    int late, source, r = asked(ctx);

    if (r <= 0)
        return r;
    if (hozo_fact(ctx, NULL, "kernel", &at) < 0 || hozo_setting(ctx, NULL, "limit", &at) < 0 ||
        (late = hozo_late(ctx, "text", HOZO_LATE_STRING)) < 0 ||
        (source = hozo_late(ctx, "file", HOZO_LATE_STRING)) < 0)
        return -1;
    env.late = (uint32_t)late;
    bind.late = (uint32_t)source;
    if (hozo_plan_syscall(ctx, &call) < 0 || hozo_plan_work(ctx, &work) < 0 ||
        hozo_plan_bind(ctx, &bind) < 0)
        return -1;
    return hozo_plan_env(ctx, &env);
}

static int prepare(struct hozo_ctx *ctx)
{
    static const char *const args[] = {"/bin/echo", "kept", NULL};
    struct hozo_work work = {.size = sizeof(work)};
    struct hozo_run run = {.size = sizeof(run), .args = args};
    struct hozo_value value = {.size = sizeof(value), .string = "early late"};
    char path[64], kept[96];
    int fd, r = asked(ctx);
    ssize_t n;

    if (r <= 0)
        return r;
    if (hozo_next_work(ctx, 0, &work) != 1 || strcmp(work.value, "here") ||
        hozo_next_work(ctx, 1, &work) != 0)
        return hozo_error(ctx, 0, NULL, "the work is another");
    snprintf(path, sizeof(path), "/tmp/hozo-frozen-%d", (int)getpid());
    snprintf(kept, sizeof(kept), "{\"path\":\"%s\"}", path);
    if (hozo_state_set(ctx, kept, strlen(kept)) < 0 || hozo_run(ctx, &run) < 0)
        return -1;
    if ((fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644)) < 0)
        return hozo_error(ctx, errno, NULL, "%s", path);
    n = write(fd, run.output, run.output_size);
    close(fd);
    if (n != (ssize_t)run.output_size || hozo_late_set(ctx, "text", &value) < 0)
        return hozo_error(ctx, EIO, NULL, "%s", path);
    value.string = path;
    return hozo_late_set(ctx, "file", &value);
}

static int attach(struct hozo_ctx *ctx)
{
    int32_t pid;
    int pidfd;

    return hozo_process(ctx, &pid, &pidfd);
}

static int cleanup(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    int r = hozo_state_find(ctx, NULL, "path", &at);

    if (r > 0 && unlink(hozo_as_string(ctx, &at)) < 0 && errno != ENOENT && errno != EROFS)
        return hozo_error(ctx, errno, NULL, "unlink");
    return r < 0 ? -1 : 0;
}

HOZO_PLUGIN(frozen) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "org.test.frozen",
    .version = "1.0",
    .package = "test",
    .summary = "Of the first header.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .settings = HOZO_TABLE(settings),
    .after = HOZO_TABLE(after),
    .adjust = adjust,
    .validate = validate,
    .plan = plan,
    .prepare = prepare,
    .attach = attach,
    .cleanup = cleanup,
};
