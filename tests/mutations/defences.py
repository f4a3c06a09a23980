# SPDX-License-Identifier: Apache-2.0
"""The defences of SECURITY.md: where each stands in the source, and the tests that fail without it."""
import collections
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
Defence = collections.namedtuple("Defence", "name against file there instead tests")


def D(name, against, file, there, instead, *tests):
    """`there` occurs once in the file; `instead` takes its place when the defence is taken out."""
    return Defence(name, against, file, there, instead, tests)


HOSTILE, KERNELS = "integration/plugin_hostile: ", "integration/old_kernels: "
SECURITY, START, EXEC = "integration/security: ", "integration/start: ", "integration/exec: "
USERS = "integration/user_namespaces: "
ATTACKS, HOOKS, NEIGHBOURS = "integration/defences: ", "integration/hooks: ", "integration/neighbours: "

DEFENCES = [
    # --- paths of the container
    D("resolution below the root",
      "CVE-2021-30465, CVE-2024-45310, CVE-2026-41579, CVE-2026-47766: a link of the image leads out of it",
      "core/init/path.c", "        fd = syscall(SYS_openat2, root, path, &how, sizeof how);",
      "        how.resolve &= ~(uint64_t)RESOLVE_IN_ROOT;\n"
      '        path = path[0] != \'/\' ? path : path[1] ? path + 1 : ".";\n'
      "        fd = syscall(SYS_openat2, root, path, &how, sizeof how);",
      ATTACKS + "devices of an image whose dev is a link do not reach the host",
      SECURITY + "a mount point behind a link stays in the root: absolute",
      SECURITY + "a device or link behind a link stays in the root"),
    D("targets that are descriptors",
      "CVE-2021-30465: the target becomes a link between being looked at and being mounted on",
      "core/init/path.c",
      "    if (fd >= 0 || errno != ENOENT)\n        return fd;\n    if (directory)",
      "    if (fd >= 0 && path[1])\n        close(fd), fd = openat(root, path + 1, O_PATH | O_CLOEXEC);\n"
      "    if (fd >= 0 || errno != ENOENT)\n        return fd;\n    if (directory)",
      ATTACKS + "a mount point that becomes a link meanwhile does not reach the host"),
    D("directories made by descriptor",
      "CVE-2024-45310: a directory becomes a link while those below it are made",
      "core/init/path.c", "mkdirat(parent, start, mode)", "mkdirat(((void)start, root), path + 1, mode)",
      ATTACKS + "a directory that becomes a link while others are made in it does not reach the host"),
    D("no links before proc and sysfs",
      "CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc or /sys of the image is a link",
      "core/linux/mounts.c", "(strict ? HOW_NO_SYMLINKS : 0)", "(strict ? 0 : 0)",
      ATTACKS + "proc and sysfs are not mounted behind a link: proc",
      ATTACKS + "proc and sysfs are not mounted behind a link: sys"),
    D("no magic links",
      "CVE-2024-21626: a path through /proc/PID/fd leads to the host",
      "core/init/path.c", "RESOLVE_NO_MAGICLINKS |\n", "0 |\n",
      "unit/init-path: a magic link is not followed"),
    # --- what is written into /proc
    D("the list of mounts below /proc", "CVE-2019-16884: a mount over /proc hides what is written there",
      "core/linux/mounts.c", 'return fail(err, 0, path, "%s: mounts below /proc are refused", target);',
      "return 0;",
      "plans: error-mount-below-proc"),
    D("no mount in /proc behind a link", "CVE-2019-16884: the link is the image's",
      "core/init/mounts.c", "fs.f_type == PROC_SUPER_MAGIC ? refuse(EPERM) : 0", "0",
      ATTACKS + "a link into proc is no way to mount there"),
    D("writes over no mount", "CVE-2019-16884, CVE-2025-52881: a mount catches what is written to /proc",
      "core/init/system.c", "RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV", "RESOLVE_NO_MAGICLINKS",
      "unit/init-mount: behind a mount over procfs"),
    D("writes over no link", "CVE-2025-52881: a link leads what is written elsewhere",
      "core/init/system.c", ".resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |", ".resolve = RESOLVE_BENEATH |",
      "unit/init-mount: behind a link"),
    D("writes into the right file system", "CVE-2025-52881, CVE-2019-16884: the file is another's",
      "core/init/system.c", "if ((uint64_t)fs.f_type != magic)", "if (0 && (uint64_t)fs.f_type != magic)",
      "unit/init-mount: in another file system"),
    D("a procfs of the host that is one", "CVE-2025-52881: /proc of a nested host is something else",
      "core/linux/host-ops.c",
      "    if (fstatfs(fd, &type) < 0 || type.f_type != PROC_SUPER_MAGIC || fstat(fd, &st) < 0 ||\n"
      "        st.st_ino != PROC_ROOT_INO)", "    if (fstatfs(fd, &type) < 0 || fstat(fd, &st) < 0)",
      KERNELS + "where no procfs can be made another file system on proc does not serve"),
    # --- devices
    D("the device that masks", "CVE-2025-31133: /dev/null of the image is something else",
      "core/init/mounts.c", "if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))", "if (0)",
      "unit/init-mount: a /dev/null that is a file masks nothing", "unit/init-mount: nor another device",
      ATTACKS + "an image with its own null device cannot lift the masks: a file"),
    D("devices that were there", "CVE-2025-31133: a node of the image passes for a device",
      "core/init/devices.c",
      "if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || (!S_ISFIFO(mode) && st.st_rdev != device))",
      "if (device == 1)",
      "unit/init-path: another device in its place is refused, and left alone",
      "unit/init-path: a link to a file of the host in its place"),
    D("the terminal's master", "CVE-2025-52565: /dev/pts/ptmx is something else",
      "core/init/console.c", "if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || !on_devpts(fd))", "if (0)",
      "unit/init-mount: a ptmx that is another device"),
    D("no link for /dev/console", "CVE-2025-52565: /dev/console is a link of the image",
      "core/init/console.c", 'path_target(root, "/dev/console", 0, 1)', 'path_target(root, "/dev/console", 0, 0)',
      ATTACKS + "a console that is a link to another file of the image is not covered"),
    D("no fall back to a path", "a tree with mount namespaces in it, which move_mount refuses: another way to "
      "attach it would go by a path that now means the container's",
      "core/init/mounts.c", 'return sys_move_mount(fd, target, "", MOVE_MOUNT_T_EMPTY_PATH);',
      'if (!sys_move_mount(fd, target, "", MOVE_MOUNT_T_EMPTY_PATH))\n        return 0;\n'
      '    char name[PATH_OF_DESCRIPTOR];\n    path_of_descriptor(name, target);\n'
      '    return errno == ELOOP ? mount("/", name, NULL, MS_BIND, NULL) : -1;',
      ATTACKS + "a source with a mount namespace in it is an error and nothing else is shown"),
    # --- what enters the container
    D("a sealed memfd", "CVE-2019-5736: the container overwrites the runtime through /proc/PID/exe",
      "core/linux/image.c", "F_SEAL_GROW | F_SEAL_WRITE)", "F_SEAL_GROW)",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("a program of its own", "CVE-2019-5736: the runtime's own file is executed in the container",
      "core/linux/image.c", '    int fd = sealed_memfd("hozo-init", MFD_EXEC, hozo_init_image, hozo_init_size);\n',
      '    static const char name[] = "/var/lib/hozo-init-without-defence";\n'
      '    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);\n'
      '    if (write(fd, hozo_init_image, hozo_init_size) < 0)\n        return -1;\n'
      '    close(fd), fd = open(name, O_RDONLY | O_CLOEXEC), unlink(name);\n',
      START + "the waiting process is no file of the host",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("a read-only tmpfs", "CVE-2019-5736, where memfds may not be executed",
      "core/linux/image.c", "if (make_read_only(fs) < 0)", "if (0 && make_read_only(fs) < 0)",
      "integration/image: the file is mounted nowhere and read only",
      NEIGHBOURS + "exec without executable memfds brings nothing of the host"),
    D("not dumpable before it joins", "CVE-2016-9962: a process that joins is traced, its descriptors are taken",
      "core/init/main.c", "    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);\n", "",
      ATTACKS + "hozo init cannot be looked at by others of its user"),
    D("not dumpable as another user", "CVE-2016-9962: the change of user makes it dumpable where the sysctl says so",
      "core/init/identity.c", "if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)", "if (0)",
      ATTACKS + "after its change of user hozo init says again that it is not dumpable"),
    D("slots that are spent", "CVE-2016-9962, CVE-2024-21626: descriptors of the host come into the container",
      "core/init/process.c", "    slots_spend(in);\n", "",
      NEIGHBOURS + "create in a joined pid namespace brings the plans slots only"),
    D("descriptors of the caller", "CVE-2024-21626: a descriptor that the caller left open",
      "core/cli/main.c", "if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC))", "if (0)",
      ATTACKS + "what the caller left open is close on exec in hozo already"),
    D("descriptors of libraries", "CVE-2024-21626: a vendor's library forgets O_CLOEXEC",
      "core/linux/clone.c", "    syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */);\n", "",
      HOSTILE + "a descriptor that a plugin keeps open reaches nobody"),
    D("a working directory inside", "CVE-2024-21626: the working directory lies behind a descriptor",
      "core/init/identity.c", "return op->arg[1] ? check_inside(in) : 0;", "(void)check_inside;\n    return 0;",
      "unit/init-process: one that lies outside of the root",
      ATTACKS + "a working directory behind a descriptor that was preserved is refused: exec"),
    D("descriptors from hozo-init on", "CVE-2024-21626: what hozo needs itself comes into the container",
      "core/init/main.c", "if (syscall(SYS_close_range, 3 + in.plan->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC_) < 0)",
      "if (0)",
      ATTACKS + "a hook inside gets no descriptor of the host"),
    D("no environment", "CVE-2025-23266, CVE-2019-14271: variables of the caller select what is loaded",
      "core/linux/clone.c", "*const envp[] = {NULL};", "**envp = environ;",
      NEIGHBOURS + "exec brings nothing of the host: with the caller's streams"),
    D("a program without libraries", "CVE-2019-14271: what is loaded in the container is the container's",
      "core/init/meson.build", "'-Os', '-static', '-s',", "'-Os', '-s',",
      "integration/program: hozo init is static"),
    D("accounts read by hozo itself", "CVE-2019-14271: the C library opens what the image tells it to",
      "core/init/process.c", "    auto_free char *text = read_passwd(slot_fd(in, op->arg[0]));",
      "    auto_free char *text = read_passwd(slot_fd(in, op->arg[0]));\n"
      '    int nss = open("/etc/nsswitch.conf", O_RDONLY | O_CLOEXEC);\n    cleanup_close(&nss);',
      ATTACKS + "no library locale or account service of the image is opened: run"),
    D("an account file that is a file", "the image's /etc/passwd blocks, or is endless",
      "core/init/process.c", "O_RDONLY | O_NONBLOCK | O_NOCTTY", "O_RDONLY | O_NOCTTY",
      SECURITY + "an account file that blocks does not hang"),
    D("the old root is taken off", "the host stays reachable below the new root",
      "core/init/root.c", '||\n        umount2(".", MNT_DETACH) < 0)', ")",
      "integration/filesystem: nothing of the hosts mounts is left"),
    # --- what the program gets
    D("inheritable capabilities", "CVE-2022-29162, CVE-2022-27650: they come back through a file",
      "core/init/identity.c", "data[i].inheritable = (uint32_t)(op->arg[2] >> (32 * i));",
      "data[i].inheritable = (uint32_t)(op->arg[1] >> (32 * i));",
      SECURITY + "inheritable capabilities are empty unless configured"),
    D("inheritable capabilities of exec", "CVE-2022-29162: --cap adds to them",
      "core/exec-process.c", "bool grows = i < 3 || (i == 4 && inherits);", "bool grows = i < 5;",
      EXEC + "a capability is added but never inheritable"),
    D("inheritable capabilities of spec", "CVE-2022-27650: the configuration that is offered has them",
      "core/cli/spec.c", '"      \\"permitted\\": " CAPABILITIES "\\n"',
      '"      \\"permitted\\": " CAPABILITIES ", \\"inheritable\\": " CAPABILITIES "\\n"',
      ATTACKS + "the configuration that spec writes has no inheritable capabilities"),
    D("read-only control groups", "CVE-2023-25809: the option is lost where the hierarchy is bound",
      "core/linux/cgroup-mount.c",
      "NUM(o->set), NUM(0), NUM(0), NUM(0), NUM(o->propagation),",
      "NUM(0), NUM(0), NUM(0), NUM(0), NUM(o->propagation),",
      ATTACKS + "a cgroup mount is read only if the configuration says so: without"),
    D("a hierarchy of the host is read-only", "CVE-2023-25809: a user namespace without its own cgroup namespace",
      "core/linux/cgroup-mount.c", "NUM(o->set | MOUNT_ATTR_RDONLY), NUM(0), NUM(MOUNT_ATTR_RDONLY), NUM(0),",
      "NUM(o->set), NUM(0), NUM(0), NUM(0),",
      ATTACKS + "the hosts hierarchy in a user namespace is read only whatever the configuration says"),
    D("read-only control groups of v1", "CVE-2023-25809: the option is lost where the hierarchy is mounted",
      "core/linux/cgroup-mount.c", "STR(\"cgroup\"), LIST(list), NUM(o->set),", "STR(\"cgroup\"), LIST(list), NUM(0),",
      ATTACKS + "a cgroup mount is read only if the configuration says so: with a cgroup namespace"),
    D("read-only control groups of v2", "CVE-2023-25809: the option is lost",
      "core/linux/cgroup-mount.c", "STR(\"cgroup\"), LIST(o->data), NUM(o->set),",
      "STR(\"cgroup\"), LIST(o->data), NUM(0),",
      ATTACKS + "a cgroup mount is read only if the configuration says so on cgroup v2: with a cgroup namespace",
      ATTACKS + "a cgroup mount is read only if the configuration says so on cgroup v2: without"),
    # --- words of the caller
    D("numbers of users", "CVE-2026-30892: a user half understood is root",
      "core/exec-process.c", "|| (**s && **s != end))", ")",
      EXEC + "a user that is no number is refused"),
    D("the number that means no change", "user 4294967295 would stay root",
      "core/linux/process.c", "if (id == UINT32_MAX)", "if (0)",
      "plans: error-uid-that-means-no-change"),
    D("letters of an ID", "an ID leads out of the state directory",
      "core/state.c", "0123456789_+-.\") != length)", "0123456789_+-.\") != length && 0)",
      "integration/bad_input: an id with odd characters: '../x'"),
    D("an ID that is a directory", "an ID leads out of the state directory",
      "core/state.c", '|| !strcmp(id, "..")', "",
      "integration/bad_input: an id with odd characters: '..'"),
    D("hooks without variables", "CVE-2025-23266: a hook inherits LD_PRELOAD",
      "core/program.c", "(char *const *)(p->env ? p->env : nothing)", "environ",
      HOOKS + "a hook without env gets no environment"),
    D("hooks without descriptors", "CVE-2024-21626: a hook inherits what a vendor's library left open",
      "core/program.c", "    posix_spawn_file_actions_addclosefrom_np(&actions, 3);\n", "",
      HOSTILE + "a descriptor that a plugin keeps open reaches nobody"),
    D("sysctls of namespaces only", "a container changes the host's settings",
      "core/linux/system.c", 'if (!type || strstr(file, ".."))', "if (!type)",
      "plans: error-sysctl-leads-out"),
    D("sysctls of its own namespaces", "the namespace that is joined is the host's",
      "core/linux/host-ops.c", "if (check_foreign(c, op, fd, err) < 0)", "if (0)",
      ATTACKS + "a namespace that is joined and is the hosts is not changed: net",
      ATTACKS + "a namespace that is joined and is the hosts is not changed: uts"),
    # --- who is spoken to
    D("a process and not its number", "a signal hits a stranger that has got the pid",
      "core/state.c", "|| start_time != s->start_time)", ")",
      "unit/state: another process of the same pid",
      ATTACKS + "a stranger that has got the pid is not touched: kill",
      ATTACKS + "a stranger that has got the pid is not touched: delete --force"),
    D("what cannot be looked at goes on", "a running container is forgotten, and its process goes on",
      "core/state.c", "if (pidfd < 0 && errno == ESRCH)", "if (pidfd < 0)",
      KERNELS + "without pidfds a container that runs is not taken for stopped",
      KERNELS + "without pidfds a container that waits is not taken for stopped"),
    D("a child of its own", "a neighbour tells hozo another pid than the process's",
      "core/linux/launch.c", "if (waitid(P_PID, m.value, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)",
      "(void)info;\n    if (0)",
      NEIGHBOURS + "who speaks for a process at its birth cannot have another killed"),
    D("phases in their order", "a neighbour says that all is set up, or has work done twice",
      "core/linux/launch.c", "if (m.type == SYNC_CREATED && phase == PHASE_COUNT)", "if (m.type == SYNC_CREATED)",
      NEIGHBOURS + "who speaks for a container cannot say that all is set up"),
    D("phases that are due", "a neighbour has work done twice",
      "core/linux/launch.c", "if (m.type != SYNC_PHASE || m.value != phase || phase == PHASE_COUNT)",
      "if (m.type != SYNC_PHASE)",
      NEIGHBOURS + "who speaks for hozo init cannot say: that a phase is due again"),
    D("files of plugins", "a plugin is slipped in",
      "core/plugin-trust.c", "if (S_ISLNK(st->st_mode) || !(st->st_mode & 022))", "if (1)",
      "integration/plugins: a file that others may write", "integration/plugins: a directory that others may write"),
    D("the interface of plugins", "a plugin for another hozo is run, and means something else",
      "core/plugin-load.c", "if (d->abi_major != HOZO_ABI_MAJOR)", "if (0)",
      "integration/plugins: another abi"),
    D("owners of plugins", "a plugin is slipped in",
      "core/plugin-trust.c", "if (!trusted(w, st->st_uid))", "if (0 && !trusted(w, st->st_uid))",
      "integration/plugins: a foreign owner"),
    # --- user namespaces
    D("sources opened in the container's mount namespace",
      "what the host has mounted read-only becomes writable for root of a user namespace",
      "core/init/sources.c", "        if (op->phase != PHASE_SOURCES)",
      "        if (op->phase != PHASE_SOURCES || op->kind == OP_JOIN)",
      USERS + "what the host mounted read only stays so"),
    D("groups that stay outside",
      "CVE-2018-7169: a user namespace that forbids setgroups keeps the groups of root",
      "core/init/process.c", "types & CLONE_NEWUSER && leave_groups(in) < 0", "0 && leave_groups(in) < 0",
      "integration/user_joins: groups of root do not get in"),
    D("groups that cannot be dropped", "a process with the groups of its caller, and nobody is told",
      "core/init/identity.c", "errno == EPERM && !size && in->keeps_groups", "errno == EPERM && !size",
      "integration/groups: where they cannot be dropped there is no container"),
    D("nothing but a procfs on /proc", "CVE-2019-16884: a directory of the image serves as /proc",
      "core/init/mounts.c", "if (attr[5] & HOW_OF_PROC && !path_is_procfs(tree))",
      "if (0 && attr[5] & HOW_OF_PROC && !path_is_procfs(tree))",
      "integration/proc_binds: nothing else is: a directory"),
    D("the number of a node that is bound", "the container gets another device than it was given",
      "core/init/mounts.c", "            st.st_rdev == device)", "            st.st_rdev + device)",
      "integration/user_devices: one of the name but of another number is passed over"),
    D("a death signal behind each change of user", "a process of a dead runtime goes on making a container",
      "core/init/identity.c", "op->phase < PHASE_IDENTITY && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0", "0",
      "integration/user_death: it ends in the midst of a hook: as root of a user namespace"),
    # --- what a caller or a container says
    D("files of the own group only", "a key of linux.resources.unified leads out of the container's group",
      "plugins/cgroup/unified.c", 'strpbrk(file, "/=")', 'strpbrk(file, "=")',
      "plans: error-unified-slash"),
    D("no freezing of what is not born yet", "linux.resources.unified: hozo waits for a process that never runs",
      "plugins/cgroup/unified.c", "if (is_runtimes(file))", "if (0)",
      "plans: error-unified-freezes", "plans: error-unified-moves"),
    D("a group below the container's own", "exec --cgroup leads a process out of the limits of its container",
      "core/linux/exec-cgroup.c", "    if (leads_up(path))",
      "    memset((void *)&how, 0, sizeof how), ((struct open_how *)&how)->flags = O_RDONLY | O_DIRECTORY;\n"
      "    if (0)",
      "integration/exec_cgroup: no path leads out",
      "integration/exec_cgroup: on cgroup v2 no path leads out"),
    D("one line for the service manager", "a container speaks to the host's service manager",
      "core/notify.c", "(size_t)(next - line) == strlen(ready) && !memcmp(line, ready, strlen(ready))",
      "next > line",
      "integration/notify: only the line ready means anything and nothing else gets out"),
]


def function(d):
    """The C function in which the defence stands, or nothing."""
    with open(f"{TOP}/{d.file}") as f:
        before = re.sub(r"__attribute__\(\(.*?\)\) ?", "", f.read().split(d.there)[0])
    names = re.findall(r"^\w[^;\n=]*?(\w+)\(", before, flags=re.M)
    return f"`{names[-1]}()` of " if d.file.endswith(".c") and names else ""


def table():
    rows = ["| against | defence | without it these fail |", "|---|---|---|"]
    for d in DEFENCES:
        tests = "<br>".join(f"`{t}`" for t in d.tests)
        rows.append(f"| {d.against} | {d.name}: {function(d)}`{d.file}` | {tests} |")
    return "\n".join(rows) + "\n"


def page(text):
    """The text of docs/security-tests.md with the table of today."""
    return re.sub(r"(<!-- defences -->\n).*?(<!-- end -->)", lambda m: m[1] + table() + m[2], text, flags=re.S)
