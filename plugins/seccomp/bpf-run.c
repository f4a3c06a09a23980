/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/seccomp/bpf-run.h"

#include <stdlib.h>
#include <string.h>

static bool is_branch(const struct sock_filter *i)
{
    return i->code == (BPF_JMP | BPF_JEQ | BPF_K) || i->code == (BPF_JMP | BPF_JGT | BPF_K) ||
           i->code == (BPF_JMP | BPF_JGE | BPF_K);
}

bool bpf_is_sound(const struct sock_filter *code, size_t n)
{
    for (size_t at = 0; at < n; at++) {
        const struct sock_filter *i = &code[at];
        size_t left = n - at - 1;

        if (i->code == (BPF_RET | BPF_K))
            continue;
        if (!left)
            return false; /* runs over the end */
        if (is_branch(i)                    ? i->jt >= left || i->jf >= left
            : i->code == (BPF_JMP | BPF_JA) ? i->k >= left
                                            : i->code != (BPF_ALU | BPF_AND | BPF_K) &&
                                                  (i->code != (BPF_LD | BPF_W | BPF_ABS) ||
                                                   i->k % 4 || i->k >= sizeof(struct seccomp_data)))
            return false;
    }
    return n > 0 && n <= BPF_MAXINSNS;
}

uint32_t bpf_run(const struct sock_filter *code, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (const struct sock_filter *i = code;; i++) {
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + i->k, sizeof(a));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            i += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            i += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            i += a > i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            i += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            abort();
        }
    }
}
