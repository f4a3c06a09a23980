/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/systemd/variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

/* --- what is told, as text again: every number with its type's letter ------------------------------- */

static int print_basic(void *data, char type, const void *value)
{
    FILE *f = data;

    switch (type) {
    case 'b':
        return fprintf(f, "b:%d ", *(const bool *)value);
    case 'y':
        return fprintf(f, "y:%u ", *(const uint8_t *)value);
    case 'n':
        return fprintf(f, "n:%d ", *(const int16_t *)value);
    case 'q':
        return fprintf(f, "q:%u ", *(const uint16_t *)value);
    case 'i':
        return fprintf(f, "i:%" PRIi32 " ", *(const int32_t *)value);
    case 'u':
        return fprintf(f, "u:%" PRIu32 " ", *(const uint32_t *)value);
    case 'x':
        return fprintf(f, "x:%" PRIi64 " ", *(const int64_t *)value);
    case 't':
        return fprintf(f, "t:%" PRIu64 " ", *(const uint64_t *)value);
    case 'd':
        return fprintf(f, "d:%g ", *(const double *)value);
    default:
        return fprintf(f, "%c:%s ", type, (const char *)value);
    }
}

static int print_open(void *data, char type, const char *contents)
{
    return fprintf(data, "%c%s< ", type, contents);
}

static int print_close(void *data)
{
    return fputs("> ", data);
}

/* "SIGNATURE pieces", or why not. */
static void reads(const char *text, const char *expected)
{
    char signature[VARIANT_SIGNATURE_MAX], *got = NULL;
    const char *why = NULL;
    size_t size;
    FILE *f = open_memstream(&got, &size);
    const struct variant_sink sink = {f, print_basic, print_open, print_close};

    if (variant_signature(text, signature, &why) < 0)
        fputs(why, f);
    else if (fprintf(f, "%s ", signature), variant_tell(text, &sink) < 0)
        fputs("not told", f);
    fclose(f);
    if (!ok(!strncmp(got, expected, strlen(expected)) &&
                strspn(got + strlen(expected), " ") == strlen(got + strlen(expected)),
            "%s", text))
        printf("# got: %s\n", got);
    free(got);
}

static void test_basic(void)
{
    reads("true", "b b:1");
    reads(" false ", "b b:0");
    reads("boolean true", "b b:1");
    reads("15", "i i:15");
    reads("-15", "i i:-15");
    reads("+15", "i i:15");
    reads("0x1e", "i i:30");
    reads("010", "i i:8");
    reads("2147483647", "i i:2147483647");
    reads("-2147483648", "i i:-2147483648");
    reads("byte 255", "y y:255");
    reads("int16 -32768", "n n:-32768");
    reads("uint16 65535", "q q:65535");
    reads("uint32 4294967295", "u u:4294967295");
    reads("int64 -9223372036854775808", "x x:-9223372036854775808");
    reads("uint64 30000000", "t t:30000000");
    reads("uint64 18446744073709551615", "t t:18446744073709551615");
    reads("@t 5", "t t:5");
    reads("1.5", "d d:1.5");
    reads("1e3", "d d:1000");
    reads("2.5e-1", "d d:0.25");
    reads("double 3", "d d:3");
    reads("'text'", "s s:text");
    reads("\"it's\"", "s s:it's");
    reads("'it\\'s'", "s s:it's");
    reads("'\\u00e4\\U0001f600\\n'", "s s:\u00e4\U0001f600\n");
    reads("objectpath '/a/b'", "o o:/a/b");
    reads("signature 'as'", "g g:as");
    reads("''", "s s:");
}

static void test_containers(void)
{
    reads("['a.service']", "as as< s:a.service >");
    reads("['a', \"b\" , 'c']", "as as< s:a s:b s:c >");
    reads("@as []", "as as< >");
    reads("[byte 1, 2, 0x03]", "ay ay< y:1 y:2 y:3 >");
    reads("@ay [1, 2]", "ay ay< y:1 y:2 >");
    reads("[@y 1, @y 2]", "ay ay< y:1 y:2 >");
    reads("[('/dev/null', uint64 7), ('/dev/zero', 8)]",
          "a(st) a(st)< (st< s:/dev/null t:7 > (st< s:/dev/zero t:8 > >");
    reads("(2, [byte 127, 0, 0, 1], uint32 8)", "(iayu) (iayu< i:2 ay< y:127 y:0 y:0 y:1 > u:8 >");
    reads("('one',)", "(s) (s< s:one >");
    reads("[[1], [2, 3]]", "aai aai< ai< i:1 > ai< i:2 i:3 > >");
    reads("[('a', [('b', true)])]",
          "a(sa(sb)) a(sa(sb))< (sa(sb)< s:a a(sb)< (sb< s:b b:1 > > > >");
    reads("@a(st) []", "a(st) a(st)< >");
}

static void test_refused(void)
{
    reads("", "has no value where one belongs");
    reads("yes", "has no value where one belongs");
    reads("truely", "has no value where one belongs");
    reads("15 16", "has something behind its end");
    reads("'a' 'b'", "has something behind its end");
    reads("2147483648", "has a number that its type cannot hold");
    reads("byte 256", "has a number that its type cannot hold");
    reads("byte -1", "has a number that its type cannot hold");
    reads("uint64 -1", "has a number that its type cannot hold");
    reads("uint64 18446744073709551616", "has a number that its type cannot hold");
    reads("int64 9223372036854775808", "has a number that its type cannot hold");
    reads("uint64 1.5", "has a number that is none");
    reads("uint64 5s", "has a number that is none");
    reads("uint64", "has no value where one belongs");
    reads("--1", "has a number that is none");
    reads("0x", "has a number that is none");
    reads("08", "has a number that is none");
    reads("1e999", "has a number that is none");
    reads("'open", "has a string without an end");
    reads("'open\\", "has a string without an end");
    reads("'\\u12'", "has an escape without its digits");
    reads("'\\ud800'", "has an escape that is no character");
    reads("'\\u0000'", "has an escape that is no character");
    reads("[]", "has an empty array, whose type must be written: @as []");
    reads("['a', 1]", "has no string where one belongs");
    reads("[1, 'a']", "has no value where one belongs");
    reads("[1, uint64 2]", "has a number that is none");
    reads("['a'", "has an array without an end");
    reads("['a',]", "has no string where one belongs");
    reads("()", "has a tuple of nothing");
    reads("('a')", "has a tuple of one without its comma");
    reads("('a', 1", "has a tuple without an end");
    reads("[('a', 1), ('b',)]", "has no value where one belongs");
    reads("@", "has a type that is not known");
    reads("@av []", "has a type that is not known");
    reads("@a{sv} {}", "has a type that is not known");
    reads("{'a': 1}", "has no value where one belongs");
    reads("<1>", "has no value where one belongs");
    reads("[[[[[[[[[[1]]]]]]]]]]", "is nested too deeply");
    reads(
        "(1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,"
        "9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2)",
        "is too complicated");
}

static void number(const char *text, bool sound, uint64_t expected)
{
    uint64_t got = 0;

    ok(variant_as_uint(text, &got) == sound && got == expected, "as a number: %s", text);
}

int main(void)
{
    test_basic();
    test_containers();
    test_refused();
    number("30", true, 30);
    number("byte 30", true, 30);
    number("uint16 30", true, 30);
    number("uint32 30", true, 30);
    number("int64 30", true, 30);
    number("uint64 18446744073709551615", true, UINT64_MAX);
    number("-1", false, 0);
    number("'30'", false, 0);
    number("[30]", false, 0);
    number("1.5", false, 0);
    return done();
}
