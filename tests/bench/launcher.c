/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command N times and prints, as JSON, its peak memory and its wall time:
 *
 *     launcher N COMMAND [ARGS]...
 *
 * It has to be static and small: ru_maxrss is inherited over execve, so a command started by a
 * shell, by Python or by time(1) shows at least the memory of these. What a command waits for
 * counts as its own (getrusage(2)). A status other than 0 ends it with status 1: a failing command
 * is a cheap one.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int compare(const void *a, const void *b)
{
    const long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

static long microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static int measure(char **argv, long *rss_kb, long *wall_us)
{
    pid_t pid;
    int status;
    struct rusage usage;
    long begin = microseconds();
    int error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (error) {
        fprintf(stderr, "launcher: %s: %s\n", argv[0], strerror(error));
        return -1;
    }
    if (wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "launcher: %s failed: wait status 0x%x\n", argv[0], (unsigned int)status);
        return -1;
    }
    *wall_us = microseconds() - begin;
    *rss_kb = usage.ru_maxrss;
    return 0;
}

static void print(const char *name, long *values, size_t n, const char *end)
{
    qsort(values, n, sizeof(*values), compare);
    printf("\"%s\": {\"min\": %ld, \"median\": %ld, \"max\": %ld}%s", name, values[0],
           values[n / 2], values[n - 1], end);
}

int main(int argc, char **argv)
{
    enum { MOST = 10000 };
    static long rss_kb[MOST], wall_us[MOST];
    long runs = argc < 3 ? 0 : strtol(argv[1], NULL, 10);

    if (runs < 1 || runs > MOST) {
        fprintf(stderr, "usage: launcher N COMMAND [ARGS]..., N from 1 to %d\n", MOST);
        return 2;
    }
    for (long i = 0; i < runs; i++) {
        if (measure(argv + 2, &rss_kb[i], &wall_us[i]) < 0)
            return 1;
    }
    printf("{\"runs\": %ld, ", runs);
    print("maxrss_kb", rss_kb, (size_t)runs, ", ");
    print("wall_us", wall_us, (size_t)runs, "}\n");
    return 0;
}
