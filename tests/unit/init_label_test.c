/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: through which procfs they are written and when, and whose root is labelled. The files are others than those of
 * security modules, which need not be there. */
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "core/init/kernel.h"
#include "tests/unit/init_harness.h"

#define ATTRIBUTE "trusted.label"

static const char *const nothing[] = {NULL};

/* --- of the process --------------------------------------------------------------------------- */

static struct plan_builder *with_procfs(void)
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_ENTER, OWN_PROCFS, NULL, SLOT(plan_slot(b, "proc")));
    return b;
}

static void add_label(struct plan_builder *b, const char *file, const char *label)
{
    plan_op(b, PHASE_PROCESS, LABEL, "label", SLOT(0), STR(file), STR(label));
}

static struct outcome executed(struct plan_builder *b, const char *script)
{
    const char *const args[] = {"sh", "-c", script, NULL};

    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR("/bin/sh"), STR(NULL));
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(args), TEMPLATES(nothing));
    return run(b, SCENE(.namespace_ = true));
}

#define SCORE(n) "test $(cat /proc/self/oom_score_adj) = " n " && exit 7"

static bool ended_well(const struct outcome *o)
{
    return WIFEXITED(o->status) && WEXITSTATUS(o->status) == 7;
}

/* What lies on /proc then, a neighbour could have put there. */
static void cover(struct plan_header *plan)
{
    (void)plan;
    write_text("/proc/self/oom_score_adj", "3");
    if (mount("none", "/proc", "tmpfs", 0, NULL) < 0)
        abort();
}

static bool has_score(const char *score)
{
    return umount2("/proc", MNT_DETACH) == 0 &&
           !strcmp(read_text("/proc/self/oom_score_adj"), score);
}

static int scored(void)
{
    return !has_score("77\n");
}

static int as_before(void)
{
    return !has_score("3\n");
}

static void of_the_process(void)
{
    struct plan_builder *b = with_procfs();
    struct outcome o;

    add_label(b, "oom_score_adj", "77");
    o = executed(b, SCORE("77"));
    check(ended_well(&o), "a label is there when the program runs");

    b = with_procfs();
    add_label(b, "oom_score_adj", "77");
    o = run(b, SCENE(.namespace_ = true, .before = cover, .probe = as_before));
    check(succeeded(&o), "before it is executed it is not");

    b = with_procfs();
    plan_op(b, PHASE_ENTER, WRITE, "label", SLOT(0), STR("self/oom_score_adj"), STR("77"),
            NUM(PROC_SUPER_MAGIC));
    o = run(b, SCENE(.namespace_ = true, .before = cover, .probe = scored));
    check(succeeded(&o), "the procfs is its own, whatever lies on /proc");

    b = with_procfs();
    add_label(b, "oom_score_adj", "no number");
    o = executed(b, "exit 7");
    check(failed(&o, 1, EINVAL, STEP_LABEL), "what the kernel refuses is a failure of the label");

    b = with_procfs();
    add_label(b, "attr/nobody/exec", "x");
    o = executed(b, "exit 7");
    check(failed(&o, 1, ENOENT, STEP_OPEN), "a file that is not there");

    b = with_procfs();
    add_label(b, "root/etc/passwd", "x");
    o = executed(b, "exit 7");
    check(failed(&o, 1, ELOOP, STEP_OPEN), "a file behind a link");

    b = with_procfs();
    for (int i = 0; i < 5; i++)
        add_label(b, "oom_score_adj", "77");
    o = executed(b, "exit 7");
    check(failed(&o, 5, EINVAL, STEP_OPEN), "a fifth label");
}

/* --- of a mount ------------------------------------------------------------------------------- */

static struct plan_builder *labelling(const char *target, uint64_t magic)
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_ENTER, ROOT, "root.path", STR("root"), SLOT(plan_slot(b, "root")), NUM(0));
    plan_op(b, PHASE_MOUNTS, MOUNT, "mounts", SLOT(0), STR("/queues"), STR("tmpfs"), STR("tmpfs"),
            LIST(nothing), NUM(0), NUM(0), NUM(0));
    plan_op(b, PHASE_MOUNTS, LABEL_ROOT, "mounts", SLOT(0), STR(target), NUM(magic), STR(ATTRIBUTE),
            STR("a label"));
    return b;
}

static bool has_label(const char *path)
{
    char label[16];

    return getxattr(path, ATTRIBUTE, label, sizeof label) == sizeof "a label" &&
           !strcmp(label, "a label");
}

static int labelled(void)
{
    return !has_label("root/queues") || has_label("root") || has_label("root/real");
}

static bool refused(struct plan_builder *b, int errnum, enum plan_step step)
{
    struct outcome o = run(b, SCENE(.namespace_ = true));

    return failed(&o, 2, errnum, step);
}

static void of_a_mount(void)
{
    struct outcome o =
        run(labelling("/queues", TMPFS_MAGIC), SCENE(.namespace_ = true, .probe = labelled));

    check(succeeded(&o), "the root of the mount is labelled");
    o = run(labelling("/to-queues", TMPFS_MAGIC), SCENE(.namespace_ = true, .probe = labelled));
    check(succeeded(&o), "behind a link of the image, too");
    check(refused(labelling("/real", PROC_SUPER_MAGIC), EXDEV, STEP_VERIFY),
          "not what is another file system");
    check(!has_label("root/real"), "which stays as it is");
    check(refused(labelling("/file", TMPFS_MAGIC), ENOTDIR, STEP_TARGET), "no file");
    check(refused(labelling("/nothing", TMPFS_MAGIC), ENOENT, STEP_TARGET), "nothing");
}

int main(void)
{
    static const char *const directories[] = {"root", "root/real", "root/queues"};

    if (skip_unprivileged("labels"))
        return done();
    enter_directory();
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        mkdir(directories[i], 0755);
    write_text("root/file", "file");
    if (symlink("/queues", "root/to-queues") < 0)
        abort();
    of_the_process();
    of_a_mount();
    return done();
}
