/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_DIRENT_H
#define TESTS_FREEBSD_DIRENT_H

#include <sys/types.h>
#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10
struct dirent {
    ino_t d_fileno;
    off_t d_off;
    uint16_t d_reclen;
    uint8_t d_type, d_pad0;
    uint16_t d_namlen, d_pad1;
    char d_name[256];
};
typedef struct _dirdesc DIR;
DIR *opendir(const char *path);
DIR *fdopendir(int fd);
struct dirent *readdir(DIR *d);
void rewinddir(DIR *d);
int closedir(DIR *d);
int dirfd(DIR *d);
int scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **));
int alphasort(const struct dirent **a, const struct dirent **b);
ssize_t getdirentries(int fd, char *entries, size_t size, off_t *base);

#endif
