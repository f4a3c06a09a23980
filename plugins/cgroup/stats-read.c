/* SPDX-License-Identifier: Apache-2.0 */
/* The files of cgroups as numbers, and numbers as JSON. */
#include "plugins/cgroup/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------ */

void stats_fail(struct stats *s, int errnum, const char *file)
{
    if (s->errnum)
        return;
    s->errnum = errnum;
    snprintf(s->failed, sizeof(s->failed), "%s", file);
}

bool stats_begin(struct stats *s, const struct hierarchies *all)
{
    *s = (struct stats){.all = all, .dir = -1, .text_dir = -1};
    for (size_t i = 0; i < all->n; i++) {
        s->dirs[i] = cgroup_open(all->at[i].directory, O_RDONLY);
        if (s->dirs[i] < 0 && s->dirs[i] != -ENOENT)
            stats_fail(s, -s->dirs[i], all->at[i].directory);
    }
    return !s->errnum;
}

void stats_end(struct stats *s)
{
    for (size_t i = 0; i < s->all->n; i++)
        cgroup_close_fd(&s->dirs[i]);
    free(s->text);
}

void stats_enter(struct stats *s, const char *controller)
{
    s->dir = -1;
    s->v2 = false;
    for (size_t i = 0; i < s->all->n; i++) {
        const struct hierarchy *h = &s->all->at[i];

        if (strcmp(controller, UNIFIED) != 0 && hierarchy_has(h, controller)) {
            s->dir = s->dirs[i];
            s->v2 = false;
            return;
        }
        if (h->unified) {
            s->dir = s->dirs[i];
            s->v2 = true;
        }
    }
}

/* Not built into the kernel, not enabled here, gone by now; or a container that may make cgroups has
 * given one the name of a file that the kernel has not. */
static bool is_absent(int errnum)
{
    return errnum == ENOENT || errnum == ENODEV || errnum == EOPNOTSUPP || errnum == EISDIR;
}

static bool make_room(struct stats *s, size_t room)
{
    char *text = room > s->room ? realloc(s->text, room) : s->text;

    if (!text)
        return false;
    s->text = text;
    s->room = room > s->room ? room : s->room;
    return true;
}

/* Its text becomes s->text; 0 or an errno. */
static int read_file(struct stats *s, const char *file)
{
    auto_close int fd = openat(s->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t length = 0;
    ssize_t n;

    if (fd < 0)
        return errno;
    do {
        if (!make_room(s, length + 4096))
            return ENOMEM;
        n = read(fd, s->text + length, s->room - length - 1);
        if (n < 0)
            return errno;
        length += (size_t)n;
    } while (n);
    s->text[length] = '\0';
    return 0;
}

const char *stats_text(struct stats *s, const char *file)
{
    int errnum;

    if (s->dir < 0)
        return NULL;
    if (s->text_dir == s->dir && !strcmp(s->file, file))
        return s->text;
    s->text_dir = -1;
    errnum = read_file(s, file);
    if (errnum && !is_absent(errnum))
        stats_fail(s, errnum, file);
    if (errnum)
        return NULL;
    s->text_dir = s->dir;
    snprintf(s->file, sizeof(s->file), "%s", file);
    return s->text;
}

/* What stands behind `word` on its line, or NULL. */
static const char *behind(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (; *text; text += *text == '\n') {
        if (!strncmp(text, word, length) && text[length] == ' ')
            return text + length + 1;
        text += strcspn(text, "\n");
    }
    return NULL;
}

uint64_t stats_read(struct stats *s, const char *file, const char *word)
{
    const char *text = file ? stats_text(s, file) : NULL;

    if (text && word)
        text = behind(text, word);
    if (!text)
        return 0;
    return strncmp(text, "max", 3) ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* --- JSON --------------------------------------------------------------------------------------- */

void stats_key(struct stats *s, const char *key)
{
    if (s->comma)
        fputc(',', s->out);
    if (key)
        fprintf(s->out, "\"%s\":", key);
    s->comma = true;
}

void stats_open(struct stats *s, const char *key, char bracket)
{
    stats_key(s, key);
    fputc(bracket, s->out);
    s->comma = false;
}

void stats_close(struct stats *s, char bracket)
{
    fputc(bracket, s->out);
    s->comma = true;
}

void stats_number(struct stats *s, const char *key, uint64_t number)
{
    stats_key(s, key);
    fprintf(s->out, "%" PRIu64, number);
}

void stats_unless_0(struct stats *s, const char *key, uint64_t number)
{
    if (number)
        stats_number(s, key, number);
}

void stats_rows(struct stats *s, const struct stats_row *rows, size_t n)
{
    for (const struct stats_row *row = rows; row < rows + n; row++) {
        const struct stats_place *at = s->v2 ? &row->v2 : &row->v1;
        uint64_t number = stats_read(s, at->file, at->word) * (at->factor ? at->factor : 1);

        if (number || row->always)
            stats_number(s, row->key, number);
    }
}

void stats_object(struct stats *s, const char *key, const struct stats_row *rows, size_t n)
{
    stats_open(s, key, '{');
    stats_rows(s, rows, n);
    stats_close(s, '}');
}

/* --- pressure stall information ----------------------------------------------------------------- */

/* "avg10=0.00 avg60=0.12 avg300=0.05 total=4711"; what no JSON can hold is left out. */
static void print_shares(struct stats *s, const char *line)
{
    static const char *const words[] = {"avg10=", "avg60=", "avg300=", "total="};
    size_t end = strcspn(line, "\n");

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const char *at = memmem(line, end, words[i], strlen(words[i]));
        size_t length;

        if (!at)
            continue;
        at += strlen(words[i]);
        length = strspn(at, "0123456789.");
        stats_key(s, NULL);
        fprintf(s->out, "\"%.*s\":%.*s", (int)strlen(words[i]) - 1, words[i], (int)length, at);
    }
}

void stats_pressure(struct stats *s, const char *file)
{
    static const char *const whom[] = {"some", "full"};
    const char *text;

    stats_enter(s, UNIFIED);
    if (!(text = stats_text(s, file)))
        return;
    stats_open(s, "psi", '{');
    for (size_t i = 0; i < sizeof(whom) / sizeof(*whom); i++) {
        const char *line = behind(text, whom[i]);

        stats_open(s, whom[i], '{');
        if (line)
            print_shares(s, line);
        stats_close(s, '}');
    }
    stats_close(s, '}');
}
