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

/* Consumes options from the front of argv; *argv and *argc then hold what is left. --help prints the
 * table and fails with this as errnum: main() then ends well, whatever the verb returns. */
#define OPTIONS_HELP (-1)
int options_parse(const struct option *table, int *argc, char ***argv, struct error *err);
void options_print(const struct option *table);

/* What was said before the verb. */
struct globals {
    const char *root;     /* absolute, never "/" */
    const char *log;      /* file or NULL */
    const char *log_format; /* "text" or "json" */
    const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled" */
    const char *plugin_dir; /* NULL: the built-in list */
    bool debug, systemd_cgroup;
    unsigned inherited; /* descriptors 3 .. inherited+2 were open when hozo began */
    const struct log *logger;
    struct trace *trace;  /* of this execution; NULL: nobody wants to know */
    const char *trace_file; /* … where it goes */
};

struct verb {
    const char *name, *arguments, *help;
    /* argv holds the words behind the verb. The exit status, or a negative number -n with *err filled:
     * then n is the exit status. */
    int (*run)(const struct globals *g, int argc, char **argv, struct error *err);
    bool stateless; /* works where there is no place for states: globals.root may be NULL */
};

/* The first lines of its help, if that is asked for: options_parse() goes on with the options. */
bool options_head(const struct verb *verb, int argc, char **argv);

#define VERBS(VERB)                                                                                \
    VERB(check) VERB(create) VERB(delete) VERB(exec) VERB(features) VERB(kill) VERB(list)          \
    VERB(pause) VERB(plan) VERB(plugin) VERB(ps) VERB(resume) VERB(run) VERB(spec) VERB(start)     \
    VERB(state) VERB(update) VERB(events)

#define VERB(name)                                                                                 \
    int verb_##name(const struct globals *g, int argc, char **argv, struct error *err);
VERBS(VERB)
#undef VERB

/* Between `min` and `max` arguments must be left: "kill: container ID missing". */
int arguments_expect(const char *verb, int argc, int min, int max, struct error *err);

/* Writes to standard output; all of it, or an error. */
struct text;
int output(const struct text *text, struct error *err);

#endif
