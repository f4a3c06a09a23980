# SPDX-License-Identifier: Apache-2.0
"""Network devices of the container's network namespace become the machine's: hozo-monitor joins each with a tap device.
In place of a hypervisor and its guest a test carries packets between that and a namespace of its own."""
import fcntl
import os
import select
import socket
import struct
import threading
import time

import host
import network
from harness import libc, same, test
from monitor import TAPS, Machine, records
from network import CLONE_NEWNET, Namespace, ip

TUNSETIFF, TUNSETOFFLOAD = 0x400454ca, 0x400454d0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000
VNET_HEADER = 10
OFFLOADS = 1 | 2 | 4  # checksums, TSO for IPv4 and IPv6
MAC = "02:00:00:00:00:05"


def inside(namespace, function):
    """Calls it in this network namespace."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    assert not libc.setns(namespace.fd, CLONE_NEWNET)
    try:
        return function()
    finally:
        assert not libc.setns(own, CLONE_NEWNET)
        os.close(own)


def container(*words, name="eth0", mtu=1500, peer="out0"):
    """A namespace with one end of a veth; the other end, in that of the test, is 10.7.0.1 and fd07::1."""
    network.own_namespace()
    ip("link", "set", "lo", "up")
    n = Namespace()
    add_veth(n, name, peer, MAC, mtu)
    ip("address", "add", "10.7.0.1/24", "dev", peer)
    ip("address", "add", "fd07::1/64", "dev", peer, "nodad")
    for line in words:
        ip(*line.split(), inside=n)
    return n


def add_veth(namespace, name, peer, mac, mtu=1500):
    ip("link", "add", peer, "mtu", mtu, "type", "veth", "peer", "name", "moving", "mtu", mtu, "address", mac)
    ip("link", "set", "moving", "netns", namespace.path)
    ip("link", "set", "moving", "name", name, inside=namespace)
    ip("link", "set", name, "up", inside=namespace)
    ip("link", "set", peer, "up")


def offered(namespace):
    """What `ip` says of the devices of a namespace, but for counters."""
    return [{k: v for k, v in n.items() if k not in ("stats64", "stats")}
            for n in network.asked("address", "show", inside=namespace)]


class Guest:
    """A namespace whose device has, as the records say, what the machine's shall have."""

    def __init__(self, machine, offloads=True, tap=TAPS):
        self.namespace, self.largest, self.passed = Namespace(), 0, 0
        self.tap = machine.child.fds[tap]
        self.device = inside(self.namespace, lambda: os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
        inside(self.namespace, lambda: fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH22x", b"new", flags)))
        for fd in (self.tap, self.device):
            fcntl.ioctl(fd, TUNSETOFFLOAD, OFFLOADS if offloads else 0)
        self.do("link", "set", "lo", "up")
        for kind, *words in machine.records:
            getattr(self, kind)(*words)
        threading.Thread(target=self.carry, daemon=True).start()

    def do(self, *words):
        ip(*words, inside=self.namespace)

    def link(self, name, mac, mtu):
        self.do("link", "set", "new", "name", name, "address", mac, "mtu", mtu, "up")

    def address(self, name, family, address, *more):
        self.do("address", "replace", address, "dev", name, *more, *(["nodad"] if family == "inet6" else []))

    def route(self, name, family, to, *more):
        more = [{"source": "src"}.get(w, w) for w in more]
        self.do("-6" if family == "inet6" else "-4", "route", "add", to, "dev", name, *more)

    def neighbour(self, name, address, mac):
        self.do("neighbour", "replace", address, "lladdr", mac, "dev", name, "nud", "permanent")

    def carry(self):
        os.set_blocking(self.tap, False)
        other = {self.tap: self.device, self.device: self.tap}
        while True:
            try:
                for fd in select.select(list(other), [], [])[0]:
                    packet = os.read(fd, 1 << 17)
                    self.largest, self.passed = max(self.largest, len(packet)), self.passed + 1
                    os.write(other[fd], packet)
            except BlockingIOError:
                pass
            except (OSError, ValueError):
                return

    def socket(self, *arguments):
        s = inside(self.namespace, lambda: socket.socket(*arguments))
        s.settimeout(10)
        return s


def transfer(sender, receiver, size):
    content = bytes(i * i % 251 for i in range(size))
    threading.Thread(target=lambda: (sender.sendall(content), sender.shutdown(socket.SHUT_WR)), daemon=True).start()
    found = b""
    while more := receiver.recv(1 << 17):
        found += more
    assert found == content, f"{len(found)} bytes of {size}, or others"


def talk(guest, family, outer, address, size):
    """TCP, from the guest and to it."""
    listener = socket.create_server((outer, 7000), family=family)
    listener.settimeout(10)
    s = guest.socket(family)
    s.connect((outer, 7000))
    t, peer = listener.accept()
    t.settimeout(10)
    same(peer[0], address)
    transfer(s, t, size)
    transfer(t, s, size)
    backward = guest.socket(family)
    backward.bind((address, 7001))
    backward.listen()
    c = socket.create_connection((address, 7001), timeout=10)
    backward.accept()[0].sendall(b"hello")
    same(c.recv(9), b"hello")


def up(box, namespace, **options):
    return Machine(box, netns=namespace.fd, **options).up()


MONITORS = 1 << 8 | 1 << 12 | 1 << 39  # CAP_SETPCAP, CAP_NET_ADMIN, CAP_BPF


@test(cases={"with offloads": True, "without": False}, timeout=60)
def the_guest_talks_over_both_families(box, offloads):
    c = container("address add 10.7.0.5/24 dev eth0", "address add fd07::5/64 dev eth0 nodad")
    m = up(box, c, capabilities=MONITORS)
    g = Guest(m, offloads)
    talk(g, socket.AF_INET, "10.7.0.1", "10.7.0.5", 3_000_000)
    talk(g, socket.AF_INET6, "fd07::1", "fd07::5", 3_000_000)
    assert g.largest > 9000 if offloads else g.largest <= 1500 + 14 + 10, g.largest
    neighbours = ip("neighbour", "show")
    assert MAC in neighbours and "10.7.0.5" in neighbours and "fd07::5" in neighbours, neighbours


@test
def the_hosts_stack_sees_nothing_of_it(box):
    c = container("address add 10.7.0.5/24 dev eth0", "address add fd07::5/64 dev eth0 nodad")
    m = up(box, c)

    def received():
        return inside(c, lambda: [line for f in ("snmp", "snmp6") for line in open(f"/proc/thread-self/net/{f}")
                                  if "InReceives" in line or line.startswith("Ip: ") or "InMsgs" in line])
    before, neighbours = received(), ip("neighbour", "show", inside=c)
    talk(Guest(m), socket.AF_INET, "10.7.0.1", "10.7.0.5", 100_000)
    same(received(), before)
    same(ip("neighbour", "show", inside=c), neighbours)


@test
def the_hosts_stack_says_nothing_to_the_guest(box):
    c = container("address add 10.7.0.5/24 dev eth0")
    m = up(box, c)
    tap, end = m.child.fds[TAPS], time.monotonic() + 2
    outside = network.asked("link", "show", "out0")[0]["address"]
    while select.select([tap], [], [], max(0, end - time.monotonic()))[0]:
        packet = os.read(tap, 2000)
        source = packet[VNET_HEADER:][6:12].hex(":")
        assert source == outside, f"a packet came from {source}: {packet}"


@test
def the_device_stays_as_it_is_and_is_free_again_behind_the_machine(box):
    c = container("address add 10.7.0.5/24 dev eth0", "route add default via 10.7.0.1")
    before = offered(c)
    m = up(box, c)
    now = offered(c)
    same([n for n in now if n["ifname"] in ("lo", "eth0")], before)
    same(len(now), len(before) + 1)
    m.agent.take_plan()
    m.process.kill()
    m.process.wait()
    m.child.close()
    host.eventually(lambda: offered(c) == before, what="only the device itself is there")
    s = inside(c, lambda: socket.socket())
    listener = socket.create_server(("10.7.0.1", 7002))
    s.settimeout(10)
    s.connect(("10.7.0.1", 7002))
    listener.accept()


@test
def the_guest_is_told_all_that_the_device_has(box):
    c = container("address add 10.7.0.5/24 broadcast 10.7.0.255 dev eth0", "address add 10.8.0.5 peer 10.8.0.6/32 dev eth0",
                  "address add fd07::5/64 dev eth0 nodad", "route add default via 10.7.0.1 metric 50",
                  "route add 10.9.0.0/16 via 10.7.0.1 src 10.7.0.5", "route add 10.10.0.1 dev eth0 scope link",
                  "-6 route add default via fd07::1 mtu 1280", "route add 10.11.0.0/16 via 10.99.0.1 dev eth0 onlink",
                  "route add 10.12.0.0/16 via 10.7.0.1 mtu 1300 initcwnd 9 metric 3 src 10.7.0.5 onlink dev eth0", "neighbour add 10.7.0.1 lladdr 02:00:00:00:00:99 dev eth0",
                  "neighbour add fd07::1 lladdr 02:00:00:00:00:98 dev eth0", mtu=1400)
    m = up(box, c)
    link_local = [r for r in m.records if r[0] == "address" and r[3].startswith("fe80:")]
    assert len(link_local) <= 1, link_local
    expected = [
        ["link", "eth0", MAC, "1400"],
        ["address", "eth0", "inet", "10.7.0.5/24", "broadcast", "10.7.0.255"],
        ["address", "eth0", "inet", "10.8.0.5/32", "peer", "10.8.0.6"],
        ["address", "eth0", "inet6", "fd07::5/64"],
        ["route", "eth0", "inet", "0.0.0.0/0", "via", "10.7.0.1", "metric", "50", "scope", "0"],
        ["route", "eth0", "inet", "10.9.0.0/16", "via", "10.7.0.1", "source", "10.7.0.5", "scope", "0"],
        ["route", "eth0", "inet", "10.10.0.1/32", "scope", "253"],
        ["route", "eth0", "inet6", "::/0", "via", "fd07::1", "metric", "1024", "mtu", "1280"],
        ["route", "eth0", "inet", "10.11.0.0/16", "via", "10.99.0.1", "scope", "0", "onlink", "yes"],
        ["route", "eth0", "inet", "10.12.0.0/16", "via", "10.7.0.1", "metric", "3", "source", "10.7.0.5", "scope", "0",
         "mtu", "1300", "onlink", "yes"],
        ["neighbour", "eth0", "10.7.0.1", "02:00:00:00:00:99"],
        ["neighbour", "eth0", "fd07::1", "02:00:00:00:00:98"],
    ]
    same(sorted(r for r in m.records if r not in link_local), sorted(expected))


@test
def a_router_beyond_the_link_is_reached(box):
    """As many engines' plugins configure it: an address of its own, a route to the gateway, the rest over that."""
    c = container("address add 10.20.0.5/32 dev eth0", "route add 10.7.0.1 dev eth0 scope link",
                  "route add default via 10.7.0.1")
    ip("route", "add", "10.20.0.5", "dev", "out0")
    ip("address", "add", "10.30.0.1/32", "dev", "lo")
    g = Guest(m := up(box, c))
    talk(g, socket.AF_INET, "10.30.0.1", "10.20.0.5", 10_000)
    assert m.process.alive()


@test
def the_hypervisor_gets_the_devices_at_their_place(box):
    c = container("address add 10.7.0.5/24 dev eth0")
    add_veth(c, "eth1", "out1", "02:00:00:00:00:06")
    m = up(box, c, arguments=["-last"])
    same(sorted(fd for fd in m.child.facts["fds"] if fd >= TAPS), [TAPS, TAPS + 1])
    same(m.child.facts["args"], [f"tap,16,{MAC},0", "tap,17,02:00:00:00:00:06,1", "-last"])
    same([r[1] for r in m.records if r[0] == "link"], ["eth0", "eth1"])


@test
def devices_that_are_down_are_none_of_the_machines(box):
    c = container("link set eth0 down")
    m = up(box, c)
    same(m.records, [])
    same(m.child.facts["args"], [])


@test
def the_monitor_keeps_no_right_to_the_network(box):
    c = container("address add 10.7.0.5/24 dev eth0")
    m = up(box, c)
    for pid in (m.process.pid, m.child.pid):
        with open(f"/proc/{pid}/status") as f:
            same(int(host.status_field(f.read(), "CapEff"), 16), 0)


# --- what cannot be

def fails(box, namespace, *texts, **options):
    m = Machine(box, netns=namespace.fd, **options)
    m.fails(*texts)


@test
def the_devices_of_the_host_are_not_taken(box):
    container()
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    Machine(box, netns=own).fails("out0", "that of the host")


@test
def a_second_machine_in_the_same_namespace_is_refused(box):
    """A tap device of somebody else's is a device as any other."""
    c = container("tuntap add tap0 mode tap", "link set tap0 up")
    m = up(box, c)
    same([r[1] for r in m.records if r[0] == "link"], ["eth0", "tap0"])
    fails(box, c, "has a machine already, to which hozo0 leads")
    m.process.kill()
    m.process.wait()
    while m.child.fds:  # it has handed them over
        os.close(m.child.fds.popitem()[1])
    host.eventually(lambda: not any(n["ifname"].startswith("hozo") for n in offered(c)), what="the end of its devices")
    up(box, c)


@test
def a_machine_that_takes_no_devices_is_refused_in_a_namespace_with_some(box):
    fails(box, container(), "eth0", "takes no network devices", setup=records(("child", "hypervisor", "0", "/bin/true")))


@test
def a_hypervisor_without_a_place_for_devices_is_refused(box):
    fails(box, container(), "no place for network devices", hypervisor=("child", "hypervisor", "0", "/bin/true"))


@test(cases={"over several ways": ("route add 10.9.0.0/16 nexthop via 10.7.0.1 nexthop via 10.7.0.2", "over several ways"),
             "that goes nowhere": ("route add blackhole 10.9.0.0/16", "another type"),
             "for some packets only": ("route add 10.9.0.0/16 via 10.7.0.1 tos 8", "some packets")})
def a_route_that_no_guest_can_have_is_refused(box, case):
    line, text = case
    fails(box, container("address add 10.7.0.5/24 dev eth0", line), "10.9.0.0/16", text)


@test
def a_device_that_is_no_ethernet_device_is_refused(box):
    c = container()
    ip("tuntap", "add", "dev", "point", "mode", "tun", inside=c)
    ip("link", "set", "point", "up", inside=c)
    fails(box, c, "point is no Ethernet device")


@test
def without_the_right_to_it_nothing_is_joined(box):
    fails(box, container(), "eth0", "operation not permitted", capabilities=0)
