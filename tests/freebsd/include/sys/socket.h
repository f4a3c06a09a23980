/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SYS_SOCKET_H
#define TESTS_FREEBSD_SYS_SOCKET_H

#include <sys/types.h>
#define AF_UNIX      1
#define AF_INET      2
#define AF_INET6     28
#define SOCK_STREAM  1
#define SOCK_DGRAM   2
#define SOCK_CLOEXEC 0x10000000
#define MSG_NOSIGNAL 0x20000
typedef uint8_t sa_family_t;
struct sockaddr {
    uint8_t sa_len;
    sa_family_t sa_family;
    char sa_data[14];
};
int socket(int domain, int type, int protocol);
int socketpair(int domain, int type, int protocol, int *pair);
ssize_t send(int fd, const void *bytes, size_t size, int flags);
#include <sys/time.h>
#include <sys/uio.h>
#define SOL_SOCKET   0xffff
#define SO_RCVTIMEO  0x1006
#define SO_SNDTIMEO  0x1005
#define SO_PEERCRED  0x0001
#define SCM_RIGHTS   1
#define MSG_DONTWAIT 0x80
#define MSG_CMSG_CLOEXEC 0x40000
struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    int msg_iovlen;
    void *msg_control;
    socklen_t msg_controllen;
    int msg_flags;
};
struct cmsghdr {
    socklen_t cmsg_len;
    int cmsg_level;
    int cmsg_type;
};
#define CMSG_ALIGN_(n)  (((n) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_DATA(c)    ((unsigned char *)(c) + CMSG_ALIGN_(sizeof(struct cmsghdr)))
#define CMSG_LEN(n)     (CMSG_ALIGN_(sizeof(struct cmsghdr)) + (n))
#define CMSG_SPACE(n)   (CMSG_ALIGN_(sizeof(struct cmsghdr)) + CMSG_ALIGN_(n))
#define CMSG_FIRSTHDR(m)                                                                           \
    ((m)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(m)->msg_control : NULL)
struct cmsghdr *CMSG_NXTHDR(struct msghdr *m, struct cmsghdr *c);
ssize_t sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t recvmsg(int fd, struct msghdr *m, int flags);
int setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int connect(int fd, const struct sockaddr *address, socklen_t size);
int bind(int fd, const struct sockaddr *address, socklen_t size);
ssize_t recv(int fd, void *bytes, size_t size, int flags);
ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);
int bindat(int directory, int fd, const struct sockaddr *address, socklen_t size);
#define MSG_TRUNC 0x10
#define SOCK_NONBLOCK 0x20000000

#endif
