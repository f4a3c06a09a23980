# SPDX-License-Identifier: Apache-2.0
"""The runtime below strace, which makes its calls fail, wait, or be its last."""
import shutil
import subprocess

import harness
from box import ENVIRONMENT, Output
from harness import Skip


def strace(box, injections, *arguments):
    """Runs the runtime below strace; children are not traced."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    out, err, trace = f"{box.dir}/out", f"{box.dir}/err", f"{box.dir}/trace"
    command = ["strace", "-qq", "-o", trace, *injections, box.runtime, "--root", box.root, *arguments]
    with open(out, "wb") as o, open(err, "wb") as e:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=ENVIRONMENT,
                              timeout=20 * harness.patience).returncode
    return Output(command, code, out, err)
