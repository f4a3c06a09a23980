/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_TERMIOS_H
#define TESTS_FREEBSD_TERMIOS_H

/* tty(4) */
#define TIOCSCTTY  0x20007461
#define TIOCSWINSZ 0x80087467
struct winsize {
    unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

#endif
