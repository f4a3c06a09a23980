/* SPDX-License-Identifier: Apache-2.0 */
/* What a name or an address is. FreeBSD's limits are numbers here: any host checks them. */
#include <arpa/inet.h>

#include "plugins/freebsd/freebsd.h"

#define JAIL_NAME_MAX      255 /* MAXHOSTNAMELEN with its NUL, of the whole name */
#define INTERFACE_NAME_MAX 15  /* IFNAMSIZ with its NUL */
#define DEVICE_NAME_MAX    199 /* DEVFS_MAXPTRNLEN with its NUL */

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool consists_of(const char *name, size_t n, const char *characters)
{
    return strspn(name, characters) >= n;
}

static const char *label(const char *name, size_t n)
{
    if (!n)
        return "is empty";
    if (!consists_of(name, n, LETTERS DIGITS "_-+"))
        return "has characters other than letters, digits, '_', '-' and '+'";
    return NULL;
}

const char *name_of_jail(const char *name)
{
    if (strchr(name, '.'))
        return "has a dot, which stands between a jail and its parent";
    if (*name && consists_of(name, strlen(name), DIGITS))
        return "is a number, which only the jail that has it as jid may be called";
    return strlen(name) > JAIL_NAME_MAX ? "is longer than 255 characters"
                                        : label(name, strlen(name));
}

/* A jail that was made without a name is called by its number. */
const char *name_of_parent(const char *name)
{
    const char *wrong;

    if (strlen(name) > JAIL_NAME_MAX)
        return "is longer than 255 characters";
    for (;; name++) {
        size_t n = strcspn(name, ".");

        if ((wrong = label(name, n)))
            return n ? wrong : "has an empty label";
        name += n;
        if (!*name)
            return NULL;
    }
}

const char *name_of_interface(const char *name)
{
    if (strlen(name) > INTERFACE_NAME_MAX)
        return "is longer than 15 characters";
    if (!*name)
        return "is empty";
    if (!consists_of(name, strlen(name), LETTERS DIGITS "._-"))
        return "has characters other than letters, digits, '.', '_' and '-'";
    return NULL;
}

/* devfs(8) takes a pattern where hozo means one node. */
const char *name_of_device(const char *path)
{
    if (!*path)
        return "is empty";
    if (*path == '/')
        return "is an absolute path: it is relative to /dev";
    if (strlen(path) > DEVICE_NAME_MAX)
        return "is longer than 199 characters";
    if (strpbrk(path, "*?[]\\"))
        return "is a pattern, not the path of a device";
    for (const char *s = path; *s; s++)
        if (*s <= ' ' || *s == 0x7f)
            return "has blanks or control characters";
    for (const char *s = path;; s++) {
        size_t n = strcspn(s, "/");

        if (!n || (n <= 2 && consists_of(s, n, ".")))
            return "has a component that is empty, \".\" or \"..\"";
        s += n;
        if (!*s)
            return NULL;
    }
}

const char *name_of_file_system(const char *name)
{
    if (!*name || strlen(name) > 15)
        return "is no type of file system: from 1 to 15 characters";
    if (!consists_of(name, strlen(name), LETTERS DIGITS "_"))
        return "is no type of file system: letters, digits and '_'";
    return NULL;
}

/* These two the kernel refuses as well: they are nobody's. */
const char *address_ip4(const char *text)
{
    struct in_addr a;

    if (inet_pton(AF_INET, text, &a) != 1)
        return "is no IPv4 address";
    return a.s_addr == htonl(INADDR_ANY) || a.s_addr == htonl(INADDR_BROADCAST)
               ? "is no address that a jail can have"
               : NULL;
}

const char *address_ip6(const char *text)
{
    struct in6_addr a;

    if (inet_pton(AF_INET6, text, &a) != 1)
        return "is no IPv6 address";
    if (IN6_IS_ADDR_UNSPECIFIED(&a))
        return "is no address that a jail can have";
    return IN6_IS_ADDR_V4MAPPED(&a) ? "is an IPv4 address: that goes into ip4Addr" : NULL;
}
