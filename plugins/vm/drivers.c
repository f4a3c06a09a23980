/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisors that hozo knows. The first is taken where nothing names one. */
#include "plugins/vm/vm.h"

static const struct driver *const drivers[] = {&qemu_driver, &xen_driver};

const struct driver *driver_find(const char *path)
{
    if (!path)
        return drivers[0];
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (drivers[i]->recognises(strrchr(path, '/') + 1))
            return drivers[i];
    return NULL;
}
