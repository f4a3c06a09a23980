/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.apparmorProfile: what AppArmor lets the container's program do. The kernel changes the profile when
 * the program is executed; hozo and what it runs before keep theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <hozo/plugin.h>

#define PROFILE   "process.apparmorProfile"
#define ENABLED   "/sys/module/apparmor/parameters/enabled"
#define NAME_MAX_ 4000 /* the kernel takes a page at most, and a word stands before the name */

static const struct hozo_field fields[] = {
    {PROFILE, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "The profile of AppArmor that the program runs under."},
};

static const struct hozo_feature features[] = {{"linux.apparmor.enabled", "true"}};
static const char *const names[] = {PROFILE};

/* --- the configuration -------------------------------------------------------------------------- */

/* The kernel takes blanks around a name away: another profile would be meant. */
static const char *problem_of(const char *name)
{
    size_t length = strlen(name);

    if (length > NAME_MAX_)
        return "is longer than the kernel takes";
    if (name[0] == ' ' || name[length - 1] == ' ')
        return "begins or ends with a blank";
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == '\177')
            return "has a control character";
    return NULL;
}

/* 1, or 0 without a profile. */
static int read_profile(struct hozo_ctx *ctx, const char **name)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, PROFILE, &at);
    const char *problem;

    if (found <= 0)
        return found;
    *name = hozo_as_string(ctx, &at);
    problem = problem_of(*name);
    return problem ? hozo_error(ctx, 0, PROFILE, "%s", problem) : 1;
}

static int apparmor_plan(struct hozo_ctx *ctx)
{
    char text[NAME_MAX_ + sizeof("exec ")];
    struct hozo_label label = {
        .size = sizeof(label),
        .kind = HOZO_LABEL_EXEC,
        .path = PROFILE,
        .file = "attr/apparmor/exec", /* Linux 5.8: of this module alone, whatever else is active */
        .value = text,
    };
    const char *name;
    int found = read_profile(ctx, &name);

    if (found <= 0)
        return found;
    snprintf(text, sizeof(text), "exec %s", name);
    return hozo_plan_label(ctx, &label);
}

/* --- the host ----------------------------------------------------------------------------------- */

static int is_enabled(void)
{
    char answer = 'N';
    int fd = open(ENABLED, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (read(fd, &answer, 1) < 0)
        answer = 'N';
    close(fd);
    return answer == 'Y';
}

/* A file of this thread, in the procfs at /proc and not in what may be mounted over parts of it. */
static int open_own(const char *path)
{
    struct open_how how = {.flags = O_WRONLY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
    int fd = -1, proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs fs;

    if (proc < 0)
        return -1;
    if (!fstatfs(proc, &fs)) {
        errno = EXDEV;
        if (fs.f_type == PROC_SUPER_MAGIC)
            fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof(how));
    }
    close(proc);
    return fd;
}

/* Whether this thread could change to the profile, which it does not: errno, or 0. A profile that is not loaded
 * is ENOENT. */
static int ask(const char *name)
{
    char text[NAME_MAX_ + sizeof("permprofile ")];
    int length = snprintf(text, sizeof(text), "permprofile %s", name);
    int fd = open_own("thread-self/attr/apparmor/current"), errnum = 0;
    ssize_t n;

    if (fd < 0)
        return errno;
    if ((n = write(fd, text, (size_t)length)) != length)
        errnum = n < 0 ? errno : EIO;
    close(fd);
    return errnum;
}

/* Before there is a process, or while it still waits. */
static int apparmor_look(struct hozo_ctx *ctx)
{
    const char *name;
    int found = read_profile(ctx, &name), errnum;

    if (found <= 0)
        return found;
    if (!is_enabled())
        return hozo_error(ctx, 0, PROFILE, "\"%s\": AppArmor is not enabled on this host", name);
    if ((errnum = ask(name)) == ENOENT)
        return hozo_error(ctx, 0, PROFILE, "\"%s\": no such profile is loaded", name);
    return errnum ? hozo_error(ctx, errnum, PROFILE, "\"%s\"", name) : 0;
}

HOZO_PLUGIN(apparmor) = {
    HOZO_HEADER,
    .name = "apparmor",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-apparmor",
    .summary = "Profiles of AppArmor.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .features = HOZO_TABLE(features),
    .plan = apparmor_plan,
    .exec = apparmor_plan,
    .probe = apparmor_look,
    .exec_attach = apparmor_look,
};
