/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether KVM runs a guest here. That /dev/kvm can be opened does not say so, nor that a guest runs: there are hosts,
 * virtual machines themselves, where KVM emulates each instruction of a guest that is not made for it, which is far slower
 * than QEMU's translator. So a guest that counts is run, in a child that is killed when it takes too long. That it works
 * is kept until the host boots again; that it does not, only for a while, since a host that was too busy says so, too.
 */
#include "plugins/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_MS 250

#if defined(__x86_64__)

#define PAGE 4096

/* A million times round is a millisecond for a processor, and seconds for who emulates one. */
/* clang-format off */
static const unsigned char code[] = { /* in real mode, at address 0 */
    0x66, 0xb9, 0x40, 0x42, 0x0f, 0x00, /* mov $1000000, %ecx */
    0x66, 0x49,                         /* again: dec %ecx */
    0x75, 0xfc,                         /* jnz again */
    0xb0, 'K',                          /* mov $'K', %al */
    0xe6, 0x10,                         /* out %al, $0x10 */
    0xf4,                               /* hlt */
};
/* clang-format on */

/* Segments begin at 0 by the base, which is elsewhere after a reset. */
static bool set_registers(int vcpu)
{
    struct kvm_regs regs = {.rip = 0, .rflags = 2};
    struct kvm_sregs sregs;

    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
        return false;
    sregs.cs.base = sregs.cs.selector = 0;
    return !ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs);
}

static bool runs(int vcpu, const struct kvm_run *run)
{
    if (ioctl(vcpu, KVM_RUN, 0) < 0 || run->exit_reason != KVM_EXIT_IO || run->io.port != 0x10 ||
        ((const char *)run)[run->io.data_offset] != 'K')
        return false;
    return !ioctl(vcpu, KVM_RUN, 0) && run->exit_reason == KVM_EXIT_HLT;
}

static bool run_guest(int kvm)
{
    int machine = ioctl(kvm, KVM_CREATE_VM, 0);
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region memory = {.memory_size = PAGE,
                                                 .userspace_addr = (uintptr_t)page};
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), vcpu;
    struct kvm_run *run;

    if (machine < 0 || size < 0 || page == MAP_FAILED)
        return false;
    memcpy(page, code, sizeof(code));
    if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &memory) < 0 ||
        (vcpu = ioctl(machine, KVM_CREATE_VCPU, 0)) < 0 || !set_registers(vcpu))
        return false;
    run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    return run != MAP_FAILED && runs(vcpu, run);
}

#else

/* Elsewhere such a guest would need more than this: a machine and a processor are made. */
static bool run_guest(int kvm)
{
    int machine = ioctl(kvm, KVM_CREATE_VM, 0);

    return machine >= 0 && ioctl(machine, KVM_CREATE_VCPU, 0) >= 0;
}

#endif

static void __attribute__((noreturn)) child(int kvm)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(!(ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION && run_guest(kvm)));
}

/* Ends the child when its time is over. What even then does not end is left behind: it is stuck in the kernel. */
static bool succeeds(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = -1;
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    bool ended = pidfd >= 0 && poll(&p, 1, PATIENCE_MS) > 0;

    if (!ended) {
        kill(pid, SIGKILL);
        ended = pidfd < 0 || poll(&p, 1, PATIENCE_MS) > 0;
    }
    if (pidfd >= 0)
        close(pidfd);
    return waitpid(pid, &status, ended ? 0 : WNOHANG) == pid && !status;
}

static bool try_guest(void)
{
    auto_close int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    pid_t pid = kvm < 0 ? -1 : fork();

    if (!pid)
        child(kvm);
    return pid > 0 && succeeds(pid);
}

static size_t read_boot(char *text, size_t size)
{
    auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size);

    return n < 0 ? 0 : (size_t)n;
}

#define NO_SECONDS 600

bool kvm_answer_holds(bool works, uint64_t age)
{
    return works || age < NO_SECONDS;
}

static uint64_t seconds_of_boot(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec;
}

struct answer {
    uint64_t works, at; /* seconds since the host has booted */
};

bool kvm_works(struct hozo_ctx *ctx)
{
    struct answer answer = {.at = seconds_of_boot()}, before;
    char key[64] = "kvm ";
    const void *kept;
    size_t length, size;

    if (access("/dev/kvm", R_OK | W_OK) < 0)
        return false;
    length = 4 + read_boot(key + 4, sizeof(key) - 4);
    if (hozo_cache_get(ctx, key, length, &kept, &size) > 0 && size == sizeof(before)) {
        memcpy(&before, kept, size);
        if (kvm_answer_holds(before.works, answer.at - before.at))
            return before.works;
    }
    answer.works = try_guest();
    if (length > 4)
        hozo_cache_put(ctx, key, length, &answer, sizeof(answer));
    return answer.works;
}

/* --- clocks -------------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#define MEASURE_NS 1000000

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t tsc_measure(void)
{
    uint64_t from = now_ns(), first = __builtin_ia32_rdtsc(), to, ticks;

    while ((to = now_ns()) < from + MEASURE_NS)
        ;
    ticks = __builtin_ia32_rdtsc() - first;
    return ticks * 1000000 / (to - from);
}

#else

uint64_t tsc_measure(void)
{
    return 0;
}

#endif
