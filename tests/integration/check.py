# SPDX-License-Identifier: Apache-2.0
"""hozo check: each member of a configuration, who serves it, and what create would say."""
import json
import os

from harness import same, test
from plugin_directory import FILE, SOURCE, PluginDirectory

HOST = os.path.join(os.path.dirname(__file__), "../plans/hosts/v2.json")
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

# Opened by an annotation or as a watcher; reads the annotation and adds to the configuration.
ACME = r"""
#include <hozo/plugin.h>

#ifndef ASIDE
#define ASIDE 0
#endif

static const struct hozo_annotation annotations[] = {{"com.acme.", HOZO_OWN, "What to add."}};
static const struct hozo_field fields[] = {
    {"process.env[]", HOZO_STRING, HOZO_READ, 0, 0, 0, 0, "A variable."},
    {"linux.acme.mode", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "Of no specification."},
};
static const char *const names[] = {"annotations.com.acme", "process@com.acme", "linux.devices@com.acme"};

static int adjust(struct hozo_ctx *ctx)
{
    static const char policy[] = "{\"mode\": \"MPOL_LOCAL\"}";
    struct hozo_device device = {sizeof(device), 0, "/dev/acme", "c", "rw", 1, 3, 0, 0};
    const char *what;

    if (ASIDE)
        return 1;
    if (hozo_annotation(ctx, "com.acme.add", &what) < 1)
        return 0;
    if (*what == 'p')
        return hozo_add_member(ctx, "linux", "memoryPolicy", policy, sizeof(policy) - 1);
    return hozo_add_env(ctx, "ACME", what) < 0 || hozo_add_device(ctx, &device) < 0 ? -1 : 0;
}

HOZO_PLUGIN(acme) = {
    HOZO_HEADER, .name = "com.acme", .version = "7", .package = "acme", .summary = "A test.",
    .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields), .annotations = HOZO_TABLE(annotations),
    .adjust = adjust,
};
"""


def configuration(**linux):
    return {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": ["true"]},
            "linux": {"namespaces": [{"type": "mount"}], **linux}}


class Directory(PluginDirectory):
    def check(self, config, *options, **more):
        """The result of hozo check for an unprivileged user; `.rows` is {name: (server, text)}."""
        self.box.count += 1
        bundle = f"{self.box.dir}/check{self.box.count}"
        os.mkdir(bundle)
        with open(f"{bundle}/config.json", "w") as f:
            json.dump(config, f)
        r = self.hozo("check", "--bundle", bundle, "--host", HOST, *options, **{**NOBODY, **more})
        r.rows = {}
        for line in r.out.splitlines():
            name, server, text = [" ".join(column) for column in columns(line)]
            assert name not in r.rows, f"{name} has two rows\n{r}"
            r.rows[name] = (server, text)
        self.box.nothing_left()
        return r


def columns(line):
    """Columns are separated by two blanks at least."""
    words = [w.strip() for w in line.split("  ") if w.strip()]
    return [words[0].split(), words[1].split(), " ".join(words[2:]).split()]


def refused(r, text):
    """As every refusal: one line on standard error, behind a table that is whole."""
    r.ends(1)
    same(r.err.count("\n"), 1)
    assert text in r.err, r
    return r


CORE, CGROUP = ("core", "applied"), ("cgroup 0.1.0", "applied")
MANAGER = {"+cgroup-manager.cgroupfs": ("cgroup 0.1.0", "manages the control group")}
PLAIN = {"ociVersion": CORE, "root.path": CORE, "process.cwd": CORE, "process.args": CORE,
         "linux.namespaces": CORE}


@test(sanitized=False)
def each_member_is_told_with_whoever_serves_it(box):
    plugins = Directory(box)
    plugins.add()
    r = plugins.check(configuration(
        namespaces=[{"type": "mount"}, {"type": "ipc"}], sysctl={"kernel.msgmax": "1"},
        cgroupsPath="/x", memoryPolicy={"mode": "MPOL_LOCAL"},
        devices=[{"type": "c", "path": "/dev/x", "major": 1, "minor": 3}] * 2,
        resources={"devices": [{"allow": False}, {"allow": True, "type": "c"}], "pids": {"limit": 3}}))
    same(r.ok().rows, {
        **PLAIN, "linux.sysctl": CORE, "linux.devices": CORE, "linux.cgroupsPath": CGROUP,
        "linux.memoryPolicy.mode": ("test-numa 1.2.3", "applied"),
        "linux.resources.devices[].allow": CGROUP, "linux.resources.devices[].type": CGROUP,
        "linux.resources.pids.limit": CGROUP, **MANAGER})
    same(r.err, "")


@test(sanitized=False)
def what_is_not_served_does_not_hide_the_rest(box):
    plugins = Directory(box)
    plugins.add()
    plugins.without("process.apparmorProfile", "linux.seccomp", "linux.netDevices")
    config = configuration(
        netDevices={"eth0": {"name": "a"}, "eth1": {}}, personality={"domain": "LINUX"},
        memoryPolicy={"mode": "MPOL_LOCAL", "flags": ["MPOL_F_STATIC_NODES"]}, resources={"cpu": {"shares": 2}},
        seccomp={"defaultAction": "SCMP_ACT_ALLOW",
                 "syscalls": [{"names": [n], "action": "SCMP_ACT_ERRNO"} for n in "abc"]})
    config["process"]["apparmorProfile"] = "x"
    r = refused(plugins.check(config),
                "process.apparmorProfile: no installed plugin serves this; install hozo-plugin-apparmor")
    absent = {f: ("-", f"error: no installed plugin serves this; install hozo-plugin-{p}") for f, p in (
        ("process.apparmorProfile", "apparmor"), ("linux.netDevices.eth0.name", "netdev"),
        ("linux.netDevices.eth1", "netdev"), ("linux.seccomp.defaultAction", "seccomp"),
        ("linux.seccomp.syscalls[].names", "seccomp"), ("linux.seccomp.syscalls[].action", "seccomp"))}
    same(r.rows, {
        **PLAIN, **absent, **MANAGER, "linux.resources.cpu.shares": CGROUP,
        "linux.personality": CORE, "linux.memoryPolicy.mode": ("test-numa 1.2.3", "applied"),
        "linux.memoryPolicy.flags": ("-", "error: is not served by the installed test-package 1.2.3")})


@test(sanitized=False)
def what_belongs_to_others_is_ignored(box):
    config = configuration(resources={"unified": {}}, uidMappings=[])
    config.update({"windows": {"layerFolders": ["x"]}, "solaris": {}, "zos": None, "hooks": {"prestart": []}})
    config["process"].update({"commandLine": "x", "foo": 1})
    ignored = ("-", "ignored: of another operating system")
    empty = ("-", "empty: asks for nothing")
    same(Directory(box).check(config).ok().rows, {
        **PLAIN, **MANAGER, "windows": ignored, "solaris": ignored, "hooks.prestart": CORE,
        "process.commandLine": ("-", "ignored: as the specification says"),
        "linux.resources.unified": empty, "linux.uidMappings": CORE})


@test(sanitized=False)
def strict_refuses_what_no_specification_has(box):
    plugins = Directory(box)
    config = configuration()
    config["mounts"] = [{"destination": "/a", "type": "tmpfs", "b": 1, "options": []}]
    config["x.y"] = {"z": 1}
    plugins.check(config).ok()
    r = refused(plugins.check(config, "--strict"), "mounts[0].b: no specification has this member")
    unknown = ("-", "error: in no specification")
    same(r.rows, {**PLAIN, **MANAGER, "mounts": CORE, "mounts[].b": unknown, '["x.y"]': unknown})
    os.remove(f"{plugins.path}/linux.intelRdt.so")
    config = configuration(intelRdt={"foo": 1})
    refused(plugins.check(config), "linux.intelRdt: no")
    refused(plugins.check(config, "--strict"), "linux.intelRdt: no")


@test(sanitized=False)
def a_member_that_only_a_plugin_knows_is_known(box):
    plugins = Directory(box)
    plugins.add("process@com.acme.so", source=ACME)
    r = plugins.check(configuration(acme={"mode": "x"}), "--strict").ok()
    same(r.rows["linux.acme"], ("com.acme 7", "in no specification, but read"))
    refused(plugins.check(configuration(acme2={"mode": "x"}), "--strict"), "linux.acme2: no specification")
    refused(plugins.check(configuration(acme={"mode": 1})), "linux.acme.mode: must be a string")


@test(sanitized=False)
def a_file_that_cannot_be_opened_is_told_where_it_is_needed(box):
    plugins = Directory(box)
    with open(f"{plugins.path}/{FILE}", "w") as f:
        f.write("no plugin at all")
    plugins.add("process@com.acme.so", source=ACME.replace("HOZO_READ", "64"))
    config = configuration(memoryPolicy={"mode": "MPOL_LOCAL"}, cgroupsPath="/x")
    r = refused(plugins.check(config), "linux.memoryPolicy: ")
    assert r.rows["linux.memoryPolicy"][1].startswith(f"error: {plugins.path}/{FILE}: cannot be loaded"), r
    assert "unknown use" in r.rows["process@com.acme"][1], r
    same(r.rows["linux.cgroupsPath"], CGROUP)


@test(sanitized=False)
def a_plugin_that_starts_a_thread_is_refused_however_often_it_is_asked_for(box):
    plugins = Directory(box)
    plugins.add(source=SOURCE + r"""
#include <pthread.h>
#include <unistd.h>
static void *wait_for_ever(void *x) { for (;;) pause(); return x; }
__attribute__((constructor)) static void begin(void) { pthread_t t; pthread_create(&t, 0, wait_for_ever, 0); }
""")
    r = refused(plugins.check(configuration(memoryPolicy={"mode": "MPOL_LOCAL"})), "starts a thread")
    assert "starts a thread" in r.rows["linux.memoryPolicy"][1], r


@test(sanitized=False)
def a_masked_plugin_is_told_with_its_mask(box):
    plugins = Directory(box)
    for name in (FILE, "process@com.acme.so"):
        os.symlink("/dev/null", f"{plugins.path}/{name}")
    link = f"{plugins.path}/{FILE}"
    r = refused(plugins.check(configuration(memoryPolicy={"mode": "MPOL_LOCAL"})), link)
    same(r.rows["linux.memoryPolicy.mode"], ("-", f"error: the plugin that serves this is masked by {link}"))
    same(r.rows["process@com.acme"], ("-", f"masked by {plugins.path}/process@com.acme.so"))


@test(sanitized=False)
def two_plugins_that_own_a_member_are_both_named(box):
    plugins = Directory(box)
    plugins.add()
    other = SOURCE.replace('"test-numa"', '"test-other"').replace('.plan = plan', '.plan = 0')
    plugins.add("linux.intelRdt.so", 'NAME="linux.intelRdt"', source=other.replace(
        'fields[] = {', 'fields[] = {{"linux.intelRdt.closID", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "x"},'))
    config = configuration(memoryPolicy={"mode": "MPOL_LOCAL"}, intelRdt={"closID": "a"})
    r = refused(plugins.check(config), "linux.memoryPolicy.mode: both plugin test-numa")
    assert "test-other" in r.rows["linux.memoryPolicy.mode"][1], r
    same(r.rows["linux.intelRdt.closID"], ("test-other 1.2.3", "applied"))


@test(sanitized=False)
def what_a_row_or_the_compiler_refuses_is_told_at_its_member(box):
    plugins = Directory(box)
    plugins.add()
    r = refused(plugins.check(configuration(memoryPolicy={"mode": "MPOL_BIND"})), "linux.memoryPolicy.mode: ")
    same(r.rows["linux.memoryPolicy.mode"],
         ("test-numa 1.2.3", 'error: "MPOL_BIND" is not one of MPOL_DEFAULT, MPOL_LOCAL'))
    config = configuration(sysctl={"vm.swappiness": "1"})
    r = refused(plugins.check(config), 'linux.sysctl["vm.swappiness"]: is not a sysctl that')
    same(r.rows["linux.sysctl"][0], "core")
    assert r.rows["linux.sysctl"][1].startswith('error: linux.sysctl["vm.swappiness"]: is not'), r


@test(sanitized=False)
def annotations_are_told_with_whom_they_open(box):
    plugins = Directory(box)
    plugins.add("annotations.com.acme.so", source=ACME)
    config = configuration()
    config["annotations"] = {"com.acme.add": "1", "com.acme/x": "", "com.acmes": "x"}
    rows = plugins.check(config).ok().rows
    same(rows['annotations["com.acme.add"]'], ("com.acme 7", "opens this plugin"))
    same(rows['annotations["com.acme/x"]'], ("com.acme 7", "opens this plugin"))
    same(rows['annotations["com.acmes"]'], ("-", "no effect; passed on in the state"))
    os.rename(f"{plugins.path}/annotations.com.acme.so", f"{plugins.path}/process@com.acme.so")
    rows = plugins.check(config).ok().rows
    same(rows['annotations["com.acme.add"]'], ("com.acme 7", "read"))
    same(rows['annotations["com.acme/x"]'], ("-", "no effect; passed on in the state"))
    os.remove(f"{plugins.path}/process@com.acme.so")
    same(plugins.check(config).ok().rows['annotations["com.acme.add"]'][0], "-")


@test(sanitized=False)
def what_plugins_add_is_told_with_their_names(box):
    plugins = Directory(box)
    plugins.add("process@com.acme.so", source=ACME)
    plugins.add()
    config = configuration()
    config["process"]["env"] = ["A=b"]
    config["annotations"] = {"com.acme.add": "1"}
    added = "added by plugin com.acme"
    same(plugins.check(config).ok().rows, {
        **PLAIN, **MANAGER, "process.env": CORE, "process.env[1]": ("core", added),
        'annotations["com.acme.add"]': ("com.acme 7", "read"), "process@com.acme": ("com.acme 7", "watches"),
        "linux.devices": CORE, "linux.devices[0]": ("core", added),
        **{f"linux.resources.devices[].{m}": CGROUP for m in ("allow", "type", "major", "minor", "access")},
        "linux.resources.devices[0]": ("cgroup 0.1.0", added)})
    config["annotations"]["com.acme.add"] = "p"
    rows = plugins.check(config).ok().rows
    same(rows["linux.memoryPolicy.mode"], ("test-numa 1.2.3", "applied"))
    same(rows["linux.memoryPolicy"], ("test-numa 1.2.3", added))
    os.remove(f"{plugins.path}/{FILE}")
    r = refused(plugins.check(config), "hozo-plugin-numa (added by plugin com.acme)")
    assert "install hozo-plugin-numa" in r.rows["linux.memoryPolicy.mode"][1], r


@test(sanitized=False)
def watchers_are_told_if_what_they_watch_is_there(box):
    plugins = Directory(box)
    plugins.add("linux.devices@com.acme.so", "ASIDE=1", source=ACME)
    assert "linux.devices@com.acme" not in plugins.check(configuration()).ok().rows
    same(plugins.check(configuration(devices=[])).ok().rows["linux.devices@com.acme"],
         ("com.acme 7", "looked, and is not concerned"))


@test(sanitized=False)
def without_the_manager_of_control_groups_nothing_can_be_created(box):
    plugins = Directory(box)
    os.remove(f"{plugins.path}/linux.cgroupsPath.so")
    os.remove(f"{plugins.path}/linux.resources.so")
    os.remove(f"{plugins.path}/+cgroup-manager.cgroupfs.so")
    refused(plugins.check(configuration()), "linux.cgroupsPath: no installed plugin serves this")
    r = plugins.check(configuration())
    same(r.rows["+cgroup-manager.cgroupfs"],
         ("-", "error: no installed plugin serves this; install hozo-plugin-cgroup"))
    bundle = os.path.dirname(HOST)
    r = plugins.hozo("--cgroup-manager", "disabled", "check", "--bundle", f"{bundle}/..", "--config",
                     f"{bundle}/../base.json", "--host", HOST).ends(1)
    assert "+cgroup-manager" not in r.out, r
    assert "linux.cgroupsPath" in r.err, r


@test(sanitized=False)
def a_configuration_that_cannot_be_read_has_no_table(box):
    plugins = Directory(box)
    config = configuration(namespaces=3)
    plugins.check(config).fails("linux.namespaces: must be an array")
    plugins.check({**configuration(), "ociVersion": "2.0.0"}).fails("ociVersion")
    plugins.check(configuration(), "--strict", "--config", "/nonexistent").fails("/nonexistent")


@test
def nothing_is_created(box):
    b = box.bundle().write()
    os.chmod(box.dir, 0o755)
    same(box.hozo("check", "--bundle", b.path).ok().err, "")
    assert not os.path.exists(box.root), "a place for states"
    box.nothing_left()
