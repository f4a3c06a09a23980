/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks inside: what they are given, how they end, and that they do end. */
#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "tests/unit/init_harness.h"

static const char *const no_env[] = {NULL};

static struct plan_builder *hook_plan(const char *script, const char *const *env, unsigned timeout,
                                      const char *state)
{
    const char *const args[] = {"hook-name", "-c", script, NULL};
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks.createContainer[0]", STR("/bin/sh"), LIST(args),
            LIST(env), NUM(timeout), TEMPLATE(state));
    return b;
}

static struct outcome hook(const char *script, unsigned timeout)
{
    return run(hook_plan(script, no_env, timeout, "{}"), SCENE(0));
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void given(void)
{
    static const char *const env[] = {"A=1", "B=two words", NULL};
    struct outcome o = run(hook_plan("cat > state; echo $PPID > pid; env -0 > env 2>/dev/null", env,
                                     0, "{\"pid\":" LATE_TEXT_PID "}"),
                           SCENE(0));
    char wanted[64];

    check(succeeded(&o), "a hook");
    snprintf(wanted, sizeof wanted, "{\"pid\":%d}", atoi(read_text("pid")));
    check(!strcmp(read_text("state"), wanted),
          "its input is the state with the pid of the process");
    o = run(hook_plan("tr '\\0' '\\n' < /proc/$$/environ > env", env, 0, "{}"), SCENE(0));
    check(succeeded(&o) && !strcmp(read_text("env"), "A=1\nB=two words\n"),
          "its environment as given");
    o = run(hook_plan("tr '\\0' '\\n' < /proc/$$/environ > env", no_env, 0, "{}"), SCENE(0));
    check(succeeded(&o) && !strcmp(read_text("env"), ""), "no environment of anybody else");
    o = run(hook_plan("echo $0 > name", no_env, 0, "{}"), SCENE(0));
    check(succeeded(&o), "its arguments");
}

static void leave_signals(struct plan_header *plan)
{
    sigset_t none;

    (void)plan;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL); /* as hozo-init begins */
}

static void clean(void)
{
    struct outcome o =
        run(hook_plan("exec grep -E 'Sig(Blk|Ign)' /proc/self/status > signals", no_env, 0, "{}"),
            SCENE(.before = leave_signals));

    check(succeeded(&o) && strstr(read_text("signals"), "SigBlk:\t0000000000000000") &&
              strstr(read_text("signals"), "SigIgn:\t0000000000000000"),
          "no signal is blocked or ignored, SIGPIPE neither");
    o = run(hook_plan("[ $(ps -o pgid= -p $$) = $$ ]", no_env, 0, "{}"), SCENE(0));
    check(succeeded(&o), "its own process group");
}

static void open_more(struct plan_header *plan)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    (void)plan;
    dup2(fd, 3);
    dup2(fd, 4);
}

static void descriptors(void)
{
    struct plan_builder *b = hook_plan("exec ls /proc/self/fd > fds", no_env, 0, "{}");
    struct outcome o;

    plan_preserve_fds(b, 2);
    o = run(b, SCENE(.before = open_more));
    /* The last is that of the directory itself. */
    check(succeeded(&o) && !strcmp(read_text("fds"), "0\n1\n2\n3\n"),
          "three descriptors: not one slot, not one preserved");
}

static void ends(void)
{
    static const char *const args[] = {"x", NULL};
    struct plan_builder *b;
    struct outcome o = hook("exit 7", 0);

    check(failed(&o, 0, 7, STEP_EXIT_STATUS), "an exit status");
    o = hook("kill -TERM $$", 0);
    check(failed(&o, 0, SIGTERM, STEP_SIGNALED), "a signal");
    b = new_plan();
    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks", STR("/nowhere"), LIST(args), LIST(args),
            NUM(0), TEMPLATE("{}"));
    o = run(b, SCENE(0));
    check(failed(&o, 0, ENOENT, STEP_EXECVE), "a program that is not there");
    b = new_plan();
    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks", STR("/etc/passwd"), LIST(args), LIST(args),
            NUM(0), TEMPLATE("{}"));
    o = run(b, SCENE(0));
    check(failed(&o, 0, EACCES, STEP_EXECVE), "a program that may not be executed");
    b = new_plan();
    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks", STR("/bin/true"), LIST(no_env), LIST(no_env),
            NUM(0), TEMPLATE("{}"));
    plan_op(b, PHASE_CREATE_CONTAINER, HOOK, "hooks", STR("/bin/false"), LIST(no_env), LIST(no_env),
            NUM(0), TEMPLATE("{}"));
    o = run(b, SCENE(0));
    check(failed(&o, 1, 1, STEP_EXIT_STATUS), "the second of two; no arguments");
}

static bool gone(const char *file)
{
    pid_t pid = atoi(read_text(file));

    for (int i = 0; i < 200 && !kill(pid, 0); i++) {
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        if (strstr(read_text(path), ") Z "))
            return true;
        usleep(10000);
    }
    return pid > 0 && kill(pid, 0) < 0;
}

static void limits(void)
{
    double begin = seconds();
    struct outcome o = hook("sleep 100 & echo $! > child; wait", 1);

    check(failed(&o, 0, 0, STEP_TIMEOUT), "a timeout");
    check(seconds() - begin > 0.9 && seconds() - begin < 10, "after the time that it was given");
    check(gone("child"), "its group is gone as well");
    o = hook("exit 0", 1);
    check(succeeded(&o), "one that ends in time");
    begin = seconds();
    o = hook("perl -e 'setpgrp(0, getppid()); sleep 100' || exec sleep 100", 1);
    check(failed(&o, 0, 0, STEP_TIMEOUT) && seconds() - begin < 10, "one that left its group");
    o = hook("sleep 0.1", 5000000);
    check(succeeded(&o), "a limit of months");
}

static void input(void)
{
    char *state = malloc((1 << 20) + 1);
    double begin;
    struct outcome o;

    memset(state, 's', 1 << 20);
    state[1 << 20] = '\0';
    o = run(hook_plan("wc -c > size", no_env, 0, state), SCENE(0));
    check(succeeded(&o) && atoi(read_text("size")) == 1 << 20, "a state of 1 MB arrives");
    o = run(hook_plan("exit 0", no_env, 0, state), SCENE(0));
    check(succeeded(&o), "one that reads nothing of it");
    o = run(hook_plan("head -c 10 > /dev/null; exit 3", no_env, 0, state), SCENE(0));
    check(failed(&o, 0, 3, STEP_EXIT_STATUS), "one that reads some of it");
    begin = seconds();
    o = run(hook_plan("exec sleep 100", no_env, 1, state), SCENE(0));
    check(failed(&o, 0, 0, STEP_TIMEOUT) && seconds() - begin < 10,
          "one that neither reads nor ends");
    begin = seconds();
    o = run(hook_plan("sleep 5 <&0 & exit 0", no_env, 0, state), SCENE(0));
    check(succeeded(&o) && seconds() - begin < 4, "one that leaves a child with its input behind");
    free(state);
}

int main(void)
{
    enter_directory();
    given();
    clean();
    descriptors();
    ends();
    limits();
    input();
    return done();
}
