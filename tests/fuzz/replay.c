/* SPDX-License-Identifier: Apache-2.0 */
/* Instead of libFuzzer: runs the target once over each file of a directory, and prints TAP. What is refuted
 * ends the program; the file that was named last did it. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* In memory of exactly its size, so that a step behind it is seen. */
static void replay(const char *path)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    auto_free uint8_t *bytes = NULL;
    struct stat st;

    must(fd >= 0 && !fstat(fd, &st) && (bytes = malloc((size_t)st.st_size + !st.st_size)));
    must(read(fd, bytes, (size_t)st.st_size) == st.st_size);
    close(steal_fd(fd));
    LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int n = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1, count = 0;

    must(n >= 0);
    for (int i = 0; i < n; i++) {
        auto_free char *name = NULL;

        must(asprintf(&name, "%s/%s", argv[1], entries[i]->d_name) > 0);
        if (entries[i]->d_name[0] != '.') {
            printf("# %s\n", name);
            fflush(stdout);
            replay(name);
            count++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%sok 1 - all %d inputs of the corpus\n1..1\n", count ? "" : "not ", count);
    return !count;
}
