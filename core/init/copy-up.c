/* SPDX-License-Identifier: Apache-2.0 */
/* tmpcopyup: the image's content of a directory goes into the tmpfs that will cover it. */
#include "core/init/copy-up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/base.h"

#define DEPTH_MAX 128
#define LINK_MAX_ 4096

/* An image's file system may know attributes that tmpfs does not. */
static int copy_attributes(int from, int to)
{
    char names[4096], value[4096];
    ssize_t n = flistxattr(from, names, sizeof names);

    if (n < 0)
        return errno == ENOTSUP ? 0 : -1;
    for (char *name = names; name < names + n; name += strlen(name) + 1) {
        ssize_t size = fgetxattr(from, name, value, sizeof value);

        if (size < 0 || fsetxattr(to, name, value, (size_t)size, 0) < 0)
            if (errno != ENOTSUP && errno != ENODATA && errno != EPERM)
                return -1;
    }
    return 0;
}

/* Before the attributes: a change of owner takes the file's capabilities away. */
static int copy_owner(int to, const struct stat *st)
{
    return fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0 ? -1 : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
    auto_close int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    auto_close int to = -1;
    struct stat opened;
    ssize_t n;

    if (from < 0 || fstat(from, &opened) < 0)
        return -1;
    if (!S_ISREG(opened.st_mode)) { /* exchanged since */
        errno = ELOOP;
        return -1;
    }
    to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return -1;
    while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
        ;
    return n < 0 || copy_owner(to, &opened) < 0 ? -1 : copy_attributes(from, to);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
    char target[LINK_MAX_];
    ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);

    if (n < 0)
        return -1;
    target[n] = '\0';
    if (symlinkat(target, to_dir, name) < 0)
        return -1;
    return fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_node(int to_dir, const char *name, const struct stat *st)
{
    if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0)
        return -1;
    if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return fchmodat(to_dir, name, st->st_mode & 07777, 0);
}

static int copy_directory(int from_dir, int to_dir, const char *name, unsigned depth);

static int copy_subdirectory(int from_dir, int to_dir, const char *name, unsigned depth)
{
    return mkdirat(to_dir, name, 0700) < 0 ? -1 : copy_directory(from_dir, to_dir, name, depth + 1);
}

static int copy_entry(int from, int to, const char *name, unsigned depth)
{
    struct stat st;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        return copy_subdirectory(from, to, name, depth);
    if (S_ISREG(st.st_mode))
        return copy_file(from, to, name);
    if (S_ISLNK(st.st_mode))
        return copy_link(from, to, name, &st);
    return copy_node(to, name, &st);
}

/* Takes ownership of `own`. */
static int copy_entries(int own, int to, unsigned depth)
{
    DIR *dir = fdopendir(own);
    const struct dirent *e;
    int r = 0;

    if (!dir) {
        close(own);
        return -1;
    }
    while (!r && (errno = 0, e = readdir(dir)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            r = copy_entry(own, to, e->d_name, depth);
    if (!r && errno)
        r = -1;
    closedir(dir);
    return r;
}

/* What is opened here is what is copied, whatever the name comes to mean. */
static int copy_directory(int from_dir, int to_dir, const char *name, unsigned depth)
{
    auto_close int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_close int to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int own;

    if (from < 0 || to < 0 || fstat(from, &st) < 0)
        return -1;
    if (depth > DEPTH_MAX) {
        errno = ELOOP;
        return -1;
    }
    if ((own = fcntl(from, F_DUPFD_CLOEXEC, 3)) < 0 || copy_entries(own, to, depth) < 0)
        return -1;
    return copy_owner(to, &st) < 0 ? -1 : copy_attributes(from, to);
}

int copy_up(int from, int to)
{
    return copy_directory(from, to, ".", 0);
}
