/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one file a verb, each a row of the table in cli/main.c. Options are rows too; they
 * may be written --name VALUE, --name=VALUE, -name VALUE, -n VALUE. Parsing stops at the first word
 * that is no option, so that `exec ID sh -c x` keeps its -c; a verb may ask to go on behind its ID.
 */
#ifndef CORE_CLI_H
#define CORE_CLI_H

#include "core/error.h"

enum option_type {
    OPTION_FLAG,   /* bool * */
    OPTION_STRING, /* const char ** ; the last one counts */
    OPTION_LIST,   /* struct option_list *: may be repeated */
    OPTION_NUMBER, /* unsigned * : decimal */
};

struct option_list {
    const char **at;
    size_t count;
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum option_type type;
    void *to;         /* NULL: accepted and ignored */
    const char *argument; /* for the help: "FILE" */
    const char *help;
};

/* Consumes options from the front of argv; *argv and *argc then hold what is left. */
int options_parse(const struct option *table, int *argc, char ***argv, struct error *err);

/* What was said before the verb. */
struct globals {
    const char *root;     /* absolute, never "/" */
    const char *log;      /* file or NULL */
    const char *log_format; /* "text" or "json" */
    const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled" */
    const char *plugin_dir; /* NULL: the built-in list */
    bool debug, systemd_cgroup;
};

struct verb {
    const char *name, *arguments, *help;
    /* The exit status, or a negative number with *err filled. */
    int (*run)(const struct globals *g, int argc, char **argv, struct error *err);
};

#define VERBS(VERB)                                                                                \
    VERB(create) VERB(delete) VERB(exec) VERB(features) VERB(kill) VERB(list) VERB(plan)           \
    VERB(plugin) VERB(run) VERB(spec) VERB(start) VERB(state)

#define VERB(name)                                                                                 \
    int verb_##name(const struct globals *g, int argc, char **argv, struct error *err);
VERBS(VERB)
#undef VERB

/* Exactly `count` arguments must be left: "hozo kill: container ID missing". */
int arguments_expect(const char *verb, int argc, int min, int max, struct error *err);

#endif
