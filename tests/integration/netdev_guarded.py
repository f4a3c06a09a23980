# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: where the runtime holds namespaces, and whom it believes."""
import os
import socket
import stat
import struct
import time

import host
from harness import libc, same, test
from network import CLONE_NEWNET, PINS, Namespace, ip, names, own_namespace, pair, picture, pins, same_picture
from traced import strace


def with_device(box):
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    ip("link", "set", "d0", "up")
    b = box.bundle("sleep 100")
    b.linux["netDevices"] = {"d0": {"name": "net0"}}
    return b


def held():
    return [m.point for m in host.mounts() if m.fstype == "nsfs" and not m.point.startswith("/run/netns/")]


def fresh_run():
    """Nothing has been held since the machine was started."""
    assert not libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755"), "mount"


# --- where namespaces are held

@test
def nobody_else_can_look_where_namespaces_are_held(box):
    b = with_device(box)
    fresh_run()
    box.created(b)
    s = os.lstat(PINS)
    same((stat.S_IMODE(s.st_mode), s.st_uid, len(pins())), (0o700, 0, 1))
    same(held(), [f"{PINS}/{pins()[0]}"])
    box.hozo("delete", "--force", "c1").ok().silent()
    same((pins(), held()), ([], []))


def link_elsewhere():
    os.mkdir("/run/elsewhere", 0o700)
    os.symlink("/run/elsewhere", PINS)


def everybodys():
    os.mkdir(PINS)
    os.chmod(PINS, 0o777)


def another_users():
    os.mkdir(PINS, 0o700)
    os.chown(PINS, 1000, 1000)


@test(cases={"a link": link_elsewhere, "a file": lambda: open(PINS, "w").close(), "everybody's": everybodys,
             "another user's": another_users})
def a_directory_that_is_not_roots_own(box, make):
    b = with_device(box)
    before = picture()
    fresh_run()
    make()
    box.create(b).fails("linux.netDevices: mounting the container's network namespace on " + PINS)
    host.reap()
    box.nothing_left()
    same_picture(before)
    same(held(), [])


# --- whom it believes

def forge():
    """Answers whatever asks the kernel in this network namespace, before it does."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        while True:
            with open("/proc/thread-self/net/netlink") as f:
                rows = [line.split() for line in f.readlines()[1:]]
            for port in {int(r[2]) for r in rows if r[1] == "0"} - {0, s.getsockname()[0]}:
                now = int(time.time())
                for number in range(now - 5, now + 5):
                    try:
                        s.sendto(struct.pack("IHHIIi16x", 36, 2, 0, number, port, -5), (port, 0))  # an error: EIO
                    except OSError:
                        pass
            time.sleep(0.05)


@test(sanitized=False)  # under strace, LeakSanitizer does not work
def only_the_kernel_is_believed(box):
    """Who administers the network of a namespace that is joined may write to every netlink socket in it."""
    b = with_device(box)
    pod = Namespace()
    liar = os.fork()
    if not liar:
        assert not libc.setns(pod.fd, CLONE_NEWNET), "setns"
        forge()
    box.undo.append(lambda: (os.kill(liar, 9), os.waitpid(liar, 0)))
    strace(box, ["-e", "trace=sendmsg", "-e", "inject=sendmsg:delay_enter=200000"], "create", "--bundle",
           pod.joined_by(b).write().path, "c1").ok()
    same(names(pod), ["lo", "net0"])
