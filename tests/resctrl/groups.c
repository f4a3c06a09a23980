/* SPDX-License-Identifier: Apache-2.0 */
/* Classes, groups that monitor, and who is in them. */
#include "tests/resctrl/resctrl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct group groups[GROUPS_MAX];

/* --- identifiers -------------------------------------------------------------------------------- */

/* The lowest that no class, or no group, has; `limit` if all are taken. */
static unsigned free_id(bool rmid, unsigned limit)
{
    for (unsigned id = 0; id < limit; id++) {
        bool taken = false;

        for (size_t i = 0; i < GROUPS_MAX; i++)
            taken |= groups[i].used &&
                     (rmid ? groups[i].rmid == id : !groups[i].parent && groups[i].closid == id);
        if (!taken)
            return id;
    }
    return limit;
}

static void set_defaults(struct group *g)
{
    for (enum resource r = 0; r < RESOURCES; r++)
        for (unsigned d = 0; d < DOMAINS_MAX; d++)
            g->value[r][d] = resource_default(r);
}

void groups_init(void)
{
    groups[0] = (struct group){.used = true, .mode = "shareable"};
    groups[0].cpus = ((uint64_t)1 << (4 * geometry.domains)) - 1;
    set_defaults(&groups[0]);
}

/* --- making and removing ------------------------------------------------------------------------ */

struct group *group_find(const struct group *parent, const char *name)
{
    for (size_t i = 1; i < GROUPS_MAX; i++)
        if (groups[i].used && groups[i].parent == parent && !strcmp(groups[i].name, name))
            return &groups[i];
    return NULL;
}

static struct group *unused(void)
{
    for (size_t i = 1; i < GROUPS_MAX; i++)
        if (!groups[i].used)
            return &groups[i];
    return NULL;
}

/* mkdir_rdt_prepare(), rdtgroup_mkdir_ctrl_mon(), rdtgroup_mkdir_mon() */
int group_make(struct group *parent, const char *name)
{
    struct group *g = unused();
    unsigned closid = parent ? parent->closid : free_id(false, geometry.closids);
    unsigned rmid = geometry.mon ? free_id(true, geometry.rmids) : 0;

    status_clear();
    if (strlen(name) >= sizeof(g->name))
        return -ENAMETOOLONG;
    if (strchr(name, '\n'))
        return -EINVAL;
    if (parent && !strcmp(parent->mode, "pseudo-locksetup")) {
        status("Pseudo-locking in progress\n");
        return -EINVAL;
    }
    if (!parent && closid == geometry.closids) {
        status("Out of CLOSIDs\n");
        return -ENOSPC;
    }
    if (geometry.mon && rmid == geometry.rmids) {
        status("Out of RMIDs\n");
        return -ENOSPC;
    }
    if (!g)
        return -ENOMEM;
    *g = (struct group){
        .used = true, .parent = parent, .closid = closid, .rmid = rmid, .mode = "shareable"};
    snprintf(g->name, sizeof(g->name), "%s", name);
    set_defaults(g);
    return 0;
}

/* --- tasks -------------------------------------------------------------------------------------- */

/* Who was written into a group; a number is a process only while it began at that time. */
static struct task {
    pid_t pid;
    unsigned long long began;
    struct group *group; /* NULL: nobody */
} tasks[TASKS_MAX];

/* A field of /proc/PID/stat, counted from 1: 4 is the parent, 22 when it began. 0: there is no such process. */
static unsigned long long stat_field(pid_t pid, int wanted)
{
    char path[32], text[1024];
    const char *at;
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!(f = fopen(path, "re")))
        return 0;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    at = strrchr(text, ')');
    for (int field = 2; at && field < wanted; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static unsigned long long began(pid_t pid)
{
    return stat_field(pid, 22);
}

static struct task *task_of(pid_t pid)
{
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (tasks[i].group && tasks[i].pid == pid && tasks[i].began == began(pid))
            return &tasks[i];
    return NULL;
}

/* Whoever was not written anywhere is where the process is that made it. */
static struct group *group_of(pid_t pid)
{
    for (; pid > 1; pid = (pid_t)stat_field(pid, 4)) {
        const struct task *t = task_of(pid);

        if (t)
            return t->group;
    }
    return &groups[0];
}

static struct task *task_room(void)
{
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (!tasks[i].group || tasks[i].began != began(tasks[i].pid))
            return &tasks[i];
    return NULL;
}

/* __rdtgroup_move_task() */
int task_move(struct group *g, pid_t pid)
{
    struct task *t = task_of(pid);

    if (pid <= 0 || !began(pid)) {
        status("No task %d\n", pid);
        return -ESRCH;
    }
    if (g->parent && group_of(pid)->closid != g->closid) {
        status("Can't move task to different control group\n");
        return -EINVAL;
    }
    if (!t && !(t = task_room()))
        return -ENOMEM;
    *t = (struct task){pid, began(pid), g};
    return 0;
}

static bool is_in(pid_t pid, const struct group *g)
{
    const struct group *own = group_of(pid);

    return g->parent ? own == g : own->closid == g->closid;
}

void tasks_show(const struct group *g, FILE *out)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;

    while (proc && (e = readdir(proc)))
        if (isdigit((unsigned char)e->d_name[0]) && is_in(atoi(e->d_name), g))
            fprintf(out, "%s\n", e->d_name);
    if (proc)
        closedir(proc);
}

/* rdtgroup_rmdir_ctrl(), rdtgroup_rmdir_mon(): who was in it is where he would be without it. */
void group_remove(struct group *g)
{
    struct group *to = g->parent ? g->parent : &groups[0];

    for (size_t i = 0; i < TASKS_MAX; i++)
        if (tasks[i].group && (tasks[i].group == g || tasks[i].group->parent == g))
            tasks[i].group = to;
    for (size_t i = 1; i < GROUPS_MAX; i++)
        if (groups[i].used && groups[i].parent == g)
            groups[i].used = false;
    groups[0].cpus |= g->parent ? 0 : g->cpus;
    g->used = false;
}
