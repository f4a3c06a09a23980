/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin tells of a virtual machine. */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/json-edit.h"
#include "core/machine.h"

/* What it does inside the container it does in the guest … */
bool call_is_inside(const struct call *k)
{
    return k->c->guest_builder && machine_is_inside(k->plugin);
}

/* … and this one has no part there. */
bool call_is_outside(const struct call *k)
{
    return k->c->guest_builder && !machine_is_inside(k->plugin);
}

struct plan_builder *call_builder(const struct call *k)
{
    return call_is_inside(k) ? k->c->guest_builder : k->c->builder;
}

static int late_slot(struct call *k, uint32_t handle, const char *what)
{
    const struct late *late = late_of(k, handle);

    if (!late)
        return -1;
    if (late->type != HOZO_LATE_DESCRIPTOR)
        return call_refuse(k, "plans a machine whose %s is no late descriptor", what);
    return (int)late->index;
}

static char **copy_args(const char *const *args)
{
    size_t n = 0;
    char **to;

    while (args[n])
        n++;
    if (!(to = calloc(n + 1, sizeof *to)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        to[i] = strdup(args[i]);
    return to;
}

static void add_mounts(struct text *out, const struct hozo_mount *const *mounts)
{
    /* What every program expects, and a terminal needs. The files of /proc/sys are root's: who has that user id needs no
     * capability to write to them. */
    text_put(
        out,
        "[{\"destination\":\"/proc\",\"type\":\"proc\","
        "\"options\":[\"ro\",\"nosuid\",\"nodev\",\"noexec\"]},"
        "{\"destination\":\"/dev/pts\",\"type\":\"devpts\","
        "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]}");
    for (; mounts && *mounts; mounts++) {
        const struct hozo_mount *m = *mounts;
        const char *separator = "";

        text_put(out, ",{\"destination\":");
        text_json(out, m->destination);
        if (m->type) {
            text_put(out, ",\"type\":");
            text_json(out, m->type);
        }
        if (m->source) {
            text_put(out, ",\"source\":");
            text_json(out, m->source);
        }
        text_put(out, ",\"options\":[");
        for (const char *const *o = m->options; o && *o; o++, separator = ",") {
            text_put(out, separator);
            text_json(out, *o);
        }
        text_put(out, "]}");
    }
    text_put(out, "]");
}

static void add_devices(struct text *out, const struct hozo_device *const *devices)
{
    const char *separator = "";

    text_put(out, "[");
    for (; devices && *devices; devices++, separator = ",") {
        const struct hozo_device *d = *devices;

        text_put(out, separator);
        text_put(out, "{\"path\":");
        text_json(out, d->path);
        text_put(out, ",\"type\":");
        text_json(out, d->type);
        text_add(out, ",\"major\":%lld,\"minor\":%lld,\"fileMode\":%u,\"uid\":%u,\"gid\":%u}",
                 (long long)d->major, (long long)d->minor, d->mode ? d->mode : 0666, d->uid,
                 d->gid);
    }
    text_put(out, "]");
}

static int describe_root(struct call *k, const struct hozo_machine *from, struct machine *m)
{
    auto_text struct text text = {0};

    text_put(&text, "{\"mounts\":");
    add_mounts(&text, from->mounts);
    text_put(&text, ",\"devices\":");
    add_devices(&text, from->devices);
    text_put(&text, "}");
    return text.failed || json_parse(&m->root, "machine", text.at, text.length, k->err) < 0
               ? call_refuse(k, "plans a machine with a root that is not sound")
               : 0;
}

/* The rules of the configuration may end in "no device": what the machine needs is allowed behind them. */
static int permit(struct call *k, const struct hozo_device *const *devices)
{
    struct json *doc = &k->c->config;
    cJSON *linux_ = cJSON_GetObjectItemCaseSensitive(doc->root, "linux");
    cJSON *resources = json_ensure(doc, linux_, "resources", "{}", k->err);
    cJSON *rules = resources ? json_ensure(doc, resources, "devices", "[]", k->err) : NULL;

    for (; rules && devices && *devices; devices++) {
        const struct hozo_device *d = *devices;
        char rule[160];
        int n = snprintf(
            rule, sizeof rule,
            "{\"allow\":true,\"type\":\"%s\",\"major\":%lld,\"minor\":%lld,\"access\":\"%s\"}",
            d->type, (long long)d->major, (long long)d->minor, d->access ? d->access : "rw");

        if (json_insert(doc, rules, NULL, rule, (size_t)n, k->err) < 0)
            return -1;
    }
    return rules ? 0 : -1;
}

static int take(struct call *k, const struct hozo_machine *from, struct machine *m)
{
    if ((m->monitor = late_slot(k, from->monitor, "program")) < 0 ||
        (m->setup = late_slot(k, from->setup, "set-up")) < 0 ||
        (m->initrd = late_slot(k, from->initrd, "initial RAM disk")) < 0)
        return -1;
    if (!from->args || !from->share || !from->guest_share || from->share[0] != '/' ||
        from->guest_share[0] != '/')
        return call_refuse(k, "plans a machine without arguments or absolute paths");
    m->capabilities = from->capabilities;
    m->overhead = from->overhead;
    m->args = copy_args(from->args);
    m->share = strdup(from->share);
    m->guest_share = strdup(from->guest_share);
    if (!m->args || !m->share || !m->guest_share)
        return call_refuse(k, "out of memory");
    return describe_root(k, from, m);
}

int plan_machine(struct hozo_ctx *ctx, const struct hozo_machine *theirs)
{
    struct call *k = call_of(ctx);
    struct container *c = k->c;
    struct hozo_machine from = {0};

    if (call_allowed(k, "hozo_plan_machine", IN(PLAN)) < 0 ||
        call_take(k, "struct hozo_machine", theirs, &from, sizeof from) < 0)
        return -1;
    if (!machine_wanted(c))
        return call_refuse(k, "plans a machine that nobody has asked for");
    if (c->machine)
        return call_refuse(k, "plans a second machine");
    /* Whose limits would be too low for it. */
    if (c->state.cgroup.list)
        return call_refuse(
            k, "plans a machine behind the control group's plugins: `before` names them");
    if (!(c->machine = calloc(1, sizeof *c->machine)))
        return call_refuse(k, "out of memory");
    if (take(k, &from, c->machine) < 0)
        return -1;
    /* Before those plan that limit the control group: they come behind. */
    c->adjusted = true;
    k->last.container = NULL;
    if (machine_raise_memory(&c->config, from.overhead, k->err) < 0 ||
        permit(k, from.devices) < 0) {
        k->failed = k->refused = true;
        return -1;
    }
    c->state.machine = true;
    c->state.overhead = from.overhead;
    return 0;
}
