/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_FS_DEVFS_DEVFS_H
#define TESTS_FREEBSD_FS_DEVFS_DEVFS_H

/* The rules of devfs(8). */
#include <sys/types.h>
#define DEVFS_MAGIC      0xdb0a087a
#define DEVFS_MAXPTRNLEN 200
#define DRC_PATHPTRN     0x002
#define DRA_BACTS        0x001
#define DRA_MODE         0x008
#define DRB_UNHIDE       0x002
#define DEVFSIO_RAPPLY   0x80ec4402ul
struct devfs_rule {
    uint32_t dr_magic, dr_id;
    int dr_icond, dr_dswflags;
    char dr_pathptrn[DEVFS_MAXPTRNLEN];
    int dr_iacts, dr_bacts;
    uid_t dr_uid;
    gid_t dr_gid;
    mode_t dr_mode;
    uint16_t dr_incset;
};

#endif
