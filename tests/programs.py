# SPDX-License-Identifier: Apache-2.0
"""The eBPF programs of this kernel, and which of them guard a control group."""
import ctypes
import os
import struct

from harness import Skip, libc

SYS_BPF = {"x86_64": 321, "aarch64": 280}
PROG_GET_FD_BY_ID, OBJ_GET_INFO_BY_FD, PROG_QUERY, CGROUP_DEVICE = 13, 15, 16, 6
NAME_OFFSET = 64  # in struct bpf_prog_info


def _bpf(command, attributes):
    room = ctypes.create_string_buffer(attributes, 128)
    return libc.syscall(SYS_BPF[os.uname().machine], command, room, len(room)), room.raw


def devices_of(directory):
    """The identities of the programs that decide about devices in this control group of cgroup v2."""
    ids = (ctypes.c_uint32 * 64)()
    fd = os.open(directory, os.O_RDONLY)
    try:
        failed, answer = _bpf(PROG_QUERY, struct.pack("IIIIQI", fd, CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), 64))
    finally:
        os.close(fd)
    if failed:
        raise Skip("the kernel tells of no eBPF programs")
    return list(ids[:struct.unpack_from("I", answer, 24)[0]])


def name(identity):
    """The name of a program, or None if it is gone: no other gets its number for a long time."""
    fd, _ = _bpf(PROG_GET_FD_BY_ID, struct.pack("I", identity))
    if fd < 0:
        return None
    info = ctypes.create_string_buffer(256)
    _bpf(OBJ_GET_INFO_BY_FD, struct.pack("IIQ", fd, len(info), ctypes.addressof(info)))
    os.close(fd)
    return info.raw[NAME_OFFSET:NAME_OFFSET + 16].rstrip(b"\0").decode()
