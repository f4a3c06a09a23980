/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin keeps with a container, for later executions of hozo: one JSON object, version 1. */
#ifndef ACME_NPU_RECORD_H
#define ACME_NPU_RECORD_H

#include <hozo/plugin.h>

#include "pool.h"

struct record {
    uint32_t card, total;
    const char *pool;
    char holder[256];      /* in whose name the cores are taken */
    char cores[POOL_LIST]; /* "0,1"; "": none, or not known yet */
};

int record_write(struct hozo_ctx *ctx, const struct record *record);

/* 1, or 0 where nothing was kept, or -1. Strings live until the callback returns. */
int record_read(struct hozo_ctx *ctx, struct record *record);

#endif
