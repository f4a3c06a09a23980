/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: what the plugin serves. */
#include "plugins/vm/vm.h"

/* clang-format off */
static const char *const formats[] = {"raw", "qcow2", "vdi", "vmdk", "vhd", NULL};
static const char *const shares[] = {"virtiofs", "9p", "image", NULL};

/* The object under both of its names. */
#define HARDWARE(hw)                                                                               \
    {hw, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "The machine's hardware."},                      \
    {hw ".deviceTree", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,                     \
     "A device tree for the guest."},                                                              \
    {hw ".vcpus", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL, "How many virtual processors."},          \
    {hw ".memory", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,                                          \
     "The guest's memory in bytes, rounded up to MiB."},                                           \
    {hw ".dtdevs", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Xen: nodes of the host's device tree."}, \
    {hw ".dtdevs[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "A node."},                          \
    {hw ".iomems", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Xen: memory of the host's devices."},  \
    {hw ".iomems[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A range of pages."},                \
    {hw ".iomems[].firstGFN", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,                               \
     "Where the guest sees them; absent: where the host does."},                                   \
    {hw ".iomems[].firstMFN", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,               \
     "The first page on the host."},                                                               \
    {hw ".iomems[].nrMFNs", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,                 \
     "How many."},                                                                                 \
    {hw ".irqs", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Xen: interrupts of the host."},          \
    {hw ".irqs[]", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL, "An interrupt."}

static const struct hozo_field fields[] = {
    {"vm", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "The container is a virtual machine."},
    {"vm.hypervisor", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "By which hypervisor."},
    {"vm.hypervisor.path", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "Its program; its name says of which kind it is."},
    {"vm.hypervisor.parameters", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Further arguments, behind hozo's own."},
    {"vm.hypervisor.parameters[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "An argument."},
    {"vm.kernel", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "The guest's kernel."},
    {"vm.kernel.path", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL, "Its image."},
    {"vm.kernel.parameters", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Its command line, behind hozo's own."},
    {"vm.kernel.parameters[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "A parameter."},
    {"vm.kernel.initrd", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "An initial RAM disk; hozo's own is put behind it."},
    {"vm.image", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "The guest's own root file system."},
    {"vm.image.path", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL, "Its image."},
    {"vm.image.format", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, formats, 0, 0, NULL,
     "The image's format; absent: raw."},
    HARDWARE("vm.hwConfig"),
    HARDWARE("vm.hwconfig"),
    {"root.readonly", HOZO_BOOL, HOZO_READ, NULL, 0, 0, NULL,
     "Whether a copy will do where the guest cannot see the files themselves."},
    {"mounts", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "The same."},
    {"mounts[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "The same."},
    {"mounts[].type", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "The same."},
    {"mounts[].options", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "The same."},
    {"mounts[].options[]", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL, "The same."},
    {VM_MEMORY_LIMIT, HOZO_INT, HOZO_READ | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "What the guest may have, where vm.hwConfig does not say it."},
};

static const struct hozo_field settings[] = {
    {"hypervisor", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "The hypervisor of a configuration that names none."},
    {"kernel", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "The kernel of a machine that an annotation asks for without naming one."},
    {"initrd", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "The initial RAM disk of that kernel."},
    {"memory", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "The memory in bytes of a machine for which nothing names it."},
    {"vcpus", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "The number of processors of a machine for which nothing names it."},
    {"modulesDirectory", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL,
     "Where the kernel's modules are, if not where they are looked for."},
    {"modules", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Further modules for the guest."},
    {"modules[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "The name of a module."},
    {"share", HOZO_STRING, HOZO_OWN, shares, 0, 0, NULL,
     "How the guest sees the container's files; absent: by the first that there is."},
    {"virtiofsd", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "The program of this name."},
    {"roots", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Directories or files of the host that the hypervisor sees, read-only, beside /usr."},
    {"roots[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "An absolute path."},
    {"seconds", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "How long a guest may take until it is up, and until a process is set up; absent: 60."},
};

static const struct hozo_annotation annotations[] = {
    {"hozo.vm", HOZO_OWN, "\"true\": the container is a virtual machine."},
    {"hozo.vm.hypervisor", HOZO_OWN, "vm.hypervisor.path."},
    {"hozo.vm.hypervisor-parameters", HOZO_OWN, "vm.hypervisor.parameters, separated by blanks."},
    {"hozo.vm.kernel", HOZO_OWN, "vm.kernel.path; asks for a virtual machine as well."},
    {"hozo.vm.kernel-parameters", HOZO_OWN, "vm.kernel.parameters, separated by blanks."},
    {"hozo.vm.initrd", HOZO_OWN, "vm.kernel.initrd."},
    {"hozo.vm.image", HOZO_OWN, "vm.image.path."},
    {"hozo.vm.image-format", HOZO_OWN, "vm.image.format."},
    {"hozo.vm.memory", HOZO_OWN, "vm.hwConfig.memory in bytes, or with K, M or G behind the number."},
    {"hozo.vm.vcpus", HOZO_OWN, "vm.hwConfig.vcpus."},
    {"hozo.vm.", HOZO_OWN, "No other: a word that is not known is an error."},
};
/* clang-format on */

/* "annotations.hozo.vm": opened for the annotations as well, of a configuration without the section. */
static const char *const names[] = {"vm", "annotations.hozo.vm"};

/* Those that limit what the machine takes, with what it takes beside the guest's memory. */
static const char *const before[] = {"cgroup", "systemd"};

HOZO_PLUGIN(vm) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "vm",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-vm",
    .summary = "Containers that are virtual machines, by QEMU or Xen.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .settings = HOZO_TABLE(settings),
    .before = HOZO_TABLE(before),
    .adjust = vm_adjust,
    .validate = vm_validate,
    .plan = vm_plan,
    .prepare = vm_prepare,
    .update = vm_update,
    .cleanup = vm_cleanup,
};
