/* SPDX-License-Identifier: Apache-2.0 */
#include "core/template.h"

#include "build-config.h"

/* The ruleset 4 of devfs.rules(5) shows a jail what is harmless. */
/* clang-format off */
static const char jail[] =
"{\n"
"  \"ociVersion\": \"" HOZO_SPEC_VERSION "\",\n"
"  \"process\": {\n"
"    \"user\": {\"uid\": 0, \"gid\": 0},\n"
"    \"args\": [\"sh\"],\n"
"    \"env\": [\"PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin\"],\n"
"    \"cwd\": \"/\",\n"
"    \"noNewPrivileges\": true\n"
"  },\n"
"  \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
"  \"hostname\": \"hozo\",\n"
"  \"mounts\": [\n"
"    {\"destination\": \"/dev\", \"type\": \"devfs\", \"source\": \"devfs\", \"options\": [\"ruleset=4\"]},\n"
"    {\"destination\": \"/tmp\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": [\"mode=1777\", \"size=64m\"]}\n"
"  ],\n"
"  \"freebsd\": {\"jail\": {\"vnet\": \"new\"}}\n"
"}\n";
/* clang-format on */

int template_write(bool rootless, struct text *out, struct error *err)
{
    if (rootless)
        return fail(err, 0, NULL, "--rootless: on FreeBSD only root makes containers");
    text_put(out, jail);
    return 0;
}
