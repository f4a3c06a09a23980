/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534

/* mount_setattr(2), Linux 5.12: what comes later is not covered, but nothing can be mounted any more. */
static int make_read_only(struct error *err)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(err, errno, NULL, "no mount of its own");
    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0)
        return fail(err, errno, NULL, "no read-only file systems");
    return 0;
}

static int become_nobody(struct error *err)
{
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return fail(err, errno, NULL, "cannot become nobody");
    return 0;
}

static int drop_capabilities(struct error *err)
{
    cap_t none = cap_init();
    int r = none ? cap_set_proc(none) : -1;

    cap_free(none);
    return r < 0 ? fail(err, errno, NULL, "cannot give up capabilities") : 0;
}

int sandbox_enter(struct error *err)
{
    bool root = geteuid() == 0;
    int namespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

    if (unshare(namespaces | (root ? 0 : CLONE_NEWUSER)) < 0)
        return fail(err, errno, NULL, "no namespaces of its own");
    if (make_read_only(err) < 0 || (root && become_nobody(err) < 0) || drop_capabilities(err) < 0)
        return -1;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* Its own files below /proc would be root's. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return 0;
}

void sandbox_disturb_memory(void)
{
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0x5a);
#endif
}
