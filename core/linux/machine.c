/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two halves of the plan of a virtual machine. The guest's is compiled as any container's, from its part of
 * the configuration, for a kernel of its own; the host's makes the process that stands for the machine.
 */
#include "core/machine.h"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "core/linux/bind.h"
#include "core/linux/confine.h"
#include "core/linux/control.h"
#include "core/linux/namespaces.h"

/* --- what a guest carries ------------------------------------------------------------------------ */

/* The agent does in the guest what the runtime does on the host; but these it cannot, or they mean nothing. */
static bool is_carried(const struct plan_op *op)
{
    static const uint8_t by_agent[] = {OP_PROCFS,   OP_FIFO,      OP_RECORD,     OP_RLIMIT,
                                       OP_AFFINITY, OP_SCHEDULER, OP_IO_PRIORITY};

    switch (plan_phase_process[op->phase]) {
    case PROCESS_RUNTIME:
        return memchr(by_agent, op->kind, sizeof by_agent);
    case PROCESS_HELPER:
        return false;
    case PROCESS_STAGE:
        return op->kind != OP_OOM_SCORE;
    default:
        return op->kind != OP_SECCOMP || !op->arg[3]; /* a listener is on the host */
    }
}

static int check_guest(const struct plan_header *plan, struct error *err)
{
    plan_for_each (op, plan)
        if (!is_carried(op))
            return fail(err, 0, plan_string(plan, op->path),
                        "a virtual machine does not carry the operation %s of %s",
                        plan_op_info[op->kind].name,
                        op->owner ? plan_string(plan, op->owner) : "core");
    return 0;
}

/* --- the guest's half ---------------------------------------------------------------------------- */

/* While the guest's half is compiled, the container is what the guest knows of it. */
struct view {
    struct json config, facts;
    char *rootfs;
};

static void exchange(struct container *c, struct view *v)
{
    const struct view before = {c->config, c->facts, c->state.rootfs};

    c->config = v->config;
    c->facts = v->facts;
    c->state.rootfs = v->rootfs;
    *v = before;
}

static void begin_guest(struct container *c, struct compile *guest)
{
    *guest = (struct compile){
        .c = c,
        .b = c->guest_builder,
        .guest = true,
        .privileged = true,
        .proc = -1,
        .config = c->config.root,
        .linux_ = json_get(c->config.root, "linux"),
    };
    guest->root = plan_slot(guest->b, "root");
}

static int finish_guest(struct container *c, struct error *err)
{
    return plan_finish(c->guest_builder, &c->guest, err) < 0 ? -1 : check_guest(c->guest, err);
}

static int compile_guest(struct container *c, struct view *v, struct error *err)
{
    struct compile guest;
    int r;

    exchange(c, v);
    begin_guest(c, &guest);
    compile_look_at_root(&guest);
    r = compile_container(&guest, err);
    exchange(c, v);
    return r < 0 ? -1 : finish_guest(c, err);
}

static int guest_facts(struct json *facts, struct error *err)
{
    return json_parse(facts, "facts", machine_guest_facts, strlen(machine_guest_facts), err);
}

/* --- the host's half ------------------------------------------------------------------------------ */

/* A source that the guest shall see. What is read-only is so here as well: the guest's kernel is in the hands of the
 * container. The root becomes so when the guest has made mount points in it: that is the monitor's task. */
static int share(struct compile *p, const char *name, const char *source,
                 const struct mount_options *of, const char *path, struct error *err)
{
    const struct mount_options o = {
        .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (of->set & MOUNT_ATTR_RDONLY),
        .rset = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (of->rset & MOUNT_ATTR_RDONLY),
        .recursive = of->recursive,
    };
    auto_free char *target = NULL;

    if (asprintf(&target, "%s/%s", p->c->machine->share, name) < 0)
        return fail_memory(err);
    return compile_bind(
        p, &(struct bind){.target = target, .source = STR(source), .path = path, .options = &o},
        err);
}

static int share_mount(struct compile *p, const cJSON *mount, unsigned index, struct error *err)
{
    const char *source = json_string(mount, "source", "");
    auto_free char *absolute = NULL;
    char path[32], name[16];
    struct mount_options o;

    snprintf(path, sizeof path, "mounts[%u]", index);
    snprintf(name, sizeof name, "%u", index);
    if (mount_options_parse(json_get(mount, "options"), &o, err) < 0)
        return -1;
    free(o.data);
    if (o.remount || (!o.bind && strcmp(json_string(mount, "type", ""), "bind")))
        return 0;
    if (!*source)
        return fail(err, 0, path, "source is missing");
    if (asprintf(&absolute, "%s%s%s", *source == '/' ? "" : p->c->state.bundle,
                 *source == '/' ? "" : "/", source) < 0)
        return fail_memory(err);
    if (share(p, name, absolute, &o, path, err) < 0)
        return -1;
    plan_what(p->b, "bind %s to %s", absolute, json_string(mount, "destination", ""));
    return 0;
}

/* Each has the number of its mount. */
static int share_all(struct compile *p, struct error *err)
{
    static const struct mount_options root = {.recursive = true};
    const cJSON *config = p->c->config.root, *mount;
    unsigned index = 0;

    if (share(p, "root", p->c->state.rootfs, &root, "root.path", err) < 0)
        return -1;
    plan_what(p->b, "root %s", p->c->state.rootfs);
    cJSON_ArrayForEach (mount, json_get(config, "mounts"))
        if (share_mount(p, mount, index++, err) < 0)
            return -1;
    return 0;
}

#define NO_ROOT "/run/hozo"

/* Mounted on the container's state, which nobody needs in there. */
static int empty_root(struct compile *p, struct error *err)
{
    auto_free char *path = NULL;

    if (asprintf(&path, "%s/%s", p->c->root ? p->c->root : NO_ROOT, p->c->state.id) < 0)
        return fail_memory(err);
    plan_op(p->b, PHASE_ENTER, TREE, NULL, NUM(MS_PRIVATE | MS_REC));
    plan_op(p->b, PHASE_ENTER, EMPTY_ROOT, NULL, STR(path), SLOT(p->root));
    plan_op(p->b, PHASE_ROOT, PIVOT, NULL, SLOT(p->root));
    /* Device nodes lie on it, and whoever may make some for the guest could make further ones there. */
    plan_op(p->b, PHASE_SYSTEM, ROOT_ATTR, NULL, SLOT(p->root), NUM(MOUNT_ATTR_RDONLY), NUM(0));
    return 0;
}

static int own_sections(struct compile *p, struct error *err)
{
    return compile_namespaces(p, err) < 0 || empty_root(p, err) < 0 || compile_mounts(p, err) < 0 ||
                   compile_devices(p, err) < 0 || compile_hooks(p, err) < 0
               ? -1
               : 0;
}

/* The sections read the part of the configuration that is the host's. */
static int compile_host_part(struct compile *p, const struct json *host, struct error *err)
{
    const struct json whole = p->c->config;
    int r;

    p->origin = "vm";
    p->tree_is_shared = false;
    p->c->config = *host;
    p->config = host->root;
    p->linux_ = json_get(host->root, "linux");
    r = own_sections(p, err);
    p->c->config = whole;
    p->config = whole.root;
    p->linux_ = json_get(whole.root, "linux");
    return r;
}

/* Ids and rights of a process that is not the user's program. */
static void own_identity(struct compile *p, uint64_t capabilities)
{
    int proc = -1;

    if (!p->c->no_new_keyring)
        compile_keyring(p, &proc);
    plan_op(p->b, PHASE_PROCESS, UMASK, NULL, NUM(022));
    plan_op0(p->b, PHASE_IDENTITY, NO_NEW_PRIVS, NULL);
    plan_op(p->b, PHASE_IDENTITY, BOUNDING, NULL, NUM(capabilities));
    plan_op(p->b, PHASE_IDENTITY, IDS, NULL, NUM(0), NUM(0), BYTES(NULL, 0));
    plan_op(p->b, PHASE_IDENTITY, CAPABILITIES, NULL, NUM(capabilities), NUM(capabilities), NUM(0),
            NUM(0));
}

static int in_state(struct compile *p, enum plan_kind kind, const char *slot, const char *file)
{
    int n = plan_slot(p->b, slot);

    plan_add(p->b, PHASE_PREPARE, kind, NULL, (const struct plan_value[]){STR(file), SLOT(n)}, 2);
    return n;
}

static void run_monitor(struct compile *p)
{
    const struct machine *m = p->c->machine;
    int guest = plan_slot(p->b, MACHINE_GUEST_SLOT);
    int control = in_state(p, OP_CONTROL, "control", CONTROL_SOCKET);
    int start = in_state(p, OP_FIFO, "start", "start");
    int result = in_state(p, OP_FIFO, "result", "result");
    int log = in_state(p, OP_LOG, "log", MACHINE_LOG);

    plan_op0(p->b, PHASE_LIMITS, RECORD, NULL);
    plan_op(p->b, PHASE_EXEC, MACHINE, "vm", SLOT(m->monitor), SLOT(guest), SLOT(control),
            SLOT(start), SLOT(result), SLOT(log), SLOT(m->setup), SLOT(m->initrd), LIST(m->args));
    plan_what(p->b, "start the machine");
}

static int compile_host(struct compile *p, const struct json *host, struct error *err)
{
    struct process_request process = {
        .process = json_get(p->c->config.root, "process"),
        .doc = &p->c->config,
        .path = "process",
        .root = p->root,
    };

    if (compile_oom_score(p, &process, err) < 0 || compile_host_part(p, host, err) < 0 ||
        share_all(p, err) < 0 || compile_terminal(p, &process, err) < 0)
        return -1;
    own_identity(p, p->c->machine->capabilities);
    run_monitor(p);
    return 0;
}

/* --- create ----------------------------------------------------------------------------------------- */

int machine_compile(struct compile *p, struct error *err)
{
    struct container *c = p->c;
    auto_json struct json host = {0}, guest = {0}, facts = {0};
    auto_free char *rootfs = NULL;
    struct view v;

    if (!c->machine)
        return fail(err, 0, "vm", "the plugin that serves this has planned no machine");
    if (!p->privileged)
        return fail(err, 0, "vm", "a virtual machine needs the rights of root");
    if (guest_facts(&facts, err) < 0 || machine_divide(c, &host, &guest, err) < 0)
        return -1;
    if (asprintf(&rootfs, "%s/root", c->machine->guest_share) < 0)
        return fail_memory(err);
    v = (struct view){guest, facts, rootfs};
    return compile_guest(c, &v, err) < 0 || compile_host(p, &host, err) < 0 ? -1 : 0;
}

/* --- exec ------------------------------------------------------------------------------------------- */

/* Those that the guest's half has made. */
static uint64_t guest_namespaces(const cJSON *linux_)
{
    const cJSON *ns;
    uint64_t flags = 0;

    cJSON_ArrayForEach (ns, json_get(linux_, "namespaces")) {
        const struct namespace_kind *kind = namespace_kind(json_string(ns, "type", ""));

        if (kind && kind->flag != CLONE_NEWNET)
            flags |= kind->flag;
    }
    return flags;
}

static int compile_guest_exec(struct container *c, const struct exec_request *request,
                              struct json *facts, struct error *err)
{
    struct view v = {c->config, *facts, c->state.rootfs};
    struct compile guest;
    int r;

    exchange(c, &v);
    begin_guest(c, &guest);
    r = compile_joining(&guest, request, guest_namespaces(guest.linux_), plan_slot(guest.b, "init"),
                        err);
    exchange(c, &v);
    return r < 0 ? -1 : finish_guest(c, err);
}

int machine_compile_exec(struct compile *p, const struct exec_request *request, int init,
                         struct error *err)
{
    auto_json struct json facts = {0};
    struct process_request process = {.process = request->process,
                                      .doc = request->doc,
                                      .path = "process",
                                      .root = p->root,
                                      .exec = true,
                                      .joined = true};
    static const char *const visit[] = {"hozo-monitor", "visit", NULL};

    if (guest_facts(&facts, err) < 0 || compile_guest_exec(p->c, request, &facts, err) < 0)
        return -1;
    plan_op0(p->b, PHASE_ENTER, SESSION, NULL);
    if (compile_oom_score(p, &process, err) < 0 || compile_terminal(p, &process, err) < 0)
        return -1;
    own_identity(p, 0);
    compile_join(p, request->namespaces, init);
    plan_op(p->b, PHASE_EXEC, VISIT, "vm", SLOT(plan_slot(p->b, MACHINE_MONITOR_SLOT)),
            SLOT(plan_slot(p->b, MACHINE_GUEST_SLOT)), SLOT(plan_slot(p->b, MACHINE_CONTROL_SLOT)),
            LIST(visit));
    return 0;
}
