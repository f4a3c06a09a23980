/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record as the plugin's state: {"jid":5,"pid":1200,"born":…,"mounts":3,"aliases":"10","raised0":2}. What is 0
 * is left out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "plugins/freebsd/runner.h"

static void put(FILE *f, const char *name, uint64_t n)
{
    if (n)
        fprintf(f, "\"%s\":%" PRIu64 ",", name, n);
}

/* As JSON; what is not UTF-8 the host refuses. */
static void put_text(FILE *f, const char *name, const char *text)
{
    if (!*text)
        return;
    fprintf(f, "\"%s\":\"", name);
    for (; *text; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            fprintf(f, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, f);
    fputs("\",", f);
}

static uint64_t get(struct hozo_ctx *ctx, const char *name)
{
    struct hozo_cursor at;

    return hozo_state_find(ctx, NULL, name, &at) == 1 ? hozo_as_uint(ctx, &at) : 0;
}

static const char *raised_name(char *name, size_t size, size_t i)
{
    snprintf(name, size, "raised%zu", i);
    return name;
}

int runner_record_write(struct hozo_ctx *ctx, const struct record *r)
{
    char *text = NULL, name[24];
    size_t size;
    FILE *f = open_memstream(&text, &size);
    int done;

    if (!f)
        return hozo_error(ctx, ENOMEM, FREEBSD, "state");
    fputs("{", f);
    put(f, "directory", r->directory);
    put(f, "fifos", r->fifos);
    put(f, "root", r->root);
    put(f, "jail", r->jail);
    put(f, "mounts", r->mounts);
    put(f, "interfaces", r->interfaces);
    put(f, "jid", (uint64_t)r->jid);
    put(f, "pid", (uint64_t)r->pid);
    put(f, "born", r->born);
    put_text(f, "path", r->path);
    for (size_t i = 0; i < PARENTS_MAX; i++)
        put(f, raised_name(name, sizeof(name), i), (uint64_t)r->raised[i]);
    fputs("\"aliases\":\"", f);
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        fputs(r->aliases[i] ? "1" : "0", f);
    fputs("\"}", f);
    done = fclose(f) ? hozo_error(ctx, ENOMEM, FREEBSD, "state") : hozo_state_set(ctx, text, size);
    free(text);
    return done;
}

void runner_record_read(struct hozo_ctx *ctx, struct record *r)
{
    struct hozo_cursor at;
    const char *aliases = "";
    char name[24];

    *r = (struct record){
        .directory = get(ctx, "directory"),
        .fifos = get(ctx, "fifos"),
        .root = get(ctx, "root"),
        .jail = get(ctx, "jail"),
        .mounts = (unsigned)get(ctx, "mounts"),
        .interfaces = (unsigned)get(ctx, "interfaces"),
        .jid = (int)get(ctx, "jid"),
        .pid = (int)get(ctx, "pid"),
        .born = get(ctx, "born"),
    };
    for (size_t i = 0; i < PARENTS_MAX; i++)
        r->raised[i] = (int)get(ctx, raised_name(name, sizeof(name), i));
    if (hozo_state_find(ctx, NULL, "path", &at) == 1)
        snprintf(r->path, sizeof(r->path), "%s", hozo_as_string(ctx, &at));
    if (hozo_state_find(ctx, NULL, "aliases", &at) == 1)
        aliases = hozo_as_string(ctx, &at);
    for (size_t i = 0; i < ADDRESSES_MAX && aliases[i]; i++)
        r->aliases[i] = aliases[i] == '1';
}
