# SPDX-License-Identifier: Apache-2.0
"""podman of a test's own: storage, state and settings in the test's directory, an image made there."""
import fcntl
import os
import pty
import shutil
import subprocess
import termios

import host
from engine_image import IMAGE, make_image
from harness import Skip, same

# Our limits cannot be raised without CAP_SYS_RESOURCE, as podman would by default. Locks in files are not
# shared with another podman of this host.
ENGINE_SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
lock_type = "file"
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime_supports_json = ["{name}"]
runtime_supports_nocgroup = ["{name}"]
[network]
network_config_dir = "{dir}/networks"
"""

# What podman and its libraries write whatever they are told.
OWN = ("/run", "/var/lib/containers", "/var/cache/containers")


def need(*programs):
    for program, package in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed (package {package})")


def own_system_directories():
    """A mount namespace in which they are the test's. Below its /run lie the runtime's states, too."""
    host.private_mounts()
    for directory in OWN:
        if os.path.isdir(directory) and host.libc.mount(b"none", directory.encode(), b"tmpfs", 0, b"mode=755"):
            raise Skip(f"no tmpfs can be mounted on {directory}")


def need_verbs(runtime, *verbs):
    known = finish([runtime, "--help"]).out.split()
    for verb in verbs:
        if verb not in known:
            raise Skip(f"the runtime has no verb {verb}")


def cgroups_below(prefix):
    return [f"{top}/{name}" for top in host.cgroup_directories(prefix) for name in os.listdir(top)
            if os.path.isdir(f"{top}/{name}")]


class Result:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def ends(self, code):
        assert self.code == code, f"exit status {self.code}, not {code}\n{self}"
        return self

    def ok(self):
        return self.ends(0)

    def says(self, *texts):
        for text in texts:
            assert text in self.err, f"standard error does not say {text!r}\n{self}"
        return self

    def __str__(self):
        return f"$ {' '.join(self.command)}\nstdout: {self.out!r}\nstderr: {self.err!r}"


def finish(command, timeout=30, **more):
    """Runs a program to its end; a Result."""
    more.setdefault("stdin", subprocess.DEVNULL)
    try:
        r = subprocess.run(command, capture_output=True, text=True, timeout=timeout, errors="replace", **more)
    except subprocess.TimeoutExpired as e:
        raise AssertionError(f"still running after {timeout} s: {e.cmd}\n{e.stdout}\n{e.stderr}") from None
    return Result(command, r.returncode, r.stdout, r.stderr)


class Podman:
    """Use it with `with`; afterwards nothing of it runs, and no control group of a container is left."""

    UNCONFINED = ("--security-opt", "seccomp=unconfined")

    def __init__(self, box, driver="vfs"):
        need(("podman", "podman"), ("conmon", "conmon"))
        own_system_directories()
        self.box, self.driver, self.dir = box, driver, f"{box.dir}/podman"
        self.cgroup = f"{box.cgroup}-podman"
        for directory in ("home", "networks", "tmp"):
            os.makedirs(f"{self.dir}/{directory}")
        with open(f"{self.dir}/containers.conf", "w") as f:
            f.write(ENGINE_SETTINGS.format(dir=self.dir, name=os.path.basename(box.runtime)))
        self.environment = {"PATH": os.environ["PATH"], "HOME": f"{self.dir}/home", "TMPDIR": f"{self.dir}/tmp",
                            "CONTAINERS_CONF": f"{self.dir}/containers.conf"}

    def __enter__(self):
        self("load", "--input", make_image(self.box.dir)).ok()
        return self

    def __exit__(self, *_):
        self("pod", "rm", "--force", "--all", "--time", "0")
        left = self("rm", "--force", "--all", "--time", "0")
        host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")
        left.ok()
        self("system", "reset", "--force")  # unmounts what the storage keeps mounted
        cgroups = [d for d in cgroups_below(self.cgroup) if not d.endswith("/conmon")]
        for directory in host.cgroup_directories(self.cgroup):
            host.remove_cgroup(directory)
        for directory in reversed(OWN):
            host.detach(directory)
        same(cgroups, [], "control groups of containers")

    def command(self, *arguments):
        return ["podman", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run", "--tmpdir",
                f"{self.dir}/libpod", "--storage-driver", self.driver, "--runtime", self.box.runtime,
                *map(str, arguments)]

    def __call__(self, *arguments, **more):
        # conmon notes an "oom" in its working directory
        return finish(self.command(*arguments), env=self.environment, cwd=self.dir, **more)

    def container(self, verb, *arguments, network=("--network", "none"), cgroup=True, **more):
        """`run` or `create` with what every container here needs; the image is the first that is no option."""
        parent = ("--cgroup-parent", self.cgroup) if cgroup else ()
        return self(verb, "--pull", "never", *self.UNCONFINED, *network, *parent, *arguments, **more)

    def run(self, *arguments, **more):
        """Runs a command line `OPTION… -- PROGRAM…` in a container of the image, and removes it."""
        at = arguments.index("--")
        return self.container("run", "--rm", *arguments[:at], IMAGE, *arguments[at + 1:], **more)

    def started(self, name, *arguments, **more):
        """A container in the background, that sleeps unless it is given a program behind `--`."""
        arguments = arguments if "--" in arguments else (*arguments, "--", "sleep", "1000")
        at = arguments.index("--")
        self.container("run", "--detach", "--name", name, *arguments[:at], IMAGE, *arguments[at + 1:], **more).ok()

    def inspect(self, name, template):
        return self("inspect", "--format", template, name).ok().out.strip()

    def on_terminal(self, *arguments):
        """Starts podman with a terminal; the process and the terminal's master."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(*arguments), stdin=slave, stdout=slave, stderr=slave,
                                   env=self.environment, cwd=self.dir, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.box.processes.append(process)
        return process, host.Terminal(master)
