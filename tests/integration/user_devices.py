# SPDX-License-Identifier: Apache-2.0
"""Device nodes in a user namespace, where none can be made: which one of the host's is bound."""
import os
import stat

import host
from harness import same, test

MAPPINGS = {kind: [{"containerID": 0, "hostID": 100000, "size": 65536}] for kind in ("uidMappings", "gidMappings")}


def with_device(box, program, **device):
    b = box.bundle(program)
    b.linux["namespaces"].append({"type": "user"})
    b.linux.update(MAPPINGS)
    b.linux["devices"] = [device]
    return b


def own_dev():
    """A /dev of the test's own, as there is on a host with udev, that may be changed."""
    host.private_mounts()
    same(host.libc.mount(b"t", b"/dev", b"tmpfs", 0, b"mode=755"), 0)
    os.mkdir("/dev/char")
    for name, minor in ("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9), ("tty", 0):
        major = 5 if name == "tty" else 1
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(f"/dev/{name}", 0o666)
        os.symlink(f"../{name}", f"/dev/char/{major}:{minor}")


@test
def one_that_the_host_has_under_another_name_is_found_by_its_number(box):
    own_dev()
    b = with_device(box, "stat -c '%n %t:%T' /dev/other; head -c 3 /dev/other | od -An -tx1",
                    type="c", path="/dev/other", major=1, minor=5)
    same(box.run(b).ok().out.split(), "/dev/other 1:5 00 00 00".split())


@test
def one_of_the_name_but_of_another_number_is_passed_over(box):
    own_dev()
    os.mknod("/dev/other", stat.S_IFCHR | 0o666, os.makedev(1, 11))
    b = with_device(box, "stat -c %t:%T /dev/other", type="c", path="/dev/other", major=1, minor=5)
    same(box.run(b).ok().out, "1:5\n")


@test
def a_block_device_is_no_character_device_of_the_same_number(box):
    b = with_device(box, "true", type="b", path="/dev/null", major=1, minor=3)
    box.create(b).fails("linux.devices[0]", "make /dev/null", "no such device")
    box.nothing_left()


@test
def what_a_file_of_the_name_holds_is_not_bound(box):
    own_dev()
    with open("/dev/other", "w") as f:
        f.write("of the host\n")
    b = with_device(box, "cat /dev/other", type="c", path="/dev/other", major=240, minor=77)
    box.create(b).fails("linux.devices[0]", "make /dev/other", "no such device")
    box.nothing_left()
