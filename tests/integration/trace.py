# SPDX-License-Identifier: Apache-2.0
"""--trace: which spans it has, that they are where they belong, and that nothing else changes."""
import collections
import os
import re
import shutil
import socket
import subprocess

import harness
import host
from box import ENVIRONMENT
from harness import Skip, libc, same, test
from seccomp_probe import profile, rule
from traces import Trace, planned

NAP = 50  # milliseconds


def traced(box, *arguments, complete=True, code=0, **more):
    file = f"{box.dir}/trace.json"
    box.hozo("--trace", file, *arguments, **more).ends(code)
    return Trace(file, complete)


def compare_with_plan(box, b, *options):
    """Runs it, and compares what was done with what was planned."""
    b.write()
    arguments = ("--bundle", b.path, *options, "c1")
    wanted = planned(box.hozo("plan", "--json", *arguments).ok().out)
    t = traced(box, "run", *arguments)
    same(t.operations(), wanted)
    return t


@test
def each_operation_of_the_plan_is_there_once(box):
    t = compare_with_plan(box, box.bundle())
    same({s.track for s in t.spans}, {"runtime", "stage", "inside"})  # in a machine: of the half that is the host's
    for s in t.spans:
        if s.category == "operation":
            around = [p for p in t.named(s.args["phase"], "phase") if p.track == s.track]
            assert len(around) == 1 and s.within(around[0]), f"{s} is not in its phase: {around}"


@test
def the_stages_of_the_core_are_in_their_order(box):
    t = traced(box, "run", "--bundle", box.bundle().write().path, "c1")
    same(t.spans[0].name, "run")
    order = [t.one(name).begin for name in
             ("parse", "facts", "compile", "start hozo-init", "await process", "set up", "start program", "program runs",
              "end processes", "remove state")]
    same(order, sorted(order))
    assert t.one("find plugins").within(t.one("compile"))
    assert t.one("cgroup: plan", "plugin").within(t.one("compile"))
    assert t.one("limits", "phase").within(t.one("set up"))
    assert t.one("find-exec").end < t.one("start program").begin < t.one("exec", "operation").end


@test
def the_helper_has_a_track_of_its_own(box):
    source = f"{box.dir}/source"
    os.mkdir(source)
    b = box.bundle()
    b.bind(source, "/data")
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update({k: [{"containerID": 0, "hostID": 100000, "size": 65536}] for k in ("uidMappings", "gidMappings")})
    os.chown(b.rootfs, 100000, 100000)
    t = compare_with_plan(box, b)
    assert any(s.name == "source" for s in t.of("helper")), t.of("helper")
    waits = {s.args["phase"] for s in t.named("await runtime")}
    same(waits, {"attach", "sources", "limits"})


@test
def in_a_time_namespace_the_times_are_the_hosts(box):
    if not os.path.exists("/proc/self/ns/time"):
        raise Skip("the kernel has no time namespaces (Linux 5.6)")
    b = box.bundle("sleep 100")
    b.linux["namespaces"].append({"type": "time"})
    b.linux["timeOffsets"] = {"monotonic": {"secs": 86400}, "boottime": {"secs": 86400}}
    b.write()
    t = traced(box, "create", "--bundle", b.path, "c1")
    assert t.one("find-exec").within(t.spans[0])
    box.hozo("start", "c1").ok()
    t = traced(box, "exec", "c1", "true")
    assert t.one("find-exec").within(t.spans[0])


@test
def behind_a_filter_without_the_clock_the_times_go_on(box):
    with open("/sys/devices/system/clocksource/clocksource0/current_clocksource") as f:
        clock = f.read().strip()
    if clock not in ("tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"):
        raise Skip(f"only the kernel reads the clock {clock}")
    b = box.bundle()
    b.process["noNewPrivileges"] = False
    b.linux["seccomp"] = profile("ALLOW", rule("clock_gettime clock_settime mount ptrace", "KILL_PROCESS"))
    t = traced(box, "run", "--bundle", b.write().path, "c1")
    assert t.one("seccomp").end <= t.one("capabilities").begin + 1e-6
    assert t.one("find-exec").begin > 0


@test
def create_and_start_are_traced_each_by_itself(box):
    b = box.bundle("true")
    t = traced(box, "create", "--bundle", b.write().path, "c1")
    same(t.operations()[-1][:3], ("inside", "wait", "wait-start"))
    t = traced(box, "start", "c1")
    same([s.name for s in t.spans], ["start", "open state", "start program"])


@test
def an_exec_is_traced_in_both_processes(box):
    box.running()
    t = traced(box, "exec", "c1", "true")
    tracks = {s.track: [o.name for o in t.of(s.track) if o.category == "operation"] for s in t.spans}
    assert "join" in tracks["stage"] and tracks["inside"][-1] == "exec", tracks
    t.operations()
    assert t.one("program runs").begin >= t.one("start program").end


@test
def start_waits_for_readiness_within_a_span(box):
    """Or for the end of the program, as here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{box.dir}/manager")
        box.created(f"sleep {NAP / 1000}", env={**ENVIRONMENT, "NOTIFY_SOCKET": f"{box.dir}/manager"})
        t = traced(box, "start", "c1")
    assert t.one("await readiness").begin >= t.one("start program").end


VERBS = {"state": ["state", "c1"], "list": ["list"], "features": ["features"], "ps": ["ps", "c1"],
         "kill": ["kill", "c1", "CONT"], "plan": ["plan"], "check": ["check"], "plugin": ["plugin", "list"],
         "events": ["events", "--stats", "c1"], "update": ["update", "--pids-limit", "100", "c1"],
         "delete": ["delete", "--force", "c1"], "spec": ["spec", "--bundle", "{dir}"]}


@test
def every_verb_can_be_traced(box):
    b = box.bundle("sleep 100")
    box.running(b)
    for verb, words in VERBS.items():
        t = traced(box, *[w.format(dir=box.dir) for w in words], cwd=b.path)
        same((verb, t.spans[0].name), (verb, verb))
    same(len(t.named("parse")), 0)


@test
def what_fails_is_traced_with_its_error(box):
    b = box.bundle()
    b.mount("/data", fstype="no-such-type")
    t = traced(box, "create", "--bundle", b.write().path, "c1", code=1)
    assert "no-such-type" in t.spans[0].args["error"], t.spans[0]
    mounts = [s for s in t.of("inside") if s.name == "mount"]
    same(mounts[-1].args["path"], f"mounts[{len(b.config['mounts']) - 1}]")
    same(t.named("pivot"), [])
    assert t.one("cgroup: cleanup", "plugin")
    t = traced(box, "state", "nobody", code=1)
    same(t.spans[0].args["error"], "container does not exist")


@test
def what_the_environment_holds_is_not_in_it(box):
    b = box.bundle()
    b.process["env"].append("TOKEN=hush-hush")
    b.hook("createRuntime", "/bin/true", ["true"], env=["TOKEN=hush-hush"])
    b.mount("/data", options=["mode=0712"])
    t = traced(box, "run", "--bundle", b.write().path, "c1")
    assert "hush" not in t.text and "mode=0712" not in t.text, t.text
    assert '"true"' in t.one("exec", "operation").args["call"]


@test(cases={k: k for k in ("createRuntime", "createContainer", "startContainer", "poststart", "poststop")},
      sanitized={"startContainer"})
def a_hook_takes_the_time_that_it_takes(box, kind):
    b = box.bundle("sleep 100" if kind == "poststart" else "true")
    b.hook(kind, "/bin/sh", ["sh", "-c", f"sleep {NAP / 1000}"], env=["PATH=/bin:/usr/bin"])
    verb = "start" if kind == "poststart" else "run"
    if verb == "start":
        box.created(b)
    t = traced(box, *(["start", "c1"] if verb == "start" else ["run", "--bundle", b.write().path, "c1"]))
    assert t.one("hook").time >= NAP, t.one("hook")


# --- the file

BAD_FILES = {
    "in no directory": lambda d: f"{d}/none/trace",
    "a directory": lambda d: d,
    "a symbolic link": lambda d: os.symlink("target", f"{d}/trace"),
    "a FIFO": lambda d: os.mkfifo(f"{d}/trace"),
    "a file with two names": lambda d: (open(f"{d}/other", "w").close(), os.link(f"{d}/other", f"{d}/trace")),
    "somebody else's": lambda d: (open(f"{d}/trace", "w").close(), os.chown(f"{d}/trace", 1000, 1000)),
}


@test(cases=BAD_FILES, sanitized={"a FIFO"})
def a_file_that_cannot_be_taken_is_an_error_before_anything(box, make):
    d = f"{box.dir}/there"
    os.mkdir(d)
    made = make(d)
    path = made if isinstance(made, str) else f"{d}/trace"
    box.hozo("--trace", path, "run", "--bundle", box.bundle().write().path, "c1").fails("trace file", path)
    assert not os.path.exists(box.root) and not os.path.exists(f"{d}/target")


@test
def the_file_is_the_callers_alone_and_new(box):
    file = f"{box.dir}/trace.json"
    old = os.umask(0)
    try:
        traced(box, "list")
    finally:
        os.umask(old)
    same(os.stat(file).st_mode & 0o7777, 0o600)
    with open(file, "a") as f:
        f.write("x" * 100000)
    traced(box, "list")


@test
def a_full_disk_ends_the_trace_and_nothing_else(box):
    host.private_mounts()
    d = f"{box.dir}/small"
    os.mkdir(d)
    page = os.sysconf("SC_PAGESIZE")
    same(libc.mount(b"t", d.encode(), b"tmpfs", 0, f"size={page}".encode()), 0)
    try:
        r = box.hozo("--debug", "--trace", f"{d}/t", "run", "--bundle", box.bundle().write().path, "c1").ok()
        assert "trace is incomplete" in r.err, r
        t = Trace(f"{d}/t", complete=False)
        assert t.named("parse") and len(t.text) <= page and not t.of("inside")
    finally:
        host.detach(d)


@test
def a_script_can_stand_for_the_runtime(box):
    """As docs/trace.md says for engines."""
    script = f"{box.dir}/hozo"
    with open(script, "w") as f:
        f.write(f'#!/bin/sh\nexec {box.runtime} --trace "{box.dir}/$$.json" "$@"\n')
    os.chmod(script, 0o755)
    p = subprocess.Popen([script, "--root", box.root, "run", "--bundle", box.bundle().write().path, "c1"],
                         env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    same(p.wait(timeout=60 * harness.patience), 0)
    same(Trace(f"{box.dir}/{p.pid}.json").spans[0].name, "run")


# --- without it

@test(sanitized=False)
def without_it_there_is_no_call_more(box):
    """What only tracing does is done with it alone."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    calls = {}
    for options in ((), ("--trace", f"{box.dir}/trace.json")):
        out = f"{box.dir}/calls"
        subprocess.run(["strace", "-f", "-qq", "-o", out, box.runtime, "--root", box.root, *options, "run", "--bundle",
                        box.bundle().write().path, "c1"], check=True, env=ENVIRONMENT, timeout=60 * harness.patience,
                       stdin=subprocess.DEVNULL)
        with open(out) as f:
            text = f.read()
        calls[options] = collections.Counter(re.findall(r"^\d+ +(\w+)\(", text, re.M))
        words = re.search(r'execveat\(\d+, "", \["hozo-init", "(\d+,\d+(?:,\d+)?)"', text)[1]
        same(words.count(","), 2 if options else 1)
        assert options or "hozo-times" not in text
    without, with_ = calls.values()
    for name in ("pwrite64", "ftruncate"):
        same(without[name], 0, name)
    assert with_["pwrite64"] > 100, with_
    if not without["clock_gettime"]:  # as where the kernel lets programs read the clock
        same(with_["clock_gettime"], 0)
    same(with_["memfd_create"] - without["memfd_create"], 1)
