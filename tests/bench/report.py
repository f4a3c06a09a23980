# SPDX-License-Identifier: Apache-2.0
"""Markdown tables of what was measured."""
import os
import platform
import statistics

from measure import COMPILED, CYCLE, EXEC, FILTERED, KERNEL, PEAK, RESIDENT, RUN, system_calls

# measure, against whom (None: the figure itself, in kB), limit, goal
BUDGETS = ((RUN, "floor", 1.5, 1.3), (RUN, "crun", 0.5, 0.4), (CYCLE, "crun", 0.4, 0.4),
           (EXEC, "crun", 0.5, 0.5), (RESIDENT, None, 200, 200), (PEAK, None, 1800, 1800))


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |")


def head(*cells):
    row(*cells)
    row("---", *["---:"] * (len(cells) - 1))


def ratio(results, measure, name, other):
    """The rounds' ratios: within a round, both have met the same machine."""
    pairs = zip(results[measure].get(name, []), results[measure].get(other, []))
    ratios = [a / b for a, b in pairs if b]
    return statistics.median(ratios) if ratios else None


def factor(value):
    return "–" if value is None else f"{value:.2f} ×"


def milliseconds(values):
    if not values:
        return "–"
    return f"{statistics.median(values):.2f} ms ({min(values):.2f}–{max(values):.2f})"


def kilobytes(values):
    return f"{values[0]} kB" if values else "–"


FORMATS = {RUN: milliseconds, FILTERED: milliseconds, COMPILED: milliseconds, CYCLE: milliseconds, EXEC: milliseconds,
           PEAK: kilobytes, RESIDENT: kilobytes, KERNEL: kilobytes}


def report(rig, bench):
    names = list(rig.runtimes)
    print(f"Linux {platform.release()}, {os.cpu_count()} cores, cgroup v2. Medians of "
          f"{bench.rounds} rounds of {bench.runs} runs; in brackets the lowest and the highest round.\n")
    head("", *(f"{n} {rig.versions.get(n, '')}".strip() for n in names))
    for measure, text in FORMATS.items():
        row(measure, *(text(bench.results[measure].get(n)) for n in names))
    print()
    pairs = [(a, b) for a in names for b in names
             if a != b and "floor" not in a and (a == "hozo" or b == "floor")]
    head("ratio", *(f"{a} ÷ {b}" for a, b in pairs))
    for measure in FORMATS:
        factors = [factor(ratio(bench.results, measure, a, b)) for a, b in pairs]
        if set(factors) != {factor(None)}:
            row(measure, *factors)
    print()
    rounds = bench.results[RUN]["floor"]
    if max(rounds) > 2 * min(rounds):
        rig.notes.append("the machine was busy: the floor's rounds differ by more than a factor "
                         "of two; trust the ratios less")


def report_budgets(results):
    """Returns the budgets that were missed."""
    missed = []
    head("budget of hozo", "measured", "limit", "goal", "")
    for measure, other, limit, goal in BUDGETS:
        if other:
            value = ratio(results, measure, "hozo", other)
            title, texts = f"{measure} ÷ {other}", [factor(v) for v in (value, limit, goal)]
        else:
            value, title = results[measure].get("hozo", [None])[0], measure
            texts = ["–" if value is None else f"{value} kB", f"{limit} kB", f"{goal} kB"]
        verdict = "not measured" if value is None else "met" if value <= limit else "MISSED"
        row(title, *texts, verdict)
        if verdict == "MISSED":
            missed.append(title)
    print()
    return missed


def report_calls(rig):
    """The floor is a fair yardstick only if it makes the calls that the runtimes need."""
    counts = {n: system_calls(rig, r) for n, r in rig.runtimes.items()}
    head("system calls of run", *counts)
    for name in sorted(set().union(*counts.values())):
        row(name, *(c[name] or "" for c in counts.values()))
    row("all", *(c.total() for c in counts.values()))
    print()
