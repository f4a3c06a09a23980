/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of each section from files as kernels write them: those of version 1 beside a unified hierarchy, and of
 * version 2 alone. */
#include "plugins/cgroup/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/tap.h"

static char top[] = "/tmp/hozo-stats-test-XXXXXX", directories[4][64];
static struct hierarchies all;

/* --- the trees ---------------------------------------------------------------------------------- */

struct file {
    const char *name, *text;
};

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    f = fopen(path, "we");
    if (!f || fputs(text, f) < 0 || fclose(f))
        printf("Bail out! %s: %s\n", path, strerror(errno));
}

/* A cgroup; `controllers` "" for the unified one. Ended by a row without a name. */
static void make(const char *controllers, const struct file *files)
{
    struct hierarchy *h = &all.at[all.n];
    char *directory = directories[all.n++];

    snprintf(directory, sizeof(*directories), "%s/%zu", top, all.n);
    mkdir(directory, 0700);
    for (; files->name; files++)
        write_file(directory, files->name, files->text);
    *h = (struct hierarchy){.unified = !*controllers,
                            .controllers = (char *)(uintptr_t)controllers,
                            .directory = directory};
}

/* Of each what make() has put in, and a directory or link that a test has put there instead. */
static void forget(void)
{
    for (size_t i = 0; i < all.n; i++) {
        DIR *dir = opendir(directories[i]);

        for (struct dirent *e; dir && (e = readdir(dir));)
            if (*e->d_name != '.' && unlinkat(dirfd(dir), e->d_name, 0))
                unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
        if (dir)
            closedir(dir);
        if (unlink(directories[i]))
            rmdir(directories[i]);
    }
    all = (struct hierarchies){0};
}

/* --- what comes of them ------------------------------------------------------------------------- */

static char *section(const char *key, struct stats *s)
{
    const struct stats_section *row = stats_sections;
    size_t size;

    while (strcmp(row->key, key) != 0)
        row++;
    return stats_print(s, row, &size);
}

static void gives(const char *name, const char *key, const char *expected)
{
    struct stats s;
    char *text = stats_begin(&s, &all) ? section(key, &s) : NULL;

    if (!ok(text && !strcmp(text, expected), "%s: %s", name, key))
        printf("#  %s\n#  instead of\n#  %s\n#  (%s: %s)\n", text ? text : "nothing", expected,
               s.failed, strerror(s.errnum));
    free(text);
    stats_end(&s);
}

static const struct file nothing[] = {{0}};

/* --- version 1 ---------------------------------------------------------------------------------- */

#define NONE "9223372036854771712"
#define PRESSURE                                                                                   \
    "some avg10=0.12 avg60=1.50 avg300=100.00 total=446480\n"                                      \
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
#define PRESSURE_JSON                                                                              \
    "\"psi\":{\"some\":{\"avg10\":0.12,\"avg60\":1.50,\"avg300\":100.00,\"total\":446480},"        \
    "\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":7}}"
#define NO_SET                                                                                     \
    "\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,\"memory_migrate\":0,"             \
    "\"memory_spread_page\":0,\"memory_spread_slab\":0,\"memory_pressure\":0,"                     \
    "\"sched_load_balance\":0,\"sched_relax_domain_level\":0"
#define NO_ENTRY "{\"limit\":0,\"failcnt\":0}"

static void hybrid(void)
{
    static const struct file unified[] = {{"cpu.pressure", PRESSURE},
                                          {"cpu.stat", "usage_usec 1\nuser_usec 1\n"},
                                          {"hugetlb.2MB.current", "4194304\n"},
                                          {"hugetlb.2MB.events", "max 3\n"},
                                          {"hugetlb.2MB.rsvd.current", "1\n"},
                                          {"hugetlb.2MB.max", "max\n"},
                                          {0}};
    static const struct file cpu[] = {
        {"cpu.stat", "nr_periods 11\nnr_throttled 10\nthrottled_time 711115541\nnr_bursts 0\n"},
        {"cpuacct.stat", "user 20\nsystem 3\n"},
        {"cpuacct.usage", "216482554\n"},
        {"cpuacct.usage_percpu", "87354733 129127821 \n"},
        {"cpuacct.usage_all", "cpu user system\n0 84000000 3354733\n1 128000000 1127821\n"},
        {"cpuset.cpus", "0-2,5\n"},
        {"cpuset.mems", "0\n"},
        {"cpuset.cpu_exclusive", "1\n"},
        {"cpuset.sched_load_balance", "1\n"},
        {"cpuset.sched_relax_domain_level", "-1\n"},
        {0}};
    static const struct file memory[] = {
        {"memory.stat", "cache 20971520\nrss 61440\nodd x\nhierarchical_memory_limit " NONE "\n"},
        {"memory.limit_in_bytes", "62914560\n"},
        {"memory.usage_in_bytes", "21422080\n"},
        {"memory.max_usage_in_bytes", "23052288\n"},
        {"memory.failcnt", "9\n"},
        {"memory.memsw.limit_in_bytes", NONE "\n"},
        {"memory.memsw.usage_in_bytes", "21422081\n"},
        {"memory.memsw.max_usage_in_bytes", "23052289\n"},
        {"memory.memsw.failcnt", "0\n"},
        {"memory.kmem.limit_in_bytes", NONE "\n"},
        {"memory.kmem.usage_in_bytes", "278528\n"},
        {"memory.kmem.failcnt", "0\n"},
        {0}};
    static const struct file rest[] = {
        {"pids.current", "1\n"},
        {"pids.max", "max\n"},
        {"blkio.bfq.io_service_bytes_recursive", "Total 0\n"},
        {"blkio.throttle.io_service_bytes_recursive",
         "8:0 Read 4096\n8:0 Write 0\n8:0 Discard 512\n8:0 Total 4608\n254:16 Read 1\nTotal "
         "4609\n"},
        {"blkio.bfq.io_serviced_recursive", "8:0 Read 3\nTotal 3\n"},
        {"blkio.throttle.io_serviced_recursive", "8:0 Read 7\nTotal 7\n"},
        {"blkio.bfq.sectors_recursive", "8:0 6792\n0:3 18446744073709551615\n"},
        {0}};

    make("", unified);
    make("cpu,cpuacct,cpuset", cpu);
    make("memory", memory);
    make("pids,blkio", rest);
    gives("hybrid", "cpu",
          "{\"usage\":{\"total\":216482554,\"kernel\":30000000,\"user\":200000000,"
          "\"percpu\":[87354733,129127821],\"percpu_kernel\":[3354733,1127821],"
          "\"percpu_user\":[84000000,128000000]},"
          "\"throttling\":{\"periods\":11,\"throttledPeriods\":10,\"throttledTime\":711115541}"
          "," PRESSURE_JSON "}");
    gives("hybrid", "cpuset",
          "{\"cpus\":[0,1,2,5],\"mems\":[0],\"cpu_exclusive\":1,\"mem_hardwall\":0,"
          "\"mem_exclusive\":0,\"memory_migrate\":0,\"memory_spread_page\":0,"
          "\"memory_spread_slab\":0,\"memory_pressure\":0,\"sched_load_balance\":1,"
          "\"sched_relax_domain_level\":-1}");
    gives("hybrid", "memory",
          "{\"cache\":20971520,"
          "\"raw\":{\"cache\":20971520,\"rss\":61440,\"hierarchical_memory_limit\":" NONE "},"
          "\"usage\":{\"limit\":62914560,\"usage\":21422080,\"max\":23052288,\"failcnt\":9},"
          "\"swap\":{\"limit\":" NONE ",\"usage\":21422081,\"max\":23052289,\"failcnt\":0},"
          "\"kernel\":{\"limit\":" NONE ",\"usage\":278528,\"failcnt\":0},"
          "\"kernelTCP\":" NO_ENTRY "}");
    gives("hybrid", "pids", "{\"current\":1}");
    gives("hybrid", "blkio",
          "{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":4096},"
          "{\"major\":8,\"op\":\"Write\"},{\"major\":8,\"op\":\"Discard\",\"value\":512},"
          "{\"major\":8,\"op\":\"Total\",\"value\":4608},"
          "{\"major\":254,\"minor\":16,\"op\":\"Read\",\"value\":1}],"
          "\"ioServicedRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":3}],"
          "\"sectorsRecursive\":[{\"major\":8,\"value\":6792},"
          "{\"minor\":3,\"value\":18446744073709551615}]}");
    gives("hybrid", "hugetlb", "{\"2MB\":{\"usage\":4194304,\"failcnt\":3}}");
    forget();
}

static void huge_pages(void)
{
    static const struct file files[] = {{"hugetlb.1GB.usage_in_bytes", "1073741824\n"},
                                        {"hugetlb.1GB.max_usage_in_bytes", "2147483648\n"},
                                        {"hugetlb.1GB.failcnt", "2\n"},
                                        {"hugetlb.1GB.rsvd.usage_in_bytes", "5\n"},
                                        {0}};

    make("hugetlb", files);
    gives("version 1", "hugetlb",
          "{\"1GB\":{\"usage\":1073741824,\"max\":2147483648,\"failcnt\":2}}");
    forget();
}

/* --- version 2 ---------------------------------------------------------------------------------- */

static void unified(void)
{
    static const struct file files[] = {
        {"cpu.stat", "usage_usec 216482\nuser_usec 200000\nsystem_usec 16482\nnr_periods 11\n"
                     "nr_throttled 10\nthrottled_usec 711115\nnr_bursts 0\nburst_usec 0\n"},
        {"cpu.pressure", PRESSURE},
        {"cpuset.cpus", "\n"},
        {"cpuset.cpus.effective", "0-1\n"},
        {"cpuset.mems.effective", "0\n"},
        {"memory.stat", "anon 61440\nfile 20971520\nkernel 278528\n"},
        {"memory.current", "21422080\n"},
        {"memory.max", "62914560\n"},
        {"memory.peak", "23052288\n"},
        {"memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n"},
        {"memory.swap.current", "1000\n"},
        {"memory.swap.max", "2000\n"},
        {"memory.pressure", PRESSURE},
        {"io.stat", "8:0 rbytes=4096 wbytes=0 rios=2 wios=0 dbytes=512 dios=1\n254:16 \n"
                    "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=3\n"},
        {"io.pressure", PRESSURE},
        {"pids.current", "3\n"},
        {"pids.max", "20\n"},
        {0}};

    make("", files);
    gives("version 2", "cpu",
          "{\"usage\":{\"total\":216482000,\"kernel\":16482000,\"user\":200000000},"
          "\"throttling\":{\"periods\":11,\"throttledPeriods\":10,\"throttledTime\":711115000}"
          "," PRESSURE_JSON "}");
    gives("version 2", "cpuset", "{\"cpus\":[0,1],\"mems\":[0]," NO_SET "}");
    gives("version 2", "memory",
          "{\"cache\":20971520,\"raw\":{\"anon\":61440,\"file\":20971520,\"kernel\":278528},"
          "\"usage\":{\"limit\":62914560,\"usage\":21422080,\"max\":23052288,\"failcnt\":9},"
          "\"swap\":{\"limit\":62916560,\"usage\":21423080,\"failcnt\":0},"
          "\"kernel\":" NO_ENTRY ",\"kernelTCP\":" NO_ENTRY "," PRESSURE_JSON "}");
    gives("version 2", "pids", "{\"current\":3,\"limit\":20}");
    gives(
        "version 2", "blkio",
        "{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":4096},"
        "{\"major\":8,\"op\":\"Write\"},{\"major\":8,\"op\":\"Discard\",\"value\":512},"
        "{\"major\":254,\"op\":\"Read\",\"value\":1},{\"major\":254,\"op\":\"Write\",\"value\":2},"
        "{\"major\":254,\"op\":\"Discard\",\"value\":5}],"
        "\"ioServicedRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":2},"
        "{\"major\":8,\"op\":\"Write\"},{\"major\":8,\"op\":\"Discard\",\"value\":1},"
        "{\"major\":254,\"op\":\"Read\",\"value\":3},{\"major\":254,\"op\":\"Write\",\"value\":4},"
        "{\"major\":254,\"op\":\"Discard\",\"value\":6}]," PRESSURE_JSON "}");
    gives("version 2", "hugetlb", "{}");
    forget();
}

static void no_limits(void)
{
    static const struct file files[] = {
        {"memory.stat", "anon 0\n"},   {"memory.current", "4096\n"},   {"memory.max", "max\n"},
        {"memory.swap.max", "4096\n"}, {"memory.swap.current", "0\n"}, {0}};

    make("", files);
    gives("without limits", "memory",
          "{\"raw\":{\"anon\":0},"
          "\"usage\":{\"limit\":18446744073709551615,\"usage\":4096,\"failcnt\":0},"
          "\"swap\":{\"limit\":18446744073709551615,\"usage\":4096,\"failcnt\":0},"
          "\"kernel\":" NO_ENTRY ",\"kernelTCP\":" NO_ENTRY "}");
    forget();
}

/* --- what is not there -------------------------------------------------------------------------- */

static void absent(const char *name)
{
    gives(name, "cpu", "{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}}");
    gives(name, "cpuset", "{" NO_SET "}");
    gives(name, "memory",
          "{\"usage\":" NO_ENTRY ",\"swap\":" NO_ENTRY ",\"kernel\":" NO_ENTRY
          ",\"kernelTCP\":" NO_ENTRY "}");
    gives(name, "pids", "{}");
    gives(name, "blkio", "{}");
    gives(name, "hugetlb", "{}");
}

static void nothing_there(void)
{
    char path[256];

    absent("no hierarchy");
    make("cpu,cpuacct,cpuset,memory,pids,blkio,hugetlb", nothing);
    absent("empty cgroup of version 1");
    rmdir(directories[0]);
    absent("removed cgroup");
    forget();

    /* A cgroup below with the name of a file that this kernel has not. */
    make("", nothing);
    snprintf(path, sizeof(path), "%s/memory.peak", directories[0]);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/hugetlb.2MB.current", directories[0]);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/hugetlb.\".current", directories[0]);
    mkdir(path, 0700);
    absent("cgroup of version 2 with names of files below");
    forget();
}

/* What is there and cannot be read is an error, not a zero. */
static void unreadable(void)
{
    char path[256];
    struct stats s;
    char *text;

    make("", nothing);
    snprintf(path, sizeof(path), "%s/pids.current", directories[0]);
    if (symlink("/proc/self/mem", path))
        printf("# symlink: %s\n", strerror(errno));
    ok(stats_begin(&s, &all), "a cgroup with a link in it is opened");
    text = section("pids", &s);
    ok(!text && s.errnum == ELOOP && !strcmp(s.failed, "pids.current"), "the link is not followed");
    free(text);
    stats_end(&s);
    forget();

    make("", nothing);
    rmdir(directories[0]);
    if (symlink("/nonexistent", directories[0]))
        printf("# symlink: %s\n", strerror(errno));
    ok(!stats_begin(&s, &all) && s.errnum == ELOOP, "a cgroup that is a link is refused");
    stats_end(&s);
    forget();
}

/* Longer than one read. */
static void large(void)
{
    struct stats s;
    struct file files[] = {{"memory.stat", NULL}, {0}};
    char *text = NULL, *json;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    for (int i = 0; i < 5000; i++)
        fprintf(f, "word_%d %d\n", i, i);
    fclose(f);
    files[0].text = text;
    make("memory", files);
    stats_begin(&s, &all);
    json = section("memory", &s);
    ok(json && strstr(json, "\"word_4999\":4999}"), "a file of %zu bytes", size);
    free(json);
    free(text);
    stats_end(&s);
    forget();
}

int main(void)
{
    if (!mkdtemp(top)) {
        printf("Bail out! %s: %s\n", top, strerror(errno));
        return 1;
    }
    hybrid();
    huge_pages();
    unified();
    no_limits();
    nothing_there();
    unreadable();
    large();
    rmdir(top);
    return done();
}
