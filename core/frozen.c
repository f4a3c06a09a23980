/* SPDX-License-Identifier: Apache-2.0 */
/* ROOT/ID/config.json: the configuration as it was at create, with what plugins added and updates changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "core/lifecycle.h"

#define NEW "config.json.tmp"

static int write_all(int fd, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);

        if (n < 0 && errno != EINTR)
            return -1;
        done += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

int config_freeze(const struct container *c, bool again, struct error *err)
{
    const char *name = again ? NEW : "config.json", *text = c->config.text;
    auto_close int fd =
        openat(c->dirfd, name,
               O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (again ? O_TRUNC : O_EXCL), 0600);
    auto_text struct text adjusted = {0};
    size_t size = c->config.size;

    if (fd < 0)
        return fail(err, errno, NULL, "write the configuration's copy");
    if (c->adjusted) {
        text_json_tree(&adjusted, &c->config, c->config.root);
        if (adjusted.failed)
            return fail_memory(err);
        text = adjusted.at;
        size = adjusted.length;
    }
    if (write_all(fd, text, size) || (again && renameat(c->dirfd, NEW, c->dirfd, "config.json")))
        return fail(err, errno, NULL, "write the configuration's copy");
    return 0;
}
