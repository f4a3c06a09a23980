# SPDX-License-Identifier: Apache-2.0
"""`features`: what engines ask a runtime before they use it."""
import json
import os
import re
import subprocess

import host
from harness import same, test

HOOKS = ["createContainer", "createRuntime", "poststart", "poststop", "prestart", "startContainer"]
MEMBERS = {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations",
           "potentiallyUnsafeConfigAnnotations"}


def features(box, *options):
    r = subprocess.run([box.runtime, *options, "features"], capture_output=True, text=True, timeout=20)
    same((r.returncode, r.stderr), (0, ""), "engines parse both streams together")
    return json.loads(r.stdout)


@test
def it_has_the_members_of_the_specification_and_no_other(box):
    f = features(box)
    assert set(f) <= MEMBERS, set(f) - MEMBERS
    same(f["ociVersionMin"], "1.0.0")
    same(f["ociVersionMax"], "1.3.0")
    same(sorted(f["hooks"]), HOOKS)
    assert all(isinstance(v, str) for v in f["annotations"].values())
    assert all(isinstance(v, str) for v in f.get("potentiallyUnsafeConfigAnnotations", []))


@test
def linux_is_always_there(box):
    """containerd looks into it without a question."""
    linux = features(box)["linux"]
    assert {"pid", "network", "ipc", "uts", "mount", "cgroup", "time"} <= set(linux["namespaces"])
    assert {"CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"} <= set(linux["capabilities"])
    assert isinstance(linux["mountExtensions"]["idmap"]["enabled"], bool)
    for section in ("seccomp", "apparmor", "selinux", "intelRdt"):
        assert isinstance(linux[section]["enabled"], bool), section
    assert linux["cgroup"]["v1"] is True and linux["cgroup"]["v2"] is True


MAPPINGS = {kind: [{"containerID": 0, "hostID": 1000, "size": 1}] for kind in ("uidMappings", "gidMappings")}


@test
def every_mount_option_that_it_names_is_understood(box):
    options = features(box)["mountOptions"]
    assert {"ro", "rw", "bind", "rbind", "nosuid", "nodev", "noexec", "rro", "relatime"} <= set(options)
    b, right = box.bundle("true"), box.bundle().config["mounts"]
    unknown = []
    for option in options:
        # Some belong to a bind mount, some to a file system.
        for mount in ({"type": "bind", "source": "/etc", "options": ["bind", "nodev", option]},
                      {"type": "bind", "source": "/etc", "options": ["bind", "nodev", option], **MAPPINGS},
                      {"type": "tmpfs", "source": "tmpfs", "options": ["nodev", option]}):
            b.config["mounts"] = [*right, {"destination": "/mnt", **mount}]
            if box.hozo("plan", "--bundle", b.write().path).code == 0:
                break
        else:
            unknown.append(option)
    same(unknown, [])


@test
def it_does_not_look_at_the_host(box):
    before = features(box)
    host.private_mounts()
    same(host.libc.mount(b"none", b"/sys", b"tmpfs", 0, None), 0)
    same(features(box), before)


@test
def it_needs_no_writable_root_and_no_privilege(box):
    def drop():
        os.setgid(65534)
        os.setuid(65534)
    r = subprocess.run([box.runtime, "features"], capture_output=True, text=True, timeout=20, cwd="/",
                       env={}, preexec_fn=drop)
    same((r.returncode, r.stderr), (0, ""))
    assert "linux" in json.loads(r.stdout)


@test
def it_names_the_version_of_libseccomp_that_engines_look_for(box):
    f = features(box)
    said = f["annotations"].get("io.github.seccomp.libseccomp.version")
    if not f["linux"]["seccomp"]["enabled"]:
        same(said, None)
    else:
        assert re.fullmatch(r"2\.[0-9]+\.[0-9]+", said), said
