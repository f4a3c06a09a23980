# SPDX-License-Identifier: Apache-2.0
"""NOTIFY_SOCKET: a service manager that starts hozo is told when the container's program is ready."""
import array
import os
import signal
import socket
import subprocess
import time

import host
from box import ENVIRONMENT
from harness import Skip, same, test


class Manager:
    """What a service manager is here: a datagram socket."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.env = {**ENVIRONMENT, "NOTIFY_SOCKET": address}

    def next(self, seconds=10):
        """The next message; what came with it is in `fds`."""
        self.socket.settimeout(seconds)
        data, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(8 * 4))
        self.fds = [fd for c in control for fd in array.array("i", c[2])]
        return data

    def silent(self):
        try:
            raise AssertionError(f"the manager was told {self.next(0.2)}")
        except TimeoutError:
            pass

    def release(self):
        for fd in self.fds:
            os.close(fd)


def say(pid, text, fds=()):
    """As a process of the container does it: to the socket that lies in its root."""
    path = f"/proc/{pid}/root/run/notify/notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        host.eventually(lambda: os.path.exists(path), what="the container's socket")
        s.connect(path)
        s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def starting(box, manager, bundle="exec sleep 100"):
    """A container whose start waits for it to be ready: the pid of init, and hozo."""
    pid = box.created(bundle, env=manager.env)
    start = box.spawn("start", "c1")
    host.eventually(lambda: box.state()["status"] == "running")
    return pid, start


@test
def the_container_finds_a_socket_and_its_name(box):
    manager = Manager(f"{box.dir}/manager")
    pid, _ = starting(box, manager)
    host.eventually(lambda: host.command_line(pid).startswith("sleep"))
    with open(f"/proc/{pid}/environ") as f:
        assert "NOTIFY_SOCKET=/run/notify/notify.sock" in f.read().split("\0")
    with open(f"/proc/{pid}/mountinfo") as f:
        mount = [m for m in host.mounts(f.read()) if m.point == "/run/notify"][0]
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(mount.options), mount.options
    same(os.stat(f"/proc/{pid}/root/run/notify").st_mode & 0o777, 0o755)
    same(os.stat(f"/proc/{pid}/root/run/notify/notify.sock").st_mode & 0o777, 0o777)


@test
def start_waits_until_the_program_is_ready_and_tells_the_manager(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    manager.silent()
    same(start.poll(), None)
    say(pid, b"READY=1")
    same(manager.next(), b"READY=1\n")
    same(manager.next(), f"MAINPID={pid}\n".encode())
    same(manager.next(), b"BARRIER=1")
    same(len(manager.fds), 1)
    time.sleep(0.2)
    same(start.poll(), None, "the manager has not read all yet")
    manager.release()
    same(start.wait(20), 0)
    start.output.silent()
    same(box.state()["status"], "running")


@test
def a_manager_that_takes_no_barrier_does_not_stop_it(box):
    """Who receives no descriptor closes it by that."""
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    say(pid, b"READY=1")
    for _ in range(3):
        manager.socket.settimeout(10)
        manager.socket.recv(4096)
    same(start.wait(20), 0)


@test
def an_abstract_name_is_an_address(box):
    manager = Manager(f"@hozo-test-{os.getpid()}")
    pid, start = starting(box, manager)
    say(pid, b"READY=1\n")
    same([manager.next(), manager.next(), manager.next()][:2], [b"READY=1\n", f"MAINPID={pid}\n".encode()])
    manager.release()
    same(start.wait(20), 0)


@test
def only_the_line_ready_means_anything_and_nothing_else_gets_out(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    for text in (b"STATUS=nearly\n", b"MAINPID=1\n", b"READY=0", b"READY=10", b"XREADY=1", b"READY=1x", b"ready=1",
                 b"", b"\0READY=1", b"READY=1\n" + b"x" * 5000, b"WATCHDOG=1\nSTOPPING=1", b"READY=1\0"):
        say(pid, text)
    read, write = os.pipe()
    say(pid, b"FDSTORE=1\nFDNAME=x", [write])
    os.close(write)
    same(os.read(read, 1), b"", "what was sent along was kept")
    manager.silent()
    same(start.poll(), None)
    say(pid, b"STATUS=done\nMAINPID=1\nREADY=1\nERRNO=5")
    same([manager.next(), manager.next(), manager.next()],
         [b"READY=1\n", f"MAINPID={pid}\n".encode(), b"BARRIER=1"])
    manager.release()
    same(start.wait(20), 0)
    manager.silent()


@test
def start_ends_with_a_program_that_never_is_ready(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    os.kill(pid, signal.SIGKILL)
    same(start.wait(20), 0)
    manager.silent()


@test
def a_program_that_is_ready_and_ends_at_once_was_ready(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    os.kill(start.pid, signal.SIGSTOP)
    say(pid, b"READY=1")
    os.kill(pid, signal.SIGKILL)
    os.kill(start.pid, signal.SIGCONT)
    same(manager.next(), b"READY=1\n")


@test
def a_container_that_sends_without_pause_can_be_ended(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    flood = os.fork()
    if flood == 0:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.connect(f"/proc/{pid}/root/run/notify/notify.sock")
        while True:
            try:
                s.send(b"STATUS=again")
            except OSError:
                os._exit(0)
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    same(start.wait(20), 0)
    os.waitpid(flood, 0)


@test
def meanwhile_others_may_use_the_container(box):
    manager = Manager(f"{box.dir}/manager")
    pid, start = starting(box, manager)
    r = box.exec("sh", "-c", "echo $NOTIFY_SOCKET").ok()
    same(r.out, "\n", "only the program itself is waited for")
    same(start.poll(), None)
    box.hozo("delete", "--force", "c1").ok().silent()
    same(start.wait(20), 0)
    assert not host.alive(pid)
    box.nothing_left()


@test
def delete_removes_the_directory(box):
    manager = Manager(f"{box.dir}/manager")
    box.created("true", env=manager.env)
    box.hozo("start", "c1").ok().silent()
    box.hozo("delete", "c1").ok().silent()
    same(os.listdir(box.root), [])


@test
def a_failed_create_leaves_nothing(box):
    manager = Manager(f"{box.dir}/manager")
    b = box.bundle(["/no/such/program"])
    box.create(b, env=manager.env).fails("no such file")
    same(os.listdir(box.root), [])


# --- run

@test
def run_in_the_background_does_the_same(box):
    manager = Manager(f"{box.dir}/manager")
    run = box.spawn_run("exec sleep 100", "--detach", "--pid-file", f"{box.dir}/pid", env=manager.env)
    host.eventually(lambda: os.path.exists(f"{box.dir}/pid"))
    with open(f"{box.dir}/pid") as f:
        pid = int(f.read())
    manager.silent()
    same(run.poll(), None)
    say(pid, b"READY=1")
    same([manager.next(), manager.next(), manager.next()],
         [b"READY=1\n", f"MAINPID={pid}\n".encode(), b"BARRIER=1"])
    manager.release()
    same(run.wait(20), 0)


@test
def run_in_the_foreground_stays_the_main_process(box):
    manager = Manager(f"{box.dir}/manager")
    run = box.spawn_run("trap 'exit 7' TERM; sleep 100 & wait", "--pid-file", f"{box.dir}/pid", env=manager.env)
    host.eventually(lambda: os.path.exists(f"{box.dir}/pid"))
    with open(f"{box.dir}/pid") as f:
        pid = int(f.read())
    say(pid, b"STATUS=nearly")
    manager.silent()
    say(pid, b"READY=1")
    same(manager.next(), b"READY=1\n")
    manager.silent()
    same(run.poll(), None)
    run.send_signal(signal.SIGTERM)
    same(run.wait(20), 7)
    same(os.listdir(box.root), [])


# --- who is told, and who is not

@test
def a_manager_that_is_gone_is_an_error_before_the_program_runs(box):
    manager = Manager(f"{box.dir}/manager")
    box.created("echo ran; sleep 100", env=manager.env)
    os.unlink(manager.address)
    box.hozo("start", "c1").fails("NOTIFY_SOCKET", manager.address, "no such file or directory")
    same(box.state()["status"], "created")


@test(cases={"relative": "run/manager", "empty name": "@", "other family": "vsock:2:1234", "too long": "/" + "x" * 108})
def an_address_that_hozo_cannot_talk_to_is_an_error(box, address):
    box.create("true", env={**ENVIRONMENT, "NOTIFY_SOCKET": address}).fails("NOTIFY_SOCKET")
    box.nothing_left()


@test
def an_empty_address_is_none(box):
    pid = box.created("exec sleep 100", env={**ENVIRONMENT, "NOTIFY_SOCKET": ""})
    box.hozo("start", "c1").ok()
    assert not os.path.exists(f"/proc/{pid}/root/run/notify")


@test
def an_engine_that_has_its_own_way_keeps_it(box):
    """It names a socket of its own in the configuration, and does not want hozo to wait."""
    manager = Manager(f"{box.dir}/manager")
    b = box.bundle("exec sleep 100")
    b.process["env"].append("NOTIFY_SOCKET=/run/own")
    pid = box.created(b, env=manager.env)
    box.hozo("start", "c1").ok()
    assert not os.path.exists(f"/proc/{pid}/root/run/notify")


@test
def the_address_is_the_one_of_create(box):
    pid = box.created("exec sleep 100")
    box.hozo("start", "c1", env={**ENVIRONMENT, "NOTIFY_SOCKET": "/nowhere"}).ok()
    assert not os.path.exists(f"/proc/{pid}/root/run/notify")


# --- from the inside

SAY = ('use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; '
       'connect($s, sockaddr_un($ENV{NOTIFY_SOCKET})) or die "connect: $!"; '
       'defined send($s, "READY=1", 0) or die; '
       'print "said\n"; $| = 1; '
       'open(my $f, ">", "/run/notify/x") and print "written\n"; unlink($ENV{NOTIFY_SOCKET}) and print "removed\n"; '
       'sleep 100')


@test(cases={"root": 0, "user": 1000})
def the_programs_own_user_reaches_the_socket_and_can_change_nothing(box, uid):
    if not os.path.exists("/usr/bin/perl"):
        raise Skip("perl is not installed")
    manager = Manager(f"{box.dir}/manager")
    b = box.bundle(["/usr/bin/perl", "-e", SAY])
    b.process["user"] = {"uid": uid, "gid": uid}
    b.capabilities("CAP_DAC_OVERRIDE")
    b.bind("/usr", "/usr", "rbind", "ro")
    for name in ("lib", "lib64"):
        if os.path.islink(f"/{name}"):
            os.symlink(f"usr/{name}", f"{b.rootfs}/{name}")
    r = box.create(b, env=manager.env, umask=0o077).ok()
    start = box.spawn("start", "c1")
    try:
        same(manager.next(), b"READY=1\n")
    except TimeoutError:
        raise AssertionError(str(r))
    manager.next(), manager.next(), manager.release()
    same(start.wait(20), 0)
    host.eventually(lambda: "said" in r.out)
    time.sleep(0.1)
    same(r.out, "said\n")


# --- user namespaces

def ranges(*extents):
    return [dict(zip(("containerID", "hostID", "size"), e)) for e in extents]


@test
def in_a_user_namespace_the_socket_is_reached(box):
    """Its directory lies below one that only root of the host may search."""
    manager = Manager(f"{box.dir}/manager")
    b = box.bundle("exec sleep 100")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = ranges((0, 100000, 65536))
    subprocess.run(["chown", "-R", "100000:100000", b.rootfs], check=True)
    pid, start = starting(box, manager, b)
    say(pid, b"READY=1")
    same([manager.next(), manager.next(), manager.next()],
         [b"READY=1\n", f"MAINPID={pid}\n".encode(), b"BARRIER=1"])
    manager.release()
    same(start.wait(20), 0)
    r = box.exec("sh", "-c", "touch /run/notify/x; ls -ln /run/notify/notify.sock").ok()
    assert "Read-only file system" in r.err and r.out.startswith("srwxrwxrwx"), r


@test
def an_ordinary_user_has_a_service_manager_too(box):
    user = 54321
    as_user = {"user": user, "group": user, "extra_groups": []}
    b = box.bundle("exec sleep 100")
    b.linux["namespaces"].append({"type": "user"})
    b.linux["uidMappings"] = b.linux["gidMappings"] = ranges((0, user, 1))
    del b.linux["resources"], b.linux["cgroupsPath"]
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] not in ("cgroup", "devpts")]
    manager = Manager(f"{box.dir}/manager")
    subprocess.run(["chown", "-R", f"{user}:{user}", box.dir], check=True)
    run = box.spawn_run(b, "--detach", "--pid-file", f"{box.dir}/pid", env=manager.env, **as_user)
    host.eventually(lambda: os.path.exists(f"{box.dir}/pid"))
    with open(f"{box.dir}/pid") as f:
        pid = int(f.read())
    say(pid, b"READY=1")
    same([manager.next(), manager.next(), manager.next()],
         [b"READY=1\n", f"MAINPID={pid}\n".encode(), b"BARRIER=1"])
    manager.release()
    same(run.wait(20), 0)
    box.hozo("delete", "--force", "c1", **as_user).ok()
