/* SPDX-License-Identifier: Apache-2.0 */
/* Names of places: as errors write them, and as the specification's table and packages know them.
 */
#include "core/plugin-parts.h"

#include <string.h>

const struct spec_field *spec_find(const char *field)
{
    const struct spec_field *table = spec_config, *row = NULL;

    while (*field) {
        char name[64];
        size_t length;

        if (!strncmp(field, "[]", 2)) {
            row = row && row->type == SPEC_ARRAY ? row->members : NULL;
            field += 2;
        } else {
            field += *field == '.';
            length = strcspn(field, ".[");
            if (!length || length >= sizeof name)
                return NULL;
            memcpy(name, field, length);
            name[length] = '\0';
            field += length;
            if (row && row->type == SPEC_MAP)
                row = strcmp(name, "*") ? NULL : row->members;
            else
                row = spec_member(table, name);
        }
        if (!row)
            return NULL;
        table = row->type == SPEC_OBJECT ? row->members : NULL;
    }
    return row;
}

const char *plugin_package(const char *path)
{
    const struct spec_field *row;

    if (!strcmp(path, "+cgroup-manager.cgroupfs"))
        return "hozo-plugin-cgroup";
    if (!strcmp(path, "+cgroup-manager.systemd"))
        return "hozo-plugin-systemd";
    row = spec_find(path);
    return row ? row->package : NULL;
}
