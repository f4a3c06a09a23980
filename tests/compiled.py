# SPDX-License-Identifier: Apache-2.0
"""Programs and plugins that tests compile: what one test has compiled the others need not compile again."""
import hashlib
import os
import shutil
import subprocess


def compiled(box, text, path, *flags):
    """Writes what gcc makes of this C text, for everybody to run, and returns the path."""
    key = hashlib.sha256("\0".join([text, *flags]).encode()).hexdigest()[:32]
    cached = f"{os.path.dirname(box.dir)}/compiled-{key}"
    if not os.path.exists(cached):
        new = f"{box.dir}/compiled"
        subprocess.run(["gcc", *flags, "-x", "c", "-", "-o", new], input=text, text=True, check=True)
        os.rename(new, cached)
    if os.path.lexists(path):
        os.remove(path)
    shutil.copyfile(cached, path)
    os.chmod(path, 0o755)
    return path
