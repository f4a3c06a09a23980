/* SPDX-License-Identifier: Apache-2.0 */
/* create: everything up to the process that waits for start. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/cgroup.h"
#include "core/compile.h"
#include "core/hooks.h"
#include "core/lifecycle.h"
#include "core/linux/host-ops.h"
#include "core/linux/launch.h"

static char *timestamp(void)
{
    struct timespec now;
    struct tm tm;
    char *text;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    if (asprintf(&text, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec) < 0)
        return NULL;
    return text;
}

/* The configuration as it is now is what every later verb reads. */
static int freeze_config(const struct container *c, struct error *err)
{
    auto_close int fd =
        openat(c->dirfd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t done = 0;

    if (fd < 0)
        return fail(err, errno, NULL, "write the configuration's copy");
    while (done < c->config.size) {
        ssize_t n = write(fd, c->config.text + done, c->config.size - done);

        if (n < 0)
            return fail(err, errno, NULL, "write the configuration's copy");
        done += (size_t)n;
    }
    return 0;
}

/* The process exists and is blocked: from here on a crash leaves a pid that delete finds. */
static int on_born(struct container *c, struct error *err)
{
    c->state.pid = c->pid;
    process_stat(c->pid, NULL, &c->state.start_time);
    if (state_write(c->dirfd, &c->state, err) < 0)
        return -1;
    return plugins_call(c, STAGE_ATTACH, err);
}

static int carry_out(struct container *c, int *console, struct error *err)
{
    struct launch l = {.born = on_born};

    if (freeze_config(c, err) < 0 || plugins_record(c, err) < 0 ||
        state_write(c->dirfd, &c->state, err) < 0 || host_ops(c, PHASE_PREPARE, err) < 0 ||
        plugins_call(c, STAGE_PREPARE, err) < 0)
        return -1;
    if (cgroup_frozen(&c->state.cgroup))
        return fail(err, 0, "linux.cgroupsPath", "the control group is frozen");
    if (launch(c, &l, err) < 0)
        return -1;
    *console = l.console;
    close(l.sync);
    c->state.complete = true;
    return state_write(c->dirfd, &c->state, err);
}

static bool runs_create_hooks(const struct container *c)
{
    plan_for_each(op, c->plan)
        if (op->kind == OP_HOOK)
            return true;
    return false;
}

/* Best effort, in reverse: the error that brought us here is the one to report. */
void container_abort(struct container *c)
{
    struct error ignored;

    launch_kill(c);
    host_ops_close(c);
    cgroup_signal(&c->state.cgroup, 9 /* SIGKILL */, &ignored);
    if (plugins_cleanup(c, &ignored) < 0)
        return; /* the state stays, so that `delete --force` can go on */
    if (c->state.pid && (c->state.complete || runs_create_hooks(c)))
        hooks_run(c, "poststop", STATUS_STOPPED, &ignored);
    state_remove(c->root, c->state.id, c->dirfd, &ignored);
}

int container_create(struct container *c, int *console, struct error *err)
{
    *console = -1;
    if (!(c->state.created = timestamp()))
        return fail_memory(err);
    c->state.owner = getuid();
    if (compile_create(c, err) < 0)
        return -1;
    c->dirfd = state_create(c->root, c->state.id, err);
    if (c->dirfd < 0)
        return -1;
    if (carry_out(c, console, err) < 0) {
        container_abort(c);
        cleanup_close(console);
        *console = -1;
        return -1;
    }
    host_ops_close(c);
    return 0;
}
