/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container in the hands of one execution of hozo: configuration, host facts, plugins, plan,
 * state. Every stage of the lifecycle takes it and fills its part.
 */
#ifndef CORE_CONTAINER_H
#define CORE_CONTAINER_H

#include "core/json.h"
#include "core/notify.h"
#include "core/plan.h"
#include "core/planner.h"
#include "core/plugin-guard.h"
#include "core/plugins.h"
#include "core/state.h"
#include "core/trace.h"

struct container {
    const char *root;   /* of all states; borrowed */
    int dirfd;          /* ROOT/ID, locked; -1 without (hozo plan) */
    struct json config; /* config.json, or for exec the frozen copy */
    bool adjusted;      /* by plugins: `config` is no longer what its text says */
    struct json changes; /* `update`: what it names, as a part of config.json */
    struct json stats;   /* `events`: what plugins tell */
    struct json facts;  /* the host, see core/facts.h */
    bool facts_given;   /* in a file: nothing of this host is looked at, its settings included */
    unsigned callback_seconds; /* what a plugin's callback may take; 0: the default */
    struct state state;
    struct plugins plugins;
    struct plan_builder *builder; /* while compiling */
    struct compile *compile;      /* … for create */
    struct plan_header *plan;     /* once compiled */
    struct machine *machine;            /* the container's process stands for a virtual machine: */
    struct plan_builder *guest_builder; /* … the plan of its guest, */
    struct plan_header *guest;          /* … once compiled */
    pid_t pid;
    int pidfd;
    int interrupt;         /* foreground: readable once a signal asks to give up; -1 */
    struct launch *launch; /* while a process is being made */
    struct hozo_task *task; /* what a plugin that runs the container is asked for */
    /* options of the verb that plugins and the compiler may ask for */
    const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled" */
    bool no_pivot, no_new_keyring;
    bool
        user_namespace; /* that of the process is not the first of the system; known from the plan on */
    bool processes_ended;  /* `delete` has found none: whoever is in the control group came later */
    bool foreground;       /* the terminal, if there is one, follows the size of hozo's own */
    unsigned preserve_fds; /* all that the program keeps, listen_fds included */
    unsigned listen_fds;   /* socket activation: how many of them */
    struct times times;    /* what hozo-init notes for --trace */
    struct rescue rescue;  /* if a plugin crashes */
    int failure;           /* the exit status then; 0: 1 */
    struct notify notify;  /* between `start` and the program that is ready */
    const struct log *log; /* where plugins' lines go; NULL: nowhere */
};

void container_init(struct container *c);
/* Looks the host facts up. */
int container_facts(struct container *c, struct error *err);
void container_free(struct container *c);
#define auto_container __attribute__((cleanup(container_free)))

#endif
