/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign code runs between guard_enter() and guard_leave(). If it crashes, hangs or ends the process, one line
 * names plugin and callback, the process that was being made is killed, and another hozo is started to undo
 * or to finish what this one no longer can.
 */
#ifndef CORE_PLUGIN_GUARD_H
#define CORE_PLUGIN_GUARD_H

#include "core/error.h"

struct container;

/* What is done for the container after the line has been written. */
enum rescue_kind {
    RESCUE_NONE,
    RESCUE_UNDO,  /* create: run `args`, await its end */
    RESCUE_GO_ON, /* delete --force: become `args`, with the plugin's name added */
};

struct rescue {
    enum rescue_kind kind;
    const char **args; /* NULL-terminated; room for two words more; owned */
};

/* A command line of this hozo: its own options, then `verb …`. */
int rescue_prepare(struct container *c, enum rescue_kind kind, const char *const *words,
                   struct error *err);

/* `plugin` and `callback`: letters that need no escape. `c` may be NULL. Strings are borrowed. */
void guard_enter(struct container *c, const char *plugin, const char *callback);
void guard_leave(void);

/* What guard_enter() needs, once; before a count of descriptors, as it opens one. */
struct log;
void guard_install(const struct log *log);

/* Foreign code that may act has run: what it has done to this process is undone. */
void guard_restore(void);

/* While hozo itself waits for something else: what is left of the callback's time, in milliseconds, and from
 * now on no more than that. */
unsigned guard_stop(void);
void guard_go(unsigned ms);

/* The process is about to end, as `what` says ("called exit()"): if foreign code does that, it does not come back. */
void guard_exit_called(const char *what);

/* How long a callback may take. */
unsigned guard_seconds(const struct container *c);

/* That time is over: as if the callback had used it up. Does not return. */
void guard_overdue(void);

#endif
