# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: what others do while devices are on their way, and before they come back."""
import os
import signal

import host
from harness import same, test
from network import (Namespace, addresses, asked, ip, link, names, own_namespace, pair, picture, pins, same_picture, settled,
                     up)
from traced import strace


def furnished():
    """Two devices that are up, with addresses and a route, and where duplicate address detection takes no time."""
    own_namespace()
    with open("/proc/sys/net/ipv6/conf/default/accept_dad", "w") as f:
        f.write("0")
    for n in ("d0", "d1"):
        pair(n)
        ip("link", "set", n, "up")
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    ip("-6", "address", "add", "2001:db8::1/64", "dev", "d0")
    ip("address", "add", "10.7.0.1/24", "dev", "d1")
    ip("route", "add", "10.9.0.0/16", "via", "10.1.2.1")
    settled()


def two(box, *hook):
    """A container whose hook does this in its network namespace, and then fails."""
    b = box.bundle("sleep 100")
    b.linux["netDevices"] = {"d0": {"name": "net0"}, "d1": {"name": "net%d"}}
    if hook:
        b.hook("createRuntime", b.script("hook", "#!/bin/sh\nset -e\npid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')\n"
                                                 "there() { nsenter --net=/proc/$pid/ns/net \"$@\"; }\n"
                                                 + "\n".join(hook) + "\nexit 1\n"))
    return b


def undone(box, before):
    host.reap()
    box.nothing_left()
    same(pins(), [])
    same_picture(before)


@test(cases={
    "its name": ["there ip link set net0 down", "there ip link set net0 name other"],
    "its address": ["there ip link set net0 address 02:00:00:00:00:99"],
    "both": ["there ip link set net0 down", "there ip link set net0 name other address 02:00:00:00:00:99"],
    "the address of one with a template's name": ["there ip link set net1 address 02:00:00:00:00:99"],
})
def a_device_that_a_hook_has_changed_comes_back(box, hook):
    furnished()
    before = picture()
    box.create(two(box, *hook)).fails()
    undone(box, before)


@test
def a_hardware_address_that_was_changed_before_hozo_is_killed(box):
    furnished()
    before = picture()
    b = two(box, "there ip link set net0 address 02:00:00:00:00:99", "kill -9 $PPID", "sleep 0.5")
    box.create(b).ends(-signal.SIGKILL)
    host.eventually(lambda: not [p for p in host.living_children() if p != os.getpid()], 10, "all have ended")
    box.hozo("delete", "c1").ok().silent()
    undone(box, before)


@test
def a_number_that_another_device_has_by_now(box):
    furnished()
    number = link("d0")["ifindex"]
    b = two(box, f"ip link add x index {number} type veth peer name y")
    box.create(b).fails()
    ip("link", "delete", "x")
    same(names(), ["d0", "d0.p", "d1", "d1.p", "lo"])
    same([a["local"] for a in addresses("d0")], ["10.1.2.3", "2001:db8::1"])
    assert up("d0")
    box.nothing_left()


@test
def a_bridge_that_is_gone_does_not_keep_the_rest(box):
    furnished()
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "set", "d0", "master", "br0")
    before = addresses("d0")
    box.create(two(box, "ip link delete br0")).fails()
    box.nothing_left()
    same((pins(), names(), addresses("d0")), ([], ["d0", "d0.p", "d1", "d1.p", "lo"], before))
    assert up("d0") and "10.9.0.0/16 via 10.1.2.1" in ip("route"), ip("route")


@test
def an_address_that_is_refused_does_not_keep_the_rest(box):
    """The kernel forgets with the move that IPv6 was enabled for this one."""
    furnished()
    box.create(two(box, "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")).ends(1)
    assert up("d0") and up("d1")
    same([a["local"] for a in addresses("d0")], ["10.1.2.3"])
    assert "10.9.0.0/16 via 10.1.2.1" in ip("route"), ip("route")
    box.hozo("delete", "c1").fails("linux.netDevices: giving d1 its address", "permission denied")
    for n in ("d0", "d1"):
        with open(f"/proc/sys/net/ipv6/conf/{n}/disable_ipv6", "w") as f:
            f.write("0")
    box.hozo("delete", "c1").ok().silent()
    same([a["local"] for a in addresses("d0")], ["10.1.2.3", "2001:db8::1"])
    box.nothing_left()
    same(pins(), [])


@test
def a_device_that_a_hook_has_moved_on_does_not_keep_the_others(box):
    furnished()
    pod = Namespace()
    box.create(two(box, f"there ip link set net0 netns {os.getpid()} name taken")).fails()
    box.nothing_left()
    same((pins(), names(pod)), ([], ["lo"]))
    assert "d1" in names() and up("d1"), names()


@test(sanitized=False)  # under strace, LeakSanitizer does not work
def a_device_that_somebody_moves_away_before(box):
    """Between looking and moving, which waits for the namespace to be held."""
    furnished()
    away = Namespace()
    if not os.fork():
        host.eventually(pins, 10, "the container's namespace is about to be held")
        ip("link", "set", "d1", "netns", away.path)
        os._exit(0)
    r = strace(box, ["-e", "trace=mount", "-e", "inject=mount:delay_exit=1000000"], "create", "--bundle",
               two(box).write().path, "c1")
    r.fails("linux.netDevices.d1: moving d1", "no such device")
    host.reap()
    box.nothing_left()
    same((pins(), names(), names(away)), ([], ["d0", "d0.p", "d1.p", "lo"], ["d1", "lo"]))
    same([a["local"] for a in addresses("d0")], ["10.1.2.3", "2001:db8::1"])
    assert up("d0")


@test(cases={
    "of IPv4": ["route add 10.12.0.0/16 dev d0", "route append 10.12.0.0/16 dev d0.p"],
    "of IPv6": ["-6 route add 2001:db8:12::/48 dev d0 metric 5", "-6 route append 2001:db8:12::/48 dev d0.p metric 5"],
})
def a_route_beside_one_that_has_stayed(box, commands):
    """To the same destination by another device, of the same metric."""
    furnished()
    for c in commands:
        ip(*c.split())
    before = picture()
    box.create(two(box, "true")).fails()
    undone(box, before)


@test
def a_route_that_expires_still_does(box):
    furnished()
    ip("-6", "route", "add", "2001:db8:13::/48", "dev", "d0", "expires", 1000)
    box.create(two(box, "true")).fails()
    expires = [r["expires"] for r in asked("-6", "route", "show", "2001:db8:13::/48")]
    assert len(expires) == 1 and 900 < expires[0] <= 1000, expires


@test(sanitized=False)
def another_container_of_the_pod_keeps_what_it_has_got(box):
    """Both are to have the same device, in the same namespace: the one that is late moves nothing back."""
    furnished()
    pod = Namespace()
    first = pod.joined_by(box.bundle("sleep 100"))
    first.linux["netDevices"] = {"d0": {"name": "net0"}}
    late = pod.joined_by(box.bundle_beside(first, "sleep 100"))
    late.linux["netDevices"] = {"d0": {"name": "net0"}, "d1": {}}
    if not os.fork():
        host.eventually(pins, 10, "the late one has looked")
        box.created(first, id="c2")
        os._exit(0)
    r = strace(box, ["-e", "trace=mount", "-e", "inject=mount:delay_exit=1500000"], "create", "--bundle",
               late.write().path, "c1")
    r.fails("linux.netDevices.d0: moving d0", "no such device")
    host.eventually(lambda: box.state("c2")["status"] == "created", 10, "the first one is there")
    same(names(pod), ["lo", "net0"])
    same([a["local"] for a in addresses("net0", pod)], ["10.1.2.3", "2001:db8::1"])
    assert up("net0", pod) and "d1" in names()
