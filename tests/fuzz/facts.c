/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what the kernel says of control groups: 'v' if /sys/fs/cgroup is of v2, then
 * /proc/self/cgroup, a NUL, /proc/self/mountinfo. A container with limits is planned for such a host. With '{'
 * begins a recorded document instead.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"

static const char config[] =
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/"
    "\",\"args\":[\"sh\"]},"
    "\"mounts\":[{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"options\":[\"ro\"]}],"
    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"resources\":{\"pids\":{\"limit\":5},"
    "\"cpu\":{\"shares\":512},\"devices\":[{\"allow\":false}]}}}";

static void check_place(const cJSON *record)
{
    const char *own = json_string(record, "own", "/");

    must(json_string(record, "mountpoint", NULL));
    must(own[0] == '/' && strncmp(own, "/../", 4) && strcmp(own, "/.."));
}

/* What hozo itself has written. */
static void check_facts(const struct json *facts)
{
    const cJSON *cgroup = json_get(facts->root, "cgroup"), *record;

    must(json_string(cgroup, "layout", NULL));
    if ((record = json_get(cgroup, "unified")))
        check_place(record);
    cJSON_ArrayForEach (record, json_get(cgroup, "hierarchies"))
        check_place(record);
}

static int collect(struct json *facts, const char *bytes, size_t size, struct error *err)
{
    struct facts_source source = {.kernel = "6.12.0", .last_capability = 40};
    auto_free char *cgroup = NULL, *mountinfo = NULL;
    auto_text struct text out = {0};

    if (size && *bytes == '{')
        return facts_read(facts, as_file(bytes, size), err);
    if (size && *bytes == 'v') {
        source.v2 = true;
        bytes++, size--;
    }
    source.cgroup = cgroup = next_part(&bytes, &size, '\0');
    mountinfo = next_part(&bytes, &size, '\0');
    source.mountinfo = source.v2 && !*mountinfo ? NULL : mountinfo;
    must(!facts_write(&out, &source, err));
    check_json(&out);
    must(!json_parse(facts, "host facts", out.at, out.length, err));
    check_facts(facts);
    return 0;
}

void target(const char *bytes, size_t size)
{
    auto_container struct container c;
    struct error err = {0};

    container_init(&c);
    must((c.state.id = strdup("c")) && (c.state.bundle = strdup("/bundle")));
    if (collect(&c.facts, bytes, size, &err) ||
        config_load(&c, AT_FDCWD, as_file(config, sizeof config - 1), &err) ||
        compile_create(&c, &err))
        check_error(&err);
    else
        check_plan(c.plan);
}
