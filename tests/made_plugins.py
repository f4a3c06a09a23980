# SPDX-License-Identifier: Apache-2.0
"""Plugins that a test makes of C text: each callback is some statements."""
import json
import os
import shutil
import tempfile

import host
from bundle import make_rootfs
from compiled import compiled
from harness import Skip, libc
from plugin_directory import PluginDirectory

INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../include")

CALLBACKS = ("adjust", "validate", "plan", "probe", "prepare", "attach", "started", "exec", "exec_attach",
             "update", "update_apply", "update_undo", "stats", "pause", "resume", "stopped", "cleanup")
PURE = ("adjust", "validate", "plan")
CREATE = ("probe", "prepare", "attach")

# What every plugin of `PluginDirectory.plugin` begins with.
PRELUDE = r"""
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hozo/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The path of a file beside the plugin directory. */
static const char *beside(const char *name)
{
    static char path[4096];
    Dl_info own;

    dladdr((void *)beside, &own);
    snprintf(path, sizeof(path), "%s", own.dli_fname);
    *strrchr(path, '/') = 0;
    strcpy(strrchr(path, '/') + 1, name);
    return path;
}

/* Appends a line to the file `notes`. */
__attribute__((unused, format(printf, 1, 2))) static void note(const char *format, ...)
{
    FILE *f = fopen(beside("notes"), "ae");
    va_list ap;

    va_start(ap, format);
    vfprintf(f, format, ap);
    va_end(ap);
    fputc('\n', f);
    fclose(f);
}

/* A string of the configuration, or "-". */
__attribute__((unused)) static const char *value(struct hozo_ctx *ctx, const char *path)
{
    struct hozo_cursor at;

    return hozo_find(ctx, 0, path, &at) == 1 ? hozo_as_string(ctx, &at) : "-";
}
"""


def c_string(text):
    return "0" if text is None else json.dumps(text)


class Rows:
    """The tables of a descriptor as C text."""

    def __init__(self):
        self.text, self.members, self.count = "", "", 0

    def table(self, member, kind, rows):
        if rows:
            self.text += f"static {kind} {member}[] = {{\n" + "".join(f"    {r},\n" for r in rows) + "};\n"
            self.members += f"    .{member} = HOZO_TABLE({member}),\n"

    def strings(self, member, values):
        self.table(member, "const char *const", [c_string(v) for v in values])

    def fields(self, member, rows):
        self.table(member, "const struct hozo_field", [self._field(*r) for r in rows])

    def _field(self, path, kind="STRING", use="OWN", values=None, least=0, most=0, feature=None):
        listed = "0"
        if values:
            self.count += 1
            listed = f"values{self.count}"
            self.text += f"static const char *const {listed}[] = {{{', '.join(map(c_string, values))}, 0}};\n"
        use = " | ".join(f"HOZO_{u}" for u in use.split())
        return (f"{{{c_string(path)}, HOZO_{kind}, {use}, {listed}, {least}, {most}, {c_string(feature)}, "
                f'"A field."}}')


def source(name, names, fields=(), annotations=(), settings=(), features=(), before=(), after=(),
           state_version=1, head="", trace=False, **callbacks):
    """C text of a plugin. A callback is given as the statements in it and notes "NAME CALLBACK" first; with
    `trace` all others are there as well."""
    rows, functions = Rows(), ""
    rows.strings("names", names)
    rows.fields("fields", fields)
    rows.fields("settings", settings)
    rows.table("annotations", "const struct hozo_annotation",
               [f'{{{c_string(key)}, HOZO_{use}, "A key."}}' for key, use in annotations])
    rows.table("features", "const struct hozo_feature", [f"{{{c_string(p)}, {c_string(v)}}}" for p, v in features])
    rows.strings("before", before)
    rows.strings("after", after)
    assert set(callbacks) <= set(CALLBACKS), callbacks
    for callback in CALLBACKS:
        if trace or callback in callbacks:
            functions += (f"static int on_{callback}(struct hozo_ctx *ctx)\n{{\n    (void)ctx;\n"
                          f'    note("{name} {callback}");\n    {callbacks.get(callback, "")}\n'
                          f"    return 0;\n}}\n")
            rows.members += f"    .{callback} = on_{callback},\n"
    return (f"{PRELUDE}{head}\n{rows.text}{functions}HOZO_PLUGIN(test) = {{\n    HOZO_HEADER,\n"
            f"    .name = {c_string(name)}, .version = \"1.0\", .package = \"package-of-{name}\",\n"
            f"    .summary = \"A test.\", .state_version = {state_version},\n{rows.members}}};\n")


class MadePlugins(PluginDirectory):
    """The installed plugins, and those that a test makes. What they note lies in the box's directory."""

    def __init__(self, box, installed=True, name="plugins"):
        super().__init__(box, installed, name)
        self.arguments, self.settings_directory = ("--plugin-dir", self.path), None
        box.rootfs = box.rootfs or shared_rootfs(os.path.dirname(box.dir))

    # --- files

    def compile(self, text, path, *defines):
        return compiled(self.box, text, path, "-shared", "-fPIC", "-I", INCLUDE, *(f"-D{d}" for d in defines))

    def plugin(self, name, *names, directory=None, **more):
        """Compiles a plugin (see `source`) into the directory: a file, and links of its further names."""
        directory = directory or self.path
        path = self.compile(source(name, names, **more), f"{directory}/{names[0]}.so")
        for link in names[1:]:
            os.symlink(f"{names[0]}.so", f"{directory}/{link}.so")
        return path

    def watcher(self, name, **more):
        """A plugin that sees every container."""
        return self.plugin(name, f"process@{name}", **more)

    def key(self, name, **more):
        """A plugin for the annotation org.test.NAME."""
        return self.plugin(name, f"annotations.org.test.{name}",
                           annotations=[(f"org.test.{name}", "OWN")], **more)

    # --- commands

    def hozo(self, *arguments, **more):
        return self.box.hozo(*self.arguments, *arguments, **more)

    def run(self, bundle, *options, id="c1"):
        return self.hozo("run", "--bundle", bundle.write().path, *options, id)

    def create(self, bundle, *options, id="c1"):
        return self.hozo("create", "--bundle", bundle.write().path, *options, id)

    def plan(self, bundle, *options):
        return self.hozo("plan", "--bundle", bundle.write().path, *options)

    def running(self, bundle, id="c1"):
        self.create(bundle, id=id).ok()
        self.hozo("start", id).ok()
        return self.box.state(id)["pid"]

    # --- what plugins wrote, beside the directory

    def notes(self):
        """The lines since the last call."""
        try:
            with open(f"{self.box.dir}/notes") as f:
                lines = f.read().splitlines()
            os.remove(f"{self.box.dir}/notes")
            return lines
        except FileNotFoundError:
            return []

    # --- what the administrator wrote

    def settings(self, **files):
        """Gives the test a mount namespace with settings of its own: file NAME.json for each keyword, a
        text or an object. Called again, it adds files."""
        directory = self.hozo("plugin", "dir", "--settings").ok().out.strip()
        if not self.settings_directory:
            host.private_mounts()
            self.settings_directory = directory
            empty_directory(directory, f"{self.box.dir}/settings")
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            with open(f"{directory}/{name.replace('_', '.')}.json", "w") as f:
                f.write(text)
        return directory


def shared_rootfs(work):
    """One for all tests with plugins: it is read-only in the container, and takes longer to make than a test."""
    path = f"{work}/rootfs"
    if not os.path.isdir(path):
        own = tempfile.mkdtemp(dir=work)
        os.chmod(own, 0o755)
        make_rootfs(own)
        try:
            os.rename(own, path)
        except OSError:  # another test was faster
            shutil.rmtree(own)
    return path


def overlay(path, scratch):
    """What is written below `path` is written in this mount namespace alone."""
    os.mkdir(scratch)
    if libc.mount(b"none", scratch.encode(), b"tmpfs", 0, b"mode=755"):
        raise Skip("no permission to mount a tmpfs")
    for directory in ("upper", "work"):
        os.mkdir(f"{scratch}/{directory}", 0o755)
    options = f"lowerdir={path},upperdir={scratch}/upper,workdir={scratch}/work"
    failed = libc.mount(b"none", path.encode(), b"overlay", 0, options.encode())
    host.detach(scratch)
    if failed:
        raise Skip("no permission to mount an overlay")


def empty_directory(path, scratch):
    """Makes `path` an empty directory, in this mount namespace alone: over the lowest directory above it that
    exists lies an overlay."""
    above = path
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    overlay(above, scratch)
    os.makedirs(path, 0o755, exist_ok=True)
    for name in os.listdir(path):
        os.remove(f"{path}/{name}")
