/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/init/image.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int sealed(const char *name, unsigned flags, const void *bytes, size_t size)
{
    auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

    if (fd < 0 && flags && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return steal_fd(fd);
}

int init_image(struct error *err)
{
    int fd = sealed("hozo-init", MFD_EXEC, hozo_init_image, hozo_init_size);

    if (fd < 0)
        return fail(err, errno, NULL,
                    errno == EACCES ? "memfd for hozo-init: sysctl vm.memfd_noexec forbids it"
                                    : "memfd for hozo-init");
    return fd;
}

int plan_memfd(const struct plan_header *plan, struct error *err)
{
    int fd = sealed("hozo-plan", 0, plan, plan->size);

    return fd < 0 ? fail(err, errno, NULL, "memfd for the plan") : fd;
}

/*
 * clone3 in which the child shares memory with its waiting parent, as vfork does. The child comes back
 * on the same stack, so it must not return through a frame that the parent still needs: the system
 * call has to be inline. Elsewhere the memory is copied, which is only slower.
 */
static inline __attribute__((always_inline)) long clone3_vfork(struct clone_args *args)
{
#if defined(__x86_64__)
    long r = SYS_clone3;

    args->flags |= CLONE_VM | CLONE_VFORK;
    __asm__ volatile("syscall"
                     : "+a"(r)
                     : "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
    return r;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = (long)sizeof *args;

    args->flags |= CLONE_VM | CLONE_VFORK;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
#else
    long r;

    args->flags |= CLONE_VFORK;
    r = syscall(SYS_clone3, args, sizeof *args);
    return r < 0 ? -errno : r;
#endif
}

static void keep(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

/* In the child, which has a descriptor table of its own but the parent's memory: what hozo-init is to
 * have stays open, all else is close-on-exec. A plugin's library may have left one that is not. */
static void __attribute__((noreturn)) child(const struct spawn *s, char *numbers, int *errnum)
{
    char *const argv[] = {(char *)"hozo-init", numbers, NULL}, *const envp[] = {NULL};
    struct plan_slot *slots = plan_slots((struct plan_header *)s->plan);
    unsigned first = 3 + s->plan->preserve_fds;

    syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */);
    for (unsigned fd = 3; fd < first; fd++)
        keep((int)fd);
    for (uint32_t i = 0; i < s->plan->n_slots; i++)
        keep(slots[i].fd);
    keep(s->sync);
    keep(s->plan_fd);
    syscall(SYS_execveat, s->image, "", argv, envp, AT_EMPTY_PATH);
    *errnum = errno;
    _exit(127);
}

pid_t spawn_stage(const struct spawn *s, struct error *err)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    volatile int errnum = 0;
    char numbers[32];
    long pid;

    snprintf(numbers, sizeof numbers, "%d,%d", s->sync, s->plan_fd);
    if (s->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)s->cgroup;
    }
    pid = clone3_vfork(&args);
    if (!pid)
        child(s, numbers, (int *)&errnum);
    if (pid < 0)
        return fail(err, (int)-pid, NULL, "clone3");
    if (errnum)
        return fail(err, errnum, NULL, "execute hozo-init");
    return (pid_t)pid;
}
