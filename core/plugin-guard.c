/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal handler can only know what lies in static memory: `guard` is the one such variable of the core.
 * What it does is restricted to what signal-safety(7) allows.
 */
#include "core/plugin-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/linux/launch.h"
#include "core/log.h"
#include "core/pidfd.h"
#include "core/process.h"

static struct {
    const char *volatile plugin; /* NULL: no foreign code is running */
    volatile pid_t pid;          /* of who runs it: what it forks is its own affair */
    const char *callback;
    struct container *c;
    struct log_ready line;
    sigset_t handled, before; /* our signals; the mask outside of foreign code */
    struct sigaction action;
    mode_t umask;
    int directory; /* the working directory; -1: nobody may know */
    void *stack;   /* of the handlers */
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

/* In front of the container's ID, which stands last. */
static void add_words(const char **args, const char *option, const char *value)
{
    size_t n = 0;

    while (args[n])
        n++;
    args[n + 1] = args[n - 1];
    args[n - 1] = option;
    args[n] = value;
}

/* Those behind it have done nothing yet that could be undone. */
static const char *last_begun(const struct plugins *p)
{
    const char *name = NULL;

    for (size_t i = 0; i < p->n_opened; i++)
        if (p->opened[i]->begun)
            name = p->opened[i]->d->name;
    return name;
}

static void kill_processes(const struct container *c)
{
    if (c->pidfd >= 0)
        pidfd_signal(c->pidfd, c->pid > 0 ? c->pid : c->state.pid, SIGKILL);
    launch_crashed(c);
}

static void execute(const char *const *args)
{
    static const char *const env[] = {NULL};
    char room[PATH_MAX];
    const char *own = process_executable(room, sizeof room);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (own)
        execve(own, (char *const *)args, (char *const *)env);
    guard.plugin = NULL;
    _exit(1);
}

static void rescue(struct container *c)
{
    const char *begun;
    pid_t child;
    int null;

    if (!c)
        return;
    kill_processes(c);
    if (c->rescue.kind == RESCUE_NONE)
        return;
    if (c->rescue.kind == RESCUE_GO_ON) {
        add_words(c->rescue.args, "--orphan", guard.plugin);
        execute(c->rescue.args);
    }
    if ((begun = last_begun(&c->plugins)))
        add_words(c->rescue.args, "--last-begun", begun);
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
    bool left = guard.c && guard.c->rescue.kind == RESCUE_GO_ON;
    const char *const words[] = {"plugin ",
                                 guard.plugin,
                                 ": ",
                                 guard.callback,
                                 ": ",
                                 what,
                                 left ? "; left behind for container " : NULL,
                                 left ? guard.c->state.id : NULL,
                                 ", see hozo plugin clean",
                                 NULL};

    log_ready_put(&guard.line, words);
    rescue(guard.c);
    guard.plugin = NULL;
    _exit(guard.c && guard.c->failure ? guard.c->failure : 1);
}

static bool is_foreign(void)
{
    return guard.plugin && guard.pid == getpid();
}

static void on_signal(int number)
{
    if (!is_foreign()) {
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
void guard_exit_called(const char *what)
{
    if (is_foreign())
        end(what);
}

static void on_exit_called(void)
{
    guard_exit_called("called exit()");
}

static void on_quick_exit_called(void)
{
    guard_exit_called("called quick_exit()");
}

/* --- around foreign code ---------------------------------------------------------------------- */

#define STACK (32 << 10)

static void take_signals(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i].number, &guard.action, NULL);
}

void guard_install(const struct log *log)
{
    /* A stack of its own, so that endless recursion is reported as well. */
    stack_t stack = {.ss_size = STACK};

    if (guard.installed)
        return;
    guard.installed = true;
    log_ready(log, &guard.line);
    if ((stack.ss_sp = guard.stack = malloc(STACK)))
        sigaltstack(&stack, NULL);
    guard.action = (struct sigaction){.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigfillset(&guard.action.sa_mask);
    sigemptyset(&guard.handled);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaddset(&guard.handled, signals[i].number);
    take_signals();
    guard.umask = umask(0);
    umask(guard.umask);
    guard.directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    atexit(on_exit_called);
    (void)at_quick_exit(on_quick_exit_called);
}

/* Vendors' libraries think that the process is theirs. A child that nobody can wait for, or a file mode mask
 * of 0, would be our failure. */
void guard_restore(void)
{
    take_signals();
    signal(SIGCHLD, SIG_DFL);
    umask(guard.umask);
    if (guard.directory >= 0 && fchdir(guard.directory) < 0)
        cleanup_close(&guard.directory); /* no longer for us to enter */
}

unsigned guard_stop(void)
{
    static const struct itimerval none;
    struct itimerval left = {0};

    setitimer(ITIMER_REAL, &none, &left);
    return (unsigned)(left.it_value.tv_sec * 1000 + left.it_value.tv_usec / 1000);
}

void guard_go(unsigned ms)
{
    /* A timer of 0 would never end. */
    const struct itimerval limit = {
        .it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1}};

    setitimer(ITIMER_REAL, &limit, NULL);
}

void guard_overdue(void)
{
    end("did not end within the time limit");
}

unsigned guard_seconds(const struct container *c)
{
    return c && c->callback_seconds ? c->callback_seconds : 30;
}

/* What runs in the foreground has blocked all signals that it passes on; and what foreign code does to the
 * mask is nobody else's. */
void guard_enter(struct container *c, const char *plugin, const char *callback)
{
    guard_install(c ? c->log : NULL);
    guard.c = c;
    guard.callback = callback;
    guard.pid = getpid();
    guard.plugin = plugin;
    sigprocmask(SIG_UNBLOCK, &guard.handled, &guard.before);
    guard_go(guard_seconds(c) * 1000);
}

void guard_leave(void)
{
    guard_stop();
    sigprocmask(SIG_SETMASK, &guard.before, NULL);
    guard.plugin = NULL;
    guard.c = NULL;
}
