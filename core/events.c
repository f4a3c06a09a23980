/* SPDX-License-Identifier: Apache-2.0 */
#include "core/events.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "core/foreign.h"
#include "core/oom-watch.h"
#include "core/pidfd.h"
#include "core/ps.h"

static int not_running(const char *id, struct error *err)
{
    return fail(err, 0, NULL, "container with id %s is not running", id);
}

int events_open(struct container *c, const char *root, const char *id, struct error *err)
{
    enum status status;

    c->root = root;
    c->dirfd = state_open(root, id, false, err);
    if (c->dirfd < 0 || state_look(c->dirfd, id, &c->state, &status, err) ||
        foreign_refuse(&c->state, "events", err))
        return -1;
    if (status == STATUS_STOPPED || status == STATUS_CREATING)
        return not_running(id, err);
    if (json_read(&c->config, c->dirfd, "config.json", err) < 0)
        return -1;
    return plugins_open_for(c, IN(STATS), err);
}

/* --- lines ------------------------------------------------------------------------------------- */

#define NOBODY_READS 1

/* By one write(2), as long as the reader takes all of it: others may write to the same file. */
static int put_line(struct text *line, struct error *err)
{
    struct pollfd p = {STDOUT_FILENO, POLLOUT, 0};

    text_put(line, "\n");
    if (line->failed)
        return fail_memory(err);
    for (size_t done = 0; done < line->length;) {
        ssize_t n = write(STDOUT_FILENO, line->at + done, line->length - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno == EPIPE)
            return NOBODY_READS;
        else if (errno == EAGAIN)
            poll(&p, 1, -1);
        else if (errno != EINTR)
            return fail(err, errno, NULL, "write to standard output");
    }
    return 0;
}

static void begin_line(const struct container *c, const char *type, struct text *line)
{
    text_add(line, "{\"type\":\"%s\",\"id\":", type);
    text_json(line, c->state.id);
}

/* Readers expect these members, of which this version, or this host, may have nothing to tell. */
static const struct {
    const char *name, *value;
} defaults[] = {
    {"intel_rdt", "{}"},
    {"network_interfaces", "null"},
};

static void print_data(const struct json *stats, struct text *line)
{
    const char *separator = "";
    const cJSON *member;

    cJSON_ArrayForEach (member, stats->root) {
        text_put(line, separator);
        text_json(line, member->string);
        text_put(line, ":");
        text_json_tree(line, stats, member);
        separator = ",";
    }
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
        if (!cJSON_GetObjectItemCaseSensitive(stats->root, defaults[i].name)) {
            text_add(line, "%s\"%s\":%s", separator, defaults[i].name, defaults[i].value);
            separator = ",";
        }
}

static int put_stats(struct container *c, struct error *err)
{
    auto_text struct text line = {0};

    if (plugins_stats(c, err) < 0)
        return -1;
    begin_line(c, "stats", &line);
    text_put(&line, ",\"data\":{");
    print_data(&c->stats, &line);
    text_put(&line, "}}");
    return put_line(&line, err);
}

static int put_oom(const struct container *c, struct error *err)
{
    auto_text struct text line = {0};

    begin_line(c, "oom", &line);
    text_put(&line, "}");
    return put_line(&line, err);
}

int events_stats(struct container *c, struct error *err)
{
    return put_stats(c, err) < 0 ? -1 : 0;
}

/* --- the end of the container ------------------------------------------------------------------- */

/* A descriptor of this process. It is the container's only if that lists it still, now that its number can pass
 * to no other. 0: it has ended. */
static int hold(const struct state *s, pid_t pid, int *fd, struct error *err)
{
    auto_pids struct pids still = {0};
    auto_close int pidfd = pidfd_of(pid);

    if (pidfd < 0)
        return errno == ESRCH ? 0 : fail(err, errno, NULL, "pidfd_open");
    if (container_pids(s, &still, err) < 0)
        return -1;
    if (!pids_have(&still, pid))
        return 0;
    *fd = steal_fd(pidfd);
    return 1;
}

/* Any process of the container, for which it is waited then: 1, or 0 if it has none. */
static int hold_any(const struct state *s, int *fd, struct error *err)
{
    for (;;) {
        auto_pids struct pids pids = {0};
        int held = 0;

        if (container_pids(s, &pids, err) < 0)
            return -1;
        if (!pids.count)
            return 0;
        for (size_t i = 0; !held && i < pids.count; i++)
            held = hold(s, pids.at[i], fd, err);
        if (held)
            return held;
    }
}

/* --- following ---------------------------------------------------------------------------------- */

struct follow {
    struct container *c;
    struct oom_watch oom;
    int process;            /* one of the container's: first its own, then any that is left */
    int64_t interval, next; /* nanoseconds of CLOCK_MONOTONIC */
};

static void follow_end(struct follow *f)
{
    oom_watch_close(&f->oom);
    cleanup_close(&f->process);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Whoever reads slowly misses some: times that are over by then are not made up for. */
static void set_next(struct follow *f)
{
    int64_t from = now();

    if (f->next && f->next > from - f->interval)
        from = f->next;
    if (__builtin_add_overflow(from, f->interval, &f->next))
        f->next = INT64_MAX;
}

/* *ended: the process that is waited for. */
static int await(struct follow *f, bool *ended, struct error *err)
{
    int64_t left = f->next - now();
    struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    struct pollfd p[] = {
        {f->process, POLLIN, 0},
        {f->oom.fd, f->oom.events, 0},
        {STDOUT_FILENO, 0, 0}, /* a pipe without a reader tells so even if nothing is written */
    };

    if (left < 0)
        t = (struct timespec){0};
    if (ppoll(p, ARRAY_SIZE(p), &t, NULL) < 0 && errno != EINTR)
        return fail(err, errno, NULL, "poll");
    *ended = p[0].revents;
    return p[2].revents ? NOBODY_READS : 0;
}

/* 1: nothing more will happen, or nobody would read of it. */
static int follow_once(struct follow *f, struct error *err)
{
    bool ended = false;
    int r = await(f, &ended, err);

    if (r)
        return r;
    /* The kernel counts before it kills: whoever has seen the end sees this as well. */
    if (oom_watch_happened(&f->oom) && (r = put_oom(f->c, err)))
        return r;
    if (ended) {
        close(steal_fd(f->process));
        r = hold_any(&f->c->state, &f->process, err);
        return r < 0 ? -1 : !r;
    }
    if (now() < f->next)
        return 0;
    set_next(f);
    return put_stats(f->c, err);
}

int events_follow(struct container *c, int64_t interval, struct error *err)
{
    __attribute__((cleanup(follow_end))) struct follow f = {
        .c = c, .oom = OOM_WATCH_INIT, .process = state_pidfd(&c->state), .interval = interval};
    int r;

    if (f.process < 0)
        return errno == ESRCH ? not_running(c->state.id, err)
                              : fail(err, errno, NULL, "pidfd_open");
    if (oom_watch_open(&f.oom, c->state.cgroup.oom, err) < 0)
        return -1;
    set_next(&f);
    while (!(r = follow_once(&f, err)))
        ;
    return r < 0 ? -1 : 0;
}
