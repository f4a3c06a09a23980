/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/cgroup/resources.h"

#include <math.h>
#include <string.h>

#include "plugins/tap.h"

static unsigned weight_by_libm(unsigned shares)
{
    double l = log2(shares);

    return (unsigned)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34));
}

static void test_shares(void)
{
    unsigned differ = 0, fall = 0, last = 0;

    for (unsigned shares = 2; shares <= 262144; shares++) {
        unsigned weight = weight_of_shares(shares);

        differ += weight != weight_by_libm(shares);
        fall += weight < last;
        last = weight;
    }
    ok(!differ, "shares: all weights are the formula's (%u differ)", differ);
    ok(!fall, "shares: more shares never weigh less");
    ok(weight_of_shares(2) == 1 && weight_of_shares(1024) == 100 &&
           weight_of_shares(262144) == 10000,
       "shares: both ends and the default");
    ok(weight_of_shares(1) == 1 && weight_of_shares(UINT64_MAX) == 10000,
       "shares: beyond both ends");
}

static void test_blkio(void)
{
    unsigned fall = 0, last = 0;

    for (unsigned weight = 0; weight <= UINT16_MAX; weight++) {
        fall += weight_of_blkio(weight) < last;
        last = weight_of_blkio(weight);
    }
    ok(!fall, "blkio: more weight never weighs less");
    ok(weight_of_blkio(10) == 1 && weight_of_blkio(1000) == 10000 && weight_of_blkio(500) == 4950,
       "blkio: both ends and the middle");
    ok(weight_of_blkio(1) == 1 && weight_of_blkio(9) == 1,
       "blkio: less than the specification's least");
    ok(weight_of_blkio(0) == 0 && weight_of_blkio(1001) > 10000,
       "blkio: what the kernel refuses stays so");
}

int main(void)
{
    test_shares();
    test_blkio();
    return done();
}
