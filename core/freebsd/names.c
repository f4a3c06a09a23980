/* SPDX-License-Identifier: Apache-2.0 */
#include "core/names.h"

#include <signal.h>
#include <string.h>

/* hozo sets no locale, so this is C's. */
const char *error_text(int errnum)
{
    return strerror(errnum);
}

const char *signal_name(int number)
{
    return number > 0 && number < NSIG ? sys_signame[number] : 0;
}

/* clang-format off */
const struct signal_row signal_rows[] = {
    {"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"IOT", SIGIOT}, {"EMT", SIGEMT}, {"BUS", SIGBUS}, {"FPE", SIGFPE},
    {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
    {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"CHLD", SIGCHLD}, {"CONT", SIGCONT}, {"STOP", SIGSTOP},
    {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG}, {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
    {"INFO", SIGINFO}, {"SYS", SIGSYS}, {"THR", SIGTHR}, {"LIBRT", SIGLIBRT}, {0},
};
/* clang-format on */

const int signal_realtime_first = SIGRTMIN, signal_realtime_last = SIGRTMAX;
