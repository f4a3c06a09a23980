# SPDX-License-Identifier: Apache-2.0
"""What is bound on /proc: the root of a procfs, for all that is masked and written below it relies on that."""
import os

from harness import same, test


def bound(box, source):
    b = box.bundle("test -e /proc/1/status && readlink /proc/self/ns/pid")
    b.without_namespace("pid")
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/proc"]
    b.bind(source, "/proc")
    return b


@test
def the_root_of_a_procfs_is(box):
    same(box.run(bound(box, "/proc")).ok().out.strip(), os.readlink("/proc/self/ns/pid"))


@test(cases={"a directory": "directory", "a directory of a procfs": "/proc/1", "a file": "/proc/version",
             "a link to a directory": "link"})
def nothing_else_is(box, source):
    os.makedirs(f"{box.dir}/directory/1")
    open(f"{box.dir}/directory/1/status", "w").close()
    os.symlink("directory", f"{box.dir}/link")
    box.create(bound(box, os.path.join(box.dir, source))).fails("mounts[6]", "to /proc", "not the file that it should be")
    box.nothing_left()
