# SPDX-License-Identifier: Apache-2.0
"""--pidfd-socket: who listens gets a descriptor that means the process, and no other that has its number."""
import os
import signal

import host
from harness import same, test


class Listener(host.ConsoleSocket):
    def pid(self):
        """The process that the one descriptor which comes means; it stays open in `fd`."""
        self.fd = self.receive().fd
        with open(f"/proc/self/fdinfo/{self.fd}") as f:
            return int(host.status_field(f.read(), "Pid"))


@test
def create_sends_the_pidfd_of_init(box):
    listener = Listener(f"{box.dir}/s")
    pid = box.created("sleep 100", "--pidfd-socket", listener.path)
    same(listener.pid(), pid)
    signal.pidfd_send_signal(listener.fd, signal.SIGKILL)
    box.wait_status("stopped")


@test(cases={"detached": ("--detach",), "kept": ("-d", "--keep")})
def run_sends_the_pidfd_of_init(box, options):
    listener = Listener(f"{box.dir}/s")
    box.run("sleep 100", *options, f"--pidfd-socket={listener.path}").ok()
    same(listener.pid(), box.state()["pid"])


@test
def run_in_the_foreground_sends_it_too(box):
    listener = Listener(f"{box.dir}/s")
    process = box.spawn_run("sleep 100", "--pidfd-socket", listener.path)
    pid = listener.pid()
    host.eventually(lambda: box.state()["status"] == "running")
    same(box.state()["pid"], pid)
    signal.pidfd_send_signal(listener.fd, signal.SIGKILL)
    same(process.wait(10), 128 + signal.SIGKILL)


@test
def exec_sends_the_pidfd_of_its_own_process(box):
    init = box.running("sleep 100")
    listener = Listener(f"{box.dir}/s")
    box.exec("sleep", "100", options=("-d", "--pid-file", f"{box.dir}/pid", "--pidfd-socket", listener.path)).ok()
    pid = listener.pid()
    with open(f"{box.dir}/pid") as f:
        same(pid, int(f.read()))
    assert pid != init
    signal.pidfd_send_signal(listener.fd, signal.SIGKILL)
    host.eventually(lambda: not host.alive(pid))
    same(box.state()["status"], "running")


@test
def a_relative_path_belongs_to_the_callers_directory(box):
    listener = Listener(f"{box.dir}/s")
    pid = box.created("true", "--pidfd-socket", "s", cwd=box.dir)
    same(listener.pid(), pid)


@test
def without_a_listener_create_fails_and_leaves_nothing(box):
    box.create("true", "--pidfd-socket", f"{box.dir}/absent", "--pid-file", f"{box.dir}/pid").fails(
        "pidfd", "absent", "no such file or directory")
    assert not os.path.exists(f"{box.dir}/pid")
    box.unknown()
    box.nothing_left()


@test
def without_a_listener_exec_fails_and_leaves_no_process(box):
    pid = box.running("sleep 100")
    box.exec("sleep", "100", options=("-d", "--pidfd-socket", f"{box.dir}/absent")).fails(
        "exec failed: ", "absent", code=255)
    host.eventually(lambda: host.reap() or host.living_children() == [pid])
