/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as config.json, from the scanner to the printed plan. A first line that does not begin with
 * '{' names a record of tests/plans/hosts and options: "v1 no-pivot".
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"

#define HOSTS_MAX 16

static struct host {
    char *name;
    struct json facts;
} hosts[HOSTS_MAX];

/* The last in the alphabet, v2, comes first. They stay. */
static void read_hosts(void)
{
    struct dirent **entries;
    int n = scandir(HOSTS, &entries, NULL, alphasort), count = 0;
    struct error err;

    for (int i = n - 1; i >= 0; i--) {
        auto_free char *path = NULL;
        char *dot = strstr(entries[i]->d_name, ".json");

        must(asprintf(&path, HOSTS "/%s", entries[i]->d_name) > 0);
        if (dot && count < HOSTS_MAX) {
            must(!facts_read(&hosts[count].facts, path, &err));
            must((hosts[count++].name =
                      strndup(entries[i]->d_name, (size_t)(dot - entries[i]->d_name))));
        }
        free(entries[i]);
    }
    free(entries);
    must(count);
}

/* What the first line says. The facts are borrowed. */
static void apply(char *line, struct container *c)
{
    c->facts = hosts[0].facts;
    for (char *word; (word = strsep(&line, " "));) {
        for (size_t i = 0; i < HOSTS_MAX && hosts[i].name; i++)
            if (!strcmp(word, hosts[i].name))
                c->facts = hosts[i].facts;
        c->no_pivot |= !strcmp(word, "no-pivot");
        c->no_new_keyring |= !strcmp(word, "no-new-keyring");
        if (!strcmp(word, "listen-fds"))
            c->listen_fds = c->preserve_fds = 2;
        if (!strcmp(word, "disabled"))
            c->cgroup_manager = "disabled";
    }
}

/* `hozo check`: a line for each member, whatever its name holds. `why` has no text if all is well. */
static void explain(struct container *c, const struct error *why)
{
    struct error reason = *why, err = {0};
    auto_text struct text out = {0};

    must(!plugins_explain(c, true, &reason, &out, &err) && !out.failed);
    must(!why->text[0] || !strcmp(why->text, reason.text));
    for (size_t i = 0; i < out.length; i++)
        must((unsigned char)out.at[i] >= ' ' || out.at[i] == '\n');
}

/* 0 and c->plan, or -1 and an error. */
static int compile(struct container *c, const char *line, const char *bytes, size_t size)
{
    auto_free char *words = strdup(line);
    struct error err = {0};

    container_init(c);
    apply(words, c);
    must((c->state.id = strdup("c")) && (c->state.bundle = strdup("/bundle")));
    if (config_load(c, AT_FDCWD, as_file(bytes, size), &err)) {
        check_error(&err);
        return -1;
    }
    if (compile_create(c, &err))
        check_error(&err);
    explain(c, &err);
    return err.text[0] ? -1 : 0;
}

/* What is read, written, read and written again is the same. */
static void check_document(const struct json *doc)
{
    auto_text struct text first = {0}, second = {0};
    auto_json struct json again = {0};
    struct error err;

    if (!doc->root)
        return;
    text_json_tree(&first, doc, doc->root);
    must(!first.failed && !json_parse(&again, "again", first.at, first.length, &err));
    text_json_tree(&second, &again, again.root);
    must(!second.failed && !strcmp(first.at, second.at));
    must(again.n_numbers == doc->n_numbers);
}

static void forget(struct container *c)
{
    c->facts = (struct json){0};
    container_free(c);
}

static void check_state(const struct container *c)
{
    for (int pretty = 0; pretty < 2; pretty++) {
        auto_text struct text out = {0};

        state_print_oci(&c->state, STATUS_CREATED, NULL, pretty, &out);
        check_json(&out);
    }
}

void target(const char *bytes, size_t size)
{
    auto_free char *line = NULL;
    struct container c, again;

    if (!hosts[0].name)
        read_hosts();
    line = size && *bytes != '{' ? next_part(&bytes, &size, '\n') : strdup("");
    if (!compile(&c, line, bytes, size)) {
        check_plan(c.plan);
        check_paths(c.plan);
        check_state(&c);
        must(!compile(&again, line, bytes, size));
        must(c.plan->size == again.plan->size && !memcmp(c.plan, again.plan, c.plan->size));
        forget(&again);
    }
    check_document(&c.config);
    forget(&c);
}
