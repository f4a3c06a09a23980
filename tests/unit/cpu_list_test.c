/* SPDX-License-Identifier: Apache-2.0 */
#include "core/linux/cpu-list.h"

#include <string.h>

#include "plugins/tap.h"

static bool has(const struct cpu_list *list, unsigned n)
{
    return list->mask[n / CPUS_PER_WORD] >> n % CPUS_PER_WORD & 1;
}

/* As text in its shortest form, which is none of the parser's work. */
static const char *text_of(const struct cpu_list *list, char *text)
{
    char *to = text;

    *to = '\0';
    for (unsigned n = 0, last; n < CPUS_MAX; n = last + 1) {
        last = n;
        if (!has(list, n))
            continue;
        while (last + 1 < CPUS_MAX && has(list, last + 1))
            last++;
        to += sprintf(to, to > text ? ",%u" : "%u", n);
        if (last > n)
            to += sprintf(to, "-%u", last);
    }
    return text;
}

static char room[CPUS_MAX * 6];

int main(void)
{
    static const struct {
        const char *text, *same;
        size_t words; /* of 64 bits */
    } good[] = {
        {"0", "0", 1},
        {"0-3,7", "0-3,7", 1},
        {"7,0-3", "0-3,7", 1},
        {"1,1,0-2,2-3", "0-3", 1},
        {"5-5", "5", 1},
        {"007", "7", 1},
        {" 0-3, 7 ", "0-3,7", 1},
        {"63", "63", 1},
        {"64", "64", 2},
        {"63-64", "63-64", 2},
        {"8191", "8191", 128},
        {"0-8191,1", "0-8191", 128},
    };
    static const struct {
        const char *text, *problem;
    } bad[] = {
        {"", "not a list"},
        {" ", "not a list"},
        {"-", "not a list"},
        {",", "not a list"},
        {"1,", "not a list"},
        {",1", "not a list"},
        {"1,,2", "not a list"},
        {"1-", "not a list"},
        {"-1", "not a list"},
        {"1--2", "not a list"},
        {"1-2-3", "not a list"},
        {"1 - 2", "not a list"},
        {"1 2", "not a list"},
        {"0-8:1/2", "not a list"},
        {"0x1", "not a list"},
        {"all", "not a list"},
        {"3-1", "ends before it begins"},
        {"8192", "behind 8191"},
        {"0-8192", "behind 8191"},
        {"4294967296", "behind 8191"},
        {"18446744073709551617", "behind 8191"},
    };
    static struct cpu_list list;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ok(!cpu_list_parse(good[i].text, &list) && !strcmp(text_of(&list, room), good[i].same) &&
               list.size == good[i].words * 8,
           "\"%s\" is %s", good[i].text, good[i].same);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = cpu_list_parse(bad[i].text, &list);

        ok(why && strstr(why, bad[i].problem), "\"%s\" is refused", bad[i].text);
    }
    return done();
}
