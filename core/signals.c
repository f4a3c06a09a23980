/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signals.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "core/base.h"

/* As glibc counts them, whatever libc this is built with: it keeps two of the kernel's for itself,
 * other libraries three, and engines send the numbers of glibc. */
#define REALTIME_FIRST 34
#define REALTIME_LAST  64

/* clang-format off */
static const struct {
    const char *name;
    int number;
} names[] = {
    {"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"IOT", SIGIOT}, {"BUS", SIGBUS}, {"FPE", SIGFPE}, {"KILL", SIGKILL},
    {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
    {"TERM", SIGTERM}, {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD}, {"CLD", SIGCHLD},
    {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},
    {"URG", SIGURG}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},
    {"WINCH", SIGWINCH}, {"IO", SIGIO}, {"POLL", SIGIO}, {"PWR", SIGPWR}, {"SYS", SIGSYS},
    {"RTMIN", REALTIME_FIRST}, {"RTMAX", REALTIME_LAST},
};
/* clang-format on */

/* A whole text of digits, or -1. */
static int number(const char *text)
{
    int n = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) || n > REALTIME_LAST)
            return -1;
        n = 10 * n + (*text - '0');
    }
    return n > REALTIME_LAST ? -1 : n;
}

/* "RTMIN+3", "RTMAX-1", "RTMAX-30" */
static int realtime(const char *text)
{
    int n = -1, offset;

    if (!strncasecmp(text, "RTMIN+", 6) && (offset = number(text + 6)) >= 0)
        n = REALTIME_FIRST + offset;
    else if (!strncasecmp(text, "RTMAX-", 6) && (offset = number(text + 6)) >= 0)
        n = REALTIME_LAST - offset;
    return n >= REALTIME_FIRST && n <= REALTIME_LAST ? n : -1;
}

int signal_parse(const char *text)
{
    if (isdigit((unsigned char)*text))
        return number(text);
    if (!strncasecmp(text, "SIG", 3))
        text += 3;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcasecmp(text, names[i].name))
            return names[i].number;
    return realtime(text);
}
