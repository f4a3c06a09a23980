/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freebsd plugin: containers that are jails (config-freebsd.md). docs/freebsd.md has the decisions.
 *
 *     freebsd.c      the descriptor
 *     annotations.c  the section, by annotations              pure
 *     names.c        what a name or an address is             pure
 *     scrap.c        memory of what is read                   pure
 *     parameters.c   jail(8)'s parameters: the table          pure
 *     section.c      what the section asks for                pure
 *     mounts.c       what the mounts become                   pure
 *     process.c      process and hooks                        pure
 *     plan.c         the list of all that will be done        pure
 *     runner.h       carries it out
 */
#ifndef PLUGINS_FREEBSD_FREEBSD_H
#define PLUGINS_FREEBSD_FREEBSD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <hozo/plugin.h>

#define FREEBSD "freebsd"
#define JAIL    FREEBSD ".jail"

/* A directory for each container: of a root that is read-only, and of the fifo that start opens. */
#define ROOTS "/var/run/hozo/jails"

/* The ruleset for jails of FreeBSD's /etc/defaults/devfs.rules. */
#define DEVFS_RULESET "4"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* --- what is read ------------------------------------------------------------------------------- */

/* How the kernel takes a parameter's value (jail_set(2)). */
enum form {
    FORM_FLAG,    /* no value: the name says all, "allow.mlock", "allow.nomlock" */
    FORM_TEXT,    /* a string */
    FORM_NUMBER,  /* an int */
    FORM_SHARING, /* an int: 0 disable, 1 new, 2 inherit */
    FORM_IP4,     /* struct in_addr, one behind the other */
    FORM_IP6      /* struct in6_addr */
};

struct parameter {
    const char *path; /* of config.json */
    const char *name;
    enum form form;
    const char *text; /* as jail(8) writes it; of a flag NULL */
};

struct option {
    const char *name, *value; /* value NULL: the name says all */
};

struct mount {
    const char *path; /* of config.json */
    const char *type, *source, *destination;
    struct option *options;
    size_t n_options;
};

/* A rule for the devfs of this container alone: the node is shown, with these permissions. */
struct rule {
    const char *path; /* of config.json */
    const char *node; /* below /dev */
    int mode;         /* negative: as it is */
    bool directory;   /* only for what is in it */
};

struct alias {
    const char *path; /* of config.json */
    const char *interface, *address;
    bool ip6;
};

/* An interface that moves into the jail's network. */
struct interface {
    const char *path; /* of config.json */
    const char *name;
};

struct limit {
    const char *path; /* of config.json */
    int resource;     /* FreeBSD's number */
    const char *name;
    uint64_t soft, hard;
};

enum hook_kind {
    HOOK_PRESTART,
    HOOK_CREATE_RUNTIME,
    HOOK_CREATE_CONTAINER,
    HOOK_START_CONTAINER,
    HOOK_POSTSTART,
    HOOK_POSTSTOP,
    HOOK_KINDS
};

extern const char *const hook_names[HOOK_KINDS];

struct hook {
    const char *at; /* of config.json */
    enum hook_kind kind;
    const char *program;
    const char **args, **env; /* NULL-terminated */
    unsigned timeout;         /* seconds; 0: none */
};

struct process {
    const char **args, **env; /* NULL-terminated */
    const char *cwd;
    uint32_t uid, gid;
    uint32_t *groups;
    size_t n_groups;
    int umask; /* negative: as it is */
    struct limit *limits;
    size_t n_limits;
    bool terminal, no_new_privileges;
    uint64_t width, height; /* 0: none */
};

struct scrap;

/* All of a container. What it points to lives until jail_free(), or the callback's end. */
struct jail {
    struct hozo_ctx *ctx;
    struct scrap *scrap;
    const char *id;
    const char *parent; /* NULL: none */
    const char *name;   /* the jail's, "parent.id" */
    const char *rootfs; /* absolute */
    bool readonly;      /* the root */
    const char *root;   /* the jail's: rootfs, or where it is mounted read-only */
    bool new_vnet;
    const char *hostname, *domainname; /* NULL: none */
    struct parameter *parameters;
    size_t n_parameters;
    struct mount *mounts;
    size_t n_mounts;
    struct rule *rules;
    size_t n_rules;
    struct alias *aliases;
    size_t n_aliases;
    struct interface *interfaces;
    size_t n_interfaces;
    struct hook *hooks;
    size_t n_hooks;
    struct process process;
};

/* 1, or 0 without the section; jail_free() in any case. */
int jail_read(struct hozo_ctx *ctx, struct jail *j);
void jail_free(struct jail *j);

/* --- scrap.c ------------------------------------------------------------------------------------ */

/* What these return lives as long as the jail. NULL, with an error set, where there is no memory. */
void *jail_keep(struct jail *j, void *p);
__attribute__((format(printf, 2, 3))) char *jail_text(struct jail *j, const char *fmt, ...);

/* One more element, zeroed, behind an array's *n others. */
void *jail_grow(struct jail *j, void *array, size_t *n, size_t size);
#define JAIL_ADD(j, member) jail_grow(j, &(member), &(n_##member), sizeof(*(member)))

/* Strings of a member that is an array, NULL-terminated; an empty list where it is absent. */
int jail_strings(struct jail *j, const struct hozo_cursor *at, const char *path,
                 const char ***strings);

/* 1 found, 0 absent (then *to stays as it is), -1. */
int jail_string(struct jail *j, const struct hozo_cursor *at, const char *path, const char **to);

/* --- names.c ------------------------------------------------------------------------------------ */

/* NULL, or what is wrong with it: the end of a sentence. */
const char *name_of_jail(const char *name);   /* one label */
const char *name_of_parent(const char *name); /* labels with dots between them */
const char *name_of_interface(const char *name);
const char *name_of_device(const char *path);
const char *name_of_file_system(const char *name);
const char *address_ip4(const char *text);
const char *address_ip6(const char *text);

/* --- parameters.c ------------------------------------------------------------------------------- */

/* A row of the table: a member of freebsd.jail and the parameter that it becomes. */
enum kind { KIND_SHARING, KIND_NUMBER, KIND_FLAG, KIND_IP4, KIND_IP6, KIND_FILE_SYSTEMS };

struct mapping {
    const char *member;    /* below freebsd.jail */
    const char *parameter; /* of jail(8) */
    enum kind kind;
    const char *otherwise; /* its value where the member is absent; NULL: jail(8)'s default */
};

extern const struct mapping mappings[];
extern const size_t n_mappings;

/* All parameters, in the table's order. */
int parameters_read(struct jail *j);

/* --- parts of the configuration ----------------------------------------------------------------- */

int mounts_read(struct jail *j);
int process_read(struct jail *j);
int hooks_read(struct jail *j);

/* --- callbacks ---------------------------------------------------------------------------------- */

int freebsd_adjust(struct hozo_ctx *ctx);
int freebsd_plan(struct hozo_ctx *ctx);
int freebsd_probe(struct hozo_ctx *ctx);
int freebsd_runner(struct hozo_ctx *ctx);
int freebsd_cleanup(struct hozo_ctx *ctx);

#endif
