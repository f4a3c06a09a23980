/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container with these `linux.resources`, up to the first line feed, and any bytes as what `update --resources`
 * is given. A first byte '1' means a host with cgroup v1.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"
#include "core/json-edit.h"
#include "core/spec.h"

static const char frame[] =
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":"
    "[\"sh\"]},\"linux\":{\"cgroupsPath\":\"/c\",\"namespaces\":[{\"type\":\"mount\"}]}}";

/* As the cgroup plugin keeps it. */
static const char *const kept[] = {
    "{\"version\":2,\"hierarchies\":[{\"controllers\":\"\",\"directory\":\"/no/"
    "c\"}],\"created\":[]}",
    "{\"version\":2,\"hierarchies\":[{\"controllers\":\"cpu,cpuacct\",\"directory\":\"/no/cpu/c\"},"
    "{\"controllers\":\"cpuset\",\"directory\":\"/no/cpuset/c\"},"
    "{\"controllers\":\"memory\",\"directory\":\"/no/memory/c\"},"
    "{\"controllers\":\"pids\",\"directory\":\"/no/pids/c\"}],\"created\":[]}",
};

static struct json hosts[2];

static void read_hosts(void)
{
    struct error err;

    must(!facts_read(&hosts[0], HOSTS "/v2.json", &err));
    must(!facts_read(&hosts[1], HOSTS "/v1.json", &err));
}

/* The container as its create has left it. */
static int create(struct container *c, bool v1, const char *resources)
{
    struct error err = {0};

    container_init(c);
    c->facts = hosts[v1];
    must((c->state.id = strdup("c")) && (c->state.bundle = strdup("/b")));
    must(!config_load(c, AT_FDCWD, as_file(frame, strlen(frame)), &err));
    if (json_insert(&c->config, cJSON_GetObjectItemCaseSensitive(c->config.root, "linux"),
                    "resources", resources, strlen(resources), &err) ||
        spec_check(&c->config, c->config.root, spec_config, "", &err) || compile_create(c, &err) ||
        plugins_record(c, &err)) {
        check_error(&err);
        return -1;
    }
    must(c->state.n_plugins == 1 && (c->state.plugins[0].value = strdup(kept[v1])));
    return 0;
}

/* All that is named, and not left out as not set, is in the configuration from now on. */
static void check_merged(const struct json *doc, const cJSON *now, const struct json *changes,
                         const cJSON *named)
{
    const cJSON *child;

    cJSON_ArrayForEach (child, named) {
        const cJSON *own = json_get(now, child->string);

        if (cJSON_IsNull(child))
            continue;
        must(own);
        if (cJSON_IsObject(child))
            check_merged(doc, own, changes, child);
        else
            must(json_same(doc, own, changes, child));
    }
}

static void check_update(const struct container *c)
{
    auto_text struct text text = {0};
    const char *why = NULL;

    must(!plan_check(c->plan, c->plan->size, &why) && !why);
    plan_for_each (op, c->plan)
        must(op->kind == OP_WORK && op->phase == PHASE_PREPARE && op->path);
    check_merged(&c->config, c->config.root, &c->changes, c->changes.root);
    text_json_tree(&text, &c->config, c->config.root);
    check_json(&text);
}

/* The same bytes, twice: the plan of an update that was made already is the same. */
static int update(struct container *c, const char *bytes, size_t size)
{
    static const char empty[] = "{\"linux\":{}}";
    struct error err = {0};

    json_free(&c->changes);
    must(!json_parse(&c->changes, "update", empty, strlen(empty), &err));
    if (json_insert(&c->changes, cJSON_GetObjectItemCaseSensitive(c->changes.root, "linux"),
                    "resources", bytes, size, &err) ||
        !cJSON_IsObject(json_at(c->changes.root, "linux", "resources", NULL)))
        return -1;
    if (compile_update(c, &err) == 0)
        return 0;
    check_error(&err);
    return -1;
}

void target(const char *bytes, size_t size)
{
    auto_free char *resources = NULL;
    struct container c;
    bool v1 = size && *bytes == '1';

    if (!hosts[0].root)
        read_hosts();
    bytes += v1;
    size -= v1;
    resources = next_part(&bytes, &size, '\n');
    if (!create(&c, v1, resources) && !update(&c, bytes, size)) {
        check_update(&c);
        auto_free struct plan_header *first = steal_ptr(c.plan);

        must(!update(&c, bytes, size));
        must(first->size == c.plan->size && !memcmp(first, c.plan, first->size));
    }
    c.facts = (struct json){0};
    container_free(&c);
}
