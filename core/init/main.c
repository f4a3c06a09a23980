/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-init: from the start of the program to the first operation. */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/init/interpreter.h"

#define CLOSE_RANGE_CLOEXEC_ (1U << 2) /* Linux 5.11 */

static int number(const char **s)
{
    int n = 0;

    while (**s >= '0' && **s <= '9')
        n = n * 10 + (*(*s)++ - '0');
    return n;
}

/* Private and writable: the slots are filled here. */
static struct plan_header *map_plan(int fd)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)PLAN_SIZE_MAX)
        return NULL;
    at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED || plan_check(at, (size_t)st.st_size, NULL) < 0)
        return NULL;
    return at;
}

static struct sync_time *map_times(int fd, uint32_t n_ops)
{
    void *at = mmap(NULL, SYNC_TIMES(n_ops) * sizeof(struct sync_time), PROT_READ | PROT_WRITE,
                    MAP_SHARED, fd, 0);

    close(fd);
    return at == MAP_FAILED ? NULL : at;
}

/* Engines start runtimes with signals ignored or blocked; their containers should not inherit that. */
static void reset_signals(void)
{
    static const unsigned char
        action[64]; /* SIG_DFL, no flags, no mask: all zero in every layout */
    const unsigned char none[8] = {0};

    for (int s = 1; s <= 64; s++)
        if (s != SIGKILL && s != SIGSTOP)
            syscall(SYS_rt_sigaction, s, action, NULL, sizeof none);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, sizeof none);
}

/* A descriptor below these would go on to the user program; one that is no descriptor at all could be
 * AT_FDCWD, the host's directory. */
static bool descriptors_ok(const struct plan_header *plan, int sync)
{
    if (plan->preserve_fds > INT_MAX - 3 || sync < 3 + (int)plan->preserve_fds)
        return false;
    for (uint32_t i = 0; i < plan->n_slots; i++) {
        int fd = plan_slots((struct plan_header *)plan)[i].fd;

        if (fd != -1 && fd < 3 + (int)plan->preserve_fds)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct interpreter in = {.sync = -1, .result = -1, .blank = -1};
    const char *numbers;
    int plan;

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (argc != 2)
        return 1;
    numbers = argv[1];
    in.sync = number(&numbers);
    if (*numbers++ != ',')
        return 1;
    plan = number(&numbers);
    if (!(in.plan = map_plan(plan)) || !descriptors_ok(in.plan, in.sync))
        return 1;
    if (*numbers++ == ',' && !(in.times = map_times(number(&numbers), in.plan->n_ops)))
        return 1;
    if (syscall(SYS_close_range, 3 + in.plan->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC_) < 0)
        return 1;
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (in.plan->flags & PLAN_ATTACH_STAGE)
        sync_wait_go(&in);
    if (in.plan->flags & PLAN_HELPER)
        return help(&in) < 0;
    interpret(&in);
    leave(1);
}
