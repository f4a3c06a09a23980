/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `features`: a pure function of the installed files. The host is not probed and no code of a
 * plugin is called: what is printed are the core's tables and the plugins' descriptors. A plugin
 * that cannot be opened counts as absent, since engines drop the whole answer if the command fails.
 */
#include "core/plugin-parts.h"

#include <string.h>

#include "build-config.h"
#include "commit.h"
#include "core/linux/capabilities.h"
#include "core/linux/mount-options.h"
#include "core/linux/namespaces.h"
#include "core/log.h"

/* Keys that plugins fill, and what they say if no plugin does: NULL: the key is absent then. */
static const struct {
    const char *path, *otherwise;
} keys[] = {
    {"linux.cgroup.v1", "false"},
    {"linux.cgroup.v2", "false"},
    {"linux.cgroup.systemd", "false"},
    {"linux.cgroup.systemdUser", "false"},
    {"linux.cgroup.rdma", "false"},
    {"linux.seccomp.enabled", "false"},
    {"linux.seccomp.actions", NULL},
    {"linux.seccomp.operators", NULL},
    {"linux.seccomp.archs", NULL},
    {"linux.seccomp.knownFlags", NULL},
    {"linux.seccomp.supportedFlags", NULL},
    {"linux.apparmor.enabled", "false"},
    {"linux.selinux.enabled", "false"},
    {"linux.intelRdt.enabled", "false"},
    {"linux.intelRdt.schemata", NULL},
    {"linux.intelRdt.monitoring", NULL},
    {"linux.memoryPolicy.modes", "[]"},
    {"linux.memoryPolicy.flags", "[]"},
    {"linux.mountExtensions.idmap.enabled", "true"},
    {"linux.netDevices.enabled", "false"},
};

/* Of annotations a plugin fills those of somebody's domain: hozo's own have one label. */
#define ANNOTATIONS "annotations."

static bool is_annotation(const char *path)
{
    return !strncmp(path, ANNOTATIONS, strlen(ANNOTATIONS)) &&
           plugin_kind(path, NULL) == KIND_ANNOTATIONS &&
           strncmp(path + strlen(ANNOTATIONS), "hozo.", 5) != 0;
}

bool feature_key(const char *path)
{
    if (is_annotation(path))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!strcmp(keys[i].path, path))
            return true;
    return false;
}

/* What is added without memory is lost, which is noticed once, at the end. */
struct features {
    struct plugins *p;
    const struct log *log;
    cJSON *root;
    bool failed;
    struct text broken;
};

/* Takes the item over; returns it, or NULL if it was lost. */
static cJSON *put(struct features *f, cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item))
        return item;
    cJSON_Delete(item);
    f->failed = true;
    return NULL;
}

static void put_string(struct features *f, cJSON *object, const char *name, const char *value)
{
    put(f, object, name, cJSON_CreateString(value));
}

static void push(struct features *f, cJSON *array, const char *string)
{
    cJSON *item = cJSON_CreateString(string);

    if (item && cJSON_AddItemToArray(array, item))
        return;
    cJSON_Delete(item);
    f->failed = true;
}

static cJSON *object_at(struct features *f, cJSON *object, const char *name)
{
    cJSON *child = cJSON_GetObjectItemCaseSensitive(object, name);

    return child ? child : put(f, object, name, cJSON_CreateObject());
}

static cJSON *array_at(struct features *f, cJSON *object, const char *name)
{
    return put(f, object, name, cJSON_CreateArray());
}

/* --- plugins ---------------------------------------------------------------------------------- */

static void add_broken(struct features *f, const char *name, const char *why)
{
    text_add(&f->broken, "%s%s: %s", f->broken.length ? "; " : "", name, why);
}

static int open_all(struct features *f, struct error *err)
{
    if (plugins_rehearse(f->p, err) < 0)
        return -1;
    for (size_t i = 0; i < f->p->n_files; i++) {
        const char *name = f->p->files[i].name;
        struct error reason = {0};
        char line[sizeof reason.text];

        if (i && !strcmp(name, f->p->files[i - 1].name))
            continue;
        if (plugin_kind(name, NULL) == KIND_STRAY || plugins_open(f->p, name, &reason) >= 0)
            continue;
        error_format(&reason, line, sizeof line);
        add_broken(f, name, line);
        log_only(f->log, LOG_LEVEL_WARNING, line);
    }
    return 0;
}

static bool contains(const cJSON *array, const char *string)
{
    const cJSON *item;

    cJSON_ArrayForEach (item, array) {
        if (!strcmp(item->valuestring, string))
            return true;
    }
    return false;
}

/* Lists of several plugins are joined; "false" of one does not take back another's "true". */
static void merge(struct features *f, cJSON **value, cJSON *more)
{
    cJSON *item;

    if (!more) {
        f->failed = true;
    } else if (cJSON_IsArray(*value) && cJSON_IsArray(more)) {
        cJSON_ArrayForEach (item, more) {
            if (cJSON_IsString(item) && !contains(*value, item->valuestring))
                push(f, *value, item->valuestring);
        }
        cJSON_Delete(more);
    } else if (!*value || cJSON_IsFalse(*value)) {
        cJSON_Delete(*value);
        *value = more;
    } else {
        cJSON_Delete(more);
    }
}

/* Some installed file would open this plugin for the field; a service is always asked. */
static bool is_reachable(const struct features *f, const struct plugin *plugin, const char *field)
{
    for (size_t i = 0; i < f->p->n_files; i++) {
        const struct plugin_file *file = &f->p->files[i];
        size_t n = strlen(file->name);

        if (file->plugin == plugin && (file->name[0] == '+' || (!strncmp(field, file->name, n) &&
                                                                (!field[n] || field[n] == '.'))))
            return true;
    }
    return false;
}

static cJSON *values_of(struct features *f, const struct hozo_field *row)
{
    cJSON *array = cJSON_CreateArray();

    for (const char *const *v = row->values; array && *v; v++)
        push(f, array, *v);
    return array;
}

static cJSON *from_plugins(struct features *f, const char *path)
{
    cJSON *value = NULL;

    for (size_t i = 0; i < f->p->n_opened; i++) {
        const struct hozo_plugin *d = f->p->opened[i]->d;

        if (f->p->opened[i]->watches)
            continue;
        table_each(struct hozo_feature, row, &d->features)
        {
            cJSON *constant;

            if (strcmp(row->path, path))
                continue;
            if ((constant = cJSON_ParseWithOpts(row->value, NULL, true)))
                merge(f, &value, constant);
            else
                add_broken(f, d->name, "a feature that is not JSON");
        }
        table_each(struct hozo_field, row, &d->fields)
        {
            if (row->feature && row->values && !strcmp(row->feature, path) &&
                is_reachable(f, f->p->opened[i], row->path))
                merge(f, &value, values_of(f, row));
        }
    }
    return value;
}

static void add_keys(struct features *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        cJSON *value = from_plugins(f, keys[i].path), *object = f->root;
        char path[64], *rest = path, *name;

        if (!value && !keys[i].otherwise)
            continue;
        snprintf(path, sizeof path, "%s", keys[i].path);
        while ((name = strsep(&rest, ".")) && rest)
            object = object_at(f, object, name);
        put(f, object, name, value ? value : cJSON_Parse(keys[i].otherwise));
    }
}

/* --- the core --------------------------------------------------------------------------------- */

static void add_namespaces(struct features *f, cJSON *linux_)
{
    cJSON *array = array_at(f, linux_, "namespaces");

    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        push(f, array, k->type);
}

/* All that libcap has names for, whatever the running kernel knows. */
static void add_capabilities(struct features *f, cJSON *linux_)
{
    cJSON *array = array_at(f, linux_, "capabilities");
    char name[64];

    for (int n = 0; capability_name(n, name, sizeof name); n++)
        push(f, array, name);
}

static void add_core(struct features *f)
{
    static const char *const hooks[] = {"prestart",       "createRuntime", "createContainer",
                                        "startContainer", "poststart",     "poststop"};
    cJSON *array, *linux_;

    put_string(f, f->root, "ociVersionMin", "1.0.0");
    put_string(f, f->root, "ociVersionMax", HOZO_SPEC_VERSION);
    array = array_at(f, f->root, "hooks");
    for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
        push(f, array, hooks[i]);
    array = array_at(f, f->root, "mountOptions");
    for (size_t i = 0; mount_option_name(i); i++)
        push(f, array, mount_option_name(i));
    /* containerd looks into it without asking whether it is there. */
    linux_ = object_at(f, f->root, "linux");
    add_namespaces(f, linux_);
    add_capabilities(f, linux_);
}

/* --- annotations ------------------------------------------------------------------------------ */

static void add_annotations(struct features *f)
{
    cJSON *annotations = object_at(f, f->root, "annotations");
    auto_text struct text list = {0}, digest = {0};

    put_string(f, annotations, "hozo.version", HOZO_VERSION);
    if (HOZO_COMMIT[0])
        put_string(f, annotations, "hozo.commit", HOZO_COMMIT);
    for (size_t i = 0; i < f->p->n_opened; i++)
        text_add(&list, "%s%s %s", i ? ", " : "", f->p->opened[i]->d->name,
                 f->p->opened[i]->d->version);
    put_string(f, annotations, "hozo.plugins", list.at ? list.at : "");
    if (f->broken.length)
        put_string(f, annotations, "hozo.plugins.broken", f->broken.at);
    plugins_digest(f->p, &digest);
    put_string(f, annotations, "hozo.plugins.digest", digest.at ? digest.at : "");
    f->failed |= list.failed || digest.failed || f->broken.failed;
}

/* Who is first says it: a second one is as broken as one that says nothing. */
static void add_plugin_annotations(struct features *f)
{
    cJSON *annotations = object_at(f, f->root, "annotations");

    for (size_t i = 0; i < f->p->n_opened; i++) {
        const struct hozo_plugin *d = f->p->opened[i]->d;

        table_each(struct hozo_feature, row, &d->features)
        {
            const char *key = row->path + strlen(ANNOTATIONS);
            cJSON *value;

            if (!is_annotation(row->path))
                continue;
            value = cJSON_ParseWithOpts(row->value, NULL, true);
            if (cJSON_IsString(value) && !cJSON_HasObjectItem(annotations, key))
                put_string(f, annotations, key, value->valuestring);
            else
                add_broken(f, d->name, "an annotation that is no text of its own");
            cJSON_Delete(value);
        }
    }
}

/* The least of all declared keys that is greater than `last`: the list comes out sorted. */
static const char *next_key(const struct plugins *p, const char *last)
{
    const char *best = NULL;

    for (size_t i = 0; i < p->n_opened; i++) {
        table_each(struct hozo_annotation, row, &p->opened[i]->d->annotations)
        {
            if ((!last || strcmp(row->key, last) > 0) && (!best || strcmp(row->key, best) < 0))
                best = row->key;
        }
    }
    return best;
}

static void add_unsafe_annotations(struct features *f)
{
    cJSON *array = array_at(f, f->root, "potentiallyUnsafeConfigAnnotations");

    for (const char *key = next_key(f->p, NULL); key; key = next_key(f->p, key))
        push(f, array, key);
}

static void add_all(struct features *f)
{
    add_core(f);
    add_keys(f);
    add_plugin_annotations(f);
    add_annotations(f);
    add_unsafe_annotations(f);
}

int features_print(struct plugins *p, const struct log *log, struct text *out, struct error *err)
{
    struct features f = {.p = p, .log = log, .root = cJSON_CreateObject()};
    char *json = NULL;
    int r = open_all(&f, err);

    if (!r) {
        add_all(&f);
        json = f.failed ? NULL : cJSON_Print(f.root);
        if (json)
            text_add(out, "%s\n", json);
        else
            r = fail_memory(err);
    }
    cJSON_free(json);
    cJSON_Delete(f.root);
    text_free(&f.broken);
    return r < 0 || !out->failed ? r : fail_memory(err);
}
