/* SPDX-License-Identifier: Apache-2.0 */
#include "core/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/files.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Behind the letters that an ID may have: the number of its orphan. */
#define NUMBER '~'

static void forget_others(struct state *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n_plugins; i++) {
        struct state_plugin row = s->plugins[i];

        /* Rows change places, so that all of them are freed with the state. */
        if (row.orphan) {
            s->plugins[i] = s->plugins[kept];
            s->plugins[kept++] = row;
        }
    }
    while (s->n_plugins > kept)
        state_plugin_free(&s->plugins[--s->n_plugins]);
}

int orphan_keep(struct container *c, struct error *err)
{
    auto_close int root = open(c->root, DIRECTORY), orphans = -1;
    char name[NAME_MAX + 1];

    if (root < 0 || (mkdirat(root, ORPHANS, 0700) < 0 && errno != EEXIST) ||
        (orphans = openat(root, ORPHANS, DIRECTORY)) < 0)
        return fail(err, errno, NULL, "make %s/" ORPHANS, c->root);
    forget_others(&c->state);
    if (state_write(c->dirfd, &c->state, err) < 0)
        return -1;
    for (unsigned n = 0;; n++) {
        /* An ID may be as long as a name can be: then its end makes room. */
        snprintf(name, sizeof name, "%.200s%c%u", c->state.id, NUMBER, n);
        if (!directory_move(root, c->state.id, orphans, name))
            return 0;
        if (errno != EEXIST)
            return fail(err, errno, NULL, "move %s/%s to " ORPHANS, c->root, c->state.id);
    }
}

/* --- cleaning --------------------------------------------------------------------------------- */

static int load(struct container *c, int orphans, const char *name, struct error *err)
{
    auto_json struct json state = {0};

    c->dirfd = openat(orphans, name, DIRECTORY);
    if (c->dirfd < 0 || flock(c->dirfd, LOCK_EX) < 0)
        return fail(err, errno, NULL, "open %s", name);
    if (json_read(&state, c->dirfd, "state.json", err) < 0)
        return -1;
    if (state_read(c->dirfd, json_string(state.root, "id", ""), &c->state, err) < 0)
        return -1;
    return json_read(&c->config, c->dirfd, "config.json", err);
}

static int clean(struct container *c, const char *root, const char *name, struct error *err)
{
    if (plugins_open_for(c, IN(STOPPED) | IN(CLEANUP), err) < 0 ||
        plugins_end(c, STAGE_STOPPED, NULL, err) < 0 ||
        plugins_end(c, STAGE_CLEANUP, NULL, err) < 0)
        return -1;
    return state_remove(root, name, c->dirfd, err);
}

static int clean_one(const char *root, const char *plugin_dir, const struct log *log, int orphans,
                     const char *name, struct text *out)
{
    auto_container struct container c;
    char line[1536];
    struct error err = {0};

    container_init(&c);
    c.root = root;
    c.log = log;
    c.plugins.dir = plugin_dir;
    if (!load(&c, orphans, name, &err) && !clean(&c, root, name, &err)) {
        text_add(out, "%.*s: cleaned\n", (int)strcspn(name, "~"), name);
        return 0;
    }
    error_format(&err, line, sizeof line);
    text_add(out, "%.*s: %s\n", (int)strcspn(name, "~"), name, line);
    return 1;
}

static int answer(const char *root, const char *plugin_dir, const struct log *log, int orphans,
                  const char *name, int to)
{
    auto_text struct text line = {0};
    int r = clean_one(root, plugin_dir, log, orphans, name, &line);

    if (!line.failed && write(to, line.at, line.length) < 0)
        r = 1;
    return r;
}

/* In a process of its own, so that a plugin that crashes keeps no other orphan from being cleaned. */
static int clean_apart(const char *root, const char *plugin_dir, const struct log *log, int orphans,
                       const char *name, struct text *out)
{
    auto_close int reader = -1, writer = -1;
    size_t before = out->length;
    char buffer[2048];
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return 1;
    reader = fds[0];
    writer = fds[1];
    if (!(pid = fork()))
        _exit(answer(root, plugin_dir, log, orphans, name, writer));
    close(steal_fd(writer));
    while (pid > 0 && (n = read(reader, buffer, sizeof buffer)) > 0)
        text_append(out, buffer, (size_t)n);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        status = 1;
    if (out->length == before)
        text_add(out, "%.*s: is not cleaned\n", (int)strcspn(name, "~"), name);
    return status != 0;
}

int orphans_clean(const char *root, const char *plugin_dir, const struct log *log, struct text *out,
                  struct error *err)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    int left = 0, n;

    if ((size_t)snprintf(path, sizeof path, "%s/" ORPHANS, root) >= sizeof path)
        return fail(err, ENAMETOOLONG, NULL, "%s", root);
    auto_close int orphans = open(path, DIRECTORY);
    if (orphans < 0 || (n = scandir(path, &entries, NULL, alphasort)) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, NULL, "read %s", path);
    for (int i = 0; i < n; i++) {
        if (strchr(entries[i]->d_name, NUMBER))
            left += clean_apart(path, plugin_dir, log, orphans, entries[i]->d_name, out);
        free(entries[i]);
    }
    free(entries);
    rmdir(path); /* if nothing is left in it */
    return left;
}
