/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime (R), the stage process (S) and the inside process (I) say to each other over one
 * SOCK_SEQPACKET pair: one fixed-size message a packet. Whatever R receives is untrusted: by then the
 * sender may be in the hands of the container, from BORN on, since I is seen before that is sent.
 *
 *     R → S   GO                      only with PLAN_ATTACH_STAGE, once S is in its cgroups
 *     S → R   BORN    value = pid     as S sees it, which is as R sees it: a child of R; then S exits
 *     R → I   GO      value           ids are mapped, plugins attached; GO_KEEPS_GROUPS
 *     I → R   PHASE   value = phase   I stands before this phase of the runtime; it exists in the plan
 *     R → I   SLOT + descriptor       before that GO: value = slot that the helper has filled
 *     R → I   GO                      … which is done
 *     I → R   CONSOLE + descriptor    the master side of the terminal
 *     I → R   LISTENER value          the number that its seccomp listener has in I; the plan has one
 *     R → I   GO                      … which the agent has got
 *     I → R   CREATED                 all is set up, the user program is found (operation `report`)
 *     * → R   FAILED  op, errnum, step
 *
 * I stands before a phase of the runtime when it has ended the phases before it, and asks only if the
 * plan has operations there: create-runtime, limits. R accepts no other order, and none left out; and the
 * pid in BORN must be a child of its own. End of file on the socket ends S and I at once
 * (exit 1) until CREATED is sent. `exec` has no wait phase: there the socket is close-on-exec, so that
 * R reads CREATED and then end of file (executed), or FAILED (execve refused).
 *
 * The process of a virtual machine speaks for the inside process once it is executed (docs/machine.md):
 *
 *     M → R   CREATED                 the guest has carried its half of the plan out, up to its operation `report`
 *     M → R   GUEST_FAILED            op, errnum, step: of the guest's half
 *     M → R   MACHINE_FAILED  errnum  there is no guest; its log says why. Of exec with a value: so many seconds
 *                                     the guest has had to set the process up
 *
 * The helper H, which is hozo-init as well, has a socket of its own for the phase `sources`:
 *
 *     H → R   SLOT + descriptor       value = slot, in the plan's order; after the last one H ends
 *     H → R   FAILED  op, errnum, step
 */
#ifndef CORE_SYNC_H
#define CORE_SYNC_H

#include <stdint.h>

enum sync_type {
    SYNC_GO = 1,
    SYNC_BORN,
    SYNC_PHASE,
    SYNC_CONSOLE,
    SYNC_CREATED,
    SYNC_FAILED,
    SYNC_SLOT,
    SYNC_LISTENER,
    SYNC_GUEST_FAILED,
    SYNC_MACHINE_FAILED,
};

#define GO_KEEPS_GROUPS 1u /* user_namespaces(7): setgroups(2) is denied there */

struct sync_message {
    uint32_t type;  /* enum sync_type */
    uint32_t value; /* pid, phase, slot, or for FAILED the index of the operation */
    int32_t errnum;
    uint32_t step; /* enum plan_step */
};

/*
 * hozo-init is executed as { "hozo-init", "S,P" }: the decimal numbers of its end of the socket and of
 * the memfd that holds the plan; with --trace as "S,P,T", where T is the memfd of the table below. Its environment is
 * empty. Descriptors: 0-2, the preserved ones, these, and the slots whose numbers the plan holds.
 *
 * Start: one byte written to the FIFO `start` lets I go on. To `result` I then writes START_EXECUTING
 * directly before execve; end of file behind it (the descriptor is close-on-exec) means executed.
 * On a failure, before or after that byte, I writes a struct sync_failure, as long as its text, in one
 * piece, and exits: whoever starts the container no longer has the plan.
 */
#define START_EXECUTING 'x'

/*
 * A row for each operation of the plan, in its order, and one for how long the inside process is waiting to be let go.
 * hozo-init maps the table and closes T; a time that it has not noted is 0. Nanoseconds of CLOCK_REALTIME, which, unlike
 * CLOCK_MONOTONIC, is the same in every time namespace.
 */
struct sync_time {
    uint64_t begin, end;
};
#define SYNC_TIMES(n_ops) ((size_t)(n_ops) + 1)

struct sync_failure {
    struct sync_message message;
    char text[2048]; /* the operation's JSON path, NUL, its failure text, NUL; cut to fit */
};

#endif
