/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads. */
#include "tests/resctrl/resctrl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool status_there(const char *name)
{
    return !geometry.no_status && !strcmp(name, "last_cmd_status");
}

static int find_info(char *rest, struct node *n)
{
    char *directory = strsep(&rest, "/");

    *n = (struct node){.kind = directory ? INFO_OF : INFO, .info = INFOS};
    if (!directory)
        return 0;
    if (!rest && status_there(directory)) {
        n->kind = INFO_FILE;
        return 0;
    }
    for (n->info = 0; n->info < INFOS; n->info++)
        if (info_name(n->info) && !strcmp(info_name(n->info), directory))
            break;
    if (n->info == INFOS)
        return -ENOENT;
    if (!rest)
        return 0;
    n->kind = INFO_FILE;
    snprintf(n->name, sizeof(n->name), "%s", rest);
    for (const char *const *file = info_files(n->info); *file; file++)
        if (!strcmp(*file, rest))
            return 0;
    return -ENOENT;
}

static int find_counter(char *rest, struct node *n)
{
    char *domain = strsep(&rest, "/"), name[32];

    n->kind = domain ? MON_DOMAIN : MON_DATA;
    if (!domain)
        return 0;
    for (n->domain = 0; n->domain < geometry.domains; n->domain++) {
        snprintf(name, sizeof(name), "mon_L3_%02u", n->domain * geometry.apart);
        if (!strcmp(name, domain))
            break;
    }
    if (n->domain == geometry.domains)
        return -ENOENT;
    if (!rest)
        return 0;
    n->kind = COUNTER;
    snprintf(n->name, sizeof(n->name), "%s", rest);
    for (const char *const *counter = counters; *counter; counter++)
        if (!strcmp(*counter, rest))
            return 0;
    return -ENOENT;
}

static int find_in_group(struct group *g, char *rest, struct node *n)
{
    char *first = strsep(&rest, "/");

    *n = (struct node){.kind = first && *first ? FILE_OF_GROUP : GROUP, .group = g};
    if (n->kind == GROUP)
        return 0;
    if (geometry.mon && !strcmp(first, "mon_data"))
        return find_counter(rest, n);
    if (geometry.mon && !g->parent && !strcmp(first, "mon_groups")) {
        struct group *child;

        n->kind = MON_GROUPS;
        if (!rest)
            return 0;
        child = group_find(g, strsep(&rest, "/"));
        return child ? find_in_group(child, rest, n) : -ENOENT;
    }
    snprintf(n->name, sizeof(n->name), "%s", first);
    for (const struct group_file *f = group_files; f->name && !rest; f++)
        if (!strcmp(f->name, first) && group_has(g, f))
            return 0;
    return -ENOENT;
}

int node_find(const char *path, struct node *n)
{
    char room[4096], *rest = room, *first;
    struct group *class;

    snprintf(room, sizeof(room), "%s", path + 1);
    if (!strncmp(room, "info", 4) && (!room[4] || room[4] == '/'))
        return find_info(room[4] ? room + 5 : NULL, n);
    first = strndup(room, strcspn(room, "/"));
    class = first ? group_find(NULL, first) : NULL;
    free(first);
    if (class) {
        strsep(&rest, "/");
        return find_in_group(class, rest, n);
    }
    return find_in_group(&groups[0], rest, n);
}

/* --- directories -------------------------------------------------------------------------------- */

bool node_is_directory(const struct node *n)
{
    return n->kind < FILE_OF_GROUP;
}

bool node_writable(const struct node *n)
{
    for (const struct group_file *f = group_files; n->kind == FILE_OF_GROUP && f->name; f++)
        if (!strcmp(f->name, n->name))
            return f->writable;
    return false;
}

typedef void (*each_name)(void *data, const char *name);

static void list_children(const struct group *parent, each_name each, void *data)
{
    for (size_t i = 1; i < GROUPS_MAX; i++)
        if (groups[i].used && groups[i].parent == parent)
            each(data, groups[i].name);
}

static void list_group(const struct group *g, each_name each, void *data)
{
    for (const struct group_file *f = group_files; f->name; f++)
        if (group_has(g, f))
            each(data, f->name);
    if (geometry.mon)
        each(data, "mon_data");
    if (geometry.mon && !g->parent)
        each(data, "mon_groups");
    if (g != &groups[0])
        return;
    each(data, "info");
    list_children(NULL, each, data);
}

static void list_info(each_name each, void *data)
{
    for (unsigned i = 0; i < INFOS; i++)
        if (info_name(i))
            each(data, info_name(i));
    if (!geometry.no_status)
        each(data, "last_cmd_status");
}

static void list_domains(each_name each, void *data)
{
    char name[32];

    for (unsigned d = 0; d < geometry.domains; d++) {
        snprintf(name, sizeof(name), "mon_L3_%02u", d * geometry.apart);
        each(data, name);
    }
}

void node_list(const struct node *n, each_name each, void *data)
{
    if (n->kind == GROUP)
        list_group(n->group, each, data);
    else if (n->kind == MON_GROUPS)
        list_children(n->group, each, data);
    else if (n->kind == MON_DATA)
        list_domains(each, data);
    else if (n->kind == INFO)
        list_info(each, data);
    for (const char *const *file = n->kind == MON_DOMAIN ? counters
                                   : n->kind == INFO_OF  ? info_files(n->info)
                                                         : counters + COUNTERS;
         *file; file++)
        each(data, *file);
}

int node_show(const struct node *n, FILE *out)
{
    if (n->kind == FILE_OF_GROUP)
        return group_show(n->group, n->name, out);
    if (n->kind == COUNTER)
        counter_show(n, out);
    else
        info_show(n->info, n->name, out);
    return 0;
}
