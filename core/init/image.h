/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-init as it lies in hozo: a complete static executable. */
#ifndef CORE_INIT_IMAGE_H
#define CORE_INIT_IMAGE_H

#include <stddef.h>

extern const unsigned char hozo_init_image[];
extern const size_t hozo_init_size;

#endif
