# SPDX-License-Identifier: Apache-2.0
"""When each callback of a plugin runs, in which order, and what it finds and keeps there."""
import json
import os

import host
from harness import same, test
from made_plugins import CREATE, PURE, MadePlugins

CREATED = [*PURE, *CREATE]
WHOLE = [*CREATED, "started", "stopped", "cleanup"]

# Notes whom hozo_process() names: its pid, what it executes, and the pid behind the pidfd.
PROCESS = r"""
    int32_t pid;
    int pidfd;
    char link[64], exe[4096] = "", line[256];
    FILE *f;

    if (hozo_process(ctx, &pid, &pidfd) < 0)
        return -1;
    snprintf(link, sizeof(link), "/proc/%d/exe", pid);
    if (readlink(link, exe, sizeof(exe) - 1) < 0)
        return hozo_error(ctx, errno, 0, "readlink");
    note("pid %d", pid);
    note("exe %s", exe);
    snprintf(link, sizeof(link), "/proc/self/fdinfo/%d", pidfd);
    f = fopen(link, "re");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "Pid:", 4))
            note("pidfd %d", atoi(line + 4));
    fclose(f);
"""

# Notes the inode of each of these namespaces of the process.
NAMESPACES = r"""
    static const char *const types[] = {"network", "mount", "pid", "ipc", "uts"};

    for (unsigned i = 0; i < 5; i++) {
        struct stat st;
        int fd = hozo_namespace(ctx, types[i]);

        if (fd < 0 || fstat(fd, &st) < 0)
            return -1;
        note("ns %s %lu %s", types[i], (unsigned long)st.st_ino,
             fcntl(fd, F_GETFD) & FD_CLOEXEC ? "cloexec" : "inherited");
    }
"""


def stages(plugins, name="a"):
    return [line.split()[1] for line in plugins.notes() if line.startswith(name + " ")]


def end(box, plugins, pid, id="c1"):
    os.kill(pid, 9)
    box.wait_status("stopped", id)
    plugins.hozo("delete", id).ok()


# --- every callback in its verb

@test(sanitized=False)
def each_callback_runs_in_its_verb_and_in_no_other(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    b = box.bundle("sleep 100")
    plugins.plan(b).ok()
    same(stages(plugins), list(PURE), "plan")
    plugins.plan(b, "--json").ok()
    same(stages(plugins), list(PURE), "plan --json")
    plugins.hozo("check", "--bundle", b.path)
    assert set(stages(plugins)) <= set(PURE), "check"
    for verb in "features", "plugin list", "plugin info a", "plugin clean", "list":
        plugins.hozo(*verb.split()).ok()
        same(stages(plugins), [], verb)
    plugins.create(b).ok()
    same(stages(plugins), CREATED, "create")
    for verb in ("state", "c1"), ("list",), ("kill", "c1", "0"):
        plugins.hozo(*verb).ok()
        same(stages(plugins), [], verb)
    plugins.hozo("start", "c1").ok()
    same(stages(plugins), ["started"], "start")
    plugins.hozo("exec", "c1", "true").ok()
    same(stages(plugins), ["exec", "exec_attach"], "exec")
    for verb in ("update",), ("events", "--stats"), ("pause",), ("resume",), ("ps", "--format", "json"):
        plugins.hozo(*verb, "c1").ok()
        same(stages(plugins), {"update": ["update", "update_apply"], "events": ["stats"], "ps": []}
             .get(verb[0], [verb[0]]), verb[0])
    plugins.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    same(stages(plugins), [], "kill")
    plugins.hozo("delete", "c1").ok()
    same(stages(plugins), ["stopped", "cleanup"], "delete")
    box.nothing_left()


@test(sanitized=False)
def run_in_the_foreground_calls_all_but_those_of_exec(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.run(box.bundle("true")).ok().silent()
    same(stages(plugins), WHOLE)
    plugins.run(box.bundle("exit 3")).ends(3)
    same(stages(plugins), WHOLE)


@test(sanitized=False)
def run_detached_leaves_the_rest_to_delete(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.run(box.bundle("sleep 100"), "--detach").ok().silent()
    same(stages(plugins), [*CREATED, "started"])
    plugins.hozo("exec", "--detach", "c1", "sleep", "100").ok()
    same(stages(plugins), ["exec", "exec_attach"])
    plugins.hozo("delete", "--force", "c1").ok()
    same(stages(plugins), ["stopped", "cleanup"])


@test(sanitized=False)
def a_container_that_never_started_is_deleted_with_both(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.create(box.bundle()).ok()
    plugins.notes()
    plugins.hozo("delete", "c1").ok()
    same(stages(plugins), ["stopped", "cleanup"])


@test(sanitized=False)
def run_that_keeps_the_container_leaves_cleanup_to_delete(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.run(box.bundle(), "--keep").ok()
    assert "cleanup" not in stages(plugins)
    plugins.hozo("delete", "c1").ok()
    assert "cleanup" in stages(plugins)


FAILS = 'return hozo_error(ctx, EBUSY, "org.test", "does not like it");'


@test(sanitized=False, cases={s: s for s in CREATED})
def a_create_that_fails_is_undone_as_far_as_it_went(box, stage):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True, **{stage: FAILS})
    plugins.run(box.bundle()).fails("org.test: does not like it: device or resource busy")
    box.nothing_left()
    came = CREATED[:CREATED.index(stage) + 1]
    same(stages(plugins), came + (["cleanup"] if "prepare" in came else []))


@test(sanitized=False)
def a_create_that_fails_in_the_container_is_cleaned_up(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    plugins.run(box.bundle(["/no/such/program"])).fails("/no/such/program")
    same(stages(plugins), [*CREATED, "cleanup"])
    box.nothing_left()


@test(sanitized=False)
def a_hook_that_fails_has_it_cleaned_up(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    b = box.bundle()
    b.hook("createRuntime", "/bin/false")
    plugins.run(b).fails("createRuntime")
    same(stages(plugins), [*CREATED, "cleanup"])
    box.nothing_left()


@test(sanitized=False)
def of_three_whose_second_fails_to_prepare_two_are_undone_in_reverse(box):
    plugins = MadePlugins(box)
    for name in ("a", "b", "c", "d", "e"):
        plugins.watcher(name, prepare=FAILS if name == "d" else "", cleanup="", stopped="")
    plugins.run(box.bundle()).fails("does not like it")
    same(plugins.notes(), ["a prepare", "b prepare", "c prepare", "d prepare",
                           "d cleanup", "c cleanup", "b cleanup", "a cleanup"])
    box.nothing_left()


@test(sanitized=False)
def a_cleanup_that_fails_keeps_no_other_from_cleaning_up(box):
    plugins = MadePlugins(box)
    for name in ("a", "b", "c"):
        plugins.watcher(name, cleanup=FAILS if name == "b" else "", attach=FAILS if name == "a" else "")
    plugins.create(box.bundle()).fails("does not like it")
    same(plugins.notes(), ["a attach", "c cleanup", "b cleanup", "a cleanup"])
    # The state says what is still to be undone.
    plugins.hozo("delete", "c1").fails("does not like it")
    same(plugins.notes(), ["c cleanup", "b cleanup", "a cleanup"])
    plugins.watcher("b", cleanup="")
    plugins.hozo("delete", "c1").ok()
    box.nothing_left()


@test(sanitized=False, cases={"start": "start", "run": "run"})
def a_plugin_that_fails_when_the_program_runs_ends_it(box, verb):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True, started=FAILS)
    b = box.bundle("sleep 100")
    if verb == "run":
        plugins.run(b).fails("does not like it")
    else:
        plugins.create(b).ok()
        pid = box.state()["pid"]
        plugins.hozo("start", "c1").fails("does not like it")
        host.eventually(lambda: not host.alive(pid), what="the end of the program")
        same(box.state()["status"], "stopped")
        plugins.hozo("delete", "c1").ok()
    box.nothing_left()
    same(stages(plugins), WHOLE)


@test(sanitized=False, cases={"exec": "exec", "exec_attach": "exec_attach"})
def a_plugin_that_fails_at_exec_fails_that_exec_alone(box, stage):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True, **{stage: FAILS})
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "touch", "/dev/shm/x").fails("does not like it", code=255)
    same(box.state()["status"], "running")
    assert not os.path.exists(f"/proc/{pid}/root/dev/shm/x"), "the program ran"
    same(host.children(pid), [])
    end(box, plugins, pid)
    box.nothing_left()


@test(sanitized=False)
def a_plugin_that_fails_once_the_process_is_there_has_it_killed(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", attach=PROCESS + FAILS, exec_attach=PROCESS + FAILS, cleanup="")
    plugins.create(box.bundle()).fails("does not like it")
    box.nothing_left()
    assert plugins.notes()[-1] == "a cleanup"
    plugins.watcher("a", exec_attach=PROCESS + FAILS)
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "true").fails("does not like it", code=255)
    [joined] = [int(n.split()[1]) for n in plugins.notes() if n.startswith("pid ")]
    host.eventually(lambda: not host.alive(joined), what="the end of the process that was to join")
    end(box, plugins, pid)


# --- what happens at the time of each

@test(sanitized=False)
def attach_sees_the_process_that_is_being_made(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", attach=PROCESS + NAMESPACES)
    plugins.create(box.bundle()).ok()
    pid = box.state()["pid"]
    notes = plugins.notes()
    assert f"pid {pid}" in notes and f"pidfd {pid}" in notes, (pid, notes)
    assert any(n.startswith("exe /memfd:") for n in notes), notes
    inode = {kind: os.stat(f"/proc/{pid}/ns/{name}").st_ino for kind, name in
             dict(network="net", mount="mnt", pid="pid", ipc="ipc", uts="uts").items()}
    same([n for n in notes if n.startswith("ns ")], [f"ns {k} {i} cloexec" for k, i in inode.items()])
    plugins.hozo("delete", "c1").ok()


@test(sanitized=False)
def exec_attach_sees_the_process_that_joins(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", exec_attach=PROCESS + NAMESPACES)
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "--detach", "--pid-file", f"{box.dir}/pid", "c1", "sleep", "100").ok()
    with open(f"{box.dir}/pid") as f:
        joined = int(f.read())
    notes = plugins.notes()
    assert joined != pid and f"pid {joined}" in notes and f"pidfd {joined}" in notes, (joined, notes)
    assert any(n.startswith("exe /memfd:") for n in notes), notes
    assert f"ns network {os.stat(f'/proc/{pid}/ns/net').st_ino} cloexec" in notes, notes
    assert f"ns mount {os.stat(f'/proc/{pid}/ns/mnt').st_ino} cloexec" in notes, notes
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def the_namespaces_are_closed_behind_the_callback(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", head="static int seen;",
                    attach='seen = hozo_namespace(ctx, "network"); if (seen < 0) return -1;')
    plugins.watcher("b", after=["a"], attach="""
        char link[64], to[256] = "closed";

        for (int fd = 3; fd < 64; fd++) {
            snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
            memset(to, 0, sizeof(to));
            if (readlink(link, to, sizeof(to) - 1) > 0 && !strncmp(to, "net:", 4))
                note("still open");
        }""")
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["a attach", "b attach"])


@test(sanitized=False)
def a_namespace_of_no_known_type_is_an_error(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", attach='return hozo_namespace(ctx, "net");')
    plugins.run(box.bundle()).fails("plugin a", "namespace", "net")
    box.nothing_left()


@test(sanitized=False)
def when_started_is_called_the_program_runs_and_no_poststart_hook_has(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", started=PROCESS)
    b = box.bundle("sleep 100")
    b.hook("poststart", "/bin/sh", ["sh", "-c", f"echo poststart >> {box.dir}/notes"])
    b.hook("startContainer", "/bin/true")
    pid = plugins.running(b)
    notes = plugins.notes()
    same(notes[0], "a started")
    assert f"pid {pid}" in notes and f"pidfd {pid}" in notes and "exe /bin/sh" in notes, notes
    same(notes[-1], "poststart")
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def when_stopped_is_called_no_process_is_left_and_no_poststop_hook_has_run(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", prepare='hozo_state_set(ctx, "1", 1);', attach="""
        int32_t pid;
        int pidfd;
        char text[16];

        if (hozo_process(ctx, &pid, &pidfd) < 0)
            return -1;
        snprintf(text, sizeof(text), "%d", pid);
        return hozo_state_set(ctx, text, strlen(text));""", stopped="""
        char link[64], exe[64];
        size_t size;

        /* That of a zombie, whom nobody may have collected, cannot be read. */
        snprintf(link, sizeof(link), "/proc/%s/exe", hozo_state_get(ctx, &size));
        note(readlink(link, exe, sizeof(exe)) < 0 ? "gone" : "alive");""")
    b = box.bundle("sleep 100")
    b.hook("poststop", "/bin/sh", ["sh", "-c", f"echo poststop >> {box.dir}/notes"])
    plugins.running(b)
    plugins.notes()
    plugins.hozo("delete", "--force", "c1").ok()
    same(plugins.notes(), ["a stopped", "gone", "poststop"])


# --- what is not allowed where

MISPLACED = {
    "hozo_process": (
        'int32_t p; int fd; return hozo_process(ctx, &p, &fd);', "plan probe prepare exec stopped cleanup"),
    "hozo_namespace": ('return hozo_namespace(ctx, "network");', "plan probe prepare exec cleanup"),
    "hozo_run": (
        'const char *const args[] = {"/bin/true", 0}; struct hozo_run r = {.size = sizeof(r), .args = args}; '
                 'return hozo_run(ctx, &r);', "adjust validate plan exec"),
    "hozo_dlopen": ('return hozo_dlopen(ctx, "libm.so.6") ? 0 : -1;', "adjust validate plan exec"),
    "hozo_state_set": ('return hozo_state_set(ctx, "1", 1);', "adjust validate plan probe exec"),
    "hozo_add_env": (
        'return hozo_add_env(ctx, "A", "b");', "validate plan probe prepare attach started exec cleanup"),
    "hozo_plan_env": ('struct hozo_env e = {sizeof(e), 0, 0, "A", "b"}; return hozo_plan_env(ctx, &e);',
                      "adjust validate probe prepare attach started exec_attach cleanup"),
    "hozo_late": ('return hozo_late(ctx, "x", HOZO_LATE_NUMBER) > 0 ? 0 : -1;', "adjust validate probe prepare exec"),
    "hozo_stats": ('return hozo_stats(ctx, "x", "{}", 2);', "plan prepare started exec update cleanup"),
    "hozo_changed": ('struct hozo_cursor at; return hozo_changed(ctx, 0, "process", &at);',
                     "plan prepare exec update_apply stats"),
    "hozo_next_work": ('struct hozo_work w = {.size = sizeof(w)}; return hozo_next_work(ctx, 0, &w);',
                       "plan started exec update stats"),
    "hozo_late_set": ('struct hozo_value v = {.size = sizeof(v)}; return hozo_late_set(ctx, "x", &v);',
                      "adjust plan probe attach exec"),
}


@test(sanitized=False, cases=MISPLACED)
def a_call_that_has_no_place_in_a_stage_fails_there(box, what):
    """… although the plugin does not pass the failure on."""
    call, where = what
    plugins = MadePlugins(box)
    head = f"""
        static int misplaced(struct hozo_ctx *ctx) {{ {call} }}

        static void try(struct hozo_ctx *ctx, const char *stage)
        {{
            if (!access(stage, F_OK))
                note("answer %d", misplaced(ctx));
        }}"""
    plugins.watcher("a", head=head, **{s: f'try(ctx, beside("in-{s}"));' for s in where.split()})
    b = box.bundle("sleep 100")
    for stage in where.split():
        with open(f"{box.dir}/in-{stage}", "w"):
            pass
        if stage in CREATED:
            plugins.create(b).fails("plugin a", stage)
        else:
            plugins.create(b).ok()
            if stage == "started":
                plugins.hozo("start", "c1").fails("plugin a", stage)
            elif stage in ("exec", "exec_attach"):
                plugins.hozo("start", "c1").ok()
                plugins.hozo("exec", "c1", "true").fails("plugin a", stage, code=255)
            elif stage in ("update", "update_apply"):
                plugins.hozo("update", "c1").fails("plugin a", stage)
            elif stage == "stats":
                plugins.hozo("events", "--stats", "c1").fails("plugin a", stage)
            else:
                plugins.hozo("delete", "c1").fails("plugin a", stage)
        os.remove(f"{box.dir}/in-{stage}")
        plugins.hozo("delete", "--force", "c1").ok()
        assert "answer -1" in plugins.notes(), f"the call has succeeded in {stage}"
        box.nothing_left()


# --- order

ALL = [*CREATED, "started", "exec", "exec_attach", "stopped", "cleanup"]


def order_of(plugins):
    """Stage → plugins in their order, of the notes up to now."""
    order = {}
    for line in plugins.notes():
        name, stage = line.split()
        order.setdefault(stage, []).append(name)
    return order


@test(sanitized=False)
def in_every_stage_plugins_come_as_they_have_declared(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", after=["d", "nobody"], trace=True)
    plugins.watcher("b", trace=True)
    plugins.watcher("c", after=["b"], trace=True)
    plugins.watcher("d", before=["b", "nobody"], trace=True)
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "true").ok()
    end(box, plugins, pid)
    order = order_of(plugins)
    same(sorted(order), sorted(ALL))
    for stage, names in order.items():
        if stage in ("stopped", "cleanup"):
            names = names[::-1]
        same(names, ["d", "a", "b", "c"], stage)


@test(sanitized=False)
def without_declarations_the_order_is_that_of_the_names(box):
    plugins = MadePlugins(box)
    for name, file in {"m": "process@z", "z": "process@a", "a": "mounts@m"}.items():
        plugins.plugin(name, file, trace=True)
    plugins.run(box.bundle()).ok()
    for stage, names in order_of(plugins).items():
        same(names, ["z", "m", "a"] if stage in ("stopped", "cleanup") else ["a", "m", "z"], stage)


@test(sanitized=False)
def a_plugin_can_come_after_the_manager_of_control_groups(box):
    plugins = MadePlugins(box)
    looks = "struct stat st; note(\"%d\", stat(WHERE, &st));"
    b = box.bundle()
    where = f'#define WHERE "{host.controller_directory("pids", b.linux["cgroupsPath"])}"'
    plugins.watcher("zz", head=where, before=["cgroup"], prepare=looks)
    plugins.watcher("aa", head=where, after=["cgroup"], prepare=looks, cleanup=looks)
    plugins.run(b).ok()
    same(plugins.notes(), ["zz prepare", "-1", "aa prepare", "0", "aa cleanup", "0"])


@test(sanitized=False)
def a_circle_is_an_error_that_names_those_in_it(box):
    plugins = MadePlugins(box)
    plugins.watcher("first", before=["second"])
    plugins.watcher("second", before=["third"])
    plugins.watcher("third", before=["first"])
    plugins.watcher("outside", plan="")
    plugins.watcher("waiting", after=["third"])
    r = plugins.run(box.bundle()).fails("first", "second", "third")
    assert "outside" not in r.err and "waiting" not in r.err, r
    box.nothing_left()
    same(plugins.notes(), [])


@test(sanitized=False)
def who_would_come_before_himself_is_an_error(box):
    plugins = MadePlugins(box)
    plugins.watcher("narcissus", before=["narcissus"])
    plugins.run(box.bundle()).fails("narcissus")
    box.nothing_left()


# --- what is kept

@test(sanitized=False)
def the_state_crosses_executions(box):
    plugins = MadePlugins(box)
    tells = """
        size_t size = 0;
        const char *text = hozo_state_get(ctx, &size);

        note("%s", text && strlen(text) == size ? text : text ? "of another size" : "nothing");"""
    finds = """
        struct hozo_cursor n, s;

        if (hozo_state_find(ctx, 0, "big", &n) != 1 || hozo_state_find(ctx, 0, "deep.er", &s) != 1 ||
            hozo_state_find(ctx, 0, "none", &s) != 0 || hozo_state_find(ctx, 0, "deep.er", &s) != 1)
            return -1;
        note("%llu %s", (unsigned long long)hozo_as_uint(ctx, &n), hozo_as_string(ctx, &s));"""
    value = r'{\"big\": 18446744073709551615, \"deep\": {\"er\": \"\\u0001x\"}}'
    plugins.watcher("a",
                    head=f'#define VALUE "{value}"\nstatic int tell(struct hozo_ctx *ctx) {{ {tells} return 0; }}'
                    f'static int finds(struct hozo_ctx *ctx) {{ {finds} return 0; }}',
                    prepare='tell(ctx); return hozo_state_set(ctx, VALUE, sizeof(VALUE) - 1);',
                    attach="return finds(ctx);", started="return finds(ctx);", exec="return finds(ctx);",
                    exec_attach='if (finds(ctx)) return -1; return hozo_state_set(ctx, "[1]", 3);',
                    stopped='tell(ctx); return hozo_state_set(ctx, "\\"last\\"", 6);', cleanup="return tell(ctx);")
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.hozo("exec", "c1", "true").ok()
    end(box, plugins, pid)
    found = "18446744073709551615 \x01x"
    same(plugins.notes(), ["a prepare", "nothing", "a attach", found, "a started", found, "a exec", found,
                           "a exec_attach",
                           found, "a stopped", "[1]", "a cleanup", '"last"'])


@test(sanitized=False)
def each_plugin_has_a_state_of_its_own(box):
    plugins = MadePlugins(box)
    for name in ("a", "b"):
        plugins.watcher(name, prepare=f'return hozo_state_set(ctx, "\\"of {name}\\"", 6);', cleanup="""
            size_t size;
            const char *text = hozo_state_get(ctx, &size);

            note("%.*s", (int)size, text);""")
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["a prepare", "b prepare", "b cleanup", '"of b"', "a cleanup", '"of a"'])


@test(sanitized=False)
def what_is_kept_is_on_disk_when_the_call_returns(box):
    plugins = MadePlugins(box)
    looks = """
        char text[65536] = "";
        FILE *f = fopen(beside("state/c1/state.json"), "re");
        size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

        note("%s %s", n && strstr(text, "\\"a\\"") ? "named" : "unknown", strstr(text, "kept") ? "kept" : "empty");
        if (f) fclose(f);"""
    plugins.watcher("a", head=f"static void look(void) {{ {looks} }}",
                    prepare='look(); if (hozo_state_set(ctx, "{\\"kept\\": 1}", 11)) return -1; look();')
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), ["a prepare", "named empty", "named kept"])


@test(sanitized=False, cases={"no JSON": "nothing", "two values": "1 2", "no UTF-8": "\\\"\\xff\\\"", "empty": ""})
def what_is_no_json_value_is_not_kept(box, text):
    plugins = MadePlugins(box)
    plugins.watcher("a", head=f'static const char text[] = "{text}";',
                    prepare="hozo_state_set(ctx, text, sizeof(text) - 1);")
    plugins.run(box.bundle()).fails("plugin a")
    box.nothing_left()


@test(sanitized=False)
def a_plugin_that_is_older_than_its_state_is_refused(box):
    plugins = MadePlugins(box)
    keeps = dict(prepare='return hozo_state_set(ctx, "7", 1);', stopped="", cleanup="")
    plugins.watcher("a", state_version=2, **keeps)
    plugins.create(box.bundle()).ok()
    plugins.notes()
    plugins.watcher("a", state_version=1, **keeps)
    plugins.hozo("delete", "c1").fails("plugin a", "version 1", "is 2")
    same(plugins.notes(), [])
    same(box.state()["status"], "stopped")
    plugins.hozo("delete", "c1").fails("plugin a", "version 1", "is 2")
    r = plugins.hozo("delete", "--force", "c1").ends(0)
    r.says("a", "hozo plugin clean")
    same(r.err.count("\n"), 1)
    box.unknown()
    plugins.hozo("plugin", "clean").ends(1)
    same(plugins.notes(), [])
    plugins.watcher("a", state_version=3, prepare="", cleanup="""
        size_t size;

        note("%s", hozo_state_get(ctx, &size));""")
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(plugins.notes(), ["a cleanup", "7"])
    box.nothing_left()


@test(sanitized=False)
def a_plugin_without_which_exec_would_differ_is_missed_by_exec(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", exec="")
    pid = plugins.running(box.bundle("sleep 100"))
    os.rename(f"{plugins.path}/process@a.so", f"{box.dir}/a.so")
    plugins.hozo("exec", "c1", "true").fails("a", "process@a.so", code=255)
    os.rename(f"{box.dir}/a.so", f"{plugins.path}/process@a.so")
    plugins.hozo("exec", "c1", "true").ok()
    end(box, plugins, pid)


@test(sanitized=False)
def of_several_plugins_only_the_one_that_is_gone_is_orphaned(box):
    plugins = MadePlugins(box)
    for name in ("a", "b", "c"):
        plugins.watcher(name, prepare=f'return hozo_state_set(ctx, "\\"of {name}\\"", 6);', stopped="", cleanup="""
            size_t size;

            note("%s %s", hozo_id(ctx), hozo_state_get(ctx, &size));""")
    plugins.create(box.bundle()).ok()
    os.rename(f"{plugins.path}/process@b.so", f"{box.dir}/b.so")
    plugins.hozo("delete", "c1").fails("b", "process@b.so")
    plugins.notes()
    r = plugins.hozo("delete", "--force", "c1").ends(0).says("plugin b", "hozo plugin clean")
    same(r.err.count("\n"), 1)
    assert [n for n in plugins.notes() if "of" in n] == ['c1 "of c"', 'c1 "of a"']
    # Its name is free; a second container of that name may leave an orphan as well.
    plugins.create(box.bundle()).ok()
    plugins.notes()
    plugins.hozo("delete", "c1").ok()
    os.rename(f"{box.dir}/b.so", f"{plugins.path}/process@b.so")
    plugins.create(box.bundle()).ok()
    os.rename(f"{plugins.path}/process@b.so", f"{box.dir}/b.so")
    plugins.hozo("delete", "--force", "c1").ends(0)
    plugins.notes()
    os.rename(f"{box.dir}/b.so", f"{plugins.path}/process@b.so")
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\nc1: cleaned\n")
    same([n for n in plugins.notes() if "of" in n], ['c1 "of b"', 'c1 "of b"'])
    same(plugins.hozo("plugin", "clean").ok().out, "")
    box.nothing_left()


@test(sanitized=False)
def an_orphan_stays_until_its_plugin_succeeds(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", cleanup=FAILS)
    plugins.create(box.bundle()).ok()
    plugins.hozo("delete", "c1").fails("does not like it")
    plugins.hozo("delete", "--force", "c1").ends(0).says("plugin a", "hozo plugin clean")
    box.unknown()
    r = plugins.hozo("plugin", "clean").ends(1)
    assert r.out.startswith("c1: ") and "does not like it" in r.out, r
    same(json.loads(plugins.hozo("list", "--format", "json").ok().out), None)
    plugins.watcher("a", cleanup="")
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    box.nothing_left()


# --- the configuration stays what it was

@test(sanitized=False)
def what_becomes_of_the_bundle_changes_nothing_for_later_verbs(box):
    plugins = MadePlugins(box, installed=False)
    tells = 'note("%s %s", value(ctx, "process.cwd"), value(ctx, "linux.memoryPolicy.mode"));'
    key = """
        const char *text = "none";

        if (hozo_annotation(ctx, "org.test.a", &text) < 0)
            return -1;
        note("%s", text);"""
    plugins.plugin("a", "linux.memoryPolicy", fields=[
        ("linux.memoryPolicy", "OBJECT"), ("linux.memoryPolicy.mode",), ("process.cwd", "STRING", "READ")],
        annotations=[("org.test.a", "READ")],
        **{stage: tells + key for stage in ("started", "exec", "exec_attach", "stopped", "cleanup")})
    b = box.bundle("echo $WHO; sleep 100")
    b.linux["memoryPolicy"] = {"mode": "MPOL_LOCAL"}
    b.process["cwd"] = "/tmp"
    b.process["env"].append("WHO=first")
    b.config["annotations"] = {"org.test.a": "old"}
    created = plugins.create(b).ok()
    del b.linux["memoryPolicy"]
    b.process["cwd"] = "/var"
    b.process["env"][-1] = "WHO=second"
    b.config["annotations"] = {"org.test.a": "new"}
    b.program("echo wrong")
    b.write()
    plugins.hozo("start", "c1").ok()
    host.eventually(lambda: created.out == "first\n", 5, "the old program's output")
    same(plugins.hozo("exec", "c1", "/bin/sh", "-c", "echo $WHO").ok().out, "first\n")
    os.remove(f"{b.path}/config.json")
    same(box.state()["annotations"], {"org.test.a": "old"})
    plugins.hozo("delete", "--force", "c1").ok()
    notes = plugins.notes()
    same([n for n in notes if not n.startswith("a ")], ["/tmp MPOL_LOCAL", "old"] * 5)
