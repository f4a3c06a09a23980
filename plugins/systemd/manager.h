/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to systemd: the system's, by its private socket or the system bus, or a user's. It may restart
 * at any time (systemctl daemon-reexec), and then for a moment nobody listens; so every question can be asked again
 * until the time is over.
 */
#ifndef PLUGINS_SYSTEMD_MANAGER_H
#define PLUGINS_SYSTEMD_MANAGER_H

#include <systemd/sd-bus.h>

#include "plugins/systemd/systemd.h"

struct manager {
    struct hozo_ctx *ctx;
    const char *where;  /* MANAGER_SYSTEM, or a user's runtime directory */
    sd_bus *bus;        /* NULL: not connected */
    uint64_t deadline;  /* microseconds of CLOCK_MONOTONIC */
    sd_bus_error error; /* of the last call that systemd refused */
    unsigned version;   /* 0: not asked yet */
};

void manager_begin(struct manager *m, struct hozo_ctx *ctx, const char *where);
void manager_end(struct manager *m);
#define auto_manager __attribute__((cleanup(manager_end)))

/* 0, or negative errno. -ENODEV: there is no systemd at all. */
int manager_connect(struct manager *m);
/* Whether the error is that of a connection that can be made anew, and there is time left to do so. */
bool manager_lost(struct manager *m, int r);
/* Some milliseconds, or less if the time is over. */
void manager_pause(const struct manager *m, unsigned milliseconds);

/* A call of the manager's interface; `reply` may be NULL. Negative errno; what systemd says is m->error then. */
int manager_message(struct manager *m, const char *method, sd_bus_message **message);
int manager_call(struct manager *m, sd_bus_message *message, sd_bus_message **reply);
int manager_ask(struct manager *m, const char *method, const char *types, ...);
/* hozo_error() with what systemd says, or else what the number means. */
int manager_failed(struct manager *m, int r, const char *path, const char *what);

/* The same call with the unit's name and "replace", and the wait for the job that it begins: `result` is "done" if
 * all is well, and "" if the job has ended without a word. */
#define RESULT_MAX 32
int manager_job(struct manager *m, sd_bus_message *message, char result[RESULT_MAX]);

/* A property that this version of systemd has. */
bool manager_knows(struct manager *m, const struct hozo_work *work);

/* --- units ------------------------------------------------------------------------------------------- */

#define ERROR_NO_SUCH_UNIT "org.freedesktop.systemd1.NoSuchUnit"
#define ERROR_UNIT_EXISTS  "org.freedesktop.systemd1.UnitExists"

struct unit_status {
    char *description, *active, *group;
    char invocation[33];
};

void unit_status_free(struct unit_status *s);
#define auto_status __attribute__((cleanup(unit_status_free)))
/* 1, 0: there is no such unit, negative errno. */
int manager_look(struct manager *m, const char *unit, struct unit_status *s);
/* Whether a job for it has not ended yet: until then a unit that is to be started is "inactive". 1, 0, negative errno. */
int manager_is_queued(struct manager *m, const char *unit);
/* A property of its kind of unit, as text: the same. */
int manager_property(struct manager *m, const char *unit, const char *name, char **text);

/* --- message.c ----------------------------------------------------------------------------------------- */

/* All that the plan has, into the array that is open. Negative errno. */
int message_planned(struct manager *m, sd_bus_message *message);
/* "NAME=VALUE" as a struct (sv) of that array. */
int message_property(sd_bus_message *message, const char *text);
/* The value that is next, as text. NULL without memory or for a type that variant.h does not know. */
char *message_text(sd_bus_message *message);

#endif
