/* SPDX-License-Identifier: Apache-2.0 */
/* The section `vm` of config-vm.md. */
#include "core/spec/rows.h"

#define VM PLUGIN("vm")

/* clang-format off */
static const struct spec_field hypervisor[] = {
    STRING(VM, "path", REQUIRED),
    STRINGS(VM, "parameters"),
    {0},
};

static const struct spec_field kernel[] = {
    STRING(VM, "path", REQUIRED),
    STRINGS(VM, "parameters"),
    STRING(VM, "initrd"),
    {0},
};

/* The specification's own Go types write an image that is not set as {"path": "", "format": ""}. */
static const struct spec_field image[] = {
    STRING(VM, "path", REQUIRED),
    STRING(VM, "format", REQUIRED, VALUES("raw", "qcow2", "vdi", "vmdk", "vhd", "")),
    {0},
};

static const struct spec_field iomem[] = {
    UINT(VM, "firstGFN", 64),
    UINT(VM, "firstMFN", 64, REQUIRED),
    UINT(VM, "nrMFNs", 64, REQUIRED),
    {0},
};

static const struct spec_field hw_config[] = {
    STRING(VM, "deviceTree"),
    UINT(VM, "vcpus", 32),
    UINT(VM, "memory", 64),
    STRINGS(VM, "dtdevs"),
    OBJECTS(VM, "iomems", iomem),
    UINTS(VM, "irqs", 32),
    {0},
};

const struct spec_field spec_vm[] = {
    OBJECT(VM, "hypervisor", hypervisor),
    OBJECT(VM, "kernel", kernel, REQUIRED),
    OBJECT(VM, "image", image),
    OBJECT(VM, "hwConfig", hw_config), /* the text and the schema */
    OBJECT(VM, "hwconfig", hw_config), /* the specification's Go types */
    {0},
};
/* clang-format on */
