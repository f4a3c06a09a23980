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

/* NULL: it can be. */
static const char *why_not(const struct machine *m, const struct found *f, enum share share)
{
    if (!(m->driver->shares >> share & 1))
        return "this hypervisor does not have it";
    if (!kernel_has(f->kernel, share == SHARE_9P ? "9p" : "virtiofs"))
        return "this kernel does not have it";
    return share == SHARE_VIRTIOFS && !f->virtiofsd ? "virtiofsd is not installed" : NULL;
}

int share_find(struct hozo_ctx *ctx, const struct machine *m, struct found *f)
{
    const char *wanted, *virtiofs, *p9;

    if (setting_string(ctx, "share", &wanted) < 0 || find_virtiofsd(ctx, &f->virtiofsd) < 0)
        return -1;
    virtiofs = why_not(m, f, SHARE_VIRTIOFS);
    p9 = why_not(m, f, SHARE_9P);
    if (wanted && !strcmp(wanted, "9p"))
        virtiofs = "vm.json wants 9p";
    if (wanted && !strcmp(wanted, "virtiofs"))
        p9 = "vm.json wants virtiofs";
    if (virtiofs && p9)
        return hozo_error(ctx, 0, "vm",
                          "the guest cannot see the container's files: virtiofs: %s; 9p: %s",
                          virtiofs, p9);
    f->share = virtiofs ? SHARE_9P : SHARE_VIRTIOFS;
    return virtiofs ? 0 : ask_virtiofsd(ctx, f);
}
