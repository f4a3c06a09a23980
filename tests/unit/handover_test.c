/* SPDX-License-Identifier: Apache-2.0 */
/* What engines are handed: the pid file, and the terminal over the console socket. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/linux/handover.h"
#include "core/pidfile.h"

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

static bool holds(const char *file, const char *text)
{
    char got[64] = "";
    auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, got, sizeof got - 1) == (ssize_t)strlen(text) && !strcmp(got, text);
}

/* In an empty current directory. */
static void pid_files(void)
{
    char temporary[64];
    struct error err = {0};
    struct stat st;

    umask(022);
    check(!pidfile_write("pid", 4711, &err) && holds("pid", "4711"), "the number, no newline");
    check(!stat("pid", &st) && (st.st_mode & 07777) == 0644, "mode 0666 less the umask");
    check(!pidfile_write("./pid", 1, &err) && holds("pid", "1"), "it is replaced");
    check(!mkdir("d", 0700) && pidfile_write("d", 2, &err) < 0 && err.errnum == EISDIR,
          "a directory in its place");
    snprintf(temporary, sizeof temporary, ".d.%d", (int)getpid());
    check(access(temporary, F_OK) && errno == ENOENT, "after a failure nothing stays");
    check(pidfile_write("absent/pid", 2, &err) < 0 && err.errnum == ENOENT, "no such directory");
    snprintf(temporary, sizeof temporary, ".link.%d", (int)getpid());
    check(!symlink("victim", temporary) && !pidfile_write("link", 3, &err) && holds("link", "3") &&
              access("victim", F_OK),
          "a link in the way of the temporary file is not followed");
    unlink("pid");
    unlink("link");
    rmdir("d");
}

static int listen_at(const char *directory, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dirfd, name);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
        exit(99);
    close(dirfd);
    return fd;
}

/* As engines receive it: one message, bytes, room for one descriptor and no more. */
static bool received(int listener, int expected)
{
    char bytes[4096];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {bytes, sizeof bytes};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    struct stat mine, theirs;
    auto_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int got = -1;

    if (recvmsg(fd, &m, 0) < 1 || m.msg_flags & (MSG_CTRUNC | MSG_TRUNC) ||
        m.msg_controllen != CMSG_SPACE(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS ||
        control.header.cmsg_len != CMSG_LEN(sizeof(int)))
        return false;
    memcpy(&got, CMSG_DATA(&control.header), sizeof got);
    bool same = !fstat(got, &theirs) && !fstat(expected, &mine) && mine.st_ino == theirs.st_ino;
    close(got);
    return same && recv(fd, bytes, sizeof bytes, 0) == 0; /* and nothing behind it */
}

static void console_sockets(void)
{
    char deep[200] = "", path[256];
    struct error err = {0};
    auto_close int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int listener = listen_at(".", "s");

    check(!console_send("s", file, &err) && received(listener, file),
          "one message, one descriptor");
    close(listener);
    check(console_send("s", file, &err) < 0 && err.errnum == ECONNREFUSED, "nobody listens");
    check(console_send("absent", file, &err) < 0 && err.errnum == ENOENT, "no socket");
    memset(deep, 'd', sizeof deep - 1);
    mkdir(deep, 0700);
    listener = listen_at(deep, "s");
    snprintf(path, sizeof path, "%s/s", deep);
    check(!console_send(path, file, &err) && received(listener, file),
          "a path longer than a socket address");
    close(listener);
    unlink(path);
    rmdir(deep);
    unlink("s");
    unlink("file");
}

int main(void)
{
    char directory[] = "/tmp/handover_test.XXXXXX";

    if (!mkdtemp(directory) || chdir(directory))
        return 99;
    pid_files();
    console_sockets();
    check(!rmdir(directory), "nothing else was made");
    printf("1..%d\n", tests);
    return failures != 0;
}
