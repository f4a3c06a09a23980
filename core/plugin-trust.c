/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust walk: a path is followed component by component, on descriptors that follow no link, so
 * that what was checked is what is entered. Once every component belongs to root and nobody else
 * can write it, the path means the same file to whoever uses it later: dlopen() may be given the
 * path.
 */
#include "core/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "core/user-map.h"

#define LINKS_MAX 40 /* as the kernel's own limit */

struct walk {
    bool built_in;
    int at, above;       /* O_PATH: where the walk stands, and where it came from */
    char real[PATH_MAX]; /* the same as text, without a final slash: "" is the root */
    char rest[PATH_MAX]; /* what is still to be walked */
    unsigned links;
    struct stat st; /* of the component entered last */
    struct error *err;
};

/* In a user namespace where the root outside has no place, / and /usr belong to the overflow user.
 * That is root then, or another; for a directory that the build names, it is taken for root. A
 * process without a place itself would else take everybody for itself. */
static bool trusted(const struct walk *w, uid_t owner)
{
    bool everybody, root;

    if (!owner)
        return true;
    if (owner != users_without_a_place())
        return owner == geteuid();
    users_with_a_place(&everybody, &root);
    return everybody ? owner == geteuid() : w->built_in && !root;
}

static int check(struct walk *w, const char *name)
{
    const struct stat *st = &w->st;
    const char *slash = *name ? "/" : *w->real ? "" : "/";

    if (!trusted(w, st->st_uid))
        return fail(w->err, 0, NULL, "%s%s%s belongs to user %u, so it is not trusted", w->real,
                    slash, name, st->st_uid);
    /* The mode of a link means nothing. In a sticky directory others cannot replace the next
     * component, whose owner is checked in its turn. */
    if (S_ISLNK(st->st_mode) || !(st->st_mode & 022))
        return 0;
    if (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX)
        return 0;
    return fail(w->err, 0, NULL,
                "%s%s%s can be written by others (mode %04o), so it is not trusted", w->real, slash,
                name, st->st_mode & 07777);
}

/* Goes to what `name` is below the present place. */
static int enter(struct walk *w, const char *name, int flags)
{
    int fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);

    cleanup_close(&w->above);
    w->above = w->at;
    w->at = fd;
    if (fd < 0 || fstat(fd, &w->st) < 0)
        return fail(w->err, errno, NULL, "%s/%s", w->real, name);
    return 0;
}

static int enter_root(struct walk *w)
{
    w->real[0] = '\0';
    if (enter(w, "/", O_DIRECTORY) < 0)
        return -1;
    return check(w, "");
}

static int enter_parent(struct walk *w)
{
    char *slash = strrchr(w->real, '/');

    if (enter(w, "..", O_DIRECTORY) < 0)
        return -1;
    if (slash)
        *slash = '\0';
    return check(w, "");
}

/* The target takes the link's place in what is still to be walked. */
static int follow(struct walk *w, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(w->at, "", target, sizeof target - 1);
    size_t left = strlen(w->rest);

    if (n < 0)
        return fail(w->err, errno, NULL, "readlink %s/%s", w->real, name);
    if (++w->links > LINKS_MAX)
        return fail(w->err, ELOOP, NULL, "%s/%s", w->real, name);
    if ((size_t)n + 1 + left >= sizeof w->rest)
        return fail(w->err, ENAMETOOLONG, NULL, "%s/%s", w->real, name);
    target[n] = '\0';
    memmove(w->rest + n + 1, w->rest, left + 1);
    memcpy(w->rest, target, (size_t)n);
    w->rest[n] = '/';
    if (target[0] == '/')
        return enter_root(w);
    cleanup_close(&w->at);
    w->at = steal_fd(w->above);
    return 0;
}

static int step(struct walk *w, const char *name)
{
    size_t length = strlen(w->real);

    if (enter(w, name, 0) < 0 || check(w, name) < 0)
        return -1;
    if (S_ISLNK(w->st.st_mode))
        return follow(w, name);
    if (length + 1 + strlen(name) >= sizeof w->real)
        return fail(w->err, ENAMETOOLONG, NULL, "%s/%s", w->real, name);
    snprintf(w->real + length, sizeof w->real - length, "/%s", name);
    return 0;
}

/* Takes the first component off `rest`; false at the end. */
static bool next(struct walk *w, char *name)
{
    const char *start = w->rest + strspn(w->rest, "/");
    size_t length = strcspn(start, "/");

    memcpy(name, start, length);
    name[length] = '\0';
    memmove(w->rest, start + length, strlen(start + length) + 1);
    return length;
}

static int begin(struct walk *w, const char *path)
{
    auto_free char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
    int n = snprintf(w->rest, sizeof w->rest, "%s/%s", cwd ? cwd : "", path);

    if (path[0] != '/' && !cwd)
        return fail(w->err, errno, NULL, "current directory");
    if (n < 0 || (size_t)n >= sizeof w->rest)
        return fail(w->err, ENAMETOOLONG, NULL, "%s", path);
    return enter_root(w);
}

static int walk(struct walk *w, mode_t wanted)
{
    char name[PATH_MAX];

    while (next(w, name)) {
        int r;

        if (!S_ISDIR(w->st.st_mode) && !S_ISLNK(w->st.st_mode))
            return fail(w->err, ENOTDIR, NULL, "%s", w->real);
        if (!strcmp(name, "."))
            continue;
        r = strcmp(name, "..") ? step(w, name) : enter_parent(w);
        if (r < 0)
            return -1;
    }
    if ((w->st.st_mode & S_IFMT) != wanted)
        return fail(w->err, 0, NULL, "%s is not a %s", *w->real ? w->real : "/",
                    wanted == S_IFREG ? "regular file" : "directory");
    return 0;
}

static int finish(struct walk *w, int r, char *real)
{
    cleanup_close(&w->above);
    if (r < 0) {
        cleanup_close(&w->at);
        return -1;
    }
    memcpy(real, w->real, strlen(w->real) + 1);
    return w->at;
}

static int walk_path(const char *path, bool built_in, mode_t wanted, char *real, struct error *err)
{
    struct walk w = {.built_in = built_in, .at = AT_FDCWD, .above = -1, .err = err};

    return finish(&w, begin(&w, path) < 0 ? -1 : walk(&w, wanted), real);
}

int trust_walk(const char *path, bool built_in, char *real, struct error *err)
{
    return walk_path(path, built_in, S_IFREG, real, err);
}

int trust_walk_directory(const char *path, bool built_in, char *real, struct error *err)
{
    return walk_path(path, built_in, S_IFDIR, real, err);
}

int trust_walk_from(int directory, const char *directory_real, const char *name, bool built_in,
                    char *real, struct error *err)
{
    struct walk w = {.built_in = built_in,
                     .at = fcntl(directory, F_DUPFD_CLOEXEC, 0),
                     .above = -1,
                     .st = {.st_mode = S_IFDIR},
                     .err = err};

    if (w.at < 0)
        return fail(err, errno, NULL, "%s", directory_real);
    snprintf(w.real, sizeof w.real, "%s", directory_real);
    snprintf(w.rest, sizeof w.rest, "%s", name);
    return finish(&w, walk(&w, S_IFREG), real);
}
