# SPDX-License-Identifier: Apache-2.0
"""What the interface of plugins promises (docs/plugin-abi.md): a frozen copy of its header is compared with today's, and
a plugin that is compiled with it is served by today's host."""
import hashlib
import os
import platform
import shutil
import sys

from compiled import compiled
from harness import Skip, same, test
from made_plugins import MadePlugins

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../abi"))
import interface

TODAY, FROZEN = interface.version(interface.TODAY), interface.version(interface.FROZEN)


def text_of(include):
    with open(f"{include}/hozo/plugin.h") as f:
        return f.read()


def needs_libabigail():
    if not shutil.which("abidiff") or not shutil.which("abidw"):
        raise Skip("no abidiff: the package abigail-tools")
    if platform.machine() != "x86_64":
        raise Skip("the stored dump is of x86_64")


def built(box, *replacements, include=interface.TODAY):
    """What abidiff compares: the interface of this header, in which something is replaced."""
    text = text_of(include)
    for old, new in replacements:
        same(text.count(old), 1, what=old)
        text = text.replace(old, new)
    os.makedirs(f"{box.dir}/changed/hozo", exist_ok=True)
    with open(f"{box.dir}/changed/hozo/plugin.h", "w") as f:
        f.write(text)
    return interface.build(f"{box.dir}/changed", f"{box.dir}/interface.so")


@test(sanitized=False)
def the_stored_dump_is_that_of_the_frozen_header(box):
    needs_libabigail()
    same(interface.changes(interface.DUMP, built(box, include=interface.FROZEN)), "")


@test(sanitized=False)
def the_interface_has_not_changed_under_its_number(box):
    needs_libabigail()
    report = interface.changes(interface.DUMP, built(box))
    if TODAY == FROZEN:
        same(report, "", what="the same version")
    elif TODAY[0] == FROZEN[0] >= 1:
        same(interface.breaks(report), [], what="a minor version")
    elif TODAY < FROZEN:
        raise AssertionError(f"version {TODAY} is older than the frozen one, {FROZEN}")
    else:
        raise Skip(f"interface {TODAY[0]}.{TODAY[1]} is not frozen yet: tests/abi/freeze")


MORE = "    int (*more)(struct hozo_ctx *ctx);\n"
HOST = "    int (*cgroup)(struct hozo_ctx *ctx, const struct hozo_cgroup *cgroup);\n"
LAST = "};\n\n/* Public in its first member only. */"
CHANGES = {
    "a function behind the last": ((LAST, MORE + LAST), []),
    "a function between others": ((HOST, MORE + HOST), ["hozo_host"]),
    "a function less": ((HOST, ""), ["hozo_host"]),
    "another parameter": (("(*add_group)(struct hozo_ctx *ctx, uint32_t gid)",
                           "(*add_group)(struct hozo_ctx *ctx, uint64_t gid)"), ["hozo_host"]),
    "a callback behind the last": (("    hozo_callback runner;\n", "    hozo_callback runner, more;\n"), []),
    "a callback between others": (("    hozo_callback pause; ", "    hozo_callback more, pause; "), ["hozo_plugin"]),
    "another name": (("    const char *package;", "    const char *packet;"), ["hozo_plugin"]),
    "another type": (("    int64_t major, minor;", "    int32_t major, minor;"), ["hozo_device"]),
    "a column of rows": (("    const char *doc;           /* one line */",
                          "    const char *doc, *more;    /* one line */"), []),
    "a cursor that grows": (("    uint64_t tag; ", "    uint64_t tag, more; "), ["hozo_cursor"]),
    "a status behind the last": (("HOZO_STOPPED };", "HOZO_STOPPED, HOZO_MORE };"), []),
    "a phase between others": (("    HOZO_PHASE_STAGE,", "    HOZO_PHASE_MORE, HOZO_PHASE_STAGE,"), ["hozo_phase"]),
    "another bit": (("#define HOZO_REQUIRED 4u", "#define HOZO_REQUIRED 16u"), ["uses"]),
}


@test(sanitized=False, cases=CHANGES)
def appending_is_no_break_and_all_else_is_one(box, case):
    needs_libabigail()
    replacement, broken = case
    before = built(box)
    os.rename(before, f"{box.dir}/before.so")
    report = interface.changes(f"{box.dir}/before.so", built(box, replacement))
    assert report, "abidiff saw nothing"
    same(sorted({line.partition(":")[0] for line in interface.breaks(report)}), broken)


# --- a plugin of then

def old_plugin(box, plugins, include):
    """Compiled with this header, by which it has to be known again: uses calls of every kind."""
    header = hashlib.sha256(text_of(include).encode()).hexdigest()
    with open(f"{os.path.dirname(interface.__file__)}/plugin.c") as f:
        text = f.read()
    return compiled(box, text, f"{plugins.path}/annotations.org.test.frozen.so", "-shared", "-fPIC", "-Wall", "-Werror",
                    "-I", include, f"-DHEADER_{header}")


def bundle(box):
    b = box.bundle(["/bin/sh", "-c", "echo $FROZEN; cat /frozen; cut -d ' ' -f 19 /proc/self/stat"])
    b.config["annotations"] = {"org.test.frozen": "yes"}
    return b


@test(sanitized=False)
def a_plugin_compiled_with_the_frozen_header_is_served_or_refused_by_its_number(box):
    plugins = MadePlugins(box)
    path = old_plugin(box, plugins, interface.FROZEN)
    served = TODAY[0] == FROZEN[0] and (TODAY == FROZEN if TODAY[0] == 0 else TODAY[1] >= FROZEN[1])
    if not served:
        plugins.run(bundle(box)).fails(path, "plugin interface", f"this hozo has {TODAY[0]}.{TODAY[1]}")
        return
    same(plugins.run(bundle(box)).ok().out, "early late\nkept\n3\n")
    assert "not ok" not in plugins.hozo("plugin", "check", path).ok().out
    box.nothing_left()


@test(sanitized=False)
def a_plugin_for_the_version_before_or_behind_is_refused(box):
    plugins = MadePlugins(box)
    for minor in (TODAY[1] - 1, TODAY[1] + 1):
        if minor < 0 or (TODAY[0] >= 1 and minor < TODAY[1]):
            continue
        old = f"#define HOZO_ABI_MINOR {TODAY[1]} "
        built(box, (old, f"#define HOZO_ABI_MINOR {minor} "))
        path = old_plugin(box, plugins, f"{box.dir}/changed")
        plugins.run(bundle(box)).fails(path, f"needs plugin interface {TODAY[0]}.{minor}, this hozo has {TODAY[0]}.{TODAY[1]}")
        box.nothing_left()
