# SPDX-License-Identifier: Apache-2.0
"""What --trace writes, read back: spans with their begin, end and arguments, checked as they are read."""
import json

TRACKS = ("runtime", "stage", "helper", "inside")


class Span:
    """Times in milliseconds; `end` is None if hozo ended first."""

    def __init__(self, event):
        self.name, self.category, self.args = event["name"], event["cat"], event["args"]
        self.track, self.begin = TRACKS[event["tid"] - 1], event["ts"] / 1000
        self.end = self.begin + event["dur"] / 1000 if "dur" in event else None

    @property
    def time(self):
        return self.end - self.begin

    def within(self, other):
        return other.begin <= self.begin + 1e-6 and self.end <= other.end + 1e-6

    def __repr__(self):
        return f"{self.track}: {self.name} {self.args} {self.begin}..{self.end}"


class Trace:
    """`complete`: every span has its end."""

    def __init__(self, path, complete=True):
        with open(path) as f:
            self.text = f.read()
        self.spans, stack, last = [], [], 0
        events = json.loads(self.text)
        assert len({e["pid"] for e in events}) == 1, "one process to a trace"
        for event in events:
            if event["ph"] == "M":
                continue
            if event["ph"] in "BX":
                self.spans.append(Span(event))
            if event["ph"] == "X":
                continue
            assert event["ts"] / 1000 >= last, f"back in time: {event}"
            last = event["ts"] / 1000
            if event["ph"] == "B":
                stack.append(self.spans[-1])
            else:
                assert event["ph"] == "E", event
                stack[-1].end = last
                stack.pop().args.update(event["args"])
        assert not (complete and stack), f"without an end: {stack}"
        self.open = stack
        if complete:
            self._nest()

    def _nest(self):
        """Of two spans on one track one is in the other, or they have nothing in common; and all are in the first."""
        for track in TRACKS:
            around = []
            for span in sorted(self.of(track), key=lambda s: (s.begin, -s.end)):
                while around and around[-1].end <= span.begin + 1e-6 and not span.within(around[-1]):
                    around.pop()
                assert not around or span.within(around[-1]), f"{span} is not within {around[-1]}"
                around.append(span)
        for span in self.spans:
            assert span.within(self.spans[0]), f"{span} is not within {self.spans[0]}"

    def of(self, track):
        return [s for s in self.spans if s.track == track]

    def named(self, name, category=None):
        return [s for s in self.spans if s.name == name and category in (None, s.category)]

    def one(self, name, category=None):
        found = self.named(name, category)
        assert len(found) == 1, f"{name}: {found} in {[s.name for s in self.spans]}"
        return found[0]

    def operations(self):
        """In the plan's order: process, phase, operation, owner, path."""
        found = [s for s in self.spans if s.category == "operation"]
        found.sort(key=lambda s: s.args["number"])
        assert [s.args["number"] for s in found] == list(range(len(found))), "each once, none left out"
        return [(s.track, s.args["phase"], s.name, s.args["owner"], s.args.get("path")) for s in found]


def planned(text):
    """The same of what `plan --json` prints."""
    return [(p["process"], p["phase"], o["op"], o["owner"], o.get("path"))
            for p in json.loads(text)["plan"]["phases"] for o in p["operations"]]
