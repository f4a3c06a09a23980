/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters as jail_set(2) takes them. */
#include <arpa/inet.h>

#include "plugins/freebsd/runner.h"

static int make_int(struct jail *j, struct os_value *v, int number)
{
    int *n = jail_keep(j, malloc(sizeof(*n)));

    if (!n)
        return -1;
    *n = number;
    v->bytes = n;
    v->size = sizeof(*n);
    return 0;
}

static int sharing(const char *text)
{
    return !strcmp(text, "disable") ? OS_DISABLE : !strcmp(text, "new") ? OS_NEW : OS_INHERIT;
}

/* Commas between them; each was checked when it was read. */
static int make_addresses(struct jail *j, struct os_value *v, const char *text, bool ip6)
{
    size_t each = ip6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    size_t n = 1;
    char *bytes, one[INET6_ADDRSTRLEN];

    for (const char *s = text; *s; s++)
        n += *s == ',';
    if (!(bytes = jail_keep(j, calloc(n, each))))
        return -1;
    v->bytes = bytes;
    v->size = n * each;
    for (const char *s = text; n--; s += *s == ',') {
        size_t length = strcspn(s, ",");

        memcpy(one, s, length);
        one[length] = '\0';
        inet_pton(ip6 ? AF_INET6 : AF_INET, one, bytes);
        bytes += each;
        s += length;
    }
    return 0;
}

static int make(struct jail *j, struct os_value *v, const struct parameter *p)
{
    *v = (struct os_value){.name = p->name};
    switch (p->form) {
    case FORM_FLAG:
        return 0;
    case FORM_TEXT:
        v->bytes = p->text;
        v->size = strlen(p->text) + 1;
        return 0;
    case FORM_NUMBER:
        return make_int(j, v, atoi(p->text));
    case FORM_SHARING:
        return make_int(j, v, sharing(p->text));
    case FORM_IP4:
    case FORM_IP6:
        return make_addresses(j, v, p->text, p->form == FORM_IP6);
    }
    return -1;
}

struct os_value *values_make(struct jail *j)
{
    struct os_value *values = jail_keep(j, calloc(j->n_parameters, sizeof(*values)));

    for (size_t i = 0; values && i < j->n_parameters; i++)
        if (make(j, &values[i], &j->parameters[i]) < 0)
            return NULL;
    return values;
}
