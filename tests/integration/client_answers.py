# SPDX-License-Identifier: Apache-2.0
"""What engines ask before anything else, and the words and numbers that all of them rely on."""
import json
import os
import re
import signal
import time

import host
from box import SANITIZER_OPTIONS
from client import Engine, containerd_error, docker_code, pid_of, podman_code, start, types
from harness import Skip, libc, same, test


# --- probes

def version(box):
    r = types(box, "--version").ok()
    same(r.err, "")
    return r.out


@test
def docker_reads_the_version(box):
    """The last line with the word counts: name and number stand on its two sides."""
    lines = [line for line in version(box).splitlines() if "version" in line]
    same(len(lines), 1)
    name, _, number = lines[0].partition("version")
    same(name.strip(), "hozo")
    assert re.match(r"\d+\.\d+", number.strip()), lines


@test
def go_runc_reads_the_version(box):
    """The first line is not runc's, which is no error; then prefixes."""
    for line in version(box).splitlines()[1:]:
        assert line.startswith(("commit: ", "spec: ")) or re.fullmatch(r"[a-z]+: \S+", line), line
    assert any(line.startswith("spec: 1.") for line in version(box).splitlines())


@test
def podman_and_crio_show_the_version(box):
    text = version(box)
    assert text.endswith("\n") and not text.endswith("\n\n") and all(text.splitlines())


@test(cases={w: w for w in ("--version", "-v", "-V")})
def each_way_to_ask_for_the_version(box, word):
    same(types(box, word).ok().out, version(box))


@test(cases={"no root": {"XDG_RUNTIME_DIR": ""}, "nothing": {}})
def everybody_reads_the_features(box, env):
    """containerd, dockerd, nerdctl: standard output; CRI-O: both streams together."""
    r = types(box, "features", env={**env, **SANITIZER_OPTIONS}).ok()
    features = json.loads(r.out + r.err)
    assert features["ociVersionMin"] and features["ociVersionMax"], features
    assert isinstance(features["linux"]["mountExtensions"]["idmap"]["enabled"], bool), "containerd follows it unseen"
    assert "rro" in features["mountOptions"] and "pid" in features["linux"]["namespaces"]


@test
def podman_and_crio_find_out_that_there_are_no_checkpoints(box):
    assert types(box, "checkpoint", "--help").code != 0
    r = types(box, "restore", "--lsm-mount-context")
    assert r.code != 0
    assert "flag needs an argument" not in r.err and "requires an argument" not in r.err, r


NOT_YET = {
    "containerd checkpoint": ("checkpoint", "--image-path", "/i", "--work-path", "/w", "c1"),
    "containerd restore": ("restore", "--image-path", "/i", "--work-path", "/w", "--detach", "--pid-file", "/p",
                           "-no-subreaper", "--bundle", "/b", "c1"),
    "podman checkpoint": ("checkpoint", "--image-path", "/i", "--work-path", "/w", "--tcp-established", "c1"),
    "crio checkpoint": ("checkpoint", "--file-locks", "--image-path", "/i", "--work-path", "/w", "c1"),
    "crun mounts": ("mounts", "add", "c1", "/m"),
}


@test(cases=NOT_YET)
def a_verb_that_is_not_there_fails_in_one_line_and_changes_nothing(box, words):
    if words[0] in types(box, "--help").out.split():
        raise Skip(f"hozo has the verb {words[0]}")
    pid = box.running("sleep 100")
    log = f"{box.dir}/log.json"
    Engine(box, "--root", box.root, "--log", log, "--log-format", "json")(*words).fails(words[0])
    assert words[0] in containerd_error(log)
    same(box.state()["status"], "running")
    assert host.alive(pid)


# --- what they all rely on

@test(cases={"missing": (["frobnicate"], 127), "missing path": (["/bin/frobnicate"], 127),
             "not executable": (["/etc/passwd"], 126), "below a file": (["/etc/passwd/x"], 127)})
def docker_and_podman_make_an_exit_status_of_the_text(box, case):
    args, code = case
    message = box.create(box.bundle(args)).ends(1).err
    same(docker_code(message, args[0]), code)
    if "not a directory" not in message:
        same(podman_code(message), code)


TEXTS = {
    "unknown": (lambda box: None, ("state", "c1"), "container does not exist"),
    "taken": (lambda box: box.created("true"), ("create", "c1"), "container with given ID already exists"),
    "bad id": (lambda box: None, ("state", "a/b"), "invalid container ID format"),
    "no id": (lambda box: None, ("state", ""), "container id cannot be empty"),
    "kill stopped": (lambda box: box.stopped(), ("kill", "c1"), "container not running"),
    "bad signal": (lambda box: box.running(), ("kill", "c1", "NOPE"), 'unknown signal "NOPE"'),
    "exec stopped": (lambda box: box.stopped(), ("exec", "c1", "true"), "cannot exec in a stopped container"),
    "start stopped": (lambda box: box.stopped(), ("start", "c1"), "cannot start a container that has stopped"),
    "start running": (lambda box: box.running(), ("start", "c1"), "cannot start an already running container"),
    "delete running": (lambda box: box.running(), ("delete", "c1"),
                       "cannot delete container c1 that is not stopped: running"),
}


@test(cases=TEXTS)
def the_words_that_engines_match(box, case):
    prepare, words, text = case
    prepare(box)
    if words[0] == "create":
        words = ("create", "--bundle", box.bundle().write().path, *words[1:])
    box.hozo(*words).fails(text, code=255 if words[0] == "exec" else 1)


@test
def a_terminal_without_its_socket(box):
    b = box.bundle("true")
    b.process["terminal"] = True
    box.create(b).fails("cannot allocate tty if", "detach without setting console socket")


@test
def an_engine_that_polls_never_sees_half_a_pid_file(box):
    """BuildKit looks every 10 ms; so a name that is there holds the whole number."""
    b = box.bundle("true").write()
    process = start(box, ["--root", box.root, "create", "--bundle", b.path, "--pid-file", f"{b.path}/p", "c1"])
    while not os.path.exists(f"{b.path}/p"):
        assert process.poll() in (None, 0)
    same(pid_of(f"{b.path}/p"), int(open(f"{b.path}/p").read()))
    same(process.wait(10), 0)


@test
def signals_that_the_caller_ignores_or_blocks_are_not_the_programs(box):
    """Go programs ignore SIGPIPE, conmon SIGPIPE too, and both may have blocked some."""
    def as_engine():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    b = box.bundle(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])
    r = box.create(b, preexec_fn=as_engine).ok()
    box.hozo("start", "c1").ok()
    host.eventually(lambda: r.out.count("\n") == 2)
    same(r.out.split(), ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16])


@test
def a_parent_death_signal_of_the_runtime_is_not_the_containers(box):
    """Engines set it on what they execute; the container outlives the runtime."""
    def dies_with_parent():
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    pid = box.running("sleep 100", preexec_fn=dies_with_parent)
    time.sleep(0.1)
    assert host.alive(pid)


@test(timeout=60, sanitized=False)
def a_signal_to_the_runtime_reaches_a_program_that_runs_already(box):
    """However late the runtime itself notices that it does: here it stands still for a moment."""
    b = box.bundle("sleep 100")
    b.process.pop("rlimits")  # else the program needs the runtime once more
    box.running(b)
    took, ran = 0, 0
    for n in range(61):
        p = box.spawn("exec", "c1", "sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done")
        began = time.monotonic()
        if n:  # the first one tells how long it takes
            time.sleep(n % 20 / 20 * took)
            p.send_signal(signal.SIGSTOP)
            time.sleep(2 * took)
            ran += p.output.out == "up\n"
            if p.output.out != "up\n":
                p.send_signal(signal.SIGCONT)
        host.eventually(lambda: p.output.out == "up\n")
        took = took or time.monotonic() - began
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGCONT)
        same(p.wait(10), 3)
    assert ran, "the runtime never stood still at the right time"
