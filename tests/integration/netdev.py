# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: what the kernel says of a device on the host, and then in the container."""
import json
import os

import host
from harness import same, test
from made_plugins import MadePlugins
from network import (Namespace, addresses, device, give_with_protocol, ip, link, names, own_namespace, pair, picture,
                     pins, protocols, same_picture, settled, up)
from plugin_directory import PluginDirectory
from traced import strace

KINDS = {k: k for k in ("veth", "macvlan", "macvtap", "tap", "dummy", "vlan", "vxlan", "ipvlan", "ifb")}


def with_devices(box, program="sleep 100", **devices):
    b = box.bundle(program)
    b.linux["netDevices"] = {name: {"name": to} if to else {} for name, to in devices.items()}
    return b


def nothing_held(box):
    same(pins(), [])
    box.nothing_left()


# --- moving

@test(cases=KINDS)
def a_device_is_moved_with_its_name(box, kind):
    own_namespace()
    device(kind, "d0")
    pid = box.running(with_devices(box, d0=None))
    assert "d0" not in names(), names()
    same(names(pid), ["d0", "lo"])
    assert up("d0", pid)


@test(cases=KINDS)
def a_device_is_moved_and_renamed(box, kind):
    own_namespace()
    device(kind, "d0")
    kept = link("d0")
    pid = box.running(with_devices(box, d0="net0"))
    same(names(pid), ["lo", "net0"])
    now = link("net0", pid)
    assert up("net0", pid)
    for member in ("address", "mtu", "ifindex", "linkinfo"):
        same({k: v for k, v in now[member].items() if k != "info_data"} if member == "linkinfo" else now[member],
             {k: v for k, v in kept[member].items() if k != "info_data"} if member == "linkinfo" else kept[member])


@test
def a_device_is_moved_out_of_a_bond_and_comes_back(box):
    """The hardware address that it has there is the bond's, and does not go along."""
    own_namespace()
    pair("d0")
    pair("d1")
    device("bond", "bond0")
    kept = link("d1")["address"]
    for n in ("d0", "d1"):
        ip("link", "set", n, "master", "bond0")
    ip("link", "set", "bond0", "up")
    before = picture()
    b = with_devices(box, d1="net0")
    b.hook("createRuntime", b.script("hook", f"#!/bin/sh\nnsenter --net=/proc/$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')/ns/net "
                                             f"ip link show net0 | grep -q {kept} && touch {box.dir}/seen\nfalse\n"))
    box.create(b).fails()
    assert os.path.exists(f"{box.dir}/seen")
    same_picture(before)
    nothing_held(box)


@test
def the_program_sees_it_and_can_use_its_addresses(box):
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    ip("-6", "address", "add", "2001:db8::1/64", "dev", "d0")
    ip("link", "set", "d0", "up")
    settled()
    same(box.run(with_devices(box, "nc -l -p 80 -s 10.1.2.3 -w 1 & nc -l -p 80 -s 2001:db8::1 -w 1 & wait $!; "
                                   "cat /sys/class/net/net0/operstate", d0="net0")).out, "up\n")
    nothing_held(box)


@test
def an_ipv6_address_can_be_used_at_once(box):
    """Without duplicate address detection, in which it could not be bound for a second or more."""
    own_namespace()
    pair()
    ip("-6", "address", "add", "2001:db8::1/64", "dev", "d0")
    ip("link", "set", "d0", "up")
    settled()
    pid = box.created(with_devices(box, d0=None))
    same([(a["local"], a.get("tentative", False), a.get("nodad", False)) for a in addresses("d0", pid)],
         [("2001:db8::1", False, True)])


@test
def an_ipv6_address_that_was_not_proven_is_looked_at_again(box):
    own_namespace()
    pair()
    ip("-6", "address", "add", "2001:db8::1/64", "dev", "d0")  # down: nothing has been detected
    pid = box.created(with_devices(box, d0=None))
    same([(a["local"], a.get("nodad", False)) for a in addresses("d0", pid)], [("2001:db8::1", False)])


@test(cases={"up": True, "down": False})
def the_device_is_up_whatever_it_was(box, was):
    own_namespace()
    pair()
    if was:
        ip("link", "set", "d0", "up")
    same(up("d0"), was)
    assert up("d0", box.created(with_devices(box, d0=None)))


@test
def mtu_address_queue_and_alternative_names_are_kept(box):
    own_namespace()
    pair()
    ip("link", "set", "d0", "mtu", 1234, "address", "02:00:00:00:00:07", "txqueuelen", 77, "alias", "to the lab")
    ip("link", "property", "add", "dev", "d0", "altname", "a-very-long-alternative-name")
    now = link("net0", box.created(with_devices(box, d0="net0")))
    same([now[k] for k in ("mtu", "address", "txqlen", "ifalias", "altnames")],
         [1234, "02:00:00:00:00:07", 77, "to the lab", ["a-very-long-alternative-name"]])


# --- addresses

def given(box, *commands, name="net0", wait=True):
    """The addresses before, and in the container."""
    own_namespace()
    pair()
    for command in commands:
        ip(*command.split(), "dev", "d0")
    ip("link", "set", "d0", "up")
    if wait:
        settled()
    before = addresses("d0")
    return before, addresses(name, box.created(with_devices(box, d0=name)))


@test(cases={
    "prefix and broadcast": ["address add 10.1.2.3/20 brd +"],
    "no broadcast": ["address add 10.1.2.3/20"],
    "another broadcast": ["address add 10.1.2.3/20 brd 10.1.2.77"],
    "peer": ["address add 10.1.2.3 peer 10.9.9.9/32"],
    "several, and their order": ["address add 10.1.2.9/24", "address add 10.1.2.3/24", "address add 10.1.2.5/24",
                                 "address add 192.168.7.1/28"],
    "without route": ["address add 10.1.2.3/24 noprefixroute"],
    "metric of its route": ["address add 10.1.2.3/24 metric 77"],
})
def an_ipv4_address_is_kept(box, commands):
    before, after = given(box, *commands, name="d0")
    same(after, before)


@test(cases={
    "prefix": ["-6 address add 2001:db8::1/60"],
    "peer": ["-6 address add 2001:db8::1 peer 2001:db8:9::9/128"],
    "several, and their order": ["-6 address add 2001:db8::9/64", "-6 address add 2001:db8::3/64",
                                 "-6 address add fd00::5/48"],
    "without route": ["-6 address add 2001:db8::1/64 noprefixroute"],
    "metric of its route": ["-6 address add 2001:db8::1/64 metric 77"],
    "home": ["-6 address add 2001:db8::1/64 home"],
    "not to be preferred": ["-6 address add 2001:db8::1/64 preferred_lft 0"],
    "with temporary ones": ["-6 address add 2001:db8::1/64 mngtmpaddr"],
})
def an_ipv6_address_is_kept(box, commands):
    before, after = given(box, *commands, name="d0")
    same([{k: v for k, v in a.items() if k != "nodad"} for a in after], before)


@test
def who_has_made_an_address_is_kept(box):
    """An attribute that libraries of its time do not know."""
    own_namespace()
    pair()
    give_with_protocol("d0", "10.1.2.3", 44)
    same(protocols(box.created(with_devices(box, d0=None))), {"10.1.2.3": 44})


@test(cases={"of the device": ("d0", "net0"), "with more": ("d0:web", "net0:web"), "another": ("web", "web")})
def a_label_is_that_of_the_new_name(box, case):
    before, after = given(box, f"address add 10.1.2.3/24 label {case[0]}")
    same([a["label"] for a in before + after], list(case))


@test
def only_permanent_global_addresses_go_along(box):
    _, after = given(box, "address add 10.1.2.3/24", "address add 10.1.2.4/24 valid_lft 1000 preferred_lft 1000",
                     "address add 10.3.0.1/24 scope link", "address add 10.4.0.1/24 scope host",
                     "-6 address add 2001:db8::1/64", "-6 address add 2001:db8::2/64 valid_lft 900 preferred_lft 900",
                     "-6 address add fe80::77/64")
    same([a["local"] for a in after], ["10.1.2.3", "2001:db8::1"])


@test
def a_hundred_addresses(box):
    own_namespace()
    pair()
    batch = f"{box.dir}/batch"
    with open(batch, "w") as f:
        f.writelines(f"address add 10.7.{i}.1/24 brd + dev d0\naddress add 2001:db8:{i:x}::1/64 dev d0\n"
                     for i in range(150))
    ip("-batch", batch)
    ip("link", "set", "d0", "up")
    settled()
    before = addresses("d0")
    same(len(before), 300)
    after = addresses("d0", box.created(with_devices(box, d0=None)))
    same([{k: v for k, v in a.items() if k != "nodad"} for a in after], before)


@test(sanitized=False)  # under strace, LeakSanitizer does not work
def addresses_are_read_whole_while_others_change(box):
    """Each change of the namespace interrupts a dump that needs several answers: it is begun anew."""
    own_namespace()
    pair()
    pair("busy")
    batch = f"{box.dir}/batch"
    with open(batch, "w") as f:
        f.writelines(f"address add 10.{i // 250}.{i % 250}.1/24 dev d0\n" for i in range(500))
    ip("-batch", batch)
    busy = os.fork()
    if not busy:
        while True:
            ip("address", "add", "192.168.0.1/24", "dev", "busy")
            ip("address", "del", "192.168.0.1/24", "dev", "busy")
    box.undo.append(lambda: (os.kill(busy, 9), os.waitpid(busy, 0)))
    slow = strace(box, ["-e", "trace=sendmsg,recvmsg", "-e", "inject=recvmsg:delay_enter=200000:when=6..10"], "create",
                  "--bundle", with_devices(box, d0=None).write().path, "c1")
    slow.ok()
    same(len(addresses("d0", box.state()["pid"])), 500)
    with open(f"{box.dir}/trace") as f:
        lines = f.readlines()
    dumps = [line for line in lines if line.startswith("sendmsg") and "RTM_GETADDR" in line and "AF_INET," in line]
    assert len(dumps) > 1, dumps


# --- names

@test
def two_devices_swap_their_names(box):
    own_namespace()
    pair("d0")
    pair("d1")
    kept = {n: link(n)["address"] for n in ("d0", "d1")}
    pid = box.created(with_devices(box, d0="d1", d1="d0"))
    same([link(n, pid)["address"] for n in ("d1", "d0")], [kept["d0"], kept["d1"]])


@test
def three_devices_change_places(box):
    own_namespace()
    for n in ("d0", "d1", "d2"):
        pair(n)
    kept = [link(n)["address"] for n in ("d0", "d1", "d2")]
    pid = box.created(with_devices(box, d0="d1", d1="d2", d2="d0"))
    same([link(n, pid)["address"] for n in ("d1", "d2", "d0")], kept)


@test
def a_name_that_another_device_still_has(box):
    own_namespace()
    pair("d0")
    pair("d1")
    kept = [link(n)["address"] for n in ("d0", "d1")]
    pid = box.created(with_devices(box, d0="d1", d1="x"))
    same([link(n, pid)["address"] for n in ("d1", "x")], kept)


@test
def a_name_that_another_device_of_the_host_keeps(box):
    own_namespace()
    pair("d0")
    pair("d1")
    kept = link("d0")["address"]
    pid = box.created(with_devices(box, d0="d1"))
    same(link("d1", pid)["address"], kept)
    assert "d1" in names()


@test
def a_template_gets_the_first_free_number(box):
    own_namespace()
    for n in ("d0", "d1", "d2", "d3"):
        pair(n)
        ip("address", "add", f"10.0.{n[1]}.1/24", "dev", n)
    pid = box.created(with_devices(box, d0="eth%d", d1="eth%d", d2="eth1", d3="v%dx"))
    same(names(pid), ["eth0", "eth1", "eth2", "lo", "v0x"])
    same({n: [a["local"] for a in addresses(n, pid)] for n in names(pid) if n != "lo"},
         {"eth0": ["10.0.0.1"], "eth1": ["10.0.2.1"], "eth2": ["10.0.1.1"], "v0x": ["10.0.3.1"]})
    assert all(up(n, pid) for n in names(pid) if n != "lo")
    same(addresses("eth2", pid)[0]["label"], "eth2")


@test
def names_of_fifteen_bytes_and_of_odd_letters(box):
    own_namespace()
    pair("d0")
    pair("d1")
    pair('q"\\x')
    b = with_devices(box, d0="123456789012345", d1="gr\u00fcn")
    b.linux["netDevices"]['q"\\x'] = {"name": 'z"\\'}
    pid = box.running(b)
    same(names(pid), sorted(["123456789012345", "gr\u00fcn", "lo", 'z"\\']))


@test
def twenty_devices_at_once(box):
    own_namespace()
    all_ = [f"d{i}" for i in range(20)]
    for i, n in enumerate(all_):
        pair(n)
        ip("address", "add", f"10.{i}.0.1/24", "dev", n)
        ip("link", "set", n, "up")
    pid = box.created(with_devices(box, **{n: f"net{i}" for i, n in enumerate(all_)}))
    same(sorted(names(pid)), sorted(["lo", *(f"net{i}" for i in range(20))]))
    for i in range(20):
        same([a["local"] for a in addresses(f"net{i}", pid)], [f"10.{i}.0.1"])
        assert up(f"net{i}", pid)


# --- where to, and when

@test
def into_a_namespace_that_is_joined(box):
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    pod = Namespace()
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1", inside=pod)
    box.running(pod.joined_by(with_devices(box, d0="net0")))
    same(names(pod), ["eth0", "eth1", "lo", "net0"])
    same([a["local"] for a in addresses("net0", pod)], ["10.1.2.3"])


@test(cases={"a name": "net0", "a template": "eth%d"})
def a_device_whose_number_is_taken_there(box, to):
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    index, pod = link("d0")["ifindex"], Namespace()
    for i in range(2, index + 3):
        if i % 2 == index % 2:
            ip("link", "add", f"x{i}", "index", i, "type", "veth", "peer", "name", f"y{i}", inside=pod)
    box.running(pod.joined_by(with_devices(box, d0=to)))
    to = to.replace("%d", "0")
    same([a["local"] for a in addresses(to, pod)], ["10.1.2.3"])
    assert up(to, pod) and not any(up(n, pod) for n in names(pod) if n[0] in "xy")


@test
def into_the_namespace_of_a_container_in_a_user_namespace(box):
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    b = with_devices(box, d0="net0")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    pid = box.running(b)
    same([a["local"] for a in addresses("net0", pid)], ["10.1.2.3"])
    assert up("net0", pid)


@test(cases={k: k for k in ("prestart", "createRuntime", "createContainer")})
def before_the_hooks(box, kind):
    own_namespace()
    pair()
    b = with_devices(box, d0="net0")
    out = f"{box.dir}/seen"
    inside = "" if kind == "createContainer" else "nsenter --net=/proc/$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')/ns/net "
    b.hook(kind, b.script("hook", f"#!/bin/sh\n{inside}ip -o link show net0 >{out} 2>&1\n"))
    box.created(b)
    with open(out) as f:
        line = f.read()
    assert "net0" in line and "UP" in line, line


@test
def a_plan_shows_it_and_changes_nothing(box):
    own_namespace()
    pair()
    before = picture()
    r = box.hozo("plan", "--bundle", with_devices(box, d0="net0").write().path).ok()
    assert 'work("move", "d0 as net0")' in r.out, r.out
    same_picture(before)


@test
def settings_of_the_container_name_it_as_it_is_called_there(box):
    own_namespace()
    pair()
    b = with_devices(box, d0="net0")
    b.linux["sysctl"] = {"net.ipv4.conf.net0.forwarding": "1"}
    same(ip("netconf", "show", "dev", "net0", inside=box.running(b)).count("forwarding on"), 1)


@test
def nothing_is_held_once_it_runs(box):
    own_namespace()
    pair()
    b = with_devices(box, d0=None)
    box.created(b)
    same(len(pins()), 1)
    box.hozo("start", "c1").ok()
    same(pins(), [])


@test(sanitized=False)
def a_device_that_another_plugin_adds(box):
    own_namespace()
    pair()
    plugins = MadePlugins(box)
    plugins.watcher("a", adjust='return hozo_add_member(ctx, "linux.netDevices", "d0", "{\\"name\\":\\"net0\\"}", 15);')
    same(plugins.run(box.bundle("ls /sys/class/net")).ok().out.split(), ["lo", "net0"])


# --- the end

@test
def a_device_is_the_containers_until_its_end_and_the_kernels_then(box):
    own_namespace()
    pair()
    box.running(with_devices(box, d0="net0"))
    box.hozo("exec", "c1", "ip", "link", "show", "net0").ok()
    box.hozo("pause", "c1").ok()
    box.hozo("resume", "c1").ok()
    box.hozo("delete", "--force", "c1").ok().silent()
    nothing_held(box)
    host.eventually(lambda: names() == ["lo"], 10, "the kernel destroys a veth with the namespace")


@test(cases={"created": False, "running": True, "ended": None})
def a_delete_moves_nothing_back(box, started):
    """Into a namespace that outlives the container: there the device stays."""
    own_namespace()
    pair()
    ip("address", "add", "10.1.2.3/24", "dev", "d0")
    pod = Namespace()
    b = pod.joined_by(with_devices(box, "true" if started is None else "sleep 100", d0="net0"))
    box.created(b)
    if started is not False:
        box.hozo("start", "c1").ok()
    if started is None:
        box.wait_status("stopped")
    box.hozo("delete", *([] if started is None else ["--force"]), "c1").ok().silent()
    nothing_held(box)
    same((names(), names(pod)), (["d0.p", "lo"], ["lo", "net0"]))
    same([a["local"] for a in addresses("net0", pod)], ["10.1.2.3"])
    assert up("net0", pod)


@test(sanitized=False)
def no_object_but_the_plugin_loads_libnl(box):
    installed = PluginDirectory(box, installed=True).installed
    wanting = []
    for file in [box.runtime, *(f"{installed}/{f}" for f in os.listdir(installed))]:
        with open(file, "rb") as f:
            data = f.read()
        wanting += [(os.path.basename(file), n) for n in ("libnl-3.so", "libnl-route-3.so") if n.encode() in data]
    same(wanting, [("linux.netDevices.so", "libnl-3.so"), ("linux.netDevices.so", "libnl-route-3.so")])


@test
def features_say_so(box):
    same(json.loads(box.hozo("features").ok().out)["linux"]["netDevices"], {"enabled": True})
