/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/names.h"

int vfail(struct error *err, int errnum, const char *path, const char *fmt, va_list ap)
{
    char text[sizeof err->text];

    /* The arguments may point into *err itself. */
    vsnprintf(text, sizeof text, fmt, ap);
    if (path != err->path)
        snprintf(err->path, sizeof err->path, "%s", path ? path : "");
    memcpy(err->text, text, sizeof text);
    err->errnum = errnum;
    return -1;
}

int fail(struct error *err, int errnum, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfail(err, errnum, path, fmt, ap);
    va_end(ap);
    return -1;
}

int fail_memory(struct error *err)
{
    return fail(err, ENOMEM, NULL, "allocate");
}

int fail_prefix(struct error *err, const char *fmt, ...)
{
    char prefix[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    return fail(err, err->errnum, NULL, "%s: %s%s%s", prefix, err->path, err->path[0] ? ": " : "",
                err->text);
}

const char *error_name(int errnum, char *buf, size_t size)
{
    const char *name = error_text(errnum);

    if (!name)
        snprintf(buf, size, "error %d", errnum);
    else
        snprintf(buf, size, "%s", name);
    if (buf[0] && islower((unsigned char)buf[1]))
        buf[0] = (char)tolower((unsigned char)buf[0]);
    return buf;
}

void error_format(const struct error *err, char *buf, size_t size)
{
    char line[sizeof err->path + sizeof err->text + 64], name[64];
    size_t out = 0;

    snprintf(line, sizeof line, "%s%s%s%s%s", err->path, err->path[0] ? ": " : "", err->text,
             err->errnum ? ": " : "",
             err->errnum ? error_name(err->errnum, name, sizeof name) : "");
    for (const unsigned char *p = (const unsigned char *)line; *p && out + 5 < size; p++) {
        if (*p >= 0x20 && *p != 0x7f)
            buf[out++] = (char)*p;
        else
            out += (size_t)snprintf(buf + out, size - out, "\\x%02x", *p);
    }
    buf[out] = '\0';
}
