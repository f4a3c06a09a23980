# SPDX-License-Identifier: Apache-2.0
"""What plugins may confine a process with, whoever makes the filter: a test's own plugins plan it."""
import os

from harness import Skip, same, test
from made_plugins import MadePlugins

SERVES = [("linux.seccomp", "OBJECT", "OWN"), ("linux.seccomp.defaultAction", "STRING", "OWN")]
# mkdir(2) gives EDOM, whatever the directory; all else is let through. The numbers are those of x86-64 and others.
FILTER = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#ifdef SYS_mkdir
#define MKDIR SYS_mkdir
#else
#define MKDIR SYS_mkdirat
#endif
static const struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MKDIR, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
"""
PLAN = "struct hozo_seccomp s = {.size = sizeof(s), .path = \"linux.seccomp\", %s}; return hozo_plan_seccomp(ctx, &s);"
BYTES = PLAN % ".filter = filter, .filter_size = sizeof(filter)"
LATE = PLAN % '.late = (uint32_t)hozo_late(ctx, "filter", HOZO_LATE_BYTES)'
FILL = """struct hozo_value v = {.size = sizeof(v), .bytes = filter, .bytes_size = sizeof(filter)};
          return hozo_late_set(ctx, "filter", &v);"""
DENIED = "mkdir /tmp/x: Numerical argument out of domain"
TRY = "mkdir -p /tmp; mkdir /tmp/x 2>&1 | sed 's/.*: can.t create directory ./mkdir /; s/.: /: /'; grep Seccomp: /proc/self/status"


def directory(box, **callbacks):
    plugins = MadePlugins(box)
    if os.path.lexists(f"{plugins.path}/linux.seccomp.so"):
        os.remove(f"{plugins.path}/linux.seccomp.so")
    plugins.plugin("filter", "linux.seccomp", fields=SERVES, head=FILTER, **callbacks)
    return plugins


def confined(box, program=TRY):
    b = box.bundle(program)
    b.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    b.config["root"]["readonly"] = False
    return b


WAYS = {"bytes": {"plan": BYTES}, "late bytes": {"plan": LATE, "prepare": FILL}}
PRIVILEGES = {"with no_new_privs": True, "without": False}


@test(sanitized=False, cases={f"{way}, {name}": (WAYS[way], privs) for way in WAYS for name, privs in PRIVILEGES.items()})
def a_filter_is_in_force_in_the_program(box, case):
    callbacks, no_new_privs = case
    plugins = directory(box, exec=BYTES, **callbacks)
    b = confined(box)
    b.process["noNewPrivileges"] = no_new_privs
    r = plugins.run(b)
    assert "Numerical argument out of domain" in r.out and "Seccomp:\t2" in r.out, r


@test(sanitized=False)
def a_process_of_exec_has_it_too(box):
    plugins = directory(box, plan=BYTES, exec=BYTES)
    plugins.create(confined(box, "sleep 100")).ok()
    plugins.hozo("start", "c1").ok()
    r = plugins.hozo("exec", "c1", "sh", "-c", TRY)
    assert "Numerical argument out of domain" in r.out and "Seccomp:\t2" in r.out, r


@test(sanitized=False, cases={
    "twice": (BYTES.replace("return", "hozo_plan_seccomp(ctx, &s); return"), "plans a seccomp filter, as plugin filter does"),
    "nothing": (PLAN % ".filter = filter", "either bytes or a late value"),
    "both": (PLAN % '.filter = filter, .filter_size = 8, .late = (uint32_t)hozo_late(ctx, "f", HOZO_LATE_BYTES)',
             "either bytes or a late value"),
    "another late value": (PLAN % '.late = (uint32_t)hozo_late(ctx, "f", HOZO_LATE_STRING)',
                           "uses the late value f as a seccomp filter"),
    "a listener somewhere": (PLAN % '.filter = filter, .filter_size = sizeof(filter), .listener = "here"',
                             "a path that is not absolute"),
})
def a_plugin_that_says_something_else_is_refused(box, case):
    plan, reason = case
    directory(box, plan=plan).run(confined(box)).fails(reason)


@test(sanitized=False)
def what_the_kernel_does_not_take_is_an_error_before_the_program(box):
    plan = PLAN % '.filter = "1234567", .filter_size = 8'
    directory(box, plan=plan).run(confined(box)).fails("linux.seccomp", "install filter")
    box.nothing_left()


CACHE = r"""
    const void *bytes; size_t size;
    int found = hozo_cache_get(ctx, "key", 3, &bytes, &size);
    note("found %d %.*s", found, found == 1 ? (int)size : 0, found == 1 ? (const char *)bytes : "");
    return found == 1 ? 0 : hozo_cache_put(ctx, "key", 3, "value", 5);
"""


def entries(plugins):
    path = f"{plugins.box.root}/.cache/filter"
    return [f"{path}/{name}" for name in os.listdir(path)] if os.path.isdir(path) else []


def found(plugins, b, id):
    plugins.create(b, id=id).ok()
    plugins.hozo("delete", "--force", id).ok()
    return plugins.notes()[-1]


def torn(path):
    os.truncate(path, 67)


def changed(path):
    with open(path, "r+b") as f:
        f.seek(66)
        f.write(b"X")


def writable(path):
    os.chmod(path, 0o666)


def foreign(path):
    os.chown(path, 1000, 1000)


def open_directory(path):
    os.chmod(os.path.dirname(path), 0o777)


@test(sanitized=False, cases={f.__name__: f for f in (torn, changed, writable, foreign, open_directory)})
def what_is_kept_is_believed_only_if_nobody_else_could_write_it(box, spoil):
    plugins = directory(box, plan=BYTES, prepare=CACHE)
    b = confined(box)
    assert "found 0" in found(plugins, b, "c1")
    same(found(plugins, b, "c2").strip(), "found 1 value")
    [path] = entries(plugins)
    same(oct(os.stat(os.path.dirname(path)).st_mode & 0o777), "0o700")
    spoil(path)
    assert "found 0" in found(plugins, b, "c3"), plugins.notes()


@test(sanitized=False)
def what_is_kept_is_bounded(box):
    prepare = ('note("put"); for (int i = 0; i < 100; i++)'
               ' if (hozo_cache_put(ctx, &i, sizeof(i), "value", 5) < 0) return -1; return 0;')
    plugins = directory(box, plan=BYTES, prepare=prepare)
    found(plugins, confined(box), "c1")
    same(len(entries(plugins)), 64)


@test(sanitized=False)
def a_container_can_be_called_anything_but_the_cache(box):
    box.hozo("create", "--bundle", box.bundle().write().path, ".cache").fails("invalid container ID format")


LABEL = """struct hozo_label l = {.size = sizeof(l), .kind = %s, .path = "process.apparmorProfile", .file = "%s",
                                  .value = "some"}; return hozo_plan_label(ctx, &l);"""


@test(sanitized=False, cases={
    "a file elsewhere": (LABEL % ("HOZO_LABEL_EXEC", "mem"), "not one of attr/"),
    "a way out": (LABEL % ("HOZO_LABEL_EXEC", "attr/../mem"), "not one of attr/"),
    "no kind": (LABEL % (7, "attr/exec"), "no kind"),
    "mounts without an option": (LABEL % ("HOZO_LABEL_MOUNT", "security.x"), "without option"),
})
def a_label_has_its_place(box, case):
    plan, reason = case
    directory(box, plan=plan).run(confined(box)).fails(reason)


@test(sanitized=False)
def a_label_that_the_kernel_refuses_is_an_error_of_start(box):
    """Without a security module there is nobody who takes it."""
    if os.path.exists("/proc/self/attr/apparmor/current") or os.path.exists("/sys/fs/selinux/enforce"):
        raise Skip("a security module is there")
    plugins = directory(box, plan=LABEL % ("HOZO_LABEL_EXEC", "attr/exec"))
    plugins.create(confined(box)).ok()
    plugins.hozo("start", "c1").fails("process.apparmorProfile", "write label", "nvalid argument")
