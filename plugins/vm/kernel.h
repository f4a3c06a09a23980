/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's image and its modules. */
#ifndef PLUGINS_VM_KERNEL_H
#define PLUGINS_VM_KERNEL_H

#include "plugins/vm/vm.h"

/* The version that an image says it has: to be freed; NULL: it says none. */
char *kernel_version(const void *bytes, size_t size);

/* All of a file, to be freed; NULL: there is none, or it cannot be read. */
char *read_text(const char *directory, const char *name);

/* The path of a module below the directory, as a list names it ("kernel/fs/fuse/fuse.ko"): length, or 0. A dash is
 * an underscore. */
size_t module_find(const char *list, const char *module, const char **path);

/* The names that a module needs: "a,b", in its own .modinfo; "" if it says none. */
const char *module_needs(const void *module, size_t size);

struct module {
    char *name;
    char *path; /* below the directory, ".ko" */
    struct buffer bytes;
};

/* Those that have to be loaded, each behind what it needs. */
struct modules {
    struct module *at;
    size_t n;
};

#define auto_modules __attribute__((cleanup(modules_free)))

void modules_free(struct modules *m);

/* `names`: "a\0?b\0": b only if the kernel has it. */
int modules_resolve(struct hozo_ctx *ctx, const struct kernel *k, const struct buffer *names,
                    struct modules *m);

#endif
