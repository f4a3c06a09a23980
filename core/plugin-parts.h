/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the plugin host share among themselves. */
#ifndef CORE_PLUGIN_PARTS_H
#define CORE_PLUGIN_PARTS_H

#include "core/container.h"
#include "core/process.h"
#include "core/spec.h"

/* --- plugin-find.c: what the names say -------------------------------------------------------- */

enum plugin_kind {
    KIND_SECTION,     /* linux.memoryPolicy */
    KIND_ANNOTATIONS, /* annotations.com.acme.npu */
    KIND_SERVICE,     /* +cgroup-manager.cgroupfs */
    KIND_WATCHER,     /* process@com.acme.npu */
    KIND_STRAY,       /* serves nothing, and is never opened */
};

/* `why`, if not NULL, receives a static text for names that are never opened. */
enum plugin_kind plugin_kind(const char *name, const char **why);

/* Made of the characters that names of files may have: others are not even listed. */
bool plugin_name_is_sound(const char *name);

/* The files of this name lie side by side: their number, and the first. */
size_t plugin_files(const struct plugins *p, const char *name, struct plugin_file **first);

/* The link to /dev/null that masks this name in every directory, or NULL. */
const char *plugin_masked(const struct plugins *p, const char *name);

/* True if this annotation belongs to `prefix`: equal, or followed by '.' or '/'. */
bool annotation_matches(const char *key, const char *prefix);

/* --- plugin-load.c: from file to descriptor --------------------------------------------------- */

int plugin_load(const char *real, const struct hozo_plugin **d, struct error *err);

/* In two steps: dlopen(), and the file's own symbol, or NULL; then the descriptor. */
const struct hozo_plugin *plugin_link(const char *real, void **handle, struct error *err);
int plugin_check(const struct hozo_plugin *d, struct error *err);

/* And that in two: all that may be looked at before the interface is known to be the same; then every table
 * sound, every string there. */
int plugin_check_interface(const struct hozo_plugin *d, struct error *err);
int plugin_check_content(const struct hozo_plugin *d, struct error *err);

/* The file name is one under which the plugin may be opened. */
int plugin_check_name(const struct hozo_plugin *d, const char *name, struct error *err);

static inline const void *table_row(const struct hozo_table *t, uint32_t i)
{
    return (const char *)t->rows + (size_t)i * t->row_size;
}

static inline const char *table_string(const struct hozo_table *t, uint32_t i)
{
    return *(const char *const *)table_row(t, i);
}

#define table_each(type, row, table)                                                               \
    for (uint32_t row##_i = 0; row##_i < (table)->count; row##_i++)                                \
        for (const type *row = table_row(table, row##_i); row; row = NULL)

static inline const char *plugin_where(const struct plugin *p)
{
    return *p->file ? p->file : "built in";
}

/* --- plugin-exports.c ------------------------------------------------------------------------- */

/* The object exports this symbol, and no other. */
int plugin_exports_only(void *handle, const char *symbol, struct error *err);

/* --- plugin-names.c --------------------------------------------------------------------------- */

/* The row of the specification for a path like "linux.resources.devices[].major", or NULL. */
const struct spec_field *spec_find(const char *field);

/* --- plugins.c -------------------------------------------------------------------------------- */

/* The files of those that manage the container's control group together, and NULL behind them: none if the
 * manager is `disabled`. Opens one. */
#define CGROUP_MANAGERS_MAX 2
const char *const *cgroup_managers(const struct container *c);
int cgroup_manager_open(struct container *c, const char *name, struct error *err);

/* --- plugin-walk.c: the members that are present ---------------------------------------------- */

/* A present member. It has two names: its path in this configuration,
 * "linux.resources.devices[2].major", and its field in the specification,
 * "linux.resources.devices[].major". Both are written out only where somebody asks: most members are
 * the core's. */
struct member {
    const struct member *around;
    const struct spec_field
        *row;         /* NULL: unknown, or the walk starts below a member of this name */
    const char *name; /* NULL: an element of an array */
    size_t index;
};

void member_path(struct text *t, const struct member *at);
void member_field(struct text *t, const struct member *at);

struct walk {
    struct plugins *open;    /* where files are opened */
    bool go_on;              /* … and one that cannot be is left */
    const struct plugins *p; /* where owners are sought */
    struct error *err;
    void *data; /* of whoever walks */
    /* -1: the walk ends; 1: do not descend */
    int (*visit)(struct walk *w, const cJSON *node, const struct member *at);
    /* What no specification knows; NULL: passed over. */
    int (*unknown)(struct walk *w, const cJSON *node, const struct member *at);
};

/* `around`: where `object` is, NULL for config.json itself. */
int walk_members(struct walk *w, const cJSON *object, const struct spec_field *table,
                 const struct member *around);

static inline bool spec_contains(const struct spec_field *row)
{
    return row->type == SPEC_OBJECT || row->type == SPEC_ARRAY || row->type == SPEC_MAP;
}

/* --- plugin-fields.c and plugin-rows.c: what the rows say ------------------------------------- */

/* What happens to a present member. */
enum fate {
    FATE_CORE,      /* applied by the core; what lies in it has a fate of its own */
    FATE_PLUGIN,    /* applied by the plugin that owns it */
    FATE_INSIDE,    /* what lies in it decides */
    FATE_EMPTY,     /* says nothing */
    FATE_ELSEWHERE, /* of another operating system: ignored */
    FATE_INFORMS,   /* ignored by the specification's own words */
    FATE_REFUSED,   /* w->err says why */
};

/* Nothing in it has a fate of its own. */
static inline bool fate_ends(enum fate fate)
{
    return fate == FATE_ELSEWHERE || fate == FATE_INFORMS || fate == FATE_REFUSED;
}

/* Decides, with what is open; FATE_PLUGIN: *owner serves it. */
enum fate field_judge(struct walk *w, const cJSON *node, const struct member *at,
                      const struct plugin **owner);
/* Visits: opens the file that serves this member, and the files of everything around it. */
int field_open(struct walk *w, const cJSON *node, const struct member *at);
/* Of the files whose prefix this annotation has, the longest, which serves it; or NULL. */
const char *annotation_server(const struct plugins *p, const char *key);
/* 1: a watcher's file, and the member that it watches is there; 0: not. *path: that member. */
int watcher_watches(const char *name, const cJSON *config, char **path, struct error *err);
/* The row of this annotation, or NULL. */
const struct hozo_annotation *annotation_row(const struct hozo_plugin *d, const char *key);
/* A row of these uses for the field; `below`: or for something in it. */
bool rows_declare(const struct hozo_table *rows, const char *field, uint32_t use, bool below);
/* The row of these uses for the field, or NULL. */
const struct hozo_field *rows_find(const struct hozo_table *rows, const char *field, uint32_t use);
/* A row names values of this map. */
bool rows_map(const struct hozo_table *rows, const char *field);

/* Opens the files of all present members. `go_on`: those that can be. */
int fields_open(struct container *c, bool go_on, struct error *err);
/* The same of one object, which stands at `path`; watchers and annotations are left out. */
int fields_open_below(struct plugins *p, const cJSON *object, const struct spec_field *table,
                      const char *path, struct error *err);
/* Every present member of `object` is served: by the core, or by exactly one opened plugin. `table`
 * and `path` as for spec_check(). */
int fields_served(const struct plugins *p, const cJSON *object, const struct spec_field *table,
                  const char *path, struct error *err);
/* Every present member is as the rows of the opened plugins want it. */
int fields_check(const struct plugins *p, const struct json *doc, struct error *err);
/* Every row of a table for the tree at `root`, a node of `doc`; `path` is its name in errors. */
int rows_check(const struct hozo_table *rows, const struct json *doc, const cJSON *root,
               const char *path, struct error *err);

/* --- plugin-host.c, -read.c, -plan.c, -confine.c, -cache.c: what a callback sees ------------------------------------ */

struct scrap; /* memory that lives as long as the callback */

/* One call of one callback. */
struct call {
    struct hozo_ctx public; /* first: plugins hold a pointer to it */
    struct container *c;
    struct plugin *plugin;
    enum plugin_stage stage;
    struct error *err;
    bool failed, refused; /* an error is set; by the host, so that a plugin cannot replace it */
    struct scrap *scraps;
    struct json state;  /* the plugin's value, once read as a cursor */
    struct text output; /* of the program that hozo_run() ran last */
    int namespaces[16]; /* descriptors that are closed behind the call */
    size_t n_namespaces;
    struct {
        const cJSON *container, *child;
        size_t index;
    } last; /* where item() stopped: lists are walked in one pass */
};

static inline struct call *call_of(struct hozo_ctx *ctx)
{
    return (struct call *)ctx;
}

/* The host refuses what a plugin does: this error stays, and fails the callback. Returns -1. */
int call_refuse(struct call *k, const char *fmt, ...) PRINTF(2, 3);
int call_allowed(struct call *k, const char *function, unsigned stages);
struct state_plugin *call_state(const struct call *k);
void *scrap_alloc(struct call *k, size_t size); /* NULL: the call has failed */
char *scrap_copy(struct call *k, const char *string, size_t length);
void scraps_free(struct call *k);
extern const struct hozo_host plugin_host;
extern const char *const plugin_stage_name[STAGE_COUNT + 1];
hozo_callback plugin_callback(const struct hozo_plugin *d, enum plugin_stage stage);

/* One callback of one opened plugin. */
int plugins_call_one(struct container *c, size_t index, enum plugin_stage stage, struct error *err);

int read_changed(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                 struct hozo_cursor *found);
int read_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
              struct hozo_cursor *found);
int read_fact(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
              struct hozo_cursor *found);
int read_setting(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                 struct hozo_cursor *found);
int read_state(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
               struct hozo_cursor *found);
int read_item(struct hozo_ctx *ctx, const struct hozo_cursor *at, size_t index,
              struct hozo_cursor *found, const char **key);
const char *read_string(struct hozo_ctx *ctx, const struct hozo_cursor *at);
int64_t read_int(struct hozo_ctx *ctx, const struct hozo_cursor *at);
uint64_t read_uint(struct hozo_ctx *ctx, const struct hozo_cursor *at);
int read_bool(struct hozo_ctx *ctx, const struct hozo_cursor *at);
int read_annotation(struct hozo_ctx *ctx, const char *key, const char **value);
int read_annotation_item(struct hozo_ctx *ctx, size_t index, struct hozo_cursor *found,
                         const char **key);

/* A structure that begins with its size, as one of ours; newer members must say nothing. */
int call_take(struct call *k, const char *what, const void *from, void *to, size_t size);

int add_env(struct hozo_ctx *ctx, const char *name, const char *value);
int add_device(struct hozo_ctx *ctx, const struct hozo_device *theirs);
int add_mount(struct hozo_ctx *ctx, const struct hozo_mount *theirs);
int add_hook(struct hozo_ctx *ctx, const struct hozo_hook *theirs);
int add_group(struct hozo_ctx *ctx, uint32_t gid);
int add_rlimit(struct hozo_ctx *ctx, const char *type, uint64_t soft, uint64_t hard);
int add_member(struct hozo_ctx *ctx, const char *object, const char *member, const char *text,
               size_t size);
void additions_free(struct plugins *p);

int late_announce(struct hozo_ctx *ctx, const char *name, uint32_t type);
int late_fill(struct hozo_ctx *ctx, const char *name, const struct hozo_value *theirs);
int late_env(struct hozo_ctx *ctx, const struct hozo_env *theirs);
int late_bind(struct hozo_ctx *ctx, const struct hozo_bind *theirs);
/* The announced value of this handle, or NULL and the call has failed. */
struct late *late_of(struct call *k, uint64_t handle);
void lates_free(struct plugins *p);

int plan_seccomp(struct hozo_ctx *ctx, const struct hozo_seccomp *theirs);
int plan_label(struct hozo_ctx *ctx, const struct hozo_label *theirs);
void confine_free(struct plugins *p);

int cache_get(struct hozo_ctx *ctx, const void *key, size_t key_size, const void **bytes,
              size_t *size);
int cache_put(struct hozo_ctx *ctx, const void *key, size_t key_size, const void *bytes,
              size_t size);

int run_program(struct hozo_ctx *ctx, struct hozo_run *theirs);
void *run_dlopen(struct hozo_ctx *ctx, const char *library);

int plan_work(struct hozo_ctx *ctx, const struct hozo_work *theirs);
int plan_syscall(struct hozo_ctx *ctx, const struct hozo_syscall *theirs);
int plan_next_work(struct hozo_ctx *ctx, size_t index, struct hozo_work *work);
int plan_cgroup(struct hozo_ctx *ctx, const struct hozo_cgroup *theirs);

/* --- plugin-update.c ---------------------------------------------------------------------------- */

/* The node says that the member is not set: HOZO_UNSET_0. */
bool row_unset(const struct hozo_field *row, const struct json *doc, const cJSON *node);
int stats_tell(struct hozo_ctx *ctx, const char *member, const char *json, size_t size);

/* --- plugin-settings.c: what the administrator says ------------------------------------------- */

/* Reads the settings of a plugin that has any, once, into c->facts (settings.NAME). */
int settings_read(struct container *c, const struct plugin *p, struct error *err);
/* hozo's own. */
int settings_of_host(struct container *c, struct error *err);
/* The directory in which they lie. */
const char *settings_directory(void);

/* --- plugin-census.c: what loading a file must not leave ---------------------------------------- */

/* Nothing has been left since census_take(). */
int census_same(const struct census *before, struct error *err);

/* --- features.c --------------------------------------------------------------------------------- */

/* A key that plugins may fill. */
bool feature_key(const char *path);

/* --- plugin-digest.c: SHA-256, as hexadecimal digits, over what is open ----------------------- */

void plugins_digest(const struct plugins *p, struct text *out);

/* --- plugin-machine.c: which half of the plan of a virtual machine is a plugin's ------------------ */

int plan_machine(struct hozo_ctx *ctx, const struct hozo_machine *theirs);

bool call_is_inside(const struct call *k);
bool call_is_outside(const struct call *k);
struct plan_builder *call_builder(const struct call *k);

#define NOT_CARRIED "plans %s, which a virtual machine does not carry"

#endif
