# SPDX-License-Identifier: Apache-2.0
"""Which plugin files a configuration opens: members, watchers, services, annotations, links, masks."""
import os
import statistics
import subprocess
import time

import host
from harness import Skip, libc, same, test
from made_plugins import MadePlugins

SECTION = [("linux.memoryPolicy", "OBJECT"), ("linux.memoryPolicy.mode",)]
POLICY = {"mode": "MPOL_LOCAL"}


def directory(box):
    """Without an installed plugin for the memory policy: the tests bring their own."""
    return MadePlugins(box, installed=False)


def asked(plugins, bundle):
    """The plugins that are asked for a plan of this configuration."""
    plugins.notes()
    plugins.plan(bundle).ok()
    return sorted(line.split()[0] for line in plugins.notes())


# --- watchers

@test(sanitized=False)
def a_watcher_is_opened_only_if_its_member_is_present(box):
    plugins = directory(box)
    for name, path in {"w1": "process", "w2": "linux.devices", "w3": "linux.resources.memory",
                       "w4": "annotations.org.test.k",
                       "w5": "hooks", "w6": "linux.memoryPolicy", "w7": "mounts", "w8": "linux"}.items():
        plugins.plugin(name, f"{path}@{name}", plan="")
    plugins.plugin("policy", "linux.memoryPolicy", fields=SECTION)
    b = box.bundle()
    same(asked(plugins, b), ["w1", "w7", "w8"])
    b.linux["devices"] = []
    b.linux["memoryPolicy"] = None
    b.config["hooks"] = None
    same(asked(plugins, b), ["w1", "w2", "w7", "w8"], "present means not null")
    b.linux["resources"]["memory"] = {"limit": 1 << 30}
    b.config["annotations"] = {"org.test.k.more": "1", "org.test.kk": "2"}
    b.config["hooks"] = {}
    b.linux["memoryPolicy"] = POLICY
    same(asked(plugins, b), ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"])


@test(sanitized=False)
def any_number_may_watch_a_member_and_read_what_they_declare(box):
    plugins = directory(box)
    for name in ("w1", "w2", "w3"):
        plugins.plugin(name, f"process@{name}", f"linux.devices@{name}",
                       fields=[("process.cwd", "STRING", "READ"), ("linux.devices", "ARRAY", "READ"),
                               ("linux.devices[].path", "STRING", "READ")],
                       plan=f"""
        struct hozo_cursor list, device, path;

        if (hozo_find(ctx, 0, "linux.devices", &list) != 1 || hozo_item(ctx, &list, 0, &device, 0) != 1 ||
            hozo_find(ctx, &device, "path", &path) != 1 || hozo_item(ctx, &list, 1, &device, 0) != 0)
            return -1;
        note("{name} %s %s %s", value(ctx, "process.cwd"), hozo_as_string(ctx, &path), path.path);""")
    b = box.bundle()
    b.process["cwd"] = "/tmp"
    b.linux["devices"] = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}]
    plugins.run(b).ok()
    same([n for n in plugins.notes() if "/" in n], [f"w{n} /tmp /dev/x linux.devices[0].path" for n in (1, 2, 3)])


@test(sanitized=False)
def a_watcher_serves_nothing(box):
    plugins = directory(box)
    b = box.bundle()
    b.linux["memoryPolicy"] = POLICY
    plugins.plugin("watcher", "linux.memoryPolicy@watcher", fields=[(*f, "STRING")[:2] + ("READ",) for f in SECTION])
    plugins.run(b).fails("linux.memoryPolicy", "no installed plugin serves this", "hozo-plugin-numa")
    box.nothing_left()


@test(sanitized=False)
def a_watcher_that_declares_a_field_as_its_own_does_not_serve_it_either(box):
    plugins = directory(box)
    b = box.bundle()
    b.linux["memoryPolicy"] = POLICY
    plugins.plugin("watcher", "linux.memoryPolicy@watcher", fields=SECTION)
    plugins.run(b).fails("linux.memoryPolicy", "no installed plugin serves this")
    box.nothing_left()


@test(sanitized=False, cases={"adjust": "adjust", "validate": "validate", "plan": "plan"})
def a_watcher_whose_concern_it_is_not_is_left_alone(box, stage):
    plugins = directory(box)
    plugins.watcher("shy", trace=True, **{stage: "return 1;"})
    plugins.watcher("other", trace=True)
    b = box.bundle("sleep 100")
    pid = plugins.running(b)
    plugins.hozo("exec", "c1", "true").ok()
    with open(f"{box.root}/c1/state.json") as f:
        state = f.read()
    assert '"other"' in state and '"shy"' not in state, state
    os.kill(pid, 9)
    box.wait_status("stopped")
    plugins.hozo("delete", "c1").ok()
    stages = ["adjust", "validate", "plan"]
    same([n.split()[1] for n in plugins.notes() if n.startswith("shy")], stages[:stages.index(stage) + 1])


@test(sanitized=False, cases={f"{stage} {n}": (stage, n) for stage, n in
                              [("probe", 1), ("prepare", 1), ("attach", 1), ("plan", 2), ("plan", -2), ("adjust",
                                                                                                        7)]})
def no_other_answer_is_taken_from_a_watcher(box, what):
    stage, answer = what
    plugins = directory(box)
    plugins.watcher("odd", **{stage: f"return {answer};"})
    plugins.run(box.bundle()).fails("odd", stage)
    box.nothing_left()


@test(sanitized=False, cases={"adjust": "adjust", "validate": "validate", "plan": "plan"})
def who_serves_something_cannot_say_that_it_is_not_his_concern(box, stage):
    plugins = directory(box)
    plugins.key("server", **{stage: "return 1;"})
    b = box.bundle()
    b.config["annotations"] = {"org.test.server": "x"}
    plugins.run(b).fails("server", stage)
    box.nothing_left()


# --- services, links, one file

@test(sanitized=False)
def a_service_is_opened_by_the_option_that_names_it(box):
    plugins = directory(box)
    plugins.plugin("service", "+cgroup-manager.systemd", trace=True)
    b = box.bundle()
    plugins.run(b).ok()
    same(plugins.notes(), [], "without the option")
    b.linux["cgroupsPath"] = "a.slice:b:c"
    plugins.hozo("--cgroup-manager", "systemd", "plan", "--bundle", b.write().path)
    assert plugins.notes(), "with the option"


@test(sanitized=False)
def one_file_of_several_names_is_one_plugin(box):
    plugins = directory(box)
    plugins.plugin("all", "linux.memoryPolicy", "linux.devices@all", "process@all", "mounts@all",
                   "annotations.org.test.all",
                   fields=[*SECTION, ("linux.devices", "ARRAY", "READ")],
                   annotations=[("org.test.all", "OWN")], trace=True)
    b = box.bundle()
    b.linux["memoryPolicy"], b.linux["devices"] = POLICY, []
    b.config["annotations"] = {"org.test.all": "1"}
    plugins.run(b).ok()
    same(plugins.notes(), [f"all {c}" for c in ("adjust", "validate", "plan", "probe", "prepare", "attach", "started",
                                                "stopped", "cleanup")])


@test(sanitized=False)
def a_plugin_that_serves_one_thing_and_watches_another_is_no_watcher(box):
    """Opened for what it only watches, it may decline; opened for what it serves, it may not."""
    plugins = directory(box)
    plugins.plugin("both", "annotations.org.test.both", "process@both", annotations=[("org.test.both", "OWN")],
                   plan="return 1;")
    plugins.run(box.bundle()).ok()
    b = box.bundle()
    b.config["annotations"] = {"org.test.both": "1"}
    plugins.run(b).fails("both", "plan")
    box.nothing_left()


# --- several directories

def two_directories(box):
    """The built-in list of directories, the second one being a test's own; no option names either."""
    plugins = directory(box)
    listed = plugins.hozo("plugin", "dir").ok().out.split()
    plugins.arguments = ()
    built_in = plugins.hozo("plugin", "dir").ok().out.split()
    same(listed, [plugins.path])
    if "/opt/hozo/plugins" not in built_in or not os.path.isdir("/opt"):
        raise Skip("this build looks for plugins elsewhere")
    host.private_mounts()
    if libc.mount(b"none", b"/opt", b"tmpfs", 0, b"mode=755"):
        raise Skip("no permission to mount a tmpfs")
    os.makedirs("/opt/hozo/plugins", 0o755)
    return plugins, "/opt/hozo/plugins"


@test(sanitized=False)
def the_second_directory_of_the_built_in_list_has_plugins_too(box):
    plugins, second = two_directories(box)
    plugins.plugin("vendor", "process@vendor", directory=second, plan="")
    plugins.run(box.bundle()).ok()
    with open(f"{os.path.dirname(second)}/notes") as f:
        same(f.read(), "vendor plan\n")


@test(sanitized=False)
def a_mask_in_one_directory_hides_the_name_in_all(box):
    plugins, second = two_directories(box)
    os.symlink("/dev/null", f"{second}/linux.memoryPolicy.so")
    b = box.bundle()
    plugins.run(b).ok()
    b.linux["memoryPolicy"] = POLICY
    plugins.run(b).fails("linux.memoryPolicy", f"{second}/linux.memoryPolicy.so", "masked")
    box.nothing_left()
    os.remove(f"{second}/linux.memoryPolicy.so")
    plugins.run(b).ok()


@test(sanitized=False)
def a_mask_hides_watchers_too(box):
    plugins = directory(box)
    plugins.watcher("watcher", plan="")
    os.rename(f"{plugins.path}/process@watcher.so", f"{box.dir}/kept")
    os.symlink("/dev/null", f"{plugins.path}/process@watcher.so")
    plugins.run(box.bundle()).ok()
    same(plugins.notes(), [])


@test(sanitized=False)
def two_files_of_one_name_are_an_error_only_where_the_name_occurs(box):
    plugins, second = two_directories(box)
    plugins.plugin("twin", "linux.memoryPolicy", directory=second, fields=SECTION)
    b = box.bundle()
    plugins.run(b).ok()
    b.linux["memoryPolicy"] = POLICY
    plugins.run(b).fails(f"{plugins.installed}/linux.memoryPolicy.so", f"{second}/linux.memoryPolicy.so")
    box.nothing_left()


@test(sanitized=False)
def one_file_by_links_in_two_directories_is_no_conflict(box):
    plugins, second = two_directories(box)
    os.symlink(f"{plugins.installed}/linux.memoryPolicy.so", f"{second}/linux.memoryPolicy.so")
    b = box.bundle()
    b.linux["memoryPolicy"] = POLICY
    plugins.run(b).ok()


@test(sanitized=False)
def two_plugins_that_own_one_field_are_an_error_that_names_both(box):
    plugins = directory(box)
    plugins.plugin("first", "linux.memoryPolicy", fields=SECTION)
    plugins.plugin("second", "annotations.org.test.second", fields=SECTION, annotations=[("org.test.second", "OWN")])
    b = box.bundle()
    b.linux["memoryPolicy"] = POLICY
    plugins.run(b).ok()
    b.config["annotations"] = {"org.test.second": ""}
    plugins.run(b).fails("linux.memoryPolicy", "first", "second")
    box.nothing_left()


@test(sanitized=False)
def two_plugins_of_one_name_are_an_error(box):
    plugins = directory(box)
    plugins.plugin("twin", "process@one", plan="")
    plugins.plugin("twin", "process@two", plan="")
    plugins.run(box.bundle()).fails("twin", "process@one.so", "process@two.so")
    box.nothing_left()


# --- annotations

@test(sanitized=False)
def an_annotation_opens_whose_name_is_its_prefix_by_labels(box):
    plugins = directory(box)
    annotations = [("org.test.p", "OWN"), ("org.test.p.", "OWN"), ("org.test.p/", "OWN")]
    plugins.plugin("p", "annotations.org.test.p", annotations=annotations[:2], plan="")
    plugins.plugin("w", "annotations.org.test.p@w", plan="")
    for key, opened in {"org.test.p": True, "org.test.p.x": True, "org.test.p/x": True, "org.test.px": False,
                        "org.test": False, "org.test.": False, "org.test.P": False, "x.org.test.p": False}.items():
        b = box.bundle()
        b.config["annotations"] = {key: "1"}
        same(asked(plugins, b), ["p", "w"] if opened else [], key)


@test(sanitized=False)
def the_longest_name_serves_an_annotation_and_all_watch(box):
    plugins = directory(box)
    for n, name in enumerate(["org.test", "org.test.a", "org.test.a.b"]):
        plugins.plugin(f"s{n}", f"annotations.{name}", annotations=[(name, "OWN"), (name + ".", "OWN")], plan="")
        plugins.plugin(f"w{n}", f"annotations.{name}@w{n}", plan="")
    for key, opened in {"org.test.a.b.c": ["s2", "w0", "w1", "w2"], "org.test.a.b": ["s2", "w0", "w1", "w2"],
                        "org.test.a": ["s1", "w0", "w1"], "org.test.b": ["s0", "w0"],
                        "org.test/a": ["s0", "w0"], "org": []}.items():
        b = box.bundle()
        b.config["annotations"] = {key: "1"}
        same(asked(plugins, b), opened, key)


@test(sanitized=False)
def an_annotation_needs_two_labels(box):
    plugins = directory(box)
    plugins.plugin("short", "annotations.org", annotations=[("org.", "OWN")], plan="")
    b = box.bundle()
    b.config["annotations"] = {"org.test": "1"}
    same(asked(plugins, b), [])
    r = plugins.hozo("plugin", "list")
    assert "annotations.org" in r.out, r


@test(sanitized=False)
def features_list_the_annotations_that_plugins_declare(box):
    plugins = directory(box)
    plugins.plugin("p", "annotations.org.test.p", "process@p",
                   annotations=[("org.test.p", "OWN"), ("org.test.p.", "OWN"), ("org.other.seen",
                                                                                "READ")], trace=True)
    listed = plugins.features()["potentiallyUnsafeConfigAnnotations"]
    for key in ("org.test.p", "org.test.p.", "org.other.seen"):
        assert key in listed, listed
    same(plugins.notes(), [], "no plugin's code is called")


@test(sanitized=False)
def features_have_the_annotations_of_plugins(box):
    plugins = directory(box)
    key = "annotations.org.test.firmware"
    plugins.plugin("p", "process@p", features=[(key, '"7.1"')], plan="")
    plugins.plugin("q", "process@q", features=[(key, '"8"'), ("annotations.hozo.version", '"9"'),
                                               ("annotations.org.test.number", "7")], plan="")
    said = plugins.features()["annotations"]
    same(said["org.test.firmware"], "7.1")
    assert said["hozo.version"] != "9" and "org.test.number" not in said, said
    assert "q: an annotation that is no text of its own" in said["hozo.plugins.broken"], said


# --- what is not used

def wrong_plugins(plugins, count):
    """So many files, none of which could be opened."""
    for n in range(count):
        with open(f"{plugins.path}/annotations.org.unused.n{n}.so", "w") as f:
            f.write("no plugin")
        with open(f"{plugins.path}/linux.intelRdt@unused{n}.so", "w") as f:
            f.write("no plugin")


@test(sanitized=False)
def plugins_that_are_not_used_are_not_touched(box):
    plugins = directory(box)
    wrong_plugins(plugins, 50)
    b = box.bundle()
    trace = f"{box.dir}/trace"
    if subprocess.run(["which", "strace"], capture_output=True).returncode:
        raise Skip("strace is not installed")
    subprocess.run(["strace", "-f", "-qq", "-s", "256", "-o", trace, box.runtime, "--root", box.root,
                    *plugins.arguments, "run",
                    "--bundle", b.write().path, "c1"], check=True)
    with open(trace, errors="replace") as f:
        lines = f.read().splitlines()
    touched = [line for line in lines if "unused" in line]
    same(touched, [])
    opened = [line for line in lines if f'"{plugins.path}"' in line and "execve" not in line]
    same(len(opened), 1, "the directory is opened once")


@test(sanitized=False, timeout=60)
def plugins_that_are_not_used_cost_nothing(box):
    few, many = directory(box), MadePlugins(box, installed=False, name="many")
    wrong_plugins(many, 50)
    b = box.bundle().write()

    def once(plugins):
        begin = time.perf_counter()
        subprocess.run([box.runtime, "--root", box.root, *plugins.arguments, "run", "--bundle", b.path, "c1"],
                       check=True)
        return time.perf_counter() - begin

    # A busy host may disturb one series, not five of them.
    for _ in range(5):
        pairs = [(once(few), once(many)) for _ in range(60)]
        ratio = statistics.median(m for _, m in pairs) / statistics.median(f for f, _ in pairs)
        if ratio < 1.05:
            return
    raise AssertionError(f"with 100 unused files a run takes {ratio:.3f} times as long")


# --- what is no plugin

@test(sanitized=False)
def names_that_say_nothing_are_never_opened(box):
    plugins = directory(box)
    odd = ["process@.so", "@a.so", ".so", "+.so", "process@a b.so", "linux..resources.so", "process.so",
           "no.such.member.so",
           "annotations.so", "annotations.single.so", "+unknown.so", "readme.txt", "process@a.so.bak",
           "LINUX.memoryPolicy.so"]
    for name in odd:
        with open(f"{plugins.path}/{name}", "w") as f:
            f.write("no plugin")
    b = box.bundle("echo fine")
    b.config["annotations"] = {"single": "1", "single.x": "2"}
    same(plugins.run(b).ok().out, "fine\n")
    listed = plugins.hozo("plugin", "list").out
    for name in odd:
        if name.endswith(".so") and name not in (".so",):
            assert f"/{name}\n" in listed or name.removesuffix(".so") in listed, (name, listed)


@test(sanitized=False, cases={"a directory": os.mkdir, "a FIFO": os.mkfifo,
                              "a dangling link": lambda path: os.symlink("nowhere", path),
                              "a link to itself": lambda path: os.symlink(path, path),
                              "an empty file": lambda path: open(path, "w").close()})
def what_is_no_shared_object_is_an_error_at_once(box, make):
    plugins = directory(box)
    make(f"{plugins.path}/annotations.org.test.a.so")
    b = box.bundle("echo fine")
    same(plugins.run(b).ok().out, "fine\n")
    b.config["annotations"] = {"org.test.a": "1"}
    begin = time.monotonic()
    plugins.run(b).fails("annotations", f"{plugins.path}/")
    box.nothing_left()
    plugins.features()
    plugins.hozo("plugin", "list").ends(1)
    assert time.monotonic() - begin < 10, "nobody waits for the other end of a pipe"


@test(sanitized=False)
def a_file_that_becomes_another_plugin_is_refused_later(box):
    plugins = directory(box)
    plugins.plugin("first", "process@x", cleanup="")
    plugins.create(box.bundle()).ok()
    os.remove(f"{plugins.path}/process@x.so")
    plugins.plugin("second", "process@x", cleanup="")
    plugins.hozo("delete", "c1").fails("first", "process@x.so")
    same(plugins.notes(), [])
    plugins.plugin("first", "process@x", cleanup="")
    plugins.hozo("delete", "c1").ok()
    same(plugins.notes(), ["first cleanup"])
