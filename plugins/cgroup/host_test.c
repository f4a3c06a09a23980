/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin for real, as root, in cgroups named /hozo-test-PID: on the hierarchies of this host,
 * then on the unified one alone, mounted in a mount namespace of the test's own.
 */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "plugins/cgroup/fake-host.h"
#include "plugins/tap.h"

static char facts[8192], base[64]; /* base: "/hozo-test-PID" */
static const char *host;           /* in names of tests */

/* --- the host -----------------------------------------------------------------------------------
 */

static void print_hierarchy(FILE *out, const struct mntent *m)
{
    char *options = strdup(m->mnt_opts), *save = NULL;
    const char *separator = "";

    fputs("{\"controllers\":[", out);
    for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
        if (!strcmp(o, "rw") || !strcmp(o, "relatime") || !strncmp(o, "no", 2) ||
            !strcmp(o, "xattr") || !strncmp(o, "release_agent", 13) || !strncmp(o, "clone_", 6))
            continue;
        fprintf(out, "%s\"%s\"", separator, o);
        separator = ",";
    }
    fprintf(out, "],\"mountpoint\":\"%s\",\"own\":\"/\"}", m->mnt_dir);
    free(options);
}

/* What is mounted now; false: nothing. */
static bool collect_facts(void)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r"), *v1,
         *out = fmemopen(facts, sizeof(facts), "w");
    char *v1_text = NULL, unified[256] = "";
    struct mntent *m;
    size_t size;

    v1 = open_memstream(&v1_text, &size);
    while ((m = getmntent(mounts))) {
        if (!strcmp(m->mnt_type, "cgroup2"))
            snprintf(unified, sizeof(unified),
                     "\"unified\":{\"mountpoint\":\"%.200s\",\"own\":\"/\"}", m->mnt_dir);
        if (!strcmp(m->mnt_type, "cgroup")) {
            fputs(ftell(v1) ? "," : "", v1);
            print_hierarchy(v1, m);
        }
    }
    endmntent(mounts);
    fclose(v1);
    fprintf(out, "{\"cgroup\":{%s%s\"hierarchies\":[%s]}}", unified, *unified ? "," : "", v1_text);
    fclose(out);
    size = strlen(v1_text);
    free(v1_text);
    return *unified || size;
}

static void begin(struct fake *f, const char *name, const char *resources)
{
    char config[2048];

    snprintf(config, sizeof(config), "{\"linux\":{\"cgroupsPath\":\"%s/%s\",\"resources\":{%s}}}",
             base, name, resources);
    fake_begin(f, name, config, facts);
    if (fake_plan(f) < 0)
        printf("# plan: %s\n", f->error);
}

static bool prepared(struct fake *f)
{
    if (fake_prepare(f) == 0)
        return true;
    printf("# prepare: %s\n", f->error);
    return false;
}

static const char *directory(const struct fake *f, size_t i)
{
    static char room[512];
    const char *procs = f->directory ? f->list : f->procs[i];

    if (!procs || (f->directory && i))
        return NULL;
    snprintf(room, sizeof(room), "%.*s", (int)(strrchr(procs, '/') - procs), procs);
    return room;
}

static size_t count_present(const struct fake *f)
{
    const char *d;
    size_t n = 0;

    for (size_t i = 0; (d = directory(f, i)); i++)
        n += access(d, F_OK) == 0;
    return n;
}

static size_t count_all(const struct fake *f)
{
    size_t n = 0;

    while (directory(f, n))
        n++;
    return n;
}

/* The file below whichever directory has it. */
static const char *content(const struct fake *f, const char *file)
{
    static char text[256];
    const char *d;

    for (size_t i = 0; (d = directory(f, i)); i++) {
        auto_close int fd = cgroup_open(d, O_RDONLY);

        if (fd >= 0 && cgroup_read(fd, file, text, sizeof(text)) >= 0) {
            text[strcspn(text, "\n")] = '\0';
            return text;
        }
    }
    return "(absent)";
}

/* --- processes in it ----------------------------------------------------------------------------
 */

static bool put(const char *procs, pid_t pid)
{
    FILE *out = procs ? fopen(procs, "we") : NULL;

    return out && fprintf(out, "%d", pid) > 0 && fclose(out) == 0;
}

/* A process that enters all cgroups of the container, then does this and exits with its result. */
static pid_t spawn(const struct fake *f, int (*body)(void))
{
    int gate[2];
    char go;
    pid_t pid;
    bool in = true;

    if (pipe2(gate, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        return -1;
    if (pid == 0) {
        close(gate[1]);
        _exit(read(gate[0], &go, 1) == 1 ? body() : 99);
    }
    close(gate[0]);
    for (size_t i = 0; f->procs[i]; i++)
        in &= put(f->procs[i], pid);
    if (f->directory)
        in = put(f->list, pid);
    if (!in)
        printf("# a process cannot enter: %m\n");
    if (!in || write(gate[1], "g", 1) != 1)
        kill(pid, SIGKILL);
    close(gate[1]);
    return pid;
}

static int result(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int body_devices(void)
{
    char directory_name[] = "/tmp/hozo-test-XXXXXX", node[64];
    int wrong = 0;

    wrong |= opened("/dev/null", O_RDWR) ? 1 : 0;
    wrong |= opened("/dev/urandom", O_RDONLY) ? 2 : 0;
    wrong |= opened("/dev/loop-control", O_RDONLY) ? 4 : 0;
    wrong |= opened("/dev/loop-control", O_RDWR) != EPERM ? 8 : 0;
    wrong |= opened("/dev/fuse", O_RDWR) != EPERM ? 16 : 0;
    if (!mkdtemp(directory_name))
        return 128;
    snprintf(node, sizeof(node), "%s/fuse", directory_name);
    wrong |= mknod(node, S_IFCHR | 0600, makedev(10, 229)) < 0 ? 32 : 0;
    wrong |= opened(node, O_RDONLY) != EPERM ? 64 : 0;
    unlink(node);
    rmdir(directory_name);
    return wrong;
}

static int body_wait(void)
{
    pause();
    return 0;
}

/* --- tests --------------------------------------------------------------------------------------
 */

#define DENY_ALL "{\"allow\":false,\"access\":\"rwm\"}"
#define DEVICES                                                                                    \
    "\"devices\":[" DENY_ALL ",{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":237,"         \
    "\"access\":\"r\"}]"

static void test_devices(void)
{
    struct fake f;
    int wrong;

    if (opened("/dev/loop-control", O_RDWR) || opened("/dev/fuse", O_RDWR)) {
        skip("devices", "no /dev/fuse and /dev/loop-control");
        return;
    }
    begin(&f, "devices", DEVICES);
    ok(prepared(&f) && count_present(&f) == count_all(&f), "%s: made in every hierarchy", host);
    wrong = fake_attach(&f) < 0 ? -1 : result(spawn(&f, body_devices));
    ok(wrong == 0, "%s: devices as the rules say (%d)", host, wrong);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0, "%s: removed", host);
    ok(fake_cleanup(&f) == 0, "%s: removed again", host);
    fake_end(&f);
}

static unsigned count_programs(const char *path)
{
    auto_close int fd = cgroup_open(path, O_RDONLY);
    uint32_t ids[8] = {0};
    union bpf_attr attr = {0};

    attr.query.target_fd = (__u32)fd;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = (uintptr_t)ids;
    attr.query.prog_cnt = 8;
    return syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? 99 : attr.query.prog_cnt;
}

static void test_reuse(void)
{
    struct fake f, again;

    begin(&f, "reuse", DEVICES);
    begin(&again, "reuse", "\"devices\":[" DENY_ALL "]");
    ok(prepared(&f) && !fake_attach(&f) && prepared(&again) && !fake_attach(&again),
       "%s: an empty cgroup is used again", host);
    if (f.directory)
        ok(count_programs(f.directory) == 1, "%s: one device program in it", host);
    ok(fake_cleanup(&again) == 0 && count_present(&f) == 0, "%s: and removed", host);
    fake_end(&again);
    fake_end(&f);
}

static void test_occupied(void)
{
    struct fake f, other;
    pid_t pid;

    begin(&f, "occupied", "");
    begin(&other, "occupied", "");
    prepared(&f);
    pid = spawn(&f, body_wait);
    ok(fake_prepare(&other) < 0 && strstr(other.error, "linux.cgroupsPath: ") &&
           strstr(other.error, "has processes already"),
       "%s: a cgroup with processes is refused (%s)", host, other.error);
    ok(fake_cleanup(&other) == 0 && kill(pid, 0) == 0 && count_present(&f) == count_all(&f),
       "%s: and left alone", host);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0 && result(pid) == -1,
       "%s: its own cleanup kills and removes", host);
    fake_end(&other);
    fake_end(&f);
}

static void test_below(void)
{
    struct fake f;
    char path[4096];
    const char *d;
    int depth = 0;
    pid_t pid;

    begin(&f, "below", "");
    prepared(&f);
    for (size_t i = 0; (d = directory(&f, i)); i++) {
        int n = snprintf(path, sizeof(path), "%s", d);

        for (depth = 0; depth < 40; depth++) {
            n += snprintf(path + n, sizeof(path) - (size_t)n, "/deep");
            mkdir(path, 0755);
        }
    }
    pid = spawn(&f, body_wait);
    snprintf(path + strlen(path), 64, "/cgroup.procs");
    if (!strstr(path, "cpuset")) /* the last hierarchy; a cpuset below is empty */
        ok(put(path, pid), "%s: a process %d cgroups below", host, depth);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0 && result(pid) == -1,
       "%s: what the container made below is removed", host);
    fake_end(&f);
}

static void freeze(const char *file, bool v2, bool on)
{
    FILE *out = fopen(file, "we");

    if (out) {
        fputs(v2 ? (on ? "1" : "0") : (on ? "FROZEN" : "THAWED"), out);
        fclose(out);
    }
}

static void test_frozen(void)
{
    struct fake parent, f;

    begin(&parent, "frozen", "");
    begin(&f, "frozen/child", "");
    prepared(&parent);
    freeze(parent.freeze, parent.directory, true);
    ok(fake_prepare(&f) < 0 && strstr(f.error, "is frozen"), "%s: frozen from above (%s)", host,
       f.error);
    fake_cleanup(&f);
    freeze(parent.freeze, parent.directory, false);
    ok(fake_cleanup(&parent) == 0 && count_present(&parent) == 0, "%s: removed after it", host);
    fake_end(&f);
    fake_end(&parent);
}

/* A frozen process does not die of SIGKILL on v1. */
static void test_frozen_cleanup(void)
{
    struct fake f;
    pid_t pid;

    begin(&f, "thaw", "");
    prepared(&f);
    pid = spawn(&f, body_wait);
    freeze(f.freeze, f.directory, true);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0 && result(pid) == -1,
       "%s: a frozen container is removed", host);
    fake_end(&f);
}

static bool starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

static void test_limits_v1(void)
{
    struct fake f;

    begin(&f, "limits/a/b",
          "\"memory\":{\"limit\":67108864,\"swap\":134217728},"
          "\"cpu\":{\"shares\":512,\"quota\":20000,\"period\":50000,\"cpus\":\"0\"},"
          "\"pids\":{\"limit\":1}");
    ok(prepared(&f), "%s: limits", host);
    ok(!strcmp(content(&f, "memory.limit_in_bytes"), "67108864") &&
           !strcmp(content(&f, "cpu.shares"), "512") &&
           !strcmp(content(&f, "cpu.cfs_quota_us"), "20000") &&
           !strcmp(content(&f, "cpu.cfs_period_us"), "50000") &&
           !strcmp(content(&f, "cpuset.cpus"), "0"),
       "%s: the kernel has them", host);
    ok(*content(&f, "cpuset.mems") != '\0', "%s: memory nodes come from above", host);
    ok(!strcmp(content(&f, "pids.max"), "max") && fake_attach(&f) == 0 &&
           !strcmp(content(&f, "pids.max"), "1"),
       "%s: the number of tasks is limited once the container's process exists", host);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0, "%s: limits removed", host);
    fake_end(&f);
}

static void test_rejected_v1(void)
{
    struct fake f;

    begin(&f, "rejected", "\"cpu\":{\"cpus\":\"4000\"}");
    ok(fake_prepare(&f) < 0 &&
           starts_with(f.error, "linux.resources.cpu.cpus: writing \"4000\" to "),
       "%s: what the kernel rejects is an error of that field (%s)", host, f.error);
    ok(count_present(&f) > 0 && fake_cleanup(&f) == 0 && count_present(&f) == 0,
       "%s: half of it made, all of it removed", host);
    fake_end(&f);
}

/* Applied, undone as when a plugin behind it fails, and failed half-way. */
static void test_update_v1(void)
{
    struct fake f;

    begin(&f, "update",
          "\"memory\":{\"limit\":67108864,\"swap\":134217728},"
          "\"cpu\":{\"shares\":512,\"quota\":20000,\"period\":50000}");
    prepared(&f);
    ok(fake_update(&f,
                   "{\"linux\":{\"resources\":{\"memory\":{\"limit\":33554432,\"swap\":41943040},"
                   "\"cpu\":{\"quota\":90000,\"period\":100000},\"pids\":{\"limit\":9}}}}") == 0 &&
           fake_update_apply(&f) == 0 &&
           !strcmp(content(&f, "memory.limit_in_bytes"), "33554432") &&
           !strcmp(content(&f, "memory.memsw.limit_in_bytes"), "41943040") &&
           !strcmp(content(&f, "cpu.cfs_quota_us"), "90000") &&
           !strcmp(content(&f, "cpu.shares"), "512") && !strcmp(content(&f, "pids.max"), "9"),
       "%s: an update is applied (%s)", host, f.error);
    ok(fake_update_undo(&f) == 0 && !strcmp(content(&f, "memory.limit_in_bytes"), "67108864") &&
           !strcmp(content(&f, "memory.memsw.limit_in_bytes"), "134217728") &&
           !strcmp(content(&f, "cpu.cfs_quota_us"), "20000") &&
           !strcmp(content(&f, "cpu.cfs_period_us"), "50000") &&
           !strcmp(content(&f, "pids.max"), "max"),
       "%s: and undone", host);
    ok(fake_update_undo(&f) == 0, "%s: there is nothing left to undo", host);
    ok(fake_update(&f, "{\"linux\":{\"resources\":{\"memory\":{\"limit\":1048576000,\"swap\":-1},"
                       "\"cpu\":{\"idle\":1,\"cpus\":\"4000\"}}}}") == 0 &&
           fake_update_apply(&f) < 0 && starts_with(f.error, "linux.resources.cpu.cpus: writing") &&
           !strcmp(content(&f, "memory.limit_in_bytes"), "67108864") &&
           !strcmp(content(&f, "memory.memsw.limit_in_bytes"), "134217728") &&
           !strcmp(content(&f, "cpu.idle"), "0") && !strcmp(content(&f, "cpu.shares"), "512"),
       "%s: what fails half-way leaves all as it was (%s)", host, f.error);
    fake_cleanup(&f);
    fake_end(&f);
}

static void test_update_v2(void)
{
    struct fake f;

    begin(&f, "update", "\"unified\":{\"cgroup.max.depth\":\"5\"}");
    prepared(&f);
    ok(!strcmp(content(&f, "cgroup.max.depth"), "5"), "%s: a file by its name", host);
    ok(fake_update(&f, "{\"linux\":{\"resources\":{\"unified\":{\"cgroup.max.depth\":\"7\"}}}}") ==
               0 &&
           fake_update_apply(&f) == 0 && !strcmp(content(&f, "cgroup.max.depth"), "7"),
       "%s: an update is applied (%s)", host, f.error);
    ok(fake_update_undo(&f) == 0 && !strcmp(content(&f, "cgroup.max.depth"), "5"), "%s: and undone",
       host);
    ok(fake_update(&f, "{\"linux\":{\"resources\":{\"unified\":{\"cgroup.max.depth\":\"7\\n9\","
                       "\"cgroup.max.descendants\":\"many\"}}}}") == 0 &&
           fake_update_apply(&f) < 0 && !strcmp(content(&f, "cgroup.max.depth"), "5"),
       "%s: what fails half-way leaves all as it was (%s)", host, f.error);
    fake_cleanup(&f);
    fake_end(&f);
}

static void test_controllers_v2(void)
{
    char available[256], here[256];
    struct fake f;
    auto_close int root = cgroup_open("/sys/fs/cgroup", O_RDONLY);

    cgroup_read(root, "cgroup.controllers", available, sizeof(available));
    available[strcspn(available, "\n")] = '\0';
    begin(&f, "a/b/c", "");
    prepared(&f);
    snprintf(here, sizeof(here), "%s", content(&f, "cgroup.controllers"));
    ok(!strcmp(here, available), "%s: the controllers \"%s\" reach three levels down", host, here);
    ok(fake_cleanup(&f) == 0, "%s: removed", host);
    fake_end(&f);
    if (strstr(available, "memory")) {
        skip("a controller that is missing", "memory is there");
        return;
    }
    begin(&f, "missing", "\"memory\":{\"limit\":1048576}");
    ok(fake_prepare(&f) < 0 && starts_with(f.error, "linux.resources.memory.limit: the cgroup "),
       "%s: a limit without its controller (%s)", host, f.error);
    ok(fake_cleanup(&f) == 0 && count_present(&f) == 0, "%s: removed after it", host);
    fake_end(&f);
}

static void test_all(const char *name)
{
    host = name;
    test_devices();
    test_reuse();
    test_occupied();
    test_below();
    test_frozen();
    test_frozen_cleanup();
}

/* Parents are left by the plugin; the test takes its own with it. */
static void remove_parents(void)
{
    static const char *const names[] = {"/a/b", "/a", "/limits/a", "/limits", "/frozen", ""};
    char path[512];
    struct fake f;

    begin(&f, "x", "");
    for (size_t i = 0; directory(&f, i); i++)
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            const char *d = directory(&f, i);

            snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(d, '/') - d), d, names[k]);
            rmdir(path);
        }
    fake_end(&f);
}

static bool mount_v2(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           umount2("/sys/fs/cgroup", MNT_DETACH) == 0 &&
           mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) == 0;
}

int main(void)
{
    snprintf(base, sizeof(base), "/hozo-test-%d", getpid());
    if (geteuid()) {
        skip("cgroups for real", "needs root");
        return done();
    }
    if (!collect_facts() || !strstr(facts, "controllers")) {
        skip("v1", "no such hierarchy is mounted");
    } else {
        test_all("v1");
        test_limits_v1();
        test_rejected_v1();
        test_update_v1();
        remove_parents();
    }
    if (!mount_v2()) {
        skip("v2", "the unified hierarchy cannot be mounted");
    } else {
        collect_facts();
        test_all("v2");
        test_controllers_v2();
        test_update_v2();
        remove_parents();
    }
    return done();
}
