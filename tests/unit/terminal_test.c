/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground: bytes, window sizes and signals between a caller and one process. */
#include "core/linux/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <utmp.h>

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* The process behind the foreground: a shell command, with a terminal of its own or without. */
static pid_t program(const char *command, bool terminal, int *master)
{
    sigset_t none;
    int slave = -1;
    pid_t pid;

    *master = -1;
    if (terminal && openpty(master, &slave, NULL, NULL, NULL))
        return -1;
    if (terminal)
        foreground_size(*master);
    pid = fork();
    if (pid) {
        cleanup_close(&slave);
        return pid;
    }
    if (terminal) {
        close(*master);
        login_tty(slave);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL); /* a shell ignores it for what it runs in the background */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
}

/* What `hozo run` is: its exit code is that of the program; 99 if it failed itself, 98 if it spun.
 */
static int foreground(const char *command, bool terminal)
{
    auto_foreground struct foreground f = FOREGROUND_INIT;
    struct error err = {0};
    struct rusage used;
    int master, status;

    if (foreground_prepare(&f, &err))
        return 99;
    pid_t pid = program(command, terminal, &master);
    int pidfd = pidfd_open(pid, 0);
    if (foreground_run(&f, pidfd, pid, master, &status, &err))
        return 99;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec ? 98 : status;
}

/* The caller: a child with these descriptors as its stdio runs foreground(). */
static pid_t start(const char *command, bool terminal, int in, int out, int err)
{
    fflush(stdout);
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    _exit(foreground(command, terminal));
}

/* Its exit code; 128 + signal; -1 if it does not end within ten seconds. */
static int wait_for(pid_t pid)
{
    int status;

    for (int i = 0; i < 1000; i++, sleep_ms(10))
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

struct reader {
    int fd;
    size_t n, at; /* at: behind what was found last */
    char seen[8192];
};

/* Reads until `text` is there, or the end, or a time limit. */
static bool read_until(struct reader *r, const char *text)
{
    for (;;) {
        const char *found = strstr(r->seen + r->at, text);
        struct pollfd p = {r->fd, POLLIN, 0};
        ssize_t n;

        if (found) {
            r->at = (size_t)(found - r->seen) + strlen(text);
            return true;
        }
        n = poll(&p, 1, 5000) == 1 ? read(r->fd, r->seen + r->n, sizeof r->seen - 1 - r->n) : 0;
        if (n <= 0)
            return false;
        r->n += (size_t)n;
        r->seen[r->n] = '\0';
    }
}

static int null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void without_terminal(void)
{
    auto_close int fd = null();
    int pipefd[2];
    pid_t pid;

    check(wait_for(start("exit 7", false, fd, fd, fd)) == 7, "exit code");
    check(wait_for(start("kill -KILL $$", false, fd, fd, fd)) == 137, "128 and the signal");
    if (pipe(pipefd))
        exit(99);
    pid = start(
        "trap 'exit 42' USR1; trap 'echo winch' WINCH; echo ready; while :; do sleep 0.01; done",
        false, fd, pipefd[1], fd);
    close(pipefd[1]);
    struct reader reader = {.fd = pipefd[0]};
    check(read_until(&reader, "ready"), "its own stdio");
    kill(pid, SIGWINCH);
    check(read_until(&reader, "winch"), "SIGWINCH is a signal like others");
    kill(pid, SIGUSR1);
    check(wait_for(pid) == 42, "a signal is forwarded");
    close(pipefd[0]);
    pid = start("while :; do sleep 0.01; done", false, fd, fd, fd);
    sleep_ms(200);
    kill(pid, SIGTERM);
    check(wait_for(pid) == 143, "SIGTERM ends the program, and then its caller");
}

/* 1 MiB through the terminal in its raw mode, every value of a byte among them. */
static void large_output(void)
{
    static const char command[] =
        "stty raw -echo; i=0; while [ $i -lt 16 ]; do cat %s; i=$((i+1)); done";
    char file[] = "/tmp/terminal_test.XXXXXX", line[256];
    static unsigned char block[65536], got[65536];
    auto_close int fd = null();
    auto_close int block_fd = mkstemp(file);
    int pipefd[2];
    size_t total = 0, wrong = 0;
    ssize_t n;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (unsigned char)(i * 31 + i / 256);
    if (write(block_fd, block, sizeof block) != sizeof block || pipe(pipefd))
        exit(99);
    snprintf(line, sizeof line, command, file);
    pid_t pid = start(line, true, fd, pipefd[1], fd);
    close(pipefd[1]);
    while ((n = read(pipefd[0], got, sizeof got)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            wrong += got[i] != block[(total + (size_t)i) % sizeof block];
        total += (size_t)n;
        if (total < 100000)
            sleep_ms(1); /* a slow reader: the pipe fills up */
    }
    close(pipefd[0]);
    unlink(file);
    check(wait_for(pid) == 0 && total == 16 * sizeof block && !wrong, "1 MiB of output is intact");
}

static void input(void)
{
    auto_close int fd = null();
    int in[2], out[2];

    if (pipe(in) || pipe(out))
        exit(99);
    pid_t pid = start("read x; echo got-$x; sleep 0.2; echo end; exit 3", true, in[0], out[1], fd);
    close(in[0]);
    close(out[1]);
    if (write(in[1], "word\n", 5) != 5)
        exit(99);
    close(in[1]);
    struct reader reader = {.fd = out[0]};
    check(read_until(&reader, "got-word"), "input reaches the program");
    check(read_until(&reader, "end"), "output goes on behind the end of the input");
    check(wait_for(pid) == 3, "and the exit code comes");
    close(out[0]);
    check(wait_for(start("sleep 1.5; exit 4", true, fd, fd, fd)) == 4, "no spinning on /dev/null");
    check(wait_for(start("exec <&- >&- 2>&-; sleep 1.5; exit 5", true, fd, fd, fd)) == 5,
          "no spinning on a terminal that nobody has open");
}

static void output_that_nobody_takes(void)
{
    auto_close int fd = null();
    int out[2];

    if (pipe(out))
        exit(99);
    pid_t pid = start("while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done; exit 6", true, fd,
                      out[1], fd);
    close(out[1]);
    struct reader reader = {.fd = out[0]};
    check(read_until(&reader, "x"), "output flows");
    close(out[0]);
    check(wait_for(pid) == 128 + SIGHUP, "then the terminal hangs up");
}

/* The caller has a terminal itself. */
static void two_terminals(void)
{
    struct winsize size = {.ws_row = 33, .ws_col = 99};
    struct termios before, during, after;
    int outer, slave;

    if (openpty(&outer, &slave, NULL, NULL, &size) || tcgetattr(slave, &before))
        exit(99);
    fcntl(outer, F_SETFD, FD_CLOEXEC);
    pid_t pid = start("trap 'stty size' WINCH; stty size; echo ready; while :; do sleep 0.01; done",
                      true, slave, slave, slave);
    struct reader reader = {.fd = outer};
    check(read_until(&reader, "33 99"), "the window's size at the start");
    check(read_until(&reader, "ready") && !tcgetattr(slave, &during) &&
              !(during.c_lflag & ICANON) && !(during.c_lflag & ECHO),
          "raw meanwhile");
    size.ws_row = 44;
    ioctl(outer, TIOCSWINSZ, &size);
    kill(pid, SIGWINCH);
    check(read_until(&reader, "44 99"), "the window's size when it changes");
    if (write(outer, "\003", 1) != 1)
        exit(99);
    check(wait_for(pid) == 128 + SIGINT, "^C is typed to the program");
    check(!tcgetattr(slave, &after) && after.c_lflag == before.c_lflag &&
              after.c_iflag == before.c_iflag && after.c_oflag == before.c_oflag,
          "the terminal is as it was");
    close(outer);
    close(slave);
}

int main(void)
{
    signal(SIGPIPE, SIG_DFL);
    without_terminal();
    large_output();
    input();
    output_that_nobody_takes();
    two_terminals();
    printf("1..%d\n", tests);
    return failures != 0;
}
