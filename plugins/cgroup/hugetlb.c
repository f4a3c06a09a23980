/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources.hugepageLimits. The specification wants reservations limited, and where the kernel cannot
 * (before Linux 5.7) the pages in use. Both are, where it can: a page that is reserved elsewhere, in a file
 * that is shared, is charged to whoever uses it first.
 */
#include "plugins/cgroup/resources.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HUGEPAGES RESOURCES ".hugepageLimits"

enum { USAGE, RESERVATION, COUNT };

/* clang-format off */
static const struct resource rows[COUNT] = {
    [USAGE]       = {HUGEPAGES "[].limit", HOZO_UINT, "hugetlb.SIZE.limit_in_bytes", "hugetlb.SIZE.max", NULL,
                     "SIZE is `pageSize`"},
    [RESERVATION] = {HUGEPAGES "[].limit", HOZO_UINT, "hugetlb.SIZE.rsvd.limit_in_bytes", "hugetlb.SIZE.rsvd.max", NULL,
                     "as well, where the kernel has it"},
};
/* clang-format on */

/* "64KB", "2MB", "1GB" */
static bool is_size(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits && digits < 16 && *text != '0' && text[digits] && strchr("KMG", text[digits]) &&
           !strcmp(text + digits + 1, "B");
}

static void file_of(const struct planning *p, const struct resource *row, const char *size,
                    char room[TEXT_MAX])
{
    const char *file = resource_file(p, row), *at = strstr(file, "SIZE");

    snprintf(room, TEXT_MAX, "%.*s%s%s", (int)(at - file), file, size, at + strlen("SIZE"));
}

static int limit(struct planning *p, const struct resource *row, const struct hozo_cursor *entry,
                 const char *key)
{
    struct hozo_cursor size, at;
    char file[TEXT_MAX], text[TEXT_MAX];
    const char *name;

    (void)key;
    if (hozo_find(p->ctx, entry, "pageSize", &size) < 0 ||
        hozo_find(p->ctx, entry, "limit", &at) < 0)
        return -1;
    name = hozo_as_string(p->ctx, &size);
    if (!is_size(name))
        return hozo_error(p->ctx, 0, size.path,
                          "\"%.40s\" is not of the form \"64KB\", \"2MB\", \"1GB\"", name);
    if (!p->h)
        return resource_refuse(p, entry->path);
    snprintf(text, sizeof(text), "%" PRIu64, hozo_as_uint(p->ctx, &at));
    file_of(p, &row[USAGE], name, file);
    if (resource_put(p, at.path, WORK_WRITE, file, text) < 0)
        return -1;
    file_of(p, &row[RESERVATION], name, file);
    return resource_put(p, at.path, WORK_WRITE_IF, file, text);
}

static int plan(struct planning *p)
{
    return resource_each(p, HUGEPAGES, rows, limit);
}

const struct family hugetlb_family = {"hugetlb", HUGEPAGES, EARLY, rows, COUNT, plan};
