/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of whole commands on Linux, and never installed: jails, devfs rules and interfaces of the simulated kernel,
 * which lives in the file that HOZO_SIMULATED names, for every hozo that maps it; processes, hooks, files and terminals
 * are real, by the code that runs on FreeBSD. A process that enters a jail is confined by chroot(2), nullfs is a bind
 * mount, and devfs has terminals of its own. HOZO_SIMULATED_FAIL=N: the N-th call of this execution fails.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"
#include "plugins/freebsd/simulated-file.h"

static struct world {
    struct posix posix; /* first: `self` of the posix calls */
    struct simulated_file *file;
} world = {.posix = {.channel = -1, .console = -1, .result = -1}};

/* --- one call at a time ------------------------------------------------------------------------- */

static struct simulated *enter(void)
{
    if (pthread_mutex_lock(&world.file->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&world.file->lock);
    return &world.file->kernel;
}

static int leave(int r)
{
    pthread_mutex_unlock(&world.file->lock);
    return r;
}

/* Of the simulated kernel, which counts its calls itself. */
#define KERNEL(call, ...) leave(simulated_os.call(enter(), ##__VA_ARGS__))

static bool fails(void)
{
    struct simulated *k = enter();
    bool now = ++k->calls == k->fail_at;

    leave(0);
    return now;
}

/* Of this host. */
#define HOST(call, ...) (fails() ? -EIO : call(&world.posix, ##__VA_ARGS__))

/* --- jails -------------------------------------------------------------------------------------- */

static int jail_create(void *self, const struct os_value *values, size_t n, char *message)
{
    (void)self;
    return KERNEL(jail_create, values, n, message);
}

static int jail_find(void *self, const char *name, char *path, size_t size)
{
    (void)self;
    return KERNEL(jail_find, name, path, size);
}

static int jail_children(void *self, int jid, int *current, int *maximum)
{
    (void)self;
    return KERNEL(jail_children, jid, current, maximum);
}

static int jail_allow_children(void *self, int jid, int maximum)
{
    (void)self;
    return KERNEL(jail_allow_children, jid, maximum);
}

static int jail_attach(void *self, int jid)
{
    struct simulated *k = enter();
    char path[256] = "";
    int r = -EINVAL;

    (void)self;
    for (size_t i = 0; i < SIMULATED_MAX; i++)
        if (k->jails[i].jid == jid)
            snprintf(path, sizeof(path), "%s", k->jails[i].path);
    for (size_t i = 0; *path && r < 0 && i < SIMULATED_MAX; i++)
        if (!k->processes[i].pid || kill(k->processes[i].pid, 0) < 0) {
            k->processes[i] = (struct simulated_process){.pid = getpid(), .jid = jid};
            r = 0;
        }
    leave(0);
    if (fails())
        return -EIO;
    return r < 0 ? r : answer(chroot(path) < 0 || chdir("/") < 0 ? -1 : 0);
}

/* Each is the first of a session of its own. */
static void signal_all(struct simulated *k, int jid, int signal)
{
    for (size_t i = 0; i < SIMULATED_MAX; i++)
        if (k->processes[i].pid && k->processes[i].jid == jid)
            kill(-k->processes[i].pid, signal);
}

static int jail_remove(void *self, int jid)
{
    struct simulated *k = enter();
    int r;

    (void)self;
    signal_all(k, jid, SIGKILL);
    r = simulated_os.jail_remove(k, jid);
    return leave(r);
}

static int kill_jail(void *self, int jid, int signal)
{
    struct simulated *k = enter();

    (void)self;
    signal_all(k, jid, signal);
    leave(0);
    return fails() ? -EIO : 0;
}

/* --- files and mounts --------------------------------------------------------------------------- */

static int make_directory(void *self, const char *path)
{
    (void)self;
    return HOST(file_make_directory, path);
}

static int remove_directory(void *self, const char *path)
{
    (void)self;
    return HOST(file_remove_directory, path);
}

static int is_directory(void *self, const char *path)
{
    (void)self;
    return HOST(file_is_directory, path);
}

static int real_path(void *self, const char *path, char *real, size_t size)
{
    (void)self;
    return HOST(file_real_path, path, real, size);
}

static int make_fifos(void *self, const char *directory)
{
    (void)self;
    return HOST(file_make_fifos, directory);
}

static int remove_fifos(void *self, const char *directory)
{
    (void)self;
    return HOST(file_remove_fifos, directory);
}

static int make_place(void *self, const char *root, const char *path, bool directory)
{
    (void)self;
    return HOST(file_make_place, root, path, directory);
}

static const char *option(const struct os_option *options, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(options[i].name, name))
            return options[i].value ? options[i].value : "";
    return NULL;
}

/* Of its own, and nothing of the host's: whoever removes what a test has left behind would remove that. */
static int mount_devices(const char *path)
{
    char name[PATH_MAX];

    if (mount("devfs", path, "tmpfs", MS_NOEXEC, "mode=755") < 0)
        return -1;
    snprintf(name, sizeof(name), "%s/null", path);
    if (mknod(name, S_IFCHR | 0666, makedev(1, 3)) < 0)
        return -1;
    snprintf(name, sizeof(name), "%s/ptmx", path);
    if (symlink("pts/ptmx", name) < 0)
        return -1;
    snprintf(name, sizeof(name), "%s/pts", path);
    return mkdir(name, 0755) < 0 ? -1
                                 : mount("devpts", name, "devpts", 0, "newinstance,ptmxmode=0666");
}

static int mount_really(const struct os_option *options, size_t n)
{
    const char *type = option(options, n, "fstype"), *path = option(options, n, "fspath");
    unsigned long ro = option(options, n, "ro") ? MS_RDONLY : 0;

    if (!strcmp(type, "tmpfs"))
        return mount("tmpfs", path, "tmpfs", ro, NULL);
    if (!strcmp(type, "procfs"))
        return mount("proc", path, "proc", ro, NULL);
    if (!strcmp(type, "devfs"))
        return mount_devices(path);
    if (strcmp(type, "nullfs") != 0)
        return 0;
    return mount(option(options, n, "target"), path, NULL, MS_BIND, NULL) < 0 ? -1
           : ro ? mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL)
                : 0;
}

static int nmount(void *self, const char *root, const char *path, const struct os_option *options,
                  size_t n)
{
    int r = KERNEL(nmount, root, path, options, n);

    (void)self;
    return r < 0 ? r : answer(mount_really(options, n));
}

static int unmount(void *self, const char *path)
{
    int r = KERNEL(unmount, path);

    (void)self;
    if (r >= 0)
        umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    return r;
}

static int devfs_rule(void *self, const char *mountpoint, const char *node, int mode)
{
    (void)self;
    return KERNEL(devfs_rule, mountpoint, node, mode);
}

/* --- interfaces --------------------------------------------------------------------------------- */

static int has_address(void *self, const char *interface, const char *address, bool ip6)
{
    (void)self;
    return KERNEL(has_address, interface, address, ip6);
}

static int add_address(void *self, const char *interface, const char *address, bool ip6)
{
    (void)self;
    return KERNEL(add_address, interface, address, ip6);
}

static int remove_address(void *self, const char *interface, const char *address, bool ip6)
{
    (void)self;
    return KERNEL(remove_address, interface, address, ip6);
}

static int move_in(void *self, const char *interface, int jid)
{
    (void)self;
    return KERNEL(move_in, interface, jid);
}

static int move_back(void *self, const char *interface, int jid)
{
    (void)self;
    return KERNEL(move_back, interface, jid);
}

/* --- processes ---------------------------------------------------------------------------------- */

static int spawn(void *self, const struct os_child *child)
{
    (void)self;
    return HOST(child_spawn, child);
}

static int proceed(void *self, int pid, int *console)
{
    (void)self;
    *console = -1;
    return HOST(child_proceed, pid, console);
}

static int start(void *self, const char *fifos)
{
    (void)self;
    return HOST(child_start, fifos);
}

static int waits(void *self, const char *fifos)
{
    (void)self;
    return HOST(child_waits, fifos);
}

static int look_at(void *self, int pid, uint64_t *when)
{
    char path[40], line[512] = "", *rest, state;
    unsigned long long ticks;
    FILE *f;

    (void)self;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!(f = fopen(path, "re")))
        return -ESRCH;
    rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    fclose(f);
    if (!rest ||
        sscanf(rest + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &ticks) != 2 ||
        state == 'Z' || state == 'X')
        return -ESRCH;
    *when = ticks;
    return 0;
}

static int born(void *self, int pid, uint64_t *when)
{
    (void)self;
    return HOST(look_at, pid, when);
}

static int kill_one(void *self, int pid, int signal)
{
    (void)self;
    return HOST(child_kill, pid, signal);
}

static int hook(void *self, const struct os_hook *h)
{
    (void)self;
    return HOST(child_hook, h);
}

/* --- of the calling process --------------------------------------------------------------------- */

static int open_terminal(void *self, uint64_t width, uint64_t height, uint32_t uid)
{
    (void)self;
    return HOST(self_open_terminal, width, height, uid);
}

/* Its numbers are FreeBSD's. */
static int set_limit(void *self, int resource, uint64_t soft, uint64_t hard)
{
    static const int numbers[] = {0, 1, 2, 3, 4, 5, 8, 6, 7, -1, 9};

    (void)self;
    return HOST(self_set_limit, numbers[resource], soft, hard);
}

static int change_directory(void *self, const char *path)
{
    (void)self;
    return HOST(self_change_directory, path);
}

static int set_umask(void *self, int mask)
{
    (void)self;
    return HOST(self_set_umask, mask);
}

static int set_user(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
    (void)self;
    return HOST(self_set_user, uid, gid, groups, n);
}

static int set_no_new_privileges(void *self)
{
    (void)self;
    return answer(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static int no_new_privileges(void *self)
{
    (void)self;
    return HOST(set_no_new_privileges);
}

static int execute(void *self, const char *const *args, const char *const *env)
{
    (void)self;
    return HOST(self_execute, args, env);
}

static const struct os host = {
    .jail_create = jail_create,
    .jail_find = jail_find,
    .jail_children = jail_children,
    .jail_allow_children = jail_allow_children,
    .jail_attach = jail_attach,
    .jail_remove = jail_remove,
    .make_directory = make_directory,
    .remove_directory = remove_directory,
    .is_directory = is_directory,
    .real_path = real_path,
    .make_fifos = make_fifos,
    .remove_fifos = remove_fifos,
    .make_place = make_place,
    .nmount = nmount,
    .unmount = unmount,
    .devfs_rule = devfs_rule,
    .has_address = has_address,
    .add_address = add_address,
    .remove_address = remove_address,
    .move_in = move_in,
    .move_back = move_back,
    .spawn = spawn,
    .proceed = proceed,
    .start = start,
    .waits = waits,
    .born = born,
    .kill = kill_one,
    .kill_jail = kill_jail,
    .hook = hook,
    .open_terminal = open_terminal,
    .set_limit = set_limit,
    .change_directory = change_directory,
    .set_umask = set_umask,
    .set_user = set_user,
    .no_new_privileges = no_new_privileges,
    .execute = execute,
};

/* A process of the container has it as it was mapped: the file may be out of its sight. */
const struct os *os_here(void **self)
{
    const char *path = getenv("HOZO_SIMULATED"), *fail = getenv("HOZO_SIMULATED_FAIL");

    if (!world.file) {
        if (!path || !(world.file = simulated_map(path)))
            return NULL;
        world.file->kernel.calls = 0;
        world.file->kernel.fail_at = fail ? atoi(fail) : 0;
    }
    *self = &world;
    return &host;
}
