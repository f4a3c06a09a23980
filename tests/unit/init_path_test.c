/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of a hostile image: whatever its links say, nothing is found or made outside of the root.
 */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/init/copy-up.h"
#include "core/init/kernel.h"
#include "core/init/path.h"
#include "tests/unit/init_harness.h"

static int root;

/* root/ is the image, outside/ what lies beside it on the host. */
static void make_image(void)
{
    static const char *const directories[] = {"root",      "outside", "root/etc",
                                              "root/real", "root/a",  "root/a/b"};
    static const struct {
        const char *target, *at;
    } links[] = {
        {"/etc", "root/absolute"},
        {"../../../../../../etc", "root/up"},
        {"/nowhere/at/all", "root/gone"},
        {"../../../real", "root/a/b/back"},
        {"loop", "root/loop"},
        {"/proc/self/fd/9", "root/magic"},
        {"/../outside", "root/beside"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        mkdir(directories[i], 0755);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        if (symlink(links[i].target, links[i].at) < 0)
            abort();
    root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_directory(const char *path)
{
    struct stat st;

    return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

static bool outside_is_empty(void)
{
    return !rmdir("outside") && !mkdir("outside", 0755) && access("nowhere", F_OK) < 0 &&
           access("/nowhere", F_OK) < 0;
}

/* A directory or file at `path` in the image comes to lie at `real`, or is refused with an errno.
 */
static bool target(const char *path, int directory, int strict, const char *real, int errnum)
{
    auto_close int fd = path_target(root, path, directory, strict), there = -1;
    struct stat got, wanted;

    if (errnum)
        return fd < 0 && errno == errnum;
    return fd >= 0 && !fstat(fd, &got) && !lstat(real, &wanted) && got.st_ino == wanted.st_ino &&
           got.st_dev == wanted.st_dev && S_ISDIR(got.st_mode) == !!directory;
}

static void targets(void)
{
    check(target("/etc", 1, 0, "root/etc", 0), "what is there");
    check(target("/new/x/y", 1, 0, "root/new/x/y", 0), "missing directories are made");
    check(target("/new/f/file", 0, 0, "root/new/f/file", 0), "a missing file is made");
    check(target("relative/x", 1, 0, "root/relative/x", 0), "a path without a slash in front");
    check(target("//slashes///x//", 1, 0, "root/slashes/x", 0), "more slashes than needed");
    check(target("/absolute/sub", 1, 0, "root/etc/sub", 0),
          "an absolute link leads into the image");
    check(target("/up/sub2", 1, 0, "root/etc/sub2", 0), "a chain of .. ends at the root");
    check(target("/a/b/back/f", 0, 0, "root/real/f", 0), "a link in the middle");
    check(target("/../../../etc", 1, 0, "root/etc", 0), ".. in the path itself");
    check(target("/new/../new2/z", 1, 0, "root/new2/z", 0), ".. behind what is made");
    check(target("/gone", 1, 0, NULL, ENOENT) && target("/gone", 0, 0, NULL, EEXIST) &&
              target("/gone/below", 1, 0, NULL, ENOENT) &&
              target("/gone/below", 0, 0, NULL, ENOENT),
          "a dangling link is refused, as file, as directory, in the middle");
    check(target("/beside/x", 1, 0, NULL, ENOENT) && target("/beside", 0, 0, NULL, EEXIST),
          "a link to what exists on the host only");
    check(target("/loop/x", 1, 0, NULL, ELOOP), "a link to itself");
    check(target("/magic", 0, 0, NULL, EEXIST), "a link into /proc is a dangling one");
    check(target("/absolute/sub", 1, 1, NULL, ELOOP) && target("/absolute", 1, 1, NULL, ELOOP) &&
              target("/etc/sub", 1, 1, "root/etc/sub", 0),
          "strict: no link at all");
    check(target("/real/f/below", 1, 0, NULL, ENOTDIR), "a file in the middle");
    check(target("/real/..", 0, 0, "root", 0) == false && target("/x/.", 0, 0, NULL, EINVAL),
          "no file is named . or ..");
    check(is_directory("root/new/f") && outside_is_empty(), "nothing was made outside of the root");
    umask(0777);
    check(target("/masked/f", 0, 0, "root/masked/f", 0), "under a umask that takes all");
    umask(022);
    check(access("root/masked/f", R_OK) == 0, "modes do not depend on the caller's umask");
}

/* A magic link really: NO_MAGICLINKS has to hold within a procfs as well. */
static void magic_links(void)
{
    auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_close int fd = path_open(proc, "/self/root", O_PATH, 0);

    check(fd < 0 && errno == ELOOP, "a magic link is not followed");
}

static void descriptor_names(void)
{
    auto_close int proc = path_procfs();
    char name[PATH_OF_DESCRIPTOR];

    check(proc >= 0, "the procfs at /proc");
    path_of_descriptor(name, 0);
    check(!strcmp(name, "/proc/self/fd/0"), "the name of descriptor 0");
    path_of_descriptor(name, INT32_MAX);
    check(!strcmp(name, "/proc/self/fd/2147483647"), "the name of the highest descriptor");
}

static int slot(struct plan_builder *b)
{
    return plan_slot(b, "root");
}

static void directories_and_links(void)
{
    struct plan_builder *b = new_plan();
    struct outcome o;
    struct stat st;
    char text[64] = "";

    slot(b);
    plan_op(b, PHASE_DEVICES, MKDIR, "cwd", SLOT(0), STR("/w/x"), NUM(0711));
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/w/link"), STR("/proc/self/fd"), NUM(0));
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/etc"), STR("/left/alone"), NUM(0));
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/absolute/in-etc"), STR("x"), NUM(0));
    o = run(b, SCENE(.root = true));
    check(succeeded(&o) && !stat("root/w/x", &st) && (st.st_mode & 07777) == 0711 &&
              readlink("root/w/link", text, sizeof text) == 13 &&
              !strncmp(text, "/proc/self/fd", 13),
          "mkdir and symlink");
    check(is_directory("root/etc"), "an existing path is left as it is");
    check(readlink("root/etc/in-etc", text, sizeof text) == 1, "a link is made behind a link");
    check(!mknod("root/w/node", S_IFIFO | 0600, 0) && !symlink("other", "root/w/other"), "scene");
    b = new_plan();
    slot(b);
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/w/node"), STR("pts/x"),
            NUM(HOW_REPLACE));
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/w/other"), STR("pts/x"),
            NUM(HOW_REPLACE));
    o = run(b, SCENE(.root = true));
    check(succeeded(&o) && readlink("root/w/node", text, sizeof text) == 5 &&
              readlink("root/w/other", text, sizeof text) == 5,
          "a node and another link are replaced");
    b = new_plan();
    slot(b);
    plan_op(b, PHASE_DEVICES, SYMLINK, NULL, SLOT(0), STR("/w/x"), STR("t"), NUM(HOW_REPLACE));
    o = run(b, SCENE(.root = true));
    check(failed(&o, 0, EISDIR, STEP_SYMLINK), "a directory is not");
    b = new_plan();
    slot(b);
    plan_op(b, PHASE_DEVICES, SYMLINK, "x", SLOT(0), STR(NULL), STR("t"), NUM(0));
    o = run(b, SCENE(.root = true));
    check(failed(&o, 0, EINVAL, STEP_TARGET), "a path that is missing from the plan is an error");
    b = new_plan();
    slot(b);
    plan_op(b, PHASE_DEVICES, MKDIR, "cwd", SLOT(0), STR("/real/f/x"), NUM(0755));
    o = run(b, SCENE(.root = true));
    check(failed(&o, 0, ENOTDIR, STEP_MKDIR), "a directory below a file");
}

static struct outcome make_node(const char *path, mode_t mode, unsigned minor, uint64_t uid)
{
    struct plan_builder *b = new_plan();

    slot(b);
    plan_op(b, PHASE_DEVICES, MKNOD, "linux.devices[0]", SLOT(0), STR(path), NUM(mode), NUM(1),
            NUM(minor), NUM(uid), NUM(uid ? 8 : 0));
    return run(b, SCENE(.root = true));
}

static bool is_node(const char *path, mode_t mode, dev_t device, uid_t uid)
{
    struct stat st;

    return !lstat(path, &st) && st.st_mode == mode && st.st_rdev == device && st.st_uid == uid;
}

static void nodes(void)
{
    struct outcome o;

    if (skip_unprivileged("nodes"))
        return;
    o = make_node("/dev/null", S_IFCHR | 0666, 3, 0);
    check(succeeded(&o) && is_node("root/dev/null", S_IFCHR | 0666, makedev(1, 3), 0),
          "a node, with its mode whatever the umask");
    o = make_node("/dev/null", S_IFCHR | 0640, 3, 7);
    check(succeeded(&o) && is_node("root/dev/null", S_IFCHR | 0640, makedev(1, 3), 7),
          "the same node again: owner and mode are set");
    o = make_node("/dev/fifo", S_IFIFO | 0600, 0, 7);
    check(succeeded(&o) && is_node("root/dev/fifo", S_IFIFO | 0600, 0, 7), "a FIFO of a user");
    o = make_node("/dev/null", S_IFCHR | 0666, 5, 0);
    check(failed(&o, 0, EEXIST, STEP_VERIFY) &&
              is_node("root/dev/null", S_IFCHR | 0640, makedev(1, 3), 7),
          "another device in its place is refused, and left alone");
    write_text("outside/victim", "");
    chmod("outside/victim", 0600);
    if (symlink("../../outside/victim", "root/dev/zero") < 0 ||
        symlink("null", "root/dev/full") < 0)
        abort();
    o = make_node("/dev/zero", S_IFCHR | 0666, 5, 9);
    check(failed(&o, 0, EEXIST, STEP_VERIFY) && is_node("outside/victim", S_IFREG | 0600, 0, 0),
          "a link to a file of the host in its place");
    o = make_node("/dev/full", S_IFCHR | 0666, 3, 9);
    check(failed(&o, 0, EEXIST, STEP_VERIFY) &&
              is_node("root/dev/null", S_IFCHR | 0640, makedev(1, 3), 7),
          "a link to the right device is still a link");
    o = make_node("/dev/sub/x/null", S_IFCHR | 0600, 3, 0);
    check(succeeded(&o) && is_directory("root/dev/sub/x"), "missing directories");
    o = make_node("/dev/minus", S_IFCHR | 0600, 3, UINT32_MAX);
    check(failed(&o, 0, EINVAL, STEP_TARGET), "an id that the kernel takes as \"no change\"");
    unlink("outside/victim");
}

/* --- home
 * -------------------------------------------------------------------------------------------- */

/* HOME as the executed program sees it. */
static const char *home(const char *passwd, unsigned uid)
{
    static const char *const args[] = {"/bin/sh", "-c", "printf %s \"$HOME\" > home", NULL};
    static const char *const env[] = {"HOME=" LATE_TEXT_HOME, NULL};
    struct plan_builder *b = new_plan();
    struct outcome o;

    if (passwd)
        write_text("root/etc/passwd", passwd);
    unlink("home");
    slot(b);
    plan_op(b, PHASE_PROCESS, HOME, "process.env", SLOT(0), NUM(uid));
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR(args[0]), STR(NULL));
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(args), TEMPLATES(env));
    o = run(b, SCENE(.root = true));
    return o.errnum == -1 && !o.status ? read_text("home") : "(failed)";
}

static void homes(void)
{
    static char big[(1 << 20) + 100];
    static const struct {
        const char *passwd, *wanted, *name;
    } cases[] = {
        {"root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n", "/home/ann",
         "the line"},
        {"ann:x:1000:1000::/home/ann", "/home/ann", "no shell, no newline"},
        {"a:x:1000:1::/first:\nb:x:1000:1::/second:\n", "/first", "the first of two"},
        {"", "/", "an empty file"},
        {"\n\n:\n::::::\nann:x:1000\nann\n", "/", "lines that are none"},
        {"ann:x:1000:1000::relative:/bin/sh\n", "/", "a home that is no absolute path"},
        {"ann:x:1000:1000:::/bin/sh\n", "/", "no home"},
        {"ann:x:1000x:1::/x:\nann:x: 1000:1::/x:\nann:x:+1000:1::/x:\n", "/",
         "numbers that are none"},
        {"ann:x:18446744073709552616:1::/x:\n", "/", "a number that wraps"},
        {"ann:x:4294968296:1::/x:\n", "/", "a number that wraps in 32 bits"},
        {"ann:x:1000:1000::/a\001A:/bin/sh\n", "/a\001A", "a late value's mark is no template"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (!check(!strcmp(home(cases[i].passwd, 1000), cases[i].wanted), cases[i].name))
            printf("# got %s\n", read_text("home"));
    memset(big, 'x', sizeof big - 1);
    memcpy(big, "a:x:1000:1::/big:\n", 18);
    check(!strcmp(home(big, 1000), "/"), "a file without end");
    unlink("root/etc/passwd");
    check(!strcmp(home(NULL, 1000), "/"), "no file");
    write_text("outside/passwd", "a:x:1000:1::/host:\n");
    check(!symlink("../../outside/passwd", "root/etc/passwd") && !strcmp(home(NULL, 1000), "/"),
          "a link to a file of the host");
    unlink("root/etc/passwd");
    check(!mkfifo("root/etc/passwd", 0600) && !strcmp(home(NULL, 1000), "/"),
          "a FIFO without a writer");
    unlink("root/etc/passwd");
    check(!mkdir("root/etc/passwd", 0700) && !strcmp(home(NULL, 1000), "/"), "a directory");
    rmdir("root/etc/passwd");
    unlink("outside/passwd");
}

/* --- copy-up
 * ------------------------------------------------------------------------------------------- */

static void fill_source(void)
{
    static const char capability[20] = {1, 0, 0, 2, 0, 4};

    mkdir("from", 0755);
    mkdir("from/d", 0755);
    mkdir("from/d/e", 0755);
    write_text("from/d/e/f", "deep");
    write_text("from/set", "content");
    chown("from/set", 5, 6);
    chmod("from/set", 06751);
    setxattr("from/set", "security.capability", capability, sizeof capability, 0);
    setxattr("from/set", "trusted.mark", "here", 4, 0);
    setxattr("from/d", "trusted.mark", "dir", 3, 0);
    chown("from/d", 7, 8);
    chmod("from/d", 01570);
    symlink("/etc/passwd", "from/link");
    lchown("from/link", 9, 9);
    mkfifo("from/fifo", 0620);
    mknod("from/null", S_IFCHR | 0640, makedev(1, 3));
    chown("from", 3, 4);
    chmod("from", 0710);
}

static bool same(const char *name)
{
    char a[64] = "", b[64] = "", path[64];
    struct stat from, to;

    snprintf(path, sizeof path, "from/%s", name);
    if (lstat(path, &from) < 0 || (S_ISLNK(from.st_mode) && readlink(path, a, sizeof a) < 0))
        return false;
    lgetxattr(path, "trusted.mark", a + 32, 16);
    snprintf(path, sizeof path, "to/%s", name);
    if (lstat(path, &to) < 0 || (S_ISLNK(to.st_mode) && readlink(path, b, sizeof b) < 0))
        return false;
    lgetxattr(path, "trusted.mark", b + 32, 16);
    return from.st_mode == to.st_mode && from.st_uid == to.st_uid && from.st_gid == to.st_gid &&
           from.st_rdev == to.st_rdev && !memcmp(a, b, sizeof a);
}

static void copies(void)
{
    static const char *const names[] = {".", "d", "d/e", "d/e/f", "set", "link", "fifo", "null"};
    auto_close int from = -1, to = -1;
    char value[32], deep[1200] = "deep";

    if (skip_unprivileged("copy-up"))
        return;
    fill_source();
    mkdir("to", 0700);
    /* O_PATH is what a mount's descriptors are. */
    from = open("from", O_PATH | O_DIRECTORY | O_CLOEXEC);
    to = open("to", O_PATH | O_DIRECTORY | O_CLOEXEC);
    check(!copy_up(from, to), "copy up");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        check(same(names[i]), names[i]);
    check(!strcmp(read_text("to/d/e/f"), "deep") && !strcmp(read_text("to/set"), "content"),
          "contents");
    check(getxattr("from/set", "security.capability", value, sizeof value) < 0 ||
              getxattr("to/set", "security.capability", value, sizeof value) == 20,
          "file capabilities outlive the change of owner");
    check(copy_up(from, to) < 0 && errno == EEXIST, "what is there is not written over");
    mkdir("deep", 0700);
    for (int i = 0; i < 140; i++) {
        strcat(deep, "/d");
        if (mkdir(deep, 0700) < 0)
            abort();
    }
    mkdir("to2", 0700);
    close(from);
    close(to);
    from = open("deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
    to = open("to2", O_PATH | O_DIRECTORY | O_CLOEXEC);
    check(copy_up(from, to) < 0 && errno == ELOOP, "a tree without end");
}

int main(void)
{
    enter_directory();
    make_image();
    targets();
    magic_links();
    descriptor_names();
    directories_and_links();
    nodes();
    homes();
    copies();
    check(outside_is_empty(), "still nothing outside of the root");
    return done();
}
