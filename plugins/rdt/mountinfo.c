/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/rdt/mountinfo.h"

#include <stddef.h>
#include <string.h>

/* "\040" is a blank. */
static void unescape(char *path)
{
    char *to = path;

    for (const char *at = path; *at; at++) {
        if (*at == '\\' && at[1] && at[2] && at[3]) {
            *to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 3;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

char *mountinfo_resctrl(char *line)
{
    char *behind = strstr(line, " - "), *word = line, *root = NULL, *point = NULL;

    if (!behind || strncmp(behind + 3, "resctrl ", 8) != 0)
        return NULL;
    for (int i = 0; i < 5 && word; i++) {
        char *next = strsep(&word, " ");

        root = i == 3 ? next : root;
        point = i == 4 ? next : point;
    }
    if (!root || !point || strcmp(root, "/") != 0)
        return NULL;
    unescape(point);
    return point;
}
