/* SPDX-License-Identifier: Apache-2.0 */
/* The strict scanner, exact numbers, reading of files, and JSON that is written. */
#include "core/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static int n_tests, n_failed;

static PRINTF(2, 3) void ok(bool good, const char *fmt, ...)
{
    va_list ap;

    printf("%s %d - ", good ? "ok" : "not ok", ++n_tests);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    n_failed += !good;
}

static void same(const char *got, const char *wanted, const char *what)
{
    bool equal = strcmp(got, wanted) == 0;

    ok(equal, "%s", what);
    if (!equal)
        printf("#      got: %s\n#   wanted: %s\n", got, wanted);
}

/* The first line of a text, for names of tests. */
static const char *shown(const char *text)
{
    static char line[80];
    size_t n = 0;

    for (; *text && n < sizeof line - 5; text++)
        if (*text >= 0x20 && *text < 0x7f && *text != '#')
            line[n++] = *text;
        else
            n += (size_t)sprintf(line + n, "\\x%02x", (unsigned char)*text);
    line[n] = '\0';
    return line;
}

static int parse(struct json *doc, const char *text, size_t size, char *message, size_t room)
{
    struct error err = {0};
    int rc = json_parse(doc, "t.json", text, size, &err);

    message[0] = '\0';
    if (rc < 0)
        error_format(&err, message, room);
    return rc;
}

/* --- what is JSON -------------------------------------------------------------------------------
 */

/* clang-format off */
static const struct {
    const char *text, *printed;
} good[] = {
    {"{}", "{}"},
    {"[]", "[]"},
    {" [ ] ", "[]"},
    {"\t\r\n{ \"a\" : 1 , \"b\" : [ true , false , null ] }\r\n",
     "{\"a\":1,\"b\":[true,false,null]}"},
    {"0", "0"},
    {"-0", "-0"},
    {"1.50E+03", "1.50E+03"},
    {"[18446744073709551615,-9223372036854775808,9007199254740993]",
     "[18446744073709551615,-9223372036854775808,9007199254740993]"},
    {"\"\"", "\"\""},
    {"{\"\":1}", "{\"\":1}"},
    {"\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007F\"",
     "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\""},
    {"\"\\ud83d\\ude00\\uD834\\uDD1E\"", "\"\xf0\x9f\x98\x80\xf0\x9d\x84\x9e\""},
    {"{\"a\":1,\"A\":2,\"a \":3,\"\\u0061\\u0061\":4}", "{\"a\":1,\"A\":2,\"a \":3,\"aa\":4}"},
    {"[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]"},
    {"{\"a\":{\"b\":1},\"b\":1}", "{\"a\":{\"b\":1},\"b\":1}"},
};

static const struct {
    const char *text;
    size_t size; /* 0: strlen() */
    const char *error;
} bad[] = {
    {"", 0, "t.json:1: expected a value, but the text ends"},
    {" \n\n ", 0, "t.json:3: expected a value, but the text ends"},
    {"\xef\xbb\xbf{}", 0, "t.json:1: starts with a byte order mark"},
    {"{} {}", 0, "t.json:1: expected nothing behind the value, not '{'"},
    {"{}\n]", 0, "t.json:2: expected nothing behind the value, not ']'"},
    {"{}\0", 3, "t.json:1: expected nothing behind the value, not byte 0x00"},
    {"\0{}", 3, "t.json:1: expected a value, not byte 0x00"},
    {"{]", 0, "t.json:1: expected a member's name in quotes, not ']'"},
    {"{,}", 0, "t.json:1: expected a member's name in quotes, not ','"},
    {"{\"a\":1,}", 0, "t.json:1: a: expected a member's name in quotes, not '}'"},
    {"{\"a\" 1}", 0, "t.json:1: a: expected ':', not '1'"},
    {"{\"a\":}", 0, "t.json:1: a: expected a value, not '}'"},
    {"{a:1}", 0, "t.json:1: expected a member's name in quotes, not 'a'"},
    {"{'a':1}", 0, "t.json:1: expected a member's name in quotes, not '''"},
    {"{1:1}", 0, "t.json:1: expected a member's name in quotes, not '1'"},
    {"{\"a\":1 \"b\":2}", 0, "t.json:1: a: expected ',' or '}', not '\"'"},
    {"[1,]", 0, "t.json:1: [1]: expected a value, not ']'"},
    {"[,1]", 0, "t.json:1: [0]: expected a value, not ','"},
    {"[1 2]", 0, "t.json:1: [0]: expected ',' or ']', not '2'"},
    {"[1}", 0, "t.json:1: [0]: expected ',' or ']', not '}'"},
    {"// x\n{}", 0, "t.json:1: expected a value, not '/'"},
    {"{}/**/", 0, "t.json:1: expected nothing behind the value, not '/'"},
    /* words */
    {"nul", 0, "t.json:1: expected a value, not 'n'"},
    {"nulll", 0, "t.json:1: expected nothing behind the value, not 'l'"},
    {"True", 0, "t.json:1: expected a value, not 'T'"},
    {"[tru]", 0, "t.json:1: [0]: expected a value, not 't'"},
    {"NaN", 0, "t.json:1: expected a value, not 'N'"},
    {"-Infinity", 0, "t.json:1: expected a digit, not 'I'"},
    /* numbers */
    {"01", 0, "t.json:1: a number with a leading zero"},
    {"-01", 0, "t.json:1: a number with a leading zero"},
    {"+1", 0, "t.json:1: expected a value, not '+'"},
    {".5", 0, "t.json:1: expected a value, not '.'"},
    {"-", 0, "t.json:1: expected a digit, but the text ends"},
    {"[1.]", 0, "t.json:1: [0]: expected a digit, not ']'"},
    {"[1.e3]", 0, "t.json:1: [0]: expected a digit, not 'e'"},
    {"[1e]", 0, "t.json:1: [0]: expected a digit, not ']'"},
    {"[1e+-1]", 0, "t.json:1: [0]: expected a digit, not '-'"},
    {"0x10", 0, "t.json:1: expected nothing behind the value, not 'x'"},
    {"1234567890123456789012345678901234567890123456789012345678901234", 0,
     "t.json:1: a number of more than 63 characters"},
    /* strings */
    {"\"a", 0, "t.json:1: expected the end of a string, but the text ends"},
    {"\"a\nb\"", 0, "t.json:1: control character 0x0a in a string"},
    {"\"\x1f\"", 0, "t.json:1: control character 0x1f in a string"},
    {"\"a\0b\"", 5, "t.json:1: control character 0x00 in a string"},
    {"\"\\u0000\"", 0, "t.json:1: \\u0000 in a string"},
    {"{\"a\\u0000b\":1}", 0, "t.json:1: \\u0000 in a string"},
    {"\"\\x41\"", 0, "t.json:1: not an escape of JSON"},
    {"\"\\u004\"", 0, "t.json:1: not an escape of JSON"},
    {"\"\\u00g0\"", 0, "t.json:1: not an escape of JSON"},
    {"\"\\U0041\"", 0, "t.json:1: not an escape of JSON"},
    {"\"\\", 0, "t.json:1: not an escape of JSON"},
    {"\"\\\0\"", 4, "t.json:1: not an escape of JSON"},
    {"\"\\ud800\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\udc00\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\ude00\\ud83d\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\ud83dx\\ude00\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\ud83d\\ud83d\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\ud83d\\u0041\"", 0, "t.json:1: half of a surrogate pair"},
    {"\"\\ud83d\\ude0\"", 0, "t.json:1: half of a surrogate pair"},
    {"\xc3\xa9", 0, "t.json:1: expected a value, not byte 0xc3"},
    /* one object, one meaning */
    {"{\"a\":1,\"a\":1}", 0, "t.json:1: a: given twice in one object"},
    {"{\"a\":1,\n\"b\":2,\n\"\\u0061\":1}", 0,
     "t.json:3: [\"\\u0061\"]: given twice in one object"},
    {"{\"\xc3\xa9\":1,\"\\u00e9\":1}", 0, "t.json:1: [\"\\u00e9\"]: given twice in one object"},
    {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\uDE00\":1}", 0,
     "t.json:1: [\"\\ud83d\\uDE00\"]: given twice in one object"},
    {"{\"/\":1,\"\\/\":1}", 0, "t.json:1: [\"\\/\"]: given twice in one object"},
    {"{\"\":1,\"\":1}", 0, "t.json:1: [\"\"]: given twice in one object"},
    {"{\"p\":{\"u\":[{},{\"x\":1,\"y\":2,\n\"x\":3}]}}", 0,
     "t.json:2: p.u[1].x: given twice in one object"},
    /* places */
    {"{\n\"process\": {\"args\": [\"a\", tru]}}", 0,
     "t.json:2: process.args[1]: expected a value, not 't'"},
    {"{\"sysctl\":{\"net.ipv4.x\":[{\"a\":1},[1,2,}]}}", 0,
     "t.json:1: sysctl[\"net.ipv4.x\"][1][2]: expected a value, not '}'"},
};
/* clang-format on */

static void test_tables(void)
{
    char message[1400];

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        auto_json struct json doc = {0};
        auto_text struct text printed = {0};

        if (parse(&doc, good[i].text, strlen(good[i].text), message, sizeof message) == 0)
            text_json_tree(&printed, &doc, doc.root);
        same(printed.at ? printed.at : message, good[i].printed, shown(good[i].text));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        auto_json struct json doc = {0};
        size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);

        parse(&doc, bad[i].text, size, message, sizeof message);
        same(message, bad[i].error, shown(bad[i].text));
    }
}

static void test_utf8(void)
{
    static const char *const valid[] = {
        "\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",     "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbf",
    };
    static const char *const invalid[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xf1\x80\x80\x41",
    };
    char text[32], message[1400];

    for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
        auto_json struct json doc = {0};
        int size = snprintf(text, sizeof text, "[\"%s\"]", valid[i]);

        parse(&doc, text, (size_t)size, message, sizeof message);
        same(doc.root ? doc.root->child->valuestring : message, valid[i], shown(valid[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
        auto_json struct json doc = {0};
        int size = snprintf(text, sizeof text, "[\"%s\"]", invalid[i]);

        ok(parse(&doc, text, (size_t)size, message, sizeof message) < 0 &&
               strstr(message, "is not UTF-8"),
           "refused: %s", shown(invalid[i]));
    }
}

static void nested(struct text *t, int depth, bool objects)
{
    for (int i = 0; i < depth; i++)
        text_add(t, objects ? "{\"k\":" : "[");
    text_add(t, "1");
    for (int i = 0; i < depth; i++)
        text_add(t, objects ? "}" : "]");
}

static void test_limits(void)
{
    char message[1400];

    for (int objects = 0; objects < 2; objects++) {
        for (int over = 0; over < 2; over++) {
            auto_text struct text t = {0};
            auto_json struct json doc = {0};
            int rc;

            nested(&t, JSON_DEPTH_MAX + over, objects);
            rc = parse(&doc, t.at, t.length, message, sizeof message);
            ok(over ? rc < 0 && strstr(message, "more than 64 levels") : rc == 0, "%d levels of %s",
               JSON_DEPTH_MAX + over, objects ? "objects" : "arrays");
        }
    }
    for (unsigned over = 0; over < 2; over++) {
        auto_json struct json doc = {0};
        auto_free char *text = malloc(JSON_SIZE_MAX + over);
        int rc;

        memset(text, ' ', JSON_SIZE_MAX + over);
        text[0] = '1';
        rc = parse(&doc, text, JSON_SIZE_MAX + over, message, sizeof message);
        ok(over ? rc < 0 && !strcmp(message, "t.json: is larger than 16 MiB") : rc == 0, "16 MiB%s",
           over ? " and a byte" : "");
    }
}

/* Looking for duplicates must not take quadratic time: 100,000 names would need minutes. */
static void test_many_members(void)
{
    auto_text struct text t = {0};
    auto_json struct json doc = {0}, again = {0};
    clock_t start = clock();
    char message[1400];

    for (int i = 0; i < 100000; i++)
        text_add(&t, "%s\"a-common-start-of-names-%d\":%d", i ? "," : "{", i * 7919 % 100003, i);
    text_add(&t, "}");
    ok(parse(&doc, t.at, t.length, message, sizeof message) == 0 && json_length(doc.root) == 100000,
       "an object of 100000 members");
    t.length--;
    text_add(&t, ",\"a-common-start-of-names-0\":0}");
    parse(&again, t.at, t.length, message, sizeof message);
    same(message, "t.json:1: a-common-start-of-names-0: given twice in one object",
         "one of 100001 is given twice");
    ok((clock() - start) / CLOCKS_PER_SEC < 20, "both within 20 seconds");
}

/* --- hostile texts ------------------------------------------------------------------------------
 */

static const char sample[] =
    "{\"ociVersion\":\"1.3.0\",\"process\":{\"args\":[\"sh\",\"-c\",\"echo "
    "\\\"\\u00e9\\ud83d\\ude00\\\"\"],"
    "\"cwd\":\"/"
    "\",\"terminal\":false,\"user\":{\"uid\":4294967295,\"gid\":0,\"additionalGids\":[1,2]}},"
    "\"linux\":{\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"},\"resources\":{\"memory\":{\"limit\":-1}"
    ","
    "\"cpu\":{\"shares\":18446744073709551615}},\"x\":null,\"y\":[1.5e-3,{},[]]},\"\xc3\xa9\":"
    "\"\xe2\x82\xac\"}";

/* What was read prints as text that reads as the same. */
static bool prints_and_reads_back(const struct json *doc)
{
    auto_text struct text once = {0}, twice = {0};
    auto_json struct json again = {0};
    struct error err;

    text_json_tree(&once, doc, doc->root);
    if (json_parse(&again, "again", once.at, once.length, &err) < 0)
        return false;
    text_json_tree(&twice, &again, again.root);
    return again.n_numbers == doc->n_numbers && strcmp(once.at, twice.at) == 0;
}

static bool fails_cleanly(const struct json *doc, const struct error *err)
{
    return err->text[0] && !doc->root && !doc->numbers && !doc->text && !strchr(err->text, '\n');
}

static void test_truncated(void)
{
    size_t n_good = 0, size = strlen(sample);
    struct error err = {0};
    struct json doc;

    ok(json_parse(&doc, "t", sample, size, &err) == 0 && prints_and_reads_back(&doc),
       "the sample is read, and reads back");
    ok(doc.n_numbers == 7 && strcmp(doc.numbers[0], "4294967295") == 0 &&
           strcmp(doc.numbers[5], "18446744073709551615") == 0,
       "its numbers stand in order in the side table");
    json_free(&doc);
    for (size_t n = 0; n < size; n++) {
        auto_free char *exact = malloc(n + 1);
        int rc;

        /* Of the exact size, for a sanitizer to see what is read behind it. */
        memcpy(exact, sample, n);
        err = (struct error){0};
        rc = json_parse(&doc, "t", exact, n, &err);
        n_good += rc < 0 && fails_cleanly(&doc, &err);
        if (rc == 0)
            json_free(&doc);
    }
    ok(n_good == size, "cut at each of %zu bytes: %zu clean errors", size, n_good);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void test_mutated(void)
{
    static const char bytes[] = "{}[]\",:\\u0dD8e-+.1 \n\x7f\x80\xc3\xed\xf4\xff\x01";
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    unsigned n_read = 0, n_refused = 0, n_wrong = 0;

    for (int round = 0; round < 30000; round++) {
        char text[sizeof sample];
        struct error err = {0};
        struct json doc;

        memcpy(text, sample, sizeof sample);
        for (uint64_t n = 1 + random_next(&state) % 3; n; n--) {
            size_t at = random_next(&state) % (sizeof sample - 1);

            text[at] = random_next(&state) % 4 ? bytes[random_next(&state) % sizeof bytes]
                                               : (char)random_next(&state);
        }
        if (json_parse(&doc, "t", text, sizeof sample - 1, &err) < 0) {
            n_refused++;
            n_wrong += !fails_cleanly(&doc, &err);
            continue;
        }
        n_read++;
        n_wrong += !prints_and_reads_back(&doc);
        json_free(&doc);
    }
    ok(!n_wrong && n_read > 100 && n_refused > 100,
       "30000 mutations: %u read back, %u refused, %u wrong", n_read, n_refused, n_wrong);
}

/* --- values -------------------------------------------------------------------------------------
 */

static void test_integers(void)
{
    static const struct {
        const char *text;
        bool is_i64, is_u64;
        int64_t i64;
        uint64_t u64;
    } cases[] = {
        {"0", true, true, 0, 0},
        {"-0", true, true, 0, 0},
        {"-1", true, false, -1, 0},
        {"9007199254740993", true, true, INT64_C(9007199254740993), UINT64_C(9007199254740993)},
        {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
        {"9223372036854775808", false, true, 0, UINT64_C(9223372036854775808)},
        {"-9223372036854775808", true, false, INT64_MIN, 0},
        {"-9223372036854775809", false, false, 0, 0},
        {"18446744073709551615", false, true, 0, UINT64_MAX},
        {"18446744073709551616", false, false, 0, 0},
        {"-18446744073709551616", false, false, 0, 0},
        {"99999999999999999999999999", false, false, 0, 0},
        {"1.0", false, false, 0, 0},
        {"1e3", false, false, 0, 0},
        {"1E0", false, false, 0, 0},
        {"0.0", false, false, 0, 0},
        {"1e999", false, false, 0, 0},
        {"\"1\"", false, false, 0, 0},
        {"true", false, false, 0, 0},
        {"null", false, false, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_json struct json doc = {0};
        char message[1400];
        int64_t i64 = 0;
        uint64_t u64 = 0;
        bool is_i64, is_u64;

        parse(&doc, cases[i].text, strlen(cases[i].text), message, sizeof message);
        is_i64 = json_i64(&doc, doc.root, &i64) == 0;
        is_u64 = json_u64(&doc, doc.root, &u64) == 0;
        ok(doc.root && is_i64 == cases[i].is_i64 && is_u64 == cases[i].is_u64 &&
               i64 == cases[i].i64 && u64 == cases[i].u64,
           "%s: %" PRId64 ", %" PRIu64, cases[i].text, i64, u64);
    }
}

static void test_access(void)
{
    static const char text[] =
        "{\"s\":\"x\",\"S\":\"y\",\"n\":null,\"b\":true,\"f\":false,\"i\":-7,\"a\":[\"p\",\"q\"],"
        "\"o\":{\"p\":{\"q\":42}},\"e\":{}}";
    auto_json struct json doc = {0};
    auto_free const char **strings = NULL, **none = NULL;
    char message[1400];
    const cJSON *r;

    parse(&doc, text, strlen(text), message, sizeof message);
    r = doc.root;
    ok(strcmp(json_string(r, "s", ""), "x") == 0 && strcmp(json_string(r, "S", ""), "y") == 0,
       "names match exactly");
    ok(!json_get(r, "n") && !json_get(r, "absent") && !json_get(NULL, "s") &&
           !json_get(json_get(r, "a"), "s") && !json_get(json_get(r, "s"), "s"),
       "null, absent, and members of what is no object: NULL");
    ok(json_string(r, "i", NULL) == NULL && strcmp(json_string(r, "n", "d"), "d") == 0,
       "a string of another type is the fallback");
    ok(json_bool(r, "b", false) && !json_bool(r, "f", true) && json_bool(r, "s", true) &&
           json_bool(r, "absent", true),
       "booleans");
    ok(json_int(&doc, r, "i", 1) == -7 && json_int(&doc, r, "absent", 1) == 1 &&
           json_int(&doc, r, "s", 1) == 1,
       "integers by name");
    ok(json_int(&doc, json_at(r, "o", "p", NULL), "q", 0) == 42 &&
           !json_at(r, "o", "x", "q", NULL) && json_at(r, NULL) == r,
       "json_at descends");
    ok(json_length(json_get(r, "a")) == 2 && json_length(r) == 9 && json_length(NULL) == 0 &&
           json_length(json_get(r, "e")) == 0,
       "lengths");
    strings = json_strings(json_get(r, "a"));
    none = json_strings(NULL);
    ok(strings && !strcmp(strings[0], "p") && !strcmp(strings[1], "q") && !strings[2] && none &&
           !none[0],
       "strings of an array");
}

/* --- files --------------------------------------------------------------------------------------
 */

static void read_case(int dirfd, const char *file, const char *wanted, const char *what)
{
    auto_json struct json doc = {0};
    auto_text struct text printed = {0};
    struct error err = {0};
    char message[1400] = "";

    if (json_read(&doc, dirfd, file, &err) < 0)
        error_format(&err, message, sizeof message);
    else
        text_json_tree(&printed, &doc, doc.root);
    same(printed.at ? printed.at : message, wanted, what);
}

static void put(int dirfd, const char *file, const char *text)
{
    auto_close int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        ok(false, "write %s", file);
}

static void read_pipe(const char *bytes, size_t size, size_t times, const char *wanted,
                      const char *what)
{
    int ends[2];
    char name[64];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        ok(false, "pipe");
        return;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        for (size_t i = 0; i < times; i++)
            if (write(ends[1], bytes, size) < 0)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    {
        auto_json struct json doc = {0};
        struct error err = {0};
        char message[1400] = "", number[32];
        int rc = json_read(&doc, AT_FDCWD, name, &err);

        error_format(&err, message, sizeof message);
        snprintf(number, sizeof number, "%zu", json_length(doc.root));
        if (rc < 0 && strncmp(message, name, strlen(name)) == 0)
            memmove(message, message + strlen(name), strlen(message) - strlen(name) + 1);
        same(rc < 0 ? message : number, wanted, what);
    }
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

/* procfs says that its files are of size 0. */
static void read_procfs(void)
{
    auto_json struct json doc = {0};
    struct error err = {0};
    int64_t value = 0;

    ok(json_read(&doc, AT_FDCWD, "/proc/sys/kernel/pid_max", &err) == 0 &&
           json_i64(&doc, doc.root, &value) == 0 && value > 300,
       "a file of procfs");
}

static void test_files(void)
{
    char dir[] = "/tmp/json_test.XXXXXX";
    auto_close int dirfd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    auto_free char *blanks = malloc(1 << 20);

    if (dirfd < 0) {
        ok(false, "no directory for files");
        return;
    }
    put(dirfd, "good.json", "{\"a\":[1,2.50]}\n");
    put(dirfd, "empty.json", "");
    put(dirfd, "config.json", "{\n  \"process\": {\n    \"args\": [\"a\", nil]\n  }\n}\n");
    mkdirat(dirfd, "sub", 0700);
    put(dirfd, "huge.json", "{}");
    {
        auto_close int fd = openat(dirfd, "huge.json", O_RDWR | O_CLOEXEC);

        ok(ftruncate(fd, (off_t)JSON_SIZE_MAX + 1) == 0, "a sparse file of 16 MiB and a byte");
    }
    read_case(dirfd, "good.json", "{\"a\":[1,2.50]}", "a file");
    read_case(dirfd, "absent.json", "absent.json: no such file or directory", "no file");
    read_case(dirfd, "sub", "sub: is a directory", "a directory");
    read_case(dirfd, "good.json/x", "good.json/x: not a directory", "below a file");
    read_case(dirfd, "empty.json", "empty.json:1: expected a value, but the text ends",
              "an empty file");
    read_case(dirfd, "huge.json", "huge.json: is larger than 16 MiB", "a file too large");
    read_case(dirfd, "config.json", "config.json:3: process.args[1]: expected a value, not 'n'",
              "an error names file, line and path");
    read_case(AT_FDCWD, "/proc/sys/kernel/random/boot_id/x",
              "/proc/sys/kernel/random/boot_id/x: not a directory", "an absolute path");
    read_procfs();
    unlinkat(dirfd, "good.json", 0);
    unlinkat(dirfd, "empty.json", 0);
    unlinkat(dirfd, "config.json", 0);
    unlinkat(dirfd, "huge.json", 0);
    unlinkat(dirfd, "sub", AT_REMOVEDIR);
    rmdir(dir);

    memset(blanks, ' ', 1 << 20);
    read_pipe("[1,2,3]", 7, 1, "3", "a pipe");
    blanks[0] = '[';
    blanks[1] = ']';
    read_pipe(blanks, 1 << 20, 1, "0", "a pipe of 1 MiB");
    read_pipe(blanks, 1 << 20, 18, ": is larger than 16 MiB", "a pipe that gives too much");
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void test_text(void)
{
    static const struct {
        const char *string, *json;
    } cases[] = {
        {"", "\"\""},
        {"a/b", "\"a/b\""},
        {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {"\x01\x1b\x1f", "\"\\u0001\\u001b\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"<&>", "\"<&>\""},
    };
    auto_text struct text t = {0};
    size_t length = 0;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_text struct text json = {0};

        text_json(&json, cases[i].string);
        same(json.at, cases[i].json, shown(cases[i].json));
    }
    for (int i = 0; i < 5000; i++) {
        text_add(&t, "%05d", i);
        text_append(&t, "xyz", (size_t)(i % 4));
        length += 5 + (size_t)(i % 4);
    }
    ok(!t.failed && t.length == length && strlen(t.at) == length && t.room > length &&
           strncmp(t.at, "0000000001x00002xy", 18) == 0,
       "text grows");
    text_free(&t);
    ok(!t.at && !t.length && !t.room, "text_free leaves an empty text");
}

int main(void)
{
    test_tables();
    test_utf8();
    test_limits();
    test_many_members();
    test_truncated();
    test_mutated();
    test_integers();
    test_access();
    test_files();
    test_text();
    printf("1..%d\n", n_tests);
    return n_failed != 0;
}
