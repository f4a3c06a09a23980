/* SPDX-License-Identifier: Apache-2.0 */
#include "core/duration.h"

#include "plugins/tap.h"

static void is(const char *text, int64_t expected)
{
    int64_t ns = duration_parse(text);

    if (!ok(ns == expected, "\"%s\"", text))
        printf("# %lld instead of %lld\n", (long long)ns, (long long)expected);
}

#define S INT64_C(1000000000)

int main(void)
{
    static const char *const bad[] = {
        "",    "0",   "0s",       "-5s",  "5",      "s",    ".s",   "5x",  "5 s",   " 5s",
        "5s ", "5s5", "1m-5s",    "five", "1.2.3s", "1e3s", "0x5s", "5S",  "+",     ".",
        "1.",  "0ms", "0h0m0.0s", "5ss",  "+-5s",   "--5s", "inf",  "NaN", "0.1ns", "5\xc2"};

    is("5s", 5 * S);
    is("+5s", 5 * S);
    is("500ms", S / 2);
    is("1m30s", 90 * S);
    is("1h", 3600 * S);
    is("1h2m3s4ms5us6ns", 3723 * S + 4005006);
    is("1.5s", S + S / 2);
    is("1.5h", 5400 * S);
    is("0.25m", 15 * S);
    is(".5s", S / 2);
    is("1.s", S);
    is("3us", 3000);
    is("3\xc2\xb5s", 3000);
    is("3\xce\xbcs", 3000);
    is("0s1ns", 1);
    is("1.0000000019s", S + 1);
    is("9223372036854775807ns", INT64_MAX);
    is("9223372036854775808ns", -1);
    is("2562047h", INT64_C(2562047) * 3600 * S);
    is("2562048h", -1);
    is("9223372036s1000000000s", -1);
    is("99999999999999999999s", -1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        is(bad[i], -1);
    return done();
}
