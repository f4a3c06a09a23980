/* SPDX-License-Identifier: Apache-2.0 */
/* Which ways to a file root may trust: owners, modes, sticky directories, links. */
#include "core/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int n_tests, n_failed;
static char base[64] = "/var/lib/hozo-test-XXXXXX";

static void ok(bool good, const char *what, const char *detail)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++n_tests, what);
    if (!good)
        printf("#   %s\n", detail);
    n_failed += !good;
}

/* `wanted` NULL: trusted, and the file is `real` below base; else a part of the error. */
static void walk(const char *what, const char *path, const char *real, const char *wanted)
{
    char got[PATH_MAX] = "", expected[PATH_MAX], message[2048];
    struct error err = {0};
    int fd = trust_walk(path, false, got, &err);

    error_format(&err, message, sizeof message);
    snprintf(expected, sizeof expected, "%s/%s", base, real ? real : "");
    if (wanted)
        ok(fd < 0 && strstr(message, wanted), what, fd < 0 ? message : got);
    else
        ok(fd >= 0 && !strcmp(got, expected), what, fd < 0 ? message : got);
    if (fd >= 0)
        close(fd);
}

static void must(int r, const char *what)
{
    if (r < 0) {
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void directory(const char *path, mode_t mode, uid_t owner)
{
    must(mkdir(path, 0700), path);
    must(chown(path, owner, 0), path);
    must(chmod(path, mode), path);
}

static void file(const char *path, mode_t mode, uid_t owner)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    must(fd, path);
    must(fchown(fd, owner, 0), path);
    must(fchmod(fd, mode), path);
    close(fd);
}

static void link_to(const char *target, const char *path, uid_t owner)
{
    must(symlink(target, path), path);
    must(lchown(path, owner, 0), path);
}

static void make_tree(void)
{
    char absolute[PATH_MAX];

    directory("good", 0755, 0);
    file("good/a.so", 0644, 0);
    file("good/foreign.so", 0644, 1000);
    file("good/group.so", 0664, 0);
    file("good/world.so", 0646, 0);
    directory("foreign", 0755, 1000);
    file("foreign/a.so", 0644, 0);
    directory("writable", 0777, 0);
    file("writable/a.so", 0644, 0);
    directory("group", 0775, 0);
    file("group/a.so", 0644, 0);
    directory("sticky", 01777, 0);
    file("sticky/a.so", 0644, 0);
    file("sticky/foreign.so", 0644, 1000);
    directory("sticky/foreign", 0755, 1000);
    file("sticky/foreign/a.so", 0644, 0);
    link_to("../good/a.so", "sticky/link.so", 0);
    link_to("../good/a.so", "sticky/foreign-link.so", 1000);

    link_to("a.so", "good/relative.so", 0);
    link_to("../good/../good/./relative.so", "good/chain.so", 0);
    snprintf(absolute, sizeof absolute, "%s/good/chain.so", base);
    link_to(absolute, "good/absolute.so", 0);
    link_to("good", "directory", 0);
    link_to("../writable/../good/a.so", "good/through.so", 0);
    link_to("loop.so", "good/loop.so", 0);
    link_to("absent.so", "good/dangling.so", 0);
    link_to("/dev/null", "good/null.so", 0);
}

static void test_owners(void)
{
    walk("a file of root is trusted", "good/a.so", "good/a.so", NULL);
    walk("a file of another user", "good/foreign.so", NULL,
         "good/foreign.so belongs to user 1000, so it is not trusted");
    walk("a file that its group can write", "good/group.so", NULL, "can be written by others");
    walk("a file that all can write", "good/world.so", NULL,
         "good/world.so can be written by others (mode 0646)");
    walk("a directory of another user", "foreign/a.so", NULL, "foreign belongs to user 1000");
    walk("a directory that all can write", "writable/a.so", NULL,
         "writable can be written by others (mode 0777)");
    walk("a directory that its group can write", "group/a.so", NULL, "group can be written");
    walk("a sticky directory", "sticky/a.so", "sticky/a.so", NULL);
    walk("a foreign file in a sticky directory", "sticky/foreign.so", NULL, "user 1000");
    walk("a foreign directory in a sticky one", "sticky/foreign/a.so", NULL,
         "sticky/foreign belongs to user 1000");
}

static void test_links(void)
{
    char path[PATH_MAX];

    walk("a relative link", "good/relative.so", "good/a.so", NULL);
    walk("a chain of links with ..", "good/chain.so", "good/a.so", NULL);
    walk("an absolute link", "good/absolute.so", "good/a.so", NULL);
    walk("a link to the directory", "directory//./relative.so", "good/a.so", NULL);
    walk("a link of root in a sticky directory", "sticky/link.so", "good/a.so", NULL);
    walk("a link of another user in a sticky directory", "sticky/foreign-link.so", NULL,
         "sticky/foreign-link.so belongs to user 1000");
    walk("a link whose way leads through a writable directory", "good/through.so", NULL,
         "writable can be written by others");
    walk("a link to itself", "good/loop.so", NULL, "too many levels of symbolic links");
    walk("a link to nothing", "good/dangling.so", NULL, "good/absent.so: no such file");
    walk("a link to /dev/null is no file", "good/null.so", NULL, "/dev/null");
    snprintf(path, sizeof path, "%s/../../../%s/good/a.so", base, base + 1);
    walk("an absolute path with ..", path, "good/a.so", NULL);
    walk("a directory is no file", "good", NULL, "good is not a regular file");
    walk("a file is no directory", "good/a.so/b", NULL, "good/a.so: not a directory");
}

/* Runs in a child: without privilege, its own files are trusted, and root's. */
static int as_user(void)
{
    char real[PATH_MAX];
    struct error err = {0};
    int own, roots;

    if (setresuid(1000, 1000, 1000) < 0)
        return 2;
    own = trust_walk("sticky/foreign.so", false, real, &err);
    roots = trust_walk("good/a.so", false, real, &err);
    return own < 0 || roots < 0;
}

static int namespace(const char *map)
{
    int fd;

    /* A process that has changed its user cannot write its own map otherwise. */
    if (prctl(PR_SET_DUMPABLE, 1) < 0 || unshare(CLONE_NEWUSER) < 0)
        return -1;
    if (!map)
        return 0;
    fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, map, strlen(map)) == (ssize_t)strlen(map) ? 0 : -1;
}

/* In a user namespace where root outside has no place, and no other user but perhaps this one. */
static int without_root(const char *map)
{
    char real[PATH_MAX];
    struct error err = {0};
    int built_in, given, writable;

    if (setresuid(1000, 1000, 1000) < 0 || namespace(map) < 0)
        return 2;
    built_in = trust_walk("good/a.so", true, real, &err);
    given = trust_walk("good/a.so", false, real, &err);
    writable = trust_walk("writable/a.so", true, real, &err);
    return built_in < 0 || given >= 0 || writable >= 0;
}

static int as_mapped_user(void)
{
    return without_root("0 1000 1");
}

static int as_unmapped_user(void)
{
    return without_root(NULL);
}

/* In a user namespace that has root: who has no place there is not root. */
static int with_root(void)
{
    char real[PATH_MAX];
    struct error err = {0};

    if (namespace("0 0 1") < 0)
        return 2;
    return trust_walk("good/a.so", true, real, &err) < 0 ||
           trust_walk("good/foreign.so", true, real, &err) >= 0;
}

static void child(const char *what, int (*run)(void))
{
    pid_t pid;
    int status;

    fflush(stdout);
    if (!(pid = fork()))
        _exit(run());
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        printf("ok %d - %s # SKIP not permitted here\n", ++n_tests, what);
    else
        ok(WIFEXITED(status) && !WEXITSTATUS(status), what, "the child says no");
}

/* Walks must not lose descriptors: the next one free is the same before and after. */
static void test_descriptors(void)
{
    int before = dup(0), after;

    close(before);
    for (int i = 0; i < 3; i++) {
        struct error err = {0};
        char real[PATH_MAX];
        int fd = trust_walk("good/absolute.so", false, real, &err);

        cleanup_close(&fd);
        trust_walk("good/through.so", false, real, &err);
        trust_walk("good/loop.so", false, real, &err);
    }
    after = dup(0);
    close(after);
    ok(before == after, "no descriptor is left over", "one is");
}

int main(void)
{
    char command[128];

    if (geteuid()) {
        printf("1..0 # SKIP only root can make files of other users\n");
        return 0;
    }
    umask(022);
    must(mkdtemp(base) ? 0 : -1, base);
    must(chmod(base, 0755), base);
    must(chdir(base), base);
    make_tree();
    test_owners();
    test_links();
    child("a user trusts root and itself", as_user);
    child("in a user namespace without root, the overflow user counts for built-in directories",
          as_mapped_user);
    child("so it does if the process itself has no place there", as_unmapped_user);
    child("in a user namespace with root, the overflow user does not count", with_root);
    test_descriptors();
    printf("1..%d\n", n_tests);
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command) || n_failed;
}
