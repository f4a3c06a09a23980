/* SPDX-License-Identifier: Apache-2.0 */
/* What `events` tells: the member intel_rdt, of the form that go-runc decodes. */
#include "plugins/rdt/rdt.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

struct telling {
    FILE *out;
    int root;
    bool comma;
};

/* --- JSON -------------------------------------------------------------------------------------- */

static void put_key(struct telling *t, const char *key)
{
    fprintf(t->out, t->comma ? ",\"%s\":" : "\"%s\":", key);
    t->comma = true;
}

/* Text of the kernel without blanks around it. */
static void put_text(struct telling *t, const char *text, size_t length)
{
    for (; length && isspace((unsigned char)*text); text++)
        length--;
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    fputc('"', t->out);
    for (; length; text++, length--)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            fprintf(t->out, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, t->out);
    fputc('"', t->out);
}

/* "Unavailable" and "Error" are what the kernel says of a counter that it cannot read now. */
static uint64_t number(const char *text)
{
    return text && isdigit((unsigned char)*text) ? strtoull(text, NULL, 10) : 0;
}

/* --- what the processor has -------------------------------------------------------------------- */

static void put_info(struct telling *t, const char *key, const char *directory,
                     const char *const *files)
{
    auto_close int dir = resctrl_open(t->root, directory, O_RDONLY | O_DIRECTORY);

    if (dir < 0)
        return;
    put_key(t, key);
    fputc('{', t->out);
    t->comma = false;
    for (; *files; files++) {
        auto_free char *text = resctrl_read(dir, *files);
        bool mask = !strcmp(*files, "cbm_mask");

        if (!text || (!mask && !number(text)))
            continue;
        put_key(t, *files);
        if (mask)
            put_text(t, text, strlen(text));
        else
            fprintf(t->out, "%" PRIu64, number(text));
    }
    fputc('}', t->out);
    t->comma = true;
}

/* --- schemata ---------------------------------------------------------------------------------- */

/* The line of the resource; with code and data apart there are two of the cache, of which the later is told. */
static void put_line(struct telling *t, const char *key, const char *text, const char *resource)
{
    const char *found = NULL;
    size_t length = 0;

    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *name = at + strspn(at, " ");

        if (!strncmp(name, resource, strlen(resource))) {
            found = name;
            length = strcspn(name, "\n");
        }
    }
    if (!found)
        return;
    put_key(t, key);
    put_text(t, found, length);
}

static void put_lines(struct telling *t, const char *text)
{
    const char *separator = "";

    put_key(t, "schemata");
    fputc('[', t->out);
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        fputs(separator, t->out);
        put_text(t, at, strcspn(at, "\n"));
        separator = ",";
    }
    fputc(']', t->out);
}

/* --- monitoring -------------------------------------------------------------------------------- */

static int is_cache(const struct dirent *e)
{
    return !strncmp(e->d_name, "mon_L3_", strlen("mon_L3_"));
}

static bool has(int dir, const char *domain, const char *file)
{
    auto_free char *path = NULL;

    return asprintf(&path, "%s/%s", domain, file) >= 0 && !faccessat(dir, path, F_OK, 0);
}

static void put_counter(struct telling *t, int dir, const char *domain, const char *file)
{
    auto_free char *path = NULL, *text = NULL;

    if (asprintf(&path, "%s/%s", domain, file) < 0)
        return;
    text = resctrl_read(dir, path);
    put_key(t, file);
    fprintf(t->out, "%" PRIu64, number(text));
}

/* An element for each cache. */
static void put_counters(struct telling *t, const char *key, int dir, struct dirent **domains,
                         int n, const char *const *files)
{
    bool any = false;

    for (const char *const *file = files; *file && n; file++)
        any |= has(dir, domains[0]->d_name, *file);
    if (!any)
        return;
    put_key(t, key);
    for (int i = 0; i < n; i++) {
        fputs(i ? ",{" : "[{", t->out);
        t->comma = false;
        for (const char *const *file = files; *file; file++)
            put_counter(t, dir, domains[i]->d_name, *file);
        fputc('}', t->out);
    }
    fputc(']', t->out);
    t->comma = true;
}

static void put_monitoring(struct telling *t, int group)
{
    static const char *const bandwidth[] = {"mbm_total_bytes", "mbm_local_bytes", NULL};
    static const char *const occupancy[] = {"llc_occupancy", NULL};
    auto_close int dir = resctrl_open(group, "mon_data", O_RDONLY | O_DIRECTORY);
    struct dirent **domains = NULL;
    int n = dir < 0 ? -1 : scandirat(dir, ".", &domains, is_cache, versionsort);

    if (n < 0)
        return;
    put_counters(t, "mbm_stats", dir, domains, n, bandwidth);
    put_counters(t, "cmt_stats", dir, domains, n, occupancy);
    while (n > 0)
        free(domains[--n]);
    free(domains);
}

/* --- the whole --------------------------------------------------------------------------------- */

static void put_all(struct telling *t, int class, int monitor)
{
    static const char *const cache[] = {"cbm_mask", "min_cbm_bits", "num_closids", NULL};
    static const char *const bandwidth[] = {"bandwidth_gran", "delay_linear", "min_bandwidth",
                                            "num_closids", NULL};
    auto_free char *root = resctrl_read(t->root, "schemata"),
                   *own = resctrl_read(class, "schemata");

    put_info(t, "l3_cache_info", "info/L3", cache);
    put_line(t, "l3_cache_schema_root", root ? root : "", "L3");
    put_line(t, "l3_cache_schema", own ? own : "", "L3");
    put_info(t, "mem_bw_info", "info/MB", bandwidth);
    put_line(t, "mem_bw_schema_root", root ? root : "", "MB");
    put_line(t, "mem_bw_schema", own ? own : "", "MB");
    if (own && *own)
        put_lines(t, own);
    put_monitoring(t, monitor >= 0 ? monitor : class);
}

static char *print(int root, const struct record *r, size_t *size)
{
    auto_close int class = resctrl_open(root, beneath(r->class), O_RDONLY | O_DIRECTORY);
    auto_close int monitor =
        r->monitor ? resctrl_open(root, beneath(r->monitor), O_RDONLY | O_DIRECTORY) : -1;
    char *text = NULL;
    struct telling t = {open_memstream(&text, size), root, false};

    if (!t.out)
        return NULL;
    fputc('{', t.out);
    put_all(&t, class, monitor);
    fputc('}', t.out);
    if (!fclose(t.out))
        return text;
    free(text);
    return NULL;
}

/* The container may end meanwhile, and its groups with it, or even the mount: what is gone is left out. */
int rdt_stats(struct hozo_ctx *ctx)
{
    struct record r = {0};
    int found = rdt_record_read(ctx, &r);
    auto_close int root = found > 0 ? place_open(&r.place) : -ENODEV;
    auto_free char *text = NULL;
    size_t size;

    place_free(&r.place);
    if (root == -ENODEV)
        return found < 0 ? -1 : 0;
    if (root < 0)
        return hozo_error(ctx, -root, RDT, "resctrl");
    if (!(text = print(root, &r, &size)))
        return hozo_error(ctx, ENOMEM, RDT, "statistics");
    return hozo_stats(ctx, "intel_rdt", text, size);
}
