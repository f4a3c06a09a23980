# SPDX-License-Identifier: Apache-2.0
"""What hozo-agent makes of the network's records: interfaces as they were in the namespace on the host."""
import json
import shutil
import subprocess

from agent import Agent
from harness import Skip, same, test

MACS = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]


def ip(a, *arguments):
    r = subprocess.run(["nsenter", "-t", str(a.child.pid), "-n", "ip", *arguments], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return r.stdout


def ip_json(a, *arguments):
    return json.loads(ip(a, "-j", *arguments) or "[]")


def with_links(a):
    """Two interfaces that are connected with each other, as a guest finds them: with names of the kernel's choice."""
    if not shutil.which("ip") or not shutil.which("nsenter"):
        raise Skip("iproute2 or util-linux is not installed")
    a.until(lambda: a.told)
    ip(a, "link", "add", "eth0", "address", MACS[0], "type", "veth", "peer", "name", "eth1", "address", MACS[1])


def addresses(a, name):
    info, = ip_json(a, "addr", "show", "dev", name)
    return {(x["local"], x["prefixlen"]): x for x in info["addr_info"]}


@test
def names_are_exchanged(box):
    with Agent(box) as a:
        with_links(a)
        assert a.set_up(["link", "eth1", MACS[0], "1400"], ["link", "eth0", MACS[1], "0"]), a.text
        links = {x["ifname"]: x for x in ip_json(a, "link")}
        same({n: links[n]["address"] for n in ("eth0", "eth1")}, {"eth0": MACS[1], "eth1": MACS[0]})
        same([links[n]["mtu"] for n in ("eth0", "eth1")], [1500, 1400])
        assert all("UP" in links[n]["flags"] for n in ("eth0", "eth1")), links


@test
def a_name_that_is_right_already(box):
    with Agent(box) as a:
        with_links(a)
        assert a.set_up(["link", "eth0", MACS[0].upper(), "1500"]), a.text


@test
def addresses_of_both_families(box):
    with Agent(box) as a:
        with_links(a)
        assert a.set_up(["link", "eth0", MACS[0], "1500"], ["link", "eth1", MACS[1], "1500"],
                        ["address", "eth0", "inet", "10.1.0.2/16", "broadcast", "10.1.255.255"],
                        ["address", "eth0", "inet", "10.9.0.1/32", "peer", "10.9.0.2"],
                        ["address", "eth0", "inet6", "fd00::2/64"],
                        ["address", "eth0", "inet6", "fe80::ff:fe00:a/64"]), a.text
        seen = addresses(a, "eth0")
        same(seen["10.1.0.2", 16]["broadcast"], "10.1.255.255")
        same(seen["10.9.0.1", 32]["address"], "10.9.0.2")
        for six in (("fd00::2", 64), ("fe80::ff:fe00:a", 64)):
            assert not seen[six].get("tentative"), seen
            assert seen[six].get("nodad"), seen
        same(seen["fe80::ff:fe00:a", 64]["scope"], "link")


@test
def routes_in_any_order(box):
    with Agent(box) as a:
        with_links(a)
        assert a.set_up(["route", "eth0", "inet", "0.0.0.0/0", "via", "169.254.1.1"],
                        ["route", "eth0", "inet", "192.168.0.0/24", "via", "10.2.0.1", "metric", "7"],
                        ["route", "eth0", "inet", "10.2.0.0/24", "scope", "253"],
                        ["route", "eth0", "inet", "169.254.1.1/32", "scope", "253"],
                        ["route", "eth0", "inet", "10.1.0.0/16", "source", "10.1.0.2", "scope", "253"],
                        ["route", "eth0", "inet6", "::/0", "via", "fd00::1", "metric", "1024"],
                        ["route", "eth0", "inet", "10.11.0.0/16", "via", "10.99.0.1", "scope", "0", "onlink", "yes"],
                        ["route", "eth0", "inet", "10.12.0.0/16", "via", "10.2.0.1", "metric", "3", "source", "10.1.0.2",
                         "scope", "0", "mtu", "1300", "onlink", "yes"],
                        ["route", "eth0", "inet6", "fd00::/64", "metric", "256"],
                        ["neighbour", "eth0", "169.254.1.1", "ee:ee:ee:ee:ee:ee"],
                        ["neighbour", "eth0", "fd00::1", "ee:ee:ee:ee:ee:ee"],
                        ["address", "eth0", "inet", "10.1.0.2/16"],
                        ["address", "eth0", "inet6", "fd00::2/64"],
                        ["link", "eth0", MACS[0], "1500"], ["link", "eth1", MACS[1], "1500"]), a.text
        routes = {r["dst"]: r for r in ip_json(a, "route") + ip_json(a, "-6", "route")}
        same(routes["192.168.0.0/24"]["metric"], 7)
        same(routes["10.1.0.0/16"]["prefsrc"], "10.1.0.2")
        same(routes["169.254.1.1"]["scope"], "link")
        same((routes["10.11.0.0/16"]["gateway"], "onlink" in routes["10.11.0.0/16"]["flags"]), ("10.99.0.1", True))
        same((routes["10.12.0.0/16"]["metric"], routes["10.12.0.0/16"]["metrics"]), (3, [{"mtu": 1300}]))
        gateways = {r["gateway"] for f in ("-4", "-6") for r in ip_json(a, f, "route", "show", "default")}
        same(gateways, {"169.254.1.1", "fd00::1"})
        seen = {n["dst"]: n for n in ip_json(a, "neigh")}
        for address in ("169.254.1.1", "fd00::1"):
            same((seen[address]["state"], seen[address]["lladdr"]), (["PERMANENT"], "ee:ee:ee:ee:ee:ee"))


LINK = ["link", "eth0", MACS[0], "1500"]


@test(timeout=40, cases={
    "no such interface": ([["link", "eth0", "02:00:00:00:00:ff", "1500"]], "there is no such interface"),
    "no MAC": ([["link", "eth0", "02:00:00:00:00", "1500"]], "is no address of a link"),
    "no MTU": ([["link", "eth0", MACS[0], "many"]], "is no MTU"),
    "an MTU that is too small": ([["link", "eth0", MACS[0], "1"]], "set its MTU"),
    "a name that is too long": ([["link", "a-name-that-is-too-long", MACS[0], "1500"]], "name it"),
    "no address": ([LINK, ["address", "eth0", "inet", "10.0.0/8"]], "is no address"),
    "a prefix that is too long": ([LINK, ["address", "eth0", "inet", "10.0.0.1/33"]], "is no address"),
    "an address of no interface": ([["address", "eth7", "inet", "10.0.0.1/8"]], "add it"),
    "a gateway of the other family": ([LINK, ["route", "eth0", "inet", "0.0.0.0/0", "via", "fd00::1"]], "is no route"),
    "a gateway that is nowhere": ([LINK, ["route", "eth0", "inet", "0.0.0.0/0", "via", "10.0.0.1"]], "add it"),
    "a neighbour without an address": ([LINK, ["neighbour", "eth0", "there", MACS[1]]], "is no neighbour"),
})
def what_cannot_be_done(box, case):
    records, text = case
    with Agent(box) as a:
        with_links(a)
        assert not a.set_up(*records)
        subject, _, rest = a.text.decode().partition(": ")
        same(subject, " ".join(records[-1]))
        assert rest.startswith(text), a.text
