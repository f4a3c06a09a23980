/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen, by its tool xl. What xl.cfg(5) describes as lines of a file, xl takes as arguments as well: each line is one, behind
 * an empty file. The stream is a channel, a console of the guest's with a socket on the host; the files are shared
 * by 9p. There is no network: Xen's is made by scripts of the host, outside of the container.
 */
#include <inttypes.h>

#include "plugins/vm/domain.h"
#include "plugins/vm/records.h"
#include "plugins/vm/vm.h"
#include "plugins/vm/wire.h"

#define STREAM "/run/stream"

/* Of capability(7): hypercalls, memory of the guest that is mapped, files that belong to others. */
#define DAC_OVERRIDE 1
#define IPC_LOCK     14
#define SYS_ADMIN    21

/* A guest's channels are consoles behind its first. */
#define PORT "hozo.port=/dev/hvc1"

static const char *const search[] = {"/usr/sbin/xl", "/usr/local/sbin/xl", NULL};

/* What xl and what it starts talk to the rest of Xen by, and where they keep what they know of a guest. */
static const char *const directories[] = {
    "/dev/xen", "/etc/xen", "/run/xen", "/run/xenstored", "/var/lib/xen", "/var/log/xen", NULL,
};

/* Their numbers differ from host to host: those of /dev/xen, which the container's rules have to allow. */
static const struct hozo_device *const devices[] = {NULL};

static bool recognises(const char *name)
{
    return !strcmp(name, "xl");
}

static int check(struct hozo_ctx *ctx, const struct machine *m)
{
    if (m->image && (!strcmp(m->format, "vdi") || !strcmp(m->format, "vmdk")))
        return hozo_error(ctx, 0, "vm.image.format", "Xen has no %s", m->format);
    return 0;
}

static bool accelerates(const struct machine *m)
{
    (void)m;
    return false;
}

static void modules(const struct machine *m, const struct found *f, struct buffer *names)
{
    (void)f;
    record_word(names, "9pnet_xen");
    record_word(names, "9p");
    if (!m->image)
        return;
    record_word(names, "xen_blkfront");
    record_words(names,
                 (const char *const[]){"?ext4", "?xfs", "?btrfs", "?squashfs", "?erofs", NULL});
}

/* --- lines of xl.cfg(5) --------------------------------------------------------------------------------- */

/* A string in double quotes, in which a backslash takes its meaning from what follows. */
static void put_string(struct buffer *r, const char *text)
{
    buffer_put(r, "\"");
    for (; *text; text++) {
        if (*text == '\n') {
            buffer_put(r, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\')
            buffer_put(r, "\\");
        buffer_append(r, text, 1);
    }
    buffer_put(r, "\"");
}

static void put_line(struct buffer *r, const char *name, const char *value)
{
    buffer_print(r, "%s = ", name);
    put_string(r, value);
    record_word(r, "");
}

static void put_identity(const struct machine *m, const struct found *f, struct buffer *r)
{
    put_line(r, "name", f->domain);
    if (!strcmp(ARCHITECTURE, "x86_64"))
        put_line(r, "type", "pvh");
    record_print(r, "memory = %" PRIu64, m->memory / MIB);
    record_print(r, "vcpus = %u", m->vcpus);
    put_line(r, "on_poweroff", "destroy");
    put_line(r, "on_reboot", "destroy");
    put_line(r, "on_crash", "destroy");
}

static void put_kernel(const struct machine *m, struct buffer *r)
{
    auto_buffer struct buffer line = {0};

    put_line(r, "kernel", IN_KERNEL);
    buffer_put(r, "ramdisk = ");
    record_print(r, "\"/proc/self/fd/%d\"", MONITOR_INITRD);
    buffer_put(&line, "console=hvc0 quiet panic=-1 " PORT);
    for (const char **p = m->kernel_parameters; *p; p++)
        buffer_print(&line, " %s", *p);
    r->failed |= !buffer_text(&line);
    if (!r->failed)
        put_line(r, "extra", line.at);
}

static void put_devices(const struct machine *m, struct buffer *r)
{
    record_word(r, "channel = [ \"connection=socket,path=" STREAM ",name=hozo\" ]");
    record_word(r, "p9 = [ \"tag=" SHARE_TAG ",security_model=none,path=" IN_SHARE "\" ]");
    if (m->image)
        record_print(r, "disk = [ \"format=%s, vdev=xvda, access=rw, target=" IN_IMAGE "\" ]",
                     m->format);
}

static void put_iomem(struct buffer *r, const struct iomem *i)
{
    buffer_print(r, "\"%" PRIx64 ",%" PRIx64, i->mfn, i->pages);
    if (i->has_gfn)
        buffer_print(r, "@%" PRIx64, i->gfn);
    buffer_put(r, "\"");
}

/* What of the host's hardware is the guest's own. */
static void put_hardware(const struct machine *m, struct buffer *r)
{
    if (m->device_tree)
        put_line(r, "device_tree", IN_DEVICE_TREE);
    for (size_t i = 0; m->dtdevs[i]; i++) {
        buffer_put(r, i ? ", " : "dtdev = [ ");
        put_string(r, m->dtdevs[i]);
    }
    if (m->dtdevs[0])
        record_word(r, " ]");
    for (size_t i = 0; i < m->n_iomems; i++) {
        buffer_put(r, i ? ", " : "iomem = [ ");
        put_iomem(r, &m->iomems[i]);
    }
    if (m->n_iomems)
        record_word(r, " ]");
    for (size_t i = 0; i < m->n_irqs; i++)
        buffer_print(r, "%s%" PRIu32, i ? ", " : "irqs = [ ", m->irqs[i]);
    if (m->n_irqs)
        record_word(r, " ]");
}

static void setup(const struct machine *m, const struct found *f, struct buffer *r)
{
    record_child(r, "hypervisor",
                 UINT64_C(1) << DAC_OVERRIDE | UINT64_C(1) << IPC_LOCK | UINT64_C(1) << SYS_ADMIN);
    record_words(r, (const char *const[]){f->hypervisor, "create", "-F", "/dev/null", NULL});
    put_identity(m, f, r);
    put_kernel(m, r);
    put_devices(m, r);
    put_hardware(m, r);
    record_words(r, (const char *const *)m->hypervisor_parameters);
    record_end(r);
    RECORD(r, "stream", STREAM);
    RECORD(r, "guest", "share", "9p", SHARE_TAG, "xen");
    if (m->image)
        RECORD(r, "guest", "image", "/dev/xvda");
}

const struct driver xen_driver = {
    .name = "xen",
    .recognises = recognises,
    .search = search,
    .shares = 1 << SHARE_9P,
    .capabilities =
        UINT64_C(1) << DAC_OVERRIDE | UINT64_C(1) << IPC_LOCK | UINT64_C(1) << SYS_ADMIN,
    .directories = directories,
    .devices = devices,
    .check = check,
    .accelerates = accelerates,
    .modules = modules,
    .setup = setup,
    .keep = domain_keep,
};
