/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp: the profile becomes a filter on the host; hozo-init installs its bytes. */
#include <seccomp.h>
#include <stdlib.h>

#include "plugins/seccomp/compile.h"
#include "plugins/seccomp/kept.h"

#define SYSCALL SECCOMP ".syscalls[]"
#define ARG     SYSCALL ".args[]"
#define FILTER  "filter" /* the late value */

#define TEXT_OF(n)       #n
#define VERSION(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)
/* What features tells, which loads nothing: of the headers; the library is that of the host. */
#define BUILT_WITH VERSION(SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO)

/* clang-format off */
static const struct hozo_field fields[] = {
    {SECCOMP, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL,
     "Which system calls the container's processes may make."},
    {SECCOMP ".defaultAction", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, action_names, 0, 0, NULL,
     "What happens to a system call that no rule matches."},
    {SECCOMP ".defaultErrnoRet", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "The error that defaultAction returns; EPERM if absent."},
    {SECCOMP ".architectures", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Architectures beside the native one; calls of others are killed."},
    {SECCOMP ".architectures[]", HOZO_STRING, HOZO_OWN, architecture_names, 0, 0, SECCOMP ".archs",
     "An architecture; to repeat one changes nothing."},
    {SECCOMP ".flags", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "Flags of seccomp(2)."},
    {SECCOMP ".flags[]", HOZO_STRING, HOZO_OWN, flag_names, 0, 0, SECCOMP ".knownFlags",
     "A flag; the one about a listener means nothing without one."},
    {SECCOMP ".listenerPath", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "Socket of the agent that answers SCMP_ACT_NOTIFY; ignored without that action."},
    {SECCOMP ".listenerMetadata", HOZO_STRING, HOZO_OWN | HOZO_UNSET_0, NULL, 0, 0, NULL,
     "A text for that agent."},
    {SECCOMP ".syscalls", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "The rules."},
    {SYSCALL, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A rule; of those that match one without args decides, else the first."},
    {SYSCALL ".names", HOZO_ARRAY, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "System calls that it is about, one at least."},
    {SYSCALL ".names[]", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "A name that libseccomp knows."},
    {SYSCALL ".action", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, action_names, 0, 0,
     SECCOMP ".actions", "What happens to them."},
    {SYSCALL ".errnoRet", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "The error that the action returns; EPERM if absent."},
    {SYSCALL ".args", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL,
     "Conditions that all must hold; if two are about one argument, any of all."},
    {ARG, HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A condition."},
    {ARG ".index", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "The argument, from 0 to 5."},
    {ARG ".value", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "What it is compared with; the mask of SCMP_CMP_MASKED_EQ."},
    {ARG ".valueTwo", HOZO_UINT, HOZO_OWN, NULL, 0, 0, NULL,
     "What SCMP_CMP_MASKED_EQ compares with; otherwise 0."},
    {ARG ".op", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, operator_names, 0, 0,
     SECCOMP ".operators", "How it is compared."},
};

static const struct hozo_feature features[] = {
    {SECCOMP ".enabled", "true"},
    {SECCOMP ".supportedFlags", flags_json},
    {"annotations.io.github.seccomp.libseccomp.version", "\"" BUILT_WITH "\""},
};

static const char *const names[] = {SECCOMP};
/* clang-format on */

static int seccomp_validate(struct hozo_ctx *ctx)
{
    struct profile p;
    int r = profile_read(ctx, &p, SOME_NAMES);

    profile_free(&p);
    return r < 0 ? -1 : 0;
}

static int plan(struct hozo_ctx *ctx, const struct profile *p, struct hozo_seccomp s)
{
    s.size = sizeof(s);
    s.path = SECCOMP;
    s.flags = p->flags;
    /* config-linux.md: without SCMP_ACT_NOTIFY the listener is ignored. */
    if (p->notifies) {
        s.killable = p->killable;
        s.listener = p->listener;
        s.metadata = p->metadata;
    }
    return hozo_plan_seccomp(ctx, &s);
}

static int seccomp_plan(struct hozo_ctx *ctx)
{
    struct profile p;
    int late, r = profile_read(ctx, &p, SOME_NAMES);

    if (r > 0) {
        late = hozo_late(ctx, FILTER, HOZO_LATE_BYTES);
        r = late < 0 ? -1 : plan(ctx, &p, (struct hozo_seccomp){.late = (uint32_t)late});
    }
    profile_free(&p);
    return r;
}

static int hand_over(struct hozo_ctx *ctx, const struct filter *filter)
{
    struct hozo_value value = {
        .size = sizeof(value),
        .bytes = filter->code,
        .bytes_size = filter->n * sizeof(*filter->code),
    };

    return filter_keep(ctx, filter) < 0 ? -1 : hozo_late_set(ctx, FILTER, &value);
}

static int seccomp_prepare(struct hozo_ctx *ctx)
{
    struct filter filter = {0};
    struct profile p;
    int r = profile_read(ctx, &p, ALL_NAMES);

    if (r > 0 && !(r = profile_compile(ctx, &p, &filter)))
        r = hand_over(ctx, &filter);
    free(filter.code);
    profile_free(&p);
    return r;
}

static int seccomp_exec(struct hozo_ctx *ctx)
{
    struct filter filter = {0};
    struct profile p;
    int r = profile_read(ctx, &p, SOME_NAMES);

    if (r > 0 && !(r = filter_kept(ctx, &filter)))
        r = plan(ctx, &p,
                 (struct hozo_seccomp){.filter = filter.code,
                                       .filter_size = filter.n * sizeof(*filter.code)});
    free(filter.code);
    profile_free(&p);
    return r;
}

HOZO_PLUGIN(seccomp) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = "seccomp",
    .version = HOZO_PLUGIN_VERSION,
    .package = "hozo-plugin-seccomp",
    .summary = "Filters of system calls.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .features = HOZO_TABLE(features),
    .validate = seccomp_validate,
    .plan = seccomp_plan,
    .prepare = seccomp_prepare,
    .exec = seccomp_exec,
};
