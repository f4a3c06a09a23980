# SPDX-License-Identifier: Apache-2.0
"""docs/examples/acme-npu: a vendor's plugin, built outside of the tree against an installed hozo."""
import fcntl
import json
import os
import signal

import host
from acme_npu import AcmeNpu
from harness import same, test

READ = "dd if=$DEVICE of=/dev/null bs=8k count=1 2>&1 | grep -o 'not permitted' || echo may be used"


@test(sanitized=False, timeout=60)
def its_vendor_can_ship_it(box):
    npu = AcmeNpu(box)
    for name in "annotations.com.acme.npu", "linux.devices@com.acme.npu":
        r = box.hozo("plugin", "check", f"{npu.kit.variable('vendorplugindir')}/{name}.so").ok()
        assert "not ok" not in r.out and r.out.count("\nok") > 10, r
    info = box.hozo("plugin", "info", "annotations.com.acme.npu").ok().out
    assert "com.acme.npu.cores" in info and "linux.devices@com.acme.npu" in info, info
    features = json.loads(box.hozo("features").ok().out)
    same(features["annotations"]["com.acme.npu.generation"], "2")
    assert "com.acme.npu." in features["potentiallyUnsafeConfigAnnotations"], features


@test(sanitized=False, timeout=60)
def a_container_gets_the_device_the_libraries_and_cores(box):
    npu = AcmeNpu(box)
    b = npu.bundle("DEVICE=/dev/acme-npu0; ls -ln $DEVICE | tr -s ' ' | cut -d ' ' -f 1,5,6; "
                   f"{READ}; cat /opt/acme-npu/lib/*; echo x > /opt/acme-npu/lib/x; "
                   "echo card $ACME_NPU_CARD cores $ACME_NPU_CORES", card="0", cores="2")
    b.capabilities("CAP_SYSLOG")
    r = npu.box.run(b)
    same(r.out.splitlines(), ["crw-rw-rw- 1, 11", "may be used", "a library", "card 0 cores 0,1"])
    assert "Read-only file system" in r.err, r
    same(npu.taken(), [])


@test(sanitized=False, timeout=60)
def without_it_the_device_is_not_permitted(box):
    """So it was the plugin's doing that it is."""
    npu = AcmeNpu(box)
    b = npu.bundle(f"DEVICE=/tmp/kmsg; mknod $DEVICE c 1 11; {READ}", card="1")
    b.capabilities("CAP_SYSLOG", "CAP_MKNOD")
    b.mount("/tmp")
    same(box.run(b).ok().out, "not permitted\n")


@test(sanitized=False, timeout=60)
def the_plan_shows_what_it_does(box):
    npu = AcmeNpu(box)
    plan = box.hozo("plan", "--bundle", npu.bundle(card="0", cores="3").write().path).ok().out
    for word in "allocate", "3 cores of card 0", "/dev/acme-npu0", "ACME_NPU_CARD=0", "<late: cores>":
        assert word in plan, plan
    same(npu.taken(), [])


@test(sanitized=False, timeout=60)
def what_cannot_be_had_is_an_error(box):
    npu = AcmeNpu(box)
    for asked, *texts in [
            ({"cors": "1"}, "com.acme.npu.cors", "is no annotation of"),
            ({"cores": "two"}, "com.acme.npu.cores", '"two"'),
            ({"cores": "5"}, "com.acme.npu.cores", "card 0 has 4 cores"),
            ({"card": "7"}, "com.acme.npu.card", "have no card 7")]:
        box.run(npu.bundle(**asked)).fails(*texts)
    box.nothing_left()


@test(sanitized=False, timeout=60)
def a_host_without_the_driver_is_an_error_before_anything_is_done(box):
    npu = AcmeNpu(box, libraries=f"{box.dir}/nowhere")
    box.run(npu.bundle(cores="1")).fails("com.acme.npu", "libraries", f"{box.dir}/nowhere")
    same(npu.taken(), [])
    box.nothing_left()


@test(sanitized=False, timeout=60)
def cores_are_for_one_container_alone(box):
    npu = AcmeNpu(box)
    box.running(npu.bundle("sleep 100", cores="3"), id="c1")
    same(npu.taken(), ["core0", "core1", "core2"])
    box.create(npu.bundle(cores="2"), id="c2").fails("com.acme.npu.cores", "2 cores of card 0", "busy")
    box.unknown("c2")
    same(box.run(npu.bundle("echo $ACME_NPU_CORES", cores="1"), id="c3").ok().out, "3\n")
    box.hozo("delete", "--force", "c1").ok()
    same(npu.taken(), [])


@test(sanitized=False, timeout=60)
def who_joins_sees_the_same_card_and_cores(box):
    npu = AcmeNpu(box)
    box.running(npu.bundle("sleep 100", cores="2"))
    variables = "echo $ACME_NPU_CARD $ACME_NPU_CORES"
    same(box.exec("/bin/sh", "-c", variables).ok().out, "0 0,1\n")
    # As engines do it, who bring all variables along.
    with open(f"{box.dir}/process.json", "w") as f:
        json.dump({"args": ["/bin/sh", "-c", variables], "cwd": "/", "env": ["PATH=/bin"]}, f)
    same(box.hozo("exec", "--process", f"{box.dir}/process.json", "c1").ok().out, "0 0,1\n")
    box.hozo("delete", "--force", "c1").ok()


@test(sanitized=False, timeout=60)
def its_numbers_are_among_those_of_events(box):
    npu = AcmeNpu(box)
    box.running(npu.bundle("sleep 100", cores="2"))
    data = json.loads(box.hozo("events", "--stats", "c1").ok().out)["data"]
    same(data["com.acme.npu"], {"card": 0, "cores": [0, 1], "free": 2})
    box.hozo("delete", "--force", "c1").ok()


@test(sanitized=False, timeout=60)
def a_device_that_the_engine_gives_brings_the_rest_along(box):
    npu = AcmeNpu(box)
    b = box.bundle("cat /opt/acme-npu/lib/*; echo card $ACME_NPU_CARD; ls /dev/acme*")
    b.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3}]
    r = box.run(b)
    same(r.out, "a library\ncard 1\n")
    assert "No such file" in r.err, "what the engine has given has a name already"
    b.program("ls /opt/acme-npu/lib; echo card $ACME_NPU_CARD")
    for other in {"minor": 5}, {"type": "b"}:
        b.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, **other}]
        same(box.run(b).ends(0).out, "card\n")
    same(npu.taken(1), [])


@test(sanitized=False, timeout=60)
def a_create_that_is_killed_gives_its_cores_back_when_it_is_deleted(box):
    npu = AcmeNpu(box)
    b = npu.bundle(cores="4")
    b.hook("createRuntime", b.script("hook", f"#!/bin/sh\ntouch {box.dir}/reached; exec sleep 100\n"))
    process = box.spawn("create", "--bundle", b.write().path, "c1")
    host.eventually(lambda: os.path.exists(f"{box.dir}/reached"), what="the hook")
    same(len(npu.taken()), 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    box.run(npu.bundle(cores="1"), id="c2").fails("busy")
    box.hozo("delete", "--force", "c1").ok()
    same(npu.taken(), [])
    box.run(npu.bundle(cores="4"), id="c2").ok()
    for pid in host.living_children():  # a hook outlives its runtime
        os.kill(pid, signal.SIGKILL)


@test(sanitized=False, timeout=60)
def so_does_one_that_is_killed_while_it_allocates(box):
    npu = AcmeNpu(box)
    directory = f"{npu.pool}/card0"
    os.makedirs(directory)
    lock = os.open(directory, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    process = box.spawn("create", "--bundle", npu.bundle(cores="2").write().path, "c1")
    state = f"{box.root}/c1/state.json"
    host.eventually(lambda: os.path.exists(state) and "holder" in open(state).read(), what="the record")
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open(state) as f:
        holder, = [json.loads(p["value"])["holder"] for p in json.load(f)["plugins"] if p["name"] == "com.acme.npu"]
    os.symlink(holder, f"{directory}/core0")  # as if it had come so far
    os.symlink("somebody else", f"{directory}/core1")
    os.close(lock)
    box.hozo("delete", "--force", "c1").ok()
    same(npu.taken(), ["core1"])


@test(sanitized=False, timeout=60)
def gone_at_delete_its_cores_are_given_back_when_it_is_installed_again(box):
    npu = AcmeNpu(box)
    box.running(npu.bundle("sleep 100", cores="2"))
    vendor = npu.kit.variable("vendorplugindir")
    os.rename(vendor, f"{vendor}.gone")
    box.hozo("delete", "c1").ends(1)
    box.hozo("delete", "--force", "c1").ends(0).says("com.acme.npu", "hozo plugin clean")
    box.unknown()
    same(npu.taken(), ["core0", "core1"])
    box.hozo("plugin", "clean").ends(1)
    os.rename(f"{vendor}.gone", vendor)
    same(box.hozo("plugin", "clean").ok().out, "c1: cleaned\n")
    same(npu.taken(), [])
