# SPDX-License-Identifier: Apache-2.0
"""What a configuration with a virtual machine may not ask for: an error with its path, before anything is made."""
import os
import socket

import host
from harness import test
from machine_box import machine
from machines import MIB


def refused(box, b, *texts, options=()):
    box.create(b, *options).fails(*texts)
    box.nothing_left()


def member(b, path, value):
    """Sets what lies at "a.b.c"."""
    at, names = b.config, path.split(".")
    for name in names[:-1]:
        at = at.setdefault(name, {})
    at[names[-1]] = value


MEANINGLESS = {
    "process.apparmorProfile": "unconfined",
    "process.selinuxLabel": "system_u:system_r:container_t:s0",
    "linux.mountLabel": "system_u:object_r:container_file_t:s0",
    "linux.memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0"},
    "process.execCPUAffinity": {"initial": "0"},
}


@test(cases={path: path for path in MEANINGLESS})
def what_has_no_meaning_in_a_machine_is_refused(box, path):
    b = machine(box)
    member(b, path, MEANINGLESS[path])
    refused(box, b, path, "has no meaning in a virtual machine")


@test
def what_engines_leave_empty_is_no_request(box):
    b = machine(box)
    for path in ("process.apparmorProfile", "process.selinuxLabel", "linux.mountLabel"):
        member(b, path, "")
    box.hozo("check", "--bundle", b.write().path).ok()


@test
def a_user_namespace_is_refused(box):
    b = machine(box)
    b.linux["namespaces"].append({"type": "user"})
    mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    b.linux["uidMappings"] = b.linux["gidMappings"] = mapping
    refused(box, b, "linux.", "a virtual machine")


@test(cases={kind: kind for kind in ("ipc", "pid", "uts", "mount", "cgroup", "time")})
def no_namespace_of_the_host_is_joined(box, kind):
    b = machine(box)
    b.without_namespace(kind)
    b.linux["namespaces"].append({"type": kind, "path": f"/proc/{os.getpid()}/ns/{kind.replace('mount', 'mnt')}"})
    refused(box, b, f"linux.namespaces[{len(b.linux['namespaces']) - 1}]", f"cannot join a {kind} namespace")


@test
def without_a_network_namespace_it_is_refused(box):
    b = machine(box)
    b.kernel = None  # or it would be given one
    b.without_namespace("network")
    refused(box, b, "linux.namespaces", "network namespace")


@test
def descriptors_are_not_passed_on(box):
    b = machine(box)
    with open("/dev/null") as f:
        box.create(b, "--preserve-fds", "1", close_fds=False,
                   preexec_fn=host.place_descriptors([f.fileno()])).fails("vm", "descriptors")
    box.nothing_left()


@test
def a_mount_with_other_ids_is_refused(box):
    b = machine(box)
    os.mkdir(f"{box.dir}/source")
    mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    b.config["mounts"].append({"destination": "/mnt", "type": "bind", "source": f"{box.dir}/source",
                               "options": ["bind", "idmap"], "uidMappings": mapping, "gidMappings": mapping})
    refused(box, b, f"mounts[{len(b.config['mounts']) - 1}]", "idmapped")


@test
def a_listener_for_system_calls_is_refused(box):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"{box.dir}/agent")
        s.listen()
        b = machine(box)
        b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": f"{box.dir}/agent",
                              "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
        refused(box, b, "linux.seccomp", "virtual machine")


@test
def a_socket_for_readiness_is_not_passed_on(box):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(f"{box.dir}/notify")
        r = box.create(machine(box), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": f"{box.dir}/notify"})
        r.fails("vm", "NOTIFY_SOCKET")
    box.nothing_left()


# --- the section: the golden plans have what can be seen without looking at the host

@test
def what_go_programs_leave_empty_is_not_set(box):
    b = machine(box)
    b.config["vm"].update(hypervisor={"path": "", "parameters": []}, image={"path": "", "format": ""})
    b.config["vm"]["kernel"].update(initrd="", parameters=[])
    box.hozo("check", "--bundle", b.write().path).ok()


@test
def more_memory_than_the_limit_is_refused(box):
    b = machine(box, hwConfig={"memory": 129 * MIB})
    b.linux["resources"]["memory"] = {"limit": 128 * MIB}
    refused(box, b, "vm.hwConfig.memory", "linux.resources.memory.limit")


@test
def an_image_that_is_absent_is_named(box):
    b = machine(box, image={"path": "/nonexistent/image", "format": "raw"})
    refused(box, b, "vm.image.path", "/nonexistent/image", "no such file or directory")
