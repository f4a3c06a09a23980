/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SIGNAL_H
#define TESTS_FREEBSD_SIGNAL_H

#include <sys/types.h>
#define SIGKILL 9
#define SIGTERM 15
int kill(pid_t pid, int signal);
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGFPE 8
#define SIGBUS 10
#define SIGSEGV 11
#define SIGSYS 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGURG 16
#define SIGSTOP 17
#define SIGTSTP 18
#define SIGCONT 19
#define SIGCHLD 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGIO 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGUSR1 30
#define SIGUSR2 31
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define SIG_SETMASK 3
typedef struct {
    uint32_t bits[4];
} sigset_t;
struct sigaction {
    void (*sa_handler)(int);
    int sa_flags;
    sigset_t sa_mask;
};
int sigaction(int signal, const struct sigaction *new_, struct sigaction *old);
int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int raise(int signal);
#define SIGIOT SIGABRT
#define SIGEMT 7
#define SIGINFO 29
#define SIGTHR 32
#define SIGLIBRT 33
#define SIGRTMIN 65
#define SIGRTMAX 126
#define NSIG 32
extern const char *const sys_signame[NSIG];
#define SA_ONSTACK 0x0001
typedef struct {
    void *ss_sp;
    size_t ss_size;
    int ss_flags;
} stack_t;
int sigaltstack(const stack_t *stack, stack_t *old);
void (*signal(int signal, void (*handler)(int)))(int);

#endif
