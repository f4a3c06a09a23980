/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo/plugin.h - the plugin interface of hozo
 *
 * A plugin is one shared object whose file name says which member of config.json it serves
 * ("linux.memoryPolicy.so"). It exports one constant, the descriptor that HOZO_PLUGIN() defines:
 *
 *     static const struct hozo_field fields[] = {
 *         {"linux.memoryPolicy.mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, modes, 0, 0, NULL, "The mode."},
 *     };
 *     static const char *const names[] = {"linux.memoryPolicy"};
 *
 *     HOZO_PLUGIN(acme) = {
 *         HOZO_HEADER,
 *         .name = "acme", .version = "1.0", .package = "hozo-plugin-acme", .summary = "…",
 *         .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields),
 *         .plan = acme_plan,
 *     };
 *
 * and links nothing of hozo: everything the host offers is reached through `ctx->host`, by the inline
 * functions at the end of this file. C11 and C++14, without a warning; no type of another library appears here.
 *
 * The version of this interface is 0: it may still change with every release. Version 1 will be
 * append-only.
 *
 * Ownership: strings and cursors given to a plugin live until its callback returns. The host copies
 * what it is given. Errors: a callback returns 0, or -1 after hozo_error(). A plugin that was opened only
 * as a watcher may return 1 from adjust, validate or plan: "not my concern"; it is then left alone.
 *
 * Every call of the host that fails has set the error, and fails the callback even if that returns 0. Calls that
 * look for something return 1 if it is there, 0 if it is not, -1 if they fail; the others 0 or -1. In a stage
 * that does not have a call, it fails.
 *
 * A container's life, and which executions of hozo call what:
 *
 *     create    adjust, validate, plan; then probe, prepare, attach
 *     start     started
 *     exec      exec; then exec_attach
 *     update    update; then update_apply, or update_undo
 *     events    stats
 *     pause, resume
 *     delete    stopped, cleanup; a create that fails calls cleanup itself
 *     plan, check    adjust, validate, plan, and nothing else
 *     features, plugin list, plugin info    nothing: they read descriptors
 *
 * So what a callback keeps in memory is gone in the next verb: hozo_state_set() is what lasts. A callback may take as
 * long as the administrator allows, 30 seconds by default.
 */
#ifndef HOZO_PLUGIN_H
#define HOZO_PLUGIN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOZO_MAGIC     UINT32_C(0x6f7a6f48) /* "Hozo" */
#define HOZO_ABI_MAJOR 0
#define HOZO_ABI_MINOR 5 /* of version 0: must be the host's exactly */

/* --- the descriptor ----------------------------------------------------------------------------- */

/* What a member holds. It must agree with the specification, where that defines the member. */
enum hozo_type {
    HOZO_STRING = 1,
    HOZO_BOOL,
    HOZO_INT,    /* 64 bits, signed; the specification's own table may narrow it */
    HOZO_UINT,   /* 64 bits */
    HOZO_OBJECT, /* its members have rows of their own */
    HOZO_ARRAY,  /* its elements have the row PATH[] */
    HOZO_MAP     /* an object with keys of any name; its values have the row PATH.* */
};

/* What a plugin does with a field or an annotation. */
#define HOZO_OWN      1u /* serves it: applies it or makes an error */
#define HOZO_READ     2u /* looks at it; someone else serves it */
#define HOZO_REQUIRED 4u /* must be present if the member around it is */
#define HOZO_UNSET_0  8u /* a number or a string: 0 and "" mean that it is not set, as engines write what nobody
                          * has asked for: it is then absent for the plugin */

/*
 * A field of config.json. `path` names members with dots, elements of arrays with [], values of maps
 * with *: "linux.resources.devices[].major", "linux.resources.unified.*". No other field can be read.
 * Owning an object, array or map does not own what lies in it: each field has a row of its own.
 */
struct hozo_field {
    const char *path;
    uint32_t type; /* enum hozo_type */
    uint32_t use;
    const char *const *values; /* strings: the permitted ones, NULL-terminated; NULL: any */
    int64_t min, max;          /* integers: the permitted range, both 0: any */
    const char *feature;       /* key in `features` to which `values` is given, or NULL */
    const char *doc;           /* one line */
};

/*
 * A row of the table `settings` is a row of this form, too: `path` then names a member of the
 * administrator's file NAME.json in the directory that `hozo plugin dir --settings` prints.
 */

/* An annotation that changes what the plugin does; it goes into potentiallyUnsafeConfigAnnotations. */
struct hozo_annotation {
    const char *key; /* with a final '.': all that start so */
    uint32_t use;
    const char *doc;
};

/* A constant in `features`: path "linux.cgroup.v2", value as JSON text "true"; or an annotation of the plugin's own
 * domain: path "annotations.com.example.firmware", value "\"7.1\"". */
struct hozo_feature {
    const char *path;
    const char *value;
};

/* A list in the descriptor. It says how long its rows are, so that they can get members later. */
struct hozo_table {
    const void *rows;
    uint32_t count;
    uint32_t row_size;
};

/* Of an array of rows, as they stand in a source. */
/* clang-format off */
#define HOZO_TABLE(a) { (a), (uint32_t)(sizeof(a) / sizeof((a)[0])), (uint32_t)sizeof((a)[0]) }
/* clang-format on */

/* What a callback is given: the host, and for which container and plugin it is called. Not to be kept. */
struct hozo_ctx;
typedef int (*hozo_callback)(struct hozo_ctx *ctx);

/* The descriptor. What is not needed is left out, and then 0 or NULL. HOZO_HEADER sets the first four members. */
struct hozo_plugin {
    uint32_t magic;
    uint32_t size; /* of this structure in the author's header */
    uint16_t abi_major;
    uint16_t needs_minor;   /* the oldest host that offers all that the plugin uses */
    uint32_t state_version; /* newest state that it writes and reads: a container with a newer one is refused */

    const char *name;    /* unique; vendors: reverse domain name. Settings, state, order and log go by it */
    const char *version; /* the plugin's own, for people */
    const char *package; /* as the distribution names it */
    const char *summary; /* one line */

    struct hozo_table names;       /* const char *: the file names, without .so, under which it may be opened */
    struct hozo_table fields;      /* struct hozo_field */
    struct hozo_table annotations; /* struct hozo_annotation */
    struct hozo_table features;    /* struct hozo_feature */
    struct hozo_table settings;    /* struct hozo_field: of the administrator's file */
    struct hozo_table before;      /* const char *: plugins that come later in every stage, if they are there */
    struct hozo_table after;       /* const char *: plugins that come earlier */

    uint64_t flags; /* an unknown bit refuses the plugin */

    /* Making a plan. Pure: no file is opened, nothing is changed, the same plan comes out again. */
    hozo_callback adjust;   /* adds to the configuration: environment, devices, mounts, … */
    hozo_callback validate; /* relations between fields */
    hozo_callback plan;     /* appends operations */

    /* create, on the host. Each of these may call hozo_run() and hozo_dlopen(). */
    hozo_callback probe;   /* looks at the host, changes nothing; never called by plan, check, features */
    hozo_callback prepare; /* first side effect, before any process exists; fills late values */
    hozo_callback attach;  /* the process is being made; hozo_process() waits until it is there, blocked */

    /* Later, by other executions of hozo. */
    hozo_callback started;     /* start: the user program runs; a failure ends it */
    hozo_callback exec;        /* exec, pure: appends operations for a process that joins */
    hozo_callback exec_attach; /* exec: that process is being made, as in attach */
    hozo_callback update;      /* update, pure: validates what changes, appends work for HOZO_PHASE_PREPARE */
    hozo_callback update_apply; /* update: does that work, or leaves all as it was and fails */
    hozo_callback update_undo; /* update: a plugin behind has failed; makes it as it was before update_apply */
    hozo_callback stats;       /* events: hozo_stats() */
    hozo_callback pause;       /* pause: before the processes are frozen */
    hozo_callback resume;      /* resume: the processes run again; must succeed when repeated */
    hozo_callback stopped;     /* delete: the processes are gone; must succeed when repeated */
    hozo_callback cleanup;     /* undo; must succeed when repeated; reverse order */

    /* Makes the container's processes in the core's place: struct hozo_task. */
    hozo_callback runner;
};

/* The first members of a descriptor: which header it was compiled with. */
#define HOZO_HEADER                                                                                \
    .magic = HOZO_MAGIC, .size = (uint32_t)sizeof(struct hozo_plugin),                             \
    .abi_major = HOZO_ABI_MAJOR, .needs_minor = HOZO_ABI_MINOR

#ifdef __cplusplus
} /* extern "C" */

/*
 * For C++ before C++20, where there are no designated initializers: a function fills the descriptor while the
 * plugin is compiled, so that nothing runs when it is loaded.
 *
 *     static constexpr struct hozo_plugin describe()
 *     {
 *         struct hozo_plugin d = hozo_header();
 *         d.name = "acme";
 *         d.names = HOZO_TABLE(names);
 *         …
 *         return d;
 *     }
 *     HOZO_PLUGIN(acme) = describe();
 */
static constexpr struct hozo_plugin hozo_header()
{
    struct hozo_plugin d = {};

    d.magic = HOZO_MAGIC;
    d.size = (uint32_t)sizeof(struct hozo_plugin);
    d.abi_major = HOZO_ABI_MAJOR;
    d.needs_minor = HOZO_ABI_MINOR;
    return d;
}

extern "C" {
#endif

/* What a descriptor leaves out is 0; compilers of C++20 would warn of each member. */
#ifdef __cplusplus
#define HOZO_QUIET _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#else
#define HOZO_QUIET
#endif

/* In a shared object the descriptor is called hozo_plugin, in a static build hozo_plugin_NAME. */
#ifdef HOZO_STATIC_PLUGINS
#define HOZO_PLUGIN(id)                                                                            \
    HOZO_QUIET extern const struct hozo_plugin hozo_plugin_##id;                                   \
    const struct hozo_plugin hozo_plugin_##id
#else
#define HOZO_PLUGIN(id)                                                                            \
    HOZO_QUIET extern __attribute__((visibility("default"))) const struct hozo_plugin hozo_plugin; \
    const struct hozo_plugin hozo_plugin
#endif

/* --- what the host offers ----------------------------------------------------------------------- */

/* A place in config.json or in the host facts. Copy freely; valid while the callback runs. */
struct hozo_cursor {
    const void *node;
    const char *path; /* "linux.resources.devices[2].major" */
    uint64_t tag;     /* the host's */
};

/* Errors and warnings go to the file of --log, if there is one, the rest with --debug only. None of them makes a
 * command fail: that is hozo_error(). */
enum hozo_log_level { HOZO_LOG_ERROR, HOZO_LOG_WARNING, HOZO_LOG_DEBUG };

/* The phases of a plan that a plugin may append to, in their order. In the first and the third the plugin's own code
 * works, on the host; in the others hozo-init makes system calls. Within a phase the core's operations come first. */
enum hozo_phase {
    HOZO_PHASE_PREPARE,  /* work for `prepare` or `update_apply`: no process exists */
    HOZO_PHASE_STAGE,    /* system calls of a process of the host, which the container's is a child of */
    HOZO_PHASE_ATTACH,   /* work for `attach` or `exec_attach`: the process exists and is blocked */
    HOZO_PHASE_MOUNTS,   /* in the container's namespaces, while its mounts are made */
    HOZO_PHASE_SYSTEM,   /* behind the change of the root: settings of the kernel, names */
    HOZO_PHASE_PROCESS,  /* what the program inherits */
    HOZO_PHASE_IDENTITY  /* with the user's ids and capabilities */
};

/* --- what `adjust` adds --- */

/* A device node, and the permission to use it in the container's control group (config-linux.md,
 * Devices, Allowed Device list). */
struct hozo_device {
    uint32_t size;
    uint32_t mode; /* permission bits; 0: 0666 */
    const char *path;
    const char *type;   /* "c", "b", "u" or "p" */
    const char *access; /* letters of "rwm"; NULL: "rw"; "": no permission */
    int64_t major, minor;
    uint32_t uid, gid;
};

/* config.md, Mounts. */
struct hozo_mount {
    uint32_t size;
    const char *destination, *type, *source; /* type and source may be NULL */
    const char *const *options;              /* NULL-terminated, or NULL */
};

/* config.md, POSIX-platform Hooks. `kind`: "createRuntime", "startContainer", … */
struct hozo_hook {
    uint32_t size;
    uint32_t timeout; /* seconds; 0: none */
    const char *kind, *path;
    const char *const *args, *const *env; /* NULL-terminated, or NULL */
};

/* --- what `plan` appends --- */

/*
 * A late value: announced by `plan`, filled by `prepare`, printed by `hozo plan` as <late: NAME>. Handles
 * are greater than 0, so that 0 in a structure means: none.
 */
enum hozo_late_type { HOZO_LATE_NUMBER = 1, HOZO_LATE_STRING, HOZO_LATE_DESCRIPTOR, HOZO_LATE_BYTES };

struct hozo_value {
    uint32_t size;
    int32_t fd; /* HOZO_LATE_DESCRIPTOR: stays the plugin's, the host takes a duplicate */
    uint64_t number;
    const char *string;
    const void *bytes;
    size_t bytes_size;
};

/* A piece of the plugin's own work, done by its `prepare`, `attach`, `exec_attach` or `update_apply`: hozo plan
 * shows it, hozo_next_work() returns it. */
struct hozo_work {
    uint32_t size;
    uint32_t phase; /* HOZO_PHASE_PREPARE or HOZO_PHASE_ATTACH */
    const char *path; /* JSON path that caused it */
    const char *what; /* "write", "mkdir": the plugin's own vocabulary */
    const char *value;
    const void *data;
    size_t data_size;
};

/*
 * A system call in the container's process. Bit n of `pointers`: args[n] is an offset into `memory`. Bit n
 * of `lates`: args[n] is the handle of a late value; of a string the call gets the address.
 */
struct hozo_syscall {
    uint32_t size;
    uint32_t phase;
    const char *path;
    const char *name;
    uint64_t number;
    uint64_t args[6];
    uint64_t pointers, lates;
    const void *memory;
    size_t memory_size;
};

/* A variable of the program that is started, where `adjust` cannot know it: the value of a late number or
 * string, or in `exec` what `prepare` once kept in the state. A variable that is there already is an error. */
struct hozo_env {
    uint32_t size;
    uint32_t late; /* handle; 0: `value` */
    const char *path, *name, *value;
};

/* A bind mount behind those of the configuration, from a source that only `prepare` knows. */
struct hozo_bind {
    uint32_t size;
    uint32_t late; /* handle of a string: an absolute path on the host */
    const char *path, *destination;
    const char *const *options; /* as in config.md; NULL-terminated, or NULL */
};

/*
 * The seccomp filter of the process that is made (config-linux.md, Seccomp), once. The host knows when it may
 * be installed: with noNewPrivileges last of all, without it while the process still may. What has to run
 * under it, in the container's process, are read, write, close, execve and exit_group, and for startContainer
 * hooks what hozo's documentation of plugins lists.
 */
struct hozo_seccomp {
    uint32_t size;
    uint32_t flags; /* SECCOMP_FILTER_FLAG_*; those about a listener are the host's */
    const char *path;
    const void *filter; /* struct sock_filter[] … */
    size_t filter_size; /* … in bytes */
    uint32_t late;      /* handle of late bytes; 0: `filter` */
    uint32_t killable;  /* with a listener: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
    const char *listener; /* an AF_UNIX socket that gets the container process state; NULL: no listener */
    const char *metadata; /* … with this text, or NULL */
};

/*
 * What a security module reads from the process: a text for a file of its own below /proc/PID ("attr/exec"),
 * written through a procfs that only the host has.
 * HOZO_LABEL_EXEC: directly before the program is executed, behind all hooks.
 * HOZO_LABEL_KEYRING: while the session keyring is made, and taken back behind it.
 * HOZO_LABEL_MOUNT: no file, but an option of each mount whose file system has labels of its own,
 * `option`="`value`"; those that several containers share (proc, sysfs, cgroup) take none, and on mqueue
 * it is the extended attribute `file` of the root.
 */
enum hozo_label_kind { HOZO_LABEL_EXEC = 1, HOZO_LABEL_KEYRING, HOZO_LABEL_MOUNT };

struct hozo_label {
    uint32_t size;
    uint32_t kind;
    const char *path, *file, *value;
    const char *option; /* HOZO_LABEL_MOUNT */
};

/*
 * Where the container's processes live, told by the plugin that manages control groups, from `plan`.
 * The core clones into `directory` (v2) or writes the process's pid into each of `procs` (v1) before
 * the process does anything; state, kill and ps use the files without any plugin. All paths absolute.
 */
struct hozo_cgroup {
    uint32_t size;
    const char *directory;    /* v2 directory to clone into, or NULL */
    const char *const *procs; /* v1: cgroup.procs of each hierarchy, NULL-terminated, or NULL */
    const char *list;         /* cgroup.procs that lists the container's processes */
    const char *freeze;       /* freezer.state, or cgroup.freeze, or NULL */
    const char *kill;         /* cgroup.kill, or NULL */
    const char *oom;          /* memory.events, or memory.oom_control, or NULL */
    const char *const *mounts;/* v1: "controllers=path in that hierarchy", NULL-terminated: for cgroup mounts */
};

/*
 * A virtual machine (config-vm.md), told once, from `plan`, by the plugin that serves `vm`. The container's
 * process on the host is then `monitor`, a program of the plugin's: made as any container's process is, but in
 * a root of its own, which holds `mounts`, `devices`, and below `share` what the guest is to see: `share`/root,
 * and the sources of bind mounts. What the configuration says of the inside of the container the host compiles
 * into a second plan, for a guest that finds `share` at `guest_share`.
 */
struct hozo_machine {
    uint32_t size;
    uint32_t monitor; /* handles of late descriptors: the program … */
    uint32_t setup;   /* … its instructions … */
    uint32_t initrd;  /* … and a file that it passes on */
    const char *const *args; /* of the program; NULL-terminated */
    const char *share, *guest_share; /* absolute paths */
    const struct hozo_mount *const *mounts;   /* NULL-terminated; their sources are paths of the host */
    const struct hozo_device *const *devices; /* the same; of the host, with permission in the control group */
    uint64_t capabilities; /* of the program: bit n is capability n */
    uint64_t overhead;     /* bytes that the machine needs beside linux.resources.memory.limit */
};

/* --- what the stages on the host may ask for --- */

/*
 * Another program: no descriptor but 0, 1 and 2, no variable but `env`, default signals, a process group
 * of its own that is killed when the time is over. What it writes to standard output and error is
 * captured, up to 1 MiB.
 */
struct hozo_run {
    uint32_t size;
    uint32_t timeout;  /* milliseconds; 0: as long as the callback may take */
    const char *const *args, *const *env; /* NULL-terminated; args[0] is an absolute path; env may be NULL */
    const void *input; /* of standard input */
    size_t input_size;
    /* results */
    int32_t status; /* exit status, or -1 with … */
    int32_t signal; /* … the signal that ended it; SIGKILL as well if the time was over */
    const char *output; /* NUL-terminated; lives until the callback returns */
    size_t output_size;
};

/* --- a runner --- */

/*
 * The container of another operating system is run by the plugin that serves its section, if the configuration has no
 * section `linux`: what a verb wants is a task, which `runner` does. Its `probe` refuses a host where it cannot. The
 * host keeps the state and its lock, checks the status before, runs poststart and poststop hooks, and calls the other
 * callbacks as for any container; `cleanup` undoes what the runner did, and ends processes that are left. Of a plan
 * a runner knows work only: another plugin that appends something else is refused.
 */
enum hozo_verb {
    HOZO_RUN_CREATE = 1, /* all up to the process that waits for start; hooks up to createContainer */
    HOZO_RUN_START,      /* it runs startContainer hooks and its program: done when that runs, or an error */
    HOZO_RUN_EXEC,       /* a further process, of which `process` tells: done when its program runs */
    HOZO_RUN_KILL,       /* without the container's lock; no process is no failure if `all` is set */
    HOZO_RUN_STATUS      /* without the container's lock */
};

enum hozo_status { HOZO_CREATING, HOZO_CREATED, HOZO_RUNNING, HOZO_STOPPED };

struct hozo_task {
    uint32_t size;
    uint32_t verb;   /* enum hozo_verb */
    int32_t signal;  /* KILL */
    uint32_t all;    /* KILL: 1: every process of the container; 0: the first */
    /* answers */
    int32_t pid;     /* CREATE, EXEC: a child of the calling process */
    int32_t console; /* CREATE, EXEC: the master of its terminal, the host's from then on; -1: it has none */
    uint64_t born;   /* CREATE: a time, or what else tells it from a later process of that pid */
    uint32_t status; /* STATUS: created, running or stopped */
};

/* All that the host does for a plugin, called by the inline functions and macros at the end of this file, of which
 * each has the name of a member here. */
struct hozo_host {
    uint32_t size;
    uint32_t minor;

    /* Sets the error that the user reads: "PATH: TEXT: strerror(errnum)"; path may be NULL, errnum 0. -1. */
    int (*error)(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt, va_list ap);
    /* A line for administrators, of an enum hozo_log_level; the plugin's name is put in front. */
    void (*log)(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap);

    /* The container's ID, unique below one --root. */
    const char *(*id)(struct hozo_ctx *ctx);
    /* NULL: not given, or not so. "cgroup-manager": "cgroupfs", "systemd", "disabled"; "no-pivot";
     * "callback-seconds": how long a callback may take; and, of the container, "rootfs": root.path as an absolute
     * path, and "processes-ended": none of its processes is left, whoever is in its control group. "preserve-fds":
     * how many descriptors behind 2 a program keeps. */
    const char *(*option)(struct hozo_ctx *ctx, const char *name);

    /* A member of the configuration, by names with dots between them ("linux.resources.memory.limit"), from a cursor
     * on, or, if that is NULL, from the root of config.json. 1 found, 0 absent or null, -1 not declared (the error is
     * set). Elements of arrays are reached by item(). */
    int (*find)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                struct hozo_cursor *found);
    /* The host facts, which `hozo plan --json` shows under "host": the same, but nothing needs to be declared. They are
     * all that a pure callback may know of this host. */
    int (*fact)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                struct hozo_cursor *found);
    /* Elements of an array, members of a map, whatever call gave the cursor: 1 and *found, 0 behind the last, -1 not
     * declared. *key, if key is not NULL, is the member's name. */
    int (*item)(struct hozo_ctx *ctx, const struct hozo_cursor *at, size_t index,
                struct hozo_cursor *found, const char **key);
    /* The value of what was found; of another type: NULL, or 0. What has a row in `fields` or `settings` has the type
     * that stands there. */
    const char *(*as_string)(struct hozo_ctx *ctx, const struct hozo_cursor *at);
    int64_t (*as_int)(struct hozo_ctx *ctx, const struct hozo_cursor *at);
    uint64_t (*as_uint)(struct hozo_ctx *ctx, const struct hozo_cursor *at);
    int (*as_bool)(struct hozo_ctx *ctx, const struct hozo_cursor *at);
    /* An annotation that is declared: 1, 0 absent, -1 not declared. */
    int (*annotation)(struct hozo_ctx *ctx, const char *key, const char **value);

    /* A member of the administrator's settings: as find(). The file has been checked against the rows. */
    int (*setting)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                   struct hozo_cursor *found);

    /* The configuration, from `adjust`: 0, or -1 where it contradicts what is there: the error names the
     * plugin, and whoever put it there. The same once more does nothing. */
    int (*add_env)(struct hozo_ctx *ctx, const char *name, const char *value);
    int (*add_device)(struct hozo_ctx *ctx, const struct hozo_device *device);
    int (*add_mount)(struct hozo_ctx *ctx, const struct hozo_mount *mount);
    int (*add_hook)(struct hozo_ctx *ctx, const struct hozo_hook *hook);
    int (*add_group)(struct hozo_ctx *ctx, uint32_t gid);
    int (*add_rlimit)(struct hozo_ctx *ctx, const char *type, uint64_t soft, uint64_t hard);
    /* A member that a plugin serves and that is absent: ("linux", "memoryPolicy"), ("linux.netDevices",
     * "eth1"); its value as JSON text. */
    int (*add_member)(struct hozo_ctx *ctx, const char *object, const char *member, const char *json,
                      size_t size);

    /* The plan: from `plan` and `exec` only, work from `update` as well; late values, binds and the control group from
     * `plan`. The structures of the same names say what each appends. */
    int (*plan_work)(struct hozo_ctx *ctx, const struct hozo_work *work);
    int (*plan_syscall)(struct hozo_ctx *ctx, const struct hozo_syscall *call);
    int (*plan_env)(struct hozo_ctx *ctx, const struct hozo_env *env);
    int (*plan_bind)(struct hozo_ctx *ctx, const struct hozo_bind *bind);
    int (*cgroup)(struct hozo_ctx *ctx, const struct hozo_cgroup *cgroup);
    /* Announces a late value, of an enum hozo_late_type: its handle, or -1. The name is the plugin's own. */
    int (*late)(struct hozo_ctx *ctx, const char *name, uint32_t type);

    /* From `prepare`, `attach`, `exec_attach`, `update_apply`, `update_undo`: the plugin's own work of this phase in
     * order: 1, or 0 behind the last. The structure's `size` is set by the caller. */
    int (*work)(struct hozo_ctx *ctx, size_t index, struct hozo_work *work);
    /* From `prepare`: fills a late value of this plugin. One that is left is an error. */
    int (*late_set)(struct hozo_ctx *ctx, const char *name, const struct hozo_value *value);
    /* From `attach`, `exec_attach`: waits until the process exists and is blocked, and names it as the host
     * sees it. What needs no process is done before that call, in the time that the process takes to
     * start. From `started`: the container's process. The descriptor stays the host's. */
    int (*process)(struct hozo_ctx *ctx, int32_t *pid, int *pidfd);
    /* From the same: a descriptor of its namespace of this type ("network"), or -1; the host closes it behind the
     * callback. */
    int (*namespace_of)(struct hozo_ctx *ctx, const char *type);

    /* From every stage that is not pure: runs a program and waits for it. 0 if it was run, whatever its status. */
    int (*run)(struct hozo_ctx *ctx, struct hozo_run *run);
    /* dlopen(3) for a vendor's heavy library, with its error as ours; an absolute path passes the same
     * check of trust as plugins do. NULL: the error is set. Look symbols up with dlsym(3). */
    void *(*dlopen)(struct hozo_ctx *ctx, const char *library);

    /* One JSON value that is kept with the container: set before a side effect, so that `cleanup` finds
     * it after a crash as well. On disk when the call returns; from every stage that is not pure, but
     * `probe`. */
    int (*state_set)(struct hozo_ctx *ctx, const char *json, size_t size);
    /* That value as text, from every stage, `exec` and `update` included; NULL if nothing was set. */
    const char *(*state_get)(struct hozo_ctx *ctx, size_t *size);
    /* A member of it, as find(), and nothing needs to be declared. */
    int (*state_find)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                      struct hozo_cursor *found);

    /* From `update`, where find() answers with the configuration as it will be: what this update names, and
     * nothing else. */
    int (*changed)(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                   struct hozo_cursor *found);
    /* From `plan` and `exec`: see the structures. */
    int (*plan_seccomp)(struct hozo_ctx *ctx, const struct hozo_seccomp *seccomp);
    int (*plan_label)(struct hozo_ctx *ctx, const struct hozo_label *label);
    /* From every stage that is not pure: what the plugin has worked out once, found again by all that it was
     * worked out from. 1 found, 0 not. Nothing else may depend on it: it is forgotten at any time, and a
     * cache that cannot be read or written is an empty one. The bytes live until the callback returns. */
    int (*cache_get)(struct hozo_ctx *ctx, const void *key, size_t key_size, const void **bytes,
                     size_t *size);
    int (*cache_put)(struct hozo_ctx *ctx, const void *key, size_t key_size, const void *bytes,
                     size_t size);

    /* From `stats`: a member of the object `data` that `events` prints, as JSON text. */
    int (*stats)(struct hozo_ctx *ctx, const char *member, const char *json, size_t size);

    /* Those annotations of the container that are declared, as item(): for keys that a prefix declares. */
    int (*annotation_item)(struct hozo_ctx *ctx, size_t index, struct hozo_cursor *found, const char **key);

    /* From `plan`, once: see the structure. */
    int (*plan_machine)(struct hozo_ctx *ctx, const struct hozo_machine *machine);

    /* From `runner`: what it is asked for, and where it answers. */
    struct hozo_task *(*task)(struct hozo_ctx *ctx);
    /* The container's state as hooks read it, with this status (enum hozo_status) and pid; NULL: the error is set. */
    const char *(*describe)(struct hozo_ctx *ctx, uint32_t status, int32_t pid);
};

/* Public in its first member only. */
struct hozo_ctx {
    const struct hozo_host *host;
};

/* --- calls -------------------------------------------------------------------------------------- */

/* `return hozo_error(ctx, errno, "annotations", "%s cannot be opened", name);` */
__attribute__((format(printf, 4, 5))) static inline int
hozo_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ctx->host->error(ctx, errnum, path, fmt, ap);
    va_end(ap);
    return -1;
}

__attribute__((format(printf, 3, 4))) static inline void hozo_log(struct hozo_ctx *ctx, int level,
                                                                  const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ctx->host->log(ctx, level, fmt, ap);
    va_end(ap);
}

#define hozo_id(ctx)                       ((ctx)->host->id(ctx))
#define hozo_option(ctx, name)             ((ctx)->host->option(ctx, name))
#define hozo_find(ctx, at, path, found)    ((ctx)->host->find(ctx, at, path, found))
#define hozo_fact(ctx, at, path, found)    ((ctx)->host->fact(ctx, at, path, found))
#define hozo_item(ctx, at, i, found, key)  ((ctx)->host->item(ctx, at, i, found, key))
#define hozo_as_string(ctx, at)            ((ctx)->host->as_string(ctx, at))
#define hozo_as_int(ctx, at)               ((ctx)->host->as_int(ctx, at))
#define hozo_as_uint(ctx, at)              ((ctx)->host->as_uint(ctx, at))
#define hozo_as_bool(ctx, at)              ((ctx)->host->as_bool(ctx, at))
#define hozo_annotation(ctx, key, value)   ((ctx)->host->annotation(ctx, key, value))
#define hozo_annotation_item(ctx, i, f, k) ((ctx)->host->annotation_item(ctx, i, f, k))
#define hozo_setting(ctx, at, path, found) ((ctx)->host->setting(ctx, at, path, found))
#define hozo_add_env(ctx, name, value)     ((ctx)->host->add_env(ctx, name, value))
#define hozo_add_device(ctx, d)            ((ctx)->host->add_device(ctx, d))
#define hozo_add_mount(ctx, m)             ((ctx)->host->add_mount(ctx, m))
#define hozo_add_hook(ctx, h)              ((ctx)->host->add_hook(ctx, h))
#define hozo_add_group(ctx, gid)           ((ctx)->host->add_group(ctx, gid))
#define hozo_add_rlimit(ctx, t, s, h)      ((ctx)->host->add_rlimit(ctx, t, s, h))
#define hozo_add_member(ctx, o, m, j, n)   ((ctx)->host->add_member(ctx, o, m, j, n))
#define hozo_plan_work(ctx, w)             ((ctx)->host->plan_work(ctx, w))
#define hozo_plan_syscall(ctx, s)          ((ctx)->host->plan_syscall(ctx, s))
#define hozo_plan_env(ctx, e)              ((ctx)->host->plan_env(ctx, e))
#define hozo_plan_bind(ctx, b)             ((ctx)->host->plan_bind(ctx, b))
#define hozo_set_cgroup(ctx, c)            ((ctx)->host->cgroup(ctx, c))
#define hozo_late(ctx, name, type)         ((ctx)->host->late(ctx, name, type))
#define hozo_next_work(ctx, i, w)          ((ctx)->host->work(ctx, i, w))
#define hozo_late_set(ctx, name, v)        ((ctx)->host->late_set(ctx, name, v))
#define hozo_process(ctx, pid, pidfd)      ((ctx)->host->process(ctx, pid, pidfd))
#define hozo_namespace(ctx, type)          ((ctx)->host->namespace_of(ctx, type))
#define hozo_run(ctx, r)                   ((ctx)->host->run(ctx, r))
#define hozo_dlopen(ctx, library)          ((ctx)->host->dlopen(ctx, library))
#define hozo_state_set(ctx, json, size)    ((ctx)->host->state_set(ctx, json, size))
#define hozo_state_get(ctx, size)          ((ctx)->host->state_get(ctx, size))
#define hozo_state_find(ctx, at, path, f)  ((ctx)->host->state_find(ctx, at, path, f))
#define hozo_changed(ctx, at, path, found) ((ctx)->host->changed(ctx, at, path, found))
#define hozo_stats(ctx, member, json, n)   ((ctx)->host->stats(ctx, member, json, n))
#define hozo_plan_seccomp(ctx, s)          ((ctx)->host->plan_seccomp(ctx, s))
#define hozo_plan_label(ctx, l)            ((ctx)->host->plan_label(ctx, l))
#define hozo_plan_machine(ctx, m)          ((ctx)->host->plan_machine(ctx, m))
#define hozo_task(ctx)                     ((ctx)->host->task(ctx))
#define hozo_describe(ctx, status, pid)    ((ctx)->host->describe(ctx, status, pid))
#define hozo_cache_get(ctx, k, n, b, s)    ((ctx)->host->cache_get(ctx, k, n, b, s))
#define hozo_cache_put(ctx, k, n, b, s)    ((ctx)->host->cache_put(ctx, k, n, b, s))

#ifdef __cplusplus
}
#endif
#endif
