/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/vm/wire.h"

#define RESERVED 4096 /* for the monitor's own lines */

static void put(const char *bytes, size_t n)
{
    while (n) {
        ssize_t r = write(MONITOR_LOG, bytes, n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return; /* a full disk must not end a machine */
        bytes += r;
        n -= (size_t)r;
    }
}

void log_open(struct log *l)
{
    struct stat st;
    size_t used = !fstat(MONITOR_LOG, &st) && st.st_size > 0 ? (size_t)st.st_size : 0;

    *l = (struct log){.room = used < MONITOR_LOG_MAX - RESERVED ? MONITOR_LOG_MAX - RESERVED - used
                                                                : 0};
}

static void remember(struct last *l, char c)
{
    if (c == '\n' || c == '\r') {
        l->complete = true;
        return;
    }
    if (l->complete)
        l->length = 0;
    l->complete = false;
    if (l->length < sizeof l->line - 1)
        l->line[l->length++] = c;
    l->line[l->length] = '\0';
}

void log_copy(struct log *l, struct last *of, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        remember(of, bytes[i]);
    if (n > l->room)
        n = l->room;
    if (!n)
        return;
    put(bytes, n);
    l->room -= n;
    l->in_line = bytes[n - 1] != '\n';
}

void log_clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
}

void log_line(struct log *l, const char *text)
{
    char line[2 * LINE_MAX_ + 2];
    size_t n = strlen(text);

    if (n > sizeof line - 3)
        n = sizeof line - 3;
    memcpy(line + 1, text, n);
    line[1 + n] = '\0';
    log_clean(line + 1);
    line[0] = '\n';
    line[1 + n] = '\n';
    put(l->in_line ? line : line + 1, n + 1 + l->in_line);
    l->in_line = false;
}
