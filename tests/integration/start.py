# SPDX-License-Identifier: Apache-2.0
"""`start` tells whether the program really runs."""
import os

import host
from harness import same, test


def failing_start(box, spoil, *texts):
    """Spoils the bundle between create and start, which then says why the program does not run."""
    b = box.bundle(["/bin/program"])
    os.link(f"{b.rootfs}/bin/busybox", f"{b.rootfs}/bin/program")
    log = f"{b.path}/log"
    for kind in ("poststart", "poststop"):
        b.hook(kind, "/bin/sh", ["sh", "-c", f"echo {kind} >> {log}"])
    pid = box.created(b)
    spoil(f"{b.rootfs}/bin/program")
    box.hozo("start", "c1").fails("/bin/program", *texts)
    assert not host.alive(pid)
    same(box.state()["status"], "stopped")
    assert not os.path.exists(log) or "poststart" not in open(log).read()
    box.hozo("delete", "c1").ok()
    box.nothing_left()
    same(open(log).read(), "poststop\n")


def without_format(path):
    os.remove(path)
    with open(path, "w") as f:
        f.write("neither machine code nor a script\n")
    os.chmod(path, 0o755)


@test
def a_program_that_was_removed(box):
    failing_start(box, os.remove, "no such file or directory")


@test
def a_program_that_is_no_longer_executable(box):
    def spoil(path):
        os.remove(path)
        open(path, "w").close()
    failing_start(box, spoil, "permission denied")


@test
def a_program_in_no_known_format(box):
    failing_start(box, without_format, "exec format error")


@test
def a_script_whose_interpreter_is_missing(box):
    def spoil(path):
        os.remove(path)
        with open(path, "w") as f:
            f.write("#!/nowhere/interpreter\n")
        os.chmod(path, 0o755)
    failing_start(box, spoil, "no such file or directory")


@test
def run_reports_a_program_in_no_known_format(box):
    b = box.bundle(["/bin/program"])
    with open(f"{b.rootfs}/bin/program", "w"):
        pass
    without_format(f"{b.rootfs}/bin/program")
    box.run(b).fails("/bin/program", "exec format error")
    box.nothing_left()


@test
def the_waiting_process_costs_at_most_200_kilobytes(box):
    pid = box.created("true")
    with open(f"/proc/{pid}/smaps_rollup") as f:
        resident = int(host.status_field(f.read(), "Rss").split()[0])
    assert resident <= 200, f"{resident} KB"


@test
def the_waiting_process_is_no_file_of_the_host(box):
    """CVE-2019-5736: from /proc/PID/exe the container could overwrite the runtime."""
    pid = box.created("true")
    program = os.readlink(f"/proc/{pid}/exe")
    assert program.startswith("/memfd:") and program.endswith(" (deleted)"), program
    maps = [line.split(None, 5)[5].strip() for line in open(f"/proc/{pid}/maps")
            if len(line.split(None, 5)) == 6]
    assert all(m.startswith(("/memfd:", "[")) for m in maps), maps
    try:
        os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY))
        writable = True
    except OSError:
        writable = False
    assert not writable


@test
def the_waiting_process_holds_nothing_but_its_streams_and_its_pipes(box):
    pid = box.created("true")
    targets = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    others = [t for fd, t in targets.items() if int(fd) > 2]
    assert len(others) <= 2 and all(os.path.basename(t) in ("start", "result") for t in others), targets


@test
def the_waiting_process_is_not_dumpable(box):
    """A process of the container could otherwise trace it and take what it holds (CVE-2016-9962)."""
    pid = box.created("true")
    same(os.stat(f"/proc/{pid}/fd").st_uid, 0)
    b = box.bundle("true")
    b.process["user"] = {"uid": 1000, "gid": 1000}
    other = box.created(b, id="c2")
    same(os.stat(f"/proc/{other}/mem").st_uid, 0, "files of a dumpable process belong to its user")
