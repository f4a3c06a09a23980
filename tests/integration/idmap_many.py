# SPDX-License-Identifier: Apache-2.0
"""What idmapped mounts cost hozo: descriptors and processes."""
import os
import resource

import host
from harness import same, test


@test(timeout=60)
def alike_they_need_one_namespace(box):
    b = box.bundle("stat -c %u /data/399/file; ls /data | wc -l")
    source = f"{box.dir}/source"
    os.mkdir(source)
    with open(f"{source}/file", "w") as f:
        os.fchown(f.fileno(), 1000, 1000)
    for n in range(400):
        os.makedirs(f"{b.rootfs}/data/{n}")
        b.bind(source, f"/data/{n}", "idmap")
        b.config["mounts"][-1].update({k: [{"containerID": 1000, "hostID": 7, "size": 1}]
                                       for k in ("uidMappings", "gidMappings")})
    r = box.run(b, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096)), timeout=50).ok()
    same(r.out.split(), ["7", "400"])


@test
def the_process_behind_a_mapping_is_waited_for(box):
    b = box.bundle("echo up; sleep 100")
    b.bind(box.dir, "/tmp", "idmap")
    b.config["mounts"][-1].update({k: [{"containerID": 0, "hostID": 7, "size": 1}] for k in ("uidMappings", "gidMappings")})
    process = box.spawn_run(b)
    host.eventually(lambda: process.output.out == "up\n")
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
        states = [host.process_state(int(p)) for p in f.read().split()]
    assert states and "Z" not in states, states
