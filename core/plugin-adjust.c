/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins add to the configuration. It becomes part of the document, so that all that follows, the
 * control group's device rules as well as the copy that later verbs read, knows of it without a word about
 * plugins. Nothing that is there is changed: what contradicts it is an error that names both.
 */
#include "core/plugin-parts.h"

#include <string.h>

#include "core/json-edit.h"

void additions_free(struct plugins *p)
{
    for (size_t i = 0; i < p->n_additions; i++)
        free(p->additions[i].path);
    free(p->additions);
}

static const char *added_by(const struct plugins *p, const char *path)
{
    for (size_t i = 0; i < p->n_additions; i++) {
        size_t n = strlen(p->additions[i].path);

        if (!strncmp(path, p->additions[i].path, n) && (!path[n] || strchr(".[", path[n])))
            return p->additions[i].plugin;
    }
    return NULL;
}

void plugins_blame(const struct plugins *p, struct error *err)
{
    const char *plugin = err->path[0] ? added_by(p, err->path) : NULL;
    char name[sizeof err->text];

    snprintf(name, sizeof name, "plugin %s", plugin ? plugin : "");
    if (plugin && !strstr(err->text, name))
        fail(err, err->errnum, err->path, "%s (added by %s)", err->text, name);
}

/* --- adding ----------------------------------------------------------------------------------- */

/* An error of the host's own functions, at a place of the configuration. */
static int refused(struct call *k)
{
    k->failed = k->refused = true;
    return -1;
}

static int conflict(struct call *k, const char *path, const char *what)
{
    const char *other = added_by(&k->c->plugins, path);

    refused(k);
    return fail(k->err, 0, path, "plugin %s adds another %s than %s%s", k->plugin->d->name, what,
                other ? "plugin " : "the configuration", other ? other : "");
}

/* Appends to an array, or sets a member, and remembers who did. */
static int insert(struct call *k, cJSON *into, const char *name, const struct text *path,
                  const struct text *json)
{
    struct plugins *p = &k->c->plugins;
    struct addition *rows;

    if (path->failed || json->failed || !path->at)
        return call_refuse(k, "out of memory");
    rows = reallocarray(p->additions, p->n_additions + 1, sizeof *rows);
    if (!rows)
        return call_refuse(k, "out of memory");
    p->additions = rows;
    if (!(rows[p->n_additions].path = strdup(path->at)))
        return call_refuse(k, "out of memory");
    rows[p->n_additions++].plugin = k->plugin->d->name;
    k->c->adjusted = true;
    k->last.container = NULL;
    if (json_insert(&k->c->config, into, name, json->at, json->length, k->err) == 0)
        return 0;
    fail(k->err, 0, path->at, "plugin %s adds what is not JSON: %s", k->plugin->d->name,
         k->err->text);
    return refused(k);
}

static int append(struct call *k, cJSON *array, const char *path, const struct text *json)
{
    auto_text struct text at = {0};

    text_put(&at, path);
    path_element(&at, json_length(array));
    return insert(k, array, NULL, &at, json);
}

/* Descends by names, making what is absent: objects, at the end what `last` is ("{}", "[]"). "" is the root. */
static cJSON *reach(struct call *k, const char *path, const char *last)
{
    auto_free char *copy = strdup(path);
    cJSON *node = k->c->config.root;
    char *rest = copy, *name;

    while (node && copy && *path && (name = strsep(&rest, ".")))
        node = json_ensure(&k->c->config, node, name, rest ? "{}" : last, k->err);
    if (node && copy)
        return node;
    refused(k);
    return NULL;
}

/* What is no JSON is not the same as anything. */
static bool same(struct call *k, const cJSON *node, const struct text *json)
{
    auto_json struct json own = {0};
    struct error ignored;

    return !json->failed && !json_parse(&own, "element", json->at, json->length, &ignored) &&
           json_same(&k->c->config, node, &own, own.root);
}

/* Appends what no element says already. */
static int append_once(struct call *k, cJSON *array, const char *path, const struct text *json)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, array)
        if (same(k, element, json))
            return 0;
    return append(k, array, path, json);
}

/* The element whose member `name` is `value`; its path in *at. */
static const cJSON *find_by(const cJSON *array, const char *name, const char *value,
                            const char *path, struct text *at)
{
    const cJSON *element;
    size_t i = 0;

    cJSON_ArrayForEach (element, array) {
        const char *theirs = json_string(element, name, NULL);

        if (theirs && !strcmp(theirs, value)) {
            text_put(at, path);
            path_element(at, i);
            return element;
        }
        i++;
    }
    return NULL;
}

/* An element that `name` identifies: added, there already, or a conflict. */
static int add_named(struct call *k, const char *path, const char *name, const char *value,
                     const char *what, const struct text *json)
{
    cJSON *array = reach(k, path, "[]");
    auto_text struct text at = {0};
    const cJSON *there;

    if (!array)
        return -1;
    there = find_by(array, name, value, path, &at);
    if (!there)
        return append(k, array, path, json);
    return same(k, there, json) ? 0 : conflict(k, at.at, what);
}

static void add_string(struct text *json, const char *name, const char *value)
{
    if (!value)
        return;
    text_add(json, "%s\"%s\":", json->length > 1 ? "," : "", name);
    text_json(json, value);
}

static void add_strings(struct text *json, const char *name, const char *const *list)
{
    if (!list || !*list)
        return;
    text_add(json, "%s\"%s\":[", json->length > 1 ? "," : "", name);
    for (size_t i = 0; list[i]; i++) {
        text_put(json, i ? "," : "");
        text_json(json, list[i]);
    }
    text_add(json, "]");
}

/* --- what can be added ------------------------------------------------------------------------ */

#define BEGIN(function)                                                                            \
    struct call *k = call_of(ctx);                                                                 \
    auto_text struct text json = {0};                                                              \
    if (call_allowed(k, function, IN(ADJUST)) < 0)                                                 \
    return -1

int add_env(struct hozo_ctx *ctx, const char *name, const char *value)
{
    auto_text struct text at = {0}, entry = {0};
    const cJSON *other;
    size_t n, i = 0;
    cJSON *env;
    BEGIN("hozo_add_env");

    if (!name || !*name || strchr(name, '=') || !value)
        return call_refuse(k, "adds a variable without a sound name");
    if (!(env = reach(k, "process.env", "[]")))
        return -1;
    n = strlen(name);
    cJSON_ArrayForEach (other, env) {
        if (!strncmp(other->valuestring, name, n) && other->valuestring[n] == '=') {
            if (!strcmp(other->valuestring + n + 1, value))
                return 0;
            text_put(&at, "process.env");
            path_element(&at, i);
            return conflict(k, at.at, "value of the variable");
        }
        i++;
    }
    text_add(&entry, "%s=%s", name, value);
    if (!entry.failed)
        text_json(&json, entry.at);
    return append(k, env, "process.env", &json);
}

static int add_rule(struct call *k, const struct hozo_device *d, const char *access)
{
    auto_text struct text json = {0};
    cJSON *rules = reach(k, "linux.resources.devices", "[]");
    const cJSON *rule;
    bool said = false;

    if (!rules)
        return -1;
    text_add(&json, "{\"allow\":true,\"type\":\"%s\",\"major\":%lld,\"minor\":%lld",
             *d->type == 'b' ? "b" : "c", (long long)d->major, (long long)d->minor);
    add_string(&json, "access", access);
    text_add(&json, "}");
    /* The last word counts: behind a prohibition it has to be said again. */
    cJSON_ArrayForEach (rule, rules)
        said = same(k, rule, &json) || (said && json_bool(rule, "allow", false));
    return said ? 0 : append(k, rules, "linux.resources.devices", &json);
}

/* What the configuration leaves out is what it is in the specification, or our default. */
static bool same_device(const struct json *doc, const cJSON *node, const struct hozo_device *d)
{
    return *json_string(node, "type", "") == *d->type &&
           (*d->type == 'p' || (json_int(doc, node, "major", -1) == d->major &&
                                json_int(doc, node, "minor", -1) == d->minor)) &&
           json_int(doc, node, "fileMode", 0666) == (d->mode ? d->mode : 0666) &&
           json_int(doc, node, "uid", 0) == d->uid && json_int(doc, node, "gid", 0) == d->gid;
}

int add_device(struct hozo_ctx *ctx, const struct hozo_device *theirs)
{
    auto_text struct text at = {0};
    const cJSON *there;
    struct hozo_device d = {0};
    const char *access;
    cJSON *devices;
    BEGIN("hozo_add_device");

    if (call_take(k, "struct hozo_device", theirs, &d, sizeof d) < 0)
        return -1;
    if (!d.path || !d.type || strlen(d.type) != 1)
        return call_refuse(k, "adds a device without path or type");
    access = d.access ? d.access : "rw";
    text_add(&json, "{\"path\":");
    text_json(&json, d.path);
    add_string(&json, "type", d.type);
    if (*d.type != 'p')
        text_add(&json, ",\"major\":%lld,\"minor\":%lld", (long long)d.major, (long long)d.minor);
    text_add(&json, ",\"fileMode\":%u,\"uid\":%u,\"gid\":%u}", d.mode ? d.mode : 0666, d.uid,
             d.gid);
    if (!(devices = reach(k, "linux.devices", "[]")))
        return -1;
    there = find_by(devices, "path", d.path, "linux.devices", &at);
    if (there && !same_device(&k->c->config, there, &d))
        return conflict(k, at.at, "device of this path");
    if (!there && append(k, devices, "linux.devices", &json) < 0)
        return -1;
    return *d.type != 'p' && *access ? add_rule(k, &d, access) : 0;
}

int add_mount(struct hozo_ctx *ctx, const struct hozo_mount *theirs)
{
    struct hozo_mount m = {0};
    BEGIN("hozo_add_mount");

    if (call_take(k, "struct hozo_mount", theirs, &m, sizeof m) < 0)
        return -1;
    if (!m.destination)
        return call_refuse(k, "adds a mount without a destination");
    text_add(&json, "{");
    add_string(&json, "destination", m.destination);
    add_string(&json, "type", m.type);
    add_string(&json, "source", m.source);
    add_strings(&json, "options", m.options);
    text_add(&json, "}");
    return add_named(k, "mounts", "destination", m.destination, "mount of this destination", &json);
}

int add_hook(struct hozo_ctx *ctx, const struct hozo_hook *theirs)
{
    auto_text struct text path = {0};
    struct hozo_hook h = {0};
    cJSON *array;
    BEGIN("hozo_add_hook");

    if (call_take(k, "struct hozo_hook", theirs, &h, sizeof h) < 0)
        return -1;
    text_add(&path, "hooks.%s", h.kind ? h.kind : "");
    if (path.failed || !h.kind || strpbrk(h.kind, ".[") || !spec_find(path.at))
        return call_refuse(k, "adds a hook of an unknown kind");
    text_add(&json, "{");
    add_string(&json, "path", h.path);
    add_strings(&json, "args", h.args);
    add_strings(&json, "env", h.env);
    if (h.timeout)
        text_add(&json, ",\"timeout\":%u", h.timeout);
    text_add(&json, "}");
    return (array = reach(k, path.at, "[]")) ? append_once(k, array, path.at, &json) : -1;
}

int add_group(struct hozo_ctx *ctx, uint32_t gid)
{
    const cJSON *other;
    uint64_t there;
    cJSON *groups;
    BEGIN("hozo_add_group");

    if (!(groups = reach(k, "process.user.additionalGids", "[]")))
        return -1;
    cJSON_ArrayForEach (other, groups)
        if (!json_u64(&k->c->config, other, &there) && there == gid)
            return 0;
    text_add(&json, "%u", gid);
    return append(k, groups, "process.user.additionalGids", &json);
}

int add_rlimit(struct hozo_ctx *ctx, const char *type, uint64_t soft, uint64_t hard)
{
    BEGIN("hozo_add_rlimit");

    if (!type)
        return call_refuse(k, "adds a limit without a type");
    text_add(&json, "{");
    add_string(&json, "type", type);
    text_add(&json, ",\"soft\":%llu,\"hard\":%llu}", (unsigned long long)soft,
             (unsigned long long)hard);
    return add_named(k, "process.rlimits", "type", type, "limit of this type", &json);
}

/* The row of a member, of the root's where `object` is "". */
static const struct spec_field *find_member(const char *object, const char *member)
{
    const struct spec_field *around;

    if (!object || !member)
        return NULL;
    if (!*object)
        return spec_member(spec_config, member);
    around = spec_find(object);
    return !around                      ? NULL
           : around->type == SPEC_MAP    ? around->members
           : around->type == SPEC_OBJECT ? spec_member(around->members, member)
                                         : NULL;
}

/* A section, or a member of a map such as linux.netDevices. */
int add_member(struct hozo_ctx *ctx, const char *object, const char *member, const char *text,
               size_t size)
{
    auto_text struct text path = {0};
    const struct spec_field *row;
    const cJSON *there;
    cJSON *into;
    BEGIN("hozo_add_member");

    row = find_member(object, member);
    if (!row || row->server != SERVED_BY_PLUGIN)
        return call_refuse(k, "adds %s.%s, which is no member that plugins serve",
                           object ? object : "", member ? member : "");
    text_put(&path, object);
    path_member(&path, member);
    text_append(&json, text, size);
    if (!(into = reach(k, object, "{}")))
        return -1;
    if (!(there = json_get(into, member)))
        return insert(k, into, member, &path, &json);
    return same(k, there, &json) ? 0 : conflict(k, path.at, "value");
}
