/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_INIT_COPY_UP_H
#define CORE_INIT_COPY_UP_H

/* Copies what lies in one directory into another, by descriptor and without following links: files,
 * directories, links, devices, with owner, mode and extended attributes. 0, or -1 and errno. */
int copy_up(int from, int to);

#endif
