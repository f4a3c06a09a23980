# SPDX-License-Identifier: Apache-2.0
"""A policy for SELinux in which everything is permitted, so that the tests can look at labels alone: made and loaded
where the kernel has SELinux but no policy, which is a guest of the form `selinux`."""
import fcntl
import os
import shutil
import subprocess

from harness import Skip, libc

SELINUXFS = "/sys/fs/selinux"

# In the order in which the kernel numbers them.
FIRST = """kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet icmp_socket
    tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod policy
    scmp_packet devnull""".split()
FILES = "file dir lnk_file chr_file blk_file sock_file fifo_file".split()
# What is asked of a class that is not here is permitted; but files without a class cannot be labelled anew.
CLASSES = {**{kind: "relabelto" for kind in FILES}, "filesystem": "associate", "process": "transition dyntransition",
           "process2": "nnp_transition nosuid_transition", "key": "create", "security": "check_context"}
TYPES = ["host_t", "host_file_t", "container_t", "exec_t", "container_file_t", "other_file_t"]
BY_TRANSITION = "tmpfs devtmpfs devpts mqueue ramfs hugetlbfs shm".split()
BY_PATH = "proc sysfs cgroup cgroup2 selinuxfs securityfs rootfs bpf debugfs tracefs pstore binfmt_misc".split()


def policy():
    lines = ["(handleunknown allow)", "(mls true)", "(policycap open_perms)", "(policycap nnp_nosuid_transition)"]
    for name, permissions in CLASSES.items():
        lines.append(f"(class {name} ({permissions}))")
    lines.append(f"(classorder ({' '.join(CLASSES)}))")
    categories = [f"c{n}" for n in range(100)]
    lines += ["(sensitivity s0)", "(sensitivityorder (s0))", *(f"(category {c})" for c in categories),
              f"(categoryorder ({' '.join(categories)}))", "(sensitivitycategory s0 (range c0 c99))",
              "(level low (s0))", "(level high (s0 (range c0 c99)))",
              "(user user_u)", "(role role_r)", "(role object_r)", "(userrole user_u role_r)", "(userrole user_u object_r)",
              "(userlevel user_u low)", "(userrange user_u (low high))", "(typeattribute every)",
              f"(typeattributeset every ({' '.join(TYPES)}))"]
    for name in TYPES:
        lines += [f"(type {name})", f"(roletype role_r {name})", f"(roletype object_r {name})"]
    lines += [f"(allow every every ({name} (all)))" for name in CLASSES]
    lines += ["(context host (user_u role_r host_t (low high)))", "(context file (user_u object_r host_file_t (low low)))"]
    for name in FIRST:
        lines += [f"(sid {name})", f"(sidcontext {name} {'host' if name in ('kernel', 'init') else 'file'})"]
    lines.append(f"(sidorder ({' '.join(FIRST)}))")
    lines += ["(fsuse xattr ext4 file)", "(fsuse xattr overlay file)", "(fsuse task pipefs file)",
              "(fsuse task sockfs file)"]
    lines += [f"(fsuse trans {name} file)" for name in BY_TRANSITION]
    lines += [f'(genfscon {name} "/" file)' for name in BY_PATH]
    return "\n".join(lines) + "\n"


def active():
    """Whether the kernel uses SELinux, with or without a policy."""
    with open("/proc/filesystems") as f:
        return any(line.split()[-1] == "selinuxfs" for line in f)


def needs_selinux(box):
    """Loads the policy if none is there, or Skip."""
    if not active():
        raise Skip("the kernel has no SELinux, or does not use it")
    with open(f"{os.path.dirname(box.dir)}/selinux.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{SELINUXFS}/load"):
            libc.mount(b"selinuxfs", SELINUXFS.encode(), b"selinuxfs", 0, None)
        with open("/proc/self/attr/current") as f:
            current = f.read().strip("\n\0")
        if current == "kernel":
            load(box)
        elif ":host_t:" not in current:
            raise Skip("SELinux has a policy of the host's")


def load(box):
    if not shutil.which("secilc"):
        raise Skip("secilc is not installed")
    with open(f"{box.dir}/policy.cil", "w") as f:
        f.write(policy())
    r = subprocess.run(["secilc", "-M", "true", "-c", "33", "-o", f"{box.dir}/policy", "-f", "/dev/null",
                        f"{box.dir}/policy.cil"], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr
    with open(f"{box.dir}/policy", "rb") as f, open(f"{SELINUXFS}/load", "wb", buffering=0) as to:
        to.write(f.read())
