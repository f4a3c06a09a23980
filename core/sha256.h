/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of a few kilobytes: no reason to need a library for it. */
#ifndef CORE_SHA256_H
#define CORE_SHA256_H

#include <stddef.h>

/* `hex` receives 64 digits and a NUL. */
void sha256_hex(const void *data, size_t size, char hex[static 65]);

#endif
