/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/systemd/manager.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT      "/org/freedesktop/systemd1"
#define MANAGER     DESTINATION ".Manager"
#define UNIT        DESTINATION ".Unit"
#define JOB         DESTINATION ".Job"

#define SYSTEM_PRIVATE "/run/systemd/private"
#define SYSTEM_BUS     "/run/dbus/system_bus_socket"
#define USER_PRIVATE   "/systemd/private"
#define USER_BUS       "/bus"

#define RECONNECT_MS 20
#define SILENCE_US   1000000

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t left(const struct manager *m)
{
    uint64_t t = now();

    return t < m->deadline ? m->deadline - t : 0;
}

/* An answer that comes too late is told by who asked, not by who has waited for the plugin. */
static uint64_t patience(struct hozo_ctx *ctx)
{
    const char *limit = hozo_option(ctx, "callback-seconds");
    unsigned long seconds = limit ? strtoul(limit, NULL, 10) : 30;

    return (seconds > 10 ? seconds - 5 : (seconds + 1) / 2) * UINT64_C(1000000);
}

void manager_begin(struct manager *m, struct hozo_ctx *ctx, const char *where)
{
    *m = (struct manager){.ctx = ctx, .where = where, .deadline = now() + patience(ctx)};
}

static void disconnect(struct manager *m)
{
    m->bus = sd_bus_close_unref(m->bus);
}

void manager_end(struct manager *m)
{
    sd_bus_error_free(&m->error);
    disconnect(m);
}

void manager_pause(const struct manager *m, unsigned milliseconds)
{
    uint64_t us = milliseconds * UINT64_C(1000);
    struct timespec t;

    if (us > left(m))
        us = left(m);
    t = (struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000)};
    nanosleep(&t, NULL);
}

/* --- the connection ---------------------------------------------------------------------------------- */

/* In an address of D-Bus all but these is written as %XX. */
static char *address_of(const char *directory, const char *socket)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.";
    char *address = NULL;
    size_t size;
    FILE *f = open_memstream(&address, &size);

    if (!f)
        return NULL;
    fputs("unix:path=", f);
    for (; *directory; directory++)
        fprintf(f, strchr(plain, *directory) ? "%c" : "%%%02x", (unsigned char)*directory);
    fputs(socket, f);
    if (fclose(f)) {
        free(address);
        return NULL;
    }
    return address;
}

/* Handles one message, or waits for one: 0 if none has come. Whoever is connected directly hears all that systemd says
 * to anybody. */
static int turn(struct manager *m, uint64_t longest)
{
    uint64_t time = left(m);
    int r;

    if (!time)
        return -ETIMEDOUT;
    if ((r = sd_bus_process(m->bus, NULL)) != 0)
        return r;
    r = sd_bus_wait(m->bus, time < longest ? time : longest);
    return r == -EINTR ? 1 : r;
}

/* sd_bus_call() would wait for it as long as it likes. */
static int await_ready(struct manager *m)
{
    int r;

    while ((r = sd_bus_is_ready(m->bus)) == 0) {
        if ((r = turn(m, UINT64_MAX)) < 0)
            return r;
    }
    return r;
}

static int connect_to(struct manager *m, const char *directory, const char *socket, bool broker)
{
    auto_free char *address = address_of(directory, socket);
    int r;

    if (!address)
        return -ENOMEM;
    if ((r = sd_bus_new(&m->bus)) >= 0 && (r = sd_bus_set_address(m->bus, address)) >= 0 &&
        (r = sd_bus_set_bus_client(m->bus, broker)) >= 0 && (r = sd_bus_start(m->bus)) >= 0)
        r = await_ready(m);
    if (r < 0)
        disconnect(m);
    return r < 0 ? r : 0;
}

/* Its own socket needs no broker, and is there before one is; but only its user may use it. */
static int connect_once(struct manager *m)
{
    bool system = !strcmp(m->where, MANAGER_SYSTEM);
    int r = system ? geteuid() ? -EACCES : connect_to(m, "", SYSTEM_PRIVATE, false)
                   : connect_to(m, m->where, USER_PRIVATE, false);
    int second;

    if (!r)
        return 0;
    second = system ? connect_to(m, "", SYSTEM_BUS, true) : connect_to(m, m->where, USER_BUS, true);
    /* A private socket that refuses says more than a broker that is not installed. */
    return second == -ENOENT ? r : second;
}

/* The directory that sd_booted(3) looks for; a user's is as old as the manager. */
static bool is_there(const struct manager *m)
{
    auto_free char *own = NULL;

    if (!strcmp(m->where, MANAGER_SYSTEM))
        return !access("/run/systemd/system", F_OK);
    return asprintf(&own, "%s/systemd", m->where) >= 0 && !access(own, F_OK);
}

static bool is_broken(int r)
{
    switch (-r) {
    case ENOTCONN:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EPIPE:
    case ESHUTDOWN:
        return true;
    }
    return false;
}

static bool is_unanswered(int r)
{
    switch (-r) {
    case ENOENT:
    case EAGAIN:       /* too many wait to be let in */
    case EHOSTUNREACH: /* the broker knows nobody of that name */
        return true;
    }
    return false;
}

int manager_connect(struct manager *m)
{
    int r;

    while ((r = connect_once(m)) < 0 && (is_broken(r) || is_unanswered(r))) {
        if (!is_there(m))
            return -ENODEV;
        if (!left(m))
            break;
        manager_pause(m, RECONNECT_MS);
    }
    return r;
}

bool manager_lost(struct manager *m, int r)
{
    /* A call over a connection that has broken has an error with a text, too. */
    bool lost = is_broken(r) || (!sd_bus_error_is_set(&m->error) && is_unanswered(r));

    lost |= sd_bus_error_has_name(&m->error, SD_BUS_ERROR_DISCONNECTED) ||
            sd_bus_error_has_name(&m->error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
            sd_bus_error_has_name(&m->error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(&m->error, SD_BUS_ERROR_NO_REPLY);
    if (!lost || !left(m))
        return false;
    disconnect(m);
    manager_pause(m, RECONNECT_MS);
    return true;
}

/* --- calls --------------------------------------------------------------------------------------------- */

int manager_message(struct manager *m, const char *method, sd_bus_message **message)
{
    int r = m->bus ? 0 : manager_connect(m);

    return r < 0 ? r
                 : sd_bus_message_new_method_call(m->bus, message, DESTINATION, OBJECT, MANAGER,
                                                  method);
}

int manager_call(struct manager *m, sd_bus_message *message, sd_bus_message **reply)
{
    uint64_t time = left(m);

    sd_bus_error_free(&m->error);
    return time ? sd_bus_call(m->bus, message, time, &m->error, reply) : -ETIMEDOUT;
}

int manager_ask(struct manager *m, const char *method, const char *types, ...)
{
    sd_bus_message *message = NULL;
    int r = manager_message(m, method, &message);
    va_list ap;

    if (r >= 0) {
        va_start(ap, types);
        r = sd_bus_message_appendv(message, types, ap);
        va_end(ap);
    }
    if (r >= 0)
        r = manager_call(m, message, NULL);
    sd_bus_message_unref(message);
    return r;
}

int manager_failed(struct manager *m, int r, const char *path, const char *what)
{
    bool system = !strcmp(m->where, MANAGER_SYSTEM);

    if (sd_bus_error_is_set(&m->error))
        return hozo_error(m->ctx, 0, path, "%s: systemd: %s", what,
                          m->error.message ? m->error.message : m->error.name);
    if (r == -ENODEV)
        return hozo_error(m->ctx, 0, path, "%s: %s%s", what,
                          system ? "this host is not run by systemd" : "no systemd of the user in ",
                          system ? "" : m->where);
    return hozo_error(m->ctx, -r, path, "%s: systemd%s%s", what, system ? "" : " of the user in ",
                      system ? "" : m->where);
}

/* --- jobs ------------------------------------------------------------------------------------------------ */

struct job {
    const char *path;
    char *result; /* "": not there yet */
};

static int on_job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
    struct job *job = data;
    const char *path, *unit, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
        !strcmp(path, job->path))
        snprintf(job->result, RESULT_MAX, "%s", result);
    return 0;
}

static int get(struct manager *m, const char *path, const char *interface, const char *member,
               sd_bus_message **reply);

/* 1, 0: there is no such job any more, negative errno. */
static int has_job(struct manager *m, const char *path)
{
    sd_bus_message *reply = NULL;
    int r = get(m, path, JOB, "State", &reply);

    sd_bus_message_unref(reply);
    if (r < 0 && sd_bus_error_has_name(&m->error, SD_BUS_ERROR_UNKNOWN_OBJECT))
        return 0;
    return r < 0 ? r : 1;
}

/* A signal can get lost while systemd reloads or restarts, so one that does not come is not waited for. */
static int await_job(struct manager *m, const struct job *job)
{
    int r;

    while (!*job->result) {
        if ((r = turn(m, SILENCE_US)) < 0)
            return r;
        if (r || (r = has_job(m, job->path)) > 0)
            continue;
        while (r >= 0 && !*job->result && (r = sd_bus_process(m->bus, NULL)) > 0)
            ;
        return r;
    }
    return 0;
}

/* The signal may come before the answer; it is handled behind it, since both wait in one queue. */
static int run_job(struct manager *m, sd_bus_message *message, struct job *job)
{
    sd_bus_message *reply = NULL;
    int r = manager_ask(m, "Subscribe", "");

    /* Who is connected directly hears all signals, subscribed or not. */
    if (r < 0 && !sd_bus_error_is_set(&m->error))
        return r;
    if ((r = manager_call(m, message, &reply)) >= 0 &&
        (r = sd_bus_message_read(reply, "o", &job->path)) >= 0)
        r = await_job(m, job);
    sd_bus_message_unref(reply);
    return r < 0 ? r : 0;
}

int manager_job(struct manager *m, sd_bus_message *message, char result[RESULT_MAX])
{
    struct job job = {.result = result};
    sd_bus_slot *slot = NULL;
    int r;

    *result = '\0';
    r = sd_bus_match_signal(m->bus, &slot, DESTINATION, OBJECT, MANAGER, "JobRemoved",
                            on_job_removed, &job);
    if (r >= 0)
        r = run_job(m, message, &job);
    sd_bus_slot_unref(slot);
    return r;
}

/* --- units ------------------------------------------------------------------------------------------------ */

void unit_status_free(struct unit_status *s)
{
    free(s->description);
    free(s->active);
    free(s->group);
    *s = (struct unit_status){0};
}

/* The value of a property is what is read next. */
static int get(struct manager *m, const char *path, const char *interface, const char *member,
               sd_bus_message **reply)
{
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_method_call(m->bus, &message, DESTINATION, path,
                                           "org.freedesktop.DBus.Properties", "Get");

    if (r >= 0 && (r = sd_bus_message_append(message, "ss", interface, member)) >= 0 &&
        (r = manager_call(m, message, reply)) >= 0)
        r = sd_bus_message_enter_container(*reply, 'v', NULL);
    sd_bus_message_unref(message);
    return r;
}

static int get_string(struct manager *m, const char *path, const char *interface,
                      const char *member, char **to)
{
    sd_bus_message *reply = NULL;
    const char *text;
    int r = get(m, path, interface, member, &reply);

    if (r >= 0 && (r = sd_bus_message_read(reply, "s", &text)) >= 0)
        r = (*to = strdup(text)) ? 0 : -ENOMEM;
    sd_bus_message_unref(reply);
    return r;
}

static int get_invocation(struct manager *m, const char *path, char invocation[33])
{
    sd_bus_message *reply = NULL;
    const uint8_t *id = NULL;
    size_t n = 0;
    int r = get(m, path, UNIT, "InvocationID", &reply);

    if (r >= 0)
        r = sd_bus_message_read_array(reply, 'y', (const void **)&id, &n);
    for (size_t i = 0; r >= 0 && i < n && i < 16; i++)
        snprintf(invocation + 2 * i, 3, "%02x", id[i]);
    sd_bus_message_unref(reply);
    return r;
}

static const char *interface_of(const char *unit)
{
    const char *dot = strrchr(unit, '.');

    return dot && !strcmp(dot, ".slice") ? DESTINATION ".Slice" : DESTINATION ".Scope";
}

static int unit_object(struct manager *m, const char *unit, char **path)
{
    sd_bus_message *message = NULL, *reply = NULL;
    const char *object;
    int r = manager_message(m, "GetUnit", &message);

    if (r >= 0 && (r = sd_bus_message_append(message, "s", unit)) >= 0 &&
        (r = manager_call(m, message, &reply)) >= 0 &&
        (r = sd_bus_message_read(reply, "o", &object)) >= 0)
        r = (*path = strdup(object)) ? 1 : -ENOMEM;
    sd_bus_message_unref(message);
    sd_bus_message_unref(reply);
    return r < 0 && sd_bus_error_has_name(&m->error, ERROR_NO_SUCH_UNIT) ? 0 : r;
}

int manager_is_queued(struct manager *m, const char *unit)
{
    auto_free char *path = NULL;
    sd_bus_message *reply = NULL;
    uint32_t id = 0;
    int r = unit_object(m, unit, &path);

    if (r < 1)
        return r;
    if ((r = get(m, path, UNIT, "Job", &reply)) >= 0)
        r = sd_bus_message_read(reply, "(uo)", &id, NULL);
    sd_bus_message_unref(reply);
    return r < 0 ? r : id != 0;
}

int manager_look(struct manager *m, const char *unit, struct unit_status *s)
{
    auto_free char *path = NULL;
    int r = unit_object(m, unit, &path);

    *s = (struct unit_status){0};
    if (r < 1)
        return r;
    if ((r = get_string(m, path, UNIT, "Description", &s->description)) < 0 ||
        (r = get_string(m, path, UNIT, "ActiveState", &s->active)) < 0 ||
        (r = get_string(m, path, interface_of(unit), "ControlGroup", &s->group)) < 0 ||
        (r = get_invocation(m, path, s->invocation)) < 0)
        return r;
    return 1;
}

int manager_property(struct manager *m, const char *unit, const char *name, char **text)
{
    auto_free char *path = NULL;
    sd_bus_message *reply = NULL;
    int r = unit_object(m, unit, &path);

    if (r < 1)
        return r;
    if ((r = get(m, path, interface_of(unit), name, &reply)) >= 0)
        r = (*text = message_text(reply)) ? 1 : -ENOMEM;
    sd_bus_message_unref(reply);
    return r;
}

/* "252.39-1~deb12u1", "v257.3", "systemd 247" */
static unsigned version_of(const char *text)
{
    return (unsigned)strtoul(text + strcspn(text, "0123456789"), NULL, 10);
}

bool manager_knows(struct manager *m, const struct hozo_work *work)
{
    auto_free char *text = NULL;
    unsigned since;

    if (!is_property(work, &since) || !since)
        return is_property(work, &since);
    if (!m->version && (m->bus || manager_connect(m) >= 0) &&
        get_string(m, OBJECT, MANAGER, "Version", &text) >= 0)
        m->version = version_of(text);
    return m->version >= since;
}
