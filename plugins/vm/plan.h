/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the plan. */
#ifndef PLUGINS_VM_PLAN_H
#define PLUGINS_VM_PLAN_H

#include <stdio.h>

#include "plugins/vm/vm.h"

#define WORK_DRIVER           "driver"
#define WORK_HYPERVISOR       "hypervisor"
#define WORK_PARAMETER        "hypervisor-parameter"
#define WORK_KERNEL           "kernel"
#define WORK_KERNEL_PARAMETER "kernel-parameter"
#define WORK_INITRD           "initrd"
#define WORK_IMAGE            "image"
#define WORK_VCPUS            "vcpus"
#define WORK_MEMORY           "memory"
#define WORK_READONLY         "read-only"

/* Late values. */
#define LATE_MONITOR "monitor"
#define LATE_SETUP   "setup"
#define LATE_INITRD  "initrd"

#endif
