/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-init's interpreter under test: run on a plan in a child, with this process as the runtime.
 */
#ifndef TESTS_UNIT_INIT_HARNESS_H
#define TESTS_UNIT_INIT_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/init/interpreter.h"
#include "core/planner.h"

bool check(bool good, const char *name);
/* Without the privilege to make a mount namespace: counts the test as skipped. */
bool skip_unprivileged(const char *name);
/* Prints the number of tests; the exit status. */
int done(void);

/* An empty directory, the working directory; removed by done(). */
void enter_directory(void);
void write_text(const char *file, const char *text);
/* The whole file, in a static buffer; "" if there is none. */
const char *read_text(const char *file);

struct plan_builder *new_plan(void);

struct scene {
    bool namespace_; /* a mount namespace of its own, private */
    bool stage;      /* begins as the stage process */
    int close_at;    /* this end hangs up at this message (an enum sync_type); 0: never */
    bool root;       /* slot 0 is a descriptor of "root" here */
    void (*before)(struct plan_header *); /* in the child, first; may fill slots */
    int (*probe)(void);                   /* in the child, after a plan without exec: 0 is good */
    void (*created)(pid_t);               /* here, after CREATED */
};
#define SCENE(...) (&(struct scene){__VA_ARGS__})

struct outcome {
    uint32_t op, step;
    int errnum;      /* of FAILED; -1: none came */
    unsigned phases; /* bit n: asked for phase n */
    bool born, created;
    int console; /* descriptor, or -1 */
    int status;  /* as of waitpid */
};

/* Runs the plan, and frees it. */
struct outcome run(struct plan_builder *b, const struct scene *s);

/* All operations succeeded, and so did the probe. */
bool succeeded(const struct outcome *o);
/* Operation `op` failed so. */
bool failed(const struct outcome *o, uint32_t op, int errnum, enum plan_step step);

#endif
