/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/names.h"

#include <string.h>

#include "plugins/tap.h"

/* As dev_valid_name() of the kernel has it, of a device that exists and of a name to be given. */
static void test_names(void)
{
    static const struct {
        const char *name, *old, *new; /* NULL: taken */
    } names[] = {
        {"eth0", NULL, NULL},
        {"e", NULL, NULL},
        {"...", NULL, NULL},
        {"a\"b\\c", NULL, NULL},
        {"-x@y", NULL, NULL},
        {"\x01", NULL, NULL},
        {"gr\xc3\xbcn", NULL, NULL},
        {"123456789012345", NULL, NULL},
        {"1234567890123456", "15 bytes", "15 bytes"},
        {"", "is empty", "is empty"},
        {".", "no name", "no name"},
        {"..", "no name", "no name"},
        {"a/b", "slash", "slash"},
        {"a:b", "colon", "colon"},
        {"a b", "blank", "blank"},
        {"a\tb", "blank", "blank"},
        {"a\n", "blank", "blank"},
        {"\va", "blank", "blank"},
        {"\xc3\xa0", "blank", "blank"},
        {"all", "all devices", "all devices"},
        {"default", "all devices", "all devices"},
        {"defaults", NULL, NULL},
        {"lo", NULL, "already"},
        {"eth%d", "template", NULL},
        {"%d", "template", NULL},
        {"a%db", "template", NULL},
        {"%", "template", "no template"},
        {"eth%", "template", "no template"},
        {"eth%s", "template", "no template"},
        {"eth%02d", "template", "no template"},
        {"%d%d", "template", "no template"},
        {"a%d%", "template", "no template"},
        {"%%d", "template", "no template"},
        {"1234567890123%d", "template", NULL},
        {"12345678901234%d", "template", "15 bytes"},
        {"a/%d", "template", "slash"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *old = name_problem(names[i].name), *new = new_name_problem(names[i].name);

        ok(!old == !names[i].old && (!old || strstr(old, names[i].old)), "%zu, of a device: %s", i,
           old ? old : "taken");
        ok(!new == !names[i].new && (!new || strstr(new, names[i].new)), "%zu, to be given: %s", i,
           new ? new : "taken");
    }
}

static void test_labels(void)
{
    static const struct {
        const char *label, *old, *new, *is;
    } labels[] = {
        {"eth0", "eth0", "net0", "net0"},
        {"eth0:1", "eth0", "net0", "net0:1"},
        {"eth0:1", "eth0", "123456789012345", "123456789012345"},
        {"eth0:1", "eth0", "1234567890123", "1234567890123:1"},
        {"eth01", "eth0", "net0", "eth01"},
        {"other", "eth0", "net0", "other"},
        {"", "eth0", "net0", ""},
    };

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        char to[IFNAMSIZ];

        label_renamed(to, labels[i].label, labels[i].old, labels[i].new);
        ok(!strcmp(to, labels[i].is), "%s of %s, which becomes %s: %s", labels[i].label,
           labels[i].old, labels[i].new, to);
    }
}

int main(void)
{
    test_names();
    test_labels();
    return done();
}
