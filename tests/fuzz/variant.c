/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the text of a property of systemd. What it says, written in another way, says the same. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "plugins/systemd/variant.h"

struct printing {
    FILE *f;
    unsigned depth;
    size_t members[32];
    char type[32];
};

static void separate(struct printing *p)
{
    must(p->depth < 32);
    if (p->members[p->depth]++)
        fputs(", ", p->f);
}

static void print_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

static int print_basic(void *data, char type, const void *value)
{
    struct printing *p = data;

    separate(p);
    switch (type) {
    case 'b':
        return fputs(*(const bool *)value ? "true" : "false", p->f);
    case 'y':
        return fprintf(p->f, "byte %u", *(const uint8_t *)value);
    case 'n':
        return fprintf(p->f, "int16 %d", *(const int16_t *)value);
    case 'q':
        return fprintf(p->f, "uint16 %u", *(const uint16_t *)value);
    case 'i':
        return fprintf(p->f, "%" PRIi32, *(const int32_t *)value);
    case 'u':
        return fprintf(p->f, "uint32 %" PRIu32, *(const uint32_t *)value);
    case 'x':
        return fprintf(p->f, "@x %" PRIi64, *(const int64_t *)value);
    case 't':
        return fprintf(p->f, "uint64 %" PRIu64, *(const uint64_t *)value);
    case 'd':
        must(isfinite(*(const double *)value));
        return fprintf(p->f, "double %.17g", *(const double *)value);
    }
    must(type == 's' || type == 'o' || type == 'g');
    fprintf(p->f, "@%c ", type);
    print_string(p->f, value);
    return 0;
}

static int print_open(void *data, char type, const char *contents)
{
    struct printing *p = data;

    must(type == 'a' || type == '(');
    must(variant_type_length(contents) > 0);
    separate(p);
    if (type == 'a')
        fprintf(p->f, "@a%s [", contents);
    else
        fputc('(', p->f);
    p->depth++;
    p->members[p->depth] = 0;
    p->type[p->depth] = type;
    return 0;
}

static int print_close(void *data)
{
    struct printing *p = data;
    bool array = p->type[p->depth] == 'a';

    must(p->depth > 0);
    fputs(array ? "]" : p->members[p->depth] == 1 ? ",)" : ")", p->f);
    p->depth--;
    return 0;
}

/* NULL: not a value. */
static char *print(const char *text, char signature[VARIANT_SIGNATURE_MAX])
{
    char *printed = NULL;
    const char *why = NULL;
    size_t size;
    struct printing p = {.f = open_memstream(&printed, &size)};
    const struct variant_sink sink = {&p, print_basic, print_open, print_close};

    must(p.f);
    if (variant_signature(text, signature, &why) == 0) {
        must(variant_type_length(signature) == strlen(signature));
        must(variant_tell(text, &sink) == 0 && !p.depth);
        must(!fclose(p.f));
        return printed;
    }
    must(why && *why);
    fclose(p.f);
    free(printed);
    return NULL;
}

void target(const char *bytes, size_t size)
{
    char first[VARIANT_SIGNATURE_MAX], second[VARIANT_SIGNATURE_MAX];
    auto_free char *text = next_part(&bytes, &size, '\0'), *once = print(text, first),
                   *twice = NULL;
    auto_free char *string = variant_as_string(text);
    uint64_t number = 0;

    if (once) {
        twice = print(once, second);
        must(twice && !strcmp(once, twice) && !strcmp(first, second));
    }
    must(!string || !strcmp(first, "s"));
    must(!variant_as_uint(text, &number) || (!first[1] && strchr("ynqiuxt", first[0])));
}
