/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/freebsd/freebsd.h"
#include "plugins/tap.h"

struct row {
    const char *text;
    bool good;
};

static void check(const char *what, const char *(*wrong)(const char *), const struct row *rows)
{
    for (; rows->text; rows++)
        ok(!wrong(rows->text) == rows->good, "%s \"%.20s\"%s", what, rows->text,
           rows->good ? "" : " is none");
}

#define OF_64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OF_256 OF_64 OF_64 OF_64 OF_64

/* clang-format off */
static const struct row jails[] = {
    {"web", true}, {"web-1_b+c", true}, {"1a", true}, {"web.blog", false}, {"12", false}, {"", false},
    {"a b", false}, {"a/b", false}, {OF_256, false}, {&OF_256[1], true}, {0},
};
static const struct row parents[] = {
    {"web", true}, {"web.blog", true}, {"12.blog", true}, {"web.", false}, {".web", false}, {"", false},
    {"a b", false}, {OF_256, false}, {0},
};
static const struct row interfaces[] = {
    {"em0", true}, {"em0.100", true}, {"epair0b", true}, {"0123456789abcde", true}, {"0123456789abcdef", false},
    {"", false}, {"em 0", false}, {"em/0", false}, {0},
};
static const struct row devices[] = {
    {"pf", true}, {"dri/card0", true}, {"..a", true}, {"", false}, {"/dev/pf", false}, {"..", false},
    {"a/../b", false}, {"a/./b", false}, {"a//b", false}, {"a/", false}, {"da*", false}, {"da?", false},
    {"d[a]", false}, {"d\\a", false}, {"pf mode 777", false}, {"pf\t", false}, {OF_256, false}, {0},
};
static const struct row types[] = {
    {"tmpfs", true}, {"ext2fs", true}, {"", false}, {"tmp.fs", false}, {"0123456789abcdef", false}, {0},
};
static const struct row ip4[] = {
    {"192.0.2.1", true}, {"192.0.2", false}, {"192.0.2.1/32", false}, {"0.0.0.0", false},
    {"255.255.255.255", false}, {"2001:db8::1", false}, {" 192.0.2.1", false}, {"", false}, {0},
};
static const struct row ip6[] = {
    {"2001:db8::1", true}, {"::1", true}, {"::", false}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false},
    {"2001:db8::1/64", false}, {"fe80::1%em0", false}, {0},
};
/* clang-format on */

int main(void)
{
    check("jail", name_of_jail, jails);
    check("parent", name_of_parent, parents);
    check("interface", name_of_interface, interfaces);
    check("device", name_of_device, devices);
    check("file system", name_of_file_system, types);
    check("IPv4 address", address_ip4, ip4);
    check("IPv6 address", address_ip6, ip6);
    return done();
}
