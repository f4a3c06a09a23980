# SPDX-License-Identifier: Apache-2.0
"""What the configuration says of a process and its surroundings, as it is inside a virtual machine."""
import os

import host
from harness import same, test
from machine_box import machine, up
from machines import LIMIT


def seen(box, b, id="c1"):
    return box.run(b, id=id).ok().out.splitlines()


@test(timeout=LIMIT, sanitized=False)
def the_process_is_who_the_configuration_says(box):
    b = machine(box, "id -u; id -g; id -G; pwd; umask; ulimit -n; ulimit -Hn; hostname; cat /proc/sys/kernel/domainname; "
                     "sed -n 's/^CapEff:.//p; s/^CapBnd:.//p; s/^NoNewPrivs:.//p' /proc/self/status; env | sort; "
                     "cat /proc/self/oom_score_adj")
    b.process.update(cwd="/tmp", env=["PATH=/bin", "A=b c", "EMPTY="],
                     user={"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27},
                     rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}])
    b.capabilities("CAP_KILL", "CAP_CHOWN")
    b.process["capabilities"]["ambient"] = b.process["capabilities"]["inheritable"] = ["CAP_KILL", "CAP_CHOWN"]
    b.config.update(hostname="inside", domainname="example.org")
    same(seen(box, b), ["1000", "1001", "1001 5 6", "/tmp", "0027", "77", "88", "inside", "example.org",
                        f"{1 | 1 << 5:016x}", f"{1 | 1 << 5:016x}", "1",
                        "A=b c", "EMPTY=", "HOME=/home/ann", "PATH=/bin", "PWD=/tmp", "SHLVL=1", "0"])


@test(timeout=LIMIT, sanitized=False)
def kernel_settings_paths_and_devices_are_the_configurations(box):
    """Any sysctl may be set: the kernel is the container's own."""
    b = machine(box, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/vm/swappiness; "
                     "head -c 1 /etc/passwd | wc -c; ls /hidden | wc -l; "
                     "echo 0 2>/dev/null > /proc/sys/vm/swappiness || echo read-only; "
                     "stat -c '%F %a %t:%T' /dev/null /dev/fuse /dev/hozo; head -c 4 /dev/zero | wc -c; "
                     "ls -ld /proc/self/ns/* | wc -l")
    b.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "vm.swappiness": "77"}
    b.linux["maskedPaths"] = ["/etc/passwd", "/hidden"]
    b.linux["readonlyPaths"] = ["/proc/sys"]
    os.mkdir(f"{b.rootfs}/hidden")
    open(f"{b.rootfs}/hidden/file", "w").close()
    b.linux["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640},
                          {"path": "/dev/hozo", "type": "c", "major": 1, "minor": 5, "fileMode": 0o604}]
    out = seen(box, b)
    same(out[:-1], ["1", "77", "0", "0", "read-only", "character special file 666 1:3", "character special file 640 a:e5",
                    "character special file 604 1:5", "4"])


@test(timeout=LIMIT, sanitized=False)
def a_seccomp_profile_is_applied_in_the_guest(box):
    b = machine(box, "grep Seccomp: /proc/self/status; mkdir /tmp/x 2>&1; ls -d /tmp/x 2>/dev/null; echo end")
    b.mount("/tmp")
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
    same(seen(box, b), ["Seccomp:\t2", "mkdir: can't create directory '/tmp/x': Operation not supported", "end"])


@test(timeout=LIMIT, sanitized=False)
def a_seccomp_profile_that_kills_gives_the_status_of_the_signal(box):
    b = machine(box, ["/bin/sh", "-c", "(mkdir /tmp/x); echo $?"])
    b.mount("/tmp")
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    same(seen(box, b)[-1], str(128 + 31))


@test(timeout=LIMIT, sanitized=False)
def namespaces_of_the_configuration_are_made_in_the_guest(box):
    b = machine(box, "echo $$; ls /proc | grep -c '^[0-9]*$'; hostname; echo up; sleep 1000")
    out = up(box, b)
    pid, processes, name, _ = out.out.splitlines()
    same((pid, name), ("1", "tenon"))
    assert int(processes) < 8, "it sees the guest's processes"
    inside = box.exec("sh", "-c", "for k in pid net ipc uts mnt; do readlink /proc/1/ns/$k; readlink /proc/self/ns/$k; done").ok().out.split()
    same(inside[::2], inside[1::2], "exec is in all of them")
    own = {os.readlink(f"/proc/self/ns/{k}") for k in ("pid", "ipc", "uts", "mnt")}
    monitor = box.state()["pid"]
    for kind in ("pid", "ipc", "uts", "mnt", "net"):
        assert host.namespace(monitor, kind) not in own, f"the monitor is in the host's {kind} namespace"


@test(timeout=LIMIT, sanitized=False)
def without_a_pid_namespace_it_sees_the_guests_processes_and_not_the_hosts(box):
    b = machine(box, "echo $$; cat /proc/1/cmdline; echo; uname -n")
    b.without_namespace("pid")
    b.without_namespace("uts")
    b.config.pop("hostname")
    pid, first, name = seen(box, b)
    assert int(pid) > 1 and first.split("\0")[0] != host.command_line(1), (pid, first)
    assert name != os.uname().nodename, name


@test(timeout=LIMIT, sanitized=False)
def control_groups_of_the_guest_may_be_mounted(box):
    b = machine(box, "grep ' /sys/fs/cgroup ' /proc/mounts; cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.procs")
    out = seen(box, b)
    assert " cgroup2 " in out[0] and out[-1] == "/sys/fs/cgroup/cgroup.procs", out


@test(timeout=LIMIT, sanitized=False)
def time_offsets_and_personality_are_the_guests(box):
    b = machine(box, "cut -d. -f1 /proc/uptime; uname -m; cat /proc/self/timens_offsets")
    b.linux["namespaces"].append({"type": "time"})
    b.linux["timeOffsets"] = {"boottime": {"secs": 1000000}}
    b.linux["personality"] = {"domain": "LINUX32"}
    out = seen(box, b)
    assert int(out[0]) >= 1000000, out
    same(out[1], "i686")


# --- the root

@test(timeout=LIMIT, sanitized=False)
def a_writable_root_is_the_hosts_and_owners_and_modes_stay(box):
    b = machine(box, "echo written > /file; mkdir -m 750 /dir; chown 1000:1001 /dir; ln -s target /link; mknod /fifo p; "
                     "chmod 4711 /file; touch -d '2020-01-02 03:04:05' /dir; mv /old /new; rm /gone; cat /home/ann/x")
    b.config["root"]["readonly"] = False
    b.capabilities("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD", "CAP_FSETID")
    for name in ("old", "gone", "home/ann/x"):
        with open(f"{b.rootfs}/{name}", "w") as f:
            f.write("x\n")
    same(seen(box, b), ["x"])
    same(open(f"{b.rootfs}/file").read(), "written\n")
    s = os.stat(f"{b.rootfs}/dir")
    same((s.st_uid, s.st_gid, oct(s.st_mode), int(s.st_mtime) > 1577800000), (1000, 1001, oct(0o40750), True))
    same(oct(os.stat(f"{b.rootfs}/file").st_mode), oct(0o104711))
    same(os.readlink(f"{b.rootfs}/link"), "target")
    assert os.path.exists(f"{b.rootfs}/new") and not os.path.exists(f"{b.rootfs}/gone")


@test(timeout=LIMIT, sanitized=False)
def a_read_only_root_is_not_written(box):
    b = machine(box, "touch /x 2>&1; grep -c ' / .* ro,' /proc/mounts; echo end")
    same(seen(box, b), ["touch: /x: Read-only file system", "1", "end"])
    assert not os.path.exists(f"{b.rootfs}/x")


@test(timeout=LIMIT, sanitized=False)
def the_root_belongs_to_whom_it_belongs(box):
    """virtiofsd serves the files as who they are; a user without rights gets none."""
    b = machine(box, "cat /secret; cat /own; echo new > /own; stat -c %u:%g /own /secret")
    b.config["root"]["readonly"] = False
    b.process["user"] = {"uid": 1000, "gid": 1000}
    for name, owner, mode in (("secret", 0, 0o600), ("own", 1000, 0o600)):
        with open(f"{b.rootfs}/{name}", "w") as f:
            f.write(f"{name}\n")
        os.chmod(f.name, mode)
        os.chown(f.name, owner, owner)
    r = box.run(b).ok()
    same(r.out, "own\n1000:1000\n0:0\n")
    assert "Permission denied" in r.err, r
    same(open(f"{b.rootfs}/own").read(), "new\n")
