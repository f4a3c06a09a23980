/* SPDX-License-Identifier: Apache-2.0 */
#include "core/duration.h"

#include <ctype.h>
#include <string.h>

/* Longer ones first: "m" begins "ms", too. */
static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* Greek letter mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", INT64_C(60) * 1000000000},
    {"h", INT64_C(3600) * 1000000000},
};

static int64_t unit(const char **text)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        size_t n = strlen(units[i].name);

        if (!strncmp(*text, units[i].name, n)) {
            *text += n;
            return units[i].ns;
        }
    }
    return 0;
}

/* The digits behind a point, of this unit; what is less than a nanosecond is lost. */
static int64_t part(const char *digits, int64_t ns)
{
    int64_t sum = 0;

    for (int64_t scale = ns; isdigit((unsigned char)*digits); digits++) {
        int64_t digit = *digits - '0';

        /* Not digit * (scale / 10): a unit need not be a power of ten. */
        sum += digit * scale / 10;
        scale /= 10;
    }
    return sum;
}

/* One number with its unit is added. */
static int add(const char **text, int64_t *sum)
{
    const char *at = *text, *digits = NULL;
    int64_t whole = 0, ns;

    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *at - '0', &whole))
            return -1;
    if (*at == '.')
        for (digits = ++at; isdigit((unsigned char)*at);)
            at++;
    if (at - *text == (digits ? 1 : 0) || !(ns = unit(&at)))
        return -1;
    if (__builtin_mul_overflow(whole, ns, &whole) || __builtin_add_overflow(*sum, whole, sum) ||
        (digits && __builtin_add_overflow(*sum, part(digits, ns), sum)))
        return -1;
    *text = at;
    return 0;
}

int64_t duration_parse(const char *text)
{
    int64_t sum = 0;

    text += *text == '+';
    do {
        if (add(&text, &sum))
            return -1;
    } while (*text);
    return sum > 0 ? sum : -1;
}
