/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a configuration belongs to the host, which to the guest, and which to neither. */
#include "core/machine.h"

#include <string.h>

#include "core/json-edit.h"
#include "core/linux/bind.h"
#include "core/linux/mount-options.h"
#include "core/plugin-parts.h"

void machine_forget(struct machine **m)
{
    if (!*m)
        return;
    for (char **arg = (*m)->args; arg && *arg; arg++)
        free(*arg);
    free((*m)->args);
    free((*m)->share);
    free((*m)->guest_share);
    json_free(&(*m)->root);
    free(*m);
    *m = NULL;
}

bool machine_wanted(const struct container *c)
{
    return json_get(c->config.root, "vm");
}

/* The sections whose plugins append to the guest's half. */
static const char *const inside[] = {"linux.seccomp"};

bool machine_is_inside(const struct plugin *p)
{
    table_each(struct hozo_field, f, &p->d->fields)
    {
        for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
            if (f->use & HOZO_OWN && !strcmp(f->path, inside[i]))
                return true;
    }
    return false;
}

/* --- what means nothing ------------------------------------------------------------------------ */

static const struct {
    const char *path, *why;
} meaningless[] = {
    {"process.apparmorProfile", "the guest has no profile of the host's"},
    {"process.selinuxLabel", "the guest has no policy of the host's"},
    {"process.execCPUAffinity", "the guest's processors are not the host's"},
    {"linux.mountLabel", "the guest has no policy of the host's"},
    {"linux.memoryPolicy", "the guest has no nodes of the host's"},
    {"linux.uidMappings", "a virtual machine has users of its own"},
    {"linux.gidMappings", "a virtual machine has users of its own"},
};

static const cJSON *find(const cJSON *root, const char *path)
{
    char copy[64], *rest = copy, *name;

    snprintf(copy, sizeof copy, "%s", path);
    while (root && (name = strsep(&rest, ".")))
        root = json_get(root, name);
    return root;
}

/* What engines write when nobody has asked for anything. */
static bool is_empty(const cJSON *node)
{
    return (cJSON_IsString(node) && !*node->valuestring) ||
           ((cJSON_IsArray(node) || cJSON_IsObject(node)) && !json_length(node));
}

/* `root` is what lies at `prefix`: "" or "process.". */
static int check_members(const cJSON *root, const char *prefix, struct error *err)
{
    size_t n = strlen(prefix);

    for (size_t i = 0; i < ARRAY_SIZE(meaningless); i++) {
        const char *path = meaningless[i].path;
        const cJSON *node = strncmp(path, prefix, n) ? NULL : find(root, path + n);

        if (node && !is_empty(node))
            return fail(err, 0, meaningless[i].path, "has no meaning in a virtual machine: %s",
                        meaningless[i].why);
    }
    return 0;
}

/* The limit of memory is the guest's: a plugin raises it by what the machine needs. What is written as it stands would
 * be the machine's, and be too low. */
static int check_unified(const cJSON *linux_, struct error *err)
{
    static const char *const files[] = {"memory.max", "memory.high"};
    const cJSON *unified = json_at(linux_, "resources", "unified", NULL);

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (json_get(unified, files[i])) {
            char path[64];

            snprintf(path, sizeof path, "linux.resources.unified[\"%s\"]", files[i]);
            return fail(err, 0, path,
                        "has no meaning in a virtual machine: linux.resources.memory.limit has");
        }
    return 0;
}

/* The network is the container's own on the host: the machine's devices end there. Every other namespace that
 * exists is one of the host's processes. */
static int check_namespaces(const cJSON *linux_, struct error *err)
{
    const cJSON *ns;
    bool network = false;
    unsigned index = 0;

    cJSON_ArrayForEach (ns, json_get(linux_, "namespaces")) {
        const char *type = json_string(ns, "type", "");
        char path[64];

        snprintf(path, sizeof path, "linux.namespaces[%u]", index++);
        if (!strcmp(type, "network"))
            network = true;
        else if (!strcmp(type, "user"))
            return fail(err, 0, path,
                        "has no meaning in a virtual machine, which has users of its own");
        else if (*json_string(ns, "path", ""))
            return fail(err, 0, path, "a virtual machine cannot join a %s namespace of the host",
                        type);
    }
    return network
               ? 0
               : fail(err, 0, "linux.namespaces",
                      "a virtual machine needs a network namespace, its own or one with a path");
}

int machine_check_process(const cJSON *process, struct error *err)
{
    return check_members(process, "process.", err);
}

int machine_check(const struct container *c, struct error *err)
{
    const cJSON *root = c->config.root, *linux_ = json_get(root, "linux");

    if (check_members(root, "", err) < 0 || check_namespaces(linux_, err) < 0 ||
        check_unified(linux_, err) < 0)
        return -1;
    if (c->preserve_fds)
        return fail(err, 0, "vm", "descriptors cannot be passed on to a virtual machine");
    if (c->state.notify_socket)
        return fail(err, 0, "vm", "NOTIFY_SOCKET cannot be passed on to a virtual machine");
    return 0;
}

/* --- the guest's half --------------------------------------------------------------------------- */

/* Of a kernel that is new enough for all that hozo does, whose first process is root. */
const char machine_guest_facts[] =
    "{\"euid\":0,\"egid\":0,\"userNamespace\":false,\"lastCapability\":40,"
    "\"capabilities\":2199023255551,\"cgroup\":{\"layout\":\"v2\",\"unified\":{"
    "\"mountpoint\":\"/sys/fs/cgroup\",\"controllers\":[]}}}";

static int copy(const struct json *from, const cJSON *node, struct json *to, struct error *err)
{
    auto_text struct text text = {0};

    text_json_tree(&text, from, node);
    return text.failed ? fail_memory(err)
                       : json_parse(to, "config.json", text.at, text.length, err);
}

static void drop(cJSON *object, const char *name)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
}

static cJSON *member(cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void drop_namespace(cJSON *linux_, const char *type)
{
    cJSON *list = member(linux_, "namespaces"), *ns = list ? list->child : NULL, *next;

    for (; ns; ns = next) {
        next = ns->next;
        if (!strcmp(json_string(ns, "type", ""), type))
            cJSON_Delete(cJSON_DetachItemViaPointer(list, ns));
    }
}

static bool is_startContainer(const char *kind)
{
    return !strcmp(kind, "startContainer");
}

static void keep_hooks(cJSON *hooks, bool inside_)
{
    cJSON *kind = hooks ? hooks->child : NULL, *next;

    for (; kind; kind = next) {
        next = kind->next;
        if (is_startContainer(kind->string) != inside_)
            cJSON_Delete(cJSON_DetachItemViaPointer(hooks, kind));
    }
}

/* Where the guest finds what the host has bound for this mount. */
static int share_source(struct json *doc, cJSON *mount, const char *share, unsigned index,
                        struct error *err)
{
    struct mount_options o;
    auto_text struct text source = {0};
    auto_free char *path = NULL;
    char at[32];
    int r = mount_options_parse(json_get(mount, "options"), &o, err);

    free(r ? NULL : o.data);
    if (r)
        return -1;
    if (o.remount || (!o.bind && strcmp(json_string(mount, "type", ""), "bind")))
        return 0;
    if (bind_is_mapped(mount, &o)) {
        snprintf(at, sizeof at, "mounts[%u]", index);
        return fail(err, 0, at, "no idmapped mounts: a virtual machine has users of its own");
    }
    if (asprintf(&path, "%s/%u", share, index) < 0)
        return fail_memory(err);
    text_json(&source, path);
    return json_insert(doc, mount, "source", source.at, source.length, err);
}

static int make_guest(struct container *c, struct json *guest, struct error *err)
{
    unsigned index = 0;
    cJSON *linux_, *mount;

    if (copy(&c->config, c->config.root, guest, err) < 0)
        return -1;
    linux_ = member(guest->root, "linux");
    drop(guest->root, "vm");
    drop_namespace(linux_, "network");
    keep_hooks(member(guest->root, "hooks"), true);
    cJSON_ArrayForEach (mount, member(guest->root, "mounts"))
        if (share_source(guest, mount, c->machine->guest_share, index++, err) < 0)
            return -1;
    return 0;
}

/* --- the host's half ---------------------------------------------------------------------------- */

static void add_namespaces(struct text *out, const cJSON *linux_)
{
    const cJSON *ns;

    text_put(out, "[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}");
    cJSON_ArrayForEach (ns, json_get(linux_, "namespaces"))
        if (!strcmp(json_string(ns, "type", ""), "network")) {
            text_put(out, ",{\"type\":\"network\",\"path\":");
            text_json(out, json_string(ns, "path", ""));
            text_put(out, "}");
        }
    text_put(out, "]");
}

static int make_host(struct container *c, struct json *host, struct error *err)
{
    const struct machine *m = c->machine;
    const cJSON *hooks = json_get(c->config.root, "hooks");
    auto_text struct text text = {0};

    text_put(&text, "{\"linux\":{\"namespaces\":");
    add_namespaces(&text, json_get(c->config.root, "linux"));
    text_put(&text, ",\"devices\":");
    text_json_tree(&text, &m->root, json_get(m->root.root, "devices"));
    text_put(&text, "},\"mounts\":");
    text_json_tree(&text, &m->root, json_get(m->root.root, "mounts"));
    if (hooks) {
        text_put(&text, ",\"hooks\":");
        text_json_tree(&text, &c->config, hooks);
    }
    text_put(&text, "}");
    if (text.failed)
        return fail_memory(err);
    if (json_parse(host, "config.json", text.at, text.length, err) < 0)
        return -1;
    keep_hooks(member(host->root, "hooks"), false);
    return 0;
}

int machine_divide(struct container *c, struct json *host, struct json *guest, struct error *err)
{
    return make_host(c, host, err) < 0 || make_guest(c, guest, err) < 0 ? -1 : 0;
}

/* --- limits ------------------------------------------------------------------------------------- */

/* Swap is memory and swap together: it grows as well. */
int machine_raise_memory(struct json *doc, uint64_t overhead, struct error *err)
{
    static const char *const members[] = {"limit", "swap"};
    cJSON *memory = member(member(member(doc->root, "linux"), "resources"), "memory");

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        int64_t limit = json_int(doc, memory, members[i], -1);
        char number[24];
        int n;

        if (limit <= 0 || __builtin_add_overflow(limit, (int64_t)overhead, &limit))
            continue;
        n = snprintf(number, sizeof number, "%lld", (long long)limit);
        if (json_insert(doc, memory, members[i], number, (size_t)n, err) < 0)
            return -1;
    }
    return 0;
}
