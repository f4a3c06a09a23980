/* SPDX-License-Identifier: Apache-2.0 */
/* The machine, as the core has to know it: what its root holds, which devices and rights it has. */
#include "plugins/vm/plan.h"

#include <errno.h>
#include <inttypes.h>

#include "plugins/vm/wire.h"

/* Of the monitor itself, whatever the hypervisor: it joins the container's interfaces with those of the guest, by a
 * program of BPF; and it takes rights away. */
#define SETPCAP    8
#define SYS_ADMIN  21 /* for what becomes read-only */
#define NET_ADMIN  12
#define BPF        39
#define OF_MONITOR (UINT64_C(1) << SETPCAP | UINT64_C(1) << NET_ADMIN | UINT64_C(1) << BPF)

/* --- the root ------------------------------------------------------------------------------------- */

/* Programs and libraries. What of them are links on the host are directories here. */
static const char *const directories[] = {
    "/usr",   "/bin", "/lib",
#if defined(__x86_64__)
    "/lib64", /* where its dynamic linker is */
#endif
    NULL,
};

/* Recursive: what is mounted below is other programs of the host, which root owns. */
static const char *const readonly[] = {"rbind", "rro", "rnosuid", "rnodev", NULL};
static const char *const file[] = {"bind", "ro", "nosuid", "nodev", NULL};
static const char *const writable[] = {"bind", "rw", "nosuid", "nodev", NULL};
static const char *const devices_too[] = {"rbind", "rw", "nosuid", NULL};
static const char *const private[] = {"nosuid", "nodev", "mode=0700", NULL};

/* A root's mounts, in memory of their own: the pointers are to the elements. */
#define MOUNTS_MAX 64

struct mounts {
    struct hozo_mount all[MOUNTS_MAX];
    const struct hozo_mount *list[MOUNTS_MAX + 1];
    size_t n;
    bool failed;
};

static void add(struct mounts *m, const char *destination, const char *type, const char *source,
                const char *const *options)
{
    struct hozo_mount *to = &m->all[m->n];

    if (m->n == MOUNTS_MAX) {
        m->failed = true;
        return;
    }
    *to = (struct hozo_mount){.size = sizeof(*to),
                              .destination = destination,
                              .type = type,
                              .source = source,
                              .options = options};
    m->list[m->n++] = to;
}

static void add_bind(struct mounts *m, const char *destination, const char *source,
                     const char *const *options)
{
    if (source)
        add(m, destination, "bind", source, options);
}

static bool is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);

    return !strncmp(path, directory, n) && path[n] == '/';
}

/* A program outside of these directories is itself part of the root. */
static bool is_outside(const char *path)
{
    for (size_t i = 0; directories[i]; i++)
        if (is_below(path, directories[i]))
            return false;
    return true;
}

static void add_files(struct mounts *to, const struct machine *m)
{
    add_bind(to, IN_KERNEL, m->kernel, file);
    add_bind(to, IN_DEVICE_TREE, m->device_tree, file);
    add_bind(to, IN_IMAGE, m->image, writable);
}

static int add_settings(struct hozo_ctx *ctx, struct mounts *to, const char *virtiofsd,
                        const char **roots)
{
    if (virtiofsd && is_outside(virtiofsd))
        add_bind(to, virtiofsd, virtiofsd, file);
    for (; *roots; roots++) {
        if (**roots != '/')
            return hozo_error(ctx, 0, "vm", "the setting roots: \"%s\" is no absolute path",
                              *roots);
        add_bind(to, *roots, *roots, readonly);
    }
    return 0;
}

static int make_root(struct hozo_ctx *ctx, const struct machine *m, const char **roots,
                     struct mounts *to)
{
    const char *virtiofsd;

    if (setting_string(ctx, "virtiofsd", &virtiofsd) < 0)
        return -1;
    for (size_t i = 0; directories[i]; i++)
        add_bind(to, directories[i], directories[i], readonly);
    if (m->hypervisor && is_outside(m->hypervisor))
        add_bind(to, m->hypervisor, m->hypervisor, file);
    add(to, "/run", "tmpfs", "tmpfs", private);
    add(to, "/tmp", "tmpfs", "tmpfs", private);
    add(to, "/var", "tmpfs", "tmpfs", private); /* QEMU's virtiofsd makes /var/run */
    for (size_t i = 0; m->driver->directories[i]; i++)
        add_bind(to, m->driver->directories[i], m->driver->directories[i], devices_too);
    add_files(to, m);
    if (add_settings(ctx, to, virtiofsd, roots) < 0)
        return -1;
    return to->failed ? hozo_error(ctx, E2BIG, "vm", "the directories of the machine's root") : 0;
}

/* --- the plan ------------------------------------------------------------------------------------- */

static int append(struct hozo_ctx *ctx, const char *path, const char *what, const char *value)
{
    const struct hozo_work work = {.size = sizeof(work),
                                   .phase = HOZO_PHASE_PREPARE,
                                   .path = path,
                                   .what = what,
                                   .value = value};

    return value ? hozo_plan_work(ctx, &work) : 0;
}

static int append_number(struct hozo_ctx *ctx, const char *path, const char *what, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, number);
    return append(ctx, path, what, text);
}

static int append_all(struct hozo_ctx *ctx, const char *path, const char *what, const char **values)
{
    for (; *values; values++)
        if (append(ctx, path, what, *values) < 0)
            return -1;
    return 0;
}

/* What the machine will be, for those who read plans; `prepare` reads the configuration. */
static int append_machine(struct hozo_ctx *ctx, const struct machine *m)
{
    return append(ctx, VM_HYPERVISOR, WORK_DRIVER, m->driver->name) < 0 ||
                   append(ctx, VM_HYPERVISOR, WORK_HYPERVISOR, m->hypervisor) < 0 ||
                   append_all(ctx, "vm.hypervisor.parameters", WORK_PARAMETER,
                              m->hypervisor_parameters) < 0 ||
                   append(ctx, VM_KERNEL, WORK_KERNEL, m->kernel) < 0 ||
                   append_all(ctx, "vm.kernel.parameters", WORK_KERNEL_PARAMETER,
                              m->kernel_parameters) < 0 ||
                   append(ctx, "vm.kernel.initrd", WORK_INITRD, m->initrd) < 0 ||
                   append(ctx, "vm.image.path", WORK_IMAGE, m->image) < 0 ||
                   append_number(ctx, m->hw, WORK_VCPUS, m->vcpus) < 0 ||
                   append_number(ctx, m->hw, WORK_MEMORY, m->memory) < 0 ||
                   append(ctx, "root.readonly", WORK_READONLY,
                          machine_is_readonly(ctx) ? IN_SHARE "/root" : NULL) < 0
               ? -1
               : 0;
}

static int plan(struct hozo_ctx *ctx, const struct machine *m, const struct mounts *mounts)
{
    static const char *const args[] = {"hozo-monitor", "machine", NULL};
    int monitor = hozo_late(ctx, LATE_MONITOR, HOZO_LATE_DESCRIPTOR);
    int setup = monitor < 0 ? -1 : hozo_late(ctx, LATE_SETUP, HOZO_LATE_DESCRIPTOR);
    int initrd = setup < 0 ? -1 : hozo_late(ctx, LATE_INITRD, HOZO_LATE_DESCRIPTOR);
    const struct hozo_machine machine = {
        .size = sizeof(machine),
        .monitor = (uint32_t)monitor,
        .setup = (uint32_t)setup,
        .initrd = (uint32_t)initrd,
        .args = args,
        .share = IN_SHARE,
        .guest_share = SHARE_IN_GUEST,
        .mounts = mounts->list,
        .devices = m->driver->devices,
        .capabilities =
            OF_MONITOR | m->driver->capabilities | (uint64_t)machine_is_readonly(ctx) << SYS_ADMIN,
        .overhead = machine_overhead(m),
    };

    return initrd < 0 || append_machine(ctx, m) < 0 ? -1 : hozo_plan_machine(ctx, &machine);
}

int vm_plan(struct hozo_ctx *ctx)
{
    auto_machine struct machine m = {0};
    auto_free const char **roots = NULL;
    struct mounts mounts = {0};
    int found = machine_read(ctx, &m);

    if (found <= 0)
        return found;
    return setting_list(ctx, "roots", &roots) < 0 || make_root(ctx, &m, roots, &mounts) < 0
               ? -1
               : plan(ctx, &m, &mounts);
}

int vm_validate(struct hozo_ctx *ctx)
{
    auto_machine struct machine m = {0};

    return machine_read(ctx, &m) < 0 ? -1 : 0;
}
