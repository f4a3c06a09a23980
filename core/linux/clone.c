/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/linux/image.h"

int plan_memfd(const struct plan_header *plan, struct error *err)
{
    int fd = sealed_memfd("hozo-plan", 0, plan, plan->size);

    return fd < 0 ? fail(err, errno, NULL, "memfd for the plan") : fd;
}

int times_open(struct times *x, const struct plan_header *plan, const struct trace *t,
               struct error *err)
{
    off_t size = (off_t)(SYNC_TIMES(plan->n_ops) * sizeof(struct sync_time));
    auto_close int fd = -1;

    if (!t)
        return 0;
    fd = memfd_create("hozo-times", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        return fail(err, errno, NULL, "memfd for the times of operations");
    times_begin(x, steal_fd(fd));
    return 0;
}

/* In the child, which has a descriptor table of its own but the parent's memory. */
struct child {
    const struct spawn *spawn;
    char numbers[48]; /* the word of hozo-init's command line */
    int errnum;       /* result: why it was not executed */
};

static void keep(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

/* What hozo-init is to have stays open, all else is close-on-exec: a plugin's library may have left
 * one that is not. Nobody returns from here, and AddressSanitizer would guard this frame, on a stack that is
 * the parent's, for ever. */
static void __attribute__((noreturn, noinline, no_sanitize_address)) execute(struct child *c)
{
    char *const argv[] = {(char *)"hozo-init", c->numbers, NULL}, *const envp[] = {NULL};
    const struct spawn *s = c->spawn;
    struct plan_slot *slots = plan_slots((struct plan_header *)s->plan);
    unsigned first = 3 + s->plan->preserve_fds;

    syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */);
    for (unsigned fd = 3; fd < first; fd++)
        keep((int)fd);
    for (uint32_t i = 0; i < s->plan->n_slots; i++)
        keep(slots[i].fd);
    keep(s->sync);
    keep(s->plan_fd);
    keep(s->times);
    syscall(SYS_execveat, s->image, "", argv, envp, AT_EMPTY_PATH);
    c->errnum = errno;
    _exit(127);
}

/*
 * clone3 in which the child shares memory with its waiting parent, as vfork does: nothing is copied. The
 * child goes on upon the same stack, so it must neither return nor write to this frame, which the parent
 * still needs: hence the system call is inline, and all that the child does is a function of its own.
 * Elsewhere the memory is copied, which is only slower.
 */
static __attribute__((noinline)) long clone3_vfork(struct clone_args *args, struct child *c)
{
    long r;

#if defined(__x86_64__)
    args->flags |= CLONE_VM | CLONE_VFORK;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = (long)sizeof *args;

    args->flags |= CLONE_VM | CLONE_VFORK;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    r = x0;
#else
    args->flags |= CLONE_VFORK;
    r = syscall(SYS_clone3, args, sizeof *args);
    if (r < 0)
        r = -errno;
#endif
    if (!r)
        execute(c);
    return r;
}

/* *refused: why the image was not executed, or 0. */
static pid_t spawn_once(const struct spawn *s, int *refused, struct error *err)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    struct child c = {.spawn = s};
    long pid;

    *refused = 0;
    snprintf(c.numbers, sizeof c.numbers, s->times < 0 ? "%d,%d" : "%d,%d,%d", s->sync, s->plan_fd,
             s->times);
    if (s->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)s->cgroup;
    }
    pid = clone3_vfork(&args, &c);
    if (pid < 0)
        return fail(err, (int)-pid, NULL, "clone3");
    if (c.errnum) {
        waitpid((pid_t)pid, NULL, 0);
        *refused = c.errnum;
        return fail(err, c.errnum, NULL, "execute hozo-init");
    }
    return (pid_t)pid;
}

/* Where a security module lets no memfd be executed (fapolicyd, IMA), a file of a tmpfs may be. */
pid_t spawn_stage(const struct spawn *s, struct error *err)
{
    auto_close int image = -1;
    struct spawn again = *s;
    char name[64];
    int refused;
    pid_t pid = spawn_once(s, &refused, err);

    if (pid > 0 || (refused != EACCES && refused != EPERM))
        return pid;
    if ((image = image_on_tmpfs(err)) < 0)
        return fail_prefix(err, "execute hozo-init: %s; tmpfs for it",
                           error_name(refused, name, sizeof name));
    again.image = image;
    return spawn_once(&again, &refused, err);
}
