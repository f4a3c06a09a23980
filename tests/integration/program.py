# SPDX-License-Identifier: Apache-2.0
"""The two binaries, from outside."""
import glob
import os
import re
import subprocess

from harness import Skip, same, test


def readelf(*arguments):
    try:
        return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise Skip("readelf is not installed (package binutils)") from None


@test(sanitized=False)
def hozo_needs_libc_libcjson_and_libcap_only(box):
    needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\]", readelf("-d", box.runtime)))
    same(needed, {"libc.so.6", "libcjson.so.1", "libcap.so.2"})


@test(sanitized=False)
def hozo_has_no_run_path(box):
    text = readelf("-d", box.runtime)
    assert "RPATH" not in text and "RUNPATH" not in text, text


@test(sanitized=False)
def hozo_init_is_static(box):
    files = glob.glob(f"{box.build}/core/init/hozo-init")
    if not files:
        raise Skip("no build directory with hozo-init was given")
    assert "There is no dynamic section" in readelf("-d", files[0])
    assert "INTERP" not in readelf("-l", files[0])
    assert os.path.getsize(files[0]) < 100 << 10


@test(sanitized=False)
def what_is_installed_belongs_to_root_and_is_writable_by_nobody_else(box):
    prefix = os.path.dirname(os.path.dirname(box.runtime))
    wrong = []
    for directory, _, names in os.walk(prefix):
        for path in [directory, *(f"{directory}/{n}" for n in names)]:
            s = os.lstat(path)
            if s.st_uid != 0 or (s.st_mode & 0o022 and not os.path.islink(path)):
                wrong.append(path)
    same(wrong, [])
