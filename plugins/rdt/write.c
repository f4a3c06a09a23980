/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a class's schemata: one write each, and what they replaced, to be put back. */
#include "plugins/rdt/rdt.h"

#include <errno.h>
#include <stdio.h>

#include "plugins/rdt/schemata.h"

#define QUOTED 200 /* of a line: what the kernel says of it has to have room behind */

static int begin(struct lines *l)
{
    if (!l->before && !(l->before = resctrl_read(l->class, "schemata")))
        return hozo_error(l->ctx, errno, RDT, "%s/schemata", shown(l->name));
    return 0;
}

/* A resource that the kernel does not have has no line, and takes none. */
static int keep(struct lines *l, const char *line)
{
    size_t length;
    const char *old = schemata_line(l->before, line, &length);
    char *undo;

    if (!old)
        return 0;
    if (asprintf(&undo, "%.*s\n%s", (int)length, old, l->undo ? l->undo : "") < 0)
        return hozo_error(l->ctx, ENOMEM, RDT, "schemata");
    free(l->undo);
    l->undo = undo;
    return 0;
}

/* The kernel takes a line only with its end. */
static int put(int class, const char *line, size_t length)
{
    auto_free char *text = NULL;

    if (asprintf(&text, "%.*s\n", (int)length, line) < 0)
        return -ENOMEM;
    return resctrl_write(class, "schemata", text);
}

int lines_write(struct lines *l, const struct hozo_work *work)
{
    int r;

    if (begin(l) < 0 || keep(l, work->value) < 0)
        return -1;
    r = put(l->class, work->value, strlen(work->value));
    return r < 0 ? resctrl_fail(l->ctx, l->root, -r, work->path, "\"%.*s%s\"", QUOTED, work->value,
                                strlen(work->value) > QUOTED ? "..." : "")
                 : 0;
}

int lines_undo(struct lines *l)
{
    int result = 0, r;

    for (const char *at = l->undo; at && *at; at += strcspn(at, "\n") + 1)
        if ((r = put(l->class, at, strcspn(at, "\n"))) < 0) {
            hozo_log(l->ctx, HOZO_LOG_WARNING, "writing \"%.*s\" back to %s/schemata: %s",
                     (int)strcspn(at, "\n"), at, shown(l->name), strerror(-r));
            result = -1;
        }
    free(l->undo);
    l->undo = NULL;
    return result;
}

void lines_end(struct lines *l)
{
    free(l->before);
    free(l->undo);
    l->before = l->undo = NULL;
}
