/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket ROOT/ID/control of a container that is a virtual machine: AF_UNIX, SOCK_SEQPACKET, one packet each.
 * The monitor (M) listens; whoever may open the container's state may ask it.
 */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include <stdint.h>

/*
 *     visitor → M  EXEC     + 3 or 4 descriptors: streams 0, 1, 2 and the memfd of the plan; a, b: rows and columns,
 *                           c: 1 with a terminal (0, 1 and 2 are then its slave)
 *     M → visitor  CREATED, EXECUTED, FAILED (a: operation, b: errno, c: step), EXITED (a: code, b: signal),
 *                  ENDED (a: so many seconds the guest has had to set the process up; 0: the machine is no more)
 *     visitor → M  SIGNAL   a: number
 *     visitor → M  RESIZE   a: rows, b: columns
 *     hozo → M     SIGNAL   as the first packet: a: number, b: 1 for all processes; M answers DONE (a: errno)
 */
enum control_type {
    CONTROL_EXEC = 1,
    CONTROL_CREATED,
    CONTROL_EXECUTED,
    CONTROL_FAILED,
    CONTROL_EXITED,
    CONTROL_ENDED,
    CONTROL_SIGNAL,
    CONTROL_RESIZE,
    CONTROL_DONE,
};

struct control_packet {
    uint32_t type; /* enum control_type */
    int32_t a, b, c;
};

#endif
