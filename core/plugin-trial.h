/* SPDX-License-Identifier: Apache-2.0 */
/* One verb, done for one plugin in a process of its own, whose host may fail: see plugin-trial.c. */
#ifndef CORE_PLUGIN_TRIAL_H
#define CORE_PLUGIN_TRIAL_H

#include "core/error.h"
#include "core/plugin-callbacks.h"
#include "include/hozo/plugin.h"

enum trial_verb {
    TRIAL_PLAN,
    TRIAL_CREATE,
    TRIAL_START,
    TRIAL_EXEC,
    TRIAL_UPDATE,
    TRIAL_EVENTS,
    TRIAL_PAUSE,
    TRIAL_RESUME,
    TRIAL_DELETE,
    TRIAL_VERBS
};

/* Of an error in a call that only reads, the host sees to it that it stays: a plugin may take the member as
 * absent. Whoever asked for more has to give up. */
enum trial_kind { READ, ACT };

#define TRIAL_TEXT (256u << 10)

/* Lies in memory that the process shares with the one that asks. */
struct trial {
    /* Asked for. */
    const struct hozo_plugin *d;
    enum trial_verb verb;
    unsigned armed;   /* stages whose calls may fail */
    unsigned fail_at; /* the nth such call does; 0: none */
    bool elsewhere;   /* with another environment, directory, fresh memory */

    /* Told. */
    bool begun;           /* as far as the callbacks */
    bool ended;           /* and to the end */
    bool accepted;        /* without an error */
    bool called;          /* the configuration needs this plugin */
    bool judged;          /* `stage` and `returned` are of the callback that met the fault */
    unsigned calls;       /* that could have failed */
    uint64_t signature;   /* of their names and order */
    char call[24];        /* the one that did, or "" */
    enum trial_kind kind; /* and what it was for */
    char stage[16];       /* of the callback called last */
    int returned;         /* by it */
    char digest[65];      /* of the plan */
    char said[1500];      /* the error; or, of a process that did not end, its last line */
    char plan[TRIAL_TEXT];
    char state[TRIAL_TEXT]; /* before and after: the plugin's value, "" for none */

    struct hozo_host host; /* that may fail */
};

/* New, for this plugin; freed by trial_free(). */
struct subject;
struct example;
struct trial *trial_new(const struct hozo_plugin *d);
void trial_free(struct trial **t);
#define auto_trial __attribute__((cleanup(trial_free)))

struct error;
/* A callback has returned. */
void trial_returned(struct trial *t, enum plugin_stage stage, int result);
/* Fills all that is told. -1: it could not be tried. */
int trial_run(const struct subject *s, const struct example *e, struct trial *t, struct error *err);

#endif
