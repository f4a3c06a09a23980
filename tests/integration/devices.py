# SPDX-License-Identifier: Apache-2.0
"""linux.devices, as engines fill it."""
import os

from harness import same, test


@test
def all_devices_of_the_host_may_be_listed_ptmx_too(box):
    """As for a privileged container. Terminals are those of the container all the same."""
    b = box.bundle("test -c /dev/fuse && exec 3<>/dev/ptmx && ls /dev/pts")
    b.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2},
                          {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]
    b.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    same(box.run(b).ok().out, "0\nptmx\n")


@test
def a_ptmx_works_where_nodes_are_bound_too(box):
    b = box.bundle("exec 3<>/dev/ptmx && ls /dev/pts")
    b.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}]
    b.linux["namespaces"].append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        b.linux[kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    for path, directories, files in os.walk(b.rootfs):
        for name in directories + files:
            os.lchown(f"{path}/{name}", 100000, 100000)
    same(box.run(b).ok().out, "0\nptmx\n")
