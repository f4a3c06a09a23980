/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that fsconfig(2) cannot describe: options that are too long for it, and `iversion`, which it has
 * no name for. */
#include <string.h>
#include <sys/mount.h>

#include "core/init/kernel.h"
#include "core/init/mounts.h"
#include "core/init/path.h"

#define FSCONFIG_VALUE_MAX 255  /* fs/fsopen.c: strndup_user(_value, 256) */
#define OPTIONS_MAX        4095 /* mount(2) cuts the rest off, and says nothing */

#ifndef MS_NOSYMFOLLOW /* Linux 5.10 */
#define MS_NOSYMFOLLOW 256
#endif

/* Options that are flags to mount(2); all others go to the file system. */
static const struct {
    const char *name;
    unsigned long flag;
} flag_options[] = {
    {"dirsync", MS_DIRSYNC}, {"iversion", MS_I_VERSION}, {"lazytime", MS_LAZYTIME},
    {"mand", MS_MANDLOCK},   {"sync", MS_SYNCHRONOUS},
};

static unsigned long option_flag(const char *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++)
        if (!strcmp(option, flag_options[i].name))
            return flag_options[i].flag;
    return 0;
}

bool needs_old_mount(char *const *options, const char *source)
{
    if (strlen(source) > FSCONFIG_VALUE_MAX)
        return true;
    for (; *options; options++) {
        const char *value = strchr(*options, '=');

        if (option_flag(*options) == MS_I_VERSION ||
            (value && strlen(value + 1) > FSCONFIG_VALUE_MAX))
            return true;
    }
    return false;
}

static unsigned long attribute_flags(uint64_t attr)
{
    static const struct {
        uint64_t attr;
        unsigned long flag;
    } map[] = {
        {MOUNT_ATTR_RDONLY, MS_RDONLY},         {MOUNT_ATTR_NOSUID, MS_NOSUID},
        {MOUNT_ATTR_NODEV, MS_NODEV},           {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
        {MOUNT_ATTR_NOATIME, MS_NOATIME},       {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
        {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
    };
    unsigned long flags = 0;

    for (size_t i = 0; i < ARRAY_SIZE(map); i++)
        if (attr & map[i].attr)
            flags |= map[i].flag;
    return flags;
}

/* The labels of SELinux have commas of their own. */
static char *put_option(char *to, const char *option)
{
    const char *value = strchr(option, '=');

    if (!value || value[1] == '"' || !strchr(value, ',') || value - option < 7 ||
        memcmp(value - 7, "context", 7))
        return stpcpy(to, option);
    to = mempcpy(to, option, (size_t)(value + 1 - option));
    *to++ = '"';
    to = stpcpy(to, value + 1);
    *to++ = '"';
    return to;
}

/* What is left for the file system, with commas between. */
static char *joined(char *const *options, unsigned long *flags)
{
    size_t length = 1;
    char *text, *to;

    for (char *const *o = options; *o; o++)
        length += strlen(*o) + strlen("\"\",");
    if (!(to = text = calloc(1, length)))
        return NULL;
    for (char *const *o = options; *o; o++) {
        if (option_flag(*o)) {
            *flags |= option_flag(*o);
            continue;
        }
        if (to > text)
            *to++ = ',';
        to = put_option(to, *o);
    }
    return text;
}

/* The mount that now lies on the target: the descriptor still means what is below it. */
static int set_reached_propagation(struct interpreter *in, const struct plan_op *op)
{
    auto_close int fd = -1;

    if (!op->arg[6])
        return 0;
    in->step = STEP_TARGET;
    fd = path_open(slot_fd(in, op->arg[0]), plan_string(in->plan, op->arg[1]), O_PATH,
                   op->arg[7] & HOW_NO_SYMLINKS);
    return fd < 0 ? -1 : set_propagation(in, fd, op->arg[6]);
}

/* mount(2) wants a path: the descriptor's name in a procfs that has been looked at. */
int old_mount(struct interpreter *in, const struct plan_op *op, int onto, char *const *options)
{
    unsigned long flags = attribute_flags(op->arg[5]);
    auto_free char *data = joined(options, &flags);
    auto_close int proc = -1;
    char path[PATH_OF_DESCRIPTOR];

    in->step = STEP_VERIFY;
    if ((proc = path_procfs()) < 0)
        return -1;
    in->step = STEP_MOUNT;
    if (!data)
        return -1;
    if (strlen(data) > OPTIONS_MAX)
        return refuse(E2BIG);
    path_of_descriptor(path, onto);
    if (mount(plan_string(in->plan, op->arg[3]), path, plan_string(in->plan, op->arg[2]), flags,
              data) < 0)
        return -1;
    return set_reached_propagation(in, op);
}
