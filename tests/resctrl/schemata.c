/* SPDX-License-Identifier: Apache-2.0 */
/* The schemata file: fs/resctrl/ctrlmondata.c of Linux 6.18, seen from outside. */
#include "tests/resctrl/resctrl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BANDWIDTH_MIN  10
#define BANDWIDTH_STEP 10

bool resource_there(enum resource r)
{
    return r == L3 ? geometry.l3 : r == L2 ? geometry.l2 : geometry.mb;
}

bool resources_there(void)
{
    return geometry.l3 || geometry.l2 || geometry.mb;
}

const char *resource_name(enum resource r)
{
    static const char *const names[] = {"L3", "L2", "MB"};

    return names[r];
}

static unsigned bits(enum resource r)
{
    return r == L3 ? geometry.l3 : geometry.l2;
}

uint32_t resource_default(enum resource r)
{
    return r == MB ? 100 : ((uint32_t)1 << bits(r)) - 1;
}

/* --- showing ------------------------------------------------------------------------------------ */

static void show_value(enum resource r, unsigned domain, uint32_t value, FILE *out)
{
    if (r == MB)
        fprintf(out, geometry.old ? "%u=%3u" : "%u=%u", domain, value);
    else if (geometry.old)
        fprintf(out, "%u=%0*x", domain, (int)(bits(r) + 3) / 4, value);
    else
        fprintf(out, "%u=%x", domain, value);
}

/* The resource that was found last comes first. Its name is as wide as with code and data apart. */
void schemata_show(const struct group *g, FILE *out)
{
    for (enum resource r = RESOURCES; r-- > 0;) {
        if (!resource_there(r))
            continue;
        fprintf(out, "%6s:", resource_name(r));
        for (unsigned d = 0; d < geometry.domains; d++) {
            fputs(d ? ";" : "", out);
            show_value(r, d * geometry.apart, g->value[r][d], out);
        }
        fputc('\n', out);
    }
}

/* --- one value ---------------------------------------------------------------------------------- */

/* kstrtoul(): the whole text is one number. */
static int number(const char *text, int base, unsigned long *n)
{
    char *end;

    errno = 0;
    *n = strtoul(text, &end, base);
    return !isxdigit((unsigned char)*text) || *end || errno ? -EINVAL : 0;
}

static int parse_bandwidth(const char *text, uint32_t *value)
{
    unsigned long n;

    if (number(text, 10, &n) < 0 || n > UINT32_MAX) {
        status("Invalid MB value %s\n", text);
        return -EINVAL;
    }
    if (n < BANDWIDTH_MIN || n > 100) {
        status("MB value %lu out of range [%d,%d]\n", n, BANDWIDTH_MIN, 100);
        return -EINVAL;
    }
    *value = (uint32_t)(n + BANDWIDTH_STEP - 1) / BANDWIDTH_STEP * BANDWIDTH_STEP;
    return 0;
}

static int parse_mask(enum resource r, const char *text, uint32_t *value)
{
    unsigned long n, low;

    if (number(text, 16, &n) < 0) {
        status("Non-hex character in the mask %s\n", text);
        return -EINVAL;
    }
    if (!n || n > resource_default(r)) {
        status("Mask out of range\n");
        return -EINVAL;
    }
    low = n / (n & -n); /* shifted down to its lowest bit */
    if (low & (low + 1)) {
        status("The mask %lx has non-consecutive 1-bits\n", n);
        return -EINVAL;
    }
    if (low < ((unsigned long)1 << geometry.min_bits) - 1) {
        status("Need at least %u bits in the mask\n", geometry.min_bits);
        return -EINVAL;
    }
    *value = (uint32_t)n;
    return 0;
}

/* --- a line ------------------------------------------------------------------------------------- */

static char *trim(char *s)
{
    char *end = s + strlen(s);

    while (end > s && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return s + strspn(s, " \t");
}

/* What a write asks for, before any of it is true. */
struct staged {
    bool there[RESOURCES][DOMAINS_MAX];
    uint32_t value[RESOURCES][DOMAINS_MAX];
};

static int parse_domains(struct staged *s, enum resource r, char *line)
{
    while (line && *line) {
        char *value = strsep(&line, ";"), *id = strsep(&value, "=");
        unsigned long d;
        uint32_t *to;

        if (!value || number(id, 10, &d) < 0) {
            status("Missing '=' or non-numeric domain\n");
            return -EINVAL;
        }
        if (d % geometry.apart || (d /= geometry.apart) >= geometry.domains)
            return -EINVAL; /* without a word */
        if (s->there[r][d]) {
            status("Duplicate domain %lu\n", d * geometry.apart);
            return -EINVAL;
        }
        to = &s->value[r][d];
        value = trim(value);
        if (r == MB ? parse_bandwidth(value, to) : parse_mask(r, value, to))
            return -EINVAL;
        s->there[r][d] = true;
    }
    return 0;
}

static int parse_line(struct staged *s, char *line)
{
    char *name = trim(strsep(&line, ":"));

    if (!line) {
        status("Missing ':'\n");
        return -EINVAL;
    }
    if (!*line) {
        status("Missing '%s' value\n", name);
        return -EINVAL;
    }
    for (enum resource r = 0; r < RESOURCES; r++)
        if (resource_there(r) && !strcmp(name, resource_name(r)))
            return parse_domains(s, r, line);
    status("Unknown or unsupported resource name '%s'\n", name);
    return -EINVAL;
}

int schemata_write(struct group *g, char *text)
{
    struct staged s = {0};
    char *line;
    int r;

    if (!*text || text[strlen(text) - 1] != '\n')
        return -EINVAL;
    text[strlen(text) - 1] = '\0';
    status_clear();
    if (!strcmp(g->mode, "pseudo-locksetup")) {
        status("Resource group is pseudo-locked\n");
        return -EINVAL;
    }
    while ((line = strsep(&text, "\n")))
        if ((r = parse_line(&s, line)) < 0)
            return r;
    for (enum resource k = 0; k < RESOURCES; k++)
        for (unsigned d = 0; d < geometry.domains; d++)
            if (s.there[k][d])
                g->value[k][d] = s.value[k][d];
    return 0;
}
