/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo-init: executes a plan. First as the stage process, in the runtime's namespaces; from the
 * operation `clone` on as the inside process; last, by execve, as the user program.
 *
 * An operation is a function that returns 0, or -1 with errno set; before each system call that can
 * fail it notes in `step` what it is about to do.
 */
#ifndef CORE_INIT_INTERPRETER_H
#define CORE_INIT_INTERPRETER_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plan.h"
#include "core/sync.h"

struct interpreter {
    struct plan_header *plan;
    const struct plan_op *op; /* the one that is being executed */
    enum plan_step step;
    int sync;       /* -1 once the runtime has been told that all is set up */
    int result;     /* FIFO that takes failures from then on, or -1 */
    bool directory; /* the working directory has been reached */
    char *program;  /* what find-exec found */
    char *home;     /* late value */
    struct {        /* the directory of the node or link that was made last; NULL: none */
        const char *path;
        size_t length;
        uint64_t root;
        int fd;
    } parent;
    struct label { /* what execve is to take, written directly before it */
        int fd;
        const struct plan_op *op;
    } labels[4];
    unsigned n_labels;
    char **args, **env; /* of the program, once they are complete */
    struct run *hooks;  /* those that run under a filter; the last has no operation */
    int blank;         /* read-only tmpfs of the masked directories, or -1 */
    uint64_t joined;   /* CLONE_NEW* */
    uint64_t files;    /* the soft limit of descriptors, while it is raised; 0: it is not */
    bool keeps_groups; /* the user namespace forbids setgroups(2) */
    bool traceable;
    bool filtered; /* a seccomp filter is in force, or about to be */
    pid_t pid;     /* while one is: that of this process, in its own namespace */
    bool inside; /* the inside process, or still the stage process */
    struct sync_time *times; /* --trace: see core/sync.h; NULL: nobody wants to know */
};

typedef int operation(struct interpreter *in, const struct plan_op *op);

operation op_oom_score, op_join, op_traceable, op_unshare, op_clone, op_close, op_session,
    op_keyring, op_tree, op_root, op_attach_root, op_place, op_source, op_idmap, op_mount, op_bind,
    op_bind_tree, op_remount, op_mkdir, op_symlink, op_mknod, op_bind_node, op_console, op_pivot,
    op_move_root, op_write, op_hostname, op_domainname, op_mask, op_readonly, op_root_attr,
    op_umask, op_chown_stdio, op_personality, op_home, op_syscall, op_no_new_privs, op_bounding,
    op_chdir, op_ids, op_capabilities, op_own_procfs, op_label, op_label_root, op_seccomp, op_find_exec, op_report, op_wait_start, op_exec, op_hook,
    op_empty_root, op_machine, op_visit;

/* Executes the whole plan; returns only on failure, which it has reported. */
int interpret(struct interpreter *in);

/* Executes the phase `sources` and sends what it made. */
int help(struct interpreter *in);

/* --- the conversation ------------------------------------------------------------------------- */

int sync_send(struct interpreter *in, enum sync_type type, uint32_t value);
int sync_send_fd(struct interpreter *in, enum sync_type type, uint32_t value, int fd);
/* Takes the slots that come before it. */
int sync_wait_go(struct interpreter *in);
/* The same where nothing comes before it, with read(2) alone. */
int sync_read_go(struct interpreter *in);
/* Tells the runtime, or whoever starts the container, which operation failed and how. */
void sync_fail(struct interpreter *in, int errnum);

/* --- times -------------------------------------------------------------------------------------- */

/* Of an operation; NULL: of the inside process's wait to be let go. */
void time_begin(const struct interpreter *in, const struct plan_op *op);
void time_end(const struct interpreter *in, const struct plan_op *op);

/* --- under a seccomp filter --------------------------------------------------------------------- */

/* Arguments and environment of the user program, which need memory and the process's number. */
int program_prepare(struct interpreter *in);
/* The end, also where a filter refuses the call. */
_Noreturn static inline void leave(int status)
{
    syscall(SYS_exit_group, status);
    __builtin_trap();
}

/* The hooks that come behind the filter. */
int hooks_prepare(struct interpreter *in);
int labels_write(struct interpreter *in);

/* A file below `dir`, over no link and no other mount, to be written, in a file system of this type. */
int file_open(struct interpreter *in, int dir, const char *path, uint64_t magic);

/* --- arguments -------------------------------------------------------------------------------- */

/* The descriptor of a slot. One that is still empty at the slot `root` of a joining process is "/". */
int slot_fd(struct interpreter *in, uint64_t slot);
/* A mount may have changed what the path of that directory means. */
void forget_parent(struct interpreter *in);

void slot_fill(struct interpreter *in, uint64_t slot, int fd);

/* Closes the slots that no operation from here on reads. */
void slots_spend(struct interpreter *in);

/* A template with its late values, in memory of its own; NULL: errno. */
char *expand(const struct interpreter *in, const char *template);

/* The argument of an operation that may be a template: the plan's own text where it holds no late value. NULL
 * if it is absent, or as expand(). */
const char *text(const struct interpreter *in, uint64_t template);

/* A list as a NULL-terminated vector: of the plan's strings, or of expanded copies. */
char **vector(const struct interpreter *in, uint64_t list, bool templates);

/* The kernel takes (uid_t)-1 as "leave it as it is", which is root; and what is wider must not wrap to 0. */
static inline bool id_ok(uint64_t id)
{
    return id < UINT32_MAX;
}

/* Returns -1 with errno set. */
static inline int refuse(int errnum)
{
    errno = errnum;
    return -1;
}

#endif
