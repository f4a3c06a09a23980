# SPDX-License-Identifier: Apache-2.0
"""The header of plugins in every language that it is for, without a warning; and a plugin in C++."""
import os
import shutil
import subprocess

from harness import Skip, same, test
from made_plugins import INCLUDE, MadePlugins

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
COMPILERS = {f"{name} -std={standard}": (name, standard)
             for names, standards in ((("gcc", "clang"), ("c11", "c17")),
                                      (("g++", "clang++"), ("c++14", "c++17", "c++20")))
             for name in names for standard in standards}

# Every macro and every inline function is used.
DESIGNATED = r"""
#include <hozo/plugin.h>

static const char *const names[] = {"process@test"};
static const struct hozo_annotation annotations[] = {{"org.test.x", HOZO_READ, "An annotation."}};

static int plan(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    const char *value;

    hozo_log(ctx, HOZO_LOG_DEBUG, "%s", hozo_id(ctx));
    if (hozo_find(ctx, NULL, "process.cwd", &at) < 0 || hozo_annotation(ctx, "org.test.x", &value) < 0)
        return hozo_error(ctx, 0, "process", "number %d", 1);
    return 0;
}

HOZO_PLUGIN(test) = {
    HOZO_HEADER,
    .name = "test",
    .version = "1.0",
    .package = "test",
    .summary = "A test.",
    .names = HOZO_TABLE(names),
    .annotations = HOZO_TABLE(annotations),
    .plan = plan,
};
"""

# The same for C++ before C++20.
DESCRIBED = DESIGNATED[:DESIGNATED.index("HOZO_PLUGIN(")].replace("annotations[]", "rows[]") + r"""
static constexpr struct hozo_plugin describe()
{
    struct hozo_plugin d = hozo_header();

    d.name = "test";
    d.version = "1.0";
    d.package = "test";
    d.summary = "A test.";
    d.names = HOZO_TABLE(names);
    d.annotations = HOZO_TABLE(rows);
    d.plan = plan;
    return d;
}

HOZO_PLUGIN(test) = describe();
"""

# A whole one; no exception leaves a callback.
WORDS = r"""
#include <hozo/plugin.h>
#include <exception>
#include <string>
#include <vector>

namespace {

constexpr const char key[] = "com.example.words";

/* No exception leaves a callback. */
int plan(struct hozo_ctx *ctx) noexcept
try {
    const char *value;
    int found = hozo_annotation(ctx, key, &value);
    std::vector<std::string> words;

    if (found <= 0)
        return found;
    std::string word;
    for (const char *c = value;; c++) {
        if (*c && *c != ' ') {
            word += *c;
            continue;
        }
        if (!word.empty())
            words.push_back(word);
        word.clear();
        if (!*c)
            break;
    }
    std::string number = std::to_string(words.size());
    struct hozo_env env = {};
    env.size = sizeof(env);
    env.name = "WORDS";
    env.value = number.c_str();
    return hozo_plan_env(ctx, &env);
} catch (const std::exception &e) {
    return hozo_error(ctx, 0, "annotations", "%s", e.what());
}

constexpr const char *names[] = {"annotations.com.example.words"};
constexpr struct hozo_annotation annotations[] = {{key, HOZO_OWN, "Words, which the program finds counted."}};

constexpr struct hozo_plugin describe()
{
    struct hozo_plugin d = hozo_header();
    d.name = "com.example.words";
    d.version = "1.0";
    d.package = "hozo-plugin-example-words";
    d.summary = "Counts words.";
    d.names = HOZO_TABLE(names);
    d.annotations = HOZO_TABLE(annotations);
    d.plan = plan;
    return d;
}
}

HOZO_PLUGIN(words) = describe();
"""
SCRIPT = "{ global: hozo_plugin; local: *; };\n"


def build(box, compiler, standard, text, path):
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    script = f"{box.dir}/exports"
    with open(script, "w") as f:
        f.write(SCRIPT)
    r = subprocess.run([compiler, f"-std={standard}", *WARNINGS, "-fvisibility=hidden", "-shared", "-fPIC", "-I",
                        INCLUDE, f"-Wl,--version-script={script}", "-x", "c++" if "+" in compiler else "c", "-", "-o", path],
                       input=text, text=True, capture_output=True)
    same((r.returncode, r.stderr), (0, ""))
    os.chmod(path, 0o755)


@test(sanitized=False, cases=COMPILERS)
def the_header_compiles_without_a_warning(box, which):
    compiler, standard = which
    if standard in ("c11", "c17", "c++20"):
        build(box, compiler, standard, DESIGNATED, f"{box.dir}/designated.so")
    if "+" in compiler:
        build(box, compiler, standard, DESCRIBED, f"{box.dir}/described.so")


@test(sanitized=False)
def a_plugin_in_cxx_is_checked_and_serves_a_container(box):
    plugins = MadePlugins(box)
    path = f"{plugins.path}/annotations.com.example.words.so"
    build(box, "g++", "c++17", WORDS, path)
    checked = plugins.hozo("plugin", "check", path).ok()
    assert "not ok" not in checked.out, checked
    b = box.bundle(["/bin/sh", "-c", "echo $WORDS"])
    b.config["annotations"] = {"com.example.words": "one two  three"}
    same(plugins.run(b).ok().out, "3\n")


@test(sanitized=False)
def a_global_object_of_cxx_breaks_the_rule_of_constructors(box):
    plugins = MadePlugins(box)
    path = f"{plugins.path}/process@test.so"
    build(box, "g++", "c++17", "#include <stdlib.h>\nextern const int n;\nconst int n = atoi(\"1\");\n" + DESCRIBED, path)
    r = plugins.hozo("plugin", "check", path).ends(1)
    same([line for line in r.out.splitlines() if line.startswith("not ok")],
         ["not ok 7 - nothing of it runs when it is loaded: has 1 constructors"])
