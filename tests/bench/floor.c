/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what the kernel alone costs for the container of this benchmark.
 *
 *     floor ROOTFS CGROUP CONFIG STATE     runs /bin/true in ROOTFS, exits with its status
 *
 * It is the yardstick of `hozo run`, not a runtime: one container, written down in the tables
 * below, for cgroup v2. It makes the system calls that an ideal runtime has to make for the same
 * config.json, in the same order and between the same three processes, and nothing else: it parses
 * no JSON, plans nothing and has no message for an error but the call's name. It is linked with the C
 * library as a distribution's programs are; `floor-init` is the same program linked static, which starts
 * faster than any program that loads plugins can.
 *
 * Deliberately included, since a safe runtime cannot leave it out:
 *   - a sealed copy of the program, executed before anything is joined or cloned: no process in a
 *     container may have the host's binary as its executable (CVE-2019-5736);
 *   - mounts by descriptor (openat2, open_tree, fsopen, move_mount), as the root is not trusted;
 *   - the configuration's frozen copy, the state written before the first effect, with the pid, and
 *     when all is set up, and the two FIFOs, through which a later `start` would speak.
 * Left out: whatever only serves other containers (plan, plugins, hooks, user namespaces,
 * terminals).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ARGV_INIT     "floor-init"
#ifndef MNT_DETACH /* of sys/mount.h, which older C libraries cannot include beside linux/mount.h  \
                    */
#define MNT_DETACH 2
#endif

/* ---- the container: the configuration that `run` writes, by hand ---- */

#define NOSUID_NOEXEC_NODEV (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)
#define NAMESPACES                                                                                 \
    (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWCGROUP)
#define HOSTNAME     "bench"
#define NOFILE_LIMIT 1024

/* clang-format off */
static const struct {
    const char *target, *type, *source;
    unsigned int attributes;
    const char *options[4][2];
} mounts[] = {
    { "/proc", "proc", "proc", 0, { { NULL } } },
    { "/dev", "tmpfs", "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
      { { "mode", "755" }, { "size", "65536k" } } },
    { "/dev/pts", "devpts", "devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
      { { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" } } },
    { "/dev/shm", "tmpfs", "shm", NOSUID_NOEXEC_NODEV, { { "mode", "1777" }, { "size", "65536k" } } },
    { "/dev/mqueue", "mqueue", "mqueue", NOSUID_NOEXEC_NODEV, { { NULL } } },
    { "/sys", "sysfs", "sysfs", NOSUID_NOEXEC_NODEV | MOUNT_ATTR_RDONLY, { { NULL } } },
    { "/sys/fs/cgroup", "cgroup2", "cgroup", NOSUID_NOEXEC_NODEV | MOUNT_ATTR_RDONLY, { { NULL } } },
};

static const struct { const char *path; unsigned int major, minor; } nodes[] = {
    { "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
    { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
};

/* What the device program allows beside mknod; minor -1 is every minor. */
static const struct { int major, minor; } allowed[] = {
    { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 }, { 136, -1 },
};

static const struct { const char *path, *target; } links[] = {
    { "dev/fd", "/proc/self/fd" },       { "dev/stdin", "/proc/self/fd/0" },
    { "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
    { "dev/core", "/proc/kcore" },       { "dev/ptmx", "pts/ptmx" },
};

static const char *const masked[] = {
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
};
static const char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};
static const unsigned int capabilities[] = { CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE };
/* clang-format on */

/* ---- calls ---- */

/* Every call's result passes through here: a floor that skipped work would be a wrong yardstick. */
static int must(long result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "floor: %s: %s\n", call, strerror(errno));
        exit(1);
    }
    return (int)result;
}

static int must_move(int tree, int target)
{
    return must(syscall(SYS_move_mount, tree, "", target, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
                "move_mount");
}

static void must_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr attr)
{
    must(syscall(SYS_mount_setattr, dirfd, path, flags, &attr, sizeof(attr)), "mount_setattr");
}

static int open_in(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static void tell(int sync, int value)
{
    must(send(sync, &value, sizeof(value), MSG_NOSIGNAL), "send");
}

static int hear(int sync)
{
    int value = 0;
    if (recv(sync, &value, sizeof(value), 0) != sizeof(value))
        exit(1); /* the other side has said why */
    return value;
}

/* ---- the runtime: files, cgroup, sealed image ---- */

static struct runtime {
    const char *rootfs, *cgroup_path, *config, *state_path;
    int state, cgroup;
    pid_t init;
} runtime = {.state = -1, .cgroup = -1};

/* Runs at exit, on success and on failure. The child of a failed set-up ends with its socket. */
static void clean_up(void)
{
    static const char *const files[] = {"config.json", "state.json", "state.new", "start",
                                        "result"};

    if (runtime.init > 0) {
        kill(runtime.init, SIGKILL);
        waitpid(runtime.init, NULL, 0);
    }
    if (runtime.cgroup >= 0)
        rmdir(runtime.cgroup_path);
    if (runtime.state >= 0) {
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
            unlinkat(runtime.state, files[i], 0);
        rmdir(runtime.state_path);
    }
}

static void write_file(const char *name, const char *text, size_t length)
{
    int fd =
        must(openat(runtime.state, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), name);
    must(write(fd, text, length), name);
    must(close(fd), name);
}

static void write_state(const char *status)
{
    char text[1024];
    int length = snprintf(text, sizeof(text),
                          "{\"id\":\"floor\",\"status\":\"%s\",\"pid\":%d,\"rootfs\":\"%s\","
                          "\"cgroup\":\"%s\"}",
                          status, runtime.init, runtime.rootfs, runtime.cgroup_path);
    write_file("state.new", text, (size_t)length);
    must(renameat(runtime.state, "state.new", runtime.state, "state.json"), "rename");
}

static void make_state(void)
{
    static char config[64 * 1024];

    must(mkdir(runtime.state_path, 0700), "mkdir state");
    runtime.state =
        must(open(runtime.state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open state");
    must(flock(runtime.state, LOCK_EX), "flock");
    int fd = must(open(runtime.config, O_RDONLY | O_CLOEXEC), "open config");
    ssize_t length = must(read(fd, config, sizeof(config)), "read config");
    must(close(fd), "close");
    write_file("config.json", config, (size_t)length);
    write_state("creating");
}

struct program {
    struct bpf_insn insns[128];
    unsigned int count;
};

static void emit(struct program *p, int code, int dst, int src, int off, int imm)
{
    p->insns[p->count++] = (struct bpf_insn){.code = (uint8_t)code,
                                             .dst_reg = (uint8_t)(dst & 15),
                                             .src_reg = (uint8_t)(src & 15),
                                             .off = (int16_t)off,
                                             .imm = imm};
}

static void emit_return(struct program *p, int value)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* r2 type, r3 access, r4 major, r5 minor, from struct bpf_cgroup_dev_ctx. */
static int load_device_program(void)
{
    struct program p = {.count = 0};

    emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0);
    emit(&p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    emit(&p, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    emit(&p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
    emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, 4, 0);
    emit(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, 8, 0);
    emit(&p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_3, 0, 2, BPF_DEVCG_ACC_MKNOD);
    emit_return(&p, 1);
    emit(&p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 2, BPF_DEVCG_DEV_CHAR);
    emit_return(&p, 0);
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        bool every = allowed[i].minor < 0;
        emit(&p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, every ? 2 : 3, allowed[i].major);
        if (!every)
            emit(&p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 2, allowed[i].minor);
        emit_return(&p, 1);
    }
    emit_return(&p, 0);

    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                           .insns = (uintptr_t)p.insns,
                           .insn_cnt = p.count,
                           .license = (uintptr_t) "Apache"};
    return must(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "load device program");
}

static void make_cgroup(void)
{
    must(mkdir(runtime.cgroup_path, 0755), "mkdir cgroup");
    runtime.cgroup =
        must(open(runtime.cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open cgroup");
    int program = load_device_program();
    union bpf_attr attr = {.target_fd = (uint32_t)runtime.cgroup,
                           .attach_bpf_fd = (uint32_t)program,
                           .attach_type = BPF_CGROUP_DEVICE,
                           .attach_flags = BPF_F_ALLOW_MULTI};
    must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)), "attach device program");
    must(close(program), "close");
}

static int make_fifo(const char *name)
{
    must(mknodat(runtime.state, name, S_IFIFO | 0600, 0), "mknod fifo");
    return must(openat(runtime.state, name, O_RDWR | O_CLOEXEC), "open fifo");
}

/* This program serves as the image too: static with musl it has the size of a small init. */
/* The init is static, as it must be; the program itself is linked like any other C program, and once
 * more, for comparison, static too: then it is its own init. */
static int open_image(void)
{
    char path[4096] = "/proc/self/exe";

#ifdef FLOOR_SHARED
    ssize_t n = must((int)readlink("/proc/self/exe", path, sizeof(path) - 8), "readlink");

    strcpy(path + n, "-init");
#endif
    return must(open(path, O_RDONLY | O_CLOEXEC), "open image");
}

static int seal_image(void)
{
    struct stat st;
    int self = open_image();
    int image = must(memfd_create("floor-init", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");

    must(fstat(self, &st), "fstat");
    if (must(sendfile(image, self, NULL, (size_t)st.st_size), "sendfile") != st.st_size)
        exit(1);
    must(fcntl(image, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
         "seal");
    must(close(self), "close");
    return image;
}

/* Born in its cgroup, still in the runtime's namespaces. */
static pid_t spawn_stage(int image, int sync, int start, int result)
{
    struct clone_args args = {.flags = CLONE_VFORK | CLONE_INTO_CGROUP,
                              .exit_signal = SIGCHLD,
                              .cgroup = (uint64_t)runtime.cgroup};
    char slots[64];
    char *argv[] = {(char[]){ARGV_INIT}, (char *)(uintptr_t)runtime.rootfs, slots, NULL};
    char *envp[] = {NULL};

    snprintf(slots, sizeof(slots), "%d,%d,%d", sync, start, result);
    pid_t pid = must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
    if (pid > 0)
        return pid;
    fcntl(sync, F_SETFD, 0);
    fcntl(start, F_SETFD, 0);
    fcntl(result, F_SETFD, 0);
    syscall(SYS_execveat, image, "", argv, envp, AT_EMPTY_PATH);
    _exit(1);
}

/* ---- the runtime: the dialogue with the child ---- */

/* The start time tells this process from a later one with the same number. */
static void read_start_time(void)
{
    char path[64], stat[1024];

    snprintf(path, sizeof(path), "/proc/%d/stat", runtime.init);
    int fd = must(open(path, O_RDONLY | O_CLOEXEC), "open stat");
    must(read(fd, stat, sizeof(stat)), "read stat");
    must(close(fd), "close");
}

static void create(void)
{
    int pair[2];

    make_state();
    make_cgroup();
    int start = make_fifo("start"), result = make_fifo("result");
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
    int image = seal_image();
    pid_t stage = spawn_stage(image, pair[1], start, result);
    must(close(pair[1]), "close");
    must(close(image), "close");
    must(close(start), "close");
    must(close(result), "close");

    runtime.init = hear(pair[0]);
    int pidfd = must(syscall(SYS_pidfd_open, runtime.init, 0), "pidfd_open");
    must(waitpid(stage, NULL, 0), "waitpid");
    read_start_time();
    write_state("creating");
    tell(pair[0], 0);

    hear(pair[0]); /* the set-up is done, a small limit can no longer break it */
    struct rlimit limit = {NOFILE_LIMIT, NOFILE_LIMIT};
    must(prlimit(runtime.init, RLIMIT_NOFILE, &limit, NULL), "prlimit");
    tell(pair[0], 0);
    hear(pair[0]); /* created */
    must(close(pair[0]), "close");
    must(close(pidfd), "close");
    write_state("created");
}

static void start(void)
{
    char byte = 0;
    int result = must(openat(runtime.state, "result", O_RDONLY | O_NONBLOCK | O_CLOEXEC), "result");
    int go = must(openat(runtime.state, "start", O_WRONLY | O_NONBLOCK | O_CLOEXEC), "start");

    must(fcntl(result, F_SETFL, 0), "fcntl");
    must(write(go, "x", 1), "write start");
    if (read(result, &byte, 1) != 1 || byte != 'x' || read(result, &byte, 1) != 0)
        exit(1);
    must(close(go), "close");
    must(close(result), "close");
    must(unlinkat(runtime.state, "start", 0), "unlink");
    must(unlinkat(runtime.state, "result", 0), "unlink");
}

static int wait_for_end(void)
{
    int status;

    must(waitpid(runtime.init, &status, 0), "waitpid");
    runtime.init = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- inside: the root file system ---- */

static int attach_root(const char *rootfs)
{
    must_setattr(AT_FDCWD, "/", AT_RECURSIVE, (struct mount_attr){.propagation = MS_SLAVE});
    int tree = must(syscall(SYS_open_tree, AT_FDCWD, rootfs,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
                    "open_tree");
    must(syscall(SYS_move_mount, tree, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH),
         "move_mount");
    return tree;
}

static int make_filesystem(const char *type, const char *source, const char *const options[4][2],
                           unsigned int attributes)
{
    int fs = must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);

    must(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0), "fsconfig source");
    for (int i = 0; options && i < 4 && options[i][0]; i++)
        must(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0),
             options[i][0]);
    must(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "fsconfig create");
    int tree = must(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes), "fsmount");
    must(close(fs), "close");
    return tree;
}

static void mount_all(int root)
{
    for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
        int target = open_in(root, mounts[i].target);
        if (target < 0) { /* only below the container's own /dev: `run` makes the others */
            must(mkdirat(root, mounts[i].target + 1, 0755), mounts[i].target);
            target = must(open_in(root, mounts[i].target), mounts[i].target);
        }
        int tree = make_filesystem(mounts[i].type, mounts[i].source, mounts[i].options,
                                   mounts[i].attributes);
        must_move(tree, target);
        must(close(tree), "close");
        must(close(target), "close");
    }
}

/* By paths below the root's descriptor: /dev is a file system that was made a moment ago. */
static void fill_dev(int root)
{
    umask(0);
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
        must(mknodat(root, nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
             nodes[i].path);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        must(symlinkat(links[i].target, root, links[i].path), links[i].path);
}

static void pivot(int root)
{
    must(fchdir(root), "fchdir");
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(syscall(SYS_umount2, ".", MNT_DETACH), "umount2");
    must(chdir("/"), "chdir");
}

/* A directory is covered by one empty read-only file system, shared by all; a file by /dev/null. */
static void mask_all(int root)
{
    int empty = -1;

    for (size_t i = 0; i < ARRAY_SIZE(masked); i++) {
        struct stat st;
        int tree, target = open_in(root, masked[i]);
        if (target < 0 && errno == ENOENT)
            continue;
        must(target, masked[i]);
        must(fstat(target, &st), "fstat");
        if (!S_ISDIR(st.st_mode)) {
            tree =
                must(syscall(SYS_open_tree, root, "dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
                     "open_tree");
        } else if (empty < 0) {
            tree = make_filesystem("tmpfs", "tmpfs", NULL, MOUNT_ATTR_RDONLY);
            empty = must(fcntl(tree, F_DUPFD_CLOEXEC, 0), "dup");
        } else {
            tree = must(syscall(SYS_open_tree, empty, "",
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH),
                        "open_tree");
        }
        must_move(tree, target);
        must(close(tree), "close");
        must(close(target), "close");
    }
    if (empty >= 0)
        must(close(empty), "close");
}

static void make_readonly(int root)
{
    for (size_t i = 0; i < ARRAY_SIZE(readonly); i++) {
        int target = open_in(root, readonly[i]);
        if (target < 0 && errno == ENOENT)
            continue;
        must(target, readonly[i]);
        int tree = must(syscall(SYS_open_tree, target, "",
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE),
                        "open_tree");
        must_setattr(tree, "", AT_EMPTY_PATH, (struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY});
        must_move(tree, target);
        must(close(tree), "close");
        must(close(target), "close");
    }
    must_setattr(root, "", AT_EMPTY_PATH, (struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY});
}

/* ---- inside: the process ---- */

static void become_user(void)
{
    uint64_t keep = 0;

    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
        keep |= 1ULL << capabilities[i];
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (!(keep >> cap & 1))
            must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "drop from bounding set");
    }
    must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keepcaps");
    must(syscall(SYS_setgroups, 0, NULL), "setgroups");
    must(syscall(SYS_setresgid, 0, 0, 0), "setresgid");
    must(syscall(SYS_setresuid, 0, 0, 0), "setresuid");

    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)keep, (uint32_t)keep, (uint32_t)keep},
        {(uint32_t)(keep >> 32), (uint32_t)(keep >> 32), (uint32_t)(keep >> 32)},
    };
    must(syscall(SYS_capset, &header, data), "capset");
    must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient");
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
        must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capabilities[i], 0, 0), "raise ambient");
}

static void enter(int sync, const char *rootfs)
{
    must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig");
    hear(sync);
    must(setsid(), "setsid");
    must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_ses.floor"), "keyctl");
    int root = attach_root(rootfs);
    mount_all(root);
    fill_dev(root);
    pivot(root);
    must(sethostname(HOSTNAME, strlen(HOSTNAME)), "sethostname");
    mask_all(root);
    make_readonly(root);
    must(close(root), "close");
    umask(022);
    tell(sync, 0);
    hear(sync);
}

static void run_program(int sync, int start_fifo, int result)
{
    char *argv[] = {(char[]){"/bin/true"}, NULL};
    char *envp[] = {(char[]){"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                    (char[]){"TERM=xterm"}, (char[]){"HOME=/root"}, NULL};
    char cwd[16], byte;

    become_user();
    must(chdir("/"), "chdir");
    if (!getcwd(cwd, sizeof(cwd)))
        exit(1);
    must(access(argv[0], X_OK), "access");
    must(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0), "pdeathsig");
    tell(sync, 0);
    must(close(sync), "close");
    if (read(start_fifo, &byte, 1) != 1)
        exit(1);
    must(write(result, "x", 1), "write result");
    must(execve(argv[0], argv, envp), "execve");
}

/* The sealed image: first the stage process, in the runtime's namespaces, then the one inside. */
static int init_main(const char *rootfs, const char *slots)
{
    int sync, start_fifo, result;
    sigset_t none;
    struct clone_args args = {.flags = NAMESPACES | CLONE_PARENT};

    must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable");
    must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig");
    sigemptyset(&none);
    must(sigprocmask(SIG_SETMASK, &none, NULL), "sigprocmask");
    if (sscanf(slots, "%d,%d,%d", &sync, &start_fifo, &result) != 3)
        return 1;
    fcntl(sync, F_SETFD, FD_CLOEXEC);
    fcntl(start_fifo, F_SETFD, FD_CLOEXEC);
    fcntl(result, F_SETFD, FD_CLOEXEC);

    pid_t pid = must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
    if (pid > 0) {
        tell(sync, pid);
        return 0;
    }
    enter(sync, rootfs);
    run_program(sync, start_fifo, result);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[0], ARGV_INIT) == 0)
        return init_main(argv[1], argv[2]);
    if (argc != 5) {
        fprintf(stderr, "usage: floor ROOTFS CGROUP CONFIG STATE\n");
        return 2;
    }
    runtime.rootfs = argv[1];
    runtime.cgroup_path = argv[2];
    runtime.config = argv[3];
    runtime.state_path = argv[4];
    must(syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */), "close_range");
    atexit(clean_up);
    create();
    start();
    return wait_for_end();
}
