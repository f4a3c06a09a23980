/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/cpio.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/tap.h"

struct entry {
    const char *name, *bytes;
    size_t size;
    unsigned mode, fields[13];
};

static unsigned number(const char *at)
{
    char digits[9] = "";

    memcpy(digits, at, 8);
    return (unsigned)strtoul(digits, NULL, 16);
}

static size_t up(size_t n)
{
    return (n + 3) / 4 * 4;
}

/* By the text of the kernel's documentation: where the next entry is; 0: this is none. */
static size_t read_entry(const struct buffer *archive, size_t at, struct entry *e)
{
    const char *head = archive->at + at;
    size_t name_size;

    if (at % 4 || at + 110 > archive->length || memcmp(head, "070701", 6))
        return 0;
    for (int i = 0; i < 13; i++)
        e->fields[i] = number(head + 6 + 8 * i);
    e->mode = e->fields[1];
    e->size = e->fields[6];
    name_size = e->fields[11];
    e->name = head + 110;
    if (at + 110 + name_size > archive->length || strlen(e->name) + 1 != name_size)
        return 0;
    at += up(110 + name_size);
    e->bytes = archive->at + at;
    return at + up(e->size);
}

static void test_entries(void)
{
    auto_buffer struct buffer archive = {0};
    struct entry e = {0};
    size_t at;

    cpio_file(&archive, "init", 0700, "#!/bin/sh\n", 10);
    cpio_directory(&archive, "modules");
    cpio_file(&archive, "modules/empty", 0600, "", 0);
    cpio_end(&archive);
    ok(!archive.failed, "an archive is made");
    at = read_entry(&archive, 0, &e);
    ok(at && !strcmp(e.name, "init") && e.size == 10 && !memcmp(e.bytes, "#!/bin/sh\n", 10),
       "a file has its name and its bytes");
    ok(e.mode == (S_IFREG | 0700) && !e.fields[2] && !e.fields[3] && e.fields[4] == 1 &&
           !e.fields[5],
       "it is a file of its mode, of root's, without a time");
    ok((at = read_entry(&archive, at, &e)) && !strcmp(e.name, "modules") && !e.size &&
           e.mode == (S_IFDIR | 0755),
       "a directory is one");
    ok((at = read_entry(&archive, at, &e)) && !strcmp(e.name, "modules/empty") && !e.size,
       "a file may be empty");
    ok((at = read_entry(&archive, at, &e)) && !strcmp(e.name, "TRAILER!!!") && at == archive.length,
       "the last entry is its end");
}

/* Of every length, what follows is where the kernel looks for it. */
static void test_lengths(void)
{
    static const char bytes[9] = "abcdefgh";
    unsigned wrong = 0;

    for (size_t name = 1; name < 9; name++)
        for (size_t size = 0; size < 9; size++) {
            auto_buffer struct buffer archive = {0};
            char text[9] = "";
            struct entry e = {0};
            size_t at;

            memcpy(text, bytes, name);
            cpio_file(&archive, text, 0600, bytes, size);
            cpio_end(&archive);
            at = read_entry(&archive, 0, &e);
            wrong += !at || e.size != size || memcmp(e.bytes, bytes, size) ||
                     read_entry(&archive, at, &e) != archive.length || strcmp(e.name, "TRAILER!!!");
        }
    ok(!wrong, "entries of every length are followed by the next (%u are not)", wrong);
}

static void test_behind(void)
{
    auto_buffer struct buffer archive = {0};
    struct entry e = {0};

    buffer_append(&archive, "another", 7);
    buffer_zeros(&archive, -archive.length & 3);
    cpio_file(&archive, "init", 0700, "x", 1);
    ok(archive.length % 4 == 0 && read_entry(&archive, 8, &e) && !strcmp(e.name, "init"),
       "it may stand behind another archive");
}

int main(void)
{
    test_entries();
    test_lengths();
    test_behind();
    return done();
}
