/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's network namespace, mounted on a file: were hozo killed, its process would die, the namespace
 * with it, and with that every virtual device that has been moved there. So it lives until the container has
 * been created and started, or the devices are back.
 */
#ifndef PLUGINS_NETDEV_PIN_H
#define PLUGINS_NETDEV_PIN_H

#include <stdint.h>

#define PIN_SIZE 64

/* A name that nobody has used. 0 or -errno, as all of these. */
int pin_choose(char path[PIN_SIZE]);
int pin_make(const char *path, int ns);

/* A descriptor of the namespace; -ENOENT: there is none, or not that one. */
int pin_open(const char *path, uint64_t inode);
int pin_remove(const char *path);

/* The number that names a namespace; 0: it cannot be read. */
uint64_t namespace_inode(int ns);

#endif
