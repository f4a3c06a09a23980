/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/rdt/schemata.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r"

struct span {
    const char *at;
    size_t length;
};

static struct span trim(struct span s)
{
    while (s.length && strchr(BLANKS, s.at[0]))
        s.at++, s.length--;
    while (s.length && strchr(BLANKS, s.at[s.length - 1]))
        s.length--;
    return s;
}

/* What stands before `end`, which is stepped over; and whether it was there. */
static bool split(struct span *rest, char end, struct span *before)
{
    const char *found = memchr(rest->at, end, rest->length);

    *before = (struct span){rest->at, found ? (size_t)(found - rest->at) : rest->length};
    rest->at += before->length + (found != NULL);
    rest->length -= before->length + (found != NULL);
    return found != NULL;
}

static bool same(struct span s, const char *text)
{
    return strlen(text) == s.length && !memcmp(s.at, text, s.length);
}

/* As kstrtoul() takes it: in base 16 with or without 0x. */
static bool number(struct span s, int base, uint64_t *n)
{
    char digits[32], *end;

    s = trim(s);
    if (!s.length || s.length >= sizeof(digits) || !strchr("0123456789abcdefABCDEF", s.at[0]))
        return false;
    memcpy(digits, s.at, s.length);
    digits[s.length] = '\0';
    errno = 0;
    *n = strtoull(digits, &end, base);
    return end == digits + s.length && !errno;
}

/* --- a line ------------------------------------------------------------------------------------ */

static struct span span_of(const char *line)
{
    return (struct span){line, strcspn(line, "\n")};
}

/* The resource, and what is behind the colon. */
static bool parse_line(const char *line, struct span *resource, struct span *domains)
{
    bool colon;

    *domains = span_of(line);
    colon = split(domains, ':', resource);
    *resource = trim(*resource);
    return colon && resource->length;
}

/* Those of bandwidth are decimal, masks are not. */
static bool decimal(struct span resource)
{
    return same(resource, "MB") || same(resource, "SMBA");
}

/* The next "0=7ff": 1, 0 behind the last, -1 if it is none. */
static int next_domain(struct span *domains, int base, uint64_t *id, uint64_t *value)
{
    struct span domain, name;

    if (!domains->length)
        return 0;
    split(domains, ';', &domain);
    if (!trim(domain).length && !trim(*domains).length)
        return 0;
    if (!split(&domain, '=', &name) || !number(name, 10, id) || !number(domain, base, value))
        return -1;
    return 1;
}

bool schemata_names(const char *line, const char *resource)
{
    struct span own, domains;

    return parse_line(line, &own, &domains) && same(own, resource);
}

const char *schemata_line(const char *text, const char *line, size_t *length)
{
    struct span wanted, own, domains;

    if (!parse_line(line, &wanted, &domains))
        return NULL;
    for (; *text; text += *length, text += *text == '\n') {
        *length = strcspn(text, "\n");
        if (parse_line(text, &own, &domains) && own.length == wanted.length &&
            !memcmp(own.at, wanted.at, own.length))
            return text;
    }
    return NULL;
}

/* --- comparing --------------------------------------------------------------------------------- */

/* As bw_validate() of Linux does. */
static uint64_t rounded(uint64_t value, uint64_t step)
{
    return step && value <= UINT32_MAX ? (value + step - 1) / step * step : value;
}

/* What is there is the value, or what the kernel makes of it. With the mount option mba_MBps the former are megabytes
 * in Linux 6.18, the latter in Linux 4.18. */
static bool has(struct span domains, int base, uint64_t id, uint64_t value, uint64_t step)
{
    uint64_t at, present;

    while (next_domain(&domains, base, &at, &present) == 1)
        if (at == id)
            return present == value || present == rounded(value, step);
    return false;
}

bool schemata_match(const char *text, const char *line, unsigned long step)
{
    struct span resource, wanted, own, present;
    size_t length, n = 0;
    const char *found = schemata_line(text, line, &length);
    uint64_t id, value;
    int base, r;

    if (!found || !parse_line(line, &resource, &wanted) || !parse_line(found, &own, &present))
        return false;
    base = decimal(resource) ? 10 : 16;
    for (; (r = next_domain(&wanted, base, &id, &value)) == 1; n++)
        if (!has(present, base, id, value, same(resource, "MB") ? step : 0))
            return false;
    return r == 0 && n;
}
