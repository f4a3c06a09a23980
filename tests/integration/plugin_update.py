# SPDX-License-Identifier: Apache-2.0
"""update, as plugins take part in it; and what they tell for `events`."""
import json
import os
import subprocess

import host
from harness import same, test
from made_plugins import MadePlugins

RDT = [("linux.intelRdt", "OBJECT"), ("linux.intelRdt.closID",),
       ("linux.intelRdt.l3CacheSchema", "STRING", "OWN UNSET_0", ["L3:0=f", "L3:0=3", "bad"]),
       ("linux.intelRdt.memBwSchema", "STRING", "OWN UNSET_0")]
HEAD = r"""
__attribute__((unused)) static const char *changed(struct hozo_ctx *ctx, const char *path)
{
    struct hozo_cursor at;

    return hozo_changed(ctx, 0, path, &at) == 1 ? hozo_as_string(ctx, &at) : "-";
}

__attribute__((unused)) static int work(struct hozo_ctx *ctx, uint32_t phase, const char *what)
{
    struct hozo_work w = {.size = sizeof(w), .phase = phase, .path = "linux.intelRdt", .what = what};

    return hozo_plan_work(ctx, &w);
}
"""
L3, MB = "linux.intelRdt.l3CacheSchema", "linux.intelRdt.memBwSchema"
TELLS = "".join(f'note("{name} %s %s", value(ctx, "{path}"), changed(ctx, "{path}"));'
                for name, path in (("l3", L3), ("mb", MB)))


def with_section(box, **rdt):
    b = box.bundle("sleep 100")
    b.config["linux"]["intelRdt"] = {"closID": "a", **rdt}
    return b


def owner(plugins, name="a", **more):
    """Serves linux.intelRdt; does nothing."""
    callbacks = {"plan": "", "update": "", "update_apply": "", "update_undo": "", **more}
    plugins.plugin(name, "linux.intelRdt", fields=RDT, head=HEAD, **callbacks)


def container(box, rdt={}, **callbacks):
    plugins = MadePlugins(box)
    owner(plugins, **callbacks)
    plugins.create(with_section(box, **rdt)).ok()
    plugins.notes()
    return plugins


def update(plugins, *options):
    return plugins.hozo("update", *options, "c1")


# --- what a plugin sees

@test(sanitized=False)
def a_plugin_sees_what_is_named_and_what_will_be(box):
    plugins = container(box, {"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=10"}, update=TELLS)
    update(plugins, "--l3-cache-schema", "L3:0=3").ok().silent()
    same(plugins.notes(), ["a update", "l3 L3:0=3 L3:0=3", "mb MB:0=10 -", "a update_apply"])


@test(sanitized=False)
def later_verbs_see_what_an_update_has_changed(box):
    plugins = container(box, {"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=10"}, update=TELLS,
                        exec=f'note("l3 %s", value(ctx, "{L3}"));')
    update(plugins, "--l3-cache-schema=L3:0=3").ok()
    update(plugins, "--mem-bw-schema", "MB:0=20").ok()
    plugins.hozo("start", "c1").ok()
    plugins.notes()
    plugins.hozo("exec", "c1", "true").ok()
    same(plugins.notes(), ["a exec", "l3 L3:0=3"])
    update(plugins).ok()
    same(plugins.notes()[1:3], ["l3 L3:0=3 -", "mb MB:0=20 -"])


@test(sanitized=False)
def what_is_empty_is_not_set_where_a_row_says_so(box):
    """Its permitted values do not matter then; it does not take the place of what was set."""
    plugins = container(box, {"l3CacheSchema": "", "memBwSchema": "MB:0=10"}, update=TELLS,
                        plan=f'note("l3 %s", value(ctx, "{L3}"));')
    update(plugins, "--l3-cache-schema", "", "--mem-bw-schema", "").ok()
    same(plugins.notes(), ["a update", "l3 - -", "mb MB:0=10 -", "a update_apply"])


@test(sanitized=False)
def the_state_of_a_plugin_is_there_in_an_update(box):
    plugins = container(
        box, prepare='return hozo_state_set(ctx, "7", 1);',
        update='size_t n; note("has %s", hozo_state_get(ctx, &n));',
        update_apply='return hozo_state_set(ctx, "8", 1);')
    for value in "7", "8":
        update(plugins).ok()
        same(plugins.notes()[1], f"has {value}")


@test(sanitized=False)
def work_is_handed_from_one_callback_to_the_next(box):
    does = """
        struct hozo_work w = {.size = sizeof(w)};

        for (size_t i = 0; hozo_next_work(ctx, i, &w) == 1; i++)
            note("does %s for %s", w.what, w.path);"""
    plugins = container(box, update='return work(ctx, HOZO_PHASE_PREPARE, "one") || work(ctx, HOZO_PHASE_PREPARE, "two");',
                        update_apply=does)
    update(plugins).ok()
    same(plugins.notes()[2:], ["does one for linux.intelRdt", "does two for linux.intelRdt"])
    plugins.hozo("delete", "--force", "c1").ok()
    owner(plugins, update='return work(ctx, HOZO_PHASE_ATTACH, "one");')
    plugins.create(with_section(box)).ok()
    update(plugins).fails("plugin a", "which an update does not have")


# --- all or nothing

FAIL = 'return hozo_error(ctx, 0, "linux.intelRdt", "no, says %s", __func__);'
LOG = ["b update", "a update", "b update_apply", "a update_apply"]


def two(box, b={}, **a):
    """b comes before a."""
    plugins = MadePlugins(box)
    owner(plugins, **a)
    plugins.watcher("b", head=HEAD, before=["a"], fields=[(L3, "STRING", "READ")],
                    **{"update": "", "update_apply": "", "update_undo": "", **b})
    plugins.create(with_section(box, l3CacheSchema="L3:0=f")).ok()
    plugins.notes()
    return plugins


@test(sanitized=False)
def every_plugin_agrees_before_one_of_them_acts(box):
    plugins = two(box)
    update(plugins, "--l3-cache-schema", "L3:0=3").ok()
    same(plugins.notes(), LOG)


@test(sanitized=False)
def nobody_acts_if_one_does_not_agree(box):
    plugins = two(box, update=FAIL)
    update(plugins, "--l3-cache-schema", "L3:0=3").fails("linux.intelRdt: no, says on_update")
    same(plugins.notes(), LOG[:2])


@test(sanitized=False)
def those_before_one_that_fails_undo_what_they_did(box):
    plugins = two(box, b={"update_undo": f'note("l3 %s", value(ctx, "{L3}"));'}, update_apply=FAIL)
    update(plugins, "--l3-cache-schema", "L3:0=3").fails("linux.intelRdt: no, says on_update_apply")
    same(plugins.notes(), [*LOG, "b update_undo", "l3 L3:0=3"])
    plugins.hozo("start", "c1").ok()
    with open(f"{box.root}/c1/config.json") as f:
        same(json.load(f)["linux"]["intelRdt"]["l3CacheSchema"], "L3:0=f", "what later verbs read")


@test(sanitized=False)
def what_cannot_be_undone_is_told_beside_the_failure(box):
    plugins = two(box, b={"update_undo": FAIL}, update_apply=FAIL)
    update(plugins).fails("no, says on_update_apply; and what plugin b did could not be undone: linux.intelRdt: no, says on_update_undo")


# --- what is refused before anybody is asked

@test(sanitized=False)
def what_is_not_served_or_not_there_is_an_error_with_its_path(box):
    plugins = container(box)
    update(plugins, "--l3-cache-schema", "x").fails("linux.intelRdt.l3CacheSchema: \"x\" is not one of")
    same(plugins.notes(), [])
    plugins.hozo("delete", "--force", "c1").ok()
    plugins.create(box.bundle("sleep 100")).ok()
    plugins.notes()
    update(plugins, "--l3-cache-schema", "L3:0=3").fails("linux.intelRdt: the container was made without this section")
    same(plugins.notes(), [])


@test(cases={
    "no JSON": ("{", "resources:1: expected"), "no object": ("[]", "linux.resources: must be an object"),
    "wrong type": ('{"memory": {"limit": "1m"}}', "linux.resources.memory.limit: must be a number"),
    "unknown file": (None, "no such file or directory")})
def resources_that_are_not_right_change_nothing(box, what):
    text, message = what
    box.create(box.bundle("sleep 100")).ok()
    with open(f"{box.root}/c1/config.json") as f:
        before = f.read()
    path = f"{box.dir}/resources"
    if text is not None:
        with open(path, "w") as f:
            f.write(text)
    r = box.hozo("update", "--resources", path, "c1").ends(1)
    assert message in r.err.lower() or message in r.err, r.err
    with open(f"{box.root}/c1/config.json") as f:
        same(f.read(), before)


@test(cases={
    "memory": (("--memory", "1x"), "option --memory: \"1x\" is not a number of bytes"),
    "memory beyond 64 bits": (("--memory", "9999999t"), "is not a number of bytes"),
    "memory empty": (("--memory="), "option --memory: \"\" is not a number of bytes"),
    "period": (("--cpu-period", "1.5"), "option --cpu-period: \"1.5\" is not a decimal number"),
    "negative period": (("--cpu-period=-1"), "linux.resources.cpu.period"),
    "both": (("--resources", "/dev/null", "--pids-limit", "3"), "--pids-limit cannot be added"),
    "no value": (("--memory",), "container ID missing")})
def options_that_are_not_right_are_refused(box, what):
    options, message = what
    box.create(box.bundle("sleep 100")).ok()
    options = (options,) if isinstance(options, str) else options
    r = box.hozo("update", *options, "c1").ends(1)
    assert message in r.err, r.err


@test
def only_a_container_that_is_there_can_be_updated(box):
    box.hozo("update", "c1").fails("container does not exist")
    box.create(box.bundle("true")).ok()
    box.hozo("start", "c1").ok()
    box.wait_status("stopped")
    box.hozo("update", "--pids-limit", "10", "c1").fails("container not running")


@test
def a_container_without_a_control_group_cannot_be_limited(box):
    b = box.bundle("sleep 100")
    b.config["linux"].pop("resources", None)
    b.config["linux"].pop("cgroupsPath", None)
    box.hozo("--cgroup-manager", "disabled", "create", "--bundle", b.write().path, "c1").ok()
    box.hozo("update", "--pids-limit", "10", "c1").fails("linux.resources: the container has no control group")
    box.hozo("update", "c1").ok()


# --- where else

@test(sanitized=False)
def only_an_update_tells_what_is_changed(box):
    calls = 'struct hozo_cursor at; return hozo_changed(ctx, 0, "linux.intelRdt.closID", &at);'
    plugins = MadePlugins(box)
    for stage in "plan", "update_apply":
        owner(plugins, **{stage: calls})
        plugins.create(with_section(box))
        update(plugins)
        plugins.hozo("delete", "--force", "c1").ok()
    owner(plugins, plan=calls)
    plugins.create(with_section(box)).fails("plugin a", "calls hozo_changed in plan")


@test(sanitized=False)
def a_field_that_is_not_declared_cannot_be_read_in_an_update(box):
    plugins = container(box, update='note("%s", changed(ctx, "linux.resources.cpu.cpus"));')
    update(plugins).fails("plugin a", "reads linux.resources.cpu.cpus without declaring it")


@test(sanitized=False)
def resources_of_a_file_and_what_is_none_go_together(box):
    plugins = container(box, {"l3CacheSchema": "L3:0=f"}, update=TELLS)
    update(plugins, "--resources", "/dev/stdin", "--l3-cache-schema", "L3:0=3").fails("stdin")
    with open(f"{box.dir}/resources", "w") as f:
        f.write('{"pids": {"limit": 40}}')
    update(plugins, "--resources", f"{box.dir}/resources", "--l3-cache-schema", "L3:0=3").ok().silent()
    same(plugins.notes()[1], "l3 L3:0=3 L3:0=3")
