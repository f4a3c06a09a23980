# SPDX-License-Identifier: Apache-2.0
"""Terminals of a virtual machine: the program's lies in the guest, the caller's on the host, and nothing is seen twice."""
import json

import host
from engine import on_terminal
from harness import same, test
from host import ConsoleSocket
from machine_box import machine
from machines import LIMIT

COMMAND = ("tty; a=$(stty size); echo $a; echo ready; read x; echo \"got $x\"; "
           "while [ \"$(stty size)\" = \"$a\" ]; do sleep 0.1; done; stty size; exit 6")


def with_terminal(box, program):
    b = machine(box, program)
    b.process["terminal"] = True
    return b


@test(timeout=LIMIT)
def the_console_socket_receives_a_terminal_of_the_machine(box):
    b = with_terminal(box, COMMAND)
    b.process["consoleSize"] = {"height": 33, "width": 101}
    console = ConsoleSocket(f"{box.dir}/console")
    console.listener.settimeout(LIMIT)
    box.create(b, "--console-socket", console.path).ok()
    terminal = console.receive()
    box.hozo("start", "c1").ok()
    same(terminal.size(), (33, 101))
    terminal.read_until(b"33 101\r\nready\r\n", 20)
    terminal.write(b"word\n")
    seen = terminal.read_until(b"got word\r\n", 20)
    same(seen.count(b"word"), 2, f"once as an echo, once by the program: {seen!r}")
    terminal.resize(40, 120)
    terminal.read_until(b"40 120\r\n", 20)
    box.wait_status("stopped")


@test(timeout=LIMIT, sanitized=False)
def control_keys_end_the_program_in_the_foreground(box):
    b = with_terminal(box, "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.1; done").write()
    process, terminal = on_terminal(box, [box.runtime, "--root", box.root, "run", "--bundle", b.path, "c1"])
    terminal.read_until(b"ready", 20)
    terminal.write(b"\x03")
    terminal.read_until(b"interrupted", 20)
    same(process.wait(LIMIT), 3)


@test(timeout=LIMIT, sanitized=False)
def the_size_follows_the_outer_terminal(box):
    b = with_terminal(box, "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done").write()
    process, terminal = on_terminal(box, [box.runtime, "--root", box.root, "run", "--bundle", b.path, "c1"])
    terminal.read_until(b"ready", 20)
    terminal.resize(31, 97)
    terminal.read_until(b"31 97", 20)
    box.hozo("kill", "c1", "KILL").ok()
    same(process.wait(LIMIT), 137)


@test(timeout=LIMIT, sanitized=False)
def exec_has_a_terminal_of_its_own(box):
    box.create(machine(box, "sleep 1000")).ok()
    box.hozo("start", "c1").ok()
    console = ConsoleSocket(f"{box.dir}/console")
    process = {"terminal": True, "args": ["sh", "-c", COMMAND], "cwd": "/", "user": {"uid": 0, "gid": 0},
               "env": ["PATH=/bin"], "consoleSize": {"height": 21, "width": 77}}
    with open(f"{box.dir}/process.json", "w") as f:
        json.dump(process, f)
    p = box.spawn("exec", "--process", f"{box.dir}/process.json", "--console-socket", console.path, "--detach",
                  "--pid-file", f"{box.dir}/pid", "c1")
    terminal = console.receive()
    same(p.wait(LIMIT), 0)
    terminal.read_until(b"21 77\r\nready\r\n", 20)
    terminal.write(b"word\n")
    terminal.read_until(b"got word\r\n", 20)
    terminal.resize(22, 78)
    terminal.read_until(b"22 78\r\n", 20)


@test(timeout=LIMIT, sanitized=False)
def a_foreground_exec_relays_the_terminal(box):
    box.create(machine(box, "sleep 1000")).ok()
    box.hozo("start", "c1").ok()
    process, terminal = on_terminal(box, [box.runtime, "--root", box.root, "exec", "--tty", "c1", "sh", "-c",
                                          "tty; echo ready; read x; echo got $x; exit 5"])
    terminal.read_until(b"ready", 20)
    terminal.write(b"word\n")
    terminal.read_until(b"got word", 20)
    same(process.wait(LIMIT), 5)
    assert b"/dev/pts/" in terminal.seen, terminal.seen
