/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `plugin check`: what the author of a plugin runs before it is installed. Each point is a row of the table at
 * the end, and a line of TAP; one that cannot be looked at because an earlier one failed is skipped.
 */
#include "core/plugin-subject.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/files.h"
#include "core/names.h"

/* --- the file --------------------------------------------------------------------------------- */

int point_form(struct subject *s, struct error *err)
{
    const char *slash = strrchr(s->file, '/'), *base = slash ? slash + 1 : s->file;
    size_t n = strlen(base);

    if (n < 4 || n >= sizeof s->name || strcmp(base + n - 3, ".so") != 0 ||
        !plugin_name_is_sound(base))
        return fail(err, 0, NULL, "\"%.200s\" is not of the form NAME.so", base);
    snprintf(s->name, sizeof s->name, "%.*s", (int)(n - 3), base);
    return 0;
}

/* Where a plugin is built may be open to others: then it is held by a descriptor, so that nobody puts another
 * file in its place, if it is the caller's and his alone to write. */
int point_trust(struct subject *s, struct error *err)
{
    auto_close int walked = trust_walk(s->file, false, s->real, err);
    struct stat st;

    if (walked >= 0)
        return 0;
    s->fd = file_hold(s->file, s->real, sizeof s->real);
    if (s->fd < 0 || fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        st.st_mode & 022)
        return -1;
    return SKIP;
}

#define SECONDS   30
#define CAME_BACK 72 /* unlikely to be a library's own exit status */

static _Noreturn void rehearse(const struct subject *s)
{
    const struct rlimit none = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    setrlimit(RLIMIT_CORE, &none);
    alarm(SECONDS);
    dlopen(s->real, RTLD_NOW | RTLD_LOCAL);
    _exit(CAME_BACK);
}

/* Another process loads it first. */
int point_rehearsal(struct subject *s, struct error *err)
{
    pid_t pid = fork();
    int status;

    if (!pid)
        rehearse(s);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return fail(err, errno, NULL, "fork");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return fail(err, 0, NULL, "is not loaded within %d seconds", SECONDS);
    if (WIFSIGNALED(status))
        return fail(err, 0, NULL, "crashes when it is loaded (SIG%s)",
                    signal_name(WTERMSIG(status)) ? signal_name(WTERMSIG(status)) : "?");
    if (WEXITSTATUS(status) != CAME_BACK)
        return fail(err, 0, NULL, "ends the process when it is loaded");
    return 0;
}

int point_loading(struct subject *s, struct error *err)
{
    guard_install(NULL);
    if (census_take(&s->before, err) < 0)
        return -1;
    guard_enter(NULL, s->file, "load");
    s->d = plugin_link(s->real, &s->handle, err);
    guard_leave();
    return s->d ? 0 : -1;
}

int point_census(struct subject *s, struct error *err)
{
    return census_same(&s->before, err);
}

int point_exports(struct subject *s, struct error *err)
{
    return plugin_exports_only(s->handle, "hozo_plugin", err);
}

/* --- the descriptor --------------------------------------------------------------------------- */

int point_interface(struct subject *s, struct error *err)
{
    return plugin_check_interface(s->d, err);
}

int point_content(struct subject *s, struct error *err)
{
    return plugin_check_content(s->d, err);
}

int point_own_name(struct subject *s, struct error *err)
{
    return plugin_check_name(s->d, s->name, err);
}

/* --- the points ------------------------------------------------------------------------------- */

static const struct point {
    const char *what;
    enum check_stage needs, gives;
    int (*check)(struct subject *s, struct error *err);
} points[] = {
#define P(name, needs, gives, what, why) {what, needs, gives, point_##name},
    PLUGIN_POINTS(P)
#undef P
};

/* What stands behind a # is TAP's. */
static void add_reason(struct text *out, const struct error *err)
{
    char line[sizeof err->text + sizeof err->path + 64];

    error_format(err, line, sizeof line);
    for (const char *c = line; *c; c++)
        text_add(out, "%s%c", *c == '#' ? "\\" : "", *c);
}

static void add_result(struct text *out, size_t number, const char *what, int r,
                       const struct error *err)
{
    text_add(out, "%s %zu - %s%s", r < 0 ? "not ok" : "ok", number, what,
             r < 0       ? ": "
             : r == SKIP ? " # SKIP "
                         : "");
    if (r)
        add_reason(out, err);
    text_put(out, "\n");
}

static bool can_be_seen(const struct subject *s, const struct point *p)
{
    return p->needs == FLAWLESS ? !s->failed : s->stage >= p->needs;
}

static int go_to(struct subject *s, const struct point *p, struct error *err)
{
    int r;

    if (!can_be_seen(s, p)) {
        fail(err, 0, NULL, "an earlier point failed");
        return SKIP;
    }
    s->n_trials = s->n_seen = 0;
    r = p->check(s, err);
    if (r >= 0 && s->stage < p->gives)
        s->stage = p->gives;
    s->failed |= r < 0;
    return r;
}

int plugin_check_file(const struct check_request *request, struct text *out, struct error *err)
{
    struct subject s = {.request = request, .file = request->file, .fd = -1};

    text_add(out, "1..%zu\n", ARRAY_SIZE(points));
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        struct error why = {0};
        int r = go_to(&s, &points[i], &why);

        add_result(out, i + 1, points[i].what, r, &why);
    }
    cleanup_close(&s.fd);
    examples_free(&s);
    return out->failed ? fail_memory(err) : s.failed;
}
