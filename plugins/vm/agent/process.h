/* SPDX-License-Identifier: Apache-2.0 */
/* A process that was asked for: its plan, its birth, its streams, its end. */
#ifndef PLUGINS_VM_AGENT_PROCESS_H
#define PLUGINS_VM_AGENT_PROCESS_H

#include <sys/types.h>

#include "core/plan.h"
#include "core/sync.h"
#include "plugins/vm/agent/agent.h"

struct input {
    struct watch watch;
    unsigned char *ring; /* STREAM_WINDOW bytes */
    size_t start, filled;
    uint32_t granted;  /* what the other side may still send */
    uint32_t consumed; /* what it has not been granted again */
    bool ended;        /* no more will come */
    bool closed;       /* nobody reads */
};

struct output {
    struct watch watch;
    uint32_t credit;
    size_t owed; /* what was there when the process ended */
    bool ended;  /* as the other side knows */
};

struct process {
    struct process *next;
    struct agent *agent;
    uint16_t number;
    bool spawned, created, started, exited, told; /* told: EXITED was sent */
    bool gone;                                    /* to be swept away */
    struct frame_spawn spawn;
    struct frame_exited end;

    int plan_fd; /* memfd */
    size_t plan_size;
    struct plan_header *plan; /* checked; NULL once it has been carried out */

    pid_t stage, pid; /* 0: none, or none any more */
    unsigned phase;   /* of the runtime, which the inside process asks for next */
    struct watch sync;
    int start;           /* the pipe that lets the program begin, or -1 */
    struct watch result; /* the pipe that tells how that went */
    size_t result_size;
    unsigned char result_bytes[1 + sizeof(struct sync_failure)];

    struct input input;
    struct output output[2]; /* STREAM_STDOUT, STREAM_STDERR */
};

/* --- the table ----------------------------------------------------------------------------------- */

struct process *process_find(struct agent *a, uint16_t number);
/* NULL: errno. */
struct process *process_new(struct agent *a, uint16_t number);
/* After whatever concerned it: what is waited for, and whether it is over. */
void process_refresh(struct process *p);
void processes_refresh(struct agent *a);
void processes_reap(struct agent *a);
void processes_sweep(struct agent *a);
/* The same for all of the container's, this one alone excepted. */
void signal_all(int number);
void process_signal(struct process *p, int number);

/* --- the birth ----------------------------------------------------------------------------------- */

/* Whatever fails is sent, and is the end of the process. */
void process_spawn(struct process *p);
/* `op`: what failed, or NULL if it was none. */
void process_fail(struct process *p, const struct plan_op *op, int errnum, uint32_t step);
const struct plan_op *plan_find(const struct plan_header *plan, unsigned kind);
/* Starts hozo-init. stdio: what it gets as 0, 1 and 2. The pid, or -1: errno, and the operation if it was one. */
pid_t stage_start(const struct process *p, int sync, const int stdio[3], const struct plan_op **op);
/* The messages of hozo-init that are there. */
void sync_ready(struct agent *a, struct watch *w);
/* It says nothing more. */
void sync_ended(struct process *p);
/* What it says of the program's start. */
void result_ready(struct agent *a, struct watch *w);
/* The byte that it waits for. -1: it does not. */
int process_start(struct process *p);

/* --- the runtime's operations ---------------------------------------------------------------------- */

/* The first operation that cannot be carried out here, or NULL. */
const struct plan_op *phases_check(const struct plan_header *plan);
/* The first phase behind `phase` that hozo-init will ask for, or PHASE_COUNT. */
unsigned phase_next(const struct plan_header *plan, unsigned phase);
/* Carries out a phase. -1: it has failed, and that was told. */
int phase_run(struct process *p, unsigned phase);

/* --- streams --------------------------------------------------------------------------------------- */

/* Each takes the descriptor over. */
void input_open(struct process *p, int fd);
void output_open(struct process *p, unsigned stream, int fd);
void streams_close(struct process *p);
/* -1: more than was granted, or something behind the end. */
int input_take(struct process *p, const void *bytes, size_t size);
void output_credit(struct process *p, unsigned stream, uint32_t bytes);
/* Nobody reads it any more: who goes on writing gets its signal. */
void output_stop(struct process *p, unsigned stream);
/* The process has ended: what is there now is what it has left. */
void outputs_owe(struct process *p);
/* All of that was sent. */
bool outputs_paid(struct process *p);
/* They are at their end. */
bool outputs_ended(const struct process *p);
void streams_refresh(struct process *p);

#endif
