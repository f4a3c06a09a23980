/* SPDX-License-Identifier: Apache-2.0 */
/* From freebsd.jail to the parameters of jail(8): config-freebsd.md, Mapping from jail(8) config file. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "plugins/freebsd/freebsd.h"

#define SYSVIPC "allow.sysvipc"

/* clang-format off */
const struct mapping mappings[] = {
    {"vnet",                "vnet",                 KIND_SHARING,      NULL},
    {"ip4",                 "ip4",                  KIND_SHARING,      NULL},
    {"ip4Addr",             "ip4.addr",             KIND_IP4,          NULL},
    {"ip6",                 "ip6",                  KIND_SHARING,      NULL},
    {"ip6Addr",             "ip6.addr",             KIND_IP6,          NULL},
    {"sysvmsg",             "sysvmsg",              KIND_SHARING,      "new"},
    {"sysvsem",             "sysvsem",              KIND_SHARING,      "new"},
    {"sysvshm",             "sysvshm",              KIND_SHARING,      "new"},
    {"enforceStatfs",       "enforce_statfs",       KIND_NUMBER,       "2"},
    {"allow.setHostname",   "allow.set_hostname",   KIND_FLAG,         NULL},
    {SYSVIPC,               "allow.sysvipc",        KIND_FLAG,         NULL},
    {"allow.rawSockets",    "allow.raw_sockets",    KIND_FLAG,         NULL},
    {"allow.chflags",       "allow.chflags",        KIND_FLAG,         NULL},
    {"allow.mount",         "allow.mount",          KIND_FILE_SYSTEMS, NULL},
    {"allow.quotas",        "allow.quotas",         KIND_FLAG,         NULL},
    {"allow.socketAf",      "allow.socket_af",      KIND_FLAG,         NULL},
    {"allow.mlock",         "allow.mlock",          KIND_FLAG,         NULL},
    {"allow.reservedPorts", "allow.reserved_ports", KIND_FLAG,         NULL},
    {"allow.suser",         "allow.suser",          KIND_FLAG,         NULL},
};
/* clang-format on */
const size_t n_mappings = ARRAY_SIZE(mappings);

static int find(struct jail *j, const char *member, struct hozo_cursor *at)
{
    char path[64];

    snprintf(path, sizeof(path), JAIL ".%s", member);
    return hozo_find(j->ctx, NULL, path, at);
}

static int add(struct jail *j, const char *path, const char *name, enum form form, const char *text)
{
    struct parameter *p = jail_grow(j, &j->parameters, &j->n_parameters, sizeof(*p));

    if (!p)
        return -1;
    *p = (struct parameter){.path = path, .name = name, .form = form, .text = text};
    return name && (text || form == FORM_FLAG) ? 0 : -1;
}

/* --- one form after the other ------------------------------------------------------------------ */

/* jail_set(2) refuses ip4 and ip6 beside vnet in any of its forms; to inherit is what it does without. */
static int add_sharing(struct jail *j, const struct mapping *m, const struct hozo_cursor *at)
{
    const char *value = hozo_as_string(j->ctx, at);

    if (!strcmp(m->member, "vnet") && strcmp(value, "new"))
        return 0;
    return add(j, at->path, m->parameter, FORM_SHARING, value);
}

static int add_number(struct jail *j, const struct mapping *m, const struct hozo_cursor *at)
{
    uint64_t n = hozo_as_uint(j->ctx, at);

    return add(j, at->path, m->parameter, FORM_NUMBER, jail_text(j, "%" PRIu64, n));
}

/* false is not absence: it takes away what jail(8) grants by default. */
static int add_flag(struct jail *j, const struct mapping *m, const struct hozo_cursor *at)
{
    const char *name = m->parameter;

    if (!hozo_as_bool(j->ctx, at))
        name = jail_text(j, "allow.no%s", m->parameter + strlen("allow."));
    return add(j, at->path, name, FORM_FLAG, NULL);
}

/* The same address in other words is the same: "::1", "0:0::1". */
static const char *normal(struct jail *j, const char *text, bool ip6)
{
    char bytes[sizeof(struct in6_addr)], out[INET6_ADDRSTRLEN];
    int family = ip6 ? AF_INET6 : AF_INET;

    inet_pton(family, text, bytes);
    inet_ntop(family, bytes, out, sizeof(out));
    return jail_text(j, "%s", out);
}

static bool contains(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == n && !strncmp(list, word, n))
            return true;
    return false;
}

static int add_addresses(struct jail *j, const struct mapping *m, const struct hozo_cursor *array)
{
    bool ip6 = m->kind == KIND_IP6;
    const char *list = "";
    struct hozo_cursor at;
    int found;

    for (size_t i = 0; (found = hozo_item(j->ctx, array, i, &at, NULL)) > 0; i++) {
        const char *text = hozo_as_string(j->ctx, &at);
        const char *wrong = ip6 ? address_ip6(text) : address_ip4(text);

        if (wrong)
            return hozo_error(j->ctx, 0, at.path, "\"%s\" %s", text, wrong);
        if (!(text = normal(j, text, ip6)))
            return -1;
        if (contains(list, text))
            return hozo_error(j->ctx, 0, at.path, "%s is there twice", text);
        if (!(list = jail_text(j, "%s%s%s", list, *list ? "," : "", text)))
            return -1;
    }
    if (found < 0 || !*list)
        return found;
    return add(j, array->path, m->parameter, ip6 ? FORM_IP6 : FORM_IP4, list);
}

static int add_file_systems(struct jail *j, const struct mapping *m,
                            const struct hozo_cursor *array)
{
    const char *list = "";
    struct hozo_cursor at;
    int found;

    for (size_t i = 0; (found = hozo_item(j->ctx, array, i, &at, NULL)) > 0; i++) {
        const char *type = hozo_as_string(j->ctx, &at), *wrong = name_of_file_system(type);

        if (wrong)
            return hozo_error(j->ctx, 0, at.path, "\"%s\" %s", type, wrong);
        if (contains(list, type))
            return hozo_error(j->ctx, 0, at.path, "%s is there twice", type);
        if (!i && add(j, array->path, m->parameter, FORM_FLAG, NULL) < 0)
            return -1;
        if (add(j, at.path, jail_text(j, "allow.mount.%s", type), FORM_FLAG, NULL) < 0 ||
            !(list = jail_text(j, "%s%s%s", list, *list ? "," : "", type)))
            return -1;
    }
    /* A devfs that the jail mounts itself would show the devices of the host. */
    if (!found && contains(list, "devfs"))
        return add(j, array->path, "devfs_ruleset", FORM_NUMBER, DEVFS_RULESET);
    return found;
}

/* --- the names of the host --------------------------------------------------------------------- */

static int check_host_name(struct jail *j, const char *path, const char *name, bool inherits)
{
    if (!name)
        return 0;
    if (inherits)
        return hozo_error(j->ctx, 0, path,
                          "a container with " JAIL ".host \"inherit\" has the host's");
    return strlen(name) > 255 ? hozo_error(j->ctx, 0, path, "is longer than 255 characters") : 0;
}

/* Without the member a jail has names of its own if the configuration gives one, else those of the host. */
static int add_host(struct jail *j)
{
    const char *mode = j->hostname || j->domainname ? "new" : "inherit";
    const char *path = j->hostname ? "hostname" : j->domainname ? "domainname" : JAIL;
    struct hozo_cursor at;
    int found = find(j, "host", &at);

    if (found < 0)
        return -1;
    if (found) {
        mode = hozo_as_string(j->ctx, &at);
        path = at.path;
    }
    if (check_host_name(j, "hostname", j->hostname, !strcmp(mode, "inherit")) < 0 ||
        check_host_name(j, "domainname", j->domainname, !strcmp(mode, "inherit")) < 0 ||
        add(j, path, "host", FORM_SHARING, mode) < 0)
        return -1;
    if (j->hostname && add(j, "hostname", "host.hostname", FORM_TEXT, j->hostname) < 0)
        return -1;
    return j->domainname ? add(j, "domainname", "host.domainname", FORM_TEXT, j->domainname) : 0;
}

/* --- relations --------------------------------------------------------------------------------- */

static const struct parameter *parameter(const struct jail *j, const char *name)
{
    for (size_t i = 0; i < j->n_parameters; i++)
        if (!strcmp(j->parameters[i].name, name))
            return &j->parameters[i];
    return NULL;
}

static int check_family(struct jail *j, const char *family, const char *list)
{
    const struct parameter *mode = parameter(j, family), *addresses = parameter(j, list);

    if (j->new_vnet && (mode || addresses))
        return hozo_error(j->ctx, 0, addresses ? addresses->path : mode->path,
                          "FreeBSD restricts no addresses in a new vnet");
    if (addresses && mode && strcmp(mode->text, "new"))
        return hozo_error(j->ctx, 0, addresses->path, JAIL ".%s is \"%s\": only \"new\" takes any",
                          family, mode->text);
    return 0;
}

static int check_sysvipc(struct jail *j)
{
    static const char *const each[] = {"sysvmsg", "sysvsem", "sysvshm"};
    const struct parameter *all = parameter(j, SYSVIPC);
    struct hozo_cursor at;

    for (size_t i = 0; all && i < ARRAY_SIZE(each); i++) {
        int found = find(j, each[i], &at);

        if (found)
            return found < 0 ? -1
                             : hozo_error(j->ctx, 0, all->path,
                                          "stands for sysvmsg, sysvsem and sysvshm \"inherit\", "
                                          "and %s is there as well",
                                          at.path);
    }
    return 0;
}

static int check_statfs(struct jail *j)
{
    const struct parameter *p = parameter(j, "enforce_statfs"),
                           *mount = parameter(j, "allow.mount");

    if (strlen(p->text) > 1 || *p->text > '2')
        return hozo_error(j->ctx, 0, p->path, "must be 0, 1 or 2");
    /* jail(8): otherwise the permission has no effect. */
    return mount && *p->text == '2'
               ? hozo_error(j->ctx, 0, mount->path, "needs " JAIL ".enforceStatfs to be 0 or 1")
               : 0;
}

/* --- the whole --------------------------------------------------------------------------------- */

static int add_default(struct jail *j, const struct mapping *m)
{
    if (!m->otherwise)
        return 0;
    /* It says the same for all three. */
    if (!strncmp(m->member, "sysv", 4)) {
        struct hozo_cursor at;
        int found = find(j, SYSVIPC, &at);

        if (found < 0 || (found && hozo_as_bool(j->ctx, &at)))
            return found < 0 ? -1 : 0;
    }
    return add(j, JAIL, m->parameter, m->kind == KIND_NUMBER ? FORM_NUMBER : FORM_SHARING,
               m->otherwise);
}

static int read_mapping(struct jail *j, const struct mapping *m)
{
    static int (*const adds[])(struct jail *, const struct mapping *,
                               const struct hozo_cursor *) = {
        [KIND_SHARING] = add_sharing, [KIND_NUMBER] = add_number,
        [KIND_FLAG] = add_flag,       [KIND_IP4] = add_addresses,
        [KIND_IP6] = add_addresses,   [KIND_FILE_SYSTEMS] = add_file_systems,
    };
    struct hozo_cursor at;
    int found = find(j, m->member, &at);

    if (found <= 0)
        return found < 0 ? -1 : add_default(j, m);
    return adds[m->kind](j, m, &at);
}

int parameters_read(struct jail *j)
{
    if (add(j, JAIL, "name", FORM_TEXT, j->name) < 0 ||
        add(j, "root.path", "path", FORM_TEXT, j->root) < 0 ||
        /* Between create and start nobody may be in it. */
        add(j, JAIL, "persist", FORM_FLAG, NULL) < 0 || add_host(j) < 0)
        return -1;
    for (size_t i = 0; i < n_mappings; i++)
        if (read_mapping(j, &mappings[i]) < 0)
            return -1;
    j->new_vnet = parameter(j, "vnet");
    if (check_family(j, "ip4", "ip4.addr") < 0 || check_family(j, "ip6", "ip6.addr") < 0)
        return -1;
    return check_sysvipc(j) < 0 ? -1 : check_statfs(j);
}
