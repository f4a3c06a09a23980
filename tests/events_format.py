# SPDX-License-Identifier: Apache-2.0
"""What `events` prints, as go-runc and others decode it: which members there are, of which types, and which are left
out if they are 0 or empty."""
import json

UINT16, UINT64, INT64 = range(1 << 16), range(1 << 64), range(-1 << 63, 1 << 63)


class Number:
    def __init__(self, within=UINT64):
        self.within = within

    def check(self, value, where):
        assert type(value) is int and value in self.within, f"{where}: {value!r}"


class Share:
    def check(self, value, where):
        assert type(value) in (int, float) and 0 <= value <= 100, f"{where}: {value!r}"


class Word:
    def check(self, value, where):
        assert type(value) is str, f"{where}: {value!r}"


class List:
    def __init__(self, of):
        self.of = of

    def check(self, value, where):
        assert type(value) is list, f"{where}: {value!r}"
        for i, element in enumerate(value):
            self.of.check(element, f"{where}[{i}]")


class Map:
    def __init__(self, of):
        self.of = of

    def check(self, value, where):
        assert type(value) is dict, f"{where}: {value!r}"
        for key, element in value.items():
            self.of.check(element, f"{where}[{key}]")


class Object:
    """Members by name; a final "?" says: left out if it is 0 or empty."""

    def __init__(self, **members):
        self.members = members

    def check(self, value, where):
        assert type(value) is dict, f"{where}: {value!r}"
        assert not set(value) - set(self.members), f"{where}: {set(value) - set(self.members)}"
        for name, (kind, always) in self.members.items():
            assert name in value or not always, f"{where}: {name} is missing"
            if name in value:
                kind.check(value[name], f"{where}.{name}")
                assert always or value[name], f"{where}: {name} is {value[name]!r}, and there"


def always(kind):
    return kind, True


def maybe(kind):
    return kind, False


NUMBER, NUMBERS, SMALL = Number(), List(Number()), List(Number(UINT16))
PRESSURE = Object(**{k: always(Object(avg10=always(Share()), avg60=always(Share()), avg300=always(Share()),
                                      total=always(NUMBER))) for k in ("some", "full")})
ENTRY = Object(limit=always(NUMBER), usage=maybe(NUMBER), max=maybe(NUMBER), failcnt=always(NUMBER))
DEVICES = List(Object(major=maybe(NUMBER), minor=maybe(NUMBER), op=maybe(Word()), value=maybe(NUMBER)))

DATA = Object(
    cpu=always(Object(
        usage=always(Object(total=maybe(NUMBER), percpu=maybe(NUMBERS), percpu_kernel=maybe(NUMBERS),
                            percpu_user=maybe(NUMBERS), kernel=always(NUMBER), user=always(NUMBER))),
        throttling=always(Object(periods=maybe(NUMBER), throttledPeriods=maybe(NUMBER),
                                 throttledTime=maybe(NUMBER))),
        psi=maybe(PRESSURE))),
    cpuset=always(Object(
        cpus=maybe(SMALL), mems=maybe(SMALL), sched_relax_domain_level=always(Number(INT64)),
        **{k: always(NUMBER) for k in ("cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate",
                                       "memory_spread_page", "memory_spread_slab", "memory_pressure",
                                       "sched_load_balance")})),
    memory=always(Object(cache=maybe(NUMBER), usage=always(ENTRY), swap=always(ENTRY), kernel=always(ENTRY),
                         kernelTCP=always(ENTRY), raw=maybe(Map(NUMBER)), psi=maybe(PRESSURE))),
    pids=always(Object(current=maybe(NUMBER), limit=maybe(NUMBER))),
    blkio=always(Object(
        psi=maybe(PRESSURE),
        **{k: maybe(DEVICES) for k in ("ioServiceBytesRecursive", "ioServicedRecursive", "ioQueueRecursive",
                                       "ioServiceTimeRecursive", "ioWaitTimeRecursive", "ioMergedRecursive",
                                       "ioTimeRecursive", "sectorsRecursive")})),
    hugetlb=always(Map(Object(usage=maybe(NUMBER), max=maybe(NUMBER), failcnt=always(NUMBER)))))


def decode(line):
    """One line as an event; what it says of a container that has no control group is not checked further."""
    event = json.loads(line)
    if event["type"] == "oom":
        assert set(event) == {"type", "id"}, event
        return event
    assert list(event) == ["type", "id", "data"] and event["type"] == "stats", event
    data = dict(event["data"])
    assert data.pop("intel_rdt") is not None and data.pop("network_interfaces", 0) is None, event
    if data:
        DATA.check(data, "data")
    return event
