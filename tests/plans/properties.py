# SPDX-License-Identifier: Apache-2.0
"""What has to hold for all golden plans together, and for docs/plan.md, which explains them.

A test returns None if it holds, else what is wrong.
"""
import json
import os
import re

from check import HERE, cases, hozo_plan, read

TOP = f"{HERE}/../.."

# Phases in which this version has nothing to do.
EMPTY_PHASES = {"sources"}


def operations():
    """{name: signature} of core/plan-ops.h, in its order."""
    table = read(f"{TOP}/core/plan-ops.h")
    return dict(re.findall(r'^    OP\(\w+, *"([^"]+)", *"([^"]*)"\)', table, re.M))


def phases():
    """[(name, process)] of core/plan-ops.h, in their order."""
    table = read(f"{TOP}/core/plan-ops.h")
    return [(name, process.lower())
            for name, process in re.findall(r'^    PHASE\(\w+, *"([^"]+)", *(\w+),', table, re.M)]


def golden():
    return {name: read(f"{HERE}/{name}/plan") for name in cases() if os.path.exists(f"{HERE}/{name}/plan")}


def halves(plan):
    """What `hozo plan` prints: of a virtual machine the guest's half comes behind the host's."""
    return plan.split("\nin the virtual machine:\n")


def of_text(plan):
    """[(phase, process, [(operation, owner, path)])] of what `hozo plan` prints."""
    found = []
    for line in plan.splitlines():
        if heading := re.fullmatch(r"([a-z-]+) \(([a-z]+)\)", line):
            found.append((*heading.groups(), []))
        elif operation := re.fullmatch(r"  ([a-z-]+)\(.*?  +(\S+)(?:  +(\S.*))?", line):
            found[-1][2].append(operation.groups())
    return found


def of_json(plan):
    return [(p["phase"], p["process"], [(o["op"], o["owner"], o.get("path")) for o in p["operations"]])
            for p in plan["phases"]]


def missing(what, wanted, seen):
    lacking = [w for w in wanted if w not in seen]
    return f"{what}: {', '.join(lacking)}" if lacking else None


OTHERS = {"env": {"HOME": "/x", "LANG": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}, "cwd": "/"}


def same_again(hozo):
    """Neither the environment nor the working directory nor who runs it may make a difference."""
    for name in cases():
        first, second = hozo_plan(hozo, name), hozo_plan(hozo, name, **OTHERS)
        if (first.stdout, first.stderr) != (second.stdout, second.stderr):
            return f"{name}: differs from run to run"
    return None


def json_agrees(hozo):
    for name, text in golden().items():
        answer = hozo_plan(hozo, name, "--json")
        if answer.returncode:
            return f"{name}: {answer.stderr}"
        document = json.loads(answer.stdout)
        host = read(f"{HERE}/{name}/host", "v2").strip()
        if document["host"] != json.loads(read(f"{HERE}/hosts/{host}.json")):
            return f"{name}: host: not the facts that were given"
        told = [of_json(document[half]) for half in ("plan", "guest") if half in document]
        printed = [of_text(half) for half in halves(text)]
        if told != printed:
            return f"{name}:\n{told}\n{printed}"
        if document["plan"]["attachStage"] != text.startswith("attach-stage\n"):
            return f"{name}: attachStage"
    return None


def check_agrees(hozo):
    """hozo check says the same as hozo plan, behind its table."""
    for name in cases():
        plan, check = hozo_plan(hozo, name), hozo_plan(hozo, name, verb="check")
        if (plan.returncode, plan.stderr) != (check.returncode, check.stderr):
            return f"{name}: {check.returncode} {check.stderr!r} instead of {plan.returncode} {plan.stderr!r}"
        errors = [line for line in check.stdout.splitlines() if re.search(r"  error: ", line)]
        if plan.returncode == 0 and (errors or not check.stdout):
            return f"{name}: {errors or 'no table'}"
        if hozo_plan(hozo, name, verb="check", **OTHERS).stdout != check.stdout:
            return f"{name}: the table differs from run to run"
    return None


# `hozo plan` tells of create. tests/unit/exec_plan_test.c has the plans with these.
ONLY_OF_EXEC = {"affinity", "visit"}


def every_operation_occurs(_):
    seen = {op for plan in golden().values() for _, _, ops in of_text(plan) for op, _, _ in ops}
    return missing("in no golden plan", operations(), seen | ONLY_OF_EXEC)


def every_phase_occurs(_):
    seen = {(phase, process) for plan in golden().values() for phase, process, _ in of_text(plan)}
    return missing("in no golden plan", [f"{phase} ({process})" for phase, process in phases()
                                         if phase not in EMPTY_PHASES and (phase, process) not in seen], ())


def phases_in_order(_):
    order = [phase for phase, _ in phases()]
    for name, plan in golden().items():
        for half in halves(plan):
            places = [order.index(phase) for phase, _, _ in of_text(half)]
            if places != sorted(set(places)):
                return f"{name}: {places}"
    return None


def rows(heading):
    """The first columns of the table below a heading of docs/plan.md, without the marks of code."""
    section = read(f"{TOP}/docs/plan.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip("`") for cell in row] for row in table]


def documented_phases(_):
    told = [tuple(row[:2]) for row in rows("Phases")]
    return None if told == phases() else f"docs/plan.md: {told}\ncore/plan-ops.h: {phases()}"


def documented_operations(_):
    names = {op: " ".join(argument.split(":")[1] for argument in signature.split())
             for op, signature in operations().items()}
    told = {row[0]: row[1] for row in rows("Operations")}
    if list(told) != list(names):
        return f"docs/plan.md: {list(told)}\ncore/plan-ops.h: {list(names)}"
    wrong = [f"{op}: {told[op]!r} is {names[op]!r}" for op in names if told[op] != names[op]]
    return "\n".join(wrong) or None


def tests(hozo):
    every = (same_again, json_agrees, check_agrees, every_operation_occurs, every_phase_occurs, phases_in_order,
             documented_phases, documented_operations)
    return [(f.__name__.replace("_", " "), lambda f=f: f(hozo)) for f in every]
