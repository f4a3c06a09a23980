/* SPDX-License-Identifier: Apache-2.0 */
/* linux.timeOffsets: what the clocks of a new time namespace are ahead of the host's. */
#include "core/compile.h"

#include <linux/magic.h>
#include <string.h>

#include "core/linux/namespaces.h"

#define NANOSECONDS 1000000000

static int add_offset(struct compile *p, const cJSON *offset, struct text *lines, struct error *err)
{
    const struct json *doc = &p->c->config;
    int64_t nanosecs = json_int(doc, offset, "nanosecs", 0);
    auto_text struct text path = {0};

    text_put(&path, "linux.timeOffsets");
    path_member(&path, offset->string);
    if (path.failed)
        return fail_memory(err);
    if (strcmp(offset->string, "monotonic") && strcmp(offset->string, "boottime"))
        return fail(err, 0, path.at,
                    "a time namespace has no such clock, but monotonic and boottime");
    if (nanosecs >= NANOSECONDS)
        return fail(err, 0, path.at, "nanosecs must be less than %d", NANOSECONDS);
    text_add(lines, "%s %lld %lld\n", offset->string, (long long)json_int(doc, offset, "secs", 0),
             (long long)nanosecs);
    return 0;
}

/* The first process in a time namespace freezes its clocks. So the stage process makes one, into which it does
 * not go itself, and sets them there. The clone makes the container's own with the same offsets, which belongs
 * to its user namespace as all others do. */
int compile_time_offsets(struct compile *p, struct error *err)
{
    const uint64_t flag = namespace_kind("time")->flag;
    auto_text struct text lines = {0};
    const cJSON *offset;

    cJSON_ArrayForEach (offset, json_get(p->linux_, "timeOffsets"))
        if (!cJSON_IsNull(offset) && add_offset(p, offset, &lines, err) < 0)
            return -1;
    if (lines.failed)
        return fail_memory(err);
    if (!lines.length)
        return 0;
    if (!(p->new_namespaces & flag))
        return fail(err, 0, "linux.timeOffsets", "needs a new time namespace");
    plan_op(p->b, PHASE_STAGE, UNSHARE, "linux.namespaces", NUM(flag));
    plan_op(p->b, PHASE_STAGE, WRITE, "linux.timeOffsets", SLOT(compile_proc(p)),
            STR("self/timens_offsets"), STR(lines.at), NUM(PROC_SUPER_MAGIC));
    plan_what(p->b, "write timens_offsets");
    return 0;
}
