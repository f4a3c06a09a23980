/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_STDLIB_H
#define TESTS_FREEBSD_STDLIB_H

#include <stddef.h>
int atexit(void (*function)(void));
int at_quick_exit(void (*function)(void));
int atoi(const char *s);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
int mkostemp(char *path, int flags);
_Noreturn void abort(void);
_Noreturn void exit(int status);
char *getenv(const char *name);
void *realloc(void *p, size_t size);
void *reallocarray(void *p, size_t n, size_t size);
void qsort(void *at, size_t n, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *at, size_t n, size_t size, int (*compare)(const void *, const void *));
long strtol(const char *s, char **end, int base);
long long strtoll(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base);
double strtod(const char *s, char **end);
char *realpath(const char *path, char *resolved);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
int clearenv(void);
long labs(long n);
int abs(int n);
int posix_openpt(int flags);
int grantpt(int fd);
int unlockpt(int fd);
char *ptsname(int fd);

#endif
