/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_PWD_H
#define TESTS_FREEBSD_PWD_H

#include <sys/types.h>
struct passwd {
    char *pw_name, *pw_dir;
    uid_t pw_uid;
    gid_t pw_gid;
};
struct passwd *getpwuid(uid_t uid);

#endif
