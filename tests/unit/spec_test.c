/* SPDX-License-Identifier: Apache-2.0 */
/* The tables against themselves and against configurations, good and bad. */
#include "core/spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static int n_tests, n_failed;

static PRINTF(2, 3) void ok(bool good, const char *fmt, ...)
{
    va_list ap;

    printf("%s %d - ", good ? "ok" : "not ok", ++n_tests);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    n_failed += !good;
}

static void same(const char *got, const char *wanted, const char *what)
{
    bool equal = strcmp(got, wanted) == 0;

    ok(equal, "%s", what);
    if (!equal)
        printf("#      got: %s\n#   wanted: %s\n", got, wanted);
}

/* "" if the text passes, else the error. */
static void check(const char *text, const struct spec_field *table, const char *path, char *message,
                  size_t room)
{
    auto_json struct json doc = {0};
    struct error err = {0};

    message[0] = '\0';
    if (json_parse(&doc, "t", text, strlen(text), &err) < 0 ||
        spec_check(&doc, doc.root, table, path, &err) < 0)
        error_format(&err, message, room);
}

/* --- the tables themselves ----------------------------------------------------------------------
 */

struct audit {
    unsigned rows, wrong;
};

static void audit_row(struct audit *a, const char *path, const struct spec_field *row, int depth);

static void audit_table(struct audit *a, const char *path, const struct spec_field *table,
                        int depth)
{
    for (const struct spec_field *row = table; row->name; row++) {
        char name[256];

        snprintf(name, sizeof name, "%s%s%s", path, *path ? "." : "", row->name);
        if (spec_member(table, row->name) != row) {
            printf("# %s: twice in its table\n", name);
            a->wrong++;
        }
        audit_row(a, name, row, depth);
    }
}

static void audit_row(struct audit *a, const char *path, const struct spec_field *row, int depth)
{
    bool container = row->type == SPEC_OBJECT || row->type == SPEC_MAP || row->type == SPEC_ARRAY;
    bool number = row->type == SPEC_INT || row->type == SPEC_UINT;
    bool bits = row->bits >= 8 && row->bits <= 64;

    if (container != !!row->members || number != bits || (row->bits && !number) ||
        (row->values && row->type != SPEC_STRING) ||
        (row->server == SERVED_BY_PLUGIN) != !!row->package || depth > 12) {
        printf("# %s: the row contradicts itself\n", path);
        a->wrong++;
        return;
    }
    a->rows++;
    if (row->type == SPEC_OBJECT) {
        audit_table(a, path, row->members, depth + 1);
    } else if (container) {
        auto_free char *name = NULL;
        bool array = row->type == SPEC_ARRAY;

        if (asprintf(&name, "%s%s", path, array ? "[]" : ".*") < 0)
            abort();
        if (strcmp(row->members->name, array ? "[]" : "*") || row->members->server != row->server) {
            printf("# %s: the element's row is another's\n", name);
            a->wrong++;
        }
        audit_row(a, name, row->members, depth + 1);
    }
}

/* Below a member that is not the core's, everything is served by the same. */
static unsigned inherited(const struct spec_field *table, const struct spec_field *above)
{
    unsigned wrong = 0;

    for (const struct spec_field *row = table; row->name; row++) {
        if (above && above->server != SERVED_BY_CORE &&
            (row->server != above->server ||
             (row->package && strcmp(row->package, above->package) != 0))) {
            printf("# %s: not served as what is around it\n", row->name);
            wrong++;
        }
        if (row->type == SPEC_OBJECT)
            wrong += inherited(row->members, row);
        else if (row->members && row->members->type == SPEC_OBJECT)
            wrong += inherited(row->members->members, row);
    }
    return wrong;
}

static const struct spec_field *row_at(const char *const *names)
{
    const struct spec_field *row = spec_member(spec_config, *names);

    while (row && *++names) {
        while (row->type == SPEC_ARRAY || row->type == SPEC_MAP)
            row = row->members;
        row = row->type == SPEC_OBJECT ? spec_member(row->members, *names) : NULL;
    }
    return row;
}

static void test_tables(void)
{
    static const struct {
        const char *names[8];
        enum spec_server server;
        const char *package;
    } cases[] = {
        {{"ociVersion"}, SERVED_BY_CORE, NULL},
        {{"process", "user", "uid"}, SERVED_BY_CORE, NULL},
        {{"process", "user", "username"}, SERVED_NOT, NULL},
        {{"process", "commandLine"}, SERVED_NOT, NULL},
        {{"process", "scheduler", "policy"}, SERVED_BY_CORE, NULL},
        {{"process", "apparmorProfile"}, SERVED_BY_PLUGIN, "hozo-plugin-apparmor"},
        {{"process", "selinuxLabel"}, SERVED_BY_PLUGIN, "hozo-plugin-selinux"},
        {{"mounts", "options"}, SERVED_BY_CORE, NULL},
        {{"mounts", "uidMappings", "hostID"}, SERVED_BY_CORE, NULL},
        {{"hooks", "createContainer", "timeout"}, SERVED_BY_CORE, NULL},
        {{"linux", "namespaces", "type"}, SERVED_BY_CORE, NULL},
        {{"linux", "gidMappings", "size"}, SERVED_BY_CORE, NULL},
        {{"linux", "timeOffsets", "secs"}, SERVED_BY_CORE, NULL},
        {{"linux", "personality", "domain"}, SERVED_BY_CORE, NULL},
        {{"linux", "mountLabel"}, SERVED_BY_PLUGIN, "hozo-plugin-selinux"},
        {{"linux", "cgroupsPath"}, SERVED_BY_PLUGIN, "hozo-plugin-cgroup"},
        {{"linux", "resources", "blockIO", "weightDevice", "leafWeight"},
         SERVED_BY_PLUGIN,
         "hozo-plugin-cgroup"},
        {{"linux", "seccomp", "syscalls", "args", "valueTwo"},
         SERVED_BY_PLUGIN,
         "hozo-plugin-seccomp"},
        {{"linux", "intelRdt", "enableMonitoring"}, SERVED_BY_PLUGIN, "hozo-plugin-rdt"},
        {{"linux", "memoryPolicy", "flags"}, SERVED_BY_PLUGIN, "hozo-plugin-numa"},
        {{"linux", "netDevices", "name"}, SERVED_BY_PLUGIN, "hozo-plugin-netdev"},
        {{"vm", "hwConfig", "iomems", "nrMFNs"}, SERVED_BY_PLUGIN, "hozo-plugin-vm"},
        {{"vm", "hwconfig", "vcpus"}, SERVED_BY_PLUGIN, "hozo-plugin-vm"},
        {{"freebsd", "jail", "allow", "suser"}, SERVED_BY_PLUGIN, "hozo-plugin-freebsd"},
        {{"windows"}, SERVED_ELSEWHERE, NULL},
        {{"solaris"}, SERVED_ELSEWHERE, NULL},
        {{"zos"}, SERVED_ELSEWHERE, NULL},
    };
    struct audit a = {0};

    audit_table(&a, "", spec_config, 0);
    ok(!a.wrong && a.rows > 200, "%u rows, %u of them wrong", a.rows, a.wrong);
    ok(inherited(spec_config, NULL) == 0, "what lies in a served member is served by the same");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct spec_field *row = row_at(cases[i].names);
        size_t last = 0;

        while (cases[i].names[last + 1])
            last++;
        ok(row && row->server == cases[i].server && !row->package == !cases[i].package &&
               (!row->package || strcmp(row->package, cases[i].package) == 0),
           "who serves %s ... %s", cases[i].names[0], cases[i].names[last]);
    }
    ok(!spec_member(spec_config, "Process") && !spec_member(spec_config, "") &&
           !spec_member(NULL, "x"),
       "names that no row has");
}

/* --- configurations -----------------------------------------------------------------------------
 */

/* clang-format off */
#define V "\"ociVersion\":\"1.3.0\""

static const struct {
    const char *text, *error;
} cases[] = {
    {"{" V "}", ""},
    {"{" V ",\"com.example\":{\"x\":[1]},\"windows\":7}", ""},
    {"{" V ",\"process\":null,\"mounts\":null,\"linux\":{\"sysctl\":{\"a\":null}}}", ""},
    {"[]", "the top must be an object"},
    {"{}", "ociVersion: is missing"},
    {"{\"ociVersion\":null}", "ociVersion: is missing"},
    {"{\"ociVersion\":1}", "ociVersion: must be a string"},
    {"{\"OCIVersion\":\"1.3.0\"}", "ociVersion: is missing"},
    {"{" V ",\"root\":{}}", "root.path: is missing"},
    {"{" V ",\"root\":[]}", "root: must be an object"},
    {"{" V ",\"root\":{\"path\":\"\",\"readonly\":1}}", "root.readonly: must be true or false"},
    {"{" V ",\"mounts\":{}}", "mounts: must be an array"},
    {"{" V ",\"mounts\":[{\"destination\":\"/\"},{}]}", "mounts[1].destination: is missing"},
    {"{" V ",\"mounts\":[null]}", "mounts[0]: must be an object"},
    {"{" V ",\"mounts\":[{\"destination\":\"/\",\"options\":[\"ro\",2]}]}",
     "mounts[0].options[1]: must be a string"},
    {"{" V ",\"annotations\":{\"a.b/c\":1}}", "annotations[\"a.b/c\"]: must be a string"},
    {"{" V ",\"annotations\":{\"q\\\"\\n\":1}}", "annotations[\"q\\\"\\n\"]: must be a string"},
    {"{" V ",\"annotations\":{\"\":1}}", "annotations[\"\"]: must be a string"},
    {"{" V ",\"hooks\":{\"poststop\":[{\"path\":\"/x\"},{\"args\":[]}]}}",
     "hooks.poststop[1].path: is missing"},
    {"{" V ",\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}}",
     "hooks.prestart[0].timeout: must be a number from 1 to 2147483647"},
    /* process */
    {"{" V ",\"process\":{}}", "process.cwd: is missing"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":4294967295}}}", ""},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":4294967296}}}",
     "process.user.uid: must be a number from 0 to 4294967295"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"gid\":-1}}}",
     "process.user.gid: must be a number from 0 to 4294967295"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":1e3}}}",
     "process.user.uid: must be a number from 0 to 4294967295"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"additionalGids\":[0,\"1\"]}}}",
     "process.user.additionalGids[1]: must be a number from 0 to 4294967295"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"oomScoreAdj\":-2147483648}}", ""},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"oomScoreAdj\":2147483648}}",
     "process.oomScoreAdj: must be a number from -2147483648 to 2147483647"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"consoleSize\":{\"height\":1}}}",
     "process.consoleSize.width: is missing"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
     "\"soft\":18446744073709551615,\"hard\":18446744073709551615}]}}", ""},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
     "\"soft\":1,\"hard\":18446744073709551616}]}}",
     "process.rlimits[0].hard: must be a number from 0 to 18446744073709551615"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"NOFILE\","
     "\"soft\":1,\"hard\":1}]}}",
     "process.rlimits[0].type: \"NOFILE\" is not one of RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, "
     "RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, "
     "RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, "
     "RLIMIT_STACK"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_ANY\"]}}}", ""},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"capabilities\":[\"CAP_KILL\"]}}",
     "process.capabilities: must be an object"},
    {"{" V ",\"process\":{\"cwd\":\"/\",\"ioPriority\":{\"class\":\"RT\",\"priority\":1}}}",
     "process.ioPriority.class: \"RT\" is not one of IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, "
     "IOPRIO_CLASS_IDLE"},
    /* linux */
    {"{" V ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"net\"}]}}",
     "linux.namespaces[1].type: \"net\" is not one of pid, network, mount, ipc, uts, user, cgroup, "
     "time"},
    {"{" V ",\"linux\":{\"sysctl\":{\"net.ipv4.ip_forward\":1}}}",
     "linux.sysctl[\"net.ipv4.ip_forward\"]: must be a string"},
    {"{" V ",\"linux\":{\"rootfsPropagation\":\"rslave\"}}", ""},
    {"{" V ",\"linux\":{\"rootfsPropagation\":\"\"}}",
     "linux.rootfsPropagation: \"\" is not one of shared, slave, private, unbindable, rshared, "
     "rslave, rprivate, runbindable"},
    {"{" V ",\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"a\"}]}}",
     "linux.devices[0].type: \"a\" is not one of c, b, u, p"},
    {"{" V ",\"linux\":{\"resources\":{\"devices\":[{\"allow\":false},{\"allow\":true},"
     "{\"allow\":true,\"major\":9223372036854775808}]}}}",
     "linux.resources.devices[2].major: must be a number from -9223372036854775808 to "
     "9223372036854775807"},
    {"{" V ",\"linux\":{\"resources\":{\"pids\":{}}}}", "linux.resources.pids.limit: is missing"},
    {"{" V ",\"linux\":{\"resources\":{\"blockIO\":{\"weight\":65536}}}}",
     "linux.resources.blockIO.weight: must be a number from 0 to 65535"},
    {"{" V ",\"linux\":{\"resources\":{\"unified\":{\"memory.high\":1}}}}",
     "linux.resources.unified[\"memory.high\"]: must be a string"},
    {"{" V ",\"linux\":{\"resources\":{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":\"3\"}}}}}",
     "linux.resources.rdma.mlx5_1.hcaHandles: must be a number from 0 to 4294967295"},
    {"{" V ",\"linux\":{\"netDevices\":{\"eth0\":{\"name\":23}}}}",
     "linux.netDevices.eth0.name: must be a string"},
    {"{" V ",\"linux\":{\"seccomp\":{}}}", "linux.seccomp.defaultAction: is missing"},
    {"{" V ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
     "\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_KILL\"}]}}}",
     "linux.seccomp.syscalls[0].names: must not be empty"},
    {"{" V ",\"linux\":{\"memoryPolicy\":{\"nodes\":\"\"}}}",
     "linux.memoryPolicy.mode: is missing"},
    {"{" V ",\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_X\"}}}",
     "linux.memoryPolicy.mode: \"MPOL_X\" is not one of MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE, "
     "MPOL_WEIGHTED_INTERLEAVE, MPOL_PREFERRED, MPOL_PREFERRED_MANY, MPOL_LOCAL"},
    {"{" V ",\"linux\":{\"personality\":{\"domain\":\"0123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567890123456789012345678901234567890123456789\"}}}",
     "linux.personality.domain: \"0123456789012345678901234567890123456789012345678901234567890123456"
     "7890123456789012345678901234567890123456789012345678… is not one of LINUX, LINUX32"},
    {"{" V ",\"linux\":{\"timeOffsets\":{\"boottime\":{\"nanosecs\":-1}}}}",
     "linux.timeOffsets.boottime.nanosecs: must be a number from 0 to 4294967295"},
    /* vm, freebsd */
    {"{" V ",\"vm\":{}}", "vm.kernel: is missing"},
    {"{" V ",\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hypervisor\":{\"path\":\"\"},"
     "\"image\":{\"path\":\"\",\"format\":\"\"},\"hwconfig\":{\"irqs\":[1]}}}", ""},
    {"{" V ",\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"iomems\":[{\"firstMFN\":1}]}}}",
     "vm.hwConfig.iomems[0].nrMFNs: is missing"},
    {"{" V ",\"vm\":{\"kernel\":{\"path\":\"/k\"},\"image\":{\"path\":\"/i\",\"format\":\"iso\"}}}",
     "vm.image.format: \"iso\" is not one of raw, qcow2, vdi, vmdk, vhd, \"\""},
    {"{" V ",\"freebsd\":{\"jail\":{\"vnet\":\"disable\"}}}",
     "freebsd.jail.vnet: \"disable\" is not one of new, inherit"},
    {"{" V ",\"freebsd\":{\"jail\":{\"enforceStatfs\":256}}}",
     "freebsd.jail.enforceStatfs: must be a number from 0 to 255"},
};
/* clang-format on */

static void test_check(void)
{
    char message[1400];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check(cases[i].text, spec_config, "", message, sizeof message);
        same(message, cases[i].error, cases[i].text);
    }
    check("{\"args\":[\"a\",1],\"cwd\":\"/\"}", spec_process, "process", message, sizeof message);
    same(message, "process.args[1]: must be a string", "a process alone");
    check("{\"args\":[\"a\"]}", spec_process, "process", message, sizeof message);
    same(message, "process.cwd: is missing", "a process without cwd");
    check("7", spec_process, "process", message, sizeof message);
    same(message, "process: must be an object", "a process that is a number");
}

/* --- walk ---------------------------------------------------------------------------------------
 */

struct visits {
    struct text seen;
    const char *stay_out, *stop;
};

static int visit(void *data, const char *path, const cJSON *node, const struct spec_field *row)
{
    struct visits *v = data;

    (void)node;
    text_add(&v->seen, "%s=%s ", path, row->name);
    if (v->stop && strcmp(path, v->stop) == 0)
        return -7;
    return v->stay_out && strcmp(path, v->stay_out) == 0;
}

static void walk_case(const char *stay_out, const char *stop, int rc, const char *wanted,
                      const char *what)
{
    static const char text[] =
        "{\"x.y\":1,\"hostname\":\"h\",\"zos\":{\"a\":1},\"root\":{\"path\":\"r\",\"z\":[]},"
        "\"linux\":{\"sysctl\":{\"a.b\":\"1\",\"n\":null,\"c\":\"2\"},\"maskedPaths\":[\"p\",\"q\"]"
        ","
        "\"seccomp\":null,\"namespaces\":[{\"type\":\"pid\"}]}}";
    auto_json struct json doc = {0};
    struct visits v = {.stay_out = stay_out, .stop = stop};
    struct spec_visit visitor = {visit, &v};
    struct error err;

    if (json_parse(&doc, "t", text, strlen(text), &err) == 0)
        ok(spec_walk(doc.root, spec_config, "", &visitor) == rc, "%s: its result", what);
    same(v.seen.at ? v.seen.at : "", wanted, what);
    text_free(&v.seen);
}

static void test_walk(void)
{
    walk_case(NULL, NULL, 0,
              "hostname=hostname zos=zos root=root root.path=path linux=linux "
              "linux.sysctl=sysctl linux.sysctl[\"a.b\"]=* linux.sysctl.c=* "
              "linux.maskedPaths=maskedPaths linux.maskedPaths[0]=[] linux.maskedPaths[1]=[] "
              "linux.namespaces=namespaces linux.namespaces[0]=[] linux.namespaces[0].type=type ",
              "a walk in the order of the document");
    walk_case("linux", NULL, 0,
              "hostname=hostname zos=zos root=root root.path=path linux=linux ",
              "a walk that stays out of linux");
    walk_case(NULL, "linux.sysctl.c", -7,
              "hostname=hostname zos=zos root=root root.path=path linux=linux linux.sysctl=sysctl "
              "linux.sysctl[\"a.b\"]=* linux.sysctl.c=* ",
              "a walk that is stopped");
}

/* --- the specification's own examples ------------------------------------------------------------
 */

/* Ranges and patterns that are left to whom serves the field, so no error here. */
static bool checked_later(const char *name)
{
    return strcmp(name, "linux-hugepage.json") == 0;
}

static void test_examples_in(const char *dir, const char *kind, bool pass)
{
    auto_text struct text path = {0};
    DIR *d;

    text_add(&path, "%s/config/%s", dir, kind);
    d = opendir(path.at);
    if (!d) {
        ok(false, "open %s", path.at);
        return;
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        auto_json struct json doc = {0};
        struct error err = {0};
        char message[1400];
        bool passed;

        if (e->d_name[0] == '.' || checked_later(e->d_name))
            continue;
        passed = json_read(&doc, dirfd(d), e->d_name, &err) == 0 &&
                 spec_check(&doc, doc.root, spec_config, "", &err) == 0;
        error_format(&err, message, sizeof message);
        ok(passed == pass, "example %s/%s%s%s", kind, e->d_name, *message ? ": " : "", message);
    }
    closedir(d);
}

static void test_examples(void)
{
    const char *dir = getenv("HOZO_SPEC_EXAMPLES");

    if (!dir || !*dir) {
        ok(true, "the specification's examples # SKIP HOZO_SPEC_EXAMPLES names no directory");
        return;
    }
    test_examples_in(dir, "good", true);
    test_examples_in(dir, "bad", false);
}

int main(void)
{
    test_tables();
    test_check();
    test_walk();
    test_examples();
    printf("1..%d\n", n_tests);
    return n_failed != 0;
}
