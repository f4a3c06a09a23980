/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic linker looks into the program first: so these are what a plugin and its libraries call, and
 * they run no handler of atexit(3) that could tell us. In a process that a plugin has forked they are
 * what they are everywhere.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plugin-guard.h"

__attribute__((visibility("default"))) void _exit(int status)
{
    guard_exit_called("called _exit()");
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((visibility("default"))) void _Exit(int status)
{
    guard_exit_called("called _Exit()");
    for (;;)
        syscall(SYS_exit_group, status);
}
