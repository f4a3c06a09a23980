/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.blockIO: the controller blkio of v1, io of v2. */
#include "plugins/cgroup/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_IO RESOURCES ".blockIO"

enum {
    WEIGHT,
    LEAF_WEIGHT,
    DEVICE_WEIGHT,
    DEVICE_LEAF_WEIGHT,
    READ_BPS,
    WRITE_BPS,
    READ_IOPS,
    WRITE_IOPS,
    COUNT
};

static const char *leaf_weight(const struct value *all, size_t own, enum version version,
                               char *room)
{
    return version == V1 ? text_number(all[own].number, room) : NULL;
}

/* Never asked for its text: it depends on the file. */
static const char *weight(const struct value *all, size_t own, enum version version, char *room)
{
    (void)all, (void)own, (void)version, (void)room;
    return NULL;
}

/* clang-format off */
static const struct resource rows[COUNT] = {
    [WEIGHT]             = {BLOCK_IO ".weight", HOZO_UINT, "blkio.bfq.weight|blkio.weight", "io.bfq.weight|io.weight", weight,
                            "`io.weight`: 10 to 1000 become 1 to 10000, 1 + (weight - 10) · 9999 / 990"},
    [LEAF_WEIGHT]        = {BLOCK_IO ".leafWeight", HOZO_UINT, "blkio.leaf_weight", NULL, leaf_weight,
                            "Linux before 5.0"},
    [DEVICE_WEIGHT]      = {BLOCK_IO ".weightDevice[].weight", HOZO_UINT, "blkio.bfq.weight_device|blkio.weight_device", "io.bfq.weight|io.weight", NULL,
                            "`MAJOR:MINOR` and the weight, as `blockIO.weight`"},
    [DEVICE_LEAF_WEIGHT] = {BLOCK_IO ".weightDevice[].leafWeight", HOZO_UINT, "blkio.leaf_weight_device", NULL, NULL,
                            "Linux before 5.0"},
    [READ_BPS]           = {BLOCK_IO ".throttleReadBpsDevice", HOZO_ARRAY, "blkio.throttle.read_bps_device", "io.max", NULL,
                            "v1: `MAJOR:MINOR RATE`; v2: `MAJOR:MINOR rbps=RATE`; 0 is no limit"},
    [WRITE_BPS]          = {BLOCK_IO ".throttleWriteBpsDevice", HOZO_ARRAY, "blkio.throttle.write_bps_device", "io.max", NULL,
                            "v2: `wbps=`"},
    [READ_IOPS]          = {BLOCK_IO ".throttleReadIOPSDevice", HOZO_ARRAY, "blkio.throttle.read_iops_device", "io.max", NULL,
                            "v2: `riops=`"},
    [WRITE_IOPS]         = {BLOCK_IO ".throttleWriteIOPSDevice", HOZO_ARRAY, "blkio.throttle.write_iops_device", "io.max", NULL,
                            "v2: `wiops=`"},
};
/* clang-format on */

static const char *const io_max_words[COUNT] = {
    [READ_BPS] = "rbps",
    [WRITE_BPS] = "wbps",
    [READ_IOPS] = "riops",
    [WRITE_IOPS] = "wiops",
};

/* --- weights ------------------------------------------------------------------------------------
 */

/* The files of two schedulers: bfq, and behind it cfq (v1, before Linux 5.0) or io.cost (v2). */
static int put_weight(struct planning *p, const char *path, const struct resource *row,
                      const char *device, unsigned number)
{
    const char *files = resource_file(p, row), *second;
    unsigned other = resource_version(p) == V2 ? weight_of_blkio(number) : number;
    auto_free char *file = NULL, *text = NULL;

    if (!p->h)
        return resource_refuse(p, path);
    second = strchr(files, '|') + 1;
    file = strndup(files, (size_t)(second - 1 - files));
    if (!file || asprintf(&text, "%s%u|%s=%s%u", device, number, second, device, other) < 0) {
        text = NULL;
        return hozo_error(p->ctx, ENOMEM, path, "%s", files);
    }
    return resource_put(p, path, WORK_WRITE_EITHER, file, text);
}

static int device_of(struct planning *p, const struct hozo_cursor *entry, char room[TEXT_MAX])
{
    struct hozo_cursor major, minor;

    if (hozo_find(p->ctx, entry, "major", &major) < 0 ||
        hozo_find(p->ctx, entry, "minor", &minor) < 0)
        return -1;
    snprintf(room, TEXT_MAX, "%" PRIi64 ":%" PRIi64 " ", hozo_as_int(p->ctx, &major),
             hozo_as_int(p->ctx, &minor));
    return 0;
}

static int weight_device(struct planning *p, const struct resource *row,
                         const struct hozo_cursor *entry, const char *key)
{
    struct hozo_cursor at;
    char device[TEXT_MAX];
    int has_weight, has_leaf;

    (void)key;
    if (device_of(p, entry, device) < 0 ||
        (has_weight = hozo_find(p->ctx, entry, "weight", &at)) < 0)
        return -1;
    if (has_weight && put_weight(p, at.path, row, device, (unsigned)hozo_as_uint(p->ctx, &at)) < 0)
        return -1;
    if ((has_leaf = hozo_find(p->ctx, entry, "leafWeight", &at)) < 0)
        return -1;
    if (!has_weight && !has_leaf)
        return hozo_error(p->ctx, 0, entry->path, "has neither weight nor leafWeight");
    if (!has_leaf)
        return 0;
    if (resource_version(p) != V1)
        return resource_refuse(p, at.path);
    snprintf(device + strlen(device), TEXT_MAX - strlen(device), "%" PRIu64,
             hozo_as_uint(p->ctx, &at));
    return resource_put(p, at.path, WORK_WRITE, rows[DEVICE_LEAF_WEIGHT].v1, device);
}

/* --- throttling ---------------------------------------------------------------------------------
 */

/* io.max knows no 0, by which v1 takes a limit away. */
static int throttle_device(struct planning *p, const struct resource *row,
                           const struct hozo_cursor *entry, const char *key)
{
    struct hozo_cursor at;
    char text[TEXT_MAX];
    uint64_t rate;
    size_t n;

    (void)key;
    if (hozo_find(p->ctx, entry, "rate", &at) < 0 || device_of(p, entry, text) < 0)
        return -1;
    if (!p->h)
        return resource_refuse(p, entry->path);
    rate = hozo_as_uint(p->ctx, &at);
    n = strlen(text);
    if (resource_version(p) == V1)
        snprintf(text + n, sizeof(text) - n, "%" PRIu64, rate);
    else if (rate)
        snprintf(text + n, sizeof(text) - n, "%s=%" PRIu64, io_max_words[row - rows], rate);
    else
        snprintf(text + n, sizeof(text) - n, "%s=max", io_max_words[row - rows]);
    return resource_put(p, entry->path, WORK_WRITE, resource_file(p, row), text);
}

static int plan(struct planning *p)
{
    struct value v[COUNT];

    if (resource_values(p, v) < 0)
        return -1;
    if (v[WEIGHT].named &&
        put_weight(p, rows[WEIGHT].path, &rows[WEIGHT], "", (unsigned)v[WEIGHT].number) < 0)
        return -1;
    if (resource_plan(p, v, LEAF_WEIGHT, WORK_WRITE) < 0 ||
        resource_each(p, BLOCK_IO ".weightDevice", &rows[DEVICE_WEIGHT], weight_device) < 0)
        return -1;
    for (size_t i = READ_BPS; i < COUNT; i++)
        if (resource_each(p, rows[i].path, &rows[i], throttle_device) < 0)
            return -1;
    return 0;
}

const struct family blkio_family = {"blkio", BLOCK_IO, EARLY, rows, COUNT, plan};
