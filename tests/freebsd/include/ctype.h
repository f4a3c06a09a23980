/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_CTYPE_H
#define TESTS_FREEBSD_CTYPE_H

int isalnum(int c);
int isalpha(int c);
int isdigit(int c);
int isprint(int c);
int isspace(int c);
int isupper(int c);
int islower(int c);
int isxdigit(int c);
int tolower(int c);
int toupper(int c);

#endif
