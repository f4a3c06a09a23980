# SPDX-License-Identifier: Apache-2.0
"""hozo-agent as process 1 of a real guest: modules, the trees that it is given, plans, the end."""
import os
import random
import signal
import subprocess

import agent
import bundle
from agent import BROKEN, STDERR, STDOUT, process
from agent_machine import Machine
from harness import same, test

LONG = 240
BOOT = 90  # seconds that a guest may take until it is up
ROOT = "/run/hozo/share/root"


def tree(box):
    """What is shared with a guest."""
    bundle.make_rootfs(f"{box.dir}/share/root")
    return f"{box.dir}/share"


def file_system(box, name, directory, kind="ext4"):
    """An image of a directory."""
    path = f"{box.dir}/{name}"
    if kind == "ext4":
        command = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", directory, path, "32M"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return path


def shell(box, script, change=None):
    return agent.configuration(box.dir, ["/bin/sh", "-c", script], change, ROOT)


def ended(m):
    """The machine is off."""
    same(m.machine.wait(60), 0)
    assert "Power down" in m.console(), m.console()


@test(timeout=LONG, sanitized=False)
def a_guest_with_a_shared_root(box):
    share, data = tree(box), random.Random(2).randbytes(1 << 20)
    with Machine(box, share, devices=["virtio-net-pci,mac=02:00:00:00:00:0a"]) as m:
        assert m.set_up(["share", "virtiofs", "share"], ["link", "net7", "02:00:00:00:00:0a", "1400"],
                        ["address", "net7", "inet", "10.1.0.2/16"], ["address", "net7", "inet6", "fd00::2/64"],
                        ["route", "net7", "inet", "0.0.0.0/0", "via", "10.1.0.1"], seconds=BOOT), m.text
        config = shell(box, "echo $$; hostname; uname -r; echo written > /tmp/file; echo err >&2; cat; exit 7")
        p = m.created(config)
        m.send(agent.START, 1)
        m.until(lambda: p.output[STDERR])
        same(p.output[STDERR], b"err\n")

        script = "ip addr show net7; ip route; cat /sys/class/net/net7/mtu; tty; stty size; cat /proc/1/comm; read x"
        q = m.executed(2, config, process(box.dir, ["/bin/sh", "-c", script], terminal=True), terminal=True, rows=9,
                       columns=8)
        m.until(lambda: b"sh\r\n" in q.output[STDOUT])
        said = q.output[STDOUT].decode()
        for text in ("1400\r\n", "10.1.0.2/16", "fd00::2/64", "default via 10.1.0.1", "/dev/pts/0", "9 8"):
            assert text in said, (text, said)
        m.signal(2, signal.SIGKILL)
        same(m.end(2), (137, 9))

        m.write(1, data)
        m.close(1)
        same(m.end(), (7, 0))
        pid, host, release, rest = p.output[STDOUT].split(b"\n", 3)
        same((pid, host), (b"1", b"tenon"))
        assert release.decode() != os.uname().release, release
        assert rest == data, (len(rest), len(data))
        m.off(60)
        ended(m)
    same(open(f"{share}/root/tmp/file").read(), "written\n")


@test(timeout=LONG, sanitized=False)
def a_guest_that_boots_into_an_image(box):
    """And one whose port is a console: a terminal, until the agent has made it transparent."""
    os.makedirs(f"{box.dir}/own/etc")
    share = tree(box)
    own, lower = file_system(box, "own.ext4", f"{box.dir}/own"), file_system(box, "lower.ext4", share)

    def change(c):
        c["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
        c["root"]["readonly"] = True

    data = random.Random(3).randbytes(1 << 18)
    with Machine(box, disks=[own, lower], console=True) as m:
        assert m.set_up(["image", "/dev/vda"], ["lower", "vdb", "ext4"], seconds=BOOT), m.text
        p = m.started(shell(box, "touch /file; cat; exit 1", change))
        m.write(1, data)
        m.close(1)
        same(m.end(), (1, 0))
        assert b"Read-only file system" in p.output[STDERR], p.output
        assert p.output[STDOUT] == data, len(p.output[STDOUT])
        m.off(60)
        ended(m)
    # What the agent has made there has been written.
    listed = subprocess.run(["debugfs", "-R", "ls -p /", own], capture_output=True, text=True, check=True).stdout
    assert {"dev", "proc", "run", "sys"} <= {line.split("/")[5] for line in listed.split()}, listed


@test(timeout=LONG, sanitized=False)
def a_guest_whose_port_ends(box):
    """Whatever runs there: a machine without a monitor is off. Before that, one that cannot be made."""
    with Machine(box) as m:
        assert not m.set_up(["image", "/dev/vdz"], seconds=BOOT)
        assert m.text.startswith(b"/dev/vdz: "), m.text
        same(m.told[-1], BROKEN)
        m.port.close()
        ended(m)
