/* SPDX-License-Identifier: Apache-2.0 */
/* process: who runs, with which rights and limits, where, and what. */
#include "core/compile.h"

#include <errno.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "core/linux/capabilities.h"
#include "core/linux/confine.h"
#include "core/linux/user-namespace.h"

static const struct {
    const char *type;
    int resource;
} rlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

static int add_rlimit(struct compile *p, const struct process_request *r, const cJSON *rlimit,
                      uint64_t *seen, const char *path, struct error *err)
{
    const char *type = json_string(rlimit, "type", "");
    uint64_t soft = 0, hard = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
        if (strcmp(type, rlimits[i].type))
            continue;
        if (*seen & UINT64_C(1) << rlimits[i].resource)
            return fail(err, 0, path, "%s is set twice", type);
        *seen |= UINT64_C(1) << rlimits[i].resource;
        if (json_u64(r->doc, json_get(rlimit, "soft"), &soft) < 0 ||
            json_u64(r->doc, json_get(rlimit, "hard"), &hard) < 0)
            return fail(err, 0, path, "soft and hard are required");
        if (soft > hard)
            return fail(err, 0, path, "soft limit is above the hard limit");
        plan_op(p->b, PHASE_LIMITS, RLIMIT, path, STR(type), NUM(rlimits[i].resource), NUM(soft),
                NUM(hard));
        plan_what(p->b, "set %s", type);
        return 0;
    }
    return fail(err, 0, path, "type \"%s\" is unknown", type);
}

int compile_oom_score(struct compile *p, const struct process_request *r, struct error *err)
{
    int64_t value = json_int(r->doc, r->process, "oomScoreAdj", 0);
    char path[64];

    if (!json_get(r->process, "oomScoreAdj"))
        return 0;
    snprintf(path, sizeof path, "%s.oomScoreAdj", r->path);
    if (value < -1000 || value > 1000)
        return fail(err, 0, path, "must be from -1000 to 1000");
    plan_op(p->b, PHASE_STAGE, OOM_SCORE, path, SLOT(compile_proc(p)), NUM(value));
    plan_what(p->b, "write %lld", (long long)value);
    return 0;
}

static int add_limits(struct compile *p, const struct process_request *r, struct error *err)
{
    const cJSON *rlimit;
    unsigned index = 0;
    uint64_t seen = 0;
    char path[64];

    cJSON_ArrayForEach (rlimit, json_get(r->process, "rlimits")) {
        snprintf(path, sizeof path, "%s.rlimits[%u]", r->path, index++);
        if (add_rlimit(p, r, rlimit, &seen, path, err) < 0)
            return -1;
    }
    /* Of a virtual machine it is the host's half. */
    return p->guest ? 0 : compile_oom_score(p, r, err);
}

/* Of all processes of the container: it is the configuration's, not the process's. */
static int add_personality(struct compile *p, struct error *err)
{
    const cJSON *personality = json_get(p->linux_, "personality");
    const char *domain = json_string(personality, "domain", "");

    if (!personality)
        return 0;
    if (json_length(json_get(personality, "flags")))
        return fail(err, 0, "linux.personality.flags[0]", "the specification has no flags yet");
    plan_op(p->b, PHASE_PROCESS, PERSONALITY, "linux.personality", STR(domain),
            NUM(strcmp(domain, "LINUX32") ? PER_LINUX : PER_LINUX32));
    return 0;
}

static uint64_t grantable(const struct compile *p)
{
    int64_t last = json_int(&p->c->facts, p->c->facts.root, "lastCapability", 40);
    uint64_t known = last >= 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1;
    uint64_t held;

    /* In a user namespace that it enters a process has all of them. */
    if (!p->user_namespace &&
        !json_u64(&p->c->facts, json_get(p->c->facts.root, "capabilities"), &held))
        known &= held;
    return known;
}

/* The kernel reads the highest number as "no change": the program would stay root. */
static int check_id(const struct compile *p, const struct process_request *r, uint64_t id,
                    const char *member, const char *map, struct error *err)
{
    char at[64];

    snprintf(at, sizeof at, "%s.user.%s", r->path, member);
    if (id == UINT32_MAX)
        return fail(err, 0, at, "%u is no user's or group's number", UINT32_MAX);
    if (id_is_unmapped(p, map, id))
        return fail(err, 0, at, "%llu is in no range of linux.%s", (unsigned long long)id, map);
    return 0;
}

static int add_identity(struct compile *p, const struct process_request *r, struct error *err)
{
    const cJSON *user = json_get(r->process, "user"), *group;
    const cJSON *additional = json_get(user, "additionalGids");
    const char *cwd = json_string(r->process, "cwd", "/");
    bool no_new_privs = json_bool(r->process, "noNewPrivileges", false);
    auto_free uint32_t *groups = calloc(json_length(additional) + 1, sizeof *groups);
    uint64_t uid = (uint64_t)json_int(r->doc, user, "uid", 0);
    uint64_t gid = (uint64_t)json_int(r->doc, user, "gid", 0);
    struct capability_sets sets;
    size_t n = 0;

    if (!groups)
        return fail_memory(err);
    cJSON_ArrayForEach (group, additional) {
        uint64_t value = 0;

        json_u64(r->doc, group, &value);
        if (check_id(p, r, value, "additionalGids", "gidMappings", err) < 0)
            return -1;
        groups[n++] = (uint32_t)value;
    }
    if (check_id(p, r, uid, "uid", "uidMappings", err) < 0 ||
        check_id(p, r, gid, "gid", "gidMappings", err) < 0)
        return -1;
    capability_sets_read(json_get(r->process, "capabilities"), grantable(p), p->c->log, &sets);

    /* Root may be refused where the user is not (NFS), and the other way round: both try. */
    plan_op(p->b, PHASE_IDENTITY, CHDIR, "process.cwd", STR(cwd), NUM(0));
    plan_what(p->b, "change to %s", cwd);
    if (no_new_privs)
        plan_op0(p->b, PHASE_IDENTITY, NO_NEW_PRIVS, "process.noNewPrivileges");
    plan_op(p->b, PHASE_IDENTITY, BOUNDING, "process.capabilities.bounding", NUM(sets.bounding));
    plan_op(p->b, PHASE_IDENTITY, IDS, "process.user", NUM(uid), NUM(gid),
            BYTES(groups, n * sizeof *groups));
    compile_seccomp(p, no_new_privs, false);
    plan_op(p->b, PHASE_IDENTITY, CAPABILITIES, "process.capabilities", NUM(sets.effective),
            NUM(sets.permitted), NUM(sets.inheritable), NUM(sets.ambient));
    plan_op(p->b, PHASE_IDENTITY, CHDIR, "process.cwd", STR(cwd), NUM(1));
    plan_what(p->b, "change to %s", cwd);
    compile_seccomp(p, no_new_privs, true);
    return 0;
}

static const char *find_env(const cJSON *env, const char *name)
{
    size_t n = strlen(name);
    const char *found = NULL;
    const cJSON *entry;

    cJSON_ArrayForEach (entry, env)
        if (!strncmp(entry->valuestring, name, n) && entry->valuestring[n] == '=')
            found = entry->valuestring + n + 1;
    return found;
}

static char *escaped(const char *literal)
{
    char *copy = malloc(2 * strlen(literal) + 1), *to = copy;

    if (!copy)
        return NULL;
    for (; *literal; literal++) {
        if (*literal == LATE_MARK)
            *to++ = LATE_MARK;
        *to++ = *literal;
    }
    *to = '\0';
    return copy;
}

/* Of a variable that is there twice the program would see one. */
static int check_planned_env(const struct compile *p, const cJSON *env, struct error *err)
{
    for (size_t i = 0; i < p->c->plugins.n_env; i++) {
        const struct planned_env *planned = &p->c->plugins.env[i];
        auto_free char *name = strndup(planned->text, strcspn(planned->text, "="));

        if (!name)
            return fail_memory(err);
        if (find_env(env, name))
            return fail(err, 0, "process.env", "%s: plugin %s sets this variable as well", name,
                        planned->plugin);
    }
    return 0;
}

/* The environment: the configuration's, HOME if it names none, and what socket activation needs. */
static int add_exec(struct compile *p, const struct process_request *r, struct error *err)
{
    const cJSON *env = json_get(r->process, "env"), *entry;
    auto_free const char **args = json_strings(json_get(r->process, "args"));
    auto_free const char **list = calloc(json_length(env) + p->c->plugins.n_env + 5, sizeof *list);
    auto_text struct text listen = {0};
    size_t n = 0, own;

    if (!args || !list)
        return fail_memory(err);
    if (check_planned_env(p, env, err) < 0)
        return -1;
    cJSON_ArrayForEach (entry, env)
        if (!(list[n++] = escaped(entry->valuestring)))
            return fail_memory(err);
    own = n;
    for (size_t i = 0; i < p->c->plugins.n_env; i++)
        list[n++] = p->c->plugins.env[i].text;
    if (!find_env(env, "HOME") && !plugins_planned_env(&p->c->plugins, "HOME")) {
        plan_op(p->b, PHASE_PROCESS, HOME, "process.env", SLOT(r->root),
                NUM(json_int(r->doc, json_get(r->process, "user"), "uid", 0)));
        list[n++] = "HOME=" LATE_TEXT_HOME;
    }
    /* An engine that passes descriptors itself has named them already. */
    if (p->c->listen_fds && !find_env(env, "LISTEN_FDS")) {
        text_add(&listen, "LISTEN_FDS=%u", p->c->listen_fds);
        list[n++] = listen.at;
        list[n++] = "LISTEN_PID=" LATE_TEXT_PID;
    }
    if (p->c->state.notify_socket && !r->joined)
        list[n++] = NOTIFY_ENV;
    plan_op(p->b, PHASE_IDENTITY, FIND_EXEC, "process.args", STR(args[0]),
            STR(find_env(env, "PATH")));
    plan_what(p->b,
              strchr(args[0], '/') ? "exec: \"%s\""
                                   : "exec: \"%s\": executable file not found in $PATH",
              args[0]);
    plan_op(p->b, PHASE_EXEC, EXEC, "process.args", LIST(args), TEMPLATES(list));
    plan_what(p->b, "exec: \"%s\"", args[0]);
    while (own)
        free((char *)list[--own]);
    return 0;
}

/* The kernel keeps a size in 16 bits. */
static int console_size(const struct process_request *r, const char *member, uint64_t *value,
                        struct error *err)
{
    const cJSON *number = json_get(json_get(r->process, "consoleSize"), member);

    *value = 0;
    if (number && (json_u64(r->doc, number, value) < 0 || *value > UINT16_MAX))
        return fail(err, 0, "process.consoleSize", "%s is more than %d", member, UINT16_MAX);
    return 0;
}

int compile_terminal(struct compile *p, const struct process_request *r, struct error *err)
{
    uint64_t rows, columns;

    if (!json_bool(r->process, "terminal", false))
        return 0;
    if (console_size(r, "height", &rows, err) < 0 || console_size(r, "width", &columns, err) < 0)
        return -1;
    plan_op(p->b, PHASE_DEVICES, CONSOLE, "process.terminal", SLOT(r->root), NUM(rows),
            NUM(columns), NUM(json_int(r->doc, json_get(r->process, "user"), "uid", 0)),
            NUM(r->joined ? 0 : HOW_BIND_CONSOLE));
    return 0;
}

int compile_process(struct compile *p, const struct process_request *r, struct error *err)
{
    const cJSON *user = json_get(r->process, "user");
    const char *cwd = json_string(r->process, "cwd", "/");
    int proc = -1;

    if (add_limits(p, r, err) < 0 || compile_scheduling(p, r, err) < 0)
        return -1;
    if (!p->c->no_new_keyring)
        compile_keyring(p, &proc);
    if (!r->joined && strcmp(cwd, "/")) {
        plan_op(p->b, PHASE_DEVICES, MKDIR, "process.cwd", SLOT(r->root), STR(cwd), NUM(0755));
        plan_what(p->b, "make %s", cwd);
    }
    if (compile_terminal(p, r, err) < 0)
        return -1;
    plan_op(p->b, PHASE_PROCESS, UMASK, "process.user.umask",
            NUM(json_int(r->doc, user, "umask", 022)));
    plan_op(p->b, PHASE_PROCESS, CHOWN_STDIO, "process.user.uid",
            NUM(json_int(r->doc, user, "uid", 0)));
    compile_exec_labels(p, &proc);
    if (add_personality(p, err) < 0 || add_identity(p, r, err) < 0)
        return -1;
    return add_exec(p, r, err);
}
