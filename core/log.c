/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/json.h"

static const char *const level_name[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_DEBUG] = "debug",
};

#define TIME_SIZE 40

/* RFC 3339, as engines decode it. */
static void time_print(char text[TIME_SIZE])
{
    struct timespec now;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, TIME_SIZE - n, ".%09uZ", (unsigned)now.tv_nsec);
}

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

void log_line(const struct log *log, enum log_level level, const char *message)
{
    auto_text struct text line = {0}, plain = {0};
    char now[TIME_SIZE];

    if (level != LOG_LEVEL_ERROR && !log->debug)
        return;
    time_print(now);
    text_add(&line, log->json ? "{\"level\":\"%s\",\"msg\":" : "time=\"%s\" level=%s msg=",
             log->json ? level_name[level] : now, level_name[level]);
    text_json(&line, message);
    if (log->json)
        text_add(&line, ",\"time\":\"%s\"}", now);
    text_add(&line, "\n");
    if (log->fd >= 0)
        put(log->fd, &line);
    if (level == LOG_LEVEL_ERROR) {
        text_add(&plain, "hozo: %s\n", message);
        put(STDERR_FILENO, &plain);
    } else if (log->fd < 0) {
        put(STDERR_FILENO, &line);
    }
}

void log_error(const struct log *log, enum log_level level, const struct error *err)
{
    char line[sizeof err->path + sizeof err->text + 256];

    if (!log)
        return;
    error_format(err, line, sizeof line);
    log_line(log, level, line);
}
