/* SPDX-License-Identifier: Apache-2.0 */
/* All that a plugin is compiled with, where abidw finds it: the structures lie behind the host's functions, but
 * numbers that are only macros are in no type. */
#include <hozo/plugin.h>

const struct hozo_plugin *interface_plugin;
const struct hozo_field *interface_field;
const struct hozo_annotation *interface_annotation;
const struct hozo_feature *interface_feature;
const struct hozo_ctx *interface_ctx;

enum hozo_type interface_type;
enum hozo_log_level interface_log_level;
enum hozo_phase interface_phase;
enum hozo_late_type interface_late_type;
enum hozo_label_kind interface_label_kind;
enum hozo_verb interface_verb;
enum hozo_status interface_status;

enum uses {
    OWN = HOZO_OWN,
    READ = HOZO_READ,
    REQUIRED = HOZO_REQUIRED,
    UNSET_0 = HOZO_UNSET_0,
    MAGIC = HOZO_MAGIC
} interface_uses;
