/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

void refuted(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: refuted: %s\n", file, line, claim);
    abort();
}

/* Of the first ones, a bit each: no target opens many at once. */
static uint32_t open_descriptors(void)
{
    uint32_t open = 0;

    for (int fd = 0; fd < 32; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            open |= UINT32_C(1) << fd;
    return open;
}

/* The empty input comes first: it opens what stays open. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool prepared;
    uint32_t before;

    if (!prepared) {
        as_file("", 0);
        target("", 0);
        prepared = true;
    }
    before = open_descriptors();
    target((const char *)data, size);
    must(open_descriptors() == before);
    return 0;
}

const char *as_file(const char *bytes, size_t size)
{
    static char name[32];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    }
    must(!ftruncate(fd, 0) && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return name;
}

const char *new_directory(void)
{
    const char *temporary = getenv("TMPDIR");
    char *name;

    must(asprintf(&name, "%s/hozo-fuzz-XXXXXX", temporary ? temporary : "/tmp") > 0);
    must(mkdtemp(name));
    return name;
}

char *next_part(const char **bytes, size_t *size, char separator)
{
    const char *end = *size ? memchr(*bytes, separator, *size) : NULL;
    size_t length = end ? (size_t)(end - *bytes) : *size;
    char *part = malloc(length + 1);

    must(part);
    if (length)
        memcpy(part, *bytes, length);
    part[length] = '\0';
    length += end != NULL;
    *bytes += length;
    *size -= length;
    return part;
}

void check_error(const struct error *err)
{
    char line[sizeof err->path + sizeof err->text + 256];

    must(err->text[0]);
    must(err->errnum >= 0);
    error_format(err, line, sizeof line);
    for (const char *p = line; *p; p++)
        must((unsigned char)*p >= ' ' && *p != 0x7f);
}

void check_json(const struct text *text)
{
    auto_json struct json doc = {0};
    struct error err;

    must(!text->failed && text->at);
    must(!json_parse(&doc, "output", text->at, text->length, &err));
}
