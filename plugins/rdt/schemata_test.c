/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/rdt/schemata.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

#define NEW "    MB:0=70;1=100\n    L3:0=7ff;1=1f\n"
/* As Linux before 6.16 pads them. */
#define OLD   "    MB:0= 70;1=100\n    L3:0=007ff;1=0001f\n"
#define SPLIT "L3DATA:0=f;1=f\nL3CODE:0=3;1=3\n"
/* With the mount option mba_MBps, as Linux 6.18 takes 55 and Linux 4.18 takes 1025. */
#define MEGABYTES "    MB:0=55;1=1030;2=4294967295\n"
#define MANY      "L2:0=ff;1=ff;10=1\nSMBA:0=2048\nMB:0=10\nL3:0=1\n"

static void test_equal(void)
{
    static const struct {
        const char *text, *line;
        unsigned long step;
    } same[] = {
        {NEW, "L3:0=7ff;1=1f", 0},  {NEW, "L3:1=1f;0=7ff", 0},
        {NEW, "L3:0=7FF;1=1F", 0},  {NEW, "L3:0=007ff;1=01f", 0},
        {NEW, "L3:0=0x7ff", 0},     {NEW, "  L3 : 00 = 7ff ; 1 = 1f ;", 0},
        {NEW, "L3:1=1f", 0},        {NEW, "MB:1=100;0=70", 0},
        {NEW, "MB:0=070", 0},       {NEW, "MB:0=61;1=100", 10},
        {OLD, "L3:0=7ff;1=1f", 0},  {OLD, "L3:1=1f;0=007ff", 0},
        {OLD, "MB:0=70;1=100", 0},  {OLD, "MB:1=100;0= 70", 0},
        {SPLIT, "L3DATA:0=f", 0},   {SPLIT, "L3CODE:0=3;1=3", 0},
        {MANY, "L2:10=1", 0},       {MANY, "SMBA:0=2048", 10},
        {MEGABYTES, "MB:0=55", 10}, {MEGABYTES, "MB:1=1025;2=4294967295", 10},
    };
    static const struct {
        const char *text, *line;
        unsigned long step;
    } other[] = {
        {NEW, "L3:0=7fe;1=1f", 0},
        {NEW, "L3:0=7ff;1=1e", 0},
        {NEW, "L3:0=7ff;2=1f", 0},
        {NEW, "L2:0=7ff", 0},
        {NEW, "MB:0=71", 0},
        {NEW, "MB:0=71", 10},
        {NEW, "MB:0=60", 10},
        {NEW, "MB:0=46", 0}, /* 70 in hexadecimal */
        {NEW, "MB:0=0x46", 0},
        {NEW, "SMBA:0=70", 0},
        {NEW, "L3:", 0},
        {NEW, "L3", 0},
        {NEW, "", 0},
        {NEW, ":0=7ff", 0},
        {NEW, "L3:0", 0},
        {NEW, "L3:0=", 0},
        {NEW, "L3:=7ff", 0},
        {NEW, "L3:0=7ff;;1=1f", 0},
        {NEW, "L3:0=7ff 1=1f", 0},
        {NEW, "L3:0=-7ff", 0},
        {NEW, "L3:0=+7ff", 0},
        {NEW, "L3:0=7fg", 0},
        {NEW, "L3:x=7ff", 0},
        {NEW, "L3:0=100000000000007ff", 0},
        {NEW, "L3:4294967296=7ff", 0},
        {NEW, "l3:0=7ff", 0},
        {OLD, "MB:0=7", 0},
        {SPLIT, "L3:0=f", 0},
        {SPLIT, "L3CODE:0=f", 0},
        {MANY, "L2:1=1", 0},
        {MANY, "SMBA:0=2041", 10},
        {MEGABYTES, "MB:0=54", 10},
        {MEGABYTES, "MB:0=50", 10},
        {MEGABYTES, "MB:1=1031", 10},
        {MEGABYTES, "MB:2=18446744073709551615", 10},
        {"", "L3:0=1", 0},
    };

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        ok(schemata_match(same[i].text, same[i].line, same[i].step), "\"%s\" is what is there",
           same[i].line);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        ok(!schemata_match(other[i].text, other[i].line, other[i].step), "\"%s\" is not",
           other[i].line);
}

static bool is(const char *text, const char *line, const char *found)
{
    size_t n = 0;
    const char *at = schemata_line(text, line, &n);

    return at && n == strlen(found) && !memcmp(at, found, n);
}

static void test_lines(void)
{
    size_t n;

    ok(is(OLD, "L3:0=1", "    L3:0=007ff;1=0001f"), "a line by its resource");
    ok(is(OLD, " MB :0=1\nL3:0=1", "    MB:0= 70;1=100"),
       "only the first of what is asked for counts");
    ok(!schemata_line(OLD, "L2:0=1", &n) && !schemata_line(OLD, "L3", &n),
       "none, and no line at all");
    ok(!schemata_line("L3:0=1", "L:0=1", &n) && !schemata_line("L3DATA:0=1\n", "L3:0=1", &n),
       "names are whole");
    ok(schemata_names("MB:0=10", "MB") && schemata_names("  MB : 0=10", "MB"), "a line of MB");
    ok(!schemata_names("SMBA:0=1", "MB") && !schemata_names("MB", "MB") &&
           !schemata_names("L3:MB:0=1", "MB"),
       "others");
}

/* Any values in the kernel's order and forms are equal to themselves in other forms, and to nothing else. */
static void test_values(void)
{
    unsigned wrong = 0;

    srandom(1);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned long value[6], n = 1 + (unsigned long)random() % 6,
                                turn = (unsigned long)random() % n;
        char text[256], line[256], *to = text + sprintf(text, "    MB:0=100\n    L3:"), *at;
        bool wide = random() & 1;

        for (unsigned long i = 0; i < n; i++) {
            value[i] = (unsigned long)random() & 0xfffff;
            to += sprintf(to, wide ? "%s%lu=%05lx" : "%s%lu=%lx", i ? ";" : "", i * 3, value[i]);
        }
        sprintf(to, "\n");
        at = line + sprintf(line, "L3:");
        for (unsigned long i = 0; i < n; i++) {
            unsigned long k = (i + turn) % n;

            at += sprintf(at, random() & 1 ? "%s%lu=%lX" : "%s %02lu=00%lx ", i ? ";" : "", k * 3,
                          value[k]);
        }
        wrong += !schemata_match(text, line, 10);
        at = line + sprintf(line, "L3:%lu=%lx", turn * 3, value[turn] ^ (1UL << random() % 20));
        wrong += schemata_match(text, line, 10);
    }
    ok(!wrong, "20000 random schemata (%u wrong)", wrong);
}

int main(void)
{
    test_equal();
    test_lines();
    test_values();
    return done();
}
