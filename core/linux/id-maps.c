/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/id-maps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/program.h"

#define MAP_MAX 65536 /* the kernel's own limit is lower: 340 lines */

/* Set-user-ID programs of the host: not found by a PATH that somebody else chose. */
static const char *const directories[] = {"/usr/bin", "/bin", "/usr/local/bin",
                                          "/run/wrappers/bin"};

/* They take the numbers of the map as words. */
static int run_program(const char *program, pid_t pid, const char *value, struct error *err)
{
    auto_free char *words = strdup(value);
    auto_free const char **args = calloc(strlen(value) / 2 + 4, sizeof *args);
    auto_text struct text said = {0};
    struct program_end end;
    char path[64], number[16], *rest;
    size_t n = 2;

    if (!words || !args)
        return fail_memory(err);
    snprintf(number, sizeof number, "%d", (int)pid);
    args[1] = number;
    for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
        args[n++] = word;
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        const struct program p = {.path = path,
                                  .args = args,
                                  .timeout = 10000,
                                  .interrupt = -1,
                                  .output = &said,
                                  .output_max = 200};

        snprintf(path, sizeof path, "%s/%s", directories[i], program);
        if (access(path, X_OK) < 0)
            continue;
        args[0] = path;
        if (program_run(&p, &end, err) < 0)
            return -1;
        if (end.how == PROGRAM_ENDED && !end.status)
            return 0;
        return fail(err, 0, NULL, "%s: %.*s", program,
                    (int)(said.at ? strcspn(said.at, "\n") : strlen("failed")),
                    said.at ? said.at : "failed");
    }
    return fail(err, ENOENT, NULL, "an ordinary user needs the program %s for this", program);
}

int id_map_write(pid_t pid, const char *file, const char *value, const char *program,
                 struct error *err)
{
    auto_close int fd = -1;
    char path[48];
    size_t size = strlen(value);

    if (program)
        return run_program(program, pid, value, err);
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, size) != (ssize_t)size)
        return fail(err, errno, NULL, "write %s", file);
    return 0;
}

/* --- comparing ----------------------------------------------------------------------------------- */

struct extent {
    unsigned inside, outside, count;
};

static int by_inside(const void *left, const void *right)
{
    const struct extent *l = left, *r = right;

    return l->inside < r->inside ? -1 : l->inside > r->inside;
}

/* Sorted, and neighbours that go on where one ends joined: there is more than one way to say the same. */
static struct extent *extents(const char *text, size_t *count)
{
    struct extent *all = calloc(strlen(text) / 5 + 1, sizeof *all);
    size_t n = 0, kept = 0;
    int length;

    for (struct extent e;
         all && sscanf(text, "%u %u %u%n", &e.inside, &e.outside, &e.count, &length) == 3;
         text += length)
        all[n++] = e;
    if (all)
        qsort(all, n, sizeof *all, by_inside);
    for (size_t i = 0; i < n; i++) {
        struct extent *last = kept ? &all[kept - 1] : NULL;

        if (last && last->inside + last->count == all[i].inside &&
            last->outside + last->count == all[i].outside)
            last->count += all[i].count;
        else
            all[kept++] = all[i];
    }
    *count = kept;
    return all;
}

int id_map_compare(pid_t pid, const char *file, const char *value, struct error *err)
{
    auto_free char *text = calloc(1, MAP_MAX);
    auto_free struct extent *is = NULL, *wanted = NULL;
    auto_close int fd = -1;
    size_t n_is, n_wanted, done = 0;
    ssize_t n = 0;
    char path[48];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    while (text && fd >= 0 && done < MAP_MAX - 1 &&
           (n = read(fd, text + done, MAP_MAX - 1 - done)) > 0)
        done += (size_t)n;
    if (fd < 0 || n < 0)
        return fail(err, errno, NULL, "read %s", file);
    if (!text || !(is = extents(text, &n_is)) || !(wanted = extents(value, &n_wanted)))
        return fail_memory(err);
    if (n_is != n_wanted || memcmp(is, wanted, n_is * sizeof *is) != 0)
        return fail(err, 0, NULL, "the user namespace that is joined maps other ids");
    return 0;
}

bool id_map_keeps_groups(pid_t pid)
{
    auto_close int fd = -1;
    char path[48], word[8] = "";

    snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, word, sizeof word - 1) > 0 && !strncmp(word, "deny", 4);
}

/* --- a namespace for mounts ------------------------------------------------------------------------ */

/* A copy of this process, in which nothing runs: it ends when the other end of its pipe is closed, which it is
 * at the latest when this process ends. */
static pid_t child_in_namespace(int *alive, struct error *err)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    int fds[2];
    char byte;
    long pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return fail(err, errno, NULL, "pipe2");
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (!pid) {
        close(fds[1]);
        while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
            ;
        _exit(0);
    }
    close(fds[0]);
    *alive = fds[1];
    return pid < 0 ? fail(err, errno, NULL, "clone3") : (pid_t)pid;
}

static int map_and_open(pid_t pid, const char *uids, const char *gids, struct error *err)
{
    char path[48];
    int fd;

    if (id_map_write(pid, "uid_map", uids, NULL, err) < 0 ||
        id_map_write(pid, "gid_map", gids, NULL, err) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? fail(err, errno, NULL, "open %s", path) : fd;
}

int id_map_namespace(const char *uids, const char *gids, struct error *err)
{
    int alive = -1, fd;
    pid_t pid = child_in_namespace(&alive, err);

    fd = pid < 0 ? -1 : map_and_open(pid, uids, gids, err);
    cleanup_close(&alive);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return fd;
}
