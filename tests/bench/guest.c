/* SPDX-License-Identifier: Apache-2.0 */
/* The program in the containers: `pause` waits, `true` ends at once; small, as it is in every time.
 */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *end = argc > 0 ? strrchr(argv[0], '/') : NULL;

    if (end && strcmp(end, "/pause") == 0)
        pause();
    return 0;
}
