# SPDX-License-Identifier: Apache-2.0
"""What `hozo spec` writes on FreeBSD: taken from the source, since it is written there alone."""
import ast
import json
import os
import re

from harness import same, test

SOURCE = os.path.join(os.path.dirname(__file__), "../../core/freebsd/template.c")


def template():
    with open(SOURCE) as f:
        text = f.read()
    text = text[text.index("static const char jail[]"):]
    literals = re.findall(r'"(?:\\.|[^"\\])*"|HOZO_SPEC_VERSION', text[:text.index(";\n")])
    return json.loads("".join("1.3.0" if s == "HOZO_SPEC_VERSION" else ast.literal_eval(s) for s in literals))


@test(sanitized=False)
def the_template_is_a_jail_that_hozo_compiles(box):
    path = f"{box.dir}/template"
    os.makedirs(f"{path}/rootfs")
    with open(f"{path}/config.json", "w") as f:
        json.dump(template(), f)
    plan = box.hozo("plan", "--bundle", path).ok().out
    for word in ("devfs devfs on /dev ruleset=4", "host.hostname=hozo", '"vnet=new"', '"execute", "sh"'):
        same(word in plan, True, f"{word} in the plan:\n{plan}")
    box.hozo("check", "--bundle", path).ok()
