# SPDX-License-Identifier: Apache-2.0
"""A kernel that does not know, or does not permit, some system calls: a seccomp filter answers with an errno."""
import ctypes
import os
import struct

from harness import Skip, libc

# From 424 on the numbers are the same everywhere.
NUMBERS = {"pidfd_send_signal": 424, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
           "fsmount": 432, "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437,
           "faccessat2": 439, "mount_setattr": 442}
X86_64 = {"ioctl": 16, "keyctl": 250, "setns": 308, "memfd_create": 319, "bpf": 321, "execveat": 322}

LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ERRNO, ALLOW = 0x50000, 0x7fff0000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def number_of(name):
    if name in NUMBERS:
        return NUMBERS[name]
    if os.uname().machine != "x86_64":
        raise Skip(f"the number of {name} is only known for x86-64")
    return X86_64[name]


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def refusing(*rules):
    """A preexec_fn. A rule is (name, errno), or (name, errno, argument, value) for calls in which that argument
    has this value, or with "flag" as a fifth word, any of its bits."""
    program = b""
    for name, error, *condition in rules:
        answer = instruction(RETURN, ERRNO | error)
        if condition:
            argument, value, *flag = condition
            answer = (instruction(LOAD, 16 + 8 * argument)
                      + instruction(JUMP_ANY_BIT if flag else JUMP_EQUAL, value, 0, 1) + answer)
        program += (instruction(LOAD, 0) + instruction(JUMP_EQUAL, number_of(name), 0, len(answer) // 8) + answer)
    program += instruction(RETURN, ALLOW)

    def apply():
        filter_ = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(filter_))
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0):
            os._exit(125)
    return apply
