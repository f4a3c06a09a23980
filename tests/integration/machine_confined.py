# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor may do that its guest has taken over: it has the user id of root, but no rights."""
import os
import subprocess

import host
from harness import same, test
from machine_box import file_server, hypervisor, machine, settings, up
from machines import GENERIC, LIMIT

# Each belongs to root, who needs no capability to write to it.
OF_THE_HOST = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
               "/proc/sys/vm/drop_caches", "/proc/1/oom_score_adj")


def as_hypervisor(box, script):
    """A shell where the hypervisor is, with no more rights than it has."""
    return subprocess.run(["nsenter", "--target", str(hypervisor(box)), "--mount", "--pid", "setpriv", "--no-new-privs",
                           "--inh-caps=-all", "--bounding-set=-all", "/bin/sh", "-c", script],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


@test(timeout=LIMIT, sanitized=False)
def nothing_of_the_hosts_kernel_can_be_written(box):
    up(box, machine(box, "echo up; sleep 1000"))
    opened = as_hypervisor(box, "grep -q '^CapEff:.0000000000000000$' /proc/self/status && echo powerless; "
                                f"for f in {' '.join(OF_THE_HOST)}; do [ -e $f ] || continue; "
                                "(: >> $f) 2> /dev/null && echo $f; done; :")
    same(opened.stdout.split(), ["powerless"], opened)


@test(timeout=LIMIT, sanitized=False)
def its_root_is_what_hozo_has_made(box):
    """Not even who makes the guest's device nodes can make one where devices may be opened."""
    up(box, machine(box, "echo up; sleep 1000"))
    directories = "/ /dev /share /vm"
    made = as_hypervisor(box, f"for d in {directories}; do touch $d/new 2> /dev/null && echo $d; done; :")
    same(made.stdout.split(), [], made)
    node = subprocess.run(["nsenter", "--target", str(hypervisor(box)), "--mount", "--", "/bin/sh", "-c",
                           "for d in / /dev /share; do mknod $d/new b 7 0 && echo $d; done; "
                           "mknod /run/new c 1 3 && cat /run/new && echo opened; :"], capture_output=True, text=True, timeout=30)
    same(node.stdout.split(), [], node)


@test(timeout=LIMIT, sanitized=False)
def who_executes_for_the_runtime_cannot_be_traced(box):
    """By nobody with the same rights, which are none: the kernel says so of a program that it may not read."""
    up(box, machine(box, "echo up; sleep 1000"))
    same(os.stat(f"/proc/{box.state()['pid']}/exe").st_mode & 0o777, 0o100)


@test(timeout=LIMIT, sanitized=False)
def no_program_of_the_host_can_be_written(box):
    """A file system that is mounted somewhere below /usr is read-only as well."""
    host.private_mounts()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "below", "/usr/games"], check=True)
    up(box, machine(box, "echo up; sleep 1000"))
    made = as_hypervisor(box, "for d in /usr /usr/bin /usr/games /bin /lib; do touch $d/new 2> /dev/null && echo $d; done; "
                              "grep ' /usr/games ' /proc/self/mounts")
    device, place, kind, options = made.stdout.split()[:4]
    same((device, place, kind), ("below", "/usr/games", "tmpfs"), made)
    assert {"ro", "nosuid", "nodev"} <= set(options.split(",")), made


CAP_DAC_READ_SEARCH = 2


@test(cases={"virtiofs": "virtiofs", "9p": "9p"}, timeout=LIMIT, sanitized=False)
def no_file_beside_those_that_are_shared_can_be_opened(box, share):
    """With that capability a file is opened by its number, wherever it lies."""
    b = machine(box, "echo up; sleep 1000", GENERIC)
    settings(box, share=share)
    up(box, b)
    for pid in [hypervisor(box), *([file_server(box)] if share == "virtiofs" else [])]:
        with open(f"/proc/{pid}/status") as f:
            text = f.read()
        for name in ("CapPrm", "CapBnd"):
            assert not int(host.status_field(text, name), 16) >> CAP_DAC_READ_SEARCH & 1, (pid, name, text)
