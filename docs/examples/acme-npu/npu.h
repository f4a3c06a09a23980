/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the plugin know of each other. */
#ifndef ACME_NPU_H
#define ACME_NPU_H

#include <hozo/plugin.h>

#define NAME  "com.acme.npu"
#define CARD  NAME ".card"
#define CORES NAME ".cores"

/* What one container asks for. */
struct request {
    uint32_t card;  /* index in the administrator's list */
    uint32_t cores; /* how many of it are for this container alone; 0: it shares */
    uint32_t total; /* how many the card has */
    int given;      /* its engine has added the device */
    int64_t major, minor;
};

/* 1: it asks for something, 0: it does not, -1: the error is set. Pure: reads only what the host offers. */
int request_read(struct hozo_ctx *ctx, struct request *request);

/* Settings, or what they are without the administrator's file. */
const char *setting_libraries(struct hozo_ctx *ctx);
const char *setting_pool(struct hozo_ctx *ctx);
/* The path of the card's device; it lives until the callback returns. */
const char *setting_node(struct hozo_ctx *ctx, uint32_t card);

#endif
