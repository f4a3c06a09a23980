# SPDX-License-Identifier: Apache-2.0
"""Containers outlive files: a plugin removed, masked, moved or upgraded between the verbs of one container's life."""
import fcntl
import json
import os
import shutil
import subprocess

import host
from harness import Skip, same, test
from made_plugins import INCLUDE, MadePlugins, empty_directory, overlay

FILE = "process@a.so"
KEEPS = 'return hozo_state_set(ctx, "{\\"old\\": 1}", 10);'


def gone(plugins, box):
    os.rename(f"{plugins.path}/{FILE}", f"{box.dir}/{FILE}")


def back(plugins, box):
    os.rename(f"{box.dir}/{FILE}", f"{plugins.path}/{FILE}")


def forced(box, plugins, *says):
    """`delete` fails and says why; with force it ends, and `plugin clean` says the same as long as it is so."""
    plugins.hozo("delete", "c1").fails(*says)
    plugins.hozo("delete", "c1").fails(*says)
    r = plugins.hozo("delete", "--force", "c1").ends(0).says(*says, "hozo plugin clean")
    same(r.err.count("\n"), 1)
    box.unknown()
    same(len(os.listdir(f"{box.root}/.orphans")), 1)
    r = plugins.hozo("plugin", "clean").ends(1)
    for text in says:
        assert text in r.out, r


def cleaned(box, plugins):
    plugins.notes()
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(plugins.notes()[0], "a cleanup")
    same(plugins.hozo("plugin", "clean").ok().out, "")
    box.nothing_left()


# --- removed

@test(sanitized=False, timeout=60)
def each_verb_misses_the_plugin_that_it_would_call_and_no_other_does(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", trace=True)
    b = box.bundle("sleep 100")
    plugins.create(b).ok()
    gone(plugins, box)
    plugins.hozo("start", "c1").fails("plugin a", FILE, "not installed")
    back(plugins, box)
    plugins.hozo("start", "c1").ok()
    pid = box.state()["pid"]
    gone(plugins, box)
    with open(f"{box.dir}/update.json", "w") as f:
        json.dump({"memory": {"limit": 64 << 20}}, f)
    for words, code in [(("exec", "c1", "true"), 255), (("update", "--resources", f"{box.dir}/update.json", "c1"), 1),
                        (("events", "--stats", "c1"), 1), (("pause", "c1"), 1)]:
        plugins.hozo(*words).fails("plugin a", FILE, "not installed", code=code)
    for words in ("state", "c1"), ("list",), ("ps", "c1"), ("kill", "c1", "KILL"):
        plugins.hozo(*words).ok()
    host.eventually(lambda: not host.alive(pid))
    plugins.hozo("delete", "c1").fails("plugin a", FILE, "not installed")
    back(plugins, box)
    plugins.hozo("delete", "c1").ok()


@test(sanitized=False)
def a_verb_that_would_not_call_it_does_not_miss_it(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan="", prepare="", attach="")
    plugins.create(box.bundle("sleep 100")).ok()
    gone(plugins, box)
    plugins.hozo("start", "c1").ok()
    plugins.hozo("exec", "c1", "true").ok()
    plugins.hozo("events", "--stats", "c1").ok()
    plugins.hozo("pause", "c1").ok()
    plugins.hozo("resume", "c1").ok()
    plugins.hozo("delete", "--force", "c1").ok().silent()


@test(sanitized=False)
def state_and_list_open_no_plugin_and_wait_for_nobody(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", cleanup="")
    plugins.create(box.bundle()).ok()
    spoiled = f"{plugins.path}/{FILE}"
    os.rename(spoiled, f"{box.dir}/kept")
    with open(spoiled, "w") as f:
        f.write("no plugin at all")
    lock = os.open(f"{box.root}/c1", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    same(json.loads(plugins.hozo("state", "c1").ok().out)["status"], "created")
    assert "c1" in plugins.hozo("list").ok().out
    os.close(lock)
    os.rename(f"{box.dir}/kept", spoiled)
    plugins.hozo("delete", "--force", "c1").ok()


# --- masked

@test(sanitized=False)
def one_that_is_masked_is_gone_until_the_mask_is(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", prepare=KEEPS, cleanup="")
    plugins.create(box.bundle()).ok()
    gone(plugins, box)
    os.symlink("/dev/null", f"{plugins.path}/{FILE}")
    forced(box, plugins, "plugin a", FILE, "masks")
    os.remove(f"{plugins.path}/{FILE}")
    back(plugins, box)
    cleaned(box, plugins)


@test(sanitized=False)
def what_is_masked_is_not_among_the_features(box):
    plugins = MadePlugins(box)
    same(plugins.features()["linux"]["intelRdt"]["enabled"], True)
    os.remove(f"{plugins.path}/linux.intelRdt.so")
    os.symlink("/dev/null", f"{plugins.path}/linux.intelRdt.so")
    same(plugins.features()["linux"]["intelRdt"]["enabled"], False)


# --- moved

def vendors_directory(box, plugins):
    """The built-in list of directories, that of vendors being a test's own."""
    plugins.arguments, vendor = (), "/opt/hozo/plugins"
    if vendor not in plugins.hozo("plugin", "dir").ok().out.split():
        raise Skip("this build looks for plugins elsewhere")
    host.private_mounts()
    empty_directory(vendor, f"{box.dir}/vendor")
    return vendor


@test(sanitized=False)
def a_vendors_plugin_needs_no_usr_that_can_be_written(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", prepare=KEEPS, cleanup="")
    vendor, prefix = vendors_directory(box, plugins), os.path.dirname(os.path.dirname(box.runtime))
    shutil.copy(f"{plugins.path}/{FILE}", vendor)
    for options in ["--bind", prefix], ["-o", "remount,bind,ro"]:
        subprocess.run(["mount", *options, prefix], check=True)
    same(os.access(prefix, os.W_OK), False)
    plugins.run(box.bundle()).ok()
    with open(f"{os.path.dirname(vendor)}/notes") as f:
        same(f.read(), "a prepare\na cleanup\n")


@test(sanitized=False)
def a_plugin_may_lie_in_another_directory_later(box):
    """As when a distribution takes over what a vendor has shipped in /opt."""
    plugins = MadePlugins(box)
    plugins.watcher("a", prepare=KEEPS, cleanup="")
    vendor = vendors_directory(box, plugins)
    overlay(plugins.installed, f"{box.dir}/installed")
    shutil.copy(f"{plugins.path}/{FILE}", vendor)
    plugins.create(box.bundle()).ok()
    os.remove(f"{vendor}/{FILE}")
    plugins.hozo("delete", "c1").fails("plugin a", "not installed")
    shutil.copy(f"{plugins.path}/{FILE}", plugins.installed)
    plugins.hozo("delete", "--force", "c1").ok().silent()
    box.nothing_left()


# --- upgraded

def replace(plugins, **more):
    """As packages do it: a new file takes the name of the old one."""
    new = plugins.plugin("a", "process@a", directory=f"{plugins.box.dir}/new", **more)
    os.rename(new, f"{plugins.path}/{FILE}")


@test(sanitized=False)
def an_upgraded_plugin_undoes_what_the_older_one_did(box):
    plugins = MadePlugins(box)
    os.mkdir(f"{box.dir}/new")
    plugins.watcher("a", prepare=KEEPS, started="", exec="", cleanup="")
    pid = plugins.running(box.bundle("sleep 100"))
    plugins.notes()
    replace(plugins, state_version=2, exec="", stopped="", stats="", cleanup="""
        struct hozo_cursor at;

        if (hozo_state_find(ctx, 0, "old", &at) == 1)
            note("old %d", (int)hozo_as_int(ctx, &at));""")
    plugins.hozo("exec", "c1", "true").ok()
    assert host.alive(pid)
    plugins.hozo("delete", "--force", "c1").ok().silent()
    notes = plugins.notes()
    same((notes[0], notes[-2:]), ("a exec", ["a cleanup", "old 1"]))


@test(sanitized=False, cases={
    "another interface": (dict(head="#undef HOZO_ABI_MINOR\n#define HOZO_ABI_MINOR 99"), "0.99"),
    "no plugin": (None, "process@a.so"),
})
def an_upgrade_that_cannot_be_used_is_undone_by_the_next(box, what):
    more, says = what
    plugins = MadePlugins(box)
    os.mkdir(f"{box.dir}/new")
    plugins.watcher("a", prepare=KEEPS, cleanup="")
    plugins.create(box.bundle()).ok()
    if more is None:
        with open(f"{box.dir}/new/file", "w") as f:
            f.write("half a file")
        os.rename(f"{box.dir}/new/file", f"{plugins.path}/{FILE}")
    else:
        replace(plugins, cleanup="", **more)
    forced(box, plugins, FILE, says)
    replace(plugins, cleanup="")
    cleaned(box, plugins)


# --- what a file is not

@test(sanitized=False)
def a_descriptor_of_a_library_that_comes_along_does_not_count(box):
    """dlsym(3) finds a symbol in what a file is linked with, too."""
    plugins = MadePlugins(box)
    library = plugins.watcher("a", plan="")
    os.rename(library, f"{box.dir}/library.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-I", INCLUDE, "-Wl,--no-as-needed", "-x", "c", "-", "-x", "none",
                    f"{box.dir}/library.so", "-o", f"{plugins.path}/{FILE}"], input="int x;", text=True, check=True)
    plugins.run(box.bundle()).fails(FILE, "hozo_plugin")
    same(plugins.notes(), [])
    box.nothing_left()


@test(sanitized=False)
def settings_are_read_for_real_work_only(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", settings=[("x", "STRING")], plan="", annotations=[("org.test.a", "OWN")])
    plugins.settings(a="spoiled")
    for words in ("features",), ("plugin", "list"), ("plugin", "info", "process@a"), ("list",):
        r = plugins.hozo(*words).ok()
        same(r.err, "")
    plugins.run(box.bundle()).fails("a.json")
