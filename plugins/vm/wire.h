/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands for a machine, and what they say to each other (docs/machine.md has the picture):
 *
 *     hozo     makes the monitor as it makes any container's process, by the host's half of the plan
 *     monitor  hozo-monitor: the container's process on the host. Starts the hypervisor and what it needs,
 *              carries streams and signals, ends as the user program has ended
 *     visitor  hozo-monitor as well: what an `exec` has for a process on the host; asks the monitor
 *     agent    hozo-agent: process 1 of the guest. Executes plans by hozo-init, as hozo does on the host
 *
 * Monitor and agent share one byte stream (a port of virtio-serial). It carries frames: this header,
 * then `size` bytes. Numbers are as the processor has them, which is of the same kind on both sides, as are plans.
 * Neither side trusts the other: a frame that is longer than FRAME_MAX, of an unknown type or at a wrong time ends
 * the machine.
 */
#ifndef PLUGINS_VM_WIRE_H
#define PLUGINS_VM_WIRE_H

#include <stdint.h>

#include "core/control.h"

#define FRAME_MAX 16384 /* bytes behind the header */

struct frame {
    uint8_t type;     /* enum frame_type */
    uint8_t stream;   /* enum frame_stream where a frame is about one, else 0 */
    uint16_t process; /* 1: the container's own; 2…: of an exec; 0: the machine itself */
    uint32_t size;
};

/*
 * In the order of a life. `M` is the monitor, `A` the agent:
 *
 *     A → M  READY     the kernel's release, as uname(2) says. The first frame of all
 *     M → A  RECORD    one record of the settings: strings, each with its NUL (enum below: docs/machine.md)
 *     M → A  SET_UP    all records are sent
 *     A → M  UP        done: the share is mounted, the network is there
 *     A → M  BROKEN    text: it cannot be done. The machine is of no use
 *     M → A  PLAN      a piece of the plan of `process`
 *     M → A  SPAWN     the plan is complete: carry it out. struct frame_spawn
 *     A → M  FAILED    struct frame_failed: an operation of this plan; the process is gone
 *     A → M  CREATED   all is set up; process 1 waits for START, others execute their program now
 *     M → A  START     process 1 only
 *     A → M  REFUSED   process 1, behind START: struct sync_failure of core/sync.h, as long as its text
 *     A → M  EXECUTED  the user program runs
 *     M ↔ A  DATA      of a stream; M sends STDIN, A sends STDOUT and STDERR. Size 0: end of file; of STDOUT or STDERR
 *                      from M: nobody reads it any more
 *     M ↔ A  CREDIT    uint32_t: the sender of that stream may send so many bytes more
 *     M → A  SIGNAL    uint32_t: for `process`; process 0: for all of the container's
 *     M → A  RESIZE    two uint16_t: rows, columns of the process's terminal
 *     A → M  EXITED    struct frame_exited. What the process itself has written was sent before
 *     M → A  OFF       stop everything, write out, power off
 *     A → M  WRITTEN   file systems are written out and gone; the machine may be ended
 *
 * A stream begins with a credit of STREAM_WINDOW in each direction. A terminal has no STDERR, and the end of what is
 * typed is not the end of its input. Behind EXITED only the ends of outputs, and what others still write there, come;
 * the number of a process is free again behind all of that, or behind FAILED. What M says of a process that has
 * ended meanwhile is no mistake.
 */
enum frame_type {
    FRAME_READY = 1,
    FRAME_RECORD,
    FRAME_SET_UP,
    FRAME_UP,
    FRAME_BROKEN,
    FRAME_PLAN,
    FRAME_SPAWN,
    FRAME_FAILED,
    FRAME_CREATED,
    FRAME_START,
    FRAME_REFUSED,
    FRAME_EXECUTED,
    FRAME_DATA,
    FRAME_CREDIT,
    FRAME_SIGNAL,
    FRAME_RESIZE,
    FRAME_EXITED,
    FRAME_OFF,
    FRAME_WRITTEN,
};

enum frame_stream { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR };

#define STREAM_WINDOW (256u << 10)

struct frame_spawn {
    uint32_t terminal; /* 1: STDIN and STDOUT are those of the pseudo-terminal that the plan opens */
    uint16_t rows, columns;
};

/* As struct sync_message. If hozo-init has ended without a word, the operation is that of seccomp or clone. */
struct frame_failed {
    uint32_t op;
    int32_t errnum;
    uint32_t step;
};

struct frame_exited {
    uint32_t code;   /* exit status, or 128 + … */
    uint32_t signal; /* … this signal; 0: it has exited */
};

/*
 * Records for the agent. The monitor passes on those that the plugin has written, and adds its own of the network:
 *
 *     share TYPE TAG [TRANSPORT]   TYPE is virtiofs or 9p, TRANSPORT the latter's, if it is not virtio; mounted on
 *                                  /run/hozo/share
 *     lower DEVICE TYPE            … or a read-only image of the same tree, a block device
 *     image DEVICE                 the guest's own root file system (vm.image): a block device
 *     link NAME MAC MTU            the interface of this MAC gets this name; is set up behind its addresses
 *     address NAME FAMILY ADDRESS/PREFIX [broadcast B] [peer P]
 *     route NAME FAMILY DESTINATION/PREFIX [via GATEWAY] [metric N] [source S] [scope N] [mtu N] [onlink yes]
 *     neighbour NAME ADDRESS MAC
 */
#define SHARE_IN_GUEST "/run/hozo/share" /* core/machine.h has the same */

/*
 * Descriptors of the monitor, beside its standard streams. `control` is a listening AF_UNIX SOCK_SEQPACKET
 * socket; each connection is one of: an exec, by a visitor; a signal, by hozo.
 */
enum monitor_fd {
    MONITOR_SYNC = 3,    /* to hozo: struct sync_message of core/sync.h */
    MONITOR_PLAN,        /* memfd: the guest's half of the plan */
    MONITOR_CONTROL,     /* of a visitor: the connection */
    MONITOR_START,       /* FIFO: one byte, and the program begins */
    MONITOR_RESULT,      /* FIFO: as core/sync.h says */
    MONITOR_LOG,         /* what the hypervisor and the guest's kernel say; MONITOR_LOG_MAX bytes at most */
    MONITOR_SETUP,       /* memfd: the records below */
    MONITOR_INITRD,      /* the initial RAM disk, for the hypervisor alone */
    MONITOR_GUEST,       /* made by the monitor, for the hypervisor alone: the byte stream */
    MONITOR_TAPS = 16,   /* the same: the first network device, and so on */
};

#define MONITOR_LOG_MAX (256u << 10)

/*
 * Records for the monitor, written by the plugin: strings, each with its NUL; an empty string ends a record,
 * an empty record ends all.
 *
 *     child NAME CAPABILITIES ARG…   starts a program: CAPABILITIES hexadecimal, what it keeps; ARG[0] is its path.
 *                                    In an argument @TAPS@ stands for nothing but the place where the arguments
 *                                    of the network devices go (see `tap`)
 *     stream FILE                    the byte stream is this AF_UNIX socket of the child before, not MONITOR_GUEST
 *     tap ARG…                       arguments for each network device; in them @FD@, @MAC@, @INDEX@
 *     wait FILE                      until this file exists, or the child before has ended
 *     seconds N                      how long the guest may take until it is UP, and from each plan to CREATED
 *     readonly PATH                  the mount there, and those below, are read-only from CREATED of process 1 on
 *     guest STRING…                  passed on to the agent
 *
 * `child` of the name "hypervisor" is the machine: with its end all is over; it gets MONITOR_INITRD,
 * MONITOR_GUEST and the taps. Without a `tap` record a network namespace with interfaces is an error.
 */

#endif
