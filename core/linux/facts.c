/* SPDX-License-Identifier: Apache-2.0 */
#include "core/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The kernel has no limit for the lines of mountinfo. */
static int read_file(struct text *out, const char *file, struct error *err)
{
    auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
    char buf[16384];
    ssize_t n = 0;

    while (fd >= 0 && ((n = read(fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            text_append(out, buf, (size_t)n);
    return fd < 0 || n < 0 ? fail(err, errno, NULL, "%s", file) : 0;
}

/* From what the headers know: as a rule two calls, on an old or a new kernel some more. */
static int last_capability(void)
{
    int cap = CAP_LAST_CAP;

    while (cap >= 0 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
        cap--;
    while (prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
        cap++;
    return cap;
}

static uint64_t held_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Neither the mount nor the place of this process is cut off at the top: both numbers are fixed. */
static bool in_first_namespace(void)
{
    struct stat top, own;

    return !stat(CGROUP_ROOT, &top) && top.st_ino == 1 && !stat("/proc/self/ns/cgroup", &own) &&
           own.st_ino == 0xeffffffb; /* PROC_CGROUP_INIT_INO */
}

/*
 * With v2 the list of mounts, which is long on a host with many containers, need not be read if the
 * own place is found below the mount point. "/" proves nothing: a cgroup namespace calls the place
 * of its process so, whatever the mount shows.
 */
static bool whole_hierarchy(const char *cgroup)
{
    size_t length = strcspn(cgroup, "\n");
    char path[PATH_MAX];

    if (in_first_namespace())
        return true;
    if (strncmp(cgroup, "0::/", 4) || length == 4 || length > sizeof path - sizeof CGROUP_ROOT)
        return false;
    snprintf(path, sizeof path, CGROUP_ROOT "%.*s", (int)(length - 3), cgroup + 3);
    return access(path, F_OK) == 0;
}

/* The number of the first one is fixed: PROC_USER_INIT_INO. A kernel without them has no such file. */
static bool in_user_namespace(void)
{
    struct stat own;

    return !stat("/proc/self/ns/user", &own) && own.st_ino != 0xeffffffd;
}

static bool directory_writable(const char *directory)
{
    return !faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS);
}

int facts_collect(struct json *facts, struct error *err)
{
    auto_text struct text cgroup = {0}, mountinfo = {0}, out = {0};
    struct facts_source source = {.euid = geteuid(),
                                  .egid = getegid(),
                                  .user_namespace = in_user_namespace(),
                                  .last_capability = last_capability(),
                                  .capabilities = held_capabilities(),
                                  .runtime_directory = getenv("XDG_RUNTIME_DIR")};
    struct utsname kernel;
    struct statfs fs;

    if (source.euid || source.user_namespace)
        source.writable = directory_writable;
    uname(&kernel);
    source.kernel = kernel.release;
    source.v2 = statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
    /* A kernel without control groups has no such file. */
    if (read_file(&cgroup, "/proc/self/cgroup", err) < 0 && err->errnum != ENOENT)
        return -1;
    source.cgroup = cgroup.at ? cgroup.at : "";
    if (!source.v2 || !whole_hierarchy(source.cgroup)) {
        if (read_file(&mountinfo, "/proc/self/mountinfo", err) < 0)
            return -1;
        source.mountinfo = mountinfo.at ? mountinfo.at : "";
    }
    if (cgroup.failed || mountinfo.failed)
        return fail_memory(err);
    if (facts_write(&out, &source, err) < 0)
        return -1;
    return json_parse(facts, "host facts", out.at, out.length, err);
}
