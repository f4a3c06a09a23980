# SPDX-License-Identifier: Apache-2.0
"""Annotations: what the configuration says, for everybody who reads the state."""
import json

from harness import same, test

IMAGE = {f"org.opencontainers.image.{k}": v for k, v in {
    "os": "linux", "architecture": "riscv64", "variant": "v9", "os.version": "1", "os.features": "a,b",
    "author": "nobody", "created": "2024-01-01T00:00:00Z", "stopSignal": "SIGKILL", "exposedPorts": "80/tcp"}.items()}


@test
def those_of_an_image_are_passed_on_and_have_no_effect(box):
    b = box.bundle("trap 'exit 3' TERM; while :; do sleep 0.05; done")
    b.config["annotations"] = {**IMAGE, "com.example/empty": "", "a": "\u00e4 \"\n"}
    b.hook("createRuntime", "/bin/sh", ["sh", "-c", f"cat > {b.path}/state"])
    box.running(b)
    same(box.state()["annotations"], b.config["annotations"])
    with open(f"{b.path}/state") as f:
        same(json.load(f)["annotations"], b.config["annotations"])
    # TERM, as ever, and not the image's KILL, by which it could not exit.
    box.hozo("kill", "c1").ok()
    box.wait_status("stopped")


@test
def a_key_must_not_be_empty(box):
    b = box.bundle()
    b.config["annotations"] = {"": "x"}
    box.create(b).fails("annotations", "key is empty")
