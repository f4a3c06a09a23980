/* SPDX-License-Identifier: Apache-2.0 */
/* The directory info: what the machine has, and what the last command was answered. */
#include "tests/resctrl/resctrl.h"

#include <stdarg.h>
#include <string.h>

/* --- info/last_cmd_status ----------------------------------------------------------------------- */

static char last_status[512];

void status_clear(void)
{
    last_status[0] = '\0';
}

/* Appended to what the same command has said before. */
void status(const char *fmt, ...)
{
    size_t n = strlen(last_status);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(last_status + n, sizeof(last_status) - n, fmt, ap);
    va_end(ap);
}

/* --- info --------------------------------------------------------------------------------------- */

static void show_masks_used(enum resource r, FILE *out)
{
    unsigned bits = r == L3 ? geometry.l3 : geometry.l2;

    for (unsigned d = 0; d < geometry.domains; d++) {
        uint32_t used = 0;

        for (size_t i = 0; i < GROUPS_MAX; i++)
            used |= groups[i].used && !groups[i].parent ? groups[i].value[r][d] : 0;
        fprintf(out, "%s%u=", d ? ";" : "", d * geometry.apart);
        for (unsigned b = bits; b-- > 0;)
            fputc(used >> b & 1 ? 'S' : '0', out);
    }
    fputc('\n', out);
}

static void show_cache(enum resource r, const char *name, FILE *out)
{
    if (!strcmp(name, "cbm_mask"))
        fprintf(out, "%x\n", resource_default(r));
    else if (!strcmp(name, "min_cbm_bits"))
        fprintf(out, "%u\n", geometry.min_bits);
    else if (!strcmp(name, "num_closids"))
        fprintf(out, "%u\n", geometry.closids);
    else if (!strcmp(name, "bit_usage"))
        show_masks_used(r, out);
    else /* shareable_bits, sparse_masks */
        fputs("0\n", out);
}

static void show_l3(const char *name, FILE *out)
{
    show_cache(L3, name, out);
}

static void show_l2(const char *name, FILE *out)
{
    show_cache(L2, name, out);
}

static void show_bandwidth(const char *name, FILE *out)
{
    if (!strcmp(name, "num_closids"))
        fprintf(out, "%u\n", geometry.closids);
    else if (!strcmp(name, "delay_linear"))
        fputs("1\n", out);
    else if (!strcmp(name, "thread_throttle_mode"))
        fputs("max\n", out);
    else /* bandwidth_gran, min_bandwidth */
        fputs("10\n", out);
}

static void show_monitoring(const char *name, FILE *out)
{
    if (!strcmp(name, "num_rmids"))
        fprintf(out, "%u\n", geometry.rmids);
    else if (!strcmp(name, "mon_features"))
        fputs("llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n", out);
    else /* max_threshold_occupancy */
        fputs("65536\n", out);
}

static const struct {
    const char *directory;
    const unsigned *there;
    void (*show)(const char *name, FILE *out);
    const char *files[7];
} infos[] = {
    {"L3",
     &geometry.l3,
     show_l3,
     {"bit_usage", "cbm_mask", "min_cbm_bits", "num_closids", "shareable_bits", "sparse_masks"}},
    {"L2",
     &geometry.l2,
     show_l2,
     {"bit_usage", "cbm_mask", "min_cbm_bits", "num_closids", "shareable_bits", "sparse_masks"}},
    {"MB",
     &geometry.mb,
     show_bandwidth,
     {"bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids", "thread_throttle_mode"}},
    {"L3_MON",
     &geometry.mon,
     show_monitoring,
     {"max_threshold_occupancy", "mon_features", "num_rmids"}},
};

_Static_assert(sizeof(infos) / sizeof(infos[0]) == INFOS, "as many as others count on");

const char *info_name(unsigned i)
{
    return *infos[i].there ? infos[i].directory : NULL;
}

const char *const *info_files(unsigned i)
{
    return infos[i].files;
}

void info_show(unsigned i, const char *name, FILE *out)
{
    if (i < INFOS)
        infos[i].show(name, out);
    else
        fputs(*last_status ? last_status : "ok\n", out);
}
