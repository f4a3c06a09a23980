# SPDX-License-Identifier: Apache-2.0
"""What the tests of virtual machines share: bundles, the administrator's settings, the processes of a machine."""
import json
import os

import harness
import host
import machines
from made_plugins import empty_directory


def asked(package=machines.CLOUD):
    """The kernel of the machine that this test will make; from now on all wait longer."""
    if harness.patience < machines.SLOWNESS:
        harness.patience *= machines.SLOWNESS
    return machines.kernel(package)


def machine(box, program="true", package=machines.CLOUD, **vm):
    """A bundle whose process gets a machine of its own, as all further ones of this box; `vm`: members of the section."""
    box.machine = asked(package)
    b = box.bundle(program)
    b.config["vm"] = {"kernel": {"path": box.machine.path}, **vm}
    return b


def settings(box, **values):
    """The administrator's file for the plugin, in this mount namespace alone."""
    directory = box.hozo("plugin", "dir", "--settings").ok().out.strip()
    if not os.path.isdir(f"{box.dir}/settings"):
        host.private_mounts()
        empty_directory(directory, f"{box.dir}/settings")
    with open(f"{directory}/vm.json", "w") as f:
        json.dump(values, f)


# --- the processes that a machine has on the host

def descendants(pid):
    return [p for child in host.children(pid) for p in (child, *descendants(child))]


def program_of(pid):
    words = host.command_line(pid).split()
    return os.path.basename(words[0]) if words else ""


def hypervisor(box, id="c1"):
    """Its pid."""
    return child(box, "qemu-system", id)


def file_server(box, id="c1"):
    """One of its processes: virtiofsd has a second one."""
    return child(box, "virtiofsd", id)


def child(box, name, id="c1"):
    found = [p for p in descendants(box.state(id)["pid"]) if program_of(p).startswith(name)]
    assert found, f"no process {name} of the machine: {[host.command_line(p) for p in descendants(box.state(id)['pid'])]}"
    return found[0]


def up(box, b, *options, id="c1", text="up"):
    """A machine whose program runs and has said so; where its output is."""
    out = box.create(b, *options, id=id).ok()
    box.hozo("start", id).ok()
    host.eventually(lambda: f"{text}\n" in out.out, 20, "the first words of the program")
    return out
