/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "build-config.h"
#include "core/cli/cli.h"
#include "core/json.h"

#define CAPABILITIES "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]"

/* clang-format off */
static const char before_namespaces[] =
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
"      \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\",\n"
"                  \"mode=0620\", \"gid=5\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]\n"
"    },\n"
"    {\n"
"      \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
"      \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]\n"
"    }\n"
"  ],\n"
"  \"linux\": {\n"
"    \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n"
"    \"namespaces\": [\n"
"      {\"type\": \"pid\"},\n"
"      {\"type\": \"network\"},\n"
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

static int write_config(const char *directory, struct error *err)
{
    auto_close int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_text struct text text = {0};

    if (dirfd < 0)
        return fail(err, errno, NULL, "open bundle %s", directory);
    /* On v1 a cgroup namespace hides little and breaks the mount of hierarchies. */
    text_add(&text, "%s%s%s", before_namespaces, host_has_v2_only() ? cgroup_namespace : "",
             behind_namespaces);
    if (text.failed)
        return fail_memory(err);
    auto_close int fd = openat(dirfd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return fail(err, 0, NULL, "File config.json exists. Remove it first");
    if (fd < 0 || write(fd, text.at, text.length) != (ssize_t)text.length)
        return fail(err, errno, NULL, "write config.json");
    return 0;
}

int verb_spec(const struct globals *g UNUSED, int argc, char **argv, struct error *err)
{
    const char *bundle = ".";
    bool rootless = false;
    const struct option options[] = {
        {"bundle", 'b', OPTION_STRING, &bundle, "DIR", "where to write it; default: here"},
        {"rootless", 0, OPTION_FLAG, &rootless, NULL, "refused: needs user namespaces"},
        {0},
    };

    if (options_parse(options, &argc, &argv, err) || arguments_expect("spec", argc, 0, 0, err))
        return -1;
    if (rootless)
        return fail(err, 0, NULL,
                    "spec --rootless: this version of hozo does not make user namespaces");
    return write_config(bundle, err);
}
