/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_PARAM_H
#define TESTS_FREEBSD_SYS_PARAM_H

#include <limits.h>
#include <sys/types.h>

#endif
