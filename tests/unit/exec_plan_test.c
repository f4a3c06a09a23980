/* SPDX-License-Identifier: Apache-2.0 */
/* What exec makes of a process that says how it is scheduled, or is labelled; hozo plan shows the plans of create only. */
#include "core/compile.h"

#include <sched.h>
#include <string.h>

#include "core/exec.h"
#include "plugins/tap.h"

#define CONFIG(process)                                                                            \
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"                                    \
    "\"linux\":{\"personality\":{\"domain\":\"LINUX32\"}},"                                        \
    "\"hooks\":{\"startContainer\":[{\"path\":\"/bin/true\"}]},"                                   \
    "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]" process "}}"

#define EVERYTHING                                                                                 \
    ",\"oomScoreAdj\":-3,\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":3},"                  \
    "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":2},"                               \
    "\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-3,7\"}"

/* As plugins plan them. */
static void add_labels(struct plugins *p)
{
    static const struct {
        uint32_t kind;
        const char *plugin, *path, *file, *value;
    } rows[] = {
        {HOZO_LABEL_EXEC, "one", "process.selinuxLabel", "attr/exec", "a label"},
        {HOZO_LABEL_KEYRING, "one", "process.selinuxLabel", "attr/keycreate", "a label"},
        {HOZO_LABEL_EXEC, "other", "process.apparmorProfile", "attr/apparmor/exec", "exec x"},
    };

    p->labels = calloc(ARRAY_SIZE(rows), sizeof *p->labels);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        p->labels[p->n_labels++] = (struct planned_label){.kind = rows[i].kind,
                                                          .plugin = rows[i].plugin,
                                                          .path = strdup(rows[i].path),
                                                          .file = strdup(rows[i].file),
                                                          .value = strdup(rows[i].value)};
}

/* Both halves, if the container is a virtual machine. */
static void print(const struct container *c, struct text *said)
{
    plan_print(c->plan, said);
    if (c->guest) {
        text_put(said, "guest:\n");
        plan_print(c->guest, said);
    }
}

/* The plan of exec as text, or the error. */
static void plan_as(const char *config, bool labels, bool machine, struct text *said)
{
    static const char *const args[] = {"true", NULL};
    const struct exec_overrides o = {.args = args};
    auto_container struct container c;
    auto_json struct json process = {0};
    struct exec_request request = {.doc = &process, .namespaces = CLONE_NEWNS};
    struct error err = {0};
    char line[1400];
    int init;

    container_init(&c);
    c.state.id = strdup("c");
    c.state.machine = machine;
    said->length = 0;
    if (labels)
        add_labels(&c.plugins);
    if (!json_parse(&c.config, "config.json", config, strlen(config), &err) &&
        !json_parse(&c.facts, "facts", "{}", 2, &err) && !exec_process(&c, &o, &process, &err)) {
        request.process = process.root;
        if (!compile_exec(&c, &request, &init, &err)) {
            print(&c, said);
            return;
        }
    }
    error_format(&err, line, sizeof line);
    text_put(said, line);
}

static void plan_of(const char *config, bool labels, struct text *said)
{
    plan_as(config, labels, false, said);
}

/* The text `one` stands in the plan, before `other` if that is asked. */
static bool stands(const struct text *plan, const char *one, const char *other)
{
    const char *at = strstr(plan->at, one);

    return at && (!other || strstr(at, other));
}

static void in_order(const struct text *plan)
{
    ok(stands(plan, "prepare (runtime)", "affinity(\"0\", mask=<8 bytes: 0100000000000000>)") &&
           stands(plan, "affinity(\"0\",", "stage (stage)"),
       "initial: the runtime's own, before there is a process");
    ok(stands(plan, "clone(-)", "limits (runtime)") &&
           stands(plan, "limits (runtime)",
                  "affinity(\"0-3,7\", mask=<8 bytes: 8f00000000000000>)") &&
           stands(plan, "affinity(\"0-3,7\"", "identity (inside)"),
       "final: of the process in its control group");
    ok(stands(plan, "affinity(\"0-3,7\"", "scheduler(\"SCHED_RR\", number=2, nice=0, priority=3,"),
       "the scheduler, after the affinity that some of its policies forbid");
    ok(stands(plan, "limits (runtime)", "io-priority(\"IOPRIO_CLASS_BE\", number=2, level=2)"),
       "the I/O priority");
    ok(stands(plan, "process (inside)", "personality(\"LINUX32\", value=0x8)"),
       "the personality of the container");
    ok(stands(plan, "oom-score(", "join("), "what only the host may do comes before the join");
}

static void labelled(const struct text *plan)
{
    ok(stands(plan, "join(", "own-procfs()") && stands(plan, "clone(-)", "own-procfs()"),
       "labels: a procfs of the namespaces that are joined");
    ok(stands(plan, "keycreate\", \"a label\"", "keyring()") &&
           stands(plan, "keyring()", "keycreate\", \"\\n\"") &&
           !strstr(strstr(plan->at, "own-procfs()") + 1, "own-procfs()"),
       "labels: the keyring's is taken back");
    ok(stands(plan, "label($own-proc, \"attr/exec\", \"a label\")", "ids(") &&
           stands(plan, "label($own-proc, \"attr/apparmor/exec\", \"exec x\")", "ids(") &&
           stands(plan, "other   process.apparmorProfile", NULL),
       "labels: each file is opened before the process is its user's");
}

#define MACHINE                                                                                    \
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"vm\":{\"kernel\":{\"path\":\"/"    \
    "k\"}},"                                                                                       \
    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"network\"}]}," \
    "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"oomScoreAdj\":-3,\"user\":{\"uid\":7},"        \
    "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":2}]}}"

static void in_a_machine(const struct text *plan)
{
    ok(stands(plan, "oom-score(", "join(mount") && stands(plan, "join(mount", "visit("),
       "machine: a process on the host joins the one that stands for it");
    ok(stands(plan, "visit($monitor, $guest, $control,", "guest:") &&
           stands(plan, "ids(uid=0", "guest:"),
       "machine: it is nobody's program");
    ok(stands(plan, "guest:", "join(pid|mount, $init") && stands(plan, "guest:", "rlimit(") &&
           stands(plan, "guest:", "ids(uid=7") && stands(plan, "guest:", "exec([\"true\"]"),
       "machine: the program is the guest's, in the namespaces that the guest has made");
    ok(!strstr(strstr(plan->at, "guest:"), "oom-score"),
       "machine: what only the host may do is not in the guest's half");
}

int main(void)
{
    auto_text struct text plan = {0};

    plan_of(CONFIG(EVERYTHING), false, &plan);
    in_order(&plan);
    plan_of(CONFIG(",\"execCPUAffinity\":{\"initial\":\"1\",\"final\":\"\"}"), false, &plan);
    ok(stands(&plan, "affinity(\"1\"", NULL) &&
           !strstr(strstr(plan.at, "affinity(") + 1, "affinity("),
       "without final the kernel decides");
    plan_of(CONFIG(",\"execCPUAffinity\":{\"final\":\"1\"}"), false, &plan);
    ok(!strstr(plan.at, "prepare (runtime)") && stands(&plan, "affinity(\"1\"", NULL),
       "without initial the runtime stays where it is");
    plan_of(CONFIG(""), false, &plan);
    ok(!strstr(plan.at, "affinity") && !strstr(plan.at, "scheduler") && !strstr(plan.at, "io-pri"),
       "what nobody asks for is not done");
    plan_of(CONFIG(",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":2000,"
                   "\"deadline\":3000}"),
            false, &plan);
    ok(stands(&plan, "scheduler(\"SCHED_DEADLINE\", number=6,", NULL),
       "hooks that cannot fork are no matter of exec");
    plan_of(CONFIG(",\"scheduler\":{\"policy\":\"SCHED_IDLE\",\"nice\":1}"), false, &plan);
    ok(!strcmp(plan.at, "process.scheduler.nice: has no meaning for SCHED_IDLE"), "errors: %s",
       plan.at);
    plan_of(CONFIG(""), true, &plan);
    labelled(&plan);
    plan_as(MACHINE, false, true, &plan);
    in_a_machine(&plan);
    return done();
}
