/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_STRING_H
#define TESTS_FREEBSD_STRING_H

#include <stddef.h>
int memcmp(const void *a, const void *b, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
char *strchr(const char *s, int c);
int strcmp(const char *a, const char *b);
size_t strcspn(const char *s, const char *set);
char *strerror(int e);
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);
char *strpbrk(const char *s, const char *set);
char *strrchr(const char *s, int c);
char *strsep(char **s, const char *set);
size_t strspn(const char *s, const char *set);
char *strstr(const char *s, const char *what);
char *strdup(const char *s);
char *strndup(const char *s, size_t n);
size_t strnlen(const char *s, size_t n);
char *strcpy(char *to, const char *from);
char *stpcpy(char *to, const char *from);
char *strcat(char *to, const char *from);
char *strchrnul(const char *s, int c);
void *memchr(const void *p, int c, size_t n);
void *memrchr(const void *p, int c, size_t n);
void *memmem(const void *p, size_t n, const void *what, size_t size);
void *mempcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t n);
char *strtok_r(char *s, const char *set, char **save);
char *strsignal(int signal);
void explicit_bzero(void *p, size_t n);

#endif
