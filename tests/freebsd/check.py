#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of hozo is portable to FreeBSD, without a FreeBSD.

    tests/freebsd/check.py headers
    tests/freebsd/check.py compile BUILD CJSON_INCLUDES

headers: nothing in core/ outside core/linux/ and core/init/ includes a header that only Linux has.
compile: clang compiles the plugin freebsd, os-freebsd.c included, and the portable core for FreeBSD, against
declarations that are written for this, from FreeBSD's manual pages (include/). That shows types and names, and
nothing of what the calls do.

The file not-yet names those of which this is not so, and why; one that has become portable is an error as well.
Prints TAP.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(f"{HERE}/../..")
LINUX = re.compile(r"^#include <((?:linux|asm)/[^>]+|sys/(?:capability|epoll|eventfd|fsuid|inotify|personality|pidfd|"
                   r"prctl|quota|signalfd|statfs|sysinfo|syscall|sysmacros|timerfd|vfs|xattr)\.h)>", re.M)
TARGET = ["--target=x86_64-unknown-freebsd14", "-std=gnu11", "-ffreestanding", "-nostdlibinc", "-D_GNU_SOURCE",
          "-DHOZO_PLUGIN_VERSION=\"x\"", "-isystem", f"{HERE}/include", "-I", f"{TOP}/include", "-I", TOP]
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
LOOSE = ["-Wno-everything", "-Werror=implicit-function-declaration"]


def core(ending):
    files = glob.glob(f"{TOP}/core/**/*.{ending}", recursive=True)
    return sorted(f[len(TOP) + 1:] for f in files if not re.search(r"/core/(linux|init)/", f))


def not_yet(kind):
    """{file: reason} of the lines that begin with this word."""
    with open(f"{HERE}/not-yet") as f:
        lines = [line.split(None, 2) for line in f if line.strip() and not line.startswith("#")]
    return {path: reason.strip() for word, path, reason in lines if word == kind}


def report(results):
    """results: (name, what is wrong or None)"""
    failed = 0
    for number, (name, wrong) in enumerate(results, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        for line in (wrong or "").splitlines():
            print(f"# {line}")
        failed += bool(wrong)
    print(f"1..{len(results)}")
    return failed != 0


def headers():
    known = not_yet("headers")
    results = []
    for path in core("c") + core("h"):
        with open(f"{TOP}/{path}") as f:
            said = " ".join(LINUX.findall(f.read()))
        if said != known.get(path, ""):
            results.append((path, f"includes {said or 'none'}; tests/freebsd/not-yet says {known.get(path, 'none')}"))
    gone = [path for path in known if not os.path.exists(f"{TOP}/{path}")]
    results.append(("only the files of tests/freebsd/not-yet include headers of Linux",
                    "gone: " + " ".join(gone) if gone else None))
    return report(results)


def compile_one(path, options, includes):
    r = subprocess.run(["clang", *TARGET, *options, *includes, "-fsyntax-only", f"{TOP}/{path}"],
                       capture_output=True, text=True, timeout=120)
    return path, r.returncode, r.stderr


def compile_all(build, cjson):
    if not shutil.which("clang"):
        print("ok 1 - the portable core and os-freebsd.c # SKIP clang is not installed\n1..1")
        return 0
    known = {**not_yet("headers"), **not_yet("compile")}
    plugin = sorted(f"plugins/freebsd/{os.path.basename(f)}" for f in glob.glob(f"{TOP}/plugins/freebsd/*.c")
                    if not f.endswith("_test.c"))
    assert "plugins/freebsd/os-freebsd.c" in plugin
    with tempfile.TemporaryDirectory() as alone, concurrent.futures.ThreadPoolExecutor(2) as pool:
        os.symlink(f"{cjson}/cjson", f"{alone}/cjson")
        includes = ["-isystem", alone, "-I", build]
        jobs = [pool.submit(compile_one, path, STRICT, includes) for path in plugin]
        jobs += [pool.submit(compile_one, path, LOOSE, includes) for path in core("c")]
        results = []
        for path, code, text in (job.result() for job in jobs):
            if path in known:
                results.append((f"{path} is not portable yet: {known[path]}", None) if code else
                               (path, "compiles: take it out of tests/freebsd/not-yet"))
            else:
                results.append((path, text if code else None))
    return report(results)


if __name__ == "__main__":
    sys.exit(headers() if sys.argv[1:] == ["headers"] else compile_all(*sys.argv[2:]))
