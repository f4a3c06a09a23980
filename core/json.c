/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: reading a file, the tree, and the values in it. */
#include "core/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "core/json-scan.h"

void json_free(struct json *doc)
{
    cJSON_Delete(doc->root);
    free(doc->numbers);
    free(doc->text);
    *doc = (struct json){0};
}

/* --- parsing ------------------------------------------------------------------------------------
 */

struct count {
    size_t numbers, values;
};

/* cJSON keeps the order of the document: the n-th number that is met is the n-th of the side table.
 */
static void number_nodes(cJSON *node, struct count *seen)
{
    cJSON *child;

    seen->values++;
    if (cJSON_IsNumber(node))
        node->valueint = (int)seen->numbers++;
    cJSON_ArrayForEach (child, node)
        number_nodes(child, seen);
}

/* doc->text and doc->size are set. */
static int parse(struct json *doc, const char *name, struct error *err)
{
    struct json_scan scan;
    struct count seen = {0};

    if (doc->size > JSON_SIZE_MAX)
        return fail(err, 0, NULL, "%s: is larger than %u MiB", name, JSON_SIZE_MAX >> 20);
    if (json_scan(&scan, name, doc->text, doc->size, err) < 0)
        return -1;
    doc->numbers = scan.numbers;
    doc->n_numbers = scan.n_numbers;

    doc->root = cJSON_ParseWithLength(doc->text, doc->size);
    if (!doc->root)
        return fail(err, 0, NULL, "%s: the JSON library cannot build its tree", name);
    number_nodes(doc->root, &seen);
    if (seen.numbers != scan.n_numbers || seen.values != scan.n_values)
        return fail(err, 0, NULL, "%s: the JSON library read it in another way", name);
    return 0;
}

static int parse_or_free(struct json *doc, const char *name, struct error *err)
{
    int rc = parse(doc, name, err);

    if (rc < 0)
        json_free(doc);
    return rc;
}

int json_parse(struct json *doc, const char *name, const char *text, size_t size, struct error *err)
{
    *doc = (struct json){.size = size};
    if (size > JSON_SIZE_MAX)
        return parse_or_free(doc, name, err);
    doc->text = malloc(size + 1);
    if (!doc->text)
        return fail_memory(err);
    if (size)
        memcpy(doc->text, text, size);
    doc->text[size] = '\0';
    return parse_or_free(doc, name, err);
}

/* A pipe whose writer is slow. One that nobody writes to was at its end at once. */
static int wait_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, -1);
}

/* Reads until the end, or until one byte too many. */
static int read_all(struct json *doc, int fd, size_t expected, const char *file, struct error *err)
{
    size_t room = expected + 2;

    for (;;) {
        ssize_t n;
        char *text = doc->text;

        if (!text || doc->size + 1 >= room) {
            room = text ? 2 * room : room;
            text = realloc(doc->text, room);
            if (!text)
                return fail_memory(err);
            doc->text = text;
        }
        n = read(fd, text + doc->size, room - doc->size - 1);
        if (n < 0 && errno == EAGAIN && wait_readable(fd) >= 0)
            continue;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, errno, NULL, "%s", file);
        doc->size += (size_t)n;
        text[doc->size] = '\0';
        if (n == 0 || doc->size > JSON_SIZE_MAX)
            return 0;
    }
}

int json_read(struct json *doc, int dirfd, const char *file, struct error *err)
{
    auto_close int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    *doc = (struct json){0};
    return fd < 0 ? fail(err, errno, NULL, "%s", file) : json_read_fd(doc, file, fd, err);
}

int json_read_fd(struct json *doc, const char *file, int fd, struct error *err)
{
    struct stat st;

    *doc = (struct json){0};
    if (fstat(fd, &st) < 0)
        return fail(err, errno, NULL, "%s", file);
    if (S_ISDIR(st.st_mode))
        return fail(err, EISDIR, NULL, "%s", file);
    /* procfs gives 0 as size, and some of its files only once, so to a buffer that is large enough.
     */
    if (!S_ISREG(st.st_mode) || st.st_size < 4096)
        st.st_size = 4096;
    if (st.st_size > JSON_SIZE_MAX) {
        doc->size = (size_t)st.st_size;
    } else if (read_all(doc, fd, (size_t)st.st_size, file, err) < 0) {
        json_free(doc);
        return -1;
    }
    return parse_or_free(doc, file, err);
}

/* --- values -------------------------------------------------------------------------------------
 */

const cJSON *json_get(const cJSON *object, const char *name)
{
    const cJSON *member =
        cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;

    return cJSON_IsNull(member) ? NULL : member;
}

const cJSON *json_at(const cJSON *node, ...)
{
    const char *name;
    va_list ap;

    va_start(ap, node);
    while (node && (name = va_arg(ap, const char *)))
        node = json_get(node, name);
    va_end(ap);
    return node;
}

const char *json_string(const cJSON *object, const char *name, const char *fallback)
{
    const cJSON *node = json_get(object, name);

    return cJSON_IsString(node) ? node->valuestring : fallback;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *node = json_get(object, name);

    return cJSON_IsBool(node) ? cJSON_IsTrue(node) : fallback;
}

size_t json_length(const cJSON *array)
{
    return (size_t)cJSON_GetArraySize(array);
}

/* The absolute value of an integer; -1 if the source text is none or does not fit. */
static int magnitude(const struct json *doc, const cJSON *number, bool *negative, uint64_t *value)
{
    const char *p;

    if (!cJSON_IsNumber(number) || number->valueint < 0 ||
        (size_t)number->valueint >= doc->n_numbers)
        return -1;
    p = doc->numbers[number->valueint];
    *negative = *p == '-';
    *value = 0;
    for (p += *negative; *p; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
            return -1;
    }
    return 0;
}

int json_i64(const struct json *doc, const cJSON *number, int64_t *value)
{
    bool negative;
    uint64_t n;

    if (magnitude(doc, number, &negative, &n) < 0 || n > (uint64_t)INT64_MAX + negative)
        return -1;
    *value = (int64_t)(negative ? -n : n);
    return 0;
}

int json_u64(const struct json *doc, const cJSON *number, uint64_t *value)
{
    bool negative;
    uint64_t n;

    if (magnitude(doc, number, &negative, &n) < 0 || (negative && n))
        return -1;
    *value = n;
    return 0;
}

int64_t json_int(const struct json *doc, const cJSON *object, const char *name, int64_t fallback)
{
    int64_t value;

    return json_i64(doc, json_get(object, name), &value) < 0 ? fallback : value;
}

const char **json_strings(const cJSON *array)
{
    const char **strings = calloc(json_length(array) + 1, sizeof *strings);
    const cJSON *node;
    size_t n = 0;

    if (!strings)
        return NULL;
    cJSON_ArrayForEach (node, array)
        if (cJSON_IsString(node))
            strings[n++] = node->valuestring;
    return strings;
}
