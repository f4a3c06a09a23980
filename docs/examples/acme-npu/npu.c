/* SPDX-License-Identifier: Apache-2.0 */
/*
 * com.acme.npu: cards for neural networks, by annotations:
 *
 *     "com.acme.npu.card": "0"     this card's device
 *     "com.acme.npu.cores": "2"    so many of its cores, for this container alone
 *
 * A container that an engine gives such a device gets the driver's libraries as well.
 */
#include "npu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"
#include "record.h"

/* --- making a plan: nothing is opened, nothing is changed ------------------------------------- */

static int add_card(struct hozo_ctx *ctx, const struct request *r)
{
    const struct hozo_device device = {
        .size = sizeof device,
        .path = setting_node(ctx, r->card),
        .type = "c",
        .major = r->major,
        .minor = r->minor,
        .mode = 0666,
        .access = "rw",
    };

    return hozo_add_device(ctx, &device);
}

static int add_libraries(struct hozo_ctx *ctx)
{
    static const char *const options[] = {"rbind", "ro", "nosuid", "nodev", NULL};
    const struct hozo_mount mount = {
        .size = sizeof mount,
        .destination = "/opt/acme-npu/lib",
        .type = "bind",
        .source = setting_libraries(ctx),
        .options = options,
    };

    return hozo_add_mount(ctx, &mount);
}

static int npu_adjust(struct hozo_ctx *ctx)
{
    struct request r;
    int asks = request_read(ctx, &r);

    if (asks < 0)
        return -1;
    if (!asks)
        return 1; /* a container with other devices than ours */
    /* Whoever gave the device has given it a name, too. */
    if (!r.given && add_card(ctx, &r) < 0)
        return -1;
    return add_libraries(ctx);
}

static int npu_validate(struct hozo_ctx *ctx)
{
    struct request r;

    if (request_read(ctx, &r) < 0)
        return -1;
    if (r.cores > r.total)
        return hozo_error(ctx, 0, "annotations", CORES ": card %u has %u cores", r.card, r.total);
    return 0;
}

/* Not by `adjust`: an engine that executes a process in the container brings all variables of it along, and
 * has never heard of these. */
static int plan_variable(struct hozo_ctx *ctx, const char *name, const char *value, int late)
{
    const struct hozo_env env = {
        .size = sizeof env,
        .path = "annotations",
        .name = name,
        .value = value,
        .late = (uint32_t)late,
    };

    return hozo_plan_env(ctx, &env);
}

static int plan_card(struct hozo_ctx *ctx, uint32_t card)
{
    char number[16];

    snprintf(number, sizeof number, "%u", card);
    return plan_variable(ctx, "ACME_NPU_CARD", number, 0);
}

/* Which cores these will be, `prepare` finds out: a late value. The work says so to whoever reads the plan. */
static int plan_cores(struct hozo_ctx *ctx, const struct request *r)
{
    char what[64];
    const struct hozo_work work = {
        .size = sizeof work,
        .phase = HOZO_PHASE_PREPARE,
        .path = "annotations",
        .what = "allocate",
        .value = what,
    };
    int late = hozo_late(ctx, "cores", HOZO_LATE_STRING);

    snprintf(what, sizeof what, "%u cores of card %u", r->cores, r->card);
    if (late < 0 || hozo_plan_work(ctx, &work) < 0)
        return -1;
    return plan_variable(ctx, "ACME_NPU_CORES", NULL, late);
}

static int npu_plan(struct hozo_ctx *ctx)
{
    struct request r;

    if (request_read(ctx, &r) < 0 || plan_card(ctx, r.card) < 0)
        return -1;
    return r.cores ? plan_cores(ctx, &r) : 0;
}

/* --- create, on the host ---------------------------------------------------------------------- */

static int npu_probe(struct hozo_ctx *ctx)
{
    const char *libraries = setting_libraries(ctx);
    struct stat s;

    if (stat(libraries, &s) < 0)
        return hozo_error(ctx, errno, NULL, NAME ": the driver's libraries: %s", libraries);
    return 0;
}

/* What `allocate` takes belongs to this name. An ID alone would not do: it is unique below one --root only. */
static int name_holder(struct hozo_ctx *ctx, struct record *record)
{
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return hozo_error(ctx, errno, NULL, NAME ": getrandom");
    snprintf(record->holder, sizeof record->holder, "%.200s.%016llx", hozo_id(ctx),
             (unsigned long long)number);
    return 0;
}

static int allocate(struct hozo_ctx *ctx, const struct request *r, struct record *record)
{
    int pool = pool_open(record->pool, r->card, 1), error = 0;

    if (pool < 0)
        return hozo_error(ctx, errno, NULL, NAME ": %s", record->pool);
    if (pool_take(pool, r->total, r->cores, record->holder, record->cores, sizeof record->cores) <
        0)
        error = errno;
    close(pool);
    if (error)
        return hozo_error(ctx, error, "annotations", CORES ": %u cores of card %u", r->cores,
                          r->card);
    return 0;
}

/* The state is on disk before the first core is taken: from then on `cleanup` finds all that was taken,
 * whatever happens to this process. */
static int npu_prepare(struct hozo_ctx *ctx)
{
    struct record record = {0};
    struct hozo_value value = {.size = sizeof value, .string = record.cores};
    struct request r;

    if (request_read(ctx, &r) < 0)
        return -1;
    record.card = r.card;
    record.total = r.total;
    record.pool = setting_pool(ctx);
    if (name_holder(ctx, &record) < 0 || record_write(ctx, &record) < 0)
        return -1;
    if (!r.cores)
        return 0;
    if (allocate(ctx, &r, &record) < 0 || record_write(ctx, &record) < 0)
        return -1;
    return hozo_late_set(ctx, "cores", &value);
}

/* --- later, in other processes: all that is known is what the record says ---------------------- */

static int npu_exec(struct hozo_ctx *ctx)
{
    struct record record;

    if (record_read(ctx, &record) <= 0)
        return -1;
    if (plan_card(ctx, record.card) < 0)
        return -1;
    return *record.cores ? plan_variable(ctx, "ACME_NPU_CORES", record.cores, 0) : 0;
}

static int npu_stats(struct hozo_ctx *ctx)
{
    struct record record;
    uint32_t free_cores;
    char json[256];
    int n, pool;

    if (record_read(ctx, &record) <= 0)
        return -1;
    /* Without anything taken there is no directory yet. */
    pool = pool_open(record.pool, record.card, 0);
    free_cores = pool < 0 ? record.total : pool_free(pool, record.total);
    if (pool >= 0)
        close(pool);
    n = snprintf(json, sizeof json, "{\"card\":%u,\"cores\":[%s],\"free\":%u}", record.card,
                 record.cores, free_cores);
    return hozo_stats(ctx, NAME, json, (size_t)n);
}

/* Must succeed when there is nothing to undo, and when it has been done before. */
static int npu_cleanup(struct hozo_ctx *ctx)
{
    struct record record;
    int known = record_read(ctx, &record), pool, error = 0;

    if (known <= 0)
        return known;
    pool = pool_open(record.pool, record.card, 0);
    if (pool < 0 && errno == ENOENT)
        return 0;
    if (pool < 0 || pool_release(pool, record.holder) < 0)
        error = errno;
    if (pool >= 0)
        close(pool);
    return error ? hozo_error(ctx, error, NULL, NAME ": %s", record.pool) : 0;
}

/* --- the descriptor --------------------------------------------------------------------------- */

static const char *const names[] = {"annotations." NAME, "linux.devices@" NAME};

static const struct hozo_annotation annotations[] = {
    {CARD, HOZO_OWN, "The card whose device the container gets: an index of the setting `cards`."},
    {CORES, HOZO_OWN, "How many of the card's cores are for this container alone."},
    {NAME ".", HOZO_OWN, "Any other is an error."},
};

static const struct hozo_field fields[] = {
    {"linux.devices", HOZO_ARRAY, HOZO_READ, NULL, 0, 0, NULL, "Those that the engine gives."},
    {"linux.devices[]", HOZO_OBJECT, HOZO_READ, NULL, 0, 0, NULL, "A device."},
    {"linux.devices[].type", HOZO_STRING, HOZO_READ, NULL, 0, 0, NULL,
     "Cards are character devices."},
    {"linux.devices[].major", HOZO_INT, HOZO_READ, NULL, 0, 0, NULL, "Says whether it is a card."},
    {"linux.devices[].minor", HOZO_INT, HOZO_READ, NULL, 0, 0, NULL, "Says which."},
};

static const struct hozo_field settings[] = {
    {"libraries", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "Directory of the driver's libraries."},
    {"pool", HOZO_STRING, HOZO_OWN, NULL, 0, 0, NULL, "Directory that says which cores are taken."},
    {"cards", HOZO_ARRAY, HOZO_OWN, NULL, 0, 0, NULL, "The cards of this host."},
    {"cards[]", HOZO_OBJECT, HOZO_OWN, NULL, 0, 0, NULL, "A card."},
    {"cards[].node", HOZO_STRING, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 0, NULL,
     "Path of its device."},
    {"cards[].major", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 4095, NULL,
     "Its device number."},
    {"cards[].minor", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 0, 1048575, NULL,
     "Its device number."},
    {"cards[].cores", HOZO_UINT, HOZO_OWN | HOZO_REQUIRED, NULL, 1, POOL_CORES, NULL,
     "How many it has."},
};

static const struct hozo_feature features[] = {
    {"annotations." NAME ".generation", "\"2\""},
};

HOZO_PLUGIN(acme_npu) = {
    HOZO_HEADER,
    .state_version = 1,
    .name = NAME,
    .version = VERSION,
    .package = "acme-npu-hozo",
    .summary = "Cards of ACME for neural networks.",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
    .annotations = HOZO_TABLE(annotations),
    .features = HOZO_TABLE(features),
    .settings = HOZO_TABLE(settings),
    .adjust = npu_adjust,
    .validate = npu_validate,
    .plan = npu_plan,
    .probe = npu_probe,
    .prepare = npu_prepare,
    .exec = npu_exec,
    .stats = npu_stats,
    .cleanup = npu_cleanup,
};
