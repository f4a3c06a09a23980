/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/rdt/mountinfo.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

int main(void)
{
    static const struct {
        const char *line, *point;
    } lines[] = {
        {"36 28 0:31 / /sys/fs/resctrl rw,relatime - resctrl resctrl rw", "/sys/fs/resctrl"},
        {"36 28 0:31 / /sys/fs/resctrl rw,relatime shared:7 master:1 - resctrl none rw,cdp\n",
         "/sys/fs/resctrl"},
        {"36 28 0:31 / /with\\040a\\134\\011and\\012 rw - resctrl resctrl rw", "/with a\\\tand\n"},
        {"36 28 0:31 /gold /srv/gold rw - resctrl resctrl rw", NULL}, /* a part of it */
        {"36 28 0:31 / /sys/fs/resctrl rw - fuse.resctrl resctrl rw", NULL},
        {"36 28 0:31 / /sys/fs/resctrl rw - resctrlfs resctrl rw", NULL},
        {"36 28 0:31 / /resctrl rw - tmpfs resctrl rw", NULL},
        {"36 28 0:31 / /\\040-\\040resctrl\\040 rw - tmpfs none rw", NULL},
        {"36 28 0:31 / /sys/fs/resctrl rw", NULL},
        {"36 - resctrl resctrl rw", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char *line = strdup(lines[i].line), *point = mountinfo_resctrl(line);

        ok(point ? lines[i].point && !strcmp(point, lines[i].point) : !lines[i].point, "%.*s",
           (int)strcspn(lines[i].line, "\n"), lines[i].line);
        free(line);
    }
    return done();
}
