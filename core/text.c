/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and JSON written into it: compact, slashes as they are, UTF-8 as it is. */
#include "core/json.h"

#include <string.h>

#include "core/utf8.h"

void text_free(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

/* Makes room for `more` bytes and the final NUL. */
static bool reserve(struct text *t, size_t more)
{
    size_t room = t->room ? t->room : 128;
    char *at;

    if (t->failed)
        return false;
    if (more < t->room - t->length)
        return true;
    while (room - t->length <= more && room <= SIZE_MAX / 2)
        room *= 2;
    at = room - t->length > more ? realloc(t->at, room) : NULL;
    if (!at) {
        t->failed = true;
        return false;
    }
    t->at = at;
    t->room = room;
    return true;
}

void text_append(struct text *t, const char *bytes, size_t size)
{
    if (!reserve(t, size))
        return;
    if (size)
        memcpy(t->at + t->length, bytes, size);
    t->length += size;
    t->at[t->length] = '\0';
}

void text_put(struct text *t, const char *string)
{
    text_append(t, string, strlen(string));
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    /* As a rule it fits into what is there. */
    if (!reserve(t, 0))
        return;
    va_start(ap, fmt);
    n = vsnprintf(t->at + t->length, t->room - t->length, fmt, ap);
    va_end(ap);
    if (n < 0) {
        t->failed = true;
        return;
    }
    if ((size_t)n >= t->room - t->length) {
        t->at[t->length] = '\0';
        if (!reserve(t, (size_t)n))
            return;
        va_start(ap, fmt);
        vsnprintf(t->at + t->length, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    t->length += (size_t)n;
}

static void json_char(struct text *t, unsigned char c)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *at = strchr(escaped, c);

    if (at)
        text_add(t, "\\%c", letter[at - escaped]);
    else
        text_add(t, "\\u%04x", c);
}

void text_json(struct text *t, const char *string)
{
    const char *end = string + strlen(string), *start = string;

    text_append(t, "\"", 1);
    for (const char *p = string; p < end;) {
        unsigned char c = (unsigned char)*p;
        size_t n = utf8_length(p, end);

        if (n && c >= 0x20 && c != '"' && c != '\\') {
            p += n;
            continue;
        }
        text_append(t, start, (size_t)(p - start));
        if (n)
            json_char(t, c);
        else
            text_append(t, "\xef\xbf\xbd", 3);
        start = ++p;
    }
    text_append(t, start, (size_t)(end - start));
    text_append(t, "\"", 1);
}

void text_json_tree(struct text *t, const struct json *doc, const cJSON *node)
{
    const cJSON *child;

    if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
        bool object = cJSON_IsObject(node);

        text_append(t, object ? "{" : "[", 1);
        cJSON_ArrayForEach (child, node) {
            if (child != node->child)
                text_append(t, ",", 1);
            if (object) {
                text_json(t, child->string);
                text_append(t, ":", 1);
            }
            text_json_tree(t, doc, child);
        }
        text_append(t, object ? "}" : "]", 1);
    } else if (cJSON_IsString(node)) {
        text_json(t, node->valuestring);
    } else if (cJSON_IsNumber(node)) {
        /* A node of another document has no place in this side table: no text is better than a
         * wrong one. */
        if (node->valueint >= 0 && (size_t)node->valueint < doc->n_numbers)
            text_add(t, "%s", doc->numbers[node->valueint]);
        else
            t->failed = true;
    } else {
        text_add(t, "%s", cJSON_IsTrue(node) ? "true" : cJSON_IsFalse(node) ? "false" : "null");
    }
}

/* --- paths ------------------------------------------------------------------------------------ */

size_t json_plain_length(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length) {
        char c = text[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            break;
        i++;
    }
    return i;
}

void path_member(struct text *path, const char *name)
{
    size_t length = strlen(name);

    if (length && json_plain_length(name, length) == length) {
        text_append(path, ".", path->length ? 1 : 0);
        text_append(path, name, length);
        return;
    }
    text_append(path, "[", 1);
    text_json(path, name);
    text_append(path, "]", 1);
}

void path_element(struct text *path, size_t index)
{
    char element[24], *end = element + sizeof element, *at = end;

    *--at = ']';
    do
        *--at = (char)('0' + index % 10);
    while (index /= 10);
    *--at = '[';
    text_append(path, at, (size_t)(end - at));
}
