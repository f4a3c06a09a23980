# SPDX-License-Identifier: Apache-2.0
"""A network namespace that is a test's "host", and what the kernel says of the devices in it: ip(8) of iproute2."""
import json
import os
import shutil
import socket
import struct
import subprocess
import time

import host
from harness import Skip, libc

CLONE_NEWNET = 0x40000000
PINS = "/run/hozo-netdev"


def own_namespace():
    """From now on this test, and the runtime that it runs, live in a network namespace without devices; and where
    the runtime holds namespaces, they see nobody else's."""
    if not shutil.which("ip"):
        raise Skip("iproute2 is not installed")
    if libc.unshare(CLONE_NEWNET):
        raise Skip("no network namespace can be made")
    host.private_mounts()
    os.makedirs(PINS, mode=0o700, exist_ok=True)
    assert not libc.mount(b"tmpfs", PINS.encode(), b"tmpfs", 0, b"mode=700"), "mount"


class Namespace:
    """Another network namespace, as long as this test lives."""

    def __init__(self):
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        assert not libc.unshare(CLONE_NEWNET), "unshare"
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        assert not libc.setns(own, CLONE_NEWNET), "setns"
        os.close(own)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"

    def joined_by(self, bundle):
        bundle.without_namespace("network")
        bundle.linux["namespaces"].append({"type": "network", "path": self.path})
        return bundle


def ip(*words, inside=None):
    """ip(8), in the network namespace of a process, or another one, if that is given."""
    path = inside.path if isinstance(inside, Namespace) else f"/proc/{inside}/ns/net"
    prefix = ["nsenter", f"--net={path}"] if inside else []
    r = subprocess.run([*prefix, "ip", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, f"ip {' '.join(map(str, words))}: {r.stderr}"
    return r.stdout


def asked(*words, inside=None):
    return json.loads(ip("-json", "-details", *words, inside=inside) or "[]")


def device(kind, name="d0", *more):
    """Makes a device of this kind in the test's namespace."""
    make = {
        "veth": lambda: ip("link", "add", name, *more, "type", "veth", "peer", "name", f"{name}.p"),
        "macvlan": lambda: (device("veth", "lower"), ip("link", "set", "lower", "up"),
                            ip("link", "set", "lower.p", "up"),
                            ip("link", "add", name, *more, "link", "lower", "type", "macvlan")),
        "tap": lambda: ip("tuntap", "add", "dev", name, "mode", "tap"),
        "dummy": lambda: ip("link", "add", name, *more, "type", "dummy"),
        "vlan": lambda: (device("veth", "lower"), ip("link", "set", "lower", "up"),
                         ip("link", "set", "lower.p", "up"),
                         ip("link", "add", name, "link", "lower", *more, "type", "vlan", "id", 7)),
        "macvtap": lambda: (device("veth", "lower"), ip("link", "add", name, *more, "link", "lower", "type", "macvtap")),
        "vxlan": lambda: ip("link", "add", name, *more, "type", "vxlan", "id", 7, "dstport", 4789, "local", "127.0.0.1",
                            "remote", "127.0.0.2"),
        "bond": lambda: ip("link", "add", name, *more, "type", "bond"),
        "ifb": lambda: ip("link", "add", name, *more, "type", "ifb"),
        "ipvlan": lambda: (device("veth", "lower"), ip("link", "set", "lower", "up"),
                           ip("link", "set", "lower.p", "up"),
                           ip("link", "add", name, "link", "lower", *more, "type", "ipvlan")),
    }
    try:
        make[kind]()
    except AssertionError as e:
        if any(text in str(e) for text in ("Unknown device type", "not supported", "mode tap: open: No such")):
            raise Skip(f"the kernel has no {kind} devices") from None
        raise


def pair(name="d0"):
    """A veth whose other end is up, so that it has a carrier."""
    device("veth", name)
    ip("link", "set", f"{name}.p", "up")


def link(name, inside=None):
    found = [n for n in asked("link", "show", inside=inside) if n["ifname"] == name]
    assert len(found) == 1, f"{len(found)} devices {name}"
    return found[0]


def names(inside=None):
    return sorted(n["ifname"] for n in asked("link", "show", inside=inside))


def addresses(name, inside=None):
    """What the kernel says of each, but of those that it makes itself."""
    found = asked("address", "show", "dev", name, inside=inside)
    return [a for n in found for a in n["addr_info"] if a["scope"] != "link"]


def up(name, inside=None):
    return "UP" in link(name, inside)["flags"]


def settled():
    """Duplicate address detection is over."""
    host.eventually(lambda: "tentative" not in ip("-6", "address", "show"), 10, "duplicate address detection")


# What the kernel counts, or finds out anew.
PASSING = {"stats", "stats64", "operstate", "qdisc", "valid_life_time", "preferred_life_time"}


def _lasting(value):
    if isinstance(value, dict):
        return {k: _lasting(v) for k, v in value.items() if k not in PASSING}
    if isinstance(value, list):
        return [_lasting(v) for v in value]
    return value


def picture():
    """Devices, addresses, routes and their order: what must be the same behind a failure."""
    settled()
    return {"links": sorted((_lasting(n) for n in asked("address", "show")), key=lambda n: n["ifindex"]),
            "routes": sorted(json.dumps(_lasting(r), sort_keys=True)
                             for family in ("-4", "-6") for r in asked(family, "route", "show", "table", "all"))}


def same_picture(before):
    """Gives what the kernel does behind our back a moment."""
    deadline = time.monotonic() + 5
    while (now := picture()) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    for part, was in before.items():
        assert now[part] == was, "not as before:\n" + "\n".join(
            f"{sign} {json.dumps(x) if not isinstance(x, str) else x}" for sign, some, other in
            (("-", was, now[part]), ("+", now[part], was)) for x in some if x not in other)


def pins():
    return os.listdir(PINS) if os.path.isdir(PINS) else []


# --- what ip(8) of this age cannot say

GETADDR, NEWADDR, IFA_ADDRESS, IFA_LOCAL, IFA_PROTO = 22, 20, 1, 2, 11


def give_with_protocol(name, address, protocol):
    """An IPv4 address that says who has made it: IFA_PROTO, since Linux 5.18."""
    bytes_ = socket.inet_aton(address)
    attributes = b"".join(struct.pack("HH4s", 8, kind, bytes_) for kind in (IFA_LOCAL, IFA_ADDRESS))
    attributes += struct.pack("HHB3x", 5, IFA_PROTO, protocol)
    body = struct.pack("BBBBI", socket.AF_INET, 24, 0, 0, socket.if_nametoindex(name)) + attributes
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack("IHHII", 16 + len(body), NEWADDR, 0x605, 1, 0) + body)  # request, ack, create, exclusive
        error = struct.unpack_from("i", s.recv(4096), 16)[0]
    assert not error, os.strerror(-error)


def protocols(inside):
    """{address: protocol} of the IPv4 addresses in the network namespace of a process."""
    with open("/proc/self/ns/net") as own, open(f"/proc/{inside}/ns/net") as other:
        assert not libc.setns(other.fileno(), CLONE_NEWNET), "setns"
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
            s.send(struct.pack("IHHIIB7x", 24, GETADDR, 0x301, 1, 0, socket.AF_INET))
            answer = s.recv(65536)
        assert not libc.setns(own.fileno(), CLONE_NEWNET), "setns"
    found, at = {}, 0
    while at < len(answer):
        size, kind = struct.unpack_from("IH", answer, at)
        if kind == NEWADDR:
            attributes = dict(_attributes(answer[at + 24:at + size]))
            found[socket.inet_ntoa(attributes[IFA_LOCAL])] = attributes.get(IFA_PROTO, b"\0")[0]
        at += (size + 3) & ~3
    return found


def _attributes(data):
    while data:
        size, kind = struct.unpack_from("HH", data)
        yield kind, data[4:size]
        data = data[(size + 3) & ~3:]
