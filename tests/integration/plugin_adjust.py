# SPDX-License-Identifier: Apache-2.0
"""What plugins add to a configuration, and the values that only their `prepare` knows."""
import json
import os
import re

import host
from harness import Skip, same, test
from made_plugins import MadePlugins

ENV = 'if (hozo_add_env(ctx, "{0}", "{1}")) return -1;'
KMSG = """
    struct hozo_device kmsg = {.size = sizeof(kmsg), .path = "/dev/tenon", .type = "c", .major = 1, .minor = 11, %s};

    if (hozo_add_device(ctx, &kmsg))
        return -1;"""
# What a plugin that reads of the device, or the program, is told.
READ = "(head -c 0 < /dev/tenon) 2>&1 && echo readable"
MOUNT = """
    static const char *const options[] = {%s 0};
    struct hozo_mount m = {sizeof(m), "%s", "%s", "%s", options};

    if (hozo_add_mount(ctx, &m))
        return -1;"""


def adding(box, *bodies):
    """Plugins a, b, … that see every container; each with this body of `adjust`."""
    plugins = MadePlugins(box)
    for name, body in zip("abcd", bodies):
        plugins.watcher(name, adjust=body)
    return plugins


def planned(plugins, bundle, *texts):
    """The line of the plan that has all the texts."""
    lines = plugins.plan(bundle).ok().out.splitlines()
    found = [line for line in lines if all(t in line for t in texts)]
    assert len(found) == 1, f"{texts} are in {len(found)} lines of\n" + "\n".join(lines)
    return found[0]


# --- environment

@test(sanitized=False)
def a_variable_reaches_the_program_and_those_that_join(box):
    plugins = adding(box, ENV.format("ACME", "x=y z"))
    b = box.bundle("echo $ACME; sleep 100")
    output = plugins.create(b).ok()
    plugins.hozo("start", "c1").ok()
    host.eventually(lambda: output.out == "x=y z\n", 5, "the variable")
    same(plugins.hozo("exec", "c1", "/bin/sh", "-c", "echo $ACME").ok().out, "x=y z\n")
    with open(f"{box.root}/c1/config.json") as f:
        assert "ACME=x=y z" in json.load(f)["process"]["env"], "the copy of the configuration has it"
    with open(f"{b.path}/config.json") as f:
        assert "ACME=" not in f.read(), "the bundle's does not"
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_variable_is_in_the_plan(box):
    assert "ACME=1" in planned(adding(box, ENV.format("ACME", "1")), box.bundle(), "  exec([")


@test(sanitized=False)
def the_same_variable_once_more_does_nothing(box):
    plugins = adding(box, ENV.format("ACME", "1") * 2 + ENV.format("TERM", "xterm"), ENV.format("ACME", "1"))
    r = plugins.run(box.bundle("env | sort")).ok()
    same(re.findall("(?m)^(ACME|TERM)=.*$", r.out), ["ACME", "TERM"])


@test(sanitized=False)
def a_variable_that_contradicts_is_an_error_that_names_both(box):
    b = box.bundle()
    b.process["env"] = ["PATH=/bin", "ACME=2"]
    adding(box, ENV.format("ACME", "1")).run(b).fails("process.env[1]", "plugin a", "configuration")
    box.nothing_left()


@test(sanitized=False)
def two_plugins_that_contradict_are_both_named(box):
    adding(box, ENV.format("ACME", "1"), ENV.format("ACME", "2")).run(box.bundle()).fails(
        "process.env[2]", "plugin a", "plugin b")
    box.nothing_left()


@test(sanitized=False)
def without_any_environment_there_is_one_then(box):
    b = box.bundle(["/bin/busybox", "env"])
    del b.process["env"]
    same(adding(box, ENV.format("ACME", "1")).run(b).ok().out, "ACME=1\nHOME=/root\n")


# --- devices

def asking_for_kmsg(box, more="0"):
    """A bundle that may read the kernel's messages, but for its device rules."""
    b = box.bundle(f"ls -ln /dev/tenon | tr -s ' '; {READ}")
    b.capabilities("CAP_SYSLOG")
    return b


@test(sanitized=False, cases={"this host": False, "cgroup v2": True})
def a_device_is_there_and_may_be_used(box, v2):
    if v2:
        host.cgroup_v2_only()
    plugins = adding(box, KMSG % ".mode = 0640, .gid = 2")
    b = asking_for_kmsg(box)
    plan = planned(plugins, b, "mknod", "/dev/tenon")
    assert re.search(r"\ba  +linux.devices\[0\]$", plan), plan
    listed, answer = plugins.run(b).ok().out.splitlines()
    assert listed.startswith("crw-r----- 1 0 2 1, 11 "), listed
    same(answer, "readable")


@test(sanitized=False, cases={"this host": False, "cgroup v2": True})
def without_the_permission_it_is_there_and_of_no_use(box, v2):
    if v2:
        host.cgroup_v2_only()
    out = adding(box, KMSG % '.access = ""').run(asking_for_kmsg(box)).ends(1).out
    assert out.startswith("crw-rw-rw-") and "Operation not permitted" in out, out


@test(sanitized=False)
def those_who_join_may_use_it_too(box):
    plugins = adding(box, KMSG % ".access = \"r\"")
    b = asking_for_kmsg(box)
    b.program("sleep 100")
    plugins.running(b)
    same(plugins.hozo("exec", "c1", "/bin/sh", "-c", READ).ok().out, "readable\n")
    r = plugins.hozo("exec", "c1", "/bin/sh", "-c", "echo > /dev/tenon")
    assert r.code and "not permitted" in r.err, r
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_fifo_needs_no_rule(box):
    plugins = adding(box, 'struct hozo_device d = {.size = sizeof(d), .path = "/dev/tenon", .type = "p"};'
                          "if (hozo_add_device(ctx, &d)) return -1;")
    b = box.bundle("test -p /dev/tenon && echo pipe")
    before = MadePlugins(box, name="before").plan(b).ok().out
    same(plugins.run(b).ok().out, "pipe\n")
    more = set(plugins.plan(b).ok().out.splitlines()) - set(before.splitlines())
    same(len([line for line in more if "tenon" not in line]), 0, more)


@test(sanitized=False, cases={
    "alike": {"path": "/dev/tenon", "type": "c", "major": 1, "minor": 11, "fileMode": 0o666, "uid": 0, "gid": 0},
    "without what is the default": {"path": "/dev/tenon", "type": "c", "major": 1, "minor": 11},
    "in another order": {"gid": 0, "uid": 0, "fileMode": 0o666, "minor": 11, "major": 1, "type": "c",
                         "path": "/dev/tenon"},
})
def a_device_that_the_configuration_has_as_well_gets_its_permission(box, device):
    plugins = adding(box, KMSG % ".uid = 0", KMSG % ".gid = 0")
    b = asking_for_kmsg(box)
    b.linux["devices"] = [device]
    assert plugins.run(b).ok().out.endswith("readable\n")


@test(sanitized=False)
def another_device_at_its_path_is_an_error_that_names_both(box):
    b = box.bundle()
    b.linux["devices"] = [{"path": "/dev/x", "type": "p"}, {"path": "/dev/tenon", "type": "c", "major": 1,
                                                            "minor": 3}]
    adding(box, KMSG % ".uid = 0").run(b).fails("linux.devices[1]", "plugin a", "configuration")
    del b.linux["devices"]
    plugins = MadePlugins(box, name="two")
    plugins.watcher("a", adjust=KMSG % ".uid = 0")
    plugins.watcher("b", adjust=KMSG % ".uid = 1")
    plugins.run(b).fails("linux.devices[0]", "plugin a", "plugin b")
    box.nothing_left()


@test(sanitized=False)
def what_is_added_is_seen_by_those_who_watch_it(box):
    plugins = adding(box, KMSG % ".uid = 0")
    plugins.plugin("w", "linux.devices@w", fields=[("linux.devices", "ARRAY", "READ"), ("linux.devices[].path",
                                                                                        "STRING", "READ")],
                   trace=True, plan="""
        struct hozo_cursor list, device, path;

        if (hozo_find(ctx, 0, "linux.devices", &list) != 1 || hozo_item(ctx, &list, 0, &device, 0) != 1 ||
            hozo_find(ctx, &device, "path", &path) != 1)
            return -1;
        note("%s", hozo_as_string(ctx, &path));""")
    plugins.run(box.bundle()).ok()
    same(plugins.notes()[:5], ["a adjust", "w adjust", "w validate", "w plan", "/dev/tenon"])


# --- mounts, hooks, groups, limits

@test(sanitized=False)
def a_mount_comes_behind_those_of_the_configuration(box):
    os.makedirs(f"{box.dir}/source")
    with open(f"{box.dir}/source/file", "w") as f:
        f.write("hello\n")
    plugins = adding(box, MOUNT % ('"bind", "ro",', "/tmp/here", "bind", f"{box.dir}/source"))
    b = box.bundle("cat /tmp/here/file; touch /tmp/here/x; ls /tmp")
    b.mount("/tmp")
    plan = planned(plugins, b, "bind(", "/tmp/here")
    assert re.search(r"\ba  +mounts\[8\]$", plan), plan
    r = plugins.run(b).ok()
    same(r.out, "hello\nhere\n")
    assert "Read-only file system" in r.err, r


@test(sanitized=False)
def a_mount_may_leave_out_what_the_configuration_may(box):
    adding(box, 'struct hozo_mount m = {.size = sizeof(m), .destination = "/tmp", .type = "tmpfs"};'
                "if (hozo_add_mount(ctx, &m)) return -1;").run(box.bundle("touch /tmp/x")).ok()


@test(sanitized=False)
def another_mount_at_its_destination_is_an_error_that_names_both(box):
    b = box.bundle()
    adding(box, MOUNT % ("", "/dev/shm", "tmpfs", "other")).run(b).fails("mounts[3]", "plugin a", "configuration")
    plugins = MadePlugins(box, name="two")
    plugins.watcher("a", adjust=MOUNT % ("", "/tmp", "tmpfs", "one"))
    plugins.watcher("b", adjust=MOUNT % ("", "/tmp", "tmpfs", "two"))
    plugins.run(b).fails("mounts[7]", "plugin a", "plugin b")
    plugins.watcher("b", adjust=MOUNT % ("", "/tmp", "tmpfs", "one"))
    plugins.run(b).ok()
    box.nothing_left()


HOOK = """
    static const char *const args[] = {"sh", "-c", "echo $WHO %s >> %s/notes", 0}, *const env[] = {"WHO=hook", 0};
    struct hozo_hook h = {sizeof(h), 5, "%s", "/bin/sh", args, env};

    if (hozo_add_hook(ctx, &h))
        return -1;"""


@test(sanitized=False)
def hooks_are_run_in_their_time(box):
    plugins = adding(box, HOOK % ("createRuntime", box.dir, "createRuntime"), HOOK % ("poststart", box.dir,
                                                                                      "poststart"),
                     HOOK % ("poststop", box.dir, "poststop"))
    b = box.bundle("sleep 100")
    planned(plugins, b, "hook(", "createRuntime")
    plugins.notes()
    plugins.create(b).ok()
    same([n for n in plugins.notes() if n.startswith("hook")], ["hook createRuntime"])
    plugins.hozo("start", "c1").ok()
    same(plugins.notes(), ["hook poststart"])
    plugins.hozo("delete", "--force", "c1").ok()
    same(plugins.notes(), ["hook poststop"])


@test(sanitized=False)
def the_same_hook_once_more_is_run_once(box):
    body = HOOK % ("createRuntime", box.dir, "createRuntime")
    plugins = adding(box, body, body)
    plugins.run(box.bundle()).ok()
    same([n for n in plugins.notes() if n.startswith("hook")], ["hook createRuntime"])


@test(sanitized=False)
def groups_are_added_for_the_program_and_those_that_join(box):
    plugins = adding(box, "if (hozo_add_group(ctx, 44) || hozo_add_group(ctx, 45)) return -1;",
                     "if (hozo_add_group(ctx, 44)) return -1;")
    b = box.bundle("sleep 100")
    b.process["user"]["additionalGids"] = [45, 7]
    planned(plugins, b, "ids(", "groups=<12 bytes")
    pid = plugins.running(b)
    with open(f"/proc/{pid}/status") as f:
        same(host.status_field(f.read(), "Groups").split(), ["7", "44", "45"])
    same(sorted(plugins.hozo("exec", "c1", "id", "-G").ok().out.split()), ["0", "44", "45", "7"])
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def limits_are_added(box):
    plugins = adding(box, 'if (hozo_add_rlimit(ctx, "RLIMIT_CORE", 7 * 512, 7 * 512)) return -1;',
                     'if (hozo_add_rlimit(ctx, "RLIMIT_CORE", 7 * 512, 7 * 512)) return -1;'
                     'if (hozo_add_rlimit(ctx, "RLIMIT_NOFILE", 1024, 1024)) return -1;')
    b = box.bundle("ulimit -c")
    plan = planned(plugins, b, "rlimit(", "RLIMIT_CORE")
    assert re.search(r"\ba  +process.rlimits\[1\]$", plan), plan
    same(plugins.run(b).ok().out, "7\n")


@test(sanitized=False)
def another_limit_of_its_type_is_an_error_that_names_both(box):
    plugins = adding(box, 'if (hozo_add_rlimit(ctx, "RLIMIT_NOFILE", 1023, 1024)) return -1;')
    plugins.run(box.bundle()).fails("process.rlimits[0]", "plugin a", "configuration")
    box.nothing_left()


# --- sections

POLICY = 'if (hozo_add_member(ctx, "linux", "memoryPolicy", TEXT, sizeof(TEXT) - 1)) return -1;'


def adding_policy(box, *texts):
    plugins = MadePlugins(box)
    for name, text in zip("abcd", texts):
        plugins.watcher(name, head=f"#define TEXT {json.dumps(text)}\n", adjust=POLICY)
    return plugins


def needs_policy():
    if not os.path.exists("/proc/self/numa_maps"):
        raise Skip("the kernel knows no memory nodes")


@test(sanitized=False)
def a_section_that_is_added_opens_its_plugin(box):
    needs_policy()
    plugins = adding_policy(box, '{ "mode" : "MPOL_BIND", "nodes":"0" }', '{"nodes": "0",\n "mode": "MPOL_BIND"}')
    b = box.bundle("head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2")
    planned(plugins, b, "set_mempolicy", "numa")
    same(plugins.run(b).ok().out, "bind:0\n")


@test(sanitized=False)
def its_plugin_adjusts_as_well_and_once(box):
    plugins = MadePlugins(box, installed=False)
    plugins.watcher("z", trace=True, head='#define TEXT "{\\"mode\\": \\"MPOL_LOCAL\\"}"\n', adjust=POLICY)
    plugins.plugin("s", "linux.memoryPolicy", trace=True, adjust=ENV.format("ACME", "1") + KMSG % ".uid = 0",
                   fields=[("linux.memoryPolicy", "OBJECT"), ("linux.memoryPolicy.mode",)])
    plugins.plugin("d", "linux.devices@d", trace=True)
    plugins.run(box.bundle()).ok()
    notes = plugins.notes()
    same(notes[:3], ["z adjust", "s adjust", "d adjust"])
    same(notes[3:9], ["d validate", "s validate", "z validate", "d plan", "s plan", "z plan"])


@test(sanitized=False)
def a_section_that_says_otherwise_is_an_error_that_names_both(box):
    needs_policy()
    b = box.bundle()
    b.linux["memoryPolicy"] = {"mode": "MPOL_DEFAULT"}
    adding_policy(box, '{"mode": "MPOL_LOCAL"}').run(b).fails("linux.memoryPolicy", "plugin a", "configuration")
    b.linux["memoryPolicy"] = None
    plugins = MadePlugins(box, name="two")
    for name, mode in ("a", "LOCAL"), ("b", "DEFAULT"):
        plugins.watcher(name, head=f'#define TEXT "{{\\"mode\\": \\"MPOL_{mode}\\"}}"\n', adjust=POLICY)
    plugins.run(b).fails("linux.memoryPolicy", "plugin a", "plugin b")
    box.nothing_left()


@test(sanitized=False)
def a_section_that_nobody_serves_is_an_error_that_names_who_added_it(box):
    plugins = MadePlugins(box)
    plugins.without("linux.netDevices")
    plugins.watcher("a", adjust='return hozo_add_member(ctx, "linux.netDevices", "eth1", "{}", 2);')
    plugins.run(box.bundle()).fails("linux.netDevices", "plugin a", "hozo-plugin-netdev")
    box.nothing_left()


# --- what is no sound addition

def bad(call, *texts):
    return call, texts


BAD = {
    "a variable without a name": bad('hozo_add_env(ctx, "", "x");', "variable"),
    "a variable with a sign of equality": bad('hozo_add_env(ctx, "A=B", "x");', "variable"),
    "a device of no type": bad(
        'struct hozo_device d = {.size = sizeof(d), .path = "/dev/x", .type = "x"}; hozo_add_device(ctx, &d);',
        "linux.devices[0].type"),
    "a device at a relative path": bad(
        'struct hozo_device d = {.size = sizeof(d), .path = "dev/x", .type = "c"}; hozo_add_device(ctx, &d);',
        "linux.devices[0]", "dev/x"),
    "a device with odd permissions": bad(
        'struct hozo_device d = {.size = sizeof(d), .path = "/dev/x", .type = "c", .access = "rx"}; '
        "hozo_add_device(ctx, &d);", "linux.resources.devices[1].access"),
    "a device beyond all numbers": bad(
        'struct hozo_device d = {.size = sizeof(d), .path = "/dev/x", .type = "c", .major = -1}; '
        "hozo_add_device(ctx, &d);", "linux.devices[0]", "major"),
    "a mount at no path": bad('struct hozo_mount m = {sizeof(m), "", "tmpfs", "tmpfs", 0}; hozo_add_mount(ctx, &m);',
                              "mounts[7]"),
    "a mount with an unknown option": bad(
        'static const char *const o[] = {"bind", "idmap", 0}; '
        'struct hozo_mount m = {sizeof(m), "/tmp", "bind", "/tmp", o}; hozo_add_mount(ctx, &m);', "mounts[7]"),
    "a hook of no kind": bad(
        'struct hozo_hook h = {sizeof(h), 0, "preStart", "/bin/true", 0, 0}; hozo_add_hook(ctx, &h);', "hook"),
    "a hook at a relative path": bad(
        'struct hozo_hook h = {sizeof(h), 0, "poststop", "true", 0, 0}; hozo_add_hook(ctx, &h);',
        "hooks.poststop[0]", "path"),
    "a hook of no path": bad(
        'struct hozo_hook h = {sizeof(h), 0, "poststop", 0, 0, 0}; hozo_add_hook(ctx, &h);',
        "hooks.poststop[0]", "path"),
    "a limit of no type": bad('hozo_add_rlimit(ctx, "RLIMIT_X", 1, 1);', "process.rlimits[1]"),
    "a limit above the limit": bad('hozo_add_rlimit(ctx, "RLIMIT_CORE", 2, 1);', "process.rlimits[1]"),
    "a section of the core": bad('hozo_add_member(ctx, "linux", "sysctl", "{}", 2);', "linux.sysctl"),
    "a section of nobody": bad('hozo_add_member(ctx, "linux", "acme", "{}", 2);', "linux.acme"),
    "a section that is no JSON": bad('hozo_add_member(ctx, "linux", "memoryPolicy", "{", 1);', "memoryPolicy"),
    "a section of another type": bad('hozo_add_member(ctx, "linux", "memoryPolicy", "[]", 2);', "linux.memoryPolicy"),
    "a section with an unknown mode": bad(
        'hozo_add_member(ctx, "linux", "memoryPolicy", "{\\"mode\\": \\"X\\"}", 13);', "linux.memoryPolicy.mode"),
    "a structure of no size": bad('struct hozo_mount m = {0, "/tmp", "tmpfs", 0, 0}; hozo_add_mount(ctx, &m);',
                                  "struct hozo_mount"),
    "a newer structure that says more": bad(
        'struct { struct hozo_mount m; uint64_t more; } m = {{sizeof(m), "/tmp", "tmpfs", 0, 0}, 1}; '
        "hozo_add_mount(ctx, &m.m);", "struct hozo_mount"),
}


@test(sanitized=False, cases=BAD)
def an_addition_that_is_not_sound_is_an_error_that_names_place_and_plugin(box, what):
    """… also if the plugin overlooks that its call has failed."""
    call, texts = what
    plugins = adding(box, call)
    plugins.run(box.bundle()).fails("plugin a", *texts)
    plugins.plan(box.bundle()).fails("plugin a", *texts)
    box.nothing_left()


@test(sanitized=False)
def a_newer_structure_that_says_nothing_more_is_taken(box):
    plugins = adding(box,
                     'struct { struct hozo_mount m; uint64_t more; } m = {{sizeof(m), "/tmp", "tmpfs", 0, 0}, 0}; '
                          "return hozo_add_mount(ctx, &m.m);")
    plugins.run(box.bundle("touch /tmp/x")).ok()


# --- late values

SET = ('{{ struct hozo_value v = {{.size = sizeof(v), .number = {1}, .string = {2}, .fd = {3}}};'
       ' if (hozo_late_set(ctx, "{0}", &v)) return -1; }}')
CALL = """
    struct hozo_syscall call = {{sizeof(call), HOZO_PHASE_{0}, "process", "{1}", SYS_{1}, {{{2}}}, 0, {3}, 0, 0}};

    if (hozo_plan_syscall(ctx, &call))
        return -1;"""


def late(**values):
    """Variables with the handles of these late values: late(n="NUMBER") announces n."""
    return "".join(f'int {name} = hozo_late(ctx, "{name}", HOZO_LATE_{kind}); if ({name} <= 0) return -1;'
                   for name, kind in values.items())


def number(name, value):
    return SET.format(name, value, 0, 0)


def text(name, value):
    return SET.format(name, 0, json.dumps(value), 0)


@test(sanitized=False)
def a_number_and_a_string_are_arguments_of_a_system_call(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=late(name="STRING", length="NUMBER")
                    + CALL.format("SYSTEM", "sethostname", "(uint64_t)name, (uint64_t)length", 3),
                    prepare=number("length", 5) + text("name", "mortise"))
    b = box.bundle("hostname")
    line = planned(plugins, b, "sethostname")
    assert "<late: name>" in line and "<late: length>" in line, line
    plugins.notes()
    same(plugins.run(b).ok().out, "morti\n")


@test(sanitized=False)
def a_number_has_64_bits(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=late(n="NUMBER")
                    + CALL.format("PROCESS", "fcntl", "7000, F_GETFD, (uint64_t)n", 4), prepare=number("n",
                                                                                                       "UINT64_MAX"))
    plugins.run(box.bundle()).fails("fcntl", "bad file descriptor")
    box.nothing_left()


@test(sanitized=False)
def a_descriptor_is_an_argument_of_a_system_call(box):
    plugins = MadePlugins(box)
    path = f"{box.dir}/written"
    plugins.watcher("a", plan=late(file="DESCRIPTOR") + """
        struct hozo_syscall call = {sizeof(call), HOZO_PHASE_PROCESS, "process", "write", SYS_write,
                                    {(uint64_t)file, 0, 6}, 1 << 1, 1 << 0, "hello\\n", 7};

        if (hozo_plan_syscall(ctx, &call))
            return -1;""", prepare=f'int fd = open("{path}", O_CREAT | O_WRONLY, 0600);'
                    + SET.format("file", 0, 0, "fd")
                    + "close(fd);")
    b = box.bundle("ls /proc/self/fd")
    planned(plugins, b, "write", "$file")
    plugins.notes()
    r = plugins.run(b).ok()
    with open(path) as f:
        same(f.read(), "hello\n")
    same(r.out.split(), ["0", "1", "2", "3"], "the program does not have it; ls reads the directory by 3")


@test(sanitized=False)
def a_late_value_is_a_variable(box):
    plugins = MadePlugins(box)
    odd = 'x"$HOME \x01A=é'
    plugins.watcher("a", plan=late(count="NUMBER", string="STRING") + """
        struct hozo_env number = {sizeof(number), (uint32_t)count, "process.env", "COUNT", 0};
        struct hozo_env text = {sizeof(text), (uint32_t)string, "process.env", "TEXT", 0};
        struct hozo_env plain = {sizeof(plain), 0, "process.env", "PLAIN", "1\\001A2"};

        if (hozo_plan_env(ctx, &number) || hozo_plan_env(ctx, &text) || hozo_plan_env(ctx, &plain))
            return -1;""", prepare=number("count", "18446744073709551615u")
                    + SET.format("string", 0, '"x\\"$HOME \\001A=é"', 0))
    b = box.bundle('printf "%s|%s|%s" "$COUNT" "$TEXT" "$PLAIN"')
    line = planned(plugins, b, "  exec([")
    for part in 'COUNT="<late: count>', 'TEXT="<late: string>':
        assert part in line, line
    same(plugins.run(b).ok().out, f"18446744073709551615|{odd}|1\x01A2")


@test(sanitized=False)
def a_late_value_is_the_source_of_a_bind_mount(box):
    plugins = MadePlugins(box)
    os.makedirs(f"{box.dir}/source")
    with open(f"{box.dir}/source/file", "w") as f:
        f.write("hello\n")
    bind = """
        static const char *const options[] = {"ro", "nosuid", 0};
        struct hozo_bind b = {sizeof(b), (uint32_t)where, "linux", "/tmp/here", options};

        if (hozo_plan_bind(ctx, &b))
            return -1;"""
    plugins.watcher("a", plan=late(where="STRING") + bind, prepare=text("where", f"{box.dir}/source"))
    b = box.bundle("cat /tmp/here/file; touch /tmp/here/x; grep ' /tmp/here ' /proc/self/mountinfo | cut -d ' ' -f 6")
    b.mount("/tmp")
    line = planned(plugins, b, "bind(", "/tmp/here")
    assert "<late: where>" in line and re.search(r"\ba  ", line), line
    r = plugins.run(b).ok()
    out = r.out.splitlines()
    assert out[0] == "hello" and "ro" in out[1].split(",") and "nosuid" in out[1].split(","), r
    assert "Read-only file system" in r.err, r
    plugins.watcher("a", plan=late(where="STRING") + bind, prepare=text("where",
                                                                                                  "relative"))
    plugins.run(b).fails("plugin a", "where", "relative")
    plugins.watcher("a", plan=late(where="STRING") + bind, prepare=text("where", f"{box.dir}/missing"))
    plugins.run(b).fails("/tmp/here", "no such file")
    box.nothing_left()


@test(sanitized=False)
def two_plugins_may_use_one_name(box):
    plugins = MadePlugins(box)
    for name in "ab":
        plugins.watcher(name, plan=late(same="STRING") + f"""
            struct hozo_env e = {{sizeof(e), (uint32_t)same, "process.env", "OF_{name}", 0}};

            if (hozo_plan_env(ctx, &e))
                return -1;""", prepare=text("same", name * 3))
    same(plugins.run(box.bundle("echo $OF_a $OF_b")).ok().out, "aaa bbb\n")


@test(sanitized=False)
def a_long_string_arrives_whole(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=late(text="STRING") + """
        struct hozo_env e = {sizeof(e), (uint32_t)text, "process.env", "LONG", 0};

        if (hozo_plan_env(ctx, &e))
            return -1;""", prepare="""
        static char text[60001];
        struct hozo_value v = {.size = sizeof(v), .string = text};

        memset(text, 'x', sizeof(text) - 1);
        return hozo_late_set(ctx, "text", &v);""")
    same(plugins.run(box.bundle("echo ${#LONG}")).ok().out, "60000\n")


@test(sanitized=False)
def many_late_values(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan="""
        char name[16];

        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof(name), "V%d", i);
            int s = hozo_late(ctx, name, HOZO_LATE_NUMBER);
            struct hozo_env e = {sizeof(e), (uint32_t)s, "process.env", name, 0};

            if (s <= 0 || hozo_plan_env(ctx, &e))
                return -1;
        }""", prepare="""
        char name[16];

        for (int i = 0; i < 100; i++) {
            struct hozo_value v = {.size = sizeof(v), .number = (uint64_t)i * 3};

            snprintf(name, sizeof(name), "V%d", i);
            if (hozo_late_set(ctx, name, &v))
                return -1;
        }""")
    r = plugins.run(box.bundle("echo $V0 $V1 $V50 $V99"))
    if r.code:
        r.fails("plugin a", "too many late values")
        box.nothing_left()
    else:
        same(r.out, "0 3 150 297\n")


ANNOUNCE = late(s="STRING", n="NUMBER", d="DESCRIPTOR")
FILL = number("n", 1) + text("s", "x") + SET.format("d", 0, 0, 0)
USE_ENV = 'struct hozo_env e = {sizeof(e), %s, "process.env", "A", 0}; hozo_plan_env(ctx, &e);'
WRONG_LATES = {
    "not filled": (ANNOUNCE, number("n", 1) + text("s", "x"), ["prepare", " d"]),
    "filled by nobody": (ANNOUNCE, None, ["prepare", " s"]),
    "filled twice": (ANNOUNCE, FILL + number("n", 1), [" n", "twice"]),
    "not announced": (ANNOUNCE, FILL + text("x", "x"), [" x", "announced"]),
    "announced twice": (ANNOUNCE + 'hozo_late(ctx, "n", HOZO_LATE_STRING);', FILL, [" n", "twice"]),
    "of no type": ('hozo_late(ctx, "n", 5);', FILL, ["type"]),
    "without a name": ('hozo_late(ctx, "", HOZO_LATE_STRING);', FILL, ["name"]),
    "a string that is none": (ANNOUNCE, number("n", 1) + SET.format("s", 0, 0, 0), [" s", "string"]),
    "a descriptor that is none": (
        ANNOUNCE, number("n", 1) + text("s", "x") + SET.format("d", 0, 0, 777), [" d", "descriptor"]),
    "a handle of nobody": (ANNOUNCE + USE_ENV % "77", FILL, ["late value"]),
    "a descriptor as a variable": (ANNOUNCE + USE_ENV % "(uint32_t)d", FILL, [" d", "text"]),
    "a place in the file system": (
        ANNOUNCE + 'struct hozo_bind b = {sizeof(b), (uint32_t)s, "linux", "/tmp", 0}; hozo_plan_bind(ctx, &b);',
                                   FILL, [" s", "absolute"]),
    "a variable that is there": (ANNOUNCE + (USE_ENV % "(uint32_t)s").replace('"A"', '"PATH"'), FILL, ["PATH"]),
    "a variable twice": (ANNOUNCE + USE_ENV % "(uint32_t)s" + "hozo_plan_env(ctx, &e);", FILL, ["A"]),
    "a number as a source": (
        ANNOUNCE + 'struct hozo_bind b = {sizeof(b), (uint32_t)n, "linux", "/tmp", 0}; hozo_plan_bind(ctx, &b);',
                             FILL, [" n"]),
    "a bind to a relative place": (ANNOUNCE + 'struct hozo_bind b = {sizeof(b), (uint32_t)s, "linux", "tmp", 0}; '
                                   "hozo_plan_bind(ctx, &b);", FILL, ["absolute"]),
}


@test(sanitized=False, cases=WRONG_LATES)
def a_late_value_that_is_wrong_is_an_error(box, what):
    plan, prepare, texts = what
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=plan, cleanup="", **({} if prepare is None else {"prepare": prepare}))
    plugins.run(box.bundle()).fails("plugin a", *texts)
    box.nothing_left()
    notes = plugins.notes()
    assert ("a prepare" in notes) <= ("a cleanup" in notes), notes


@test(sanitized=False)
def a_late_value_of_another_plugin_cannot_be_used(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", plan=ANNOUNCE, prepare=FILL)
    plugins.watcher("b", plan=USE_ENV % "1")
    plugins.run(box.bundle()).fails("plugin b", "late value")
    plugins.watcher("b", prepare=text("s", "x"))
    plugins.run(box.bundle()).fails("plugin b", "late value s")
    box.nothing_left()


@test(sanitized=False)
def what_prepare_kept_is_passed_on_to_those_that_join(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", prepare='return hozo_state_set(ctx, "{\\"token\\": \\"t 1\\"}", 16);', exec="""
        struct hozo_cursor at;
        struct hozo_env e = {.size = sizeof(e), .path = "process.env", .name = "TOKEN"};

        if (hozo_state_find(ctx, 0, "token", &at) != 1)
            return -1;
        e.value = hozo_as_string(ctx, &at);
        return hozo_plan_env(ctx, &e);""")
    plugins.running(box.bundle("sleep 100"))
    same(plugins.hozo("exec", "c1", "/bin/sh", "-c", "echo $TOKEN").ok().out, "t 1\n")
    plugins.hozo("exec", "--env", "TOKEN=2", "c1", "true").fails("TOKEN", code=255)
    plugins.hozo("delete", "--force", "c1").ok()


@test(sanitized=False)
def a_system_call_of_exec_is_made_in_the_process_that_joins(box):
    plugins = MadePlugins(box)
    plugins.watcher("a", exec=CALL.format("PROCESS", "setpriority", "0, 0, 7", 0))
    plugins.running(box.bundle("sleep 100"))
    same(plugins.hozo("exec", "c1", "cut", "-d", " ", "-f", "19", "/proc/self/stat").ok().out, "7\n")
    plugins.hozo("delete", "--force", "c1").ok()
