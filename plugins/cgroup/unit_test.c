/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/cgroup/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/tap.h"

static void check(const char *what, char *got, const char *expected)
{
    bool same = got && expected ? !strcmp(got, expected) : got == expected;

    if (!ok(same, "%s", what))
        printf("# got: %s\n", got ? got : "(none)");
    free(got);
}

static void slice(const char *name, const char *expected)
{
    check(name, unit_slice_path(name), expected);
}

static void manager(const char *own, unsigned uid, const char *expected)
{
    check(own, unit_manager_path(own, uid), expected);
}

static void test_slices(void)
{
    slice("system.slice", "/system.slice");
    slice("a-b.slice", "/a.slice/a-b.slice");
    slice("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice");
    slice("kubepods-pod4f.slice", "/kubepods.slice/kubepods-pod4f.slice");
    slice("-.slice", "");
    slice("user@1000.slice", "/user@1000.slice");
    slice("a\\x2db.slice", "/a\\x2db.slice");
    slice("_a.slice", "/__a.slice");
    slice("memory.slice", "/_memory.slice");
    slice("memory-a.slice", "/_memory.slice/memory-a.slice");
    slice("memoryless.slice", "/memoryless.slice");
    slice("cgroup.slice", "/_cgroup.slice");
    slice("", NULL);
    slice(".slice", NULL);
    slice("system", NULL);
    slice("system.slices", NULL);
    slice("system.scope", NULL);
    slice("-a.slice", NULL);
    slice("a-.slice", NULL);
    slice("a--b.slice", NULL);
    slice("--.slice", NULL);
    slice("a/b.slice", NULL);
    slice("../a.slice", NULL);
    slice("a b.slice", NULL);
    slice("\u00e4.slice", NULL);
}

#define MANAGER "/user.slice/user-1000.slice/user@1000.service"

static void test_managers(void)
{
    manager(MANAGER, 1000, MANAGER);
    manager(MANAGER "/app.slice/x.service", 1000, MANAGER);
    manager(MANAGER "/user.slice/podman-7.scope", 0, MANAGER);
    manager("/outer" MANAGER "/x", 1000, "/outer" MANAGER);
    manager("/user@7.service/x" MANAGER "/x", 1000, "/user@7.service/x" MANAGER);
    manager(MANAGER "/x", 1001, NULL);
    manager("/user.slice/user-1000.slice/session-1.scope", 1000, NULL);
    manager("/system.slice/engine.service", 0, NULL);
    manager("/user.slice/user-0.slice/user@0.service/x", 0, NULL);
    manager("/user@1000.services/x", 1000, NULL);
    manager("/user@.service/x", 1000, NULL);
    manager("/", 1000, NULL);
    manager("", 0, NULL);
}

int main(void)
{
    test_slices();
    test_managers();
    return done();
}
