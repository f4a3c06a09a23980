/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions, written backwards. */
#include <stdlib.h>

#include "plugins/seccomp/filter.h"

/* How far a branch leads, whose distances are 8 bits; less the conditions of a rule, which all lead to what is
 * behind it. */
#define NEAR (255 - 64)

static void append(struct filter *f, struct sock_filter instruction)
{
    if (f->n == f->room && !f->failed) {
        size_t room = f->room ? f->room * 2 : 512;
        void *grown = reallocarray(f->code, room, sizeof(*f->code));

        f->failed = !grown;
        f->code = grown ? grown : f->code;
        f->room = grown ? room : f->room;
    }
    if (!f->failed)
        f->code[f->n++] = instruction;
}

place filter_here(const struct filter *f)
{
    return f->n;
}

place filter_add(struct filter *f, uint16_t code, uint32_t k)
{
    append(f, (struct sock_filter){code, 0, 0, k});
    return f->n;
}

place filter_branch(struct filter *f, uint16_t comparison, uint32_t k, place yes, place no)
{
    append(f, (struct sock_filter){(uint16_t)(BPF_JMP | comparison | BPF_K), (uint8_t)(f->n - yes),
                                   (uint8_t)(f->n - no), k});
    return f->n;
}

place filter_near(struct filter *f, place far)
{
    return f->n - far < NEAR ? far : filter_add(f, BPF_JMP | BPF_JA, (uint32_t)(f->n - far));
}

/* One that is there already serves all that reach it: half of the code would be these. */
place filter_return(struct filter *f, uint32_t action)
{
    for (place at = f->n; at && f->n - at < NEAR; at--)
        if (f->code[at - 1].code == (BPF_RET | BPF_K) && f->code[at - 1].k == action)
            return at;
    return filter_add(f, BPF_RET | BPF_K, action);
}

void filter_turn(struct filter *f)
{
    for (size_t i = 0; i < f->n / 2; i++) {
        struct sock_filter first = f->code[i];

        f->code[i] = f->code[f->n - 1 - i];
        f->code[f->n - 1 - i] = first;
    }
}
