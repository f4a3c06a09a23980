/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the container's /etc/passwd, in which hozo-init looks up the user's home. The first byte is the
 * user's number. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/init/interpreter.h"

static const char *directory;
static int root = -1;

static void remove_directory(void)
{
    unlinkat(root, "etc/passwd", 0);
    unlinkat(root, "etc", AT_REMOVEDIR);
    rmdir(directory);
}

static void make_directory(void)
{
    directory = new_directory();
    must((root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0);
    must(!mkdirat(root, "etc", 0755));
    atexit(remove_directory);
}

static void write_passwd(const char *bytes, size_t size)
{
    auto_close int fd = openat(root, "etc/passwd", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
}

static struct plan_header *plan_home(unsigned uid)
{
    auto_plan_builder struct plan_builder *b = plan_new();
    struct plan_header *plan = NULL;
    struct error err;

    plan_op(b, PHASE_PROCESS, HOME, NULL, SLOT(plan_slot(b, "root")), NUM(uid));
    must(!plan_finish(b, &plan, &err));
    plan_slots(plan)[0].fd = root;
    return plan;
}

void target(const char *bytes, size_t size)
{
    auto_free struct plan_header *plan = NULL;
    struct interpreter in = {0};

    if (root < 0)
        make_directory();
    if (!size)
        return;
    write_passwd(bytes + 1, size - 1);
    in.plan = plan = plan_home((unsigned char)*bytes);
    must(!op_home(&in, plan_ops(plan)));
    must(!in.home || (in.home[0] == '/' && !strpbrk(in.home, ":\n")));
    free(in.home);
}
