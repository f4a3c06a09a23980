/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_NETINET6_ND6_H
#define TESTS_FREEBSD_NETINET6_ND6_H

#define ND6_INFINITE_LIFETIME 0xffffffff

#endif
