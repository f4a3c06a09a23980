/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_ASSERT_H
#define TESTS_FREEBSD_ASSERT_H

#define assert(e) ((void)(e))
#define static_assert _Static_assert

#endif
