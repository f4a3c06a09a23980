/* SPDX-License-Identifier: Apache-2.0 */
/* state.json: what is written is what is read. */
#include "core/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Later fields are added with a default that is right for what older versions wrote; the number
 * changes only where an older hozo must not touch the container. */
#define STATE_FORMAT 1

static const struct {
    const char *name;
    size_t offset;
} strings[] =
    {
        {"id", offsetof(struct state, id)},
        {"bundle", offsetof(struct state, bundle)},
        {"rootfs", offsetof(struct state, rootfs)},
        {"ociVersion", offsetof(struct state, oci_version)},
        {"created", offsetof(struct state, created)},
        {"annotations", offsetof(struct state, annotations)},
        {"notifySocket", offsetof(struct state, notify_socket)},
        {"runner", offsetof(struct state, runner)},
},
  cgroup_strings[] =
      {
          {"directory", offsetof(struct state_cgroup, directory)},
          {"list", offsetof(struct state_cgroup, list)},
          {"freeze", offsetof(struct state_cgroup, freeze)},
          {"kill", offsetof(struct state_cgroup, kill)},
          {"oom", offsetof(struct state_cgroup, oom)},
},
  cgroup_lists[] =
      {
          {"procs", offsetof(struct state_cgroup, procs)},
          {"mounts", offsetof(struct state_cgroup, mounts)},
},
  plugin_strings[] = {
      {"name", offsetof(struct state_plugin, name)},
      {"version", offsetof(struct state_plugin, version)},
      {"file", offsetof(struct state_plugin, file)},
      {"as", offsetof(struct state_plugin, as)},
      {"callbacks", offsetof(struct state_plugin, callbacks)},
      {"value", offsetof(struct state_plugin, value)},
};

/* The member of `object` that a row of the tables above means. */
#define MEMBER(type, object, row) ((type *)(void *)((char *)(object) + (row)->offset))
#define CONST_MEMBER(type, object, row)                                                            \
    (*(type const *)(const void *)((const char *)(object) + (row)->offset))

/* --- writing ------------------------------------------------------------------------------------
 */

/* Absent members are left out. */
#define print_strings(out, object, table)                                                          \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < ARRAY_SIZE(table); i_++)                                          \
            print_string(out, (table)[i_].name, CONST_MEMBER(char *, object, &(table)[i_]));       \
    } while (0)

static void print_name(struct text *out, const char *name)
{
    if (out->length && out->at[out->length - 1] != '{')
        text_append(out, ",", 1);
    text_json(out, name);
    text_append(out, ":", 1);
}

static void print_string(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    print_name(out, name);
    text_json(out, value);
}

static void print_cgroup(struct text *out, const struct state_cgroup *cgroup)
{
    print_name(out, "cgroup");
    text_add(out, "{");
    print_strings(out, cgroup, cgroup_strings);
    for (size_t i = 0; i < ARRAY_SIZE(cgroup_lists); i++) {
        char **list = CONST_MEMBER(char **, cgroup, &cgroup_lists[i]);

        if (!list)
            continue;
        print_name(out, cgroup_lists[i].name);
        text_add(out, "[");
        for (size_t n = 0; list[n]; n++) {
            text_add(out, "%s", n ? "," : "");
            text_json(out, list[n]);
        }
        text_add(out, "]");
    }
    text_add(out, "}");
}

static void print_state(struct text *out, const struct state *s)
{
    text_add(out, "{\"format\":%d", STATE_FORMAT);
    print_strings(out, s, strings);
    text_add(out,
             ",\"complete\":%s,\"pid\":%d,\"startTime\":%" PRIu64
             ",\"owner\":%u,\"ownPidNamespace\":%s",
             s->complete ? "true" : "false", (int)s->pid, s->start_time, (unsigned)s->owner,
             s->own_pid_namespace ? "true" : "false");
    if (s->machine)
        text_add(out, ",\"machine\":{\"overhead\":%" PRIu64 "}", s->overhead);
    print_cgroup(out, &s->cgroup);
    print_name(out, "plugins");
    text_add(out, "[");
    for (size_t i = 0; i < s->n_plugins; i++) {
        text_add(out, "%s{", i ? "," : "");
        print_strings(out, &s->plugins[i], plugin_strings);
        text_add(out, ",\"stateVersion\":%u}", s->plugins[i].state_version);
    }
    text_add(out, "]}\n");
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int state_write(int dirfd, const struct state *s, struct error *err)
{
    auto_text struct text out = {0};

    print_state(&out, s);
    if (out.failed)
        return fail_memory(err);
    auto_close int fd = openat(dirfd, "state.json.tmp",
                               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, out.at, out.length) ||
        renameat(dirfd, "state.json.tmp", dirfd, "state.json"))
        return fail(err, errno, NULL, "write state.json of %s", s->id ? s->id : "");
    return 0;
}

/* --- reading ------------------------------------------------------------------------------------
 */

#define read_strings(from, object, table, err)                                                     \
    read_table(from, object, table, ARRAY_SIZE(table), err)

static int damaged(struct error *err, const char *what)
{
    return fail(err, 0, NULL, "state.json: %s is missing or damaged", what);
}

static int read_table(const cJSON *from, void *object, const void *rows, size_t count,
                      struct error *err)
{
    const __typeof__(strings[0]) *row = rows;

    for (; count; count--, row++) {
        const cJSON *node = json_get(from, row->name);

        if (!node)
            continue;
        if (!cJSON_IsString(node))
            return damaged(err, row->name);
        if (!(*MEMBER(char *, object, row) = strdup(node->valuestring)))
            return fail_memory(err);
    }
    return 0;
}

static int read_list(const cJSON *array, char ***list, struct error *err)
{
    const cJSON *node;
    size_t n = 0;

    if (!cJSON_IsArray(array))
        return damaged(err, "a list of cgroup");
    if (!(*list = calloc(json_length(array) + 1, sizeof **list)))
        return fail_memory(err);
    cJSON_ArrayForEach (node, array) {
        if (!cJSON_IsString(node))
            return damaged(err, "a list of cgroup");
        if (!((*list)[n++] = strdup(node->valuestring)))
            return fail_memory(err);
    }
    return 0;
}

static int read_cgroup(const cJSON *from, struct state_cgroup *cgroup, struct error *err)
{
    if (from && !cJSON_IsObject(from))
        return damaged(err, "cgroup");
    if (read_strings(from, cgroup, cgroup_strings, err))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(cgroup_lists); i++) {
        const cJSON *array = json_get(from, cgroup_lists[i].name);

        if (array && read_list(array, MEMBER(char **, cgroup, &cgroup_lists[i]), err))
            return -1;
    }
    return 0;
}

static int read_plugins(const struct json *doc, const cJSON *array, struct state *s,
                        struct error *err)
{
    const cJSON *node;
    int64_t version;

    if (array && !cJSON_IsArray(array))
        return damaged(err, "plugins");
    if (!json_length(array))
        return 0;
    if (!(s->plugins = calloc(json_length(array), sizeof *s->plugins)))
        return fail_memory(err);
    cJSON_ArrayForEach (node, array) {
        struct state_plugin *plugin = &s->plugins[s->n_plugins++];

        if (read_strings(node, plugin, plugin_strings, err))
            return -1;
        if (!plugin->name || !plugin->version || !plugin->file || !plugin->as)
            return damaged(err, "plugins");
        version = json_int(doc, node, "stateVersion", 0);
        if (version < 0 || version > UINT32_MAX)
            return damaged(err, "stateVersion");
        plugin->state_version = (uint32_t)version;
    }
    return 0;
}

/* It is printed as it stands. */
static int check_annotations(const char *text, struct error *err)
{
    auto_json struct json doc = {0};
    struct error ignored;
    const cJSON *value;

    if (!text)
        return 0;
    if (json_parse(&doc, "annotations", text, strlen(text), &ignored) || !cJSON_IsObject(doc.root))
        return damaged(err, "annotations");
    cJSON_ArrayForEach (value, doc.root)
        if (!cJSON_IsString(value) && !cJSON_IsNull(value))
            return damaged(err, "annotations");
    return 0;
}

static int read_state(const struct json *doc, const char *id, struct state *s, struct error *err)
{
    const cJSON *root = doc->root, *complete = json_get(root, "complete");
    int64_t format, pid, owner;

    if (json_i64(doc, json_get(root, "format"), &format))
        return damaged(err, "format");
    if (format != STATE_FORMAT)
        return fail(err, ENOTSUP, NULL, "state.json is of a newer version of hozo");
    if (read_strings(root, s, strings, err))
        return -1;
    if (!s->id || strcmp(s->id, id) || !s->bundle)
        return damaged(err, s->bundle ? "id" : "bundle");
    if (!cJSON_IsBool(complete))
        return damaged(err, "complete");
    if (json_i64(doc, json_get(root, "pid"), &pid) || pid < 0 || pid > INT_MAX ||
        json_u64(doc, json_get(root, "startTime"), &s->start_time))
        return damaged(err, "pid");
    if (json_i64(doc, json_get(root, "owner"), &owner) || owner < 0 || owner > UINT_MAX)
        return damaged(err, "owner");
    s->complete = cJSON_IsTrue(complete);
    s->pid = (pid_t)pid;
    s->owner = (uid_t)owner;
    s->own_pid_namespace = json_bool(root, "ownPidNamespace", false);
    s->machine = json_get(root, "machine");
    if (s->machine && json_u64(doc, json_at(root, "machine", "overhead", NULL), &s->overhead))
        return damaged(err, "machine");
    return check_annotations(s->annotations, err) ||
                   read_cgroup(json_get(root, "cgroup"), &s->cgroup, err) ||
                   read_plugins(doc, json_get(root, "plugins"), s, err)
               ? -1
               : 0;
}

int state_read(int dirfd, const char *id, struct state *s, struct error *err)
{
    auto_json struct json doc = {0};

    *s = (struct state){0};
    if (json_read(&doc, dirfd, "state.json", err)) {
        if (err->errnum != ENOENT)
            return -1;
        fail(err, 0, NULL, "container does not exist");
        return STATE_ABSENT;
    }
    if (read_state(&doc, id, s, err)) {
        state_free(s);
        return -1;
    }
    return 0;
}
