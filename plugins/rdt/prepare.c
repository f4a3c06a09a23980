/* SPDX-License-Identifier: Apache-2.0 */
/* The groups: what has to be true of them first, then the directories and their schemata. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <fcntl.h>

#include "plugins/rdt/schemata.h"

struct preparing {
    struct hozo_ctx *ctx;
    struct record record;
    int root, class;
    bool own, exists, must_exist; /* own: of the container's name, which nobody has asked for */
    const char *cause;            /* the JSON path of the class */
};

static void preparing_end(struct preparing *p)
{
    place_free(&p->record.place);
    rdt_close_fd(&p->root);
    rdt_close_fd(&p->class);
}

/* --- what is asked for ------------------------------------------------------------------------- */

/* The cursor of hozo_next_work() is good until the callback returns. */
static void read_work(struct preparing *p)
{
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(p->ctx, i, &w) == 1; i++) {
        if (work_is(&w, WORK_MONITOR))
            p->record.monitor = w.value;
        if (!work_is(&w, WORK_OWN) && !work_is(&w, WORK_SHARE) && !work_is(&w, WORK_JOIN))
            continue;
        p->record.class = w.value;
        p->own = work_is(&w, WORK_OWN);
        p->must_exist = work_is(&w, WORK_JOIN);
        p->cause = w.path;
    }
}

static int enter(struct preparing *p)
{
    struct place *place = &p->record.place;
    int r = place_find(p->ctx, place);

    if (!r)
        r = p->root = place_open(place);
    if (r >= 0 && (r = resctrl_lock(p->root)) == 0)
        return 0;
    if (r == -ENODEV && !place->named)
        return hozo_error(p->ctx, 0, RDT, "resctrl is not mounted");
    return hozo_error(p->ctx, r == -ENODEV ? ENOENT : -r, RDT, "resctrl: %s",
                      place->path ? place->path : "/proc/self/mountinfo");
}

/* --- what is there ----------------------------------------------------------------------------- */

static int open_class(struct preparing *p)
{
    p->class = resctrl_open(p->root, beneath(p->record.class), O_RDONLY | O_DIRECTORY);
    return p->class < 0 ? p->class : 0;
}

static int look(struct preparing *p)
{
    const char *path = shown(p->record.class);
    int r = open_class(p);

    p->exists = !r;
    if (r == -ENOENT && !p->must_exist)
        return 0;
    if (r == -ENOENT)
        return hozo_error(p->ctx, 0, p->cause,
                          "the class %s does not exist, and nothing says what it should be", path);
    if (r < 0)
        return hozo_error(p->ctx, -r, p->cause, "%s", path);
    /* info and mon_groups are directories, too. */
    return faccessat(p->class, "tasks", F_OK, 0) < 0
               ? hozo_error(p->ctx, 0, p->cause, "%s of resctrl is no class", path)
               : 0;
}

/* --- a class that was there has to be what is asked for ----------------------------------------- */

static unsigned long bandwidth_step(int root)
{
    auto_free char *text = resctrl_read(root, "info/MB/bandwidth_gran");

    return text ? strtoul(text, NULL, 10) : 0;
}

static int differs(struct preparing *p, const struct hozo_work *w, const char *text)
{
    size_t length = 0;
    const char *line = schemata_line(text, w->value, &length);

    length -= line ? strspn(line, " ") : 0;
    return hozo_error(p->ctx, 0, w->path, "\"%s\" is not what the class %s has: %.*s", w->value,
                      shown(p->record.class), (int)(line ? length : 7),
                      line ? line + strspn(line, " ") : "nothing");
}

/* The file is not there on a machine that only monitors, and not looked for without need. */
static int compare(struct preparing *p)
{
    auto_free char *text = NULL;
    unsigned long step = 0;
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(p->ctx, i, &w) == 1; i++) {
        if (!work_is(&w, WORK_SCHEMA))
            continue;
        if (!text) {
            step = bandwidth_step(p->root);
            if (!(text = resctrl_read(p->class, "schemata")))
                return hozo_error(p->ctx, errno, w.path, "%s/schemata", shown(p->record.class));
        }
        if (!schemata_match(text, w.value, step))
            return differs(p, &w, text);
    }
    return 0;
}

static int check_monitor(struct preparing *p)
{
    const char *path = p->record.monitor;
    auto_close int fd = path && p->exists ? resctrl_open(p->root, beneath(path), O_PATH) : -ENOENT;

    if (fd == -ENOENT)
        return 0;
    return hozo_error(p->ctx, fd < 0 ? -fd : EEXIST, MONITOR, "%s", shown(path));
}

/* --- making ------------------------------------------------------------------------------------ */

static int unmade(struct preparing *p, int errnum, const char *cause, const char *what,
                  const char *path)
{
    return resctrl_fail(p->ctx, p->root, errnum, cause,
                        errnum == ENOSPC ? "there is no room for the %s %s" : "making the %s %s",
                        what, shown(path));
}

/* The state says that it is ours before it is made. What another has made meanwhile is not. */
static int make_class(struct preparing *p)
{
    int r = resctrl_mkdir(p->root, beneath(p->record.class));

    if (!r && !(r = open_class(p)))
        return 0;
    if (r != -EEXIST)
        return unmade(p, -r, p->cause, "class", p->record.class);
    p->record.made = false;
    if (rdt_record_write(p->ctx, &p->record) < 0)
        return -1;
    return hozo_error(p->ctx, EEXIST, p->cause, "%s", shown(p->record.class));
}

static int make_monitor(struct preparing *p)
{
    const char *path = p->record.monitor;
    int r = path ? resctrl_mkdir(p->root, beneath(path)) : 0;

    if (!r)
        return 0;
    unmade(p, -r, MONITOR, "group", path);
    p->record.monitor = NULL;
    rdt_record_write(p->ctx, &p->record);
    return -1;
}

/* What compares equal is not written again: nobody's change in between is lost. */
static int write_lines(struct preparing *p, struct lines *lines)
{
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(p->ctx, i, &w) == 1; i++) {
        bool compared = work_is(&w, WORK_SCHEMA) && p->exists && !p->own;

        if (compared || (!work_is(&w, WORK_SCHEMA) && !work_is(&w, WORK_SCHEMATA)))
            continue;
        if (lines_write(lines, &w) < 0)
            return -1;
    }
    /* What has been made is removed, not put back. */
    if (!p->exists)
        lines_end(lines);
    return 0;
}

static int fill(struct preparing *p)
{
    __attribute__((cleanup(lines_end))) struct lines lines = {
        .ctx = p->ctx, .root = p->root, .class = p->class, .name = p->record.class};

    if (write_lines(p, &lines) == 0 && make_monitor(p) == 0) {
        p->root = p->class = -1;
        rdt_entry_begin(&lines);
        return 0;
    }
    if (p->exists)
        lines_undo(&lines);
    return -1;
}

int rdt_prepare(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(preparing_end))) struct preparing p = {
        .ctx = ctx, .root = -1, .class = -1};

    read_work(&p);
    if (!p.record.class)
        return 0;
    if (enter(&p) < 0 || look(&p) < 0 || check_monitor(&p) < 0)
        return -1;
    if (p.exists && !p.own && compare(&p) < 0)
        return -1;
    p.record.made = !p.exists;
    if (rdt_record_write(ctx, &p.record) < 0 || (!p.exists && make_class(&p) < 0))
        return -1;
    return fill(&p);
}
