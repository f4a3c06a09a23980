/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TIMESTAMP_H
#define CORE_TIMESTAMP_H

/* The time of day, RFC 3339 in UTC: "2026-02-03T04:05:06.000000007Z". */
#define TIMESTAMP_SIZE 64
void timestamp(char text[TIMESTAMP_SIZE]);

#endif
