/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct device *moves_add(struct record *r)
{
    struct device *grown = reallocarray(r->at, r->n + 1, sizeof(*grown));

    if (!grown)
        return NULL;
    r->at = grown;
    grown[r->n] = (struct device){0};
    return &grown[r->n++];
}

void moves_free(struct record *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->at[i].path);
        link_free(&r->at[i].link);
        messages_cut(&r->at[i].addresses, 0);
        messages_cut(&r->at[i].routes, 0);
    }
    free(r->at);
}

/* --- writing ------------------------------------------------------------------------------------ */

static void print_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(f, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, f);
    fputc('"', f);
}

/* ["0c0…",…]: netlink messages as the kernel has sent them, in hexadecimal. */
static void print_messages(FILE *f, const char *member, const struct messages *m)
{
    fprintf(f, ",\"%s\":[", member);
    for (size_t i = 0; i < m->n; i++) {
        const unsigned char *bytes = (const unsigned char *)m->at[i];

        fputs(i ? ",\"" : "\"", f);
        for (uint32_t k = 0; k < m->at[i]->nlmsg_len; k++)
            fprintf(f, "%02x", bytes[k]);
        fputc('"', f);
    }
    fputc(']', f);
}

static void print_device(FILE *f, const struct device *d)
{
    fputs("{\"name\":", f);
    print_string(f, d->name);
    fputs(",\"to\":", f);
    print_string(f, d->to);
    fprintf(f, ",\"address\":\"%s\",\"identity\":", d->link.address);
    print_string(f, d->link.identity);
    fprintf(f, ",\"index\":%d,\"there\":%d,\"away\":%d,\"master\":%d,\"flags\":%u", d->index,
            d->there, d->away, d->link.master, d->link.flags);
    print_messages(f, "addresses", &d->addresses);
    print_messages(f, "routes", &d->routes);
    fputc('}', f);
}

int moves_write(struct hozo_ctx *ctx, const struct record *r)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    int result;

    if (!f)
        return hozo_error(ctx, ENOMEM, NET_DEVICES, "state");
    fprintf(f, "{\"version\":1,\"pin\":\"%s\",\"host\":%llu,\"container\":%llu,\"devices\":[",
            r->pin, (unsigned long long)r->host, (unsigned long long)r->container);
    for (size_t i = 0; i < r->n; i++) {
        fputs(i ? "," : "", f);
        print_device(f, &r->at[i]);
    }
    fputs("]}", f);
    if (fclose(f))
        result = hozo_error(ctx, ENOMEM, NET_DEVICES, "state");
    else
        result = hozo_state_set(ctx, text, size);
    free(text);
    return result;
}

int moves_close(struct hozo_ctx *ctx)
{
    static const char text[] = "{\"version\":1}";

    return hozo_state_set(ctx, text, sizeof(text) - 1);
}

/* --- reading ------------------------------------------------------------------------------------ */

struct reading {
    struct hozo_ctx *ctx;
    bool sound;
};

static void read_string(struct reading *r, const struct hozo_cursor *at, const char *name, char *to,
                        size_t size)
{
    struct hozo_cursor found;

    *to = '\0';
    if (hozo_state_find(r->ctx, at, name, &found) != 1 ||
        (size_t)snprintf(to, size, "%s", hozo_as_string(r->ctx, &found)) >= size)
        r->sound = false;
}

static uint64_t read_number(struct reading *r, const struct hozo_cursor *at, const char *name)
{
    struct hozo_cursor found;

    if (hozo_state_find(r->ctx, at, name, &found) == 1)
        return hozo_as_uint(r->ctx, &found);
    r->sound = false;
    return 0;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_message(const char *hex, struct messages *m)
{
    size_t size = strlen(hex) / 2;
    unsigned char *bytes = malloc(size ? size : 1);
    const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)bytes;
    bool sound = bytes && size >= sizeof(*h) + sizeof(struct rtmsg);

    for (size_t i = 0; sound && i < size; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

        sound = high >= 0 && low >= 0;
        bytes[i] = (unsigned char)(sound ? high << 4 | low : 0);
    }
    sound = sound && h->nlmsg_len == size && !messages_add(m, h);
    free(bytes);
    return sound;
}

static void read_messages(struct reading *r, const struct hozo_cursor *at, const char *name,
                          struct messages *m)
{
    struct hozo_cursor list, item;

    if (hozo_state_find(r->ctx, at, name, &list) != 1) {
        r->sound = false;
        return;
    }
    for (size_t i = 0; hozo_item(r->ctx, &list, i, &item, NULL) == 1; i++)
        r->sound = r->sound && read_message(hozo_as_string(r->ctx, &item), m);
}

static void read_device(struct reading *r, const struct hozo_cursor *at, struct device *d)
{
    read_string(r, at, "name", d->name, sizeof(d->name));
    read_string(r, at, "to", d->to, sizeof(d->to));
    read_string(r, at, "address", d->link.address, sizeof(d->link.address));
    read_string(r, at, "identity", d->link.identity, sizeof(d->link.identity));
    d->index = (int)read_number(r, at, "index");
    d->there = (int)read_number(r, at, "there");
    d->away = read_number(r, at, "away");
    d->link.master = (int)read_number(r, at, "master");
    d->link.flags = (unsigned)read_number(r, at, "flags");
    read_messages(r, at, "addresses", &d->addresses);
    read_messages(r, at, "routes", &d->routes);
}

int moves_read(struct hozo_ctx *ctx, struct record *r)
{
    struct reading reading = {ctx, true};
    struct hozo_cursor list, item;

    if (hozo_state_find(ctx, NULL, "devices", &list) != 1)
        return 0;
    read_string(&reading, NULL, "pin", r->pin, sizeof(r->pin));
    r->host = read_number(&reading, NULL, "host");
    r->container = read_number(&reading, NULL, "container");
    for (size_t i = 0; reading.sound && hozo_item(ctx, &list, i, &item, NULL) == 1; i++) {
        struct device *d = moves_add(r);

        if (d)
            read_device(&reading, &item, d);
        reading.sound = reading.sound && d;
    }
    return reading.sound ? 1
                         : hozo_error(ctx, 0, NET_DEVICES, "the state of the devices is damaged");
}
