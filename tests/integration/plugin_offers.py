# SPDX-License-Identifier: Apache-2.0
"""What the host offers to plugins beside the configuration: programs, libraries, the administrator's settings."""
import glob
import json
import os
import shutil
import subprocess
import time

import host
from harness import Skip, same, test
from made_plugins import MadePlugins

# hozo_run() of a shell script, or of a program with its arguments; notes how it ended.
RUN = r"""
static int run(struct hozo_ctx *ctx, unsigned timeout, const void *input, size_t size, const char *const *args,
               const char *const *env)
{
    struct hozo_run r = {.size = sizeof(r), .timeout = timeout, .args = args, .env = env, .input = input,
                         .input_size = size};
    int answer = hozo_run(ctx, &r);
    FILE *f;

    note("answer %d", answer);
    if (answer < 0)
        return -1;
    note("status %d signal %d size %zu", r.status, r.signal, r.output_size);
    if (r.output[r.output_size])
        note("no NUL behind the output");
    f = fopen(beside("output"), "we");
    fwrite(r.output, 1, r.output_size, f);
    fclose(f);
    return 0;
}
#define ARGS(...) (const char *const[]){__VA_ARGS__, 0}
#define SCRIPT(text) ARGS("/bin/sh", "-c", text)
#define DO(timeout, args) if (run(ctx, timeout, 0, 0, args, 0)) return -1;
"""


def ran(plugins):
    """(what was noted, the program's output)"""
    notes = [n for n in plugins.notes() if not n.startswith("a ")]
    try:
        with open(f"{plugins.box.dir}/output", "rb") as f:
            return notes, f.read()
    except FileNotFoundError:
        return notes, None


def running(box, body, stage="prepare"):
    """What noted and printed a program that a plugin has run in this stage."""
    box.count += 1
    plugins = MadePlugins(box, name=f"plugins{box.count}")
    plugins.watcher("a", head=RUN, **{stage: body})
    plugins.run(box.bundle()).ok().silent()
    return ran(plugins)


# --- hozo_run

@test(sanitized=False)
def a_program_gets_the_variables_that_are_given_and_no_other(box):
    same(running(box, 'DO(0, ARGS("/usr/bin/env"))'), (["answer 0", "status 0 signal 0 size 0"], b""))
    same(running(box, 'if (run(ctx, 0, 0, 0, ARGS("/usr/bin/env"), ARGS("A=1", "B=")) < 0) return -1;')[1],
         b"A=1\nB=\n")


@test(sanitized=False)
def a_program_gets_three_descriptors(box):
    """… also if the plugin, or a library, keeps one open that programs inherit."""
    _, out = running(box, 'open("/etc/passwd", O_RDONLY); dup2(0, 77); DO(0, SCRIPT("ls -l /proc/self/fd"))')
    listed = [line.split()[-3] for line in out.decode().splitlines() if "->" in line]
    same(listed, ["0", "1", "2", "3"], "ls reads the directory itself by 3")


@test(sanitized=False)
def a_program_gets_default_signals(box):
    _, out = running(box, """
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, 0);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGUSR1, SIG_IGN);
        DO(0, ARGS("/bin/cat", "/proc/self/status"))""")
    for field in ("SigBlk", "SigIgn", "SigCgt"):
        # Two signals are the C library's own.
        same(int(host.status_field(out.decode(), field), 16) & ~(3 << 31), 0, field)


@test(sanitized=False)
def a_program_has_a_process_group_of_its_own(box):
    _, out = running(box, 'DO(0, SCRIPT("cut -d \' \' -f 5 /proc/$$/stat; echo $$"))')
    group, pid = out.split()
    same(group, pid)


@test(sanitized=False)
def input_and_output_may_be_larger_than_a_pipe(box):
    notes, out = running(box, """
        char *text = malloc(600000);

        memset(text, 'x', 600000);
        if (run(ctx, 0, text, 600000, ARGS("/bin/cat"), 0))
            return -1;""")
    same((notes[-1], out), ("status 0 signal 0 size 600000", b"x" * 600000))


@test(sanitized=False)
def without_input_there_is_the_end_of_it(box):
    same(running(box, 'DO(5000, SCRIPT("cat; echo end"))')[1], b"end\n")


@test(sanitized=False)
def a_program_that_does_not_read_its_input_is_no_problem(box):
    notes, _ = running(box, """
        char *text = calloc(1, 600000);

        if (run(ctx, 0, text, 600000, ARGS("/bin/true"), 0))
            return -1;""")
    same(notes[-1], "status 0 signal 0 size 0")


@test(sanitized=False)
def both_streams_are_captured(box):
    same(running(box, 'DO(0, SCRIPT("echo out; echo err >&2; echo again"))')[1], b"out\nerr\nagain\n")


@test(sanitized=False)
def the_exit_status_and_the_signal_are_told(box):
    same(running(box, 'DO(0, SCRIPT("exit 7"))')[0][-1], "status 7 signal 0 size 0")
    same(running(box, 'DO(0, SCRIPT("kill -TERM $$"))')[0][-1], "status -1 signal 15 size 0")


@test(sanitized=False)
def when_the_time_is_over_the_whole_group_is_killed(box):
    begin = time.monotonic()
    notes, out = running(box, 'DO(200, SCRIPT("echo begun; sleep 50 & sleep 50"))')
    same((notes[-1], out), ("status -1 signal 9 size 6", b"begun\n"))
    assert time.monotonic() - begin < 20


@test(sanitized=False)
def of_more_than_a_mebibyte_the_rest_is_dropped_and_the_program_goes_on(box):
    notes, out = running(box, 'DO(0, SCRIPT("head -c 3000000 /dev/zero; exit 5"))')
    same((notes[-1], out), (f"status 5 signal 0 size {1 << 20}", b"\0" * (1 << 20)))


@test(sanitized=False)
def who_outlives_the_program_with_its_output_is_not_waited_for(box):
    begin = time.monotonic()
    notes, out = running(box, 'DO(20000, SCRIPT("sleep 15 & echo done"))')
    same((notes[-1], out), ("status 0 signal 0 size 5", b"done\n"))
    assert time.monotonic() - begin < 10, "the program has ended at once"
    [pid] = host.living_children()
    same(host.command_line(pid), "sleep 15")
    os.kill(pid, 9)


@test(sanitized=False)
def a_program_that_never_stops_writing_has_its_time_limit_all_the_same(box):
    notes, _ = running(box, 'DO(300, ARGS("/usr/bin/yes"))')
    same(notes[-1], f"status -1 signal 9 size {1 << 20}")
    notes, _ = running(box, 'DO(10000, SCRIPT("for i in 1 2 3 4 5 6; do yes & done"))')
    same(notes[-1].split(" size ")[0], "status 0 signal 0", "… nor has anybody to wait for its children")


@test(sanitized=False, cases={"missing": "/no/such/program", "no program": "/etc/passwd", "relative": "true"})
def a_program_that_cannot_be_run_is_an_error_that_names_it(box, path):
    plugins = MadePlugins(box)
    plugins.watcher("a", head=RUN, prepare=f'DO(0, ARGS("{path}"))')
    plugins.run(box.bundle()).fails("plugin a", "absolute" if path == "true" else path)
    box.nothing_left()


@test(sanitized=False)
def every_stage_on_the_host_may_run_programs(box):
    plugins = MadePlugins(box)
    stages = ["probe", "prepare", "attach", "started", "exec_attach", "stopped", "cleanup"]
    plugins.watcher("a", head=RUN, **{s: 'DO(0, SCRIPT("exit 3"))' for s in stages})
    plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "true").ok()
    plugins.hozo("delete", "--force", "c1").ok()
    same([n for n in plugins.notes() if n.startswith("status")], ["status 3 signal 0 size 0"] * len(stages))


@test(sanitized=False)
def a_program_hears_nothing_of_the_container(box):
    """Neither the sync socket of the process that waits nor its streams reach it."""
    _, out = running(box, """
        int32_t pid;
        int fd;

        if (hozo_process(ctx, &pid, &fd))
            return -1;
        DO(0, SCRIPT("ls -l /proc/$$/fd"))""", stage="attach")
    same(out.decode().count("->"), 3, out)
    same(out.decode().count("pipe:"), 3, out)


# --- hozo_dlopen

DLOPEN = r"""
    double (*cosine)(double);
    void *library = hozo_dlopen(ctx, LIBRARY);

    if (!library)
        return -1;
    cosine = (double (*)(double))dlsym(library, "cos");
    note("%d", cosine ? (int)cosine(0.0) : -1);
"""


def library(box, name="libtest.so", text="double cos(double x) { return x + 5; }\n"):
    path = f"{box.dir}/{name}"
    subprocess.run(["gcc", "-shared", "-fPIC", "-fno-builtin", "-x", "c", "-", "-o", path], input=text, text=True,
                   check=True)
    os.chmod(path, 0o644)
    return path


def with_library(box, path, stage="prepare"):
    plugins = MadePlugins(box)
    plugins.watcher("a", head=f'#include <dlfcn.h>\n#define LIBRARY "{path}"\n', **{stage: DLOPEN})
    return plugins


@test(sanitized=False)
def a_library_is_opened_by_its_path_or_its_name(box):
    plugins = with_library(box, library(box))
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["a prepare", "5"])
    plugins = with_library_again(box, plugins, "libm.so.6")
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["a cleanup", "1"])


def with_library_again(box, plugins, path):
    plugins.watcher("a", head=f'#include <dlfcn.h>\n#define LIBRARY "{path}"\n', cleanup=DLOPEN)
    return plugins


@test(sanitized=False, cases={"by path": "/no/such/library.so", "by name": "libnosuch.so.1"})
def a_library_that_is_missing_is_one_clear_error(box, path):
    plugins = with_library(box, path)
    plugins.run(box.bundle()).fails("plugin a: ", path)
    box.nothing_left()


@test(sanitized=False, cases={"owner": "owner", "writable": "writable", "directory": "directory", "link": "link"})
def a_library_that_nobody_can_trust_is_not_opened(box, what):
    path = library(box)
    os.makedirs(f"{box.dir}/open")
    os.chmod(f"{box.dir}/open", 0o777)
    if what == "owner":
        os.chown(path, 1000, 1000)
    elif what == "writable":
        os.chmod(path, 0o666)
    elif what == "directory":
        path = shutil.move(path, f"{box.dir}/open/lib.so")
    else:
        os.rename(path, f"{box.dir}/open/lib.so")
        os.symlink("open/lib.so", path)
    plugins = with_library(box, path)
    plugins.run(box.bundle()).fails("plugin a: ", path, "trusted")
    same(plugins.notes(), ["a prepare"])
    box.nothing_left()


@test(sanitized=False)
def a_library_that_needs_another_that_is_missing_says_which(box):
    missing = library(box, "libmissing.so")
    path = f"{box.dir}/libneeds.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-x", "c", "-", "-x", "none", "-o", path,
                    missing],
                   input="int x;", text=True, check=True)
    os.chmod(path, 0o644)
    os.remove(missing)
    with_library(box, path).run(box.bundle()).fails("plugin a: ", "libmissing.so")
    box.nothing_left()


# --- settings

ROWS = [("mode", "STRING", "OWN", ["fast", "safe"]), ("count", "INT", "OWN", None, 1, 8), ("on", "BOOL"),
        ("limits", "OBJECT"), ("limits.deep", "UINT"), ("list", "ARRAY"), ("list[]", "STRING"),
        ("cards", "ARRAY"), ("cards[]", "OBJECT"), ("cards[].node", "STRING"), ("names", "MAP"), ("names.*", "STRING")]
TELLS = r"""
    struct hozo_cursor at, in;

    if (hozo_setting(ctx, 0, "mode", &at) == 1)
        note("mode %s", hozo_as_string(ctx, &at));
    if (hozo_setting(ctx, 0, "count", &at) == 1)
        note("count %lld", (long long)hozo_as_int(ctx, &at));
    if (hozo_setting(ctx, 0, "on", &at) == 1)
        note("on %d", hozo_as_bool(ctx, &at));
    if (hozo_setting(ctx, 0, "limits", &at) == 1 && hozo_setting(ctx, &at, "deep", &in) == 1)
        note("deep %llu", (unsigned long long)hozo_as_uint(ctx, &in));
    if (hozo_setting(ctx, 0, "list", &at) == 1)
        for (size_t i = 0; hozo_item(ctx, &at, i, &in, 0) == 1; i++)
            note("list %s", hozo_as_string(ctx, &in));
"""
FULL = {"mode": "safe", "count": 8, "on": True, "limits": {"deep": 18446744073709551615}, "list": ["x", "y"],
        "cards": [{"node": "a"}, {}], "names": {"any.key": "z"}}
TOLD = ["mode safe", "count 8", "on 1", "deep 18446744073709551615", "list x", "list y"]


def with_settings(box, content=FULL, **more):
    plugins = MadePlugins(box)
    plugins.watcher("org.test.a", settings=ROWS, **more)
    if content is not None:
        plugins.settings(org_test_a=content)
    else:
        plugins.settings()
    return plugins


@test(sanitized=False)
def every_stage_reads_the_settings(box):
    stages = ["adjust", "validate", "plan", "probe", "prepare", "attach", "started", "exec", "exec_attach",
              "stopped", "cleanup"]
    plugins = with_settings(box, **{s: TELLS for s in stages})
    plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "true").ok()
    plugins.hozo("delete", "--force", "c1").ok()
    same(plugins.notes(), [line for s in stages for line in [f"org.test.a {s}", *TOLD]])


@test(sanitized=False)
def without_a_file_no_setting_is_there(box):
    plugins = with_settings(box, None, plan=TELLS)
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["org.test.a plan"])


@test(sanitized=False, cases={
    "wrong type": ({"mode": 1}, "mode"), "not permitted": ({"mode": "slow"}, "slow"),
    "out of range": ({"count": 9}, "count"), "not whole": ({"count": 1.5}, "count"),
    "negative": ({"limits": {"deep": -1}}, "limits.deep"),
    "unknown member": ({"mdoe": "fast"}, "mdoe"), "unknown below": ({"limits": {"x": 1}}, "limits.x"),
    "unknown in a list": ({"cards": [{"node": "a"}, {"nod": "b"}]}, "cards[1].nod"),
    "wrong element": ({"list": ["x", 1]}, "list[1]"), "no object": ([], ""), "no JSON": ("{", ""),
    "twice": ('{"on": true, "on": false}', "on"),
})
def settings_that_contradict_the_rows_are_an_error_that_names_the_file(box, what):
    content, path = what
    plugins = with_settings(box, content, plan="")
    plugins.run(box.bundle()).fails(f"{plugins.settings_directory}/org.test.a.json", path)
    same(plugins.notes(), [])
    box.nothing_left()


@test(sanitized=False, cases={"foreign owner": "owner", "writable by others": "writable",
                              "a link to elsewhere": "link"})
def settings_that_nobody_can_trust_are_an_error(box, what):
    plugins = with_settings(box, plan="")
    path = f"{plugins.settings_directory}/org.test.a.json"
    if what == "owner":
        os.chown(path, 1000, 0)
    elif what == "writable":
        os.chmod(path, 0o622)
    else:
        os.mkdir(f"{box.dir}/open", 0o755)
        os.chmod(f"{box.dir}/open", 0o777)
        shutil.move(path, f"{box.dir}/open/x.json")
        os.symlink(f"{box.dir}/open/x.json", path)
    plugins.run(box.bundle()).fails("trusted")
    same(plugins.notes(), [])
    box.nothing_left()


@test(sanitized=False)
def settings_that_are_no_file_are_an_error(box):
    """A FIFO, above all, is not waited for."""
    plugins = with_settings(box, None, plan="")
    os.mkfifo(f"{plugins.settings_directory}/org.test.a.json")
    plugins.run(box.bundle()).fails("org.test.a.json")
    box.nothing_left()


@test(sanitized=False)
def settings_of_a_plugin_that_is_not_opened_are_not_read(box):
    plugins = with_settings(box, "no JSON at all")
    os.rename(f"{plugins.path}/process@org.test.a.so", f"{plugins.path}/hooks@org.test.a.so")
    plugins.run(box.bundle()).ok()
    plugins.hozo("plugin", "list").ends(1)
    os.rename(f"{plugins.path}/hooks@org.test.a.so", f"{plugins.path}/process@org.test.a.so")
    plugins.hozo("plugin", "list").ok()
    plugins.features()


@test(sanitized=False)
def a_setting_that_is_not_declared_cannot_be_read(box):
    plugins = with_settings(box, plan='struct hozo_cursor at; hozo_setting(ctx, 0, "other", &at);')
    plugins.run(box.bundle()).fails("plugin org.test.a reads", "other")
    box.nothing_left()


@test(sanitized=False, cases={
    "by name": 'hozo_fact(ctx, 0, "settings.org.test.a.mode", &at)',
    "as a whole": 'hozo_fact(ctx, 0, "settings", &at)',
    "from above": '(hozo_fact(ctx, 0, "", &at), hozo_fact(ctx, &at, "settings", &at))'})
def settings_are_no_facts_to_read(box, reading):
    plugins = with_settings(box, plan=f"struct hozo_cursor at; {reading};")
    plugins.run(box.bundle()).fails("plugin org.test.a reads settings", "hozo_setting()")


@test(sanitized=False)
def a_file_for_a_plugin_without_settings_is_an_error(box):
    """What the administrator says, and nobody looks at, would be skipped in silence."""
    plugins = MadePlugins(box)
    plugins.watcher("a", plan="")
    plugins.settings(a={"mode": "fast"})
    plugins.run(box.bundle()).fails("/a.json", "mode")
    box.nothing_left()


@test(sanitized=False)
def for_a_plan_the_settings_are_facts_of_the_host(box):
    plugins = with_settings(box, plan=TELLS)
    b = box.bundle()
    plan = json.loads(plugins.plan(b, "--json").ok().out)
    same(plan["host"]["settings"]["org.test.a"], FULL)
    plugins.notes()
    plan["host"]["settings"]["org.test.a"] = {"mode": "fast"}
    with open(f"{box.dir}/facts", "w") as f:
        json.dump(plan["host"], f)
    plugins.plan(b, "--host", f"{box.dir}/facts").ok()
    same(plugins.notes(), ["org.test.a plan", "mode fast"])
    plan["host"]["settings"]["org.test.a"] = {"mode": "slow"}
    with open(f"{box.dir}/facts", "w") as f:
        json.dump(plan["host"], f)
    plugins.plan(b, "--host", f"{box.dir}/facts").fails("mode", "slow")


@test(sanitized=False, cases={"unknown member": {"callbackMinutes": 1}, "wrong type": {"callbackSeconds": "1"},
                              "zero": {"callbackSeconds": 0}, "negative": {"callbackSeconds": -1}, "no object": [1]})
def what_is_wrong_in_the_file_of_hozo_itself_is_an_error(box, content):
    plugins = MadePlugins(box)
    plugins.settings(hozo=content)
    plugins.run(box.bundle()).fails("hozo.json")
    box.nothing_left()


@test(sanitized=False)
def settings_that_were_spoiled_later_do_not_keep_a_container_alive(box):
    """Those verbs go on that need no plugin; delete by force needs none."""
    plugins = with_settings(box, cleanup=TELLS)
    plugins.running(box.bundle("sleep 100"))
    plugins.settings(org_test_a="spoiled", hozo="spoiled")
    same(box.state()["status"], "running")
    plugins.hozo("list").ok()
    plugins.hozo("exec", "c1", "true").ok()
    plugins.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    plugins.hozo("delete", "c1").fails(".json")
    same(box.state()["status"], "stopped")
    r = plugins.hozo("delete", "--force", "c1").ends(0).says("org.test.a", "hozo plugin clean")
    same(r.err.count("\n"), 1)
    box.unknown()
    plugins.hozo("plugin", "clean").ends(1)
    plugins.settings(org_test_a=FULL, hozo={})
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(plugins.notes(), ["org.test.a cleanup", *TOLD])
    box.nothing_left()


@test(sanitized=False)
def the_directory_of_settings_is_printed(box):
    plugins = MadePlugins(box)
    printed = plugins.hozo("plugin", "dir", "--settings").ok().out
    assert printed.startswith("/") and printed.endswith("/hozo\n"), printed
    same(plugins.hozo("plugin", "dir").ok().out, f"{plugins.path}\n")
    plugins.hozo("plugin", "list", "--settings").fails("--settings")


# --- the configuration

@test(sanitized=False)
def every_kind_of_value_is_read_as_it_was_written(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", fields=[
        ("process.rlimits", "ARRAY", "READ"), ("process.rlimits[].type", "STRING",
                                               "READ"), ("process.rlimits[].hard", "UINT", "READ"),
        ("process.oomScoreAdj", "INT", "READ"), ("process.noNewPrivileges", "BOOL", "READ"), ("process.args",
                                                                                              "ARRAY", "READ"),
        ("process.args[]", "STRING", "READ"), ("linux.sysctl", "MAP", "READ"), ("linux.sysctl.*", "STRING", "READ"),
        ("hostname", "STRING", "READ"), ("domainname", "STRING", "READ"),
        ("org.test.extension", "INT", "READ")], plan="""
        struct hozo_cursor at, in, more;
        const char *key;

        if (hozo_find(ctx, 0, "process.rlimits", &at) != 1)
            return -1;
        for (size_t i = 0; hozo_item(ctx, &at, i, &in, 0) == 1; i++) {
            note("%s %s", in.path, hozo_find(ctx, &in, "type", &more) == 1 ? hozo_as_string(ctx, &more) : "?");
            if (hozo_find(ctx, &in, "hard", &more) == 1)
                note("%s %llu", more.path, (unsigned long long)hozo_as_uint(ctx, &more));
        }
        hozo_find(ctx, 0, "process.oomScoreAdj", &at);
        note("%lld", (long long)hozo_as_int(ctx, &at));
        hozo_find(ctx, 0, "process.noNewPrivileges", &at);
        note("%d", hozo_as_bool(ctx, &at));
        hozo_find(ctx, 0, "process.args", &at);
        for (size_t i = 3; i-- > 0;)
            note("%s", hozo_item(ctx, &at, i, &in, 0) == 1 ? hozo_as_string(ctx, &in) : "none");
        hozo_find(ctx, 0, "linux.sysctl", &at);
        for (size_t i = 0; hozo_item(ctx, &at, i, &in, &key) == 1; i++)
            note("%s=%s (%s)", key, hozo_as_string(ctx, &in), in.path);
        note("%d %d", hozo_find(ctx, 0, "hostname", &at), hozo_find(ctx, 0, "domainname", &at));""")
    b = box.bundle(["/bin/sh", "-c", "true"])
    b.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
                            {"type": "RLIMIT_STACK", "soft": 1 << 23, "hard": 18446744073709551615}]
    b.process["oomScoreAdj"] = 17
    b.linux["sysctl"] = {"net.core.somaxconn": "64", "net.ipv4.ip_forward": "0"}
    b.config["domainname"] = None
    plugins.plan(b).ok()
    same(plugins.notes(), [
        "a plan", "process.rlimits[0] RLIMIT_CORE", "process.rlimits[0].hard 0", "process.rlimits[1] RLIMIT_STACK",
        "process.rlimits[1].hard 18446744073709551615", "17", "1", "true", "-c", "/bin/sh",
        'net.core.somaxconn=64 (linux.sysctl["net.core.somaxconn"])',
        'net.ipv4.ip_forward=0 (linux.sysctl["net.ipv4.ip_forward"])', "1 0"])


@test(sanitized=False)
def an_annotation_is_read_by_its_key_or_by_a_prefix(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", annotations=[("org.test.one", "READ"), ("org.test.all.", "READ")], plan="""
        static const char *const keys[] = {"org.test.one", "org.test.all.x", "org.test.all.x.y", "org.test.all.none"};

        for (unsigned i = 0; i < 4; i++) {
            const char *text = "?";
            int found = hozo_annotation(ctx, keys[i], &text);

            note("%d %s", found, found ? text : "-");
        }""")
    b = box.bundle()
    b.config["annotations"] = {"org.test.one": "", "org.test.all.x": "1", "org.test.all.x.y": "2",
                               "org.test.other": "3"}
    plugins.plan(b).ok()
    same(plugins.notes(), ["a plan", "1 ", "1 1", "1 2", "0 -"])


@test(sanitized=False)
def all_annotations_of_a_prefix_can_be_gone_through_and_no_other(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", annotations=[("org.test.one", "READ"), ("org.test.all.", "READ")], plan="""
        struct hozo_cursor at;
        const char *key;

        for (size_t i = 0; hozo_annotation_item(ctx, i, &at, &key) == 1; i++)
            note("%s %s %s", key, hozo_as_string(ctx, &at), at.path);""")
    b = box.bundle()
    b.config["annotations"] = {"org.test.other": "0", "org.test.all.x": "1", "org.test.all": "2", "org.test.null": None,
                               "org.test.all.y z": "3", "org.test.one": "4"}
    plugins.plan(b).ok()
    same(plugins.notes(), ["a plan"] + [f'{key} {value} annotations["{key}"]' for key, value in
                                        (("org.test.all.x", 1), ("org.test.all.y z", 3), ("org.test.one", 4))])


@test(sanitized=False)
def facts_come_from_the_host_or_from_the_file_that_replaces_it(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan="""
        struct hozo_cursor at;

        note("%s", hozo_fact(ctx, 0, "kernel", &at) == 1 ? hozo_as_string(ctx, &at) : "none");
        note("%d", hozo_fact(ctx, 0, "no.such.fact", &at));""")
    b = box.bundle()
    plan = json.loads(plugins.plan(b, "--json").ok().out)
    same(plugins.notes(), ["a plan", plan["host"]["kernel"], "0"])
    plan["host"]["kernel"] = "5.12.0-test"
    with open(f"{box.dir}/facts", "w") as f:
        json.dump(plan["host"], f)
    plugins.plan(b, "--host", f"{box.dir}/facts").ok()
    same(plugins.notes(), ["a plan", "5.12.0-test", "0"])


@test(sanitized=False)
def a_plugin_knows_the_container_and_the_options(box):
    plugins = MadePlugins(box)
    tells = """
        const char *manager = hozo_option(ctx, "cgroup-manager"), *none = hozo_option(ctx, "no-such-option");

        note("%s %s %s", hozo_id(ctx), manager ? manager : "-", none ? none : "-");"""
    plugins.watcher("a", plan=tells, cleanup='note("%s", hozo_id(ctx));')
    b = box.bundle()
    plugins.run(b, id="first.one").ok()
    del b.linux["resources"], b.linux["cgroupsPath"]
    plugins.hozo("--cgroup-manager", "disabled", "run", "--bundle", b.write().path, "c2").ok()
    notes = [n for n in plugins.notes() if not n.startswith("a ")]
    same(notes[0].split()[0], "first.one")
    same(notes[1:], ["first.one", "c2 disabled -", "c2"])


@test(sanitized=False)
def a_plugin_knows_how_long_a_callback_may_take(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan='note("%s", hozo_option(ctx, "callback-seconds"));')
    plugins.plan(box.bundle()).ok()
    same(plugins.notes(), ["a plan", "30"])


@test(sanitized=False)
def what_a_plugin_logs_is_no_error_of_the_command(box):
    """Engines take what stands on standard error for the reason of a failure."""
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=r'hozo_log(ctx, HOZO_LOG_ERROR, "e %d\n", 1); hozo_log(ctx, HOZO_LOG_WARNING, "w"); '
                              'hozo_log(ctx, HOZO_LOG_DEBUG, "d");')
    b = box.bundle().write()
    log = f"{box.dir}/log"
    logged = ("--log", log, "--log-format", "json")
    plugins.hozo(*logged, "run", "--bundle", b.path, "c1").ok().silent()
    assert not os.path.exists(log) or not open(log).read()
    r = plugins.hozo("--debug", *logged, "run", "--bundle", b.path, "c1").ok()
    same(r.out, "")
    with open(log) as f:
        lines = [json.loads(line) for line in f]
    same([line["msg"].encode() for line in lines if "plugin a" in line["msg"]],
         [b"plugin a: e 1\n", b"plugin a: w", b"plugin a: d"])


# --- work and system calls

@test(sanitized=False)
def planned_work_comes_back_to_the_stage_that_does_it(box):
    plugins = MadePlugins(box)
    plans = """
        struct hozo_work w = {.size = sizeof(w), .phase = PHASE, .path = "linux", .what = "write", .value = TEXT,
                              .data = "x\\0y", .data_size = 3};

        if (hozo_plan_work(ctx, &w))
            return -1;
        w.value = 0, w.data = 0, w.data_size = 0;
        if (hozo_plan_work(ctx, &w))
            return -1;"""
    does = """
        struct hozo_work w = {.size = sizeof(w)};

        for (size_t i = 0; hozo_next_work(ctx, i, &w) == 1; i++)
            note("%s %s %s %zu %d", w.path, w.what, w.value ? w.value : "-", w.data_size,
                 w.data_size ? memcmp(w.data, "x\\0y", 3) : 0);"""

    def planning(phase, text):
        return "{" + plans.replace("PHASE", f"HOZO_PHASE_{phase}").replace("TEXT", f'"{text}"') + "}"

    plugins.watcher("a", plan=planning("PREPARE", "p") + planning("ATTACH", "t"), exec=planning("ATTACH", "e"),
                    prepare=does, attach=does, exec_attach=does)
    plugins.watcher("b", prepare=does, attach=does)
    b = box.bundle("sleep 100")
    plan = plugins.plan(b).ok().out
    assert plan.count('work("write", "p"') == 1 and plan.count('work("write", "t"') == 1, plan
    plugins.notes()
    plugins.running(b)
    plugins.hozo("exec", "c1", "true").ok()
    plugins.hozo("delete", "--force", "c1").ok()
    same([n for n in plugins.notes() if n != "a plan"], [
        "a prepare", "linux write p 3 0", "linux write - 0 0", "b prepare",
        "a attach", "linux write t 3 0", "linux write - 0 0", "b attach",
        "a exec", "a exec_attach", "linux write e 3 0", "linux write - 0 0"])


SAYS = """
    static const struct { uint32_t phase; const char *text; } all[] = {
        {HOZO_PHASE_IDENTITY, "identity\\n"}, {HOZO_PHASE_STAGE, "stage\\n"}, {HOZO_PHASE_SYSTEM, "system\\n"},
        {HOZO_PHASE_MOUNTS, "mounts\\n"}, {HOZO_PHASE_PROCESS, "process\\n"}};

    for (unsigned i = 0; i < 5; i++) {
        struct hozo_syscall call = {.size = sizeof(call), .phase = all[i].phase, .path = "process", .name = "write",
                                    .number = SYS_write, .args = {2, 0, strlen(all[i].text)}, .pointers = 2,
                                    .memory = all[i].text, .memory_size = strlen(all[i].text) + 1};

        if (hozo_plan_syscall(ctx, &call))
            return -1;
    }"""
PHASES = ["stage", "mounts", "system", "process", "identity"]


@test(sanitized=False)
def system_calls_are_made_in_the_order_of_the_phases(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=SAYS)
    same(plugins.run(box.bundle()).ok().err.split(), PHASES)


@test(sanitized=False)
def those_of_exec_are_made_in_that_order_as_well(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", exec=SAYS)
    plugins.running(box.bundle("sleep 100"))
    same(plugins.hozo("exec", "c1", "true").ok().err.split(), PHASES)
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_system_call_that_fails_is_told_by_its_name_and_place(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", cleanup="", plan="""
        struct hozo_syscall call = {.size = sizeof(call), .phase = HOZO_PHASE_PROCESS, .path = "annotations",
                                    .name = "fchdir",
                                    .number = SYS_fchdir, .args = {777}};

        return hozo_plan_syscall(ctx, &call);""")
    plugins.run(box.bundle()).fails("annotations", "fchdir", "bad file descriptor")
    same(plugins.notes(), ["a plan", "a cleanup"])
    box.nothing_left()
