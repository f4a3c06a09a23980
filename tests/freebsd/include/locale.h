/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_LOCALE_H
#define TESTS_FREEBSD_LOCALE_H

#define LC_ALL 0
char *setlocale(int category, const char *locale);

#endif
