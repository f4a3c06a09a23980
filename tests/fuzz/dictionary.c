/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what libFuzzer may put into JSON: the names and values of the specification's tables, the mount
 * options, the members of state.json and of the host facts. */
#include <string.h>

#include "core/linux/mount-options.h"
#include "core/linux/namespaces.h"
#include "core/spec.h"

static const char *const plain[] = {
    "null",
    "true",
    "false",
    "[]",
    "{}",
    ":",
    ",",
    "-1",
    "0",
    "1.5",
    "1e3",
    "65536",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "\\x00",
    "\\x01",
    "\\xff",
};

static void quoted(const char *word)
{
    printf("\"\\\"%s\\\"\"\n", word);
}

static void rows(const struct spec_field *table)
{
    for (const struct spec_field *row = table; row->name; row++) {
        if (strcmp(row->name, "[]") && strcmp(row->name, "*"))
            quoted(row->name);
        for (const char *const *value = row->values; value && *value; value++)
            quoted(*value);
        if (row->type == SPEC_OBJECT)
            rows(row->members);
        else if (row->members)
            rows((const struct spec_field[]){*row->members, {0}});
    }
}

int main(void)
{
    static const char *const others[] = {
        "format",    "id",     "bundle",    "rootfs",     "created",      "complete",
        "pid",       "owner",  "freeze",    "startTime",  "directory",    "ownPidNamespace",
        "cgroup",    "list",   "kill",      "procs",      "plugins",      "name",
        "version",   "file",   "as",        "callbacks",  "value",        "kernel",
        "euid",      "layout", "unified",   "mountpoint", "own",          "lastCapability",
        "proc",      "sysfs",  "tmpfs",     "cgroup2",    "mqueue",       "net.ipv4.ip_forward",
        "fs.mqueue", "/proc",  "/dev",      "../x",       "CAP_KILL",     "hierarchies",
        "/dev/pts",  "1.3.0",  "\\\\u0001", "\\\\ud83d",  "stateVersion",
    };

    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        printf("\"%s\"\n", plain[i]);
    rows(spec_config);
    for (size_t i = 0; mount_option_name(i); i++)
        quoted(mount_option_name(i));
    for (const struct namespace_kind *k = namespace_kinds; k->type; k++)
        quoted(k->type);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        quoted(others[i]);
    return 0;
}
