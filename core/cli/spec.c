/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "core/cli/cli.h"
#include "core/template.h"

static int write_config(const char *directory, bool rootless, struct error *err)
{
    auto_close int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_text struct text text = {0};

    if (dirfd < 0)
        return fail(err, errno, NULL, "open bundle %s", directory);
    if (template_write(rootless, &text, err))
        return -1;
    if (text.failed)
        return fail_memory(err);
    auto_close int fd = openat(dirfd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return fail(err, 0, NULL, "File config.json exists. Remove it first");
    if (fd < 0 || write(fd, text.at, text.length) != (ssize_t)text.length)
        return fail(err, errno, NULL, "write config.json");
    return 0;
}

int verb_spec(const struct globals *g UNUSED, int argc, char **argv, struct error *err)
{
    const char *bundle = ".";
    bool rootless = false;
    const struct option options[] = {
        {"bundle", 'b', OPTION_STRING, &bundle, "DIR", "where to write it; default: here"},
        {"rootless", 0, OPTION_FLAG, &rootless, NULL, "for a container of the caller, no root"},
        {0},
    };

    if (options_parse(options, &argc, &argv, err) || arguments_expect("spec", argc, 0, 0, err))
        return -1;
    return write_config(bundle, rootless, err);
}
