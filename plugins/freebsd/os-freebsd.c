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
#include <sys/socket.h>
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
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "plugins/freebsd/posix.h"

#define VALUES_MAX 64

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

/* --- mounts ------------------------------------------------------------------------------------- */

/* nmount(2) knows mount points by path only: that no link was on the way is seen by walking once more. */
static int is_mounted(const char *root, const char *path)
{
    char wanted[PATH_MAX];
    struct statfs st;
    int fd, r;

    if ((size_t)snprintf(wanted, sizeof(wanted), "%s%s", root, path) >= sizeof(wanted))
        return -ENAMETOOLONG;
    if ((fd = file_open_place(root, path)) < 0)
        return fd;
    r = fstatfs(fd, &st) < 0 ? -errno : strcmp(st.f_mntonname, wanted) ? -ELOOP : 0;
    close(fd);
    return r;
}

/*
 * By the identity of the file system, which is looked up by the name that the mount had when it was made. By its path
 * it could be another one: the container may have put a link there.
 */
static int unmount_it(void *self, const char *path)
{
    struct statfs *all;
    char id[64];
    int n = getmntinfo(&all, MNT_NOWAIT);

    (void)self;
    if (n <= 0)
        return errno ? -errno : -EIO;
    while (n-- && strcmp(all[n].f_mntonname, path) != 0)
        ;
    if (n < 0)
        return -EINVAL;
    snprintf(id, sizeof(id), "FSID:%d:%d", all[n].f_fsid.val[0], all[n].f_fsid.val[1]);
    return answer(unmount(id, MNT_BYFSID | MNT_FORCE));
}

static int mount_it(void *self, const char *root, const char *path, const struct os_option *options,
                    size_t n)
{
    struct vector v = {.n = 0};
    int r;

    (void)self;
    for (size_t i = 0; i < n; i++)
        put_value(&v, options[i].name, options[i].value,
                  options[i].value ? strlen(options[i].value) + 1 : 0);
    if (is_full(&v))
        return -E2BIG;
    if ((r = answer(nmount(v.at, v.n, 0))) < 0 || (r = is_mounted(root, path)) >= 0)
        return r;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(options[i].name, "fspath"))
            unmount_it(NULL, options[i].value);
    return r;
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
    if ((fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
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

static int no_new_privileges(void *self)
{
    int enable = PROC_NO_NEW_PRIVS_ENABLE;

    (void)self;
    return answer(procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &enable));
}

static const struct os native = {
    .jail_create = jail_create,
    .jail_find = jail_find,
    .jail_children = jail_children,
    .jail_allow_children = jail_allow_children,
    .jail_attach = attach,
    .jail_remove = remove_jail,
    .make_directory = file_make_directory,
    .remove_directory = file_remove_directory,
    .is_directory = file_is_directory,
    .real_path = file_real_path,
    .make_fifos = file_make_fifos,
    .remove_fifos = file_remove_fifos,
    .make_place = file_make_place,
    .nmount = mount_it,
    .unmount = unmount_it,
    .devfs_rule = devfs_rule,
    .has_address = has_address,
    .add_address = add_address,
    .remove_address = remove_address,
    .move_in = move_in,
    .move_back = move_back,
    .spawn = child_spawn,
    .proceed = child_proceed,
    .start = child_start,
    .waits = child_waits,
    .born = born,
    .kill = child_kill,
    .kill_jail = kill_jail,
    .hook = child_hook,
    .open_terminal = self_open_terminal,
    .set_limit = self_set_limit,
    .change_directory = self_change_directory,
    .set_umask = self_set_umask,
    .set_user = self_set_user,
    .no_new_privileges = no_new_privileges,
    .execute = self_execute,
};

const struct os *os_here(void **self)
{
    static struct posix posix = {.channel = -1, .console = -1, .result = -1};

    *self = &posix;
    return &native;
}
