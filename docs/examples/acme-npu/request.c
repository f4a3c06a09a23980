/* SPDX-License-Identifier: Apache-2.0 */
/* What a container asks for: by annotations, or by a device that its engine has given it. */
#include "npu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what the administrator says -------------------------------------------------------------- */

static const char *setting(struct hozo_ctx *ctx, const char *path, const char *otherwise)
{
    struct hozo_cursor at;

    return hozo_setting(ctx, NULL, path, &at) == 1 ? hozo_as_string(ctx, &at) : otherwise;
}

const char *setting_libraries(struct hozo_ctx *ctx)
{
    return setting(ctx, "libraries", "/opt/acme-npu/lib");
}

const char *setting_pool(struct hozo_ctx *ctx)
{
    return setting(ctx, "pool", "/run/acme-npu");
}

static int find_card(struct hozo_ctx *ctx, uint32_t card, struct hozo_cursor *found)
{
    struct hozo_cursor cards;

    return hozo_setting(ctx, NULL, "cards", &cards) == 1 &&
           hozo_item(ctx, &cards, card, found, NULL) == 1;
}

const char *setting_node(struct hozo_ctx *ctx, uint32_t card)
{
    struct hozo_cursor at, node;

    return find_card(ctx, card, &at) && hozo_setting(ctx, &at, "node", &node) == 1
               ? hozo_as_string(ctx, &node)
               : NULL;
}

/* 0 where the member is absent. */
static uint64_t number_of(struct hozo_ctx *ctx, const struct hozo_cursor *card, const char *member)
{
    struct hozo_cursor at;

    return hozo_setting(ctx, card, member, &at) == 1 ? hozo_as_uint(ctx, &at) : 0;
}

static int read_card(struct hozo_ctx *ctx, struct request *r)
{
    struct hozo_cursor card;

    if (!find_card(ctx, r->card, &card))
        return 0;
    r->major = (int64_t)number_of(ctx, &card, "major");
    r->minor = (int64_t)number_of(ctx, &card, "minor");
    r->total = (uint32_t)number_of(ctx, &card, "cores");
    return 1;
}

/* --- annotations ------------------------------------------------------------------------------ */

/* A slip of the pen must not start a container without what it was to have. */
static int check_keys(struct hozo_ctx *ctx)
{
    struct hozo_cursor at;
    const char *key;

    for (size_t i = 0; hozo_annotation_item(ctx, i, &at, &key) == 1; i++)
        if (strcmp(key, CARD) && strcmp(key, CORES))
            return hozo_error(ctx, 0, at.path, "is no annotation of " NAME);
    return 0;
}

/* 1 and the number, 0 where there is no such annotation. */
static int annotation_number(struct hozo_ctx *ctx, const char *key, uint32_t *number)
{
    const char *text;
    char *end;
    int found = hozo_annotation(ctx, key, &text);

    if (found <= 0)
        return found;
    *number = (uint32_t)strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || strlen(text) > 3)
        return hozo_error(ctx, 0, "annotations", "%s: \"%s\" is not a number from 0 to 999", key,
                          text);
    return 1;
}

static int by_annotations(struct hozo_ctx *ctx, struct request *r)
{
    int card, cores;

    if (check_keys(ctx) < 0 || (card = annotation_number(ctx, CARD, &r->card)) < 0 ||
        (cores = annotation_number(ctx, CORES, &r->cores)) < 0)
        return -1;
    if (!card && !cores)
        return 0;
    if (!read_card(ctx, r))
        return hozo_error(ctx, 0, "annotations", CARD ": the settings of " NAME " have no card %u",
                          r->card);
    return 1;
}

/* --- devices ---------------------------------------------------------------------------------- */

static int64_t number(struct hozo_ctx *ctx, const struct hozo_cursor *device, const char *name)
{
    struct hozo_cursor at;

    return hozo_find(ctx, device, name, &at) == 1 ? hozo_as_int(ctx, &at) : -1;
}

static int is_card(struct hozo_ctx *ctx, const struct hozo_cursor *device, const struct request *r)
{
    struct hozo_cursor at;
    const char *type = "";

    if (hozo_find(ctx, device, "type", &at) == 1)
        type = hozo_as_string(ctx, &at);
    return (*type == 'c' || *type == 'u') && number(ctx, device, "major") == r->major &&
           number(ctx, device, "minor") == r->minor;
}

/* `docker run --device`, or a device plugin of Kubernetes: the node is there, and the rest is missing. A node
 * may have any name: what it is, its numbers say. */
static int by_devices(struct hozo_ctx *ctx, struct request *r)
{
    struct hozo_cursor devices, device;

    if (hozo_find(ctx, NULL, "linux.devices", &devices) != 1)
        return 0;
    for (size_t i = 0; hozo_item(ctx, &devices, i, &device, NULL) == 1; i++)
        for (r->card = 0; read_card(ctx, r); r->card++)
            if (is_card(ctx, &device, r))
                return r->given = 1;
    return 0;
}

int request_read(struct hozo_ctx *ctx, struct request *r)
{
    int found;

    memset(r, 0, sizeof *r);
    found = by_annotations(ctx, r);
    return found ? found : by_devices(ctx, r);
}
