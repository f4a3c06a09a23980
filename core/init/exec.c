/* SPDX-License-Identifier: Apache-2.0 */
/* From "all is set up" to the user program. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/init/interpreter.h"
#include "core/init/kernel.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#ifndef SYS_faccessat2 /* Linux 5.8 */
#define SYS_faccessat2 439
#endif

/* A filter may be in force already, made when this call was not: then the older one, whose ids are the same by now. */
static int may_execute(const char *path)
{
    int r = (int)syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);

    return r < 0 && (errno == ENOSYS || errno == EPERM)
               ? (int)syscall(SYS_faccessat, AT_FDCWD, path, X_OK)
               : r;
}

static int check_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        return refuse(EISDIR);
    if (!S_ISREG(st.st_mode))
        return refuse(EACCES);
    return may_execute(path);
}

/* execvp(3): what may not be executed is remembered, what is not there is passed over. */
static int search(struct interpreter *in, const char *file, const char *path)
{
    int worst = ENOENT;

    /* An empty element is the working directory, also behind the last colon; an empty list holds none. */
    for (const char *end = path; *path || (end != path && end[0] == ':');
         path = *end ? end + 1 : end) {
        size_t n = strcspn(path, ":"), length = strlen(file);
        char *full = malloc(n + length + 3);

        end = path + n;
        if (!full)
            return -1;
        memcpy(full, n ? path : ".", n ? n : 1);
        full[n ? n : 1] = '/';
        memcpy(full + (n ? n : 1) + 1, file, length + 1);
        if (!check_program(full)) {
            in->program = full;
            return 0;
        }
        if (errno == EACCES)
            worst = EACCES;
        free(full);
    }
    return refuse(worst);
}

/* With the user's credentials, and before the runtime is told that all is well. */
int op_find_exec(struct interpreter *in, const struct plan_op *op)
{
    const char *file = plan_string(in->plan, op->arg[0]), *path = plan_string(in->plan, op->arg[1]);

    if (!file || !*file)
        return refuse(ENOENT);
    if (!strchr(file, '/'))
        return search(in, file, path ? path : DEFAULT_PATH);
    if (check_program(file) < 0) {
        if (errno != EISDIR)
            return -1;
        /* The errno of execve(2), by which engines know exit status 126. */
        in->step = STEP_DIRECTORY;
        return refuse(EACCES);
    }
    in->program = strdup(file);
    return in->program ? 0 : -1;
}

/* From here on the runtime may go: this process must not go with it. */
int op_report(struct interpreter *in, const struct plan_op *op)
{
    (void)op;
    in->step = STEP_PRCTL;
    if (!in->filtered && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
        return -1;
    return sync_send(in, SYNC_CREATED, 0);
}

/* While it waits, the process holds its streams and the two FIFOs. */
static void close_others(struct interpreter *in, int start)
{
    cleanup_close(&in->sync);
    cleanup_close(&in->blank);
    in->sync = in->blank = -1;
    for (uint32_t i = 0; i < in->plan->n_slots; i++) {
        int fd = plan_slots(in->plan)[i].fd;

        if (fd != start && fd != in->result)
            cleanup_close(&fd);
    }
}

int op_wait_start(struct interpreter *in, const struct plan_op *op)
{
    int start = slot_fd(in, op->arg[0]);
    ssize_t n;
    char byte;

    in->result = slot_fd(in, op->arg[1]);
    close_others(in, start);
    while ((n = read(start, &byte, 1)) < 0 && errno == EINTR)
        ;
    close(start);
    return n == 1 ? 0 : n < 0 ? -1 : refuse(EPIPE);
}

int program_prepare(struct interpreter *in)
{
    in->step = STEP_MEMORY;
    plan_for_each (op, in->plan)
        if (op->kind == OP_EXEC && !in->args) {
            in->args = vector(in, op->arg[0], false);
            in->env = vector(in, op->arg[1], true);
        }
    return in->args && in->env ? 0 : -1;
}

int op_exec(struct interpreter *in, const struct plan_op *op)
{
    const char executing = START_EXECUTING;

    (void)op;
    if (program_prepare(in) < 0)
        return -1;
    in->step = STEP_EXECVE;
    if (!in->program)
        return refuse(ENOENT);
    if (labels_write(in) < 0)
        return -1;
    in->step = STEP_WRITE;
    if (in->result >= 0 && write(in->result, &executing, 1) != 1)
        return -1;
    in->step = STEP_EXECVE;
    return execve(in->program, in->args, in->env);
}
