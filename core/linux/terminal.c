/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

/* poll() that says "writable" promises a pipe room for this much: a larger write could block, and
 * with it the forwarding of signals. */
#define CHUNK 4096

/* A terminal that no process has open looks hung up without pause, yet may be opened again. */
#define REOPEN_MS 50

/* Bytes on their way in one direction. */
struct flow {
    int from, to; /* -1: ended */
    size_t start, end;
    char bytes[CHUNK];
};

struct relay {
    struct foreground *f;
    int master; /* -1: none, or hung up */
    int pidfd, signals;
    bool hung_up;
    struct flow in, out;
};

/* --- signals ------------------------------------------------------------------------------------
 */

int foreground_prepare(struct foreground *f, struct error *err)
{
    /* A fault of hozo itself must end hozo; the end of the process is seen through its pidfd. */
    static const int not_blocked[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGCHLD};
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    sigset_t set, ending;

    /* From now on foreground_end() has something to restore, whatever fails below. */
    sigprocmask(SIG_SETMASK, NULL, &f->before);
    sigemptyset(&ending);
    sigfillset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(not_blocked); i++)
        sigdelset(&set, not_blocked[i]);
    f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (f->signals < 0)
        return fail(err, errno, NULL, "signalfd");
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
        sigaddset(&ending, ends[i]);
    f->interrupt = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (f->interrupt < 0)
        return fail(err, errno, NULL, "signalfd");
    sigprocmask(SIG_BLOCK, &set, &f->before);
    return 0;
}

void foreground_end(struct foreground *f)
{
    static const struct timespec now = {0};
    sigset_t pipe;

    if (f->signals < 0)
        return;
    close(f->signals);
    cleanup_close(&f->interrupt);
    f->signals = f->interrupt = -1;
    /* Our own, of output that nobody took: it must not become the way hozo ends. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigtimedwait(&pipe, NULL, &now) > 0)
        ;
    sigprocmask(SIG_SETMASK, &f->before, NULL);
}

static int own_terminal(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (isatty(fd))
            return fd;
    return -1;
}

void foreground_size(int master)
{
    struct winsize size;
    int tty = own_terminal();

    if (tty >= 0 && !ioctl(tty, TIOCGWINSZ, &size))
        ioctl(master, TIOCSWINSZ, &size);
}

static void forward_signals(const struct relay *r)
{
    struct signalfd_siginfo info;

    while (read(r->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGWINCH && r->master >= 0)
            foreground_size(r->master);
        else if (info.ssi_pid != (uint32_t)getpid()) /* SIGPIPE of our own write */
            pidfd_send_signal(r->pidfd, (int)info.ssi_signo, NULL, 0);
    }
}

/* --- bytes --------------------------------------------------------------------------------------
 */

static bool again(void)
{
    return errno == EINTR || errno == EAGAIN;
}

static bool empty(const struct flow *f)
{
    return f->start == f->end;
}

/* false: nothing will come any more. */
static bool flow_read(struct flow *f)
{
    ssize_t n = read(f->from, f->bytes, sizeof f->bytes);

    if (n <= 0)
        return n < 0 && again();
    f->start = 0;
    f->end = (size_t)n;
    return true;
}

/* false: nobody takes it any more. */
static bool flow_write(struct flow *f)
{
    ssize_t n = write(f->to, f->bytes + f->start, f->end - f->start);

    if (n < 0)
        return again();
    f->start += (size_t)n;
    return true;
}

/* The container sees what a user's terminal does when it goes away. */
static void hang_up(struct relay *r)
{
    close(r->master);
    r->master = r->in.from = r->in.to = r->out.from = r->out.to = -1;
    r->in.start = r->in.end = r->out.start = r->out.end = 0;
}

static void pump_in(struct relay *r, short from, short to)
{
    /* At the end of the input the terminal stays: the process still has output. */
    if (from && !flow_read(&r->in))
        r->in.from = -1;
    if (to & POLLOUT && !flow_write(&r->in))
        r->in.start = r->in.end;
}

static void pump_out(struct relay *r, short from, short to)
{
    if (empty(&r->out) && from & (POLLIN | POLLHUP))
        r->hung_up = !flow_read(&r->out);
    else if (from & POLLHUP && !(from & POLLOUT))
        r->hung_up = true;
    else if (to && !flow_write(&r->out))
        hang_up(r);
}

/* --- the loop -----------------------------------------------------------------------------------
 */

enum { POLL_PIDFD, POLL_SIGNALS, POLL_STDIN, POLL_STDOUT, POLL_MASTER, POLL_WATCH, POLL_COUNT };

static int wait_for_events(struct relay *r, struct pollfd p[POLL_COUNT])
{
    bool retry = r->hung_up;
    short master = 0;

    if (!empty(&r->in))
        master |= POLLOUT;
    if (empty(&r->out))
        master |= POLLIN;
    p[POLL_PIDFD] = (struct pollfd){r->pidfd, POLLIN, 0};
    p[POLL_SIGNALS] = (struct pollfd){r->signals, POLLIN, 0};
    p[POLL_STDIN] = (struct pollfd){empty(&r->in) ? r->in.from : -1, POLLIN, 0};
    p[POLL_STDOUT] = (struct pollfd){empty(&r->out) ? -1 : r->out.to, POLLOUT, 0};
    p[POLL_MASTER] = (struct pollfd){r->hung_up || !master ? -1 : r->master, master, 0};
    p[POLL_WATCH] = (struct pollfd){r->f->watch, POLLIN, 0};
    r->hung_up = false;
    return poll(p, POLL_COUNT, retry ? REOPEN_MS : -1);
}

/* Until the process has ended. */
static int relay(struct relay *r)
{
    struct pollfd p[POLL_COUNT];

    for (;;) {
        int n = wait_for_events(r, p);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n < 0)
            continue;
        forward_signals(r);
        if (p[POLL_WATCH].revents && !r->f->watched(r->f->data))
            r->f->watch = -1;
        if (p[POLL_PIDFD].revents)
            return 0;
        pump_in(r, p[POLL_STDIN].revents, p[POLL_MASTER].revents);
        pump_out(r, p[POLL_MASTER].revents, p[POLL_STDOUT].revents);
    }
}

/* What the process wrote is in the master at the latest when its end is seen: the kernel moves
 * pending bytes there before it reports none. Other holders of the terminal are not waited for. */
static void drain(struct relay *r)
{
    while (r->master >= 0) {
        struct pollfd p[] = {{r->out.to, POLLOUT, 0}, {r->signals, POLLIN, 0}};

        if (empty(&r->out)) {
            ssize_t n = read(r->master, r->out.bytes, sizeof r->out.bytes);

            if (n <= 0)
                return;
            r->out.start = 0;
            r->out.end = (size_t)n;
        }
        if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
            return;
        if (p[0].revents ? !flow_write(&r->out) : p[1].revents)
            return; /* nobody takes it; or who lets us wait wants us to end */
    }
}

static int relay_terminal(struct relay *r)
{
    struct termios cooked, raw;
    bool changed = false;
    int result, errnum;

    fcntl(r->master, F_SETFL, O_RDWR | O_NONBLOCK);
    foreground_size(r->master);
    if (!tcgetattr(STDIN_FILENO, &cooked)) {
        raw = cooked;
        cfmakeraw(&raw);
        changed = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    result = relay(r);
    errnum = errno;
    if (!result)
        drain(r);
    if (changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
    errno = errnum;
    return result;
}

/* A process that was cloned with another exit signal than SIGCHLD is waited for with __WALL only.
 */
static int reap(pid_t pid, int *status, struct error *err)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL))
        if (errno != EINTR)
            return fail(err, errno, NULL, "wait for process %d", (int)pid);
    *status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return 0;
}

int foreground_run(struct foreground *f, int pidfd, pid_t pid, int master, int *status,
                   struct error *err)
{
    bool terminal = master >= 0;
    struct relay r = {
        .f = f,
        .master = master,
        .pidfd = pidfd,
        .signals = f->signals,
        .in = {.from = terminal ? STDIN_FILENO : -1, .to = master},
        .out = {.from = master, .to = STDOUT_FILENO},
    };
    int failed = terminal ? relay_terminal(&r) : relay(&r), errnum = errno;

    cleanup_close(&r.master);
    if (failed)
        return fail(err, errnum, NULL, "wait for process %d", (int)pid);
    return reap(pid, status, err);
}
