/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator says: one file for each plugin that has settings, and one for hozo. They become part
 * of the host facts, under "settings", so that a plan depends on nothing else; with facts from a file
 * (hozo plan --host) they come from there as well, and no file of this host is read.
 */
#include "core/plugin-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "build-config.h"
#include "core/json-edit.h"

const char *settings_directory(void)
{
    return HOZO_SETTINGS_DIR;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Later verbs have no host facts. */
static cJSON *all_settings(struct container *c, struct error *err)
{
    if (!c->facts.root && json_parse(&c->facts, "facts", "{}", 2, err) < 0)
        return NULL;
    return json_ensure(&c->facts, c->facts.root, "settings", "{}", err);
}

static int read_file(struct container *c, const char *name, const char *path, struct error *err)
{
    auto_json struct json doc = {0};
    char real[PATH_MAX];
    cJSON *all;
    int fd;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if ((fd = trust_walk(path, true, real, err)) < 0)
        return -1;
    close(fd);
    if (json_read(&doc, AT_FDCWD, real, err) < 0)
        return -1;
    if (!cJSON_IsObject(doc.root))
        return fail(err, 0, NULL, "%s: is not a JSON object", path);
    if (!(all = all_settings(c, err)))
        return -1;
    return json_insert(&c->facts, all, name, doc.text, doc.size, err);
}

/* --- checking --------------------------------------------------------------------------------- */

struct names {
    const struct hozo_table *rows;
    const char *file;
    struct error *err;
};

/* A member that no row knows is a slip of the pen, and would change nothing without a word. `field` is what
 * rows call `path`. The keys of a map are whatever they are. */
static int check_names(const struct names *n, const cJSON *node, const char *path,
                       const char *field)
{
    bool list = cJSON_IsArray(node);
    const cJSON *child;
    size_t i = 0;

    if ((!list && !cJSON_IsObject(node)) || rows_map(n->rows, field))
        return 0;
    cJSON_ArrayForEach (child, node) {
        auto_text struct text at = {0}, row = {0};

        text_put(&at, path);
        text_put(&row, field);
        if (list) {
            path_element(&at, i++);
            text_put(&row, "[]");
        } else {
            path_member(&at, child->string);
            path_member(&row, child->string);
        }
        if (at.failed || row.failed)
            return fail_memory(n->err);
        if (!list && !rows_declare(n->rows, row.at, HOZO_OWN, true))
            return fail(n->err, 0, NULL, "%s: there is no setting %s", n->file, at.at);
        if (check_names(n, child, at.at, row.at) < 0)
            return -1;
    }
    return 0;
}

static int read_checked(struct container *c, const char *name, const struct hozo_table *rows,
                        struct error *err)
{
    auto_free char *path = NULL;
    const cJSON *own;

    if (json_at(c->facts.root, "settings", name, NULL) && !c->facts_given)
        return 0; /* read before */
    if (asprintf(&path, "%s/%s.json", HOZO_SETTINGS_DIR, name) < 0)
        return fail_memory(err);
    if (!c->facts_given && read_file(c, name, path, err) < 0)
        return -1;
    if (!(own = json_at(c->facts.root, "settings", name, NULL)))
        return 0;
    if (check_names(&(struct names){rows, path, err}, own, "", "") < 0)
        return -1;
    if (rows_check(rows, &c->facts, own, "", err) < 0)
        return fail(err, err->errnum, NULL, "%s: %s: %s", path, err->path, err->text);
    return 0;
}

int settings_read(struct container *c, const struct plugin *p, struct error *err)
{
    return read_checked(c, p->d->name, &p->d->settings, err);
}

/* --- hozo's own ------------------------------------------------------------------------------- */

static const struct hozo_field own_settings[] = {
    {"callbackSeconds", HOZO_UINT, HOZO_OWN, NULL, 1, 86400, NULL,
     "How long one callback of a plugin may take."},
};

int settings_of_host(struct container *c, struct error *err)
{
    const struct hozo_table rows = HOZO_TABLE(own_settings);

    if (read_checked(c, "hozo", &rows, err) < 0)
        return -1;
    c->callback_seconds = (unsigned)json_int(
        &c->facts, json_at(c->facts.root, "settings", "hozo", NULL), "callbackSeconds", 0);
    return 0;
}
