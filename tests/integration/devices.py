# SPDX-License-Identifier: Apache-2.0
"""linux.devices, as engines fill it."""
from harness import same, test


@test
def all_devices_of_the_host_may_be_listed_ptmx_too(box):
    """As for a privileged container. Terminals are those of the container all the same."""
    b = box.bundle("test -c /dev/fuse && exec 3<>/dev/ptmx && ls /dev/pts")
    b.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2},
                          {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]
    b.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    same(box.run(b).ok().out, "0\nptmx\n")
