/* SPDX-License-Identifier: Apache-2.0 */
/* config.json as the core understands it: read once, checked against the specification's table. */
#include "core/compile.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/spec.h"

static bool digits(const char **s)
{
    const char *start = *s;

    while (isdigit((unsigned char)**s))
        (*s)++;
    return *s > start && (*start != '0' || *s == start + 1);
}

/* Dotted identifiers behind '-' or '+'. A number of a pre-release has no zero in front (SemVer 2.0.0, 9). */
static bool identifiers(const char **s, bool prerelease)
{
    do {
        const char *start = ++*s;
        bool number = true;

        for (; isalnum((unsigned char)**s) || **s == '-'; (*s)++)
            number = number && isdigit((unsigned char)**s);
        if (*s == start || (prerelease && number && *start == '0' && *s > start + 1))
            return false;
    } while (**s == '.');
    return true;
}

/* A semantic version; every 1.x is accepted, since minor versions only add properties that are
 * ignored where unknown (config.md, Extensibility). */
int config_check_version(const char *version, struct error *err)
{
    const char *s = version;
    bool ok = digits(&s) && *s++ == '.' && digits(&s) && *s++ == '.' && digits(&s);

    if (ok && *s == '-')
        ok = identifiers(&s, true);
    if (ok && *s == '+')
        ok = identifiers(&s, false);
    if (!ok || *s)
        return fail(err, 0, "ociVersion", "\"%s\" is not a version of the form 1.2.3", version);
    if (strncmp(version, "1.", 2))
        return fail(err, 0, "ociVersion", "%s is not supported, only 1.x is", version);
    return 0;
}

bool config_is_foreign(const cJSON *config)
{
    return !json_get(config, "linux") && json_get(config, "freebsd");
}

static int check_process(const cJSON *config, struct error *err)
{
    const cJSON *process = json_get(config, "process");
    const char *cwd = json_string(process, "cwd", "");

    if (!process)
        return fail(err, 0, "process", "is missing");
    if (!json_length(json_get(process, "args")))
        return fail(err, 0, "process.args", "is missing or empty");
    if (cwd[0] != '/')
        return fail(err, 0, "process.cwd", "\"%s\" is not an absolute path", cwd);
    return 0;
}

/* config.md, Annotations: values may be empty, and unknown keys are no error. */
static int check_annotations(const cJSON *annotations, struct error *err)
{
    const cJSON *value;

    cJSON_ArrayForEach (value, annotations)
        if (!*value->string)
            return fail(err, 0, "annotations", "a key is empty");
    return 0;
}

/* What is null is absent here too. */
static void add_annotations(struct text *out, const cJSON *annotations)
{
    const cJSON *value;

    text_add(out, "{");
    cJSON_ArrayForEach (value, annotations) {
        if (cJSON_IsNull(value))
            continue;
        text_add(out, out->length > 1 ? "," : "");
        text_json(out, value->string);
        text_add(out, ":");
        text_json(out, value->valuestring);
    }
    text_add(out, "}");
}

static int describe(struct container *c, struct error *err)
{
    const cJSON *config = c->config.root, *annotations = json_get(config, "annotations");
    const char *root = json_string(json_get(config, "root"), "path", NULL);
    char *rootfs;

    if (!root || !*root)
        return fail(err, 0, "root.path", "is missing");
    if (root[0] == '/')
        rootfs = strdup(root);
    else if (asprintf(&rootfs, "%s/%s", c->state.bundle, root) < 0)
        rootfs = NULL;
    c->state.rootfs = rootfs;
    c->state.oci_version = strdup(json_string(config, "ociVersion", ""));
    if (!rootfs || !c->state.oci_version)
        return fail_memory(err);
    if (annotations) {
        auto_text struct text text = {0};

        add_annotations(&text, annotations);
        if (text.failed)
            return fail_memory(err);
        c->state.annotations = steal_ptr(text.at);
    }
    return 0;
}

int config_load(struct container *c, int dirfd, const char *file, struct error *err)
{
    auto_span struct trace *span UNUSED = span_begin(c->plugins.trace, SPAN_PARSE, NULL);

    if (json_read(&c->config, dirfd, file, err) < 0)
        return -1;
    if (!cJSON_IsObject(c->config.root))
        return fail(err, 0, NULL, "%s: is not a JSON object", file);
    return config_check(c, err);
}

int config_check(struct container *c, struct error *err)
{
    const char *version;

    if (spec_check(&c->config, c->config.root, spec_config, "", err) < 0)
        return -1;
    version = json_string(c->config.root, "ociVersion", "");
    if (config_check_version(version, err) < 0 || check_process(c->config.root, err) < 0 ||
        check_annotations(json_get(c->config.root, "annotations"), err) < 0)
        return -1;
    return describe(c, err);
}
