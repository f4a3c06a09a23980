# SPDX-License-Identifier: Apache-2.0
"""The defences of SECURITY.md: where each stands in the source, and the tests that fail without it."""
import collections
import re

Defence = collections.namedtuple("Defence", "name against file there instead tests")


def D(name, against, file, there, instead, *tests):
    """`there` occurs once in the file; `instead` takes its place when the defence is taken out."""
    return Defence(name, against, file, there, instead, tests)


SECURITY, START, EXEC = "integration/security: ", "integration/start: ", "integration/exec: "
PROCESS, HOOKS, NEIGHBOURS = "integration/process: ", "integration/hooks: ", "integration/neighbours: "

DEFENCES = [
    # --- paths of the container
    D("resolution below the root",
      "CVE-2021-30465, CVE-2024-45310, CVE-2026-41579, CVE-2026-47766: a link of the image leads out of it",
      "core/init/path.c", "RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |", "RESOLVE_NO_MAGICLINKS |",
      SECURITY + "a link instead of a mount point does not reach the host: dev",
      SECURITY + "a mount point behind a link stays in the root: absolute",
      SECURITY + "a device or link behind a link stays in the root",
      SECURITY + "mask and read only paths behind links stay in the root"),
    D("targets that are descriptors",
      "CVE-2021-30465: the target becomes a link between being looked at and being mounted on",
      "core/init/path.c",
      "    if (fd >= 0 || errno != ENOENT)\n        return fd;\n    if (directory)",
      "    if (fd >= 0 && path[1])\n        close(fd), fd = openat(root, path + 1, O_PATH | O_CLOEXEC);\n"
      "    if (fd >= 0 || errno != ENOENT)\n        return fd;\n    if (directory)",
      SECURITY + "a mount point that becomes a link meanwhile does not reach the host"),
    D("directories made by descriptor",
      "CVE-2024-45310: a directory becomes a link while those below it are made",
      "core/init/path.c", "mkdirat(parent, start, mode)", "mkdirat(root, path + 1, mode)",
      SECURITY + "a link that is swapped meanwhile does not reach the host"),
    D("no links before proc and sysfs",
      "CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc or /sys of the image is a link",
      "core/linux/mounts.c", "(strict ? HOW_NO_SYMLINKS : 0)", "(strict ? 0 : 0)",
      SECURITY + "a link to another directory of the image does not lift the masks: proc",
      SECURITY + "a link to another directory of the image does not lift the masks: sys"),
    D("no magic links",
      "CVE-2024-21626: a path through /proc/PID/fd leads to the host",
      "core/init/path.c", "RESOLVE_NO_MAGICLINKS |\n", "0 |\n",
      "unit/init-path: a magic link is not followed"),
    # --- what is written into /proc
    D("the list of mounts below /proc", "CVE-2019-16884: a mount over /proc hides what is written there",
      "core/linux/mounts.c", 'return fail(err, 0, path, "%s: mounts below /proc are refused", target);',
      "return 0;",
      "plans: error-mount-below-proc", "integration/create_errors: a mount over proc is refused"),
    D("no mount in /proc behind a link", "CVE-2019-16884: the link is the image's",
      "core/init/mounts.c", "fs.f_type == PROC_SUPER_MAGIC ? refuse(EPERM) : 0", "0",
      SECURITY + "a link into proc is no way to mount there"),
    D("writes over no mount", "CVE-2019-16884, CVE-2025-52881: a mount catches what is written to /proc",
      "core/init/system.c", "RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV", "RESOLVE_NO_MAGICLINKS",
      "unit/init-mount: behind a mount over procfs"),
    D("writes over no link", "CVE-2025-52881: a link leads what is written elsewhere",
      "core/init/system.c", ".resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |", ".resolve = RESOLVE_BENEATH |",
      "unit/init-mount: behind a link"),
    D("writes into the right file system", "CVE-2025-52881, CVE-2019-16884: the file is another's",
      "core/init/system.c", "if ((uint64_t)fs.f_type != magic)", "if (0 && (uint64_t)fs.f_type != magic)",
      "unit/init-mount: in another file system"),
    # --- devices
    D("the device that masks", "CVE-2025-31133: /dev/null of the image is something else",
      "core/init/mounts.c", "if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))", "if (0)",
      "unit/init-mount: a /dev/null that is a file masks nothing", "unit/init-mount: nor another device",
      SECURITY + "an image with its own null device cannot lift the masks: a file"),
    D("no link for the device that masks", "CVE-2025-31133: /dev/null of the image is a link",
      "core/init/mounts.c", 'path_open(root, "/dev/null", O_PATH | O_NOFOLLOW, 1)',
      'path_open(root, "/dev/null", O_PATH, 0)',
      "unit/init-mount: nor one that is a link"),
    D("devices that were there", "CVE-2025-31133: a node of the image passes for a device",
      "core/init/devices.c",
      "if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || (!S_ISFIFO(mode) && st.st_rdev != device))", "if (0)",
      "unit/init-path: another device in its place is refused, and left alone",
      "unit/init-path: a link to a file of the host in its place"),
    D("the terminal's master", "CVE-2025-52565: /dev/pts/ptmx is something else",
      "core/init/console.c", "if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || !on_devpts(fd))", "if (0)",
      "unit/init-mount: a ptmx that is another device"),
    D("no link for /dev/console", "CVE-2025-52565: /dev/console is a link of the image",
      "core/init/console.c", 'path_target(root, "/dev/console", 0, 1)', 'path_target(root, "/dev/console", 0, 0)',
      SECURITY + "a console that is a link is not followed"),
    D("no fall back to a path", "a tree with mount namespaces in it, which move_mount refuses: another way to "
      "attach it would go by a path that now means the container's",
      "core/init/mounts.c", 'return sys_move_mount(fd, target, "", MOVE_MOUNT_T_EMPTY_PATH);',
      'if (!sys_move_mount(fd, target, "", MOVE_MOUNT_T_EMPTY_PATH))\n        return 0;\n'
      '    char name[PATH_OF_DESCRIPTOR];\n    path_of_descriptor(name, target);\n'
      '    return errno == ELOOP ? mount("/", name, NULL, MS_BIND, NULL) : -1;',
      SECURITY + "a source with a mount namespace in it is an error and nothing else is shown"),
    # --- what enters the container
    D("a sealed memfd", "CVE-2019-5736: the container overwrites the runtime through /proc/PID/exe",
      "core/linux/clone.c", "F_SEAL_GROW | F_SEAL_WRITE)", "F_SEAL_GROW)",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("a program of its own", "CVE-2019-5736: the runtime's own file is executed in the container",
      "core/linux/clone.c", 'int fd = sealed("hozo-init", MFD_EXEC, hozo_init_image, hozo_init_size);',
      'int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); (void)sealed;\n'
      '    static const char name[] = "/var/lib/hozo-init-mutation";\n'
      '    int to = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);\n'
      '    if (write(to, hozo_init_image, hozo_init_size) < 0) return -1;\n'
      '    close(to), close(fd), fd = open(name, O_RDONLY | O_CLOEXEC);\n    unlink(name);',
      START + "the waiting process is no file of the host",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("not dumpable before it joins", "CVE-2016-9962: a process that joins is traced, its descriptors are taken",
      "core/init/main.c", "    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);\n", "",
      START + "the waiting process is not dumpable"),
    D("not dumpable as another user", "CVE-2016-9962: the change of user makes it dumpable where the sysctl says so",
      "core/init/identity.c", "if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)", "if (0)",
      "unit/init-process: user, groups, capabilities, not dumpable"),
    D("slots that are spent", "CVE-2016-9962, CVE-2024-21626: descriptors of the host come into the container",
      "core/init/process.c", "    slots_spend(in);\n", "",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("descriptors of the caller", "CVE-2024-21626: a descriptor that the caller left open",
      "core/cli/main.c", "if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC))", "if (0)",
      HOOKS + "a hook gets no descriptor but its three"),
    D("a working directory inside", "CVE-2024-21626: the working directory lies behind a descriptor",
      "core/init/identity.c", "return op->arg[1] ? check_inside(in) : 0;", "(void)check_inside;\n    return 0;",
      "unit/init-process: one that lies outside of the root",
      SECURITY + "a working directory behind a descriptor that was preserved is refused"),
]


def table():
    rows = ["| against | defence | without it these fail |", "|---|---|---|"]
    for d in DEFENCES:
        tests = "<br>".join(f"`{t}`" for t in d.tests)
        rows.append(f"| {d.against} | {d.name}: `{d.file}` | {tests} |")
    return "\n".join(rows) + "\n"


def page(text):
    """The text of docs/security-tests.md with the table of today."""
    return re.sub(r"(<!-- defences -->\n).*?(<!-- end -->)", lambda m: m[1] + table() + m[2], text, flags=re.S)
