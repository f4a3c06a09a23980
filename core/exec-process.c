/* SPDX-License-Identifier: Apache-2.0 */
/* Which process exec starts: a file, or words of the command line, over the configuration's process. */
#include "core/exec.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/spec.h"
#include "core/utf8.h"

/* The members of `process` but for the labels, and what becomes of one that exec --process leaves out. */
static const struct {
    const char *name;
    bool inherited;
} members[] = {
    {"terminal", false},       {"consoleSize", false}, {"user", true},
    {"args", false},           {"env", false},         {"cwd", true},
    {"capabilities", true},    {"rlimits", true},      {"noNewPrivileges", false},
    {"oomScoreAdj", true},     {"ioPriority", true},   {"scheduler", true},
    {"execCPUAffinity", true},
};

struct source {
    const struct json *doc;
    const cJSON *process;
};

static void add_name(struct text *out, const char *name)
{
    text_add(out, "%s\"%s\":", out->length > 1 ? "," : "", name);
}

static void add_member(struct text *out, const char *name, const struct source *s)
{
    add_name(out, name);
    text_json_tree(out, s->doc, json_get(s->process, name));
}

static void add_strings(struct text *out, const char *const *list, size_t n, bool more)
{
    for (size_t i = 0; i < n; i++) {
        text_add(out, more || i ? "," : "");
        text_json(out, list[i]);
    }
}

/* Digits only: "-u 1abc" must never come out as some user (CVE-2026-30892). */
static int user_part(const char **s, char end, uint64_t *value, struct error *err)
{
    const char *start = *s;

    *value = 0;
    while (isdigit((unsigned char)**s) && *s - start < 11)
        *value = *value * 10 + (uint64_t)(*(*s)++ - '0');
    if (*s == start || *value >= UINT32_MAX || (**s && **s != end))
        return fail(err, 0, NULL, "--user: \"%s\" is not of the form UID[:GID]", start);
    return 0;
}

/* The configuration's user, but for what the command line says. */
static int add_user(struct text *out, const struct source *config, const struct exec_overrides *o,
                    struct error *err)
{
    const cJSON *own = json_get(config->process, "user"), *group;
    uint64_t uid = (uint64_t)json_int(config->doc, own, "uid", 0), additional;
    uint64_t gid = (uint64_t)json_int(config->doc, own, "gid", 0);
    const char *s = o->user;
    bool some = false;

    if (s && user_part(&s, ':', &uid, err) < 0)
        return -1;
    if (s && *s++ == ':' && user_part(&s, '\0', &gid, err) < 0)
        return -1;
    text_add(out, ",\"user\":{\"uid\":%llu,\"gid\":%llu", (unsigned long long)uid,
             (unsigned long long)gid);
    if (json_get(own, "umask"))
        add_member(out, "umask", &(struct source){config->doc, own});
    text_add(out, ",\"additionalGids\":[");
    cJSON_ArrayForEach (group, json_get(own, "additionalGids")) {
        text_add(out, some ? "," : "");
        text_json_tree(out, config->doc, group);
        some = true;
    }
    for (size_t i = 0; i < o->n_gids; i++) {
        s = o->gids[i];
        if (user_part(&s, '\0', &additional, err) < 0)
            return -1;
        text_add(out, "%s%llu", some || i ? "," : "", (unsigned long long)additional);
    }
    text_add(out, "]}");
    return 0;
}

/* --cap adds to bounding, effective and permitted; to ambient where inheritable has any. */
static void add_capabilities(struct text *out, const struct source *s,
                             const struct exec_overrides *o)
{
    static const char *const sets[] = {"bounding", "effective", "permitted", "inheritable",
                                       "ambient"};
    const cJSON *own = json_get(s->process, "capabilities");
    bool inherits = json_length(json_get(own, "inheritable")) > 0;

    text_add(out, ",\"capabilities\":{");
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        const cJSON *set = json_get(own, sets[i]), *name;
        bool grows = i < 3 || (i == 4 && inherits);
        bool some = false;

        text_add(out, "%s\"%s\":[", i ? "," : "", sets[i]);
        cJSON_ArrayForEach (name, set) {
            text_add(out, some ? "," : "");
            text_json(out, name->valuestring);
            some = true;
        }
        if (grows)
            add_strings(out, o->capabilities, o->n_capabilities, some);
        text_add(out, "]");
    }
    text_add(out, "}");
}

/* A process is JSON, which can hold nothing else; and no byte may arrive as another. */
static int check_utf8(const char *what, const char *const *words, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!utf8_valid(words[i]))
            return fail(err, 0, NULL, "%s %zu is not UTF-8", what, i + 1);
    return 0;
}

static bool is_label(const cJSON *item)
{
    return item && !(cJSON_IsString(item) && !item->valuestring[0]);
}

/* "" is how engines write that nobody has asked for a label: the process is confined as the container is. */
static void add_label(struct text *out, const char *name, const char *given,
                      const struct source *file, const struct source *config)
{
    if (given && *given) {
        add_name(out, name);
        text_json(out, given);
    } else if (is_label(json_get(file->process, name))) {
        add_member(out, name, file);
    } else if (is_label(json_get(config->process, name))) {
        add_member(out, name, config);
    }
}

/* `foreign`: it is not of Linux, and so has no capabilities that could be taken away. */
static int from_command_line(const struct source *config, const struct exec_overrides *o,
                             bool foreign, struct text *out, struct error *err)
{
    static const char *const same[] = {"rlimits", "oomScoreAdj", "ioPriority", "scheduler",
                                       "execCPUAffinity"};
    const cJSON *env = json_get(config->process, "env"), *entry;
    bool some = false;
    size_t n = 0;

    while (o->args[n])
        n++;
    if (check_utf8("argument", o->args, n, err) < 0 ||
        check_utf8("--env", o->env, o->n_env, err) < 0 ||
        check_utf8("--cap", o->capabilities, o->n_capabilities, err) < 0 ||
        check_utf8("--cwd", &o->cwd, o->cwd != NULL, err) < 0)
        return -1;
    text_add(out, "{\"terminal\":%s,\"noNewPrivileges\":%s,\"args\":[", o->tty ? "true" : "false",
             o->no_new_privs || json_bool(config->process, "noNewPrivileges", false) ? "true"
                                                                                     : "false");
    add_strings(out, o->args, n, false);
    text_add(out, "],\"env\":[");
    cJSON_ArrayForEach (entry, env) {
        text_add(out, some ? "," : "");
        text_json(out, entry->valuestring);
        some = true;
    }
    add_strings(out, o->env, o->n_env, some);
    text_add(out, "],\"cwd\":");
    text_json(out, o->cwd ? o->cwd : json_string(config->process, "cwd", "/"));
    if (add_user(out, config, o, err) < 0)
        return -1;
    if (!foreign || o->n_capabilities)
        add_capabilities(out, config, o);
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        if (json_get(config->process, same[i]))
            add_member(out, same[i], config);
    return 0;
}

static void from_file(const struct source *file, const struct source *config, struct text *out)
{
    text_add(out, "{");
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const char *name = members[i].name;

        if (json_get(file->process, name))
            add_member(out, name, file);
        else if (members[i].inherited && json_get(config->process, name))
            add_member(out, name, config);
    }
}

static int check(const struct json *process, struct error *err)
{
    if (!cJSON_IsObject(process->root))
        return fail(err, 0, "process", "is not a JSON object");
    if (spec_check(process, process->root, spec_process, "process", err) < 0)
        return -1;
    if (!json_length(json_get(process->root, "args")))
        return fail(err, 0, "process.args", "is missing or empty");
    if (json_string(process->root, "cwd", "")[0] != '/')
        return fail(err, 0, "process.cwd", "is not an absolute path");
    return 0;
}

int exec_process(const struct container *c, const struct exec_overrides *o, struct json *process,
                 struct error *err)
{
    const struct source config = {&c->config, json_get(c->config.root, "process")};
    auto_json struct json own = {0};
    struct source file = {&own, NULL};
    auto_text struct text merged = {0};

    if (check_utf8("--apparmor", &o->apparmor, o->apparmor != NULL, err) < 0 ||
        check_utf8("--process-label", &o->label, o->label != NULL, err) < 0)
        return -1;
    if (o->process_file) {
        if (json_read(&own, AT_FDCWD, o->process_file, err) < 0)
            return -1;
        file.process = own.root;
        if (!cJSON_IsObject(own.root))
            return fail(err, 0, "process", "is not a JSON object");
        from_file(&file, &config, &merged);
    } else if (from_command_line(&config, o, c->state.runner, &merged, err) < 0) {
        return -1;
    }
    add_label(&merged, "apparmorProfile", o->apparmor, &file, &config);
    add_label(&merged, "selinuxLabel", o->label, &file, &config);
    text_add(&merged, "}");
    if (merged.failed)
        return fail_memory(err);
    if (json_parse(process, o->process_file ? o->process_file : "process", merged.at, merged.length,
                   err) < 0)
        return -1;
    return check(process, err);
}
