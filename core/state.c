/* SPDX-License-Identifier: Apache-2.0 */
/* The state directories, their lock, and the status of the process behind one. */
#include "core/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/cgroup.h"
#include "core/pidfd.h"
#include "core/process.h"

const char *const status_name[] = {
    [STATUS_CREATING] = "creating", [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running",
    [STATUS_PAUSED] = "paused",     [STATUS_STOPPED] = "stopped",
};

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void vector_free(char **vector)
{
    for (char **v = vector; v && *v; v++)
        free(*v);
    free(vector);
}

void state_plugin_free(struct state_plugin *p)
{
    free(p->name);
    free(p->version);
    free(p->file);
    free(p->as);
    free(p->callbacks);
    free(p->value);
}

void state_free(struct state *s)
{
    free(s->id);
    free(s->bundle);
    free(s->rootfs);
    free(s->oci_version);
    free(s->created);
    free(s->cgroup.directory);
    free(s->cgroup.list);
    free(s->cgroup.freeze);
    free(s->cgroup.kill);
    free(s->cgroup.oom);
    vector_free(s->cgroup.procs);
    vector_free(s->cgroup.mounts);
    for (size_t i = 0; i < s->n_plugins; i++)
        state_plugin_free(&s->plugins[i]);
    free(s->plugins);
    free(s->annotations);
    free(s->notify_socket);
    free(s->runner);
    *s = (struct state){0};
}

int id_check(const char *id, struct error *err)
{
    size_t length = strlen(id);

    if (!length)
        return fail(err, 0, NULL, "container id cannot be empty");
    if (length > 1024 || !strcmp(id, ".") || !strcmp(id, "..") || !strcmp(id, ORPHANS) ||
        !strcmp(id, CACHE) ||
        strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.") != length)
        return fail(err, 0, NULL, "invalid container ID format: \"%.64s\"", id);
    return 0;
}

static int no_container(struct error *err)
{
    return fail(err, 0, NULL, "container does not exist");
}

/* Opens the directory of all states; with `create` makes it, and its parents, first. */
static int root_open(const char *root, bool create, struct error *err)
{
    char path[PATH_MAX];
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno != ENOENT || !create)
        return errno == ENOENT ? no_container(err) : fail(err, errno, NULL, "open %s", root);
    if ((size_t)snprintf(path, sizeof path, "%s", root) >= sizeof path)
        return fail(err, ENAMETOOLONG, NULL, "make %s", root);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0711) && errno != EEXIST)
            return fail(err, errno, NULL, "make %s", path);
        *p = '/';
    }
    if (mkdir(path, 0700) && errno != EEXIST)
        return fail(err, errno, NULL, "make %s", path);
    fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : fail(err, errno, NULL, "open %s", root);
}

/* Waits for the lock: 1 if this is then still the directory of that name, 0 if it was removed. */
static int directory_lock(int rootfd, const char *id, int dirfd, struct error *err)
{
    struct stat mine, there;

    while (flock(dirfd, LOCK_EX))
        if (errno != EINTR)
            return fail(err, errno, NULL, "lock the state of %s", id);
    if (fstat(dirfd, &mine))
        return fail(err, errno, NULL, "stat the state of %s", id);
    if (fstatat(rootfd, id, &there, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : fail(err, errno, NULL, "stat the state of %s", id);
    return mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static int exists(const char *id, struct error *err)
{
    return fail(err, 0, NULL, "container with given ID already exists: %s", id);
}

static bool is_in_use(int dirfd)
{
    return !faccessat(dirfd, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) ||
           !faccessat(dirfd, "state.json", F_OK, AT_SYMLINK_NOFOLLOW);
}

int state_create(const char *root, const char *id, struct error *err)
{
    if (id_check(id, err))
        return -1;
    auto_close int rootfd = root_open(root, true, err);
    if (rootfd < 0)
        return -1;
    for (;;) {
        if (mkdirat(rootfd, id, 0700))
            return errno == EEXIST ? exists(id, err)
                                   : fail(err, errno, NULL, "make %s/%s", root, id);
        auto_close int fd = openat(rootfd, id, DIRECTORY);
        int same = fd >= 0           ? directory_lock(rootfd, id, fd, err)
                   : errno == ENOENT ? 0
                                     : fail(err, errno, NULL, "open %s/%s", root, id);

        /* A `delete` may have taken the new directory for the rest of a crash before it was locked:
         * 0, unless another create has made the next one of that name. */
        if (same > 0 && is_in_use(fd))
            return exists(id, err);
        if (same < 0) {
            unlinkat(rootfd, id, AT_REMOVEDIR);
            return -1;
        }
        if (same)
            return steal_fd(fd);
    }
}

int state_open(const char *root, const char *id, bool lock, struct error *err)
{
    if (id_check(id, err))
        return -1;
    auto_close int rootfd = root_open(root, false, err);
    if (rootfd < 0)
        return -1;
    for (;;) {
        auto_close int fd = openat(rootfd, id, DIRECTORY);
        if (fd < 0)
            return errno == ENOENT || errno == ENAMETOOLONG
                       ? no_container(err)
                       : fail(err, errno, NULL, "open %s/%s", root, id);
        int same = lock ? directory_lock(rootfd, id, fd, err) : 1;
        if (same < 0)
            return -1;
        if (same)
            return steal_fd(fd);
    }
}

/* All files below; of directories, which hozo makes there, too. */
static int remove_files(int dirfd)
{
    int listing = openat(dirfd, ".", DIRECTORY), failed = 0;
    DIR *dir = listing < 0 ? NULL : fdopendir(listing);

    if (!dir) {
        failed = errno;
        cleanup_close(&listing);
        errno = failed;
        return -1;
    }
    for (struct dirent *e; !failed && (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (!unlinkat(dirfd, e->d_name, 0) || errno == ENOENT)
            continue;
        auto_close int below = errno == EISDIR ? openat(dirfd, e->d_name, DIRECTORY) : -1;
        if (below < 0 || remove_files(below) || unlinkat(dirfd, e->d_name, AT_REMOVEDIR))
            failed = errno;
    }
    closedir(dir);
    errno = failed;
    return failed ? -1 : 0;
}

int state_remove(const char *root, const char *id, int dirfd, struct error *err)
{
    auto_close int rootfd = root_open(root, false, err);
    if (rootfd < 0)
        return -1;
    if (remove_files(dirfd) || (unlinkat(rootfd, id, AT_REMOVEDIR) && errno != ENOENT))
        return fail(err, errno, NULL, "remove %s/%s", root, id);
    return 0;
}

int state_pidfd(const struct state *s)
{
    uint64_t start_time;
    struct pollfd ended;
    int errnum;

    errno = ESRCH;
    if (s->pid <= 0)
        return -1;
    auto_close int fd = pidfd_of(s->pid);
    errnum = errno;
    if (!process_stat(s->pid, NULL, &start_time) || start_time != s->start_time) {
        errno = ESRCH;
        return -1;
    }
    if (fd < 0) {
        errno = errnum;
        return -1;
    }
    /* A pidfd is readable once every thread has ended: state Z alone may be a thread-group leader
     * whose other threads go on. */
    ended = (struct pollfd){fd, POLLIN, 0};
    errno = ESRCH;
    if (poll(&ended, 1, 0) > 0)
        return -1;
    return steal_fd(fd);
}

/* The FIFOs outlive a `start` that was killed. Until its program runs, the process has this one
 * open. */
static bool waits_for_start(int dirfd)
{
    auto_close int fd = openat(dirfd, "result", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 || (errno != ENXIO && errno != ENOENT);
}

enum status state_status(int dirfd, const struct state *s)
{
    auto_close int pidfd = state_pidfd(s);

    /* Of what cannot be looked at nobody knows that it has ended: it must not be removed as if it had. */
    if (pidfd < 0 && errno == ESRCH)
        return STATUS_STOPPED;
    if (!s->complete)
        return STATUS_CREATING;
    if (cgroup_frozen(&s->cgroup))
        return STATUS_PAUSED;
    if (!faccessat(dirfd, "start", F_OK, AT_SYMLINK_NOFOLLOW) && waits_for_start(dirfd))
        return STATUS_CREATED;
    return STATUS_RUNNING;
}

/* Every create holds the lock from before its state is written. It dies with its holder. */
static bool is_locked(int dirfd)
{
    auto_close int fd = openat(dirfd, ".", DIRECTORY);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

int state_look(int dirfd, const char *id, struct state *s, enum status *status, struct error *err)
{
    int r = state_read(dirfd, id, s, err);

    if (r)
        return r;
    *status = state_status(dirfd, s);
    if (s->complete || s->pid)
        return 0;
    if (is_locked(dirfd)) {
        *status = STATUS_CREATING;
        return 0;
    }
    /* That create has ended since, well or not. */
    state_free(s);
    if ((r = state_read(dirfd, id, s, err)))
        return r;
    *status = state_status(dirfd, s);
    return 0;
}
