/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, and what each shows and takes. */
#include "tests/resctrl/resctrl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_SIZE    (11u << 20)

/* --- info/last_cmd_status ----------------------------------------------------------------------- */

static char last_status[512];

void status_clear(void)
{
    last_status[0] = '\0';
}

/* Appended to what the same command has said before. */
void status(const char *fmt, ...)
{
    size_t n = strlen(last_status);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(last_status + n, sizeof(last_status) - n, fmt, ap);
    va_end(ap);
}

/* --- info --------------------------------------------------------------------------------------- */

static void show_masks_used(enum resource r, FILE *out)
{
    unsigned bits = r == L3 ? geometry.l3 : geometry.l2;

    for (unsigned d = 0; d < geometry.domains; d++) {
        uint32_t used = 0;

        for (size_t i = 0; i < GROUPS_MAX; i++)
            used |= groups[i].used && !groups[i].parent ? groups[i].value[r][d] : 0;
        fprintf(out, "%s%u=", d ? ";" : "", d);
        for (unsigned b = bits; b-- > 0;)
            fputc(used >> b & 1 ? 'S' : '0', out);
    }
    fputc('\n', out);
}

static void show_cache(enum resource r, const char *name, FILE *out)
{
    if (!strcmp(name, "cbm_mask"))
        fprintf(out, "%x\n", resource_default(r));
    else if (!strcmp(name, "min_cbm_bits"))
        fprintf(out, "%u\n", geometry.min_bits);
    else if (!strcmp(name, "num_closids"))
        fprintf(out, "%u\n", geometry.closids);
    else if (!strcmp(name, "bit_usage"))
        show_masks_used(r, out);
    else /* shareable_bits, sparse_masks */
        fputs("0\n", out);
}

static void show_l3(const char *name, FILE *out)
{
    show_cache(L3, name, out);
}

static void show_l2(const char *name, FILE *out)
{
    show_cache(L2, name, out);
}

static void show_bandwidth(const char *name, FILE *out)
{
    if (!strcmp(name, "num_closids"))
        fprintf(out, "%u\n", geometry.closids);
    else if (!strcmp(name, "delay_linear"))
        fputs("1\n", out);
    else if (!strcmp(name, "thread_throttle_mode"))
        fputs("max\n", out);
    else /* bandwidth_gran, min_bandwidth */
        fputs("10\n", out);
}

static void show_monitoring(const char *name, FILE *out)
{
    if (!strcmp(name, "num_rmids"))
        fprintf(out, "%u\n", geometry.rmids);
    else if (!strcmp(name, "mon_features"))
        fputs("llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n", out);
    else /* max_threshold_occupancy */
        fputs("65536\n", out);
}

static const struct info {
    const char *directory;
    const unsigned *there;
    void (*show)(const char *name, FILE *out);
    const char *files[7];
} infos[] = {
    {"L3",
     &geometry.l3,
     show_l3,
     {"bit_usage", "cbm_mask", "min_cbm_bits", "num_closids", "shareable_bits", "sparse_masks"}},
    {"L2",
     &geometry.l2,
     show_l2,
     {"bit_usage", "cbm_mask", "min_cbm_bits", "num_closids", "shareable_bits", "sparse_masks"}},
    {"MB",
     &geometry.mb,
     show_bandwidth,
     {"bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids", "thread_throttle_mode"}},
    {"L3_MON",
     &geometry.mon,
     show_monitoring,
     {"max_threshold_occupancy", "mon_features", "num_rmids"}},
};

/* --- files of a group --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool monitors, writable; /* a group that only monitors has it as well */
} group_files[] = {
    {"cpus", true, true},      {"cpus_list", true, true}, {"mode", false, true},
    {"schemata", false, true}, {"size", false, false},    {"tasks", true, true},
};

static const char *const counters[] = {"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"};

static void show_size(const struct group *g, FILE *out)
{
    for (enum resource r = RESOURCES; r-- > 0;) {
        if (!resource_there(r))
            continue;
        fprintf(out, "%6s:", resource_name(r));
        for (unsigned d = 0; d < geometry.domains; d++) {
            unsigned bits = r == MB ? 0 : (unsigned)__builtin_popcount(resource_default(r));
            uint32_t value = g->value[r][d];

            fprintf(out, "%s%u=%u", d ? ";" : "", d,
                    r == MB ? value : CACHE_SIZE / bits * (unsigned)__builtin_popcount(value));
        }
        fputc('\n', out);
    }
}

static void show_cpus(uint64_t cpus, FILE *out)
{
    const char *separator = "";

    for (unsigned c = 0; c < 64; c++)
        if (cpus >> c & 1) {
            fprintf(out, "%s%u", separator, c);
            separator = ",";
        }
    fputc('\n', out);
}

static int show_of_group(const struct group *g, const char *name, FILE *out)
{
    if (!strcmp(name, "schemata"))
        schemata_show(g, out);
    else if (!strcmp(name, "tasks"))
        tasks_show(g, out);
    else if (!strcmp(name, "mode"))
        fprintf(out, "%s\n", g->mode);
    else if (!strcmp(name, "size"))
        show_size(g, out);
    else if (!strcmp(name, "cpus"))
        fprintf(out, "%" PRIx64 "\n", g->cpus);
    else
        show_cpus(g->cpus, out);
    return 0;
}

/* Numbers that tell the group, the domain and the counter: 1002003 is group 1, domain 2, counter 3. */
static void show_counter(const struct node *n, FILE *out)
{
    unsigned which = 0;

    while (strcmp(counters[which], n->name) != 0)
        which++;
    if (geometry.unavailable)
        fputs("Unavailable\n", out);
    else
        fprintf(out, "%u\n", n->group->rmid * 1000000 + n->domain * 1000 + which + 1);
}

/* --- writing ------------------------------------------------------------------------------------ */

/* rdtgroup_tasks_write() */
static int write_tasks(struct group *g, char *text)
{
    char *word;
    int r = 0;

    status_clear();
    if (!strcmp(g->mode, "pseudo-locksetup")) {
        status("Pseudo-locking in progress\n");
        return -EINVAL;
    }
    text[strcspn(text, "\n")] = '\0';
    while (!r && (word = strsep(&text, ",")) && *word) {
        char *end;
        long pid = strtol(word, &end, 0);

        if (end == word || *end) {
            status("Task list parsing error pid %s\n", word);
            return -EINVAL;
        }
        if ((r = task_move(g, (pid_t)pid)) < 0)
            status("Error while processing task %ld\n", pid);
    }
    return r;
}

static int write_mode(struct group *g, char *text)
{
    static const char *const modes[] = {"shareable", "exclusive", "pseudo-locksetup"};

    status_clear();
    text[strcspn(text, "\n")] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (!strcmp(text, modes[i])) {
            snprintf(g->mode, sizeof(g->mode), "%s", text);
            return 0;
        }
    status("Unknown or unsupported mode\n");
    return -EINVAL;
}

/* A mask only: from where they are they are taken away, and what is dropped is the root's. */
static int write_cpus(struct group *g, const char *text)
{
    uint64_t all = ((uint64_t)1 << (4 * geometry.domains)) - 1, wanted;
    char *end;

    status_clear();
    wanted = strtoull(text, &end, 16);
    if (end == text || (*end && *end != '\n') || wanted & ~all) {
        status("Bad CPU list/mask\n");
        return -EINVAL;
    }
    for (size_t i = 0; i < GROUPS_MAX; i++)
        if (groups[i].used && &groups[i] != g && !groups[i].parent)
            groups[i].cpus &= ~wanted;
    groups[0].cpus |= g->cpus & ~wanted;
    g->cpus = wanted;
    return 0;
}

int node_write(const struct node *n, char *text)
{
    struct group *g = n->group;

    if (!strcmp(n->name, "schemata"))
        return schemata_write(g, text);
    if (!strcmp(n->name, "tasks"))
        return write_tasks(g, text);
    if (!strcmp(n->name, "mode"))
        return write_mode(g, text);
    return !strcmp(n->name, "cpus") ? write_cpus(g, text) : -EINVAL;
}

/* --- paths -------------------------------------------------------------------------------------- */

static bool status_there(const char *name)
{
    return !geometry.no_status && !strcmp(name, "last_cmd_status");
}

static int find_info(char *rest, struct node *n)
{
    char *directory = strsep(&rest, "/");

    *n = (struct node){.kind = directory ? INFO_OF : INFO, .info = ARRAY_SIZE(infos)};
    if (!directory)
        return 0;
    if (!rest && status_there(directory)) {
        n->kind = INFO_FILE;
        return 0;
    }
    for (n->info = 0; n->info < ARRAY_SIZE(infos); n->info++)
        if (*infos[n->info].there && !strcmp(infos[n->info].directory, directory))
            break;
    if (n->info == ARRAY_SIZE(infos))
        return -ENOENT;
    if (!rest)
        return 0;
    n->kind = INFO_FILE;
    snprintf(n->name, sizeof(n->name), "%s", rest);
    for (const char *const *file = infos[n->info].files; *file; file++)
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
        snprintf(name, sizeof(name), "mon_L3_%02u", n->domain);
        if (!strcmp(name, domain))
            break;
    }
    if (n->domain == geometry.domains)
        return -ENOENT;
    if (!rest)
        return 0;
    n->kind = COUNTER;
    snprintf(n->name, sizeof(n->name), "%s", rest);
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        if (!strcmp(counters[i], rest))
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
    for (size_t i = 0; i < ARRAY_SIZE(group_files) && !rest; i++)
        if (!strcmp(group_files[i].name, first) && (!g->parent || group_files[i].monitors))
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
    for (size_t i = 0; n->kind == FILE_OF_GROUP && i < ARRAY_SIZE(group_files); i++)
        if (!strcmp(group_files[i].name, n->name))
            return group_files[i].writable;
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
    for (size_t i = 0; i < ARRAY_SIZE(group_files); i++)
        if (!g->parent || group_files[i].monitors)
            each(data, group_files[i].name);
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
    for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
        if (*infos[i].there)
            each(data, infos[i].directory);
    if (!geometry.no_status)
        each(data, "last_cmd_status");
}

static void list_domains(each_name each, void *data)
{
    char name[32];

    for (unsigned d = 0; d < geometry.domains; d++) {
        snprintf(name, sizeof(name), "mon_L3_%02u", d);
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
    for (size_t i = 0; n->kind == MON_DOMAIN && i < ARRAY_SIZE(counters); i++)
        each(data, counters[i]);
    for (size_t i = 0; n->kind == INFO_OF && infos[n->info].files[i]; i++)
        each(data, infos[n->info].files[i]);
}

int node_show(const struct node *n, FILE *out)
{
    if (n->kind == FILE_OF_GROUP)
        return show_of_group(n->group, n->name, out);
    if (n->kind == COUNTER)
        show_counter(n, out);
    else if (n->info < ARRAY_SIZE(infos))
        infos[n->info].show(n->name, out);
    else
        fputs(*last_status ? last_status : "ok\n", out);
    return 0;
}
