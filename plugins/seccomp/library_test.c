/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's parts that ask a host, below one as small as it can be: names, with libseccomp. */
#include "plugins/seccomp/library.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

/* --- the host --------------------------------------------------------------------------------- */

static char error[400];

static int host_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap) __attribute__((format(printf, 4, 0)));
static int host_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap)
{
    int n = snprintf(error, sizeof(error), "%s: ", path);

    (void)ctx;
    (void)errnum;
    vsnprintf(error + n, sizeof(error) - (size_t)n, fmt, ap);
    return -1;
}

static void host_log(struct hozo_ctx *ctx, int level, const char *fmt, va_list ap)
{
    (void)ctx;
    (void)level;
    (void)fmt;
    (void)ap;
}

static void *host_dlopen(struct hozo_ctx *ctx, const char *library)
{
    (void)ctx;
    return dlopen(library, RTLD_NOW | RTLD_LOCAL);
}

static const struct hozo_host host = {
    .error = host_error,
    .log = host_log,
    .dlopen = host_dlopen,
};
static struct hozo_ctx ctx = {&host};
static struct library library;

/* --- names ------------------------------------------------------------------------------------ */

/* One rule for one name, on the native architecture and another. */
static int make(const char *name, uint32_t action, size_t conditions, uint32_t otherwise,
                const char *architecture, struct sections *s)
{
    static const struct condition one = {0, NULL, UINT64_MAX, 1};
    static struct architecture also;
    static struct rule rule;
    static struct named named;
    struct profile p = {.otherwise = otherwise, .rules = &rule, .n_rules = 1};

    also = *architecture_of(architecture);
    rule = (struct rule){action, &one, conditions, false};
    named = (struct named){name, "names[0]", 0};
    p.architectures = &also;
    p.n_architectures = 1;
    p.named = &named;
    p.n_named = 1;
    *s = (struct sections){0};
    return sections_make(&ctx, &p, &library, s);
}

/* "NUMBER", or "NUMBER(CALL)", of the section of this architecture. */
static const char *numbers(const struct sections *s, uint32_t architecture)
{
    static char text[200];
    char *to = text;

    *to = '\0';
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; s->at[i].architecture == architecture && k < s->at[i].n; k++) {
            const struct entry *e = &s->at[i].entries[k];

            to += sprintf(to, e->call ? "%s%u(%u)" : "%s%u", to > text ? " " : "", e->number,
                          e->call);
        }
    return text;
}

static void test_names(void)
{
    static const struct {
        const char *name, *architecture, *numbers;
        uint32_t token, action;
        size_t conditions;
    } rows[] = {
        {"openat2", "SCMP_ARCH_X86", "437", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"socket", "SCMP_ARCH_X86", "102(1) 359", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"accept", "SCMP_ARCH_X86", "102(5)", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"recvmmsg", "SCMP_ARCH_X86", "102(19) 337", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"shmget", "SCMP_ARCH_X86", "117(23) 395", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"semtimedop", "SCMP_ARCH_X86", "117(4)", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"socket", "SCMP_ARCH_S390X", "102(1) 359", AUDIT_ARCH_S390X, SECCOMP_RET_ALLOW, 0},
        {"socket", "SCMP_ARCH_PPC64LE", "102(1) 326", AUDIT_ARCH_PPC64LE, SECCOMP_RET_ALLOW, 0},
        {"socket", "SCMP_ARCH_MIPS", "4102(1) 4183", AUDIT_ARCH_MIPS, SECCOMP_RET_ALLOW, 0},
        {"socket", "SCMP_ARCH_AARCH64", "198", AUDIT_ARCH_AARCH64, SECCOMP_RET_ALLOW, 0},
        {"socketcall", "SCMP_ARCH_X86", "102", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 0},
        {"socketcall", "SCMP_ARCH_AARCH64", "", AUDIT_ARCH_AARCH64, SECCOMP_RET_ALLOW, 0},
        /* conditions: never let through where they cannot be looked at, always stopped there */
        {"socket", "SCMP_ARCH_X86", "359", AUDIT_ARCH_I386, SECCOMP_RET_ALLOW, 1},
        {"socket", "SCMP_ARCH_X86", "102(1) 359", AUDIT_ARCH_I386, SECCOMP_RET_TRAP, 1},
        /* what is the default already needs no entry */
        {"openat2", "SCMP_ARCH_X86", "", AUDIT_ARCH_I386, SECCOMP_RET_ERRNO | 1, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sections s;
        int r = make(rows[i].name, rows[i].action, rows[i].conditions, SECCOMP_RET_ERRNO | 1,
                     rows[i].architecture, &s);
        const char *got = r ? error : numbers(&s, rows[i].token);

        ok(!r && !strcmp(got, rows[i].numbers), "%s of %s%s: %s", rows[i].name,
           rows[i].architecture, rows[i].conditions ? ", with a condition" : "", got);
        sections_free(&s);
    }
}

static void test_unknown(void)
{
    struct sections s;
    int r = make("no_such_call", SECCOMP_RET_ALLOW, 0, SECCOMP_RET_ERRNO | 1, "SCMP_ARCH_ARM", &s);

    ok(!r && s.n == 2 && !s.at[0].n && !s.at[1].n, "an unknown name that the default stops");
    sections_free(&s);
    r = make("no_such_call", SECCOMP_RET_ALLOW, 0, SECCOMP_RET_LOG, "SCMP_ARCH_ARM", &s);
    ok(!r, "an unknown name, let through with less noise");
    sections_free(&s);
    r = make("no_such_call", SECCOMP_RET_ERRNO | 1, 0, SECCOMP_RET_ALLOW, "SCMP_ARCH_ARM", &s);
    ok(r && !strcmp(error, "names[0]: libseccomp does not know the system call \"no_such_call\""),
       "an unknown name that cannot be stopped: %s", error);
    sections_free(&s);
}

static void test_architectures(void)
{
    struct sections s;
    int r;

    if (library.arch_resolve_name("loongarch64")) {
        skip("an architecture that libseccomp does not know", "it knows all");
    } else {
        r = make("read", SECCOMP_RET_ALLOW, 0, SECCOMP_RET_TRAP, "SCMP_ARCH_LOONGARCH64", &s);
        ok(r && !strcmp(error, "linux.seccomp.architectures: this libseccomp does not know "
                               "SCMP_ARCH_LOONGARCH64"),
           "an architecture that libseccomp does not know: %s", error);
        sections_free(&s);
    }
    if (library.arch_native() != SCMP_ARCH_X86_64) {
        skip("x32", "not an x86_64");
        return;
    }
    make("read", SECCOMP_RET_ALLOW, 0, SECCOMP_RET_TRAP, "SCMP_ARCH_X32", &s);
    ok(s.n == 1 && !s.at[0].no_x32 && !strcmp(numbers(&s, AUDIT_ARCH_X86_64), "0 1073741824"),
       "x32 is of x86_64, with numbers of its own: %s", numbers(&s, AUDIT_ARCH_X86_64));
    sections_free(&s);
    make("read", SECCOMP_RET_ALLOW, 0, SECCOMP_RET_TRAP, "SCMP_ARCH_X86_64", &s);
    ok(s.n == 1 && s.at[0].no_x32 && !strcmp(numbers(&s, AUDIT_ARCH_X86_64), "0"),
       "without it, its numbers are another architecture's; the native one is there once");
    sections_free(&s);
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void test_identity(void)
{
    char identity[IDENTITY_MAX] = "";
    bool good = !library_identity(&library, identity);

    ok(good && identity_holds(identity), "%s", identity);
    identity[strcspn(identity, ":") + 1] ^= 1;
    ok(!identity_holds(identity) && !identity_holds("") && !identity_holds("libseccomp /"),
       "another file of libseccomp");
}

int main(void)
{
    if (library_open(&ctx, &library) < 0) {
        printf("1..0 # SKIP %s\n", "libseccomp is not installed");
        return 0;
    }
    test_names();
    test_unknown();
    test_architectures();
    test_identity();
    return done();
}
