/* SPDX-License-Identifier: Apache-2.0 */
#include "core/template.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "build-config.h"

#define CAPABILITIES "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]"

/* clang-format off */
static const char head[] =
"{\n"
"  \"ociVersion\": \"" HOZO_SPEC_VERSION "\",\n"
"  \"process\": {\n"
"    \"terminal\": true,\n"
"    \"user\": {\"uid\": 0, \"gid\": 0},\n"
"    \"args\": [\"sh\"],\n"
"    \"env\": [\n"
"      \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
"      \"TERM=xterm\"\n"
"    ],\n"
"    \"cwd\": \"/\",\n"
"    \"capabilities\": {\n"
"      \"bounding\": " CAPABILITIES ",\n"
"      \"effective\": " CAPABILITIES ",\n"
"      \"permitted\": " CAPABILITIES "\n"
"    },\n"
"    \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],\n"
"    \"noNewPrivileges\": true\n"
"  },\n"
"  \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
"  \"hostname\": \"hozo\",\n"
"  \"mounts\": [\n"
"    {\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
"    {\n"
"      \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
"      \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\"]\n"
"    }";

#define DEVPTS                                                                                     \
",\n"                                                                                              \
"    {\n"                                                                                          \
"      \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"              \
"      \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\",\n"                 \
"                  \"mode=0620\""

static const char devpts[] = DEVPTS ", \"gid=5\"]\n    }";
/* Who has one id of its own has no group of terminals. */
static const char devpts_rootless[] = DEVPTS "]\n    }";

static const char sysfs[] =
",\n"
"    {\n"
"      \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]\n"
"    }";

/* A new sysfs is for who owns the network namespace as well. */
static const char sysfs_rootless[] =
",\n"
"    {\n"
"      \"destination\": \"/sys\", \"type\": \"none\", \"source\": \"/sys\",\n"
"      \"options\": [\"rbind\", \"nosuid\", \"noexec\", \"nodev\", \"rro\"]\n"
"    }";

static const char cgroup[] =
",\n"
"    {\n"
"      \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]\n"
"    }";

static const char linux_begins[] =
"\n"
"  ],\n"
"  \"linux\": {\n";

static const char resources[] =
"    \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n";

static const char mappings[] =
"    \"uidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n"
"    \"gidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n";

static const char namespaces[] =
"    \"namespaces\": [\n"
"      {\"type\": \"pid\"},\n"
"      {\"type\": \"%s\"},\n"
"      {\"type\": \"ipc\"},\n"
"      {\"type\": \"uts\"},\n"
"      {\"type\": \"mount\"}";

static const char cgroup_namespace[] =
",\n"
"      {\"type\": \"cgroup\"}";

static const char behind_namespaces[] =
"\n"
"    ],\n"
"    \"maskedPaths\": [\n"
"      \"/proc/acpi\",\n"
"      \"/proc/asound\",\n"
"      \"/proc/kcore\",\n"
"      \"/proc/keys\",\n"
"      \"/proc/latency_stats\",\n"
"      \"/proc/timer_list\",\n"
"      \"/proc/timer_stats\",\n"
"      \"/proc/sched_debug\",\n"
"      \"/proc/interrupts\",\n"
"      \"/sys/firmware\",\n"
"      \"/sys/devices/virtual/powercap\",\n"
"      \"/proc/scsi\"\n"
"    ],\n"
"    \"readonlyPaths\": [\n"
"      \"/proc/bus\",\n"
"      \"/proc/fs\",\n"
"      \"/proc/irq\",\n"
"      \"/proc/sys\",\n"
"      \"/proc/sysrq-trigger\"\n"
"    ]\n"
"  }\n"
"}\n";
/* clang-format on */

static bool host_has_v2_only(void)
{
    struct statfs fs;

    return !statfs("/sys/fs/cgroup", &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* On v1 a cgroup namespace hides little and breaks the mount of hierarchies. */
static void add_rootful(struct text *t)
{
    text_add(t, "%s%s%s%s%s%s", head, devpts, sysfs, cgroup, linux_begins, resources);
    text_add(t, namespaces, "network");
    text_add(t, "%s%s", host_has_v2_only() ? cgroup_namespace : "", behind_namespaces);
}

/* What an ordinary user may do: one id, the host's network, no limits. On v1 /sys shows the host's control
 * groups, since the container has none of its own. */
static void add_rootless(struct text *t)
{
    bool v2 = host_has_v2_only();

    text_add(t, "%s%s%s%s%s", head, devpts_rootless, sysfs_rootless, v2 ? cgroup : "",
             linux_begins);
    text_add(t, mappings, (unsigned)geteuid(), (unsigned)getegid());
    text_add(t, namespaces, "user");
    text_add(t, "%s%s", v2 ? cgroup_namespace : "", behind_namespaces);
}

int template_write(bool rootless, struct text *out, struct error *err UNUSED)
{
    if (rootless)
        add_rootless(out);
    else
        add_rootful(out);
    return 0;
}
