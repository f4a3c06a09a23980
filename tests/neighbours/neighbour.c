/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's program that may trace: on request it tells all that /proc lets it know of every other
 * process that it sees.
 *
 *     neighbour SECRET [WHEN TYPE VALUE]
 *
 * On descriptor 0 is a stream socket: one byte in, an answer out that ends with ".\n". The look at a process
 * that is number WHEN takes the process's socket, and sends a message of hozo-init in its name.
 *
 *     l   look. Lines of words between tabs, the process's number first:
 *             file NAME MODE DEVICE INODE MOUNT FILE-SYSTEM LINK    exe, cwd, root, fd/N, ns/N, map_files/N
 *             write ERRNO             of opening exe for writing
 *             maps NAME               a mapping of a file, as `maps` tells it
 *             memory BYTES HITS       read, and how often SECRET is in them; likewise environ, cmdline
 *             denied NAME ERRNO       what could not be looked at
 *     e   end. What was mapped or executed is held open by then, and tried for writing once more:
 *             held DEVICE INODE WRITABLE LINK
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HELD_MAX  64
#define RANGE_MAX (64UL << 20) /* of memory that is read at once */

static FILE *out;
static const char *secret;
static int looks, when, message[4]; /* as long as those of hozo-init */

static struct {
    int fd;
    struct stat st;
    char link[256];
} held[HELD_MAX];
static unsigned n_held;

static void denied(const char *pid, const char *name)
{
    fprintf(out, "%s\tdenied\t%s\t%d\n", pid, name, errno);
}

static int open_proc(const char *pid, const char *name, int flags)
{
    char path[320];

    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    return open(path, flags | O_CLOEXEC);
}

/* Which mount a descriptor is of. */
static long mount_of(int fd)
{
    char path[64], line[128];
    long id = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    if (!(f = fopen(path, "re")))
        return -1;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "mnt_id: %ld", &id) == 1)
            break;
    fclose(f);
    return id;
}

static void hold(const char *pid, const char *name, const struct stat *st, const char *link)
{
    for (unsigned i = 0; i < n_held; i++)
        if (held[i].st.st_dev == st->st_dev && held[i].st.st_ino == st->st_ino)
            return;
    if (n_held == HELD_MAX || (held[n_held].fd = open_proc(pid, name, O_RDONLY)) < 0) {
        denied(pid, name);
        return;
    }
    held[n_held].st = *st;
    strcpy(held[n_held++].link, link);
}

static void forge(const char *pid, const char *name)
{
    int process = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
    int fd = (int)syscall(SYS_pidfd_getfd, process, atoi(name + strlen("fd/")), 0);

    if (fd < 0 || send(fd, message, sizeof message, MSG_NOSIGNAL) != (ssize_t)sizeof message)
        denied(pid, name);
    close(fd);
    close(process);
}

/* A magic link, and what lies behind it; O_PATH leads to sockets and devices, too. */
static void file(const char *pid, const char *name, int keep)
{
    char path[320], link[256];
    struct statfs fs;
    struct stat st;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    n = readlink(path, link, sizeof link - 1);
    fd = open(path, O_PATH | O_CLOEXEC);
    if (n < 0 || fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
        denied(pid, name);
    } else {
        link[n] = '\0';
        fprintf(out, "%s\tfile\t%s\t%o\t%lu\t%lu\t%ld\t%lx\t%s\n", pid, name, st.st_mode,
                (unsigned long)st.st_dev, (unsigned long)st.st_ino, mount_of(fd),
                (unsigned long)fs.f_type, link);
        if (keep)
            hold(pid, name, &st, link);
        if (looks == when && S_ISSOCK(st.st_mode))
            forge(pid, name);
    }
    if (fd >= 0)
        close(fd);
}

static void files(const char *pid, const char *directory, int keep)
{
    int fd = open_proc(pid, directory, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;

    if (!dir) {
        denied(pid, directory);
        return;
    }
    while ((e = readdir(dir))) {
        char name[300];

        if (*e->d_name == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", directory, e->d_name);
        file(pid, name, keep);
    }
    closedir(dir);
}

static unsigned hits(const char *text, size_t length)
{
    const char *end = text + length, *at = text;
    unsigned n = 0;

    while ((at = memmem(at, (size_t)(end - at), secret, strlen(secret)))) {
        at++;
        n++;
    }
    return n;
}

static void text(const char *pid, const char *name)
{
    static char buffer[1 << 20];
    int fd = open_proc(pid, name, O_RDONLY);
    ssize_t n = 0, r = 0;

    while (fd >= 0 && (r = read(fd, buffer + n, sizeof buffer - (size_t)n)) > 0)
        n += r;
    if (fd < 0 || r < 0)
        denied(pid, name);
    else
        fprintf(out, "%s\t%s\t%zd\t%u\n", pid, name, n, hits(buffer, (size_t)n));
    if (fd >= 0)
        close(fd);
}

/* How much of a range could be read; what may not be read by its owner, and the kernel's pages, need not. */
static size_t scan(const char *pid, int mem, const char *line, unsigned *found)
{
    unsigned long from, to;
    char rights[5] = "", *bytes;
    ssize_t n;

    if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || to - from > RANGE_MAX ||
        !(bytes = malloc(to - from)))
        return 0;
    n = pread(mem, bytes, to - from, (off_t)from);
    if (n > 0)
        *found += hits(bytes, (size_t)n);
    else if (*rights == 'r' && !strstr(line, "[v"))
        denied(pid, "mem");
    free(bytes);
    return n > 0 ? (size_t)n : 0;
}

static void memory(const char *pid)
{
    int maps = open_proc(pid, "maps", O_RDONLY), mem = open_proc(pid, "mem", O_RDONLY);
    FILE *f = maps < 0 ? NULL : fdopen(maps, "re");
    unsigned found = 0;
    char line[4200];
    size_t bytes = 0;

    if (!f || mem < 0)
        denied(pid, "mem");
    while (f && mem >= 0 && fgets(line, sizeof line, f)) {
        const char *name = strchr(line, '/');

        bytes += scan(pid, mem, line, &found);
        if (name)
            fprintf(out, "%s\tmaps\t%s", pid, name);
    }
    fprintf(out, "%s\tmemory\t%zu\t%u\n", pid, bytes, found);
    if (f)
        fclose(f);
    if (mem >= 0)
        close(mem);
}

static void process(const char *pid)
{
    int fd = open_proc(pid, "exe", O_WRONLY);

    looks++;
    fprintf(out, "%s\twrite\t%d\n", pid, fd < 0 ? errno : 0);
    if (fd >= 0)
        close(fd);
    file(pid, "exe", 1);
    file(pid, "cwd", 0);
    file(pid, "root", 0);
    files(pid, "fd", 0);
    files(pid, "ns", 0);
    files(pid, "map_files", 1);
    text(pid, "environ");
    text(pid, "cmdline");
    memory(pid);
}

static void look(void)
{
    DIR *dir = opendir("/proc");
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (*e->d_name >= '1' && *e->d_name <= '9' && atoi(e->d_name) != getpid())
            process(e->d_name);
    if (dir)
        closedir(dir);
}

/* Mapped, but not written to: it may be a file of the host. */
static void end(void)
{
    for (unsigned i = 0; i < n_held; i++) {
        char path[64];
        void *at = MAP_FAILED;
        int fd;

        snprintf(path, sizeof path, "/proc/self/fd/%d", held[i].fd);
        if ((fd = open(path, O_RDWR | O_CLOEXEC)) >= 0)
            at = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        fprintf(out, "held\t%lu\t%lu\t%d\t%s\n", (unsigned long)held[i].st.st_dev,
                (unsigned long)held[i].st.st_ino, at != MAP_FAILED, held[i].link);
        if (at != MAP_FAILED)
            munmap(at, 1);
        if (fd >= 0)
            close(fd);
        close(held[i].fd);
    }
    n_held = 0;
}

int main(int argc, char **argv)
{
    char request;

    if ((argc != 2 && argc != 5) || !(out = fdopen(dup(0), "w")))
        return 1;
    secret = argv[1];
    if (argc == 5) {
        when = atoi(argv[2]);
        message[0] = atoi(argv[3]);
        message[1] = atoi(argv[4]);
    }
    while (read(0, &request, 1) == 1) {
        if (request == 'l')
            look();
        else
            end();
        fputs(".\n", out);
        if (fflush(out))
            return 1;
    }
    return 0;
}
