/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_STRINGS_H
#define TESTS_FREEBSD_STRINGS_H

#include <string.h>

#endif
