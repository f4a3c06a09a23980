# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest: a command, whose output and exit status go to the host. PID 1, or a service of systemd."""
import ctypes
import glob
import json
import os
import subprocess
import sys
import time

POWER_OFF = 0x4321fedc
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LANG": "C.UTF-8"}
libc = ctypes.CDLL(None, use_errno=True)


def port(name):
    """What is written there comes out on the host."""
    for _ in range(500):
        for directory in glob.glob("/sys/class/virtio-ports/*"):
            with open(f"{directory}/name") as f:
                if f.read().strip() == name:
                    return os.open(f"/dev/{os.path.basename(directory)}", os.O_WRONLY | os.O_CLOEXEC)
        time.sleep(0.01)
    raise OSError(f"no port {name}")


def mount(source, target, kind, flags=0, data=None):
    os.makedirs(target, exist_ok=True)
    if libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, data and data.encode()):
        print(f"mount {target}: {os.strerror(ctypes.get_errno())}", flush=True)


def as_first():
    """What systemd does before its services."""
    mount("run", "/run", "tmpfs", 6, "mode=755")
    mount("pts", "/dev/pts", "devpts", 10, "gid=5,mode=620,ptmxmode=666")
    mount("shm", "/dev/shm", "tmpfs", 6)
    mount("mqueue", "/dev/mqueue", "mqueue", 14)
    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 14, "nsdelegate,memory_recursiveprot")
    mount("hugetlbfs", "/dev/hugepages", "hugetlbfs")
    for link, to in (("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")):
        os.symlink(f"/proc/{to}", f"/dev/{link}")
    mount(None or "", "/", None, 1 << 20 | 1 << 14)  # shared, as with systemd
    run("hostname", "guest")
    run("ip", "link", "set", "lo", "up")
    os.setsid()


def run(*command):
    subprocess.run(command, stdin=subprocess.DEVNULL, env=ENVIRONMENT)


def prepare(told):
    for n, path in enumerate(told["trees"]):
        mount(f"/hozo/{n}", path, None, 1 << 12)
    run("mkswap", "-q", "/dev/vdd")
    run("swapon", "/dev/vdd")
    with open("/proc/sys/vm/nr_hugepages", "w") as f:
        f.write("32")


def command(told, output):
    """Its exit status. A process that is PID 1 collects everybody's zombies meanwhile."""
    child = subprocess.Popen(told["command"], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                             cwd="/", env=ENVIRONMENT, start_new_session=True)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status)


def main():
    os.umask(0o022)
    if os.getpid() == 1:
        as_first()
    with open("/hozo/command.json") as f:
        told = json.load(f)
    prepare(told)
    status = command(told, port("hozo.output"))
    os.write(port("hozo.status"), f"status {status}\n".encode())
    libc.reboot(ctypes.c_int(POWER_OFF))


try:
    main()
finally:
    sys.stdout.flush()
    if os.getpid() == 1:
        libc.reboot(ctypes.c_int(POWER_OFF))
