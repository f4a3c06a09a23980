# SPDX-License-Identifier: Apache-2.0
"""containerd with a vendor's plugin, docs/examples/acme-npu, of which it knows nothing."""
import host
from acme_npu import AcmeNpu
from engine_containerd import Containerd
from harness import same, test

ASKS = ["--annotation", "com.acme.npu.card=0", "--annotation", "com.acme.npu.cores=2"]


@test(timeout=120)
def containerd_runs_a_container_with_a_vendors_plugin(box):
    npu = AcmeNpu(box)
    with Containerd(box) as c:
        r = c.run("c1", "sh", "-c", "ls -ln /dev/acme-npu0 | tr -s ' ' | cut -d ' ' -f 1,5,6; "
                  "cat /opt/acme-npu/lib/*; echo $ACME_NPU_CARD $ACME_NPU_CORES", options=["--rm", *ASKS])
        same((r.returncode, r.stdout, r.stderr), (0, "crw-rw-rw- 1, 11\na library\n0 0,1\n", ""))
        same(npu.taken(), [])
        c.started("c2", "sleep", "100", options=ASKS)
        same(npu.taken(), ["core0", "core1"])
        r = c.ctr("tasks", "exec", "--exec-id", "e1", "c2", "sh", "-c", "echo $ACME_NPU_CARD $ACME_NPU_CORES")
        same((r.returncode, r.stdout), (0, "0 0,1\n"), r.stderr)
        same(c.ctr("tasks", "kill", "--signal", "KILL", "c2").returncode, 0)
        host.eventually(lambda: c.status("c2") == "STOPPED")
        c.ctr("tasks", "delete", "c2")
        same(npu.taken(), [])
        r = c.run("c3", "true", options=["--rm", "--annotation", "com.acme.npu.cores=5"])
        assert r.returncode and "com.acme.npu.cores: card 0 has 4 cores" in r.stderr, r
        c.nothing_runs()
