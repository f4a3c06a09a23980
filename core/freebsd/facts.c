/* SPDX-License-Identifier: Apache-2.0 */
#include "core/facts.h"

#include <sys/utsname.h>

int facts_collect(struct json *facts, struct error *err)
{
    auto_text struct text out = {0};
    struct utsname kernel;
    struct facts_source source = {.euid = geteuid(),
                                  .egid = getegid(),
                                  .last_capability = -1,
                                  .cgroup = "",
                                  .mountinfo = "",
                                  .runtime_directory = getenv("XDG_RUNTIME_DIR")};

    uname(&kernel);
    source.kernel = kernel.release;
    if (facts_write(&out, &source, err) < 0)
        return -1;
    return json_parse(facts, "host facts", out.at, out.length, err);
}
