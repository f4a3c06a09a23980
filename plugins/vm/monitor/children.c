/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor, and what it needs: started in the order of the records, with what each is to have and no more. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "plugins/vm/monitor/monitor.h"
#include "plugins/vm/monitor/privileges.h"
#include "plugins/vm/monitor/signals.h"

#define LOOK_AGAIN  2 /* milliseconds */
#define EXEC_FAILED 127

static char *const environment[] = {
    (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};

/* --- arguments ------------------------------------------------------------------------------------ */

struct arguments {
    char **word;
    size_t n, room;
};

static int add_word(struct arguments *a, char *word)
{
    if (a->n + 1 >= a->room) {
        size_t room = a->room ? 2 * a->room : 64;
        char **more = realloc(a->word, room * sizeof *more);

        if (!more)
            return -1;
        a->word = more;
        a->room = room;
    }
    a->word[a->n++] = word;
    a->word[a->n] = NULL;
    return 0;
}

/* The text with every `mark` replaced, in memory of its own. */
static char *replaced(const char *text, const char *const pairs[][2], size_t n)
{
    size_t size;
    char *out = NULL;
    FILE *f = open_memstream(&out, &size);

    if (!f)
        return NULL;
    while (*text) {
        size_t i = 0;

        while (i < n && strncmp(text, pairs[i][0], strlen(pairs[i][0])))
            i++;
        if (i < n) {
            fputs(pairs[i][1], f);
            text += strlen(pairs[i][0]);
        } else
            putc(*text++, f);
    }
    return fclose(f) ? NULL : out;
}

static int add_taps(struct machine *m, struct arguments *a)
{
    for (size_t i = 0; i < m->n_taps; i++) {
        char fd[24], index[24];
        const char *const pairs[][2] = {{"@FD@", fd}, {"@MAC@", m->macs[i]}, {"@INDEX@", index}};

        snprintf(fd, sizeof fd, "%zu", MONITOR_TAPS + i);
        snprintf(index, sizeof index, "%zu", i);
        for (char **word = m->setup.tap->words + 1; *word; word++) {
            char *text = replaced(*word, pairs, ARRAY_SIZE(pairs));

            if (!text || add_word(a, text) < 0)
                return -1;
        }
    }
    return 0;
}

static int complete(struct machine *m, const struct record *r, bool hypervisor, struct arguments *a)
{
    bool placed = !hypervisor || !m->n_taps;

    for (char **word = r->words + 3; *word; word++) {
        bool place = hypervisor && !strcmp(*word, "@TAPS@");

        placed |= place;
        if ((place ? add_taps(m, a) : add_word(a, *word)) < 0)
            return broken(m, errno, "memory");
    }
    if (!a->n) {
        broken(m, EBADMSG, "the machine's instructions: %s has no program", r->words[1]);
        return -1;
    }
    return placed ? 0 : broken(m, 0, "the hypervisor has no place for network devices");
}

/* --- start ---------------------------------------------------------------------------------------- */

/* The only descriptors that are handed over, at the numbers that the arguments name. */
static int hand_over(const struct machine *m, int port)
{
    if (fcntl(MONITOR_INITRD, F_SETFD, 0) < 0 && errno != EBADF)
        return -1;
    if (port >= 0 && dup2(port, MONITOR_GUEST) < 0)
        return -1;
    for (size_t i = 0; i < m->n_taps; i++)
        if (dup2(m->taps[i], MONITOR_TAPS + (int)i) < 0)
            return -1;
    return 0;
}

static int become(const struct machine *m, bool hypervisor, int says, int port,
                  uint64_t capabilities)
{
    /* 0 is /dev/null already. */
    if (dup2(says, 1) < 0 || dup2(says, 2) < 0 || (hypervisor && hand_over(m, port) < 0) ||
        setrlimit(RLIMIT_NOFILE, &m->files) < 0 || privileges_pass(capabilities) < 0)
        return -1;
    /* What a change of credentials would have taken back. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -1;
    signals_unblock();
    return 0;
}

static int make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) < 0 || above(&ends[0]) < 0 || above(&ends[1]) < 0 ? -1 : 0;
}

/* 0, or why it could not become the program. */
static int spawn(struct machine *m, struct child *c, char **args, int port, uint64_t capabilities)
{
    int report[2], speech[2], errnum = 0;

    if (make_pipe(report) < 0 || make_pipe(speech) < 0 || fcntl(speech[0], F_SETFL, O_NONBLOCK) < 0)
        return errno;
    c->said = speech[0];
    c->pid = fork();
    if (!c->pid) {
        if (!become(m, c->hypervisor, speech[1], port, capabilities))
            execve(args[0], args, environment);
        errnum = errno;
        while (write(report[1], &errnum, sizeof errnum) < 0 && errno == EINTR)
            ;
        _exit(EXEC_FAILED);
    }
    if (c->pid < 0) {
        errnum = errno;
        c->pid = 0;
    }
    close(report[1]);
    close(speech[1]);
    if (c->pid && read(report[0], &errnum, sizeof errnum) != (ssize_t)sizeof errnum)
        errnum = 0;
    close(report[0]);
    return errnum;
}

/* Ours, and the hypervisor's end; without it if there is another way to the agent. */
static int make_port(struct machine *m, int *theirs)
{
    int pair[2];

    for (size_t i = 0; i < m->setup.n; i++)
        if (!strcmp(m->setup.records[i].words[0], "stream"))
            return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    m->guest = fcntl(pair[0], F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);
    *theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);
    close(pair[0]);
    close(pair[1]);
    if (m->guest < 0 || *theirs < 0 || fcntl(m->guest, F_SETFL, O_NONBLOCK) < 0)
        return -1;
    m->heard = true;
    frames_open(&m->frames, m->guest);
    return 0;
}

static int start(struct machine *m, const struct record *r)
{
    struct child *c = &m->children[m->n_children];
    struct arguments args = {0};
    auto_close int port = -1;
    int errnum;

    if (m->n_children == CHILDREN_MAX)
        return broken(m, E2BIG, "the machine's children");
    *c = (struct child){
        .name = r->words[1], .hypervisor = !strcmp(r->words[1], "hypervisor"), .said = -1};
    if (complete(m, r, c->hypervisor, &args) < 0 || !args.word)
        return -1;
    if (c->hypervisor && make_port(m, &port) < 0)
        return broken(m, errno, "the byte stream of the guest");
    m->n_children++;
    errnum = spawn(m, c, args.word, port, strtoull(r->words[2], NULL, 16));
    return errnum ? broken(m, errnum, "start %s: %s", c->name, args.word[0]) : 0;
}

/* --- what stands between them ------------------------------------------------------------------------ */

static bool runs(const struct machine *m)
{
    return m->n_children && m->children[m->n_children - 1].pid;
}

static int wait_for(struct machine *m, const struct record *r)
{
    while (access(r->words[1], F_OK) < 0) {
        if (!runs(m))
            return broken(m, 0, "%s has ended, and has not made %s",
                          m->n_children ? m->children[m->n_children - 1].name : "nobody",
                          r->words[1]);
        if (turn(m, LOOK_AGAIN) < 0)
            return -1;
    }
    return 0;
}

/* Over the socket of a child, as soon as that listens. */
static int connect_stream(struct machine *m, const struct record *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(r->words[1]) >= sizeof address.sun_path)
        return broken(m, ENAMETOOLONG, "%s", r->words[1]);
    memcpy(address.sun_path, r->words[1], strlen(r->words[1]) + 1);
    for (;;) {
        auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
            return broken(m, errno, "socket");
        if (!connect(fd, (struct sockaddr *)&address, sizeof address)) {
            m->guest = fcntl(fd, F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);
            if (m->guest < 0 || fcntl(m->guest, F_SETFL, O_NONBLOCK) < 0)
                return broken(m, errno, "%s", r->words[1]);
            m->heard = true;
            frames_open(&m->frames, m->guest);
            return 0;
        }
        if (!runs(m) || (errno != ENOENT && errno != ECONNREFUSED))
            return broken(m, errno, "connect to %s", r->words[1]);
        if (turn(m, LOOK_AGAIN) < 0)
            return -1;
    }
}

int children_start(struct machine *m)
{
    for (size_t i = 0; i < m->setup.n; i++) {
        const struct record *r = &m->setup.records[i];
        int failed = !strcmp(r->words[0], "child")    ? start(m, r)
                     : !strcmp(r->words[0], "wait")   ? wait_for(m, r)
                     : !strcmp(r->words[0], "stream") ? connect_stream(m, r)
                                                      : 0;

        if (failed)
            return -1;
    }
    return 0;
}

uint64_t children_capabilities(const struct machine *m)
{
    uint64_t all = 0;

    for (size_t i = 0; i < m->setup.n; i++)
        if (!strcmp(m->setup.records[i].words[0], "child"))
            all |= strtoull(m->setup.records[i].words[2], NULL, 16);
    return all;
}

/* --- their end ----------------------------------------------------------------------------------------- */

/* Reads once. 0: there is nothing now. */
static int listen_to(struct machine *m, struct child *c)
{
    char text[4096];
    ssize_t n = read(c->said, text, sizeof text);

    if (n > 0)
        log_copy(&m->log, &c->last, text, (size_t)n);
    if (!n) {
        /* poll(2) would tell that for ever. */
        close(c->said);
        c->said = -1;
    }
    return n > 0;
}

void children_poll(struct machine *m)
{
    for (size_t i = 0; i < m->n_children; i++)
        m->children[i].poll = polls_add(&m->polls, m->children[i].said, POLLIN);
}

void children_listen(struct machine *m)
{
    for (size_t i = 0; i < m->n_children; i++)
        if (polls_got(&m->polls, m->children[i].poll))
            listen_to(m, &m->children[i]);
}

/* What a child has said last is in the pipe still, at most so much. */
static void hear_out(struct machine *m, struct child *c)
{
    for (int i = 0; i < 64 && c->said >= 0 && listen_to(m, c); i++)
        ;
}

/* The hypervisor's end is that of the guest, whose last words are still to be read. A helper that has failed may have done
 * so because the hypervisor has ended, of which the next signal will tell. */
static void ended(struct machine *m, struct child *c, int status)
{
    bool well = WIFEXITED(status) && !WEXITSTATUS(status);
    char how[64];

    c->pid = 0;
    if (m->stage >= STAGE_OFF || (well && !c->hypervisor) || (!c->hypervisor && m->death.at))
        return;
    hear_out(m, c);
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "with exit status %d", WEXITSTATUS(status));
    m->death.at = now() + (c->hypervisor ? LAST_WORDS : SUSPICION);
    snprintf(m->death.text, sizeof m->death.text, "%s has ended %s%s%s", c->name, how,
             c->last.length ? ": " : "", c->last.line);
}

/* As process 1 of its namespace also those that nobody here has started. */
void children_reap(struct machine *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < m->n_children; i++)
            if (m->children[i].pid == pid)
                ended(m, &m->children[i], status);
}

static struct child *hypervisor(const struct machine *m)
{
    for (size_t i = 0; i < m->n_children; i++)
        if (m->children[i].hypervisor)
            return (struct child *)&m->children[i];
    return NULL;
}

bool hypervisor_runs(const struct machine *m)
{
    const struct child *c = hypervisor(m);

    return c && c->pid;
}

/* With some time to write out what it has of an image. */
void hypervisor_end(struct machine *m)
{
    struct child *c = hypervisor(m);
    int64_t last = now() + 2000;

    if (!c || !c->pid)
        return;
    kill(c->pid, SIGTERM);
    while (c->pid && now() < last) {
        struct pollfd p[] = {{m->child_signals, POLLIN, 0}, {c->said, POLLIN, 0}};

        poll(p, 2, (int)(last - now()));
        if (p[1].revents)
            listen_to(m, c);
        while (signals_next(m->child_signals))
            ;
        children_reap(m);
    }
    if (c->pid)
        kill(c->pid, SIGKILL);
}
