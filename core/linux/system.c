/* SPDX-License-Identifier: Apache-2.0 */
/* What the container sees of the system: host name, sysctl, masked and read-only paths. */
#include "core/compile.h"

#include <linux/magic.h>
#include <sched.h>
#include <string.h>

#include "core/linux/confine.h"
#include "core/linux/namespaces.h"

/* The sysctls that a namespace makes the container's own; any other would change the host. */
static const struct {
    const char *name; /* with a final '.': all that start so */
    const char *namespace_;
} sysctls[] = {
    {"fs.mqueue.", "ipc"},    {"kernel.domainname", "uts"},      {"kernel.hostname", "uts"},
    {"kernel.msgmax", "ipc"}, {"kernel.msgmnb", "ipc"},          {"kernel.msgmni", "ipc"},
    {"kernel.sem", "ipc"},    {"kernel.shm_rmid_forced", "ipc"}, {"kernel.shmall", "ipc"},
    {"kernel.shmmax", "ipc"}, {"kernel.shmmni", "ipc"},          {"net.", "network"},
};

static const char *sysctl_namespace(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
        size_t n = strlen(sysctls[i].name);

        if (sysctls[i].name[n - 1] == '.' ? !strncmp(name, sysctls[i].name, n)
                                          : !strcmp(name, sysctls[i].name))
            return sysctls[i].namespace_;
    }
    return NULL;
}

/* A name with one separator as the file below /proc/sys, and with the other as the table has it. */
static char *exchanged(const char *name)
{
    char *copy = strdup(name);

    for (char *c = copy; c && *c; c++)
        *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
    return copy;
}

const struct namespace_kind *sysctl_kind(const char *file)
{
    static const char top[] = "sys/";
    auto_free char *name = NULL;
    const char *type;

    if (strncmp(file, top, strlen(top)) || !(name = exchanged(file + strlen(top))))
        return NULL;
    type = sysctl_namespace(name);
    return type ? namespace_kind(type) : NULL;
}

/* As sysctl(8) reads names, the first separator is the one that separates, and the other belongs to a name:
 * net/ipv4/conf/eth0.1/forwarding is net.ipv4.conf.eth0/1.forwarding. */
static int add_sysctl(struct compile *p, const char *name, const char *value, struct error *err)
{
    bool slashes = name[strcspn(name, "./")] == '/';
    auto_free char *other = exchanged(name), *file = NULL;
    const char *type;
    char path[256];

    if (!other || asprintf(&file, "sys/%s", slashes ? name : other) < 0)
        return fail_memory(err);
    snprintf(path, sizeof path, "linux.sysctl[\"%s\"]", name);
    type = sysctl_namespace(slashes ? other : name);
    if ((!type && !p->guest) || strstr(file, ".."))
        return fail(err, 0, path, "is not a sysctl that a namespace separates from the host");
    if (type && !(p->namespaces & namespace_kind(type)->flag))
        return fail(err, 0, path, "needs a %s namespace of the container's own", type);
    plan_op(p->b, PHASE_SYSTEM, WRITE, path, SLOT(compile_proc(p)), STR(file), STR(value),
            NUM(PROC_SUPER_MAGIC));
    plan_what(p->b, "write %s", name);
    return 0;
}

static int add_names(struct compile *p, struct error *err)
{
    static const struct {
        const char *member;
        enum plan_kind kind;
    } names[] = {{"hostname", OP_HOSTNAME}, {"domainname", OP_DOMAINNAME}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *name = json_string(p->config, names[i].member, "");

        if (!*name)
            continue;
        if (!(p->namespaces & CLONE_NEWUTS))
            return fail(err, 0, names[i].member, "needs a uts namespace of the container's own");
        plan_add(p->b, PHASE_SYSTEM, names[i].kind, names[i].member,
                 (const struct plan_value[]){STR(name)}, 1);
    }
    return 0;
}

static int add_paths(struct compile *p, const char *member, enum plan_kind kind, const char *verb,
                     const char *option, struct error *err)
{
    const cJSON *entry;
    unsigned index = 0;

    cJSON_ArrayForEach (entry, json_get(p->linux_, member)) {
        char path[64];

        snprintf(path, sizeof path, "linux.%s[%u]", member, index++);
        if (entry->valuestring[0] != '/')
            return fail(err, 0, path, "\"%s\" is not an absolute path", entry->valuestring);
        plan_add(p->b, PHASE_SYSTEM, kind, path,
                 (const struct plan_value[]){SLOT(p->root), STR(entry->valuestring), STR(option)},
                 kind == OP_MASK ? 3 : 2);
        plan_what(p->b, "%s %s", verb, entry->valuestring);
    }
    return 0;
}

int compile_system(struct compile *p, struct error *err)
{
    auto_free char *label = NULL;
    const cJSON *sysctl;

    cJSON_ArrayForEach (sysctl, json_at(p->linux_, "sysctl", NULL))
        if (!cJSON_IsNull(sysctl) && add_sysctl(p, sysctl->string, sysctl->valuestring, err) < 0)
            return -1;
    if (add_names(p, err) < 0)
        return -1;
    if (mount_label_option(p, "tmpfs", NULL, &label, err) < 0 ||
        add_paths(p, "readonlyPaths", OP_READONLY, "make read-only", NULL, err) < 0 ||
        add_paths(p, "maskedPaths", OP_MASK, "mask", label, err) < 0)
        return -1;
    return 0;
}
