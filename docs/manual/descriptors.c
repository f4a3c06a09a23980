/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the descriptors of plugins say, as lines of JSON: of the files that are named, or of those built in. */
#include <dlfcn.h>

#include "build-config.h"
#include "core/json.h"
#include "core/plugin-parts.h"

static void string(struct text *out, const char *name, const char *value)
{
    text_add(out, ",\"%s\":", name);
    if (value)
        text_json(out, value);
    else
        text_put(out, "null");
}

static void strings(struct text *out, const char *name, const struct hozo_table *rows)
{
    text_add(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < rows->count; i++) {
        text_put(out, i ? "," : "");
        text_json(out, table_string(rows, i));
    }
    text_put(out, "]");
}

static void values(struct text *out, const char *const *at)
{
    text_put(out, ",\"values\":[");
    for (size_t i = 0; at && at[i]; i++) {
        text_put(out, i ? "," : "");
        text_json(out, at[i]);
    }
    text_put(out, "]");
}

static void fields(struct text *out, const char *name, const struct hozo_table *rows)
{
    static const char *const types[] = {"", "string", "boolean", "integer", "integer from 0",
                                        "object", "array", "map"};
    const char *comma = "";

    text_add(out, ",\"%s\":[", name);
    table_each(struct hozo_field, row, rows)
    {
        text_add(out, "%s{\"use\":%u,\"min\":%lld,\"max\":%lld", comma, row->use, (long long)row->min,
                 (long long)row->max);
        string(out, "path", row->path);
        string(out, "type", types[row->type]);
        string(out, "feature", row->feature);
        string(out, "doc", row->doc);
        values(out, row->values);
        text_put(out, "}");
        comma = ",";
    }
    text_put(out, "]");
}

static void annotations(struct text *out, const struct hozo_table *rows)
{
    const char *comma = "";

    text_put(out, ",\"annotations\":[");
    table_each(struct hozo_annotation, row, rows)
    {
        text_add(out, "%s{\"use\":%u", comma, row->use);
        string(out, "key", row->key);
        string(out, "doc", row->doc);
        text_put(out, "}");
        comma = ",";
    }
    text_put(out, "]");
}

static void features(struct text *out, const struct hozo_table *rows)
{
    const char *comma = "";

    text_put(out, ",\"features\":[");
    table_each(struct hozo_feature, row, rows)
    {
        text_add(out, "%s{\"constant\":true", comma);
        string(out, "path", row->path);
        string(out, "value", row->value);
        text_put(out, "}");
        comma = ",";
    }
    text_put(out, "]");
}

static void callbacks(struct text *out, const struct hozo_plugin *d)
{
    const char *comma = "";

    text_put(out, ",\"callbacks\":[");
#define CB(id, member, purity, time, when, may)                                                    \
    if (d->member) {                                                                               \
        text_add(out, "%s\"%s\"", comma, #member);                                                 \
        comma = ",";                                                                               \
    }
    PLUGIN_CALLBACKS(CB)
#undef CB
    text_put(out, "]");
}

static void print(const struct hozo_plugin *d)
{
    auto_text struct text out = {0};

    text_add(&out, "{\"state\":%u", d->state_version);
    string(&out, "name", d->name);
    string(&out, "package", d->package);
    string(&out, "summary", d->summary);
    strings(&out, "names", &d->names);
    fields(&out, "fields", &d->fields);
    annotations(&out, &d->annotations);
    fields(&out, "settings", &d->settings);
    features(&out, &d->features);
    strings(&out, "before", &d->before);
    strings(&out, "after", &d->after);
    callbacks(&out, d);
    printf("%s}\n", out.at);
}

int main(int argc, char **argv)
{
#if HOZO_STATIC_PLUGINS_BUILD
    extern const struct hozo_plugin *const static_plugins[];

    for (size_t i = 0; static_plugins[i]; i++)
        print(static_plugins[i]);
#endif
    for (int i = 1; i < argc; i++) {
        void *handle = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        const struct hozo_plugin *d = handle ? dlsym(handle, "hozo_plugin") : NULL;

        if (!d) {
            fprintf(stderr, "%s: %s\n", argv[i], dlerror());
            return 1;
        }
        print(d);
    }
    return ferror(stdout);
}
