# SPDX-License-Identifier: Apache-2.0
"""process.terminal: handed to a console socket, or relayed by a runtime in the foreground."""
import fcntl
import os
import pty
import signal
import termios

import host
from harness import same, test


def bundle_with_terminal(box, script):
    b = box.bundle(script)
    b.process["terminal"] = True
    return b


def console(box):
    return host.ConsoleSocket(f"{box.dir}/console")


class Foreground:
    """The runtime started as from a shell in a terminal of its own."""

    def __init__(self, box, *arguments, rows=33, columns=99):
        self.terminal = host.Terminal((master := pty.openpty())[0])
        self.slave = master[1]
        self.terminal.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = box.spawn(*arguments, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                 preexec_fn=self._session)

    def _session(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# --- a console socket

@test
def the_console_socket_receives_the_master(box):
    socket = console(box)
    box.created(bundle_with_terminal(box, "test -t 0 && test -t 1 && test -t 2 && echo all three; sleep 100"),
                "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"all three\r\n")


@test
def what_is_typed_arrives(box):
    socket = console(box)
    box.created(bundle_with_terminal(box, "read x; echo got $x; sleep 100"), "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.write(b"words\n")
    terminal.read_until(b"got words\r\n")


@test
def it_is_the_controlling_terminal(box):
    socket = console(box)
    box.created(bundle_with_terminal(box, "trap 'echo interrupted' INT; echo up > /dev/tty; "
                                          "while :; do sleep 0.05; done"), "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"up\r\n")
    terminal.write(b"\x03")
    terminal.read_until(b"interrupted\r\n")


@test
def it_lies_in_the_containers_own_devpts_and_on_dev_console(box):
    socket = console(box)
    box.created(bundle_with_terminal(box, "tty; stat -c %t,%T /dev/console; stat -c %t,%T $(tty); sleep 100"),
                "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    seen = terminal.read_until(b"88,0\r\n88,0\r\n")
    assert seen.startswith((b"/dev/pts/0\r\n", b"/dev/console\r\n")), seen


@test
def the_console_size_is_applied(box):
    socket = console(box)
    b = bundle_with_terminal(box, "stty size; sleep 100")
    b.process["consoleSize"] = {"height": 42, "width": 123}
    box.created(b, "--console-socket", socket.path)
    terminal = socket.receive()
    same(terminal.size(), (42, 123))
    box.hozo("start", "c1").ok()
    terminal.read_until(b"42 123\r\n")


@test
def the_terminal_belongs_to_the_user(box):
    socket = console(box)
    b = bundle_with_terminal(box, "stat -c %u $(tty); echo yes > $(tty); sleep 100")
    b.process["user"] = {"uid": 1000, "gid": 1000}
    box.created(b, "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"1000\r\nyes\r\n")


@test
def run_detached_uses_the_console_socket(box):
    socket = console(box)
    box.run(bundle_with_terminal(box, "echo up; sleep 100"), "--detach", "--console-socket", socket.path).ok()
    socket.receive().read_until(b"up\r\n")


@test
def the_runtime_keeps_nothing_of_the_terminal(box):
    socket = console(box)
    box.created(bundle_with_terminal(box, "echo end"), "--console-socket", socket.path)
    terminal = socket.receive()
    box.hozo("start", "c1").ok()
    terminal.read_until(b"end\r\n")
    box.wait_status("stopped")

    def hung_up():
        try:
            return os.read(terminal.fd, 10) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True  # EIO: no slave is open any more
    host.eventually(hung_up)


@test
def exec_hands_a_terminal_over(box):
    box.running()
    socket = console(box)
    box.exec("sh", "-c", "tty; echo up > /dev/tty; read x; echo got $x",
             options=["--tty", "--detach", "--console-socket", socket.path]).ok()
    terminal = socket.receive()
    seen = terminal.read_until(b"up\r\n")
    assert b"/dev/pts/0" in seen, seen
    terminal.write(b"words\n")
    terminal.read_until(b"got words\r\n")


@test
def exec_applies_the_console_size_of_a_process_file(box):
    box.running()
    socket = console(box)
    with open(f"{box.dir}/process.json", "w") as f:
        f.write('{"terminal": true, "consoleSize": {"height": 11, "width": 22}, "user": {"uid": 0, "gid": 0},'
                ' "args": ["stty", "size"], "env": ["PATH=/bin"], "cwd": "/"}')
    box.exec(options=["--detach", "--console-socket", socket.path, "--process", f"{box.dir}/process.json"]).ok()
    socket.receive().read_until(b"11 22\r\n")


# --- in the foreground

@test
def a_foreground_run_relays_the_terminal(box):
    b = bundle_with_terminal(box, "tty; read x; echo got $x; exit 5").write()
    f = Foreground(box, "run", "--bundle", b.path, "c1")
    f.terminal.read_until(b"/dev/")
    f.terminal.write(b"words\n")
    f.terminal.read_until(b"got words\r\n")
    same(f.process.wait(10), 5)


@test
def typed_characters_are_echoed_once_and_control_keys_go_to_the_program(box):
    b = bundle_with_terminal(box, "trap 'echo interrupted; exit 9' INT; echo up; while :; do sleep 0.02; done")
    f = Foreground(box, "run", "--bundle", b.write().path, "c1")
    f.terminal.read_until(b"up\r\n")
    f.terminal.write(b"zq")
    f.terminal.read_until(b"zq")
    f.terminal.write(b"\x03")
    seen = f.terminal.read_until(b"interrupted\r\n")
    same(seen.count(b"zq"), 1)
    same(f.process.wait(10), 9)


@test
def the_size_follows_the_outer_terminal(box):
    b = bundle_with_terminal(box, "trap 'stty size' WINCH; stty size; while :; do sleep 0.02; done")
    f = Foreground(box, "run", "--bundle", b.write().path, "c1", rows=33, columns=99)
    f.terminal.read_until(b"33 99\r\n")
    f.terminal.resize(44, 88)
    f.terminal.read_until(b"44 88\r\n")
    box.hozo("kill", "c1", "KILL").ok()
    same(f.process.wait(10), 137)


@test
def the_outer_terminal_is_raw_meanwhile_and_restored_afterwards(box):
    b = bundle_with_terminal(box, "echo up; read x")
    f = Foreground(box, "run", "--bundle", b.write().path, "c1")
    f.terminal.read_until(b"up\r\n")
    assert not termios.tcgetattr(f.slave)[3] & (termios.ICANON | termios.ECHO)
    f.terminal.write(b"\n")
    same(f.process.wait(10), 0)
    same(termios.tcgetattr(f.slave), f.before)


@test
def all_output_of_a_program_that_ends_at_once_arrives(box):
    b = bundle_with_terminal(box, "seq 1 5000; echo the end")
    f = Foreground(box, "run", "--bundle", b.write().path, "c1")
    seen = f.terminal.read_until(b"the end\r\n")
    same(seen.count(b"\r\n"), 5001)
    same(f.process.wait(10), 0)


@test
def a_foreground_exec_relays_the_terminal(box):
    box.running()
    f = Foreground(box, "exec", "--tty", "c1", "sh", "-c", "stty size; read x; echo got $x; exit 6")
    f.terminal.read_until(b"33 99\r\n")
    f.terminal.write(b"words\n")
    f.terminal.read_until(b"got words\r\n")
    same(f.process.wait(10), 6)
    same(termios.tcgetattr(f.slave), f.before)


@test
def a_signal_to_a_runtime_with_a_terminal_is_passed_on(box):
    b = bundle_with_terminal(box, "trap 'exit 4' TERM; echo up; while :; do sleep 0.02; done")
    f = Foreground(box, "run", "--bundle", b.write().path, "c1")
    f.terminal.read_until(b"up\r\n")
    f.process.send_signal(signal.SIGTERM)
    same(f.process.wait(10), 4)
    same(termios.tcgetattr(f.slave), f.before)
