/* SPDX-License-Identifier: Apache-2.0 */
/* What an update plans, and what undoes a write. */
#include "plugins/cgroup/resources.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/cgroup/fake-host.h"
#include "plugins/tap.h"

#define FACTS "{}"
#define V2                                                                                         \
    "{\"version\":2,\"hierarchies\":[{\"controllers\":\"\",\"directory\":\"/cg/"                   \
    "box\"}],\"created\":[]}"
#define UNIT                                                                                       \
    "{\"version\":2,\"hierarchies\":[{\"controllers\":\"\",\"directory\":\"/cg/"                   \
    "box\"}],\"created\":[],\"unit\":true}"
#define V1                                                                                         \
    "{\"version\":2,\"hierarchies\":["                                                             \
    "{\"controllers\":\"cpu,cpuacct\",\"directory\":\"/cg/cpu/box\"},"                             \
    "{\"controllers\":\"memory\",\"directory\":\"/cg/memory/box\"},"                               \
    "{\"controllers\":\"pids\",\"directory\":\"/cg/pids/box\"},"                                   \
    "{\"controllers\":\"blkio\",\"directory\":\"/cg/blkio/box\"}],\"created\":[]}"
#define HYBRID                                                                                     \
    "{\"version\":2,\"hierarchies\":[{\"controllers\":\"\",\"directory\":\"/cg/unified/box\"},"    \
    "{\"controllers\":\"memory\",\"directory\":\"/cg/memory/box\"}],\"created\":[]}"

#define RES(members) "{\"linux\":{\"resources\":{" members "}}}"
#define NOTHING      RES("")

/* `expected`: the plan, or the error. */
static void update(const char *name, const char *state, const char *config, const char *changes,
                   const char *expected)
{
    struct fake f;
    const char *got;

    fake_begin(&f, "box", config, FACTS);
    f.state = cJSON_Parse(state);
    got = fake_update(&f, changes) < 0 ? f.error : fake_plan_text(&f, false);
    if (!ok(!strcmp(got, expected), "%s", name))
        printf("# got:\n# %s\n# expected:\n# %s\n", got, expected);
    fake_end(&f);
}

static void test_memory(void)
{
    const char *both = RES("\"memory\":{\"limit\":1000,\"swap\":3000}");

    update("v2: what is not named is not written", V2,
           RES("\"memory\":{\"limit\":1000,\"reservation\":500},\"pids\":{\"limit\":5}"),
           RES("\"memory\":{\"reservation\":600}"), "enter /cg/box\nwrite memory.low=600\n");
    update("v2: a new limit leaves memory and swap together as they are", V2, both,
           RES("\"memory\":{\"limit\":2000}"),
           "enter /cg/box\nwrite memory.max=2000\nwrite memory.swap.max=1000\n");
    update("v2: swap of which nobody has spoken is left alone", V2, NOTHING,
           RES("\"memory\":{\"limit\":2000}"), "enter /cg/box\nwrite memory.max=2000\n");
    update("v2: swap alone counts from the limit in force", V2, both,
           RES("\"memory\":{\"swap\":4000}"), "enter /cg/box\nwrite-swap memory.swap.max=4000\n");
    update("v2: both", V2, NOTHING, RES("\"memory\":{\"limit\":2000,\"swap\":2000}"),
           "enter /cg/box\nwrite memory.max=2000\nwrite-if memory.swap.max=0\n");
    update("v2: no limit, and none of swap that nobody has named", V2, both,
           RES("\"memory\":{\"limit\":-1}"),
           "enter /cg/box\nwrite memory.max=max\nwrite-if memory.swap.max=max\n");
    update("v2: no limit of swap", V2, both, RES("\"memory\":{\"swap\":-1}"),
           "enter /cg/box\nwrite-if memory.swap.max=max\n");
    update("v2: no limit, but one of swap", V2, both,
           RES("\"memory\":{\"limit\":-1,\"swap\":5000}"),
           "linux.resources.memory.swap: needs linux.resources.memory.limit: cgroup v2 limits swap "
           "without memory, the specification both together");
    update(
        "a limit above what both may have", V2, both, RES("\"memory\":{\"limit\":4000}"),
        "linux.resources.memory.swap: 3000 is less than linux.resources.memory.limit, 4000: it is "
        "memory and swap together");
    update("v1: memory and swap make room for the limit first", V1, both,
           RES("\"memory\":{\"limit\":2000}"),
           "enter /cg/memory/box\nwrite memory.memsw.limit_in_bytes=-1\n"
           "write memory.limit_in_bytes=2000\nwrite memory.memsw.limit_in_bytes=3000\n");
    update("v1: no limit, and none of swap that nobody has named", V1, NOTHING,
           RES("\"memory\":{\"limit\":-1}"),
           "enter /cg/memory/box\nwrite-if memory.memsw.limit_in_bytes=-1\n"
           "write memory.limit_in_bytes=-1\nwrite-if memory.memsw.limit_in_bytes=-1\n");
    update("v1: swap alone", V1, both, RES("\"memory\":{\"swap\":4000}"),
           "enter /cg/memory/box\nwrite memory.memsw.limit_in_bytes=4000\n");
    update("v2: what is in use is looked at before a limit", V2,
           RES("\"memory\":{\"checkBeforeUpdate\":true}"), RES("\"memory\":{\"limit\":2000}"),
           "enter /cg/box\ncheck memory.current<=2000\nwrite memory.max=2000\n");
    update("v2: it is not asked for anything else", V2,
           RES("\"memory\":{\"checkBeforeUpdate\":true,\"limit\":2000}"),
           RES("\"memory\":{\"reservation\":1000}"), "enter /cg/box\nwrite memory.low=1000\n");
    update("0 and nothing named are nothing", V2, both,
           RES("\"memory\":{\"reservation\":0},\"cpu\":{\"shares\":0,\"cpus\":\"\"},"
               "\"blockIO\":{\"weight\":0}"),
           "");
}

static void test_cpu(void)
{
    const char *all =
        RES("\"cpu\":{\"shares\":1024,\"quota\":20000,\"period\":50000,\"burst\":1000}");

    update("v2: quota alone keeps the period", V2, all, RES("\"cpu\":{\"quota\":30000}"),
           "enter /cg/box\nwrite cpu.max=30000\n");
    update("v2: no quota", V2, all, RES("\"cpu\":{\"quota\":-1}"),
           "enter /cg/box\nwrite cpu.max=max\n");
    update("v2: period alone keeps the quota", V2, all, RES("\"cpu\":{\"period\":100000}"),
           "enter /cg/box\nwrite-period cpu.max=100000\n");
    update("v2: both", V2, all, RES("\"cpu\":{\"quota\":30000,\"period\":40000}"),
           "enter /cg/box\nwrite cpu.max=30000 40000\n");
    update("v2: burst makes room for the quota first", V2, all,
           RES("\"cpu\":{\"quota\":30000,\"burst\":2000}"),
           "enter /cg/box\nwrite cpu.max.burst=0\nwrite cpu.max=30000\nwrite cpu.max.burst=2000\n");
    update("burst above a new quota", V2, all, RES("\"cpu\":{\"quota\":999}"),
           "linux.resources.cpu.burst: 1000 is more than linux.resources.cpu.quota, 999");
    update("v1: the quota makes room for the period first", V1, all,
           RES("\"cpu\":{\"quota\":30000,\"period\":40000}"),
           "enter /cg/cpu/box\nwrite cpu.cfs_quota_us=-1\nwrite cpu.cfs_period_us=40000\n"
           "write cpu.cfs_quota_us=30000\n");
    update("v1: period alone", V1, all, RES("\"cpu\":{\"period\":40000}"),
           "enter /cg/cpu/box\nwrite cpu.cfs_period_us=40000\n");
    update("shares alone", V2, all, RES("\"cpu\":{\"shares\":2}"),
           "enter /cg/box\nwrite cpu.weight=1\n");
    update("a unit: systemd rounds the bandwidth when it hears of shares", UNIT, all,
           RES("\"cpu\":{\"shares\":2}"),
           "enter /cg/box\nwrite cpu.weight=1\nwrite cpu.max=20000 50000\n");
    update("a unit: with a new period, too", UNIT, all, RES("\"cpu\":{\"period\":100000}"),
           "enter /cg/box\nwrite cpu.max=20000 100000\n");
    update("a unit: nothing of the CPU", UNIT, all, RES("\"pids\":{\"limit\":5}"),
           "enter /cg/box\nwrite pids.max=5\n");
    update("a group that is no more idle gets its shares back", V1, all,
           RES("\"cpu\":{\"idle\":0}"),
           "enter /cg/cpu/box\nwrite-if cpu.idle=0\nwrite cpu.shares=1024\n");
    update("a group that becomes idle is told its shares first", V2, all,
           RES("\"cpu\":{\"idle\":1}"),
           "enter /cg/box\nwrite-if cpu.idle=0\nwrite cpu.weight=100\nwrite cpu.idle=1\n");
    update("an idle group is woken to be told its shares", V2,
           RES("\"cpu\":{\"shares\":1024,\"idle\":1}"), RES("\"cpu\":{\"shares\":2}"),
           "enter /cg/box\nwrite-if cpu.idle=0\nwrite cpu.weight=1\nwrite cpu.idle=1\n");
    update("idle without shares", V2, NOTHING, RES("\"cpu\":{\"idle\":1}"),
           "enter /cg/box\nwrite cpu.idle=1\n");
    update("v1: a controller that the container is not in", V1, all,
           RES("\"cpu\":{\"cpus\":\"0\"}"),
           "linux.resources.cpu.cpus: the host has no cgroup hierarchy with the controller "
           "\"cpuset\"");
}

static void test_others(void)
{
    update("pids: at once, the process is there", V2, NOTHING, RES("\"pids\":{\"limit\":3}"),
           "enter /cg/box\nwrite pids.max=3\n");
    update("each hierarchy is entered once", V1, NOTHING,
           RES("\"pids\":{\"limit\":-1},\"memory\":{\"limit\":1000,\"reservation\":500}"),
           "enter /cg/memory/box\nwrite memory.limit_in_bytes=1000\n"
           "write memory.soft_limit_in_bytes=500\nenter /cg/pids/box\nwrite pids.max=max\n");
    update("rdma: what is not named stays", V2, RES("\"rdma\":{\"a\":{\"hcaHandles\":1}}"),
           RES("\"rdma\":{\"a\":{\"hcaObjects\":2}}"),
           "enter /cg/box\nwrite rdma.max=a hca_object=2\n");
    update("unified: behind the other fields, tasks too", V2,
           RES("\"unified\":{\"memory.low\":\"1\"}"),
           RES("\"unified\":{\"memory.max\":\"7\",\"pids.max\":\"9\"},\"memory\":{\"limit\":8}"),
           "enter /cg/box\nwrite memory.max=8\nwrite memory.max=7\nwrite pids.max=9\n");
    update("block devices that are named", V1,
           RES("\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}]}"),
           RES("\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":16,\"rate\":2}]}"),
           "enter /cg/blkio/box\nwrite blkio.throttle.read_bps_device=8:16 2\n");
    update("hybrid: what no v1 hierarchy has is in the unified one", HYBRID, NOTHING,
           RES("\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"memory\":{\"limit\":1}"),
           "enter /cg/memory/box\nwrite memory.limit_in_bytes=1\nenter /cg/unified/box\n"
           "write hugetlb.2MB.max=0\nwrite-if hugetlb.2MB.rsvd.max=0\n");
}

/* --- undoing ------------------------------------------------------------------------------------
 */

static void undo(const char *file, const char *old, const char *text, const char *expected)
{
    char *got = journal_text(file, old, text);

    ok(got && !strcmp(got, expected), "%s: \"%s\" is undone by \"%s\"", file, text, got ? got : "");
    free(got);
}

static void test_undo(void)
{
    undo("memory.max", "1000\n", "2000", "1000");
    undo("memory.max", "max\n", "2000", "max");
    undo("cpuset.cpus", "\n", "0", "");
    undo("cpu.max", "max 100000\n", "30000 50000", "max 100000");
    undo("cpu.max", "20000 50000\n", "20000 100000", "20000 50000");
    undo("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "1", "0");
    undo("io.max",
         "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max\n",
         "8:16 rbps=5", "8:16 rbps=2 wbps=max riops=max wiops=max");
    undo("io.max", "", "8:16 rbps=5", "8:16 rbps=max wbps=max riops=max wiops=max");
    undo("io.max", "8:160 rbps=1 wbps=max riops=max wiops=max\n", "8:16 rbps=5",
         "8:16 rbps=max wbps=max riops=max wiops=max");
    undo("io.weight", "default 100\n8:0 50\n", "4950", "default 100");
    undo("io.weight", "default 100\n8:0 50\n", "8:0 4950", "8:0 50");
    undo("io.bfq.weight", "default 100\n", "8:0 500", "8:0 default");
    undo("blkio.bfq.weight_device", "default 100\n", "8:0 500", "8:0 default");
    undo("blkio.throttle.read_bps_device", "8:0 1000\n", "8:0 0", "8:0 1000");
    undo("blkio.throttle.read_bps_device", "8:0 1000\n", "8:1 5", "8:1 0");
    undo("rdma.max", "a hca_handle=1 hca_object=max\nb hca_handle=2 hca_object=2\n",
         "b hca_handle=7", "b hca_handle=2 hca_object=2");
    undo("net_prio.ifpriomap", "lo 0\neth0 5\n", "eth0 7", "eth0 5");
}

int main(void)
{
    test_memory();
    test_cpu();
    test_others();
    test_undo();
    return done();
}
