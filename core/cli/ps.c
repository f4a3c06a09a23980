/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the processes of a container; as a table by the host's ps(1), of which only their rows are kept. */
#include "core/ps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "core/cli/cli.h"
#include "core/foreign.h"
#include "core/process.h"

static void print_json(const struct pids *pids, struct text *out)
{
    text_add(out, "[");
    for (size_t i = 0; i < pids->count; i++)
        text_add(out, "%s%d", i ? "," : "", (int)pids->at[i]);
    text_add(out, "]\n");
}

/* --- the table --------------------------------------------------------------------------------- */

/* The n-th word of a line, or NULL. */
static const char *field(const char *line, int n)
{
    for (;; n--) {
        line += strspn(line, " \t\n");
        if (!*line || !n)
            return *line ? line : NULL;
        line += strcspn(line, " \t\n");
    }
}

static bool is_word(const char *at, const char *word)
{
    size_t n = strlen(word);

    return !strncmp(at, word, n) && (!at[n] || isspace((unsigned char)at[n]));
}

static int pid_column(const char *header)
{
    const char *at;

    for (int n = 0; (at = field(header, n)); n++)
        if (is_word(at, "PID"))
            return n;
    return -1;
}

/* The header, and the lines of these processes. */
static int filter(FILE *lines, const struct pids *pids, struct text *out, struct error *err)
{
    auto_free char *line = NULL;
    size_t room = 0;
    int column = -1;

    while (getline(&line, &room, lines) > 0) {
        const char *pid;

        if (column < 0) {
            if ((column = pid_column(line)) < 0)
                return fail(err, 0, NULL, "ps: what it prints has no column PID");
            text_put(out, line);
        } else if ((pid = field(line, column)) && pids_have(pids, atoi(pid))) {
            text_put(out, line);
        }
    }
    return ferror(lines) ? fail(err, errno, NULL, "read from ps") : 0;
}

/* Its standard output becomes *output. */
static int start_ps(char **words, pid_t *pid, int *output, struct error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int ends[2], failed;

    if (pipe2(ends, O_CLOEXEC))
        return fail(err, errno, NULL, "pipe");
    *output = ends[0];
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    failed = posix_spawnp(pid, "ps", &actions, &attributes, words, process_environment());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    return failed ? fail(err, failed, NULL, "execute ps") : 0;
}

/* `words`: "ps" and its options. */
static int print_table(char **words, const struct pids *pids, struct text *out, struct error *err)
{
    auto_close int output = -1;
    auto_fclose FILE *lines = NULL;
    int status = 0, r;
    pid_t pid = -1;

    if (start_ps(words, &pid, &output, err))
        return -1;
    if (!(lines = fdopen(output, "re")))
        r = fail(err, errno, NULL, "read from ps");
    else
        r = filter(lines, pids, out, err);
    if (lines)
        steal_fd(output);
    cleanup_fclose(&lines); /* one that still writes ends by that */
    lines = NULL;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status))
        return fail(err, 0, NULL, "ps: exited with status %d", WEXITSTATUS(status));
    return r;
}

/* --- the verb ---------------------------------------------------------------------------------- */

/* Without the lock, as `state`: engines ask while others work on the container. */
int verb_ps(const struct globals *g, int argc, char **argv, struct error *err)
{
    const char *format = "table";
    const struct option options[] = {
        {"format", 'f', OPTION_STRING, &format, "FORMAT", "table or json"},
        {0},
    };
    auto_state struct state state = {0};
    auto_pids struct pids pids = {0};
    auto_text struct text text = {0};
    char *all[] = {(char *)"ps", (char *)"-ef", NULL};

    if (options_parse(options, &argc, &argv, err) ||
        arguments_expect("ps", argc, 1, INT32_MAX, err))
        return -1;
    bool json = !strcmp(format, "json");
    if (!json && strcmp(format, "table"))
        return fail(err, 0, NULL, "--format: \"%s\" is neither table nor json", format);
    auto_close int dirfd = state_open(g->root, argv[0], false, err);
    if (dirfd < 0 || state_read(dirfd, argv[0], &state, err) || foreign_refuse(&state, "ps", err) ||
        container_pids(&state, &pids, err))
        return -1;
    argv[0] = all[0];
    if (json)
        print_json(&pids, &text);
    else if (print_table(argc > 1 ? argv : all, &pids, &text, err))
        return -1;
    return output(&text, err);
}
