/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin host with the plugins of tests/plugins: who is opened, who is refused and why, what a
 * callback may do, and what `features` says. */
#include "core/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "build-config.h"

static int n_tests, n_failed;
static char built[PATH_MAX];   /* where the plugins were built */
static char base[64], dir[96]; /* where this test installs them */

static void ok(bool good, const char *what, const char *detail)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++n_tests, what);
    if (!good)
        printf("#   %s\n", detail);
    n_failed += !good;
}

static void is(const char *what, const char *got, const char *wanted)
{
    ok(!strcmp(got, wanted), what, got);
}

static void has(const char *what, const char *got, const char *wanted)
{
    ok(strstr(got, wanted), what, got);
}

/* --- installing ------------------------------------------------------------------------------- */

static void must(int r, const char *what)
{
    if (r < 0) {
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void in_dir(char *path, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s.so", dir, name);
}

static void install(const char *plugin, const char *as)
{
    char from[PATH_MAX + 64], to[PATH_MAX];
    auto_close int in = -1, out = -1;
    struct stat st;

    snprintf(from, sizeof from, "%s/%s.so", built, plugin);
    in_dir(to, as);
    must(in = open(from, O_RDONLY | O_CLOEXEC), from);
    must(fstat(in, &st), from);
    must(out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), to);
    must((int)sendfile(out, in, NULL, (size_t)st.st_size), to);
}

static void link_as(const char *target, const char *as)
{
    char path[PATH_MAX];

    in_dir(path, as);
    must(symlink(target, path), path);
}

/* The dynamic linker knows a file again by its path, so that every test has a directory of its own.
 */
static void new_directory(void)
{
    static int n;

    snprintf(dir, sizeof dir, "%s/%d", base, ++n);
    must(mkdir(dir, 0755), dir);
}

static void clear(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    must(d ? 0 : -1, dir);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            must(unlinkat(dirfd(d), e->d_name, 0), e->d_name);
    closedir(d);
    must(rmdir(dir), dir);
    new_directory();
}

/* --- containers ------------------------------------------------------------------------------- */

static struct error err;
static char message[2048];

static const char *told(int r)
{
    if (r < 0)
        error_format(&err, message, sizeof message);
    else
        message[0] = '\0';
    err = (struct error){0};
    return message;
}

static void start(struct container *c, const char *config)
{
    const char *facts = "{\"cgroup\": {\"layout\": \"v2\"}}";

    container_init(c);
    c->plugins.dir = dir;
    c->cgroup_manager = "disabled";
    c->builder = plan_new();
    must(json_parse(&c->config, "config.json", config, strlen(config), &err), err.text);
    must(json_parse(&c->facts, "facts", facts, strlen(facts), &err), err.text);
}

/* "" or the error. */
static const char *try(const char *config)
{
    auto_container struct container c;

    start(&c, config);
    return told(plugins_for_config(&c, &err));
}

/* The same, and how many plugins were opened. */
static const char *try_config(const char *config, size_t *opened)
{
    auto_container struct container c;
    const char *text;

    start(&c, config);
    text = told(plugins_for_config(&c, &err));
    *opened = c.plugins.n_opened;
    return text;
}

#define MEMORY "{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}}}"
#define UNSERVED                                                                                   \
    "linux.memoryPolicy.mode: no installed plugin serves this; install hozo-plugin-numa"

static void test_presence(void)
{
    char path[PATH_MAX];

    is("nobody serves it: path and package", try(MEMORY), UNSERVED);
    is("null is absent", try("{\"linux\": {\"memoryPolicy\": null}}"), "");
    install("numa-test", "linux.memoryPolicy");
    is("an installed plugin serves it", try(MEMORY), "");
    is("a field that the plugin does not own stays unserved",
       try("{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}, \"intelRdt\": {}}}"),
       "linux.intelRdt: no installed plugin serves this; install hozo-plugin-rdt");
    in_dir(path, "linux.memoryPolicy");
    must(unlink(path), path);
    is("removing the file removes the service", try(MEMORY), UNSERVED);
    link_as("/dev/null", "linux.memoryPolicy");
    has("a masked plugin is named as such", try(MEMORY),
        "the plugin that serves this is masked by");
    clear();
}

static void test_sections(void)
{
    is("no section, no plugin", try("{\"process\": {}, \"linux\": {}}"), "");
    is("limits that name none need nobody", try("{\"linux\": {\"resources\": {\"memory\": {}}}}"),
       "");
    is("a limit does", try("{\"linux\": {\"resources\": {\"pids\": {\"limit\": 1}}}}"),
       "linux.resources.pids.limit: no installed plugin serves this; install hozo-plugin-cgroup");
    is("an empty section acts by being there", try("{\"linux\": {\"intelRdt\": {}}}"),
       "linux.intelRdt: no installed plugin serves this; install hozo-plugin-rdt");
    is("null and a member that no specification knows make it no fuller",
       try("{\"linux\": {\"intelRdt\": {\"closID\": null, \"new\": 1}}}"),
       "linux.intelRdt: no installed plugin serves this; install hozo-plugin-rdt");
    is("in a value of a map neither", try("{\"linux\": {\"netDevices\": {\"a\": {\"new\": 1}}}}"),
       "linux.netDevices.a: no installed plugin serves this; install hozo-plugin-netdev");
    is("nor in limits", try("{\"linux\": {\"resources\": {\"memory\": {\"new\": 1}}}}"), "");
    is("so does the empty value of a map", try("{\"linux\": {\"netDevices\": {\"a.b\": {}}}}"),
       "linux.netDevices[\"a.b\"]: no installed plugin serves this; install hozo-plugin-netdev");
    is("freebsd", try("{\"freebsd\": {}}"),
       "freebsd: no installed plugin serves this; install hozo-plugin-freebsd");
    is("vm", try("{\"vm\": {\"kernel\": {\"path\": \"/k\"}}}"),
       "vm.kernel.path: no installed plugin serves this; install hozo-plugin-vm");
    is("another system's section is ignored", try("{\"windows\": {\"layerFolders\": [\"x\"]}}"),
       "");
    is("a member that no specification knows is ignored", try("{\"linux\": {\"acme\": 1}}"), "");
}

static void test_refusals(void)
{
    static const char *const refusals[][2] = {
        {"other-major", "is built for plugin interface 77, this hozo has 0"},
        {"newer-minor", "needs plugin interface 0.9, this hozo has 0.5"},
        {"wrong-magic", "is no plugin of hozo: its magic number is 0x00000001"},
        {"short", "has a descriptor of 16 bytes"},
        {"flags", "has flags that this hozo does not know: 0x4"},
        {"no-version", "has a descriptor without name, version or package"},
        {"rows", "has a broken table of fields: rows of 8 bytes"},
        {"no-symbol", "is no plugin of hozo: it has no symbol hozo_plugin"},
        {"wrong-name", "plugin broken-test may not be opened as linux.memoryPolicy, only as "
                       "linux.intelRdt"},
        {"of-the-core", "declares linux.devices[].path as its own, which is not a plugin's"},
        {"wrong-type", "declares linux.memoryPolicy.mode with another type"},
        {"unsound-path", "declares a field without a sound path: linux.memoryPolicy.[x"},
        {"annotation-field", "declares annotations.* as a field instead of an annotation"},
    };
    char start_of[PATH_MAX], what[128];

    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        install(refusals[i][0], "linux.memoryPolicy");
        snprintf(what, sizeof what, "refused: %s", refusals[i][0]);
        has(what, try(MEMORY), refusals[i][1]);
        snprintf(start_of, sizeof start_of, "linux.memoryPolicy: %s/", dir);
        snprintf(what, sizeof what, "with path and file: %s", refusals[i][0]);
        ok(!strncmp(message, start_of, strlen(start_of)), what, message);
        is("and harms no other container", try("{\"linux\": {}}"), "");
        clear();
    }
}

static void test_untrusted(void)
{
    char path[PATH_MAX];
    int fd;

    install("numa-test", "linux.memoryPolicy");
    in_dir(path, "linux.memoryPolicy");
    must(chmod(path, 0666), path);
    has("a file that others can write", try(MEMORY), "can be written by others");
    clear();
    in_dir(path, "linux.memoryPolicy");
    must(fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), path);
    must((int)write(fd, "no object\n", 10), path);
    close(fd);
    has("a file that is no shared object", try(MEMORY),
        "linux.memoryPolicy.so: cannot be loaded: ");
    clear();
}

static void test_rows(void)
{
    install("numa-test", "linux.memoryPolicy");
    is("the plugin's values narrow the specification's",
       try("{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_LOCAL\"}}}"),
       "linux.memoryPolicy.mode: \"MPOL_LOCAL\" is not one of MPOL_DEFAULT, MPOL_BIND, "
       "MPOL_PREFERRED");
    is("in lists as well",
       try("{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"flags\": "
           "[\"MPOL_F_STATIC_NODES\", \"MPOL_F_RELATIVE_NODES\"]}}}"),
       "linux.memoryPolicy.flags[1]: \"MPOL_F_RELATIVE_NODES\" is not one of MPOL_F_STATIC_NODES");
    is("a required member", try("{\"linux\": {\"memoryPolicy\": {\"nodes\": \"0\"}}}"),
       "linux.memoryPolicy.mode: is missing");
    is("a type", try("{\"linux\": {\"memoryPolicy\": {\"mode\": 1}}}"),
       "linux.memoryPolicy.mode: must be a string");
    clear();
}

static void test_claims(void)
{
    auto_container struct container c, d;

    install("numa-test", "linux.memoryPolicy");
    install("mode-only", "linux");
    has("two plugins that own one field", try(MEMORY), "linux.memoryPolicy.mode: both plugin ");
    has("are both named", message, "mode-only");
    clear();
    install("mode-only", "linux");
    is("the file of a section around serves too", try(MEMORY), "");
    link_as("linux.so", "linux.memoryPolicy");
    start(&c, MEMORY);
    is("links to one file", told(plugins_for_config(&c, &err)), "");
    ok(c.plugins.n_opened == 1, "are one plugin", "not one");
    clear();
    install("mode-only", "linux.memoryPolicy");
    install("circle", "linux.intelRdt");
    start(&d, "{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}, \"intelRdt\": {}}}");
    has("two files that are one plugin", told(plugins_for_config(&d, &err)),
        "two files are plugin mode-only: ");
    clear();
}

#define BOTH                                                                                       \
    "{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}, \"intelRdt\": {\"closID\": "        \
    "\"x\"}}}"

static void test_order(void)
{
    auto_container struct container c, d;

    install("mode-only", "linux.memoryPolicy");
    install("after-mode", "linux.intelRdt");
    start(&c, BOTH);
    is("a plugin that comes after another", told(plugins_for_config(&c, &err)), "");
    is("comes after it", c.plugins.opened[0]->d->name, "mode-only");
    clear();
    install("mode-only", "linux.memoryPolicy");
    install("a-first", "linux.intelRdt");
    start(&d, BOTH);
    is("without a word of theirs", told(plugins_for_config(&d, &err)), "");
    is("the name decides", d.plugins.opened[0]->d->name, "a-first");
    clear();
    install("circle", "linux.memoryPolicy");
    install("after-mode", "linux.intelRdt");
    is("a circle", try(BOTH), "the order of these plugins goes in a circle: after-mode, mode-only");
    clear();
}

/* Two directories: what a scan of both would have found. */
static int open_among(const char *first, const char *second, struct plugins *p)
{
    struct plugin_file *files = calloc(2, sizeof *files);

    files[0] = (struct plugin_file){.name = strdup("linux.memoryPolicy"), .path = strdup(first)};
    files[1] = (struct plugin_file){.name = strdup("linux.memoryPolicy"), .path = strdup(second)};
    *p = (struct plugins){.dir = dir, .scanned = true, .files = files, .n_files = 2};
    return plugins_open(p, "linux.memoryPolicy", &err);
}

static void test_two_directories(void)
{
    __attribute__((cleanup(plugins_free))) struct plugins one, two, three;
    char a[PATH_MAX], b[PATH_MAX], link[PATH_MAX], wanted[3 * PATH_MAX];

    install("numa-test", "a");
    install("numa-test", "b");
    link_as("a.so", "link");
    link_as("/dev/null", "null");
    in_dir(a, "a");
    in_dir(b, "b");
    in_dir(link, "link");
    snprintf(wanted, sizeof wanted, "two files serve linux.memoryPolicy: %s and %s", a, b);
    is("two files of one name", told(open_among(a, b, &one)), wanted);
    ok(open_among(a, link, &two) == 1, "are no two files if one is a link to the other", err.text);
    in_dir(link, "null");
    ok(open_among(a, link, &three) == 0 && !three.n_opened, "/dev/null in one directory masks both",
       err.text);
    clear();
}

static void test_other_files(void)
{
    auto_container struct container c;
    size_t opened;

    install("numa-test", "annotations.com.example.numa");
    start(&c, "{\"annotations\": {\"com.example.numa.hint\": \"x\"}}");
    is("an annotation opens", told(plugins_for_config(&c, &err)), "");
    ok(c.plugins.n_opened == 1, "its plugin", "none");
    is("one that is null is none",
       try_config("{\"annotations\": {\"com.example.numa.hint\": null}}", &opened), "");
    ok(!opened, "and opens nothing", "opened");
    install("watcher", "process@com.example.watch");
    is("a watcher is opened where its member is", try_config("{\"process\": {}}", &opened), "");
    ok(opened == 1, "and asked", "not asked");
    is("where it would not watch, it is not", try_config("{}", &opened), "");
    ok(!opened, "and not asked", "asked");
    clear();
    install("watcher", "linux.devices@com.example.watch");
    is("it serves nothing",
       try_config("{\"linux\": {\"devices\": [], \"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}}}",
                  &opened),
       "linux.memoryPolicy.mode: no installed plugin serves this; install hozo-plugin-numa");
    clear();
    link_as("/dev/null", "process@com.example.watch");
    is("a masked watcher is none", try("{\"process\": {}}"), "");
    clear();
}

static void test_cgroup_manager(void)
{
    auto_container struct container c, d, e;

    start(&c, "{}");
    c.cgroup_manager = "cgroupfs";
    is("every container has a cgroup manager", told(plugins_for_config(&c, &err)),
       "linux.cgroupsPath: no installed plugin serves this; install hozo-plugin-cgroup");
    start(&d, "{}");
    d.cgroup_manager = "systemd";
    is("systemd's is another", told(plugins_for_config(&d, &err)),
       "linux.cgroupsPath: no installed plugin serves this; install hozo-plugin-systemd");
    install("numa-test", "+cgroup-manager.cgroupfs");
    start(&e, "{}");
    e.cgroup_manager = "cgroupfs";
    is("it is opened though nothing names it", told(plugins_for_config(&e, &err)), "");
    ok(e.plugins.n_opened == 1, "once", "not once");
    clear();
}

static void test_process(void)
{
    auto_container struct container c;
    const char *with = "{\"args\": [\"x\"], \"apparmorProfile\": \"p\"}";
    auto_json struct json process = {0};

    start(&c, "{}");
    must(json_parse(&process, "process", with, strlen(with), &err), err.text);
    is("the process of exec is checked as well", told(plugins_for_process(&c, &process, &err)),
       "process.apparmorProfile: no installed plugin serves this; install hozo-plugin-apparmor");
}

static void test_recorded(void)
{
    struct state_plugin record = {
        .name = (char *)"numa-test", .version = (char *)"1", .as = (char *)"linux.memoryPolicy"};
    auto_container struct container c;

    start(&c, "{}");
    is("a recorded plugin must still be there",
       told(plugins_open_recorded(&c.plugins, &record, &err)),
       "the container uses plugin numa-test (linux.memoryPolicy.so), which is not installed; "
       "install "
       "hozo-plugin-numa");
    clear();

    auto_container struct container d;

    install("numa-test", "linux.memoryPolicy");
    start(&d, "{}");
    is("it is there", told(plugins_open_recorded(&d.plugins, &record, &err)), "");
    record.state_version = 2;
    is("what it kept must not be newer than it is",
       told(plugins_open_recorded(&d.plugins, &record, &err)),
       "plugin numa-test 1.2 reads its state up to version 0; the container's is 2, of 1");
    record.name = (char *)"another";
    is("it must be the same plugin", told(plugins_open_recorded(&d.plugins, &record, &err)),
       "linux.memoryPolicy.so is no longer plugin another, which the container uses");
    clear();
}

/* --- callbacks -------------------------------------------------------------------------------- */

static int run(struct container *c)
{
    if (plugins_for_config(c, &err) < 0 || plugins_call(c, STAGE_VALIDATE, &err) < 0 ||
        plugins_call(c, STAGE_PLAN, &err) < 0 || plan_finish(c->builder, &c->plan, &err) < 0 ||
        plugins_record(c, &err) < 0)
        return -1;
    return plugins_call(c, STAGE_PREPARE, &err);
}

static void test_broken_rules(void)
{
    static const char *const rules[][2] = {
        {"undeclared", "plugin broken-test reads process.env without declaring it"},
        {"undeclared-item", "plugin broken-test reads linux.sysctl without declaring it"},
        {"undeclared-annotation",
         "plugin broken-test reads annotation com.example.numa.hint without declaring it"},
        {"failing", "plugin broken-test: prepare failed and does not say why"},
        {"explaining", "linux.memoryPolicy.mode: set it: no such file or directory"},
        {"late-plan", "plugin broken-test calls hozo_plan_work in prepare"},
        {"early-state", "plugin broken-test calls hozo_state_set in validate"},
        {"not-json", "plugin broken-test keeps what is not JSON: "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        auto_container struct container c;
        char what[64];

        install(rules[i][0], "linux.memoryPolicy");
        start(&c, "{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\"}, \"sysctl\": {}}, "
                  "\"process\": {\"env\": [\"A=B\"]}}");
        snprintf(what, sizeof what, "breaking a rule: %s", rules[i][0]);
        told(run(&c));
        ok(!strncmp(message, rules[i][1], strlen(rules[i][1])), what, message);
        clear();
    }
}

static const struct plan_op *find_op(const struct plan_header *plan, enum plan_kind kind, size_t n)
{
    plan_for_each (op, plan) {
        if (op->kind == kind && !n--)
            return op;
    }
    return NULL;
}

static void test_cycle(void)
{
    auto_container struct container c;
    const struct plan_op *op;
    uint32_t size;

    install("numa-test", "linux.memoryPolicy");
    start(&c, "{\"linux\": {\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0\"}, "
              "\"sysctl\": {\"net.core.somaxconn\": \"1\", \"kernel.x\": \"2\"}}, "
              "\"process\": {\"user\": {\"uid\": 4294967295}}, "
              "\"annotations\": {\"com.example.numa.hint\": \"near\"}}");
    is("a plugin runs through", told(run(&c)), "");
    if (!c.plan || !(op = find_op(c.plan, OP_WORK, 0)))
        return;
    is("keys of maps may hold dots", plan_string(c.plan, op->path),
       "linux.sysctl[\"net.core.somaxconn\"]");
    is("work has its owner", plan_string(c.plan, op->owner), "numa-test");
    op = find_op(c.plan, OP_WORK, 2);
    ok(op && op->phase == PHASE_ATTACH, "work has its phase", "another");
    is("an annotation and a fact were read", plan_string(c.plan, op->arg[1]), "near");
    ok(*(const int64_t *)plan_bytes(c.plan, op->arg[2], &size) == 4294967295,
       "numbers keep their bits", "lost");
    op = find_op(c.plan, OP_SYSCALL, 0);
    ok(op && op->phase == PHASE_PROCESS && op->arg[1] == 238, "a system call", "another");
    is("prepare finds its work, and keeps a value", c.state.plugins[0].value,
       "{\"done\": 2, \"last\": \"2\"}");
    is("cleanup finds the value", told(plugins_end(&c, STAGE_CLEANUP, NULL, &err)), "");
    is("and replaces it", c.state.plugins[0].value, "null");
    clear();
}

/* --- features --------------------------------------------------------------------------------- */

static void features(struct json *doc)
{
    __attribute__((cleanup(plugins_free))) struct plugins p = {.dir = dir};
    auto_text struct text text = {0};

    must(features_print(&p, NULL, &text, &err), err.text);
    json_free(doc);
    must(json_parse(doc, "features", text.at, text.length, &err), err.text);
}

static void tree_is(const char *what, const struct json *doc, const cJSON *node, const char *wanted)
{
    auto_text struct text text = {0};

    if (node)
        text_json_tree(&text, doc, node);
    is(what, text.at ? text.at : "absent", wanted);
}

static void test_features(void)
{
    auto_json struct json doc = {0};
    const cJSON *linux_, *annotations;
    char digest[65];

    features(&doc);
    linux_ = json_get(doc.root, "linux");
    annotations = json_get(doc.root, "annotations");
    is("the specification's version", json_string(doc.root, "ociVersionMax", ""), "1.3.0");
    tree_is("hooks", &doc, json_get(doc.root, "hooks"),
            "[\"prestart\",\"createRuntime\",\"createContainer\",\"startContainer\",\"poststart\","
            "\"poststop\"]");
    tree_is("without plugins: cgroup", &doc, json_get(linux_, "cgroup"),
            "{\"v1\":false,\"v2\":false,\"systemd\":false,\"systemdUser\":false,\"rdma\":false}");
    tree_is("without plugins: memoryPolicy", &doc, json_get(linux_, "memoryPolicy"),
            "{\"modes\":[],\"flags\":[]}");
    tree_is("without plugins: seccomp", &doc, json_get(linux_, "seccomp"), "{\"enabled\":false}");
    tree_is("without plugins: no unsafe annotations", &doc,
            json_get(doc.root, "potentiallyUnsafeConfigAnnotations"), "[]");
    is("the first capability", json_get(linux_, "capabilities")->child->valuestring, "CAP_CHOWN");
    is("the list of plugins", json_string(annotations, "hozo.plugins", "absent"), "");
    ok(!json_get(annotations, "hozo.plugins.broken"), "nothing is broken", "something is");
    snprintf(digest, sizeof digest, "%s", json_string(annotations, "hozo.plugins.digest", ""));
    is("digest of nothing", digest,
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    install("numa-test", "linux.memoryPolicy");
    install("other-major", "linux.intelRdt");
    link_as("/dev/null", "linux.seccomp");
    features(&doc);
    linux_ = json_get(doc.root, "linux");
    annotations = json_get(doc.root, "annotations");
    tree_is("a plugin's lists are those that it checks with", &doc,
            json_get(linux_, "memoryPolicy"),
            "{\"modes\":[\"MPOL_DEFAULT\",\"MPOL_BIND\",\"MPOL_PREFERRED\"],"
            "\"flags\":[\"MPOL_F_STATIC_NODES\"]}");
    ok(json_bool(json_get(linux_, "cgroup"), "v2", false), "a plugin's constant", "absent");
    tree_is("declared annotations are unsafe", &doc,
            json_get(doc.root, "potentiallyUnsafeConfigAnnotations"), "[\"com.example.numa.\"]");
    is("the list of plugins then", json_string(annotations, "hozo.plugins", ""), "numa-test 1.2");
    has("a broken one is absent and named", json_string(annotations, "hozo.plugins.broken", ""),
        "linux.intelRdt.so: is built for plugin interface 77");
    ok(strlen(json_string(annotations, "hozo.plugins.digest", "")) == 64 &&
           strcmp(digest, json_string(annotations, "hozo.plugins.digest", "")),
       "the digest is another then", digest);
    clear();
}

static int list(struct text *text)
{
    __attribute__((cleanup(plugins_free))) struct plugins p = {.dir = dir};

    text_free(text);
    return plugins_list(&p, text, &err);
}

static void test_list(void)
{
    auto_text struct text text = {0};

    install("numa-test", "linux.memoryPolicy");
    link_as("linux.memoryPolicy.so", "annotations.com.example.numa");
    link_as("/dev/null", "linux.seccomp");
    ok(list(&text) == 0, "plugin list: all is well", text.at);
    has("an opened one", text.at, "linux.memoryPolicy               numa-test 1.2        /");
    has("a masked one", text.at, "linux.seccomp                    masked               /");
    install("numa-test", "linux.devices");
    ok(list(&text) == 1, "plugin list: a file that takes the core's", text.at);
    has("says so", text.at, "linux.devices.so: the section is not a plugin's to serve\n");
    install("no-symbol", "linux.intelRdt");
    install("watcher", "process@com.example.watch");
    install("watcher", "process.acme@com.example.watch");
    install("numa-test", "linux.acme");
    ok(list(&text) == 1, "plugin list: broken ones", text.at);
    has("a broken one", text.at, "linux.intelRdt.so: is no plugin of hozo");
    has("a watcher", text.at, "process@com.example.watch        broken-test 1        /");
    has("one of nothing", text.at,
        "watch.so: the specification has no such member to be watched\n");
    has("a stray one", text.at, "linux.acme.so: the specification has no such section\n");
    clear();
}

int main(void)
{
    ssize_t n = readlink("/proc/self/exe", built, sizeof built - 32);

    if (HOZO_STATIC_PLUGINS_BUILD) {
        printf("1..0 # SKIP the plugins are built in\n");
        return 0;
    }
    must((int)n, "/proc/self/exe");
    built[n] = '\0';
    *strrchr(built, '/') = '\0';
    strcat(built, "/../plugins");
    /* Many hosts mount /tmp or /run noexec, from where nothing can be loaded. */
    strcpy(base, geteuid() ? "/tmp/hozo-test-XXXXXX" : "/var/lib/hozo-test-XXXXXX");
    umask(022);
    must(mkdtemp(base) ? 0 : -1, base);
    must(chmod(base, 0755), base);
    new_directory();
    test_presence();
    test_sections();
    test_refusals();
    test_untrusted();
    test_rows();
    test_claims();
    test_order();
    test_two_directories();
    test_other_files();
    test_cgroup_manager();
    test_process();
    test_recorded();
    test_broken_rules();
    test_cycle();
    test_features();
    test_list();
    must(rmdir(dir), dir);
    must(rmdir(base), base);
    printf("1..%d\n", n_tests);
    return n_failed > 0;
}
