/* SPDX-License-Identifier: Apache-2.0 */
/* From the descriptors that hozo has handed over to the end of the container's process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/capability.h>

#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/privileges.h"
#include "plugins/vm/monitor/signals.h"
#include "plugins/vm/monitor/terminal.h"

#define OFF_SECONDS 10
#define LINGER      2000 /* milliseconds for what others shall read still */

int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- what hozo is told --------------------------------------------------------------------------------- */

void monitor_sync(struct machine *m, const struct sync_message *message)
{
    if (m->sync < 0)
        return;
    /* Without hozo there is no end to be told of: it has taken this process with it. */
    if (send(m->sync, message, sizeof *message, MSG_NOSIGNAL) < 0)
        m->over = true;
    close(m->sync);
    m->sync = -1;
}

int broken(struct machine *m, int errnum, const char *format, ...)
{
    const struct sync_message message = {.type = SYNC_MACHINE_FAILED, .errnum = errnum};
    char text[1024];
    va_list ap;
    int n;

    if (m->broken)
        return -1;
    va_start(ap, format);
    n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (errnum && n >= 0 && (size_t)n < sizeof text - 3) {
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(errnum));
        /* As hozo prints it. */
        if (text[n + 3] >= 'a' && text[n + 3] <= 'z')
            text[n + 2] |= 0x20;
    }
    log_line(&m->log, text);
    m->broken = true;
    m->status = STATUS_BROKEN;
    monitor_sync(m, &message);
    return -1;
}

/* --- one turn ------------------------------------------------------------------------------------------ */

/* Signals go to a process that there is: before, they wait. */
static void signals_poll(struct machine *m)
{
    bool asks = m->process[1].state >= PROCESS_CREATED && guest_listens(m);

    m->poll.child_signals = polls_add(&m->polls, m->child_signals, POLLIN);
    m->poll.signals = polls_add(&m->polls, m->signals, asks ? POLLIN : 0);
    m->poll.start =
        polls_add(&m->polls, m->start, m->process[1].state == PROCESS_CREATED ? POLLIN : 0);
}

static void guest_poll(struct machine *m)
{
    short out = (short)(m->guest >= 0 && frames_waiting(&m->frames) ? POLLOUT : 0);

    m->poll.guest = m->heard ? polls_add(&m->polls, m->guest, (short)(POLLIN | out)) : -1;
}

#define EACH_PROCESS(m, p)                                                                         \
    for (struct process *p = (m)->process + 1; p <= (m)->process + PROCESSES_MAX; p++)             \
        if (p->state != PROCESS_NONE)

/* While the container is frozen no time passes for its guest: of each turn so many milliseconds count at most. */
#define BREATH 1000

static int sooner(int milliseconds, int64_t other)
{
    return milliseconds < 0 || other < milliseconds ? other > 0 ? (int)other : 0 : milliseconds;
}

/* How long may be waited until something is late. */
static int breath(struct machine *m, int milliseconds)
{
    EACH_PROCESS(m, p)
    if (process_is_awaited(p))
        milliseconds = sooner(milliseconds, p->left < BREATH ? p->left : BREATH);
    return m->full ? sooner(milliseconds, BREATH / 10) : milliseconds;
}

static void count(struct machine *m, int64_t passed)
{
    if (passed > BREATH)
        passed = BREATH;
    EACH_PROCESS(m, p)
    if (process_is_awaited(p))
        p->left -= passed;
}

static void wait_for_all(struct machine *m, int milliseconds)
{
    int64_t until = m->death.at ? m->death.at : m->deadline, before = now();

    m->polls.n = 0;
    signals_poll(m);
    children_poll(m);
    guest_poll(m);
    control_poll(m);
    EACH_PROCESS(m, p)
    process_poll(m, p);
    if (until) {
        int64_t left = until - before;

        milliseconds = sooner(milliseconds, left > 0 ? left + 1 : 0);
    }
    if (poll(m->polls.fd, m->polls.n, breath(m, milliseconds)) < 0)
        for (nfds_t i = 0; i < m->polls.n; i++)
            m->polls.fd[i].revents = 0;
    count(m, now() - before);
}

static void signal_ready(struct machine *m)
{
    struct process *p = &m->process[1];
    int number = signals_next(m->signals);

    if (number == SIGWINCH && p->spawn.terminal) {
        uint16_t rows, columns;

        terminal_size(p->in.fd >= 0 ? p->in.fd : p->out[0].fd, &rows, &columns);
        process_resize(m, p, rows, columns);
    } else if (number)
        process_signal(m, p, (uint32_t)number);
}

/* The byte may have been taken back. If nobody has the FIFO open for writing any more, somebody will again. */
static void start_ready(struct machine *m)
{
    char byte;
    ssize_t n = read(MONITOR_START, &byte, 1);

    if (n == 1) {
        m->process[1].state = PROCESS_STARTED;
        guest_send(m, FRAME_START, 0, 1, NULL, 0);
        close(MONITOR_START);
        m->start = -1;
    } else if (!n) {
        char path[32];
        int fd;

        snprintf(path, sizeof path, "/proc/self/fd/%d", MONITOR_START);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || dup3(fd, MONITOR_START, O_CLOEXEC) < 0)
            broken(m, errno, "the start FIFO");
        cleanup_close(&fd);
    }
}

static void all_ready(struct machine *m)
{
    /* Before its stream: the end of that is told only when both have ended. */
    children_listen(m);
    if (polls_got(&m->polls, m->poll.child_signals)) {
        while (signals_next(m->child_signals))
            ;
        children_reap(m);
    }
    if (polls_got(&m->polls, m->poll.guest) & ~POLLOUT)
        guest_ready(m);
    if (polls_got(&m->polls, m->poll.signals))
        signal_ready(m);
    if (polls_got(&m->polls, m->poll.start))
        start_ready(m);
    EACH_PROCESS(m, p)
    process_ready(m, p);
    control_ready(m);
}

/* Once, and again while the queue has been in the way. */
static void settle(struct machine *m)
{
    bool full;

    do {
        EACH_PROCESS(m, p)
        {
            process_pump(m, p);
            process_settle(p);
        }
        full = !frames_room(&m->frames);
        /* What does not go is seen by the stream's end. */
        if (m->guest >= 0 && frames_flush(&m->frames) < 0)
            m->frames.out_start = m->frames.out_end = 0;
    } while (full && frames_room(&m->frames) && !m->broken);
}

static void see_deaths(struct machine *m)
{
    bool late = m->death.at && now() >= m->death.at;

    if (m->stage >= STAGE_OFF)
        return;
    if (m->n_children && m->guest >= 0 && !m->heard && hypervisor_runs(m) && !m->death.at) {
        m->death.at = now() + LAST_WORDS;
        snprintf(m->death.text, sizeof m->death.text, "the guest has closed its byte stream");
        return;
    }
    if (m->death.at && (late || !m->heard) && (late || !hypervisor_runs(m)))
        broken(m, 0, "%s", m->death.text);
    else if (m->deadline && now() >= m->deadline)
        broken(m, ETIMEDOUT, "the guest is not up after %u seconds", m->setup.seconds);
}

static void see_who_is_late(struct machine *m)
{
    EACH_PROCESS(m, p)
    {
        if (!process_is_awaited(p) || p->left > 0 || m->stage >= STAGE_OFF)
            continue;
        if (p->id > 1)
            visitor_give_up(m, p);
        else
            broken(m, ETIMEDOUT, "the guest has not set up the container's process in %u seconds",
                   m->setup.seconds);
    }
}

int turn(struct machine *m, int milliseconds)
{
    if (m->broken || m->over)
        return -1;
    settle(m);
    wait_for_all(m, milliseconds);
    all_ready(m);
    settle(m);
    if (!m->broken && !m->over)
        see_deaths(m);
    if (!m->broken && !m->over)
        see_who_is_late(m);
    return m->broken || m->over ? -1 : 0;
}

/* --- the life -------------------------------------------------------------------------------------------- */

/* The standard streams are the process's: nothing here shall write to them, nor a child hold them open. */
static int take_streams(int stdio[3])
{
    auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++) {
        stdio[fd] = fcntl(fd, F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);
        if (dup2(null, fd) < 0)
            return -1;
    }
    return 0;
}

static int open_own(struct machine *m)
{
    m->sync = MONITOR_SYNC;
    m->control = MONITOR_CONTROL;
    m->start = MONITOR_START;
    m->result = MONITOR_RESULT;
    m->guest = m->sealer = -1;
    for (size_t i = 0; i < CALLERS_MAX; i++)
        m->callers[i] = -1;
    log_open(&m->log);
    if (getrlimit(RLIMIT_NOFILE, &m->files) < 0 ||
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){m->files.rlim_max, m->files.rlim_max}) < 0)
        return -1;
    if (signals_open(&m->child_signals, &m->signals) < 0 || above(&m->child_signals) < 0 ||
        above(&m->signals) < 0)
        return -1;
    /* Whoever froze the container may take the byte back between poll(2) and read(2). */
    return fcntl(MONITOR_START, F_SETFL, O_NONBLOCK);
}

static int start_machine(struct machine *m)
{
    const char *why;

    if (setup_read(&m->setup, &why) < 0)
        return broken(m, errno, "%s", why);
    m->deadline = now() + INT64_C(1000) * m->setup.seconds;
    if (network_join(m) < 0 || seal_prepare(m) < 0)
        return -1;
    if (privileges_keep(children_capabilities(m) | UINT64_C(1) << CAP_SETPCAP) < 0)
        return broken(m, errno, "give up capabilities");
    if (children_start(m) < 0)
        return -1;
    if (privileges_keep(0) < 0)
        return broken(m, errno, "give up capabilities");
    return 0;
}

static int boot(struct machine *m)
{
    while (m->stage < STAGE_RECORDS)
        if (turn(m, -1) < 0)
            return -1;
    if (guest_tell_records(m) < 0)
        return -1;
    guest_send(m, FRAME_SET_UP, 0, 0, NULL, 0);
    m->stage = STAGE_SETTING_UP;
    while (m->stage < STAGE_UP)
        if (turn(m, -1) < 0)
            return -1;
    return 0;
}

static int create(struct machine *m, const int stdio[3])
{
    const struct sync_message done = {.type = SYNC_CREATED};
    int terminal = plan_opens_terminal(MONITOR_PLAN);
    struct frame_spawn spawn = {.terminal = terminal == 1};

    if (terminal < 0)
        return broken(m, errno, "read the plan");
    if (terminal && isatty(stdio[0])) {
        if (terminal_raw(stdio[0]) < 0)
            return broken(m, errno, "the terminal");
        terminal_size(stdio[0], &spawn.rows, &spawn.columns);
    }
    if (!process_add(m, 1, MONITOR_PLAN, stdio, &spawn))
        return broken(m, EINVAL, "read the plan");
    while (m->process[1].state < PROCESS_CREATED)
        if (turn(m, -1) < 0)
            return -1;
    if (seal(m) < 0)
        return -1;
    /* From here on the runtime may go: this process must not go with it. */
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
        return broken(m, errno, "prctl");
    monitor_sync(m, &done);
    return 0;
}

void machine_off(struct machine *m)
{
    guest_send(m, FRAME_OFF, 0, 0, NULL, 0);
    m->stage = STAGE_OFF;
    m->death.at = 0;
    m->deadline = now() + 1000 * OFF_SECONDS;
}

static bool is_off(const struct machine *m)
{
    return m->stage == STAGE_WRITTEN || !hypervisor_runs(m) || !m->heard ||
           (m->deadline && now() >= m->deadline);
}

static int serve(struct machine *m)
{
    const struct frame_exited *e = &m->process[1].exited;
    bool off = false;

    while (!off || !process_flushed(&m->process[1])) {
        if (turn(m, -1) < 0)
            return -1;
        if (m->stage < STAGE_OFF || off || !is_off(m))
            continue;
        off = true;
        m->stage = STAGE_WRITTEN;
        m->deadline = 0;
        m->heard = false;
        hypervisor_end(m);
    }
    m->status = e->signal ? 128 + (int)e->signal : (int)e->code;
    return 0;
}

static bool all_flushed(struct machine *m)
{
    EACH_PROCESS(m, p)
    if (!process_flushed(p))
        return false;
    return true;
}

/* What was said before the end shall be read, by those who read. */
static void linger(struct machine *m)
{
    int64_t last = now() + LINGER;

    while (!all_flushed(m) && now() < last) {
        m->polls.n = 0;
        EACH_PROCESS(m, p)
        process_poll(m, p);
        for (nfds_t i = 0; i < m->polls.n; i++)
            if (m->polls.fd[i].events != POLLOUT)
                m->polls.fd[i].fd = -1;
        poll(m->polls.fd, m->polls.n, (int)(last - now()));
        EACH_PROCESS(m, p)
        for (int i = 0; i < 2; i++)
            if (polls_got(&m->polls, p->out[i].poll))
                sink_write(&p->out[i]);
    }
    EACH_PROCESS(m, p)
    {
        bool exited = p->state == PROCESS_EXITED;

        /* As in any container: the end of its first process is that of all others. */
        if (m->broken || p->state < PROCESS_CREATED)
            visitor_tell(p, CONTROL_ENDED, 0, 0, 0);
        else
            visitor_tell(p, CONTROL_EXITED, exited ? (int32_t)p->exited.code : 128 + SIGKILL,
                         exited ? (int32_t)p->exited.signal : SIGKILL, 0);
    }
}

int monitor(struct machine *m)
{
    int stdio[3];

    if (open_own(m) < 0 || take_streams(stdio) < 0)
        broken(m, errno, "the monitor's descriptors");
    else if (!start_machine(m) && !boot(m) && !create(m, stdio))
        serve(m);
    linger(m);
    return m->status;
}
