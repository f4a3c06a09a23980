/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From configuration to plan: a pure function of configuration, plugin set and host facts. Nothing here
 * opens a file, asks the kernel or changes anything.
 */
#ifndef CORE_COMPILE_H
#define CORE_COMPILE_H

#include "core/container.h"

/* Loads and checks config.json below `dirfd`; fills c->config, and of c->state what it says. */
int config_load(struct container *c, int dirfd, const char *file, struct error *err);
/* The same of what is in c->config, an object. */
int config_check(struct container *c, struct error *err);
int config_check_version(const char *version, struct error *err);
/* It is for FreeBSD, and so has no section of Linux: create refuses it here, `plan` and `check` tell of it. */
bool config_is_foreign(const cJSON *config);

/* The plan of `create`: opens the plugins that it needs, asks them, and leaves c->plan. */
int compile_create(struct container *c, struct error *err);

/* The plan of `update`, work of plugins that are open: checks c->changes, puts them into c->config, asks the
 * plugins. */
int compile_update(struct container *c, struct error *err);

/* What `exec` asks for. */
struct exec_request {
    const cJSON *process;   /* complete: what exec --process left out is filled in */
    const struct json *doc; /* the document that holds it */
    uint64_t namespaces;    /* CLONE_NEW* of those that differ from hozo's own */
    bool console;
};

/* The plan of `exec`; *init is the slot that wants a pidfd of the container's init. */
int compile_exec(struct container *c, const struct exec_request *request, int *init,
                 struct error *err);

/* --- the sections, each in a file of its own below core/linux/ ------------------------------- */

/* Slots that the sections share. */
struct compile {
    struct container *c;
    struct plan_builder *b;
    const cJSON *config, *linux_;
    bool dev_is_bound;             /* /dev belongs to someone else */
    bool user_namespace;           /* the container's is not hozo's */
    bool privileged;               /* hozo has the rights of root in its own */
    bool bind_nodes;               /* device nodes cannot be made */
    bool helper;                   /* sources of mounts are opened with hozo's credentials */
    bool tree_is_shared;           /* what is mounted outside the root appears on the host */
    bool joins_mounts;             /* the mount namespace, and with it the root, is another's */
    bool guest;                    /* the half of a virtual machine that its guest carries out */
    const char *origin;            /* what mounts and devices are said to be of; NULL: their own sections */
    int root, proc, start, result; /* slots; proc < 0 until someone needs it */
    const cJSON *mapped;           /* the last mount that was idmapped, */
    int users;                     /* and the slot of a user namespace that maps so */
    uint64_t new_namespaces;       /* CLONE_NEW* that the container gets */
    uint64_t namespaces;           /* … and those that it joins */
};

int compile_proc(struct compile *p);

/* All sections of the core. */
int compile_container(struct compile *p, struct error *err);
/* The process of an exec, which joins these namespaces of the process whose pidfd is in the slot `init`. */
int compile_joining(struct compile *p, const struct exec_request *request, uint64_t namespaces,
                    int init, struct error *err);
void compile_join(struct compile *p, uint64_t namespaces, int init);

int compile_namespaces(struct compile *p, struct error *err);
int compile_time_offsets(struct compile *p, struct error *err); /* after all that is joined */
/* Before the plugins are asked, who may want mounts: fills tree_is_shared and joins_mounts. */
void compile_look_at_root(struct compile *p);
int compile_root(struct compile *p, struct error *err);
/* Instead of all that concerns the root, in a mount namespace that exists: nothing of it may be configured. */
int compile_joined_root(struct compile *p, struct error *err);
int compile_root_attributes(struct compile *p, struct error *err); /* after all else of `system` */
int compile_mounts(struct compile *p, struct error *err);
struct mount_options;
int compile_cgroup_mount(struct compile *p, const char *target, const struct mount_options *o,
                         const char *path, struct error *err);
/* HOW_* that every bind mount has. */
unsigned compile_bind_how(const struct compile *p, const struct mount_options *o);
/* For a plugin, whose turn it is: a bind from a source that is a template of the plan. */
int compile_late_bind(struct compile *p, const char *source, const char *destination,
                      const cJSON *options, const char *path, struct error *err);
int compile_notify(struct compile *p, struct error *err); /* behind all mounts */
int compile_devices(struct compile *p, struct error *err);
int compile_system(struct compile *p, struct error *err);
int compile_hooks(struct compile *p, struct error *err);

/* `process`, for create and exec alike. */
struct process_request {
    const cJSON *process;
    const struct json *doc;
    const char *path; /* "process" */
    int root;         /* slot */
    bool exec;        /* in a container that is there */
    bool joined;      /* so the root is not made here: exec, or the mount namespace is another's */
};
int compile_process(struct compile *p, const struct process_request *r, struct error *err);
int compile_oom_score(struct compile *p, const struct process_request *r, struct error *err);
int compile_terminal(struct compile *p, const struct process_request *r, struct error *err);
int compile_scheduling(struct compile *p, const struct process_request *r, struct error *err);

#endif
