# SPDX-License-Identifier: Apache-2.0
"""Whatever config.json holds: one line that names the place, exit status 1, nothing left."""
import copy
import json
import os

import bundle
import host
from harness import same, test


def refused(box, b, *texts):
    box.count += 1
    log, pid_file = f"{box.dir}/{box.count}.log", f"{box.dir}/pid"
    box.hozo("--log", log, "create", "--bundle", b.path, "--pid-file", pid_file, "c1",
             timeout=20).fails(*texts)
    same(open(log).read().count("\n"), 1, "lines in the log")
    assert not os.path.exists(pid_file)
    box.unknown()
    box.nothing_left()


def raw(box, content):
    """A bundle whose config.json is this text."""
    b = box.bundle()
    with open(f"{b.path}/config.json", "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return b


def default_text():
    return json.dumps(bundle.DEFAULT)


# --- the text

TEXTS = {
    "empty": "",
    "blank": " \n\t ",
    "a word": "configuration",
    "null": "null",
    "a number": "7",
    "a list": "[]",
    "a text": '"ociVersion"',
    "an unfinished object": "{",
    "an unfinished text": '{"ociVersion": "1.0',
    "an unfinished member": '{"ociVersion":',
    "a comma too many": '{"ociVersion": "1.0.2",}',
    "something behind the end": "{} {}",
    "a comment": '{"ociVersion": "1.0.2" /* no */}',
    "single quotes": "{'ociVersion': '1.0.2'}",
    "not a number": '{"ociVersion": NaN}',
    "a leading zero": '{"ociVersion": "1.0.2", "x": 01}',
    "an escaped NUL": '{"ociVersion": "1.0.2", "hostname": "a\\u0000b"}',
    "a NUL in a name": '{"ociVersion": "1.0.2", "host\\u0000name": "a"}',
    "a raw NUL": b'{"ociVersion": "1.0.2", "hostname": "a\0b"}',
    "a NUL behind the end": default_text().encode() + b"\0{}",
    "a raw control character": b'{"ociVersion": "1.0.2", "hostname": "a\nb"}',
    "an unknown escape": '{"ociVersion": "1.0.2", "hostname": "\\x41"}',
    "half a surrogate": '{"ociVersion": "1.0.2", "hostname": "\\ud800"}',
    "not UTF-8": b'{"ociVersion": "1.0.2", "hostname": "\xff\xfe"}',
    "Latin-1": b'{"ociVersion": "1.0.2", "hostname": "caf\xe9"}',
    "overlong UTF-8": b'{"ociVersion": "1.0.2", "hostname": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"ociVersion": "1.0.2", "hostname": "\xed\xa0\x80"}',
    "UTF-16": default_text().encode("utf-16"),
    "deep lists": "[" * 100000,
    "deep and well-formed": '{"x":' * 20000 + "1" + "}" * 20000,
    "deep in a member that nobody reads": '{"ociVersion": "1.0.2", "x": ' + "[" * 5000 + "]" * 5000 + "}",
}


@test(cases=TEXTS)
def a_text_that_is_no_configuration(box, content):
    refused(box, raw(box, content), "config.json")


@test(cases={f"{percent} %": percent for percent in (1, 10, 25, 50, 75, 90, 99)})
def a_text_that_ends_too_early(box, percent):
    text = default_text()
    refused(box, raw(box, text[:len(text) * percent // 100]), "config.json")


@test(cases={"on top": ('{"hostname": "a", ', "hostname"), "below": ('{"linux": {"x": 1, "x": 2}, ', "x")})
def a_name_that_occurs_twice(box, case):
    start, name = case
    refused(box, raw(box, start + default_text()[1:]), name)


@test
def a_gibibyte_without_content(box):
    b = box.bundle()
    with open(f"{b.path}/config.json", "wb") as f:
        f.truncate(1 << 30)
    refused(box, b, "config.json")


@test
def a_gibibyte_of_blanks_is_not_read_into_memory(box):
    b = raw(box, b"{" + b" " * (80 << 20))
    refused(box, b, "config.json")


@test
def random_bytes(box):
    for n in range(10):
        refused(box, raw(box, os.urandom(300)), "config.json")


# --- types, ranges, and what must be there: PATH → value, or a function that changes the configuration

@test
def a_bundle_whose_name_is_not_utf8(box):
    b = box.bundle().write()
    odd = os.fsencode(b.path) + b"\xff"
    os.rename(b.path, odd)
    box.hozo("create", "--bundle", os.fsdecode(odd), "c1").fails("the name is not UTF-8")
    os.rename(odd, b.path)


def put(config, path, value):
    *parents, last = path.replace("[", ".[").split(".")
    for p in parents:
        config = config[int(p[1:-1]) if p.startswith("[") else p]
    config[int(last[1:-1]) if last.startswith("[") else last] = value


WRONG = {
    "ociVersion": [7, None, "", "1", "1.0", "2.0.0", "0.9.0", "abc", "1.0.0.0", "01.0.0", "1.x.0", "v1.0.0",
                   "1.0.0-", "1.0.0+", " 1.0.0", "1.0.0 ", "1.0.0-rc..1", "99999999999999999999.0.0"],
    "process": ["true", [], 7, True],
    "process.args": ["true", [], {}, [7], [["true"]], [None]],
    "process.env": ["A=1", {"A": "1"}, [7], [None]],
    "process.cwd": [7, "", "relative", "./relative"],
    "process.terminal": ["yes", 1],
    "process.user": ["root", []],
    "process.user.uid": [-1, 1.5, "0", 4294967296, 1e40, True, 0.1],
    "process.user.gid": [-1, "0"],
    "process.user.umask": [-1, "022", 4294967296],
    "process.user.additionalGids": [7, ["7"], [-1]],
    "process.noNewPrivileges": ["true", 0],
    "process.oomScoreAdj": ["1", 1.5, 5000, -5000, 9223372036854775808],
    "process.capabilities": [[], "CAP_CHOWN"],
    "process.capabilities.bounding": ["CAP_CHOWN", [1]],
    "process.rlimits": [{}, "x"],
    "process.rlimits[0]": ["x", {}],
    "process.rlimits[0].type": ["RLIMIT_FROB", "NOFILE", 7],
    "process.rlimits[0].soft": [-1, "7", 18446744073709551616],
    "root": ["rootfs", [], {}],
    "root.path": [7, ""],
    "root.readonly": ["true", 1],
    "hostname": [7, ["a"]],
    "mounts": [{}, "x"],
    "mounts[0]": ["x", [], {}],
    "mounts[0].destination": [7],
    "mounts[0].type": [7],
    "mounts[0].options": ["ro", [7]],
    "linux": ["x", []],
    "linux.namespaces": [{}, "pid"],
    "linux.namespaces[0]": ["pid", {}],
    "linux.namespaces[0].type": ["frob", "PID", 7],
    "linux.namespaces[0].path": [7],
    "linux.maskedPaths": ["/x", [7]],
    "linux.readonlyPaths": [{}, [None]],
    "linux.sysctl": [[], "x", {"net.ipv4.ip_forward": 1}],
    "linux.devices": [{}, [7]],
    "linux.resources": [[], "x"],
    "linux.resources.devices": [{}, [7]],
    "linux.resources.devices[0].allow": ["no", 0],
    "linux.cgroupsPath": [7, []],
    "annotations": [[], "x", {"a": 1}, {"a": {}}],
    "hooks": [[], "x"],
    "hooks.createRuntime": [{}, [7], [{}]],
}

WRONG_RESOURCES = {
    "linux.resources.pids.limit": ["7", 1.5, 9223372036854775808, True],
    "linux.resources.memory.limit": ["7", 1.5, 9223372036854775808, -9223372036854775809],
    "linux.resources.cpu.shares": [-1, 18446744073709551616, "7"],
    "linux.resources.cpu.cpus": [7],
}


def refused_each(box, path, values, members=None):
    b = box.bundle()
    b.config["hooks"] = {}
    b.linux["resources"].update(members or {})
    right = copy.deepcopy(b.config)
    for value in values:
        b.config = copy.deepcopy(right)
        put(b.config, path, value)
        refused(box, b.write(), path)


@test(cases={path: (path, values) for path, values in WRONG.items()})
def a_value_that_the_specification_does_not_permit(box, case):
    refused_each(box, *case)


@test(cases={path: (path, values) for path, values in WRONG_RESOURCES.items()})
def a_resource_that_the_specification_does_not_permit(box, case):
    refused_each(box, *case, members={"pids": {"limit": 9}, "memory": {}, "cpu": {}})


@test(cases={p: p for p in ("ociVersion", "process.cwd", "process.args", "root.path", "mounts[0].destination",
                            "linux.namespaces[0].type", "process.rlimits[0].type", "process.rlimits[0].hard")})
def a_member_that_must_be_there(box, path):
    b = box.bundle()
    parent, _, last = path.rpartition(".")
    at = b.config
    for p in parent.replace("[", ".[").split(".") if parent else []:
        at = at[int(p[1:-1]) if p.startswith("[") else p]
    del at[last]
    refused(box, b.write(), path)


@test(cases={"root": "root", "process": "process"})
def a_section_that_a_container_needs(box, section):
    b = box.bundle()
    del b.config[section]
    refused(box, b.write(), section)


def twice(name):
    def change(config):
        rows = config["process"]["rlimits"] if name == "process.rlimits[1]" else config["linux"]["namespaces"]
        rows.append(copy.deepcopy(rows[0]))
    return change


def without(kind, **more):
    def change(config):
        rows = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [n for n in rows if n["type"] != kind]
        if kind == "uts":
            config.pop("hostname")
        config.update(more)
    return change


def sysctl(name, value="1", missing=None):
    def change(config):
        config["linux"]["sysctl"] = {name: value}
        if missing:
            without(missing)(config)
    return change


RELATIONS = {
    "a soft limit above the hard one": (
        "process.rlimits[0]", lambda c: put(c, "process.rlimits[0].soft", 1025)),
    "a limit twice": ("process.rlimits[1]", twice("process.rlimits[1]")),
    "a namespace twice": ("linux.namespaces[5]", twice("linux.namespaces[5]")),
    "a host name in the host's namespace": ("hostname", without("uts", hostname="new")),
    "a domain name in the host's namespace": ("domainname", without("uts", domainname="new")),
    "a sysctl of the network without its namespace": (
        "linux.sysctl", sysctl("net.ipv4.ip_forward", missing="network")),
    "a sysctl of IPC without its namespace": ("linux.sysctl", sysctl("kernel.shmmni", missing="ipc")),
    "a sysctl that belongs to the whole host": ("linux.sysctl", sysctl("vm.swappiness", "60")),
    "a sysctl that climbs": ("linux.sysctl", sysctl("net.ipv4/../../kernel/pid_max", "999999")),
    "a device of an unknown type": (
        "linux.devices[0].type",
        lambda c: c["linux"].update(devices=[{"path": "/dev/x", "type": "x", "major": 1, "minor": 1}])),
    "a device without numbers": (
        "linux.devices[0]", lambda c: c["linux"].update(devices=[{"path": "/dev/x", "type": "c"}])),
    "a device rule of an unknown type": (
        "linux.resources.devices[0]",
        lambda c: c["linux"]["resources"].update(devices=[{"allow": True, "type": "z", "access": "r"}])),
    "an unknown access to a device": (
        "linux.resources.devices[0]",
        lambda c: c["linux"]["resources"].update(devices=[{"allow": True, "type": "c", "access": "rx"}])),
    "an id map without a user namespace": (
        "linux.uidMappings",
        lambda c: c["linux"].update(uidMappings=[{"containerID": 0, "hostID": 1000, "size": 1}])),
}


@test(cases=RELATIONS)
def values_that_do_not_go_together(box, case):
    path, change = case
    b = box.bundle()
    change(b.config)
    refused(box, b.write(), path)


# --- what is right

@test(cases={v: v for v in ("1.0.0", "1.0.2-dev", "1.1.0", "1.2.1", "1.3.0", "1.99.0", "1.0.0-rc.1",
                            "1.0.0-rc5", "1.3.0+build.7")})
def a_version_of_the_first_major_is_accepted(box, version):
    b = box.bundle()
    b.config["ociVersion"] = version
    box.run(b).ok().silent()


@test
def members_that_no_specification_knows_are_ignored(box):
    b = box.bundle("echo fine")
    b.config["frob"] = {"a": [1, {"b": None}]}
    b.process["frob"] = b.linux["frob"] = b.config["root"]["frob"] = [7]
    b.config["mounts"][0]["frob"] = "x"
    r = box.run(b).ok()
    same((r.out, r.err), ("fine\n", ""))


@test
def sections_of_other_systems_are_ignored(box):
    b = box.bundle("echo fine")
    b.config["windows"] = {"layerFolders": ["C:\\x"]}
    b.config["solaris"] = {"milestone": "x"}
    r = box.run(b).ok()
    same((r.out, r.err), ("fine\n", ""))


@test
def null_counts_as_absent(box):
    b = box.bundle("echo fine")
    b.config["hooks"] = b.config["annotations"] = b.linux["devices"] = None
    b.process["oomScoreAdj"] = None
    same(box.run(b).ok().out, "fine\n")


@test
def a_number_may_be_written_with_a_fraction_of_zero_or_not_at_all(box):
    """Go and JavaScript write 1e3 and 5.0 only if asked to; both are the integers that they equal, or an
    error with the path: never another number."""
    for text in ("5.0", "5e0"):
        b = box.bundle("id -u").write()
        config = open(f"{b.path}/config.json").read().replace('"uid": 0', f'"uid": {text}')
        with open(f"{b.path}/config.json", "w") as f:
            f.write(config)
        r = box.hozo("run", "--bundle", b.path, "c1")
        assert (r.code, r.out) == (0, "5\n") or "process.user.uid" in r.err, r


@test
def sixty_four_bits_are_kept_exactly(box):
    b = box.bundle(["cat", "/proc/self/limits"])
    b.process["rlimits"] = [{"type": "RLIMIT_FSIZE", "soft": 9007199254740993, "hard": 9223372036854775807}]
    row = [line for line in box.run(b).ok().out.splitlines() if line.startswith("Max file size")][0]
    same(row.split()[3:5], ["9007199254740993", "9223372036854775807"])


@test
def a_byte_order_of_escapes_is_understood(box):
    b = box.bundle("echo $X").write()
    config = open(f"{b.path}/config.json").read()
    with open(f"{b.path}/config.json", "w") as f:
        f.write(config.replace('"TERM=xterm"', '"X=\\u0041\\t\\ud83d\\ude00\\/"'))
    same(box.hozo("run", "--bundle", b.path, "c1").ok().out, "A 😀/\n")


# --- the files around it

@test
def a_bundle_that_is_not_there(box):
    path = f"{box.dir}/absent"
    box.hozo("create", "--bundle", path, "c1").fails(path, "no such file or directory")
    box.nothing_left()


@test
def a_bundle_that_is_a_file(box):
    path = f"{box.dir}/file"
    open(path, "w").close()
    box.hozo("create", "--bundle", path, "c1").fails(path, "not a directory")
    box.nothing_left()


@test
def a_bundle_without_configuration(box):
    b = box.bundle()
    refused(box, b, "config.json", "no such file or directory")


@test
def a_configuration_that_is_a_directory(box):
    b = box.bundle()
    os.mkdir(f"{b.path}/config.json")
    refused(box, b, "config.json")


@test
def a_configuration_that_is_a_pipe_does_not_block(box):
    b = box.bundle()
    os.mkfifo(f"{b.path}/config.json")
    refused(box, b, "config.json")


@test
def a_root_file_system_that_is_not_there(box):
    b = box.bundle()
    b.config["root"]["path"] = "absent"
    refused(box, b.write(), "root.path", "no such file or directory")


@test
def a_root_file_system_that_is_a_file(box):
    b = box.bundle()
    b.config["root"]["path"] = "config.json"
    refused(box, b.write(), "root.path", "not a directory")


@test(cases={repr(i)[:30]: i for i in ("", ".", "..", "a/b", "../x", "/x", "a b", "a\nb", "é", "a:b", "a*", "$x",
                                       "a\\b", "%s", "x" * 3000)})
def an_id_with_odd_characters(box, id):
    b = box.bundle().write()
    r = box.hozo("create", "--bundle", b.path, id)
    r.fails("container id cannot be empty" if id == "" else "invalid container ID format")
    for verb in ("state", "start", "delete", "kill", "exec"):
        assert box.hozo(verb, id, *(["true"] if verb == "exec" else [])).code != 0
    box.nothing_left()
    same(host.living_children(), [])
