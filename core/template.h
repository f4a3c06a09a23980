/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json that `hozo spec` writes: a container to begin with, of this system. */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "core/json.h"

/* `rootless`: for an ordinary user. */
int template_write(bool rootless, struct text *out, struct error *err);

#endif
