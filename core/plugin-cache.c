/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins have worked out once: ROOT/.cache/PLUGIN/KEY, where KEY is the SHA-256 of the plugin's file and all that it was worked
 * out from. A file begins with the SHA-256 of its name and of the rest, so that one that was torn by a crash, or
 * written by somebody else, or is another key's, is none; it appears under its name in one piece, and whoever is
 * second replaces it by the same. A directory that others can write is not used. Nothing here can fail a container.
 */
#include "core/plugin-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/log.h"
#include "core/sha256.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define DIGEST 64 /* hexadecimal digits */
/* What one plugin keeps: as many entries, each of so many bytes. */
#define ENTRIES_MAX 64
#define ENTRY_MAX   (1u << 20)
/* Who is used is not forgotten first: that is written down so often. */
#define USED_SECONDS 3600

static bool is_ours(int fd, mode_t type, struct stat *st)
{
    return !fstat(fd, st) && (st->st_mode & S_IFMT) == type && st->st_uid == geteuid() &&
           !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int descend(int at, const char *name, bool make)
{
    auto_close int fd = -1;
    struct stat st;

    if (make && mkdirat(at, name, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = openat(at, name, DIRECTORY);
    return fd >= 0 && is_ours(fd, S_IFDIR, &st) ? steal_fd(fd) : -1;
}

/* The plugin's directory, or -1. */
static int open_cache(const struct call *k, bool make)
{
    auto_close int root = -1, cache = -1;
    struct stat st;

    if (!k->c->root || (root = open(k->c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        !is_ours(root, S_IFDIR, &st) || (cache = descend(root, CACHE, make)) < 0)
        return -1;
    return descend(cache, k->plugin->d->name, make);
}

static bool read_all(int fd, char *to, size_t size)
{
    ssize_t n = 0;

    for (size_t done = 0; done < size; done += (size_t)n)
        if ((n = read(fd, to + done, size - done)) <= 0)
            return false;
    return true;
}

static bool write_all(int fd, const char *from, size_t size)
{
    ssize_t n = 0;

    for (size_t done = 0; done < size; done += (size_t)n)
        if ((n = write(fd, from + done, size - done)) <= 0)
            return false;
    return true;
}

/* The name of an entry: of what it was worked out from, and of the file that does so. A version says too little of that:
 * distributions mend a plugin and keep it. */
static bool name_entry(const struct call *k, const void *key, size_t size, char name[DIGEST + 1])
{
    char own[PATH_MAX];
    const char *file = *k->plugin->file ? k->plugin->file : process_executable(own, sizeof own);
    auto_free char *all = malloc(DIGEST + size);
    char code[128], digest[DIGEST + 1];
    struct stat st;

    if (!all || !file || stat(file, &st) < 0)
        return false;
    snprintf(code, sizeof code, "%llx:%llx %lld %lld.%09ld", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
    sha256_hex(code, strlen(code), digest);
    memcpy(all, digest, DIGEST);
    memcpy(all + DIGEST, key, size);
    sha256_hex(all, DIGEST + size, name);
    return true;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Its digest gives way to the name, which is hashed with the rest. */
static bool is_whole(char *entry, size_t size, const char *name)
{
    char kept[DIGEST], digest[DIGEST + 1];

    memcpy(kept, entry, DIGEST);
    memcpy(entry, name, DIGEST);
    sha256_hex(entry, size, digest);
    return !memcmp(kept, digest, DIGEST);
}

static void note_use(int fd, const struct stat *st)
{
    struct timespec now;

    if (!clock_gettime(CLOCK_REALTIME, &now) && now.tv_sec - st->st_mtime > USED_SECONDS)
        futimens(fd, NULL);
}

int cache_get(struct hozo_ctx *ctx, const void *key, size_t key_size, const void **bytes,
              size_t *size)
{
    struct call *k = call_of(ctx);
    auto_close int directory = -1, fd = -1;
    char name[DIGEST + 1], *entry;
    struct stat st;

    if (call_allowed(k, "hozo_cache_get", STAGES_HOST) < 0)
        return -1;
    if (!name_entry(k, key, key_size, name) || (directory = open_cache(k, false)) < 0)
        return 0;
    fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || !is_ours(fd, S_IFREG, &st) || st.st_size < DIGEST ||
        st.st_size > DIGEST + ENTRY_MAX)
        return 0;
    if (!(entry = scrap_alloc(k, (size_t)st.st_size)))
        return -1;
    if (!read_all(fd, entry, (size_t)st.st_size) || !is_whole(entry, (size_t)st.st_size, name)) {
        unlinkat(directory, name, 0);
        return 0;
    }
    note_use(fd, &st);
    *bytes = entry + DIGEST;
    *size = (size_t)st.st_size - DIGEST;
    return 1;
}

/* --- keeping ---------------------------------------------------------------------------------- */

struct oldest {
    char name[DIGEST + 1];
    time_t used;
};

/* The entries of a directory, and the one that was used longest ago. */
static size_t count(int directory, struct oldest *oldest)
{
    int fd = openat(directory, ".", DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    size_t n = 0;

    oldest->name[0] = '\0';
    if (!d && fd >= 0)
        close(fd);
    while (d && (e = readdir(d))) {
        struct stat st;

        if (e->d_name[0] == '.' || strlen(e->d_name) > DIGEST ||
            fstatat(directory, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        n++;
        if (!oldest->name[0] || st.st_mtime < oldest->used) {
            memcpy(oldest->name, e->d_name, strlen(e->d_name) + 1);
            oldest->used = st.st_mtime;
        }
    }
    if (d)
        closedir(d);
    return n;
}

static void make_room(int directory)
{
    struct oldest oldest;

    while (count(directory, &oldest) >= ENTRIES_MAX && oldest.name[0])
        if (unlinkat(directory, oldest.name, 0) < 0 && errno != ENOENT)
            return;
}

/* The name of a process is taken once: what it left in a crash is replaced by its successor of that name. */
static bool write_entry(int directory, const char *name, const void *bytes, size_t size)
{
    auto_free char *entry = malloc(DIGEST + size);
    auto_close int fd = -1;
    char temporary[32], digest[DIGEST + 1];

    if (!entry)
        return false;
    memcpy(entry, name, DIGEST);
    memcpy(entry + DIGEST, bytes, size);
    sha256_hex(entry, DIGEST + size, digest);
    memcpy(entry, digest, DIGEST);
    snprintf(temporary, sizeof temporary, "new-%d", (int)getpid());
    unlinkat(directory, temporary, 0);
    fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write_all(fd, entry, DIGEST + size) &&
        !renameat(directory, temporary, directory, name))
        return true;
    if (fd >= 0)
        unlinkat(directory, temporary, 0);
    return false;
}

int cache_put(struct hozo_ctx *ctx, const void *key, size_t key_size, const void *bytes,
              size_t size)
{
    struct call *k = call_of(ctx);
    auto_close int directory = -1;
    char name[DIGEST + 1];

    if (call_allowed(k, "hozo_cache_put", STAGES_HOST) < 0)
        return -1;
    if (size > ENTRY_MAX || !name_entry(k, key, key_size, name) ||
        (directory = open_cache(k, true)) < 0)
        return 0;
    make_room(directory);
    if (!write_entry(directory, name, bytes, size)) {
        struct error err;

        fail(&err, errno, NULL, "plugin %s: write its cache", k->plugin->d->name);
        log_error(k->c->log, LOG_LEVEL_DEBUG, &err);
    }
    return 0;
}
