/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/freebsd/simulated-file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct simulated_file *simulated_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = MAP_FAILED;

    if (fd >= 0) {
        at = mmap(NULL, sizeof(struct simulated_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    return at == MAP_FAILED ? NULL : at;
}
