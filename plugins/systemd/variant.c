/* SPDX-License-Identifier: Apache-2.0 */
/* Two passes: what types the text names or implies; then its pieces, each of the type that is expected. */
#include "plugins/systemd/variant.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  8
#define STRING_MAX 4096

/* The numbers' types: what a keyword in front of a number may be, and what fits in. */
static const struct kind {
    char type;
    const char *keyword;
    uint64_t max;
    int64_t min;
} kinds[] = {
    {'b', "boolean", 0, 0},
    {'y', "byte", UINT8_MAX, 0},
    {'n', "int16", INT16_MAX, INT16_MIN},
    {'q', "uint16", UINT16_MAX, 0},
    {'i', "int32", INT32_MAX, INT32_MIN},
    {'u', "uint32", UINT32_MAX, 0},
    {'x', "int64", INT64_MAX, INT64_MIN},
    {'t', "uint64", UINT64_MAX, 0},
    {'d', "double", 0, 0},
    {'s', "string", 0, 0},
    {'o', "objectpath", 0, 0},
    {'g', "signature", 0, 0},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct parser {
    const char *at;
    const char *why;
    unsigned depth;
    const struct variant_sink *sink; /* NULL: only looked at */
    char *signature;                 /* first pass: grows */
    size_t length;
};

static int refuse(struct parser *p, const char *why)
{
    p->why = why;
    return -1;
}

static void skip_blanks(struct parser *p)
{
    p->at += strspn(p->at, " \t\n\r");
}

static bool take(struct parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool take_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);

    skip_blanks(p);
    if (strncmp(p->at, word, n) || is_letter(p->at[n]))
        return false;
    p->at += n;
    return true;
}

static const struct kind *kind_of(char type)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

/* --- signatures ---------------------------------------------------------------------------------- */

size_t variant_type_length(const char *at)
{
    size_t n = 1;

    if (*at == 'a')
        return 1 + variant_type_length(at + 1);
    if (*at != '(')
        return *at ? 1 : 0;
    while (at[n] && at[n] != ')')
        n += variant_type_length(at + n);
    return n + (at[n] == ')');
}

/* One complete type as it is written after '@'. */
static int check_type(struct parser *p, const char **at, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return refuse(p, "is nested too deeply");
    if (**at == 'a') {
        ++*at;
        return check_type(p, at, depth + 1);
    }
    if (**at != '(') {
        if (!**at || !kind_of(**at))
            return refuse(p, "has a type that is not known");
        ++*at;
        return 0;
    }
    if (*++*at == ')')
        return refuse(p, "has a tuple of nothing");
    while (**at != ')')
        if (check_type(p, at, depth + 1) < 0)
            return -1;
    ++*at;
    return 0;
}

static int put(struct parser *p, const char *type, size_t n)
{
    if (p->length + n >= VARIANT_SIGNATURE_MAX)
        return refuse(p, "is too complicated");
    memcpy(p->signature + p->length, type, n);
    p->length += n;
    p->signature[p->length] = '\0';
    return 0;
}

/* --- strings ------------------------------------------------------------------------------------- */

static int hex_digits(struct parser *p, unsigned n, uint32_t *code)
{
    for (*code = 0; n--; p->at++) {
        const char *digits = "0123456789abcdef", *digit;
        char c = *p->at;

        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!c || !(digit = strchr(digits, c)))
            return refuse(p, "has an escape without its digits");
        *code = *code << 4 | (uint32_t)(digit - digits);
    }
    if (!*code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return refuse(p, "has an escape that is no character");
    return 0;
}

static size_t utf8(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; --i > 0; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[n] | code);
    return n;
}

/* Behind a backslash. */
static int escaped(struct parser *p, char out[4], size_t *n)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    char c = *p->at;
    const char *plain;
    uint32_t code;

    *n = 1;
    if (!c)
        return refuse(p, "has a string without an end");
    p->at++;
    if (c == 'u' || c == 'U') {
        if (hex_digits(p, c == 'u' ? 4 : 8, &code) < 0)
            return -1;
        *n = utf8(code, out);
    } else if (c == '\n') {
        *n = 0;
    } else {
        out[0] = (plain = strchr(from, c)) ? to[plain - from] : c;
    }
    return 0;
}

static int parse_string(struct parser *p, char room[STRING_MAX])
{
    char quote;
    size_t length = 0;

    skip_blanks(p);
    quote = *p->at;
    if (quote != '\'' && quote != '"')
        return refuse(p, "has no string where one belongs");
    for (p->at++; *p->at != quote;) {
        char bytes[4] = {*p->at};
        size_t n = 1;

        if (!*p->at++)
            return refuse(p, "has a string without an end");
        if (bytes[0] == '\\' && escaped(p, bytes, &n) < 0)
            return -1;
        if (length + n >= STRING_MAX)
            return refuse(p, "has too long a string");
        memcpy(room + length, bytes, n);
        length += n;
    }
    p->at++;
    room[length] = '\0';
    return 0;
}

/* --- numbers ------------------------------------------------------------------------------------- */

static bool is_sign(char c)
{
    return c == '-' || c == '+';
}

static bool is_hexadecimal(const char *number)
{
    number += is_sign(*number);
    return number[0] == '0' && (number[1] == 'x' || number[1] == 'X');
}

static bool is_exponent(char c)
{
    return c == 'e' || c == 'E';
}

/* Up to what cannot be part of a number. */
static size_t number_length(const char *at)
{
    bool hexadecimal = is_hexadecimal(at);
    size_t n = is_sign(*at);

    while (is_letter(at[n]) || at[n] == '.' ||
           (n && !hexadecimal && is_exponent(at[n - 1]) && is_sign(at[n])))
        n++;
    return n;
}

static int copy_number(struct parser *p, char room[64])
{
    size_t n;

    skip_blanks(p);
    n = number_length(p->at);
    if (!n || n >= 64)
        return refuse(p, "has no value where one belongs");
    memcpy(room, p->at, n);
    room[n] = '\0';
    p->at += n;
    return 0;
}

static int tell(struct parser *p, char type, const void *value)
{
    return p->sink && p->sink->basic(p->sink->data, type, value) < 0 ? refuse(p, NULL) : 0;
}

static int parse_double(struct parser *p)
{
    char room[64], *end;
    double value;

    if (copy_number(p, room) < 0)
        return -1;
    errno = 0;
    value = strtod(room, &end);
    if (*end || end == room || errno || !isfinite(value))
        return refuse(p, "has a number that is none");
    return tell(p, 'd', &value);
}

static int tell_integer(struct parser *p, char type, uint64_t bits)
{
    uint8_t y = (uint8_t)bits;
    uint16_t q = (uint16_t)bits;
    uint32_t u = (uint32_t)bits;
    const void *value = type == 'y'                  ? &y
                        : type == 'n' || type == 'q' ? &q
                        : type == 'i' || type == 'u' ? (const void *)&u
                                                     : &bits;

    return tell(p, type, value);
}

static int parse_integer(struct parser *p, const struct kind *kind)
{
    char room[64], *digits = room, *end;
    uint64_t value;
    bool negative;

    if (copy_number(p, room) < 0)
        return -1;
    negative = *room == '-';
    digits += *room == '-' || *room == '+';
    if (*digits < '0' || *digits > '9')
        return refuse(p, "has a number that is none");
    errno = 0;
    value = strtoull(digits, &end, 0);
    if (*end)
        return refuse(p, "has a number that is none");
    if (errno || (negative ? value > -(uint64_t)kind->min : value > kind->max))
        return refuse(p, "has a number that its type cannot hold");
    return tell_integer(p, kind->type, negative ? -value : value);
}

/* --- the second pass: pieces of an expected type ---------------------------------------------------- */

static int parse(struct parser *p, const char *type);

static int parse_bool(struct parser *p)
{
    bool value = take_word(p, "true");

    if (!value && !take_word(p, "false"))
        return refuse(p, "has neither true nor false where one belongs");
    return tell(p, 'b', &value);
}

static int parse_basic(struct parser *p, char type)
{
    const struct kind *kind = kind_of(type);
    char room[STRING_MAX];

    take_word(p, kind->keyword);
    if (type == 'b')
        return parse_bool(p);
    if (type == 'd')
        return parse_double(p);
    if (!strchr("sog", type))
        return parse_integer(p, kind);
    return parse_string(p, room) < 0 ? -1 : tell(p, type, room);
}

static int open_container(struct parser *p, char type, const char *contents, size_t n)
{
    char room[VARIANT_SIGNATURE_MAX];

    if (++p->depth > DEPTH_MAX)
        return refuse(p, "is nested too deeply");
    memcpy(room, contents, n);
    room[n] = '\0';
    return p->sink && p->sink->open(p->sink->data, type, room) < 0 ? refuse(p, NULL) : 0;
}

static int close_container(struct parser *p)
{
    p->depth--;
    return p->sink && p->sink->close(p->sink->data) < 0 ? refuse(p, NULL) : 0;
}

static int parse_array(struct parser *p, const char *element)
{
    if (!take(p, '['))
        return refuse(p, "has no array where one belongs");
    if (open_container(p, 'a', element, variant_type_length(element)) < 0)
        return -1;
    if (!take(p, ']')) {
        do {
            if (parse(p, element) < 0)
                return -1;
        } while (take(p, ','));
        if (!take(p, ']'))
            return refuse(p, "has an array without an end");
    }
    return close_container(p);
}

/* A tuple of one is written ('a',). */
static int parse_tuple(struct parser *p, const char *members)
{
    size_t whole = 0, n = 0;

    while (members[whole] != ')')
        whole += variant_type_length(members + whole);
    if (!take(p, '('))
        return refuse(p, "has no tuple where one belongs");
    if (open_container(p, '(', members, whole) < 0)
        return -1;
    for (const char *at = members; at < members + whole; at += variant_type_length(at))
        if ((n++ && !take(p, ',')) || parse(p, at) < 0)
            return p->why ? -1 : refuse(p, "has a tuple with too few members");
    if (n == 1 && !take(p, ','))
        return refuse(p, "has a tuple of one without its comma");
    if (!take(p, ')'))
        return refuse(p, "has a tuple without an end");
    return close_container(p);
}

static int skip_annotation(struct parser *p, const char *type)
{
    size_t n = variant_type_length(type);

    if (!take(p, '@'))
        return 0;
    if (strncmp(p->at, type, n) || is_letter(p->at[n]) || p->at[n] == '(')
        return refuse(p, "has values of several types in one array");
    p->at += n;
    return 0;
}

static int parse(struct parser *p, const char *type)
{
    if (skip_annotation(p, type) < 0)
        return -1;
    if (*type == 'a')
        return parse_array(p, type + 1);
    return *type == '(' ? parse_tuple(p, type + 1) : parse_basic(p, *type);
}

/* --- the first pass: which types -------------------------------------------------------------------- */

static int infer(struct parser *p);

static int infer_annotated(struct parser *p)
{
    const char *end = p->at;

    if (check_type(p, &end, 0) < 0)
        return -1;
    return put(p, p->at, (size_t)(end - p->at));
}

/* The first element speaks for all. */
static int infer_array(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        return refuse(p, "is nested too deeply");
    if (take(p, ']'))
        return refuse(p, "has an empty array, whose type must be written: @as []");
    return put(p, "a", 1) < 0 ? -1 : infer(p);
}

static int infer_tuple(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        return refuse(p, "is nested too deeply");
    if (take(p, ')'))
        return refuse(p, "has a tuple of nothing");
    if (put(p, "(", 1) < 0)
        return -1;
    do {
        size_t before = p->length;

        if (infer(p) < 0)
            return -1;
        /* To get behind this member it is read. */
        if (!p->signature[before] || parse(p, p->signature + before) < 0)
            return -1;
        skip_blanks(p);
        if (*p->at == ',' && p->at[1 + strspn(p->at + 1, " \t\n\r")] == ')')
            take(p, ',');
    } while (take(p, ','));
    return put(p, ")", 1);
}

static bool has_fraction(const char *number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (number[i] == '.' || (is_exponent(number[i]) && !is_hexadecimal(number)))
            return true;
    return false;
}

static int infer_basic(struct parser *p)
{
    for (size_t i = 0; i < KINDS; i++)
        if (take_word(p, kinds[i].keyword))
            return put(p, &kinds[i].type, 1);
    if (*p->at == '\'' || *p->at == '"')
        return put(p, "s", 1);
    if (take_word(p, "true") || take_word(p, "false"))
        return put(p, "b", 1);
    if (!*p->at || !strchr("+-.0123456789", *p->at))
        return refuse(p, "has no value where one belongs");
    return put(p, has_fraction(p->at, number_length(p->at)) ? "d" : "i", 1);
}

/* Adds the type of the value at p->at, which stays there. */
static int infer(struct parser *p)
{
    const char *before;
    unsigned depth = p->depth;
    int r;

    skip_blanks(p);
    before = p->at;
    r = take(p, '@')   ? infer_annotated(p)
        : take(p, '[') ? infer_array(p)
        : take(p, '(') ? infer_tuple(p)
                       : infer_basic(p);
    p->at = before;
    p->depth = depth;
    return r;
}

/* --- the whole --------------------------------------------------------------------------------------- */

int variant_signature(const char *text, char signature[VARIANT_SIGNATURE_MAX], const char **why)
{
    struct parser p = {.at = text, .signature = signature};

    *signature = '\0';
    if (infer(&p) == 0 && parse(&p, signature) == 0) {
        skip_blanks(&p);
        if (!*p.at)
            return 0;
        p.why = "has something behind its end";
    }
    *why = p.why;
    return -1;
}

int variant_tell(const char *text, const struct variant_sink *sink)
{
    char signature[VARIANT_SIGNATURE_MAX];
    struct parser p = {.at = text, .sink = sink};
    const char *why;

    if (variant_signature(text, signature, &why) < 0)
        return -1;
    return parse(&p, signature);
}

struct number {
    uint64_t value;
    bool sound;
};

static int take_number(void *data, char type, const void *value)
{
    struct number *n = data;
    int64_t number;

    switch (type) {
    case 'y':
        number = *(const uint8_t *)value;
        break;
    case 'n':
        number = *(const int16_t *)value;
        break;
    case 'q':
        number = *(const uint16_t *)value;
        break;
    case 'i':
        number = *(const int32_t *)value;
        break;
    case 'u':
        number = *(const uint32_t *)value;
        break;
    case 'x':
        number = *(const int64_t *)value;
        break;
    case 't':
        n->value = *(const uint64_t *)value;
        n->sound = true;
        return 0;
    default:
        return -1;
    }
    n->value = (uint64_t)number;
    n->sound = number >= 0;
    return 0;
}

static int take_string(void *data, char type, const void *value)
{
    return type == 's' && (*(char **)data = strdup(value)) ? 0 : -1;
}

static int take_no_container(void *data, char type, const char *contents)
{
    (void)data, (void)type, (void)contents;
    return -1;
}

bool variant_as_uint(const char *text, uint64_t *number)
{
    struct number n = {0};
    const struct variant_sink sink = {&n, take_number, take_no_container, NULL};

    if (variant_tell(text, &sink) < 0 || !n.sound)
        return false;
    *number = n.value;
    return true;
}

char *variant_as_string(const char *text)
{
    char *string = NULL;
    const struct variant_sink sink = {&string, take_string, take_no_container, NULL};

    variant_tell(text, &sink);
    return string;
}
