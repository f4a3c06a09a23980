/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_UNISTD_H
#define TESTS_FREEBSD_UNISTD_H

#include <sys/types.h>
int chdir(const char *path);
int close(int fd);
void closefrom(int fd);
int dup2(int from, int to);
int execve(const char *path, char *const *args, char *const *env);
int execvp(const char *path, char *const *args);
_Noreturn void _exit(int status);
pid_t fork(void);
pid_t getpid(void);
off_t lseek(int fd, off_t at, int whence);
ssize_t read(int fd, void *bytes, size_t size);
int rmdir(const char *path);
int setgroups(int n, const gid_t *groups);
int setpgid(pid_t pid, pid_t group);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int unlink(const char *path);
ssize_t write(int fd, const void *bytes, size_t size);
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
#define _SC_CLK_TCK 3
#define _SC_PAGESIZE 47
#define _SC_NPROCESSORS_ONLN 58
#define SEEK_CUR 1
#define SEEK_END 2
unsigned int alarm(unsigned int seconds);
int access(const char *path, int mode);
int faccessat(int dir, const char *path, int mode, int flags);
int dup(int fd);
int dup3(int from, int to, int flags);
int pipe2(int *pair, int flags);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
pid_t getppid(void);
pid_t setsid(void);
char *getcwd(char *path, size_t size);
int fchdir(int fd);
int fchown(int fd, uid_t uid, gid_t gid);
int ftruncate(int fd, off_t size);
int fsync(int fd);
int fdatasync(int fd);
int isatty(int fd);
ssize_t pread(int fd, void *bytes, size_t size, off_t at);
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t readlink(const char *path, char *to, size_t size);
ssize_t readlinkat(int dir, const char *path, char *to, size_t size);
int symlinkat(const char *target, int dir, const char *path);
int unlinkat(int dir, const char *path, int flags);
long sysconf(int name);
int usleep(unsigned int microseconds);
int link(const char *a, const char *b);
int linkat(int from, const char *a, int to, const char *b, int flags);
int rename(const char *a, const char *b);
#define CLOSE_RANGE_CLOEXEC 0x10
int close_range(unsigned int first, unsigned int last, int flags);
int getdtablecount(void);
pid_t _Fork(void);
#define SEEK_SET 0

#endif
