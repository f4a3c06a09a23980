/* SPDX-License-Identifier: Apache-2.0 */
/* The records of wire.h: kept as they come, and carried out together in an order of their own. */
#ifndef PLUGINS_VM_AGENT_RECORDS_H
#define PLUGINS_VM_AGENT_RECORDS_H

#include "core/base.h"
#include "plugins/vm/agent/log.h"

#define RECORDS_MAX  (256u << 10)
#define RECORD_WORDS 16

struct records {
    size_t size;
    char bytes[RECORDS_MAX]; /* of each record its size, two bytes, and its strings */
};

/* A record for those who carry it out: word[0] is its name. */
struct record {
    unsigned n;
    const char *word[RECORD_WORDS];
};

struct agent;
typedef int record_function(struct agent *a, const struct record *r, struct problem *why);

/* -1: it is not one. */
int records_add(struct records *records, const void *bytes, size_t size);

int records_carry_out(struct agent *a, struct problem *why);

/* The word behind `name`, or NULL. */
const char *record_option(const struct record *r, unsigned from, const char *name);

record_function share_mount, lower_mount, link_put_aside, link_name, address_add, link_up,
    route_add, neighbour_add;

#endif
