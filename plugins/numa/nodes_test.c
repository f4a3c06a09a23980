/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/numa/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

static bool has(const struct nodes *nodes, unsigned n)
{
    return nodes->mask[n / NODES_PER_WORD] >> n % NODES_PER_WORD & 1;
}

/* As text in its shortest form, which is none of the parser's work. */
static const char *text_of(const struct nodes *nodes, char *text)
{
    char *to = text;

    *to = '\0';
    for (unsigned n = 0, last; n < NODES_MAX; n = last + 1) {
        last = n;
        if (!has(nodes, n))
            continue;
        while (last + 1 < NODES_MAX && has(nodes, last + 1))
            last++;
        to += sprintf(to, to > text ? ",%u" : "%u", n);
        if (last > n)
            to += sprintf(to, "-%u", last);
    }
    return text;
}

/* As many as the kernel reads for these bits, and no word more. */
static bool whole_words(const struct nodes *nodes)
{
    size_t size = nodes_size(nodes);

    return size % sizeof(long) == 0 && size * CHAR_BIT >= nodes->bits &&
           (size - sizeof(long)) * CHAR_BIT < nodes->bits;
}

static char room[NODES_MAX * 6];

static void test_lists(void)
{
    static const struct {
        const char *list, *same;
        unsigned bits;
    } good[] = {
        {"0", "0", 1},
        {"0-3,7", "0-3,7", 8},
        {"7,0-3", "0-3,7", 8},
        {"1,1,0-2,2-3", "0-3", 4},
        {"5-5", "5", 6},
        {"007", "7", 8},
        {"63", "63", 64},
        {"64", "64", 65},
        {"63-64", "63-64", 65},
        {"1023", "1023", 1024},
        {"1024-4096", "1024-4096", 4097},
        {"32767", "32767", 32768},
        {"0-32767", "0-32767", 32768},
    };
    static const struct {
        const char *list, *problem;
    } bad[] = {
        {"", "not a list"},
        {"-", "not a list"},
        {",", "not a list"},
        {"1,", "not a list"},
        {",1", "not a list"},
        {"1,,2", "not a list"},
        {"1-", "not a list"},
        {"-1", "not a list"},
        {"1--2", "not a list"},
        {"1-2-3", "not a list"},
        {" 1", "not a list"},
        {"1 ", "not a list"},
        {"1, 2", "not a list"},
        {"1 - 2", "not a list"},
        {"1\n", "not a list"},
        {"+1", "not a list"},
        {"0x1", "not a list"},
        {"1.5", "not a list"},
        {"all", "not a list"},
        {"0-7:1/2", "not a list"},
        {"!0", "not a list"},
        {"1;2", "not a list"},
        {"2-1", "ends before"},
        {"0,3-2", "ends before"},
        {"32768", "behind 32767"},
        {"0-32768", "behind 32767"},
        {"4294967296", "behind 32767"},
        {"18446744073709551616-18446744073709551617", "behind 32767"},
    };
    struct nodes nodes;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *problem = nodes_parse(good[i].list, &nodes);

        ok(!problem && !strcmp(text_of(&nodes, room), good[i].same) && nodes.bits == good[i].bits &&
               whole_words(&nodes),
           "%s: %s", good[i].list, problem ? problem : room);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *problem = nodes_parse(bad[i].list, &nodes);

        ok(problem && strstr(problem, bad[i].problem), "\"%.*s\": %s",
           (int)strcspn(bad[i].list, "\n"), bad[i].list, problem ? problem : "taken");
    }
}

/* Any set comes back from its text, and from its text in another order. */
static void test_sets(void)
{
    static char list[NODES_MAX * 6], again[NODES_MAX * 6], turned[NODES_MAX * 6 + 1];
    unsigned wrong = 0;

    srandom(1);
    for (unsigned round = 0; round < 2000; round++) {
        struct nodes set = {0}, read;
        unsigned top = 1 + (unsigned)random() % NODES_MAX;
        char *comma;

        for (unsigned left = 1 + (unsigned)random() % 20; left; left--) {
            unsigned first = (unsigned)random() % top, last = first + (unsigned)random() % 70;

            for (unsigned n = first; n <= last && n < NODES_MAX; n++)
                set.mask[n / NODES_PER_WORD] |= 1UL << n % NODES_PER_WORD;
        }
        text_of(&set, list);
        wrong += nodes_parse(list, &read) || strcmp(text_of(&read, again), list) ||
                 !has(&read, read.bits - 1);
        if ((comma = strchr(list, ','))) {
            sprintf(turned, "%s,%.*s", comma + 1, (int)(comma - list), list);
            wrong += nodes_parse(turned, &read) || strcmp(text_of(&read, again), list);
        }
    }
    ok(!wrong, "2000 sets come back from their text (%u do not)", wrong);
}

/* What is taken consists of digits, commas and dashes in their places; nothing else is touched. */
static void test_noise(void)
{
    static const char letters[] = "0123456789-,-,-, x";
    unsigned taken = 0, wrong = 0;

    srandom(2);
    for (unsigned round = 0; round < 200000; round++) {
        char list[9] = "";
        struct nodes nodes;
        bool digit = false, dash = false, sound = true;

        for (size_t i = 0, n = 1 + (size_t)random() % 8; i < n; i++)
            list[i] = letters[(size_t)random() % (sizeof(letters) - 1)];
        for (const char *at = list;; at++) {
            bool after = digit;

            digit = *at >= '0' && *at <= '9';
            if (digit)
                continue;
            sound &= after && (*at == ',' || !*at || (*at == '-' && !dash));
            dash = *at == '-';
            if (!*at)
                break;
        }
        if (nodes_parse(list, &nodes)) {
            wrong += sound && !strpbrk(list, "-") && strlen(list) < 5;
        } else {
            taken++;
            wrong += !sound;
        }
    }
    ok(!wrong && taken > 1000, "noise: %u lists are taken, %u wrongly judged", taken, wrong);
}

int main(void)
{
    test_lists();
    test_sets();
    test_noise();
    return done();
}
