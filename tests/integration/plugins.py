# SPDX-License-Identifier: Apache-2.0
"""Plugins are files: one removed, one added, one spoiled, one that nobody may trust."""
import json
import os
import shutil

from harness import same, test
from plugin_directory import FILE, SOURCE, PluginDirectory

NICE = "cut -d ' ' -f 19 /proc/self/stat"


def needing(box, program=NICE):
    """A bundle that needs the test's plugin."""
    b = box.bundle(program)
    b.linux["memoryPolicy"] = {"mode": "MPOL_LOCAL", "nodes": ""}
    return b


def refused(box, plugins, *texts):
    plugins.run(needing(box)).fails(*texts)
    box.nothing_left()
    same(plugins.run(box.bundle("echo fine")).ok().out, "fine\n",
         "a container that does not need the plugin is not harmed")
    plugins.hozo("plugin", "list").ends(1)
    plugins.features()


@test(sanitized=False)
def a_plugin_that_is_put_in_place_serves_its_section(box):
    plugins = PluginDirectory(box)
    plugins.add()
    same(plugins.run(needing(box)).ok().out, "7\n")
    same(plugins.features()["linux"]["memoryPolicy"]["modes"], ["MPOL_DEFAULT", "MPOL_LOCAL"])
    plan = plugins.hozo("plan", "--bundle", needing(box).write().path).ok().out
    assert "setpriority" in plan and "test-numa" in plan, plan


@test(sanitized=False)
def values_that_the_plugin_does_not_name_are_refused(box):
    plugins = PluginDirectory(box)
    plugins.add()
    b = needing(box)
    b.linux["memoryPolicy"]["mode"] = "MPOL_BIND"
    plugins.run(b).fails("linux.memoryPolicy.mode", "MPOL_BIND")
    b.linux["memoryPolicy"] = {"nodes": "0"}
    plugins.run(b).fails("linux.memoryPolicy.mode")
    b.linux["memoryPolicy"] = {"mode": "MPOL_LOCAL", "flags": ["MPOL_F_STATIC_NODES"]}
    plugins.run(b).fails("linux.memoryPolicy.flags")
    box.nothing_left()


@test(sanitized=False)
def without_the_plugin_the_section_fails_with_path_and_package(box):
    plugins = PluginDirectory(box)
    plugins.run(needing(box)).fails("linux.memoryPolicy", "hozo-plugin-numa")
    same(plugins.features()["linux"].get("memoryPolicy", {}).get("modes", []), [])
    box.nothing_left()


@test(sanitized=False)
def the_memory_policy_goes_with_its_plugin(box):
    plugins = PluginDirectory(box, installed=True)
    before = plugins.features()["linux"]
    same(before["memoryPolicy"], {
        "modes": ["MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED",
                  "MPOL_PREFERRED_MANY", "MPOL_LOCAL"],
        "flags": ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]})
    same(plugins.run(needing(box, "echo fine")).ok().out, "fine\n")
    os.remove(f"{plugins.path}/{FILE}")
    plugins.run(needing(box)).fails("linux.memoryPolicy.mode: no installed plugin serves this; install "
                                    "hozo-plugin-numa")
    box.nothing_left()
    same(plugins.features()["linux"], {**before, "memoryPolicy": {"modes": [], "flags": []}})
    same(plugins.run(box.bundle("echo fine")).ok().out, "fine\n")


@test(sanitized=False)
def an_installed_plugin_that_is_removed_changes_features_and_its_sections_only(box):
    plugins = PluginDirectory(box)
    before = plugins.features()["linux"]
    assert before.pop("cgroup")["v1"]
    cgroup = os.path.realpath(f"{plugins.path}/linux.resources.so")
    for name in os.listdir(plugins.path):
        if os.path.realpath(f"{plugins.path}/{name}") == cgroup and f"{plugins.path}/{name}" != cgroup:
            os.remove(f"{plugins.path}/{name}")
    os.remove(cgroup)
    after = plugins.features()["linux"]
    assert not after.pop("cgroup", {}).get("v1")
    same(after, before)
    b = box.bundle("echo fine")
    plugins.run(b).fails("hozo-plugin-cgroup")
    box.nothing_left()
    del b.linux["cgroupsPath"], b.linux["resources"]
    r = plugins.hozo("--cgroup-manager", "disabled", "run", "--bundle", b.write().path, "c1")
    same(r.ok().out, "fine\n")


@test(sanitized=False)
def an_unused_plugin_is_not_even_opened(box):
    plugins = PluginDirectory(box)
    with open(f"{plugins.path}/{FILE}", "w") as f:
        f.write("no plugin at all")
    same(plugins.run(box.bundle("echo fine")).ok().out, "fine\n")


# --- refused, each with its own message

@test(sanitized=False)
def another_abi(box):
    plugins = PluginDirectory(box)
    plugins.add(FILE, "ABI=HOZO_ABI_MAJOR+1")
    refused(box, plugins, f"{plugins.path}/{FILE}", "interface")


@test(sanitized=False)
def a_newer_minor_than_this_host(box):
    plugins = PluginDirectory(box)
    plugins.add(FILE, "MINOR=HOZO_ABI_MINOR+1")
    refused(box, plugins, f"{plugins.path}/{FILE}")


@test(sanitized=False)
def another_magic(box):
    plugins = PluginDirectory(box)
    plugins.add(FILE, "MAGIC=1")
    refused(box, plugins, f"{plugins.path}/{FILE}")


@test(sanitized=False)
def an_unknown_flag(box):
    plugins = PluginDirectory(box)
    plugins.add(FILE, "FLAGS=1ull<<63")
    refused(box, plugins, f"{plugins.path}/{FILE}", "flag")


@test(sanitized=False)
def a_name_that_the_descriptor_does_not_list(box):
    plugins = PluginDirectory(box)
    plugins.add(FILE, 'NAME="linux.netDevices"')
    refused(box, plugins, f"{plugins.path}/{FILE}", "linux.memoryPolicy")


@test(sanitized=False)
def a_missing_symbol(box):
    plugins = PluginDirectory(box)
    plugins.add(source="int something_else = 1;\n")
    refused(box, plugins, f"{plugins.path}/{FILE}", "hozo_plugin")


@test(sanitized=False)
def a_symbol_that_cannot_be_resolved(box):
    plugins = PluginDirectory(box)
    plugins.add(source=SOURCE.replace("return hozo_plan_syscall", "extern int absent(void);\n    return absent()")
                .replace("absent()(ctx, &call)", "absent()"))
    refused(box, plugins, "absent")


@test(sanitized=False)
def a_file_that_is_no_shared_object(box):
    plugins = PluginDirectory(box)
    with open(f"{plugins.path}/{FILE}", "w") as f:
        f.write("no plugin at all")
    refused(box, plugins, FILE)


@test(sanitized=False)
def a_foreign_owner(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    os.chown(path, 1000, 0)
    refused(box, plugins, path, "user 1000")


@test(sanitized=False, cases={"group": 0o775, "others": 0o757})
def a_file_that_others_may_write(box, mode):
    plugins = PluginDirectory(box)
    path = plugins.add()
    os.chmod(path, mode)
    refused(box, plugins, path, "writ")


@test(sanitized=False, cases={"group": 0o775, "others": 0o757})
def a_directory_that_others_may_write(box, mode):
    plugins = PluginDirectory(box)
    plugins.add()
    os.chmod(plugins.path, mode)
    plugins.run(needing(box)).fails(plugins.path, "writ")
    box.nothing_left()


@test(sanitized=False)
def a_link_into_a_directory_that_others_may_write(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    os.makedirs(f"{box.dir}/open")
    os.rename(path, f"{box.dir}/open/{FILE}")
    os.chmod(f"{box.dir}/open", 0o777)
    os.symlink(f"{box.dir}/open/{FILE}", path)
    refused(box, plugins, f"{box.dir}/open", "writ")


@test(sanitized=False)
def a_link_through_a_directory_of_a_foreign_owner(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    os.makedirs(f"{box.dir}/foreign/below")
    os.rename(path, f"{box.dir}/foreign/below/{FILE}")
    os.chown(f"{box.dir}/foreign", 1000, 1000)
    os.symlink(f"../foreign/below/{FILE}", path)
    refused(box, plugins, f"{box.dir}/foreign", "user 1000")


@test(sanitized=False)
def a_link_to_dev_null_masks_a_plugin(box):
    plugins = PluginDirectory(box)
    os.symlink("/dev/null", f"{plugins.path}/{FILE}")
    plugins.run(needing(box)).fails("linux.memoryPolicy")
    plugins.hozo("plugin", "list").ok()
    box.nothing_left()


@test(sanitized=False)
def a_plugin_for_what_the_core_serves_itself_is_never_opened(box):
    plugins = PluginDirectory(box)
    plugins.add("process.args.so", 'NAME="process.args"')
    same(plugins.run(box.bundle(NICE)).ok().out, "0\n")


@test(sanitized=False)
def the_environment_selects_no_plugin(box):
    plugins = PluginDirectory(box)
    plugins.add()
    env = {"PATH": "/bin", "HOZO_PLUGIN_DIR": plugins.path, "HOZO_PLUGINS": plugins.path,
           "LD_LIBRARY_PATH": plugins.path, "XDG_DATA_HOME": plugins.path}
    shutil.rmtree(f"{box.dir}/empty", ignore_errors=True)
    os.mkdir(f"{box.dir}/empty")
    shutil.copytree(plugins.path, f"{box.dir}/empty/plugins", symlinks=True)
    os.remove(f"{box.dir}/empty/plugins/{FILE}")
    box.hozo("--plugin-dir", f"{box.dir}/empty/plugins", "run", "--bundle", needing(box).write().path, "c1",
             env=env).fails("linux.memoryPolicy")


@test(sanitized=False)
def delete_with_force_ends_even_if_a_plugin_is_gone(box):
    plugins = PluginDirectory(box)
    undo = SOURCE.replace("HOZO_PLUGIN(", "static int undo(struct hozo_ctx *ctx) { (void)ctx; return 0; }\nHOZO_PLUGIN(")
    undo = undo.replace(".plan = plan,", ".plan = plan, .cleanup = undo,")
    plugins.add(source=undo)
    b = needing(box, "sleep 100")
    plugins.hozo("create", "--bundle", b.write().path, "c1").ok()
    os.remove(f"{plugins.path}/{FILE}")
    plugins.hozo("delete", "c1").fails("test-numa", "linux.memoryPolicy.so", "not installed")
    plugins.hozo("delete", "--orphan", "test-numa", "c1").fails("--force")
    r = plugins.hozo("delete", "--force", "c1").ends(0)
    r.says("left behind", "test-numa", "linux.memoryPolicy.so", "hozo plugin clean")
    same(len(r.err.splitlines()), 1)
    box.hozo("state", "c1").fails("does not exist")
    same(json.loads(box.hozo("list", "--format", "json").ok().out), None)
    left = plugins.hozo("plugin", "clean").ends(1)
    assert left.out.startswith("c1: ") and "not installed" in left.out, left
    plugins.add(source=undo)
    same(plugins.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(plugins.hozo("plugin", "clean").ok().out, "")
    box.nothing_left()


@test(sanitized=False)
def a_plugin_with_nothing_to_undo_is_not_asked_for_by_delete(box):
    plugins = PluginDirectory(box)
    plugins.add()
    plugins.hozo("create", "--bundle", needing(box, "sleep 100").write().path, "c1").ok()
    os.remove(f"{plugins.path}/{FILE}")
    plugins.hozo("delete", "--force", "c1").ok()
    box.nothing_left()
