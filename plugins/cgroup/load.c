/* SPDX-License-Identifier: Apache-2.0 */
/* The device program, loaded and attached. It lives as long as the cgroup. */
#include "plugins/cgroup/cgroup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>

#define PROGRAM_NAME "hozo_devices"
#define PROGRAMS_MAX 64

static int bpf(int command, union bpf_attr *attr)
{
    long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

    return r < 0 ? -errno : (int)r;
}

static uint64_t pointer(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static int load(const void *program, size_t size)
{
    union bpf_attr attr = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .insn_cnt = (__u32)(size / sizeof(struct bpf_insn)),
        .insns = pointer(program),
        .license = pointer("Apache-2.0"),
        .prog_name = PROGRAM_NAME,
        .expected_attach_type = BPF_CGROUP_DEVICE,
    };

    return bpf(BPF_PROG_LOAD, &attr);
}

/* A descriptor of the program if it is one of ours. */
static int open_ours(uint32_t id)
{
    struct bpf_prog_info info = {0};
    union bpf_attr attr = {.prog_id = id};
    int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);

    if (fd < 0)
        return fd;
    memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = (__u32)fd;
    attr.info.info_len = sizeof(info);
    attr.info.info = pointer(&info);
    if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && !strcmp(info.name, PROGRAM_NAME))
        return fd;
    close(fd);
    return -ENOENT;
}

/* All programs of a cgroup must agree to an access. One that an earlier container has left on a
 * cgroup that is used again would hold for this container; those of others are meant to hold. */
static int find_ours(int cgroup)
{
    uint32_t ids[PROGRAMS_MAX] = {0};
    union bpf_attr attr = {0};
    int r, fd;

    attr.query.target_fd = (__u32)cgroup;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = pointer(ids);
    attr.query.prog_cnt = PROGRAMS_MAX;
    if ((r = bpf(BPF_PROG_QUERY, &attr)) < 0)
        return r;
    for (uint32_t i = 0; i < attr.query.prog_cnt; i++)
        if ((fd = open_ours(ids[i])) >= 0)
            return fd;
    return -ENOENT;
}

int device_program_attach(int cgroup, const void *program, size_t size)
{
    auto_close int fd = load(program, size), old = -1;
    union bpf_attr attr = {
        .target_fd = (__u32)cgroup,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };

    if (fd < 0)
        return fd;
    attr.attach_bpf_fd = (__u32)fd;
    if ((old = find_ours(cgroup)) >= 0) {
        attr.attach_flags |= BPF_F_REPLACE;
        attr.replace_bpf_fd = (__u32)old;
    } else if (old != -ENOENT) {
        return old;
    }
    return bpf(BPF_PROG_ATTACH, &attr);
}
