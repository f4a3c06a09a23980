/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static bool same(int fd, const struct stat *namespace)
{
    struct stat st;

    return !fstat(fd, &st) && st.st_ino == namespace->st_ino && st.st_dev == namespace->st_dev;
}

/* In the namespace or in one below it. Above hozo's own the kernel shows none, which ends the way up. */
static bool lives_in(int proc, const char *pid, const struct stat *namespace)
{
    char path[300];

    snprintf(path, sizeof path, "%s/ns/pid", pid);
    for (int fd = openat(proc, path, O_RDONLY | O_CLOEXEC), above; fd >= 0; fd = above) {
        bool found = same(fd, namespace);

        above = found ? -1 : ioctl(fd, NS_GET_PARENT);
        close(fd);
        if (found)
            return true;
    }
    return false;
}

/* What came by `exec` is no descendant of init: membership is all that tells. */
static int namespace_pids(pid_t init, struct pids *pids, struct error *err)
{
    struct stat namespace;
    char path[64];
    DIR *proc;
    int failed = 0;

    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)init);
    if (stat(path, &namespace))
        return errno == ENOENT ? 0 : fail(err, errno, NULL, "stat %s", path);
    if (!(proc = opendir("/proc")))
        return fail(err, errno, NULL, "read /proc");
    for (struct dirent *e; !failed && (e = readdir(proc));) {
        int pid = atoi(e->d_name);

        if (pid > 0 && lives_in(dirfd(proc), e->d_name, &namespace))
            failed = pids_add(pids, pid);
    }
    closedir(proc);
    pids_sort(pids);
    return failed ? fail_memory(err) : 0;
}

int container_pids(const struct state *s, struct pids *pids, struct error *err)
{
    auto_close int init = -1;

    /* Before its own process was there, whoever is in the cgroup is somebody else's. */
    if (!s->pid)
        return 0;
    if (s->cgroup.list)
        return cgroup_pids(&s->cgroup, pids) ? fail(err, errno, NULL, "read %s", s->cgroup.list)
                                             : 0;
    if ((init = state_pidfd(s)) < 0)
        return 0;
    if (!s->own_pid_namespace)
        return fail(err, 0, NULL,
                    "the container has neither a control group nor a pid namespace of its own: its "
                    "processes cannot be told from others");
    return namespace_pids(s->pid, pids, err);
}
