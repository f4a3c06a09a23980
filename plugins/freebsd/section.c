/* SPDX-License-Identifier: Apache-2.0 */
/* What the section asks for besides parameters: the jail's place, devices, interfaces and their addresses. */
#include "plugins/freebsd/freebsd.h"

#define PERMISSIONS 07777

/* --- the jail ----------------------------------------------------------------------------------- */

static int read_name(struct jail *j)
{
    const char *path = JAIL ".parent", *wrong = name_of_jail(j->id);

    if (wrong)
        return hozo_error(j->ctx, 0, JAIL,
                          "the jail would be called as the container, and \"%s\" %s", j->id, wrong);
    if (jail_string(j, NULL, path, &j->parent) < 0)
        return -1;
    if (j->parent && (wrong = name_of_parent(j->parent)))
        return hozo_error(j->ctx, 0, path, "\"%s\" %s", j->parent, wrong);
    j->name = j->parent ? jail_text(j, "%s.%s", j->parent, j->id) : j->id;
    if (j->name && strlen(j->name) > 255)
        return hozo_error(j->ctx, 0, path, "\"%s\" is longer than 255 characters", j->name);
    return j->name ? 0 : -1;
}

static int read_root(struct jail *j)
{
    struct hozo_cursor at;
    int found;

    j->rootfs = hozo_option(j->ctx, "rootfs");
    if (!j->rootfs || *j->rootfs != '/')
        return hozo_error(j->ctx, 0, "root.path", "the bundle has no absolute path");
    if ((found = hozo_find(j->ctx, NULL, "root.readonly", &at)) < 0)
        return -1;
    j->readonly = found && hozo_as_bool(j->ctx, &at);
    j->root = j->readonly ? jail_text(j, ROOTS "/%s/root", j->id) : j->rootfs;
    if (!j->root)
        return -1;
    return jail_string(j, NULL, "hostname", &j->hostname) < 0 ||
                   jail_string(j, NULL, "domainname", &j->domainname) < 0
               ? -1
               : 0;
}

/* --- devices ------------------------------------------------------------------------------------ */

static struct rule *add_rule(struct jail *j, const char *path, const char *node)
{
    struct rule *r = jail_grow(j, &j->rules, &j->n_rules, sizeof(*r));

    if (r)
        *r = (struct rule){.path = path, .node = node, .mode = -1, .directory = true};
    return r;
}

static struct rule *find_rule(const struct jail *j, const char *node)
{
    for (size_t i = 0; i < j->n_rules; i++)
        if (!strcmp(j->rules[i].node, node))
            return &j->rules[i];
    return NULL;
}

/* A node of a directory that the ruleset hides is hidden with it. */
static int add_directories(struct jail *j, const char *path, const char *node)
{
    for (const char *slash = strchr(node, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *directory = jail_text(j, "%.*s", (int)(slash - node), node);

        if (!directory || (!find_rule(j, directory) && !add_rule(j, path, directory)))
            return -1;
    }
    return 0;
}

static int read_device(struct jail *j, const struct hozo_cursor *device)
{
    struct hozo_cursor path, mode;
    int found = hozo_find(j->ctx, device, "mode", &mode);
    const char *node, *wrong;
    struct rule *rule;

    if (found < 0 || hozo_find(j->ctx, device, "path", &path) < 0)
        return -1;
    node = hozo_as_string(j->ctx, &path);
    if ((wrong = name_of_device(node)))
        return hozo_error(j->ctx, 0, path.path, "\"%s\" %s", node, wrong);
    rule = find_rule(j, node);
    if (rule && !rule->directory)
        return hozo_error(j->ctx, 0, path.path, "\"%s\" is there twice", node);
    if (found && hozo_as_uint(j->ctx, &mode) > PERMISSIONS)
        return hozo_error(j->ctx, 0, mode.path, "has more than the bits of permissions, 4095");
    if (add_directories(j, path.path, node) < 0 ||
        (!rule && !(rule = add_rule(j, path.path, node))))
        return -1;
    rule->directory = false;
    rule->mode = found ? (int)hozo_as_uint(j->ctx, &mode) : -1;
    return 0;
}

static bool has_devfs(const struct jail *j)
{
    for (size_t i = 0; i < j->n_mounts; i++)
        if (!strcmp(j->mounts[i].type, "devfs") && !strcmp(j->mounts[i].destination, "/dev"))
            return true;
    return false;
}

static int read_devices(struct jail *j)
{
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, NULL, FREEBSD ".devices", &array);

    if (found <= 0)
        return found;
    for (size_t i = 0; (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++)
        if (read_device(j, &at) < 0)
            return -1;
    return !found && j->n_rules && !has_devfs(j)
               ? hozo_error(j->ctx, 0, array.path, "no devfs is mounted on /dev to show them")
               : found;
}

/* Its name in the jail is that of a node. */
static int check_terminal(struct jail *j)
{
    return j->process.terminal && !has_devfs(j)
               ? hozo_error(j->ctx, 0, "process.terminal", "no devfs is mounted on /dev to show it")
               : 0;
}

/* --- interfaces --------------------------------------------------------------------------------- */

static int read_interfaces(struct jail *j)
{
    struct hozo_cursor array, at;
    int found = hozo_find(j->ctx, NULL, JAIL ".vnetInterfaces", &array);

    if (found <= 0)
        return found;
    for (size_t i = 0; (found = hozo_item(j->ctx, &array, i, &at, NULL)) > 0; i++) {
        const char *name = hozo_as_string(j->ctx, &at), *wrong = name_of_interface(name);
        struct interface *new;

        if (wrong)
            return hozo_error(j->ctx, 0, at.path, "\"%s\" %s", name, wrong);
        for (size_t k = 0; k < j->n_interfaces; k++)
            if (!strcmp(j->interfaces[k].name, name))
                return hozo_error(j->ctx, 0, at.path, "%s is there twice", name);
        if (!(new = jail_grow(j, &j->interfaces, &j->n_interfaces, sizeof(*new))))
            return -1;
        *new = (struct interface){.path = at.path, .name = name};
    }
    return !found && j->n_interfaces && !j->new_vnet
               ? hozo_error(j->ctx, 0, array.path,
                            "without " JAIL ".vnet \"new\" there is no vnet to move them into")
               : found;
}

/* One for each address of ip4.addr and ip6.addr, which are checked and normal by now. */
static int add_aliases(struct jail *j, const struct parameter *p, const char *interface)
{
    for (const char *s = p->text; *s; s += *s == ',') {
        size_t n = strcspn(s, ",");
        struct alias *new = jail_grow(j, &j->aliases, &j->n_aliases, sizeof(*new));
        const char *address = new ? jail_text(j, "%.*s", (int)n, s) : NULL;

        if (!address)
            return -1;
        *new = (struct alias){.path = p->path,
                              .interface = interface,
                              .address = address,
                              .ip6 = p->form == FORM_IP6};
        s += n;
    }
    return 0;
}

static int read_aliases(struct jail *j)
{
    const char *path = JAIL ".interface", *interface = NULL, *wrong;

    if (jail_string(j, NULL, path, &interface) < 0)
        return -1;
    if (!interface)
        return 0;
    if ((wrong = name_of_interface(interface)))
        return hozo_error(j->ctx, 0, path, "\"%s\" %s", interface, wrong);
    for (size_t i = 0; i < j->n_parameters; i++) {
        const struct parameter *p = &j->parameters[i];

        if ((p->form == FORM_IP4 || p->form == FORM_IP6) && add_aliases(j, p, interface) < 0)
            return -1;
    }
    return j->n_aliases
               ? 0
               : hozo_error(j->ctx, 0, path, "neither ip4Addr nor ip6Addr has an address for it");
}

/* --- the whole ---------------------------------------------------------------------------------- */

int jail_read(struct hozo_ctx *ctx, struct jail *j)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, FREEBSD, &at);

    *j = (struct jail){.ctx = ctx, .id = hozo_id(ctx)};
    if (found <= 0)
        return found;
    if (read_name(j) < 0 || read_root(j) < 0 || parameters_read(j) < 0 || read_aliases(j) < 0 ||
        read_interfaces(j) < 0 || mounts_read(j) < 0 || read_devices(j) < 0 ||
        process_read(j) < 0 || check_terminal(j) < 0 || hooks_read(j) < 0)
        return -1;
    return 1;
}
