/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "core/linux/channel.h"
#include "core/linux/clone.h"
#include "core/linux/control.h"
#include "core/linux/exec-cgroup.h"
#include "core/linux/helper.h"
#include "core/linux/host-ops.h"
#include "core/linux/id-maps.h"
#include "core/linux/image.h"
#include "core/linux/listener.h"
#include "core/linux/terminal.h"

/* The stage process only joins and clones: a longer silence means that its cgroup is frozen. */
#define BORN_SECONDS 30

/* cgroup v1 has no way to be born in a cgroup: the stage process is moved before it does anything. */
static int attach_stage(struct container *c, const struct launch *l, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_ENTER, NULL);
    char pid[16];
    int n = snprintf(pid, sizeof pid, "%d", (int)l->stage);

    for (char **file = c->state.cgroup.procs; *file; file++) {
        auto_close int fd = l->chosen ? openat(l->chosen->at[file - c->state.cgroup.procs],
                                               "cgroup.procs", O_WRONLY | O_CLOEXEC)
                                      : open(*file, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, pid, (size_t)n) != n)
            return l->chosen ? fail(err, errno, NULL, "--cgroup: enter the group below %s", *file)
                             : fail(err, errno, "linux.cgroupsPath", "write %s", *file);
    }
    return channel_send(l->sync, SYNC_GO, 0, err);
}

/* Where init is now, on the unified hierarchy: an init like systemd moves itself below. A process that
 * found no place there would escape the container's limits and device rules. */
static int init_cgroup(const struct container *c, struct error *err)
{
    const char *mountpoint =
        json_string(json_at(c->facts.root, "cgroup", "unified", NULL), "mountpoint", NULL);
    char file[64], line[4096], path[4200];
    auto_fclose FILE *f = NULL;
    int fd = -1;

    snprintf(file, sizeof file, "/proc/%d/cgroup", (int)c->state.pid);
    f = mountpoint ? fopen(file, "re") : NULL;
    while (f && fd < 0 && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::/", 4) || strstr(line, "/../"))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, sizeof path, "%s%s", mountpoint, line + 3);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return fd < 0 ? fail(err, 0, "linux.cgroupsPath", "the container's control group is not there")
                  : fd;
}

/* What the kernel means by refusing to let a process be born in a cgroup. */
static int explain(const struct container *c, struct error *err)
{
    static const struct {
        int errnum;
        const char *why;
    } reasons[] = {
        {EBUSY, "it passes controllers on, so that processes live below it only"},
        {EOPNOTSUPP, "it is threaded, or below one that is"},
        {EACCES, "it is not yours, or has no cgroup in common with your own one that is"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (err->errnum == reasons[i].errnum)
            return fail(err, err->errnum, "linux.cgroupsPath", "clone3 into %s (%s)",
                        c->state.cgroup.directory, reasons[i].why);
    return -1;
}

static pid_t spawn(struct container *c, const struct launch *l, struct spawn *s, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_SPAWN, NULL);
    auto_close int cgroup = -1;
    pid_t pid;

    if (c->state.cgroup.directory && l->chosen) {
        s->cgroup = l->chosen->at[0];
        return spawn_stage(s, err);
    }
    if (c->state.cgroup.directory) {
        cgroup = open(c->state.cgroup.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (cgroup < 0 && !(l->follow_init && errno == ENOENT))
            return fail(err, errno, "linux.cgroupsPath", "open %s", c->state.cgroup.directory);
        if (cgroup < 0 && (cgroup = init_cgroup(c, err)) < 0)
            return -1;
    }
    s->cgroup = cgroup;
    pid = spawn_stage(s, err);
    if (pid < 0 && cgroup >= 0 && l->follow_init && err->errnum == EBUSY) {
        close(steal_fd(cgroup));
        if ((s->cgroup = cgroup = init_cgroup(c, err)) < 0)
            return -1;
        pid = spawn_stage(s, err);
    }
    return pid < 0 && cgroup >= 0 ? explain(c, err) : pid;
}

/* What the process reports as a failed operation becomes the error. */
static bool reported(const struct container *c, const struct sync_message *m, struct error *err)
{
    if (m->type == SYNC_FAILED)
        return plan_fail(c->plan, m->value, m->errnum, m->step, err);
    if (m->type == SYNC_GUEST_FAILED && c->guest)
        return plan_fail(c->guest, m->value, m->errnum, m->step, err);
    if (m->type == SYNC_MACHINE_FAILED && c->guest && m->value)
        return fail(err, m->errnum, "vm", "the guest has not set up the process in %u seconds",
                    m->value);
    if (m->type == SYNC_MACHINE_FAILED && c->guest)
        return machine_fail(c->dirfd, m->errnum, err);
    return false;
}

int launch_wait(const struct container *c, int sync, int seconds, struct error *err)
{
    struct pollfd p[] = {{sync, POLLIN, 0}, {c->interrupt, POLLIN, 0}};

    if (c->interrupt < 0)
        return 0;
    while (poll(p, 2, seconds < 0 ? -1 : seconds * 1000) < 0 && errno == EINTR)
        ;
    /* A message that is there comes first: it may tell that the program runs. */
    return p[1].revents && !p[0].revents ? fail(err, 0, NULL, "interrupted") : 0;
}

static int unknown(struct error *err)
{
    return fail(err, 0, NULL, "hozo-init sent an unknown message");
}

/* What a filter forbids hozo-init it cannot tell any more. */
static int ended(const struct container *c, struct error *err)
{
    plan_for_each (op, c->plan)
        if (op->kind == OP_SECCOMP)
            return fail(err, 0, plan_string(c->plan, op->path),
                        "hozo-init ended unexpectedly: the filter must let it set capabilities, "
                        "read, write, close and execve");
    return fail(err, 0, NULL, "hozo-init ended unexpectedly");
}

static int receive(struct container *c, int sync, struct sync_message *m, int *passed, int seconds,
                   struct error *err)
{
    int r;

    *passed = -1;
    if (launch_wait(c, sync, seconds, err) < 0)
        return -1;
    r = channel_receive(sync, m, passed, seconds, err);
    if (r < 0)
        return -1;
    if (!r)
        return ended(c, err);
    return reported(c, m, err) ? -1 : 0;
}

static int await_birth(struct container *c, struct launch *l, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_BIRTH, NULL);
    struct sync_message m;
    siginfo_t info;
    int passed, r;

    r = receive(c, l->sync, &m, &passed, l->patient ? -1 : BORN_SECONDS, err);
    if (r < 0)
        kill(l->stage, SIGKILL);
    waitpid(l->stage, NULL, 0);
    l->stage = 0;
    if (r < 0)
        return -1;
    cleanup_close(&passed);
    if (m.type != SYNC_BORN || (pid_t)m.value <= 0)
        return unknown(err);
    /* Our own child: the inside process is seen in its pid namespace before the stage process has told its
     * number, and a member that may trace can speak first. What is limited and killed later must not be a
     * stranger. */
    if (waitid(P_PID, m.value, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
        return unknown(err);
    c->pid = (pid_t)m.value;
    c->pidfd = pidfd_open(c->pid, 0);
    if (c->pidfd < 0)
        return fail(err, errno, NULL, "pidfd_open");
    return 0;
}

int launch_await(struct container *c, struct error *err)
{
    struct launch *l = c->launch;

    if (!l || !l->stage)
        return 0;
    return await_birth(c, l, err) < 0 ? -1 : host_ops(c, PHASE_ATTACH, err);
}

/* The inside process is let go. */
static int release(struct container *c, const struct launch *l, struct error *err)
{
    bool keeps_groups = c->user_namespace && id_map_keeps_groups(c->pid);

    return channel_send(l->sync, SYNC_GO, keeps_groups ? GO_KEEPS_GROUPS : 0, err);
}

/* From the start of the stage process to the blocked inside process. */
static int bear(struct container *c, struct launch *l, struct error *err)
{
    struct error ignored;

    if (c->state.cgroup.procs && attach_stage(c, l, err) < 0) {
        kill(l->stage, SIGKILL); /* it still waits for its first message */
        waitpid(l->stage, NULL, 0);
        return -1;
    }
    if (l->started && l->started(c, err) < 0) {
        launch_await(c, &ignored); /* so that the inside process can be ended */
        return -1;
    }
    if (launch_await(c, err) < 0 || release(c, l, err) < 0)
        return -1;
    return l->born ? l->born(c, err) : 0;
}

static int do_phase(struct container *c, const struct launch *l, unsigned phase, struct error *err)
{
    int r = plan_phase_process[phase] == PROCESS_HELPER ? helper_run(c, l->sync, err)
                                                        : host_ops(c, (enum plan_phase)phase, err);

    return r < 0 ? -1 : channel_send(l->sync, SYNC_GO, 0, err);
}

static bool is_asked_for(unsigned process)
{
    return process == PROCESS_RUNTIME || process == PROCESS_HELPER;
}

/* The first phase of the runtime, or of its helper, behind `phase` in which the plan has operations, or
 * PHASE_COUNT: what the inside process asks for next. Whoever speaks for it can have nothing done twice, too early, or left out. */
static unsigned next_phase(const struct plan_header *plan, unsigned phase)
{
    plan_for_each (op, plan)
        if (op->phase > phase && is_asked_for(plan_phase_process[op->phase]))
            return op->phase;
    return PHASE_COUNT;
}

static int listen_to(struct container *c, const struct launch *l, const struct plan_op *op,
                     uint32_t number, struct error *err)
{
    if (listener_hand_over(c, op, number, l->status, err) < 0)
        return -1;
    return channel_send(l->sync, SYNC_GO, 0, err);
}

int launch_converse(struct container *c, struct launch *l, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_SET_UP, NULL);
    unsigned phase = next_phase(c->plan, PHASE_ATTACH);
    const struct plan_op *listener = listener_op(c->plan);

    for (;;) {
        struct sync_message m;
        int passed;

        if (receive(c, l->sync, &m, &passed, -1, err) < 0)
            return -1;
        if (m.type == SYNC_CREATED && phase == PHASE_COUNT && !listener)
            return 0;
        if (m.type == SYNC_CONSOLE && l->console < 0) {
            l->console = passed;
            if (c->foreground)
                foreground_size(passed);
            continue;
        }
        cleanup_close(&passed);
        if (m.type == SYNC_LISTENER && phase == PHASE_COUNT && listener) {
            if (listen_to(c, l, listener, m.value, err) < 0)
                return -1;
            listener = NULL;
            continue;
        }
        /* None is left out, and none is done twice. */
        if (m.type != SYNC_PHASE || m.value != phase || phase == PHASE_COUNT)
            return unknown(err);
        if (do_phase(c, l, phase, err) < 0)
            return -1;
        phase = next_phase(c->plan, phase);
    }
}

void launch_kill(struct container *c)
{
    if (c->pid <= 0)
        return;
    kill(c->pid, SIGKILL); /* our own child: nobody else can have got its pid */
    waitpid(c->pid, NULL, __WALL);
    c->pid = 0;
}

void launch_crashed(const struct container *c)
{
    const struct launch *l = c->launch;

    if (l && l->stage > 0) {
        kill(l->stage, SIGKILL);
        waitpid(l->stage, NULL, 0);
    }
    if (c->pid > 0)
        waitpid(c->pid, NULL, __WALL);
}

int launch(struct container *c, struct launch *l, struct error *err)
{
    auto_close int image = init_image(err), plan = -1, theirs = -1;
    struct spawn s;
    bool ok;

    l->sync = l->console = -1;
    if (image < 0 || channel_open(&l->sync, &theirs, err) < 0 ||
        (plan = plan_memfd(c->plan, err)) < 0 ||
        times_open(&c->times, c->plan, c->plugins.trace, err) < 0)
        return -1;
    s = (struct spawn){
        .image = image, .plan_fd = plan, .sync = theirs, .plan = c->plan, .times = c->times.fd};
    l->stage = spawn(c, l, &s, err);
    /* From now on the end of the other side is the end of file here. */
    close(steal_fd(theirs));
    c->launch = l;
    ok = l->stage > 0 && !bear(c, l, err) && !launch_converse(c, l, err);
    c->launch = NULL;
    if (ok)
        return 0;
    launch_kill(c);
    times_tell(&c->times, c->plan, c->plugins.trace);
    cleanup_close(&l->sync);
    cleanup_close(&l->console);
    l->sync = l->console = -1;
    return -1;
}

int launch_executed(struct container *c, struct launch *l, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_RELEASE, NULL);
    struct sync_message m;
    int passed, r;

    r = channel_receive(l->sync, &m, &passed, -1, err);
    times_tell(&c->times, c->plan, c->plugins.trace);
    if (!r)
        return 0;
    cleanup_close(&passed);
    if (r > 0 && !reported(c, &m, err))
        unknown(err);
    launch_kill(c);
    return -1;
}
