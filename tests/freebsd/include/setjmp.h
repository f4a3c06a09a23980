/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_SETJMP_H
#define TESTS_FREEBSD_SETJMP_H

typedef long jmp_buf[16], sigjmp_buf[16];
int sigsetjmp(sigjmp_buf at, int mask);
_Noreturn void siglongjmp(sigjmp_buf at, int value);

#endif
