# SPDX-License-Identifier: Apache-2.0
"""The packages for RPM: the spec packs what was built for Debian, whose directories it is told. Its own build would
take as long once more, by the same commands of meson."""
import fnmatch
import functools
import glob
import subprocess

from harness import same, test
from package_build import SOURCE, command, contents, debian, needs, packages, plugins

SPEC = f"{SOURCE}/packaging/rpm/hozo.spec"
LIMIT = 120
# Debian's rpm knows neither meson nor where its libraries are; a distribution that uses it does.
DEFINED = {
    "_vpath_builddir": "obj-{triplet}",
    "_libdir": "/usr/lib/{triplet}",
    "meson": "true",
    "meson_install": "DESTDIR=%{{buildroot}} meson install -C %{{_vpath_builddir}} --no-rebuild",
    "_topdir": "{top}",
}
# Beside libraries, which rpm finds itself.
REQUIRES = {"hozo-plugin-seccomp": ["libseccomp(*) >= 2.4"]}

# What a distribution's own macros do behind %install: strip, and compress pages.
OF_DEBIAN = ["unstripped-binary-or-object", "manpage-not-compressed", "no-manual-page-for-binary"]


def packed(box):
    """{package: file}"""
    needs("rpmbuild")
    top, triplet = f"{box.dir}/rpm", command("gcc", "-print-multiarch").strip()
    words = [w for name, value in DEFINED.items()
             for w in ("--define", f"{name} {value.format(top=top, triplet=triplet)}")]
    command("rpmbuild", "-bb", "--build-in-place", "--nodeps", "--without", "check", *words, SPEC,
            cwd=f"{debian()}/hozo")
    return {command("rpm", "-qp", "--queryformat", "%{NAME}", f): f for f in glob.glob(f"{top}/RPMS/*/*.rpm")}


def asked(rpm, what):
    return command("rpm", "-qp", f"--{what}", rpm).splitlines()


def inside(rpm):
    """Without directories, and without what each kind of package has of its own; manual pages may be compressed."""
    rows = command("rpm", "-qp", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpm).splitlines()
    return common(path for mode, path in (row.split(None, 1) for row in rows) if not mode.startswith("d"))


def common(paths):
    own = ("/usr/share/doc/", "/usr/share/licenses/", "/usr/lib/.build-id")
    return sorted(p.removesuffix(".gz") for p in paths if not p.startswith(own))


@functools.cache
def for_debian(name):
    return packages()[name.replace("-devel", "-dev")]


@test(timeout=LIMIT)
def they_are_those_for_debian(box):
    rpms = packed(box)
    same({n.replace("-devel", "-dev") for n in rpms}, set(packages()))
    for name, rpm in rpms.items():
        same(inside(rpm), common(contents(for_debian(name))), name)
        same(asked(rpm, "scripts"), [], name)
    they_ask_for_the_same(rpms)
    rpmlint_finds_nothing(rpms)


def they_ask_for_the_same(rpms):
    def needs_of(name):
        found = (r for r in asked(rpms[name], "requires") if ".so." not in r)
        return [r for r in found if not r.startswith(("rpmlib(", "rtld("))]

    interface, = (p for p in asked(rpms["hozo"], "provides") if p.startswith("hozo-plugin-abi("))
    same(needs_of("hozo"), [])
    for name in set(plugins()) - {"hozo"}:
        needed = sorted(needs_of(name), key=lambda r: r != interface)
        wanted = [interface, *REQUIRES.get(name, [])]
        assert len(needed) == len(wanted) and all(map(fnmatch.fnmatchcase, needed[1:], wanted[1:])), f"{name}: {needed}"
        same(needed[0], interface, name)
    same({r.split()[0] for r in needs_of("hozo-plugins")}, set(plugins()))


def rpmlint_finds_nothing(rpms):
    needs("rpmlint")
    r = subprocess.run(["rpmlint", "--config", f"{SOURCE}/packaging/rpm/rpmlint.toml", SPEC, *rpms.values()],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert " specfiles checked;" in r.stdout, f"rpmlint does not end well\n{r.stdout}{r.stderr}"
    found = [line for line in r.stdout.splitlines() if ": E: " in line or ": W: " in line]
    same([line for line in found if not any(tag in line for tag in OF_DEBIAN)], [])
