# SPDX-License-Identifier: Apache-2.0
"""hozo plugin check: every rule has plugins that break it and no other; those of hozo break none."""
import json
import os

from compiled import compiled
from harness import Skip, same, test
from made_plugins import MadePlugins, source
from plugin_directory import FILE, SOURCE, PluginDirectory

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

POINTS = [
    "the file is called NAME.so", "it can be trusted where it lies", "it is a shared object for this machine",
    "it names no directory to search for libraries", "its code is loaded as it lies in the file",
    "it needs no library but those of its language", "nothing of it runs when it is loaded",
    "it leaves the stack without the right to execute", "a process that loads it survives",
    "it is loaded, and has hozo_plugin of its own", "loading it leaves no thread and no descriptor",
    "it exports hozo_plugin and nothing else", "its interface is that of this hozo", "its descriptor is sound",
    "the file's name is one of its names", "each of its names is one that hozo opens",
    "each of its names has something behind it", "what it declares can be reached, and has a callback",
    "no row stands twice", "each row says in one line what it is", "its features are JSON, of keys that there are",
    "its order can be kept", "its plan is the same whenever it is made",
    "its pure callbacks fail when the host does", "its stages on the host fail when the host does",
    "cleanup succeeds after each failure, and once more"]
(FILE_NAME, TRUST, SHARED, SEARCH_PATH, RELOCATIONS, LIBRARIES, CONSTRUCTORS, STACK, SURVIVES, LOADED, CENSUS, EXPORTS,
 INTERFACE, SOUND, OWN_NAME, NAMES, BEHIND, REACHED, TWICE, DOCS, FEATURES, ORDER, SAME_PLAN, PURE_FAULTS,
 HOST_FAULTS, CLEANUP) = range(1, len(POINTS) + 1)

# Without these nothing behind them can be looked at; without any of the others, no callback is called.
GATES = (TRUST, SHARED, STACK, SURVIVES, LOADED, INTERFACE, SOUND)
CALLED = range(SAME_PLAN, CLEANUP + 1)


def check(plugins, path, *options, **more):
    """What is said of each point: {number: (status, reason)}."""
    r = plugins.hozo("plugin", "check", *options, path, **more)
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


def fails_at(plugins, point, reason, path, *options, **more):
    """This point fails and no other."""
    r = check(plugins, path, *options, **more)
    same(r.failed, [point])
    behind = range(point + 1, CLEANUP + 1) if point in GATES else CALLED
    skipped = [n for n in r.skipped if "an earlier point failed" in r.points[n][1]]
    same(skipped, [n for n in behind if n > point])
    assert reason in r.points[point][1], f"not {reason!r}\n{r}"
    return r


# hozo's own plugins by the first of their names, and the libraries that they are meant to be linked with.
OWN = {"+cgroup-manager.cgroupfs": (), "+cgroup-manager.systemd": ("libsystemd.so.0",), "freebsd": (),
       "linux.intelRdt": (), "linux.memoryPolicy": (), "linux.netDevices": ("libnl-route-3.so.200", "libnl-3.so.200"),
       "linux.seccomp": (), "process.apparmorProfile": (), "process.selinuxLabel": (), "vm": ()}


def declared(libraries):
    return [word for library in libraries for word in ("--library", library)]


@test(sanitized=False, timeout=60, cases={name: (name, libraries) for name, libraries in OWN.items()})
def every_plugin_of_hozo_passes(box, which):
    name, libraries = which
    plugins = PluginDirectory(box, installed=True)
    path = f"{plugins.path}/{name}.so"
    if not os.path.exists(path):
        raise Skip("it was not built")
    r = check(plugins, path, *declared(libraries), timeout=55)
    same(r.failed, [])
    same([n for n in r.skipped if r.points[n][1] != " # SKIP it has none"], [])


@test(sanitized=False)
def no_plugin_of_hozo_is_left_out_here(box):
    plugins = PluginDirectory(box, installed=True)
    files = {os.path.realpath(f"{plugins.path}/{name}") for name in os.listdir(plugins.path)}
    same(sorted(files - {f"{plugins.path}/{name}.so" for name in OWN}), [])


@test(sanitized=False)
def a_plugin_of_the_tests_passes_however_its_symbols_are_hashed(box):
    plugins = PluginDirectory(box)
    for style in ("gnu", "sysv", "both"):
        path = plugins.add(flags=[f"-Wl,--hash-style={style}"])
        none = ("skip", " # SKIP it has none")
        same(check(plugins, path).points,
             {n: none if n in (HOST_FAULTS, CLEANUP) else ("ok", "") for n in range(1, len(POINTS) + 1)})
        more = plugins.add(source=SOURCE + "int also_here = 1;\n", flags=[f"-Wl,--hash-style={style}"])
        fails_at(plugins, EXPORTS, "exports also_here as well", more)


HEADERS = "#include <fcntl.h>\n#include <pthread.h>\n#include <stdlib.h>\n#include <unistd.h>\n"


def beginning(what):
    """What it does when it is loaded."""
    return (f"{HEADERS}\nstatic void *wait_for_ever(void *x) {{ for (;;) pause(); return x; }}\n"
            f"__attribute__((constructor)) static void begin(void) {{ {what} (void)wait_for_ever; }}\n")


def loading(what):
    """Text of a library that does this when it is loaded; the test's plugin is linked with it."""
    return (beginning(what),)


def with_library(plugins, parts):
    """The test's plugin, linked with a library: its path, and the library's as the linker knows it."""
    library = compiled(plugins.box, parts[0], f"{plugins.box.dir}/libtest.so", "-shared", "-fPIC")
    return plugins.add(flags=["-Wl,--no-as-needed", library]), library


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
    "it crashes": (SURVIVES, "(SIGILL)", loading("__builtin_trap();")),
    "it aborts": (SURVIVES, "(SIGABRT)", loading("abort();")),
    "it exits": (SURVIVES, "ends the process", loading("exit(0);")),
    "no symbol": (LOADED, "no symbol hozo_plugin", "static int nothing;\n"),
    "unresolved": (LOADED, "absent", SOURCE.replace("return hozo_plan_syscall(ctx, &call)",
                                                    "extern int absent(void); return absent()")),
    "a thread": (CENSUS, "starts a thread", loading("pthread_t t; pthread_create(&t, 0, wait_for_ever, 0);")),
    "a descriptor": (CENSUS, "opens a descriptor", loading('if (open("/dev/null", O_RDONLY) < 0) abort();')),
    "another magic": (INTERFACE, "magic", "#define MAGIC 1\n" + SOURCE),
    "a newer host": (INTERFACE, "needs plugin interface", "#define MINOR 99\n" + SOURCE),
    "a flag": (INTERFACE, "flags", "#define FLAGS 4\n" + SOURCE),
    "a name of the core": (SOUND, "has a name that no plugin", SOURCE.replace('"test-numa"', '"core"')),
    "a member of the core": (SOUND, "not a plugin's to serve",
                             with_row('{"process.args", HOZO_ARRAY, HOZO_OWN, 0, 0, 0, 0, "x"}')),
    "another name": (OWN_NAME, "may not be opened as linux.memoryPolicy",
                     named('"linux"')),
    "a stray name": (NAMES, "linux.acme: the specification has no such section",
                     named('NAME, "linux.acme"')),
    "a name with a slash": (NAMES, "characters", named('NAME, "+a/b"')),
    "a section of others": (BEHIND, "linux.intelRdt: owns nothing there",
                            named('NAME, "linux.intelRdt"')),
    "an annotation of others": (BEHIND, "declares no such annotation",
                                named('NAME, "annotations.com.acme"')),
    "a field that opens nothing": (REACHED, "owns linux.intelRdt.closID, but has no name",
                                   with_row('{"linux.intelRdt.closID", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "x"}')),
    "no callback": (REACHED, "no callback that could apply", SOURCE.replace(".plan = plan", ".validate = plan")),
    "a field twice": (TWICE, "linux.memoryPolicy.nodes stands twice among its fields",
                      with_row("{" + NAME_ROW[:-1])),
    "a name twice": (TWICE, "among its names", named('NAME, NAME')),
    "an annotation twice": (TWICE, "com.acme stands twice among its annotations", with_table(
        "annotations", 'struct hozo_annotation annotations[] = {{"com.acme", HOZO_OWN, "x"}, '
                       '{"com.acme", HOZO_READ, "x"}}')),
    "a setting twice": (TWICE, "a stands twice among its settings", with_table(
        "settings", 'struct hozo_field settings[] = {{"a", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, "x"}, '
                    '{"a", HOZO_INT, HOZO_OWN, 0, 0, 0, 0, "x"}}')),
    "a field without words": (DOCS, "linux.memoryPolicy.nodes: says nothing",
                              SOURCE.replace(NAME_ROW, NAME_ROW.replace('"The nodes."', "0"))),
    "two lines": (DOCS, "more than one line", SOURCE.replace(NAME_ROW, NAME_ROW.replace("The nodes.", "a\\nb"))),
    "a setting without words": (DOCS, "a: says nothing", with_table(
        "settings", 'struct hozo_field settings[] = {{"a", HOZO_BOOL, HOZO_OWN, 0, 0, 0, 0, ""}}')),
    "an annotation without words": (DOCS, "com.acme: says nothing", with_table(
        "annotations", 'struct hozo_annotation annotations[] = {{"com.acme", HOZO_OWN, 0}}')),
    "no summary": (DOCS, "summary: says nothing", SOURCE.replace('"A test."', "0")),
    "a feature that is not JSON": (FEATURES, "linux.memoryPolicy.flags", with_table(
        "features", 'struct hozo_feature features[] = {{"linux.memoryPolicy.flags", "[x]"}}')),
    "an unknown feature": (FEATURES, "linux.acme: is no key", with_table(
        "features", 'struct hozo_feature features[] = {{"linux.acme", "true"}}')),
    "a field with an unknown feature": (FEATURES, "linux.memoryPolicy.mode: is no key",
                                        SOURCE.replace("linux.memoryPolicy.modes", "linux.memoryPolicy.mode")),
    "before itself": (ORDER, "before or after itself", with_table(
        "before", 'char *const before[] = {"a", "test-numa"}')),
    "after itself": (ORDER, "before or after itself", with_table("after", 'char *const after[] = {"test-numa"}')),
    "before and after": (ORDER, "comes before b and after it", with_table(
        "before", 'char *const before[] = {"a", "b"}; static const char *const after[] = {"b"}').replace(
            ".plan = plan", ".plan = plan, .after = HOZO_TABLE(after)")),
})
def what_is_wrong_is_told_with_its_reason(box, case):
    point, reason, text = case
    plugins = PluginDirectory(box)
    if isinstance(text, str):
        fails_at(plugins, point, reason, plugins.add(source=text))
    else:
        path, library = with_library(plugins, text)
        fails_at(plugins, point, reason, path, "--library", library)


@test(sanitized=False)
def a_file_that_is_none_or_no_plugin(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    fails_at(plugins, TRUST, "no such file", f"{plugins.path}/linux.absent.so")
    os.mkdir(f"{plugins.path}/linux.d.so")
    fails_at(plugins, TRUST, "is not a regular file", f"{plugins.path}/linux.d.so")
    with open(path, "w") as f:
        f.write("no plugin at all")
    fails_at(plugins, SHARED, "is no shared object", path)
    os.rename(plugins.add(), f"{plugins.path}/numa.o")
    r = check(plugins, f"{plugins.path}/numa.o")
    same([n for n in r.skipped], list(CALLED))
    same(r.failed, [FILE_NAME, OWN_NAME])


@test(sanitized=False)
def a_file_of_somebody_else_is_not_loaded(box):
    plugins = PluginDirectory(box)
    mark = f"{plugins.path}/mark"
    path = plugins.add(source=SOURCE + beginning(f'close(open("{mark}", O_CREAT | O_WRONLY, 0600));'))
    os.chown(path, 1000, 1000)
    fails_at(plugins, TRUST, "belongs to user 1000", path)
    os.chown(path, 0, 0)
    os.chmod(path, 0o666)
    fails_at(plugins, TRUST, "can be written by others", path)
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
        same((r.failed, r.skipped), ([], [TRUST, HOST_FAULTS, CLEANUP]))
        assert f"{home} can be written by others" in r.points[TRUST][1], r
    r = check(plugins, path)
    same(r.failed, [TRUST])
    os.chmod(home, 0o755)
    same(check(plugins, FILE, cwd=home, **NOBODY).points[TRUST], ("ok", ""))


# --- the file

@test(sanitized=False, cases={
    "RUNPATH": (SEARCH_PATH, "has RUNPATH /opt/acme", SOURCE, ["-Wl,--enable-new-dtags,-rpath,/opt/acme"]),
    "RPATH": (SEARCH_PATH, "has RPATH $ORIGIN", SOURCE, ["-Wl,--disable-new-dtags,-rpath,$ORIGIN"]),
    "an address in the code": (RELOCATIONS, "has text relocations",
                               SOURCE + '__asm__(".text\\n.balign 8\\n.quad hozo_plugin\\n");', ["-Wl,-z,notext"]),
    "a constructor": (CONSTRUCTORS, "has 1 constructors",
                      SOURCE + "__attribute__((constructor)) static void begin(void) {}", []),
    "two constructors": (CONSTRUCTORS, "has 2 constructors", SOURCE + "".join(
        f"__attribute__((constructor)) static void begin{n}(void) {{}}\n" for n in (1, 2)), []),
    "a function to begin with": (CONSTRUCTORS, "has a function that begins it",
                                 SOURCE + "__attribute__((visibility(\"hidden\"))) void begin(void) {}",
                                 ["-Wl,-init=begin"]),
    "an executable stack": (STACK, "wants an executable stack", SOURCE, ["-Wl,-z,execstack"]),
})
def what_is_wrong_with_the_file_is_told_before_it_is_loaded(box, case):
    point, reason, text, flags = case
    plugins = PluginDirectory(box)
    fails_at(plugins, point, reason, plugins.add(source=text, flags=flags))


@test(sanitized=False)
def a_library_has_to_be_declared(box):
    plugins = PluginDirectory(box)
    path, library = with_library(plugins, ("int heavy;",))
    fails_at(plugins, LIBRARIES, f"needs {library}", path)
    fails_at(plugins, LIBRARIES, f"needs {library}", path, "--library", "libtest.so")
    same(check(plugins, path, "--library", "libother.so", "--library", library).failed, [])


@test(sanitized=False)
def a_file_for_another_machine_or_a_torn_one_is_not_loaded(box):
    plugins = PluginDirectory(box)
    path = plugins.add()
    with open(path, "rb") as f:
        whole = f.read()

    def refused(content, reason):
        with open(path, "wb") as f:
            f.write(content)
        fails_at(plugins, SHARED, reason, path)

    refused(whole[:18] + b"\x03\x00" + whole[20:], "is for another machine: ELF machine 3 instead of")
    refused(whole[:16] + b"\x01\x00" + whole[18:], "an ELF file of type 1")
    refused(whole[:32] + b"\x00\x00\x00\x7f" + whole[36:], "is torn")
    refused(whole[:16], "is no shared object")
    refused(whole[:80], "is torn")
    refused(whole[:0x800], "")
    same(check(plugins, plugins.add()).failed, [])


# --- its behaviour

PLANS = 'struct hozo_work w = {sizeof(w), HOZO_PHASE_PREPARE, 0, "write", "x"}; '
CALLED_BADLY = {
    "the environment": (SAME_PLAN, "work(", dict(plan=PLANS + 'w.value = getenv("TZ") ? "a" : "b";'
                                                 "return hozo_plan_work(ctx, &w);")),
    "the working directory": (SAME_PLAN, "work(", dict(
        plan=PLANS + 'char here[4096]; w.value = getcwd(here, sizeof(here)); return hozo_plan_work(ctx, &w);')),
    "the process": (SAME_PLAN, "work(", dict(
        plan=PLANS + 'char pid[16]; snprintf(pid, sizeof(pid), "%d", (int)getpid()); w.value = pid;'
                     "return hozo_plan_work(ctx, &w);")),
    "fresh memory": (SAME_PLAN, "work(", dict(
        plan=PLANS + 'unsigned char *p = malloc(50000); char n[16]; snprintf(n, sizeof(n), "%u", p[40000]); w.value = n;'
                     "return hozo_plan_work(ctx, &w);")),
    "an error of its own": (SAME_PLAN, "once", dict(
        validate='return hozo_error(ctx, 0, 0, "process %d", (int)getpid());')),
    "a crash": (SAME_PLAN, "validate: crashed (SIGILL)", dict(validate="__builtin_trap();")),
    "a crash after many words": (SAME_PLAN, ": validate: aborted (SIGABRT)", dict(
        validate='for (int i = 0; i < 100; i++) fprintf(stderr, "word %d\\n", i); abort();')),
    "an exit": (SAME_PLAN, "adjust: ", dict(adjust="_exit(0);")),
    "a plan that is not heard": (PURE_FAULTS, "plan returns 0 although hozo_plan_work failed", dict(
        plan=PLANS + "hozo_plan_work(ctx, &w);")),
    "a variable that is not heard": (PURE_FAULTS, "adjust returns 0 although hozo_add_env failed", dict(
        adjust='hozo_add_env(ctx, "A", "b");')),
    "an annotation that is not there": (PURE_FAULTS, "validate: crashed (SIGSEGV) when this fails: hozo_annotation", dict(
        validate='const char *v = 0; hozo_annotation(ctx, "org.test.bad", &v); return *v == 0;')),
    "an exec that is not heard": (PURE_FAULTS, "exec returns 0 although hozo_plan_env failed", dict(
        exec='struct hozo_env e = {sizeof(e), 0, 0, "A", "b"}; hozo_plan_env(ctx, &e);')),
    "a state that is not kept": (HOST_FAULTS, "prepare returns 0 although hozo_state_set failed", dict(
        prepare='hozo_state_set(ctx, "1", 1);')),
    "a process that is not there": (HOST_FAULTS, "attach: aborted (SIGABRT) when this fails: hozo_process", dict(
        attach="int32_t pid; int pidfd; if (hozo_process(ctx, &pid, &pidfd) < 0) abort();")),
    "a program that does not run": (HOST_FAULTS, "started returns 0 although hozo_run failed", dict(
        started='const char *const args[] = {"/bin/true", 0}; struct hozo_run r = {.size = sizeof(r), .args = args};'
                "hozo_run(ctx, &r);")),
    "statistics": (HOST_FAULTS, "stats returns 0 although hozo_stats failed", dict(
        stats='hozo_stats(ctx, "x", "1", 1);')),
    "an update": (HOST_FAULTS, "update_apply returns 0 although hozo_state_set failed (call 2)", dict(
        update=PLANS + "return hozo_plan_work(ctx, &w);",
        update_apply='struct hozo_work w = {.size = sizeof(w)};'
                     'if (hozo_next_work(ctx, 0, &w) == 1) hozo_state_set(ctx, "1", 1);')),
    "nothing to clean up": (CLEANUP, "cleanup: nothing is there", dict(
        cleanup='struct hozo_cursor at; if (hozo_state_find(ctx, 0, "", &at) != 1)'
                '    return hozo_error(ctx, 0, 0, "nothing is there");')),
    "only once": (CLEANUP, "cleanup, the second time: was here before", dict(
        cleanup='struct hozo_cursor at; int r = hozo_state_find(ctx, 0, "gone", &at); if (r < 0) return -1;'
                'if (r == 1) return hozo_error(ctx, 0, 0, "was here before");'
                'return hozo_state_set(ctx, "{\\"gone\\":true}", 13);')),
    "after half a prepare": (CLEANUP, "when this fails: hozo_run: cleanup: no device", dict(
        prepare='const char *const args[] = {"/bin/true", 0}; struct hozo_run r = {.size = sizeof(r), .args = args};'
                'if (hozo_state_set(ctx, "{\\"begun\\":true}", 14) < 0 || hozo_run(ctx, &r) < 0) return -1;'
                'return hozo_state_set(ctx, "{\\"begun\\":true,\\"device\\":1}", 25);',
        cleanup='struct hozo_cursor at; int begun = hozo_state_find(ctx, 0, "begun", &at);'
                'int device = begun < 0 ? -1 : hozo_state_find(ctx, 0, "device", &at);'
                'if (device < 0) return -1;'
                'if (begun && !device) return hozo_error(ctx, 0, 0, "no device");')),
    "stopped": (CLEANUP, "stopped: fails", dict(stopped='return hozo_error(ctx, 0, 0, "fails");')),
}
QUIET = "#define note(...) (void)0\n"  # the tests' own notes are a file


def called(plugins, **callbacks):
    callbacks = {"plan": "", **callbacks}
    return plugins.compile(source("bad", ["annotations.org.test.bad"], annotations=[("org.test.bad", "OWN")],
                                  head=QUIET, **callbacks),
                           f"{plugins.path}/annotations.org.test.bad.so")


@test(sanitized=False, cases=CALLED_BADLY)
def a_plugin_that_behaves_badly_breaks_one_rule(box, case):
    point, reason, callbacks = case
    plugins = MadePlugins(box)
    fails_at(plugins, point, reason, called(plugins, **callbacks))


@test(sanitized=False)
def what_acts_on_the_host_does_so_in_a_sandbox(box):
    plugins = MadePlugins(box)
    mark = f"{box.dir}/mark"
    os.mkdir(f"{box.dir}/open")
    os.chmod(f"{box.dir}/open", 0o777)
    writes = f"""
        int a = open("{mark}", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        int b = open("{box.dir}/open/mark", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

        if (a >= 0 || b >= 0 || !geteuid() || !chdir("/root"))
            abort();"""
    path = called(plugins, probe=writes, prepare=writes, cleanup=writes)
    same(check(plugins, path).failed, [])
    same((os.path.exists(mark), os.listdir(f"{box.dir}/open")), (False, []))
    path = called(plugins, prepare="if (!geteuid()) return 0;" + writes.replace("a >= 0", "a < 0"))
    fails_at(plugins, HOST_FAULTS, "prepare: aborted (SIGABRT)", path)


NEEDS_TWO = dict(validate="""
    const char *v = 0;
    int r = hozo_annotation(ctx, "org.test.bad", &v);

    return r < 0 ? -1 : r && strcmp(v, "two") ? hozo_error(ctx, 0, 0, "not two") : 0;""")


@test(sanitized=False)
def a_configuration_of_the_author_is_tried_where_none_can_be_made(box):
    plugins = MadePlugins(box)
    path = called(plugins, **NEEDS_TWO)
    r = check(plugins, path)
    same((r.failed, r.skipped), ([], [SAME_PLAN, PURE_FAULTS, HOST_FAULTS, CLEANUP]))
    assert "give one with --config" in r.points[SAME_PLAN][1] and "not two" in r.points[SAME_PLAN][1], r

    b = box.bundle(["/bin/true"])
    b.config["annotations"] = {"org.test.bad": "two"}
    config = f"{b.write().path}/config.json"
    same(check(plugins, path, "--config", config).skipped, [HOST_FAULTS, CLEANUP])
    crash = dict(plan='const char *v; if (hozo_annotation(ctx, "org.test.bad", &v) == 1 && !strcmp(v, "two")) abort();')
    fails_at(plugins, SAME_PLAN, f"for {config}: plan: aborted (SIGABRT)", called(plugins, **NEEDS_TWO, **crash),
             "--config", config)

    b.config["annotations"] = {"org.test.bad": "three"}
    b.write()
    fails_at(plugins, SAME_PLAN, f"for {config}: not two", path, "--config", config)
    with open(config, "w") as f:
        f.write("{")
    fails_at(plugins, SAME_PLAN, config, path, "--config", config)


@test(sanitized=False)
def host_facts_are_taken_from_a_file_if_one_is_given(box):
    plugins = MadePlugins(box)
    path = called(plugins, plan="""
        struct hozo_cursor at;

        return hozo_fact(ctx, 0, "kernel", &at) == 1 && !strcmp(hozo_as_string(&*ctx, &at), "9.9.9") ? 0
               : hozo_error(ctx, 0, 0, "another kernel");""")
    assert "another kernel" in check(plugins, path).points[SAME_PLAN][1]
    facts = f"{box.dir}/facts"
    r = plugins.hozo("plan", "--json", "--bundle", box.bundle("true").write().path).ok()
    with open(facts, "w") as f:
        json.dump({**json.loads(r.out)["host"], "kernel": "9.9.9"}, f)
    same(check(plugins, path, "--host", facts).points[SAME_PLAN], ("ok", ""))
