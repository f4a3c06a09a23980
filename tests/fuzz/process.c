/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what exec is asked to start. '{' begins the file of --process; anything else is a command line,
 * a line a word: "-u1000:5", "-eNAME=VALUE", "-g7", "-cCAP_KILL", "-w/tmp", "-t", "-n"; words without a dash
 * are the program's.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "core/compile.h"
#include "core/exec.h"

#define WORDS_MAX 64

static const char config[] =
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/tmp\","
    "\"args\":[\"sh\"],\"env\":[\"PATH=/bin\",\"A=1\"],\"user\":{\"uid\":5,\"gid\":6,\"umask\":18,"
    "\"additionalGids\":[7]},\"oomScoreAdj\":-3,\"noNewPrivileges\":true,"
    "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":18446744073709551615}],"
    "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"inheritable\":[\"CAP_KILL\"]},"
    "\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":3,\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]"
    "},"
    "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":2},"
    "\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-3,7\"}},"
    "\"linux\":{\"personality\":{\"domain\":\"LINUX32\"}}}";
static const char facts[] = "{\"kernel\":\"6.12.0\",\"euid\":0,\"lastCapability\":40}";

struct words {
    char *all[WORDS_MAX];
    const char *args[WORDS_MAX + 1], *env[WORDS_MAX], *gids[WORDS_MAX], *capabilities[WORDS_MAX];
    size_t n, n_args;
};

static void option(struct exec_overrides *o, struct words *w, const char *word)
{
    switch (word[1]) {
    case 'u':
        o->user = word + 2;
        break;
    case 'w':
        o->cwd = word + 2;
        break;
    case 'e':
        w->env[o->n_env++] = word + 2;
        break;
    case 'g':
        w->gids[o->n_gids++] = word + 2;
        break;
    case 'c':
        w->capabilities[o->n_capabilities++] = word + 2;
        break;
    case 't':
        o->tty = true;
        break;
    case 'n':
        o->no_new_privs = true;
        break;
    }
}

static void command_line(struct exec_overrides *o, struct words *w, const char *bytes, size_t size)
{
    *w = (struct words){0};
    while (size && w->n < WORDS_MAX) {
        char *word = w->all[w->n++] = next_part(&bytes, &size, '\n');

        if (*word == '-')
            option(o, w, word);
        else
            w->args[w->n_args++] = word;
    }
    o->args = w->args;
    o->env = w->env;
    o->gids = w->gids;
    o->capabilities = w->capabilities;
}

static void check_words(const cJSON *array, size_t first, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(!strcmp(cJSON_GetArrayItem(array, (int)(first + i))->valuestring, words[i]));
}

/* What is read must be what was written: no other user, no other word. */
static void check_process(const struct json *process, const struct exec_overrides *o, size_t n_args)
{
    const cJSON *env = json_get(process->root, "env");
    int64_t uid = json_int(process, json_get(process->root, "user"), "uid", -1);
    char *end;

    if (o->process_file)
        return;
    must(!o->user || (strtoull(o->user, &end, 10) == (uint64_t)uid && (!*end || *end == ':')));
    must(!o->cwd || !strcmp(json_string(process->root, "cwd", ""), o->cwd));
    check_words(json_get(process->root, "args"), 0, o->args, n_args);
    check_words(env, json_length(env) - o->n_env, o->env, o->n_env);
}

static void compile(struct container *c, const struct json *process)
{
    const struct exec_request request = {
        .process = process->root, .doc = process, .namespaces = CLONE_NEWNS | CLONE_NEWPID};
    struct error err = {0};
    int init;

    if (plugins_for_process(c, process, &err) || compile_exec(c, &request, &init, &err)) {
        check_error(&err);
        return;
    }
    check_plan(c->plan);
    check_paths(c->plan);
}

void target(const char *bytes, size_t size)
{
    auto_container struct container c;
    auto_json struct json process = {0};
    struct exec_overrides o = {0};
    struct words w = {0};
    struct error err = {0};

    container_init(&c);
    must((c.state.id = strdup("c")));
    must(!json_parse(&c.config, "config.json", config, sizeof config - 1, &err) &&
         !json_parse(&c.facts, "host facts", facts, sizeof facts - 1, &err));
    if (size && *bytes == '{')
        o.process_file = as_file(bytes, size);
    else
        command_line(&o, &w, bytes, size);
    if (exec_process(&c, &o, &process, &err)) {
        check_error(&err);
    } else {
        check_process(&process, &o, w.n_args);
        compile(&c, &process);
    }
    while (w.n)
        free(w.all[--w.n]);
}
