/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules in the plan: lines for the controller of cgroup v1, or a program for cgroup v2. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>

#define DEVICES RESOURCES ".devices"

static void rule_path(const struct device_rule *rule, char room[64])
{
    if (rule->index == DEVICE_DEFAULT)
        snprintf(room, 64, "%s", DEVICES);
    else
        snprintf(room, 64, "%s[%u]", DEVICES, rule->index);
}

static int plan_devices_v1(struct planning *p)
{
    struct device_exceptions e;
    char path[64], text[DEVICE_TEXT_MAX];
    size_t culprit;
    int r = device_exceptions(&p->devices, &e, &culprit);

    if (r < 0 && !e.at)
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    if (r < 0) {
        rule_path(&p->devices.at[culprit], path);
        hozo_error(
            p->ctx, 0, path,
            "\"%s\" overrides only a part of an earlier rule, which cgroup v1 cannot express",
            device_text(&p->devices.at[culprit], text));
    } else {
        r = planning_assign(p, HOZO_PHASE_PREPARE, DEVICES, WORK_WRITE,
                            e.allow ? "devices.allow" : "devices.deny", "a");
    }
    for (size_t i = 0; !r && i < e.n; i++) {
        rule_path(&e.at[i], path);
        r = planning_assign(p, HOZO_PHASE_PREPARE, path, WORK_WRITE,
                            e.allow ? "devices.deny" : "devices.allow",
                            device_text(&e.at[i], text));
    }
    free(e.at);
    return r;
}

/* "deny a *:* rwm, allow c 1:3 rwm" */
static char *describe(const struct device_rules *rules)
{
    char *text = NULL, room[DEVICE_TEXT_MAX];
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    for (size_t i = 0; i < rules->n; i++)
        fprintf(f, "%s%s %s", i ? ", " : "", rules->at[i].allow ? "allow" : "deny",
                device_text(&rules->at[i], room));
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static int plan_devices_v2(struct planning *p)
{
    auto_free struct bpf_insn *program = NULL;
    auto_free char *text = describe(&p->devices);
    size_t n;

    if (!text)
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    if (device_program(&p->devices, &program, &n) < 0)
        return hozo_error(p->ctx, errno, DEVICES, "%zu device rules", p->devices.n);
    if (!n)
        return 0;
    /* The kernel takes long to verify a program: it does so while hozo-init starts. */
    if (planning_work(p, HOZO_PHASE_ATTACH, DEVICES, WORK_ENTER, p->all.at[0].directory, NULL, 0) <
        0)
        return -1;
    return planning_work(p, HOZO_PHASE_ATTACH, DEVICES, WORK_DEVICES, text, program,
                         n * sizeof(*program));
}

/* The v1 controller if the host has it, else a program on the unified hierarchy. */
int devices_plan(struct planning *p, const struct hierarchy *h)
{
    if (!p->devices.n)
        return 0;
    if (hierarchy_has(h, "devices"))
        return plan_devices_v1(p);
    if (!h->unified)
        return 0;
    for (size_t i = 0; i < p->all.n; i++)
        if (hierarchy_has(&p->all.at[i], "devices"))
            return 0;
    return plan_devices_v2(p);
}

int devices_check(struct planning *p)
{
    if (!p->devices.n || p->all.at[0].unified)
        return 0;
    for (size_t i = 0; i < p->all.n; i++)
        if (hierarchy_has(&p->all.at[i], "devices"))
            return 0;
    return hozo_error(p->ctx, 0, DEVICES,
                      "the host has no cgroup hierarchy with the controller \"devices\"");
}
