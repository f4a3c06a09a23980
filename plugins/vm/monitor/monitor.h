/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hozo-monitor: the process that stands for a virtual machine on the host (plugins/vm/wire.h). One thread that waits
 * in poll(2); what happens is told from the files guest.c (the agent), control.c (visitors and hozo), children.c (the
 * hypervisor) and signals.c, and machine.c goes from one stage of the machine's life to the next.
 */
#ifndef PLUGINS_VM_MONITOR_MONITOR_H
#define PLUGINS_VM_MONITOR_MONITOR_H

#include <fcntl.h>
#include <sys/resource.h>

#include "core/sync.h"
#include "plugins/vm/frames.h"
#include "plugins/vm/monitor/log.h"
#include "plugins/vm/monitor/polls.h"
#include "plugins/vm/monitor/setup.h"
#include "plugins/vm/monitor/streams.h"

#define STATUS_BROKEN   255 /* exit status of a machine that has failed, and of its visitors */
#define OUR_DESCRIPTORS 64  /* the monitor's own begin here: below are those of wire.h */

/* Moves a descriptor to there. */
static inline int above(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);

    close(*fd);
    *fd = moved;
    return moved;
}

#define CHILDREN_MAX  16
#define CALLERS_MAX   16
#define PROCESSES_MAX 256 /* with the container's own */
#define NETWORK_MAX   16

/* Of a process in the guest. */
enum process_state {
    PROCESS_NONE,
    PROCESS_SENDING, /* its plan is on its way */
    PROCESS_SPAWNED,
    PROCESS_CREATED,
    PROCESS_STARTED, /* the container's own: START is sent */
    PROCESS_EXECUTED,
    PROCESS_EXITED, /* what it has written is still being written */
};

struct process {
    enum process_state state;
    uint16_t id;
    int64_t left; /* milliseconds until it must be created */
    int plan;
    off_t sent, size;
    struct frame_spawn spawn;
    struct source in;
    struct sink out[2];
    int control; /* of its visitor; -1: it has hung up, or is none */
    int poll;
    struct frame_exited exited;
};

/* Of the machine. */
enum stage {
    STAGE_BOOT,       /* READY is to come */
    STAGE_RECORDS,    /* it has come */
    STAGE_SETTING_UP, /* UP is to come */
    STAGE_UP,
    STAGE_OFF, /* the container's process has ended; WRITTEN is to come */
    STAGE_WRITTEN,
};

struct child {
    pid_t pid; /* 0: it has ended */
    const char *name;
    bool hypervisor;
    int said; /* pipe: what it says; -1: nobody is left who could say something */
    int poll;
    struct last last;
};

/* Milliseconds from the end of the hypervisor, or of a helper, to that of the machine, if nothing else comes. */
#define LAST_WORDS 2000
#define SUSPICION  200

struct death {
    int64_t at; /* when it is told; 0: it lives */
    char text[LINE_MAX_ + 128];
};

struct machine {
    struct setup setup;
    struct setup network; /* records for the agent */
    struct log log;
    struct frames frames;
    struct polls polls;

    struct child children[CHILDREN_MAX];
    size_t n_children;

    struct rlimit files; /* of the children: the monitor itself has streams of many processes */
    int taps[NETWORK_MAX];
    char macs[NETWORK_MAX][18];
    size_t n_taps;

    int child_signals, signals;
    int sync, control, start, result, guest; /* -1: not any more, or not yet */
    int sealer;                              /* the same, or nothing becomes read-only */
    int callers[CALLERS_MAX];                /* connections that have not said what they want */
    bool heard;                              /* the guest's stream is not at its end */
    bool full; /* nobody can be let in: there are too many open files */

    enum stage stage;
    struct death death;
    bool broken; /* the reason is in the log */
    bool over;   /* the monitor ends with `status` … */
    int status;
    int64_t deadline; /* milliseconds of CLOCK_MONOTONIC; 0: none */

    struct process process[PROCESSES_MAX + 1]; /* [id] */

    struct { /* of one turn */
        int child_signals, signals, control, start, guest, callers[CALLERS_MAX];
    } poll;
};

/* --- the life (machine.c) ---------------------------------------------------------------------- */

int monitor(struct machine *m);

/* Waits once, so many milliseconds at most (-1: as long as it takes), and carries out what has happened. -1: the machine
 * has failed, or is over. */
int turn(struct machine *m, int milliseconds);

/* Tells the log, and hozo while it listens, why the machine is of no use. Returns -1. */
int broken(struct machine *m, int errnum, const char *format, ...) PRINTF(3, 4);

int64_t now(void);

/* To hozo, as the last message. */
void monitor_sync(struct machine *m, const struct sync_message *message);

/* The container's process has ended. */
void machine_off(struct machine *m);

/* --- what becomes read-only (seal.c) ---------------------------------------------------------------- */

/* While there is the right to. */
int seal_prepare(struct machine *m);
int seal(struct machine *m);

/* --- children (children.c) ---------------------------------------------------------------------- */

int children_start(struct machine *m);
void children_reap(struct machine *m);
void children_poll(struct machine *m);
void children_listen(struct machine *m);
bool hypervisor_runs(const struct machine *m);
void hypervisor_end(struct machine *m);
uint64_t children_capabilities(const struct machine *m);

/* --- the agent (guest.c) ------------------------------------------------------------------------ */

/* Reads, and carries out what it says. */
void guest_ready(struct machine *m);
void guest_send(struct machine *m, uint8_t type, uint8_t stream, uint16_t process,
                const void *payload, size_t size);
/* May somebody be asked who makes frames of it? */
bool guest_listens(const struct machine *m);
int guest_tell_records(struct machine *m);

/* --- processes (process.c) ---------------------------------------------------------------------- */

/* Takes the descriptors. NULL: there are too many. */
struct process *process_add(struct machine *m, uint16_t id, int plan, const int stdio[3],
                            const struct frame_spawn *spawn);
void process_free(struct process *p);
/* What can be sent of its plan and its standard input, and what is owed. */
void process_pump(struct machine *m, struct process *p);
void process_poll(struct machine *m, struct process *p);
void process_ready(struct machine *m, struct process *p);
void process_signal(struct machine *m, struct process *p, uint32_t signal);
void process_resize(struct machine *m, struct process *p, uint16_t rows, uint16_t columns);
bool process_flushed(const struct process *p);
/* Is it still to be set up, for somebody who waits for that? */
bool process_is_awaited(const struct process *p);
/* Tells its end, and gives up what is not needed any more. */
void process_settle(struct process *p);

/* --- the control socket (control.c) --------------------------------------------------------------- */

void control_poll(struct machine *m);
void control_ready(struct machine *m);
/* To the visitor of a process, if it still is there. */
void visitor_tell(struct process *p, uint32_t type, int32_t a, int32_t b, int32_t c);
void visitor_ready(struct machine *m, struct process *p);
/* The guest has had its time to set the process up. */
void visitor_give_up(struct machine *m, struct process *p);

/* --- the network (network.c) ----------------------------------------------------------------------- */

int network_join(struct machine *m);

#endif
