/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>

#include "core/plan.h"

static bool has_console(const struct plan_header *plan)
{
    plan_for_each (op, plan)
        if (op->kind == OP_CONSOLE)
            return true;
    return false;
}

int plan_opens_terminal(int plan)
{
    const struct plan_header *p;
    struct stat st;
    int r = -1;

    if (fstat(plan, &st) < 0)
        return -1;
    errno = EBADMSG;
    if (st.st_size < (off_t)sizeof *p || st.st_size > (off_t)PLAN_SIZE_MAX)
        return -1;
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, plan, 0);
    if (p == MAP_FAILED)
        return -1;
    if (!memcmp(p->magic, PLAN_MAGIC, sizeof p->magic) && p->version == PLAN_VERSION &&
        p->ops_offset <= (uint64_t)st.st_size && !(p->ops_offset % sizeof(uint64_t)) &&
        p->n_ops <= ((uint64_t)st.st_size - p->ops_offset) / sizeof(struct plan_op))
        r = has_console(p);
    else
        errno = EBADMSG;
    munmap((void *)(uintptr_t)p, (size_t)st.st_size);
    return r;
}

int terminal_raw(int fd)
{
    struct termios t;

    if (tcgetattr(fd, &t) < 0)
        return -1;
    cfmakeraw(&t);
    return tcsetattr(fd, TCSANOW, &t);
}

void terminal_size(int fd, uint16_t *rows, uint16_t *columns)
{
    struct winsize size;

    memset(&size, 0, sizeof size);
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        memset(&size, 0, sizeof size);
    *rows = size.ws_row;
    *columns = size.ws_col;
}
