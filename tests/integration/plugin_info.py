# SPDX-License-Identifier: Apache-2.0
"""hozo plugin info: what a descriptor says."""
import os
import re

from harness import same, test
from plugin_directory import FILE, SOURCE, PluginDirectory

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

# Has a row in each table.
RICH = r"""
#include <hozo/plugin.h>

static const char *const modes[] = {"MPOL_DEFAULT", "MPOL_LOCAL", 0};
static const struct hozo_field fields[] = {
    {"linux.memoryPolicy", HOZO_OBJECT, HOZO_OWN, 0, 0, 0, 0, "The policy."},
    {"linux.memoryPolicy.mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, modes, 0, 0,
     "linux.memoryPolicy.modes", "The mode."},
    {"linux.resources.cpu.shares", HOZO_UINT, HOZO_READ, 0, 0, 0, 0, "Words, and more words, and more words, and more"
     " words than one line of eighty columns or a little more can take."},
    {"linux.acme", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, "Of a later specification."},
};
static const struct hozo_annotation annotations[] = {
    {"com.acme.", HOZO_OWN, "All of them."},
    {"org.other", HOZO_READ, "One of another's."},
};
static const struct hozo_feature features[] = {{"linux.memoryPolicy.flags", "[\"MPOL_F_X\"]"}};
static const struct hozo_field settings[] = {
    {"limit", HOZO_INT, HOZO_OWN | HOZO_REQUIRED, 0, -1, 12, 0, "How many."},
};
static const char *const names[] = {"linux.memoryPolicy", "annotations.com.acme", "process@com.acme",
                                    "process.args"};
static const char *const before[] = {"one", "two"}, *const after[] = {"three"};

static int plan(struct hozo_ctx *ctx) { (void)ctx; return 0; }

HOZO_PLUGIN(rich) = {
    HOZO_HEADER, .state_version = 3,
    .name = "com.acme.rich", .version = "2.0", .package = "acme-rich", .summary = "All there is.",
    .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields), .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features), .settings = HOZO_TABLE(settings), .before = HOZO_TABLE(before),
    .after = HOZO_TABLE(after), .adjust = plan, .exec_attach = plan,
};
"""
RICH_INFO = """\
com.acme.rich 2.0: All there is.

Package:    acme-rich
File:       DIR/linux.memoryPolicy.so
Trust:      nobody but root can write it, or what leads to it
Loading:    N ms
Interface:  0.5
State:      version 3
Settings:   SETTINGS/com.acme.rich.json
Before:     one, two
After:      three

Names
    linux.memoryPolicy               DIR/linux.memoryPolicy.so
    annotations.com.acme             masked by DIR/annotations.com.acme.so
    process@com.acme                 not installed
    process.args                     never opened: the section is not a plugin's to serve

Fields
    linux.memoryPolicy (object, own)
        The policy.
    linux.memoryPolicy.mode (string, own, required)
        The mode.
        one of: MPOL_DEFAULT, MPOL_LOCAL
        features: linux.memoryPolicy.modes
    linux.resources.cpu.shares (unsigned integer, read)
        Words, and more words, and more words, and more words than one line of eighty
        columns or a little more can take.
    linux.acme (boolean, own, in no specification)
        Of a later specification.

Annotations, potentially unsafe: they change what hozo does
    com.acme.* (own)
        All of them.
    org.other (read)
        One of another's.

Settings
    limit (integer, required)
        How many.
        from -1 to 12

Features
    linux.memoryPolicy.flags: ["MPOL_F_X"]

Callbacks
    adjust       compiling: add to the configuration
    exec_attach  exec: that process is being made: as attach
"""


def info(plugins, name):
    return plugins.hozo("plugin", "info", name, **NOBODY)


def said(plugins, name):
    """But for how long loading took."""
    return re.sub(r"(?m)^(Loading:    )[0-9]+\.[0-9]{2} ms$", r"\1N ms", info(plugins, name).ok().out)


# --- info

@test(sanitized=False)
def all_that_the_descriptor_says_is_printed(box):
    plugins = PluginDirectory(box)
    plugins.add(source=RICH)
    os.symlink("/dev/null", f"{plugins.path}/annotations.com.acme.so")
    settings = plugins.hozo("plugin", "dir", "--settings").ok().out.strip()
    wanted = RICH_INFO.replace("DIR", plugins.path).replace("SETTINGS", settings)
    for name in ("com.acme.rich", "linux.memoryPolicy", FILE):
        same(said(plugins, name), wanted)
        same(info(plugins, name).err, "")


@test(sanitized=False)
def each_name_of_a_file_tells_of_the_same_plugin(box):
    plugins = PluginDirectory(box, installed=True)
    first = said(plugins, "cgroup")
    for name in ("linux.resources", "linux.cgroupsPath.so", "+cgroup-manager.cgroupfs"):
        same(said(plugins, name), first)
    assert f"File:       {plugins.path}/+cgroup-manager.cgroupfs.so\n" in first, first
    assert f"    linux.resources                  {plugins.path}/linux.resources.so\n" in first, first
    os.remove(f"{plugins.path}/linux.resources.so")
    plugins.add("linux.resources.so", 'NAME="linux.resources"')
    assert f" {plugins.path}/linux.resources.so, which is plugin test-numa\n" in info(plugins, "cgroup").ok().out


@test(sanitized=False)
def what_is_not_there_or_not_used_has_no_information(box):
    plugins = PluginDirectory(box)
    info(plugins, "test-numa").fails("no installed plugin or file is called test-numa")
    info(plugins, "linux.memoryPolicy").fails("no installed plugin or file is called linux.memoryPolicy")
    info(plugins, "").fails("no installed plugin or file is called")
    os.symlink("/dev/null", f"{plugins.path}/{FILE}")
    info(plugins, FILE).fails("linux.memoryPolicy is masked by", f"{plugins.path}/{FILE}")
    plugins.add("process.args.so", 'NAME="process.args"')
    info(plugins, "process.args").fails("process.args is never opened", "not a plugin's to serve")
    info(plugins, "test-numa").fails("no installed plugin")
    plugins.hozo("plugin", "info").fails("plugin: say")
    plugins.hozo("plugin", "info", "a", "b").fails("plugin: say")


@test(sanitized=False)
def a_file_that_cannot_be_trusted_is_not_opened(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    info(plugins, "test-numa").ok()
    os.chmod(path, 0o666)
    info(plugins, FILE).fails(path, "can be written by others")
    info(plugins, "test-numa").fails("hozo plugin list tells which files cannot be used")


@test(sanitized=False)
def a_plugin_that_crashes_does_not_hide_another(box):
    plugins = PluginDirectory(box)
    plugins.add("linux.intelRdt.so", 'NAME="linux.intelRdt"',
                source=SOURCE + "__attribute__((constructor)) static void crash(void) { __builtin_trap(); }\n")
    plugins.add()
    assert info(plugins, "test-numa").ok().out.startswith("test-numa 1.2.3: A test.\n")
