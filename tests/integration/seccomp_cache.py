# SPDX-License-Identifier: Apache-2.0
"""Filters that were compiled once are kept in ROOT/.cache/seccomp: who may believe them, and what for."""
import os
import shutil
import stat
import subprocess

from harness import Skip, same, test
from seccomp_probe import OK, probing, profile, put_probe, rule, verdicts

LIBRARY = "libseccomp.so"
ENTRIES = 64  # docs/plugins.md
USER = 54321


def cache(box):
    return f"{box.root}/.cache/seccomp"


def entries(box):
    return sorted(os.listdir(cache(box))) if os.path.isdir(cache(box)) else []


def entry(box):
    found = entries(box)
    same(len(found), 1)
    return f"{cache(box)}/{found[0]}"


def distinct(n):
    """A profile unlike that of any other number, and what it says to getppid."""
    return profile("ALLOW", rule("getppid", "ERRNO", errnoRet=100 + n)), f"errno {100 + n}"


def filled(box, n=0):
    """A bundle whose profile has an entry."""
    p, expected = distinct(n)
    b = probing(box, p, "getppid", "getsid")
    same(verdicts(box.run(b)), [expected, OK])
    return b, expected


def looks(box, b):
    """Runs it; its verdicts, and whether the library was opened for it."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    trace = f"{box.dir}/trace"
    r = subprocess.run(["strace", "-f", "-qq", "-s", "256", "-e", "trace=open,openat,openat2", "-o", trace, box.runtime, "--root",
                        box.root, "run", "--bundle", b.write().path, "c9"], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=20)
    same((r.returncode, r.stderr), (0, ""))
    with open(trace, errors="replace") as f:
        opened = any(LIBRARY in line and "= -1" not in line for line in f)
    return [OK if line.startswith(OK) else line for line in r.stdout.splitlines()], opened


def believed(box, b, expected):
    same(looks(box, b), ([expected, OK], False))


def compiled_again(box, b, expected):
    same(looks(box, b), ([expected, OK], True))


# --- a hit

@test(sanitized=False)
def the_second_run_opens_no_library(box):
    p, expected = distinct(0)
    b = probing(box, p, "getppid", "getsid")
    compiled_again(box, b, expected)
    believed(box, b, expected)
    believed(box, b, expected)


@test(sanitized=False)
def a_container_without_a_profile_opens_no_library_and_makes_no_cache(box):
    b = box.bundle(["probe", "getppid"])
    put_probe(box, b)
    same(looks(box, b), ([OK], False))
    same(entries(box), [])


@test(sanitized=False)
def exec_opens_no_library(box):
    b, expected = filled(box)
    b.program("sleep 100")
    box.running(b)
    trace = f"{box.dir}/trace"
    for _ in range(2):
        r = subprocess.run(["strace", "-f", "-qq", "-s", "256", "-e", "trace=open,openat,openat2", "-o", trace, box.runtime, "--root",
                            box.root, "exec", "c1", "probe", "getppid"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=20)
        same((r.returncode, r.stdout), (0, expected + "\n"))
        with open(trace, errors="replace") as f:
            same([line for line in f if LIBRARY in line], [])


@test
def it_belongs_to_its_owner_alone(box):
    os.umask(0)
    filled(box)
    for path in (f"{box.root}/.cache", cache(box)):
        st = os.stat(path)
        same((stat.S_IMODE(st.st_mode), st.st_uid), (0o700, os.geteuid()), path)
    st = os.stat(entry(box))
    same((stat.S_IMODE(st.st_mode) & 0o077, st.st_uid), (0, os.geteuid()))


@test
def it_is_no_container(box):
    filled(box)
    same(box.hozo("list", "-q").ok().out, "")
    box.hozo("state", ".cache").fails(".cache")
    box.hozo("delete", "--force", ".cache")
    same(len(entries(box)), 1)


@test(sanitized=False)
def neither_create_nor_delete_changes_it(box):
    b, expected = filled(box)
    before = entries(box)
    b.program("sleep 100")
    box.running(b)
    box.hozo("delete", "--force", "c1").ok()
    same(entries(box), before)


@test(sanitized=False)
def another_name_of_the_container_or_of_its_files_is_none(box):
    b, expected = filled(box)
    again = box.bundle_beside(b, ["probe", "getppid", "getsid"])
    again.linux["seccomp"] = b.linux["seccomp"]
    believed(box, again, expected)


# --- what is not believed

def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))


def cut(path, size):
    os.truncate(path, size if size >= 0 else os.stat(path).st_size + size)


def replaced(path, data):
    with open(path, "wb") as f:
        f.write(data)


def linked(path):
    os.rename(path, path + ".away")
    os.symlink(path + ".away", path)


def made_a_directory(path):
    os.unlink(path)
    os.mkdir(path)


def made_a_fifo(path):
    os.unlink(path)
    os.mkfifo(path)


DAMAGE = {
    "empty": lambda path: cut(path, 0), "one byte": lambda path: cut(path, 1), "without its last byte": lambda path: cut(path, -1),
    "without its last instruction": lambda path: cut(path, -8), "half": lambda path: cut(path, os.stat(path).st_size // 2),
    "the first byte": lambda path: flip(path, 0), "a byte behind the digest": lambda path: flip(path, 64),
    "a byte in the middle": lambda path: flip(path, os.stat(path).st_size // 2), "the last byte": lambda path: flip(path, -1),
    "longer": lambda path: replaced(path, open(path, "rb").read() + bytes(8)),
    "twice": lambda path: replaced(path, open(path, "rb").read() * 2),
    "zeros": lambda path: replaced(path, bytes(os.stat(path).st_size)),
    "text": lambda path: replaced(path, b"not a filter\n" * 20), "huge": lambda path: cut(path, 1 << 30),
    "writable for the group": lambda path: os.chmod(path, 0o620), "writable for all": lambda path: os.chmod(path, 0o602),
    "somebody else's": lambda path: os.chown(path, USER, USER), "a link": linked, "a pipe": made_a_fifo,
}


@test(sanitized=False, cases=DAMAGE)
def an_entry_is_not_believed_that_is(box, damage):
    b, expected = filled(box)
    damage(entry(box))
    compiled_again(box, b, expected)
    if stat.S_ISREG(os.lstat(f"{cache(box)}/{entries(box)[0]}").st_mode) and len(entries(box)) == 1:
        believed(box, b, expected)


@test(sanitized=False)
def a_directory_in_place_of_an_entry_does_no_harm(box):
    b, expected = filled(box)
    made_a_directory(entry(box))
    compiled_again(box, b, expected)


@test(sanitized=False)
def an_entry_under_the_name_of_another_is_not_believed(box):
    b, expected = filled(box, 1)
    first = entry(box)
    other, others = filled(box, 2)
    second = next(f"{cache(box)}/{e}" for e in entries(box) if f"{cache(box)}/{e}" != first)
    shutil.copyfile(second, first)
    compiled_again(box, b, expected)
    believed(box, b, expected)
    believed(box, other, others)


PLACES = {"the entries' directory": "/.cache/seccomp", "the caches' directory": "/.cache", "the root": ""}


@test(sanitized=False, cases=PLACES)
def a_directory_that_others_may_write_is_not_used(box, place):
    b, expected = filled(box)
    os.chmod(box.root + place, 0o770)
    compiled_again(box, b, expected)
    os.chmod(box.root + place, 0o702)
    compiled_again(box, b, expected)
    os.chmod(box.root + place, 0o700)
    believed(box, b, expected)


@test(sanitized=False, cases={k: v for k, v in PLACES.items() if v})
def a_directory_that_is_somebody_elses_or_a_link_is_not_used(box, place):
    b, expected = filled(box)
    path = box.root + place
    os.chown(path, USER, USER)
    compiled_again(box, b, expected)
    os.chown(path, 0, 0)
    believed(box, b, expected)
    os.rename(path, f"{box.dir}/away")
    os.symlink(f"{box.dir}/away", path)
    compiled_again(box, b, expected)
    os.unlink(path)
    with open(path, "w"):
        pass
    compiled_again(box, b, expected)
    os.unlink(path)
    compiled_again(box, b, expected)
    believed(box, b, expected)


@test(sanitized=False)
def a_cache_that_cannot_be_written_is_none(box):
    b, expected = filled(box)
    shutil.rmtree(cache(box))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=700", "none", f"{box.root}/.cache"], check=True)
    box.undo.append(lambda: subprocess.run(["umount", f"{box.root}/.cache"], check=True))
    compiled_again(box, b, expected)
    same(entries(box), [])


@test(sanitized=False)
def what_a_crash_has_left_is_no_entry(box):
    b, expected = filled(box)
    whole = open(entry(box), "rb").read()
    name = entries(box)[0]
    os.unlink(entry(box))
    for rest in ("new-1", "new-4194304", "x", name + ".tmp"):
        with open(f"{cache(box)}/{rest}", "wb") as f:
            f.write(whole[:len(whole) // 2])
    compiled_again(box, b, expected)
    believed(box, b, expected)


# --- many

@test(timeout=60)
def twenty_at_once(box):
    """Of the same profile, and of others, with a cache that is not there yet."""
    p, expected = distinct(0)
    first = probing(box, p, "getppid", "getsid")
    bundles = [first]
    for n in range(1, 20):
        b = box.bundle_beside(first, ["probe", "getppid", "getsid"])
        b.linux["seccomp"] = distinct(n // 2)[0]
        bundles.append(b)
    for _ in range(2):
        started = [box.spawn_run(b, id=f"c{n}") for n, b in enumerate(bundles)]
        for n, process in enumerate(started):
            same((process.wait(25), process.output.out.splitlines()[0], process.output.err), (0, f"errno {100 + n // 2}", ""))
    same(len(entries(box)), 10)


@test(timeout=60)
def it_does_not_grow_without_end(box):
    p, _ = distinct(0)
    b = probing(box, p, "getppid")
    for n in range(ENTRIES + 8):
        b.linux["seccomp"], expected = distinct(n)
        same(verdicts(box.run(b)), [expected])
        assert len(entries(box)) <= ENTRIES, entries(box)
    same(len(entries(box)), ENTRIES)
    for n in (0, 1, ENTRIES, ENTRIES + 7):
        b.linux["seccomp"], expected = distinct(n)
        same(verdicts(box.run(b)), [expected])


@test(sanitized=False)
def what_is_used_is_not_forgotten_first(box):
    """The time of an entry is that of its last use, to the hour."""
    b, expected = filled(box)
    os.utime(entry(box), (1000000000, 1000000000))
    believed(box, b, expected)
    assert os.stat(entry(box)).st_mtime > 1000000000
