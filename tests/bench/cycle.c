/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs commands one after the other as one command, for hyperfine, without a shell between them:
 *
 *     cycle RUNTIME create … -- RUNTIME start ID -- RUNTIME delete ID
 *
 * Before the last one it waits for the container itself to end: `delete` refuses a running one. It
 * is a subreaper, so that the container's process becomes its child when `create` has ended. Any
 * status but 0 ends it with status 1.
 */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool run(char **argv)
{
    pid_t pid;
    int status = 0, error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (error) {
        fprintf(stderr, "cycle: %s: %s\n", argv[0], strerror(error));
        return false;
    }
    if (waitpid(pid, &status, 0) == pid && status == 0)
        return true;
    fprintf(stderr, "cycle: %s failed: wait status 0x%x\n", argv[0], (unsigned int)status);
    return false;
}

static bool wait_for_orphans(void)
{
    int status;

    while (wait(&status) > 0) {
        if (status != 0) {
            fprintf(stderr, "cycle: the container failed: wait status 0x%x\n",
                    (unsigned int)status);
            return false;
        }
    }
    return errno == ECHILD;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: cycle COMMAND [-- COMMAND]...\n");
        return 2;
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        perror("cycle: subreaper");
        return 1;
    }
    char **command = argv + 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        argv[i] = NULL;
        if (!run(command))
            return 1;
        command = argv + i + 1;
    }
    return wait_for_orphans() && run(command) ? 0 : 1;
}
