# SPDX-License-Identifier: Apache-2.0
"""Directories of plugins that a test may change, and a plugin to put there."""
import contextlib
import glob
import json
import os
import shutil

from compiled import compiled
from harness import Skip, same

# Serves a section that the core knows; the program is nicer by as much as the section says.
SOURCE = r"""
#include <hozo/plugin.h>
#include <sys/syscall.h>

#ifndef ABI
#define ABI HOZO_ABI_MAJOR
#endif
#ifndef MAGIC
#define MAGIC HOZO_MAGIC
#endif
#ifndef NAME
#define NAME "linux.memoryPolicy"
#endif
#ifndef MINOR
#define MINOR HOZO_ABI_MINOR
#endif
#ifndef FLAGS
#define FLAGS 0
#endif

static const char *const names[] = {NAME};
static const char *const modes[] = {"MPOL_DEFAULT", "MPOL_LOCAL", 0};
static const struct hozo_field fields[] = {
    {"linux.memoryPolicy", HOZO_OBJECT, HOZO_OWN, 0, 0, 0, 0, "The policy."},
    {"linux.memoryPolicy.mode", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, modes, 0, 0,
     "linux.memoryPolicy.modes", "The mode."},
    {"linux.memoryPolicy.nodes", HOZO_STRING, HOZO_OWN, 0, 0, 0, 0, "The nodes."},
};

static int plan(struct hozo_ctx *ctx)
{
    struct hozo_cursor mode;
    struct hozo_syscall call = {sizeof(call), HOZO_PHASE_PROCESS, "linux.memoryPolicy", "setpriority",
                                SYS_setpriority, {0, 0, 7}, 0, 0, 0};

    if (hozo_find(ctx, 0, "linux.memoryPolicy.mode", &mode) != 1)
        return hozo_error(ctx, 0, "linux.memoryPolicy", "no mode");
    return hozo_plan_syscall(ctx, &call);
}

HOZO_PLUGIN(test_numa) = {
    .magic = MAGIC, .size = sizeof(struct hozo_plugin), .abi_major = ABI, .needs_minor = MINOR,
    .name = "test-numa", .version = "1.2.3", .package = "test-package", .summary = "A test.",
    .names = HOZO_TABLE(names), .fields = HOZO_TABLE(fields), .flags = FLAGS, .plan = plan,
};
"""
FILE = "linux.memoryPolicy.so"


class PluginDirectory:
    """A copy of the installed plugins that a test may change. As the tests' own plugin serves a section for
    which one is installed, that one is left out if not asked for."""

    def __init__(self, box, installed=False, name="plugins"):
        prefix = os.path.dirname(os.path.dirname(box.runtime))
        found = [d for pattern in ("lib/hozo/plugins", "lib/*/hozo/plugins")
                 for d in glob.glob(f"{prefix}/{pattern}")]
        if not found:
            raise Skip("the runtime is not an installed one with plugins")
        self.box, self.path, self.installed = box, f"{box.dir}/{name}", found[0]
        shutil.copytree(found[0], self.path, symlinks=True,
                        ignore=None if installed else shutil.ignore_patterns(FILE))
        for directory in (os.path.dirname(box.dir), box.dir, self.path):
            os.chmod(directory, 0o755)

    def add(self, name=FILE, *defines, source=SOURCE, flags=()):
        """Compiles a plugin into the directory."""
        include = os.path.join(os.path.dirname(__file__), "../include")
        return compiled(self.box, source, f"{self.path}/{name}", "-shared", "-fPIC", "-I", include,
                        *(f"-D{d}" for d in defines), *flags)

    def without(self, *names):
        """As if the packages with these had not been installed."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.remove(f"{self.path}/{name}.so")

    def hozo(self, *arguments, **more):
        return self.box.hozo("--plugin-dir", self.path, *arguments, **more)

    def run(self, bundle, id="c1"):
        return self.hozo("run", "--bundle", bundle.write().path, id)

    def features(self):
        r = self.hozo("features").ok()
        same(r.err, "")
        return json.loads(r.out)
