/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of cgroup v1 as those of v2. */
#include "plugins/cgroup/resources.h"

/* By the series of the area hyperbolic tangent: libm would be one more library for every container.
 */
static double logarithm2(uint64_t n)
{
    unsigned exponent = 63 - (unsigned)__builtin_clzll(n);
    double mantissa = (double)n / (double)(UINT64_C(1) << exponent);
    double z = (mantissa - 1) / (mantissa + 1), power = z, sum = 0;

    for (unsigned i = 1; i < 40; i += 2) {
        sum += power / i;
        power *= z * z;
    }
    return exponent + 2 * sum * 1.4426950408889634 /* 1 / ln 2 */;
}

/*
 * weight = 10 ^ ((l * l + 125 * l) / 612 - 7/34) with l = log2(shares), rounded up: the curve
 * through both ends and the default on which runc 1.3.2 and crun 1.23 agree. Searched for from the
 * other side, by log10(weight).
 */
unsigned weight_of_shares(uint64_t shares)
{
    unsigned low = 1, high = 10000;
    double l, exponent;

    if (shares <= 2)
        return low;
    if (shares >= 262144)
        return high;
    l = logarithm2(shares);
    exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (logarithm2(middle) * 0.3010299956639812 /* log10(2) */ >= exponent - 1e-12)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The straight line through both ends. Beyond them the kernel says what is wrong, as of bfq, which takes the weight
 * as it is; but it takes 1 to 9, which would be less than nothing here. */
unsigned weight_of_blkio(unsigned weight)
{
    if (weight < 10)
        return weight != 0;
    return 1 + (weight - 10) * 9999 / 990;
}
