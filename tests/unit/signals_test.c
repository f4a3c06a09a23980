/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signals.h"

#include <signal.h>
#include <string.h>

#include "core/base.h"

static const struct {
    const char *text;
    int number;
} cases[] = {
    {"15", SIGTERM},
    {"9", SIGKILL},
    {"0", 0},
    {"64", 64},
    {"34", 34},
    {"TERM", SIGTERM},
    {"SIGTERM", SIGTERM},
    {"sigterm", SIGTERM},
    {"term", SIGTERM},
    {"SigKill", SIGKILL},
    {"HUP", SIGHUP},
    {"WINCH", SIGWINCH},
    {"SIGIO", SIGIO},
    {"SIGPOLL", SIGIO},
    {"CLD", SIGCHLD},
    {"USR2", SIGUSR2},
    {"RTMIN", 34},
    {"SIGRTMIN", 34},
    {"RTMAX", 64},
    {"SIGRTMAX", 64},
    {"RTMIN+0", 34},
    {"sigrtmin+3", 37},
    {"RTMIN+30", 64},
    {"RTMAX-0", 64},
    {"SIGRTMAX-1", 63},
    {"RTMAX-30", 34},
    {"RTMIN+31", -1},
    {"RTMAX-31", -1},
    {"RTMIN-1", -1},
    {"RTMAX+1", -1},
    {"RTMIN+", -1},
    {"RTMIN+x", -1},
    {"RTMIN++1", -1},
    {"65", -1},
    {"-9", -1},
    {"+9", -1},
    {"9x", -1},
    {"", -1},
    {"SIG", -1},
    {"SIGSIGTERM", -1},
    {"SIG9", -1},
    {"FOO", -1},
    {" TERM", -1},
    {"TERM ", -1},
    {"99999999999999999999", -1},
    {"RTMIN+99999999999999999999", -1},
};

int main(void)
{
    int failures = 0;

    printf("1..%zu\n", ARRAY_SIZE(cases) + 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int got = signal_parse(cases[i].text);

        printf("%s %zu - \"%s\" is %d\n", got == cases[i].number ? "ok" : "not ok", i + 1,
               cases[i].text, cases[i].number);
        failures += got != cases[i].number;
    }

    /* Every name that the C library knows. */
    int missing = 0;
    for (int n = 1; n < 32; n++) {
        const char *name = sigabbrev_np(n);

        if (name && signal_parse(name) != n && ++missing)
            printf("# %s\n", name);
    }
    printf("%s %zu - every standard signal\n", missing ? "not ok" : "ok", ARRAY_SIZE(cases) + 1);
    return failures || missing;
}
