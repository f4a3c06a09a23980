/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is built is what stands in the buffer, is printed, and is blamed when it fails. */
#include "core/json.h"
#include "core/planner.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

static int tests, failures;

static bool check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
    return good;
}

static void check_text(const char *got, const char *wanted, const char *name)
{
    if (!check(got && !strcmp(got, wanted), name))
        printf("# --- wanted\n%s# --- got\n%s", wanted, got ? got : "nothing\n");
}

static struct plan_header *finish(struct plan_builder *b)
{
    struct plan_header *plan = NULL;
    struct error err = {0};

    if (plan_finish(b, &plan, &err) < 0)
        printf("# %s: %s\n", err.path, err.text);
    return plan;
}

/* A plan with every type of argument, appended out of order. */
static struct plan_header *example(void)
{
    static const char *const options[] = {"mode=755", "a \"quoted\" one", NULL};
    static const char *const args[] = {"sh", "-c", "true", NULL};
    static const char *const env[] = {"PATH=/bin", "PID=" LATE_TEXT_PID, "\1\1" LATE_TEXT_HOME, "",
                                      NULL};
    static const uint32_t groups[] = {5, 6};
    auto_plan_builder struct plan_builder *b = plan_new();
    int root = plan_slot(b, "root"), proc = plan_slot(b, "proc"), ns = plan_slot(b, "ns");
    int ns2 = plan_slot(b, "ns"), late = plan_late_add(b, "acme.device");
    char data[300], device[] = {'-', LATE_MARK, (char)('A' + late), '\0'};

    memset(data, 7, sizeof data);
    plan_op(b, PHASE_EXEC, EXEC, "process.args", LIST(args), TEMPLATES(env));
    plan_op0(b, PHASE_ENTER, SESSION, NULL);
    plan_op(b, PHASE_ENTER, TREE, "linux.rootfsPropagation", NUM(MS_SLAVE | MS_REC));
    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("/b/rootfs"), SLOT(root), NUM(0));
    plan_op(b, PHASE_MOUNTS, MOUNT, "mounts[0]", SLOT(root), STR("/dev"), STR("tmpfs"), STR(NULL),
            LIST(options), NUM(0x2 | 0x8), NUM(MS_SHARED), NUM(HOW_COPY_UP));
    plan_op(b, PHASE_MOUNTS, BIND, "mounts[1]", SLOT(root), STR("/x"), STR("/src"), NUM(1), NUM(1),
            NUM(0x70), NUM(0x90), NUM(0), NUM(0), NUM(0));
    plan_what(b, "bind %s", "/src");
    plan_op(b, PHASE_DEVICES, MKNOD, "linux.devices[0]", SLOT(root), STR("/dev/null"), NUM(020666),
            NUM(1), NUM(3), NUM(0), NUM(0));
    plan_op(b, PHASE_IDENTITY, IDS, "process.user", NUM(0), NUM(0), BYTES(groups, sizeof groups));
    plan_op(b, PHASE_IDENTITY, BOUNDING, NULL, NUM(0));
    plan_op(b, PHASE_IDENTITY, CAPABILITIES, "process.capabilities", NUM(0x1ffffffffff), NUM(0x3),
            NUM(0), NUM(1ull << 50));
    plan_op(b, PHASE_STAGE, OOM_SCORE, "process.oomScoreAdj", SLOT(proc), NUM(-500));
    plan_op(b, PHASE_STAGE, JOIN, "linux.namespaces[2]", NUM(CLONE_NEWNET), SLOT(ns2), NUM(1));
    plan_op(b, PHASE_CLONE, CLONE, "linux.namespaces",
            NUM(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS));
    plan_op(b, PHASE_SYSTEM, WRITE, "linux.sysctl.a\nb", SLOT(proc), STR("sys/net/x"),
            STR("1\1"
                "A"),
            NUM(0x9fa0));
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "hostname", STR("\xc3\xa4"));
    plan_op(b, PHASE_PREPARE, OPEN_NS, "linux.namespaces[1]", NUM(CLONE_NEWIPC),
            STR("/proc/1/ns/ipc"), SLOT(ns));
    plan_op(b, PHASE_PREPARE, OPEN_NS, "linux.namespaces[2]", NUM(CLONE_NEWNET),
            STR("/proc/1/ns/net"), SLOT(ns2));
    plan_speaker(b, "com.example.acme", 3);
    plan_op(b, PHASE_PREPARE, WORK, "linux.acme", STR("write"), STR("device"),
            BYTES(data, sizeof data));
    plan_op(b, PHASE_SYSTEM, WRITE, NULL, SLOT(proc), STR("dev"), TEMPLATE(device), NUM(0));
    plan_op(b, PHASE_PROCESS, UMASK, "process.user.umask", NUM(022));
    plan_speaker(b, "early", 1);
    plan_op(b, PHASE_PREPARE, PROCFS, NULL, SLOT(proc));
    plan_flag(b, PLAN_ATTACH_STAGE);
    plan_preserve_fds(b, 2);
    return finish(b);
}

/* clang-format off */
static const char example_text[] =
    "attach-stage\n"
    "preserve-fds 2\n"
    "prepare (runtime)\n"
    "  open-ns(ipc, \"/proc/1/ns/ipc\") = $ns                          core    linux.namespaces[1]\n"
    "  open-ns(network, \"/proc/1/ns/net\") = $ns.2                    core    linux.namespaces[2]\n"
    "  procfs() = $proc                                              early\n"
    "  work(\"write\", \"device\", data=<300 bytes: fnv cc7b7049>)       com.example.acme  linux.acme\n"
    "stage (stage)\n"
    "  oom-score($proc, value=-500)                                  core    process.oomScoreAdj\n"
    "  join(network, $ns.2, final=1)                                 core    linux.namespaces[2]\n"
    "clone (stage)\n"
    "  clone(pid|mount|uts)                                          core    linux.namespaces\n"
    "enter (inside)\n"
    "  session()                                                     core\n"
    "  tree(rslave)                                                  core    linux.rootfsPropagation\n"
    "  root(\"/b/rootfs\") = $root                                     core    root.path\n"
    "mounts (inside)\n"
    "  mount($root, \"/dev\", \"tmpfs\", options=[\"mode=755\", \"a \\\"quoted\\\" one\"], set=nosuid|noexec, propagation=shared, how=copy-up)  core  mounts[0]\n"
    "  bind($root, \"/x\", \"/src\", recursive=1, set=rdonly, clear=atime, rset=noatime|nodiratime)  core  mounts[1]\n"
    "devices (inside)\n"
    "  mknod($root, \"/dev/null\", mode=020666, major=1, minor=3, uid=0, gid=0)  core  linux.devices[0]\n"
    "system (inside)\n"
    "  write($proc, \"sys/net/x\", \"1\\u0001A\", magic=0x9fa0)           core    \"linux.sysctl.a\\nb\"\n"
    "  hostname(\"\xc3\xa4" "\")                                                core    hostname\n"
    "  write($proc, \"dev\", \"-\"<late: acme.device>)                   com.example.acme\n"
    "process (inside)\n"
    "  umask(0022)                                                   com.example.acme  process.user.umask\n"
    "identity (inside)\n"
    "  ids(uid=0, gid=0, groups=<8 bytes: 0500000006000000>)         core    process.user\n"
    "  bounding(-)                                                   core\n"
    "  capabilities(effective=all, permitted=CAP_CHOWN|CAP_DAC_OVERRIDE, ambient=0x4000000000000)  core  process.capabilities\n"
    "exec (inside)\n"
    "  exec([\"sh\", \"-c\", \"true\"], [\"PATH=/bin\", \"PID=\"<late: pid>, \"\\u0001\"<late: home>, \"\"])  core  process.args\n";
/* clang-format on */

/* clang-format off */
static const char example_json[] =
    "{\"version\":1,\"preserveFds\":2,\"attachStage\":true,\"phases\":["
    "{\"phase\":\"prepare\",\"process\":\"runtime\",\"operations\":["
    "{\"op\":\"open-ns\",\"owner\":\"core\",\"path\":\"linux.namespaces[1]\",\"arguments\":{\"type\":[\"ipc\"],\"path\":\"/proc/1/ns/ipc\",\"ns\":\"$ns\"}},"
    "{\"op\":\"open-ns\",\"owner\":\"core\",\"path\":\"linux.namespaces[2]\",\"arguments\":{\"type\":[\"network\"],\"path\":\"/proc/1/ns/net\",\"ns\":\"$ns.2\"}},"
    "{\"op\":\"procfs\",\"owner\":\"early\",\"arguments\":{\"proc\":\"$proc\"}},"
    "{\"op\":\"work\",\"owner\":\"com.example.acme\",\"path\":\"linux.acme\",\"arguments\":{\"what\":\"write\",\"value\":\"device\",\"data\":{\"size\":300,\"fnv\":\"cc7b7049\"}}}]},"
    "{\"phase\":\"stage\",\"process\":\"stage\",\"operations\":["
    "{\"op\":\"oom-score\",\"owner\":\"core\",\"path\":\"process.oomScoreAdj\",\"arguments\":{\"proc\":\"$proc\",\"value\":-500}},"
    "{\"op\":\"join\",\"owner\":\"core\",\"path\":\"linux.namespaces[2]\",\"arguments\":{\"type\":[\"network\"],\"ns\":\"$ns.2\",\"final\":1}}]},"
    "{\"phase\":\"clone\",\"process\":\"stage\",\"operations\":["
    "{\"op\":\"clone\",\"owner\":\"core\",\"path\":\"linux.namespaces\",\"arguments\":{\"new\":[\"pid\",\"mount\",\"uts\"]}}]},"
    "{\"phase\":\"enter\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"session\",\"owner\":\"core\",\"arguments\":{}},"
    "{\"op\":\"tree\",\"owner\":\"core\",\"path\":\"linux.rootfsPropagation\",\"arguments\":{\"propagation\":[\"rslave\"]}},"
    "{\"op\":\"root\",\"owner\":\"core\",\"path\":\"root.path\",\"arguments\":{\"path\":\"/b/rootfs\",\"root\":\"$root\",\"propagation\":[]}}]},"
    "{\"phase\":\"mounts\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"mount\",\"owner\":\"core\",\"path\":\"mounts[0]\",\"arguments\":{\"root\":\"$root\",\"target\":\"/dev\",\"fstype\":\"tmpfs\",\"options\":[\"mode=755\",\"a \\\"quoted\\\" one\"],\"set\":[\"nosuid\",\"noexec\"],\"propagation\":[\"shared\"],\"how\":[\"copy-up\"]}},"
    "{\"op\":\"bind\",\"owner\":\"core\",\"path\":\"mounts[1]\",\"what\":\"bind /src\",\"arguments\":{\"root\":\"$root\",\"target\":\"/x\",\"source\":\"/src\",\"recursive\":1,\"set\":[\"rdonly\"],\"clear\":[\"atime\"],\"rset\":[\"noatime\",\"nodiratime\"],\"rclear\":[],\"propagation\":[],\"how\":[]}}]},"
    "{\"phase\":\"devices\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"mknod\",\"owner\":\"core\",\"path\":\"linux.devices[0]\",\"arguments\":{\"root\":\"$root\",\"path\":\"/dev/null\",\"mode\":8630,\"major\":1,\"minor\":3,\"uid\":0,\"gid\":0}}]},"
    "{\"phase\":\"system\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"write\",\"owner\":\"core\",\"path\":\"linux.sysctl.a\\nb\",\"arguments\":{\"dir\":\"$proc\",\"path\":\"sys/net/x\",\"value\":\"1\\u0001A\",\"magic\":40864}},"
    "{\"op\":\"hostname\",\"owner\":\"core\",\"path\":\"hostname\",\"arguments\":{\"name\":\"\xc3\xa4" "\"}},"
    "{\"op\":\"write\",\"owner\":\"com.example.acme\",\"arguments\":{\"dir\":\"$proc\",\"path\":\"dev\",\"value\":[\"-\",{\"late\":\"acme.device\"}],\"magic\":0}}]},"
    "{\"phase\":\"process\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"umask\",\"owner\":\"com.example.acme\",\"path\":\"process.user.umask\",\"arguments\":{\"mask\":18}}]},"
    "{\"phase\":\"identity\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"ids\",\"owner\":\"core\",\"path\":\"process.user\",\"arguments\":{\"uid\":0,\"gid\":0,\"groups\":{\"size\":8,\"hex\":\"0500000006000000\"}}},"
    "{\"op\":\"bounding\",\"owner\":\"core\",\"arguments\":{\"keep\":[]}},"
    "{\"op\":\"capabilities\",\"owner\":\"core\",\"path\":\"process.capabilities\",\"arguments\":{\"effective\":[\"all\"],\"permitted\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],\"inheritable\":[],\"ambient\":[\"0x4000000000000\"]}}]},"
    "{\"phase\":\"exec\",\"process\":\"inside\",\"operations\":["
    "{\"op\":\"exec\",\"owner\":\"core\",\"path\":\"process.args\",\"arguments\":{\"args\":[\"sh\",\"-c\",\"true\"],\"env\":[\"PATH=/bin\",[\"PID=\",{\"late\":\"pid\"}],[\"\\u0001\",{\"late\":\"home\"}],\"\"]}}]}],"
    "\"slots\":[\"$root\",\"$proc\",\"$ns\",\"$ns.2\"],\"lateValues\":[\"pid\",\"home\",\"acme.device\"]}\n";
/* clang-format on */

static void order(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    static const char *const wanted[] = {"1", "2", "3", "4", "5", "6"};
    unsigned i = 0;
    bool good = true;

    plan_speaker(b, "late plugin", 2);
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "5", STR("e"));
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "6", STR("f"));
    plan_op(b, PHASE_PREPARE, RLIMIT, "2", STR("a"), NUM(1), NUM(2), NUM(3));
    plan_speaker(b, "early plugin", 1);
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "4", STR("d"));
    plan_op(b, PHASE_PREPARE, RLIMIT, "1", STR("b"), NUM(1), NUM(2), NUM(3));
    plan_speaker(b, "core", 0);
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "3", STR("c"));
    plan = finish(b);
    plan_for_each (op, plan) {
        good &= i < ARRAY_SIZE(wanted) && !strcmp(plan_string(plan, op->path), wanted[i]);
        i++;
    }
    check(good && i == ARRAY_SIZE(wanted), "operations stand by phase, rank, then as they came");
    check(!strcmp(plan_string(plan, plan_ops(plan)->owner), "early plugin"), "owners are kept");
    check(plan->n_lates == 2 &&
              !strcmp(plan_string(plan, plan_lates(plan)[LATE_PID].name), "pid") &&
              !strcmp(plan_string(plan, plan_lates(plan)[LATE_HOME].name), "home"),
          "the builtin late values come first");
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void refused(struct plan_builder *b, const char *wanted, const char *name)
{
    struct plan_header *plan = NULL;
    struct error err = {0};
    bool good;

    /* The first error stays, whatever follows. */
    plan_op(b, PHASE_MOUNTS, HOSTNAME, "second", NUM(1));
    plan_what(b, "third");
    good = plan_finish(b, &plan, &err) < 0 && !strcmp(err.text, wanted);
    if (!check(good, name))
        printf("# got: %s\n", err.text);
    free(plan);
    plan_builder_free(&b);
}

static void misuse(void)
{
    struct plan_builder *b = plan_new();
    static const char *const list[] = {"\1Z", NULL};
    char text[64];

    plan_op(b, PHASE_SYSTEM, HOSTNAME, "hostname", NUM(1));
    refused(b, "operation hostname: argument name: a value of another type", "number for string");
    b = plan_new();
    plan_op(b, PHASE_SYSTEM, HOSTNAME, "hostname", TEMPLATE("a"));
    refused(b, "operation hostname: argument name: a value of another type", "template for string");
    b = plan_new();
    plan_op(b, PHASE_SYSTEM, UMASK, "hostname", STR("a"));
    refused(b, "operation umask: argument mask: a value of another type", "string for number");
    b = plan_new();
    plan_op0(b, PHASE_SYSTEM, HOSTNAME, NULL);
    refused(b, "operation hostname: argument name: missing", "too few arguments");
    b = plan_new();
    plan_op(b, PHASE_SYSTEM, HOSTNAME, NULL, STR("a"), STR("b"), NUM(3));
    refused(b, "operation hostname: 2 arguments too many", "too many arguments");
    b = plan_new();
    plan_op(b, PHASE_ROOT, PIVOT, "root", SLOT(0));
    refused(b, "operation pivot: argument root: unknown slot", "a slot that does not exist");
    b = plan_new();
    plan_op(b, PHASE_ROOT, PIVOT, "root", SLOT(-1));
    refused(b, "operation pivot: argument root: unknown slot", "the slot of a failure");
    b = plan_new();
    plan_slot(b, "s");
    plan_op(b, PHASE_ROOT, PIVOT, "root", NUM(0));
    refused(b, "operation pivot: argument root: a value of another type", "number for slot");
    b = plan_new();
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(NULL), TEMPLATES(list));
    refused(b, "operation exec: argument env: unknown late value", "unknown late value");
    b = plan_new();
    plan_slot(b, "s");
    plan_op(b, PHASE_SYSTEM, WRITE, NULL, SLOT(0), STR("p"), TEMPLATE("cut \1"), NUM(0));
    refused(b, "operation write: argument value: unknown late value", "a mark that is cut off");
    b = plan_new();
    plan_op(b, PHASE_PREPARE, WORK, NULL, STR("a"), STR("b"), BYTES(NULL, 4));
    refused(b, "operation work: argument data: a size without bytes", "a size without bytes");
    b = plan_new();
    plan_op(b, PHASE_PREPARE, WORK, NULL, STR("a"), STR("b"), BYTES("x", (size_t)PLAN_SIZE_MAX));
    refused(b, "operation work", "a plan that is too large");
    b = plan_new();
    plan_add(b, PHASE_COUNT, OP_SESSION, NULL, NULL, 0);
    snprintf(text, sizeof text, "no such operation (%d) or phase (%d)", OP_SESSION, PHASE_COUNT);
    refused(b, text, "unknown phase");
    b = plan_new();
    for (int i = 0; i < LATE_MAX; i++)
        plan_late_add(b, "x");
    refused(b, "late value \"x\": there are 60 already", "too many late values");
    b = plan_new();
    plan_what(b, "%s", "early");
    refused(b, "no operation is there to be called \"early\"", "a text without an operation");
    b = NULL;
    plan_speaker(b, "x", 1);
    plan_flag(b, 1);
    plan_preserve_fds(b, 1);
    check(plan_slot(b, "x") < 0 && plan_late_add(b, "x") < 0, "without memory there is no slot");
    refused(b, "allocate", "without memory there is no plan");
}

/* --- data ------------------------------------------------------------------------------------- */

static void data(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    static const char *const list[] = {"one", "two\1three", NULL}, *const none[] = {NULL};
    const struct plan_op *op;
    const char *s;
    uint32_t n;

    plan_slot(b, "dir");
    plan_op(b, PHASE_SYSTEM, WRITE, "p", SLOT(0), STR("same"), STR("a\1b\1"), NUM(0));
    plan_op(b, PHASE_SYSTEM, WRITE, "p", SLOT(0), STR("same"), STR("same"), NUM(0));
    plan_op(b, PHASE_SYSTEM, WRITE, "same", SLOT(0), STR(""), STR(NULL), NUM(0));
    plan_op(b, PHASE_PROCESS, EXEC, NULL, LIST(list), LIST(list));
    plan_op(b, PHASE_PROCESS, EXEC, NULL, LIST(none), LIST(NULL));
    plan_op(b, PHASE_PROCESS, IDS, NULL, NUM(0), NUM(0), BYTES("\1\0\0\0\2\0\0\0", 8));
    plan_op(b, PHASE_PROCESS, IDS, NULL, NUM(0), NUM(0), BYTES("\1\0\0\0\2\0\0\0", 8));
    plan_op(b, PHASE_PROCESS, IDS, NULL, NUM(0), NUM(0), BYTES("x", 0));
    plan = finish(b);
    op = plan_ops(plan);
    check(!strcmp(plan_string(plan, op->arg[2]), "a\1\1b\1\1"), "a literal is escaped");
    check(op[0].arg[1] == op[1].arg[1] && op[0].path == op[1].path &&
              op[1].arg[2] == op[1].arg[1] && op[2].path == op[1].arg[1] &&
              op[0].owner == op[7].owner,
          "equal strings are stored once");
    check(op[2].arg[1] && !*plan_string(plan, op[2].arg[1]) && !op[2].arg[2],
          "an empty string is not an absent one");
    s = plan_list(plan, op[3].arg[0], &n);
    check(n == 2 && !strcmp(s, "one") && !strcmp(s + 4, "two\1three"), "a list is kept");
    s = plan_list(plan, op[3].arg[1], &n);
    check(n == 2 && !strcmp(s, "one") && !strcmp(s + 4, "two\1\1three"),
          "a list of literals is escaped");
    check(!op[4].arg[0] && !op[4].arg[1] && !op[7].arg[2], "empty lists and bytes are absent");
    s = plan_bytes(plan, op[5].arg[2], &n);
    check(n == 8 && (uintptr_t)s % 8 == 0 && !memcmp(s, "\1\0\0\0\2\0\0\0", 8),
          "bytes are kept, aligned");
    check(op[5].arg[2] == op[6].arg[2], "equal bytes are stored once");
}

/* Text that is also stored at an odd offset must not serve for bytes. */
static void alignment(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    bool good = true;
    uint32_t n;

    for (unsigned i = 0; i < 1000; i++) {
        char text[16];

        snprintf(text, sizeof text, "%07u", i);
        plan_op(b, PHASE_PREPARE, WORK, NULL, STR("w"), STR(text), BYTES(text, 8));
    }
    plan = finish(b);
    plan_for_each (op, plan) {
        const char *at = plan_bytes(plan, op->arg[2], &n);

        good &= (uintptr_t)at % 8 == 0 && n == 8 && !strcmp(at, plan_string(plan, op->arg[1]));
    }
    check(good, "bytes equal to a string are aligned all the same");
}

static double seconds(unsigned count)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    auto_free const char **env = calloc(count + 1, sizeof *env);
    struct timespec from, to;

    for (unsigned i = 0; i < count; i++) {
        char *variable;

        env[i] = asprintf(&variable, "VARIABLE_%u=some value of it", i) < 0 ? NULL : variable;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < count; i++)
        plan_op(b, PHASE_SYSTEM, HOSTNAME, env[i], STR(env[i] + 1));
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(env), LIST(env));
    plan = finish(b);
    clock_gettime(CLOCK_MONOTONIC, &to);
    check(plan && plan->n_ops == count + 1, "many strings");
    for (unsigned i = 0; i < count; i++)
        free((void *)(uintptr_t)env[i]);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void speed(void)
{
    double few = seconds(10000), many = seconds(100000);

    printf("# 10000: %.4f s, 100000: %.4f s\n", few, many);
    /* Quadratic would be 100 times as long. */
    check(many < 40 * few + 0.05, "ten times the strings take about ten times as long");
}

/* --- late values ------------------------------------------------------------------------------ */

static void late_values(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    struct error err = {0};
    const char *why = NULL;
    int late = plan_late_add(b, "acme");
    uint32_t size;

    plan = finish(b);
    check(late == LATE_BUILTIN_COUNT && !plan_lates(plan)[late].value, "a late value is unknown");
    check(plan_late_set(&plan, LATE_PID, "1", &err) == 0 &&
              plan_late_set(&plan, (unsigned)late, "/dev/acme0", &err) == 0 &&
              plan_check(plan, plan->size, &why) == 0 &&
              !strcmp(plan_string(plan, plan_lates(plan)[late].value), "/dev/acme0") &&
              !strcmp(plan_string(plan, plan_lates(plan)[LATE_PID].value), "1"),
          "and then set");
    check(plan_late_set(&plan, 3, "x", &err) < 0, "a late value that does not exist is refused");
    check(plan_late_set_bytes(&plan, (unsigned)late, "abc", 3, &err) == 0 &&
              plan_check(plan, plan->size, &why) == 0 &&
              !memcmp(plan_late_bytes(plan, (unsigned)late, &size), "abc", 3) && size == 3 &&
              !((uintptr_t)plan_late_bytes(plan, (unsigned)late, &size) % 8),
          "it may be bytes, aligned");
    memset((char *)plan + plan->size - 1, 'x', 1);
    check(plan_check(plan, plan->size, &why) < 0, "which end within the plan");
}

/* --- failures --------------------------------------------------------------------------------- */

static void blame(const struct plan_header *plan, uint32_t op, int errnum, uint32_t step,
                  const char *wanted, const char *name)
{
    struct error err = {0};
    char line[512];
    int rc = plan_fail(plan, op, errnum, step, &err);

    error_format(&err, line, sizeof line);
    if (!check(rc < 0 && !strcmp(line, wanted), name))
        printf("# got: %s\n", line);
}

static void blames(void)
{
    static const char nonsense[] = "the container's process sent nonsense";
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;

    plan_slot(b, "root");
    plan_op(b, PHASE_SYSTEM, MASK, "linux.maskedPaths[3]", SLOT(0), STR("/proc/kcore"), STR(NULL));
    plan_op(b, PHASE_SYSTEM, UMASK, NULL, NUM(0));
    plan_op(b, PHASE_SYSTEM, CHDIR, "process.cwd", STR("/x"), NUM(1));
    plan_what(b, "cwd \"%s\"", "/x");
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, "process.args[0]", STR("sh"), STR("/bin"));
    plan_what(b, "exec: \"sh\"");
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR("sh"), STR("/bin"));
    plan_op(b, PHASE_WAIT, HOOK, "hooks.poststart[0]", STR("/h"), LIST(NULL), LIST(NULL), NUM(0),
            STR(NULL));
    plan = finish(b);
    blame(plan, 0, EPERM, STEP_MOVE_MOUNT,
          "linux.maskedPaths[3]: mask: move_mount: operation not permitted", "path, name and step");
    blame(plan, 1, EINVAL, STEP_NONE, "umask: invalid argument", "neither path nor step");
    blame(plan, 2, ENOENT, STEP_CHDIR, "process.cwd: cwd \"/x\": chdir: no such file or directory",
          "a text for the name");
    blame(plan, 2, 0, STEP_GETCWD, "process.cwd: cwd \"/x\": directory is outside the container",
          "no error number");
    blame(plan, 3, ENOENT, STEP_OPEN, "process.args[0]: exec: \"sh\": no such file or directory",
          "find-exec with a text tells no step");
    blame(plan, 4, ENOENT, STEP_OPEN, "find-exec: open: no such file or directory",
          "find-exec without one does");
    blame(plan, 5, 3, STEP_EXIT_STATUS, "hooks.poststart[0]: hook: exited with a failure: status 3",
          "an exit status");
    blame(plan, 5, 9, STEP_SIGNALED, "hooks.poststart[0]: hook: killed by a signal: 9", "a signal");
    blame(plan, 6, 1, 0, nonsense, "an operation that does not exist");
    blame(plan, UINT32_MAX, 1, 0, nonsense, "no operation at all");
    blame(plan, 0, 4096, 0, nonsense, "an error number that is too large");
    blame(plan, 0, -1, 0, nonsense, "an error number below 0");
    blame(plan, 0, 1, STEP_COUNT, nonsense, "a step that does not exist");
}

/* --- printing --------------------------------------------------------------------------------- */

static void printed(void)
{
    auto_free struct plan_header *plan = example();
    auto_text struct text text = {0}, json = {0};

    plan_print(plan, &text);
    check_text(text.at, example_text, "the plan for people");
    plan_print_json(plan, &json);
    check_text(json.at, example_json, "the plan for programs");
}

static void printed_empty(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = finish(b);
    auto_text struct text text = {0}, json = {0};

    plan_print(plan, &text);
    check(!text.length && !text.failed, "an empty plan is no text");
    plan_print_json(plan, &json);
    check_text(json.at,
               "{\"version\":1,\"preserveFds\":0,\"attachStage\":false,\"phases\":[],"
               "\"slots\":[],\"lateValues\":[\"pid\",\"home\"]}\n",
               "an empty plan as JSON");
}

/* --- any plan --------------------------------------------------------------------------------- */

static uint64_t state;

/* xorshift64*: the same plans in every run. */
static uint32_t any(uint32_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u) >> 33) % below;
}

#define STRINGS 16
static char strings[STRINGS][24];
static const char *lists[STRINGS + 1];

static void any_strings(void)
{
    for (int i = 0; i < STRINGS; i++) {
        size_t length = any(sizeof strings[i]);

        for (size_t j = 0; j < length; j++)
            strings[i][j] = (char)(any(4) ? 'a' + (int)any(26) : any(3) ? 1 : 1 + (int)any(255));
        strings[i][length] = '\0';
        lists[i] = strings[i];
    }
    lists[any(STRINGS)] = NULL;
}

static struct plan_value any_value(char type, unsigned n_slots, unsigned n_lates)
{
    static char templates[4][8];
    static const char *list[] = {templates[0], templates[1], templates[2], templates[3], NULL};

    for (int i = 0; i < 4; i++)
        snprintf(templates[i], sizeof templates[i], "%c\1%c%.2s", 'a' + i, 'A' + (char)any(n_lates),
                 any(2) ? "\1\1" : "xy");
    switch (type) {
    case 's':
        return STR(any(4) ? strings[any(STRINGS)] : NULL);
    case 't':
        return any(2) ? TEMPLATE(templates[any(4)]) : STR(any(4) ? strings[any(STRINGS)] : NULL);
    case 'l':
        return LIST(any(4) ? lists : NULL);
    case 'T':
        return any(2) ? TEMPLATES(list + any(5)) : LIST(any(4) ? lists : NULL);
    case 'b':
        return BYTES(strings, any(sizeof strings));
    case 'r':
    case 'w':
        return SLOT(any(n_slots));
    case 'L':
        return NUM(any(n_lates));
    default:
        return NUM(any(3) ? (uint64_t)any(4) << any(63)
                          : (uint64_t)any(UINT32_MAX) * any(UINT32_MAX));
    }
}

/* NULL if all is well. */
static const char *any_plan(void)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    auto_text struct text text = {0}, json = {0};
    auto_json struct json doc = {0};
    struct error err = {0};
    const char *why;
    unsigned n_slots = 1 + any(5), n_lates = LATE_BUILTIN_COUNT + any(5), n_ops = any(60);

    any_strings();
    for (unsigned i = 0; i < n_slots; i++)
        plan_slot(b, any(2) ? "slot" : strings[any(STRINGS)]);
    for (unsigned i = LATE_BUILTIN_COUNT; i < n_lates; i++)
        plan_late_add(b, strings[any(STRINGS)]);
    for (unsigned i = 0; i < n_ops; i++) {
        enum plan_kind kind = any(OP_COUNT);
        struct plan_value values[PLAN_ARGS_MAX];
        unsigned n = 0;

        for (char type; (type = plan_arg_type(plan_op_info[kind].signature, n, NULL, NULL)); n++)
            values[n] = any_value(type, n_slots, n_lates);
        /* What the arguments are is told by another argument: see system_calls(). */
        if (kind == OP_SYSCALL)
            values[2].number = 0;
        plan_speaker(b, strings[any(STRINGS)], any(4));
        plan_add(b, any(PHASE_COUNT), kind, any(2) ? strings[any(STRINGS)] : NULL, values, n);
        if (any(4) == 0)
            plan_what(b, "what %s", strings[any(STRINGS)]);
    }
    if (plan_finish(b, &plan, &err) < 0 || plan->n_ops != n_ops)
        return "it is not finished";
    if (plan_late_set(&plan, any(n_lates), strings[0], &err) < 0 ||
        plan_check(plan, plan->size, &why) < 0)
        return "it is unsound";
    plan_print(plan, &text);
    plan_print_json(plan, &json);
    if (text.failed || json.failed)
        return "it is not printed";
    if (json_parse(&doc, "plan", json.at, json.length, &err) < 0)
        return "its JSON is not valid";
    for (unsigned i = 0; i < 20; i++)
        if (plan_fail(plan, any(2 * n_ops + 1), (int)any(8192), any(2 * STEP_COUNT), &err) >= 0)
            return "its failure is none";
    return NULL;
}

/* `how` and the first argument of a system call with 4 bytes of memory, one slot and three late values. */
static int system_call(uint64_t how, uint64_t argument, struct text *printed)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    auto_free struct plan_header *plan = NULL;
    struct error err = {0};

    plan_slot(b, "device");
    plan_late_add(b, "index");
    plan_op(b, PHASE_PROCESS, SYSCALL, NULL, STR("x"), NUM(1), NUM(how), BYTES("abc", 4),
            NUM(argument), NUM(0), NUM(0), NUM(0), NUM(0), NUM(0));
    if (plan_finish(b, &plan, &err) < 0)
        return -1;
    plan_print(plan, printed);
    return 0;
}

static void system_calls(void)
{
    static const struct {
        const char *what, *shown;
        uint64_t how, argument;
    } cases[] = {
        {"a number", "a0=0x4d)", 0, 77},
        {"the end of the memory", "a0=0x4)", SYSCALL_POINTER(0), 4},
        {"a pointer behind the memory", NULL, SYSCALL_POINTER(0), 5},
        {"a slot", "a0=$device)", SYSCALL_SLOT(0), 0},
        {"no such slot", NULL, SYSCALL_SLOT(0), 1},
        {"a late number", "a0=<late: index>)", SYSCALL_NUMBER(0), 2},
        {"a late string", "a0=<late: index>)", SYSCALL_STRING(0), 2},
        {"no such late value", NULL, SYSCALL_STRING(0), 3},
        {"two things at once", NULL, SYSCALL_NUMBER(0) | SYSCALL_POINTER(0), 2},
        {"a bit that means nothing", NULL, SYSCALL_NUMBER(7), 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_text struct text printed = {0};
        int r = system_call(cases[i].how, cases[i].argument, &printed);

        check(cases[i].shown ? !r && strstr(printed.at, cases[i].shown) : r < 0, cases[i].what);
    }
}

static void any_plans(void)
{
    const char *wrong = NULL;
    unsigned i;

    for (i = 1; i <= 2000 && !wrong; i++) {
        state = i;
        wrong = any_plan();
    }
    if (!check(!wrong, "2000 random plans are sound and printed"))
        printf("# plan %u: %s\n", i - 1, wrong);
}

int main(void)
{
    order();
    misuse();
    data();
    alignment();
    speed();
    late_values();
    blames();
    printed();
    printed_empty();
    system_calls();
    any_plans();
    printf("1..%d\n", tests);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
