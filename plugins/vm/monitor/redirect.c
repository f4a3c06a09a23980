/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/vm/monitor/redirect.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugins/vm/monitor/monitor.h"

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, Linux 6.6 */

/* Which offloads its reader knows that tells the kernel itself; until then there are none. */
int tap_open(int *index)
{
    auto_close int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request;
    int own;

    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s%%d", TAP_NAME);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 ||
        !(*index = (int)if_nametoindex(request.ifr_name)))
        return -1;
    own = fcntl(fd, F_DUPFD_CLOEXEC, OUR_DESCRIPTORS);
    return own;
}

static int load(int to)
{
    /* return bpf_redirect(to, 0); */
    const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = to},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
    attr.insns = (uintptr_t)program;
    attr.insn_cnt = ARRAY_SIZE(program);
    attr.license = (uintptr_t) "Apache-2.0";
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

int redirect(int from, int to)
{
    auto_close int program = load(to), link = -1;
    union bpf_attr attr;

    if (program < 0)
        return -1;
    memset(&attr, 0, sizeof attr);
    attr.link_create.prog_fd = (uint32_t)program;
    attr.link_create.target_ifindex = (uint32_t)from;
    attr.link_create.attach_type = TCX_INGRESS;
    link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof attr);
    /* It holds as long as this descriptor is open. */
    return link < 0 || fcntl(link, F_DUPFD_CLOEXEC, OUR_DESCRIPTORS) < 0 ? -1 : 0;
}
