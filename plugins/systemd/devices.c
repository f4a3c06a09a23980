/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules. Of cgroup v2 they are a program that hozo attaches, which systemd does not touch as long as it has no
 * rules itself; a second program could only forbid more. Of v1 systemd writes devices.allow whenever it writes,
 * and without rules of its own it would allow everything.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/systemd/systemd.h"

#define DEVICES RESOURCES ".devices"

static int cannot_say(struct properties *p, const struct device_rule *rule, const char *why)
{
    char path[64] = DEVICES, text[DEVICE_TEXT_MAX];

    if (rule->index != DEVICE_DEFAULT)
        snprintf(path, sizeof(path), DEVICES "[%" PRIu32 "]", rule->index);
    return hozo_error(p->ctx, 0, path, "systemd cannot be told \"%s\" on cgroup v1: %s",
                      device_text(rule, text), why);
}

/* "/dev/char/1:3", "char-136", "char-*" */
static int print_rule(FILE *f, const struct device_rule *rule)
{
    const char *type = rule->type == 'b' ? "block" : "char";

    if (rule->major < 0 && rule->minor >= 0)
        return -1;
    fputs("('", f);
    if (rule->major < 0)
        fprintf(f, "%s-*", type);
    else if (rule->minor < 0)
        fprintf(f, "%s-%" PRIi64, type, rule->major);
    else
        fprintf(f, "/dev/%s/%" PRIi64 ":%" PRIi64, type, rule->major, rule->minor);
    fprintf(f, "', '%s%s%s')", rule->access & DEVICE_READ ? "r" : "",
            rule->access & DEVICE_WRITE ? "w" : "", rule->access & DEVICE_MKNOD ? "m" : "");
    return 0;
}

static int allow(struct properties *p, const struct device_exceptions *e)
{
    auto_free char *value = NULL;
    size_t size, i = 0;
    FILE *f = open_memstream(&value, &size);

    if (!f)
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    fputs("@a(ss) [", f);
    for (; i < e->n; i++) {
        fputs(i ? ", " : "", f);
        if (print_rule(f, &e->at[i]) < 0)
            break;
    }
    fputc(']', f);
    if (fclose(f))
        return hozo_error(p->ctx, ENOMEM, DEVICES, "device rules");
    if (i < e->n)
        return cannot_say(p, &e->at[i], "one minor number of every major");
    if (properties_set(p, DEVICES, "DevicePolicy", "'strict'") < 0)
        return -1;
    return properties_set(p, DEVICES, "DeviceAllow", "%s", value);
}

static int set(struct properties *p, const struct device_rules *rules)
{
    struct device_exceptions e;
    size_t culprit;
    int r = 0;

    /* What v1 cannot express the cgroup plugin refuses. */
    if (device_exceptions(rules, &e, &culprit) == 0) {
        if (!e.allow)
            r = allow(p, &e);
        else if (e.n)
            r = cannot_say(p, &e.at[0], "a device that is excepted from all");
    }
    free(e.at);
    return r;
}

int properties_of_devices(struct properties *p, const struct hierarchies *all)
{
    struct device_rules rules;
    bool v1 = false;
    int r;

    for (size_t i = 0; i < all->n; i++)
        v1 |= hierarchy_has(&all->at[i], "devices");
    if (!v1)
        return 0;
    r = devices_read(p->ctx, &rules);
    if (!r && rules.n)
        r = set(p, &rules);
    device_rules_free(&rules);
    return r;
}
