/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_STDIO_H
#define TESTS_FREEBSD_STDIO_H

#include <stdarg.h>
#include <sys/types.h>
typedef struct __sFILE FILE;
#define SEEK_SET 0
int fclose(FILE *f);
int fputs(const char *s, FILE *f);
FILE *open_memstream(char **text, size_t *size);
int fprintf(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vasprintf(char **text, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
extern FILE *__stdinp, *__stdoutp, *__stderrp;
#define stdin __stdinp
#define stdout __stdoutp
#define stderr __stderrp
#define EOF (-1)
int fflush(FILE *f);
int fputc(int c, FILE *f);
int putchar(int c);
int puts(const char *s);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int dprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
int asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int vsnprintf(char *text, size_t size, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));
int vfprintf(FILE *f, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
int sscanf(const char *text, const char *format, ...);
int fscanf(FILE *f, const char *format, ...);
FILE *fdopen(int fd, const char *mode);
FILE *fopen(const char *path, const char *mode);
ssize_t getline(char **line, size_t *size, FILE *f);
ssize_t getdelim(char **line, size_t *size, int end, FILE *f);
size_t fread(void *p, size_t size, size_t n, FILE *f);
size_t fwrite(const void *p, size_t size, size_t n, FILE *f);
int ferror(FILE *f);
int feof(FILE *f);
int renameat(int from, const char *a, int to, const char *b);

#endif
