# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: whatever fails, and wherever hozo is killed, the devices are on the host as they were."""
import os
import signal
import subprocess

import host
from harness import libc, same, test
from network import (CLONE_NEWNET, PINS, Namespace, addresses, ip, link, names, own_namespace, pair, picture, pins,
                     same_picture, settled)
from traced import strace

CLONE_NEWUSER = 0x10000000


def furnished():
    """A host with three devices that have all that a move destroys."""
    own_namespace()
    ip("link", "set", "lo", "up")
    for n in ("d0", "d1", "d2"):
        pair(n)
    with open("/proc/sys/net/ipv6/conf/d2.p/disable_ipv6", "w") as f:
        f.write("1")  # it has a carrier, and would get an address, while d2 is up
    ip("link", "set", "d0", "mtu", 1400, "address", "02:00:00:00:00:07")
    ip("link", "property", "add", "dev", "d0", "altname", "to-the-lab")
    ip("address", "add", "10.1.2.3/24", "brd", "+", "dev", "d0", "label", "d0:web")
    ip("address", "add", "10.1.2.9/24", "dev", "d0")
    ip("address", "add", "10.4.0.1", "peer", "10.5.0.1/32", "dev", "d0")
    for a in ("2001:db8::1/64", "2001:db8::2/64"):
        ip("-6", "address", "add", a, "dev", "d0")
    ip("-6", "address", "add", "2001:db8:1::1/64", "dev", "d0", "noprefixroute")
    for n in ("d0", "d1"):  # d2 stays down
        ip("link", "set", n, "up")
    ip("address", "add", "10.6.0.1/24", "dev", "d1", "scope", "link")
    ip("address", "add", "10.7.0.1/24", "dev", "d2")
    settled()
    ip("route", "add", "default", "via", "10.1.2.1", "metric", 50)
    ip("route", "add", "10.9.0.0/16", "via", "10.5.0.1", "dev", "d0", "mtu", 1300)
    ip("route", "add", "10.10.0.0/16", "table", 77, "dev", "d0")
    ip("route", "add", "10.11.0.0/16", "nexthop", "via", "10.1.2.1", "nexthop", "via", "10.6.0.9", "dev", "d1")
    ip("-6", "route", "add", "2001:db8:7::/48", "via", "2001:db8::9")


def three(box, program="sleep 100"):
    b = box.bundle(program)
    b.linux["netDevices"] = {"d0": {"name": "net0"}, "d1": {"name": "d2"}, "d2": {"name": "d1"}}
    return b


def undone(box, before):
    host.reap()
    box.nothing_left()
    same(pins(), [])
    same_picture(before)


def refuses(box, bundle, *texts):
    before = picture()
    numbers = [n["ifindex"] for n in before["links"]]
    box.create(bundle).fails("linux.netDevices", *texts)
    undone(box, before)
    same([n["ifindex"] for n in picture()["links"]], numbers)


# --- conflicts that are found before anything is moved

@test
def a_device_that_is_missing(box):
    furnished()
    b = three(box)
    b.linux["netDevices"]["eth7"] = {}
    refuses(box, b, "linux.netDevices.eth7: the host has no network device of this name")


@test
def an_alternative_name(box):
    furnished()
    b = three(box)
    del b.linux["netDevices"]["d0"]
    b.linux["netDevices"]["to-the-lab"] = {}
    refuses(box, b, "to-the-lab", "is only an alternative name of the device d0")


@test
def the_loopback_device(box):
    furnished()
    b = three(box)
    b.linux["netDevices"]["lo"] = {"name": "x"}
    refuses(box, b, "linux.netDevices.lo: is the loopback device")


@test
def a_device_that_cannot_leave(box):
    furnished()
    ip("link", "add", "br0", "type", "bridge")
    b = three(box)
    b.linux["netDevices"]["br0"] = {}
    refuses(box, b, "linux.netDevices.br0: ", "cannot leave its network namespace")


def pod_with(*commands):
    pod = Namespace()
    for c in commands:
        ip(*c.split(), inside=pod)
    return pod


@test(cases={"a name": "name net0", "an alternative name": "property"})
def a_name_that_is_taken(box, how):
    furnished()
    pod = pod_with("link add x0 type veth peer name x1",
                   "link set x0 name net0" if how != "property" else "link property add dev x0 altname net0")
    refuses(box, pod.joined_by(three(box)), "linux.netDevices.d0: a device \"net0\" exists in the container")
    same(len(names(pod)), 3)


@test
def an_alternative_name_that_is_taken(box):
    furnished()
    pod = pod_with("link add x0 type veth peer name to-the-lab")
    refuses(box, pod.joined_by(three(box)), "linux.netDevices.d0: a device \"to-the-lab\" exists")


@test
def an_alternative_name_that_another_one_shall_have(box):
    furnished()
    b = three(box)
    b.linux["netDevices"]["d1"] = {"name": "to-the-lab"}
    refuses(box, b, "linux.netDevices.d1: \"to-the-lab\" is an alternative name of d0")


@test(cases={"by its path": "/proc/self/ns/net", "not named": None})
def the_hosts_own_namespace(box, path):
    furnished()
    b = three(box)
    b.without_namespace("network")
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "sysfs"]
    if path:
        b.linux["namespaces"].append({"type": "network", "path": path})
    refuses(box, b, "network namespace is the host's" if path else "the container has no network namespace of its own")


@test
def in_a_user_namespace_that_does_not_own_the_network(box):
    furnished()
    before = picture()
    b = three(box)
    b.linux.pop("resources")
    b.linux["cgroupsPath"] = ""
    r = box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1",
                 preexec_fn=in_a_user_namespace)
    r.fails("linux.netDevices: hozo runs in a user namespace to which the host's network does not belong")
    same_picture(before)


def in_a_user_namespace():
    assert not libc.unshare(CLONE_NEWUSER)
    for file, text in ("uid_map", "0 0 1"), ("setgroups", "deny"), ("gid_map", "0 0 1"):
        with open(f"/proc/self/{file}", "w") as f:
            f.write(text)


# --- failures behind it

@test
def an_address_that_is_refused_there(box):
    """d0 and d1 have been moved and given theirs: the namespace, which is joined, has no IPv6."""
    furnished()
    ip("-6", "address", "add", "2001:db8:5::5/64", "dev", "d2", "nodad")
    ip("-6", "route", "delete", "2001:db8:7::/48")
    ip("-6", "address", "flush", "dev", "d0", "scope", "global")
    pod = pod_with()
    subprocess.run(["nsenter", f"--net={pod.path}", "sh", "-c",
                    "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"], check=True)
    refuses(box, pod.joined_by(three(box)), "linux.netDevices.d2: giving d1 the address 2001:db8:5::5/64")
    same(names(pod), ["lo"])


@test(cases={"a hook": "hook", "the program is missing": "program", "a mount": "mount", "its process is killed": "kill"})
def what_fails_later(box, what):
    furnished()
    before = picture()
    b = three(box)
    if what == "hook":
        b.hook("createRuntime", "/bin/false")
    if what == "kill":
        b.hook("createRuntime", b.script("hook", "#!/bin/sh\nkill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')\nsleep 0.3\n"))
    if what == "program":
        b.program(["/nowhere"])
    if what == "mount":
        b.bind("/nowhere", "/tmp")
    box.create(b).fails()
    undone(box, before)


@test
def a_device_of_a_bridge_is_in_it_again(box):
    furnished()
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "set", "br0", "up")
    ip("link", "set", "d2", "master", "br0")
    b = three(box)
    b.hook("createRuntime", "/bin/false")
    box.create(b).fails()
    same(link("d2")["master"], "br0")
    box.nothing_left()


@test
def into_a_namespace_that_stays(box):
    furnished()
    before, pod = picture(), Namespace()
    b = pod.joined_by(three(box))
    b.hook("createRuntime", "/bin/false")
    box.create(b).fails()
    undone(box, before)
    same(names(pod), ["lo"])


@test
def where_names_and_numbers_were_taken_meanwhile(box):
    """The others come back, and an error tells what does not."""
    furnished()
    b = three(box)
    b.hook("createRuntime", b.script("hook", "#!/bin/sh\nip link add d0 type veth peer name other\nfalse\n"))
    box.create(b).ends(1)
    ip("link", "delete", "other")
    assert {"d1", "d2"} <= set(names()), names()
    box.hozo("delete", "--force", "c1").ok()
    assert "d0" in names()
    same(pins(), [])


# --- killed

def killed(box, bundle):
    bundle.hook("createRuntime", bundle.script("hook", "#!/bin/sh\nkill -9 $PPID\nsleep 0.5\n"))
    box.create(bundle).ends(-signal.SIGKILL)
    host.eventually(lambda: not [p for p in host.living_children() if p != os.getpid()], 10, "all have ended")


@test(cases={"and deleted": ["delete", "c1"], "and deleted by force": ["delete", "--force", "c1"]})
def hozo_is_killed(box, delete):
    furnished()
    before = picture()
    killed(box, three(box))
    assert "d0" not in names()
    box.hozo(*delete).ok().silent()
    undone(box, before)


@test
def a_delete_in_another_network_namespace_is_refused(box):
    """There the devices would not be back where they were."""
    furnished()
    before = picture()
    killed(box, three(box))
    box.hozo("delete", "c1", preexec_fn=lambda: libc.unshare(CLONE_NEWNET)).fails("linux.netDevices", "another network namespace")
    box.hozo("delete", "c1").ok().silent()
    undone(box, before)


def forget_namespace():
    """Another mount namespace, in which the one of the container is not held."""
    for name in pins():
        host.detach(f"{PINS}/{name}")


@test
def what_is_gone_with_the_namespace_does_not_keep_the_others(box):
    furnished()
    killed(box, three(box))
    forget_namespace()
    host.eventually(lambda: names() == ["lo"], 10, "the kernel destroys the devices")
    log = f"{box.dir}/log"
    box.hozo("--debug", "--log", log, "delete", "c1").ok()
    with open(log) as f:
        text = f.read()
    for n in ("d0", "d1", "d2"):
        assert f"{n} is gone with the container's network namespace" in text, text
    box.nothing_left()
    same(pins(), [])


@test
def what_the_kernel_has_brought_back_gets_its_name_and_addresses_again(box):
    """As it does with a physical device when the namespace ends: by the name that it had there, down, without addresses."""
    furnished()
    before, pod = picture(), Namespace()
    killed(box, pod.joined_by(three(box)))
    for n in ("net0", "d2", "d1"):
        ip("link", "set", n, "netns", os.getpid(), inside=pod)
    forget_namespace()
    same((names(pod), len(names())), (["lo"], 7))
    assert not addresses("net0")
    box.hozo("delete", "c1").ok().silent()
    undone(box, before)


@test
def a_device_that_only_looks_the_same_is_left_where_it_is(box):
    """Who lives in the namespace that is joined could give it the number and the address of one that has not come."""
    furnished()
    before, pod = picture(), Namespace()
    r = strace(box, ["-einject=mount:signal=KILL:when=1"], "create", "--bundle", pod.joined_by(three(box)).write().path, "c1")
    same(r.code, -signal.SIGKILL)
    d0 = link("d0")
    ip("link", "add", "net0", "index", d0["ifindex"], "address", d0["address"], "type", "veth", "peer", "name", "x", inside=pod)
    box.hozo("delete", "--force", "c1").ok().silent()
    undone(box, before)
    same(names(pod), ["lo", "net0", "x"])


def small():
    """A host on which a device is up again without waiting for duplicate address detection."""
    own_namespace()
    with open("/proc/sys/net/ipv6/conf/default/accept_dad", "w") as f:
        f.write("0")
    for n in ("d0", "d1"):
        pair(n)
        ip("link", "set", n, "up")
    ip("address", "add", "10.1.2.3/24", "dev", "d0", "label", "d0:web")
    ip("-6", "address", "add", "2001:db8::1/64", "dev", "d0")
    ip("route", "add", "10.9.0.0/16", "via", "10.1.2.1")
    ip("route", "add", "10.10.0.0/16", "dev", "d1")
    return picture()


CALLS = "sendmsg,recvmsg,setns,mount"


def swapping(box, joined):
    """The words of a create of a container with two devices, and how many calls of each kind the plugin makes."""
    b = box.bundle("sleep 100")
    b.linux["netDevices"] = {"d0": {"name": "d1"}, "d1": {"name": "d0"}}
    pod = Namespace()
    if joined:
        pod.joined_by(b)
    arguments = ["create", "--bundle", b.write().path, "c1"]
    strace(box, ["-e", f"trace={CALLS}"], *arguments).ok()
    with open(f"{box.dir}/trace") as f:
        lines = [line for line in f if line.startswith(tuple(CALLS.split(",")))]
    first, *_, last = (i for i, line in enumerate(lines) if line.startswith("sendmsg") and "AF_NETLINK" in line)
    seen, points = {}, []
    for i, line in enumerate(lines[:last + 3]):
        name = line.split("(")[0]
        seen[name] = seen.get(name, 0) + 1
        if i >= first - 2:
            points.append((name, seen[name]))
    assert len(points) > 40, points
    return arguments, points, pod


def again(box, pod):
    """Another host: a container that was created keeps its devices."""
    box.hozo("delete", "--force", "c1").ok()
    for n in set(names(pod)) & {"d0", "d1"}:
        ip("link", "delete", n, inside=pod)
    same(names(pod), ["lo"])
    return small()


@test(timeout=150, sanitized=False, cases={"a new namespace": False, "a joined one": True})
def hozo_is_killed_at_any_call(box, joined):
    small()
    arguments, points, pod = swapping(box, joined)
    before, away = again(box, pod), 0
    for name, number in points:
        r = strace(box, [f"-einject={name}:signal=KILL:when={number}"], *arguments)
        try:
            assert r.code != 0, "it was not killed"
            away += not {"d0", "d1"} <= set(names())
            box.hozo("delete", "--force", "c1").ok().silent()
            undone(box, before)
        except AssertionError as e:
            raise AssertionError(f"killed at {name} {number}: {e}") from None
    assert away > 10, away


@test(timeout=150, sanitized=False)
def a_delete_that_is_killed_at_any_call_can_be_repeated(box):
    small()
    arguments, _, pod = swapping(box, True)
    before = again(box, pod)

    def create():
        strace(box, ["-einject=sendmsg:signal=KILL:when=18"], *arguments)  # the devices are away

    create()
    assert not {"d0", "d1"} & set(names()), names()
    strace(box, ["-e", f"trace={CALLS},umount2,unlink"], "delete", "--force", "c1").ok()
    undone(box, before)
    with open(f"{box.dir}/trace") as f:
        calls = [line.split("(")[0] for line in f if "(" in line and line[0] != "-"]
    assert calls.count("sendmsg") > 10, calls
    for i, name in enumerate(calls):
        create()
        strace(box, [f"-einject={name}:signal=KILL:when={calls[:i + 1].count(name)}"], "delete", "--force", "c1")
        try:
            if os.path.exists(f"{box.root}/c1"):
                box.hozo("delete", "--force", "c1").ok().silent()
            undone(box, before)
        except AssertionError as e:
            raise AssertionError(f"killed at {name} {calls[:i + 1].count(name)}: {e}") from None


@test(timeout=150, sanitized=False, cases={"a new namespace": False, "a joined one": True})
def any_call_fails(box, joined):
    small()
    arguments, points, pod = swapping(box, joined)
    before, failures = again(box, pod), 0
    for name, number in points:
        r = strace(box, [f"-einject={name}:error=EIO:when={number}"], *arguments)
        try:
            if r.code == 0:
                before = again(box, pod)
                continue
            failures += 1
            r.fails()
            undone(box, before)
        except AssertionError as e:
            raise AssertionError(f"{name} {number} fails: {e}\n{r}") from None
    assert failures > 20, failures
