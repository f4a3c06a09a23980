/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts, masks, the terminal and the pivot, each in a mount namespace of its own. */
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/init/kernel.h"
#include "tests/unit/init_harness.h"

#define RO MOUNT_ATTR_RDONLY

static const char *const nothing[] = {NULL};

/* The image is a mount of its own, as `root` makes it. */
static struct plan_builder *rooted(void)
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("root"), SLOT(plan_slot(b, "root")), NUM(0));
    return b;
}

static void add_mount(struct plan_builder *b, const char *target, const char *type,
                      const char *const *options, uint64_t set, uint64_t how)
{
    plan_op(b, PHASE_MOUNTS, MOUNT, "mounts", SLOT(0), STR(target), STR(type), STR(type),
            LIST(options), NUM(set), NUM(0), NUM(how));
}

static void add_bind(struct plan_builder *b, const char *source, const char *target, uint64_t set,
                     uint64_t propagation)
{
    plan_op(b, PHASE_MOUNTS, BIND, "mounts", SLOT(0), STR(target), STR(source), NUM(1), NUM(set),
            NUM(0), NUM(0), NUM(0), NUM(propagation), NUM(0));
}

static void add_path(struct plan_builder *b, enum plan_kind kind, const char *path)
{
    plan_add(b, PHASE_SYSTEM, kind, "linux.paths", (const struct plan_value[]){SLOT(0), STR(path)},
             2);
}

static void add_mask(struct plan_builder *b, const char *path)
{
    plan_op(b, PHASE_SYSTEM, MASK, "linux.paths", SLOT(0), STR(path), STR(NULL));
}

static bool probed(struct plan_builder *b, int (*probe)(void))
{
    struct outcome o = run(b, SCENE(.namespace_ = true, .probe = probe));

    if (o.status)
        printf("# probe: %#x\n", (unsigned)o.status);
    return succeeded(&o);
}

static bool refused(struct plan_builder *b, uint32_t op, int errnum, enum plan_step step)
{
    struct outcome o = run(b, SCENE(.namespace_ = true));

    return failed(&o, op, errnum, step);
}

static bool on_type(const char *path, long type)
{
    struct statfs {
        long type, rest[31];
    } fs;

    return !syscall(SYS_statfs, path, &fs) && fs.type == type;
}

static unsigned long flags(const char *path)
{
    struct statvfs fs;

    return statvfs(path, &fs) < 0 ? 0 : fs.f_flag;
}

static mode_t mode(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

#define TMPFS   0x01021994
#define OVERLAY 0x794c7630

/* --- mounts
 * ------------------------------------------------------------------------------------------- */

static int tmpfs_at_real(void)
{
    return !(on_type("root/real", TMPFS) && mode("root/real") == 0750 &&
             (flags("root/real") & (ST_RDONLY | ST_NOSUID)) == (ST_RDONLY | ST_NOSUID) &&
             !on_type("real", TMPFS));
}

static void mounts(void)
{
    static const char *const options[] = {"mode=750", "size=64k", NULL}, *const bad[] = {
                                                                             "colour=red", NULL};
    struct plan_builder *b = rooted();

    add_mount(b, "/link/", "tmpfs", options, RO | MOUNT_ATTR_NOSUID, 0);
    check(probed(b, tmpfs_at_real), "a mount whose target is a link, with options and attributes");
    b = rooted();
    add_mount(b, "/link", "tmpfs", options, 0, HOW_NO_SYMLINKS);
    check(refused(b, 1, ELOOP, STEP_TARGET), "the same where no link may be");
    b = rooted();
    add_mount(b, "/real", "tmpfs", bad, 0, 0);
    check(refused(b, 1, EINVAL, STEP_FSCONFIG), "an unknown option");
    b = rooted();
    add_mount(b, "/real", "nofs", nothing, 0, 0);
    check(refused(b, 1, ENODEV, STEP_FSOPEN), "an unknown file system");
    b = rooted();
    add_mount(b, "/file", "tmpfs", nothing, 0, 0);
    check(refused(b, 1, ENOTDIR, STEP_TARGET), "a file in the place of a directory");
}

static int copied(void)
{
    char value[8] = "";

    if (!on_type("root/full", TMPFS) || mode("root/full") != 0711 || mode("root/full/d") != 01777 ||
        mode("root/full/d/f") != 0640)
        return 1;
    if (strcmp(read_text("root/full/d/f"), "kept") || !(flags("root/full") & ST_RDONLY))
        return 2;
    return getxattr("root/full/d", "trusted.mark", value, sizeof value) != 3;
}

static void copy_ups(void)
{
    struct plan_builder *b = rooted();

    mkdir("root/full", 0711);
    mkdir("root/full/d", 0755);
    write_text("root/full/d/f", "kept");
    chmod("root/full/d/f", 0640);
    chmod("root/full/d", 01777);
    setxattr("root/full/d", "trusted.mark", "yes", 3, 0);
    add_mount(b, "/full", "tmpfs", nothing, RO, HOW_COPY_UP | HOW_TARGET_MODE);
    check(probed(b, copied), "copy up: content, modes, attributes, and then read-only");
}

static int overlay_there(void)
{
    return !(on_type("root/real", OVERLAY) && !strcmp(read_text("root/real/f"), "lower") &&
             (flags("root/real") & (ST_RDONLY | ST_NODEV | 8192 /* ST_NOSYMFOLLOW */)) ==
                 (ST_RDONLY | ST_NODEV | 8192));
}

/* fsconfig(2) takes 255 bytes of a value. */
static void long_options(void)
{
    static char huge[5000];
    char lower[1024] = "lowerdir=", here[128], part[300];
    const char *options[] = {lower, NULL}, *too_long[] = {huge, NULL};
    struct plan_builder *b;

    if (!getcwd(here, sizeof here))
        abort();
    for (int i = 0; i < 8; i++) {
        snprintf(part, sizeof part, "%.100s/lower-that-has-a-long-name-%d", here, i);
        mkdir(part, 0755);
        if (i)
            strcat(lower, ":");
        strcat(lower, part);
    }
    strcat(part, "/f");
    write_text(part, "lower");
    b = rooted();
    add_mount(b, "/real", "overlay", options, RO | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW, 0);
    if (access("/sys/module/overlay", F_OK) < 0 &&
        !strstr(read_text("/proc/filesystems"), "overlay")) {
        plan_builder_free(&b);
        check(true, "an option that fsconfig(2) cannot carry # SKIP no overlay");
    } else {
        check(probed(b, overlay_there),
              "an option that fsconfig(2) cannot carry, all attributes kept");
    }
    memset(huge, 'x', sizeof huge - 1);
    memcpy(huge, "lowerdir=", 9);
    b = rooted();
    add_mount(b, "/real", "overlay", too_long, 0, 0);
    check(refused(b, 1, E2BIG, STEP_MOUNT), "options that mount(2) would cut off");
}

/* --- binds
 * --------------------------------------------------------------------------------------------- */

static int bound(void)
{
    if (strcmp(read_text("root/made/dir/inner"), "host") || !(flags("root/made/dir") & ST_RDONLY))
        return 1;
    if (strcmp(read_text("root/made/f"), "host file") || (flags("source") & ST_RDONLY))
        return 2;
    return !strstr(read_text("/proc/self/mountinfo"), "made/dir ") ||
           !strstr(strstr(read_text("/proc/self/mountinfo"), "made/dir "), "shared:");
}

static void binds(void)
{
    struct plan_builder *b = rooted();

    mkdir("source", 0755);
    write_text("source/inner", "host");
    write_text("source-file", "host file");
    add_bind(b, "source", "/made/dir", RO, MS_SHARED);
    add_bind(b, "source-file", "/made/f", 0, 0);
    check(probed(b, bound), "a directory and a file, targets made; read-only and shared");
    b = rooted();
    add_bind(b, "nowhere", "/made/none", 0, 0);
    check(refused(b, 1, ENOENT, STEP_SOURCE) && access("root/made/none", F_OK) < 0,
          "no source: no target is made");
    b = rooted();
    add_bind(b, "source", "/gone/below", 0, 0);
    check(refused(b, 1, ENOENT, STEP_TARGET) && access("/nowhere", F_OK) < 0,
          "a dangling link on the way to the target");
    b = rooted();
    add_bind(b, "source", "/file", 0, 0);
    check(refused(b, 1, ENOTDIR, STEP_TARGET), "a directory onto a file");
}

/* --- masks and read-only paths
 * --------------------------------------------------------------------------- */

static int masked(void)
{
    struct stat first, second;

    if (strcmp(read_text("root/secret"), "") || access("root/hidden/f", F_OK) == 0 ||
        access("root/hidden2/f", F_OK) == 0)
        return 1;
    if (!(flags("root/hidden") & ST_RDONLY) || !(flags("root/hidden2") & ST_RDONLY) ||
        mode("root/hidden") != 0555)
        return 2;
    if (stat("root/hidden", &first) < 0 || stat("root/hidden2", &second) < 0 ||
        first.st_dev != second.st_dev)
        return 3;
    return stat("root/secret", &first) < 0 || first.st_rdev != makedev(1, 3);
}

static void make_null(struct plan_builder *b)
{
    plan_op(b, PHASE_DEVICES, MKNOD, NULL, SLOT(0), STR("/dev/null"), NUM(S_IFCHR | 0666), NUM(1),
            NUM(3), NUM(0), NUM(0));
}

static int read_only(void)
{
    return !((flags("root/hidden") & ST_RDONLY) && (flags("root/real") & ST_RDONLY) &&
             (flags("root/secret") & ST_RDONLY) && on_type("root/real", TMPFS) &&
             !(flags("root") & ST_RDONLY));
}

static int root_read_only(void)
{
    return !(flags("root") & ST_RDONLY);
}

static void paths(void)
{
    struct plan_builder *b = rooted();

    mkdir("root/hidden", 0755);
    mkdir("root/hidden2", 0755);
    write_text("root/hidden/f", "1");
    write_text("root/hidden2/f", "2");
    write_text("root/secret", "secret");
    make_null(b);
    add_mask(b, "/hidden");
    add_mask(b, "/hidden2");
    add_mask(b, "/to-secret");
    add_mask(b, "/not/there");
    add_mask(b, "/file/not/there");
    check(probed(b, masked),
          "masks: two directories on one tmpfs, a file through a link, absent paths");
    b = rooted();
    add_mount(b, "/real", "tmpfs", nothing, 0, 0);
    add_path(b, OP_READONLY, "/hidden");
    add_path(b, OP_READONLY, "/real");
    add_path(b, OP_READONLY, "/secret");
    add_path(b, OP_READONLY, "/not/there");
    check(probed(b, read_only), "read-only: a directory, a mount, a file, an absent path");
    b = rooted();
    plan_op(b, PHASE_SYSTEM, ROOT_ATTR, "root.readonly", SLOT(0), NUM(RO), NUM(0));
    check(probed(b, root_read_only), "a read-only root");

    unlink("root/dev/null");
    write_text("root/dev/null", "a file in its place");
    b = rooted();
    add_mask(b, "/secret");
    check(refused(b, 1, EINVAL, STEP_VERIFY), "a /dev/null that is a file masks nothing");
    unlink("root/dev/null");
    if (symlink("/secret", "root/dev/null") < 0)
        abort();
    b = rooted();
    add_mask(b, "/secret");
    check(refused(b, 1, EINVAL, STEP_VERIFY), "nor one that is a link");
    unlink("root/dev/null");
    mknod("root/dev/null", S_IFCHR | 0666, makedev(1, 5));
    b = rooted();
    add_mask(b, "/secret");
    check(refused(b, 1, EINVAL, STEP_VERIFY), "nor another device");
    unlink("root/dev/null");
}

/* --- procfs
 * -------------------------------------------------------------------------------------------------
 */

static struct plan_builder *writer(const char *path, const char *value, uint64_t magic)
{
    struct plan_builder *b = rooted();

    add_mount(b, "/proc", "proc", nothing, 0, HOW_NO_SYMLINKS);
    plan_op(b, PHASE_MOUNTS, ROOT, NULL, STR("root/proc"), SLOT(plan_slot(b, "proc")), NUM(0));
    plan_op(b, PHASE_SYSTEM, WRITE, "linux.x", SLOT(1), STR(path), STR(value), NUM(magic));
    return b;
}

static int named(void)
{
    return strcmp(read_text("/proc/self/comm"), "renamed\n");
}

static void writes(void)
{
    struct plan_builder *b;

    check(probed(writer("self/comm", "renamed", 0x9fa0), named), "a file of procfs is written");
    check(refused(writer("self/comm", "x", 0x62656572), 3, EXDEV, STEP_VERIFY),
          "in another file system");
    check(refused(writer("thread-self/comm", "x", 0x9fa0), 3, ELOOP, STEP_OPEN), "behind a link");
    check(refused(writer("../file", "x", 0x9fa0), 3, EXDEV, STEP_OPEN), "above the directory");
    check(refused(writer("sys/no/such", "x", 0x9fa0), 3, ENOENT, STEP_OPEN),
          "a setting that is not there");
    b = rooted();
    add_mount(b, "/proc", "proc", nothing, 0, HOW_NO_SYMLINKS);
    plan_op(b, PHASE_MOUNTS, ROOT, NULL, STR("root/proc"), SLOT(plan_slot(b, "proc")), NUM(0));
    add_mount(b, "/proc/fs", "tmpfs", nothing, 0, HOW_ON_PROC);
    plan_op(b, PHASE_SYSTEM, WRITE, "linux.x", SLOT(1), STR("fs/x"), STR("v"), NUM(0x9fa0));
    check(refused(b, 4, EXDEV, STEP_OPEN), "behind a mount over procfs");
}

/* --- the terminal
 * -------------------------------------------------------------------------------------------- */

static void add_console(struct plan_builder *b, uint64_t uid)
{
    plan_op(b, PHASE_DEVICES, CONSOLE, "process.terminal", SLOT(0), NUM(31), NUM(72), NUM(uid),
            NUM(HOW_BIND_CONSOLE));
}

static struct plan_builder *terminal_plan(uint64_t uid)
{
    static const char *const options[] = {"newinstance", "ptmxmode=0666", "mode=620", NULL};
    struct plan_builder *b = rooted();

    add_mount(b, "/dev", "tmpfs", nothing, 0, 0);
    add_mount(b, "/dev/pts", "devpts", options, 0, 0);
    plan_op0(b, PHASE_ENTER, SESSION, NULL);
    add_console(b, uid);
    return b;
}

static int on_terminal(void)
{
    struct stat in, console;
    struct winsize size;

    if (ioctl(0, TIOCGWINSZ, &size) < 0 || size.ws_row != 31 || size.ws_col != 72)
        return 1;
    if (fstat(0, &in) < 0 || stat("root/dev/console", &console) < 0 ||
        in.st_rdev != console.st_rdev || major(in.st_rdev) != 136 || in.st_uid != 1234)
        return 2;
    return open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 ? 3 : 0;
}

static void terminal(void)
{
    struct plan_builder *b = terminal_plan(1234);
    struct outcome o = run(b, SCENE(.namespace_ = true, .probe = on_terminal));

    check(succeeded(&o) && o.console >= 0 && isatty(o.console) &&
              fcntl(o.console, F_GETFD) == FD_CLOEXEC,
          "a terminal: size, owner, /dev/console, controlling; its master arrives here");
    cleanup_close(&o.console);
    b = rooted();
    mkdir("root/dev/pts", 0755);
    mknod("root/dev/pts/ptmx", S_IFCHR | 0666, makedev(5, 2));
    add_console(b, 0);
    o = run(b, SCENE(.namespace_ = true));
    check(o.op == 1 && o.errnum > 0 && o.errnum != ENOEXEC && o.console < 0,
          "a ptmx outside of a devpts");
    unlink("root/dev/pts/ptmx");
    mknod("root/dev/pts/ptmx", S_IFCHR | 0666, makedev(1, 3));
    b = rooted();
    add_console(b, 0);
    check(refused(b, 1, EINVAL, STEP_VERIFY), "a ptmx that is another device");
    unlink("root/dev/pts/ptmx");
    if (symlink("/file", "root/dev/pts/ptmx") < 0)
        abort();
    b = rooted();
    add_console(b, 0);
    check(refused(b, 1, ELOOP, STEP_PTY), "a ptmx that is a link");
    unlink("root/dev/pts/ptmx");
    b = rooted();
    add_console(b, 0);
    check(refused(b, 1, ENOENT, STEP_PTY), "no ptmx");
    b = terminal_plan(0);
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/dev/console2"), STR("/file"), NUM(0));
    o = run(b, SCENE(.namespace_ = true));
    check(succeeded(&o), "a terminal of root");
    cleanup_close(&o.console);
}

static void console_link(void)
{
    static const char *const options[] = {"newinstance", "ptmxmode=0666", NULL};
    struct plan_builder *b = rooted();
    struct outcome o;

    add_mount(b, "/dev/pts", "devpts", options, 0, 0);
    plan_op0(b, PHASE_ENTER, SESSION, NULL);
    if (symlink("/file", "root/dev/console") < 0)
        abort();
    add_console(b, 0);
    o = run(b, SCENE(.namespace_ = true));
    check(failed(&o, 3, ELOOP, STEP_CREATE_TARGET) && o.console < 0,
          "a /dev/console that is a link is not mounted over");
    unlink("root/dev/console");
}

/* --- the root
 * ----------------------------------------------------------------------------------------------------
 */

static int pivoted(void)
{
    char cwd[64];

    if (!getcwd(cwd, sizeof cwd) || strcmp(cwd, "/") || access("/here-is-root", F_OK) ||
        access("/../here-is-root", F_OK))
        return 1;
    if (access("/usr", F_OK) == 0 || access("/root/here-is-root", F_OK) == 0)
        return 2;
    return !strstr(read_text("/proc/self/mountinfo"), " / / ") &&
           strstr(read_text("/proc/self/mountinfo"), "/usr");
}

/* The only mount of this namespace is the root (and the procfs to see it by). */
static int alone(void)
{
    const char *text = read_text("/proc/self/mountinfo");
    int lines = 0;

    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    if (lines != 2)
        printf("# %s", text);
    return pivoted() || lines != 2;
}

static void roots(void)
{
    struct plan_builder *b = new_plan();

    write_text("root/here-is-root", "");
    plan_op(b, PHASE_ENTER, TREE, NULL, NUM(MS_SLAVE | MS_REC));
    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("root"), SLOT(plan_slot(b, "root")), NUM(0));
    add_mount(b, "/proc", "proc", nothing, 0, HOW_NO_SYMLINKS);
    plan_op(b, PHASE_ROOT, PIVOT, "root", SLOT(0));
    check(probed(b, alone), "pivot: nothing of the old root is left");
    b = rooted();
    plan_op(b, PHASE_ROOT, MOVE_ROOT, "root", SLOT(0));
    check(probed(b, pivoted), "move");
    b = new_plan();
    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("root/file"), SLOT(plan_slot(b, "root")),
            NUM(0));
    check(refused(b, 0, ENOTDIR, STEP_OPEN), "a root that is a file");
    check(!access("/usr", F_OK) && !on_type("root/real", TMPFS), "here all is as it was");
}

static void make_image(void)
{
    static const char *const directories[] = {"root", "root/real", "root/dev", "root/proc"};

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        mkdir(directories[i], 0755);
    write_text("root/file", "file");
    if (symlink("/real", "root/link") < 0 || symlink("/nowhere", "root/gone") < 0 ||
        symlink("../secret", "root/to-secret") < 0)
        abort();
}

int main(void)
{
    if (skip_unprivileged("mounts"))
        return done();
    enter_directory();
    make_image();
    mounts();
    copy_ups();
    long_options();
    binds();
    paths();
    writes();
    terminal();
    console_link();
    roots();
    return done();
}
