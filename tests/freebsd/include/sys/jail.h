/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_JAIL_H
#define TESTS_FREEBSD_SYS_JAIL_H

/* jail(2) */
#include <sys/uio.h>
#define JAIL_CREATE 0x01
#define JAIL_UPDATE 0x02
int jail_set(struct iovec *iov, unsigned int n, int flags);
int jail_get(struct iovec *iov, unsigned int n, int flags);
int jail_attach(int jid);
int jail_remove(int jid);

#endif
