/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration asks for, and what of it cannot be. */
#include "plugins/vm/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define MEMORY_DEFAULT (256 * MIB)
/* A Linux kernel, its modules and the agent do not start in less. */
#define MEMORY_MIN (64 * MIB)
#define MEMORY_MAX (UINT64_C(1) << 46)
#define VCPUS_MAX  4096

void machine_free(struct machine *m)
{
    free(m->hypervisor_parameters);
    free(m->kernel_parameters);
    free(m->dtdevs);
    free(m->iomems);
    free(m->irqs);
}

/* --- settings ---------------------------------------------------------------------------------- */

int setting_string(struct hozo_ctx *ctx, const char *name, const char **value)
{
    struct hozo_cursor at;
    int found = hozo_setting(ctx, NULL, name, &at);

    *value = found > 0 ? hozo_as_string(ctx, &at) : NULL;
    return found < 0 ? -1 : 0;
}

int setting_number(struct hozo_ctx *ctx, const char *name, uint64_t otherwise, uint64_t *value)
{
    struct hozo_cursor at;
    int found = hozo_setting(ctx, NULL, name, &at);

    *value = found > 0 ? hozo_as_uint(ctx, &at) : otherwise;
    return found < 0 ? -1 : 0;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* The elements of an array, as strings; found: what the search for it has said. */
static int read_list(struct hozo_ctx *ctx, int found, const struct hozo_cursor *array,
                     const char ***list)
{
    struct hozo_cursor at;
    size_t n = 0;

    if (!(*list = calloc(1, sizeof(**list))))
        return hozo_error(ctx, ENOMEM, "vm", "read");
    if (found <= 0)
        return found;
    for (; (found = hozo_item(ctx, array, n, &at, NULL)) > 0; n++) {
        const char *text = hozo_as_string(ctx, &at);
        const char **longer = reallocarray(*list, n + 2, sizeof(**list));

        if (!longer)
            return hozo_error(ctx, ENOMEM, array->path, "read");
        *list = longer;
        longer[n] = text;
        longer[n + 1] = NULL;
        if (!*text)
            return hozo_error(ctx, 0, at.path, "is empty");
    }
    return found;
}

int setting_list(struct hozo_ctx *ctx, const char *name, const char ***list)
{
    struct hozo_cursor at;
    int found = hozo_setting(ctx, NULL, name, &at);

    return read_list(ctx, found, &at, list);
}

static int find_list(struct hozo_ctx *ctx, const struct hozo_cursor *in, const char *path,
                     const char ***list)
{
    struct hozo_cursor at;
    int found = in && !in->node ? 0 : hozo_find(ctx, in, path, &at);

    return read_list(ctx, found, &at, list);
}

/* NULL if absent. */
static int find_path(struct hozo_ctx *ctx, const struct hozo_cursor *in, const char *path,
                     const char **to)
{
    struct hozo_cursor at;
    int found = in && !in->node ? 0 : hozo_find(ctx, in, path, &at);

    *to = NULL;
    if (found <= 0)
        return found;
    *to = hozo_as_string(ctx, &at);
    return **to == '/' ? 0 : hozo_error(ctx, 0, at.path, "\"%s\" is no absolute path", *to);
}

/* --- image -------------------------------------------------------------------------------------- */

static int read_image(struct hozo_ctx *ctx, struct machine *m)
{
    struct hozo_cursor at;
    int found;

    if (find_path(ctx, NULL, "vm.image.path", &m->image) < 0 ||
        (found = hozo_find(ctx, NULL, "vm.image.format", &at)) < 0)
        return -1;
    if (found && !m->image)
        return hozo_error(ctx, 0, "vm.image.path", "is missing, there is only a format");
    m->format = found ? hozo_as_string(ctx, &at) : "raw";
    return 0;
}

/* --- hardware ----------------------------------------------------------------------------------- */

/* The text of the specification and its schema say hwConfig, its Go types hwconfig. */
static int find_hardware(struct hozo_ctx *ctx, struct machine *m, struct hozo_cursor *hw)
{
    struct hozo_cursor other;
    int ours = hozo_find(ctx, NULL, "vm.hwConfig", hw);
    int theirs = ours < 0 ? -1 : hozo_find(ctx, NULL, "vm.hwconfig", &other);

    m->hw = "vm.hwConfig";
    if (theirs < 0)
        return -1;
    if (ours && theirs)
        return hozo_error(ctx, 0, other.path, "is there as well as vm.hwConfig");
    if (theirs) {
        m->hw = "vm.hwconfig";
        *hw = other;
    }
    if (!ours && !theirs)
        *hw = (struct hozo_cursor){0};
    return 0;
}

static int find_number(struct hozo_ctx *ctx, const struct hozo_cursor *in, const char *name,
                       struct hozo_cursor *at)
{
    return in->node ? hozo_find(ctx, in, name, at) : 0;
}

static int read_vcpus(struct hozo_ctx *ctx, const struct hozo_cursor *hw, struct machine *m)
{
    struct hozo_cursor at;
    uint64_t n;
    int found = find_number(ctx, hw, "vcpus", &at);

    if (found < 0 || (!found && setting_number(ctx, "vcpus", 1, &n) < 0))
        return -1;
    if (found)
        n = hozo_as_uint(ctx, &at);
    if (!n || n > VCPUS_MAX)
        return hozo_error(ctx, 0, found ? at.path : "vm", "%" PRIu64 " virtual processors", n);
    m->vcpus = (unsigned)n;
    return 0;
}

/* Whole MiB: hypervisors count in them. At the end of what a limit leaves, that is less, else more. */
static int read_memory(struct hozo_ctx *ctx, const struct hozo_cursor *hw, struct machine *m)
{
    struct hozo_cursor at, limit_at;
    int found = find_number(ctx, hw, "memory", &at), limited;
    uint64_t bytes, limit = 0;
    const char *path;

    if (found < 0 || (limited = hozo_find(ctx, NULL, VM_MEMORY_LIMIT, &limit_at)) < 0 ||
        setting_number(ctx, "memory", MEMORY_DEFAULT, &bytes) < 0)
        return -1;
    if (limited && hozo_as_int(ctx, &limit_at) < 0)
        limited = 0;
    if (limited)
        limit = hozo_as_uint(ctx, &limit_at);
    path = found ? at.path : limited ? limit_at.path : "vm";
    bytes = found ? hozo_as_uint(ctx, &at) : limited ? limit / MIB * MIB : bytes;
    if (bytes < MEMORY_MIN || bytes > MEMORY_MAX)
        return hozo_error(ctx, 0, path,
                          "a machine cannot have %" PRIu64 " bytes of memory: %" PRIu64
                          " at least, %" PRIu64 " at most",
                          bytes, MEMORY_MIN, MEMORY_MAX);
    m->memory = (bytes + MIB - 1) / MIB * MIB;
    if (limited && m->memory > limit)
        return hozo_error(ctx, 0, path,
                          "the memory of the machine, %" PRIu64
                          " bytes in whole MiB, is more than " VM_MEMORY_LIMIT " allows, %" PRIu64,
                          m->memory, limit);
    return 0;
}

/* --- hardware of the host ------------------------------------------------------------------------ */

static bool overlap(uint64_t a, uint64_t b, uint64_t a_pages, uint64_t b_pages)
{
    return a < b + b_pages && b < a + a_pages;
}

static int check_iomem(struct hozo_ctx *ctx, const struct machine *m, const char *path)
{
    const struct iomem *last = &m->iomems[m->n_iomems - 1];

    if (!last->pages)
        return hozo_error(ctx, 0, path, "has no pages");
    if (last->mfn + last->pages < last->mfn || last->gfn + last->pages < last->gfn)
        return hozo_error(ctx, 0, path, "ends behind the last page that there can be");
    for (size_t i = 0; i + 1 < m->n_iomems; i++) {
        const struct iomem *other = &m->iomems[i];
        bool host = overlap(last->mfn, other->mfn, last->pages, other->pages);

        if (host || overlap(last->gfn, other->gfn, last->pages, other->pages))
            return hozo_error(ctx, 0, path, "overlaps iomems[%zu] %s", i,
                              host ? "on the host" : "in the guest");
    }
    return 0;
}

static int read_frame(struct hozo_ctx *ctx, const struct hozo_cursor *in, const char *name,
                      uint64_t *to)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, in, name, &at);

    if (found > 0)
        *to = hozo_as_uint(ctx, &at);
    return found;
}

static int read_iomems(struct hozo_ctx *ctx, const struct hozo_cursor *hw, struct machine *m)
{
    struct hozo_cursor array, at;
    int found = hw->node ? hozo_find(ctx, hw, "iomems", &array) : 0;

    while (found > 0 && (found = hozo_item(ctx, &array, m->n_iomems, &at, NULL)) > 0) {
        struct iomem *more = reallocarray(m->iomems, m->n_iomems + 1, sizeof(*more));
        struct iomem *new;
        int has;

        if (!more)
            return hozo_error(ctx, ENOMEM, at.path, "read");
        m->iomems = more;
        new = &more[m->n_iomems++];
        *new = (struct iomem){0};
        if (read_frame(ctx, &at, "firstMFN", &new->mfn) < 0 ||
            read_frame(ctx, &at, "nrMFNs", &new->pages) < 0 ||
            (has = read_frame(ctx, &at, "firstGFN", &new->gfn)) < 0)
            return -1;
        new->has_gfn = has;
        if (!has)
            new->gfn = new->mfn;
        if (check_iomem(ctx, m, at.path) < 0)
            return -1;
    }
    return found;
}

static int read_irqs(struct hozo_ctx *ctx, const struct hozo_cursor *hw, struct machine *m)
{
    struct hozo_cursor array, at;
    int found = hw->node ? hozo_find(ctx, hw, "irqs", &array) : 0;

    while (found > 0 && (found = hozo_item(ctx, &array, m->n_irqs, &at, NULL)) > 0) {
        uint32_t *more = reallocarray(m->irqs, m->n_irqs + 1, sizeof(*more));
        uint32_t irq = (uint32_t)hozo_as_uint(ctx, &at);

        if (!more)
            return hozo_error(ctx, ENOMEM, at.path, "read");
        m->irqs = more;
        for (size_t i = 0; i < m->n_irqs; i++)
            if (more[i] == irq)
                return hozo_error(ctx, 0, at.path, "is irqs[%zu] once more", i);
        more[m->n_irqs++] = irq;
    }
    return found;
}

int hardware_error(struct hozo_ctx *ctx, const struct machine *m, const char *member,
                   const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "%s.%s", m->hw, member);
    return hozo_error(ctx, 0, path, "%s", text);
}

static int check_dtdevs(struct hozo_ctx *ctx, const struct machine *m)
{
    for (size_t i = 0; m->dtdevs[i]; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(m->dtdevs[i], m->dtdevs[j]))
                return hardware_error(ctx, m, "dtdevs", "has a node twice");
    return 0;
}

static int read_hardware(struct hozo_ctx *ctx, struct machine *m)
{
    struct hozo_cursor hw;

    if (find_hardware(ctx, m, &hw) < 0 || read_vcpus(ctx, &hw, m) < 0 ||
        read_memory(ctx, &hw, m) < 0 || find_path(ctx, &hw, "deviceTree", &m->device_tree) < 0 ||
        find_list(ctx, &hw, "dtdevs", &m->dtdevs) < 0 || check_dtdevs(ctx, m) < 0)
        return -1;
    return read_iomems(ctx, &hw, m) < 0 || read_irqs(ctx, &hw, m) < 0 ? -1 : 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* Without one in the configuration it is the administrator's, else the driver's own choice. */
static int read_hypervisor(struct hozo_ctx *ctx, struct machine *m)
{
    if (find_path(ctx, NULL, VM_HYPERVISOR, &m->hypervisor) < 0 ||
        (!m->hypervisor && setting_string(ctx, "hypervisor", &m->hypervisor) < 0) ||
        find_list(ctx, NULL, "vm.hypervisor.parameters", &m->hypervisor_parameters) < 0)
        return -1;
    if (m->hypervisor && *m->hypervisor != '/')
        return hozo_error(ctx, 0, VM_HYPERVISOR, "the setting \"%s\" is no absolute path",
                          m->hypervisor);
    if (!(m->driver = driver_find(m->hypervisor)))
        return hozo_error(ctx, 0, VM_HYPERVISOR,
                          "\"%s\" is no hypervisor that hozo knows: by their names, these are "
                          "qemu-system-…, qemu-kvm and xl",
                          m->hypervisor);
    return 0;
}

int machine_read(struct hozo_ctx *ctx, struct machine *m)
{
    struct hozo_cursor at;
    int found = hozo_find(ctx, NULL, "vm", &at);

    *m = (struct machine){.id = hozo_id(ctx)};
    if (found <= 0)
        return found;
    if (read_hypervisor(ctx, m) < 0 || find_path(ctx, NULL, VM_KERNEL, &m->kernel) < 0 ||
        find_path(ctx, NULL, "vm.kernel.initrd", &m->initrd) < 0 ||
        find_list(ctx, NULL, "vm.kernel.parameters", &m->kernel_parameters) < 0 ||
        read_image(ctx, m) < 0 || read_hardware(ctx, m) < 0)
        return -1;
    return m->driver->check(ctx, m) < 0 ? -1 : 1;
}

/*
 * Programs and libraries of hypervisor and virtiofsd, what a translator keeps of the code that it has made (QEMU's
 * tb-size, 128 MiB), buffers; and tables that grow with the guest's memory.
 */
uint64_t machine_overhead(const struct machine *m)
{
    return 256 * MIB + m->memory / 64;
}

bool machine_is_readonly(struct hozo_ctx *ctx)
{
    struct hozo_cursor readonly;

    return hozo_find(ctx, NULL, "root.readonly", &readonly) == 1 && hozo_as_bool(ctx, &readonly);
}
