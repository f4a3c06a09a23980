# SPDX-License-Identifier: Apache-2.0
"""What a container that may trace finds in a process of hozo that comes into its pid namespace: the
process is stopped at every system call, and the neighbour looks through /proc (CVE-2016-9962,
CVE-2019-5736, CVE-2024-21626)."""
import errno
import json
import os
import stat
import subprocess

import host
from harness import same, test
from neighbour import Neighbour, identity, inside_process

PROC, TMPFS = 0x9fa0, 0x1021994
PLAN = "/memfd:hozo-plan (deleted)"
# What hozo-init is, and why it cannot be written to.
MEMFD, ON_TMPFS = ("/memfd:hozo-init (deleted)", errno.ETXTBSY), ("/hozo-init", errno.EROFS)


# --- what may be found

def program_complaints(look, image=MEMFD):
    """No program, library or memory of the host: from birth to the last system call before exec."""
    init, refusal = image
    found = [f"denied {d}" for d in look.denied]
    exe = look.files.get("exe")
    if not exe or exe.link != init or exe.fstype != TMPFS:
        found.append(f"exe {exe}")
    if look.texts["write"] != [refusal]:
        found.append(f"write: exe can be opened for writing: {look.texts['write']}")
    found += [f"maps {name}" for name in look.maps - {init, PLAN}]
    found += [f"map_files {f}" for f in look.below("map_files") if f.link not in (init, PLAN) or f.fstype != TMPFS]
    if look.texts["environ"] != [0, 0]:
        found.append(f"environ {look.texts['environ']}")
    size, hits = look.texts["memory"]
    if hits or look.texts["cmdline"][1]:
        found.append(f"memory: the secret is in it {hits} times")
    if not size:
        found.append("memory: nothing was read")
    return found


class Place:
    """A container, seen from the host: its root, its mounts and its namespaces."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/mountinfo") as f:
            self.mounts = {int(line.split()[0]) for line in f}
        self.root = identity(f"/proc/{pid}/root")
        self.namespaces = {f"ns/{n}": identity(f"/proc/{pid}/ns/{n}") for n in os.listdir(f"/proc/{pid}/ns")}

    def has(self, file):
        return file.mount in self.mounts

    def complaints(self, look, given):
        """Nothing but the caller's streams, one socket, and what is in this container."""
        files, sockets = look.files, 0
        found = [f"{n} {files[n]}" for n, own in self.namespaces.items() if files[n].id != own]
        if files["root"].id != self.root or not self.has(files["root"]):
            found.append(f"root {files['root']}")
        if not self.has(files["cwd"]):
            found.append(f"cwd {files['cwd']}")
        for number, file in look.descriptors().items():
            if number < 3 and file.id == (given[number].st_dev, given[number].st_ino) or self.has(file):
                continue
            sockets += stat.S_ISSOCK(file.mode)
            if not stat.S_ISSOCK(file.mode) or sockets > 1:
                found.append(f"descriptor {file}")
        return found


def first_words(complaints):
    return {c.split()[0].rstrip(":") for c in complaints}


@test(sanitized=False)
def a_program_of_the_host_that_joins_is_found_out(box):
    """Without this the other tests could pass by blindness."""
    neighbour = Neighbour(box)
    leak = neighbour.program("leak")
    stops = neighbour.stops(neighbour.watch(leak, f"/proc/{neighbour.pid}/ns/pid"))
    looks = [look for s in stops for look in s.looks.values()]
    assert stops[0].point == "birth" and len(looks) == len(stops), stops
    place = Place(neighbour.pid)
    for look in looks:
        same(look.denied, [])
        same(first_words(program_complaints(look)), {"exe", "maps", "map_files", "environ", "memory"})
        found = first_words(place.complaints(look, neighbour.given))
        assert {"root", "cwd", "descriptor", "ns/mnt", "ns/net"} <= found, found
        same(look.files["exe"].id, identity(leak))
        assert identity("/") in [f.id for f in look.descriptors().values()]
    held = neighbour.held()
    assert held[os.path.realpath(leak)] and any("libc" in name and held[name] for name in held), held


# --- exec

def process_file(box):
    path = f"{box.dir}/process.json"
    with open(path, "w") as f:
        json.dump({"user": {"uid": 1000, "gid": 1000, "additionalGids": [7]}, "cwd": "/home/ann", "args": ["true"],
                   "env": ["PATH=/bin"], "noNewPrivileges": False,
                   "capabilities": {k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted",
                                                              "inheritable", "ambient")}}, f)
    return path


def terminal(box):
    box.console = host.ConsoleSocket(f"{box.dir}/console")
    return ["--tty", "--detach", "--console-socket", box.console.path]


def executed(neighbour, id, pid, options, program=("true",), image=MEMFD):
    """Looks at `exec` in the container `id`, whose first process has this pid."""
    box = neighbour.box
    looks = inside_process(neighbour.stops(neighbour.watch(
        box.runtime, "--root", box.root, "exec", *options, id, *program)))
    place = Place(pid)
    for n, look in enumerate(looks):
        found = place.complaints(look, neighbour.given)
        if n < len(looks) - 1:
            found += program_complaints(look, image)
        same(found, [], f"look {n} of {len(looks)}\n{look}\n")
    same(place.has(looks[-1].files["exe"]), True, "the program is the container's")
    same([f.name for f in looks[-1].below("fd")], ["fd/0", "fd/1", "fd/2"])
    held = neighbour.held()
    same((held[image[0]], held[PLAN]), (False, False), "writable")


@test(sanitized=False, cases={
    "with the caller's streams": lambda box: [], "with a terminal": terminal,
    "as another user with new privileges": lambda box: ["--process", process_file(box)]})
def exec_brings_nothing_of_the_host(box, options):
    neighbour = Neighbour(box)
    options = options(box)
    executed(neighbour, "neighbour", neighbour.pid, options, [] if "--process" in options else ["true"])


@test(sanitized=False)
def exec_on_cgroup_v2_brings_nothing_of_the_host(box):
    host.cgroup_v2_only()
    neighbour = Neighbour(box)
    executed(neighbour, "neighbour", neighbour.pid, [])


@test(sanitized=False)
def exec_without_pivot_brings_nothing_of_the_host(box):
    neighbour = Neighbour(box, "--no-pivot")
    executed(neighbour, "neighbour", neighbour.pid, [])


@test(sanitized=False)
def exec_beside_the_neighbour_brings_nothing_of_the_host(box):
    """In another container of the same pid namespace."""
    neighbour = Neighbour(box)
    bundle = neighbour.bundle_beside()
    bundle.program("sleep 100")
    pid = box.running(bundle)
    with open(f"/proc/{pid}/status") as f:
        neighbour.known.add(host.status_field(f.read(), "NSpid").split()[-1])
    executed(neighbour, "c1", pid, [])


@test(sanitized=False)
@host.memfd_noexec("2")
def exec_without_executable_memfds_brings_nothing_of_the_host(box):
    neighbour = Neighbour(box)
    executed(neighbour, "neighbour", neighbour.pid, [], image=ON_TMPFS)
    box.hozo("delete", "--force", "neighbour").ok()


# --- the socket, which is what a neighbour can take out of the process

BORN, PHASE, CREATED = 2, 3, 5  # as core/sync.h numbers them
PREPARE, CREATE_RUNTIME = 0, 8  # as core/plan-ops.h does


def refused(neighbour, *command, code):
    """The watched command does not believe what the neighbour says for hozo-init."""
    process = neighbour.watch(neighbour.box.runtime, "--root", neighbour.box.root, *command)
    same(process.wait(25), 0)
    assert f"\nended\t{code}\n" in process.output.out, process.output.err
    process.output.says("hozo-init sent an unknown message\n")


@test(sanitized=False, cases={
    "that all is set up": (CREATED, 0), "that a phase is due again": (PHASE, PREPARE),
    "that a phase is due without being planned": (PHASE, CREATE_RUNTIME), "what is no phase": (PHASE, 1000),
    "that it was born": (BORN, 1 << 30)})
def who_speaks_for_hozo_init_cannot_say(box, message):
    refused(Neighbour(box, message=(15, *message)), "exec", "neighbour", "true", code=255)


def another(box):
    """A process that hozo has nothing to do with."""
    process = subprocess.Popen(["sleep", "100"])
    box.processes.append(process)
    return process


@test(sanitized=False)
def who_speaks_for_a_process_at_its_birth_cannot_have_another_killed(box):
    victim = another(box)
    neighbour = Neighbour(box, message=(1, BORN, victim.pid))
    refused(neighbour, "exec", "neighbour", "true", code=255)
    same(victim.poll(), None)


@test(sanitized=False)
def who_speaks_for_a_container_at_its_birth_cannot_have_another_killed(box):
    victim = another(box)
    neighbour = Neighbour(box, message=(1, BORN, victim.pid))
    refused(neighbour, "create", "--bundle", neighbour.bundle_beside().write().path, "c1", code=1)
    same(victim.poll(), None)
    box.unknown("c1")


@test(sanitized=False)
def who_speaks_for_a_container_cannot_say_that_all_is_set_up(box):
    """Its limits would not be set, and its hooks not be run."""
    neighbour = Neighbour(box, message=(15, CREATED, 0))
    bundle = neighbour.bundle_beside()
    bundle.hook("createRuntime", "/bin/true")
    refused(neighbour, "create", "--bundle", bundle.write().path, "c1", code=1)
    box.unknown("c1")


# --- create in a joined pid namespace

class Creation:
    """What hozo-init may hold of the host while it makes a container: the plan's slots, and in between
    what it mounts. Until it leaves the host's root behind, that is the neighbour's, too."""

    def __init__(self, neighbour, bundle, id):
        box = neighbour.box
        self.given, self.host_root = neighbour.given, identity("/")
        self.fifos = {identity(f"{box.root}/{id}/{name}") for name in ("start", "result")}
        self.image = {(st.st_dev, st.st_ino) for directory, _, names in os.walk(bundle.rootfs)
                      for st in [os.lstat(directory), *(os.lstat(f"{directory}/{n}") for n in names)]}
        self.groups = {identity(d) for top in host.cgroup_directories(bundle.linux["cgroupsPath"])
                       for d, _, _ in os.walk(top)}
        with open("/proc/self/mountinfo") as f:
            self.devices = {os.makedev(*map(int, line.split()[2].split(":"))) for line in f}

    def kind(self, number, file):
        """What a descriptor is for, or None."""
        if number < 3 and file.id == (self.given[number].st_dev, self.given[number].st_ino):
            return "stream"
        if stat.S_ISSOCK(file.mode):
            return "socket"
        if file.id in self.fifos:
            return "fifo"
        if file.fstype == PROC and file.id[1] == 1 and file.link == "/":
            return "procfs"
        if file.id in self.image:
            return "image"
        if file.id in self.groups:
            return "cgroup"
        if file.id == self.host_root:
            return "host"
        if file.link == "anon_inode:[fscontext]" or file.id[0] not in self.devices:
            return "mount"
        return None

    def kinds(self, look, first=0):
        return sorted(str(self.kind(n, f)) for n, f in look.descriptors().items() if n >= first)

    def on_host(self, look):
        return look.files["root"].id == self.host_root

    def traces(self, look):
        """By what a neighbour could still reach the host."""
        inside = [look.files["cwd"], look.files["root"]]
        return [f for f in inside if f.id not in self.image] + [
            f for n, f in look.descriptors().items() if self.kind(n, f) in ("host", "procfs", "cgroup", None)]


STREAMS, FIFOS = ["stream"] * 3, ["fifo"] * 2


def created(neighbour, bundle, *options, slots=(), image=MEMFD):
    """Looks at `create` and `start` of a container in the neighbour's pid namespace."""
    box, id = neighbour.box, "c1"
    process = neighbour.watch(box.runtime, "--root", box.root, "create", "--bundle", bundle.write().path,
                              *options, id)
    host.eventually(lambda: "\nended\t" in process.output.out, 25, "the end of create")
    creation = Creation(neighbour, bundle, id)
    box.hozo("start", id).ok()
    looks = inside_process(neighbour.stops(process))
    *before, last = looks
    for n, look in enumerate(before):
        what = f"look {n} of {len(looks)}\n{look}\n"
        same(program_complaints(look, image), [], what)
        kinds = creation.kinds(look)
        assert "None" not in kinds and kinds.count("socket") <= 1 and kinds.count("host") <= 1, f"{kinds} {what}"
        if not n:
            same(kinds, sorted([*STREAMS, *FIFOS, "socket", *slots]), "descriptors at birth")
    same(creation.on_host(before[0]), True)
    on_host = [creation.on_host(look) for look in before].index(False)
    left = [bool(creation.traces(look)) for look in before[on_host:]].index(False) + on_host
    same([str(f) for look in looks[left:] for f in creation.traces(look)], [], "the host once it was left")
    assert slots or left - on_host < 16, "the old root is left at once"
    assert FIFOS in [creation.kinds(look, first=3) for look in before[left:]], "what waits for start holds more"
    same(last.files["exe"].id in creation.image, True, "the program is the container's")
    held = neighbour.held()
    same((held[image[0]], held[PLAN]), (False, False), "writable")


@test(sanitized=False)
def create_in_a_joined_pid_namespace_brings_the_plans_slots_only(box):
    neighbour = Neighbour(box)
    created(neighbour, neighbour.bundle_beside())


@test(sanitized=False)
def create_with_a_terminal_in_a_joined_pid_namespace_brings_the_plans_slots_only(box):
    neighbour = Neighbour(box)
    bundle = neighbour.bundle_beside()
    bundle.process["terminal"] = True
    box.console = host.ConsoleSocket(f"{box.dir}/console")
    created(neighbour, bundle, "--console-socket", box.console.path)


@test(sanitized=False)
def create_without_pivot_in_a_joined_pid_namespace_brings_the_plans_slots_only(box):
    neighbour = Neighbour(box)
    created(neighbour, neighbour.bundle_beside(), "--no-pivot")


@test(sanitized=False)
def create_on_cgroup_v2_in_a_joined_pid_namespace_brings_the_plans_slots_only(box):
    host.cgroup_v2_only()
    neighbour = Neighbour(box)
    bundle = neighbour.bundle_beside()
    bundle.linux["namespaces"].append({"type": "cgroup"})
    created(neighbour, bundle)


@test(sanitized=False)
def create_with_a_setting_of_the_kernel_in_a_joined_pid_namespace_brings_a_procfs_too(box):
    neighbour = Neighbour(box)
    bundle = neighbour.bundle_beside()
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    created(neighbour, bundle, slots=["procfs"])


@test(sanitized=False)
@host.memfd_noexec("2")
def create_without_executable_memfds_in_a_joined_pid_namespace_brings_the_plans_slots_only(box):
    neighbour = Neighbour(box)
    created(neighbour, neighbour.bundle_beside(), image=ON_TMPFS)
    for id in ("c1", "neighbour"):
        box.hozo("delete", "--force", id).ok()
