/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lives of containers against a simulated kernel; and each of its calls fails once, and for good. */
#include "plugins/freebsd/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "plugins/cgroup/fake-host.h"
#include "plugins/freebsd/simulated.h"
#include "plugins/tap.h"

/* --- a world ------------------------------------------------------------------------------------ */

/* clang-format off */
#define PROCESS "\"process\":{\"cwd\":\"/srv\",\"args\":[\"sh\",\"-c\",\"true\"],\"env\":[\"A=b\"]," \
    "\"user\":{\"uid\":1000,\"gid\":100,\"umask\":18,\"additionalGids\":[5,6]},\"noNewPrivileges\":true," \
    "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":512,\"hard\":1024}]}"
#define HOOK(name) "\"" name "\":[{\"path\":\"/hooks/" name "\"}]"
#define HOOKS "\"hooks\":{" HOOK("prestart") "," HOOK("createRuntime") "," HOOK("createContainer") "," \
    HOOK("startContainer") "," HOOK("poststart") "," HOOK("poststop") "}"
#define MOUNTS "\"mounts\":[{\"destination\":\"/dev\",\"type\":\"devfs\",\"options\":[\"ruleset=4\"]}," \
    "{\"destination\":\"/dev/fd\",\"type\":\"fdescfs\"},{\"destination\":\"/tmp\",\"type\":\"tmpfs\"}," \
    "{\"destination\":\"/data\",\"source\":\"/srv/data\",\"options\":[\"ro\"]}]"
#define CONFIG(jail) "{\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"box\"," PROCESS "," HOOKS "," \
    MOUNTS ",\"freebsd\":{\"devices\":[{\"path\":\"pf\",\"mode\":448}],\"jail\":" jail "}}"

/* In a jail of a jail, with addresses of the host's network; and with a network of its own. */
#define CHILD CONFIG("{\"parent\":\"web.blog\",\"ip4\":\"new\",\"ip4Addr\":[\"192.0.2.1\",\"192.0.2.9\"]," \
    "\"ip6Addr\":[\"2001:db8::1\"],\"interface\":\"em0\",\"enforceStatfs\":1,\"allow\":{\"mlock\":true," \
    "\"rawSockets\":false,\"mount\":[\"tmpfs\"]}}")
#define VNET CONFIG("{\"vnet\":\"new\",\"vnetInterfaces\":[\"epair0b\",\"epair1b\"]}")
#define PLAIN(jail) "{\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"freebsd\":{\"jail\":" jail "}}"
/* clang-format on */

struct world {
    struct fake host;
    struct simulated kernel;
    struct jail jail;
    struct runner runner;
    char *before;
    struct jail earlier[8]; /* processes have a copy of what was read when they were made */
    size_t n_earlier;
};

static int save(struct runner *r)
{
    struct world *w = r->data;

    /* Nor does a runtime that has been killed write anything. */
    if (!w->kernel.fail_behind || !w->kernel.fail_at || w->kernel.calls < w->kernel.fail_at)
        return runner_record_write(&w->host.ctx, &r->record);
    return 0;
}

static const char *describe(struct runner *r, uint32_t status, int pid)
{
    (void)r;
    (void)pid;
    return status == HOZO_CREATING ? "{\"status\":\"creating\"}" : "{}";
}

static void allow(struct simulated_jail *j, const char *flags)
{
    snprintf(j->flags, sizeof(j->flags), "%s", flags);
}

static void permit(struct simulated_jail *j, const char *ip4)
{
    j->restricted[0] = true;
    inet_pton(AF_INET, ip4, j->addresses[0][j->n_addresses[0]++]);
}

static void world_begin(struct world *w, const char *id, const char *config)
{
    struct simulated_jail *web, *blog;
    struct simulated *k = &w->kernel;

    *w = (struct world){0};
    fake_begin(&w->host, id, config, "{}");
    w->host.rootfs = "/containers/rootfs";
    web = simulated_jail(k, 0, "web", 1);
    blog = simulated_jail(k, web->jid, "web.blog", 0);
    permit(web, "192.0.2.1");
    permit(web, "192.0.2.9");
    permit(blog, "192.0.2.1");
    permit(blog, "192.0.2.9");
    allow(web, " allow.mlock allow.mount allow.mount.tmpfs");
    allow(blog, web->flags);
    simulated_interface(k, "em0");
    simulated_interface(k, "epair0b");
    simulated_interface(k, "epair1b");
    simulated_address(k, "em0 192.0.2.9");
    w->before = simulated_text(k);
    w->runner = (struct runner){.os = &simulated_os,
                                .self = k,
                                .jail = &w->jail,
                                .save = save,
                                .describe = describe,
                                .data = w};
}

/* Another execution of hozo: the configuration is read once more, the record is that on disk. */
static bool world_again(struct world *w)
{
    if (w->jail.ctx)
        w->earlier[w->n_earlier++] = w->jail;
    runner_record_read(&w->host.ctx, &w->runner.record);
    return jail_read(&w->host.ctx, &w->jail) == 1;
}

static bool world_clean(struct world *w)
{
    char *now = simulated_text(&w->kernel);
    bool same = !strcmp(now, w->before);

    if (!same)
        printf("# is\n%s# was\n%s", now, w->before);
    free(now);
    return same;
}

static void world_end(struct world *w)
{
    jail_free(&w->jail);
    while (w->n_earlier)
        jail_free(&w->earlier[--w->n_earlier]);
    fake_end(&w->host);
    free(w->before);
}

/* As the verb create: it undoes what has failed, and the first error is the one to tell. */
static int create(struct world *w)
{
    int console;
    char error[sizeof(w->host.error)];

    if (runner_create(&w->runner, &console) == 0)
        return 0;
    memcpy(error, w->host.error, sizeof(error));
    if (!w->kernel.fail_behind)
        runner_record_read(&w->host.ctx, &w->runner.record);
    runner_undo(&w->runner);
    memcpy(w->host.error, error, sizeof(error));
    return -1;
}

static int exec(struct world *w, int *pid)
{
    int console;

    return runner_exec(&w->runner, &w->jail.process, pid, &console);
}

static bool status_is(struct world *w, uint32_t wanted)
{
    uint32_t status;

    return !runner_status(&w->runner, &status) && status == wanted;
}

/* --- a life ------------------------------------------------------------------------------------- */

static bool has_process(const struct world *w)
{
    struct simulated *k = (struct simulated *)&w->kernel;
    const struct simulated_process *p = simulated_process(k, w->runner.record.pid);

    return p && p->jid == w->runner.record.jid && p->uid == 1000 && p->gid == 100 &&
           p->umask == 18 && p->n_groups == 2 && p->groups[1] == 6 && p->limits[8][0] == 512 &&
           p->limits[8][1] == 1024 && p->no_new_privileges && !strcmp(p->cwd, "/srv");
}

static void life_of(const char *what, const char *config)
{
    struct world w;
    int pid = 0;

    world_begin(&w, "c1", config);
    ok(world_again(&w) && !create(&w), "%s: create %s", what, w.host.error);
    ok(status_is(&w, HOZO_CREATED) && has_process(&w), "%s: it waits, with all that it gets", what);
    if (!simulated_process(&w.kernel, w.runner.record.pid))
        return;
    ok(!simulated_process(&w.kernel, w.runner.record.pid)->running, "%s: its program does not run",
       what);
    ok(world_again(&w) && runner_undo(&w.runner) == 0 && world_clean(&w),
       "%s: deleted before start, nothing is left", what);
    ok(!strstr(w.kernel.hooks, "startContainer"), "%s: no start hook", what);

    w.kernel.hooks[0] = '\0';
    ok(world_again(&w) && !create(&w), "%s: create once more", what);
    ok(world_again(&w) && !runner_start(&w.runner) && status_is(&w, HOZO_RUNNING), "%s: start",
       what);
    ok(simulated_process(&w.kernel, w.runner.record.pid)->running, "%s: its program runs", what);
    ok(runner_start(&w.runner) < 0, "%s: it cannot be started twice", what);
    ok(world_again(&w) && !exec(&w, &pid) &&
           simulated_process(&w.kernel, pid)->jid == w.runner.record.jid &&
           simulated_process(&w.kernel, pid)->running,
       "%s: exec is in the jail", what);
    ok(!runner_kill(&w.runner, SIGTERM, false) && status_is(&w, HOZO_STOPPED), "%s: kill", what);
    ok(runner_kill(&w.runner, SIGTERM, false) < 0, "%s: no second kill", what);
    ok(!runner_kill(&w.runner, SIGKILL, true) && !simulated_process(&w.kernel, pid),
       "%s: kill of all", what);
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w), "%s: nothing is left", what);
    ok(!strcmp(w.kernel.hooks, " /hooks/prestart /hooks/createRuntime /hooks/createContainer*"
                               " /hooks/startContainer*"),
       "%s: hooks in their order, those of the container in its process", what);
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w), "%s: delete may be repeated",
       what);
    world_end(&w);
}

/* --- what arrives in the kernel ----------------------------------------------------------------- */

static void test_parameters(void)
{
    const struct simulated_jail *j;
    struct in_addr ip4;
    struct world w;

    world_begin(&w, "c1", CHILD);
    ok(world_again(&w) && !create(&w), "create");
    j = simulated_find(&w.kernel, "web.blog.c1");
    ok(j && !strcmp(j->path, "/var/run/hozo/jails/c1/root"),
       "the jail is below its parent, in the read-only root");
    inet_pton(AF_INET, "192.0.2.9", &ip4);
    ok(j && j->n_addresses[0] == 2 && !memcmp(j->addresses[0][1], &ip4, 4) &&
           j->n_addresses[1] == 1,
       "addresses are in the kernel's form");
    ok(j && !strcmp(j->hostname, "box") && j->host == OS_NEW, "its host name");
    ok(j && j->sysv[0] == OS_NEW && j->sysv[2] == OS_NEW && j->statfs == 1,
       "enforce_statfs, System V");
    ok(j && !strcmp(j->flags, " allow.noraw_sockets allow.mount allow.mount.tmpfs allow.mlock"),
       "true and false are two flags, absence none");
    ok(simulated_find(&w.kernel, "web")->max == 2 &&
           simulated_find(&w.kernel, "web.blog")->max == 1,
       "each jail above allows as many as it needs");
    ok(!strcmp(w.kernel.mounts[0], "/var/run/hozo/jails/c1/root") &&
           !strcmp(w.kernel.mounts[2], "/var/run/hozo/jails/c1/root/dev/fd"),
       "mounts are below the read-only root");
    ok(!strcmp(w.kernel.rules[0], "pf 700"), "the device is shown");
    ok(!strcmp(w.kernel.addresses[1], "em0 192.0.2.1"), "an alias for an address that is new");
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w),
       "an address of the host's own stays, children.max is as it was");
    world_end(&w);
}

static void test_vnet(void)
{
    struct world w;

    world_begin(&w, "c1", VNET);
    ok(world_again(&w) && !create(&w) && w.kernel.interfaces[1].jid == w.runner.record.jid &&
           w.kernel.interfaces[2].jid == w.runner.record.jid,
       "interfaces move into the jail");
    /* Somebody has removed it, and so the kernel has returned them. */
    simulated_os.jail_remove(&w.kernel, w.runner.record.jid);
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w),
       "a jail that is gone is no failure");
    world_end(&w);
}

/* --- what the kernel refuses -------------------------------------------------------------------- */

static void refused(const char *what, const char *config, void (*prepare)(struct world *),
                    const char *error)
{
    struct world w;

    world_begin(&w, "c1", config);
    if (prepare) {
        prepare(&w);
        free(w.before);
        w.before = simulated_text(&w.kernel);
    }
    ok(world_again(&w) && create(&w) < 0 && strstr(w.host.error, error), "%s: %s", what,
       w.host.error);
    ok(world_clean(&w) && world_again(&w) && !w.runner.record.jail && !w.runner.record.mounts,
       "%s: nothing is left", what);
    world_end(&w);
}

static void take_name(struct world *w)
{
    simulated_jail(&w->kernel, 0, "c1", 0);
}

static void clash(struct world *w)
{
    permit(simulated_jail(&w->kernel, 0, "other", 0), "192.0.2.77");
}

static void take_directory(struct world *w)
{
    snprintf(w->kernel.files[0], sizeof(w->kernel.files[0]), "/var/run/hozo/jails/c1");
}

static void break_hook(struct world *w)
{
    w->kernel.failing_hook = "/hooks/createContainer";
}

static void break_early_hook(struct world *w)
{
    w->kernel.failing_hook = "/hooks/createRuntime";
}

static void test_refused(void)
{
    refused("a parent that is missing", PLAIN("{\"parent\":\"nowhere\"}"), NULL,
            "freebsd.jail.parent: looking for jail nowhere");
    refused("a name in use", PLAIN("{}"), take_name, "jail c1: File exists");
    refused("an address that the parent has not",
            PLAIN("{\"parent\":\"web\",\"ip4Addr\":[\"192.0.2.3\"]}"), NULL,
            "Operation not permitted");
    refused("addresses that clash", PLAIN("{\"ip4Addr\":[\"192.0.2.77\",\"192.0.2.78\"]}"), clash,
            "addresses clash");
    refused("a file system that no jail may mount",
            PLAIN("{\"enforceStatfs\":1,\"allow\":{\"mount\":[\"ufs\"]}}"), NULL,
            "unknown parameter");
    refused("a permission that the parent has not",
            PLAIN("{\"parent\":\"web\",\"allow\":{\"chflags\":true}}"), NULL,
            "Operation not permitted");
    refused("an interface that is missing",
            PLAIN("{\"interface\":\"em9\",\"ip4Addr\":[\"192.0.2.3\"]}"), NULL,
            "freebsd.jail.interface: looking at em9");
    refused("an interface that cannot move",
            PLAIN("{\"vnet\":\"new\",\"vnetInterfaces\":[\"epair0b\",\"em9\"]}"), NULL,
            "freebsd.jail.vnetInterfaces[1]: moving em9");
    refused("a source that is missing",
            "{\"mounts\":[{\"destination\":\"/a\",\"source\":\"/"
            "missing\"}],\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]},\"freebsd\":{}}",
            NULL, "mounts[0]: looking at /missing");
    refused("a link where a mount goes",
            "{\"mounts\":[{\"destination\":\"/link\",\"type\":\"tmpfs\"}],\"process\":{\"cwd\":\"/"
            "\",\"args\":[\"a\"]},\"freebsd\":{}}",
            NULL, "mounts[0]: making /link");
    refused("a working directory that is missing",
            "{\"process\":{\"cwd\":\"/missing\",\"args\":[\"a\"]},\"freebsd\":{}}", NULL,
            "process: entering the jail");
    refused("a name that is taken in another directory of states", PLAIN("{}"), take_directory,
            "freebsd.jail: making /var/run/hozo/jails/c1: File exists");
    refused("a hook that fails", CHILD, break_early_hook,
            "hooks.createRuntime[0]: hook /hooks/createRuntime: exited with status 1");
    refused("a hook of the process that fails", CHILD, break_hook,
            "hooks.createContainer: a hook has failed");
}

static void test_damaged(void)
{
    static const char state[] = "{\"mounts\":7}";
    struct world w;

    world_begin(&w, "c1", PLAIN("{}"));
    hozo_state_set(&w.host.ctx, state, sizeof(state) - 1);
    ok(world_again(&w) && runner_undo(&w.runner) < 0 && strstr(w.host.error, "is damaged"),
       "a state with more than the configuration has is not believed");
    world_end(&w);
}

static void test_start_that_fails(void)
{
    struct world w;

    world_begin(&w, "c1", VNET);
    w.kernel.failing_hook = "/hooks/startContainer";
    ok(world_again(&w) && !create(&w) && runner_start(&w.runner) < 0 &&
           strstr(w.host.error, "hooks.startContainer: a hook has failed") &&
           status_is(&w, HOZO_STOPPED),
       "a startContainer hook that fails ends the process, and start says so");
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w), "nothing is left of that");
    world_end(&w);
}

static void test_terminal(void)
{
    struct world w;
    int console = -1, pid;

    world_begin(&w, "c1",
                "{\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/"
                "dev\",\"type\":\"devfs\"}],"
                "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"terminal\":true,"
                "\"consoleSize\":{\"width\":80,\"height\":24}},\"freebsd\":{}}");
    ok(world_again(&w) && !runner_create(&w.runner, &console) && console == SIMULATED_CONSOLE,
       "a terminal: its master comes from the jail");
    console = -1;
    ok(world_again(&w) && !runner_exec(&w.runner, &w.jail.process, &pid, &console) &&
           console == SIMULATED_CONSOLE,
       "a terminal of a further process");
    ok(!runner_undo(&w.runner) && world_clean(&w), "a terminal: nothing is left");
    world_end(&w);
}

static void test_links(void)
{
    struct world w;

    world_begin(&w, "c1",
                "{\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/"
                "tmp\",\"type\":\"tmpfs\"}],"
                "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},\"freebsd\":{}}");
    w.host.rootfs = "/link/containers/rootfs";
    ok(world_again(&w) && !create(&w) && !strcmp(w.kernel.mounts[0], "/containers/rootfs/tmp"),
       "a root behind a link is mounted in by the way without it");
    /* The kernel tells of it so; and the link is gone, or leads elsewhere. */
    snprintf(simulated_find(&w.kernel, "c1")->path, 256, "/containers/rootfs");
    w.host.rootfs = "/elsewhere";
    w.runner.record.jid = 0;
    save(&w.runner);
    ok(world_again(&w) && !runner_undo(&w.runner) && world_clean(&w),
       "a root behind a link: nothing is left");
    world_end(&w);
}

/* --- each call fails ---------------------------------------------------------------------------- */

static bool live(struct world *w)
{
    int pid = 0;

    return !create(w) && world_again(w) && !runner_start(&w->runner) && !exec(w, &pid) &&
           !runner_kill(&w->runner, SIGKILL, true) && world_again(w) && !runner_undo(&w->runner);
}

/* Once, and then all goes well; or for good, as if hozo had been killed there: another execution deletes. */
static bool survives(const char *config, int at, bool killed, bool *reached)
{
    struct world w;
    bool good;

    world_begin(&w, "c1", config);
    good = world_again(&w);
    w.kernel.fail_at = at;
    w.kernel.fail_behind = killed;
    live(&w);
    *reached = w.kernel.calls >= at;
    simulated_crash(&w.kernel);
    w.kernel.fail_behind = false;
    good = good && world_again(&w) && !runner_undo(&w.runner) && world_clean(&w);
    if (!good)
        printf("# %s at call %d: %s\n", killed ? "killed" : "a failure", at, w.host.error);
    world_end(&w);
    return good;
}

static void test_failures(const char *what, const char *config)
{
    for (int killed = 0; killed < 2; killed++) {
        bool reached = true, good = true;
        int at = 0;

        while (reached)
            good &= survives(config, ++at, killed, &reached);
        ok(good && at > 40, "%s: %s at each of %d calls, nothing is left", what,
           killed ? "hozo is killed" : "a failure", at - 1);
    }
}

/* A create that fails leaves nothing by itself, whoever may come later. */
static void test_undone(const char *what, const char *config)
{
    bool good = true;
    int at = 0;

    for (;;) {
        struct world w;
        bool failed;

        world_begin(&w, "c1", config);
        good &= world_again(&w);
        w.kernel.fail_at = ++at;
        failed = create(&w) < 0;
        if (failed && !world_clean(&w)) {
            printf("# at call %d: %s\n", at, w.host.error);
            good = false;
        }
        world_end(&w);
        if (!failed)
            break;
    }
    ok(good && at > 30, "%s: a create that fails at any of %d calls has undone all", what, at - 1);
}

int main(void)
{
    life_of("in a jail", CHILD);
    life_of("with a network", VNET);
    test_parameters();
    test_vnet();
    test_refused();
    test_start_that_fails();
    test_terminal();
    test_links();
    test_damaged();
    test_undone("in a jail", CHILD);
    test_undone("with a network", VNET);
    test_failures("in a jail", CHILD);
    test_failures("with a network", VNET);
    return done();
}
