/* SPDX-License-Identifier: Apache-2.0 */
/* Versions in images, and modules: where they are, what they need, in which order they are loaded. */
#include "plugins/vm/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "plugins/tap.h"
#include "plugins/vm/decompress.h"
#include "plugins/vm/fake-host.h"
#include "plugins/vm/initrd.h"

/* initrd.c refers to the programs that the plugin carries. */
const char vm_agent_image[] = "", vm_init_image[] = "", vm_monitor_image[] = "";
const size_t vm_agent_size, vm_init_size, vm_monitor_size;

/* --- versions -------------------------------------------------------------------------------------- */

static bool version_is(const char *image, size_t size, const char *version)
{
    auto_free char *found = kernel_version(image, size);

    return version ? found && !strcmp(found, version) : !found;
}

/* With its NUL: there is room behind it. */
static void put(char *at, const char *text)
{
    memcpy(at, text, strlen(text) + 1);
}

static void test_versions(void)
{
    static char x86[0x400] = "MZ";
    static const char plain[] = "..Linux version %s..\0Linux version 6.1.0-arm64 (root@host) #1";
    static const char none[] = "nothing";

    memcpy(x86 + 0x202, "HdrS", 4);
    x86[0x20e] = (char)0x80;
    put(x86 + 0x280, "6.1.0-56-cloud-amd64 (debian-kernel@lists) #1 SMP");
    ok(version_is(x86, sizeof(x86), "6.1.0-56-cloud-amd64"), "the version of an image for x86");
    x86[0x20f] = 0x7f;
    ok(version_is(x86, sizeof(x86), NULL), "an offset behind the image");
    x86[0x20e] = x86[0x20f] = 0;
    ok(version_is(x86, sizeof(x86), NULL), "no offset");
    ok(version_is(x86, 0x205, NULL), "an image that ends in its header");
    put(x86 + 0x280, "../../etc");
    x86[0x20e] = (char)0x80;
    ok(version_is(x86, sizeof(x86), NULL), "what is no version but a path");
    ok(version_is(plain, sizeof(plain), "6.1.0-arm64"),
       "the version of an image that is not packed");
    ok(version_is(none, sizeof(none), NULL), "no version");
}

/* --- a directory of modules -------------------------------------------------------------------------- */

static char top[] = "/tmp/hozo-kernel-test-XXXXXX";

__attribute__((format(printf, 1, 2))) static const char *path_of(const char *fmt, ...)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    int n = snprintf(path, sizeof(paths[0]), "%s/", top);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, fmt, ap);
    va_end(ap);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "w");

    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
        abort();
}

static void write_module(const char *name, const char *needs)
{
    char bytes[256];
    int n = snprintf(bytes, sizeof(bytes), "ELF%clicense=GPL%cdepends=%s%cname=%s%c", 0, 0, needs,
                     0, name, 0);

    write_file(path_of("lib/modules/6.1/kernel/%s.ko", name), bytes, (size_t)n);
}

static bool pack(const char *name, const char *with)
{
    char command[600];

    snprintf(command, sizeof(command), "%s -q %s 2>/dev/null", with,
             path_of("lib/modules/6.1/kernel/%s.ko", name));
    return !system(command); /* NOLINT(cert-env33-c): of names of our own */
}

static void remove_all(void)
{
    char command[300];

    snprintf(command, sizeof(command), "rm -rf %s", top);
    if (system(command)) /* NOLINT(cert-env33-c) */
        abort();
}

static const char order[] = "kernel/a.ko\nkernel/b-one.ko\nkernel/c.ko\nkernel/gone.ko\n"
                            "kernel/x.ko\nkernel/y.ko\nkernel/z.ko\nkernel/p.ko\nkernel/q.ko";
static const char builtin[] = "kernel/built-in.ko\n";

static void make_modules(void)
{
    if (!mkdtemp(top) || mkdir(path_of("boot"), 0755) || mkdir(path_of("lib"), 0755) ||
        mkdir(path_of("lib/modules"), 0755) || mkdir(path_of("lib/modules/6.1"), 0755) ||
        mkdir(path_of("lib/modules/6.1/kernel"), 0755))
        abort();
    write_file(path_of("lib/modules/6.1/modules.order"), order, strlen(order));
    write_file(path_of("lib/modules/6.1/modules.builtin"), builtin, strlen(builtin));
    write_file(path_of("boot/vmlinuz-6.1"), "\177ELF", 5);
    write_module("a", "b_one,c");
    write_module("b-one", "c,built_in");
    write_module("c", "");
    write_module("x", "");
    write_module("y", "x");
    write_module("z", "y");
    write_module("p", "q");
    write_module("q", "p");
}

static bool find(struct hozo_ctx *ctx, struct kernel *k)
{
    const struct machine m = {.kernel = path_of("boot/vmlinuz-6.1")};

    return !kernel_find(ctx, &m, k);
}

static void test_place(struct hozo_ctx *ctx)
{
    auto_kernel struct kernel k = {0}, none = {0};
    const struct machine gone = {.kernel = "/nonexistent/vmlinuz"}, directory = {.kernel = top};

    ok(find(ctx, &k) && k.modules && strstr(k.modules, "/../lib/modules/6.1"),
       "modules beside the image's directory: %s", k.modules ? k.modules : "-");
    ok(kernel_has(&k, "b_one") && kernel_has(&k, "b-one") && kernel_has(&k, "built_in") &&
           !kernel_has(&k, "b") && !kernel_has(&k, "one") && !kernel_has(&k, "kernel/a"),
       "which modules a kernel has");
    ok(kernel_find(ctx, &gone, &none) < 0 && strstr(fake.error, "vm.kernel.path: /nonexistent"),
       "no kernel: %s", fake.error);
    ok(kernel_find(ctx, &directory, &none) < 0 && strstr(fake.error, "is no kernel"),
       "a directory: %s", fake.error);
}

/* --- the order --------------------------------------------------------------------------------------- */

/* "c b_one a", or the error. */
static const char *resolve(struct hozo_ctx *ctx, const struct kernel *k, const char *names,
                           size_t size)
{
    static char text[256];
    auto_modules struct modules m = {0};
    const struct buffer list = {.at = (char *)names, .length = size};

    text[0] = '\0';
    if (modules_resolve(ctx, k, &list, &m) < 0)
        return fake.error;
    for (size_t i = 0; i < m.n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s", i ? " " : "",
                 m.at[i].name,
                 memmem(m.at[i].bytes.at, m.at[i].bytes.length, "depends=", 8) ? "" : "?");
    return text;
}

static void is(const char *what, const char *have, const char *want)
{
    ok(strstr(have, want) && (!*want ? !*have : 1), "%s: %s", what, have);
}

static void test_order(struct hozo_ctx *ctx)
{
    auto_kernel struct kernel k = {0};
    const struct kernel nothing_known = {0};

    if (!find(ctx, &k))
        abort();
#define RESOLVE(names) resolve(ctx, &k, names, sizeof(names) - 1)
    is("what a module needs comes before it", RESOLVE("a\0"), "c b_one a");
    is("no module comes twice", RESOLVE("c\0b_one\0a\0"), "c b_one a");
    is("what is built in is not loaded", RESOLVE("built_in\0"), "");
    is("what may be absent is", RESOLVE("?none\0?c\0"), "c");
    is("what must not be absent is an error", RESOLVE("none\0"),
       "vm.kernel.path: this kernel has no none, neither built in nor in ");
    is("a module whose file is gone", RESOLVE("gone\0"), "No such file");
    is("modules that need each other", RESOLVE("p\0"), "need each other");
    is("of a kernel of which nothing is known, nothing is loaded",
       resolve(ctx, &nothing_known, "c\0", 2), "");
}

static void test_needs(void)
{
    static const char with[] = "\0x=1\0depends=a,b\0", without[] = "\0x=1\0",
                      open_end[] = {'\0', 'd', 'e', 'p', 'e', 'n', 'd', 's', '=', 'a'};

    is("what a module says that it needs", module_needs(with, sizeof(with)), "a,b");
    is("a module that says nothing", module_needs(without, sizeof(without)), "");
    is("a module that ends in what it says", module_needs(open_end, sizeof(open_end)), "");
}

/* --- packed modules ------------------------------------------------------------------------------------ */

static void test_packed(struct hozo_ctx *ctx)
{
    auto_kernel struct kernel k = {0};

    if (!pack("x", "xz") || !pack("y", "zstd --rm") || !pack("z", "gzip")) {
        skip("packed modules", "xz, zstd or gzip is missing");
        return;
    }
    if (!find(ctx, &k))
        abort();
    fake_begin();
    is("modules in the form of xz, zstd and gzip", RESOLVE("z\0"), "x y z");
    ok(fake.kept == 3 && fake.libraries == 3 && !fake.found, "each is unpacked and kept: %u %u %u",
       fake.kept, fake.libraries, fake.found);
    fake_begin();
    is("the same again", RESOLVE("z\0"), "x y z");
    ok(fake.found == 3 && !fake.libraries, "nothing is unpacked any more: %u", fake.found);
}

static void test_broken(struct hozo_ctx *ctx)
{
    static const struct {
        const char *name, *bytes;
        size_t size;
    } broken[] = {
        {"xz",
         "\xfd"
         "7zXZ\0aaaaaaaaaaaaaaaaaaaaa",
         26},
        {"zstd",
         "\x28\xb5\x2f\xfd"
         "aaaaaaaaaaaaaaaaaaaaa",
         25},
        {"gzip", "\x1f\x8b\x08\0aaaaaaaaaaaaaaaaaaaaa", 25},
        {"gzip that ends early", "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10},
    };

    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        auto_buffer struct buffer to = {0};

        ok(decompress(ctx, "m.ko", broken[i].bytes, broken[i].size, &to) < 0 &&
               strstr(fake.error, "m.ko: "),
           "%s that is broken: %s", broken[i].name, fake.error);
    }
}

/* Far more than four times as large. */
static void test_large(struct hozo_ctx *ctx)
{
    static const char zeros[1 << 20];
    static char packed[1 << 16];
    auto_buffer struct buffer to = {0};
    char command[300];
    FILE *f;
    size_t n;

    write_file(path_of("zeros"), zeros, sizeof(zeros));
    snprintf(command, sizeof(command), "xz -c %s 2>/dev/null", path_of("zeros"));
    if (!(f = popen(command, "r"))) /* NOLINT(cert-env33-c) */
        abort();
    n = fread(packed, 1, sizeof(packed), f);
    if (pclose(f)) {
        skip("a module that is much smaller when it is packed", "xz is missing");
        return;
    }
    ok(!decompress(ctx, "m.ko", packed, n, &to) && to.length == sizeof(zeros) &&
           !memcmp(to.at, zeros, sizeof(zeros)),
       "%zu bytes of xz are 1 MiB", n);
}

/* --- what the agent finds -------------------------------------------------------------------------------- */

static void test_archive(struct hozo_ctx *ctx)
{
    auto_kernel struct kernel k = {0};
    auto_modules struct modules m = {0};
    auto_buffer struct buffer archive = {0}, empty = {0};
    const struct modules none = {0};
    const struct buffer names = {.at = (char *)"a\0", .length = 2};

    if (!find(ctx, &k) || modules_resolve(ctx, &k, &names, &m) < 0)
        abort();
    initrd_append_modules(&archive, &m);
    ok(memmem(archive.at, archive.length, "modules/order\0", 14) &&
           memmem(archive.at, archive.length, "c.ko\nb_one.ko\na.ko\n", 19) &&
           memmem(archive.at, archive.length, "modules/b_one.ko\0", 17),
       "the modules and their order");
    initrd_append_modules(&empty, &none);
    ok(!empty.length, "without modules there is nothing");
}

int main(void)
{
    struct hozo_ctx *ctx = fake_begin();

    test_versions();
    make_modules();
    test_place(ctx);
    test_order(ctx);
    test_needs();
    test_packed(ctx);
    test_broken(ctx);
    test_large(ctx);
    test_archive(ctx);
    remove_all();
    fake_end();
    return done();
}
