# SPDX-License-Identifier: MIT
"""Runs a program without access to io_uring, or to another system call, as a container's seccomp profile does:

    refuse_io_uring.py EPERM|ENOSYS|ENOMEM PROGRAM ARGUMENT...
    refuse_io_uring.py EPERM:socket PROGRAM ARGUMENT...
"""
import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
IO_URING_SETUP = 425  # the same number on x86_64 and aarch64
CALLS = {  # numbers on x86_64 and aarch64
    "x86_64": {"socket": 41, "connect": 42, "bind": 49, "listen": 50, "getsockname": 51, "setsockopt": 54,
               "epoll_ctl": 233, "signalfd4": 289, "eventfd2": 290, "epoll_create1": 291, "clone3": 435,
               "landlock_create_ruleset": 444},
    "aarch64": {"socket": 198, "connect": 203, "bind": 200, "listen": 201, "getsockname": 204, "setsockopt": 208,
                "epoll_ctl": 21, "signalfd4": 74, "eventfd2": 19, "epoll_create1": 20, "clone3": 435, "landlock_create_ruleset": 444},
}.get(os.uname().machine, {})
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
RETURN_ERRNO, RETURN_ALLOW = 0x00050000, 0x7fff0000


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def refuse(os_error, call=IO_URING_SETUP):
    def step(code, if_true, if_false, value):
        return struct.pack("=HBBI", code, if_true, if_false, value)
    steps = (step(LOAD_WORD, 0, 0, 0)  # the system call's number
             + step(JUMP_IF_EQUAL, 0, 1, call)
             + step(RETURN, 0, 0, RETURN_ERRNO | os_error)
             + step(RETURN, 0, 0, RETURN_ALLOW))
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(steps) // 8, steps)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot set a seccomp filter")


if __name__ == "__main__":
    error_name, _, call_name = sys.argv[1].partition(":")
    refuse(getattr(errno, error_name), CALLS[call_name] if call_name else IO_URING_SETUP)
    os.execv(sys.argv[2], sys.argv[2:])
