/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host as small as it can be, to run this plugin alone: configuration, facts and state are JSON
 * text, the plan is a list. As strict as the real one in what a plugin must not do: reading a field
 * that it has not declared, planning outside `plan`.
 */
#ifndef PLUGINS_CGROUP_FAKE_HOST_H
#define PLUGINS_CGROUP_FAKE_HOST_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include <hozo/plugin.h>

#define FAKE_WORKS 128
#define FAKE_LIST  40

struct fake {
    struct hozo_ctx ctx;
    cJSON *config, *facts, *state, *changes;
    const char *id;
    const char *rootfs; /* the option; may be NULL */
    struct hozo_work works[FAKE_WORKS];
    size_t n_works;
    uint32_t phase; /* whose work is handed out */
    bool planning;
    char *directory, *list, *freeze, *kill; /* what hozo_set_cgroup() was told */
    char *procs[FAKE_LIST], *mounts[FAKE_LIST];
    char error[512];
    void *garbage[32768]; /* freed at the end */
    size_t n_garbage;
};

void fake_begin(struct fake *f, const char *id, const char *config, const char *facts);
void fake_end(struct fake *f);

/* The callbacks in their order. 0 or -1 with f->error set. */
int fake_plan(struct fake *f); /* validate, plan */
int fake_prepare(struct fake *f);
int fake_attach(struct fake *f);
int fake_cleanup(struct fake *f);

/* `update` with these members of the configuration, which are then part of it; what it plans replaces the plan. */
int fake_update(struct fake *f, const char *changes);
int fake_update_apply(struct fake *f);
int fake_update_undo(struct fake *f);

/* "what value\n" of all work, with the path in front where `paths`. */
char *fake_plan_text(struct fake *f, bool paths);

#endif
