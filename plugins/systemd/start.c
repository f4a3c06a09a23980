/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit is started with a process that only waits, since systemd makes no scope without one. The container is then
 * born into its control group, and the process that has held the place ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugins/systemd/manager.h"
#include "plugins/systemd/variant.h"

#define POLL_MS 10

/* --- the place ---------------------------------------------------------------------------------------- */

static int not_vacant(struct hozo_ctx *ctx, const char *directory, const char *why)
{
    return hozo_error(ctx, 0, CGROUPS_PATH, "the cgroup %s %s", directory, why);
}

/* The length, or negative errno. */
static int read_file(int directory, const char *name, char *room, size_t size)
{
    auto_close int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, room, size - 1);

    room[n < 0 ? 0 : n] = '\0';
    return n < 0 ? -errno : (int)n;
}

/* What an earlier unit of that name has left is empty, or somebody else's. */
static int check_vacant(struct hozo_ctx *ctx, const char *directory)
{
    auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    char text[256];
    struct stat st;
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : hozo_error(ctx, errno, CGROUPS_PATH, "%s", directory);
    r = read_file(fd, "cgroup.events", text, sizeof(text));
    if (r >= 0)
        return strstr(text, "populated 1") ? not_vacant(ctx, directory, "has processes already")
                                           : 0;
    if ((r = read_file(fd, "cgroup.procs", text, sizeof(text))) < 0 || fstat(fd, &st) < 0)
        return hozo_error(ctx, r < 0 ? -r : errno, CGROUPS_PATH, "%s", directory);
    if (r > 0)
        return not_vacant(ctx, directory, "has processes already");
    return st.st_nlink > 2 ? not_vacant(ctx, directory, "has other cgroups below it") : 0;
}

static int check_places(struct hozo_ctx *ctx)
{
    struct hozo_work w;

    for (size_t i = 0; next_work(ctx, i, &w); i++)
        if (!strcmp(w.what, WORK_VACANT) && check_vacant(ctx, w.value) < 0)
            return -1;
    return 0;
}

/* --- the process that holds it -------------------------------------------------------------------------- */

/* It keeps nothing of whoever called hozo: no descriptor, no directory, no terminal; and ends with hozo. */
static _Noreturn void hold_place(pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    prctl(PR_SET_NAME, "hozo-unit");
    setsid();
    if (chdir("/") < 0)
        _exit(1);
    close_range(0, ~0u, 0);
    for (int signal_ = 1; signal_ < NSIG; signal_++)
        signal(signal_, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;)
        pause();
}

static int placeholder_begin(struct hozo_ctx *ctx)
{
    pid_t parent = getpid(), pid = fork();

    if (!pid)
        hold_place(parent);
    return pid > 0 ? pid : hozo_error(ctx, errno, CGROUPS_PATH, "fork");
}

void placeholder_end(int pid)
{
    siginfo_t info;

    /* The number is another process's in every execution but the one that has made it. */
    if (pid <= 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* --- the unit --------------------------------------------------------------------------------------------- */

struct start {
    struct hozo_ctx *ctx;
    struct record record;
    bool asked; /* the unit may have been started, and the answer was lost */
    bool reset; /* what an earlier one has left was removed */
};

static void start_end(struct start *s)
{
    record_free(&s->record);
}

/* The error of one property is told at the place that asks for it. */
static int refused(struct start *s, struct manager *m, int r)
{
    const char *text = m->error.message;
    struct hozo_work w;

    for (size_t i = 0; text && next_work(s->ctx, i, &w); i++) {
        size_t n = strcspn(w.value, "=");
        unsigned since;
        const char *at = is_property(&w, &since) ? memmem(text, strlen(text), w.value, n) : NULL;

        if (at && (at == text || at[-1] == ' ') && (!at[n] || strchr(" ,.:=", at[n])))
            return manager_failed(m, r, w.path, s->record.unit);
    }
    return manager_failed(m, r, CGROUPS_PATH, s->record.unit);
}

static int append_properties(struct start *s, struct manager *m, sd_bus_message *message)
{
    int r = sd_bus_message_open_container(message, 'a', "(sv)");

    if (r < 0 || (r = message_planned(m, message)) < 0)
        return r;
    if (s->record.placeholder)
        r = sd_bus_message_append(message, "(sv)", "PIDs", "au", 1,
                                  (uint32_t)s->record.placeholder);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int ask(struct start *s, struct manager *m, char result[RESULT_MAX])
{
    sd_bus_message *message = NULL;
    int r = manager_message(m, "StartTransientUnit", &message);

    if (r >= 0 && (r = sd_bus_message_append(message, "ss", s->record.unit, "replace")) >= 0 &&
        (r = append_properties(s, m, message)) >= 0 &&
        (r = sd_bus_message_append(message, "a(sa(sv))", 0)) >= 0)
        r = manager_job(m, message, result);
    sd_bus_message_unref(message);
    return r;
}

/* What has become of it, if nobody tells: the job may still wait behind others. "": it was not started, or is gone. */
static int await_active(struct start *s, struct manager *m, char result[RESULT_MAX])
{
    auto_status struct unit_status status = {0};
    int r;

    *result = '\0';
    while ((r = manager_is_queued(m, s->record.unit)) > 0)
        manager_pause(m, POLL_MS);
    if (r < 0 || (r = manager_look(m, s->record.unit, &status)) < 1)
        return r;
    if (strcmp(status.description, s->record.description) != 0)
        return -EEXIST;
    if (!strcmp(status.active, "active"))
        snprintf(result, RESULT_MAX, "done");
    else if (strcmp(status.active, "inactive") != 0)
        snprintf(result, RESULT_MAX, "%s", status.active);
    return 0;
}

/* A failed unit keeps its name until somebody has looked at it. */
static bool reset_failed(struct start *s, struct manager *m)
{
    auto_status struct unit_status status = {0};

    if (s->reset || manager_look(m, s->record.unit, &status) != 1 ||
        strcmp(status.active, "failed") != 0)
        return false;
    s->reset = true;
    return manager_ask(m, "ResetFailedUnit", "s", s->record.unit) >= 0;
}

static int unit_exists(struct start *s)
{
    /* It is somebody else's: there is nothing to be undone. */
    if (record_nothing(s->ctx) < 0)
        return -1;
    return hozo_error(s->ctx, 0, CGROUPS_PATH, "systemd has a unit %s already", s->record.unit);
}

static int start_unit(struct start *s, struct manager *m)
{
    char result[RESULT_MAX];

    for (;;) {
        int r = ask(s, m, result);
        bool exists = r < 0 && sd_bus_error_has_name(&m->error, ERROR_UNIT_EXISTS);

        if (exists && !s->asked) {
            if (!reset_failed(s, m))
                return unit_exists(s);
            continue;
        }
        if (exists || (r >= 0 && !*result))
            r = await_active(s, m, result);
        if (r == -EEXIST)
            return unit_exists(s);
        if (r >= 0 && *result)
            break;
        if (r >= 0)
            manager_pause(m, POLL_MS);
        else if (!manager_lost(m, r))
            return refused(s, m, r);
        s->asked = true;
    }
    if (strcmp(result, "done") != 0)
        return hozo_error(s->ctx, 0, CGROUPS_PATH,
                          "%s: systemd: the job that starts it ended as \"%s\"", s->record.unit,
                          result);
    return 0;
}

/* --- is it as planned? ------------------------------------------------------------------------------------ */

static int look(struct start *s, struct manager *m, struct unit_status *status)
{
    int r;

    do {
        unit_status_free(status);
        r = manager_look(m, s->record.unit, status);
    } while (r < 0 && manager_lost(m, r));
    if (r < 0)
        return manager_failed(m, r, CGROUPS_PATH, s->record.unit);
    if (!r || strcmp(status->active, "active") != 0)
        return hozo_error(s->ctx, 0, CGROUPS_PATH, "systemd has ended %s at once", s->record.unit);
    return 0;
}

static int check_unit(struct start *s, struct manager *m)
{
    const char *planned = work_value(s->ctx, WORK_GROUP);
    auto_status struct unit_status status = {0};

    if (look(s, m, &status) < 0)
        return -1;
    if (!(s->record.invocation = strdup(status.invocation)))
        return hozo_error(s->ctx, ENOMEM, CGROUPS_PATH, "unit");
    if (record_write(s->ctx, &s->record) < 0)
        return -1;
    if (strcmp(status.group, planned ? planned : "") != 0)
        return hozo_error(s->ctx, 0, CGROUPS_PATH, "systemd has put %s into %s, not into %s",
                          s->record.unit, status.group, planned);
    return 0;
}

/* --- callbacks --------------------------------------------------------------------------------------------- */

/* As an annotation may have changed it. */
static char *description(struct hozo_ctx *ctx)
{
    static const char name[] = "Description=";
    struct hozo_work w;
    unsigned since;

    for (size_t i = 0; next_work(ctx, i, &w); i++)
        if (is_property(&w, &since) && !strncmp(w.value, name, strlen(name)))
            return variant_as_string(w.value + strlen(name));
    return NULL;
}

static int begin(struct start *s)
{
    const char *manager = work_value(s->ctx, WORK_MANAGER), *unit = work_value(s->ctx, WORK_START);

    s->record.manager = manager ? strdup(manager) : NULL;
    s->record.unit = unit ? strdup(unit) : NULL;
    s->record.description = description(s->ctx);
    if (!s->record.manager || !s->record.unit || !s->record.description)
        return hozo_error(s->ctx, ENOMEM, CGROUPS_PATH, "unit");
    return 0;
}

int systemd_prepare(struct hozo_ctx *ctx)
{
    __attribute__((cleanup(start_end))) struct start s = {.ctx = ctx};
    auto_manager struct manager m;
    int r;

    manager_begin(&m, ctx, MANAGER_SYSTEM);
    if (begin(&s) < 0 || check_places(ctx) < 0)
        return -1;
    m.where = s.record.manager;
    if ((r = manager_connect(&m)) < 0)
        return manager_failed(&m, r, CGROUPS_PATH, s.record.unit);
    if (work_value(ctx, WORK_PLACEHOLDER) && (s.record.placeholder = placeholder_begin(ctx)) < 0)
        return -1;
    if (record_write(ctx, &s.record) < 0 || start_unit(&s, &m) < 0) {
        placeholder_end(s.record.placeholder);
        return -1;
    }
    return check_unit(&s, &m);
}

int systemd_attach(struct hozo_ctx *ctx)
{
    auto_record struct record record = {0};
    int32_t pid;
    int pidfd;

    if (record_read(ctx, &record) < 0 || hozo_process(ctx, &pid, &pidfd) < 0)
        return -1;
    placeholder_end(record.placeholder);
    return 0;
}
