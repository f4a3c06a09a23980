/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a linux.seccomp section, which is sound more often than not. What is made of it is run on calls whose
 * arguments lie around those that the rules name, and answers what reading the section rule by rule tells
 * (tests/fuzz/seccomp-section.c). What is not sound is refused.
 */
#include "tests/fuzz/seccomp-section.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#include "core/compile.h"
#include "core/facts.h"
#include "plugins/seccomp/bpf-run.h"

#define PROBES 60

static const char frame[] =
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":"
    "[\"sh\"]},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"seccomp\":%s}}";
static struct json host;

/* As far as the first `prepare`. */
static int prepare(struct container *c, const char *section, struct error *err)
{
    auto_free char *config = NULL;

    container_init(c);
    c->facts = host;
    c->cgroup_manager = "disabled";
    must((c->state.id = strdup("c")) && (c->state.bundle = strdup("/b")));
    must(asprintf(&config, frame, section) > 0);
    must(!config_load(c, AT_FDCWD, as_file(config, strlen(config)), err));
    return compile_create(c, err) || plugins_record(c, err) || plugins_call(c, STAGE_PREPARE, err)
               ? -1
               : 0;
}

static const struct sock_filter *filter_of(const struct plan_header *plan, size_t *n)
{
    uint32_t size = 0;
    const void *filter = NULL;

    plan_for_each (op, plan)
        if (op->kind == OP_SECCOMP)
            filter = plan_late_bytes(plan, op->arg[2], &size);
    must(filter && size % sizeof(struct sock_filter) == 0);
    *n = size / sizeof(struct sock_filter);
    return filter;
}

static void probe(const struct section *s, const struct sock_filter *filter, struct bytes *in)
{
    struct seccomp_data d = {0};

    section_call(s, in, &d);
    must(bpf_run(filter, &d) == section_answer(s, &d));
}

void target(const char *bytes, size_t size)
{
    struct bytes in = {bytes, size, 1};
    auto_free char *text = NULL;
    struct section s;
    struct container c;
    struct error err = {0};
    const struct sock_filter *filter;
    size_t n;

    if (!host.root)
        must(!facts_read(&host, HOSTS "/v2.json", &err));
    section_make(&s, &in);
    text = section_text(&s);
    if (!prepare(&c, text, &err)) {
        must(section_is_sound(&s));
        filter = filter_of(c.plan, &n);
        must(bpf_is_sound(filter, n));
        for (unsigned i = 0; i < PROBES; i++)
            probe(&s, filter, &in);
    } else {
        check_error(&err);
        must(!section_is_sound(&s));
    }
    c.facts = (struct json){0};
    container_free(&c);
}
