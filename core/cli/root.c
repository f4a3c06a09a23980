/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/root.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "core/user-map.h"

static int default_root(char **root, struct error *err)
{
    const char *runtime_dir = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER");
    bool unprivileged = geteuid() != 0;
    int n;

    /* Engines that run as root set it to nothing, to unset it. */
    if (runtime_dir && !*runtime_dir)
        runtime_dir = NULL;
    if (unprivileged && !runtime_dir)
        return fail(err, 0, NULL,
                    "XDG_RUNTIME_DIR is not set: say with --root where states shall lie");
    /* Root in a user namespace of an ordinary user: /run belongs to another root. */
    if (runtime_dir && (unprivileged || (!users_are_all() && (!user || strcmp(user, "root")))))
        n = asprintf(root, "%s/hozo", runtime_dir);
    else
        n = asprintf(root, "/run/hozo");
    return n < 0 ? fail_memory(err) : 0;
}

static int absolute(const char *given, char **root, struct error *err)
{
    char cwd[PATH_MAX];
    size_t length;

    if (*given != '/' && !getcwd(cwd, sizeof cwd))
        return fail(err, errno, NULL, "--root %s: current directory", given);
    if (asprintf(root, "%s%s%s", *given == '/' ? "" : cwd, *given == '/' ? "" : "/", given) < 0)
        return fail_memory(err);
    for (length = strlen(*root); length > 1 && (*root)[length - 1] == '/'; length--)
        (*root)[length - 1] = '\0';
    return 0;
}

/* However it is written: "/", "//", "/run/..". */
static bool is_root_directory(const char *path)
{
    struct stat st, slash;

    return !strcmp(path, "/") || (!stat(path, &st) && !stat("/", &slash) &&
                                  st.st_ino == slash.st_ino && st.st_dev == slash.st_dev);
}

int root_choose(const char *given, char **root, struct error *err)
{
    auto_free char *chosen = NULL;

    if (given && !*given)
        return fail(err, 0, NULL, "--root is empty");
    if (given ? absolute(given, &chosen, err) : default_root(&chosen, err))
        return -1;
    if (!chosen || chosen[0] != '/')
        return fail(err, 0, NULL, "XDG_RUNTIME_DIR is not an absolute path");
    if (is_root_directory(chosen))
        return fail(err, 0, NULL, "--root: / cannot be the directory of states");
    *root = steal_ptr(chosen);
    return 0;
}
