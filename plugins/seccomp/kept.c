/* SPDX-License-Identifier: Apache-2.0 */
/* {"filter": TEXT}, where TEXT is the instructions in base64 (RFC 4648). */
#include "plugins/seccomp/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "{\"filter\":\""
#define END   "\"}"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three bytes are four digits; what is missing of three is said by '='. */
static char *encode(char *to, const unsigned char *from, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                        (left > 2 ? from[i + 2] : 0);

        for (size_t k = 0; k < 4; k++)
            *to++ = k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return to;
}

/* How many bytes, or 0. */
static size_t decode(unsigned char *to, const char *from)
{
    const unsigned char *start = to;
    uint32_t bits = 0;
    size_t n = 0;

    for (; *from && *from != '='; from++) {
        const char *digit = strchr(digits, *from);

        if (!digit)
            return 0;
        bits = bits << 6 | (uint32_t)(digit - digits);
        if (n++ % 4)
            *to++ = (unsigned char)(bits >> (4 - n % 4) % 4 * 2);
    }
    return (size_t)(to - start);
}

int filter_keep(struct hozo_ctx *ctx, const struct filter *filter)
{
    size_t size = filter->n * sizeof(*filter->code);
    char *json = malloc(sizeof(BEGIN) + (size + 2) / 3 * 4 + sizeof(END)), *end;
    int r;

    if (!json)
        return hozo_error(ctx, ENOMEM, SECCOMP, "cannot be kept");
    end = encode(stpcpy(json, BEGIN), (const unsigned char *)filter->code, size);
    end = stpcpy(end, END);
    r = hozo_state_set(ctx, json, (size_t)(end - json));
    free(json);
    return r;
}

int filter_kept(struct hozo_ctx *ctx, struct filter *filter)
{
    struct hozo_cursor at;
    const char *text;
    size_t size;
    int r = hozo_state_find(ctx, NULL, "filter", &at);

    *filter = (struct filter){0};
    if (r < 0)
        return -1;
    text = r ? hozo_as_string(ctx, &at) : NULL;
    if (!text)
        return hozo_error(ctx, 0, SECCOMP, "the container's state has no filter");
    if (!(filter->code = malloc(strlen(text) + 1)))
        return hozo_error(ctx, ENOMEM, SECCOMP, "cannot be read");
    size = decode((unsigned char *)filter->code, text);
    filter->n = size / sizeof(*filter->code);
    if (!size || size % sizeof(*filter->code))
        return hozo_error(ctx, 0, SECCOMP, "the container's state has a filter that is none");
    return 0;
}
