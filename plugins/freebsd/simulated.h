/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FreeBSD kernel for the runner's tests, as far as the runner looks: jails below jails with their parameters,
 * mounts, devfs rules, interfaces and addresses, processes. It refuses what jail_set(2) refuses, and fails
 * at any call that the test wants.
 */
#ifndef PLUGINS_FREEBSD_SIMULATED_H
#define PLUGINS_FREEBSD_SIMULATED_H

#include "plugins/freebsd/os.h"

#define SIMULATED_MAX     24
#define SIMULATED_CONSOLE 1000 /* of a process with a terminal: no descriptor */

#define EACH(k, array, i) for (size_t i = 0; i < sizeof((k)->array) / sizeof((k)->array[0]); i++)

struct simulated_jail {
    int jid, parent; /* 0: the host */
    char name[256], path[256], hostname[256], domainname[256];
    int max;
    bool vnet;
    bool restricted[2]; /* IPv4, IPv6: to these addresses */
    unsigned char addresses[2][8][16];
    size_t n_addresses[2];
    int sysv[3], host, statfs;
    char flags[512]; /* " allow.mlock allow.mount" */
};

struct simulated_process {
    int pid, jid, umask;
    bool entered, running, terminal;
    struct os_child child;
    char fifos[256], cwd[256], program[256];
    uint32_t uid, gid, groups[4];
    size_t n_groups;
    uint64_t limits[16][2];
    bool no_new_privileges;
};

struct simulated {
    struct simulated_jail jails[SIMULATED_MAX];
    struct simulated_process processes[SIMULATED_MAX];
    char mounts[SIMULATED_MAX][256], rules[SIMULATED_MAX][256], files[SIMULATED_MAX][256];
    char addresses[SIMULATED_MAX][64]; /* "em0 192.0.2.1" */
    struct {
        char name[16];
        int jid;
    } interfaces[SIMULATED_MAX];
    char hooks[1024]; /* " PROGRAM" of each that ran */
    const char *failing_hook;
    int last, now; /* jid and pid; whose call it is: 0 hozo's, or a pid */
    int calls, fail_at;
    bool fail_behind; /* all others behind fail_at as well: hozo has been killed */
};

extern const struct os simulated_os;

/* A jail or an interface of the host's. */
struct simulated_jail *simulated_jail(struct simulated *k, int parent, const char *name, int max);
void simulated_interface(struct simulated *k, const char *name);
void simulated_address(struct simulated *k, const char *text);

struct simulated_jail *simulated_find(struct simulated *k, const char *name);
struct simulated_process *simulated_process(struct simulated *k, int pid);

/* hozo has been killed: what waits for it ends. */
void simulated_crash(struct simulated *k);

/* All that there is, as text: free(). */
char *simulated_text(const struct simulated *k);

#endif
