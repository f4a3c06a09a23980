/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the families have appended: one cgroup, its files. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void writing_begin(struct writing *w, struct hozo_ctx *ctx)
{
    *w = (struct writing){.ctx = ctx, .dir = -1, .refused = "", .file = -1};
}

void writing_end(struct writing *w)
{
    cgroup_close_fd(&w->file);
    cgroup_close_fd(&w->dir);
    w->file = w->dir = -1;
    *w->name = '\0';
}

static int open_file(struct writing *w, const char *name)
{
    if (w->file >= 0 && !strcmp(w->name, name))
        return 0;
    cgroup_close_fd(&w->file);
    w->file = -1;
    if (snprintf(w->name, sizeof(w->name), "%s", name) >= (int)sizeof(w->name))
        return -ENAMETOOLONG;
    w->file = openat(w->dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    return w->file < 0 ? -errno : 0;
}

/* cgroup.subtree_control tells of a controller that another container is just having enabled before its files
 * are there. To enable it once more waits for that. */
static bool settle(int dir, const char *name)
{
    static const char file[] = "../cgroup.subtree_control";
    size_t n = strcspn(name, ".");
    char enabled[1024], word[64];

    snprintf(word, sizeof(word), "+%.*s", (int)n, name);
    if (n > 32 || cgroup_read(dir, file, enabled, sizeof(enabled)) < 0)
        return false;
    for (char *save = NULL, *at = strtok_r(enabled, " \n", &save); at;
         at = strtok_r(NULL, " \n", &save))
        if (!strcmp(at, word + 1)) {
            auto_close int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

            return fd >= 0 && write(fd, word, strlen(word)) > 0;
        }
    return false;
}

int write_file(struct writing *w, const char *name, const char *text)
{
    int r = w->dir < 0 ? -EBADF : open_file(w, name);
    size_t kept = w->journal ? w->journal->n : 0;

    if (r == -ENOENT && settle(w->dir, name))
        r = open_file(w, name);
    if (r < 0)
        return r;
    if (w->journal && (r = journal_keep(w->journal, w->dir, w->directory, name, text)) < 0)
        return r;
    /* Nothing at all would not even reach the kernel's handler. */
    if (!*text)
        text = "\n";
    if (write(w->file, text, strlen(text)) >= 0)
        return 0;
    r = -errno;
    if (w->journal)
        journal_drop(w->journal, kept);
    return r;
}

int write_failed(struct writing *w, const char *path, const char *name, const char *text, int r)
{
    const char *refused = w->refused;
    char why[128];

    if (r != -ENOENT)
        return hozo_error(w->ctx, -r, path, "writing \"%s\" to %s/%s", text, w->directory, name);
    if (!*refused) {
        cgroup_explain(w->dir, why, sizeof(why));
        refused = why;
    }
    return hozo_error(w->ctx, 0, path, "the cgroup %s has no %s%s%s", w->directory, name,
                      *refused ? "; controllers that could not be enabled: " : "", refused);
}

/* --- the pieces of work -------------------------------------------------------------------------
 */

struct assignment {
    const char *path, *what, *name, *text;
};

static int put(struct writing *w, const struct assignment *a)
{
    int r = write_file(w, a->name, a->text);

    return r < 0 ? write_failed(w, a->path, a->name, a->text, r) : 0;
}

static int put_if(struct writing *w, const struct assignment *a)
{
    int r = write_file(w, a->name, a->text);

    if (r != -ENOENT)
        return r < 0 ? write_failed(w, a->path, a->name, a->text, r) : 0;
    hozo_log(w->ctx, HOZO_LOG_DEBUG, "%s has no %s: left out", w->directory, a->name);
    return 0;
}

static int64_t read_number(struct writing *w, const struct assignment *a, const char *name)
{
    char text[64];
    int r = cgroup_read(w->dir, name, text, sizeof(text));

    if (r < 0)
        return hozo_error(w->ctx, -r, a->path, "%s/%s", w->directory, name);
    return strncmp(text, "max", 3) ? strtoll(text, NULL, 10) : INT64_MAX;
}

static int put_kept(struct writing *w, const struct assignment *a)
{
    int64_t kept = put(w, a) < 0 ? -1 : read_number(w, a, a->name);

    if (kept < 0 || kept <= strtoll(a->text, NULL, 10))
        return kept < 0 ? -1 : 0;
    return hozo_error(w->ctx, 0, a->path, "the kernel does not keep \"%s\" in %s/%s", a->text,
                      w->directory, a->name);
}

/* A device answers EOPNOTSUPP if it has another scheduler than the one whose file it is. */
static int put_either(struct writing *w, const struct assignment *a)
{
    const char *bar = strchr(a->text, '|'), *equals = bar ? strchr(bar, '=') : NULL;
    auto_free char *text = equals ? strndup(a->text, (size_t)(bar - a->text)) : NULL;
    auto_free char *name = equals ? strndup(bar + 1, (size_t)(equals - bar - 1)) : NULL;
    int first, second;

    if (!text || !name)
        return hozo_error(w->ctx, equals ? ENOMEM : EINVAL, a->path, "%s", a->text);
    first = write_file(w, a->name, text);
    if (first != -ENOENT && first != -EOPNOTSUPP)
        return first < 0 ? write_failed(w, a->path, a->name, text, first) : 0;
    second = write_file(w, name, equals + 1);
    if (second != -ENOENT)
        return second < 0 ? write_failed(w, a->path, name, equals + 1, second) : 0;
    return write_failed(w, a->path, a->name, text, first);
}

static int put_swap(struct writing *w, const struct assignment *a)
{
    int64_t both = strtoll(a->text, NULL, 10), limit = read_number(w, a, "memory.max");
    char room[TEXT_MAX];
    struct assignment swap = *a;

    if (limit < 0)
        return -1;
    if (limit == INT64_MAX)
        return hozo_error(w->ctx, 0, a->path,
                          "needs linux.resources.memory.limit: cgroup v2 limits swap without "
                          "memory, the specification both together");
    if (both < limit)
        return hozo_error(w->ctx, 0, a->path,
                          "%" PRIi64 " is less than the limit of memory in force, %" PRIi64
                          ": it is memory and swap together",
                          both, limit);
    swap.text = text_number(both - limit, room);
    return both == limit ? put_if(w, &swap) : put(w, &swap);
}

static int put_period(struct writing *w, const struct assignment *a)
{
    char quota[64], text[TEXT_MAX];
    struct assignment both = *a;
    int r = cgroup_read(w->dir, a->name, quota, sizeof(quota));

    if (r < 0)
        return write_failed(w, a->path, a->name, a->text, r);
    snprintf(text, sizeof(text), "%.*s %s", (int)strcspn(quota, " \n"), quota, a->text);
    both.text = text;
    return put(w, &both);
}

/* "memory.current<=67108864" */
static int check(struct writing *w, const struct hozo_work *work)
{
    auto_free char *name = strndup(work->value, strcspn(work->value, "<"));
    struct assignment a = {.path = work->path, .name = name};
    const char *number = strstr(work->value, "<=");
    int64_t used, limit;

    if (!name || !number)
        return hozo_error(w->ctx, name ? EINVAL : ENOMEM, work->path, "%s", work->value);
    limit = strtoll(number + 2, NULL, 10);
    if ((used = read_number(w, &a, name)) < 0)
        return -1;
    if (used > limit)
        return hozo_error(w->ctx, 0, work->path,
                          "%" PRIi64 " is less than what is in use, %" PRIi64, limit, used);
    return 0;
}

int write_work(struct writing *w, const struct hozo_work *work)
{
    static const struct {
        const char *what;
        int (*act)(struct writing *w, const struct assignment *a);
    } acts[] = {
        {WORK_WRITE, put},
        {WORK_WRITE_IF, put_if},
        {WORK_WRITE_KEPT, put_kept},
        {WORK_WRITE_SWAP, put_swap},
        {WORK_WRITE_EITHER, put_either},
        {WORK_WRITE_PERIOD, put_period},
    };
    const char *equals = strchr(work->value, '=');
    auto_free char *name = equals ? strndup(work->value, (size_t)(equals - work->value)) : NULL;

    if (!strcmp(work->what, WORK_CHECK))
        return check(w, work);
    if (!strcmp(work->what, WORK_REALTIME))
        return write_realtime(w, work);
    for (size_t i = 0; name && i < sizeof(acts) / sizeof(*acts); i++)
        if (!strcmp(work->what, acts[i].what)) {
            struct assignment a = {work->path, work->what, name, equals + 1};

            return acts[i].act(w, &a);
        }
    return hozo_error(w->ctx, 0, work->path, "the plan has no such work: %s %s", work->what,
                      work->value);
}
