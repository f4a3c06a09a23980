/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test does with a simulated kernel in a file:
 *
 *     FILE new                     makes it
 *     FILE jail PARENT NAME MAX    a jail below the one called PARENT, or "-": the host
 *     FILE interface NAME
 *     FILE address "em0 192.0.2.1"
 *     FILE show                    prints all that there is
 *     FILE calls                   how many calls the last hozo has made
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/freebsd/simulated-file.h"

static int make(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct simulated_file *file;
    pthread_mutexattr_t attributes;

    if (fd < 0 || ftruncate(fd, sizeof(*file)) < 0 || !(file = simulated_map(path)))
        return 1;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&file->lock, &attributes);
    return 0;
}

static int add_jail(struct simulated *k, char **words)
{
    const struct simulated_jail *parent = simulated_find(k, words[0]);

    simulated_jail(k, parent ? parent->jid : 0, words[1], atoi(words[2]));
    return 0;
}

/* Those that have ended are nobody's. */
static int show(struct simulated *k)
{
    char *text;

    for (size_t i = 0; i < SIMULATED_MAX; i++)
        if (k->processes[i].pid && kill(k->processes[i].pid, 0) < 0)
            k->processes[i].pid = 0;
    text = simulated_text(k);
    fputs(text, stdout);
    free(text);
    return 0;
}

static int carry_out(struct simulated *k, int n, char **words)
{
    if (!strcmp(words[0], "jail") && n == 4)
        return add_jail(k, words + 1);
    if (!strcmp(words[0], "interface") && n == 2)
        simulated_interface(k, words[1]);
    else if (!strcmp(words[0], "address") && n == 2)
        simulated_address(k, words[1]);
    else if (!strcmp(words[0], "calls"))
        printf("%d\n", k->calls);
    else
        return show(k);
    return 0;
}

int main(int argc, char **argv)
{
    struct simulated_file *file;
    int r;

    if (argc < 3)
        return 2;
    if (!strcmp(argv[2], "new"))
        return make(argv[1]);
    if (!(file = simulated_map(argv[1])))
        return 1;
    if (pthread_mutex_lock(&file->lock))
        pthread_mutex_consistent(&file->lock);
    r = carry_out(&file->kernel, argc - 2, argv + 2);
    pthread_mutex_unlock(&file->lock);
    return r;
}
