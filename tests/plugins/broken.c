/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins that must be refused, or that break a rule when called: one for each macro. */
#include <string.h>

#include "hozo/plugin.h"

#ifdef WITHOUT_SYMBOL
extern __attribute__((visibility("default"))) const int something_else;
const int something_else = 1;
#else

#ifndef NAME
#define NAME "broken-test"
#endif
#ifndef FIELD
#define FIELD "linux.memoryPolicy.mode"
#endif
#ifndef TYPE
#define TYPE HOZO_STRING
#endif

static const struct hozo_field fields[] = {
    {FIELD, TYPE, HOZO_OWN, NULL, 0, 0, NULL, "A field."},
};
#ifdef NAMES
static const char *const names[] = {NAMES};
#elif defined WITHOUT_NAMES
static const char *const names[] = {"linux.intelRdt"};
#else
static const char *const names[] = {"linux.memoryPolicy", "linux", "linux.intelRdt"};
#endif

#ifdef AFTER
static const char *const after[] = {AFTER};
#endif

#ifdef CALLBACK
static int callback(struct hozo_ctx *ctx)
{
    struct hozo_work work = {.size = sizeof work, .what = "x"};
    struct hozo_cursor at = {0};
    const char *value;

    (void)work;
    (void)at;
    (void)value;
    CALLBACK;
}
#endif

HOZO_PLUGIN(broken) = {
    HOZO_HEADER,
    .name = NAME,
    .version = "1",
    .package = "hozo-plugin-broken-test",
    .names = HOZO_TABLE(names),
    .fields = HOZO_TABLE(fields),
#ifdef AFTER
    .after = HOZO_TABLE(after),
#endif
#ifdef CALLBACK
    .STAGE = callback,
#endif
#ifdef MEMBER
    MEMBER,
#endif
};
#endif
