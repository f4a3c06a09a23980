# SPDX-License-Identifier: Apache-2.0
"""The network of a virtual machine: what an engine has configured in the container's namespace is what the guest has."""
import hashlib
import os
import socket
import subprocess

import host
import network
from harness import same, test
from machine_box import machine, up
from machines import LIMIT, MIB
from network import Namespace, ip

MAC = "02:12:34:56:78:9a"


def joined(box, b):
    """The test's namespace has one end of a veth, the container's the other, configured as an engine does."""
    network.own_namespace()
    ns = Namespace()
    ip("link", "add", "outside", "type", "veth", "peer", "name", "eth0", "address", MAC, "mtu", 1400, "netns",
       f"/proc/{os.getpid()}/fd/{ns.fd}")
    ip("address", "add", "10.7.0.1/24", "dev", "outside")
    ip("address", "add", "fd07::1/64", "dev", "outside", "nodad")
    ip("link", "set", "outside", "mtu", 1400, "up")
    ip("link", "set", "lo", "up", inside=ns)
    ip("address", "add", "10.7.0.2/24", "broadcast", "10.7.0.255", "dev", "eth0", inside=ns)
    ip("address", "add", "10.8.0.2/32", "dev", "eth0", inside=ns)
    ip("address", "add", "fd07::2/64", "dev", "eth0", "nodad", inside=ns)
    ip("link", "set", "eth0", "up", inside=ns)
    ip("route", "add", "default", "via", "10.7.0.1", inside=ns)
    ip("route", "add", "192.0.2.0/24", "via", "10.7.0.9", "metric", 77, inside=ns)
    ip("route", "add", "default", "via", "fd07::1", inside=ns)
    ns.joined_by(b)
    return ns


@test(timeout=LIMIT, sanitized=False)
def addresses_routes_and_the_device_are_those_of_the_namespace(box):
    b = machine(box, "ip -o address show dev eth0; ip route; ip -6 route; cat /sys/class/net/eth0/address "
                     "/sys/class/net/eth0/mtu; ls /sys/class/net; ip link show lo")
    joined(box, b)
    out = box.run(b).ok().out
    for text in ("inet 10.7.0.2/24 brd 10.7.0.255", "inet 10.8.0.2/32", "inet6 fd07::2/64", "default via 10.7.0.1 dev eth0",
                 "192.0.2.0/24 via 10.7.0.9 dev eth0", "metric 77", "default via fd07::1 dev eth0", f"\n{MAC}\n1400\n",
                 "\neth0\nlo\n", "LOOPBACK,UP"):
        assert text in out, f"no {text!r} in\n{out}"
    box.nothing_left()
    same(network.names(), ["lo", "outside"])


@test(timeout=LIMIT, sanitized=False)
def packets_pass_in_both_directions(box):
    b = machine(box, "echo up; sleep 1000")
    b.capabilities("CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE")
    b.mount("/tmp")
    joined(box, b)
    up(box, b)
    box.exec("ping", "-c", "2", "-W", "5", "10.7.0.1").ok()
    box.exec("ping", "-6", "-c", "1", "-W", "5", "fd07::1").ok()
    ping("10.7.0.2")
    data = os.urandom(2 * MIB)
    digest = hashlib.sha256(data).hexdigest()
    # From the guest to the host …
    with socket.create_server(("10.7.0.1", 4000)) as server:
        server.settimeout(LIMIT)
        p = box.spawn("exec", "c1", "sh", "-c", "nc 10.7.0.1 4000 > /tmp/data < /dev/null; sha256sum < /tmp/data")
        connection, address = server.accept()
        same(address[0], "10.7.0.2")
        with connection:
            connection.sendall(data)
        same((p.wait(LIMIT), p.output.out), (0, f"{digest}  -\n"))
    # … and back.
    p = box.spawn("exec", "c1", "sh", "-c", "nc -l -p 4001 < /tmp/data")
    with host.eventually(lambda: connected("10.7.0.2", 4001), 20, "the guest listens") as client:
        client.settimeout(LIMIT)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    same(hashlib.sha256(received).hexdigest(), digest)
    same(p.wait(LIMIT), 0)


def ping(address):
    r = subprocess.run(["ping", "-c", "2", "-W", "5", address], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL) if os.path.exists("/bin/ping") else None
    assert not r or r.returncode == 0, r


def connected(address, port):
    try:
        return socket.create_connection((address, port), 5)
    except OSError:
        return None


@test(timeout=LIMIT, sanitized=False)
def several_devices_keep_their_names(box):
    b = machine(box, "for d in eth0 net1; do cat /sys/class/net/$d/address; ip -o -4 address show dev $d | awk '{print $4}'; done; "
                     "ping -c 1 -W 5 10.9.0.1 > /dev/null; echo $?")
    b.capabilities("CAP_NET_RAW")
    ns = joined(box, b)
    ip("link", "add", "second", "type", "veth", "peer", "name", "net1", "address", "02:00:00:00:00:77", "netns",
       f"/proc/{os.getpid()}/fd/{ns.fd}")
    ip("address", "add", "10.9.0.1/24", "dev", "second")
    ip("link", "set", "second", "up")
    ip("address", "add", "10.9.0.2/24", "dev", "net1", inside=ns)
    ip("link", "set", "net1", "up", inside=ns)
    same(box.run(b).ok().out.split(), [MAC, "10.7.0.2/24", "10.8.0.2/32", "02:00:00:00:00:77", "10.9.0.2/24", "0"])


@test(timeout=LIMIT, sanitized=False)
def after_the_end_the_namespace_is_as_it_was(box):
    """It is the engine's: the next container in it finds the same devices, addresses and routes."""
    b = machine(box, "true")
    ns = joined(box, b)
    before = [ip("-o", *what, inside=ns).split("valid_lft")[0] for what in (("link",), ("route",))]
    addresses = network.addresses("eth0", ns)
    box.run(b).ok()
    box.run(b, id="c2").ok()
    same([a["local"] for a in network.addresses("eth0", ns)], [a["local"] for a in addresses])
    same([sorted(line.split()[1] for line in ip("-o", "link", inside=ns).splitlines())],
         [sorted(line.split()[1] for line in before[0].splitlines())])
    same(ip("-o", "route", inside=ns), before[1])
    ip("link", "show", "eth0", inside=ns)


@test(timeout=LIMIT, sanitized=False)
def a_new_namespace_has_a_loopback_that_is_up(box):
    out = box.run(machine(box, "ls /sys/class/net; ip link show lo")).ok().out
    assert out.startswith("lo\n") and "LOOPBACK,UP" in out, out


@test(timeout=LIMIT, sanitized=False)
def a_device_that_net_devices_moves_reaches_the_guest(box):
    b = machine(box, "cat /sys/class/net/inner/address; ip -o -4 address show dev inner | awk '{print $4}'")
    network.own_namespace()
    network.pair("moved")
    ip("link", "set", "moved", "address", MAC)
    ip("address", "add", "10.7.0.2/24", "dev", "moved")
    b.linux["netDevices"] = {"moved": {"name": "inner"}}
    same(box.run(b).ok().out.split(), [MAC, "10.7.0.2/24"])
