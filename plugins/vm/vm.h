/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vm plugin: config-vm.md. docs/vm.md is its manual, docs/machine.md the picture of the whole, wire.h what
 * the programs in `agent` and `monitor` say to each other.
 *
 *     section.c      what the configuration asks for                         pure
 *     annotations.c  the same, asked for by annotations                      pure
 *     plan.c         the machine, as the core has to know it                 pure
 *     qemu.c, xen.c  the drivers: what a hypervisor can do, and its arguments pure
 *     kernel.c       the version in a kernel's image, where its modules are
 *     modules.c      what a kernel has built in, what it has to load and in which order
 *     decompress.c   modules as they lie on the disk
 *     cpio.c         the form of an initial RAM disk                         pure
 *     initrd.c       the initial RAM disk
 *     share.c        by what the guest sees the container's files
 *     accelerator.c  whether KVM runs a guest here
 *     records.c      the instructions of the monitor                         pure
 *     prepare.c      all of it, in its order
 *     update.c       limits that change while the machine runs               pure
 *     domain.c       ending a guest of Xen's that has outlived its process
 */
#ifndef PLUGINS_VM_VM_H
#define PLUGINS_VM_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hozo/plugin.h>

#include "plugins/vm/buffer.h"

#define MIB             (UINT64_C(1) << 20)
#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define auto_free       __attribute__((cleanup(vm_free_ptr)))
#define auto_close      __attribute__((cleanup(vm_close_fd)))
#define VM_HYPERVISOR   "vm.hypervisor.path"
#define VM_KERNEL       "vm.kernel.path"
#define VM_MEMORY_LIMIT "linux.resources.memory.limit"

static inline void vm_free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void vm_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* --- section.c ---------------------------------------------------------------------------------- */

struct iomem {
    uint64_t gfn, mfn, pages;
    bool has_gfn;
};

/* Strings are the host's, lists end with NULL and are never NULL themselves. */
struct machine {
    const char *id;
    const char *hypervisor; /* NULL: of the driver's own list */
    const char **hypervisor_parameters;
    const char *kernel, *initrd; /* initrd: NULL without */
    const char **kernel_parameters;
    const char *image, *format; /* NULL: none; "raw" where only the format is absent */
    const char *device_tree;
    const char *hw; /* "vm.hwConfig" or "vm.hwconfig" */
    unsigned vcpus;
    uint64_t memory; /* bytes, whole MiB */
    const char **dtdevs;
    struct iomem *iomems;
    size_t n_iomems;
    uint32_t *irqs;
    size_t n_irqs;
    const struct driver *driver;
};

#define auto_machine __attribute__((cleanup(machine_free)))

void machine_free(struct machine *m);

/* 1, or 0 without the section. */
int machine_read(struct hozo_ctx *ctx, struct machine *m);

/* About a member of hwConfig, by the name that it has in this configuration. */
int hardware_error(struct hozo_ctx *ctx, const struct machine *m, const char *member,
                   const char *text);

/* What the administrator has set; NULL or `otherwise` if nothing. -1: an error is set. */
int setting_string(struct hozo_ctx *ctx, const char *name, const char **value);
int setting_number(struct hozo_ctx *ctx, const char *name, uint64_t otherwise, uint64_t *value);
/* A list that is to be freed. */
int setting_list(struct hozo_ctx *ctx, const char *name, const char ***list);

/* root.readonly */
bool machine_is_readonly(struct hozo_ctx *ctx);

/* Bytes beside the guest's own memory. */
uint64_t machine_overhead(const struct machine *m);

/* --- a kernel's modules ------------------------------------------------------------------------- */

struct kernel {
    char *version;         /* NULL: not found */
    char *modules;         /* directory; NULL: not found, all is taken to be built in */
    char *builtin, *order; /* the files modules.builtin and modules.order */
};

#define auto_kernel __attribute__((cleanup(kernel_free)))

void kernel_free(struct kernel *k);
int kernel_find(struct hozo_ctx *ctx, const struct machine *m, struct kernel *k);

/* --- drivers ------------------------------------------------------------------------------------ */

/* SHARE_IMAGE: a copy, as it is when the machine starts, that nobody writes. */
enum share { SHARE_NONE, SHARE_VIRTIOFS, SHARE_9P, SHARE_IMAGE };

/* What `prepare` has found out, for the driver to say in arguments. */
struct found {
    const char *architecture; /* as uname(2) says it */
    const char *hypervisor;   /* its path */
    const char *domain;       /* what the host calls the machine; NULL: nothing */
    const struct kernel *kernel;
    enum share share;
    const char *virtiofsd;     /* its path */
    const char *mksquashfs;    /* … */
    bool virtiofsd_compatible; /* takes the options of QEMU's own, in C */
    bool kvm;                  /* it runs guests here */
    uint64_t tsc_khz;          /* 0: not known */
    uint64_t open_files;       /* how many descriptors a process may have */
    uint64_t seconds;
};

struct driver {
    const char *name;
    bool (*recognises)(const char *name); /* of the program, without its directory */
    const char *const
        *search;           /* where it is, without a path in the configuration; NULL-terminated */
    unsigned shares;       /* bit n: enum share n */
    uint64_t capabilities; /* of the hypervisor, at most */
    const char *const *directories;           /* of the host, which it writes to; NULL-terminated */
    const struct hozo_device *const *devices; /* NULL-terminated */
    /* Pure: what it cannot do is an error. */
    int (*check)(struct hozo_ctx *ctx, const struct machine *m);
    /* Whether KVM would be used if it works. */
    bool (*accelerates)(const struct machine *m);
    /* Modules that the guest needs: names, each with its NUL; "?name": if the kernel has it. */
    void (*modules)(const struct machine *m, const struct found *f, struct buffer *names);
    /* The instructions of the monitor. */
    void (*setup)(const struct machine *m, const struct found *f, struct buffer *records);
    /* Members that vm_cleanup() needs in the container's state; NULL: the machine ends with its process. */
    void (*keep)(struct buffer *json, const struct found *f);
};

extern const struct driver qemu_driver, xen_driver;

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE "riscv64"
#else
#define ARCHITECTURE "unknown"
#endif

/* By the path, or the first of all without one; NULL: none. */
const struct driver *driver_find(const char *path);

/* Whether a kernel has it, built in or as a module; true where nothing is known of its modules. */
bool kernel_has(const struct kernel *k, const char *module);

/* --- where things are in the machine's own root --------------------------------------------------- */

#define IN_SHARE       "/share"
#define IN_KERNEL      "/vm/kernel"
#define IN_INITRD      "/vm/initrd"
#define IN_IMAGE       "/vm/image"
#define IN_DEVICE_TREE "/vm/device-tree"
#define IN_VIRTIOFS    "/run/virtiofs"
#define IN_COPY        "/run/share.squashfs"
#define IN_COPY_MADE   "/run/share.made"
#define SHARE_TAG      "hozo"

/* --- the rest ----------------------------------------------------------------------------------- */

int vm_adjust(struct hozo_ctx *ctx);
int vm_validate(struct hozo_ctx *ctx);
int vm_plan(struct hozo_ctx *ctx);
int vm_prepare(struct hozo_ctx *ctx);
int vm_update(struct hozo_ctx *ctx);
int vm_cleanup(struct hozo_ctx *ctx);

/* A JSON string. */
void add_json_string(struct buffer *json, const char *text, size_t length);

int share_find(struct hozo_ctx *ctx, const struct machine *m, struct found *f);
bool kvm_works(struct hozo_ctx *ctx);
/* What was found out so many seconds ago: is it still to be believed? */
bool kvm_answer_holds(bool works, uint64_t age);
uint64_t tsc_measure(void);

/* A memfd that nobody can change, or -1 with an error. */
int sealed_file(struct hozo_ctx *ctx, const char *name, const void *bytes, size_t size,
                bool program);

/* The initial RAM disk of these modules ("a\0b\0"), behind the one of the configuration: a sealed memfd. */
int initrd_make(struct hozo_ctx *ctx, const struct machine *m, const struct kernel *k,
                const struct buffer *names);

#endif
