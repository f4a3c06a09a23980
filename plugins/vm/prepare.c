/* SPDX-License-Identifier: Apache-2.0 */
/* What is known on the host only: which programs it has, what the kernel can, and so how the machine is started. */
#include <errno.h>
#include <inttypes.h>

#include "plugins/vm/domain.h"
#include "plugins/vm/kernel.h"
#include "plugins/vm/plan.h"
#include "plugins/vm/programs.h"
#include "plugins/vm/records.h"

#define SECONDS_DEFAULT 60

static int find_hypervisor(struct hozo_ctx *ctx, const struct machine *m, struct found *f)
{
    const char *const *search = m->driver->search;

    f->hypervisor = m->hypervisor;
    for (; !f->hypervisor && *search; search++)
        if (!access(*search, X_OK))
            f->hypervisor = *search;
    if (!f->hypervisor)
        return hozo_error(
            ctx, 0, VM_HYPERVISOR,
            "no hypervisor is installed: %s is looked for first, and vm.json may name "
            "another",
            m->driver->search[0]);
    return access(f->hypervisor, X_OK) < 0
               ? hozo_error(ctx, errno, VM_HYPERVISOR, "%s", f->hypervisor)
               : 0;
}

/* The host's half binds them, and its error would name the bind mount. */
static int check_files(struct hozo_ctx *ctx, const struct machine *m)
{
    if (m->image && access(m->image, F_OK) < 0)
        return hozo_error(ctx, errno, "vm.image.path", "%s", m->image);
    if (m->device_tree && access(m->device_tree, F_OK) < 0)
        return hozo_error(ctx, errno, m->hw, "deviceTree: %s", m->device_tree);
    return 0;
}

static int find_all(struct hozo_ctx *ctx, const struct machine *m, struct found *f)
{
    if (find_hypervisor(ctx, m, f) < 0 || check_files(ctx, m) < 0 || share_find(ctx, m, f) < 0 ||
        setting_number(ctx, "seconds", SECONDS_DEFAULT, &f->seconds) < 0)
        return -1;
    f->kvm = m->driver->accelerates(m) && kvm_works(ctx);
    if (!f->kvm)
        f->tsc_khz = tsc_measure();
    return 0;
}

/* --- what the core hands to the monitor -------------------------------------------------------------- */

/* Takes over the descriptor: the host has a duplicate. */
static int fill(struct hozo_ctx *ctx, const char *name, int fd)
{
    const struct hozo_value value = {.size = sizeof(value), .fd = fd};
    int r = fd < 0 ? -1 : hozo_late_set(ctx, name, &value);

    vm_close_fd(&fd);
    return r;
}

static int fill_setup(struct hozo_ctx *ctx, const struct machine *m, const struct found *f)
{
    auto_buffer struct buffer records = {0};

    record_word(&records, "seconds");
    record_print(&records, "%llu", (unsigned long long)f->seconds);
    record_end(&records);
    if (machine_is_readonly(ctx))
        RECORD(&records, "readonly", IN_SHARE "/root");
    m->driver->setup(m, f, &records);
    record_end(&records);
    if (records.failed)
        return hozo_error(ctx, ENOMEM, "vm", "instructions");
    return fill(ctx, LATE_SETUP, sealed_file(ctx, "setup", records.at, records.length, false));
}

static int fill_initrd(struct hozo_ctx *ctx, const struct machine *m, const struct found *f)
{
    auto_buffer struct buffer names = {0};
    auto_free const char **more = NULL;

    m->driver->modules(m, f, &names);
    if (setting_list(ctx, "modules", &more) < 0)
        return -1;
    record_words(&names, (const char *const *)more);
    if (names.failed)
        return hozo_error(ctx, ENOMEM, "vm", "modules");
    return fill(ctx, LATE_INITRD, initrd_make(ctx, m, f->kernel, &names));
}

/* Before anything exists: the machine's own memory, and what later verbs need to know. */
static int keep(struct hozo_ctx *ctx, const struct machine *m, const struct found *f)
{
    auto_buffer struct buffer json = {0};

    buffer_print(&json, "{\"memory\":%" PRIu64 ",\"overhead\":%" PRIu64, m->memory,
                 machine_overhead(m));
    if (m->driver->keep)
        m->driver->keep(&json, f);
    buffer_put(&json, "}");
    return json.failed ? hozo_error(ctx, ENOMEM, "vm", "state")
                       : hozo_state_set(ctx, json.at, json.length);
}

/* As planned: the limit that it may have been taken from is higher by now, since the core has added what the machine
 * needs beside it. */
static int recall_memory(struct hozo_ctx *ctx, struct machine *m)
{
    struct hozo_work w = {.size = sizeof(w)};

    for (size_t i = 0; hozo_next_work(ctx, i, &w) == 1; i++)
        if (!strcmp(w.what, WORK_MEMORY)) {
            m->memory = strtoull(w.value, NULL, 10);
            return 0;
        }
    return hozo_error(ctx, 0, "vm", "the plan does not say how much memory the machine has");
}

/* --- the whole ---------------------------------------------------------------------------------------- */

int vm_prepare(struct hozo_ctx *ctx)
{
    auto_machine struct machine m = {0};
    auto_kernel struct kernel kernel = {0};
    auto_free char *domain = NULL;
    struct found f = {.architecture = ARCHITECTURE, .kernel = &kernel};
    int found = machine_read(ctx, &m);

    if (found <= 0)
        return found;
    if (m.driver->keep && !(f.domain = domain = domain_name(m.id)))
        return hozo_error(ctx, errno, "vm", "a name for the machine");
    if (recall_memory(ctx, &m) < 0 || kernel_find(ctx, &m, &kernel) < 0 ||
        find_all(ctx, &m, &f) < 0 || keep(ctx, &m, &f) < 0)
        return -1;
    return fill(ctx, LATE_MONITOR,
                sealed_file(ctx, "hozo-monitor", vm_monitor_image, vm_monitor_size, true)) < 0 ||
                   fill_setup(ctx, &m, &f) < 0 || fill_initrd(ctx, &m, &f) < 0
               ? -1
               : 0;
}
