/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins plan to confine the process with: a seccomp filter, labels of security modules. The core knows
 * when each is applied (core/linux/confine.c). */
#include "core/plugin-parts.h"

#include <string.h>

static void seccomp_free(struct planned_seccomp *s)
{
    free(s->path);
    free(s->listener);
    free(s->metadata);
    free(s->filter);
}

void confine_free(struct plugins *p)
{
    seccomp_free(&p->seccomp);
    for (size_t i = 0; i < p->n_labels; i++) {
        free(p->labels[i].path);
        free(p->labels[i].file);
        free(p->labels[i].value);
        free(p->labels[i].option);
    }
    free(p->labels);
}

static bool copied(char **to, const char *from)
{
    return !from || (*to = strdup(from));
}

/* --- seccomp ---------------------------------------------------------------------------------- */

/* The filter itself, or the late value that it will be. */
static int take_filter(struct call *k, const struct hozo_seccomp *from, struct planned_seccomp *to)
{
    const struct late *late;

    if (!from->late == !from->filter_size)
        return call_refuse(k, "plans a seccomp filter that is not either bytes or a late value");
    if (from->late) {
        if (!(late = late_of(k, from->late)))
            return -1;
        if (late->type != HOZO_LATE_BYTES)
            return call_refuse(k, "uses the late value %s as a seccomp filter", late->name);
        to->late = late->index;
        return 0;
    }
    if (!from->filter || !(to->filter = malloc(from->filter_size)))
        return call_refuse(k, "out of memory");
    memcpy(to->filter, from->filter, from->filter_size);
    to->filter_size = from->filter_size;
    return 0;
}

int plan_seccomp(struct hozo_ctx *ctx, const struct hozo_seccomp *theirs)
{
    struct call *k = call_of(ctx);
    struct planned_seccomp *to = &k->c->plugins.seccomp;
    struct hozo_seccomp from = {0};

    if (call_allowed(k, "hozo_plan_seccomp", IN(PLAN) | IN(EXEC)) < 0 ||
        call_take(k, "struct hozo_seccomp", theirs, &from, sizeof from) < 0)
        return -1;
    if (to->plugin)
        return call_refuse(k, "plans a seccomp filter, as plugin %s does", to->plugin);
    if (from.listener && from.listener[0] != '/')
        return call_refuse(k, "plans a seccomp listener at a path that is not absolute");
    if (take_filter(k, &from, to) < 0)
        return -1;
    if (!copied(&to->path, from.path) || !copied(&to->listener, from.listener) ||
        !copied(&to->metadata, from.metadata))
        return call_refuse(k, "out of memory");
    to->plugin = k->plugin->d->name;
    to->flags = from.flags;
    to->killable = from.killable;
    return 0;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* A file of its own below /proc/PID, and no way out of there. */
static bool is_attribute(const char *file)
{
    return file && !strncmp(file, "attr/", 5) && !strstr(file, "..");
}

static int check_label(struct call *k, const struct hozo_label *l)
{
    if (!l->value || !*l->value)
        return call_refuse(k, "plans a label without a value");
    switch (l->kind) {
    case HOZO_LABEL_EXEC:
    case HOZO_LABEL_KEYRING:
        return is_attribute(l->file)
                   ? 0
                   : call_refuse(k, "plans a label for a file that is not one of attr/");
    case HOZO_LABEL_MOUNT:
        return l->option && l->file
                   ? 0
                   : call_refuse(k, "plans a label of mounts without option and attribute");
    default:
        return call_refuse(k, "plans a label of no kind that this host knows");
    }
}

int plan_label(struct hozo_ctx *ctx, const struct hozo_label *theirs)
{
    struct call *k = call_of(ctx);
    struct plugins *p = &k->c->plugins;
    struct planned_label *rows, *to;
    struct hozo_label from = {0};

    if (call_allowed(k, "hozo_plan_label", IN(PLAN) | IN(EXEC)) < 0 ||
        call_take(k, "struct hozo_label", theirs, &from, sizeof from) < 0 ||
        check_label(k, &from) < 0)
        return -1;
    if (k->c->guest_builder)
        return call_refuse(k, NOT_CARRIED, "a label");
    for (size_t i = 0; i < p->n_labels; i++)
        if (p->labels[i].kind == from.kind && !strcmp(p->labels[i].file, from.file))
            return call_refuse(k, "plans a label for %s, as plugin %s does", from.file,
                               p->labels[i].plugin);
    if (!(rows = reallocarray(p->labels, p->n_labels + 1, sizeof *rows)))
        return call_refuse(k, "out of memory");
    p->labels = rows;
    to = &rows[p->n_labels++];
    *to = (struct planned_label){.kind = from.kind, .plugin = k->plugin->d->name};
    return copied(&to->path, from.path) && copied(&to->file, from.file) &&
                   copied(&to->value, from.value) && copied(&to->option, from.option)
               ? 0
               : call_refuse(k, "out of memory");
}
