/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "core/compile.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -1: no limit. */
static int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return deadline < 0 ? -1 : left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

/* A group of its own, so that a timeout ends all of it; signals as a fresh process has them. */
static int spawn(const struct hook *hook, int stdin_fd, pid_t *pid)
{
    const char *const argv0[] = {hook->path, NULL}, *const nothing[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all, none;
    int r;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETSIGMASK);
    r = posix_spawn(pid, hook->path, &actions, &attr,
                    (char *const *)(hook->args && hook->args[0] ? hook->args : argv0),
                    (char *const *)(hook->env ? hook->env : nothing));
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return r;
}

/* The hook may not read at all: a closed pipe is no error, a full one must not hang past the limit. */
static void feed(int *fd, const char *state, int pidfd, int interrupt, int64_t deadline)
{
    size_t left = strlen(state);

    while (left) {
        struct pollfd p[] = {{*fd, POLLOUT, 0}, {pidfd, POLLIN, 0}, {interrupt, POLLIN, 0}};
        ssize_t n;

        if (poll(p, 3, left_ms(deadline)) <= 0 || !(p[0].revents & POLLOUT) || p[2].revents)
            break;
        n = write(*fd, state, left);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            break;
        if (n > 0) {
            state += n;
            left -= (size_t)n;
        }
    }
    close(steal_fd(*fd));
}

static int wait_for(pid_t pid, int pidfd, int interrupt, int64_t deadline, struct error *err)
{
    struct pollfd p[] = {{pidfd, POLLIN, 0}, {interrupt, POLLIN, 0}};
    const char *ended = NULL;
    int status;

    for (;;) {
        int r = poll(p, 2, left_ms(deadline));

        if (p[0].revents)
            break;
        if (r < 0 || (!r && left_ms(deadline)))
            continue;
        ended = r ? "interrupted" : "timed out";
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* it may have left its group */
        deadline = -1;
        p[1].fd = -1;
    }
    if (waitpid(pid, &status, 0) < 0)
        return fail(err, errno, NULL, "wait");
    if (ended)
        return fail(err, 0, NULL, "%s", ended);
    if (WIFSIGNALED(status))
        return fail(err, 0, NULL, "killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status))
        return fail(err, 0, NULL, "exited with status %d", WEXITSTATUS(status));
    return 0;
}

int hook_run(const struct hook *hook, const char *state, struct error *err)
{
    int64_t deadline = hook->timeout ? now_ms() + hook->timeout * INT64_C(1000) : -1;
    auto_close int reader = -1, writer = -1, pidfd = -1;
    int fds[2], r;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return fail(err, errno, NULL, "pipe");
    reader = fds[0];
    writer = fds[1];
    /* Only this end: the flag belongs to the open file, and the hook's end is another. */
    fcntl(writer, F_SETFL, O_NONBLOCK);
    if ((r = spawn(hook, reader, &pid)))
        return fail(err, r, NULL, "%s", hook->path);
    close(steal_fd(reader));
    pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return fail(err, errno, NULL, "pidfd_open");
    }
    feed(&writer, state, pidfd, hook->interrupt, deadline);
    return wait_for(pid, pidfd, hook->interrupt, deadline, err);
}

/* --- from the configuration ---------------------------------------------------------------------- */

static int hook_check(const cJSON *hook, const struct json *doc, const char *path,
                      struct error *err)
{
    const char *file = json_string(hook, "path", "");

    if (file[0] != '/')
        return fail(err, 0, path, "path \"%s\" is not absolute", file);
    if (json_get(hook, "timeout") && json_int(doc, hook, "timeout", 0) <= 0)
        return fail(err, 0, path, "timeout must be greater than zero");
    return 0;
}

static const struct {
    const char *kind;
    int phase; /* -1: not in the plan */
    enum status status;
} kinds[] = {
    {"prestart", PHASE_CREATE_RUNTIME, STATUS_CREATING},
    {"createRuntime", PHASE_CREATE_RUNTIME, STATUS_CREATING},
    {"createContainer", PHASE_CREATE_CONTAINER, STATUS_CREATING},
    {"startContainer", PHASE_START_CONTAINER, STATUS_CREATED},
    {"poststart", -1, STATUS_RUNNING},
    {"poststop", -1, STATUS_STOPPED},
};

static int add_hook(struct compile *p, const cJSON *hook, const char *path, int phase,
                    enum status status, struct error *err)
{
    auto_free const char **args = json_strings(json_get(hook, "args"));
    auto_free const char **env = json_strings(json_get(hook, "env"));
    auto_text struct text state = {0};

    if (!args || !env)
        return fail_memory(err);
    state_print_oci(&p->c->state, status, LATE_TEXT_PID, false, &state);
    if (state.failed)
        return fail_memory(err);
    plan_op(p->b, phase, HOOK, path, STR(json_string(hook, "path", NULL)), LIST(args), LIST(env),
            NUM(json_int(&p->c->config, hook, "timeout", 0)), TEMPLATE(state.at));
    plan_what(p->b, "hook %s", json_string(hook, "path", ""));
    return 0;
}

int compile_hooks(struct compile *p, struct error *err)
{
    const cJSON *hooks = json_get(p->config, "hooks"), *hook;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        unsigned index = 0;

        cJSON_ArrayForEach (hook, json_get(hooks, kinds[i].kind)) {
            char path[64];

            snprintf(path, sizeof path, "hooks.%s[%u]", kinds[i].kind, index++);
            if (hook_check(hook, &p->c->config, path, err) < 0)
                return -1;
            if (kinds[i].phase >= 0 &&
                add_hook(p, hook, path, kinds[i].phase, kinds[i].status, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int run_one(struct container *c, const cJSON *hook, const char *state, struct error *err)
{
    auto_free const char **args = json_strings(json_get(hook, "args"));
    auto_free const char **env = json_strings(json_get(hook, "env"));
    const struct hook h = {
        .path = json_string(hook, "path", ""),
        .args = args,
        .env = env,
        .timeout = (unsigned)json_int(&c->config, hook, "timeout", 0),
        .interrupt = c->interrupt,
    };

    return hook_run(&h, state, err);
}

int hooks_run(struct container *c, const char *kind, enum status status, struct error *err)
{
    const cJSON *hooks = json_at(c->config.root, "hooks", kind, NULL), *hook;
    auto_text struct text state = {0};
    unsigned index = 0;
    int result = 0;

    if (!hooks)
        return 0;
    state_print_oci(&c->state, status, NULL, false, &state);
    if (state.failed)
        return fail_memory(err);
    cJSON_ArrayForEach (hook, hooks) {
        struct error own;
        char path[64];

        snprintf(path, sizeof path, "hooks.%s[%u]", kind, index++);
        if (!run_one(c, hook, state.at, &own))
            continue;
        if (!result)
            fail(err, own.errnum, path, "hook %s: %s", json_string(hook, "path", ""), own.text);
        result = -1;
        if (status != STATUS_STOPPED)
            break;
    }
    return result;
}
