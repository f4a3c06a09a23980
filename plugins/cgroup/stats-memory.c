/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, in bytes, and huge pages. */
#include "plugins/cgroup/stats.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* clang-format off */
static const struct stats_row memory[] = {
    {"limit",   true,  {"memory.limit_in_bytes"},     {"memory.max"}},
    {"usage",   false, {"memory.usage_in_bytes"},     {"memory.current"}},
    {"max",     false, {"memory.max_usage_in_bytes"}, {"memory.peak"}},
    {"failcnt", true,  {"memory.failcnt"},            {"memory.events", "max"}},
};

static const struct stats_row memory_and_swap[] = { /* v1 */
    {"limit",   true,  {"memory.memsw.limit_in_bytes"},     {0}},
    {"usage",   false, {"memory.memsw.usage_in_bytes"},     {0}},
    {"max",     false, {"memory.memsw.max_usage_in_bytes"}, {0}},
    {"failcnt", true,  {"memory.memsw.failcnt"},            {0}},
};

static const struct stats_row kernel[] = {
    {"limit",   true,  {"memory.kmem.limit_in_bytes"},     {0}},
    {"usage",   false, {"memory.kmem.usage_in_bytes"},     {0}},
    {"max",     false, {"memory.kmem.max_usage_in_bytes"}, {0}},
    {"failcnt", true,  {"memory.kmem.failcnt"},            {0}},
};

static const struct stats_row kernel_tcp[] = {
    {"limit",   true,  {"memory.kmem.tcp.limit_in_bytes"},     {0}},
    {"usage",   false, {"memory.kmem.tcp.usage_in_bytes"},     {0}},
    {"max",     false, {"memory.kmem.tcp.max_usage_in_bytes"}, {0}},
    {"failcnt", true,  {"memory.kmem.tcp.failcnt"},            {0}},
};
/* clang-format on */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* v2 counts swap by itself, readers expect it with the memory. What both together have been at most is not
 * known. Without swap there are no such files, and memory is all. */
static void print_swap(struct stats *s)
{
    if (!s->v2) {
        STATS_OBJECT(s, "swap", memory_and_swap);
        return;
    }
    stats_open(s, "swap", '{');
    stats_number(s, "limit",
                 sum(stats_read(s, "memory.max", NULL), stats_read(s, "memory.swap.max", NULL)));
    stats_unless_0(
        s, "usage",
        sum(stats_read(s, "memory.current", NULL), stats_read(s, "memory.swap.current", NULL)));
    stats_number(s, "failcnt", 0);
    stats_close(s, '}');
}

/* memory.stat: a word and a number on each line; what is none has no place in a map of numbers. */
static void print_raw(struct stats *s)
{
    const char *text = stats_text(s, "memory.stat");

    if (!text || !*text)
        return;
    stats_open(s, "raw", '{');
    for (; *text; text += *text == '\n') {
        size_t word =
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

        if (word && text[word] == ' ' && isdigit((unsigned char)text[word + 1])) {
            stats_key(s, NULL);
            fprintf(s->out, "\"%.*s\":%llu", (int)word, text, strtoull(text + word, NULL, 10));
        }
        text += strcspn(text, "\n");
    }
    stats_close(s, '}');
}

void stats_memory(struct stats *s)
{
    stats_enter(s, "memory");
    stats_unless_0(s, "cache", stats_read(s, "memory.stat", s->v2 ? "file" : "cache"));
    print_raw(s);
    STATS_OBJECT(s, "usage", memory);
    print_swap(s);
    STATS_OBJECT(s, "kernel", kernel);
    STATS_OBJECT(s, "kernelTCP", kernel_tcp);
    stats_pressure(s, "memory.pressure");
}

/* --- huge pages --------------------------------------------------------------------------------- */

/* The size in "hugetlb.2MB.current"; false for other files, as "hugetlb.2MB.rsvd.current". */
static bool page_size(const char *name, const char *suffix, char *size, size_t room)
{
    size_t length;

    if (strncmp(name, "hugetlb.", 8))
        return false;
    name += 8;
    length = strspn(name, "0123456789KMGTB");
    if (!length || length >= room || strcmp(name + length, suffix) != 0)
        return false;
    memcpy(size, name, length);
    size[length] = '\0';
    return true;
}

static const char *huge_file(char room[64], const char *size, const char *suffix)
{
    snprintf(room, 64, "hugetlb.%s%s", size, suffix);
    return room;
}

static void print_huge_pages(struct stats *s, const char *size)
{
    char file[64];

    stats_open(s, size, '{');
    if (s->v2) {
        stats_unless_0(s, "usage", stats_read(s, huge_file(file, size, ".current"), NULL));
        stats_number(s, "failcnt", stats_read(s, huge_file(file, size, ".events"), "max"));
    } else {
        stats_unless_0(s, "usage", stats_read(s, huge_file(file, size, ".usage_in_bytes"), NULL));
        stats_unless_0(s, "max", stats_read(s, huge_file(file, size, ".max_usage_in_bytes"), NULL));
        stats_number(s, "failcnt", stats_read(s, huge_file(file, size, ".failcnt"), NULL));
    }
    stats_close(s, '}');
}

/* The files tell which sizes there are. */
void stats_hugetlb(struct stats *s)
{
    DIR *dir;
    int fd;

    stats_enter(s, "hugetlb");
    if (s->dir < 0)
        return;
    fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (errno != ENOENT && errno != ENODEV)
            stats_fail(s, errno, "list of files");
        cgroup_close_fd(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char size[16];

        if (e->d_type == DT_REG &&
            page_size(e->d_name, s->v2 ? ".current" : ".usage_in_bytes", size, sizeof(size)))
            print_huge_pages(s, size);
    }
    closedir(dir);
}
