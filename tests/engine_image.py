# SPDX-License-Identifier: Apache-2.0
"""An image for engines, made here: no registry is asked."""
import hashlib
import io
import json
import os
import tarfile

import bundle

IMAGE = "example.org/busybox:test"


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def blob(tar, media_type, data):
    digest = hashlib.sha256(data).hexdigest()
    add(tar, f"blobs/sha256/{digest}", data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def make_image(directory, command=("/bin/sh",)):
    """An OCI image layout with one layer, as a tar file."""
    bundle.make_rootfs(f"{directory}/image-root")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as t:
        t.add(f"{directory}/image-root", arcname=".")
    diff = "sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()
    config = {"architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
              "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]},
              "config": {"Env": ["PATH=/bin", "FROM=image"], "Cmd": list(command)}}
    kind = "application/vnd.oci.image"
    path = f"{directory}/image.tar"
    with tarfile.open(path, "w") as tar:
        manifest = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
                    "config": blob(tar, f"{kind}.config.v1+json", json.dumps(config).encode()),
                    "layers": [blob(tar, f"{kind}.layer.v1.tar", layer.getvalue())]}
        entry = blob(tar, f"{kind}.manifest.v1+json", json.dumps(manifest).encode())
        entry["annotations"] = {"io.containerd.image.name": IMAGE, "org.opencontainers.image.ref.name": "test"}
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
    return path
