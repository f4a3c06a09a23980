#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TAP: the pictures of the manual are sound files for themselves, are shown somewhere, and have the plan's phases.

usage: pictures.py
"""
import glob
import os
import re
import traceback
import xml.etree.ElementTree as xml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SVG = "{http://www.w3.org/2000/svg}"
PICTURES = sorted(glob.glob(f"{TOP}/docs/pictures/*.svg"))


def is_sound(path):
    root = xml.parse(path).getroot()
    assert root.tag == f"{SVG}svg", root.tag
    assert [c.tag for c in root[:2]] == [f"{SVG}title", f"{SVG}desc"] and root[0].text and root[1].text
    style = root.find(f"{SVG}style").text
    assert "prefers-color-scheme: dark" in style
    # Nothing runs in it, and nothing is fetched by it.
    allowed = {"svg", "title", "desc", "style", "marker", "path", "g", "rect", "text"}
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= allowed
    assert not any(re.search("href|^on", name) for e in root.iter() for name in e.attrib)
    assert "url(" not in style and "@import" not in style


def has_no_text_beyond_its_box(path):
    root = xml.parse(path).getroot()
    _, _, width, height = map(float, root.get("viewBox").split())
    rects = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in root.iter(f"{SVG}rect")]
    for x, y, w, h in rects:
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height, (x, y, w, h)
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.get("x")), float(text.get("y"))
        # What letters of a usual font take, on an average.
        wide = len(text.text) * {"code": 8.0, "note": 6.2}.get(text.get("class"), 6.6)
        left = x - wide / 2 if text.get("text-anchor") == "middle" else x
        assert 0 <= left and left + wide <= width and y <= height, text.text
        # In the smallest box around its anchor, if there is one.
        around = [r for r in rects if r[0] <= x <= r[0] + r[2] and r[1] <= y <= r[1] + r[3]]
        if around and text.get("text-anchor") == "middle":
            box = min(around, key=lambda r: r[2])
            assert box[0] <= left and left + wide <= box[0] + box[2], f"{text.text!r} does not fit"


def is_shown(path):
    name = f"pictures/{os.path.basename(path)}"
    for page in ("README.md", "docs/architecture.md"):
        assert name in open(f"{TOP}/{page}").read(), f"{page} does not show it"


def the_life_of_a_container_has_every_phase_where_it_happens():
    """In each process's column, and below one another in the plan's order."""
    table = re.findall(r'PHASE\([A-Z_]+, +"([a-z-]+)", +([A-Z]+)', open(f"{TOP}/core/plan-ops.h").read())
    assert len(table) > 10
    root = xml.parse(f"{TOP}/docs/pictures/life.svg").getroot()
    groups = {g.get("id"): [(t.text, float(t.get("y"))) for t in g.iter(f"{SVG}text")] for g in root.iter(f"{SVG}g")}
    for process in {p.lower() for _, p in table}:
        wanted = [name for name, p in table if p.lower() == process]
        there = [name for name, _ in groups[process]]
        assert there == wanted, f"{process}: {there} instead of {wanted}"
    heights = dict(row for p in {p.lower() for _, p in table} for row in groups[p])
    assert sorted(heights, key=heights.get) == [name for name, _ in table], heights


TESTS = [(f"{os.path.basename(p)} {check.__name__.replace('_', ' ')}", lambda check=check, p=p: check(p))
         for p in PICTURES for check in (is_sound, has_no_text_beyond_its_box, is_shown)]
TESTS.append(("the life of a container has every phase where it happens",
              the_life_of_a_container_has_every_phase_where_it_happens))

print(f"1..{len(TESTS)}")
assert len(PICTURES) >= 3
for number, (title, test) in enumerate(TESTS, 1):
    try:
        test()
        print(f"ok {number} - {title}")
    except Exception:
        print(f"not ok {number} - {title}")
        print("".join(f"# {l}\n" for l in traceback.format_exc().splitlines()), end="")
