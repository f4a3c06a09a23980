/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of the container, resolved below its root by descriptor: a link of the image leads to another
 * place of the image, never out of it (CVE-2021-30465, CVE-2024-45310).
 */
#ifndef CORE_INIT_PATH_H
#define CORE_INIT_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* `strict`: no component may be a symbolic link. flags as of open(2), O_CLOEXEC is added. */
int path_open(int root, const char *path, uint64_t flags, int strict);

/* The directory at `path`, made with its parents if it is missing: an O_PATH descriptor. */
int path_make_directory(int root, const char *path, mode_t mode, int strict);

/* The directory that holds the last component (made if missing), and that component. */
int path_parent(int root, const char *path, int strict, const char **last);

/* What a mount goes onto: a directory or a file, made if missing. */
int path_target(int root, const char *path, int directory, int strict);

/* Whether this is the root of a procfs. */
bool path_is_procfs(int fd);

/* The root of the procfs at /proc, if it is one: for the calls that take nothing but a path. */
int path_procfs(void);

#define PATH_OF_DESCRIPTOR 32
void path_of_descriptor(char name[PATH_OF_DESCRIPTOR], int fd);

/* The name that udev gives a node by its number; `name` has room for two numbers. */
void path_of_device(char *name, bool block, unsigned major, unsigned minor);

#endif
