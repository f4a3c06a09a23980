/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal handler can only know what lies in static memory: `guard` is the one such variable of the core.
 * What it does is restricted to what signal-safety(7) allows.
 */
#include "core/plugin-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "core/linux/launch.h"
#include "core/log.h"

static struct {
    const char *volatile plugin; /* NULL: no foreign code is running */
    const char *callback;
    struct container *c;
    struct log_ready line;
    unsigned seconds;
    void *stack; /* of the handlers */
    bool installed;
} guard;

static const struct {
    int number;
    const char *what;
} signals[] = {
    {SIGSEGV, "crashed (SIGSEGV)"}, {SIGBUS, "crashed (SIGBUS)"},
    {SIGILL, "crashed (SIGILL)"},   {SIGFPE, "crashed (SIGFPE)"},
    {SIGABRT, "aborted (SIGABRT)"}, {SIGSYS, "crashed (SIGSYS)"},
    {SIGTRAP, "crashed (SIGTRAP)"}, {SIGALRM, "did not end within the time limit"},
};

/* --- what is left to do ----------------------------------------------------------------------- */

int rescue_prepare(struct container *c, enum rescue_kind kind, const char *const *words,
                   struct error *err)
{
    const char *own[] = {"hozo", "--root", c->root, "--plugin-dir", c->plugins.dir};
    size_t n = 0, n_own = c->plugins.dir ? 5 : 3;

    while (words[n])
        n++;
    free(c->rescue.args);
    if (!(c->rescue.args = calloc(n_own + n + 3, sizeof *c->rescue.args)))
        return fail_memory(err);
    memcpy(c->rescue.args, own, n_own * sizeof *own);
    memcpy(c->rescue.args + n_own, words, n * sizeof *words);
    c->rescue.kind = kind;
    return 0;
}

static void kill_processes(const struct container *c)
{
    const struct launch *l = c->launch;

    if (c->pidfd >= 0)
        pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
    if (l && l->stage > 0) {
        kill(l->stage, SIGKILL);
        waitpid(l->stage, NULL, 0);
    }
    if (c->pid > 0)
        waitpid(c->pid, NULL, __WALL);
}

static void execute(const char *const *args)
{
    static const char *const env[] = {NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve("/proc/self/exe", (char *const *)args, (char *const *)env);
    _exit(1);
}

static void rescue(struct container *c)
{
    size_t n = 0;
    pid_t child;
    int null;

    if (!c)
        return;
    kill_processes(c);
    if (c->rescue.kind == RESCUE_NONE)
        return;
    if (c->rescue.kind == RESCUE_GO_ON) {
        while (c->rescue.args[n])
            n++;
        c->rescue.args[n - 1] = "--orphan";
        c->rescue.args[n] = guard.plugin;
        c->rescue.args[n + 1] = c->state.id;
        execute(c->rescue.args);
    }
    /* The container's lock is this execution's. */
    if (c->dirfd >= 0)
        close(c->dirfd);
    child = _Fork();
    if (!child) {
        null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execute(c->rescue.args);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Does not return. */
static void end(const char *what)
{
    const char *const words[] = {"plugin ", guard.plugin, ": ", guard.callback, ": ", what, NULL};

    log_ready_put(&guard.line, words);
    rescue(guard.c);
    _exit(1);
}

static void on_signal(int number)
{
    if (!guard.plugin) {
        /* Not foreign code: as without this handler. */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (signals[i].number == number)
            end(signals[i].what);
}

/* A library may think that it owns the program. */
static void on_exit_called(void)
{
    if (guard.plugin)
        end("called exit()");
}

/* --- around foreign code ---------------------------------------------------------------------- */

#define STACK (32 << 10)

/* A stack of its own, so that endless recursion is reported as well. */
static void install(struct container *c)
{
    const stack_t stack = {.ss_sp = guard.stack = malloc(STACK), .ss_size = STACK};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

    guard.installed = true;
    guard.seconds = c && c->callback_seconds ? c->callback_seconds : 30;
    log_ready(c ? c->log : NULL, &guard.line);
    if (stack.ss_sp)
        sigaltstack(&stack, NULL);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i].number, &action, NULL);
    atexit(on_exit_called);
}

void guard_pause(bool on)
{
    const struct itimerval limit = {.it_value.tv_sec = on ? 0 : guard.seconds};

    if (guard.plugin)
        setitimer(ITIMER_REAL, &limit, NULL);
}

void guard_enter(struct container *c, const char *plugin, const char *callback)
{
    if (!guard.installed)
        install(c);
    guard.c = c;
    guard.callback = callback;
    guard.plugin = plugin;
    guard_pause(false);
}

void guard_leave(void)
{
    guard_pause(true);
    guard.plugin = NULL;
    guard.c = NULL;
}
