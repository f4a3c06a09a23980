/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict scanner: RFC 8259 and no more, in one pass. It refuses what two parsers could read in
 * two ways (duplicate keys, NUL, surrogates, invalid UTF-8), and keeps the source text of the
 * numbers.
 */
#include "core/json-scan.h"

#include <string.h>

#include "core/json.h"
#include "core/utf8.h"

/* cJSON reads a number through a buffer of 64 bytes. */
#define NUMBER_LENGTH_MAX 63

struct span {
    const char *start;
    size_t length;
};

struct spans {
    struct span *at;
    size_t n, room;
};

/* One for each array and object around the place reached. */
struct frame {
    bool array;
    size_t index;
    struct span key; /* as in the source, without quotes; start is NULL before the first */
};

struct scan {
    const char *name, *text, *end;
    const char *at;
    struct frame frames[JSON_DEPTH_MAX];
    size_t depth;
    struct spans numbers;
    struct spans keys; /* of all objects around the place reached */
    size_t n_values;
    struct error *err;
};

static int scan_value(struct scan *s);

static PRINTF(3, 4) int bad(struct scan *s, const char *at, const char *fmt, ...)
{
    auto_text struct text path = {0};
    size_t line = 1;
    va_list ap;

    for (const char *p = s->text; p < at; p++)
        line += *p == '\n';
    for (size_t i = 0; i < s->depth; i++) {
        const struct frame *f = &s->frames[i];
        int length = (int)f->key.length;

        if (f->array)
            text_add(&path, "[%zu]", f->index);
        else if (length && json_plain_length(f->key.start, f->key.length) == f->key.length)
            text_add(&path, "%s%.*s", path.length ? "." : "", length, f->key.start);
        else if (f->key.start)
            text_add(&path, "[\"%.*s\"]", length, f->key.start);
    }
    va_start(ap, fmt);
    vfail(s->err, 0, NULL, fmt, ap);
    va_end(ap);
    if (path.length)
        fail_prefix(s->err, "%s", path.at);
    return fail_prefix(s->err, "%s:%zu", s->name, line);
}

static int unexpected(struct scan *s, const char *wanted)
{
    unsigned char c = s->at < s->end ? (unsigned char)*s->at : 0;

    if (s->at >= s->end)
        return bad(s, s->at, "expected %s, but the text ends", wanted);
    if (c > 0x20 && c < 0x7f)
        return bad(s, s->at, "expected %s, not '%c'", wanted, c);
    return bad(s, s->at, "expected %s, not byte 0x%02x", wanted, c);
}

static int push(struct scan *s, struct spans *v, const char *start, size_t length)
{
    if (v->n == v->room) {
        size_t room = v->room ? 2 * v->room : 64;
        struct span *at = realloc(v->at, room * sizeof *at);

        if (!at)
            return fail_memory(s->err);
        v->at = at;
        v->room = room;
    }
    v->at[v->n++] = (struct span){start, length};
    return 0;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at >= s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* --- strings ------------------------------------------------------------------------------------
 */

/* The four digits at `p`, or -1. The text ends with NUL, which is no digit. */
static int32_t hex4(const char *p)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = p[i] ? strchr(digits, p[i]) : NULL;

        if (!at)
            return -1;
        value = value << 4 | (int32_t)((at - digits) & 15);
    }
    return value;
}

static int scan_escape(struct scan *s)
{
    const char *start = s->at++;
    int32_t code;

    if (s->at < s->end && *s->at && strchr("\"\\/bfnrt", *s->at)) {
        s->at++;
        return 0;
    }
    code = take(s, 'u') ? hex4(s->at) : -1;
    if (code < 0)
        return bad(s, start, "not an escape of JSON");
    s->at += 4;
    if (!code)
        return bad(s, start, "\\u0000 in a string");
    if (code >= 0xd800 && code <= 0xdbff && s->at[0] == '\\' && s->at[1] == 'u' &&
        (hex4(s->at + 2) & ~0x3ff) == 0xdc00)
        s->at += 6;
    else if (code >= 0xd800 && code <= 0xdfff)
        return bad(s, start, "half of a surrogate pair");
    return 0;
}

/* *body is what stands between the quotes. */
static int scan_string(struct scan *s, struct span *body)
{
    const char *start = ++s->at;

    while (s->at < s->end && *s->at != '"') {
        size_t length;

        if ((unsigned char)*s->at < 0x20)
            return bad(s, s->at, "control character 0x%02x in a string", (unsigned char)*s->at);
        if (*s->at == '\\') {
            if (scan_escape(s) < 0)
                return -1;
            continue;
        }
        length = utf8_length(s->at, s->end);
        if (!length)
            return bad(s, s->at, "byte 0x%02x is not UTF-8", (unsigned char)*s->at);
        s->at += length;
    }
    if (s->at >= s->end)
        return unexpected(s, "the end of a string");
    *body = (struct span){start, (size_t)(s->at++ - start)};
    return 0;
}

/* The next code point of a string that scan_string() has passed. */
static int32_t next_char(const char **p)
{
    static const char letter[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    unsigned char c = (unsigned char)*(*p)++;
    int32_t code, more;

    if (c == '\\') {
        c = (unsigned char)*(*p)++;
        if (c != 'u')
            return meant[strchr(letter, c) - letter];
        code = hex4(*p);
        *p += 4;
        if (code < 0xd800 || code > 0xdbff)
            return code;
        more = hex4(*p + 2);
        *p += 6;
        return 0x10000 + ((code - 0xd800) << 10) + (more - 0xdc00);
    }
    if (c < 0x80)
        return c;
    code = c & (c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07);
    for (int n = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3; n; n--)
        code = code << 6 | (*(*p)++ & 0x3f);
    return code;
}

static int compare_names(const struct span *a, const struct span *b)
{
    const char *p = a->start, *p_end = p + a->length, *q = b->start, *q_end = q + b->length;

    while (p < p_end && q < q_end) {
        int32_t c = next_char(&p), d = next_char(&q);

        if (c != d)
            return c < d ? -1 : 1;
    }
    return (p < p_end) - (q < q_end);
}

/* Equal names stay in the order of the document. */
static int compare_keys(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = compare_names(x, y);

    return order ? order : (x->start > y->start) - (x->start < y->start);
}

/* Sorting keeps an object of many members from taking quadratic time. */
static int check_duplicates(struct scan *s, size_t first)
{
    size_t n = s->keys.n - first;
    struct span *keys;

    if (n < 2)
        return 0;
    keys = s->keys.at + first;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (compare_names(&keys[i - 1], &keys[i]) == 0) {
            s->frames[s->depth - 1].key = keys[i];
            return bad(s, keys[i].start, "given twice in one object");
        }
    }
    return 0;
}

/* --- values -------------------------------------------------------------------------------------
 */

static int scan_digits(struct scan *s)
{
    if (s->at >= s->end || *s->at < '0' || *s->at > '9')
        return unexpected(s, "a digit");
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return 0;
}

static int scan_number(struct scan *s)
{
    const char *start = s->at, *digits;

    take(s, '-');
    digits = s->at;
    if (scan_digits(s) < 0)
        return -1;
    if (*digits == '0' && s->at - digits > 1)
        return bad(s, start, "a number with a leading zero");
    if (take(s, '.') && scan_digits(s) < 0)
        return -1;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (scan_digits(s) < 0)
            return -1;
    }
    if (s->at - start > NUMBER_LENGTH_MAX)
        return bad(s, start, "a number of more than %d characters", NUMBER_LENGTH_MAX);
    return push(s, &s->numbers, start, (size_t)(s->at - start));
}

static int scan_word(struct scan *s, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return unexpected(s, "a value");
    s->at += length;
    return 0;
}

static struct frame *enter(struct scan *s, bool array)
{
    if (s->depth == JSON_DEPTH_MAX) {
        bad(s, s->at, "nested more than %d levels deep", JSON_DEPTH_MAX);
        return NULL;
    }
    s->at++;
    s->frames[s->depth] = (struct frame){.array = array};
    return &s->frames[s->depth++];
}

static int scan_array(struct scan *s)
{
    struct frame *frame = enter(s, true);

    if (!frame)
        return -1;
    skip_space(s);
    if (!take(s, ']')) {
        for (;; frame->index++) {
            if (scan_value(s) < 0)
                return -1;
            skip_space(s);
            if (take(s, ']'))
                break;
            if (!take(s, ','))
                return unexpected(s, "',' or ']'");
        }
    }
    s->depth--;
    return 0;
}

static int scan_member(struct scan *s, struct frame *frame)
{
    struct span key;

    skip_space(s);
    if (s->at >= s->end || *s->at != '"')
        return unexpected(s, "a member's name in quotes");
    if (scan_string(s, &key) < 0 || push(s, &s->keys, key.start, key.length) < 0)
        return -1;
    frame->key = key;
    skip_space(s);
    if (!take(s, ':'))
        return unexpected(s, "':'");
    return scan_value(s);
}

static int scan_object(struct scan *s)
{
    size_t first = s->keys.n;
    struct frame *frame = enter(s, false);

    if (!frame)
        return -1;
    skip_space(s);
    if (!take(s, '}')) {
        for (;;) {
            if (scan_member(s, frame) < 0)
                return -1;
            skip_space(s);
            if (take(s, '}'))
                break;
            if (!take(s, ','))
                return unexpected(s, "',' or '}'");
        }
    }
    if (check_duplicates(s, first) < 0)
        return -1;
    s->keys.n = first;
    s->depth--;
    return 0;
}

static int scan_value(struct scan *s)
{
    struct span body;

    skip_space(s);
    s->n_values++;
    switch (s->at < s->end ? *s->at : 0) {
    case '{':
        return scan_object(s);
    case '[':
        return scan_array(s);
    case '"':
        return scan_string(s, &body);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    case '-':
    case '0' ... '9':
        return scan_number(s);
    default:
        return unexpected(s, "a value");
    }
}

/* Pointers and the texts behind them in one block. */
static int copy_numbers(const struct spans *from, struct json_scan *to, struct error *err)
{
    size_t size = from->n * sizeof(char *) + 1;
    char *text;

    for (size_t i = 0; i < from->n; i++)
        size += from->at[i].length + 1;
    to->numbers = malloc(size);
    if (!to->numbers)
        return fail_memory(err);
    text = (char *)(to->numbers + from->n);
    for (size_t i = 0; i < from->n; i++) {
        to->numbers[i] = text;
        text = mempcpy(text, from->at[i].start, from->at[i].length);
        *text++ = '\0';
    }
    to->n_numbers = from->n;
    return 0;
}

static int scan_text(struct scan *s)
{
    if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
        return bad(s, s->at, "starts with a byte order mark");
    if (scan_value(s) < 0)
        return -1;
    skip_space(s);
    return s->at < s->end ? unexpected(s, "nothing behind the value") : 0;
}

int json_scan(struct json_scan *result, const char *name, const char *text, size_t size,
              struct error *err)
{
    struct scan s = {.name = name, .text = text, .at = text, .end = text + size, .err = err};
    int rc = scan_text(&s);

    *result = (struct json_scan){.n_values = s.n_values};
    if (rc == 0)
        rc = copy_numbers(&s.numbers, result, err);
    free(s.numbers.at);
    free(s.keys.at);
    return rc;
}
