/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_plan create CONFIG | guest_plan exec CONFIG PROCESS
 *
 * Writes to standard output the plan that hozo makes of a configuration, or of a further process in its container,
 * as hozo-init reads it. There is no control group, as in a guest.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "core/compile.h"
#include "core/exec.h"

#define FACTS                                                                                      \
    "{\"kernel\":\"6.1.0\",\"euid\":0,\"egid\":0,\"lastCapability\":40,"                           \
    "\"cgroup\":{\"layout\":\"none\"}}"

static int make_exec(struct container *c, const char *file, struct error *err)
{
    const struct exec_overrides o = {.process_file = file};
    auto_json struct json process = {0};
    struct exec_request request = {.doc = &process};
    int init;

    if (exec_process(c, &o, &process, err) < 0)
        return -1;
    request.process = process.root;
    request.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
    request.console = cJSON_IsTrue(json_get(process.root, "terminal"));
    return compile_exec(c, &request, &init, err);
}

int main(int argc, char **argv)
{
    auto_container struct container c;
    struct error err = {0};
    char line[1400];
    int r;

    if (argc < 3)
        return 2;
    container_init(&c);
    c.state.id = strdup("c1");
    c.state.bundle = strdup("/");
    c.cgroup_manager = "disabled";
    r = json_read(&c.config, AT_FDCWD, argv[2], &err) < 0 ||
        !(c.state.rootfs =
              strdup(json_string(json_at(c.config.root, "root", NULL), "path", "/"))) ||
        json_parse(&c.facts, "facts", FACTS, strlen(FACTS), &err) < 0 ||
        (argc > 3 ? make_exec(&c, argv[3], &err) : compile_create(&c, &err)) < 0;
    if (r) {
        error_format(&err, line, sizeof line);
        fprintf(stderr, "%s\n", line);
        return 1;
    }
    return fwrite(c.plan, 1, c.plan->size, stdout) != c.plan->size;
}
