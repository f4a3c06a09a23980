/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU. On x86 its machine is microvm, which has what a container needs and nothing else, or q35 where a parameter
 * asks for PCI; elsewhere it is virt.
 */
#include <inttypes.h>

#include "plugins/vm/records.h"
#include "plugins/vm/vm.h"
#include "plugins/vm/wire.h"

#define CAPABILITY(n) (UINT64_C(1) << (n))

enum {
    CHOWN,
    DAC_OVERRIDE,
    FOWNER = 3,
    FSETID,
    SETGID = 6,
    SETUID,
    SETPCAP,
    SYS_CHROOT = 18,
    MKNOD = 27,
    SETFCAP = 31
};

/* Who makes files for others: their owners, modes, nodes and capabilities. Not CAP_DAC_READ_SEARCH: what that allows beyond
 * CAP_DAC_OVERRIDE is open_by_handle_at(2), which leads to every file of a file system of which a part is shared. */
#define OF_FILES                                                                                   \
    (CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FOWNER) | CAPABILITY(FSETID) |      \
     CAPABILITY(MKNOD) | CAPABILITY(SETFCAP))

/* virtiofsd acts as the guest's users, goes into its directory for good, and drops what it does not need itself. */
#define OF_VIRTIOFSD                                                                               \
    (OF_FILES | CAPABILITY(SETGID) | CAPABILITY(SETUID) | CAPABILITY(SETPCAP) |                    \
     CAPABILITY(SYS_CHROOT))

/* MiB in which the translator keeps its code: QEMU takes up to 1 GiB if it is not told. */
#define TRANSLATED 128

static const char *const search[] = {
    "/usr/bin/qemu-system-" ARCHITECTURE,
    "/usr/libexec/qemu-kvm",
    "/usr/bin/qemu-kvm",
    "/usr/local/bin/qemu-system-" ARCHITECTURE,
    NULL,
};

static const char *const no_directories[] = {NULL};

/* Nodes are made whether the host has the device or not: without it, opening one fails. */
/* clang-format off */
static const struct hozo_device kvm = {
    .size = sizeof(kvm), .path = "/dev/kvm", .type = "c", .access = "rw", .major = 10, .minor = 232};
static const struct hozo_device tun = {
    .size = sizeof(tun), .path = "/dev/net/tun", .type = "c", .access = "rw", .major = 10, .minor = 200};
/* clang-format on */

static const struct hozo_device *const devices[] = {&kvm, &tun, NULL};

/* clang-format off */
static const struct architecture {
    const char *name, *machine, *console;
    bool microvm, device_tree;
} architectures[] = {
    {"x86_64",  "q35,usb=off,sata=off,smbus=off,vmport=off", "ttyS0",   true,  false},
    {"aarch64", "virt,gic-version=max",                      "ttyAMA0", false, true},
    {"riscv64", "virt",                                      "ttyS0",   false, true},
};
/* clang-format on */

static const struct architecture *architecture_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
        if (!strcmp(architectures[i].name, name))
            return &architectures[i];
    return NULL;
}

/* --- parameters of the configuration ---------------------------------------------------------------- */

static bool is_option(const char *parameter, const char *name)
{
    return *parameter == '-' && !strcmp(parameter + 1 + (parameter[1] == '-'), name);
}

/* The value of the last of these options; "" for one without; NULL: it is not there. */
static const char *option(const char **parameters, const char *name)
{
    const char *value = NULL;

    for (; *parameters; parameters++)
        if (is_option(*parameters, name))
            value = parameters[1] ? parameters[1] : "";
    return value;
}

static bool names_accelerator(const struct machine *m)
{
    const char **p = m->hypervisor_parameters;

    if (option(p, "accel") || option(p, "enable-kvm"))
        return true;
    for (; *p; p++)
        if ((is_option(*p, "machine") || is_option(*p, "M")) && p[1] && strstr(p[1], "accel="))
            return true;
    return false;
}

/* "q35" of "q35,accel=tcg" and of "type=q35"; NULL where none is named. */
static const char *machine_type(const struct machine *m)
{
    const char *type = NULL;

    for (const char **p = m->hypervisor_parameters; *p; p++) {
        if ((!is_option(*p, "machine") && !is_option(*p, "M")) || !p[1])
            continue;
        if (!strncmp(p[1], "type=", 5))
            type = p[1] + 5;
        else if (p[1][strcspn(p[1], "=,")] != '=') /* the first word has no name in front */
            type = p[1];
    }
    return type;
}

static bool asks_for_pci(const struct machine *m)
{
    for (const char **p = m->hypervisor_parameters; *p; p++)
        if (strstr(*p, "pci") || strstr(*p, "vfio"))
            return true;
    return false;
}

static bool is_microvm(const struct machine *m, const struct found *f)
{
    const char *type = machine_type(m);

    if (type)
        return !strncmp(type, "microvm", 7);
    return architecture_of(f->architecture)->microvm && kernel_has(f->kernel, "virtio_mmio") &&
           !asks_for_pci(m);
}

/* --- what it can do ------------------------------------------------------------------------------------ */

#define SYSTEM "qemu-system-"

static bool recognises(const char *name)
{
    return !strncmp(name, SYSTEM, strlen(SYSTEM)) || !strcmp(name, "qemu-kvm");
}

/* The agent is made for this processor. */
static int check_architecture(struct hozo_ctx *ctx, const struct machine *m)
{
    const char *name = m->hypervisor ? strrchr(m->hypervisor, '/') + 1 : "";

    if (!architecture_of(ARCHITECTURE))
        return hozo_error(ctx, 0, "vm", "there are no machines on this architecture");
    if (!strncmp(name, SYSTEM, strlen(SYSTEM)) && strcmp(name + strlen(SYSTEM), ARCHITECTURE))
        return hozo_error(ctx, 0, VM_HYPERVISOR,
                          "\"%s\" is for another architecture than the host's", m->hypervisor);
    return 0;
}

static int check(struct hozo_ctx *ctx, const struct machine *m)
{
    const char *member = m->dtdevs[0]  ? "dtdevs"
                         : m->n_iomems ? "iomems"
                         : m->n_irqs   ? "irqs"
                                       : NULL;

    if (check_architecture(ctx, m) < 0)
        return -1;
    if (member)
        return hardware_error(ctx, m, member, "has a meaning for Xen only");
    if (m->device_tree && !architecture_of(ARCHITECTURE)->device_tree)
        return hardware_error(ctx, m, "deviceTree", "has no meaning for QEMU on " ARCHITECTURE);
    return 0;
}

static bool accelerates(const struct machine *m)
{
    return !names_accelerator(m);
}

static void modules(const struct machine *m, const struct found *f, struct buffer *names)
{
    record_word(names, is_microvm(m, f) ? "virtio_mmio" : "virtio_pci");
    record_word(names, "virtio_console");
    record_word(names, "?virtio_net");
    if (f->share == SHARE_VIRTIOFS)
        record_word(names, "virtiofs");
    if (f->share == SHARE_9P) {
        record_word(names, "9pnet_virtio");
        record_word(names, "9p");
    }
    if (m->image || f->share == SHARE_IMAGE)
        record_word(names, "virtio_blk");
    if (f->share == SHARE_IMAGE)
        record_word(names, "squashfs");
    if (!m->image)
        return;
    record_words(names,
                 (const char *const[]){"?ext4", "?xfs", "?btrfs", "?squashfs", "?erofs", NULL});
}

/* --- arguments ---------------------------------------------------------------------------------------- */

/* A device on the bus of the machine. */
#define BUS(m, f) (is_microvm(m, f) ? "device" : "pci")

/*
 * The chips of the first PCs are left out of microvm: with ACPI, QEMU 7.2 gives the kernel interrupts of theirs that it does
 * not expect. Without them nothing tells how fast the processor's counter is, so the command line does.
 * force-legacy: a virtio-mmio device is of virtio 1 only if that is said.
 */
static void put_machine(const struct machine *m, const struct found *f, struct buffer *r)
{
    const char *memory = f->share == SHARE_VIRTIOFS ? ",memory-backend=memory" : "";

    record_word(r, "-machine");
    if (machine_type(m))
        record_print(r, "%s", *memory ? memory + 1 : "graphics=off");
    else if (is_microvm(m, f))
        record_print(r, "microvm,acpi=on,pit=off,pic=off,rtc=on,ioapic2=on%s", memory);
    else
        record_print(r, "%s%s", architecture_of(f->architecture)->machine, memory);
    if (is_microvm(m, f))
        record_words(r, (const char *const[]){"-global", "virtio-mmio.force-legacy=false", NULL});
}

static void put_processor(const struct machine *m, const struct found *f, struct buffer *r)
{
    if (!names_accelerator(m)) {
        record_word(r, "-accel");
        if (f->kvm)
            record_word(r, "kvm");
        else
            record_print(r, "tcg,tb-size=%d", TRANSLATED);
    }
    if (!option(m->hypervisor_parameters, "cpu"))
        record_words(r, (const char *const[]){"-cpu", f->kvm ? "host" : "max", NULL});
    record_word(r, "-smp");
    record_print(r, "%u", m->vcpus);
    record_word(r, "-m");
    record_print(r, "%" PRIu64 "M", m->memory / MIB);
    if (f->share != SHARE_VIRTIOFS)
        return;
    record_word(r, "-object");
    record_print(r, "memory-backend-memfd,id=memory,size=%" PRIu64 "M,share=on", m->memory / MIB);
}

/* `reboot=t`: a panic ends the machine at once. Linux 6.1 on microvm tries this and that otherwise, at last a jump into
 * what was the firmware, and may stay there for ever. `cryptomgr.notests`: tests of algorithms, which take half a
 * second where the processor is a translator. */
static void put_kernel(const struct machine *m, const struct found *f, struct buffer *r)
{
    record_words(r, (const char *const[]){"-kernel", IN_KERNEL, "-initrd", NULL});
    record_print(r, "/proc/self/fd/%d", MONITOR_INITRD);
    if (m->device_tree)
        record_words(r, (const char *const[]){"-dtb", IN_DEVICE_TREE, NULL});
    record_word(r, "-append");
    buffer_print(r, "console=%s quiet panic=-1 reboot=t cryptomgr.notests",
                 architecture_of(f->architecture)->console);
    if (!f->kvm && f->tsc_khz && is_microvm(m, f))
        buffer_print(r, " tsc_early_khz=%" PRIu64, f->tsc_khz);
    for (const char **p = m->kernel_parameters; *p; p++)
        buffer_print(r, " %s", *p);
    record_word(r, "");
}

static void put_device(struct buffer *r, const char *bus, const char *fmt, const char *rest)
{
    record_word(r, "-device");
    record_print(r, "%s-%s%s", fmt, bus, rest);
}

static void put_devices(const struct machine *m, const struct found *f, struct buffer *r)
{
    const char *bus = BUS(m, f);

    record_words(r, (const char *const[]){"-chardev", "stdio,id=console,signal=off", "-serial",
                                          "chardev:console", NULL});
    put_device(r, bus, "virtio-serial", "");
    record_word(r, "-chardev");
    record_print(r, "socket,id=stream,fd=%d", MONITOR_GUEST);
    record_words(r,
                 (const char *const[]){"-device", "virtserialport,chardev=stream,name=hozo", NULL});
    if (f->share == SHARE_VIRTIOFS) {
        record_words(r,
                     (const char *const[]){"-chardev", "socket,id=share,path=" IN_VIRTIOFS, NULL});
        put_device(r, bus, "vhost-user-fs", ",chardev=share,tag=" SHARE_TAG);
    } else if (f->share == SHARE_IMAGE) {
        record_words(r,
                     (const char *const[]){
                         "-drive", "if=none,id=share,format=raw,readonly=on,file=" IN_COPY, NULL});
        put_device(r, bus, "virtio-blk", ",drive=share");
    } else {
        record_words(r, (const char *const[]){"-fsdev",
                                              "local,id=share,path=" IN_SHARE
                                              ",security_model=passthrough,multidevs=remap",
                                              NULL});
        put_device(r, bus, "virtio-9p", ",fsdev=share,mount_tag=" SHARE_TAG);
    }
    if (!m->image)
        return;
    record_word(r, "-drive");
    record_print(r, "if=none,id=image,file=" IN_IMAGE ",format=%s",
                 strcmp(m->format, "vhd") ? m->format : "vpc");
    put_device(r, bus, "virtio-blk", ",drive=image");
}

#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

static void put_hypervisor(const struct machine *m, const struct found *f, struct buffer *r)
{
    record_child(r, "hypervisor", f->share == SHARE_9P ? OF_FILES : 0);
    record_words(r, (const char *const[]){f->hypervisor, "-nodefaults", "-no-user-config",
                                          "-display", "none", "-no-reboot", NULL});
    if (!option(m->hypervisor_parameters, "sandbox"))
        record_words(r, (const char *const[]){"-sandbox", SANDBOX, NULL});
    put_machine(m, f, r);
    put_processor(m, f, r);
    put_kernel(m, f, r);
    put_devices(m, f, r);
    record_word(r, "@TAPS@");
    record_words(r, (const char *const *)m->hypervisor_parameters);
    record_end(r);
}

/* --- the files ---------------------------------------------------------------------------------------- */

/* The guest's users are the host's: container images have files of many, with capabilities and attributes. */
#define OPTIONS_IN_C "source=" IN_SHARE ",sandbox=chroot,cache=auto,xattr,log_level=warn"

static void put_virtiofsd(const struct found *f, struct buffer *r)
{
    record_child(r, "virtiofsd", OF_VIRTIOFSD);
    record_words(r, (const char *const[]){f->virtiofsd, "--socket-path=" IN_VIRTIOFS, NULL});
    record_print(r, "--rlimit-nofile=%" PRIu64, f->open_files);
    if (f->virtiofsd_compatible) {
        record_words(r, (const char *const[]){"-f", "-o", OPTIONS_IN_C, NULL});
    } else {
        record_word(r, "--shared-dir=" IN_SHARE);
        record_words(r, (const char *const[]){"--sandbox=chroot", "--cache=auto", "--xattr",
                                              "--log-level=warn", NULL});
    }
    record_end(r);
    RECORD(r, "wait", IN_VIRTIOFS);
}

/* All that the guest is to see, as it lies in the machine's root. Whole when the other file is there. */
static void put_copy(const struct found *f, struct buffer *r)
{
    record_child(r, "mksquashfs", CAPABILITY(DAC_OVERRIDE));
    record_words(r, (const char *const[]){"/bin/sh", "-c",
                                          "\"$0\" " IN_SHARE " " IN_COPY
                                          " -quiet -no-progress -noappend && : > " IN_COPY_MADE,
                                          f->mksquashfs, NULL});
    record_end(r);
    RECORD(r, "wait", IN_COPY_MADE);
}

static void put_share(const struct found *f, struct buffer *r)
{
    if (f->share == SHARE_IMAGE)
        RECORD(r, "guest", "lower", "vda", "squashfs");
    else
        RECORD(r, "guest", "share", f->share == SHARE_VIRTIOFS ? "virtiofs" : "9p", SHARE_TAG);
}

static void setup(const struct machine *m, const struct found *f, struct buffer *r)
{
    const char *bus = BUS(m, f);

    if (f->share == SHARE_VIRTIOFS)
        put_virtiofsd(f, r);
    if (f->share == SHARE_IMAGE)
        put_copy(f, r);
    put_hypervisor(m, f, r);
    record_words(r, (const char *const[]){"tap", "-netdev", "tap,id=net@INDEX@,fd=@FD@", NULL});
    put_device(r, bus, "virtio-net",
               *bus == 'p' ? ",netdev=net@INDEX@,mac=@MAC@,romfile="
                           : ",netdev=net@INDEX@,mac=@MAC@");
    record_end(r);
    put_share(f, r);
    if (m->image)
        RECORD(r, "guest", "image", "/dev/vda");
}

const struct driver qemu_driver = {
    .name = "qemu",
    .recognises = recognises,
    .search = search,
    .shares = 1 << SHARE_VIRTIOFS | 1 << SHARE_9P | 1 << SHARE_IMAGE,
    .capabilities = OF_VIRTIOFSD,
    .directories = no_directories,
    .devices = devices,
    .check = check,
    .accelerates = accelerates,
    .modules = modules,
    .setup = setup,
};
