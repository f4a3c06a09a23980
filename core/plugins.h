/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin host. A directory listing tells which files could serve what; only those whose path occurs
 * in the configuration are opened, after the trust walk; what is served is what the opened descriptors
 * declare.
 */
#ifndef CORE_PLUGINS_H
#define CORE_PLUGINS_H

#include <cjson/cJSON.h>

#include "core/error.h"
#include "core/plugin-callbacks.h"
#include "include/hozo/plugin.h"

struct container;
struct trace;
struct text;

/* An entry of a plugin directory: NAME.so */
struct plugin_file {
    char *name;                         /* without .so; "" for an entry that is not NAME.so */
    char *path;                         /* directory/NAME.so; in a static build "(built in)" */
    const struct hozo_plugin *built_in; /* static build */
    struct plugin *plugin;              /* once it is open under this name */
    bool fatal;                         /* loading it ends the process: see plugins_rehearse() */
    struct error *failed;               /* why it cannot be */
};

/* An opened plugin. */
struct plugin {
    const struct hozo_plugin *d;
    char *file;    /* real path; "" if built in */
    char *as;      /* the file name under which it was opened first */
    bool watches;  /* opened under the names of watchers only: it serves nothing */
    bool acted;    /* it has added something, or appended to the plan */
    bool aside;    /* it has said "not my concern" */
    bool adjusted; /* its `adjust` has been called */
    bool begun;    /* its `prepare` may have done something: it wants its cleanup */
    uint64_t load_ns; /* what loading it took, its libraries included; 0: built in */
};

/* Something that a plugin has added to the configuration. */
struct addition {
    char *path;         /* process.env[4] */
    const char *plugin; /* name */
};

/* A variable that a plugin has planned: NAME=VALUE, a template of the plan. */
struct planned_env {
    char *text;
    const char *plugin;
};

/* A late value that a plugin has announced; its handle is its place in the list, counted from 1. */
struct late {
    const struct plugin *plugin;
    char *name;
    uint32_t type;  /* enum hozo_late_type */
    unsigned index; /* of the plan's late value, or slot */
    bool path;      /* the source of a mount: absolute */
    bool inside;    /* of the plan of a virtual machine's guest */
    bool filled;
};

/* The filter that a plugin has planned; `plugin` NULL: none. */
struct planned_seccomp {
    const char *plugin;
    char *path, *listener, *metadata;
    uint32_t flags;
    bool killable;
    void *filter;
    size_t filter_size;
    unsigned late; /* of the plan; 0: `filter` */
};

/* A label that a plugin has planned: struct hozo_label. */
struct planned_label {
    uint32_t kind; /* enum hozo_label_kind */
    const char *plugin;
    char *path, *file, *value, *option;
};

struct plugins {
    const char *dir;             /* --plugin-dir, or NULL for the built-in list */
    struct trace *trace;         /* --trace, or NULL */
    struct container *container; /* for whom they are opened; NULL: to be looked at */
    struct trial *trial;         /* `plugin check`: of one of them; NULL: none */
    bool scanned;
    struct plugin_file *files;
    size_t n_files;
    struct plugin **opened; /* in their order (before/after, then name) */
    size_t n_opened;
    struct addition *additions;
    size_t n_additions;
    struct late *lates;
    size_t n_lates;
    struct planned_env *env;
    size_t n_env;
    struct planned_seccomp seccomp;
    struct planned_label *labels;
    size_t n_labels;
    /* The way to this directory has been checked; path is NULL before. */
    struct {
        char *path, *real;
        int fd;
    } walked;
};

void plugins_free(struct plugins *p);

/* Reads the directories (or the static table). Opens nothing. */
int plugins_scan(struct plugins *p, struct error *err);

/* Reads them, and puts this plugin, which is loaded, in the place of those that have its names. */
int plugins_put(struct plugins *p, const struct hozo_plugin *d, const char *path,
                struct error *err);

/* For those who open all files only to look at them: finds out which of them crash, hang or exit when they are
 * loaded. plugins_open() then refuses these. */
int plugins_rehearse(struct plugins *p, struct error *err);

/* Opens the one plugin that serves `name` ("linux.resources", "+cgroup-manager.cgroupfs"): 1 opened (or
 * was open), 0 no such file or masked, -1 error (untrusted, other ABI, two files …). */
int plugins_open(struct plugins *p, const char *name, struct error *err);

/* Opens by the record of a state: same checks, and what it kept there is not of a newer version. No such
 * file any more, or masked: PLUGIN_ABSENT. */
#define PLUGIN_ABSENT (-2)
struct state_plugin;
int plugins_open_recorded(struct plugins *p, const struct state_plugin *record, struct error *err);

/* The record names one of these callbacks. */
bool plugin_is_for(const struct state_plugin *record, unsigned stages);

/* Opens those recorded plugins of the container that have one of these callbacks. */
int plugins_open_for(struct container *c, unsigned stages, struct error *err);

/* Opens what the configuration in c->config needs (and the cgroup manager), lets them add to it, checks
 * every field: served, of the declared type, permitted; puts the opened plugins into their order. */
int plugins_for_config(struct container *c, struct error *err);

/* For exec: opens what serves a member that the container had not; every member is served, and permitted. What
 * callbacks then read below `process` is this one. */
struct json;
int plugins_for_process(struct container *c, const struct json *process, struct error *err);

/* Names every opened plugin in c->state.plugins; one that stands there already keeps its value. */
int plugins_record(struct container *c, struct error *err);

/* Calls one callback of every opened plugin in order; of STOPPED and CLEANUP see plugins_end(). */
int plugins_call(struct container *c, enum plugin_stage stage, struct error *err);

/* STOPPED or CLEANUP, in reverse order, all of them even if one fails; a create that did not come to its end
 * is not STOPPED. The first error is returned; `failed`, if not NULL, is called with each. */
typedef void plugin_failed(struct container *c, const char *plugin, const struct error *err);
int plugins_end(struct container *c, enum plugin_stage stage, plugin_failed *failed,
                struct error *err);

/* Removes from a document what says, by the rows of the opened plugins, that it is not set. */
struct json;
void fields_prune(const struct plugins *p, struct json *doc);

/* UPDATE_APPLY of every plugin; if one fails, those before it are asked to undo what they did. */
int plugins_update_apply(struct container *c, struct error *err);
/* The first `n` of them, in reverse order, for a failure behind them. */
void plugins_update_undo(struct container *c, size_t n, struct error *err);

/* STATS: what they tell is in c->stats. */
int plugins_stats(struct container *c, struct error *err);

/* After `prepare`: every late value has been filled. */
int plugins_lates_filled(const struct container *c, struct error *err);

/* The plugin that has planned a variable of this name, or NULL. */
const char *plugins_planned_env(const struct plugins *p, const char *name);

/* An error at a place that a plugin has added names that plugin, too. */
void plugins_blame(const struct plugins *p, struct error *err);

/* `hozo check`, for a configuration that was compiled, or was tried to be: what happens to each of its
 * members. `why`: why compiling failed, without text if it did not; filled if `strict` finds the first reason
 * to refuse: a member that no specification has. */
int plugins_explain(struct container *c, bool strict, struct error *why, struct text *out,
                    struct error *err);

/* The trust walk alone: every component of the way to the file, and of each link's way, belongs to root
 * or to the caller, and nobody else can write it. `real` (PATH_MAX) receives the resolved path.
 * `built_in`: the directory is a build constant, so that in a user namespace the unmapped owner counts
 * as root. Returns an O_PATH descriptor of the file. */
int trust_walk(const char *path, bool built_in, char *real, struct error *err);

/* The same for a directory; and for a file below one that was walked to already, whose real path is
 * given: several names in one directory need its way checked only once. */
int trust_walk_directory(const char *path, bool built_in, char *real, struct error *err);
int trust_walk_from(int directory, const char *directory_real, const char *name, bool built_in,
                    char *real, struct error *err);

/* `features`: each broken file is one line in the log file. `plugin list`: returns 1 if one is broken. */
struct log;
int features_print(struct plugins *p, const struct log *log, struct text *out, struct error *err);
int plugins_list(struct plugins *p, struct text *out, struct error *err);

/* `plugin check`, of a file that need not be installed: returns 1 if something is wrong with it. */
struct check_request {
    const char *file;
    const char *plugin_dir; /* where the plugins lie that its examples may need as well; NULL: the built-in list */
    const char *const *configs; /* files: examples for it to plan */
    size_t n_configs;
    const char *const *libraries; /* that are meant to be linked in */
    size_t n_libraries;
    const char *host; /* file of host facts, or NULL: this host's */
};
int plugin_check_file(const struct check_request *request, struct text *out, struct error *err);

/* `plugin info`: `name` is a plugin's or one of its files'. */
int plugins_info(struct plugins *p, const char *name, struct text *out, struct error *err);

/* The package that serves a path of the specification ("linux.memoryPolicy"), or NULL. */
const char *plugin_package(const char *path);

#endif
