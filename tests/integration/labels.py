# SPDX-License-Identifier: Apache-2.0
"""Labels of security modules where no module can give them: nothing runs without its label."""
import json
import os
import shutil
import subprocess

import host
from confined import nothing_runs, process_file
from harness import Skip, same, test
from plugin_directory import PluginDirectory
from selinux_policy import SELINUXFS, active

NAME = "some:label:of_mine:s0"
NO_APPARMOR = f'process.apparmorProfile: "{NAME}": AppArmor is not enabled on this host'
NO_SELINUX = f'"{NAME}": SELinux is not enabled on this host ({SELINUXFS})'


class Case:
    def __init__(self, section, member, option=None):
        self.section, self.member, self.option = section, member, option
        self.path = f"{section}.{member}"

    def bundle(self, box, label, program="sleep 100"):
        b = box.bundle(program)
        b.config[self.section][self.member] = label
        return b

    def needs_none(self):
        """Skip where the module works; else the error."""
        if self.member == "apparmorProfile":
            if os.path.exists("/sys/module/apparmor/parameters/enabled"):
                raise Skip("the kernel has AppArmor")
            return NO_APPARMOR
        if active():
            raise Skip("the kernel uses SELinux")
        return f"{self.path}: {NO_SELINUX}"


PROFILE = Case("process", "apparmorProfile", "--apparmor")
PROCESS = Case("process", "selinuxLabel", "--process-label")
MOUNTS = Case("linux", "mountLabel")
OF_PROCESSES = {c.path: c for c in (PROFILE, PROCESS)}
ALL = {c.path: c for c in (PROFILE, PROCESS, MOUNTS)}


@test(cases=ALL)
def without_its_module_a_label_is_an_error_before_anything_runs(box, case):
    error = case.needs_none()
    b = case.bundle(box, NAME)
    ask = nothing_runs(box, b)
    for run in (box.create, box.run):
        run(b).fails(error)
        ask()


@test(cases=OF_PROCESSES)
def without_its_module_exec_runs_nothing(box, case):
    error = case.needs_none()
    b = box.bundle("sleep 100")
    b.config["root"]["readonly"] = False
    box.running(b)
    box.exec("touch", "/ran", options=(case.option, NAME)).fails(error, code=255)
    path = process_file(box, "touch /ran", **{case.member: NAME})
    box.hozo("exec", "--process", path, "c1").fails(error, code=255)
    assert not os.path.exists(f"{b.rootfs}/ran")
    box.exec("true").ok()


@test
def another_file_system_in_place_of_selinuxfs_is_not_believed(box):
    """A directory with a file of the same name."""
    error = PROCESS.needs_none()
    host.private_mounts()
    subprocess.run(["mount", "-t", "tmpfs", "none", "/sys/fs"], check=True)
    os.mkdir(SELINUXFS)
    shutil.copy("/dev/null", f"{SELINUXFS}/context")
    box.create(PROCESS.bundle(box, NAME)).fails(error)
    subprocess.run(["umount", "/sys/fs"], check=True)


@test(cases=ALL)
def an_empty_label_is_none(box, case):
    box.running(case.bundle(box, ""))
    if case.option:
        box.exec("true", options=(case.option, "")).ok()
        box.hozo("exec", "--process", process_file(box, "true", **{case.member: ""}), "c1").ok()


REFUSED = {"line feed": "a\nb", "delete": "a\x7f", "blank behind": "a ", "too long": "a" * 4001}


@test(cases={f"{c.path}: {what}": (c, text) for c in ALL.values() for what, text in REFUSED.items()})
def a_label_that_the_kernel_would_read_as_another_is_refused(box, row):
    case, label = row
    box.create(case.bundle(box, label)).fails(f"{case.path}: ")
    box.nothing_left()


@test(cases=OF_PROCESSES)
def so_it_is_by_exec(box, case):
    box.running()
    for label in REFUSED.values():
        box.exec("true", options=(case.option, label)).fails(f"{case.path}: ", code=255)


@test
def a_label_of_mounts_may_have_as_many_bytes_as_an_option(box):
    MOUNTS.needs_none()
    box.create(MOUNTS.bundle(box, "a" * 255)).fails("is not enabled")
    box.create(MOUNTS.bundle(box, "a" * 256)).fails("linux.mountLabel: is longer than the kernel takes")
    box.create(MOUNTS.bundle(box, 'a"b')).fails("linux.mountLabel: has a blank, a quote or a control character")


@test
def an_annotation_names_an_option_of_selinux(box):
    b = MOUNTS.bundle(box, NAME)
    b.config["annotations"] = {"run.oci.mount_context_type": "size"}
    box.create(b).fails('annotations["run.oci.mount_context_type"]: "size" is no option of SELinux')
    del b.linux["mountLabel"]
    b.program("true")
    box.run(b).ok()


@test(sanitized=False, cases=ALL)
def without_the_plugin_a_label_is_an_error(box, case):
    plugins = PluginDirectory(box, installed=True)
    plugins.without(*ALL)
    package = "apparmor" if case is PROFILE else "selinux"
    error = f"{case.path}: no installed plugin serves this; install hozo-plugin-{package}"
    plugins.run(case.bundle(box, NAME)).fails(error)
    box.nothing_left()
    if not case.option:
        return
    plugins.hozo("create", "--bundle", box.bundle().write().path, "c1").ok()
    plugins.hozo("exec", case.option, NAME, "c1", "true").fails(error, code=255)
    path = process_file(box, "true", **{case.member: NAME})
    plugins.hozo("exec", "--process", path, "c1").fails(error, code=255)
    plugins.hozo("exec", "c1", "true").ok()


@test
def features_names_both_modules(box):
    linux = json.loads(box.hozo("features").ok().out)["linux"]
    same((linux["apparmor"], linux["selinux"]), ({"enabled": True}, {"enabled": True}))
