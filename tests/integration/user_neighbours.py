# SPDX-License-Identifier: Apache-2.0
"""What a container that may trace all of its user namespace finds in a process of hozo that comes there, and
into its pid namespace: nothing, until that has become the user's program."""
import os

import host
from harness import same, test
from neighbour import Neighbour, inside_process

MAPPINGS = {kind: [{"containerID": 0, "hostID": 100000, "size": 65536}] for kind in ("uidMappings", "gidMappings")}


class InUserNamespace(Neighbour):
    @staticmethod
    def secretive(bundle):
        bundle = Neighbour.secretive(bundle)
        if not any("path" in n for n in bundle.linux["namespaces"]):
            bundle.linux["namespaces"].append({"type": "user"})
            bundle.linux.update(MAPPINGS)
        return bundle

    def bundle_beside(self, program="true"):
        bundle = self.box.bundle(program)
        shared = {"pid": "pid", "network": "net", "ipc": "ipc", "user": "user"}
        bundle.linux["namespaces"] = [n for n in bundle.linux["namespaces"] if n["type"] not in shared] + [
            {"type": k, "path": f"/proc/{self.pid}/ns/{file}"} for k, file in shared.items()]
        return bundle


def nothing_was_found(looks):
    """But in the last one, which is the container's own program."""
    *before, last = looks
    for n, look in enumerate(before):
        same((look.files, look.maps), ({}, set()), f"look {n} of {len(looks)}\n{look}\n")
        assert {"exe", "cwd", "root", "fd", "ns", "mem"} <= {name for name, _ in look.denied}, look
    assert len(before) > 15, len(before)
    same(sorted(f.name for f in last.below("fd")), ["fd/0", "fd/1", "fd/2"])


@test(sanitized=False)
def create_beside_it(box):
    neighbour = InUserNamespace(box)
    bundle = neighbour.bundle_beside("sleep 100")
    os.mkdir(f"{box.dir}/source", 0o700)
    bundle.bind(f"{box.dir}/source", "/tmp")
    process = neighbour.watch(box.runtime, "--root", box.root, "create", "--bundle", bundle.write().path, "c1")
    host.eventually(lambda: "\nended\t" in process.output.out, 25, "the end of create")
    box.hozo("start", "c1").ok()
    nothing_was_found(inside_process(neighbour.stops(process)))


@test(sanitized=False)
def exec_in_it(box):
    neighbour = InUserNamespace(box)
    process = neighbour.watch(box.runtime, "--root", box.root, "exec", "neighbour", "true")
    nothing_was_found(inside_process(neighbour.stops(process)))
