/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FREEBSD_DLFCN_H
#define TESTS_FREEBSD_DLFCN_H

#define RTLD_NOW 2
#define RTLD_LOCAL 0
void *dlopen(const char *path, int flags);
void *dlsym(void *library, const char *name);
char *dlerror(void);
int dlclose(void *library);
#define RTLD_DI_LINKMAP 2
typedef struct {
    const char *dli_fname;
    void *dli_fbase;
    const char *dli_sname;
    void *dli_saddr;
} Dl_info;
int dladdr(const void *address, Dl_info *info);
int dlinfo(void *library, int request, void *to);

#endif
