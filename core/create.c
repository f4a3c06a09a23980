/* SPDX-License-Identifier: Apache-2.0 */
/* create: everything up to the process that waits for start. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/cgroup.h"
#include "core/compile.h"
#include "core/hooks.h"
#include "core/lifecycle.h"
#include "core/linux/host-ops.h"
#include "core/linux/launch.h"
#include "core/log.h"

/* RFC 3339 in UTC. Not gmtime_r(3): glibc's reads the time zone's file for it. The date follows from the
 * day's number by counting years from March on, so that the leap day comes last. */
static char *timestamp(void)
{
    struct timespec now;
    char *text;

    clock_gettime(CLOCK_REALTIME, &now);
    long day = now.tv_sec / 86400 + 719468, second = now.tv_sec % 86400;
    long era = day / 146097, of_era = day % 146097;
    long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

    if (asprintf(&text, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ",
                 year + era * 400 + (month >= 10), month < 10 ? month + 3 : month - 9,
                 of_year - (153 * month + 2) / 5 + 1, second / 3600, second / 60 % 60, second % 60,
                 now.tv_nsec) < 0)
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

/* While hozo-init starts, plugins do what needs no process, or wait for it. */
static int on_started(struct container *c, struct error *err)
{
    return plugins_call(c, STAGE_ATTACH, err);
}

/* While the process sets itself up: before it could outlive a crash, its pid is on disk. */
static int on_born(struct container *c, struct error *err)
{
    c->state.pid = c->pid;
    /* Without its start time nobody would find it again. */
    if (!process_stat(c->pid, NULL, &c->state.start_time))
        return fail(err, 0, NULL, "/proc does not show process %d", (int)c->pid);
    return state_write(c->dirfd, &c->state, err);
}

static int carry_out(struct container *c, int *console, struct error *err)
{
    struct launch l = {.started = on_started, .born = on_born};

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
    plan_for_each (op, c->plan)
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
    /* Before its own process was there, whoever is in the cgroup is somebody else's. */
    if (c->state.pid)
        cgroup_signal(&c->state.cgroup, SIGKILL, &ignored);
    if (plugins_cleanup(c, &ignored) < 0) {
        log_error(c->log, LOG_LEVEL_WARNING, &ignored);
        return; /* the state stays, so that `delete --force` can go on */
    }
    if (c->state.pid && (c->state.complete || runs_create_hooks(c)) &&
        hooks_run(c, "poststop", STATUS_STOPPED, &ignored) < 0)
        log_error(c->log, LOG_LEVEL_WARNING, &ignored);
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
