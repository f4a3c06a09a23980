# SPDX-License-Identifier: Apache-2.0
"""resctrl for a test: tests/resctrl, mounted where only the test sees it, and hozo told where that is."""
import json
import os
import stat
import subprocess

import host
from harness import Skip
from made_plugins import empty_directory


class Resctrl:
    """The keywords are those of the machine: tests/resctrl/resctrl.h, struct geometry."""

    def __init__(self, box, told=True, **machine):
        program = f"{box.build}/tests/resctrl/resctrl"
        if not os.path.exists(program):
            raise Skip("tests/resctrl is not built: libfuse3-dev was missing, or no build directory was given")
        if not os.path.exists("/dev/fuse"):
            raise Skip("there is no /dev/fuse")
        self.box, self.point = box, f"{box.dir}/resctrl"
        host.private_mounts()
        os.mkdir(self.point)
        options = ",".join(f"{name}={value}" for name, value in machine.items())
        self.process = subprocess.Popen([program, self.point, "-f", *(("-o", options) if options else ())])
        box.processes.append(self.process)
        box.undo.append(self.close)
        host.eventually(lambda: os.path.exists(f"{self.point}/tasks") or self.process.poll(), 5, "the mount")
        if self.process.poll() is not None:
            raise Skip("FUSE cannot be mounted here")
        if told:
            self.tell(mountpoint=self.point)

    def tell(self, **settings):
        """The administrator's file for the plugin, in this mount namespace alone."""
        directory = self.box.hozo("plugin", "dir", "--settings").ok().out.strip()
        if not os.path.isdir(f"{self.box.dir}/settings"):
            empty_directory(directory, f"{self.box.dir}/settings")
        with open(f"{directory}/rdt.json", "w") as f:
            json.dump(settings, f)

    def close(self):
        for id in os.listdir(self.box.root) if os.path.isdir(self.box.root) else []:
            self.box.hozo("delete", "--force", id)
        host.detach(self.point)
        self.process.wait(10)

    # --- files

    def read(self, path):
        with open(f"{self.point}/{path}") as f:
            return f.read()

    def write(self, path, text):
        with open(f"{self.point}/{path}", "w") as f:
            f.write(f"{text}\n")

    def make(self, group, *lines):
        os.mkdir(f"{self.point}/{group}")
        for line in lines:
            self.write(f"{group}/schemata", line)

    def remove(self, group):
        os.rmdir(f"{self.point}/{group}")

    def has(self, path):
        return os.path.exists(f"{self.point}/{path}")

    def groups(self, path="."):
        """The directories in one that are groups."""
        here = f"{self.point}/{path}"
        return sorted(n for n in os.listdir(here)
                      if stat.S_ISDIR(os.stat(f"{here}/{n}").st_mode) and n not in ("info", "mon_data", "mon_groups"))

    def schemata(self, group="."):
        """Resource → what stands behind the colon."""
        return dict(line.strip().split(":") for line in self.read(f"{group}/schemata").splitlines())

    def tasks(self, group="."):
        return {int(line) for line in self.read(f"{group}/tasks").split()}


def with_rdt(box, program="sleep 100", **section):
    """A bundle whose configuration has the section."""
    b = box.bundle(program)
    b.config["linux"]["intelRdt"] = section
    return b
