# SPDX-License-Identifier: Apache-2.0
"""buildah as root, from an empty image."""
import os

import bundle
import host
from engine import SETTINGS, cgroups_below, finish, need, on_terminal, own_system_directories
from harness import same, test

LIMIT = 60


class Buildah:
    """Use it with `with`; there is a working container `c` with busybox in it."""

    MADE = ("--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")

    def __init__(self, box):
        need(("buildah", "buildah"))
        own_system_directories()
        self.box, self.dir, self.cgroup = box, f"{box.dir}/buildah", f"{box.cgroup}-buildah"
        os.makedirs(f"{self.dir}/tmp")
        with open(f"{self.dir}/containers.conf", "w") as f:
            f.write(SETTINGS.format(dir=self.dir, name=os.path.basename(box.runtime)))
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.dir, "TMPDIR": f"{self.dir}/tmp",
                            "CONTAINERS_CONF": f"{self.dir}/containers.conf", "BUILDAH_ISOLATION": "oci",
                            "BUILDAH_RUNTIME": box.runtime}

    def __enter__(self):
        bundle.make_rootfs(f"{self.box.dir}/context/image")
        self("from", "--name", "c", *self.MADE, "--cgroup-parent", self.cgroup, "scratch").ok()
        self("copy", "--quiet", "c", f"{self.box.dir}/context/image", "/").ok()
        self("config", "--env", "PATH=/bin", "c").ok()
        return self

    def __exit__(self, problem, *_):
        left = self("rm", "--all")
        for point in reversed(host.mount_points_below(self.dir) + host.mount_points_below("/run")):
            host.detach(point)
        if not problem:
            left.ok()
            same(host.cgroup_directories(self.cgroup), [], "control groups of containers")
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)

    def command(self, *arguments):
        return ["buildah", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run", "--storage-driver", "vfs",
                *arguments]

    def __call__(self, *arguments, **more):
        return finish(self.command(*arguments), env=self.environment, cwd=self.dir, **more)

    def run(self, *arguments, **more):
        at = arguments.index("--")
        return self("run", "--runtime", self.box.runtime, "--isolation", "oci", *arguments[:at], "c",
                    *arguments[at:], **more)


@test(timeout=LIMIT)
def a_command_in_a_working_container(box):
    with Buildah(box) as buildah:
        r = buildah.run("--", "sh", "-c", "echo out; echo err >&2; echo x > /made; exit 5").ends(5).says("err\n")
        same(r.out, "out\n")
        same(buildah.run("--", "cat", "/made").ok().out, "x\n")
        same(buildah.run("--no-pivot", "--", "cat", "/made").ok().out, "x\n")
        same(buildah.run("--", "cat", stdin=open("/etc/hostname")).ok().out, open("/etc/hostname").read())
        r = buildah.run("--user", "ann", "--hostname", "hello", "--volume", f"{box.dir}:/mnt:ro", "--env", "K=V",
                        "--workingdir", "/tmp", "--cap-drop", "all", "--", "sh", "-c",
                        "id -u; hostname; touch /mnt/x 2>/dev/null || echo $?; echo $K $HOME; pwd; grep CapEff /proc/self/status").ok()
        same(r.out, "1000\nhello\n1\nV /home/ann\n/tmp\nCapEff:\t0000000000000000\n")


@test(timeout=LIMIT)
def what_cannot_run_is_told_in_words(box):
    with Buildah(box) as buildah:
        buildah.run("--", "frobnicate").ends(1).says("executable file not found in $PATH")
        buildah.run("--", "/etc/passwd").ends(1).says("permission denied")


@test(timeout=LIMIT)
def a_terminal(box):
    with Buildah(box) as buildah:
        command = buildah.command("run", "--runtime", box.runtime, "--isolation", "oci", "--terminal", "c", "--", "sh",
                                  "-c", "tty; read x; exit $x")
        process, terminal = on_terminal(box, command, env=buildah.environment)
        terminal.read_until(b"/dev/pts/")
        terminal.write(b"5\n")
        same(process.wait(10), 5)


@test(timeout=LIMIT)
def an_image_is_built(box):
    with Buildah(box) as buildah:
        with open(f"{box.dir}/context/Containerfile", "w") as f:
            f.write("FROM scratch\nCOPY image /\nENV PATH=/bin\nRUN echo by $(id -u) > /file\nUSER ann\n"
                    "RUN id -un > /tmp/name\nRUN --mount=type=tmpfs,target=/mnt touch /mnt/x && cat /file /tmp/name\n")
        build = ("bud", "--runtime", box.runtime, *buildah.MADE, "--cgroup-parent", buildah.cgroup)
        r = buildah(*build, "--tag", "made", f"{box.dir}/context").ok()
        assert "by 0\nann\n" in r.out, r
        with open(f"{box.dir}/context/Containerfile", "a") as f:
            f.write("RUN exit 6\n")
        buildah(*build, f"{box.dir}/context").ends(6)
        buildah("from", "--name", "d", "--pull-never", *buildah.MADE, "--cgroup-parent", buildah.cgroup, "made").ok()
        same(buildah("run", "d", "--", "cat", "/file", "/tmp/name").ok().out, "by 0\nann\n")
