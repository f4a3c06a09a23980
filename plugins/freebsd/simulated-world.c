/* SPDX-License-Identifier: Apache-2.0 */
/* What a test makes of the simulated kernel, and sees of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/freebsd/simulated.h"

void simulated_interface(struct simulated *k, const char *name)
{
    EACH (k, interfaces, i)
        if (!*k->interfaces[i].name) {
            snprintf(k->interfaces[i].name, sizeof(k->interfaces[i].name), "%s", name);
            return;
        }
}

struct simulated_process *simulated_process(struct simulated *k, int pid)
{
    EACH (k, processes, i)
        if (pid && k->processes[i].pid == pid)
            return &k->processes[i];
    return NULL;
}

void simulated_crash(struct simulated *k)
{
    EACH (k, processes, i)
        if (k->processes[i].pid && !k->processes[i].entered)
            k->processes[i] = (struct simulated_process){0};
    k->fail_at = 0;
    k->now = 0;
}

char *simulated_text(const struct simulated *k)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        abort();
    EACH (k, jails, i)
        if (k->jails[i].jid)
            fprintf(f, "jail %s max=%d\n", k->jails[i].name, k->jails[i].max);
    EACH (k, processes, i)
        if (k->processes[i].pid)
            fprintf(f, "process in %d\n", k->processes[i].jid);
    EACH (k, mounts, i) {
        if (*k->mounts[i])
            fprintf(f, "mount %s\n", k->mounts[i]);
        if (*k->rules[i])
            fprintf(f, "rule %s\n", k->rules[i]);
        if (*k->files[i])
            fprintf(f, "file %s\n", k->files[i]);
        if (*k->addresses[i])
            fprintf(f, "address %s\n", k->addresses[i]);
        if (*k->interfaces[i].name)
            fprintf(f, "interface %s in %d\n", k->interfaces[i].name, k->interfaces[i].jid);
    }
    fclose(f);
    return text;
}
