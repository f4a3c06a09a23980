/* SPDX-License-Identifier: Apache-2.0 */
/* One argument of an operation: checked against its type, its data put into the pool. */
#ifndef CORE_PLAN_ENCODE_H
#define CORE_PLAN_ENCODE_H

#include "core/planner.h"
#include "core/pool.h"

struct plan_encoder {
    struct pool *pool;
    size_t n_slots, n_lates; /* those that an argument may name */
};

/* NULL, or what is wrong with the value. Offsets in *arg, which was 0, are those within the pool.
 */
const char *plan_encode(const struct plan_encoder *e, char type, const struct plan_value *value,
                        uint64_t *arg);

#endif
