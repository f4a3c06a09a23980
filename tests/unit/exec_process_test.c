/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a process that exec starts: of the command line, of the file, of the container. */
#include "core/exec.h"

#include <string.h>

#include "plugins/tap.h"

#define FILE_ "process.json"

static const struct {
    const char *name, *config, *file, *apparmor,
        *label;                    /* file NULL: the command line tells the process */
    const char *profile, *context; /* what comes out; the profile may be an error */
} rows[] = {
    {"nobody asks for any", "", NULL, NULL, NULL, NULL, NULL},
    {"the container's", "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"", NULL, NULL, NULL, "c",
     "d"},
    {"of the command line over the container's", "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"",
     NULL, "o", "p", "o", "p"},
    {"empty ones of the command line are none", "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"",
     NULL, "", "", "c", "d"},
    {"of the command line alone", "", NULL, "o", "p", "o", "p"},
    {"an empty one of the container is none", "\"apparmorProfile\":\"\"", NULL, NULL, NULL, NULL,
     NULL},
    {"the file leaves them out", "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"", "", NULL, NULL,
     "c", "d"},
    {"empty ones of the file are the container's",
     "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"",
     ",\"apparmorProfile\":\"\",\"selinuxLabel\":null", NULL, NULL, "c", "d"},
    {"of the file over the container's", "\"apparmorProfile\":\"c\",\"selinuxLabel\":\"d\"",
     ",\"apparmorProfile\":\"f\",\"selinuxLabel\":\"g\"", NULL, NULL, "f", "g"},
    {"of the command line over the file's", "\"apparmorProfile\":\"c\"",
     ",\"apparmorProfile\":\"f\"", "o", "p", "o", "p"},
    {"of the file alone", "", ",\"apparmorProfile\":\"f\"", NULL, NULL, "f", NULL},
    {"a wrong type in the file", "\"apparmorProfile\":\"c\"", ",\"apparmorProfile\":5", NULL, NULL,
     "process.apparmorProfile: ", NULL},
    {"bytes of the profile", "", NULL, "\xff", NULL, "--apparmor", NULL},
    {"bytes of the label", "", "", NULL, "\xff", "--process-label", NULL},
};

static bool same(const char *one, const char *other)
{
    return one && other ? !strcmp(one, other) : one == other;
}

static void write_file(const char *members)
{
    auto_fclose FILE *f = fopen(FILE_, "we");

    if (!f || fprintf(f, "{\"cwd\":\"/\",\"args\":[\"x\"]%s}", members) < 0)
        abort();
}

static void try_row(size_t i)
{
    static const char *const args[] = {"x", NULL};
    struct exec_overrides o = {.args = args, .apparmor = rows[i].apparmor, .label = rows[i].label};
    auto_container struct container c;
    auto_json struct json process = {0};
    struct error err = {0};
    const char *profile, *context;
    char text[256], line[1400];

    container_init(&c);
    snprintf(text, sizeof text, "{\"process\":{%s}}", rows[i].config);
    if (json_parse(&c.config, "config.json", text, strlen(text), &err) < 0)
        abort();
    if (rows[i].file) {
        write_file(rows[i].file);
        o.process_file = FILE_;
    }
    if (exec_process(&c, &o, &process, &err) < 0) {
        error_format(&err, line, sizeof line);
        ok(rows[i].profile && strstr(line, rows[i].profile), "%s: %.40s", rows[i].name, line);
        return;
    }
    profile = json_string(process.root, "apparmorProfile", NULL);
    context = json_string(process.root, "selinuxLabel", NULL);
    ok(same(profile, rows[i].profile) && same(context, rows[i].context), "%s", rows[i].name);
}

int main(void)
{
    char directory[] = "/tmp/hozo-test-XXXXXX";

    if (!mkdtemp(directory) || chdir(directory) < 0)
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        try_row(i);
    unlink(FILE_);
    return rmdir(directory) < 0 ? 1 : done();
}
