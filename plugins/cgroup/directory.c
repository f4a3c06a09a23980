/* SPDX-License-Identifier: Apache-2.0 */
/* Making one cgroup: the way down to it, and what has to be true on that way. */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int cgroup_open(const char *directory, int flags)
{
    struct open_how how = {
        .flags = (__u64)(unsigned)(flags | O_DIRECTORY | O_CLOEXEC),
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, AT_FDCWD, directory, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

int cgroup_read(int dir, const char *file, char *room, size_t size)
{
    auto_close int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, room, size - 1);

    room[n < 0 ? 0 : n] = '\0';
    return n < 0 ? -errno : (int)n;
}

static int write_text(int dir, const char *file, const char *text)
{
    auto_close int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* --- may it be used? ----------------------------------------------------------------------------
 */

static int unusable(struct cgroup_new *new, const char *why)
{
    return hozo_error(new->ctx, 0, CGROUPS_PATH, "the cgroup %s %s", new->directory, why);
}

static int unmade(struct cgroup_new *new, const char *directory, int errnum)
{
    return hozo_error(
        new->ctx, errnum, CGROUPS_PATH, "%s%s", directory,
        errnum == EAGAIN ? " (cgroup.max.depth or cgroup.max.descendants of one above it)" : "");
}

static int unreadable(struct cgroup_new *new, const char *file, int r)
{
    return hozo_error(new->ctx, -r, CGROUPS_PATH, "%s/%s", new->directory, file);
}

/* Its processes are then listed, and limited, with those of another cgroup. */
static int check_type(struct cgroup_new *new, int fd)
{
    char text[64];
    int r = cgroup_read(fd, "cgroup.type", text, sizeof(text));

    if (r < 0)
        return unreadable(new, "cgroup.type", r);
    return strcmp(text, "threaded\n") ? 0 : unusable(new, "is threaded");
}

static int check_occupied(struct cgroup_new *new, int fd)
{
    char text[256];
    struct stat st;
    int r;

    if (!new->unified) { /* else check_state() has it in the same file */
        if ((r = cgroup_read(fd, "cgroup.procs", text, sizeof(text))) < 0)
            return unreadable(new, "cgroup.procs", r);
        if (r > 0)
            return unusable(new, "has processes already");
    } else if (check_type(new, fd) < 0) {
        return -1;
    }
    /* All that lies below goes away with the container: it must not be someone else's. */
    if (fstat(fd, &st) < 0)
        return unreadable(new, ".", -errno);
    return st.st_nlink > 2 ? unusable(new, "has other cgroups below it") : 0;
}

/* A process that is born in a frozen cgroup never runs, and whoever waits for it hangs. A new
 * cgroup is frozen if one above it is. */
static int check_state(struct cgroup_new *new, int fd)
{
    const char *file = new->unified ? "cgroup.events" : "freezer.state";
    char text[256];
    int r;

    if (!new->unified && !new->freezer)
        return 0;
    if ((r = cgroup_read(fd, file, text, sizeof(text))) < 0)
        return unreadable(new, file, r);
    if (new->unified && strstr(text, "populated 1"))
        return unusable(new, "has processes already");
    if (new->unified ? strstr(text, "frozen 1") != NULL : strncmp(text, "THAWED", 6) != 0)
        return unusable(new, "is frozen");
    return 0;
}

int cgroup_usable(struct cgroup_new *new)
{
    auto_close int fd = cgroup_open(new->directory, O_RDONLY);

    new->exists = fd >= 0;
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return hozo_error(new->ctx, -fd, CGROUPS_PATH, "%s", new->directory);
    return check_state(new, fd) < 0 ? -1 : check_occupied(new, fd);
}

/* --- the unified hierarchy: controllers ---------------------------------------------------------
 */

#define WORDS_MAX 1024

static bool has_word(const char *words, const char *word, size_t length)
{
    for (; *words; words += strspn(words, " \n")) {
        size_t n = strcspn(words, " \n");

        if (n == length && !memcmp(words, word, n))
            return true;
        words += n;
    }
    return false;
}

/* "cpu memory pids", "memory" -> "+cpu +pids". Whether there is one. */
static bool missing_words(const char *wanted, const char *present, char *out)
{
    char *end = out;

    for (; *wanted; wanted += strspn(wanted, " \n")) {
        size_t n = strcspn(wanted, " \n");

        if (n && !has_word(present, wanted, n)) {
            end = mempcpy(end, end == out ? "+" : " +", end == out ? 1 : 2);
            end = mempcpy(end, wanted, n);
        }
        wanted += n;
    }
    *end = '\0';
    return end != out;
}

/* A controller that cannot be enabled matters only if a limit needs it; the file is missing then,
 * and this is what the error will say. */
static void enable_one(struct cgroup_new *new, int level, const char *word, const char *name)
{
    int r = write_text(level, "cgroup.subtree_control", word);

    if (r < 0)
        snprintf(new->refused, sizeof(new->refused), "%s in %s: %s", word, name, strerror(-r));
}

/* To a cgroup with processes of its own memory and others answer EBUSY. But cpu and pids can be enabled, and then
 * it is a threaded domain: no cgroup below it may have processes any more, neither ours nor others that are there.
 * The root, which has no type, may do both. */
static bool has_own_processes(int level)
{
    char text[256];

    return cgroup_read(level, "cgroup.type", text, sizeof(text)) > 0 &&
           cgroup_read(level, "cgroup.procs", text, sizeof(text)) != 0;
}

static void enable_level(struct cgroup_new *new, int level, const char *name)
{
    char available[WORDS_MAX], enabled[WORDS_MAX], words[2 * WORDS_MAX], *save = NULL;
    int r;

    if ((r = cgroup_read(level, "cgroup.controllers", available, sizeof(available))) < 0 ||
        (r = cgroup_read(level, "cgroup.subtree_control", enabled, sizeof(enabled))) < 0) {
        snprintf(new->refused, sizeof(new->refused), "%s: %s", name, strerror(-r));
        return;
    }
    if (!missing_words(available, enabled, words))
        return;
    if (has_own_processes(level)) {
        snprintf(new->refused, sizeof(new->refused),
                 "%.100s in %.100s, which has processes of its own", words, name);
        return;
    }
    if (!write_text(level, "cgroup.subtree_control", words))
        return;
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
        enable_one(new, level, w, name);
}

void cgroup_explain(int dir, char *room, size_t size)
{
    int level = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), above;

    *room = '\0';
    /* The root has no type. */
    while (level >= 0 && !*room && !faccessat(level, "cgroup.type", F_OK, 0)) {
        if (has_own_processes(level))
            snprintf(room, size, "all, since a cgroup above it has processes of its own");
        above = openat(level, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(level);
        level = above;
    }
    cgroup_close_fd(&level);
}

/* What the parent passes on came through all levels above it: no need to look at them. */
static bool all_enabled(struct cgroup_new *new, int parent)
{
    char available[WORDS_MAX], enabled[WORDS_MAX], words[2 * WORDS_MAX], file[PATH_MAX];

    snprintf(file, sizeof(file), "%.*s/cgroup.controllers", (int)new->mountpoint_length,
             new->directory);
    return cgroup_read(AT_FDCWD, file, available, sizeof(available)) >= 0 &&
           cgroup_read(parent, "cgroup.subtree_control", enabled, sizeof(enabled)) >= 0 &&
           !missing_words(available, enabled, words);
}

/* --- the way down -------------------------------------------------------------------------------
 */

static int inherit_file(int parent, int child, const char *file)
{
    char text[4096];
    int r = cgroup_read(child, file, text, sizeof(text));

    if (r < 0 || strspn(text, "\n") != strlen(text))
        return r < 0 ? r : 0;
    r = cgroup_read(parent, file, text, sizeof(text));
    return r <= 0 ? r : write_text(child, file, text);
}

/* No process can enter a cpuset of v1 before it has a CPU and a memory node. */
static int inherit_cpuset(int parent, int child)
{
    int r = inherit_file(parent, child, "cpuset.cpus");

    return r < 0 ? r : inherit_file(parent, child, "cpuset.mems");
}

static int open_child(struct cgroup_new *new, int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    if (new->cpuset && (r = inherit_cpuset(parent, fd)) < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* From the mount point to the parent, `path` (which is cut apart). Parents stay when the container
 * goes: another one may be about to use them. */
static int walk(struct cgroup_new *new, char *path)
{
    char *at = path + new->mountpoint_length;
    int fd, child;
    char next = *at;

    *at = '\0';
    fd = cgroup_open(path, O_RDONLY);
    while (fd >= 0) {
        if (new->unified)
            enable_level(new, fd, path);
        if (!next)
            return fd;
        *at = '/';
        char *name = at + 1;

        at = name + strcspn(name, "/");
        next = *at;
        *at = '\0';
        child = mkdirat(fd, name, 0755) < 0 && errno != EEXIST ? -errno : open_child(new, fd, name);
        close(fd);
        fd = child;
    }
    return unmade(new, path, -fd);
}

static int open_parent(struct cgroup_new *new)
{
    auto_free char *path = strdup(new->directory);
    int fd;

    if (!path)
        return hozo_error(new->ctx, ENOMEM, CGROUPS_PATH, "%s", new->directory);
    *strrchr(path, '/') = '\0';
    if (new->cpuset)
        return walk(new, path);
    fd = cgroup_open(path, O_RDONLY);
    if (fd >= 0 && (!new->unified || all_enabled(new, fd)))
        return fd;
    if (fd >= 0)
        close(fd);
    return walk(new, path);
}

int cgroup_make(struct cgroup_new *new, bool *lost)
{
    const char *name = strrchr(new->directory, '/') + 1;
    auto_close int parent = open_parent(new);
    auto_close int fd = -1;
    int made;

    *lost = false;
    if (parent < 0)
        return -1;
    if (!new->exists && mkdirat(parent, name, 0755) < 0) {
        *lost = errno == EEXIST;
        return unmade(new, new->directory, errno);
    }
    fd = open_child(new, parent, name);
    if (fd < 0)
        return hozo_error(new->ctx, -fd, CGROUPS_PATH, "%s", new->directory);
    if (!new->exists && check_state(new, fd) < 0)
        return -1;
    made = fd;
    fd = -1;
    return made;
}
