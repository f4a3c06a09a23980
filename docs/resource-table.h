/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOCS_RESOURCE_TABLE_H
#define DOCS_RESOURCE_TABLE_H

void resource_table(void);

#endif
