/* SPDX-License-Identifier: Apache-2.0 */
/* hozo [OPTIONS] VERB [OPTIONS] [ARGUMENTS] */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "build-config.h"
#include "commit.h"
#include "core/cli/cli.h"
#include "core/cli/root.h"
#include "core/files.h"
#include "core/log.h"
#include "core/trace.h"

/* clang-format off */
static const struct verb verbs[] = {
    {"check", "[OPTIONS] [ID]", "tell what would happen to each member of a config.json", verb_check, true},
    {"create", "[OPTIONS] ID", "create a container from a bundle", verb_create, false},
    {"delete", "[OPTIONS] ID", "remove a container and all it left", verb_delete, false},
    {"events", "[OPTIONS] ID", "print what a container uses, and when memory runs out", verb_events, false},
    {"exec", "[OPTIONS] ID [COMMAND]", "run another process in a container", verb_exec, false},
    {"features", "", "print what this installation supports, as JSON", verb_features, true},
    {"kill", "[OPTIONS] ID [SIGNAL]", "send a signal (default: TERM)", verb_kill, false},
    {"list", "[OPTIONS]", "list the containers", verb_list, false},
    {"pause", "ID", "freeze all processes of a container", verb_pause, false},
    {"plan", "[OPTIONS] [ID]", "print what creating a container would do", verb_plan, true},
    {"plugin", "list | info NAME | check [OPTIONS] FILE | dir [--settings] | clean", "show and check plugins; undo what they left", verb_plugin, true},
    {"ps", "[OPTIONS] ID [PS OPTIONS]", "list the processes of a container", verb_ps, false},
    {"resume", "ID", "let the processes of a paused container go on", verb_resume, false},
    {"run", "[OPTIONS] ID", "create, start and await a container", verb_run, false},
    {"spec", "[OPTIONS]", "write a config.json to begin with", verb_spec, true},
    {"start", "ID", "let a created container run its program", verb_start, false},
    {"state", "ID", "print the state of a container, as JSON", verb_state, false},
    {"update", "[OPTIONS] ID", "change what a container may use", verb_update, false},
};
/* clang-format on */

/* What is open beside 0, 1, 2 is nobody's business but of --preserve-fds; and no descriptor of ours
 * may become one of those three. */
static int descriptors(unsigned *inherited, struct error *err)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != fd)
            return fail(err, errno, NULL, "open /dev/null as descriptor %d", fd);
    while (fcntl(STDERR_FILENO + 1 + (int)*inherited, F_GETFD) >= 0)
        ++*inherited;
    if (descriptors_end_with_exec(STDERR_FILENO + 1))
        return fail(err, errno, NULL, "close_range");
    return 0;
}

static int print_version(void)
{
    printf("hozo version %s\n", HOZO_VERSION);
    if (HOZO_COMMIT[0])
        printf("commit: %s\n", HOZO_COMMIT);
    printf("spec: %s\n", HOZO_SPEC_VERSION);
    return 0;
}

static int print_help(const struct option *options)
{
    printf("Usage: hozo [OPTIONS] VERB [OPTIONS] [ARGUMENTS]\n\nVerbs:\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
    options_print(options);
    return 0;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static int choose_cgroup_manager(struct globals *g, struct error *err)
{
    if (!g->cgroup_manager)
        g->cgroup_manager = g->systemd_cgroup ? "systemd" : "cgroupfs";
    if (!strcmp(g->cgroup_manager, "cgroupfs") || !strcmp(g->cgroup_manager, "systemd") ||
        !strcmp(g->cgroup_manager, "disabled"))
        return 0;
    return fail(err, 0, NULL, "--cgroup-manager: \"%s\" is none of cgroupfs, systemd, disabled",
                g->cgroup_manager);
}

/* The exit status, or a negative number with *err filled. */
static int run(struct log *log, struct trace *trace, unsigned inherited, int argc, char **argv,
               struct error *err)
{
    struct globals g = {.log_format = "text", .logger = log, .inherited = inherited};
    auto_free char *root = NULL;
    bool version = false, help = false;
    /* clang-format off */
    const struct option options[] = {
        {"root", 0, OPTION_STRING, &g.root, "DIR", "where the states of containers lie"},
        {"log", 0, OPTION_STRING, &g.log, "FILE", "append errors to this file"},
        {"log-format", 0, OPTION_STRING, &g.log_format, "FORMAT", "text or json"},
        {"debug", 0, OPTION_FLAG, &g.debug, NULL, "log more than errors"},
        {"trace", 0, OPTION_STRING, &g.trace_file, "FILE", "write there where the time goes"},
        {"systemd-cgroup", 0, OPTION_FLAG, &g.systemd_cgroup, NULL, "as --cgroup-manager systemd"},
        {"cgroup-manager", 0, OPTION_STRING, &g.cgroup_manager, "NAME",
         "cgroupfs, systemd or disabled"},
        {"plugin-dir", 0, OPTION_STRING, &g.plugin_dir, "DIR", "take plugins from here only"},
        {"rootless", 0, OPTION_STRING, NULL, "VALUE", NULL},
        {"criu", 0, OPTION_STRING, NULL, "PATH", NULL},
        {"version", 'v', OPTION_FLAG, &version, NULL, "print the version"},
        {"V", 0, OPTION_FLAG, &version, NULL, "the same"},
        {"help", 'h', OPTION_FLAG, &help, NULL, "print this"},
        {0},
    };
    /* clang-format on */
    int parsed = options_parse(options, &argc, &argv, err);
    /* The log comes first: engines read there why even the command line was refused. */
    struct error log_error;

    if (log_open(log, g.log, g.log_format, g.debug, &log_error) && !parsed) {
        *err = log_error;
        return -1;
    }
    if (parsed)
        return -1;
    if (version || help)
        return version ? print_version() : print_help(options);
    if (!argc)
        return fail(err, 0, NULL, "verb missing; see hozo --help");
    const struct verb *verb = find_verb(argv[0]);
    if (!verb)
        return fail(err, 0, NULL, "unknown verb \"%s\"; see hozo --help", argv[0]);
    if (g.trace_file) {
        if (trace_open(trace, g.trace_file, verb->name, err) < 0)
            return -1;
        g.trace = trace;
    }
    bool stateless = options_head(verb, argc - 1, argv + 1) || verb->stateless;
    if (choose_cgroup_manager(&g, err) || (root_choose(g.root, &root, err) && !stateless))
        return -1;
    g.root = root;
    *err = (struct error){0};
    return verb->run(&g, argc - 1, argv + 1, err);
}

/* Callers may have left these ignored: then a child cannot be waited for, or they act as usual: then a
 * hook that does not read its input would end hozo. */
static void signals(void)
{
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static void end_trace(struct trace *trace, const struct log *log, const struct error *failed)
{
    if (trace->fd >= 0 && !trace_close(trace, failed))
        log_line(log, LOG_LEVEL_WARNING, "the trace is incomplete: its file takes no more");
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct log log = {.fd = -1};
    struct trace trace = {.fd = -1};
    char text[sizeof err.path + sizeof err.text + 256];
    unsigned inherited = 0;
    int status;

    signals();
    status = descriptors(&inherited, &err)
                 ? -1
                 : run(&log, &trace, inherited, argc - (argc > 0), argv + (argc > 0), &err);

    if (status < 0 && err.errnum == OPTIONS_HELP)
        status = 0;
    end_trace(&trace, &log, status < 0 ? &err : NULL);
    if (status < 0) {
        error_format(&err, text, sizeof text);
        log_line(&log, LOG_LEVEL_ERROR, text);
        return -status;
    }
    return fflush(stdout) ? 1 : status;
}
