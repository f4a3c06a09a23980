/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs a container: the core, or, where its configuration is of another operating system and has no section
 * `linux`, the plugin that serves that section, by its callback `runner`. state.runner names it; nobody else needs
 * to know what it does.
 */
#ifndef CORE_FOREIGN_H
#define CORE_FOREIGN_H

#include "core/container.h"

/* Of what was compiled: nothing is planned that a runner does not carry out. */
int foreign_check_plan(const struct container *c, struct error *err);

/* create: fills state.runner, or leaves it NULL for a container that the core runs. */
int foreign_choose(struct container *c, struct error *err);

/* The stages of the lifecycle, of a container that has a runner. */
int foreign_create(struct container *c, int *console, struct error *err);
int foreign_start(struct container *c, struct error *err);
int foreign_exec(struct container *c, int *console, struct error *err);
int foreign_kill(struct container *c, int number, bool all, struct error *err);
/* Waits until it has no process any more. */
int foreign_end(struct container *c, struct error *err);

/* -1 with an error, if the container has a runner: it cannot do this. */
int foreign_refuse(const struct state *s, const char *verb, struct error *err);

/* Of any container. look: opens ROOT/ID without its lock. */
int container_status(struct container *c, enum status *status, struct error *err);
int container_look(struct container *c, const char *root, const char *id, enum status *status,
                   struct error *err);

#endif
