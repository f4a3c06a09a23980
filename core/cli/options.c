/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/json.h"

/* An option as it was written, without its dashes. */
struct word {
    const char *name;
    size_t length;
    const char *value; /* behind '=', or NULL */
    bool single;       /* one dash */
};

static bool is_option(const char *text)
{
    return text[0] == '-' && text[1];
}

static struct word split(const char *text)
{
    bool single = text[1] != '-';
    const char *name = text + (single ? 1 : 2), *end = strchr(name, '=');

    return (struct word){
        .name = name,
        .length = end ? (size_t)(end - name) : strlen(name),
        .value = end ? end + 1 : NULL,
        .single = single,
    };
}

static bool named(const struct word *w, const char *name, char letter)
{
    if (strlen(name) == w->length && !memcmp(name, w->name, w->length))
        return true;
    return letter && w->single && w->length == 1 && w->name[0] == letter;
}

static const struct option *find(const struct option *table, const struct word *w)
{
    for (; table->name; table++)
        if (named(w, table->name, table->letter))
            return table;
    return NULL;
}

static int store_flag(const struct option *o, const char *value, struct error *err)
{
    bool on = !value || !strcmp(value, "true") || !strcmp(value, "1");

    if (!on && strcmp(value, "false") && strcmp(value, "0"))
        return fail(err, 0, NULL, "option --%s: \"%s\" is neither true nor false", o->name, value);
    if (o->to)
        *(bool *)o->to = on;
    return 0;
}

static int store_number(const struct option *o, const char *value, struct error *err)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || n > UINT_MAX)
        return fail(err, 0, NULL, "option --%s: \"%s\" is not a decimal number", o->name, value);
    if (o->to)
        *(unsigned *)o->to = (unsigned)n;
    return 0;
}

static int store_list(struct option_list *list, const char *value, struct error *err)
{
    const char **at;

    if (!list)
        return 0;
    at = reallocarray(list->at, list->count + 1, sizeof *at);
    if (!at)
        return fail_memory(err);
    list->at = at;
    list->at[list->count++] = value;
    return 0;
}

static int store(const struct option *o, const char *value, struct error *err)
{
    switch (o->type) {
    case OPTION_FLAG:
        return store_flag(o, value, err);
    case OPTION_NUMBER:
        return store_number(o, value, err);
    case OPTION_LIST:
        return store_list(o->to, value, err);
    case OPTION_STRING:
        if (o->to)
            *(const char **)o->to = value;
        return 0;
    }
    return 0;
}

int options_parse(const struct option *table, int *argc, char ***argv, struct error *err)
{
    while (*argc && is_option(**argv)) {
        const char *text = *(*argv)++;
        --*argc;
        if (!strcmp(text, "--"))
            return 0;

        struct word w = split(text);
        const struct option *o = find(table, &w);
        if (!o && named(&w, "help", 'h')) {
            options_print(table);
            return fail(err, OPTIONS_HELP, NULL, "help was asked for");
        }
        if (!o)
            return fail(err, 0, NULL, "unknown option %.*s", (int)(w.name - text + (int)w.length),
                        text);
        if (o->type != OPTION_FLAG && !w.value) {
            if (!*argc)
                return fail(err, 0, NULL, "flag needs an argument: --%s", o->name);
            w.value = *(*argv)++;
            --*argc;
        }
        if (store(o, w.value, err))
            return -1;
    }
    return 0;
}

void options_print(const struct option *table)
{
    const struct option *first = table;

    printf("\nOptions:\n");
    for (; table->name; table++) {
        char left[64];
        const char *argument = table->type == OPTION_FLAG ? NULL
                               : table->argument          ? table->argument
                                                          : "VALUE";

        snprintf(left, sizeof left, "%c%c%c --%s%s%s", table->letter ? '-' : ' ',
                 table->letter ? table->letter : ' ', table->letter ? ',' : ' ', table->name,
                 argument ? " " : "", argument ? argument : "");
        printf("  %-30s %s\n", left, table->help ? table->help : "accepted and ignored");
    }
    if (!find(first, &(struct word){.name = "help", .length = 4}))
        printf("  %-30s %s\n", "-h, --help", "print this");
}

bool options_head(const struct verb *verb, int argc, char **argv)
{
    for (int i = 0; i < argc && argv[i][0] == '-'; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-help") || !strcmp(argv[i], "-h")) {
            printf("Usage: hozo %s %s\n\n%s\n", verb->name, verb->arguments, verb->help);
            return true;
        }
    return false;
}

int arguments_expect(const char *verb, int argc, int min, int max, struct error *err)
{
    if (argc < min)
        return fail(err, 0, NULL, "%s: %s missing", verb, argc ? "argument" : "container ID");
    if (argc > max)
        return fail(err, 0, NULL, "%s: too many arguments", verb);
    return 0;
}

int output(const struct text *text, struct error *err)
{
    if (text->failed)
        return fail_memory(err);
    if ((text->length && fwrite(text->at, text->length, 1, stdout) != 1) || fflush(stdout))
        return fail(err, errno, NULL, "write to standard output");
    return 0;
}
