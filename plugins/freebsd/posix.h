/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those calls of os.h that are the same on every system of POSIX: os-freebsd.c takes them as they are, and so do the
 * tests that run whole containers on Linux.
 *
 *     posix-files.c    directories, places of mounts
 *     posix-child.c    the processes of a container
 *     posix-hook.c     hooks
 *     posix-self.c     what a process does with itself
 */
#ifndef PLUGINS_FREEBSD_POSIX_H
#define PLUGINS_FREEBSD_POSIX_H

#include <errno.h>
#include <string.h>

#include "plugins/freebsd/os.h"

/* `self` of all calls: at most one child waits for proceed(). */
struct posix {
    int channel; /* to that child; in it, to its parent */
    int console; /* in the child: the master of its terminal; -1 */
    int result;  /* in the child: the fifo that tells start() of it; -1 */
};

static inline int answer(int r)
{
    return r < 0 ? -errno : r;
}

int file_make_directory(void *self, const char *path);
int file_remove_directory(void *self, const char *path);
int file_is_directory(void *self, const char *path);
int file_real_path(void *self, const char *path, char *real, size_t size);
int file_make_fifos(void *self, const char *directory);
int file_remove_fifos(void *self, const char *directory);
int file_make_place(void *self, const char *root, const char *path, bool directory);
/* Descriptors of the place, and of the directory around it; no link is followed. */
int file_open_place(const char *root, const char *path);

int child_spawn(void *self, const struct os_child *child);
int child_proceed(void *self, int pid, int *console);
int child_start(void *self, const char *fifos);
int child_waits(void *self, const char *fifos);
int child_kill(void *self, int pid, int signal);

int child_hook(void *self, const struct os_hook *hook);

int self_open_terminal(void *self, uint64_t width, uint64_t height, uint32_t uid);
int self_set_limit(void *self, int resource, uint64_t soft, uint64_t hard);
int self_change_directory(void *self, const char *path);
int self_set_umask(void *self, int mask);
int self_set_user(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n);
int self_execute(void *self, const char *const *args, const char *const *env);

/* Two fifos in a directory, and descriptors of them. */
#define FIFO_START  "start"
#define FIFO_RESULT "result"
int file_open_fifo(const char *directory, const char *name, int flags);

/* All that is above this one; what others have opened is not the program's. */
void file_close_above(int fd);

#endif
