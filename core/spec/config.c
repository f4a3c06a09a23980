/* SPDX-License-Identifier: Apache-2.0 */
/* config.json itself, and the sections of config.md besides `process`. */
#include "core/spec/rows.h"

/* clang-format off */
static const struct spec_field root[] = {
    STRING(CORE, "path", REQUIRED),
    BOOL(CORE, "readonly"),
    {0},
};

static const struct spec_field mount[] = {
    STRING(CORE, "destination", REQUIRED),
    STRING(CORE, "type"),
    STRING(CORE, "source"),
    STRINGS(CORE, "options"),
    OBJECTS(CORE, "uidMappings", spec_id_mapping),
    OBJECTS(CORE, "gidMappings", spec_id_mapping),
    {0},
};

static const struct spec_field hook[] = {
    STRING(CORE, "path", REQUIRED),
    STRINGS(CORE, "args"),
    STRINGS(CORE, "env"),
    UINT(CORE, "timeout", 31, .min = 1),
    {0},
};

static const struct spec_field hooks[] = {
    OBJECTS(CORE, "prestart", hook),
    OBJECTS(CORE, "createRuntime", hook),
    OBJECTS(CORE, "createContainer", hook),
    OBJECTS(CORE, "startContainer", hook),
    OBJECTS(CORE, "poststart", hook),
    OBJECTS(CORE, "poststop", hook),
    {0},
};

const struct spec_field spec_config[] = {
    STRING(CORE, "ociVersion", REQUIRED),
    OBJECT(CORE, "root", root),
    OBJECTS(CORE, "mounts", mount),
    OBJECT(CORE, "process", spec_process),
    STRING(CORE, "hostname"),
    STRING(CORE, "domainname"),
    OBJECT(CORE, "hooks", hooks),
    MAP_OF_STRINGS(CORE, "annotations"),
    OBJECT(CORE, "linux", spec_linux),
    OBJECT(PLUGIN("vm"), "vm", spec_vm),
    OBJECT(PLUGIN("freebsd"), "freebsd", spec_freebsd),
    ANY(ELSEWHERE, "windows"),
    ANY(ELSEWHERE, "solaris"),
    ANY(ELSEWHERE, "zos"),
    {0},
};
/* clang-format on */
