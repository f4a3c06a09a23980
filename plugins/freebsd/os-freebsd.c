/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of FreeBSD. The only file that knows them: it is compiled for FreeBSD alone (14 or later, for mounts of
 * nullfs over files), and has never been run there.
 */
#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/jail.h>
#include <sys/mount.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/in_var.h>
#include <netinet6/in6_var.h>
#include <netinet6/nd6.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fs/devfs/devfs.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugins/freebsd/native.h"

#define VALUES_MAX 64
#define GROUPS_MAX 1024

extern char **environ;

static int answer(int r)
{
    return r < 0 ? -errno : r;
}

/* --- vectors ------------------------------------------------------------------------------------ */

/* Names and values alternate, for jail_set(2), jail_get(2) and nmount(2) alike. */
struct vector {
    struct iovec at[2 * VALUES_MAX];
    unsigned n;
};

static void put(struct vector *v, const void *bytes, size_t size)
{
    if (v->n < 2 * VALUES_MAX)
        v->at[v->n] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    v->n++;
}

static void put_value(struct vector *v, const char *name, const void *bytes, size_t size)
{
    put(v, name, strlen(name) + 1);
    put(v, bytes, size);
}

static bool is_full(const struct vector *v)
{
    return v->n > 2 * VALUES_MAX;
}

/* --- jails -------------------------------------------------------------------------------------- */

static int jail_create(void *self, const struct os_value *values, size_t n, char *message)
{
    struct vector v = {.n = 0};

    (void)self;
    for (size_t i = 0; i < n; i++)
        put_value(&v, values[i].name, values[i].bytes, values[i].size);
    message[0] = '\0';
    put_value(&v, "errmsg", message, OS_ERROR_SIZE);
    return is_full(&v) ? -E2BIG : answer(jail_set(v.at, v.n, JAIL_CREATE));
}

static int jail_find(void *self, const char *name, char *path, size_t size)
{
    struct vector v = {.n = 0};

    (void)self;
    put_value(&v, "name", name, strlen(name) + 1);
    if (path)
        put_value(&v, "path", path, size);
    return answer(jail_get(v.at, v.n, 0));
}

static int jail_children(void *self, int jid, int *current, int *maximum)
{
    struct vector v = {.n = 0};

    (void)self;
    put_value(&v, "jid", &jid, sizeof(jid));
    put_value(&v, "children.cur", current, sizeof(*current));
    put_value(&v, "children.max", maximum, sizeof(*maximum));
    return answer(jail_get(v.at, v.n, 0));
}

static int jail_allow_children(void *self, int jid, int maximum)
{
    struct vector v = {.n = 0};

    (void)self;
    put_value(&v, "jid", &jid, sizeof(jid));
    put_value(&v, "children.max", &maximum, sizeof(maximum));
    return answer(jail_set(v.at, v.n, JAIL_UPDATE));
}

static int attach(void *self, int jid)
{
    (void)self;
    return answer(jail_attach(jid));
}

static int remove_jail(void *self, int jid)
{
    (void)self;
    return answer(jail_remove(jid));
}

/* --- files -------------------------------------------------------------------------------------- */

static int make_directory(void *self, const char *path)
{
    char copy[PATH_MAX];

    (void)self;
    if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy))
        return -ENAMETOOLONG;
    for (char *s = strchr(copy + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            return -errno;
        *s = '/';
    }
    return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int remove_directory(void *self, const char *path)
{
    (void)self;
    return answer(rmdir(path));
}

static int is_directory(void *self, const char *path)
{
    struct stat st;

    (void)self;
    return stat(path, &st) < 0 ? -errno : S_ISDIR(st.st_mode);
}

static int make_fifo(void *self, const char *path)
{
    (void)self;
    return answer(mkfifo(path, 0600));
}

static int remove_file(void *self, const char *path)
{
    (void)self;
    return answer(unlink(path));
}

/* open(2): O_NOFOLLOW meets a link with EMLINK here. */
static int open_beneath(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0644);

    return fd < 0 ? (errno == EMLINK ? -ELOOP : -errno) : fd;
}

static int step_down(int dir, const char *name, bool directory)
{
    int fd;

    if (!directory)
        return open_beneath(dir, name, O_RDONLY | O_CREAT);
    fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
    if (fd != -ENOENT)
        return fd;
    if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    return open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
}

static int make_place(void *self, const char *root, const char *path, bool directory)
{
    char copy[PATH_MAX], *rest = copy, *name;
    int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)self;
    if (at < 0)
        return -errno;
    if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
        close(at);
        return -ENAMETOOLONG;
    }
    while (at >= 0 && (name = strsep(&rest, "/"))) {
        int above = at;

        if (!*name)
            continue;
        at = step_down(above, name, rest || directory);
        close(above);
    }
    if (at < 0)
        return at;
    close(at);
    return 0;
}

static int mount_it(void *self, const struct os_option *options, size_t n)
{
    struct vector v = {.n = 0};

    (void)self;
    for (size_t i = 0; i < n; i++)
        put_value(&v, options[i].name, options[i].value,
                  options[i].value ? strlen(options[i].value) + 1 : 0);
    return is_full(&v) ? -E2BIG : answer(nmount(v.at, v.n, 0));
}

static int unmount_it(void *self, const char *path)
{
    (void)self;
    return answer(unmount(path, MNT_FORCE));
}

static int devfs_rule(void *self, const char *mountpoint, const char *node, int mode)
{
    struct devfs_rule rule = {.dr_magic = DEVFS_MAGIC,
                              .dr_icond = DRC_PATHPTRN,
                              .dr_iacts = DRA_BACTS,
                              .dr_bacts = DRB_UNHIDE};
    int fd, r;

    (void)self;
    if (strlcpy(rule.dr_pathptrn, node, sizeof(rule.dr_pathptrn)) >= sizeof(rule.dr_pathptrn))
        return -ENAMETOOLONG;
    if (mode >= 0) {
        rule.dr_iacts |= DRA_MODE;
        rule.dr_mode = (mode_t)mode;
    }
    if ((fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -errno;
    r = answer(ioctl(fd, DEVFSIO_RAPPLY, &rule));
    close(fd);
    return r;
}

/* --- interfaces --------------------------------------------------------------------------------- */

static bool same_address(const struct sockaddr *a, const void *address, bool ip6)
{
    if (!a || a->sa_family != (ip6 ? AF_INET6 : AF_INET))
        return false;
    return ip6 ? !memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, address,
                         sizeof(struct in6_addr))
               : !memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr, address,
                         sizeof(struct in_addr));
}

static int has_address(void *self, const char *interface, const char *address, bool ip6)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    struct ifaddrs *all;
    int found = 0;

    (void)self;
    if (!if_nametoindex(interface))
        return -ENXIO;
    if (inet_pton(ip6 ? AF_INET6 : AF_INET, address, bytes) != 1)
        return -EINVAL;
    if (getifaddrs(&all) < 0)
        return -errno;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (!strcmp(i->ifa_name, interface) && same_address(i->ifa_addr, bytes, ip6))
            found = 1;
    freeifaddrs(all);
    return found;
}

static int request(int family, unsigned long what, void *argument)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    r = answer(ioctl(fd, what, argument));
    close(fd);
    return r;
}

static struct sockaddr_in ip4_address(const char *text)
{
    struct sockaddr_in a = {.sin_len = sizeof(a), .sin_family = AF_INET};

    inet_pton(AF_INET, text, &a.sin_addr);
    return a;
}

static struct sockaddr_in6 ip6_address(const char *text)
{
    struct sockaddr_in6 a = {.sin6_len = sizeof(a), .sin6_family = AF_INET6};

    inet_pton(AF_INET6, text, &a.sin6_addr);
    return a;
}

static int add_ip4(const char *interface, const char *address)
{
    struct in_aliasreq alias = {.ifra_addr = ip4_address(address),
                                .ifra_mask = ip4_address("255.255.255.255")};

    strlcpy(alias.ifra_name, interface, sizeof(alias.ifra_name));
    return request(AF_INET, SIOCAIFADDR, &alias);
}

static int add_ip6(const char *interface, const char *address)
{
    struct in6_aliasreq alias = {.ifra_addr = ip6_address(address),
                                 .ifra_prefixmask =
                                     ip6_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                                 .ifra_lifetime = {.ia6t_vltime = ND6_INFINITE_LIFETIME,
                                                   .ia6t_pltime = ND6_INFINITE_LIFETIME}};

    strlcpy(alias.ifra_name, interface, sizeof(alias.ifra_name));
    return request(AF_INET6, SIOCAIFADDR_IN6, &alias);
}

static int add_address(void *self, const char *interface, const char *address, bool ip6)
{
    (void)self;
    return ip6 ? add_ip6(interface, address) : add_ip4(interface, address);
}

static int remove_address(void *self, const char *interface, const char *address, bool ip6)
{
    struct in6_ifreq six = {.ifr_name = ""};
    struct ifreq four = {.ifr_name = ""};
    struct sockaddr_in a = ip4_address(address);

    (void)self;
    if (ip6) {
        strlcpy(six.ifr_name, interface, sizeof(six.ifr_name));
        six.ifr_addr = ip6_address(address);
        return request(AF_INET6, SIOCDIFADDR_IN6, &six);
    }
    strlcpy(four.ifr_name, interface, sizeof(four.ifr_name));
    memcpy(&four.ifr_addr, &a, sizeof(a));
    return request(AF_INET, SIOCDIFADDR, &four);
}

static int move(const char *interface, int jid, unsigned long what)
{
    struct ifreq r = {.ifr_name = ""};

    strlcpy(r.ifr_name, interface, sizeof(r.ifr_name));
    r.ifr_jid = jid;
    return request(AF_INET, what, &r);
}

static int move_in(void *self, const char *interface, int jid)
{
    (void)self;
    return move(interface, jid, SIOCSIFVNET);
}

static int move_back(void *self, const char *interface, int jid)
{
    (void)self;
    return move(interface, jid, SIOCSIFRVNET);
}

/* --- processes ---------------------------------------------------------------------------------- */

static bool transfer_in(int fd, void *bytes, size_t size)
{
    ssize_t n;

    do
        n = read(fd, bytes, size);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

/* Whatever happens: it does not return into what its parent did. */
static _Noreturn void be_child(const struct os_child *child, int channel)
{
    int fifo = child->fifo ? open(child->fifo, O_RDWR | O_CLOEXEC) : -1, result;
    char byte;

    /* Without a word from the parent, which has ended, there is no container. */
    if (!transfer_in(channel, &byte, 1))
        _exit(1);
    result = child->fifo && fifo < 0 ? -EIO : child->enter(child->argument);
    if (write(channel, &result, sizeof(result)) != sizeof(result) || result < 0)
        _exit(1);
    close(channel);
    if (fifo >= 0 && !transfer_in(fifo, &byte, 1))
        _exit(1);
    child->execute(child->argument);
    _exit(127);
}

static int spawn(void *self, const struct os_child *child)
{
    struct native *n = self;
    int pair[2], pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        be_child(child, pair[1]);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return -errno;
    }
    n->channel = pair[0];
    return pid;
}

static int proceed(void *self, int pid)
{
    struct native *n = self;
    int result = -ESRCH;

    if (send(n->channel, "", 1, MSG_NOSIGNAL) != 1 ||
        !transfer_in(n->channel, &result, sizeof(result)))
        result = -ESRCH;
    close(n->channel);
    n->channel = -1;
    if (result < 0)
        waitpid(pid, NULL, 0);
    return result;
}

static int start(void *self, const char *path)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), r;

    (void)self;
    if (fd < 0)
        return -errno;
    r = write(fd, "", 1) == 1 ? 0 : -errno;
    close(fd);
    return r;
}

static int born(void *self, int pid, uint64_t *when)
{
    const int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
    struct kinfo_proc info;
    size_t size = sizeof(info);

    (void)self;
    if (sysctl(name, 4, &info, &size, NULL, 0) < 0)
        return -errno;
    if (size < sizeof(info) || info.ki_stat == SZOMB)
        return -ESRCH;
    *when = (uint64_t)info.ki_start.tv_sec * 1000000 + (uint64_t)info.ki_start.tv_usec;
    return 0;
}

static int kill_one(void *self, int pid, int signal)
{
    (void)self;
    return answer(kill(pid, signal));
}

/* From inside, -1 is all of the jail and nobody else. */
static int kill_jail(void *self, int jid, int signal)
{
    int pid = fork(), status;

    (void)self;
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (jail_attach(jid) < 0)
            _exit(errno);
        _exit(kill(-1, signal) < 0 && errno != ESRCH ? errno : 0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

/* --- hooks -------------------------------------------------------------------------------------- */

static _Noreturn void be_hook(const struct os_hook *h, int input)
{
    static char *const none[] = {NULL};
    const char *const fallback[] = {h->program, NULL};
    const char *const *args = h->args && h->args[0] ? h->args : fallback;

    setpgid(0, 0);
    if (dup2(input, 0) < 0 || (h->directory && chdir(h->directory) < 0))
        _exit(127);
    closefrom(3);
    execve(h->program, (char *const *)(uintptr_t)args,
           h->env ? (char *const *)(uintptr_t)h->env : none);
    _exit(127);
}

/* Its exit status; or negative, when it has been killed for its time. */
static int await_hook(int pid, unsigned timeout)
{
    const struct timespec tick = {.tv_nsec = 10000000};
    struct timespec now, end;
    int status, r;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout;
    for (;;) {
        r = waitpid(pid, &status, timeout ? WNOHANG : 0);
        if (r == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
        if (r < 0 && errno != EINTR)
            return -errno;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (timeout &&
            (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))) {
            kill(-pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return -ETIMEDOUT;
        }
        nanosleep(&tick, NULL);
    }
}

/* The state in a file that has no name: a hook need not read it. */
static int input_of(const struct os_hook *h)
{
    char path[] = "/tmp/hozo.XXXXXX";
    size_t size = strlen(h->input);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0)
        return -errno;
    unlink(path);
    if (write(fd, h->input, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

static int hook(void *self, const struct os_hook *h)
{
    int input = input_of(h), pid;

    (void)self;
    if (input < 0)
        return input;
    pid = fork();
    if (pid == 0)
        be_hook(h, input);
    close(input);
    return pid < 0 ? -errno : await_hook(pid, h->timeout);
}

/* --- of the calling process --------------------------------------------------------------------- */

static rlim_t limit_of(uint64_t n)
{
    return n > (uint64_t)RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)n;
}

static int set_limit(void *self, int resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit limit = {.rlim_cur = limit_of(soft), .rlim_max = limit_of(hard)};

    (void)self;
    return answer(setrlimit(resource, &limit));
}

static int change_directory(void *self, const char *path)
{
    (void)self;
    return answer(chdir(path));
}

static int set_umask(void *self, int mask)
{
    (void)self;
    umask((mode_t)mask);
    return 0;
}

/* setgroups(2): up to FreeBSD 14 the first is the effective group. */
static int set_user(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
    gid_t all[GROUPS_MAX];

    (void)self;
    if (n >= GROUPS_MAX)
        return -E2BIG;
    all[0] = gid;
    for (size_t i = 0; i < n; i++)
        all[i + 1] = groups[i];
    if (setgroups((int)n + 1, all) < 0 || setresgid(gid, gid, gid) < 0 ||
        setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

static int no_new_privileges(void *self)
{
    int enable = PROC_NO_NEW_PRIVS_ENABLE;

    (void)self;
    return answer(procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &enable));
}

/* The program is looked for where the container's PATH says. */
static int execute(void *self, const char *const *args, const char *const *env)
{
    (void)self;
    environ = (char **)(uintptr_t)env;
    closefrom(3);
    execvp(args[0], (char *const *)(uintptr_t)args);
    return -errno;
}

const struct os native_os = {
    .jail_create = jail_create,
    .jail_find = jail_find,
    .jail_children = jail_children,
    .jail_allow_children = jail_allow_children,
    .jail_attach = attach,
    .jail_remove = remove_jail,
    .make_directory = make_directory,
    .remove_directory = remove_directory,
    .is_directory = is_directory,
    .make_fifo = make_fifo,
    .remove_file = remove_file,
    .make_place = make_place,
    .nmount = mount_it,
    .unmount = unmount_it,
    .devfs_rule = devfs_rule,
    .has_address = has_address,
    .add_address = add_address,
    .remove_address = remove_address,
    .move_in = move_in,
    .move_back = move_back,
    .spawn = spawn,
    .proceed = proceed,
    .start = start,
    .born = born,
    .kill = kill_one,
    .kill_jail = kill_jail,
    .hook = hook,
    .set_limit = set_limit,
    .change_directory = change_directory,
    .set_umask = set_umask,
    .set_user = set_user,
    .no_new_privileges = no_new_privileges,
    .execute = execute,
};
