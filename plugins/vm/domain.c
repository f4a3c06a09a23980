/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

char *domain_name(const char *id)
{
    uint64_t own;
    char *name;

    if (getrandom(&own, sizeof(own), 0) != (ssize_t)sizeof(own))
        return NULL;
    return asprintf(&name, "hozo-%s-%016" PRIx64, id, own) < 0 ? NULL : name;
}

void domain_keep(struct buffer *json, const struct found *f)
{
    buffer_put(json, ",\"xl\":");
    add_json_string(json, f->hypervisor, strlen(f->hypervisor));
    buffer_put(json, ",\"domain\":");
    add_json_string(json, f->domain, strlen(f->domain));
}

static int run_xl(struct hozo_ctx *ctx, const char *xl, const char *verb, const char *domain,
                  struct hozo_run *run)
{
    const char *const args[] = {xl, verb, domain, NULL};

    *run = (struct hozo_run){.size = sizeof(*run), .args = args};
    return hozo_run(ctx, run);
}

int vm_cleanup(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    struct hozo_run run;
    const char *xl, *domain;
    int found = hozo_state_find(ctx, NULL, "xl", &at);

    if (found <= 0)
        return found;
    xl = hozo_as_string(ctx, &at);
    found = hozo_state_find(ctx, NULL, "domain", &at);
    if (found <= 0)
        return found;
    domain = hozo_as_string(ctx, &at);
    if (run_xl(ctx, xl, "domid", domain, &run) < 0)
        return -1;
    if (run.status)
        return 0;
    if (run_xl(ctx, xl, "destroy", domain, &run) < 0)
        return -1;
    return !run.status ? 0
                       : hozo_error(ctx, 0, "vm", "%s destroy %s fails: %.*s", xl, domain,
                                    (int)strcspn(run.output, "\n"), run.output);
}
