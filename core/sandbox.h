/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SANDBOX_H
#define CORE_SANDBOX_H

#include "core/error.h"

/* From now on this process, which has one thread, can change next to nothing of the host: no capability, nobody's
 * ids if it was root, all file systems read-only, no network. */
int sandbox_enter(struct error *err);

/* What is allocated from now on is filled with something. */
void sandbox_disturb_memory(void);

#endif
