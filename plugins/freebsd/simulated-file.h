/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated kernel in a file, for all who map it. */
#ifndef PLUGINS_FREEBSD_SIMULATED_FILE_H
#define PLUGINS_FREEBSD_SIMULATED_FILE_H

#include <pthread.h>

#include "plugins/freebsd/simulated.h"

struct simulated_file {
    pthread_mutex_t lock; /* of all processes; robust */
    struct simulated kernel;
};

/* One that is there; NULL with errno. */
struct simulated_file *simulated_map(const char *path);

#endif
