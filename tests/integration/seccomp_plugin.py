# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp where its plugin is not installed: never a container without its filter."""
import glob
import json
import os

import host
from harness import same, test
from plugin_directory import PluginDirectory
from seccomp_probe import NATIVE, OK, action, probing, profile, rule, verdict, verdicts

FILES = "linux.seccomp*"
PROFILE = profile("ALLOW", rule("getppid", "ERRNO"))


def without(plugins):
    found = glob.glob(f"{plugins.path}/{FILES}")
    assert found, os.listdir(plugins.path)
    for path in found:
        os.remove(path)


@test(sanitized=False, cases={"a rule": PROFILE, "nothing but a default": profile("ALLOW"),
                              "a default that is the kernel's own": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}})
def a_profile_without_the_plugin_is_refused(box, seccomp):
    plugins = PluginDirectory(box, installed=True)
    b = probing(box, seccomp)
    b.program("echo ran")
    same(plugins.run(b).ok().out, "ran\n")
    without(plugins)
    for verb in ("create", "run"):
        plugins.hozo(verb, "--bundle", b.write().path, "c1").fails("linux.seccomp", "hozo-plugin-seccomp")
        box.nothing_left()
    box.unknown()
    del b.linux["seccomp"]
    same(plugins.run(b).ok().out, "ran\n", "another container is not harmed")


@test(sanitized=False)
def a_spoiled_or_a_masked_plugin_is_no_plugin(box):
    plugins = PluginDirectory(box, installed=True)
    b = probing(box, PROFILE)
    path = f"{plugins.path}/linux.seccomp.so"
    without(plugins)
    open(path, "w").close()
    plugins.run(b).fails(path)
    os.remove(path)
    os.symlink("/dev/null", path)
    plugins.run(b).fails("linux.seccomp", "masked")
    os.remove(path)
    os.symlink("/nowhere/at/all", path)
    plugins.run(b).fails("linux.seccomp")
    box.nothing_left()


@test(sanitized=False)
def an_exec_without_the_plugin_is_refused(box):
    plugins = PluginDirectory(box, installed=True)
    b = probing(box, PROFILE)
    b.program("sleep 100")
    plugins.hozo("create", "--bundle", b.write().path, "c1").ok()
    pid = box.state()["pid"]
    plugins.hozo("start", "c1").ok()
    same(verdicts(plugins.hozo("exec", "c1", "probe", "getppid", "getsid")), ["errno 1", OK])
    without(plugins)
    r = plugins.hozo("exec", "c1", "probe", "getppid")
    r.fails("seccomp", code=255)
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Seccomp"), "2")
    same(box.state()["status"], "running")
    plugins.hozo("kill", "c1", "KILL").ok()
    box.wait_status("stopped")
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def what_was_created_with_it_starts_filtered_without_it(box):
    plugins = PluginDirectory(box, installed=True)
    b = probing(box, PROFILE, "getppid", "getsid")
    r = plugins.hozo("create", "--bundle", b.write().path, "c1").ok()
    without(plugins)
    plugins.hozo("start", "c1").ok()
    box.wait_status("stopped")
    same(verdicts(r), ["errno 1", OK])


@test(sanitized=False)
def features_go_with_the_plugin(box):
    plugins = PluginDirectory(box, installed=True)
    told = plugins.features()["linux"]["seccomp"]
    same(told["enabled"], True)
    same(set(told["actions"]), {action(a) for a in ("ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "LOG", "NOTIFY",
                                                    "TRACE", "TRAP")})
    same(set(told["operators"]), {f"SCMP_CMP_{o}" for o in ("EQ", "GE", "GT", "LE", "LT", "MASKED_EQ", "NE")})
    assert NATIVE in told["archs"] and "SCMP_ARCH_RISCV64" in told["archs"], told
    flags = {f"SECCOMP_FILTER_FLAG_{f}" for f in ("TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")}
    same(set(told["knownFlags"]), flags)
    same(set(told["supportedFlags"]) - flags, set())
    without(plugins)
    gone = plugins.features()["linux"]["seccomp"]
    assert not gone["enabled"] and not gone.get("actions"), gone


@test
def what_features_list_is_accepted(box):
    told = json.loads(box.hozo("features").ok().out)["linux"]["seccomp"]
    if not told["enabled"]:
        raise AssertionError("the runtime serves no linux.seccomp")
    for flag in told["supportedFlags"]:
        same(verdict(box, profile("ALLOW", rule("getppid", "ERRNO"), flags=[flag]), "getppid"), ["errno 1"], flag)
