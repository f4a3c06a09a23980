/* SPDX-License-Identifier: Apache-2.0 */
#include "core/names.h"

#include <signal.h>
#include <string.h>

const char *error_text(int errnum)
{
    return strerrordesc_np(errnum);
}

const char *signal_name(int number)
{
    return sigabbrev_np(number);
}

/* clang-format off */
const struct signal_row signal_rows[] = {
    {"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"IOT", SIGIOT}, {"BUS", SIGBUS}, {"FPE", SIGFPE}, {"KILL", SIGKILL},
    {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
    {"TERM", SIGTERM}, {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD}, {"CLD", SIGCHLD},
    {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},
    {"URG", SIGURG}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},
    {"WINCH", SIGWINCH}, {"IO", SIGIO}, {"POLL", SIGIO}, {"PWR", SIGPWR}, {"SYS", SIGSYS}, {0},
};
/* clang-format on */

/* As glibc counts them, whatever libc this is built with: it keeps two of the kernel's for itself,
 * other libraries three, and engines send the numbers of glibc. */
const int signal_realtime_first = 34, signal_realtime_last = 64;
