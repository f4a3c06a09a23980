/* SPDX-License-Identifier: Apache-2.0 */
/* The stream to the monitor: a port of virtio-serial by its name, or a device that the command line names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>

#include "core/base.h"
#include "plugins/vm/agent/agent.h"

#define PORTS       "/sys/class/virtio-ports"
#define NAME        "hozo\n"
#define WORD        "hozo.port="
#define PATIENCE_MS 20000
#define NAP_MS      5

static ssize_t read_file(int directory, const char *name, char *text, size_t size)
{
    auto_close int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    text[n < 0 ? 0 : n] = '\0';
    return n;
}

static int open_port(const char *device)
{
    auto_close int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return dev < 0 ? -1 : openat(dev, device, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool has_name(int ports, const char *port)
{
    auto_close int directory = openat(ports, port, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[32];

    return directory >= 0 && read_file(directory, "name", name, sizeof name) > 0 &&
           !strcmp(name, NAME);
}

/* It is there before its name, and its device node before it is there. */
static int by_name(void)
{
    DIR *ports = opendir(PORTS);
    int fd = -1;

    for (struct dirent *e; ports && fd < 0 && (e = readdir(ports));)
        if (*e->d_name != '.' && has_name(dirfd(ports), e->d_name))
            fd = open_port(e->d_name);
    if (ports)
        closedir(ports);
    return fd;
}

/* The device that this word of the kernel's command line names. */
static const char *named(char *line)
{
    for (char *rest = line, *word; (word = strsep(&rest, " \n"));)
        if (!strncmp(word, WORD, sizeof WORD - 1))
            return word + sizeof WORD - 1;
    return NULL;
}

static int by_word(const char *device)
{
    int fd = open_port(device); /* an absolute path is itself */
    struct termios t;

    if (fd >= 0 && !tcgetattr(fd, &t)) {
        cfmakeraw(&t);
        tcsetattr(fd, TCSANOW, &t);
    }
    return fd;
}

/* A port tells that nobody is there as long as the hypervisor has not said that somebody is. */
static int await_other_side(int fd)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += NAP_MS) {
        struct pollfd p = {fd, POLLOUT, 0};

        if (poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP))
            return 0;
        poll(NULL, 0, NAP_MS);
    }
    return -1;
}

int port_find(void)
{
    static char line[4096];
    const char *device;
    auto_close int fd = -1;

    read_file(AT_FDCWD, "/proc/cmdline", line, sizeof line);
    device = named(line);
    for (int waited = 0; fd < 0 && waited < PATIENCE_MS; waited += NAP_MS) {
        if (waited)
            poll(NULL, 0, NAP_MS);
        fd = device ? by_word(device) : by_name();
    }
    return fd < 0 || await_other_side(fd) < 0 ? -1 : steal_fd(fd);
}
