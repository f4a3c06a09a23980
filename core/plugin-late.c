/* SPDX-License-Identifier: Apache-2.0 */
/* Late values: announced by `plan`, used in its operations, filled by `prepare`. A descriptor is a slot of
 * the plan; a number or a string is a late value of it, as text. */
#include "core/compile.h"
#include "core/plugin-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void env_free(struct plugins *p)
{
    for (size_t i = 0; i < p->n_env; i++)
        free(p->env[i].text);
    free(p->env);
}

void lates_free(struct plugins *p)
{
    for (size_t i = 0; i < p->n_lates; i++)
        free(p->lates[i].name);
    free(p->lates);
    env_free(p);
}

static struct late *find(struct call *k, const char *name)
{
    struct plugins *p = &k->c->plugins;

    for (size_t i = 0; i < p->n_lates; i++)
        if (p->lates[i].plugin == k->plugin && !strcmp(p->lates[i].name, name))
            return &p->lates[i];
    return NULL;
}

struct late *late_of(struct call *k, uint64_t handle)
{
    struct plugins *p = &k->c->plugins;

    if (handle && handle <= p->n_lates && p->lates[handle - 1].plugin == k->plugin)
        return &p->lates[handle - 1];
    call_refuse(k, "uses a late value that it has not announced");
    return NULL;
}

/* --- plan ------------------------------------------------------------------------------------- */

int late_announce(struct hozo_ctx *ctx, const char *name, uint32_t type)
{
    struct call *k = call_of(ctx);
    struct plugins *p = &k->c->plugins;
    struct late *rows;
    int index;

    if (call_allowed(k, "hozo_late", IN(PLAN)) < 0)
        return -1;
    if (!name || !*name || type < HOZO_LATE_NUMBER || type > HOZO_LATE_BYTES)
        return call_refuse(k, "announces a late value without name or type");
    if (find(k, name))
        return call_refuse(k, "announces the late value %s twice", name);
    if (call_is_inside(k) && type == HOZO_LATE_DESCRIPTOR)
        return call_refuse(k, "announces a descriptor, which no virtual machine can get");
    index = type == HOZO_LATE_DESCRIPTOR ? plan_slot(k->c->builder, name)
                                         : plan_late_add(call_builder(k), name);
    rows = reallocarray(p->lates, p->n_lates + 1, sizeof *rows);
    if (rows)
        p->lates = rows;
    if (index < 0 || !rows || !(rows[p->n_lates].name = strdup(name)))
        return call_refuse(k, "announces too many late values");
    rows[p->n_lates].plugin = k->plugin;
    rows[p->n_lates].type = type;
    rows[p->n_lates].index = (unsigned)index;
    rows[p->n_lates].path = rows[p->n_lates].filled = false;
    rows[p->n_lates].inside = call_is_inside(k);
    return (int)++p->n_lates;
}

/* A template that is this late value and nothing else. */
static const char *as_template(struct call *k, uint64_t handle, bool number_too, char template[3])
{
    const struct late *late = late_of(k, handle);

    if (!late)
        return NULL;
    if (late->type != HOZO_LATE_STRING && !(number_too && late->type == HOZO_LATE_NUMBER)) {
        call_refuse(k, "uses the late value %s as a text", late->name);
        return NULL;
    }
    template[0] = LATE_MARK;
    template[1] = (char)('A' + late->index);
    template[2] = '\0';
    return template;
}

/* The variable as a template of the plan; a literal value must not look like one. */
static char *variable(const char *name, const char *value, bool literal)
{
    auto_text struct text t = {0};

    text_add(&t, "%s=", name);
    for (; *value; value++) {
        if (literal && *value == LATE_MARK)
            text_append(&t, value, 1);
        text_append(&t, value, 1);
    }
    return t.failed ? NULL : steal_ptr(t.at);
}

const char *plugins_planned_env(const struct plugins *p, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < p->n_env; i++)
        if (!strncmp(p->env[i].text, name, n) && p->env[i].text[n] == '=')
            return p->env[i].plugin;
    return NULL;
}

int late_env(struct hozo_ctx *ctx, const struct hozo_env *theirs)
{
    struct call *k = call_of(ctx);
    struct plugins *p = &k->c->plugins;
    const char *value, *other;
    struct planned_env *rows;
    struct hozo_env e = {0};
    char template[3];

    if (call_allowed(k, "hozo_plan_env", IN(PLAN) | IN(EXEC)) < 0 ||
        call_take(k, "struct hozo_env", theirs, &e, sizeof e) < 0)
        return -1;
    if (!e.name || !*e.name || strpbrk(e.name, "=\001"))
        return call_refuse(k, "plans a variable without a sound name");
    if ((other = plugins_planned_env(p, e.name)))
        return call_refuse(k, "plans the variable %s, which plugin %s has planned", e.name, other);
    if (e.late && call_is_outside(k))
        return call_refuse(k, NOT_CARRIED, "a variable with a late value");
    value = e.late ? as_template(k, e.late, true, template) : e.value;
    if (!value)
        return k->failed ? -1 : call_refuse(k, "plans the variable %s without a value", e.name);
    if (!(rows = reallocarray(p->env, p->n_env + 1, sizeof *rows)))
        return call_refuse(k, "out of memory");
    p->env = rows;
    if (!(rows[p->n_env].text = variable(e.name, value, !e.late)))
        return call_refuse(k, "out of memory");
    rows[p->n_env++].plugin = k->plugin->d->name;
    return 0;
}

static int bind_options(const char *const *options, struct json *doc, struct error *err)
{
    auto_text struct text json = {0};

    text_put(&json, "[\"bind\"");
    for (; options && *options; options++) {
        text_put(&json, ",");
        text_json(&json, *options);
    }
    text_put(&json, "]");
    return json.failed ? fail_memory(err) : json_parse(doc, "options", json.at, json.length, err);
}

int late_bind(struct hozo_ctx *ctx, const struct hozo_bind *theirs)
{
    struct call *k = call_of(ctx);
    auto_json struct json options = {0};
    const char *source;
    char template[3];
    struct hozo_bind b = {0};

    if (call_allowed(k, "hozo_plan_bind", IN(PLAN)) < 0 ||
        call_take(k, "struct hozo_bind", theirs, &b, sizeof b) < 0)
        return -1;
    if (k->c->guest_builder)
        return call_refuse(k, NOT_CARRIED, "a bind mount");
    if (!b.path || !b.destination || b.destination[0] != '/')
        return call_refuse(k, "plans a bind mount without path or absolute destination");
    if (!(source = as_template(k, b.late, false, template)))
        return -1;
    late_of(k, b.late)->path = true;
    if (bind_options(b.options, &options, k->err) < 0 ||
        compile_late_bind(k->c->compile, source, b.destination, options.root, b.path, k->err) < 0) {
        k->failed = k->refused = true;
        return -1;
    }
    return 0;
}

/* --- prepare ---------------------------------------------------------------------------------- */

static int fill_slot(struct call *k, const struct late *late, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return call_refuse(k, "fills the late value %s with no open descriptor", late->name);
    plan_slots(k->c->plan)[late->index].fd = copy;
    return 0;
}

static struct plan_header **plan_of(struct call *k, const struct late *late)
{
    return late->inside ? &k->c->guest : &k->c->plan;
}

static int fill_bytes(struct call *k, const struct late *late, const struct hozo_value *v)
{
    if (!v->bytes || !v->bytes_size)
        return call_refuse(k, "fills the late value %s without bytes", late->name);
    if (plan_late_set_bytes(plan_of(k, late), late->index, v->bytes, v->bytes_size, k->err) < 0) {
        k->failed = k->refused = true;
        return -1;
    }
    return 0;
}

int late_fill(struct hozo_ctx *ctx, const char *name, const struct hozo_value *theirs)
{
    struct call *k = call_of(ctx);
    struct hozo_value v = {0};
    struct late *late;
    char number[24];

    if (call_allowed(k, "hozo_late_set", IN(PREPARE)) < 0 ||
        call_take(k, "struct hozo_value", theirs, &v, sizeof v) < 0)
        return -1;
    if (!(late = find(k, name)))
        return call_refuse(k, "fills the late value %s, which it has not announced", name);
    if (late->filled)
        return call_refuse(k, "fills the late value %s twice", name);
    late->filled = true;
    if (late->type == HOZO_LATE_DESCRIPTOR)
        return fill_slot(k, late, v.fd);
    if (late->type == HOZO_LATE_BYTES)
        return fill_bytes(k, late, &v);
    if (late->type == HOZO_LATE_STRING && !v.string)
        return call_refuse(k, "fills the late value %s without a string", name);
    if (late->path && v.string[0] != '/')
        return call_refuse(k, "fills the late value %s with a path that is not absolute: %s", name,
                           v.string);
    snprintf(number, sizeof number, "%llu", (unsigned long long)v.number);
    if (plan_late_set(plan_of(k, late), late->index,
                      late->type == HOZO_LATE_STRING ? v.string : number, k->err) < 0) {
        k->failed = k->refused = true;
        return -1;
    }
    return 0;
}

int plugins_lates_filled(const struct container *c, struct error *err)
{
    const struct plugins *p = &c->plugins;

    for (size_t i = 0; i < p->n_lates; i++)
        if (!p->lates[i].filled)
            return fail(err, 0, NULL, "plugin %s: prepare has not filled the late value %s",
                        p->lates[i].plugin->d->name, p->lates[i].name);
    return 0;
}
