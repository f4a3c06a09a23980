/* SPDX-License-Identifier: Apache-2.0 */
/* A filter goes into the state and comes back. */
#include "plugins/seccomp/kept.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

/* --- the host --------------------------------------------------------------------------------- */

static char *state;

static int host_error(struct hozo_ctx *ctx, int errnum, const char *path, const char *fmt,
                      va_list ap)
{
    (void)ctx;
    (void)errnum;
    (void)path;
    (void)fmt;
    (void)ap;
    return -1;
}

static int host_state_set(struct hozo_ctx *ctx, const char *json, size_t size)
{
    (void)ctx;
    free(state);
    state = strndup(json, size);
    return 0;
}

/* {"filter":"…"} without its frame. */
static int host_state_find(struct hozo_ctx *ctx, const struct hozo_cursor *at, const char *path,
                           struct hozo_cursor *found)
{
    char *text = strstr(state, "\":\"");

    (void)ctx;
    (void)at;
    *found = (struct hozo_cursor){.path = path, .node = text ? text + 3 : NULL};
    if (text)
        *strrchr(state, '"') = '\0';
    return text != NULL;
}

static const char *host_as_string(struct hozo_ctx *ctx, const struct hozo_cursor *at)
{
    (void)ctx;
    return at->node;
}

static const struct hozo_host host = {
    .error = host_error,
    .state_set = host_state_set,
    .state_find = host_state_find,
    .as_string = host_as_string,
};
static struct hozo_ctx ctx = {&host};

/* --- tests ------------------------------------------------------------------------------------ */

static void test_state(void)
{
    unsigned wrong = 0;

    srandom(1);
    for (size_t n = 1; n < 60; n++) {
        struct sock_filter code[60];
        struct filter f = {.code = code, .n = n}, again;

        for (size_t i = 0; i < sizeof(code); i++)
            ((unsigned char *)code)[i] = (unsigned char)random();
        wrong += filter_keep(&ctx, &f) || filter_kept(&ctx, &again) || again.n != n ||
                 memcmp(again.code, code, n * sizeof(*code));
        free(again.code);
    }
    ok(!wrong, "59 filters come back from the state (%u do not)", wrong);
}

static void test_broken_state(void)
{
    static const char *const states[] = {"{}", "{\"filter\":\"\"}", "{\"filter\":\"AAAA\"}",
                                         "{\"filter\":\"AAAAAAAAAA*=\"}"};
    unsigned taken = 0;

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct filter f;

        host_state_set(&ctx, states[i], strlen(states[i]));
        taken += !filter_kept(&ctx, &f);
        free(f.code);
    }
    ok(!taken, "a state that holds no filter is an error");
}

int main(void)
{
    test_state();
    test_broken_state();
    free(state);
    return done();
}
