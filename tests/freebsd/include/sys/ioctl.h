/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_IOCTL_H
#define TESTS_FREEBSD_SYS_IOCTL_H

#define FIONREAD 0x4004667f
int ioctl(int fd, unsigned long request, ...);

#endif
