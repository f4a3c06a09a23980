/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3", "SIGRTMAX-1": the number, or -1. 0 is a number
 * too. */
int signal_parse(const char *text);

#endif
