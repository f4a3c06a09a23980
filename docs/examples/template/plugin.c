/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin to begin with: the annotation com.example.template becomes a variable of the program.
 *
 * Call yours by a domain name of your own: the file name, NAME, and the key. Then
 *
 *     cc -std=c11 -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden -Wl,-z,now,-z,relro,-z,defs $(pkg-config --cflags hozo-plugin) -o annotations.com.example.template.so plugin.c
 *
 * or use the meson.build beside this file. hozo/plugin.h is the documentation of all that is used here.
 */
#include <hozo/plugin.h>

#define NAME "com.example.template"

/* Pure: reads what the container asks for, and adds to its configuration. */
static int on_adjust(struct hozo_ctx *ctx)
{
    const char *value;
    int found = hozo_annotation(ctx, NAME, &value);

    if (found <= 0)
        return found;
    if (!*value)
        return hozo_error(ctx, 0, "annotations", NAME ": is empty");
    return hozo_add_env(ctx, "TEMPLATE", value);
}

static const char *const names[] = {"annotations." NAME};

static const struct hozo_annotation annotations[] = {
    {NAME, HOZO_OWN, "The value of the variable TEMPLATE."},
};

HOZO_PLUGIN(template) = {
    HOZO_HEADER,
    .name = NAME,
    .version = "1.0",
    .package = "hozo-plugin-template",
    .summary = "A variable by annotation.",
    .names = HOZO_TABLE(names),
    .annotations = HOZO_TABLE(annotations),
    .adjust = on_adjust,
};
