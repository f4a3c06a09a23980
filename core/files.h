/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with files by calls that each system has in words of its own. All return -1 and errno. */
#ifndef CORE_FILES_H
#define CORE_FILES_H

#include <dirent.h>

#include "core/base.h"

/* The next entries, side by side, as many as there is room for; d_reclen leads from one to the next. 0: no more.
 * readdir(3) would allocate, and ask for the directory's status as well. */
ssize_t directory_read(int fd, struct dirent *entries, size_t size);

/* Moves a directory to a name that nothing has: EEXIST if something has. */
int directory_move(int from, const char *name, int to, const char *new_name);

/* Opens a regular file so that `path` can be given to dlopen(3) for it as long as the descriptor is open, whoever puts
 * another in its place. */
int file_hold(const char *file, char *path, size_t size);

/* Whether the device is the one that /dev/null is. */
bool device_is_null(dev_t device);

/* Binds an AF_UNIX socket to a name in a directory, whose own path may be longer than an address can be. */
int socket_bind(int fd, int directory, const char *name);

/* Every descriptor from this one on is closed by execve(2). */
int descriptors_end_with_exec(unsigned first);

#endif
