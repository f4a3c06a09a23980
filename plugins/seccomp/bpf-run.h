/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel makes of a filter, for tests: no line is shared with what writes it. */
#ifndef PLUGINS_SECCOMP_BPF_RUN_H
#define PLUGINS_SECCOMP_BPF_RUN_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the kernel would take it (net/core/filter.c, seccomp_check_filter() of Linux 6.18): every jump leads
 * forward and to an instruction, every load is of a whole word of seccomp_data, every way ends with a return. */
bool bpf_is_sound(const struct sock_filter *code, size_t n);

/* The action. The filter must be sound. */
uint32_t bpf_run(const struct sock_filter *code, const struct seccomp_data *data);

#endif
