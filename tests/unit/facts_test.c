/* SPDX-License-Identifier: Apache-2.0 */
/* The host facts from recorded texts of the kernel, and from this host. */
#include "core/facts.h"

#include <fcntl.h>
#include <string.h>

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

/* The member "cgroup" of the document made from these texts. */
static void expect(const char *name, bool v2, const char *cgroup, const char *mountinfo,
                   const char *wanted)
{
    auto_text struct text out = {0}, member = {0};
    auto_json struct json doc = {0};
    struct error err = {0};
    struct facts_source source = {.kernel = "6.1.0-test",
                                  .euid = 1000,
                                  .egid = 100,
                                  .last_capability = 40,
                                  .v2 = v2,
                                  .cgroup = cgroup,
                                  .mountinfo = mountinfo};
    bool good = facts_write(&out, &source, &err) == 0 &&
                json_parse(&doc, "facts", out.at, out.length, &err) == 0;

    if (good) {
        text_json_tree(&member, &doc, json_get(doc.root, "cgroup"));
        good = !strcmp(member.at, wanted);
    }
    if (!good)
        printf("# wanted %s\n# got    %s %s\n", wanted, out.at ? out.at : "nothing", err.text);
    check(good, name);
}

static const char v2_mount[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

static const char hybrid_cgroup[] = "5:name=systemd:/user.slice/user-0.slice/session-3.scope\n"
                                    "4:memory:/user.slice\n"
                                    "3:cpu,cpuacct:/\n"
                                    "2:cpuset:/\n"
                                    "0::/user.slice/user-0.slice/session-3.scope\n";
static const char hybrid_mounts[] =
    "25 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
    "32 24 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
    "33 32 0:28 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate\n"
    "34 32 0:29 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
    "38 32 0:33 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
    "39 32 0:34 / /sys/fs/cgroup/memory rw shared:16 - cgroup cgroup rw,memory\n"
    "40 32 0:35 / /sys/fs/cgroup/cpuset rw shared:17 - cgroup cgroup rw,cpuset,clone_children\n";

#define V1_SYSTEMD                                                                                 \
    "{\"controllers\":[\"name=systemd\"],\"mountpoint\":\"/sys/fs/cgroup/systemd\","               \
    "\"own\":\"/user.slice/user-0.slice/session-3.scope\"}"
#define V1_REST                                                                                    \
    "{\"controllers\":[\"cpu\",\"cpuacct\"],\"mountpoint\":\"/sys/fs/cgroup/cpu,cpuacct\","        \
    "\"own\":\"/\"},"                                                                              \
    "{\"controllers\":[\"memory\"],\"mountpoint\":\"/sys/fs/cgroup/memory\","                      \
    "\"own\":\"/user.slice\"},"                                                                    \
    "{\"controllers\":[\"cpuset\"],\"mountpoint\":\"/sys/fs/cgroup/cpuset\",\"own\":\"/\"}"

static void v2(void)
{
    expect("v2 without mountinfo", true, "0::/user.slice/a\n", NULL,
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\","
           "\"own\":\"/user.slice/a\"}}");
    expect("v2 with mountinfo", true, "0::/user.slice/a\n", v2_mount,
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\","
           "\"own\":\"/user.slice/a\"}}");
    expect("v2 in a container: the mount shows the own part", true, "0::/docker/abc\n",
           "90 80 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\",\"own\":\"/\"}}");
    expect("v2 below the part that the mount shows", true, "0::/docker/abc/init\n",
           "90 80 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\",\"own\":\"/init\"}}");
    expect("v2 whose mount shows another part: no own place", true, "0::/docker/abcdef\n",
           "90 80 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\"}}");
    expect("v2 in a new cgroup namespace with the old mount: no own place", true, "0::/\n",
           "90 80 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\"}}");
    expect("v2, outside the cgroup namespace: no own place", true, "0::/../other\n", v2_mount,
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\"}}");
    expect("a cgroup whose name begins with dots is no way up", true, "0::/..data\n", v2_mount,
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\","
           "\"own\":\"/..data\"}}");
    expect("v2 mounted elsewhere only", false, "0::/a\n",
           "90 80 0:26 / /mnt/two rw - cgroup2 none rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/mnt/two\",\"own\":\"/a\"}}");
}

static void v1(void)
{
    auto_text struct text both = {0};

    expect("hybrid with systemd", false, hybrid_cgroup, hybrid_mounts,
           "{\"layout\":\"hybrid\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup/unified\","
           "\"own\":\"/user.slice/user-0.slice/session-3.scope\"},"
           "\"hierarchies\":[" V1_SYSTEMD "," V1_REST "]}");
    text_add(&both, "%s90 80 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", hybrid_mounts);
    expect("v2 mounted above a hybrid layout hides it", true, hybrid_cgroup, both.at,
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\","
           "\"own\":\"/user.slice/user-0.slice/session-3.scope\"}}");
    expect("pure v1", false, "2:memory:/a\n1:name=systemd:/b\n",
           "33 32 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"memory\"],"
           "\"mountpoint\":\"/sys/fs/cgroup/memory\",\"own\":\"/a\"}]}");
    expect("v1 in a container", false, "2:memory:/docker/abc\n1:pids:/docker/abc/x\n0::/\n",
           "33 32 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
           "34 32 0:29 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"memory\"],"
           "\"mountpoint\":\"/sys/fs/cgroup/memory\",\"own\":\"/\"},{\"controllers\":[\"pids\"],"
           "\"mountpoint\":\"/sys/fs/cgroup/pids\",\"own\":\"/x\"}]}");
    expect("the mount of the whole hierarchy is chosen, then the shortest", false,
           "2:memory:/docker/abc\n",
           "30 32 0:28 /docker/abc /m rw - cgroup cgroup rw,memory\n"
           "31 32 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
           "32 32 0:28 / /very/long/way/to/the/cgroup/memory rw - cgroup cgroup rw,memory\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"memory\"],"
           "\"mountpoint\":\"/sys/fs/cgroup/memory\",\"own\":\"/docker/abc\"}]}");
    expect("but a mount that shows the own place comes before one that does not", false,
           "2:memory:/docker/abc\n",
           "30 32 0:28 /other /m rw - cgroup cgroup rw,memory\n"
           "31 32 0:28 /docker /long/memory rw - cgroup cgroup rw,memory\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"memory\"],"
           "\"mountpoint\":\"/long/memory\",\"own\":\"/abc\"}]}");
    expect("the controller cpu is not cpuset", false, "2:cpuset:/s\n1:cpu:/c\n",
           "33 32 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"cpu\"],"
           "\"mountpoint\":\"/sys/fs/cgroup/cpu\",\"own\":\"/c\"}]}");
}

static void odd(void)
{
    expect("no control groups at all", false, "", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
           "{\"layout\":\"none\"}");
    expect("escaped blanks, quotes and backslashes; colons in a path", true,
           "0::/a b/c:d\"\\040/e\n",
           "29 23 0:26 /a\\040b /sys/fs/cgroup rw shared:9 master:2 - cgroup2 cgroup2 rw\n",
           "{\"layout\":\"v2\",\"unified\":{\"mountpoint\":\"/sys/fs/cgroup\","
           "\"own\":\"/c:d\\\"\\\\040/e\"}}");
    expect("a mount point with an escaped blank and line end", false, "1:pids:/\n",
           "29 23 0:26 / /mnt/my\\040pids\\012x\\134y rw - cgroup cgroup rw,pids\n",
           "{\"layout\":\"v1\",\"hierarchies\":[{\"controllers\":[\"pids\"],"
           "\"mountpoint\":\"/mnt/my pids\\nx\\\\y\",\"own\":\"/\"}]}");
    expect("lines cut off are no mounts", false, "1:pids:/\n:\n2\n\n3:x\n",
           "29 23 0:26 / /mnt - cgroup\n29 23 - cgroup cgroup rw,pids\n\\0\n - cgroup2 a b",
           "{\"layout\":\"none\"}");
}

static void document(void)
{
    auto_text struct text out = {0};
    struct error err = {0};
    struct facts_source source = {.kernel = "6.1.0-test",
                                  .euid = 1000,
                                  .egid = 100,
                                  .last_capability = 40,
                                  .v2 = true,
                                  .cgroup = "0::/a\n",
                                  .user_namespace = true};

    check(facts_write(&out, &source, &err) == 0 &&
              !strcmp(out.at, "{\"kernel\":\"6.1.0-test\",\"euid\":1000,\"egid\":100,"
                              "\"userNamespace\":true,\"lastCapability\":40,"
                              "\"cgroup\":{\"layout\":\"v2\",\"unified\":{"
                              "\"mountpoint\":\"/sys/fs/cgroup\",\"own\":\"/a\"}}}"),
          "the whole document");
}

static void runtime_directory(const char *directory, const char *expected)
{
    auto_text struct text out = {0};
    struct error err = {0};
    struct facts_source source = {.kernel = "6", .cgroup = "", .runtime_directory = directory};

    check(facts_write(&out, &source, &err) == 0 && !strstr(out.at, "runtimeDirectory") == !expected &&
              (!expected || strstr(out.at, expected)),
          "a runtime directory, or none");
}

static void runtime_directories(void)
{
    runtime_directory("/run/user/7", ",\"runtimeDirectory\":\"/run/user/7\",");
    runtime_directory("/a \"b\"", ",\"runtimeDirectory\":\"/a \\\"b\\\"\",");
    runtime_directory(NULL, NULL);
    runtime_directory("", NULL);
    runtime_directory("run/user/7", NULL);
    runtime_directory("/\xff", NULL);
}

/* Every mount point that is told is there, and the own place below it. */
static bool place_exists(const cJSON *place)
{
    auto_text struct text procs = {0};
    const char *own = json_string(place, "own", NULL);

    text_add(&procs, "%s%s/cgroup.procs", json_string(place, "mountpoint", "?"), own ? own : "");
    if (access(procs.at, F_OK) == 0)
        return true;
    printf("# %s\n", procs.at);
    return false;
}

static void this_host(void)
{
    auto_json struct json facts = {0}, again = {0}, missing = {0};
    struct error err = {0};
    char file[] = "/tmp/facts-XXXXXX", recorded[128] = "";
    const cJSON *cgroup, *place;
    FILE *known = fopen("/proc/sys/kernel/cap_last_cap", "re");
    int fd = mkstemp(file);
    bool good = facts_collect(&facts, &err) == 0;

    check(good, "this host's facts are collected");
    if (!known || !fgets(recorded, sizeof recorded, known))
        printf("ok %d - the last capability # SKIP no cap_last_cap\n", ++tests);
    else
        check(json_int(&facts, facts.root, "lastCapability", -1) == atoi(recorded),
              "the last capability is the kernel's");
    if (known)
        fclose(known);

    cgroup = json_get(facts.root, "cgroup");
    place = json_get(cgroup, "unified");
    good = !place || place_exists(place);
    cJSON_ArrayForEach (place, json_get(cgroup, "hierarchies"))
        good &= place_exists(place);
    check(good, "the places that they tell exist");

    good = fd >= 0 && write(fd, facts.text, facts.size) == (ssize_t)facts.size &&
           facts_read(&again, file, &err) == 0 && cJSON_Compare(facts.root, again.root, true);
    check(good, "a recorded document reads the same");
    if (fd >= 0)
        close(fd);
    unlink(file);
    check(facts_read(&missing, file, &err) < 0 && strstr(err.text, file),
          "a missing file is an error that names it");
}

static void damaged(void)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[]", "the top must be an object"},
        {"{}", "cgroup: is missing"},
        {"{\"cgroup\":{\"layout\":\"v3\"}}", "cgroup.layout: \"v3\" is not one of"},
        {"{\"cgroup\":{\"layout\":\"v2\",\"unified\":{\"mountpoint\":5}}}",
         "cgroup.unified.mountpoint: must be a string"},
        {"{\"cgroup\":{\"layout\":\"v1\",\"hierarchies\":[{}]}}",
         "cgroup.hierarchies[0].mountpoint: is missing"},
        {"{\"lastCapability\":-5,\"cgroup\":{\"layout\":\"none\"}}",
         "lastCapability: must be a number"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_json struct json facts = {0};
        char file[] = "/tmp/facts-XXXXXX";
        auto_close int fd = mkstemp(file);
        size_t size = strlen(cases[i].text);
        struct error err = {0};

        check(fd >= 0 && write(fd, cases[i].text, size) == (ssize_t)size &&
                  facts_read(&facts, file, &err) < 0 && strstr(err.text, file) &&
                  strstr(err.text, cases[i].error),
              cases[i].error);
        unlink(file);
    }
}

int main(void)
{
    v2();
    v1();
    odd();
    runtime_directories();
    document();
    this_host();
    damaged();
    printf("1..%d\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
