/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/freebsd/simulated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct simulated *of(void *self)
{
    return self;
}

static bool fails(struct simulated *k)
{
    k->calls++;
    return k->fail_at && (k->calls == k->fail_at || (k->fail_behind && k->calls > k->fail_at));
}

#define GATE(k)                                                                                    \
    do {                                                                                           \
        if (fails(k))                                                                              \
            return -EIO;                                                                           \
    } while (0)

/* --- lists of texts ----------------------------------------------------------------------------- */

#define TEXTS(k, array) (k)->array[0], sizeof((k)->array[0])

static char *text_find(char *first, size_t each, const char *text)
{
    char *found = NULL;

    for (size_t i = 0; i < SIMULATED_MAX; i++)
        if (!strcmp(first + i * each, text))
            found = first + i * each; /* the last: mounts lie above one another */
    return found;
}

static void text_add(char *first, size_t each, const char *text)
{
    for (size_t i = 0; i < SIMULATED_MAX; i++)
        if (!first[i * each]) {
            snprintf(first + i * each, each, "%s", text);
            return;
        }
    abort();
}

/* --- jails -------------------------------------------------------------------------------------- */

static struct simulated_jail *jail_of(struct simulated *k, int jid)
{
    EACH (k, jails, i)
        if (jid && k->jails[i].jid == jid)
            return &k->jails[i];
    return NULL;
}

struct simulated_jail *simulated_find(struct simulated *k, const char *name)
{
    EACH (k, jails, i)
        if (k->jails[i].jid && !strcmp(k->jails[i].name, name))
            return &k->jails[i];
    return NULL;
}

static int children(struct simulated *k, int jid)
{
    int n = 0;

    EACH (k, jails, i)
        for (const struct simulated_jail *j = &k->jails[i]; j && j->jid; j = jail_of(k, j->parent))
            n += j->parent == jid;
    return n;
}

struct simulated_jail *simulated_jail(struct simulated *k, int parent, const char *name, int max)
{
    EACH (k, jails, i)
        if (!k->jails[i].jid) {
            struct simulated_jail *j = &k->jails[i];

            *j =
                (struct simulated_jail){.jid = ++k->last, .parent = parent, .max = max, .host = -1};
            snprintf(j->name, sizeof(j->name), "%s", name);
            return j;
        }
    abort();
}

/* What jail_set(2) knows; of allow.* see below. */
static const struct {
    const char *name;
    size_t size; /* of each; 0: a flag; 1: a text */
} parameters[] = {
    {"name", 1},          {"path", 1},          {"persist", 0},
    {"host", 4},          {"host.hostname", 1}, {"host.domainname", 1},
    {"vnet", 4},          {"ip4", 4},           {"ip4.addr", 4},
    {"ip6", 4},           {"ip6.addr", 16},     {"sysvmsg", 4},
    {"sysvsem", 4},       {"sysvshm", 4},       {"enforce_statfs", 4},
    {"devfs_ruleset", 4},
};
static const char allowed[] =
    " set_hostname sysvipc raw_sockets chflags mount mount.tmpfs mount.nullfs mount.devfs"
    " quotas socket_af mlock reserved_ports suser ";
/* Those that a jail may have without its parent's having them. */
static const char on[] = " set_hostname reserved_ports suser ";

static bool lists(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *s = list; (s = strstr(s, word)); s++)
        if (s > list && s[-1] == ' ' && (s[n] == ' ' || !s[n]))
            return true;
    return false;
}

static const char *flag_of(const char *name)
{
    name += strlen("allow.");
    return lists(allowed, name)                                  ? name
           : !strncmp(name, "no", 2) && lists(allowed, name + 2) ? name + 2
                                                                 : NULL;
}

static int refuse(char *message, int e, const char *text)
{
    snprintf(message, OS_ERROR_SIZE, "%s", text);
    return -e;
}

static const struct os_value *value(const struct os_value *values, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(values[i].name, name))
            return &values[i];
    return NULL;
}

static int number(const struct os_value *values, size_t n, const char *name, int otherwise)
{
    const struct os_value *v = value(values, n, name);

    if (v)
        memcpy(&otherwise, v->bytes, sizeof(otherwise));
    return otherwise;
}

static int check_known(const struct os_value *v, char *message)
{
    if (!strncmp(v->name, "allow.", 6))
        return flag_of(v->name) && !v->size ? 0 : refuse(message, EINVAL, "unknown parameter");
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        size_t size = parameters[i].size;

        if (strcmp(parameters[i].name, v->name))
            continue;
        if (size == 1 ? !v->size || ((const char *)v->bytes)[v->size - 1]
            : size    ? !v->size || v->size % size
                      : v->size != 0)
            return refuse(message, EINVAL, "bad size");
        return 0;
    }
    return refuse(message, EINVAL, "unknown parameter");
}

/* The jail above; -1 with a message. */
static int find_parent(struct simulated *k, const char *name, int *parent, char *message)
{
    char above[256];
    const char *dot = strrchr(name, '.');
    const struct simulated_jail *j;

    *parent = 0;
    if (!(dot ? dot + 1 : name)[strspn(dot ? dot + 1 : name, "0123456789")])
        return refuse(message, EINVAL, "name cannot be numeric (unless it is the jid)");
    if (simulated_find(k, name))
        return refuse(message, EEXIST, "jail already exists");
    if (!dot)
        return 0;
    snprintf(above, sizeof(above), "%.*s", (int)(dot - name), name);
    if (!(j = simulated_find(k, above)))
        return refuse(message, ENOENT, "jail not found");
    *parent = j->jid;
    for (; j; j = jail_of(k, j->parent))
        if (children(k, j->jid) >= j->max)
            return refuse(message, EPERM, "prison limit exceeded");
    return 0;
}

static bool has_bytes(const struct simulated_jail *j, int family, const unsigned char *bytes,
                      size_t each)
{
    for (size_t i = 0; i < j->n_addresses[family]; i++)
        if (!memcmp(j->addresses[family][i], bytes, each))
            return true;
    return false;
}

static bool is_above(struct simulated *k, const struct simulated_jail *above,
                     const struct simulated_jail *j)
{
    while (j && j != above)
        j = jail_of(k, j->parent);
    return j;
}

static int check_addresses(struct simulated *k, struct simulated_jail *j, const struct os_value *v,
                           int family, char *message)
{
    const struct simulated_jail *above = jail_of(k, j->parent);
    size_t each = family ? 16 : 4, n = v ? v->size / each : 0;

    for (size_t i = 0; i < n; i++) {
        const unsigned char *bytes = (const unsigned char *)v->bytes + i * each;

        if (above && above->restricted[family] && !has_bytes(above, family, bytes, each))
            return refuse(message, EPERM, "");
        for (size_t o = 0; o < SIMULATED_MAX; o++) {
            const struct simulated_jail *other = &k->jails[o];

            if (other->jid && !is_above(k, other, j) && has_bytes(other, family, bytes, each) &&
                other->n_addresses[family] + n > 2)
                return refuse(message, EADDRINUSE, "addresses clash");
        }
        memcpy(j->addresses[family][j->n_addresses[family]++], bytes, each);
    }
    return 0;
}

static int check_flags(struct simulated *k, struct simulated_jail *j, const struct os_value *values,
                       size_t n)
{
    const struct simulated_jail *above = jail_of(k, j->parent);

    for (size_t i = 0; i < n; i++) {
        const char *flag;
        size_t length = strlen(j->flags);

        if (strncmp(values[i].name, "allow.", 6))
            continue;
        flag = flag_of(values[i].name);
        if (flag == values[i].name + 6 && above && !lists(above->flags, values[i].name) &&
            !lists(on, flag))
            return -EPERM;
        snprintf(j->flags + length, sizeof(j->flags) - length, " %s", values[i].name);
    }
    return 0;
}

static int set_all(struct simulated *k, struct simulated_jail *j, const struct os_value *values,
                   size_t n, char *message)
{
    const struct simulated_jail *above = jail_of(k, j->parent);
    const struct os_value *ip[] = {value(values, n, "ip4.addr"), value(values, n, "ip6.addr")};
    const struct os_value *mode[] = {value(values, n, "ip4"), value(values, n, "ip6")};
    const struct os_value *host = value(values, n, "host.hostname"),
                          *path = value(values, n, "path");
    const struct os_value *domain = value(values, n, "host.domainname");
    int e;

    if (value(values, n, "vnet") && (ip[0] || ip[1] || mode[0] || mode[1]))
        return refuse(message, EINVAL, "vnet jails cannot have IP address restrictions");
    if (!value(values, n, "persist"))
        return refuse(message, EINVAL, "new jail must persist or attach");
    j->vnet = number(values, n, "vnet", OS_INHERIT) == OS_NEW;
    j->host = number(values, n, "host", host ? OS_NEW : OS_INHERIT);
    j->statfs = number(values, n, "enforce_statfs", 2);
    if (j->statfs < 0 || j->statfs > 2)
        return -EINVAL;
    if (above && j->statfs < above->statfs)
        return -EPERM;
    j->sysv[0] = number(values, n, "sysvmsg", OS_DISABLE);
    j->sysv[1] = number(values, n, "sysvsem", OS_DISABLE);
    j->sysv[2] = number(values, n, "sysvshm", OS_DISABLE);
    for (int f = 0; f < 2; f++) {
        j->restricted[f] =
            ip[f] || !mode[f] || number(values, n, f ? "ip6" : "ip4", 0) != OS_INHERIT;
        if ((e = check_addresses(k, j, ip[f], f, message)) < 0)
            return e;
    }
    snprintf(j->path, sizeof(j->path), "%s", path ? (const char *)path->bytes : "/");
    snprintf(j->hostname, sizeof(j->hostname), "%s", host ? (const char *)host->bytes : "");
    snprintf(j->domainname, sizeof(j->domainname), "%s", domain ? (const char *)domain->bytes : "");
    return check_flags(k, j, values, n);
}

static int jail_create(void *self, const struct os_value *values, size_t n, char *message)
{
    struct simulated *k = of(self);
    const struct os_value *name = value(values, n, "name");
    struct simulated_jail *j;
    int parent, e;

    GATE(k);
    for (size_t i = 0; i < n; i++)
        if ((e = check_known(&values[i], message)) < 0)
            return e;
    if ((e = find_parent(k, name->bytes, &parent, message)) < 0)
        return e;
    j = simulated_jail(k, parent, name->bytes, 0);
    if ((e = set_all(k, j, values, n, message)) < 0) {
        *j = (struct simulated_jail){0};
        return e;
    }
    return j->jid;
}

static int jail_find(void *self, const char *name, char *path, size_t size)
{
    const struct simulated_jail *j = simulated_find(of(self), name);

    GATE(of(self));
    if (!j)
        return -ENOENT;
    if (path)
        snprintf(path, size, "%s", j->path);
    return j->jid;
}

static int jail_children(void *self, int jid, int *current, int *maximum)
{
    const struct simulated_jail *j = jail_of(of(self), jid);

    GATE(of(self));
    if (!j)
        return -ENOENT;
    *current = children(of(self), jid);
    *maximum = j->max;
    return 0;
}

static int jail_allow_children(void *self, int jid, int maximum)
{
    struct simulated *k = of(self);
    struct simulated_jail *j = jail_of(k, jid), *above = j ? jail_of(k, j->parent) : NULL;

    GATE(k);
    if (!j)
        return -ENOENT;
    if (above && maximum >= above->max)
        return -EPERM;
    j->max = maximum;
    return 0;
}

static int jail_attach(void *self, int jid)
{
    struct simulated *k = of(self);

    GATE(k);
    if (!jail_of(k, jid) || !k->now)
        return -EINVAL;
    simulated_process(k, k->now)->jid = jid;
    return 0;
}

static int jail_remove(void *self, int jid)
{
    struct simulated *k = of(self);
    struct simulated_jail *j = jail_of(k, jid);

    GATE(k);
    if (!j)
        return -EINVAL;
    *j = (struct simulated_jail){0};
    EACH (k, processes, i)
        if (k->processes[i].jid == jid)
            k->processes[i] = (struct simulated_process){0};
    EACH (k, interfaces, i)
        if (k->interfaces[i].jid == jid)
            k->interfaces[i].jid = 0;
    return 0;
}

/* --- files -------------------------------------------------------------------------------------- */

static int make_directory(void *self, const char *path)
{
    struct simulated *k = of(self);

    GATE(k);
    if (text_find(TEXTS(k, files), path))
        return -EEXIST;
    text_add(TEXTS(k, files), path);
    return 0;
}

static int remove_directory(void *self, const char *path)
{
    struct simulated *k = of(self);
    char *file = text_find(TEXTS(k, files), path);

    GATE(k);
    if (!file)
        return -ENOENT;
    if (text_find(TEXTS(k, mounts), path))
        return -EBUSY;
    *file = '\0';
    EACH (k, files, i)
        if (!strncmp(k->files[i], path, strlen(path)) && k->files[i][strlen(path)] == '/') {
            snprintf(file, sizeof(k->files[0]), "%s", path);
            return -ENOTEMPTY;
        }
    return 0;
}

static int make_fifos(void *self, const char *directory)
{
    struct simulated *k = of(self);
    char path[256];

    GATE(k);
    snprintf(path, sizeof(path), "%s/start", directory);
    text_add(TEXTS(k, files), path);
    return 0;
}

static int remove_fifos(void *self, const char *directory)
{
    struct simulated *k = of(self);
    char path[256], *file;

    GATE(k);
    snprintf(path, sizeof(path), "%s/start", directory);
    if ((file = text_find(TEXTS(k, files), path)))
        *file = '\0';
    return 0;
}

/* The host's "/link" leads to "/". */
static int real_path(void *self, const char *path, char *real, size_t size)
{
    GATE(of(self));
    return snprintf(real, size, "%s", path + (strncmp(path, "/link/", 6) ? 0 : 5)) < (int)size
               ? 0
               : -ENAMETOOLONG;
}

static int is_directory(void *self, const char *path)
{
    GATE(of(self));
    return strstr(path, "missing") ? -ENOENT : !strstr(path, "file");
}

static int make_place(void *self, const char *root, const char *path, bool directory)
{
    (void)root;
    (void)directory;
    GATE(of(self));
    return strstr(path, "link") ? -ELOOP : 0;
}

static int nmount(void *self, const char *root, const char *place, const struct os_option *options,
                  size_t n)
{
    struct simulated *k = of(self);
    const char *path = NULL;
    size_t length = strlen(root);

    GATE(k);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(options[i].name, "fspath"))
            path = options[i].value;
    if (!path || strcmp(options[0].name, "fstype") || strncmp(path, root, length) ||
        strcmp(path + length, place))
        return -EINVAL;
    text_add(TEXTS(k, mounts), path);
    return 0;
}

static int unmount(void *self, const char *path)
{
    struct simulated *k = of(self);
    char *mount = text_find(TEXTS(k, mounts), path);

    GATE(k);
    if (!mount)
        return -EINVAL;
    EACH (k, mounts, i)
        if (!strncmp(k->mounts[i], path, strlen(path)) && k->mounts[i][strlen(path)] == '/')
            return -EBUSY;
    *mount = '\0';
    /* Rules go with their devfs. */
    if (strstr(path, "/dev") && !strchr(strstr(path, "/dev") + 1, '/'))
        memset(k->rules, 0, sizeof(k->rules));
    return 0;
}

static int devfs_rule(void *self, const char *mountpoint, const char *node, int mode)
{
    struct simulated *k = of(self);
    char text[256];

    GATE(k);
    if (!text_find(TEXTS(k, mounts), mountpoint))
        return -ENOTTY;
    snprintf(text, sizeof(text), "%s %o", node, (unsigned)mode);
    text_add(TEXTS(k, rules), text);
    return 0;
}

/* --- interfaces --------------------------------------------------------------------------------- */

void simulated_address(struct simulated *k, const char *text)
{
    text_add(TEXTS(k, addresses), text);
}

static char *address(struct simulated *k, const char *interface, const char *ip)
{
    char text[64];

    snprintf(text, sizeof(text), "%s %s", interface, ip);
    return text_find(TEXTS(k, addresses), text);
}

static int *owner(struct simulated *k, const char *interface)
{
    EACH (k, interfaces, i)
        if (!strcmp(k->interfaces[i].name, interface))
            return &k->interfaces[i].jid;
    return NULL;
}

static int has_address(void *self, const char *interface, const char *ip, bool ip6)
{
    (void)ip6;
    GATE(of(self));
    return owner(of(self), interface) ? address(of(self), interface, ip) != NULL : -ENXIO;
}

static int add_address(void *self, const char *interface, const char *ip, bool ip6)
{
    char text[64];

    (void)ip6;
    GATE(of(self));
    snprintf(text, sizeof(text), "%s %s", interface, ip);
    simulated_address(of(self), text);
    return 0;
}

static int remove_address(void *self, const char *interface, const char *ip, bool ip6)
{
    char *text = address(of(self), interface, ip);

    (void)ip6;
    GATE(of(self));
    if (!text)
        return -EADDRNOTAVAIL;
    *text = '\0';
    return 0;
}

static int move(struct simulated *k, const char *interface, int from, int to)
{
    int *jid = owner(k, interface);
    const struct simulated_jail *j = jail_of(k, from ? from : to);

    GATE(k);
    if (!j || !j->vnet || !jid || *jid != from)
        return -ENXIO;
    *jid = to;
    return 0;
}

static int move_in(void *self, const char *interface, int jid)
{
    return move(of(self), interface, 0, jid);
}

static int move_back(void *self, const char *interface, int jid)
{
    return move(of(self), interface, jid, 0);
}

/* --- processes ---------------------------------------------------------------------------------- */

/* A piece of the child's own. */
static int run(struct simulated *k, struct simulated_process *p, int (*piece)(void *))
{
    int e;

    k->now = p->pid;
    e = piece(p->child.argument);
    k->now = 0;
    if (e < 0)
        *p = (struct simulated_process){0};
    return e;
}

static int spawn(void *self, const struct os_child *child)
{
    struct simulated *k = of(self);

    GATE(k);
    EACH (k, processes, i)
        if (!k->processes[i].pid) {
            struct simulated_process *p = &k->processes[i];

            *p = (struct simulated_process){.pid = ++k->last, .umask = -1, .child = *child};
            snprintf(p->fifos, sizeof(p->fifos), "%s", child->fifos ? child->fifos : "");
            p->child.fifos = NULL;
            return p->pid;
        }
    return -EAGAIN;
}

static int proceed(void *self, int pid, int *console)
{
    struct simulated *k = of(self);
    struct simulated_process *p = simulated_process(k, pid);
    int e;

    *console = -1;
    GATE(k);
    if (!p || p->entered)
        return -ESRCH;
    if ((e = run(k, p, p->child.enter)) < 0)
        return e;
    p->entered = true;
    if (p->terminal)
        *console = SIMULATED_CONSOLE;
    return *p->fifos ? 0 : run(k, p, p->child.execute);
}

static struct simulated_process *waiting(struct simulated *k, const char *fifos)
{
    EACH (k, processes, i)
        if (k->processes[i].pid && !k->processes[i].running &&
            !strcmp(k->processes[i].fifos, fifos))
            return &k->processes[i];
    return NULL;
}

static int start(void *self, const char *fifos)
{
    struct simulated *k = of(self);
    struct simulated_process *p = waiting(k, fifos);

    GATE(k);
    return p && p->entered ? run(k, p, p->child.execute) : -ESRCH;
}

static int waits(void *self, const char *fifos)
{
    GATE(of(self));
    return waiting(of(self), fifos) != NULL;
}

static int born(void *self, int pid, uint64_t *when)
{
    GATE(of(self));
    *when = (uint64_t)pid * 1000;
    return simulated_process(of(self), pid) ? 0 : -ESRCH;
}

static int kill_one(void *self, int pid, int signal)
{
    struct simulated_process *p = simulated_process(of(self), pid);

    GATE(of(self));
    if (!p)
        return -ESRCH;
    if (signal)
        *p = (struct simulated_process){0};
    return 0;
}

static int kill_jail(void *self, int jid, int signal)
{
    struct simulated *k = of(self);

    GATE(k);
    (void)signal;
    if (!jail_of(k, jid))
        return -ESRCH;
    EACH (k, processes, i)
        if (k->processes[i].jid == jid)
            k->processes[i] = (struct simulated_process){0};
    return 0;
}

static int hook(void *self, const struct os_hook *h)
{
    struct simulated *k = of(self);
    size_t n = strlen(k->hooks);

    GATE(k);
    snprintf(k->hooks + n, sizeof(k->hooks) - n, " %s%s", h->program, k->now ? "*" : "");
    return k->failing_hook && !strcmp(k->failing_hook, h->program);
}

/* --- of the calling process --------------------------------------------------------------------- */

#define SELF(p)                                                                                    \
    struct simulated_process *p = simulated_process(of(self), of(self)->now);                      \
    GATE(of(self));                                                                                \
    if (!p)                                                                                        \
    return -ESRCH

static int open_terminal(void *self, uint64_t width, uint64_t height, uint32_t uid)
{
    SELF(p);
    (void)uid;
    p->terminal = width && height;
    return p->jid ? 0 : -EPERM;
}

static int set_limit(void *self, int resource, uint64_t soft, uint64_t hard)
{
    SELF(p);
    p->limits[resource][0] = soft;
    p->limits[resource][1] = hard;
    return p->uid ? -EPERM : 0;
}

static int change_directory(void *self, const char *path)
{
    SELF(p);
    snprintf(p->cwd, sizeof(p->cwd), "%s", path);
    return strstr(path, "missing") ? -ENOENT : p->jid ? 0 : -EPERM;
}

static int set_umask(void *self, int mask)
{
    SELF(p);
    p->umask = mask;
    return 0;
}

static int set_user(void *self, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
    SELF(p);
    p->uid = uid;
    p->gid = gid;
    p->n_groups = n;
    memcpy(p->groups, groups ? groups : p->groups, n * sizeof(*groups));
    return p->jid ? 0 : -EPERM;
}

static int no_new_privileges(void *self)
{
    SELF(p);
    p->no_new_privileges = true;
    return 0;
}

static int execute(void *self, const char *const *args, const char *const *env)
{
    SELF(p);
    (void)env;
    snprintf(p->program, sizeof(p->program), "%s", args[0]);
    p->running = true;
    return 0;
}

const struct os simulated_os = {
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
