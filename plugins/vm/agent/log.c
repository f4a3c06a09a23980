/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/agent/log.h"

#include <fcntl.h>
#include <string.h>

#include "core/base.h"

static void add(struct problem *p, const char *s)
{
    size_t n = strlen(s), room = sizeof p->text - p->size;

    if (n > room)
        n = room;
    memcpy(p->text + p->size, s, n);
    p->size += n;
}

int problem(struct problem *p, const char *subject, const char *what, int errnum)
{
    p->size = 0;
    add(p, subject);
    add(p, ": ");
    add(p, what);
    if (errnum) {
        add(p, ": ");
        add(p, strerror(errnum));
    }
    return -1;
}

void log_line(const char *subject, const char *what, int errnum)
{
    static const char name[] = "hozo-agent: ";
    auto_close int fd = open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    char line[sizeof name + sizeof((struct problem *)0)->text];
    struct problem p;

    problem(&p, subject, what, errnum);
    memcpy(line, name, sizeof name - 1);
    memcpy(line + sizeof name - 1, p.text, p.size);
    if (fd < 0 || write(fd, line, sizeof name - 1 + p.size) < 0)
        return; /* there is no other place */
}
