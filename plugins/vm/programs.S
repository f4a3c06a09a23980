/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-agent, hozo-init and hozo-monitor in the plugin's constant data. The files come from meson. */
#if __SIZEOF_POINTER__ == 8
#define SIZE .quad
#else
#define SIZE .long
#endif

#define PROGRAM(name, file)                                                                        \
        .global vm_##name##_image;                                                                 \
        .hidden vm_##name##_image;                                                                 \
        .global vm_##name##_size;                                                                  \
        .hidden vm_##name##_size;                                                                  \
        .balign 16;                                                                                \
vm_##name##_image:                                                                                 \
        .incbin file;                                                                              \
.Lend_##name:                                                                                      \
        .balign 8;                                                                                 \
vm_##name##_size:                                                                                  \
        SIZE .Lend_##name - vm_##name##_image

        .section .rodata
        PROGRAM(agent, HOZO_AGENT_FILE)
        PROGRAM(init, HOZO_INIT_FILE)
        PROGRAM(monitor, HOZO_MONITOR_FILE)
        .section .note.GNU-stack, "", %progbits
