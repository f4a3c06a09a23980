/* SPDX-License-Identifier: Apache-2.0 */
/* What an update replaces, so that all of it can be put back. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX 65536

/* --- the text that undoes -----------------------------------------------------------------------
 */

/* Of files with a line for each device: what takes a line away that was not there. */
static const struct {
    const char *start, *reset;
} keyed[] = {
    {"io.max", "rbps=max wbps=max riops=max wiops=max"},
    {"io.latency", "target=0"},
    {"io.", "default"},
    {"blkio.throttle.", "0"},
    {"blkio.leaf_weight_device", "0"},
    {"blkio.", "default"},
    {"rdma.max", "hca_handle=max hca_object=max"},
};

static const char *reset_of(const char *name)
{
    for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++)
        if (!strncmp(name, keyed[i].start, strlen(keyed[i].start)))
            return keyed[i].reset;
    return NULL;
}

/* The line of `text` that begins with this word; NULL: none. */
static const char *line_of(const char *text, const char *word, size_t length)
{
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        if (!strncmp(text, word, length) && text[length] == ' ')
            return text;
    return NULL;
}

char *journal_text(const char *name, const char *old, const char *text)
{
    size_t word = strcspn(text, " ");
    const char *line = text[word] ? line_of(old, text, word) : NULL, *reset = reset_of(name);
    char *undo;

    if (line)
        return strndup(line, strcspn(line, "\n"));
    /* A key without a line: of a device that had no value of its own. */
    if (text[word] && reset)
        return asprintf(&undo, "%.*s %s", (int)word, text, reset) < 0 ? NULL : undo;
    /* "oom_kill_disable 0" is what the kernel shows; it takes the number. */
    if (!strcmp(name, "memory.oom_control"))
        old += strcspn(old, " ") + 1;
    return strndup(old, strcspn(old, "\n"));
}

/* --- keeping and undoing ------------------------------------------------------------------------
 */

static void free_entry(struct journal_entry *e)
{
    free(e->directory);
    free(e->name);
    free(e->text);
}

static int append(struct journal *j, const char *directory, const char *name, const char *old,
                  const char *text)
{
    struct journal_entry *grown = reallocarray(j->at, j->n + 1, sizeof(*grown)), *e;

    if (!grown)
        return -ENOMEM;
    j->at = grown;
    e = &grown[j->n];
    *e = (struct journal_entry){strdup(directory), strdup(name), journal_text(name, old, text)};
    if (!e->directory || !e->name || !e->text) {
        free_entry(e);
        return -ENOMEM;
    }
    j->n++;
    return 0;
}

int journal_keep(struct journal *j, int dir, const char *directory, const char *name,
                 const char *text)
{
    auto_free char *old = malloc(FILE_MAX);
    int r = old ? cgroup_read(dir, name, old, FILE_MAX) : -ENOMEM;

    /* A file that only takes commands, memory.reclaim, has no value before them. */
    if (r == -EINVAL || r == -EACCES)
        return 0;
    return r < 0 ? r : append(j, directory, name, old, text);
}

void journal_drop(struct journal *j, size_t n)
{
    while (j->n > n)
        free_entry(&j->at[--j->n]);
}

static int put_back(const struct journal_entry *e)
{
    auto_close int dir = cgroup_open(e->directory, O_RDONLY);
    auto_close int fd = dir < 0 ? -1 : openat(dir, e->name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    const char *text = *e->text ? e->text : "\n";

    if (dir < 0)
        return dir;
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int journal_undo(struct journal *j, struct hozo_ctx *ctx)
{
    int result = 0, r;

    for (size_t i = j->n; i-- > 0;)
        if ((r = put_back(&j->at[i])) < 0) {
            hozo_log(ctx, HOZO_LOG_WARNING, "writing \"%s\" back to %s/%s: %s", j->at[i].text,
                     j->at[i].directory, j->at[i].name, strerror(-r));
            result = -1;
        }
    journal_drop(j, 0);
    free(j->at);
    j->at = NULL;
    return result;
}
