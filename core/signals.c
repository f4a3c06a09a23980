/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signals.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base.h"
#include "core/names.h"

/* A whole text of digits, or -1. */
static int number(const char *text)
{
    int n = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) || n > signal_realtime_last)
            return -1;
        n = 10 * n + (*text - '0');
    }
    return n > signal_realtime_last ? -1 : n;
}

/* "RTMIN", "RTMIN+3", "RTMAX", "RTMAX-30" */
static int realtime(const char *text)
{
    int n = -1, offset;

    if (!strcasecmp(text, "RTMIN"))
        return signal_realtime_first;
    if (!strcasecmp(text, "RTMAX"))
        return signal_realtime_last;
    if (!strncasecmp(text, "RTMIN+", 6) && (offset = number(text + 6)) >= 0)
        n = signal_realtime_first + offset;
    else if (!strncasecmp(text, "RTMAX-", 6) && (offset = number(text + 6)) >= 0)
        n = signal_realtime_last - offset;
    return n >= signal_realtime_first && n <= signal_realtime_last ? n : -1;
}

int signal_parse(const char *text)
{
    if (isdigit((unsigned char)*text))
        return number(text);
    if (!strncasecmp(text, "SIG", 3))
        text += 3;
    for (const struct signal_row *row = signal_rows; row->name; row++)
        if (!strcasecmp(text, row->name))
            return row->number;
    return realtime(text);
}
