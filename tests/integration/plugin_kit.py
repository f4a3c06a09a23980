# SPDX-License-Identifier: Apache-2.0
"""What is installed for those who write plugins: header, pkg-config file, template."""
import os
import re
import shutil

from harness import same, test
from plugin_kit import Kit, command_in

NAME = "annotations.com.example.template"


def template(box):
    """A copy of the installed one, as its user makes it."""
    kit = Kit(box)
    own = f"{box.dir}/own"
    shutil.copytree(kit.variable("templatedir"), own)
    return kit, own


def works(box, kit):
    """The plugin that the test has installed does what it says."""
    same(box.hozo("plugin", "check", f"{kit.variable('vendorplugindir')}/{NAME}.so").ok().out.count("not ok"), 0)
    b = box.bundle("echo $TEMPLATE")
    same(box.run(b).ok().out, "\n")
    b.config["annotations"] = {"com.example.template": "it works"}
    same(box.run(b).ok().out, "it works\n")
    b.config["annotations"] = {"com.example.template": ""}
    box.run(b).fails("com.example.template: is empty")


@test(sanitized=False, timeout=60)
def the_template_is_built_by_the_line_that_stands_in_it(box):
    kit, own = template(box)
    with open(f"{own}/plugin.c") as f:
        kit.did("sh", "-ec", command_in(f.read(), "cc"), cwd=own)
    kit.own_directories()
    shutil.copy(f"{own}/{NAME}.so", kit.variable("vendorplugindir"))
    works(box, kit)


@test(sanitized=False, timeout=60)
def the_template_is_built_and_installed_by_meson(box):
    kit = Kit(box)
    kit.install(kit.variable("templatedir"))
    works(box, kit)


@test(sanitized=False)
def pkg_config_tells_where_things_are_and_links_nothing(box):
    kit = Kit(box)
    same(kit.did("pkg-config", "--libs", "hozo-plugin").strip(), "")
    same(kit.did("pkg-config", "--cflags", "hozo-plugin").strip(), f"-I{kit.prefix}/include")
    with open(f"{kit.prefix}/include/hozo/plugin.h") as f:
        abi = re.findall(r"^#define HOZO_ABI_(?:MAJOR|MINOR) +(\d+)", f.read(), re.M)
    same(kit.variable("abi_version"), ".".join(abi))
    same([kit.variable("plugindir"), kit.variable("vendorplugindir")],
         box.hozo("plugin", "dir").ok().out.split()[:2])
    same(kit.variable("settingsdir"), box.hozo("plugin", "dir", "--settings").ok().out.strip())
    assert os.path.isfile(f"{kit.variable('plugindir')}/linux.resources.so")
    same(kit.did("pkg-config", "--modversion", "hozo-plugin").strip(),
         box.hozo("--version").ok().out.split()[2])
