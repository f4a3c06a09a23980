/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and host facts in, plan out. */
#include "plugins/cgroup/cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/cgroup/fake-host.h"
#include "plugins/tap.h"

#define V2(own)                                                                                    \
    "{\"cgroup\":{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/cg\",\"own\":\"" own "\"}}}"

#define V1_HIERARCHIES                                                                             \
    "\"hierarchies\":["                                                                            \
    "{\"controllers\":[\"cpu\",\"cpuacct\"],\"mountpoint\":\"/cg/cpu\",\"own\":\"/\"},"            \
    "{\"controllers\":[\"memory\"],\"mountpoint\":\"/cg/memory\",\"own\":\"/tool/x\"},"            \
    "{\"controllers\":[\"cpuset\"],\"mountpoint\":\"/cg/cpuset\",\"own\":\"/\"},"                  \
    "{\"controllers\":[\"devices\"],\"mountpoint\":\"/cg/devices\",\"own\":\"/\"},"                \
    "{\"controllers\":[\"freezer\"],\"mountpoint\":\"/cg/freezer\",\"own\":\"/\"},"                \
    "{\"controllers\":[\"pids\"],\"mountpoint\":\"/cg/pids\",\"own\":\"/\"},"                      \
    "{\"controllers\":[\"name=systemd\"],\"mountpoint\":\"/cg/systemd\",\"own\":\"/\"}]"

#define V1 "{\"cgroup\":{\"layout\":\"v1\"," V1_HIERARCHIES "}}"
#define HYBRID                                                                                     \
    "{\"cgroup\":{\"layout\":\"hybrid\","                                                          \
    "\"unified\":{\"mountpoint\":\"/cg/unified\",\"own\":\"/\"}," V1_HIERARCHIES "}}"
#define V1_FEW                                                                                     \
    "{\"cgroup\":{\"hierarchies\":["                                                               \
    "{\"controllers\":[\"memory\"],\"mountpoint\":\"/cg/memory\",\"own\":\"/\"}]}}"

#define RES(members) "{\"linux\":{\"resources\":{" members "}}}"
#define PATH(path)   "{\"linux\":{\"cgroupsPath\":\"" path "\"}}"

/* `expected`: the whole plan, or the error. */
static void plan(const char *name, const char *config, const char *facts, bool paths,
                 const char *expected)
{
    struct fake f;

    fake_begin(&f, "box", config, facts);
    const char *got = fake_plan(&f) < 0 ? f.error : fake_plan_text(&f, paths);

    if (!ok(!strcmp(got, expected), "%s", name))
        printf("# got:\n# %s\n# expected:\n# %s\n", got, expected);
    fake_end(&f);
}

static void test_paths(void)
{
    plan("no path: beside hozo's own cgroup", "{}", V2("/user.slice/shell"), false,
         "hierarchy unified=/cg\nmkdir /cg/user.slice/box\n");
    plan("own cgroup is the root", "{}", V2("/"), false, "hierarchy unified=/cg\nmkdir /cg/box\n");
    plan("relative path", PATH("a/b"), V2("/user.slice/shell"), false,
         "hierarchy unified=/cg\nmkdir /cg/user.slice/a/b\n");
    plan("absolute path", PATH("/a/b"), V2("/user.slice/shell"), false,
         "hierarchy unified=/cg\nmkdir /cg/a/b\n");
    plan("a path is cleaned", PATH("//a/./b//"), V2("/"), false,
         "hierarchy unified=/cg\nmkdir /cg/a/b\n");
    plan("empty path is none", PATH(""), V2("/"), false, "hierarchy unified=/cg\nmkdir /cg/box\n");
    plan("a systemd path is literal here", PATH("a.slice:hozo:box"), V2("/x/y"), false,
         "hierarchy unified=/cg\nmkdir /cg/x/a.slice:hozo:box\n");
    plan("no own cgroup, absolute path", PATH("/a"),
         "{\"cgroup\":{\"unified\":{\"mountpoint\":\"/cg\"}}}", false,
         "hierarchy unified=/cg\nmkdir /cg/a\n");
    plan("no own cgroup, relative path", PATH("a"),
         "{\"cgroup\":{\"unified\":{\"mountpoint\":\"/cg\"}}}", false,
         "linux.cgroupsPath: must be absolute: the mount at /cg does not show hozo's own cgroup");
    plan("\"..\" is refused", PATH("/a/../../b"), V2("/"), false,
         "linux.cgroupsPath: \"/a/../../b\" does not name a cgroup below /cg, seen from \"/\"");
    plan("the root is refused", PATH("/."), V2("/"), false,
         "linux.cgroupsPath: \"/.\" does not name a cgroup below /cg, seen from \"/\"");
    plan("an own cgroup outside of the mount is refused", "{}", V2("/../other"), false,
         "linux.cgroupsPath: \"\" does not name a cgroup below /cg, seen from \"/../other\"");
    plan("no hierarchy", "{}", "{\"cgroup\":{\"layout\":\"none\"}}", false,
         "linux.cgroupsPath: the host has no cgroup hierarchy mounted");
}

#define ALL_LIMITS                                                                                 \
    RES("\"memory\":{\"limit\":1048576,\"reservation\":524288,\"swap\":3145728},"                  \
        "\"cpu\":{\"shares\":2048,\"quota\":20000,\"period\":50000,\"cpus\":\"0\",\"mems\":\"0\"}" \
        ","                                                                                        \
        "\"pids\":{\"limit\":7}")

static void test_limits(void)
{
    plan("v2: all limits", ALL_LIMITS, V2("/"), true,
         "linux.cgroupsPath hierarchy unified=/cg\n"
         "linux.cgroupsPath mkdir /cg/box\n"
         "linux.resources.memory.limit write memory.max=1048576\n"
         "linux.resources.memory.reservation write memory.low=524288\n"
         "linux.resources.memory.swap write memory.swap.max=2097152\n"
         "linux.resources.cpu.shares write cpu.weight=174\n"
         "linux.resources.cpu.quota write cpu.max=20000 50000\n"
         "linux.resources.cpu.cpus write cpuset.cpus=0\n"
         "linux.resources.cpu.mems write cpuset.mems=0\n"
         "linux.resources.pids.limit await process\n"
         "linux.resources.pids.limit enter /cg/box\n"
         "linux.resources.pids.limit write pids.max=7\n");
    plan("v1: all limits", ALL_LIMITS, V1, true,
         "linux.cgroupsPath hierarchy cpu,cpuacct=/cg/cpu\n"
         "linux.cgroupsPath mkdir /cg/cpu/box\n"
         "linux.resources.cpu.shares write cpu.shares=2048\n"
         "linux.resources.cpu.period write cpu.cfs_period_us=50000\n"
         "linux.resources.cpu.quota write cpu.cfs_quota_us=20000\n"
         "linux.cgroupsPath hierarchy memory=/cg/memory\n"
         "linux.cgroupsPath mkdir /cg/memory/tool/box\n"
         "linux.resources.memory.swap write memory.memsw.limit_in_bytes=-1\n"
         "linux.resources.memory.limit write memory.limit_in_bytes=1048576\n"
         "linux.resources.memory.reservation write memory.soft_limit_in_bytes=524288\n"
         "linux.resources.memory.swap write memory.memsw.limit_in_bytes=3145728\n"
         "linux.cgroupsPath hierarchy cpuset=/cg/cpuset\n"
         "linux.cgroupsPath mkdir /cg/cpuset/box\n"
         "linux.resources.cpu.cpus write cpuset.cpus=0\n"
         "linux.resources.cpu.mems write cpuset.mems=0\n"
         "linux.cgroupsPath hierarchy devices=/cg/devices\n"
         "linux.cgroupsPath mkdir /cg/devices/box\n"
         "linux.cgroupsPath hierarchy freezer=/cg/freezer\n"
         "linux.cgroupsPath mkdir /cg/freezer/box\n"
         "linux.cgroupsPath hierarchy pids=/cg/pids\n"
         "linux.cgroupsPath mkdir /cg/pids/box\n"
         "linux.cgroupsPath hierarchy name=systemd=/cg/systemd\n"
         "linux.cgroupsPath mkdir /cg/systemd/box\n"
         "linux.resources.pids.limit await process\n"
         "linux.resources.pids.limit enter /cg/pids/box\n"
         "linux.resources.pids.limit write pids.max=7\n");
    plan("0 of memory and cpu, and \"\", are not set",
         RES("\"memory\":{\"limit\":0,\"swap\":0},"
             "\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0,\"cpus\":\"\"}"),
         V2("/"), false, "hierarchy unified=/cg\nmkdir /cg/box\n");
    plan("v2: period alone", RES("\"cpu\":{\"period\":50000}"), V2("/"), true,
         "linux.cgroupsPath hierarchy unified=/cg\n"
         "linux.cgroupsPath mkdir /cg/box\n"
         "linux.resources.cpu.period write cpu.max=max 50000\n");
    plan("v2: swap as much as memory is none", RES("\"memory\":{\"limit\":4096,\"swap\":4096}"),
         V2("/"), false,
         "hierarchy unified=/cg\nmkdir /cg/box\nwrite memory.max=4096\nwrite-if "
         "memory.swap.max=0\n");
    plan("v2: swap without memory", RES("\"memory\":{\"swap\":4096}"), V2("/"), false,
         "linux.resources.memory.swap: needs linux.resources.memory.limit: cgroup v2 limits swap "
         "without memory, the specification both together");
    plan("less swap than memory", RES("\"memory\":{\"limit\":4096,\"swap\":4095}"), V1, false,
         "linux.resources.memory.swap: 4095 is less than linux.resources.memory.limit, 4096: it is "
         "memory and swap together");
    plan("a controller that the host lacks", RES("\"pids\":{\"limit\":1}"), V1_FEW, false,
         "linux.resources.pids.limit: the host has no cgroup hierarchy with the controller "
         "\"pids\"");
}

#define DENY_ALL "{\"allow\":false,\"access\":\"rwm\"}"

static void test_devices(void)
{
    const char *two = RES("\"devices\":[" DENY_ALL ",{\"allow\":true,\"type\":\"c\",\"major\":10,"
                          "\"minor\":229,\"access\":\"rw\"}]");

    plan("v2: rules", two, V2("/"), true,
         "linux.cgroupsPath hierarchy unified=/cg\n"
         "linux.cgroupsPath mkdir /cg/box\n"
         "linux.resources.devices enter /cg/box\n"
         "linux.resources.devices devices deny a *:* rwm, allow c 10:229 rw, allow c *:* m, "
         "allow b *:* m, allow c 1:3 rwm, allow c 1:5 rwm, allow c 1:7 rwm, allow c 1:8 rwm, "
         "allow c 1:9 rwm, allow c 5:0 rwm, allow c 5:2 rwm, allow c 136:* rwm\n");
    plan("v1: rules", two,
         "{\"cgroup\":{\"hierarchies\":[{\"controllers\":[\"devices\"],"
         "\"mountpoint\":\"/cg/devices\",\"own\":\"/\"}]}}",
         true,
         "linux.cgroupsPath hierarchy devices=/cg/devices\n"
         "linux.cgroupsPath mkdir /cg/devices/box\n"
         "linux.resources.devices write devices.deny=a\n"
         "linux.resources.devices[1] write devices.allow=c 10:229 rwm\n"
         "linux.resources.devices write devices.allow=c *:* m\n"
         "linux.resources.devices write devices.allow=b *:* m\n"
         "linux.resources.devices write devices.allow=c 1:3 rwm\n"
         "linux.resources.devices write devices.allow=c 1:5 rwm\n"
         "linux.resources.devices write devices.allow=c 1:7 rwm\n"
         "linux.resources.devices write devices.allow=c 1:8 rwm\n"
         "linux.resources.devices write devices.allow=c 1:9 rwm\n"
         "linux.resources.devices write devices.allow=c 5:0 rwm\n"
         "linux.resources.devices write devices.allow=c 5:2 rwm\n"
         "linux.resources.devices write devices.allow=c 136:* rwm\n");
    plan("no rules: nothing is restricted", RES("\"devices\":[]"), V2("/"), false,
         "hierarchy unified=/cg\nmkdir /cg/box\n");
    plan("v2: everything allowed needs no program", RES("\"devices\":[{\"allow\":true}]"), V2("/"),
         false, "hierarchy unified=/cg\nmkdir /cg/box\n");
    plan("v1: what it cannot express",
         RES("\"devices\":[" DENY_ALL ",{\"allow\":true,\"type\":\"c\",\"major\":4},"
             "{\"allow\":false,\"type\":\"c\",\"major\":4,\"minor\":1}]"),
         V1, false,
         "linux.resources.devices[2]: \"c 4:1 rwm\" overrides only a part of an earlier rule, "
         "which cgroup v1 cannot express");
    plan("letters", RES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"), V2("/"), false,
         "linux.resources.devices[0].access: \"rx\" is not made of \"r\", \"w\" and \"m\"");
    plan("numbers", RES("\"devices\":[{\"allow\":true,\"major\":-2}]"), V2("/"), false,
         "linux.resources.devices[0].major: -2 is not a device number");
    plan("no controller for them", RES("\"devices\":[" DENY_ALL "]"), V1_FEW, false,
         "linux.resources.devices: the host has no cgroup hierarchy with the controller "
         "\"devices\"");
}

static bool same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void test_core(void)
{
    struct fake f;

    fake_begin(&f, "box", "{}", V2("/"));
    fake_plan(&f);
    ok(same(f.directory, "/cg/box") && same(f.list, "/cg/box/cgroup.procs") &&
           same(f.freeze, "/cg/box/cgroup.freeze") && same(f.kill, "/cg/box/cgroup.kill") &&
           !f.procs[0] && !f.mounts[0],
       "v2: what the core is told");
    fake_end(&f);

    fake_begin(&f, "box", "{}", V1);
    fake_plan(&f);
    ok(!f.directory && !f.kill && same(f.list, "/cg/pids/box/cgroup.procs") &&
           same(f.freeze, "/cg/freezer/box/freezer.state") &&
           same(f.procs[1], "/cg/memory/tool/box/cgroup.procs") && f.procs[6] && !f.procs[7] &&
           same(f.mounts[0], "cpu,cpuacct=/box") && same(f.mounts[1], "memory=/tool/box") &&
           same(f.mounts[6], "name=systemd=/box"),
       "v1: what the core is told");
    fake_end(&f);

    fake_begin(&f, "box", "{}", HYBRID);
    fake_plan(&f);
    ok(!f.directory && same(f.procs[0], "/cg/unified/box/cgroup.procs") && f.procs[7] &&
           same(f.kill, "/cg/unified/box/cgroup.kill") && same(f.mounts[0], "cpu,cpuacct=/box"),
       "hybrid: what the core is told");
    fake_end(&f);
}

int main(void)
{
    test_paths();
    test_limits();
    test_devices();
    test_core();
    return done();
}
