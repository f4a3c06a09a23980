#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of hozo is portable to FreeBSD, without a FreeBSD.

    tests/freebsd/check.py headers [TOP]
    tests/freebsd/check.py compile BUILD CJSON_INCLUDES
    tests/freebsd/check.py itself

headers: what core/ has outside core/linux/, core/freebsd/ and core/init/ includes no header but those of PORTABLE,
by itself or by a header of hozo's, and names no file of Linux's /proc.
compile: clang compiles the plugin freebsd, os-freebsd.c included, the portable core and core/freebsd/ for FreeBSD,
against declarations that are written for this, from FreeBSD's manual pages (include/). That shows types and names,
and nothing of what the calls do.
itself: both find what they are there to find, put into a copy of the core.

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

# Of C, of POSIX.1, and those that both systems have beside it. <sys/mount.h> and others that both have, but with
# other content, are not among them.
PORTABLE = set("""
    arpa/inet.h assert.h ctype.h dirent.h dlfcn.h elf.h errno.h fcntl.h inttypes.h limits.h link.h locale.h net/if.h
    netinet/in.h poll.h pthread.h pwd.h setjmp.h signal.h spawn.h stdarg.h stdbool.h stddef.h stdint.h stdio.h
    stdlib.h string.h strings.h sys/file.h sys/ioctl.h sys/mman.h sys/resource.h sys/socket.h sys/stat.h sys/time.h
    sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h termios.h time.h unistd.h
    cjson/cJSON.h
""".split())
GENERATED = {"build-config.h", "commit.h"}
# core/init/ is hozo-init, the program that carries a plan of Linux out.
OF_ONE_SYSTEM = re.compile(r"^core/(linux|freebsd|init)/")

LITERAL_OR_COMMENT = re.compile(r""" "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+' | /\*.*?\*/ | //[^\n]* """, re.S | re.X)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import)\b[ \t]*(\S*)", re.M)
PROC = re.compile(r'"/proc/(?:self|thread-self|%d|sys)\b[^"]*"')

TARGET = ["--target=x86_64-unknown-freebsd14", "-std=gnu11", "-ffreestanding", "-nostdlibinc", "-D_GNU_SOURCE",
          "-DHOZO_PLUGIN_VERSION=\"x\"", "-isystem", f"{HERE}/include", "-fsyntax-only",
          "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def core(top, endings):
    """The core's files but those of one system."""
    files = (f[len(top) + 1:] for e in endings for f in glob.glob(f"{top}/core/**/*.{e}", recursive=True))
    return sorted(f for f in files if not OF_ONE_SYSTEM.match(f))


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


# --- headers ------------------------------------------------------------------------------------------------------

def text_of(top, path):
    with open(f"{top}/{path}") as f:
        return LITERAL_OR_COMMENT.sub(lambda m: " " if m.group()[0] == "/" else m.group(), f.read())


def look_at_includes(top, path, seen):
    """What this file includes that is not portable, each with the way to it."""
    for name in INCLUDE.findall(text_of(top, path)):
        ours, theirs = re.fullmatch(r'"(.+)"', name), re.fullmatch(r"<(.+)>", name)
        if theirs and theirs.group(1) in PORTABLE or ours and ours.group(1) in GENERATED:
            continue
        if not ours or not os.path.exists(f"{top}/{ours.group(1)}"):
            if not (ours and os.path.exists(f"{top}/include/{ours.group(1)}")):
                yield f"{path} includes {name or 'nothing'}"
                continue
            ours = re.fullmatch("(.+)", f"include/{ours.group(1)}")
        if ours.group(1) not in seen:
            seen.add(ours.group(1))
            for wrong in look_at_includes(top, ours.group(1), seen):
                yield f"{path}: {wrong}"


def portable_headers(top):
    """What is wrong with each file that is not portable."""
    wrong = {}
    for path in core(top, "ch"):
        said = list(look_at_includes(top, path, {path}))
        if path.endswith(".c"):
            said += [f"{path} names {name}" for name in PROC.findall(text_of(top, path))]
        if said:
            wrong[path] = "\n".join(said)
    return wrong


def headers(top=TOP):
    wrong = portable_headers(top)
    return report([("core/ outside core/linux/ and core/init/ has no header of Linux's", None if not wrong else
                    "\n".join(wrong.values()))])


# --- compiling ----------------------------------------------------------------------------------------------------

def compile_one(top, path, includes):
    sign = ["-Wno-sign-conversion"] if path.startswith("core/") else []  # as meson.build has it
    r = subprocess.run(["clang", *TARGET, *sign, "-I", f"{top}/include", "-I", top, *includes, f"{top}/{path}"],
                       capture_output=True, text=True, timeout=120)
    return path, r.stderr or "clang failed" if r.returncode else None


def compile_all(build, cjson):
    if not shutil.which("clang"):
        print("ok 1 - the portable core and os-freebsd.c # SKIP clang is not installed\n1..1")
        return 0
    files = [f[len(TOP) + 1:] for f in sorted(glob.glob(f"{TOP}/plugins/freebsd/*.c"))
             if not re.search(r"_test\.c$|/simulated[^/]*$", f)]
    files += core(TOP, "c") + [f[len(TOP) + 1:] for f in sorted(glob.glob(f"{TOP}/core/freebsd/*.c"))]
    assert {"plugins/freebsd/os-freebsd.c", "core/error.c", "core/freebsd/files.c"} < set(files)
    with tempfile.TemporaryDirectory() as alone, concurrent.futures.ThreadPoolExecutor(2) as pool:
        os.symlink(f"{cjson}/cjson", f"{alone}/cjson")
        return report(list(pool.map(lambda f: compile_one(TOP, f, ["-isystem", alone, "-I", build]), files)))


# --- the check itself ---------------------------------------------------------------------------------------------

# What somebody may put into a file of the core: the file, and the text.
NOT_PORTABLE = [
    ("core/pool.c", "#include <linux/mount.h>"),
    ("core/pool.c", "#include <asm/unistd.h>"),
    ("core/pool.c", "#include <sys/prctl.h>"),
    ("core/pool.c", "#include <sys/mount.h>"),
    ("core/pool.c", "#include <sys/syscall.h>"),
    ("core/pool.c", "#include <sys/pidfd.h>"),
    ("core/pool.c", "#include <sched.h>"),
    ("core/pool.c", " #\tinclude\t<sys/epoll.h>"),
    ("core/pool.c", "#include <sys/event.h>"),
    ("core/pool.c", "#include \"linux/types.h\""),
    ("core/pool.c", "const char *all = \"/*\";\n#include <linux/types.h>\n/* */"),
    ("core/pool.c", "#define HEADER <linux/types.h>\n#include HEADER"),
    ("core/pool.h", "#include <linux/types.h>"),
    ("core/cli/kill.c", "#include <sys/signalfd.h>"),
    ("core/linux/launch.h", "#include <linux/sched.h>"),
    ("core/pool.c", "const char *maps = \"/proc/self/maps\";"),
]

PORTABLE_TEXTS = [
    ("core/pool.c", "#include <sys/stat.h>"),
    ("core/pool.c", "/*\n#include <linux/mount.h>\n*/"),
    ("core/linux/files.c", "#include <linux/mount.h>"),
    ("core/init/path.c", "#include <linux/mount.h>"),
    ("core/freebsd/files.c", "#include <sys/mount.h>"),
]

# Calls that the declarations must not know.
CALLS = ["syscall(1)", "openat2(0, 0, 0, 0)", "pidfd_open(1, 0)", "renameat2(0, 0, 0, 0, 0)", "prctl(1)", "fgetpwent(0)",
         "open(\".\", O_TMPFILE)"]


def changed(copy, path, text, look):
    """What `look` says with this line in the file."""
    with open(f"{copy}/{path}") as f:
        before = f.read()
    with open(f"{copy}/{path}", "w") as f:
        f.write(f"{before}\n{text}\n")
    try:
        return look()
    finally:
        with open(f"{copy}/{path}", "w") as f:
            f.write(before)


def itself():
    results = []
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(f"{TOP}/core", f"{copy}/core")
        shutil.copytree(f"{TOP}/include", f"{copy}/include")
        for path, text in NOT_PORTABLE:
            said = "\n".join(changed(copy, path, text, lambda: portable_headers(copy)).values())
            results.append((f"{path} with {text!r} is refused", None if path in said else f"said: {said}"))
        for path, text in PORTABLE_TEXTS:
            said = changed(copy, path, text, lambda: portable_headers(copy))
            results.append((f"{path} with {text!r} is not", str(said) if said else None))
        for call in CALLS if shutil.which("clang") else []:
            text = "int call(void);\nint call(void)\n{\n    return (int)%s;\n}" % call
            with open(f"{copy}/core/call.c", "w") as f:
                f.write(f"#include <fcntl.h>\n#include <unistd.h>\n{text}\n")
            said = compile_one(copy, "core/call.c", [])[1] or ""
            results.append((f"{call} does not compile", None if re.search("implicit|undeclared", said) else
                            f"said: {said}"))
    return report(results)


if __name__ == "__main__":
    sys.exit({"headers": headers, "compile": compile_all, "itself": itself}[sys.argv[1]](*sys.argv[2:]))
