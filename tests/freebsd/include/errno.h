/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_ERRNO_H
#define TESTS_FREEBSD_ERRNO_H

int *__error(void);
#define errno (*__error())
#define EPERM         1
#define ENOENT        2
#define ESRCH         3
#define EINTR         4
#define EIO           5
#define ENXIO         6
#define E2BIG         7
#define ENOMEM        12
#define EBUSY         16
#define EEXIST        17
#define ENOTDIR       20
#define EINVAL        22
#define ENOTTY        25
#define EMLINK        31
#define EAGAIN        35
#define EADDRINUSE    48
#define EADDRNOTAVAIL 49
#define ETIMEDOUT     60
#define ELOOP         62
#define ENAMETOOLONG  63
#define ENOTEMPTY     66
#define ECANCELED     85
#define ENOEXEC       8
#define EBADF         9
#define ECHILD        10
#define EDEADLK       11
#define EACCES        13
#define ENODEV        19
#define EXDEV         18
#define EISDIR        21
#define ENOSPC        28
#define ESPIPE        29
#define EROFS         30
#define EPIPE         32
#define ERANGE        34
#define EWOULDBLOCK   35
#define EOPNOTSUPP    45
#define ENOTSUP       45
#define ENOSYS        78
#define EOVERFLOW     84
#define EDOM          33
#define ENOTCONN      57
#define ECONNREFUSED  61
#define ECONNRESET    54
#define EPROTO        92
#define EBADMSG       89

#endif
