/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `plugin check` share: the plugin that is looked at. */
#ifndef CORE_PLUGIN_SUBJECT_H
#define CORE_PLUGIN_SUBJECT_H

#include <limits.h>

#include "core/plugin-check.h"
#include "core/plugin-elf.h"
#include "core/plugin-parts.h"

/* How far we have come; a point may need what only an earlier one gives. */
enum check_stage {
    SEEN,
    TRUSTED,
    SHARED,
    SAFE,
    HARMLESS,
    LOADED,
    SAME_INTERFACE,
    SOUND,
    FLAWLESS, /* no point before has failed: from here on it is called */
};

/* A configuration for which its callbacks are called. */
struct example {
    char *name; /* in what is said of it */
    struct json config;
    bool given;    /* by the author */
    bool accepted; /* it has made a plan of it */
    bool called;   /* and is called for it in all stages: its calls differ from those for others */
};

struct subject {
    const struct check_request *request;
    const char *file;    /* as it was given */
    char name[NAME_MAX]; /* without .so */
    char real[PATH_MAX]; /* what is loaded */
    int fd;
    struct elf elf;
    struct census before;
    void *handle;
    const struct hozo_plugin *d;
    enum check_stage stage;
    bool failed;
    struct json facts;
    struct example *examples;
    size_t n_examples, n_called;
    size_t n_trials; /* of this point, and what they showed */
    uint64_t seen[256];
    size_t n_seen;
};

#define SKIP 1 /* what a point returns beside 0 and -1: *err says why */

#define P(name, needs, gives, what, why) int point_##name(struct subject *s, struct error *err);
PLUGIN_POINTS(P)
#undef P

/* plugin-examples.c: those that are given, or those that the rows of the descriptor yield. */
int examples_make(struct subject *s, struct error *err);
void examples_free(struct subject *s);

#endif
