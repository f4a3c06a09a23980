/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/init_harness.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/linux/channel.h"

#define PATIENCE_SECONDS 20

static int tests, failures;
static char directory[] = "/tmp/hozo-init-test-XXXXXX";

bool check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    fflush(stdout);
    failures += !good;
    return good;
}

bool skip_unprivileged(const char *name)
{
    if (!geteuid())
        return false;
    printf("ok %d - %s # SKIP needs root\n", ++tests, name);
    return true;
}

int done(void)
{
    char command[64];

    if (directory[strlen(directory) - 1] != 'X') {
        snprintf(command, sizeof command, "rm -rf --one-file-system %s", directory);
        if (chdir("/") < 0 || system(command))
            printf("# %s remains\n", directory);
    }
    printf("1..%d\n", tests);
    return failures > 0;
}

void enter_directory(void)
{
    umask(022);
    if (!mkdtemp(directory) || chdir(directory) < 0)
        abort();
}

void write_text(const char *file, const char *text)
{
    auto_close int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
}

const char *read_text(const char *file)
{
    static char text[1 << 16];
    auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

struct plan_builder *new_plan(void)
{
    struct plan_builder *b = plan_new();

    plan_speaker(b, "core", 0);
    return b;
}

static void __attribute__((noreturn))
child(struct plan_header *plan, int sync, const struct scene *s)
{
    struct interpreter in = {
        .plan = plan, .sync = sync, .result = -1, .blank = -1, .inside = !s->stage};
    pid_t self = getpid();

    if (s->namespace_ &&
        (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0))
        _exit(99);
    if (s->root)
        plan_slots(plan)[0].fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->before)
        s->before(plan);
    close_range(3 + plan->preserve_fds, ~0u, CLOSE_RANGE_CLOEXEC); /* as hozo-init does */
    interpret(&in);
    if (s->stage && getpid() == self)
        _exit(98); /* the stage process came back */
    _exit(s->probe ? s->probe() : 0);
}

static void wait_for(pid_t pid, int *status)
{
    for (int i = 0; i < PATIENCE_SECONDS * 100; i++) {
        if (waitpid(pid, status, WNOHANG | __WALL))
            return;
        poll(NULL, 0, 10);
    }
    kill(pid, SIGKILL);
    waitpid(pid, status, __WALL);
    *status = -1;
}

/* false: the conversation is over. */
static bool answer(struct outcome *o, int fd, pid_t *pid, const struct scene *s)
{
    struct sync_message m;
    struct error err;
    int passed, status;

    if (channel_receive(fd, &m, &passed, PATIENCE_SECONDS, &err) <= 0)
        return false;
    if (m.type == SYNC_BORN) {
        wait_for(*pid, &status);
        *pid = (pid_t)m.value;
        o->born = !status;
    }
    if (m.type == SYNC_PHASE && m.value < PHASE_COUNT)
        o->phases |= 1u << m.value;
    if (m.type == SYNC_CONSOLE)
        o->console = passed;
    if (m.type == SYNC_FAILED) {
        o->op = m.value;
        o->errnum = m.errnum;
        o->step = m.step;
    }
    if ((int)m.type == s->close_at)
        return false;
    if (m.type == SYNC_BORN || m.type == SYNC_PHASE)
        return !channel_send(fd, SYNC_GO, 0, &err);
    if (m.type == SYNC_CREATED) {
        o->created = true;
        if (s->created)
            s->created(*pid);
    }
    return true;
}

struct outcome run(struct plan_builder *b, const struct scene *s)
{
    struct outcome o = {.errnum = -1, .console = -1};
    struct plan_header *plan = NULL;
    struct error err = {0};
    int ours, theirs;
    pid_t pid;

    if (plan_finish(b, &plan, &err) < 0 || channel_open(&ours, &theirs, &err) < 0) {
        printf("# %s: %s\n", err.path, err.text);
        plan_builder_free(&b);
        return o;
    }
    fflush(stdout);
    if (!(pid = fork())) {
        close(ours);
        /* Above what a test may want to be there. */
        child(plan, fcntl(theirs, F_DUPFD_CLOEXEC, 300), s);
    }
    close(theirs);
    while (answer(&o, ours, &pid, s))
        ;
    close(ours);
    wait_for(pid, &o.status);
    free(plan);
    plan_builder_free(&b);
    return o;
}

static void show(const struct outcome *o)
{
    printf("# operation %u, errno %d, step \"%s\", status %#x%s\n", o->op, o->errnum,
           o->step < STEP_COUNT ? plan_step_name[o->step] : "?", (unsigned)o->status,
           o->created ? ", created" : "");
}

bool succeeded(const struct outcome *o)
{
    bool good = o->errnum == ENOEXEC && o->step != STEP_EXECVE && !o->status;

    if (!good)
        show(o);
    return good;
}

bool failed(const struct outcome *o, uint32_t op, int errnum, enum plan_step step)
{
    bool good = o->op == op && o->errnum == errnum && o->step == step;

    if (!good)
        show(o);
    return good;
}
