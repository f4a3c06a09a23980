/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a plugin must start no thread (setns(2) into a mount or user namespace fails with EINVAL in a
 * process that has two, and fork(2) loses them) and open no descriptor.
 */
#include "core/plugin-parts.h"

int census_same(const struct census *before, struct error *err)
{
    struct census after = {0};

    if (census_take(&after, err) < 0)
        return -1;
    if (after.threads != before->threads)
        return fail(err, 0, NULL, "starts a thread when it is loaded");
    if (after.descriptors != before->descriptors)
        return fail(err, 0, NULL, "opens a descriptor when it is loaded");
    return 0;
}
