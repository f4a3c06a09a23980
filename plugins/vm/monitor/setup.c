/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/setup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/vm/wire.h"

#define SECONDS_DEFAULT 120
#define SECONDS_MAX     86400

/* clang-format off */
static const struct kind {
    const char *name;
    size_t min, max; /* words, with this one; 0: any number */
} kinds[] = {
    {"child", 4, 0},
    {"stream", 2, 2},
    {"tap", 2, 0},
    {"wait", 2, 2},
    {"seconds", 2, 2},
    {"readonly", 2, 2},
    {"guest", 2, 0},
};
/* clang-format on */

/* How many words a record has: to the empty string; -1 if the memory ends before. */
static ssize_t count_words(const char *at, const char *end)
{
    for (ssize_t n = 0;; n++) {
        size_t length = strnlen(at, (size_t)(end - at));

        if (at + length == end)
            return -1;
        if (!length)
            return n;
        at += length + 1;
    }
}

int records_parse(struct setup *s, char *text, size_t size)
{
    char *at = text, *end = text + size;
    ssize_t n;

    for (size_t room = 0; (n = count_words(at, end)) > 0; at++) {
        struct record *r;

        if (s->n == room) {
            room = room ? 2 * room : 16;
            r = realloc(s->records, room * sizeof *r);
            if (!r)
                return -1;
            s->records = r;
        }
        r = &s->records[s->n];
        r->n = (size_t)n;
        r->words = calloc((size_t)n + 1, sizeof *r->words);
        if (!r->words)
            return -1;
        s->n++;
        for (size_t i = 0; i < r->n; i++, at += strlen(at) + 1)
            r->words[i] = at;
    }
    errno = EBADMSG;
    return n < 0 ? -1 : 0;
}

static const struct kind *kind_of(const struct record *r)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!strcmp(r->words[0], kinds[i].name))
            return r->n >= kinds[i].min && (!kinds[i].max || r->n <= kinds[i].max) ? &kinds[i]
                                                                                   : NULL;
    return NULL;
}

static int take(struct setup *s, const struct record *r)
{
    char *end;

    if (!strcmp(r->words[0], "tap")) {
        if (s->tap)
            return -1;
        s->tap = r;
    } else if (!strcmp(r->words[0], "readonly")) {
        if (s->readonly)
            return -1;
        s->readonly = r->words[1];
    } else if (!strcmp(r->words[0], "seconds")) {
        unsigned long n = strtoul(r->words[1], &end, 10);

        if (*end || !n || n > SECONDS_MAX)
            return -1;
        s->seconds = (unsigned)n;
    }
    return 0;
}

static char *read_all(size_t *size)
{
    struct stat st;
    char *text;

    if (fstat(MONITOR_SETUP, &st) < 0)
        return NULL;
    errno = EFBIG;
    if (st.st_size <= 0 || st.st_size > (off_t)SETUP_MAX || !(text = malloc((size_t)st.st_size)))
        return NULL;
    *size = (size_t)st.st_size;
    errno = EIO;
    return pread(MONITOR_SETUP, text, *size, 0) == st.st_size ? text : NULL;
}

int setup_read(struct setup *s, const char **why)
{
    size_t size, hypervisors = 0;
    char *text = read_all(&size);

    *s = (struct setup){.seconds = SECONDS_DEFAULT};
    *why = "the machine's instructions cannot be read";
    if (!text || records_parse(s, text, size) < 0)
        return -1;
    errno = EBADMSG;
    for (size_t i = 0; i < s->n; i++) {
        const struct record *r = &s->records[i];

        if (!kind_of(r) || take(s, r) < 0)
            return -1;
        hypervisors += !strcmp(r->words[0], "child") && !strcmp(r->words[1], "hypervisor");
    }
    *why = "the machine's instructions name no hypervisor, or several";
    return hypervisors == 1 ? 0 : -1;
}
