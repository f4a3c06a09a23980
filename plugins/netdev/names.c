/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/names.h"

#include <stdio.h>
#include <string.h>

bool name_is_template(const char *name)
{
    return strchr(name, '%') != NULL;
}

/* isspace() of the kernel, which counts the blank of Latin-1: a byte of some letters in UTF-8. */
static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

/* dev_valid_name() and, for the last rule, sysctl_dev_name_is_allowed() of Linux 6.18. */
static const char *problem(const char *name)
{
    if (!*name)
        return "is empty";
    if (strlen(name) >= IFNAMSIZ)
        return "is longer than the 15 bytes that the kernel allows";
    if (!strcmp(name, ".") || !strcmp(name, ".."))
        return "is no name of a device";
    for (const char *at = name; *at; at++)
        if (*at == '/' || *at == ':' || is_blank((unsigned char)*at))
            return "has a slash, a colon or a blank (byte 0xa0 is one to the kernel)";
    if (!strcmp(name, "all") || !strcmp(name, "default"))
        return "is the kernel's word for settings of all devices";
    return NULL;
}

const char *name_problem(const char *name)
{
    return name_is_template(name) ? "is a template, which no device has as its name"
                                  : problem(name);
}

/* __dev_alloc_name(): one %d and no other per cent sign. */
const char *new_name_problem(const char *name)
{
    const char *percent = strchr(name, '%'), *wrong = problem(name);

    if (wrong || !percent)
        return wrong ? wrong : !strcmp(name, "lo") ? "is in every network namespace already" : NULL;
    return percent[1] == 'd' && !strchr(percent + 1, '%')
               ? NULL
               : "is no template: one %d is allowed, and no other per cent sign";
}

void label_renamed(char to[IFNAMSIZ], const char *label, const char *old, const char *new)
{
    size_t n = strlen(old);

    if (strncmp(label, old, n) || (label[n] && label[n] != ':'))
        snprintf(to, IFNAMSIZ, "%s", label);
    else if (snprintf(to, IFNAMSIZ, "%s%s", new, label + n) >= IFNAMSIZ)
        snprintf(to, IFNAMSIZ, "%s", new);
}
