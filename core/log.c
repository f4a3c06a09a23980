/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "core/error.h"
#include "core/json.h"
#include "core/timestamp.h"

static const char *const level_name[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_DEBUG] = "debug",
};

int log_open(struct log *log, const char *file, const char *format, bool debug, struct error *err)
{
    *log = (struct log){.fd = -1, .debug = debug};
    if (strcmp(format, "text") && strcmp(format, "json"))
        return fail(err, 0, NULL, "--log-format: \"%s\" is neither text nor json", format);
    log->json = !strcmp(format, "json");
    if (!file || !*file)
        return 0;
    log->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return log->fd < 0 ? fail(err, errno, NULL, "open log file %s", file) : 0;
}

/* In one write: other processes append to the same file. A log that cannot be written is no reason
 * to fail what was asked for. */
static void put(int fd, const struct text *line)
{
    ssize_t written UNUSED = line->failed ? 0 : write(fd, line->at, line->length);
}

static void compose(const struct log *log, enum log_level level, const char *message,
                    struct text *line)
{
    char now[TIMESTAMP_SIZE];

    timestamp(now);
    text_add(line, log->json ? "{\"level\":\"%s\",\"msg\":" : "time=\"%s\" level=%s msg=",
             log->json ? level_name[level] : now, level_name[level]);
    text_json(line, message);
    if (log->json)
        text_add(line, ",\"time\":\"%s\"}", now);
    text_add(line, "\n");
}

void log_only(const struct log *log, enum log_level level, const char *message)
{
    auto_text struct text line = {0};

    if (!log || log->fd < 0)
        return;
    compose(log, level, message, &line);
    put(log->fd, &line);
}

void log_line(const struct log *log, enum log_level level, const char *message)
{
    auto_text struct text line = {0}, plain = {0};

    if (level != LOG_LEVEL_ERROR && !log->debug)
        return;
    compose(log, level, message, &line);
    if (log->fd >= 0)
        put(log->fd, &line);
    if (level == LOG_LEVEL_ERROR) {
        text_add(&plain, "hozo: %s\n", message);
        put(STDERR_FILENO, &plain);
    } else if (log->fd < 0) {
        put(STDERR_FILENO, &line);
    }
}

void log_ready(const struct log *log, struct log_ready *ready)
{
    char now[TIMESTAMP_SIZE];

    timestamp(now);
    ready->fd = log ? log->fd : -1;
    snprintf(ready->head, sizeof ready->head,
             log && log->json ? "{\"level\":\"error\",\"msg\":\""
                              : "time=\"%s\" level=error msg=\"",
             now);
    snprintf(ready->tail, sizeof ready->tail, log && log->json ? "\",\"time\":\"%s\"}\n" : "\"\n",
             now);
}

static void write_pieces(int fd, const char *head, const char *const *words, const char *tail)
{
    struct iovec line[12];
    ssize_t written UNUSED;
    int n = 0;

    line[n++] = (struct iovec){(void *)head, strlen(head)};
    for (; *words && n < 11; words++)
        line[n++] = (struct iovec){(void *)*words, strlen(*words)};
    line[n++] = (struct iovec){(void *)tail, strlen(tail)};
    written = writev(fd, line, n);
}

void log_ready_put(const struct log_ready *ready, const char *const *words)
{
    if (ready->fd >= 0)
        write_pieces(ready->fd, ready->head, words, ready->tail);
    write_pieces(STDERR_FILENO, "hozo: ", words, "\n");
}

void log_error(const struct log *log, enum log_level level, const struct error *err)
{
    char line[sizeof err->path + sizeof err->text + 256];

    if (!log)
        return;
    error_format(err, line, sizeof line);
    log_line(log, level, line);
}
