# SPDX-License-Identifier: Apache-2.0
"""The guides of docs/guides, as they stand there: their files at their paths, their commands in a shell."""
import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import tomllib

import bundle
import engine_account
import host
from engine import finish, need, own_system_directories
from engine_image import IMAGE, make_image
from guides import Guide
from harness import Skip, same, test

LIMIT = 180
BUSYBOX = "example.org/busybox:latest"


# --- a host of the test's own

def mount(source, target, kind, flags, options):
    if host.libc.mount(source.encode(), target.encode(), kind, flags, options.encode()):
        raise Skip(f"nothing can be mounted on {target}")


def own_host(box, *directories):
    """A mount namespace in which /etc, /usr/bin and /var/lib may be written, /usr/bin/hozo is the runtime, and the
    named directories are empty. The test's directory, which may lie below one of them, stays what it is."""
    own_system_directories()
    fd = os.open(box.dir, os.O_PATH)
    for path in ("/etc", "/usr/bin", "/var/lib"):
        above = f"/run/above{path}"
        os.makedirs(f"{above}/upper", 0o755)
        os.makedirs(f"{above}/work")
        mount("none", path, b"overlay", 0, f"lowerdir={path},upperdir={above}/upper,workdir={above}/work")
        box.undo.insert(0, lambda path=path: host.detach(path))
    mount(f"/proc/self/fd/{fd}", box.dir, None, 4096, "")  # MS_BIND
    os.close(fd)
    box.undo.insert(0, lambda: host.detach(box.dir))
    # What cannot lie on an overlay.
    for path in directories:
        os.makedirs(path, exist_ok=True)
        mount("none", path, b"tmpfs", 0, "mode=755")
    if os.path.lexists("/usr/bin/hozo"):
        os.unlink("/usr/bin/hozo")
    shutil.copy(box.runtime, "/usr/bin/hozo")


def alone(box):
    """Containers of the guides lie in control groups whose names are the engines': one such test at a time, whoever
    else runs the tests on this host."""
    fd = os.open("/usr/bin", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    box.undo.append(lambda: os.close(fd))


def remove_cgroups(*names):
    """Where engines put containers if they are told nothing; what another engine still uses stays."""
    for hierarchy in host.hierarchies():
        for name in names:
            for path, directories, _ in os.walk(f"{hierarchy}/{name}", topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass


class Daemon:
    """A process that is there when `answers` says so, and ended afterwards."""

    def __init__(self, box, command, answers):
        self.path, self.answers = f"{box.dir}/daemon.log", answers
        self.log = open(self.path, "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def ready(self):
        assert self.process.poll() is None, open(self.path).read()[-3000:]
        return finish(self.answers).code == 0

    def __enter__(self):
        host.eventually(self.ready, 30, f"an answer to {' '.join(self.answers)}")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        host.eventually(lambda: not host.living_children(), 10, "the end of all that it has started")


# --- containerd

def message(*fields):
    """Protocol buffers: rows (number, text, bytes or integer)."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += bytes([number << 3, value])
        else:
            value = value.encode() if isinstance(value, str) else value
            assert len(value) < 1 << 14
            length = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 127 | 128, len(value) >> 7])
            out += bytes([number << 3 | 2]) + length + value
    return out


def cri(box, call, body):
    """What the CRI answers: a message, without the head that gRPC gives it."""
    with open(f"{box.dir}/request", "wb") as f:
        f.write(b"\0" + struct.pack(">I", len(body)) + body)
    r = subprocess.run(["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--unix-socket",
                        "/run/containerd/containerd.sock", "--header", "content-type: application/grpc", "--header",
                        "te: trailers", "--data-binary", f"@{box.dir}/request", "--dump-header", f"{box.dir}/header",
                        f"http://localhost/runtime.v1.RuntimeService/{call}"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    header = open(f"{box.dir}/header").read()
    assert r.returncode == 0 and "grpc-status: 0" in header, f"{call}: {header}{r.stderr}"
    return r.stdout[5:]


def pod(box, handler):
    """RunPodSandbox as the kubelet asks for a pod in the host's network; the pod's ID."""
    network = message((1, message((1, message((1, 2))))))  # NamespaceMode NODE
    config = message((1, message((1, "hello"), (2, "uid-1"), (3, "default"))), (3, f"{box.dir}/pod"),
                     (8, message((1, box.cgroup), (2, network[2:]))))
    answer = cri(box, "RunPodSandbox", message((1, config), (2, handler)))
    return answer[2:].decode()


@test(timeout=LIMIT)
def what_the_guide_of_containerd_says_runs(box):
    need(("containerd", "containerd"), ("ctr", "containerd"), ("containerd-shim-runc-v2", "containerd"))
    guide = Guide("containerd")
    alone(box)
    own_host(box, "/var/lib/containerd")
    guide.write("/etc/containerd/config.toml")
    with Daemon(box, ["containerd"], ["ctr", "version"]):
        finish(["ctr", "images", "import", make_image(box.dir)]).ok()
        finish(["ctr", "images", "tag", IMAGE, BUSYBOX]).ok()
        guide.run("#")
    remove_cgroups("default")


@test(timeout=LIMIT)
def the_cri_of_containerd_makes_a_pod_with_hozo(box):
    need(("containerd", "containerd"), ("ctr", "containerd"), ("curl", "curl"))
    guide = Guide("containerd")
    own_host(box, "/var/lib/containerd")
    path = "/etc/containerd/config.toml"
    guide.write(path)
    # Of this test: who may not lower a score, where the pause image comes from, and a network that is not needed.
    with open(path, "a") as f:
        f.write(f'\n[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n'
                f'  sandbox_image = "{BUSYBOX}"\n')
    with Daemon(box, ["containerd"], ["ctr", "version"]):
        finish(["ctr", "--namespace", "k8s.io", "images", "import", make_image(box.dir, ("sleep", "1000"))]).ok()
        finish(["ctr", "--namespace", "k8s.io", "images", "tag", IMAGE, BUSYBOX]).ok()
        for handler in ("", tomllib.loads(guide.file(path))["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]
                        ["default_runtime_name"]):
            id = pod(box, handler)
            state = finish(["/usr/bin/hozo", "--root", "/run/containerd/runc/k8s.io", "state", id]).ok()
            same(json.loads(state.out)["status"], "running")
            cri(box, "StopPodSandbox", message((1, id)))
            cri(box, "RemovePodSandbox", message((1, id)))


# --- docker

@test(timeout=LIMIT)
def what_the_guide_of_docker_says_runs(box):
    need(("dockerd", "docker.io"), ("docker", "docker.io"), ("containerd", "containerd"))
    guide = Guide("docker")
    alone(box)
    own_host(box, "/var/lib/docker")
    guide.write("/etc/docker/daemon.json")
    bundle.make_rootfs(f"{box.dir}/image-root")
    finish(["tar", "-C", f"{box.dir}/image-root", "-cf", f"{box.dir}/image.tar", "."]).ok()
    # Where there is no systemd and nobody may change the host's network.
    options = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs", "--exec-opt",
               "native.cgroupdriver=cgroupfs"]
    with Daemon(box, ["dockerd", *options], ["docker", "version"]):
        finish(["docker", "import", f"{box.dir}/image.tar", "busybox"]).ok()
        guide.run("#")
    remove_cgroups("docker")
    for point in reversed(host.mount_points_below("/run")):
        host.detach(point)


# --- podman

# What a host without systemd, whose limits cannot be raised, needs beside the guide.
PODMAN = """
[containers]
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
lock_type = "file"
events_logger = "file"
cgroup_manager = "cgroupfs"
"""


def podman_image(box, prefix=(), **options):
    finish([*prefix, "podman", "load", "--input", make_image(box.dir)], **options).ok()
    finish([*prefix, "podman", "tag", IMAGE, BUSYBOX], **options).ok()


def podman_host(box):
    need(("podman", "podman"), ("conmon", "conmon"))
    own_host(box)
    os.makedirs("/etc/containers", exist_ok=True)
    with open("/etc/containers/containers.conf", "w") as f:
        f.write(PODMAN)


@test(timeout=LIMIT)
def what_the_guide_of_podman_says_runs(box):
    guide = Guide("podman")
    alone(box)
    podman_host(box)
    guide.write("/etc/containers/containers.conf.d/hozo.conf")
    options = {"env": {"PATH": os.environ["PATH"], "HOME": f"{box.dir}", "TMPDIR": box.dir}, "cwd": box.dir}
    podman_image(box, **options)
    guide.run("#", **options)
    host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")
    finish(["podman", "system", "reset", "--force"], **options)
    remove_cgroups("libpod_parent")


@test(timeout=LIMIT)
def what_the_guide_of_podman_says_runs_for_an_ordinary_user(box):
    guide = Guide("podman")
    podman_host(box)
    home = f"{box.dir}/home"
    engine_account.make(home)
    os.mkdir(f"{box.dir}/user-run")
    guide.write("~/.config/containers/containers.conf", f"{home}/.config/containers/containers.conf")
    with open(f"{home}/.config/containers/storage.conf", "w") as f:
        f.write('[storage]\ndriver = "vfs"\n')
    for top in (home, f"{box.dir}/user-run"):
        for path, _, files in os.walk(top):
            for name in (path, *(f"{path}/{n}" for n in files)):
                os.chown(name, engine_account.ID, engine_account.ID)
    os.chmod(f"{box.dir}/user-run", 0o700)
    options = {"env": {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": f"{box.dir}/user-run"}, "cwd": home}
    try:
        podman_image(box, engine_account.AS_USER, **options)
        guide.run("$", engine_account.AS_USER, **options)
    finally:
        finish([*engine_account.AS_USER, "podman", "system", "migrate"], **options)
        engine_account.drop()
    host.eventually(lambda: not host.living_children(), 10, "the end of all containers and of conmon")


# --- what is read only

@test
def every_file_of_the_guides_is_sound(box):
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed (package python3-yaml)") from None
    readers = {"toml": tomllib.loads, "json": lambda t: json.loads(t if t.startswith("{") else f"{{{t}}}"),
               "yaml": yaml.safe_load}
    for name in ("containerd", "cri-o", "docker", "kubernetes", "podman"):
        guide = Guide(name)
        for block in guide.blocks:
            if block["language"] in readers:
                assert readers[block["language"]](block["text"]), f"{name}: {block['path']}"
            else:
                assert block["language"] in ("sh", "console"), block


@test
def the_guides_agree_on_the_runtimes_name(box):
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed (package python3-yaml)") from None
    kubernetes = Guide("kubernetes")
    classes = [c for c in map(yaml.safe_load, kubernetes.of("yaml")) if c["kind"] == "RuntimeClass"]
    handlers = {c["handler"] for c in classes}
    pods = [p for p in map(yaml.safe_load, kubernetes.of("yaml")) if p["kind"] == "Pod"]
    same({p["spec"]["runtimeClassName"] for p in pods}, {c["metadata"]["name"] for c in classes})
    of_containerd = tomllib.loads(Guide("containerd").file("/etc/containerd/config.toml"))
    of_crio = tomllib.loads(Guide("cri-o").file("/etc/crio/crio.conf.d/10-hozo.conf"))
    same(set(of_containerd["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]["runtimes"]), handlers)
    same(set(of_crio["crio"]["runtime"]["runtimes"]), handlers)
    same(of_crio["crio"]["runtime"]["default_runtime"], "hozo")
