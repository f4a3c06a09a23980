/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/foreign.h"
#include "core/state.h"

#define ROW "%-12s %-8s %-8s %-32s %-31s %s\n"

struct listing {
    const char *format; /* "table" or "json" */
    bool quiet, json;
    size_t printed;
    struct text text;
};

/* From the file alone: name services would load foreign code into the runtime. */
static void owner_name(uid_t uid, char *name, size_t size)
{
    auto_fclose FILE *file = fopen("/etc/passwd", "re");
    auto_free char *line = NULL;
    size_t room = 0;

    snprintf(name, size, "#%u", (unsigned)uid);
    while (file && getline(&line, &room, file) > 0) {
        char *rest = line, *user = strsep(&rest, ":"), *id, *end;

        strsep(&rest, ":");
        id = strsep(&rest, ":");
        if (id && isdigit((unsigned char)*id) && strtoul(id, &end, 10) == uid && !*end) {
            snprintf(name, size, "%s", user);
            return;
        }
    }
}

static void print_entry(struct listing *list, const struct state *s, enum status status)
{
    char owner[256], pid[16];

    owner_name(s->owner, owner, sizeof owner);
    snprintf(pid, sizeof pid, "%d", status == STATUS_STOPPED ? 0 : (int)s->pid);
    if (list->quiet) {
        text_add(&list->text, "%s\n", s->id);
    } else if (list->json) {
        text_add(&list->text, "%s", list->printed ? "," : "[");
        state_print_list(s, status, owner, &list->text);
    } else {
        text_add(&list->text, ROW, s->id, pid, status_name[status], s->bundle,
                 s->created ? s->created : "-", owner);
    }
    list->printed++;
}

/* A container that cannot be read must not hide the others. */
static void add_container(struct listing *list, const struct globals *g, const char *id)
{
    struct error err = {0};
    auto_container struct container c;
    enum status status;
    char line[1536];

    container_init(&c);
    c.log = g->logger;
    c.plugins.dir = g->plugin_dir;
    if (!container_look(&c, g->root, id, &status, &err)) {
        print_entry(list, &c.state, status);
        return;
    }
    error_format(&err, line, sizeof line);
    fprintf(stderr, "hozo: list: %s: %s\n", id, line);
}

static int containers(const char *root, struct dirent ***entries, struct error *err)
{
    struct error ignored;
    int count = scandir(root, entries, NULL, alphasort), kept = 0;

    if (count < 0)
        return errno == ENOENT ? 0 : fail(err, errno, NULL, "read %s", root);
    for (int i = 0; i < count; i++) {
        if (id_check((*entries)[i]->d_name, &ignored))
            free((*entries)[i]);
        else
            (*entries)[kept++] = (*entries)[i];
    }
    return kept;
}

int verb_list(const struct globals *g, int argc, char **argv, struct error *err)
{
    struct listing list = {.format = "table"};
    const struct option options[] = {
        {"format", 'f', OPTION_STRING, &list.format, "FORMAT", "table or json"},
        {"quiet", 'q', OPTION_FLAG, &list.quiet, NULL, "print only IDs"},
        {0},
    };
    auto_free struct dirent **entries = NULL;

    if (options_parse(options, &argc, &argv, err) || arguments_expect("list", argc, 0, 0, err))
        return -1;
    if (strcmp(list.format, "table") && strcmp(list.format, "json"))
        return fail(err, 0, NULL, "--format: \"%s\" is neither table nor json", list.format);
    int count = containers(g->root, &entries, err);
    if (count < 0)
        return -1;
    list.json = !list.quiet && !strcmp(list.format, "json");
    if (!list.quiet && !list.json)
        text_add(&list.text, ROW, "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    for (int i = 0; i < count; i++) {
        add_container(&list, g, entries[i]->d_name);
        free(entries[i]);
    }
    if (list.json)
        text_add(&list.text, "%s\n", list.printed ? "]" : "null");
    int failed = output(&list.text, err);
    text_free(&list.text);
    return failed;
}
