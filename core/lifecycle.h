/* SPDX-License-Identifier: Apache-2.0 */
/* The lifecycle of runtime.md. Each stage takes a container that is locked (c->dirfd). */
#ifndef CORE_LIFECYCLE_H
#define CORE_LIFECYCLE_H

#include "core/container.h"

/*
 * Configuration, host facts and options are in *c, its state is not on disk yet. At the end the process
 * waits for start. *console is the master of its terminal, or -1. After a failure nothing is left.
 */
int container_create(struct container *c, int *console, struct error *err);

/* Undoes a container whose create has ended, for failures behind it (console socket, pid file). */
void container_abort(struct container *c);

/* Writes the configuration as it is now, with what plugins added, for every later verb to read. `again`: it
 * takes the place of an older one. */
int config_freeze(const struct container *c, bool again, struct error *err);

/* The user program runs, or this fails and says why. */
int container_start(struct container *c, struct error *err);

/* All processes of a container that is created or running stop, and go on. The lock is not needed for
 * container_resume(). */
int container_pause(struct container *c, struct error *err);
int container_resume(struct container *c, enum status status, struct error *err);

/* Opens ROOT/ID with its lock and reads state and frozen configuration. A directory without a state is
 * a create that died: STATE_ABSENT is returned. */
int container_open(struct container *c, const char *root, const char *id, struct error *err);

/* Takes the lock of a container that this execution holds in memory, and reads its state again: others
 * may have changed it since. */
int container_reopen(struct container *c, struct error *err);

/* These plugins crashed in an execution before: what they did is left behind. */
void container_orphan(struct container *c, const char *const *names, size_t n);

/* A create ended with this plugin the last whose `prepare` was called: those behind it have nothing to undo. */
void container_last_begun(struct container *c, const char *name);

/* Changes the container as c->changes says, a part of config.json: {"linux":{"resources":{…}}}. All of it, or
 * nothing. */
int container_update(struct container *c, struct error *err);

/* Ends what is left of the container's processes, undoes what plugins did, removes the state, runs
 * poststop. `force`: what a plugin cannot undo, since it is gone or fails, becomes an orphan, which is said
 * in one line. */
int container_destroy(struct container *c, bool force, struct error *err);

#endif
