/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.selinuxLabel: the context of the container's program and of its session keyring; linux.mountLabel:
 * that of the files in its mounts. The files of the kernel are used as they are, without libselinux, which
 * would parse configuration and look for policies that no container needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <hozo/plugin.h>

#define PROCESS   "process.selinuxLabel"
#define MOUNTS    "linux.mountLabel"
#define OPTION    "run.oci.mount_context_type"
#define SELINUXFS "/sys/fs/selinux"
#define LABEL_MAX 4000 /* what the kernel takes of a file of /proc is a page at most, */
#define MOUNT_MAX 255  /* and of an option of fsconfig(2) so much */

static const struct hozo_field fields[] = {
    {PROCESS, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "The context of SELinux that the program runs in."},
    {MOUNTS, HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "The context of the files in the container's mounts."},
};

/* Podman writes it for containers that label mounts themselves: --security-opt label=nested. */
static const struct hozo_annotation annotations[] = {
    {OPTION, HOZO_OWN,
     "The option with which mounts are labelled: context, fscontext, defcontext or rootcontext."},
};

static const struct hozo_feature features[] = {{"linux.selinux.enabled", "true"}};
static const char *const names[] = {PROCESS, MOUNTS};

/* --- the configuration -------------------------------------------------------------------------- */

static const char *problem_of(const char *path, const char *label)
{
    if (strlen(label) > (strcmp(path, MOUNTS) ? LABEL_MAX : MOUNT_MAX))
        return "is longer than the kernel takes";
    for (; *label; label++)
        if ((unsigned char)*label <= ' ' || *label == '\177' || *label == '"')
            return "has a blank, a quote or a control character";
    return NULL;
}

/* 1, or 0 without a label. */
static int read_label(struct hozo_ctx *ctx, const char *path, const char **label)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, path, &at);
    const char *problem;

    if (found <= 0)
        return found;
    *label = hozo_as_string(ctx, &at);
    problem = problem_of(path, *label);
    return problem ? hozo_error(ctx, 0, path, "%s", problem) : 1;
}

static int plan_process(struct hozo_ctx *ctx)
{
    struct hozo_label label = {.size = sizeof(label), .path = PROCESS};
    int found = read_label(ctx, PROCESS, &label.value);

    if (found <= 0)
        return found;
    label.kind = HOZO_LABEL_EXEC;
    label.file = "attr/exec";
    if (hozo_plan_label(ctx, &label) < 0)
        return -1;
    /* The kernel would give it the context of hozo, and the program could not use it. */
    label.kind = HOZO_LABEL_KEYRING;
    label.file = "attr/keycreate";
    return hozo_plan_label(ctx, &label);
}

static int read_option(struct hozo_ctx *ctx, const char **option)
{
    static const char *const options[] = {"context", "fscontext", "defcontext", "rootcontext"};
    const char *value;
    int found = hozo_annotation(ctx, OPTION, &value);

    if (found <= 0)
        return found;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (!strcmp(value, options[i])) {
            *option = options[i];
            return 0;
        }
    return hozo_error(ctx, 0, "annotations[\"" OPTION "\"]", "\"%s\" is no option of SELinux",
                      value);
}

static int plan_mounts(struct hozo_ctx *ctx)
{
    struct hozo_label label = {.size = sizeof(label),
                               .kind = HOZO_LABEL_MOUNT,
                               .path = MOUNTS,
                               .file = "security.selinux",
                               .option = "context"};
    int found = read_label(ctx, MOUNTS, &label.value);

    if (found <= 0)
        return found;
    return read_option(ctx, &label.option) < 0 ? -1 : hozo_plan_label(ctx, &label);
}

static int selinux_plan(struct hozo_ctx *ctx)
{
    return plan_process(ctx) < 0 ? -1 : plan_mounts(ctx);
}

/* --- the host ----------------------------------------------------------------------------------- */

static int open_selinuxfs(void)
{
    int fd = open(SELINUXFS, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs fs;

    if (fd >= 0 && !fstatfs(fd, &fs) && (unsigned long)fs.f_type == SELINUX_MAGIC)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The kernel looks the label up in the policy that is loaded: errno, or 0. */
static int ask(int selinuxfs, const char *label)
{
    int fd = openat(selinuxfs, "context", O_RDWR | O_NOFOLLOW | O_CLOEXEC), errnum;

    if (fd < 0)
        return errno;
    errnum = write(fd, label, strlen(label) + 1) < 0 ? errno : 0;
    close(fd);
    return errnum;
}

static int look_at(struct hozo_ctx *ctx, const char *path)
{
    const char *label;
    int found = read_label(ctx, path, &label), fd, errnum;

    if (found <= 0)
        return found;
    if ((fd = open_selinuxfs()) < 0)
        return hozo_error(ctx, 0, path, "\"%s\": SELinux is not enabled on this host (%s)", label,
                          SELINUXFS);
    errnum = ask(fd, label);
    close(fd);
    if (errnum == EINVAL)
        return hozo_error(ctx, 0, path, "\"%s\": is not valid in the policy that is loaded", label);
    return errnum ? hozo_error(ctx, errnum, path, "\"%s\": %s/context", label, SELINUXFS) : 0;
}

/* Before there is a process. */
static int selinux_probe(struct hozo_ctx *ctx)
{
    return look_at(ctx, PROCESS) < 0 ? -1 : look_at(ctx, MOUNTS);
}

/* It is there, and waits. */
static int selinux_exec_attach(struct hozo_ctx *ctx)
{
    return look_at(ctx, PROCESS);
}

HOZO_PLUGIN(selinux) = {
    HOZO_HEADER,
    .name = "selinux",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-selinux",
    .summary = "Labels of SELinux.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features),
    .plan = selinux_plan,
    .exec = plan_process,
    .probe = selinux_probe,
    .exec_attach = selinux_exec_attach,
};
