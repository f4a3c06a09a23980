/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor by which an agent answers for system calls (SCMP_ACT_NOTIFY): out of the container's process, and
 * to the agent. */
#include "core/linux/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/linux/handover.h"

#define IS_LISTENER "anon_inode:seccomp notify"

const struct plan_op *listener_op(const struct plan_header *plan)
{
    plan_for_each (op, plan)
        if (op->kind == OP_SECCOMP && op->arg[3])
            return op;
    return NULL;
}

/* Whoever speaks for the process names a descriptor of it: only this kind goes to an agent. */
static int fetch(const struct container *c, uint32_t number, const char *path, struct error *err)
{
    auto_close int fd = (int)syscall(SYS_pidfd_getfd, c->pidfd, (int)number, 0);
    char name[64], kind[64];
    ssize_t n;

    if (fd < 0)
        return fail(err, errno, path, "take the listener out of the process");
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    n = readlink(name, kind, sizeof kind - 1);
    kind[n > 0 ? n : 0] = '\0';
    if (strcmp(kind, IS_LISTENER))
        return fail(err, 0, path, "the process gave no listener");
    return steal_fd(fd);
}

/* config-linux.md, The Container Process State. */
static void describe(const struct container *c, const struct plan_op *op, enum status status,
                     struct text *out)
{
    const char *metadata = plan_string(c->plan, op->arg[4]);

    text_add(out, "{\"ociVersion\":");
    text_json(out, c->state.oci_version);
    text_add(out, ",\"fds\":[\"seccompFd\"],\"pid\":%d", (int)c->pid);
    if (metadata) {
        text_add(out, ",\"metadata\":");
        text_json(out, metadata);
    }
    text_add(out, ",\"state\":");
    state_print_oci(&c->state, status, NULL, false, out);
    text_add(out, "}");
}

int listener_hand_over(const struct container *c, const struct plan_op *op, uint32_t number,
                       enum status status, struct error *err)
{
    auto_text struct text state = {0};
    auto_close int fd = fetch(c, number, plan_string(c->plan, op->path), err);

    if (fd < 0)
        return -1;
    describe(c, op, status, &state);
    if (state.failed)
        return fail_memory(err);
    return listener_send(plan_string(c->plan, op->arg[3]), &state, fd, err);
}
