# SPDX-License-Identifier: Apache-2.0
"""hozo plugin info and hozo plugin check: what a descriptor says, and what its author should know."""
import os
import re

from harness import same, test
from plugin_directory import FILE, SOURCE, PluginDirectory

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

# Has a row in each table.
RICH = r"""
#include <hozo/plugin.h>

static const char *const modes[] = {"MPOL_DEFAULT", "MPOL_LOCAL", 0};
static const struct hozo_field fields[] = {
    {"linux.memoryPolicy", HOZO_OBJECT, HOZO_OWN, 0, 0, 0, 0, "The policy."},
    {"linux.memoryPolicy.mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, modes, 0, 0,
     "linux.memoryPolicy.modes", "The mode."},
    {"linux.resources.cpu.shares", HOZO_UINT, HOZO_READ, 0, 0, 0, 0, "Words, and more words, and more words, and more"
     " words than one line of eighty columns or a little more can take."},
    {"linux.acme", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, "Of a later specification."},
};
static const struct hozo_annotation annotations[] = {
    {"com.acme.", HOZO_OWN, "All of them."},
    {"org.other", HOZO_READ, "One of another's."},
};
static const struct hozo_feature features[] = {{"linux.memoryPolicy.flags", "[\"MPOL_F_X\"]"}};
static const struct hozo_field settings[] = {
    {"limit", HOZO_INT, HOZO_OWN | HOZO_REQUIRED, 0, -1, 12, 0, "How many."},
};
static const char *const names[] = {"linux.memoryPolicy", "annotations.com.acme", "process@com.acme",
                                    "process.args"};
static const char *const before[] = {"one", "two"}, *const after[] = {"three"};

static int plan(struct hozo_ctx *ctx) { (void)ctx; return 0; }

HOZO_PLUGIN(rich) = {
    HOZO_HEADER, .state_version = 3,
    .name = "com.acme.rich", .version = "2.0", .package = "acme-rich", .summary = "All there is.",
    .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields), .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features), .settings = HOZO_TABLE(settings), .before = HOZO_TABLE(before),
    .after = HOZO_TABLE(after), .adjust = plan, .exec_attach = plan,
};
"""
RICH_INFO = """\
com.acme.rich 2.0: All there is.

Package:    acme-rich
File:       DIR/linux.memoryPolicy.so
Trust:      nobody but root can write it, or what leads to it
Loading:    N ms
Interface:  0.5
State:      version 3
Settings:   SETTINGS/com.acme.rich.json
Before:     one, two
After:      three

Names
    linux.memoryPolicy               DIR/linux.memoryPolicy.so
    annotations.com.acme             masked by DIR/annotations.com.acme.so
    process@com.acme                 not installed
    process.args                     never opened: the section is not a plugin's to serve

Fields
    linux.memoryPolicy (object, own)
        The policy.
    linux.memoryPolicy.mode (string, own, required)
        The mode.
        one of: MPOL_DEFAULT, MPOL_LOCAL
        features: linux.memoryPolicy.modes
    linux.resources.cpu.shares (unsigned integer, read)
        Words, and more words, and more words, and more words than one line of eighty
        columns or a little more can take.
    linux.acme (boolean, own, in no specification)
        Of a later specification.

Annotations, potentially unsafe: they change what hozo does
    com.acme.* (own)
        All of them.
    org.other (read)
        One of another's.

Settings
    limit (integer, required)
        How many.
        from -1 to 12

Features
    linux.memoryPolicy.flags: ["MPOL_F_X"]

Callbacks
    adjust       compiling: add to the configuration
    exec_attach  exec: that process is being made: as attach
"""


def info(plugins, name):
    return plugins.hozo("plugin", "info", name, **NOBODY)


def said(plugins, name):
    """But for how long loading took."""
    return re.sub(r"(?m)^(Loading:    )[0-9]+\.[0-9]{2} ms$", r"\1N ms", info(plugins, name).ok().out)


# --- info

@test(sanitized=False)
def all_that_the_descriptor_says_is_printed(box):
    plugins = PluginDirectory(box)
    plugins.add(source=RICH)
    os.symlink("/dev/null", f"{plugins.path}/annotations.com.acme.so")
    settings = plugins.hozo("plugin", "dir", "--settings").ok().out.strip()
    wanted = RICH_INFO.replace("DIR", plugins.path).replace("SETTINGS", settings)
    for name in ("com.acme.rich", "linux.memoryPolicy", FILE):
        same(said(plugins, name), wanted)
        same(info(plugins, name).err, "")


@test(sanitized=False)
def each_name_of_a_file_tells_of_the_same_plugin(box):
    plugins = PluginDirectory(box, installed=True)
    first = said(plugins, "cgroup")
    for name in ("linux.resources", "linux.cgroupsPath.so", "+cgroup-manager.cgroupfs"):
        same(said(plugins, name), first)
    assert f"File:       {plugins.path}/+cgroup-manager.cgroupfs.so\n" in first, first
    assert f"    linux.resources                  {plugins.path}/linux.resources.so\n" in first, first
    os.remove(f"{plugins.path}/linux.resources.so")
    plugins.add("linux.resources.so", 'NAME="linux.resources"')
    assert f" {plugins.path}/linux.resources.so, which is plugin test-numa\n" in info(plugins, "cgroup").ok().out


@test(sanitized=False)
def what_is_not_there_or_not_used_has_no_information(box):
    plugins = PluginDirectory(box)
    info(plugins, "test-numa").fails("no installed plugin or file is called test-numa")
    info(plugins, "linux.memoryPolicy").fails("no installed plugin or file is called linux.memoryPolicy")
    info(plugins, "").fails("no installed plugin or file is called")
    os.symlink("/dev/null", f"{plugins.path}/{FILE}")
    info(plugins, FILE).fails("linux.memoryPolicy is masked by", f"{plugins.path}/{FILE}")
    plugins.add("process.args.so", 'NAME="process.args"')
    info(plugins, "process.args").fails("process.args is never opened", "not a plugin's to serve")
    info(plugins, "test-numa").fails("no installed plugin")
    plugins.hozo("plugin", "info").fails("plugin: say")
    plugins.hozo("plugin", "info", "a", "b").fails("plugin: say")


@test(sanitized=False)
def a_file_that_cannot_be_trusted_is_not_opened(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    info(plugins, "test-numa").ok()
    os.chmod(path, 0o666)
    info(plugins, FILE).fails(path, "can be written by others")
    info(plugins, "test-numa").fails("hozo plugin list tells which files cannot be used")


@test(sanitized=False)
def a_plugin_that_crashes_does_not_hide_another(box):
    plugins = PluginDirectory(box)
    plugins.add("linux.intelRdt.so", 'NAME="linux.intelRdt"',
                source=SOURCE + "__attribute__((constructor)) static void crash(void) { __builtin_trap(); }\n")
    plugins.add()
    assert info(plugins, "test-numa").ok().out.startswith("test-numa 1.2.3: A test.\n")


# --- check

POINTS = ["the file is called NAME.so", "it can be trusted where it lies", "a process that loads it survives",
          "it is loaded, and has hozo_plugin of its own", "loading it leaves no thread and no descriptor",
          "it exports hozo_plugin and nothing else", "its interface is that of this hozo",
          "its descriptor is sound", "the file's name is one of its names",
          "each of its names is one that hozo opens", "each of its names has something behind it",
          "what it declares can be reached, and has a callback", "no row stands twice",
          "each row says in one line what it is", "its features are JSON, of keys that there are",
          "its order can be kept"]
FILE_NAME, TRUST, SURVIVES, LOADED, CENSUS, EXPORTS, INTERFACE, SOUND, OWN_NAME, NAMES, BEHIND, REACHED, TWICE, \
    DOCS, FEATURES, ORDER = range(1, 17)


def check(plugins, path, **more):
    """What is said of each point: {number: (status, reason)}."""
    r = plugins.hozo("plugin", "check", path, **more)
    lines = r.out.splitlines()
    same(lines.pop(0), f"1..{len(POINTS)}")
    same(len(lines), len(POINTS))
    r.points = {}
    for number, (line, what) in enumerate(zip(lines, POINTS), 1):
        for status in ("ok", "not ok"):
            if line.startswith(start := f"{status} {number} - {what}"):
                rest = line[len(start):]
                r.points[number] = ("skip" if rest.startswith(" # SKIP ") else status, rest)
        assert number in r.points, f"{line!r} instead of {what!r}"
    failed = [n for n, (status, _) in r.points.items() if status == "not ok"]
    same(r.code, 1 if failed else 0)
    same(r.err, "")
    r.failed, r.skipped = failed, [n for n, (status, _) in r.points.items() if status == "skip"]
    return r


def fails_at(plugins, point, reason, path, skipped=(), **more):
    r = check(plugins, path, **more)
    same(r.failed, [point])
    same(r.skipped, list(skipped))
    assert reason in r.points[point][1], f"not {reason!r}\n{r}"


@test(sanitized=False)
def every_plugin_of_hozo_passes(box):
    plugins = PluginDirectory(box, installed=True)
    for name in os.listdir(plugins.path):
        for who in ({}, NOBODY):
            same((check(plugins, f"{plugins.path}/{name}", **who).failed), [])


@test(sanitized=False)
def a_plugin_of_the_tests_passes_however_its_symbols_are_hashed(box):
    plugins = PluginDirectory(box)
    for style in ("gnu", "sysv", "both"):
        path = plugins.add(flags=[f"-Wl,--hash-style={style}"])
        same(check(plugins, path).points, {n: ("ok", "") for n in range(1, len(POINTS) + 1)})
        more = plugins.add(source=SOURCE + "int also_here = 1;\n", flags=[f"-Wl,--hash-style={style}"])
        fails_at(plugins, EXPORTS, "exports also_here as well", more)


HEADERS = "#include <fcntl.h>\n#include <pthread.h>\n#include <stdlib.h>\n#include <unistd.h>\n"


def loading(what):
    """The test's plugin, and what it does when it is loaded."""
    return (f"{HEADERS}{SOURCE}\nstatic void *wait_for_ever(void *x) {{ for (;;) pause(); return x; }}\n"
            f"__attribute__((constructor)) static void begin(void) {{ {what} (void)wait_for_ever; }}\n")


def behind(point):
    """The points that are skipped if this one fails."""
    return range(point + 1, ORDER + 1)


def named(names):
    return SOURCE.replace("names[] = {NAME}", f"names[] = {{{names}}}")


NAME_ROW = '"linux.memoryPolicy.nodes", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "The nodes."},'


def with_table(member, declaration):
    """The test's plugin with one more table."""
    return SOURCE.replace("HOZO_PLUGIN(", f"static const {declaration};\nHOZO_PLUGIN(").replace(
        ".fields = ", f".{member} = HOZO_TABLE({member}), .fields = ")


def with_row(row):
    return SOURCE.replace(NAME_ROW, f"{NAME_ROW}\n    {row},")


@test(sanitized=False, cases={
    "it crashes": (SURVIVES, "(SIGILL)", loading("__builtin_trap();"), behind(SURVIVES)),
    "it aborts": (SURVIVES, "(SIGABRT)", loading("abort();"), behind(SURVIVES)),
    "it exits": (SURVIVES, "ends the process", loading("exit(0);"), behind(SURVIVES)),
    "no symbol": (LOADED, "no symbol hozo_plugin", "static int nothing;\n", behind(LOADED)),
    "unresolved": (LOADED, "absent", SOURCE.replace("return hozo_plan_syscall(ctx, &call)",
                                                    "extern int absent(void); return absent()"), behind(LOADED)),
    "a thread": (CENSUS, "starts a thread", loading("pthread_t t; pthread_create(&t, 0, wait_for_ever, 0);"), ()),
    "a descriptor": (CENSUS, "opens a descriptor", loading('if (open("/dev/null", O_RDONLY) < 0) abort();'), ()),
    "another magic": (INTERFACE, "magic", "#define MAGIC 1\n" + SOURCE, behind(INTERFACE)),
    "a newer host": (INTERFACE, "needs plugin interface", "#define MINOR 99\n" + SOURCE, behind(INTERFACE)),
    "a flag": (INTERFACE, "flags", "#define FLAGS 4\n" + SOURCE, behind(INTERFACE)),
    "a name of the core": (SOUND, "has a name that no plugin", SOURCE.replace('"test-numa"', '"core"'),
                           behind(SOUND)),
    "a member of the core": (SOUND, "not a plugin's to serve",
                             with_row('{"process.args", HOZO_ARRAY, HOZO_OWN, 0, 0, 0, 0, "x"}'), behind(SOUND)),
    "another name": (OWN_NAME, "may not be opened as linux.memoryPolicy",
                     named('"linux"'), ()),
    "a stray name": (NAMES, "linux.acme: the specification has no such section",
                     named('NAME, "linux.acme"'), ()),
    "a name with a slash": (NAMES, "characters", named('NAME, "+a/b"'), ()),
    "a section of others": (BEHIND, "linux.intelRdt: owns nothing there",
                            named('NAME, "linux.intelRdt"'), ()),
    "an annotation of others": (BEHIND, "declares no such annotation",
                                named('NAME, "annotations.com.acme"'), ()),
    "a field that opens nothing": (REACHED, "owns linux.intelRdt.closID, but has no name",
                                   with_row('{"linux.intelRdt.closID", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "x"}'), ()),
    "no callback": (REACHED, "no callback that could apply", SOURCE.replace(".plan = plan", ".validate = plan"), ()),
    "a field twice": (TWICE, "linux.memoryPolicy.nodes stands twice among its fields",
                      with_row("{" + NAME_ROW[:-1]), ()),
    "a name twice": (TWICE, "among its names", named('NAME, NAME'), ()),
    "an annotation twice": (TWICE, "com.acme stands twice among its annotations", with_table(
        "annotations", 'struct hozo_annotation annotations[] = {{"com.acme", HOZO_OWN, "x"}, '
                       '{"com.acme", HOZO_READ, "x"}}'), ()),
    "a setting twice": (TWICE, "a stands twice among its settings", with_table(
        "settings", 'struct hozo_field settings[] = {{"a", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, "x"}, '
                    '{"a", HOZO_INT, HOZO_OWN, 0, 0, 0, 0, "x"}}'), ()),
    "a field without words": (DOCS, "linux.memoryPolicy.nodes: says nothing",
                              SOURCE.replace(NAME_ROW, NAME_ROW.replace('"The nodes."', "0")), ()),
    "two lines": (DOCS, "more than one line", SOURCE.replace(NAME_ROW, NAME_ROW.replace("The nodes.", "a\\nb")), ()),
    "a setting without words": (DOCS, "a: says nothing", with_table(
        "settings", 'struct hozo_field settings[] = {{"a", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, ""}}'), ()),
    "an annotation without words": (DOCS, "com.acme: says nothing", with_table(
        "annotations", 'struct hozo_annotation annotations[] = {{"com.acme", HOZO_OWN, 0}}'), ()),
    "no summary": (DOCS, "summary: says nothing", SOURCE.replace('"A test."', "0"), ()),
    "a feature that is not JSON": (FEATURES, "linux.memoryPolicy.flags", with_table(
        "features", 'struct hozo_feature features[] = {{"linux.memoryPolicy.flags", "[x]"}}'), ()),
    "an unknown feature": (FEATURES, "linux.acme: is no key", with_table(
        "features", 'struct hozo_feature features[] = {{"linux.acme", "true"}}'), ()),
    "a field with an unknown feature": (FEATURES, "linux.memoryPolicy.mode: is no key",
                                        SOURCE.replace("linux.memoryPolicy.modes", "linux.memoryPolicy.mode"), ()),
    "before itself": (ORDER, "before or after itself", with_table(
        "before", 'char *const before[] = {"a", "test-numa"}'), ()),
    "after itself": (ORDER, "before or after itself", with_table("after", 'char *const after[] = {"test-numa"}'), ()),
    "before and after": (ORDER, "comes before b and after it", with_table(
        "before", 'char *const before[] = {"a", "b"}; static const char *const after[] = {"b"}').replace(
            ".plan = plan", ".plan = plan, .after = HOZO_TABLE(after)"), ()),
})
def what_is_wrong_is_told_with_its_reason(box, case):
    point, reason, source, skipped = case
    plugins = PluginDirectory(box)
    fails_at(plugins, point, reason, plugins.add(source=source), skipped)


@test(sanitized=False)
def a_file_that_is_none_or_no_plugin(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    fails_at(plugins, TRUST, "no such file", f"{plugins.path}/linux.absent.so", behind(TRUST))
    os.mkdir(f"{plugins.path}/linux.d.so")
    fails_at(plugins, TRUST, "is not a regular file", f"{plugins.path}/linux.d.so", behind(TRUST))
    with open(path, "w") as f:
        f.write("no plugin at all")
    fails_at(plugins, LOADED, "cannot be loaded", path, behind(LOADED))
    os.rename(plugins.add(), f"{plugins.path}/numa.o")
    r = check(plugins, f"{plugins.path}/numa.o")
    same(r.failed, [FILE_NAME, OWN_NAME])


@test(sanitized=False)
def a_file_of_somebody_else_is_not_loaded(box):
    plugins = PluginDirectory(box)
    mark = f"{plugins.path}/mark"
    path = plugins.add(source=loading(f'close(open("{mark}", O_CREAT | O_WRONLY, 0600));'))
    os.chown(path, 1000, 1000)
    fails_at(plugins, TRUST, "belongs to user 1000", path, behind(TRUST))
    os.chown(path, 0, 0)
    os.chmod(path, 0o666)
    fails_at(plugins, TRUST, "can be written by others", path, behind(TRUST))
    assert not os.path.exists(mark), "it was loaded"
    os.chmod(path, 0o644)
    check(plugins, path)
    assert os.path.exists(mark), "without this the test proves nothing"


@test(sanitized=False)
def an_own_file_in_a_place_that_is_not_trusted_is_looked_at_all_the_same(box):
    plugins = PluginDirectory(box)
    home = f"{box.dir}/home"
    os.mkdir(home)
    path = f"{home}/{FILE}"
    os.rename(plugins.add(), path)
    os.chmod(home, 0o777)
    for uid, who in ((0, {}), (65534, NOBODY)):
        os.chown(path, uid, uid)
        r = check(plugins, path, **who)
        same((r.failed, r.skipped), ([], [TRUST]))
        assert f"{home} can be written by others" in r.points[TRUST][1], r
    r = check(plugins, path)
    same(r.failed, [TRUST])
    os.chmod(home, 0o755)
    same(check(plugins, FILE, cwd=home, **NOBODY).points[TRUST], ("ok", ""))
