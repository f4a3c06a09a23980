# SPDX-License-Identifier: Apache-2.0
"""Plugins that crash, hang, leave, or do what they have not declared: who is harmed, what is said, what is left."""
import json
import os
import shutil
import time

import host
from harness import same, test
from made_plugins import MadePlugins

HEAD = r"""
#include <sys/mman.h>
#include <sys/wait.h>

static volatile int zero;
static int deep(int n) { volatile char room[4096]; room[0] = (char)n; return deep(n + 1) + room[0]; }
"""
WAYS = {
    "SIGSEGV": ("*(volatile int *)(long)zero = 1;", "crashed (SIGSEGV)"),
    "SIGBUS": ('int fd = open(beside("empty"), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);'
               "void *at = mmap(0, 1, PROT_READ, MAP_PRIVATE, fd, 0);"
               "zero = *(volatile int *)at;", "crashed (SIGBUS)"),
    "abort": ("abort();", "aborted (SIGABRT)"),
    "endless recursion": ("deep(0);", "crashed (SIGSEGV)"),
    "division by zero": ("zero = 77 / zero;", "crashed (SIGFPE)"),
    "hang": ("for (;;) pause();", "did not end within the time limit"),
    "busy": ("for (;;) zero = 1;", "did not end within the time limit"),
    "exit(0)": ("exit(0);", "called exit()"),
    "exit(3)": ("exit(3);", "called exit()"),
    "_exit(0)": ("_exit(0);", "called _exit()"),
    "_Exit(0)": ("_Exit(0);", "called _Exit()"),
    "quick_exit(0)": ("quick_exit(0);", "called quick_exit()"),
}
EARLY = ("load", "adjust", "plan", "probe", "prepare", "attach")
LATER = {"update": ("update",), "update_apply": ("update",), "stats": ("events", "--stats"), "pause": ("pause",)}
CALLBACKS = (*EARLY, "started", "exec", "exec_attach", *LATER, "resume", "stopped", "cleanup")
# Each callback in the ways that differ in how they are noticed, one of them in all.
MATRIX = {f"{where}: {way}": (where, way) for where in CALLBACKS for way in WAYS
          if way in ("SIGSEGV", "hang", "exit(0)") or where == "prepare"
          or (where in ("load", "cleanup") and way not in ("busy", "_Exit(0)", "quick_exit(0)"))}


class Scene:
    """The plugin `bad` between two good ones, all for those who ask by annotation; a neighbour who does not."""

    def __init__(self, box, where, way):
        self.box, self.plugins, self.where = box, MadePlugins(box), where
        self.plugins.settings(hozo={"callbackSeconds": 1})
        for name in ("a", "z"):
            self.plugins.key(name, prepare="", stopped="", cleanup="")
        self.install(where, way)
        self.plugins.create(box.bundle(["/bin/sleep", "100"]), id="neighbour").ok()
        self.plugins.hozo("start", "neighbour").ok()
        self.before = box.leftovers()
        self.log = f"{box.dir}/log"

    def install(self, where=None, way=None):
        self.where, self.says = where, WAYS[way][1] if way else ""
        callbacks = dict(prepare="", cleanup="")
        if where and where != "load":
            callbacks[where] = WAYS[way][0]
        head = HEAD
        if where == "load":
            head += f"__attribute__((constructor)) static void load(void) {{ {WAYS[way][0]} }}"
        if os.path.exists(f"{self.plugins.path}/annotations.org.test.bad.so"):
            os.remove(f"{self.plugins.path}/annotations.org.test.bad.so")
        self.plugins.key("bad", head=head, **callbacks)

    def bundle(self, program=("/bin/sleep", "100")):
        b = self.box.bundle(program)
        b.config["annotations"] = {f"org.test.{name}": "1" for name in ("a", "bad", "z")}
        return b

    def hozo(self, *arguments):
        return self.plugins.hozo("--log", self.log, "--log-format", "json", *arguments)

    def create(self, id="c1"):
        return self.hozo("create", "--bundle", self.bundle().write().path, id)

    def told(self, result, code=1):
        """One line on standard error, and one in the log, name plugin and callback."""
        result.fails("bad", f": {self.where}: {self.says}", code=code)
        self.logged()
        return result

    def logged(self):
        with open(self.log) as f:
            lines = [json.loads(line) for line in f]
        assert lines and all(set(line) == {"level", "msg", "time"} for line in lines), lines
        assert any("bad" in line["msg"] and f": {self.where}: {self.says}" in line["msg"] for line in lines), lines
        os.remove(self.log)
        return lines

    def nothing_more(self):
        """Nothing is left but the neighbour, who is well; others can come."""
        deadline = time.monotonic() + 10
        while (left := self.box.leftovers()) != self.before and time.monotonic() < deadline:
            time.sleep(0.01)
        same(sorted(left), sorted(self.before))
        same(self.box.state("neighbour")["status"], "running")
        same(self.plugins.run(self.box.bundle("echo fine"), id="c2").ok().out, "fine\n")


def undone(notes):
    """Whose cleanup was called, in order."""
    return [n.split()[0] for n in notes if n.endswith(" cleanup")]


@test(sanitized=False, cases=MATRIX)
def a_plugin_that_breaks_is_named_and_harms_one_container(box, what):
    where, way = what
    scene = Scene(box, where, way)
    if where in EARLY:
        scene.told(scene.create())
        scene.nothing_more()
        notes = scene.plugins.notes()
        assert not [n for n in notes if n.endswith(" stopped")], notes
        same(undone(notes), {"prepare": ["bad", "a"], "attach": ["z", "bad", "a"]}.get(where, []))
        return
    scene.create().ok()
    if where == "started":
        pid = box.state()["pid"]
        scene.told(scene.hozo("start", "c1"))
        host.eventually(lambda: not host.alive(pid), what="the end of the program")
        same(box.state()["status"], "stopped")
        scene.hozo("delete", "c1").ok()
    elif where.startswith("exec"):
        scene.hozo("start", "c1").ok()
        processes = box.leftovers()
        scene.told(scene.hozo("exec", "c1", "true"), code=255)
        host.eventually(lambda: box.leftovers() == processes, what="the end of the process that was to join")
        same(box.state()["status"], "running")
        scene.hozo("delete", "--force", "c1").ok()
    elif where in LATER:
        scene.hozo("start", "c1").ok()
        scene.told(scene.hozo(*LATER[where], "c1"))
        same(box.state()["status"], "running")
        scene.hozo("delete", "--force", "c1").ok()
    elif where == "resume":
        scene.hozo("pause", "c1").ok()
        scene.told(scene.hozo("resume", "c1"))
        scene.hozo("delete", "--force", "c1").ok()
    else:
        undo_breaks(box, scene)
    scene.nothing_more()


def undo_breaks(box, scene):
    """`delete` fails as often as it is tried; with force it ends, and the rest can be done later."""
    scene.told(scene.hozo("delete", "c1"))
    same(box.state()["status"], "stopped")
    if "time limit" not in scene.says:
        scene.told(scene.hozo("delete", "c1"))
    scene.plugins.notes()
    r = scene.hozo("delete", "--force", "c1").ends(0).says("bad", scene.says)
    same(r.err.count("\n"), 1)
    r.says("hozo plugin clean")
    scene.logged()
    box.unknown()
    notes = undone(scene.plugins.notes())
    assert "a" in notes and "z" in notes, notes
    scene.install()
    same(scene.plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(undone(scene.plugins.notes()), ["bad"])


@test(sanitized=False)
def how_a_process_that_a_callback_forks_ends_is_its_own_affair(box):
    plugins = MadePlugins(box)
    ways = "_exit(0);", "_Exit(0);", "exit(0);", "quick_exit(0);", "abort();"
    plugins.watcher("a", head=HEAD, prepare="".join(f"""
        {{
            pid_t child = fork();

            if (!child)
                {way}
            waitpid(child, 0, 0);
        }}""" for way in ways))
    same(plugins.run(box.bundle("echo fine")).ok().out, "fine\n")
    same(plugins.notes(), ["a prepare"])


# --- other verbs, and run

@test(sanitized=False, cases={f"{where}: {way}": (where, way) for where, way in [
    ("adjust", "SIGSEGV"), ("prepare", "hang"), ("attach", "SIGSEGV"), ("started", "SIGSEGV"), ("started", "hang")]})
def run_that_breaks_before_its_end_leaves_nothing(box, what):
    scene = Scene(box, *what)
    scene.told(scene.hozo("run", "--bundle", scene.bundle().write().path, "c1"))
    scene.nothing_more()


@test(sanitized=False, cases={f"{where}: {way}": (where, way) for where, way in [
    ("stopped", "SIGSEGV"), ("stopped", "exit(0)"), ("cleanup", "SIGSEGV"), ("cleanup", "hang")]})
def run_that_cannot_undo_says_so_and_leaves_it_to_delete(box, what):
    scene = Scene(box, *what)
    r = scene.hozo("run", "--bundle", scene.bundle("echo ran; exit 4").write().path, "c1")
    r.ends(1).says("bad", scene.says)
    same((r.out, r.err.count("\n")), ("ran\n", 1))
    scene.logged()
    same(box.state()["status"], "stopped")
    undo_breaks(box, scene)
    scene.nothing_more()


@test(sanitized=False)
def a_plan_breaks_as_a_create_does(box):
    scene = Scene(box, None, None)
    for where, way in ("load", "SIGSEGV"), ("plan", "exit(0)"), ("adjust", "hang"):
        scene.install(where, way)
        scene.told(scene.hozo("plan", "--bundle", scene.bundle().write().path))
    scene.nothing_more()


@test(sanitized=False)
def a_plugin_that_cannot_be_loaded_any_more_is_orphaned_by_force(box):
    scene = Scene(box, None, None)
    scene.create().ok()
    scene.install("load", "SIGSEGV")
    scene.told(scene.hozo("delete", "c1"))
    scene.hozo("delete", "--force", "c1").ends(0).says("org.test.bad", "crashed")
    box.unknown()
    scene.install()
    scene.plugins.notes()
    same(scene.plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(undone(scene.plugins.notes()), ["bad"])
    scene.nothing_more()


@test(sanitized=False)
def two_that_break_in_cleanup_are_both_orphaned(box):
    scene = Scene(box, "cleanup", "SIGSEGV")
    scene.plugins.key("a", stopped="", cleanup="exit(0);")
    scene.create().ok()
    r = scene.hozo("delete", "--force", "c1").ends(0).says("plugin a", "plugin bad", "called exit()", "crashed")
    box.unknown()
    assert r.err.count("\n") <= 4, r
    scene.plugins.key("a", cleanup="")
    scene.plugins.notes()
    left = scene.plugins.hozo("plugin", "clean")
    assert left.code, left
    scene.install()
    scene.plugins.hozo("plugin", "clean").ok()
    assert set(undone(scene.plugins.notes())) == {"a", "bad"}
    scene.nothing_more()


@test(sanitized=False, cases={way: way for way in ("SIGSEGV", "exit(0)", "hang")})
def one_orphan_whose_plugin_breaks_keeps_no_other_from_being_cleaned(box, way):
    scene = Scene(box, None, None)
    for id in "c1", "c2", "c3":
        scene.create(id).ok()
    for name in "a", "bad":
        os.rename(f"{scene.plugins.path}/annotations.org.test.{name}.so", f"{box.dir}/{name}.so")
    scene.hozo("delete", "--force", "c1").ends(0)
    os.rename(f"{box.dir}/bad.so", f"{scene.plugins.path}/annotations.org.test.bad.so")
    for id in "c2", "c3":
        scene.hozo("delete", "--force", id).ends(0)
    os.rename(f"{box.dir}/a.so", f"{scene.plugins.path}/annotations.org.test.a.so")
    scene.install("cleanup", way)
    os.remove(scene.log)
    r = scene.hozo("plugin", "clean").ends(1).says("bad", scene.says)
    assert "c2: cleaned\nc3: cleaned\n" in r.out and r.err.count("\n") == 1, r
    scene.logged()
    scene.install()
    same(scene.plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    scene.nothing_more()


@test(sanitized=False)
def a_program_does_not_outlive_the_time_of_its_plugin(box):
    plugins = MadePlugins(box)
    plugins.settings(hozo={"callbackSeconds": 1})
    plugins.watcher("a", prepare="""
        static const char *const args[] = {"/bin/sh", "-c", "sleep 99 & sleep 98", 0};
        struct hozo_run r = {.size = sizeof(r), .args = args};

        return hozo_run(ctx, &r);""")
    begin = time.monotonic()
    plugins.run(box.bundle()).fails("plugin a: prepare: did not end within the time limit")
    assert time.monotonic() - begin < 20
    box.nothing_left()


@test(sanitized=False)
def programs_together_have_the_time_of_their_plugin(box):
    plugins = MadePlugins(box)
    plugins.settings(hozo={"callbackSeconds": 1})
    plugins.watcher("a", prepare="""
        static const char *const args[] = {"/bin/sleep", "0.3", 0};
        struct hozo_run r = {.size = sizeof(r), .args = args, .timeout = 900};

        for (;;)
            if (hozo_run(ctx, &r) || r.status)
                return hozo_error(ctx, 0, 0, "status %d", r.status);""")
    begin = time.monotonic()
    plugins.run(box.bundle()).fails("plugin a: prepare: did not end within the time limit")
    assert time.monotonic() - begin < 20
    box.nothing_left()


# --- what stays behind in hozo itself

@test(sanitized=False, cases={
    "a thread": ("""#include <pthread.h>
                    static void *idle(void *x) { pause(); return x; }
                    static pthread_t t;
                    __attribute__((constructor)) static void load(void) { pthread_create(&t, 0, idle, 0); }""",
                 "thread"),
    "a descriptor": (
        '__attribute__((constructor)) static void load(void) { open("/etc/passwd", O_RDONLY); }', "descriptor"),
    "a descriptor less": (
        '__attribute__((constructor)) static void load(void) { for (int i = 3; i < 99; i++) close(i); }',
                          "descriptor"),
})
def loading_must_leave_nothing(box, what):
    head, says = what
    plugins = MadePlugins(box)
    plugins.key("bad", head=head, plan="")
    b = box.bundle("echo fine")
    same(plugins.run(b).ok().out, "fine\n")
    b.config["annotations"] = {"org.test.bad": "1"}
    plugins.run(b).fails("org.test.bad.so", says)
    box.nothing_left()


@test(sanitized=False)
def a_descriptor_that_a_plugin_keeps_open_reaches_nobody(box):
    """Vendors' libraries forget O_CLOEXEC."""
    plugins = MadePlugins(box)
    leak = 'for (int i = 0; i < 3; i++) dup2(open(beside("leaked"), O_CREAT | O_RDWR, 0600), 50 + i);'
    plugins.watcher("a", adjust=leak, prepare=leak, attach=leak, started=leak, exec=leak, exec_attach=leak,
                    stopped=leak,
                    cleanup=leak)
    plugins.watcher("b", prepare="""
        static const char *const args[] = {"/bin/sh", "-c", "ls -l /proc/self/fd", 0};
        struct hozo_run r = {.size = sizeof(r), .args = args};

        if (hozo_run(ctx, &r))
            return -1;
        note("%s", r.output);""")
    seen = f"ls -l /proc/self/fd/ >> {box.dir}/notes"
    b = box.bundle("ls -l /proc/self/fd; sleep 100")
    for kind in "createRuntime", "poststart", "poststop":
        b.hook(kind, "/bin/sh", ["sh", "-c", seen])
    b.bind(box.dir, "/tmp")
    for kind in "createContainer", "startContainer":
        b.hook(kind, "/bin/sh", ["sh", "-c",
                                 "ls -l /proc/self/fd/ >> " + ("/tmp" if kind == "startContainer" else box.dir)
                                 + "/notes"])
    output = plugins.create(b).ok()
    pid = box.state()["pid"]
    waiting = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    plugins.hozo("start", "c1").ok()
    host.eventually(lambda: output.out.count("\n") > 3, 5, "the program's list")
    joined = plugins.hozo("exec", "c1", "ls", "-l", "/proc/self/fd").ok().out
    plugins.hozo("delete", "--force", "c1").ok()
    notes = "\n".join(plugins.notes())
    same(notes.count("total "), 6, notes)
    for where in (*waiting, output.out, joined, notes):
        assert "leaked" not in where, where
        assert " 50 ->" not in where, where


@test(sanitized=False)
def what_a_plugin_changes_in_its_process_changes_nothing_for_others(box):
    """Signal mask, what signals do, file mode mask, working directory, environment."""
    plugins = MadePlugins(box)
    spoil = """
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, 0);
        signal(SIGCHLD, SIG_IGN);
        signal(SIGALRM, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        umask(0777);
        if (chdir("/etc"))
            return -1;
        clearenv();"""
    stages = ("probe", "prepare", "attach", "started", "exec_attach", "stopped", "cleanup")
    plugins.watcher("a", **{s: spoil for s in stages})
    plugins.watcher("b", **{s: """
        static const char *const args[] = {"/bin/sh", "-c", "exit 5", 0};
        struct hozo_run r = {.size = sizeof(r), .args = args};

        if (hozo_run(ctx, &r))
            return -1;
        note("status %d", r.status);""" for s in stages})
    shows = "grep -E 'Sig(Blk|Ign)' /proc/self/status; umask; pwd"
    b = box.bundle(shows + "; touch /tmp/x; ls -l /tmp/x")
    b.mount("/tmp")
    b.hook("createRuntime", "/bin/sh", ["sh", "-c", f"(grep Sig[BI] /proc/self/status; umask) >> {box.dir}/notes"])
    for kind in "poststart", "poststop":
        b.hook(kind, "/bin/true")
    before = box.run(b, id="c0").ok().out
    plain = [n for n in plugins.notes()]
    r = plugins.hozo("run", "--pid-file", "pid", "--bundle", b.write().path, "c1", cwd=box.dir).ok()
    same(r.out, before, "the program")
    assert os.path.exists(f"{box.dir}/pid"), "the pid file lies where it was asked for"
    same(os.stat(f"{box.dir}/pid").st_mode & 0o777, 0o644)
    same([n for n in plugins.notes() if not n.startswith(("a ", "b ", "status"))], plain, "a hook")
    same(box.leftovers(), [])
    b.program("sleep 100")
    plugins.create(b).ok()
    plugins.hozo("start", "c1").ok()
    same(plugins.hozo("exec", "c1", "/bin/sh", "-c", shows).ok().out, "\n".join(before.splitlines()[:-1]) + "\n")
    plugins.hozo("delete", "--force", "c1").ok()
    box.nothing_left()


@test(sanitized=False)
def who_hangs_behind_one_that_blocks_all_signals_is_seen_all_the_same(box):
    plugins = MadePlugins(box)
    plugins.settings(hozo={"callbackSeconds": 1})
    plugins.watcher("a", prepare="""
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, 0);
        signal(SIGALRM, SIG_IGN);""")
    plugins.watcher("b", prepare="for (;;) pause();")
    plugins.run(box.bundle()).fails("plugin b: prepare: did not end within the time limit")
    box.nothing_left()


# --- what is not declared, and answers that are none

UNDECLARED = {
    "a field": ('hozo_find(ctx, 0, "process.cwd", &at);', "process.cwd"),
    "a field beside a declared one": (
        'hozo_find(ctx, 0, "hostname", &at); hozo_find(ctx, 0, "domainname", &at);', "domainname"),
    "an element": ('if (hozo_find(ctx, 0, "mounts", &at) == 1) hozo_item(ctx, &at, 0, &at, 0);', "mounts"),
    "an annotation": ('hozo_annotation(ctx, "org.other", &text);', "org.other"),
    "an annotation that begins alike": ('hozo_annotation(ctx, "org.testing", &text);', "org.testing"),
    "a setting": ('hozo_setting(ctx, 0, "mode", &at);', "mode"),
    "all annotations": ('hozo_find(ctx, 0, "annotations", &at);', "annotations"),
    "one after the other": ('hozo_find(ctx, 0, "", &at); hozo_item(ctx, &at, 0, &at, 0);', "ociVersion"),
    "by a cursor of nothing": ('memset(&at, 0, sizeof(at)); hozo_find(ctx, &at, "hostname", &at);', "cursor"),
}


@test(sanitized=False, cases=UNDECLARED)
def what_is_not_declared_cannot_be_read(box, what):
    """… also by a plugin that does not look at the answer."""
    body, says = what
    plugins = MadePlugins(box)
    reads = "struct hozo_cursor at; const char *text; (void)text;" + body
    for stage in "plan", "prepare":
        plugins.watcher("a", fields=[("hostname", "STRING", "READ"), ("mounts", "ARRAY", "READ"),
                                     ("process.user.uid", "UINT", "READ")],
                        annotations=[("org.test.", "READ")], **{stage: reads})
        b = box.bundle()
        b.config["annotations"] = {"org.other": "1", "org.testing": "2"}
        plugins.run(b).fails("plugin a ", says)
        box.nothing_left()


ANSWERS = {
    "-1 without a word": (
        "return -1;", "does not say why"), "2": ("return 2;", "returned 2"), "1": ("return 1;", "returned 1"),
    "a failure that it forgets": ('hozo_error(ctx, 0, "process.cwd", "forgotten");', "process.cwd: forgotten"),
    "two errors": ('hozo_error(ctx, 0, 0, "first"); return hozo_error(ctx, 0, 0, "second");', ""),
    "an error of several lines": (
        'return hozo_error(ctx, 0, "a\\nb", "c\\nd\\r\\033[31m");', "c\\x0ad\\x0d\\x1b[31m"),
    "an endless error": ('char text[70000]; memset(text, 120, sizeof(text)); text[69999] = 0;'
                         "return hozo_error(ctx, 0, text, \"%s\", text);", "xxxx"),
    "an odd errno": ('return hozo_error(ctx, 99999, 0, "odd");', "odd"),
}


@test(sanitized=False, cases={f"{answer}, {stage}": (stage, *ANSWERS[answer]) for answer in ANSWERS
                              for stage in ("plan", "prepare")})
def an_answer_that_is_none_is_an_error_of_one_line(box, what):
    stage, body, says = what
    plugins = MadePlugins(box)
    plugins.key("a", **{stage: body})
    b = box.bundle()
    b.config["annotations"] = {"org.test.a": "1"}
    r = plugins.hozo("--log", f"{box.dir}/log", "--log-format", "json", "run", "--bundle", b.write().path,
                     "c1").fails(says)
    with open(f"{box.dir}/log") as f:
        [line] = f.read().splitlines()
    assert json.loads(line)["msg"] in r.err, (line, r)
    box.nothing_left()


CLAIMS = {
    "a field of the core": ([("process.args", "ARRAY")], "process.args"),
    "a field of the core below its own": ([("linux.namespaces[].type",)], "linux.namespaces[].type"),
    "a field of another type": ([("linux.memoryPolicy.mode", "INT")], "linux.memoryPolicy.mode"),
    "to read another type": ([("process.cwd", "INT", "READ")], "process.cwd"),
    "no use": ([("linux.memoryPolicy.mode", "STRING", "REQUIRED")], "linux.memoryPolicy.mode"),
}


@test(sanitized=False, cases=CLAIMS)
def who_claims_what_is_not_his_is_not_taken(box, what):
    fields, says = what
    plugins = MadePlugins(box, installed=False)
    plugins.key("a", fields=fields, plan="")
    b = box.bundle("echo fine")
    same(plugins.run(b).ok().out, "fine\n")
    b.config["annotations"] = {"org.test.a": "1"}
    plugins.run(b).fails("org.test.a.so", says)
    r = plugins.hozo("plugin", "list").ends(1)
    assert says in r.out, r
    same(plugins.notes(), [])
    box.nothing_left()


def call(phase, rest):
    return f"struct hozo_syscall c = {{sizeof(c), {phase}, 0, {rest}}}; hozo_plan_syscall(ctx, &c);"


PLANS = {
    "a system call in another phase": (call("HOZO_PHASE_PREPARE", '"getpid", SYS_getpid'), ""),
    "a system call in no phase": (call("77", '"getpid", SYS_getpid'), ""),
    "a pointer behind its memory": (call("HOZO_PHASE_PROCESS", '"x", SYS_getpid, {5}, 1, 0, "abc", 4'), ""),
    "a pointer without memory": (call("HOZO_PHASE_PROCESS", '"x", SYS_getpid, {0}, 1'), ""),
    "a seventh argument": (call("HOZO_PHASE_PROCESS", '"x", SYS_getpid, {0}, 1 << 6'), ""),
    "a late value without a handle": (call("HOZO_PHASE_PROCESS", '"x", SYS_getpid, {0}, 0, 1'), ""),
    "a pointer that is late": ('int n = hozo_late(ctx, "n", HOZO_LATE_NUMBER);'
                               + call("HOZO_PHASE_PROCESS", '"x", SYS_getpid, {(uint64_t)n}, 1, 1, "abc", 4'), ""),
    "a system call without a name": (call("HOZO_PHASE_PROCESS", "0, SYS_getpid"), ""),
    "work in another phase": (
        'struct hozo_work w = {sizeof(w), HOZO_PHASE_MOUNTS, 0, "write", "x"}; hozo_plan_work(ctx, &w);', ""),
    "work without a name": ('struct hozo_work w = {sizeof(w), HOZO_PHASE_PREPARE}; hozo_plan_work(ctx, &w);', ""),
    "a second control group": (
        'struct hozo_cgroup g = {.size = sizeof(g), .directory = "/sys/fs/cgroup/x", .list = "/x"}; '
                               "hozo_set_cgroup(ctx, &g);", "control group"),
}


@test(sanitized=False, cases=PLANS)
def what_cannot_be_planned_is_an_error(box, what):
    body, says = what
    plugins = MadePlugins(box)
    plugins.watcher("z", plan=body)
    plugins.run(box.bundle()).fails("plugin z", says)
    plugins.plan(box.bundle()).fails("plugin z", says)
    box.nothing_left()


@test(sanitized=False)
def a_large_state_is_kept_and_one_beyond_all_measure_is_not(box):
    plugins = MadePlugins(box)
    big = """
        size_t size = %d;
        char *text = malloc(size);

        memset(text, 'x', size);
        text[0] = text[size - 1] = '"';
        return hozo_state_set(ctx, text, size);"""
    tells = 'size_t size; hozo_state_get(ctx, &size); note("%zu", size);'
    plugins.watcher("a", prepare=big % 1000000, cleanup=tells)
    plugins.run(box.bundle()).ok()
    same(plugins.notes()[-1], "1000000")
    plugins.watcher("a", prepare=big % 20000000, cleanup=tells)
    plugins.run(box.bundle()).fails("plugin a")
    box.nothing_left()
