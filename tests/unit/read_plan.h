/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_READ_PLAN_H
#define TESTS_UNIT_READ_PLAN_H

#include "core/plan.h"

/* Looks at everything that any reader of a plan looks at, for a sanitizer to watch. Returns something, so that
 * it is read. */
size_t read_plan(struct plan_header *plan);

#endif
