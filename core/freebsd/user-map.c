/* SPDX-License-Identifier: Apache-2.0 */
/* FreeBSD maps no users: those in a jail are those outside. */
#include "core/user-map.h"

bool users_are_all(void)
{
    return true;
}

void users_with_a_place(bool *everybody, bool *root)
{
    *everybody = *root = true;
}

uid_t users_without_a_place(void)
{
    return (uid_t)-1; /* nobody */
}
