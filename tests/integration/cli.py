# SPDX-License-Identifier: Apache-2.0
"""The command line itself: options, the log, what engines parse."""
import datetime
import json
import os
import re
import subprocess

from harness import same, test


def bare(box, *arguments, **more):
    """Without --root."""
    return subprocess.run([box.runtime, *arguments], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, **more)


@test(cases={"--version": "--version", "-v": "-v"})
def the_version_has_the_form_that_engines_parse(box, option):
    r = bare(box, option)
    lines = r.stdout.splitlines()
    assert r.returncode == 0 and r.stderr == "", r
    assert re.fullmatch(r"hozo version \d+\.\d+\.\d+\S*", lines[0]), lines
    assert all(re.fullmatch(r"[a-z]+: \S+", line) for line in lines[1:]), lines
    assert "spec: 1.3.0" in lines, lines
    assert not any("version" in line for line in lines[1:]), "Docker reads each such line as the version"


@test(cases={w: w for w in ("frobnicate", "checkpoint", "restore", "--frobnicate", "-z")})
def an_unknown_word_is_an_error_of_one_line(box, word):
    r = bare(box, word)
    assert r.returncode == 1 and r.stdout == "", r
    assert r.stderr.count("\n") == 1 and word.lstrip("-") in r.stderr, r


@test
def a_feature_that_is_not_there_does_not_pretend_to_have_help(box):
    """Podman and CRI-O conclude from the exit status of `checkpoint --help` whether there is one."""
    assert bare(box, "checkpoint", "--help").returncode != 0


@test
def no_word_at_all_points_to_the_help(box):
    r = bare(box)
    assert r.returncode == 1 and "--help" in r.stderr, r


@test
def help_names_every_verb_and_succeeds(box):
    r = bare(box, "--help")
    assert r.returncode == 0 and r.stderr == "", r
    for verb in ("create", "start", "state", "kill", "delete", "run", "exec", "list", "ps", "features", "spec",
                 "plan", "events"):
        assert verb in r.stdout, verb


@test(cases={"a verb": ["exec"], "an action that has options": ["plugin", "check"]})
def help_begins_with_the_usage_of(box, words):
    r = bare(box, *words, "--help")
    assert r.returncode == 0 and r.stderr == "", r
    assert r.stdout.startswith(f"Usage: hozo {' '.join(words)} [OPTIONS] "), r.stdout
    assert "Options:\n" in r.stdout, r.stdout


@test(cases={v: v for v in ("create", "start", "state", "kill", "delete", "run", "exec", "events")})
def a_verb_without_its_container_is_an_error(box, verb):
    code = 255 if verb == "exec" else 1
    r = bare(box, "--root", box.root, verb)
    assert r.returncode in (1, code) and r.stdout == "" and r.stderr.count("\n") == 1, r


@test(cases={v: v for v in ("start", "state", "delete")})
def more_words_than_a_verb_takes_are_an_error(box, verb):
    box.created("true")
    box.hozo(verb, "c1", "c2").ends(1)
    same(box.state()["status"], "created")


@test
def an_option_without_its_value_is_an_error(box):
    r = bare(box, "--root")
    assert r.returncode == 1 and "root" in r.stderr, r
    r = bare(box, "create", "--bundle")
    assert r.returncode == 1 and "bundle" in r.stderr, r


@test
def options_may_be_written_in_each_way(box):
    b = box.bundle("echo here").write()
    for words in (["--root=" + box.root, "run", "--bundle=" + b.path], ["-root", box.root, "run", "-b", b.path],
                  ["--root", box.root, "run", "-bundle", b.path],
                  ["--root", box.root, "run", "-no-subreaper", "--bundle", b.path]):
        r = bare(box, *words, "c1")
        assert r.returncode == 0 and r.stdout == "here\n", r


@test
def the_root_of_all_states_cannot_be_the_root_directory(box):
    r = bare(box, "--root", "/", "list")
    assert r.returncode == 1 and "root" in r.stderr, r


@test
def a_relative_root_works(box):
    b = box.bundle("true").write()
    r = subprocess.run([box.runtime, "--root", "here", "create", "--bundle", b.path, "c1"], cwd=box.dir,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    same(r.returncode, 0)
    same(os.listdir(f"{box.dir}/here"), ["c1"])
    same(bare(box, "--root", f"{box.dir}/here", "delete", "-f", "c1").returncode, 0)


# --- the log

@test
def the_log_is_made_even_if_nothing_is_written(box):
    log = f"{box.dir}/log"
    box.hozo("--log", log, "--log-format", "json", "list").ok()
    same(open(log).read(), "")
    same(os.stat(log).st_mode & 0o777, 0o644)


@test
def an_error_in_json_is_one_object_on_one_line_and_on_standard_error_too(box):
    log = f"{box.dir}/log"
    r = box.hozo("--log", log, "--log-format=json", "state", "nobody").fails("container does not exist")
    lines = open(log).read().splitlines()
    same(len(lines), 1)
    entry = json.loads(lines[0])
    same(entry["level"], "error")
    assert "container does not exist" in entry["msg"] and "\n" not in entry["msg"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", entry["time"]), entry
    datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
    assert entry["msg"] in r.err, r


@test
def an_error_as_text_is_one_line(box):
    log = f"{box.dir}/log"
    box.hozo("--log", log, "state", "nobody").ends(1)
    text = open(log).read()
    assert text.count("\n") == 1 and "container does not exist" in text, text


@test
def the_log_is_appended_to(box):
    log = f"{box.dir}/log"
    for _ in range(3):
        box.hozo("--log", log, "--log-format", "json", "state", "nobody").ends(1)
    same(len(open(log).read().splitlines()), 3)


@test
def what_hostile_input_says_does_not_break_the_line(box):
    log, b = f"{box.dir}/log", box.bundle(["no\nsuch\t\"program\"\x1b[31m ☃"]).write()
    r = box.hozo("--log", log, "--log-format", "json", "create", "--bundle", b.path, "c1").ends(1)
    same(r.err.count("\n"), 1)
    assert "\x1b" not in r.err
    lines = open(log).read().splitlines()
    same(len(lines), 1)
    assert "such" in json.loads(lines[0])["msg"]


@test
def success_writes_nothing_to_the_log(box):
    log, b = f"{box.dir}/log", box.bundle("true").write()
    for words in (["create", "--bundle", b.path], ["start"], ["state"], ["delete", "--force"]):
        box.hozo("--log", log, "--log-format", "json", *words, "c1").ok()
    same(open(log).read(), "")


@test
def a_log_that_cannot_be_opened_is_an_error(box):
    box.hozo("--log", f"{box.dir}/absent/log", "list").fails(f"{box.dir}/absent/log")


@test
def an_unknown_log_format_is_an_error(box):
    box.hozo("--log-format", "xml", "list").fails("xml")


@test
def debug_adds_lines_to_the_log_and_changes_nothing_else(box):
    log, b = f"{box.dir}/log", box.bundle("echo fine").write()
    r = box.hozo("--debug", "--log", log, "--log-format", "json", "run", "--bundle", b.path, "c1").ok()
    same(r.out, "fine\n")
    for line in open(log):
        same(json.loads(line)["level"], "debug")


# --- verbs without a container

@test
def spec_writes_a_configuration_that_runs(box):
    b = box.bundle()
    r = box.hozo("spec", "--bundle", b.path).ok()
    same((r.out, r.err), ("", ""))
    with open(f"{b.path}/config.json") as f:
        config = json.load(f)
    config["process"]["terminal"], config["process"]["args"] = False, ["echo", "it runs"]
    config["linux"]["cgroupsPath"] = b.linux["cgroupsPath"]
    b.config = config
    same(box.run(b).ok().out, "it runs\n")


@test
def spec_keeps_a_configuration_that_is_there(box):
    b = box.bundle().write()
    before = open(f"{b.path}/config.json").read()
    box.hozo("spec", cwd=b.path).fails("config.json exists", "Remove it first")
    same(open(f"{b.path}/config.json").read(), before)


@test
def plan_shows_what_would_be_done_and_does_nothing(box):
    b = box.bundle("true").write()
    r = box.hozo("plan", "--bundle", b.path).ok()
    assert "pivot" in r.out and '"/proc"' in r.out and "exec" in r.out, r.out
    same(r.err, "")
    box.nothing_left()


@test
def plan_needs_no_privilege(box):
    """Of what who asks could create: an ordinary user needs a user namespace."""
    b = box.bundle("true")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": 65534, "size": 1}]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("cgroup", "devpts")]
    del b.linux["resources"], b.linux["cgroupsPath"]
    b.write()
    for directory in (os.path.dirname(box.dir), box.dir):
        os.chmod(directory, 0o755)

    def drop():
        os.setgid(65534)
        os.setuid(65534)
    r = bare(box, "plan", "--bundle", b.path, preexec_fn=drop)
    assert r.returncode == 0 and "pivot" in r.stdout, r


@test
def plan_is_the_same_from_run_to_run(box):
    b = box.bundle("true").write()
    same(box.hozo("plan", "--bundle", b.path).ok().out, box.hozo("plan", "--bundle", b.path).ok().out)
