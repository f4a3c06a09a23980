/* SPDX-License-Identifier: Apache-2.0 */
/* By what the guest sees the container's files: what hypervisor, host and kernel have, or the administrator's choice. */
#include "plugins/vm/vm.h"

#include <errno.h>
#include <sys/resource.h>

/* Debian since 13 and Fedora; Debian 12 and its QEMU 7.2; Arch and openSUSE; built by hand. */
static const char *const places[] = {
    "/usr/libexec/virtiofsd",       "/usr/lib/qemu/virtiofsd",      "/usr/lib/virtiofsd",
    "/usr/lib/virtiofsd/virtiofsd", "/usr/local/libexec/virtiofsd", NULL,
};

static int find_virtiofsd(struct hozo_ctx *ctx, const char **path)
{
    if (setting_string(ctx, "virtiofsd", path) < 0)
        return -1;
    if (*path && access(*path, X_OK) < 0)
        return hozo_error(ctx, errno, "vm", "the setting virtiofsd names %s", *path);
    for (size_t i = 0; !*path && places[i]; i++)
        if (!access(places[i], X_OK))
            *path = places[i];
    return 0;
}

/* Two programs have this name: QEMU's own, in C, until 8.0; and its successor in Rust, with other options. */
static int ask_virtiofsd(struct hozo_ctx *ctx, struct found *f)
{
    const char *const args[] = {f->virtiofsd, "--help", NULL};
    struct hozo_run run = {.size = sizeof(run), .timeout = 2000, .args = args};
    struct rlimit files;

    if (hozo_run(ctx, &run) < 0)
        return -1;
    if (run.status != 0)
        return hozo_error(ctx, 0, "vm", "%s --help fails: %.*s", f->virtiofsd,
                          (int)strcspn(run.output, "\n"), run.output);
    f->virtiofsd_compatible = !strstr(run.output, "--shared-dir");
    f->open_files = getrlimit(RLIMIT_NOFILE, &files) < 0 ? 1024
                    : files.rlim_max > 1000000           ? 1000000
                                                         : files.rlim_max;
    return 0;
}

/* --- a copy --------------------------------------------------------------------------------------- */

static const char *const squashers[] = {"/usr/bin/mksquashfs", "/usr/sbin/mksquashfs", NULL};

static const char *find_mksquashfs(void)
{
    for (size_t i = 0; squashers[i]; i++)
        if (!access(squashers[i], X_OK))
            return squashers[i];
    return NULL;
}

static bool lists(struct hozo_ctx *ctx, const struct hozo_cursor *options, const char *const *words)
{
    struct hozo_cursor option;

    for (size_t i = 0; hozo_item(ctx, options, i, &option, NULL) == 1; i++)
        for (const char *const *w = words; *w; w++)
            if (!strcmp(hozo_as_string(ctx, &option), *w))
                return true;
    return false;
}

/* What a program writes into a copy would be lost: nobody may expect that it is not. */
static int check_mount(struct hozo_ctx *ctx, const struct hozo_cursor *mount)
{
    static const char *const binds[] = {"bind", "rbind", NULL}, *const readonly[] = {"ro", "rro",
                                                                                     NULL};
    struct hozo_cursor type, options;
    bool typed =
        hozo_find(ctx, mount, "type", &type) == 1 && !strcmp(hozo_as_string(ctx, &type), "bind");
    bool has_options = hozo_find(ctx, mount, "options", &options) == 1;

    if (!typed && !(has_options && lists(ctx, &options, binds)))
        return 0;
    if (has_options && lists(ctx, &options, readonly))
        return 0;
    return hozo_error(ctx, 0, mount->path,
                      "is not read-only, but the guest can only have a copy of it");
}

static int check_readonly(struct hozo_ctx *ctx)
{
    struct hozo_cursor mounts, mount;

    if (!machine_is_readonly(ctx))
        return hozo_error(ctx, 0, "root.readonly",
                          "must be true: the guest can only have a copy of the container's files");
    if (hozo_find(ctx, NULL, "mounts", &mounts) != 1)
        return 0;
    for (size_t i = 0; hozo_item(ctx, &mounts, i, &mount, NULL) == 1; i++)
        if (check_mount(ctx, &mount) < 0)
            return -1;
    return 0;
}

/* --- which ------------------------------------------------------------------------------------------ */

/* NULL: it can be. An image of the guest's own would be the first block device, or the second. */
static const char *why_not(const struct machine *m, const struct found *f, enum share share)
{
    static const struct {
        const char *module, *needs;
    } of[] = {
        [SHARE_VIRTIOFS] = {"virtiofs", "virtiofsd is not installed"},
        [SHARE_9P] = {"9p", NULL},
        [SHARE_IMAGE] = {"squashfs", "mksquashfs is not installed"},
    };

    if (!(m->driver->shares >> share & 1))
        return "this hypervisor does not have it";
    if (!kernel_has(f->kernel, of[share].module))
        return "this kernel does not have it";
    if (share == SHARE_IMAGE && m->image)
        return "vm.image takes its place";
    return (share == SHARE_VIRTIOFS && !f->virtiofsd) || (share == SHARE_IMAGE && !f->mksquashfs)
               ? of[share].needs
               : NULL;
}

static const char *const names[] = {
    [SHARE_VIRTIOFS] = "virtiofs", [SHARE_9P] = "9p", [SHARE_IMAGE] = "image"};

/* The first that can be, or the one that is wanted. */
static enum share choose(const struct machine *m, const struct found *f, const char *wanted,
                         struct buffer *reasons)
{
    for (enum share share = SHARE_VIRTIOFS; share <= SHARE_IMAGE; share++) {
        const char *why =
            wanted && strcmp(wanted, names[share]) ? "vm.json wants another" : why_not(m, f, share);

        if (!why)
            return share;
        buffer_print(reasons, "%s%s: %s", reasons->length ? "; " : "", names[share], why);
    }
    return SHARE_NONE;
}

int share_find(struct hozo_ctx *ctx, const struct machine *m, struct found *f)
{
    auto_buffer struct buffer reasons = {0};
    const char *wanted;

    if (setting_string(ctx, "share", &wanted) < 0 || find_virtiofsd(ctx, &f->virtiofsd) < 0)
        return -1;
    f->mksquashfs = find_mksquashfs();
    switch (f->share = choose(m, f, wanted, &reasons)) {
    case SHARE_VIRTIOFS:
        return ask_virtiofsd(ctx, f);
    case SHARE_9P:
        return 0;
    case SHARE_IMAGE:
        return check_readonly(ctx);
    default:
        return hozo_error(ctx, 0, "vm", "the guest cannot see the container's files: %s",
                          buffer_text(&reasons) ? reasons.at : "");
    }
}
