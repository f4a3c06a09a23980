/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cores of a card are taken, and by whom: a directory POOL/cardN in which core M is taken as long as there
 * is a link coreM that points to its holder's name. Real hardware would have a driver that knows this. Here it
 * is a file system, which has what such a driver has: whoever takes a core is alone in it, and all of it is
 * still true after any of those concerned has crashed.
 */
#ifndef ACME_NPU_POOL_H
#define ACME_NPU_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_CORES 64  /* of one card, at most */
#define POOL_LIST  256 /* bytes for the numbers of so many */

/* The directory of a card, made if `make`; locked until it is closed. -1: see errno. */
int pool_open(const char *pool, uint32_t card, int make);

/* Takes so many cores, and lists which: "0,3". 0, or -1 and errno, EBUSY if too few are free. What it has taken
 * when it fails is the holder's, too. */
int pool_take(int card, uint32_t total, uint32_t wanted, const char *holder, char *list,
              size_t size);

/* Gives back all that this holder has, which may be nothing. */
int pool_release(int card, const char *holder);

/* How many nobody has. */
uint32_t pool_free(int card, uint32_t total);

#endif
