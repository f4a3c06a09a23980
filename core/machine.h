/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container whose process runs in a virtual machine: its configuration is divided into what the process on the
 * host needs, and what lies inside the guest; docs/machine.md has the table. Each half is compiled into a plan.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include "core/compile.h"

/* What the plugin that serves `vm` has told (struct hozo_machine). Everything is owned. */
struct machine {
    int monitor, setup, initrd; /* slots of the plan */
    char **args;                /* NULL-terminated */
    char *share, *guest_share;
    struct json root; /* {"mounts": […], "linux": {"devices": […]}} of the process's own root */
    uint64_t capabilities, overhead;
};

void machine_forget(struct machine **m);

/* The configuration asks for a machine. */
bool machine_wanted(const struct container *c);

/* The plugin acts inside the guest: it may append to the guest's half, and to nothing else. */
bool machine_is_inside(const struct plugin *p);

/* Refuses what means nothing in a machine; before any plugin plans. */
int machine_check(const struct container *c, struct error *err);
int machine_check_process(const cJSON *process, struct error *err);

/* Slots of the host's half that are filled from outside: the guest's half itself; of exec, the monitor's program and
 * the connection to it. */
#define MACHINE_GUEST_SLOT   "guest"
#define MACHINE_MONITOR_SLOT "monitor"
#define MACHINE_CONTROL_SLOT "control"

/* After the plugins have planned: c->plan and c->guest. */
int machine_compile(struct compile *p, struct error *err);
/* The same for exec. */
int machine_compile_exec(struct compile *p, const struct exec_request *request, int init,
                         struct error *err);

/* The parts of both files below. */
int machine_divide(struct container *c, struct json *host, struct json *guest, struct error *err);
extern const char machine_guest_facts[];

/* `update`: the limit of memory that is asked for is the guest's, that of the control group is higher. */
int machine_raise_memory(struct json *doc, uint64_t overhead, struct error *err);

#endif
