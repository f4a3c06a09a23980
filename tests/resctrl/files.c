/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a group: what each shows and takes. */
#include "tests/resctrl/resctrl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_SIZE    (11u << 20)

const struct group_file group_files[] = {
    {"cpus", true, true},
    {"cpus_list", true, true},
    {"mode", false, true},
    {"schemata", false, true},
    {"size", false, false},
    {"tasks", true, true},
    {0},
};

bool group_has(const struct group *g, const struct group_file *f)
{
    return f->monitors || (!g->parent && resources_there());
}

const char *const counters[] = {"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes", NULL};

static void show_size(const struct group *g, FILE *out)
{
    for (enum resource r = RESOURCES; r-- > 0;) {
        if (!resource_there(r))
            continue;
        fprintf(out, "%6s:", resource_name(r));
        for (unsigned d = 0; d < geometry.domains; d++) {
            unsigned bits = r == MB ? 0 : (unsigned)__builtin_popcount(resource_default(r));
            uint32_t value = g->value[r][d];

            fprintf(out, "%s%u=%u", d ? ";" : "", d * geometry.apart,
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

int group_show(const struct group *g, const char *name, FILE *out)
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
void counter_show(const struct node *n, FILE *out)
{
    unsigned which = 0;

    while (strcmp(counters[which], n->name) != 0)
        which++;
    if (geometry.unavailable)
        fputs("Unavailable\n", out);
    else
        fprintf(out, "%u\n",
                n->group->rmid * 1000000 + n->domain * geometry.apart * 1000 + which + 1);
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

int group_write(struct group *g, const char *name, char *text)
{
    if (!strcmp(name, "schemata"))
        return schemata_write(g, text);
    if (!strcmp(name, "tasks"))
        return write_tasks(g, text);
    if (!strcmp(name, "mode"))
        return write_mode(g, text);
    return !strcmp(name, "cpus") ? write_cpus(g, text) : -EINVAL;
}
