/* SPDX-License-Identifier: Apache-2.0 */
/* hozo-init, as the build made it, in hozo's constant data. HOZO_INIT_FILE comes from meson. */
        .section .rodata
        .global hozo_init_image
        .global hozo_init_size
        .balign 16
hozo_init_image:
        .incbin HOZO_INIT_FILE
1:
        .balign 8
hozo_init_size:
#if __SIZEOF_POINTER__ == 8
        .quad 1b - hozo_init_image
#else
        .long 1b - hozo_init_image
#endif
        .section .note.GNU-stack, "", %progbits
