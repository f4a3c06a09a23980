/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) for a container: a service manager that started hozo learns when the program is ready.
 *
 *     create   ROOT/ID/notify/ is bound to /run/notify, read-only, and NOTIFY_SOCKET says so
 *     start    makes notify.sock there before the program runs, waits for READY=1 or the end of init,
 *              and then tells the manager READY=1, MAINPID and BARRIER=1
 *
 * The container is not trusted: of what it sends only a line READY=1 means something, and what the
 * manager gets is hozo's own text. MAINPID, STATUS, WATCHDOG, descriptors and all else end here.
 */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include "core/error.h"

#define NOTIFY_DIRECTORY "notify" /* in ROOT/ID */
#define NOTIFY_TARGET    "/run/notify"
#define NOTIFY_ENV       "NOTIFY_SOCKET=" NOTIFY_TARGET "/notify.sock"

struct container;

struct notify {
    int inside;  /* where the container's datagrams arrive */
    int manager; /* connected to the service manager */
};

/* clang-format off */
#define NOTIFY_INIT {.inside = -1, .manager = -1}
/* clang-format on */

/* Whether hozo can talk to this address: an absolute path, or '@' and an abstract name. */
int notify_check(const char *address, struct error *err);

/* create: the directory in the state. */
int notify_prepare(const struct container *c, struct error *err);

/* start, before the program runs; without a manager nothing is done. */
int notify_open(struct container *c, struct error *err);

/* Reads what has come. 1: the program is ready; 0: not yet. */
int notify_read(struct notify *n);

/* Waits for the program or for its end, then tells the manager all that it has to know before this
 * process ends. For as long as that takes; so the lock must not be held. */
int notify_await(struct container *c, struct error *err);

/* In the foreground hozo itself stays the main process: READY=1 and no more. */
int notify_ready(struct notify *n, struct error *err);

void notify_close(struct notify *n);

#endif
