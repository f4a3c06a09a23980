# SPDX-License-Identifier: Apache-2.0
"""The section freebsd on a host that is not FreeBSD: explained, and refused before anything is made; and the table of
docs/freebsd.md."""
import glob
import json
import os
import re
import subprocess

from harness import Skip, same, test

TOP = os.path.join(os.path.dirname(__file__), "../..")
NOT_HERE = "freebsd: this host is not FreeBSD"


def configuration(**members):
    return {"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": ["true"]}, **members}


def bundle(box, config):
    box.count += 1
    path = f"{box.dir}/freebsd{box.count}"
    os.makedirs(f"{path}/rootfs")
    with open(f"{path}/config.json", "w") as f:
        json.dump(config, f)
    return path


REFUSED = {
    "the section": {"freebsd": {}},
    "beside linux": {"freebsd": {}, "linux": {"namespaces": [{"type": "mount"}]}},
    "an annotation": {"annotations": {"org.freebsd.jail.vnet": "new"}},
}


@test(sanitized=False, cases=REFUSED)
def create_is_refused_before_anything_is_made(box, members):
    path = bundle(box, configuration(**members))
    before = sorted(os.listdir(box.root)) if os.path.exists(box.root) else []
    r = box.hozo("create", "--bundle", path, "c1")
    r.fails(NOT_HERE)
    same(sorted(os.listdir(box.root)) if os.path.exists(box.root) else [], before)
    box.nothing_left()


@test(sanitized=False)
def check_tells_who_serves_each_member(box):
    path = bundle(box, configuration(hostname="box", freebsd={"jail": {"vnet": "new", "allow": {"mlock": False}}}))
    rows = {line.split()[0]: line.split()[1:] for line in box.hozo("check", "--bundle", path).ok().out.splitlines()}
    for name in ("freebsd.jail.vnet", "freebsd.jail.allow.mlock"):
        same(rows[name][0], "freebsd")
        same(rows[name][2], "applied")
    same([name for name in rows if name.startswith("+")], [], "who manages control groups")


@test(sanitized=False)
def a_member_of_another_type_is_refused_by_check(box):
    path = bundle(box, configuration(freebsd={"jail": {"vnet": "disable"}}))
    r = box.hozo("check", "--bundle", path)
    r.fails("freebsd.jail.vnet")


NO_NAMES = {"a dot": "a.b", "a number": "12"}


@test(sanitized=False, cases=NO_NAMES)
def an_id_that_no_jail_can_have_is_refused(box, name):
    path = bundle(box, configuration(freebsd={}))
    r = box.hozo("plan", "--bundle", path, name)
    r.fails("freebsd.jail: the jail would be called as the container")


@test(sanitized=False)
def its_annotations_are_declared_as_unsafe(box):
    unsafe = json.loads(box.hozo("features").ok().out)["potentiallyUnsafeConfigAnnotations"]
    same({"org.freebsd.parentJail", "org.freebsd.jail."} <= set(unsafe), True)


@test(sanitized=False)
def the_examples_of_the_specification_are_taken_as_their_folder_says(box):
    examples = os.environ.get("HOZO_SPEC_EXAMPLES")
    if not examples:
        raise Skip("HOZO_SPEC_EXAMPLES names no directory")
    for kind in "good", "bad":
        names = sorted(glob.glob(f"{examples}/config/{kind}/freebsd*.json")) or \
            sorted(glob.glob(f"{examples}/{kind}/freebsd*.json"))
        assert names, f"no {kind} example"
        for name in names:
            with open(name) as f:
                config = json.load(f)
            config.setdefault("process", {"cwd": "/", "args": ["true"]})  # which hozo wants, and the schema does not
            r = box.hozo("plan", "--bundle", bundle(box, config))
            same((name, r.code == 0), (name, kind == "good"))


# --- the manual

def manual():
    with open(f"{TOP}/docs/freebsd.md") as f:
        text = f.read()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("| `") and line.count("|") == 7]


def members(table, rows=None, prefix=""):
    """All members of core/spec/freebsd.c that hold no others: "jail.allow.mlock"."""
    with open(f"{TOP}/core/spec/freebsd.c") as f:
        source = f.read()
    body = re.search(rf"\b{table}\[\] = {{(.*?)\n}};", source, re.S)[1]
    found = []
    for kind, name, rest in re.findall(r"(\w+)\(FREEBSD, \"(\w+)\"(.*?)\),\n", body):
        if kind in ("OBJECT", "OBJECTS"):
            found += members(rest.split(",")[1].strip(" )"), prefix=f"{prefix}{name}{'[]' if kind == 'OBJECTS' else ''}.")
        else:
            found.append(prefix + name)
    return found


@test(sanitized=False)
def each_member_has_a_row_in_the_manual_with_a_good_and_a_bad_test(box):
    rows = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[5]) for row in manual()}
    wanted = members("spec_freebsd")
    same(len(wanted), 24)
    same([m for m in wanted if m not in rows], [], "members without a row")
    for m in wanted:
        same((m, sorted({name.startswith("error-") for name in rows[m]})), (m, [False, True]))


@test(sanitized=False)
def each_test_that_the_manual_names_is_there(box):
    names = [name for row in manual() for name in re.findall(r"`([^`]+)`", row[5])]
    assert len(names) > 60
    known = set(os.listdir(f"{TOP}/tests/plans"))
    program = f"{box.build}/plugins/freebsd/freebsd-runner-test"
    if not os.path.exists(program):
        raise Skip("the runner's tests are not built")
    r = subprocess.run([program], capture_output=True, text=True, timeout=60)
    known |= {re.sub(r": (?!nothing|it |hooks).*", "", line.split(" - ", 1)[1]) for line in r.stdout.splitlines()
              if line.startswith("ok ")}
    same([n for n in names if n not in known], [])
