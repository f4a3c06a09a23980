/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's own root, and the tree that it is given. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base.h"
#include "plugins/vm/agent/agent.h"

#define NEW         "/hozo-root"
#define PATIENCE_MS 5000
#define NAP_MS      5
#define P9_OPTIONS  "trans=%s,version=9p2000.L,msize=512000,cache=mmap"

/* What a device of its own makes appear: it may be a moment late. */
static bool appears(int errnum)
{
    return errnum == ENOENT || errnum == EINVAL || errnum == ENODEV || errnum == ENXIO;
}

static int mount_patiently(const char *source, const char *target, const char *type,
                           unsigned long flags, const char *options)
{
    for (int waited = 0;; waited += NAP_MS) {
        if (!mount(source, target, type, flags, options))
            return 0;
        if (!appears(errno) || waited >= PATIENCE_MS)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
    }
}

/* --- block devices ---------------------------------------------------------------------------------- */

static const char *device_path(const char *name, char *path, size_t size)
{
    static const char dev[] = "/dev/";
    size_t n = strlen(name) + 1;

    if (*name == '/' || sizeof dev - 1 + n > size)
        return name;
    memcpy(path, dev, sizeof dev - 1);
    memcpy(path + sizeof dev - 1, name, n);
    return path;
}

static int await_device(const char *path)
{
    struct stat st;

    for (int waited = 0; stat(path, &st) < 0; waited += NAP_MS) {
        if (waited >= PATIENCE_MS)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
    }
    errno = ENOTBLK;
    return S_ISBLK(st.st_mode) ? 0 : -1;
}

/* A device that cannot be written is read. */
static int mount_device(const char *device, const char *target, const char *type)
{
    if (!mount(device, target, type, MS_SILENT, NULL))
        return 0;
    if (errno != EROFS && errno != EACCES)
        return -1;
    return mount(device, target, type, MS_SILENT | MS_RDONLY, NULL);
}

/* Each file system of the kernel that lies on a device. */
static int mount_any(const char *device, const char *target)
{
    auto_close int fd = open("/proc/filesystems", O_RDONLY | O_CLOEXEC);
    static char text[8192];
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    text[n < 0 ? 0 : n] = '\0';
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (*line == '\t' && !mount_device(device, target, line + 1))
            return 0;
    errno = EINVAL;
    return -1;
}

/* --- the root --------------------------------------------------------------------------------------- */

static int make_root(const char *image, struct problem *why)
{
    char path[128];

    mkdir(NEW, 0755);
    if (!image)
        return mount("hozo", NEW, "tmpfs", 0, "mode=0755") < 0
                   ? problem(why, "tmpfs", "mount", errno)
                   : 0;
    image = device_path(image, path, sizeof path);
    if (await_device(image) < 0)
        return problem(why, image, "is no block device", errno);
    return mount_any(image, NEW) < 0 ? problem(why, image, "no file system is found on it", 0) : 0;
}

/* What was mounted at the start goes along. */
static int move_mounts(struct problem *why)
{
    static const struct {
        const char *from, *to;
    } places[] = {{"/dev", NEW "/dev"}, {"/proc", NEW "/proc"}, {"/sys", NEW "/sys"}};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if ((mkdir(places[i].to, 0755) < 0 && errno != EEXIST) ||
            mount(places[i].from, places[i].to, NULL, MS_MOVE, NULL) < 0)
            return problem(why, places[i].from, "move it into the root file system", errno);
    return 0;
}

static int enter(struct problem *why)
{
    unlink("/init");
    unlink("/hozo-init");
    if (chdir(NEW) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
        chdir("/") < 0)
        return problem(why, "/", "move the root file system there", errno);
    return 0;
}

/* Nothing in it is anybody's but the agent's, whatever the image holds. */
static int make_run(struct problem *why)
{
    if ((mkdir("/run", 0755) < 0 && errno != EEXIST) ||
        mount("hozo", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 ||
        mkdir("/run/hozo", 0700) < 0 || mkdir(SHARE_IN_GUEST, 0755) < 0)
        return problem(why, "/run", "make it", errno);
    return 0;
}

int root_enter(const char *image, struct problem *why)
{
    if (make_root(image, why) < 0 || move_mounts(why) < 0 || enter(why) < 0 || make_run(why) < 0)
        return -1;
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        log_line("cgroup2", "mount", errno); /* a plan that needs it will say so */
    return 0;
}

/* --- what is in it from outside ----------------------------------------------------------------------- */

int share_mount(struct agent *a, const struct record *r, struct problem *why)
{
    const char *type = r->word[1], *tag = r->word[2];
    bool p9 = !strcmp(type, "9p");
    char options[128];

    (void)a;
    if (!p9 && strcmp(type, "virtiofs") != 0)
        return problem(why, type, "is no file system that is shared", 0);
    snprintf(options, sizeof options, P9_OPTIONS, r->n > 3 ? r->word[3] : "virtio");
    if (mount_patiently(tag, SHARE_IN_GUEST, type, 0, p9 ? options : NULL) < 0)
        return problem(why, type, "mount", errno);
    return 0;
}

int lower_mount(struct agent *a, const struct record *r, struct problem *why)
{
    char path[128];
    const char *device = device_path(r->word[1], path, sizeof path);

    (void)a;
    if (await_device(device) < 0 || mount(device, SHARE_IN_GUEST, r->word[2], MS_RDONLY, NULL) < 0)
        return problem(why, device, "mount", errno);
    return 0;
}
