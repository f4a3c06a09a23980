/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers tell the monitor: the arguments of hypervisors, by what is asked for and what has been found. */
#include <stdio.h>

#include "plugins/tap.h"
#include "plugins/vm/domain.h"
#include "plugins/vm/fake-host.h"
#include "plugins/vm/kernel.h"
#include "plugins/vm/vm.h"

static const char *no_words[] = {NULL};
static char nothing[] = "", mmio[] = "kernel/virtio_mmio.ko\n", here[] = "/lib/modules/6.1";
static const struct kernel unknown = {0},
                           with_mmio = {.modules = here, .builtin = mmio, .order = nothing},
                           without_mmio = {.modules = here, .builtin = nothing, .order = nothing};

static struct machine machine(const struct driver *driver)
{
    return (struct machine){.id = "c1",
                            .driver = driver,
                            .hypervisor_parameters = no_words,
                            .kernel = "/boot/vmlinuz",
                            .kernel_parameters = no_words,
                            .dtdevs = no_words,
                            .format = "raw",
                            .hw = "vm.hwConfig",
                            .vcpus = 2,
                            .memory = 256 * MIB};
}

static struct found found(const char *hypervisor)
{
    return (struct found){.architecture = "x86_64",
                          .hypervisor = hypervisor,
                          .kernel = &unknown,
                          .share = SHARE_VIRTIOFS,
                          .virtiofsd = "/usr/libexec/virtiofsd",
                          .open_files = 1024,
                          .tsc_khz = 2000000,
                          .seconds = 60};
}

/* Words of a record with blanks between them, a line for each record. */
static const char *text_of(const struct machine *m, const struct found *f)
{
    static char text[8192];
    auto_buffer struct buffer r = {0};
    size_t n = 0;

    m->driver->setup(m, f, &r);
    if (r.failed || r.length > sizeof(text) - 1)
        abort();
    for (size_t i = 0; i < r.length; i++)
        if (r.at[i])
            text[n++] = r.at[i];
        else if (n && text[n - 1] == ' ')
            text[n - 1] = '\n';
        else
            text[n++] = ' ';
    text[n] = '\0';
    return text;
}

static void is(const char *what, const char *have, const char *want)
{
    if (!ok(!strcmp(have, want), "%s", what))
        printf("# have:\n%s# want:\n%s", have, want);
}

static void has(const char *what, const char *have, const char *want)
{
    if (!ok(strstr(have, want) != NULL, "%s: %.*s", what, (int)strcspn(want, "\n"), want))
        printf("# in:\n%s", have);
}

static void lacks(const char *what, const char *have, const char *not_wanted)
{
    if (!ok(!strstr(have, not_wanted), "%s: no %s", what, not_wanted))
        printf("# in:\n%s", have);
}

/* --- QEMU ------------------------------------------------------------------------------------------ */

static const char smallest[] =
    "child virtiofsd 880401db /usr/libexec/virtiofsd --socket-path=/run/virtiofs "
    "--rlimit-nofile=1024"
    " --shared-dir=/share --sandbox=chroot --cache=auto --xattr --log-level=warn\n"
    "wait /run/virtiofs\n"
    "child hypervisor 0 /usr/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none"
    " -no-reboot -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
    " -machine microvm,acpi=on,pit=off,pic=off,rtc=on,ioapic2=on,memory-backend=memory"
    " -global virtio-mmio.force-legacy=false -accel tcg,tb-size=128 -cpu max -smp 2 -m 256M"
    " -object memory-backend-memfd,id=memory,size=256M,share=on"
    " -kernel /vm/kernel -initrd /proc/self/fd/10"
    " -append console=ttyS0 quiet panic=-1 reboot=t cryptomgr.notests tsc_early_khz=2000000"
    " -chardev stdio,id=console,signal=off -serial chardev:console"
    " -device virtio-serial-device -chardev socket,id=stream,fd=11"
    " -device virtserialport,chardev=stream,name=hozo"
    " -chardev socket,id=share,path=/run/virtiofs"
    " -device vhost-user-fs-device,chardev=share,tag=hozo @TAPS@\n"
    "tap -netdev tap,id=net@INDEX@,fd=@FD@ -device virtio-net-device,netdev=net@INDEX@,mac=@MAC@\n"
    "guest share virtiofs hozo\n";

static const char largest[] =
    "child hypervisor 8800001b /opt/qemu-kvm -nodefaults -no-user-config -display none"
    " -no-reboot -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
    " -machine virt,gic-version=max -accel kvm -cpu host -smp 2 -m 256M"
    " -kernel /vm/kernel -initrd /proc/self/fd/10 -dtb /vm/device-tree"
    " -append console=ttyAMA0 quiet panic=-1 reboot=t cryptomgr.notests a=b c"
    " -chardev stdio,id=console,signal=off -serial chardev:console"
    " -device virtio-serial-pci -chardev socket,id=stream,fd=11"
    " -device virtserialport,chardev=stream,name=hozo"
    " -fsdev local,id=share,path=/share,security_model=passthrough,multidevs=remap"
    " -device virtio-9p-pci,fsdev=share,mount_tag=hozo"
    " -drive if=none,id=image,file=/vm/image,format=vpc -device virtio-blk-pci,drive=image @TAPS@ "
    "-s\n"
    "tap -netdev tap,id=net@INDEX@,fd=@FD@ -device "
    "virtio-net-pci,netdev=net@INDEX@,mac=@MAC@,romfile=\n"
    "guest share 9p hozo\n"
    "guest image /dev/vda\n";

static void test_qemu(void)
{
    struct machine m = machine(&qemu_driver);
    struct found f = found("/usr/bin/qemu-system-x86_64");
    const char *words[] = {"-s", NULL}, *kernel_words[] = {"a=b", "c", NULL};

    is("QEMU: the smallest machine", text_of(&m, &f), smallest);
    f.virtiofsd_compatible = true;
    has("the virtiofsd in C", text_of(&m, &f),
        "--rlimit-nofile=1024 -f -o "
        "source=/share,sandbox=chroot,cache=auto,xattr,log_level=warn\n");
    m.hypervisor_parameters = words;
    m.kernel_parameters = kernel_words;
    m.image = "/images/a,b.vhd";
    m.format = "vhd";
    m.device_tree = "/boot/a.dtb";
    f = (struct found){.architecture = "aarch64",
                       .hypervisor = "/opt/qemu-kvm",
                       .kernel = &with_mmio,
                       .share = SHARE_9P,
                       .kvm = true};
    is("QEMU: the largest machine", text_of(&m, &f), largest);
}

static const char *with_words(const char **words, const struct kernel *kernel)
{
    struct machine m = machine(&qemu_driver);
    struct found f = found("/usr/bin/qemu-system-x86_64");

    m.hypervisor_parameters = words;
    f.kernel = kernel;
    return text_of(&m, &f);
}

static bool probes(const char **words)
{
    struct machine m = machine(&qemu_driver);

    m.hypervisor_parameters = words;
    return qemu_driver.accelerates(&m);
}

static void test_parameters(void)
{
#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})
    const char *text;

    has("a kernel with virtio-mmio", with_words(no_words, &with_mmio), "-machine microvm,");
    text = with_words(no_words, &without_mmio);
    has("a kernel without virtio-mmio", text, "-machine q35,");
    has("… has its devices on PCI", text, "-device vhost-user-fs-pci,");
    lacks("… and a timer of its own", text, "tsc_early_khz");
    has("a device on PCI", with_words(WORDS("-device", "virtio-rng-pci"), &with_mmio),
        "-machine q35,");
    has("a device of the host's", with_words(WORDS("--device=vfio-ap"), &with_mmio),
        "-machine q35,");
    text = with_words(WORDS("-M", "q35,accel=tcg"), &with_mmio);
    has("a machine that is named", text, "-machine memory-backend=memory -cpu max");
    has("… is on PCI", text, "-device virtio-serial-pci");
    lacks("… with its accelerator", text, "-accel");
    has("a microvm that is named",
        with_words(WORDS("-machine", "type=microvm,rtc=off"), &with_mmio),
        "-device virtio-serial-device");
    has("options of a machine that is not named",
        with_words(WORDS("-machine", "usb=off"), &with_mmio), "-machine microvm,");
    lacks("an accelerator that is named", with_words(WORDS("--accel", "kvm"), &with_mmio),
          "-accel tcg");
    lacks("a processor that is named", with_words(WORDS("-cpu", "qemu64"), &with_mmio), "-cpu max");
    lacks("a sandbox that is named", with_words(WORDS("-sandbox", "off"), &with_mmio),
          "spawn=deny");
    ok(probes(no_words) && probes(WORDS("-M", "q35")) && !probes(WORDS("-accel", "tcg")) &&
           !probes(WORDS("-enable-kvm")) && !probes(WORDS("-machine", "accel=kvm:tcg")) &&
           !probes(WORDS("-M", "virt,accel=tcg")),
       "KVM is looked for where no accelerator is named");
}

/* --- modules ----------------------------------------------------------------------------------------- */

static const char *modules_of(const struct machine *m, const struct found *f)
{
    static char text[512];
    auto_buffer struct buffer names = {0};

    m->driver->modules(m, f, &names);
    if (names.failed || names.length >= sizeof(text))
        abort();
    for (size_t i = 0; i < names.length; i++)
        text[i] = names.at[i] ? names.at[i] : ' ';
    text[names.length] = '\0';
    return text;
}

static void test_modules(void)
{
    struct machine m = machine(&qemu_driver), xen = machine(&xen_driver);
    struct found f = found("/usr/bin/qemu-system-x86_64");

    is("modules of microvm", modules_of(&m, &f),
       "virtio_mmio virtio_console ?virtio_net virtiofs ");
    f.kernel = &without_mmio;
    f.share = SHARE_9P;
    m.image = "/image";
    is("modules of PCI, 9p and an image", modules_of(&m, &f),
       "virtio_pci virtio_console ?virtio_net 9pnet_virtio 9p virtio_blk ?ext4 ?xfs ?btrfs "
       "?squashfs "
       "?erofs ");
    is("modules of Xen", modules_of(&xen, &f), "9pnet_xen 9p ");
    f.share = SHARE_IMAGE;
    f.mksquashfs = "/usr/bin/mksquashfs";
    m.image = NULL;
    is("modules of a copy", modules_of(&m, &f),
       "virtio_pci virtio_console ?virtio_net virtio_blk squashfs ");
    ok(strstr(text_of(&m, &f), "child mksquashfs 2 /bin/sh -c \"$0\" /share /run/share.squashfs"
                               " -quiet -no-progress -noappend && : > /run/share.made"
                               " /usr/bin/mksquashfs\nwait /run/share.made\n"
                               "child hypervisor 0 ") &&
           strstr(text_of(&m, &f), "guest lower vda squashfs\n"),
       "a copy is whole before the machine starts, which has no rights");
}

/* --- Xen --------------------------------------------------------------------------------------------- */

static const char domain_begin[] = "child hypervisor 204002 /usr/sbin/xl create -F /dev/null"
                                   " name = \"hozo-c1-0123456789abcdef\"";
static const char domain_end[] =
    " memory = 256 vcpus = 2 on_poweroff = \"destroy\" on_reboot = \"destroy\" on_crash = "
    "\"destroy\""
    " kernel = \"/vm/kernel\" ramdisk = \"/proc/self/fd/10\""
    " extra = \"console=hvc0 quiet panic=-1 hozo.port=/dev/hvc1 a=\\\"b\\\\c\\\"\""
    " channel = [ \"connection=socket,path=/run/stream,name=hozo\" ]"
    " p9 = [ \"tag=hozo,security_model=none,path=/share\" ]"
    " disk = [ \"format=qcow2, vdev=xvda, access=rw, target=/vm/image\" ]"
    " device_tree = \"/vm/device-tree\""
    " dtdev = [ \"/soc/a\", \"/soc/\\\"b\" ]"
    " iomem = [ \"3000,1\", \"8100,2@3100\" ]"
    " irqs = [ 11, 22 ]"
    " cpus=\"0\"\n"
    "stream /run/stream\n"
    "guest share 9p hozo xen\n"
    "guest image /dev/xvda\n";

static void test_xen(void)
{
    struct iomem iomems[] = {{.mfn = 12288, .gfn = 12288, .pages = 1},
                             {.mfn = 33024, .gfn = 12544, .pages = 2, .has_gfn = true}};
    uint32_t irqs[] = {11, 22};
    struct machine m = machine(&xen_driver);
    struct found f = found("/usr/sbin/xl");
    const char *text;

    f.share = SHARE_9P;
    f.domain = "hozo-c1-0123456789abcdef";
    lacks("Xen: the smallest machine", text_of(&m, &f), "= [ ]");
    m.kernel_parameters = WORDS("a=\"b\\c\"");
    m.hypervisor_parameters = WORDS("cpus=\"0\"");
    m.image = "/image";
    m.format = "qcow2";
    m.device_tree = "/boot/a.dtb";
    m.dtdevs = WORDS("/soc/a", "/soc/\"b");
    m.iomems = iomems;
    m.n_iomems = 2;
    m.irqs = irqs;
    m.n_irqs = 2;
    text = text_of(&m, &f);
    ok(!strncmp(text, domain_begin, strlen(domain_begin)), "Xen: how a machine begins");
    has("Xen: the largest machine", text, domain_end);
}

/* --- the end of a guest of Xen's ------------------------------------------------------------------------ */

static const char *kept_xl, *kept_domain;
static int there, destroyed; /* exit statuses */
static char ran[256];

static int fake_state_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                           struct hozo_cursor *to)
{
    (void)ctx;
    (void)at;
    *to = (struct hozo_cursor){.node = strcmp(path, "xl") ? kept_domain : kept_xl, .path = "it"};
    return to->node != NULL;
}

static const char *fake_string(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return at->node;
}

static int fake_run(struct hozo_ctx *ctx, struct hozo_run *run)
{
    size_t n = strlen(ran);

    (void)ctx;
    snprintf(ran + n, sizeof(ran) - n, "%s %s %s;", run->args[0], run->args[1], run->args[2]);
    run->status = !strcmp(run->args[1], "domid") ? there : destroyed;
    run->output = "it is busy\nmore";
    return 0;
}

static int clean_up(const char *xl, int is_there, int is_destroyed)
{
    struct hozo_host host = fake_host;

    host.state_find = fake_state_find;
    host.as_string = fake_string;
    host.run = fake_run;
    fake.ctx.host = &host;
    kept_xl = xl;
    kept_domain = xl ? "hozo-c1-7" : NULL;
    there = is_there;
    destroyed = is_destroyed;
    ran[0] = fake.error[0] = '\0';
    is_destroyed = vm_cleanup(&fake.ctx);
    fake.ctx.host = &fake_host;
    return is_destroyed;
}

static void test_end(void)
{
    auto_buffer struct buffer json = {0};
    const struct found f = {.hypervisor = "/usr/sbin/xl", .domain = "hozo-c1-7"};
    auto_free char *one = domain_name("c1"), *other = domain_name("c1");

    ok(one && other && !strncmp(one, "hozo-c1-", 8) && strcmp(one, other) != 0,
       "two machines of one id have two names");
    domain_keep(&json, &f);
    is("what is kept of a machine of Xen's", buffer_text(&json),
       ",\"xl\":\"/usr/sbin/xl\",\"domain\":\"hozo-c1-7\"");
    ok(!clean_up(NULL, 0, 0) && !*ran, "nothing is run for another machine");
    ok(!clean_up("/xl", 0, 0), "a guest that is there is ended");
    is("… by the name that is kept", ran, "/xl domid hozo-c1-7;/xl destroy hozo-c1-7;");
    ok(!clean_up("/xl", 1, 0), "a guest that is gone is no error");
    is("… and not ended", ran, "/xl domid hozo-c1-7;");
    ok(clean_up("/xl", 0, 1) < 0, "a guest that cannot be ended is one");
    is("… with what xl says", fake.error, "vm: /xl destroy hozo-c1-7 fails: it is busy");
}

/* --- KVM ------------------------------------------------------------------------------------------------ */

static void test_kvm(void)
{
    ok(kvm_answer_holds(true, 0) && kvm_answer_holds(true, 1 << 30),
       "KVM that works goes on working");
    ok(kvm_answer_holds(false, 60) && !kvm_answer_holds(false, 3600) &&
           !kvm_answer_holds(false, UINT64_MAX),
       "where it did not work it is tried again some time");
}

/* --- which driver -------------------------------------------------------------------------------------- */

static void test_names(void)
{
    ok(driver_find(NULL) == &qemu_driver && driver_find("/a/qemu-system-x86_64") == &qemu_driver &&
           driver_find("/usr/libexec/qemu-kvm") == &qemu_driver &&
           driver_find("/usr/lib/xen-4.17/bin/xl") == &xen_driver,
       "drivers by the name of a program");
    ok(!driver_find("/usr/bin/qemu") && !driver_find("/usr/bin/xl/virsh") && !driver_find("/xlx"),
       "what no driver recognises");
}

int main(void)
{
    fake_begin();
    test_qemu();
    test_parameters();
    test_modules();
    test_xen();
    test_end();
    test_kvm();
    test_names();
    return done();
}
