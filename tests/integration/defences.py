# SPDX-License-Identifier: Apache-2.0
"""Attacks that only one defence stands against: tests/mutations/defences.py takes it out, and they get through."""
import ctypes
import glob
import json
import os
import re
import shutil
import subprocess

import host
from box import ENVIRONMENT
from harness import Skip, libc, same, test

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def outside(box):
    """A directory of the host that no container may change."""
    path = f"{box.dir}/outside"
    os.mkdir(path)
    return path


class Exchanged:
    """Two names of a directory that change places, again and again, as fast as a process can do it."""

    def __init__(self, directory, one, other):
        names = [f"{directory}/{n}".encode() for n in (one, other)]
        self.pid = os.fork()
        while not self.pid:
            libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


# --- paths

@test(timeout=90, sanitized=False)
def a_mount_point_that_becomes_a_link_meanwhile_does_not_reach_the_host(box):
    """CVE-2021-30465, as another container does it that shares a directory with this one. Where the mounts
    went is seen by a hook, before the root is changed."""
    elsewhere = outside(box)
    b = box.bundle("true")
    b.config["root"]["readonly"] = False
    os.mkdir(f"{b.rootfs}/swap")
    os.symlink(elsewhere, f"{b.rootfs}/link")
    for _ in range(20):
        b.mount("/swap")
    b.hook("createContainer", "/bin/sh", ["sh", "-c", f"cat /proc/self/mountinfo >> {box.dir}/mounts"])
    with Exchanged(b.rootfs, "swap", "link"):
        codes = [box.run(b).code for _ in range(60)]
    with open(f"{box.dir}/mounts") as f:
        points = [m.point for m in host.mounts(f.read())]
    assert 0 in codes, "it must have worked at least once to prove anything"
    assert f"{b.rootfs}/swap" in points
    same([p for p in points if p.startswith(elsewhere)], [])
    same(os.listdir(elsewhere), [])


@test(timeout=90, sanitized=False)
def a_directory_that_becomes_a_link_while_others_are_made_in_it_does_not_reach_the_host(box):
    """CVE-2024-45310."""
    elsewhere = outside(box)
    b = box.bundle("true")
    b.config["root"]["readonly"] = False
    os.mkdir(f"{b.rootfs}/swap")
    os.symlink(elsewhere, f"{b.rootfs}/link")
    for n in range(20):
        b.mount(f"/swap/{n}/below")
    b.linux["devices"] = [{"path": f"/swap/devices{n}/d", "type": "c", "major": 1, "minor": 3} for n in range(20)]
    with Exchanged(b.rootfs, "swap", "link"):
        for _ in range(60):
            box.run(b)
            for name in ("swap", "link"):
                path = f"{b.rootfs}/{name}"
                for made in os.listdir(path) if not os.path.islink(path) else ():
                    shutil.rmtree(f"{path}/{made}", ignore_errors=True)
            assert not os.listdir(elsewhere), os.listdir(elsewhere)


@test
def devices_of_an_image_whose_dev_is_a_link_do_not_reach_the_host(box):
    """CVE-2026-47766, CVE-2026-41579: they are made before the container's root is the root."""
    elsewhere = outside(box)
    b = box.bundle("true")
    b.config["root"]["readonly"] = False
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.process["cwd"] = "/dev/made"
    os.rmdir(f"{b.rootfs}/dev")
    os.symlink(elsewhere, f"{b.rootfs}/dev")
    box.run(b)
    same(os.listdir(elsewhere), [])
    box.nothing_left()


@test(cases={"proc": ("proc", 0), "sys": ("sys", 5)})
def proc_and_sysfs_are_not_mounted_behind_a_link(box, case):
    """CVE-2019-19921, CVE-2023-27561: who changes the link later decides what the masks have hidden."""
    name, index = case
    b = box.bundle("true")
    os.rmdir(f"{b.rootfs}/{name}")
    os.mkdir(f"{b.rootfs}/decoy")
    os.symlink("/decoy", f"{b.rootfs}/{name}")
    box.run(b).fails(f"mounts[{index}]: mount {name}", f"to /{name}", "too many levels of symbolic links")
    box.nothing_left()


@test
def a_link_into_proc_is_no_way_to_mount_there(box):
    """CVE-2019-16884: what the configuration may not name, a link of the image could."""
    b = box.bundle("cat /proc/1/attr/current /proc/self/attr/current; ls /proc/sys")
    os.symlink("/proc/sys", f"{b.rootfs}/link")
    b.mount("/link")
    box.run(b).fails("mounts[7]: mount tmpfs to /link", "not permitted")
    box.nothing_left()


@test
def a_source_with_a_mount_namespace_in_it_is_an_error_and_nothing_else_is_shown(box):
    """move_mount(2) refuses such a tree with ELOOP. A second try by path would show the container's own root,
    or the host's."""
    b = box.bundle("ls /shown")
    b.bind(f"/proc/{os.getpid()}/ns/mnt", "/shown")
    box.run(b).fails("mounts[7]: bind", "move_mount", "too many levels of symbolic links")
    box.nothing_left()


# --- devices

@test(cases={"a file": lambda path: open(path, "w").close(),
             "another device": lambda path: os.mknod(path, 0o20666, os.makedev(1, 5))})
def an_image_with_its_own_null_device_cannot_lift_the_masks(box, make):
    """CVE-2025-31133: hozo makes no devices in a /dev that is bound; what is there must be what it says."""
    b = box.bundle("cat /etc/mask")
    os.mkdir(f"{b.path}/dev")
    make(f"{b.path}/dev/null")
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.bind(f"{b.path}/dev", "/dev")
    with open(f"{b.rootfs}/etc/mask", "w") as f:
        f.write("masked\n")
    b.linux["maskedPaths"] = ["/etc/mask"]
    box.run(b).fails("linux.maskedPaths[0]: mask /etc/mask", "not the file that it should be")
    box.nothing_left()


@test
def a_terminal_of_the_image_is_not_taken_for_one(box):
    """CVE-2025-52565: /dev/pts is bound, and ptmx there is another device, which the engine would be given."""
    b = box.bundle("true")
    b.process["terminal"] = True
    os.mkdir(f"{b.path}/pts")
    os.mknod(f"{b.path}/pts/ptmx", 0o20666, os.makedev(1, 5))
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/dev/pts"]
    b.bind(f"{b.path}/pts", "/dev/pts")
    socket = host.ConsoleSocket(f"{box.dir}/s")
    box.create(b, "--console-socket", socket.path).fails("process.terminal", "not the file that it should be")
    box.nothing_left()


@test
def a_console_that_is_a_link_to_another_file_of_the_image_is_not_covered(box):
    """CVE-2025-52565: the terminal would hide a file that the container trusts, or that is masked."""
    b = box.bundle("true")
    b.process["terminal"] = True
    b.config["root"]["readonly"] = False
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/dev"]
    os.mkdir(f"{b.rootfs}/dev/pts")
    os.symlink("/etc/passwd", f"{b.rootfs}/dev/console")
    socket = host.ConsoleSocket(f"{box.dir}/s")
    box.create(b, "--console-socket", socket.path).fails("process.terminal", "too many levels of symbolic links")
    box.nothing_left()


# --- who may look at hozo-init

CAP_SYS_PTRACE, PR_CAPBSET_DROP = 19, 24


@test(sanitized=False)
def hozo_init_cannot_be_looked_at_by_others_of_its_user(box):
    """CVE-2016-9962: a hook has all of hozo-init's rights, and so would be allowed to, if it were dumpable."""
    b = box.bundle("true")
    hook = b.script("hook", "#!/bin/sh\npid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
                    f"{{ readlink /proc/self/exe; readlink /proc/$pid/exe || echo refused; }} > {b.path}/seen\n")
    b.hook("createRuntime", hook, [hook], env=["PATH=/usr/bin:/bin"])
    box.run(b, preexec_fn=lambda: libc.prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0)).ok()
    with open(f"{b.path}/seen") as f:
        same([line for line in f.read().splitlines() if "readlink" not in line], ["refused"])


def calls_before_the_program(box, b, which):
    """These system calls of hozo-init, in their order."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    b.program(["/bin/true"])
    subprocess.run(["strace", "-ff", "-qq", "-e", f"trace={which},execve", "-o", f"{box.dir}/trace", box.runtime,
                    "--root", box.root, "run", "--bundle", b.write().path, "c1"], env=ENVIRONMENT, check=True,
                   stdin=subprocess.DEVNULL, timeout=25)
    for path in glob.glob(f"{box.dir}/trace.*"):
        with open(path) as f:
            lines = f.read().splitlines()
        end = [n for n, line in enumerate(lines) if line.startswith('execve("/bin/true"')]
        if end:
            return lines[:end[0]]
    raise AssertionError("the program was not started")


@test(sanitized=False)
def after_its_change_of_user_hozo_init_says_again_that_it_is_not_dumpable(box):
    """The change sets it to the sysctl fs.suid_dumpable, which belongs to the whole host and may be 1."""
    b = box.bundle()
    b.process["user"] = {"uid": 1000, "gid": 1000}
    calls = calls_before_the_program(box, b, "setresuid,prctl")
    changed = [n for n, call in enumerate(calls) if call.startswith("setresuid(1000")][0]
    assert any("PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in call for call in calls[changed:]), calls


# --- descriptors

@test(cases={"run": lambda box, b, **more: box.run(b, "--preserve-fds", "1", **more),
             "exec": lambda box, b, **more: box.running() and box.exec(
                 "ls", options=["--preserve-fds", "1", "--cwd", b.process["cwd"]], **more)})
def a_working_directory_behind_a_descriptor_that_was_preserved_is_refused(box, verb):
    """CVE-2024-21626: this descriptor is meant to be there, and leads to a directory of the host."""
    b = box.bundle("ls")
    b.process["cwd"] = "/proc/self/fd/3"
    directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    r = verb(box, b, close_fds=False, preexec_fn=host.place_descriptors([directory]))
    assert r.code != 0 and r.out == "" and "process.cwd" in r.err, r


@test
def a_hook_inside_gets_no_descriptor_of_the_host(box):
    """What hozo has open when a hook runs in the container's namespaces leads out of them."""
    b = box.bundle("true")
    b.hook("startContainer", "/bin/ls", ["ls", "/proc/self/fd"])
    same(box.run(b).ok().out.split(), ["0", "1", "2", "3"])


@test
def what_the_caller_left_open_is_close_on_exec_in_hozo_already(box):
    """CVE-2024-21626: no program that hozo or a plugin starts may have it, whoever starts it."""
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    process = box.spawn_run(box.bundle("echo runs; sleep 100"), pass_fds=[fd])
    host.eventually(lambda: process.output.out)
    with open(f"/proc/{process.pid}/fdinfo/{fd}") as f:
        assert int(host.status_field(f.read(), "flags"), 8) & os.O_CLOEXEC


# --- whom and what a change reaches

@test(cases={"kill": ("kill", "c1", "KILL"), "kill --all": ("kill", "--all", "c1", "KILL"),
             "delete --force": ("delete", "--force", "c1"), "exec": ("exec", "c1", "true")})
def a_stranger_that_has_got_the_pid_is_not_touched(box, command):
    pid = box.running()
    stranger = box.spawn_run("sleep 100", id="stranger")
    host.eventually(lambda: os.path.exists(f"{box.root}/stranger/state.json"))
    file = f"{box.root}/c1/state.json"
    with open(file) as f:
        text = f.read()
    assert f'"pid":{pid},' in text, text
    with open(file, "w") as f:
        f.write(text.replace(f'"pid":{pid},', f'"pid":{stranger.pid},'))
    # Only then can its number be another's.
    os.kill(pid, 9)
    host.eventually(lambda: not host.alive(pid))
    box.hozo(*command)
    try:
        raise AssertionError(f"the stranger has ended: {stranger.wait(0.5)}")
    except subprocess.TimeoutExpired:
        pass


CLONE_NEWUTS, CLONE_NEWNET = 0x04000000, 0x40000000


@test(cases={"net": ("network", lambda b: b.linux.update(sysctl={"net.ipv4.ip_forward": "1"})),
             "uts": ("uts", lambda b: b.config.update(hostname="changed"))})
def a_namespace_that_is_joined_and_is_the_hosts_is_not_changed(box, case):
    kind, change = case
    if libc.unshare(CLONE_NEWUTS | CLONE_NEWNET):
        raise Skip("no permission to make namespaces, in which a failure would do no harm")
    before = os.uname()
    b = box.bundle("true")
    b.config.pop("hostname")
    for n in b.linux["namespaces"]:
        if n["type"] == kind:
            n["path"] = f"/proc/self/ns/{'net' if kind == 'network' else kind}"
    change(b)
    box.run(b).fails("would change the host")
    same(os.uname(), before)
    box.nothing_left()


# --- what is opened in the container

def opened(calls):
    """The files that hozo-init opened in these lines of strace; a place (O_PATH) is only looked up."""
    found = []
    for call in calls:
        if call.startswith('execve("/bin/true"'):
            break
        if call.startswith("execveat("):
            found = []  # up to here it was hozo
        elif "O_PATH" not in call and re.match(r"open|connect", call):
            found.append((re.findall(r'"([^"]*)"', call) or [call])[0])
    return found


@test(sanitized=False, cases={verb: verb for verb in ("run", "exec")})
def no_library_locale_or_account_service_of_the_image_is_opened(box, verb):
    """CVE-2019-14271: a runtime that loads something in the container runs the container's code."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    b = box.bundle(["/bin/sleep", "100"] if verb == "exec" else ["/bin/true"])
    b.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
    if verb == "exec":
        box.running(b)
    command = ["exec", "c1", "/bin/true"] if verb == "exec" else ["run", "--bundle", b.write().path, "c1"]
    r = subprocess.run(["strace", "-ff", "-qq", "-e", "trace=open,openat,openat2,connect,execve,execveat",
                        "-o", f"{box.dir}/trace", box.runtime, "--root", box.root, *command],
                       env={**ENVIRONMENT, "LC_ALL": "de_DE.UTF-8", "GCONV_PATH": "/tmp", "TZ": "Europe/Berlin"},
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=25)
    same((r.returncode, r.stderr), (0, ""))
    traces = [open(path).read().splitlines() for path in glob.glob(f"{box.dir}/trace.*")]
    inits = [t for t in traces if any(call.startswith(("execveat(", 'execve("/bin/true"')) for call in t)]
    same(len(inits), 2, "the stage process and the inside process")
    names = {name for calls in inits for name in opened(calls)}
    assert "/etc/passwd" in names, "HOME is looked up: nothing would be seen otherwise"
    same(names - {"/etc/passwd", "/"}, set())


# --- capabilities

@test
def the_configuration_that_spec_writes_has_no_inheritable_capabilities(box):
    """CVE-2022-27650."""
    b = box.bundle().write()
    os.remove(f"{b.path}/config.json")
    box.hozo("spec", cwd=b.path).ok()
    with open(f"{b.path}/config.json") as f:
        config = json.load(f)
    assert config["process"]["capabilities"]["permitted"]
    assert not config["process"]["capabilities"].get("inheritable")
    config["process"].update(terminal=False, args=["cat", "/proc/self/status"])
    b.config.clear()
    b.config.update(config)
    same(int(host.status_field(box.run(b).ok().out, "CapInh"), 16), 0)


# --- control groups

def hierarchies_in(box, b):
    """What a root with all that it needs to write can write below /sys/fs/cgroup."""
    b.program("find /sys/fs/cgroup -type d | wc -l; for d in $(find /sys/fs/cgroup -type d); do mkdir $d/made "
              "2>/dev/null && echo $d; for f in cgroup.procs tasks notify_on_release cgroup.subtree_control; do "
              "test -e $d/$f && echo 0 2>/dev/null >$d/$f && echo $d/$f; done; done; true")
    b.capabilities("CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN", "CAP_SYS_RESOURCE")
    return box.run(b).ok().out.splitlines()


@test(cases={"with a cgroup namespace": True, "without": False})
def a_cgroup_mount_is_read_only_if_the_configuration_says_so(box, own):
    """CVE-2023-25809: the option was lost where the hierarchy was bound from the host."""
    b = box.bundle()
    if own:
        b.linux["namespaces"].append({"type": "cgroup"})
    count, *written = hierarchies_in(box, b)
    assert int(count) > 1
    same(written, [])


@test(cases={"with a cgroup namespace": True, "without": False})
def a_cgroup_mount_is_read_only_if_the_configuration_says_so_on_cgroup_v2(box, own):
    host.cgroup_v2_only()
    b = box.bundle()
    if own:
        b.linux["namespaces"].append({"type": "cgroup"})
    count, *written = hierarchies_in(box, b)
    assert int(count) > 0
    same(written, [])


@test
def the_hosts_hierarchy_in_a_user_namespace_is_read_only_whatever_the_configuration_says(box):
    """CVE-2023-25809: cgroup2 cannot be mounted there, and the host's own shows more than the container."""
    host.cgroup_v2_only()
    b = box.bundle()
    b.linux["namespaces"].append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        b.linux[kind] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    for m in b.config["mounts"]:
        if m["type"] == "cgroup":
            m["options"].remove("ro")
    count, *written = hierarchies_in(box, b)
    assert int(count) > 0
    same(written, [])
