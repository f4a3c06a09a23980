/* SPDX-License-Identifier: Apache-2.0 */
/* State directories, state.json, the status, and what is printed of it. */
#include "core/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "core/cgroup.h"
#include "core/process.h"

static int tests, failures;
static char root[64];

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

static void check_text(const char *got, const char *wanted, const char *name)
{
    check(!strcmp(got, wanted), name);
    if (strcmp(got, wanted))
        printf("# wanted %s\n# got    %s\n", wanted, got);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* A child that sleeps until it is killed; named as if it wanted to confuse a reader of /proc. */
static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, ") Z 1 (2 3");
    for (;;)
        pause();
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void write_file(int dirfd, const char *name, const char *text)
{
    auto_close int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        exit(99);
}

/* --- identifiers and directories ----------------------------------------------------------------
 */

static void ids(void)
{
    static const char *const good[] = {"a", "A-z_0.9+", "...", "-x", ".hidden"};
    static const char *const bad[] = {"", ".", "..", "a/b", "../x", "a b", "ä", "a\n", "a:b", "*"};
    char longest[1026];
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        check(!id_check(good[i], &err), good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        check(id_check(bad[i], &err) < 0 &&
                  strstr(err.text, *bad[i] ? "invalid container ID format" : "cannot be empty"),
              "a bad id");
    memset(longest, 'x', sizeof longest - 1);
    longest[1024] = '\0';
    check(!id_check(longest, &err), "1024 bytes");
    longest[1024] = 'x';
    longest[1025] = '\0';
    check(id_check(longest, &err) < 0, "1025 bytes");
}

static void directories(void)
{
    struct error err = {0};
    struct stat st;
    char path[128], state[128];

    check(state_open(root, "c", true, &err) < 0 && !err.errnum &&
              !strcmp(err.text, "container does not exist"),
          "no directory of states: container does not exist");
    snprintf(state, sizeof state, "%s/deep/er", root);
    auto_close int dirfd = state_create(state, "c", &err);
    check(dirfd >= 0, "create makes missing parents");
    snprintf(path, sizeof path, "%s/deep/er/c", root);
    check(!stat(path, &st) && (st.st_mode & 07777) == 0700, "ROOT/ID is 0700");
    check(!stat(state, &st) && (st.st_mode & 07777) == 0700, "ROOT is 0700");
    snprintf(path, sizeof path, "%s/deep", root);
    check(!stat(path, &st) && (st.st_mode & 07777) == 0711, "missing parents are 0711");
    check(state_create(state, "c", &err) < 0 &&
              strstr(err.text, "container with given ID already exists"),
          "the same id again");
    check(state_open(state, "d", true, &err) < 0 && !strcmp(err.text, "container does not exist"),
          "unknown id");
    check(fcntl(dirfd, F_GETFD) & FD_CLOEXEC, "close-on-exec");

    write_file(dirfd, "start", "");
    write_file(dirfd, "state.json", "");
    check(!symlinkat("/", dirfd, "link") && !state_remove(state, "c", dirfd, &err), "remove");
    check(state_open(state, "c", false, &err) < 0, "it is gone");
    snprintf(path, sizeof path, "%s/deep/er/l", root);
    check(!symlink("/", path) && state_open(state, "l", false, &err) < 0, "a link is not followed");
}

/* Two openers: the second waits until the first is done, and sees that nothing is left. */
static void locking(void)
{
    struct error err = {0};
    auto_close int dirfd = state_create(root, "locked", &err);
    int status, reader = state_open(root, "locked", false, &err);
    pid_t pid;

    check(reader >= 0, "open without the lock does not wait");
    close(reader);
    fflush(stdout);
    pid = fork();
    if (!pid) {
        close(dirfd); /* the lock belongs to the open file, which both would hold */
        int fd = state_open(root, "locked", true, &err);
        _exit(fd >= 0 ? 1 : strcmp(err.text, "container does not exist") ? 2 : 0);
    }
    sleep_ms(100);
    check(!waitpid(pid, &status, WNOHANG), "open with the lock waits");
    state_remove(root, "locked", dirfd, &err);
    close(steal_fd(dirfd));
    check(waitpid(pid, &status, 0) == pid && !status, "what was removed meanwhile does not exist");
}

/* --- state.json ---------------------------------------------------------------------------------
 */

static char *procs[] = {(char[]){"/v1/a/cgroup.procs"}, (char[]){"/v1/b/cgroup.procs"}, NULL};
static char *mounts[] = {NULL};
static struct state_plugin sample_plugins[] = {
    {(char[]){"numa"}, (char[]){"1.2"}, (char[]){"/lib/numa.so"}, (char[]){"linux.numa"},
     (char[]){"{\"a\": [1, \"\\u00e9\"]}"}},
    {(char[]){"other"}, (char[]){"0"}, (char[]){""}, (char[]){"other"}, NULL},
};

static const struct state sample = {
    .id = (char[]){"c"},
    .bundle = (char[]){"/b \"quoted\"\n\xc3\xa4"},
    .rootfs = (char[]){"/b/rootfs"},
    .oci_version = (char[]){"1.3.0"},
    .created = (char[]){"2026-02-03T04:05:06.000000007Z"},
    .complete = true,
    .pid = 4711,
    .start_time = UINT64_MAX - 1,
    .owner = UINT32_MAX - 1,
    .cgroup = {.list = (char[]){"/v1/a/cgroup.procs"}, .procs = procs, .mounts = mounts},
    .plugins = sample_plugins,
    .n_plugins = ARRAY_SIZE(sample_plugins),
    .annotations = (char[]){"{\"k\":\"v:,{}[]\\\"\\\\\",\"e\":\"\"}"},
    .own_pid_namespace = true,
};

static bool same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool same_list(char **a, char **b)
{
    if (!a || !b)
        return a == b;
    for (; *a && *b; a++, b++)
        if (strcmp(*a, *b))
            return false;
    return *a == *b;
}

static bool same_state(const struct state *a, const struct state *b)
{
    for (size_t i = 0; i < a->n_plugins && i < b->n_plugins; i++)
        if (!same(a->plugins[i].name, b->plugins[i].name) ||
            !same(a->plugins[i].version, b->plugins[i].version) ||
            !same(a->plugins[i].file, b->plugins[i].file) ||
            !same(a->plugins[i].as, b->plugins[i].as) ||
            !same(a->plugins[i].value, b->plugins[i].value))
            return false;
    return same(a->id, b->id) && same(a->bundle, b->bundle) && same(a->rootfs, b->rootfs) &&
           same(a->oci_version, b->oci_version) && same(a->created, b->created) &&
           a->complete == b->complete && a->pid == b->pid && a->start_time == b->start_time &&
           a->owner == b->owner && same(a->cgroup.directory, b->cgroup.directory) &&
           same(a->cgroup.list, b->cgroup.list) && same(a->cgroup.freeze, b->cgroup.freeze) &&
           same(a->cgroup.kill, b->cgroup.kill) && same_list(a->cgroup.procs, b->cgroup.procs) &&
           same_list(a->cgroup.mounts, b->cgroup.mounts) && a->n_plugins == b->n_plugins &&
           same(a->annotations, b->annotations) && a->own_pid_namespace == b->own_pid_namespace;
}

static void file(void)
{
    struct error err = {0};
    struct state s = sample, few = {.id = (char[]){"c"}, .bundle = (char[]){"/b"}};
    auto_state struct state read = {0}, read_few = {0}, other = {0};
    auto_close int dirfd = state_create(root, "c", &err);

    check(state_read(dirfd, "c", &read, &err) == STATE_ABSENT && !err.errnum &&
              !strcmp(err.text, "container does not exist"),
          "a directory without state.json");
    check(!state_write(dirfd, &s, &err) && !state_read(dirfd, "c", &read, &err) &&
              same_state(&s, &read),
          "what is written is read");
    check(faccessat(dirfd, "state.json.tmp", F_OK, 0) && errno == ENOENT,
          "no temporary file stays");
    check(!state_write(dirfd, &few, &err) && !state_read(dirfd, "c", &read_few, &err) &&
              same_state(&few, &read_few),
          "what is absent stays absent");
    check(state_read(dirfd, "d", &other, &err) < 0 && !other.bundle,
          "the state of another container");
    state_remove(root, "c", dirfd, &err);
}

static void damaged(void)
{
#define REST "\"bundle\":\"/b\",\"complete\":true,\"pid\":1,\"startTime\":1,\"owner\":0}"
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"a whole one", "{\"format\":1,\"id\":\"c\"," REST},
        {"empty", ""},
        {"cut off", "{\"format\":1,\"id\":\"c\",\"bundle\":\"/b\""},
        {"no object", "[]"},
        {"no format", "{\"id\":\"c\"," REST},
        {"a newer format", "{\"format\":2,\"id\":\"c\"," REST},
        {"no id", "{\"format\":1," REST},
        {"another id", "{\"format\":1,\"id\":\"d\"," REST},
        {"negative pid",
         "{\"format\":1,\"id\":\"c\",\"pid\":-1,\"bundle\":\"/b\",\"complete\":true,"
         "\"startTime\":1,\"owner\":0}"},
        {"large pid", "{\"format\":1,\"id\":\"c\",\"pid\":4294967297,\"bundle\":\"/b\","
                      "\"complete\":true,\"startTime\":1,\"owner\":0}"},
        {"a string that is a number", "{\"format\":1,\"id\":\"c\",\"rootfs\":1," REST},
        {"a list that is a string",
         "{\"format\":1,\"id\":\"c\",\"cgroup\":{\"procs\":[\"a\",1]}," REST},
        {"a list that is none", "{\"format\":1,\"id\":\"c\",\"cgroup\":{\"procs\":\"/a\"}," REST},
        {"a cgroup that is none", "{\"format\":1,\"id\":\"c\",\"cgroup\":[]," REST},
        {"plugins that are none", "{\"format\":1,\"id\":\"c\",\"plugins\":{\"a\":1}," REST},
        {"annotations that are not JSON", "{\"format\":1,\"id\":\"c\",\"annotations\":\"}\"," REST},
        {"annotations that are no strings",
         "{\"format\":1,\"id\":\"c\",\"annotations\":\"{\\\"a\\\":[]}\"," REST},
        {"a plugin without name", "{\"format\":1,\"id\":\"c\",\"plugins\":[{\"as\":\"x\"}]," REST},
    };
    struct error err = {0};
    auto_close int dirfd = state_create(root, "c", &err);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_state struct state s = {0};

        write_file(dirfd, "state.json", cases[i].text);
        check((state_read(dirfd, "c", &s, &err) == -1) == (i > 0) && (!i || !s.id), cases[i].name);
    }
    state_remove(root, "c", dirfd, &err);
}

/* --- the process and its status -----------------------------------------------------------------
 */

static enum status status_of(int dirfd, const struct state *s, const char *cgroup_file,
                             const char *text)
{
    if (cgroup_file)
        write_file(dirfd, cgroup_file, text);
    return state_status(dirfd, s);
}

static void statuses(void)
{
    struct error err = {0};
    auto_close int dirfd = state_create(root, "s", &err);
    char v1[128], v2[128], letter = 0;
    struct state s = {.pid = sleeper()};

    snprintf(v1, sizeof v1, "%s/s/freezer.state", root);
    snprintf(v2, sizeof v2, "%s/s/cgroup.freeze", root);
    sleep_ms(50);
    check(process_stat(s.pid, &letter, &s.start_time) && letter == 'S' && s.start_time,
          "a name with blanks and parentheses");
    check(state_status(dirfd, &s) == STATUS_CREATING, "creating");
    s.complete = true;
    check(!mkfifoat(dirfd, "start", 0600) && !mkfifoat(dirfd, "result", 0600) &&
              state_status(dirfd, &s) == STATUS_RUNNING,
          "running behind a start that was killed");
    int result = openat(dirfd, "result", O_RDWR | O_CLOEXEC);
    check(state_status(dirfd, &s) == STATUS_CREATED, "created");
    close(result);
    unlinkat(dirfd, "start", 0);
    unlinkat(dirfd, "result", 0);
    check(state_status(dirfd, &s) == STATUS_RUNNING, "running");

    s.cgroup.freeze = v1;
    check(state_status(dirfd, &s) == STATUS_RUNNING, "v1: no file");
    check(status_of(dirfd, &s, "freezer.state", "THAWED\n") == STATUS_RUNNING, "v1: thawed");
    check(status_of(dirfd, &s, "freezer.state", "FREEZING\n") == STATUS_RUNNING, "v1: freezing");
    check(status_of(dirfd, &s, "freezer.state", "FROZEN\n") == STATUS_PAUSED, "v1: frozen");
    s.cgroup.freeze = v2;
    check(state_status(dirfd, &s) == STATUS_RUNNING, "v2: no file");
    check(status_of(dirfd, &s, "cgroup.events", "populated 1\nfrozen 0\n") == STATUS_RUNNING,
          "v2: not frozen");
    check(status_of(dirfd, &s, "cgroup.events", "populated 1\nfrozen 1\n") == STATUS_PAUSED,
          "v2: frozen");

    s.start_time++;
    check(state_status(dirfd, &s) == STATUS_STOPPED && state_pidfd(&s) < 0,
          "another process of the same pid");
    s.start_time--;
    kill(s.pid, SIGKILL);
    waitid(P_PID, (id_t)s.pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
    check(process_stat(s.pid, &letter, NULL) && letter == 'Z', "a zombie is there");
    check(state_status(dirfd, &s) == STATUS_STOPPED && state_pidfd(&s) < 0, "and is stopped");
    waitpid(s.pid, NULL, 0);
    check(!process_stat(s.pid, NULL, NULL) && state_status(dirfd, &s) == STATUS_STOPPED,
          "no process");
    s.pid = 0;
    check(state_status(dirfd, &s) == STATUS_STOPPED, "no pid");
    state_remove(root, "s", dirfd, &err);
}

static void *thread(void *data)
{
    for (;;)
        pause();
    return data;
}

/* The kernel shows such a process as a zombie, but it goes on. */
static void leader_that_left(void)
{
    struct error err = {0};
    auto_close int dirfd = state_create(root, "t", &err);
    struct state s = {.pid = fork(), .complete = true};
    char letter = 0;

    if (!s.pid) {
        pthread_t other;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pthread_create(&other, NULL, thread, NULL))
            _exit(1);
        syscall(SYS_exit, 0);
    }
    for (int i = 0; i < 200 && letter != 'Z'; i++) {
        sleep_ms(10);
        process_stat(s.pid, &letter, &s.start_time);
    }
    check(letter == 'Z' && state_status(dirfd, &s) == STATUS_RUNNING,
          "a process whose first thread has ended runs");
    end(s.pid);
    state_remove(root, "t", dirfd, &err);
}

/* --- the processes of a cgroup ------------------------------------------------------------------
 */

static bool killed_by(pid_t pid, int number)
{
    int status;

    for (int i = 0; i < 200; i++, sleep_ms(10))
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFSIGNALED(status) && WTERMSIG(status) == number;
    end(pid);
    return false;
}

/* Files as cgroupfs shows them: nothing of the host's is needed. */
static void members(void)
{
    struct error err = {0};
    auto_close int dirfd = state_create(root, "g", &err);
    char list[128], kill_file[128], text[64];
    struct state_cgroup cgroup = {.list = list}, none = {0};
    pid_t above = sleeper(), below = sleeper();

    snprintf(list, sizeof list, "%s/g/cgroup.procs", root);
    check(!cgroup_populated(&cgroup) && !cgroup_signal(&cgroup, SIGTERM, &err),
          "a cgroup that is gone");
    check(!cgroup_populated(&none) && !cgroup_signal(&none, SIGKILL, &err), "no cgroup");
    mkdirat(dirfd, "sub", 0700);
    mkdirat(dirfd, "sub/sub", 0700);
    snprintf(text, sizeof text, "%d\n0\n", above);
    write_file(dirfd, "cgroup.procs", text);
    snprintf(text, sizeof text, "%d\n", below);
    write_file(dirfd, "sub/sub/cgroup.procs", text);
    check(cgroup_populated(&cgroup), "populated");
    check(!cgroup_signal(&cgroup, SIGTERM, &err), "signal all");
    check(killed_by(above, SIGTERM), "a process of the cgroup");
    check(killed_by(below, SIGTERM), "a process two levels below");
    check(!cgroup_signal(&cgroup, SIGKILL, &err), "processes that are gone");

    above = sleeper();
    snprintf(text, sizeof text, "%d\n", above);
    write_file(dirfd, "cgroup.procs", text);
    snprintf(kill_file, sizeof kill_file, "%s/g/cgroup.kill", root);
    cgroup.kill = kill_file;
    check(!cgroup_signal(&cgroup, SIGKILL, &err) && killed_by(above, SIGKILL),
          "a kernel without cgroup.kill");
    above = sleeper();
    snprintf(text, sizeof text, "%d\n", above);
    write_file(dirfd, "cgroup.procs", text);
    write_file(dirfd, "cgroup.kill", "");
    check(!cgroup_signal(&cgroup, SIGKILL, &err), "cgroup.kill");
    auto_close int fd = openat(dirfd, "cgroup.kill", O_RDONLY | O_CLOEXEC);
    check(read(fd, text, sizeof text) == 1 && text[0] == '1' && !kill(above, 0),
          "gets 1, and no more");
    end(above);
    unlinkat(dirfd, "sub/sub/cgroup.procs", 0);
    unlinkat(dirfd, "sub/sub", AT_REMOVEDIR);
    unlinkat(dirfd, "sub", AT_REMOVEDIR);
    state_remove(root, "g", dirfd, &err);
}

/* --- printing -----------------------------------------------------------------------------------
 */

static void printing(void)
{
    struct state s = sample;
    auto_text struct text compact = {0}, late = {0}, pretty = {0}, list = {0}, bare = {0};

    state_print_oci(&s, STATUS_CREATING, NULL, false, &compact);
    check_text(compact.at,
               "{\"ociVersion\":\"1.3.0\",\"id\":\"c\",\"status\":\"creating\",\"pid\":4711,"
               "\"bundle\":\"/b \\\"quoted\\\"\\n\xc3\xa4\","
               "\"annotations\":{\"k\":\"v:,{}[]\\\"\\\\\",\"e\":\"\"}}",
               "for hooks");
    state_print_oci(&s, STATUS_CREATED, "\001A", false, &late);
    check(strstr(late.at, "\"pid\":\001A,"), "a late pid");
    state_print_oci(&s, STATUS_STOPPED, NULL, true, &pretty);
    check_text(pretty.at,
               "{\n"
               "  \"ociVersion\": \"1.3.0\",\n"
               "  \"id\": \"c\",\n"
               "  \"status\": \"stopped\",\n"
               "  \"pid\": 0,\n"
               "  \"bundle\": \"/b \\\"quoted\\\"\\n\xc3\xa4\",\n"
               "  \"rootfs\": \"/b/rootfs\",\n"
               "  \"created\": \"2026-02-03T04:05:06.000000007Z\",\n"
               "  \"owner\": \"\",\n"
               "  \"annotations\": {\n"
               "    \"k\": \"v:,{}[]\\\"\\\\\",\n"
               "    \"e\": \"\"\n"
               "  }\n"
               "}",
               "for state");
    s.annotations = NULL;
    s.created = NULL;
    state_print_list(&s, STATUS_RUNNING, "root", &list);
    check_text(list.at,
               "{\"ociVersion\":\"1.3.0\",\"id\":\"c\",\"status\":\"running\",\"pid\":4711,"
               "\"bundle\":\"/b \\\"quoted\\\"\\n\xc3\xa4\",\"rootfs\":\"/b/rootfs\","
               "\"owner\":\"root\"}",
               "for list");
    s.annotations = (char[]){"{}"};
    state_print_oci(&s, STATUS_RUNNING, NULL, true, &bare);
    check(strstr(bare.at, "\"annotations\": {}\n}"), "an empty object stays on its line");
}

int main(void)
{
    snprintf(root, sizeof root, "/tmp/state_test.XXXXXX");
    if (!mkdtemp(root))
        return 99;
    umask(0);
    ids();
    directories();
    locking();
    file();
    damaged();
    statuses();
    leader_that_left();
    members();
    printing();
    printf("1..%d\n", tests);
    char path[96];
    snprintf(path, sizeof path, "%s/deep/er/l", root);
    unlink(path);
    snprintf(path, sizeof path, "%s/deep/er", root);
    rmdir(path);
    snprintf(path, sizeof path, "%s/deep", root);
    rmdir(path);
    if (rmdir(root))
        printf("# %s stays\n", root);
    return failures != 0;
}
