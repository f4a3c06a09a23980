/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever systemd knows of linux.resources it is told, so that it writes the same when it writes again: at a
 * daemon-reload, or because a unit beside this one wants another controller. What the cgroup plugin is about to write
 * is turned into properties, file by file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/cgroup/resources.h"
#include "plugins/systemd/systemd.h"

#define INFINITE UINT64_MAX

/* One value on its way from a file to a property. */
struct telling {
    struct planning *p;
    struct properties *to;
    const char *path, *what, *text;
    const struct row *row;
};

struct row {
    const char *file, *property;
    int (*tell)(const struct telling *t);
    unsigned since; /* version of systemd */
};

static int set_number(const struct telling *t, const char *property, uint64_t number)
{
    return properties_set(t->to, t->path, property, "uint64 %" PRIu64, number);
}

/* --- single numbers --------------------------------------------------------------------------------- */

/* "max", "-1": no limit. */
static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    *number = INFINITE;
    if (!strcmp(text, "max") || !strcmp(text, "-1"))
        return true;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return !*end && !errno;
}

/* The kernel takes "500M" where it counts bytes. */
static bool read_bytes(const char *text, uint64_t *number)
{
    static const char units[] = "kKmMgGtTpPeE";
    size_t n = strlen(text);
    const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
    char digits[32];

    if (!unit)
        return read_number(text, number);
    snprintf(digits, sizeof(digits), "%.*s", (int)n - 1, text);
    return read_number(digits, number) && *number != INFINITE &&
           !__builtin_mul_overflow(*number, UINT64_C(1024) << (unit - units) / 2 * 10, number);
}

/* What the kernel would not take either is left to it: it says what is wrong, and to whom. */
static int tell_number(const struct telling *t)
{
    char value[40];
    uint64_t number;

    if (!read_bytes(t->text, &number))
        return 0;
    snprintf(value, sizeof(value), "uint64 %" PRIu64, number);
    return properties_set_since(t->to, t->row->since, t->path, t->row->property, value);
}

/* systemd has no unit without any task. */
static int tell_tasks(const struct telling *t)
{
    uint64_t number;

    return read_number(t->text, &number) ? set_number(t, t->row->property, number ? number : 1) : 0;
}

/* An idle group is one of weight 0. */
static int tell_idle(const struct telling *t)
{
    if (!strcmp(t->text, "1"))
        return properties_set_since(t->to, 252, t->path, t->row->property, "uint64 0");
    return set_number(t, t->row->property, INFINITE);
}

/* --- CPU time: what one file says depends on the other ------------------------------------------------- */

#define QUOTA          RESOURCES ".cpu.quota"
#define PERIOD         RESOURCES ".cpu.period"
#define PERIOD_DEFAULT 100000

/* systemd keeps whole percents of a CPU over a daemon-reload: rather a little more than what is asked for. */
#define PERCENT 10000

static int tell_bandwidth(const struct telling *t, uint64_t quota, uint64_t period)
{
    unsigned __int128 second = INFINITE;

    if (quota != INFINITE && period) {
        second = ((unsigned __int128)quota * 1000000 + period - 1) / period;
        second = (second + PERCENT - 1) / PERCENT * PERCENT;
        if (second >= INFINITE)
            second = INFINITE;
    }
    if (set_number(t, "CPUQuotaPerSecUSec", (uint64_t)second) < 0)
        return -1;
    return set_number(t, "CPUQuotaPeriodUSec", period);
}

static int configured(const struct telling *t, const char *path, int64_t *number)
{
    struct hozo_cursor at;
    int found = hozo_find(t->p->ctx, NULL, path, &at);

    *number = found == 1 ? hozo_as_int(t->p->ctx, &at) : 0;
    return found < 0 ? -1 : 0;
}

/* From the fields, also where an update names one of them only. */
static int tell_bandwidth_fields(const struct telling *t)
{
    int64_t quota, period;

    if (configured(t, QUOTA, &quota) < 0 || configured(t, PERIOD, &period) < 0)
        return -1;
    return tell_bandwidth(t, quota > 0 ? (uint64_t)quota : INFINITE,
                          period > 0 ? (uint64_t)period : PERIOD_DEFAULT);
}

/* "QUOTA PERIOD", "QUOTA" */
static int tell_cpu_max(const struct telling *t)
{
    char quota[32] = "", period[32] = "";
    uint64_t q, p = PERIOD_DEFAULT;

    if (!strcmp(t->path, QUOTA) || !strcmp(t->path, PERIOD))
        return tell_bandwidth_fields(t);
    if (sscanf(t->text, "%31s %31s", quota, period) < 1 || !read_number(quota, &q) ||
        (*period && !read_number(period, &p)))
        return 0;
    return tell_bandwidth(t, q, p);
}

/* --- swap: the specification counts memory in, the kernel does not ------------------------------------------ */

static int tell_swap(const struct telling *t)
{
    uint64_t number;
    int64_t limit;

    if (!read_bytes(t->text, &number))
        return 0;
    if (!strcmp(t->what, WORK_WRITE_SWAP)) {
        if (configured(t, RESOURCES ".memory.limit", &limit) < 0)
            return -1;
        if (limit <= 0)
            return hozo_error(t->p->ctx, 0, t->path, "needs " RESOURCES ".memory.limit");
        if (number < (uint64_t)limit)
            return 0; /* the cgroup plugin refuses it */
        number -= (uint64_t)limit;
    }
    return set_number(t, t->row->property, number);
}

/* --- lists of CPUs and nodes ---------------------------------------------------------------------------------- */

#define SET_MAX 8192 /* CONFIG_NR_CPUS of no kernel is more */

struct set {
    unsigned char bytes[SET_MAX / 8];
    size_t n; /* bytes that matter */
};

static bool read_range(const char **at, struct set *set)
{
    char *end;
    unsigned long first = strtoul(*at, &end, 10), last = first;

    if (**at < '0' || **at > '9')
        return false;
    if (*end == '-') {
        if (end[1] < '0' || end[1] > '9')
            return false;
        last = strtoul(end + 1, &end, 10);
    }
    if (first > last || last >= SET_MAX)
        return false;
    for (unsigned long i = first; i <= last; i++)
        set->bytes[i / 8] |= (unsigned char)(1u << i % 8);
    if (set->n <= last / 8)
        set->n = last / 8 + 1;
    *at = end;
    return true;
}

static bool read_set(const char *text, struct set *set)
{
    memset(set, 0, sizeof(*set));
    for (; *text; text += *text == ',') {
        if (!read_range(&text, set) || (*text && *text != ','))
            return false;
    }
    return true;
}

static char *print_set(const struct set *set)
{
    char *value = NULL;
    size_t size;
    FILE *f = open_memstream(&value, &size);

    if (!f)
        return NULL;
    fputs("@ay [", f);
    for (size_t i = 0; i < set->n; i++)
        fprintf(f, "%s0x%02x", i ? ", " : "", set->bytes[i]);
    fputc(']', f);
    if (!fclose(f))
        return value;
    free(value);
    return NULL;
}

static int tell_set(const struct telling *t)
{
    auto_free char *value = NULL;
    struct set set;

    if (!read_set(t->text, &set))
        return hozo_error(t->p->ctx, 0, t->path, "\"%s\" is not a list such as \"0-3,7\"", t->text);
    if (!(value = print_set(&set)))
        return hozo_error(t->p->ctx, ENOMEM, t->path, "property %s", t->row->property);
    return properties_set(t->to, t->path, t->row->property, "%s", value);
}

/* --- devices: one line is added to a list ----------------------------------------------------------------------- */

#define LIST "@a(st) ["

static int add_device(const struct telling *t, const char *property, const char *device,
                      uint64_t number)
{
    const struct property *before = properties_find(t->to, property);
    auto_free char *value = before ? strdup(before->value) : NULL;
    size_t n = value ? strlen(value) : 0;

    if (before && !value)
        return hozo_error(t->p->ctx, ENOMEM, t->path, "property %s", property);
    if (n)
        value[n - 1] = '\0';
    return properties_set(t->to, before ? before->path : t->path, property,
                          "%s%s('/dev/block/%s', %" PRIu64 ")]", n ? value : LIST, n ? ", " : "",
                          device, number);
}

/* "8:0" and what is behind it; NULL if there is no device in front. */
static const char *split_device(const char *text, char device[32])
{
    unsigned major, minor;
    int n = 0;

    if (sscanf(text, "%u:%u %n", &major, &minor, &n) != 2 || !n)
        return NULL;
    snprintf(device, 32, "%u:%u", major, minor);
    return text + n;
}

/* "8:0 rbps=1048576 wiops=max" */
static int tell_io_max(const struct telling *t)
{
    static const struct {
        const char *word, *property;
    } words[] = {
        {"rbps=", "IOReadBandwidthMax"},
        {"wbps=", "IOWriteBandwidthMax"},
        {"riops=", "IOReadIOPSMax"},
        {"wiops=", "IOWriteIOPSMax"},
    };
    char device[32], text[256], *save = NULL;
    const char *rest = split_device(t->text, device);

    if (!rest)
        return 0;
    snprintf(text, sizeof(text), "%s", rest);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            size_t n = strlen(words[i].word);
            uint64_t number;

            if (!strncmp(word, words[i].word, n) && read_number(word + n, &number) &&
                add_device(t, words[i].property, device, number) < 0)
                return -1;
        }
    return 0;
}

/* "8:0 1048576" of v1, where 0 is no limit; "8:0 500" of a weight. */
static int tell_device(const struct telling *t)
{
    char device[32];
    const char *rest = split_device(t->text, device);
    uint64_t number;

    if (!rest || !read_number(rest, &number))
        return 0;
    return add_device(t, t->row->property, device, number ? number : INFINITE);
}

/* "8:0 target=10000" */
static int tell_latency(const struct telling *t)
{
    char device[32];
    const char *rest = split_device(t->text, device);
    uint64_t number;

    if (!rest || strncmp(rest, "target=", 7) != 0 || !read_number(rest + 7, &number))
        return 0;
    return add_device(t, t->row->property, device, number);
}

/* "500", "default 500", "8:0 500"; and where there are two files, "50|io.weight=500": the one of all schedulers,
 * which is what systemd calls weight. */
static int tell_weight(const struct telling *t)
{
    const char *second = strchr(t->text, '|');
    struct telling one = *t;
    char property[32], device[32];
    uint64_t number;

    if (second && (second = strchr(second, '=')))
        one.text = second + 1;
    if (!strncmp(one.text, "default ", 8))
        one.text += 8;
    if (!split_device(one.text, device))
        return read_number(one.text, &number) ? set_number(&one, t->row->property, number) : 0;
    /* IOWeight, IODeviceWeight */
    snprintf(property, sizeof(property), "%.*sDeviceWeight",
             (int)(strlen(t->row->property) - strlen("Weight")), t->row->property);
    return read_number(strchr(one.text, ' ') + 1, &number)
               ? add_device(&one, property, device, number)
               : 0;
}

/* --- the files ------------------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct row rows_v2[] = {
    {"memory.min",       "MemoryMin",                  tell_number, 0},
    {"memory.low",       "MemoryLow",                  tell_number, 0},
    {"memory.high",      "MemoryHigh",                 tell_number, 0},
    {"memory.max",       "MemoryMax",                  tell_number, 0},
    {"memory.swap.max",  "MemorySwapMax",              tell_swap, 0},
    {"memory.zswap.max", "MemoryZSwapMax",             tell_number, 253},
    {"cpu.weight",       "CPUWeight",                  tell_number, 0},
    {"cpu.idle",         "CPUWeight",                  tell_idle, 0},
    {"cpu.max",          "CPUQuotaPerSecUSec",         tell_cpu_max, 0},
    {"cpuset.cpus",      "AllowedCPUs",                tell_set, 0},
    {"cpuset.mems",      "AllowedMemoryNodes",         tell_set, 0},
    {"pids.max",         "TasksMax",                   tell_tasks, 0},
    {"io.weight",        "IOWeight",                   tell_weight, 0},
    {"io.bfq.weight",    "IOWeight",                   tell_weight, 0},
    {"io.max",           "IOReadBandwidthMax",         tell_io_max, 0},
    {"io.latency",       "IODeviceLatencyTargetUSec",  tell_latency, 0},
    {0},
};

/* Of v1 systemd knows less; cpuset and freezer it leaves alone. */
static const struct row rows_v1[] = {
    {"memory.limit_in_bytes",           "MemoryLimit",             tell_number, 0},
    {"cpu.shares",                      "CPUShares",               tell_number, 0},
    {"cpu.cfs_period_us",               "CPUQuotaPerSecUSec",      tell_bandwidth_fields, 0},
    {"cpu.cfs_quota_us",                "CPUQuotaPerSecUSec",      tell_bandwidth_fields, 0},
    {"pids.max",                        "TasksMax",                tell_tasks, 0},
    {"blkio.bfq.weight",                "BlockIOWeight",           tell_weight, 0},
    {"blkio.bfq.weight_device",         "BlockIOWeight",           tell_weight, 0},
    {"blkio.throttle.read_bps_device",  "BlockIOReadBandwidth",    tell_device, 0},
    {"blkio.throttle.write_bps_device", "BlockIOWriteBandwidth",   tell_device, 0},
    {0},
};
/* clang-format on */

static int told(struct planning *p, const char *path, const char *what, const char *file,
                const char *text)
{
    const struct row *row = resource_version(p) == V2 ? rows_v2 : rows_v1;
    struct telling t = {.p = p, .to = p->data, .path = path, .what = what, .text = text};

    while (row->file && strcmp(row->file, file) != 0)
        row++;
    /* The kernel would have the new limit before anybody could look at what is in use. */
    if (p->update && !strcmp(what, WORK_CHECK))
        return hozo_error(p->ctx, 0, RESOURCES ".memory.checkBeforeUpdate",
                          "is not possible where systemd sets the limit");
    if (!row->file || !strcmp(what, WORK_CHECK))
        return 0;
    t.row = row;
    return row->tell(&t);
}

int properties_of_resources(struct properties *to, const struct hierarchies *all, bool update)
{
    struct planning p = {.ctx = to->ctx, .all = *all, .update = update, .told = told, .data = to};
    struct hozo_cursor at;
    int found = update ? hozo_changed(to->ctx, NULL, RESOURCES, &at) : 1;

    if (found < 1)
        return found;
    if (update)
        return resources_plan_update(&p);
    for (size_t i = 0; i < p.all.n; i++)
        if (resources_plan(&p, &p.all.at[i]) < 0)
            return -1;
    return resources_plan_late(&p);
}
