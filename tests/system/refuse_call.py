# SPDX-License-Identifier: MIT
"""Runs a program to which the kernel refuses a call with one argument (refuse_io_uring.py: a call as a whole):

    refuse_call.py ipv6|netlink|no_new_privs EPERM|ENOSYS|... PROGRAM ARGUMENT...

ipv6, netlink: socket(AF_INET6, ...), socket(AF_NETLINK, ...). no_new_privs: prctl(PR_SET_NO_NEW_PRIVS, ...); the program
itself then starts with it set, unless the user may set a filter without it (root).
"""
import ctypes
import errno
import os
import platform
import socket
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
RETURN_ERRNO, RETURN_ALLOW = 0x00050000, 0x7fff0000
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16 # in struct seccomp_data; the low half of the argument
SOCKET, PRCTL = (41, 157) if platform.machine() == "x86_64" else (198, 167)
REFUSED = {"ipv6": (SOCKET, int(socket.AF_INET6)),
           "netlink": (SOCKET, int(socket.AF_NETLINK)),
           "no_new_privs": (PRCTL, PR_SET_NO_NEW_PRIVS)}


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def steps_that_refuse(call, argument, os_error):
    def step(code, if_true, if_false, value):
        return struct.pack("=HBBI", code, if_true, if_false, value)
    refuse, allow = step(RETURN, 0, 0, RETURN_ERRNO | os_error), step(RETURN, 0, 0, RETURN_ALLOW)
    load = step(LOAD_WORD, 0, 0, NUMBER_AT)
    return (load + step(JUMP_IF_EQUAL, 0, 3, call) + step(LOAD_WORD, 0, 0, FIRST_ARGUMENT_AT)
            + step(JUMP_IF_EQUAL, 0, 1, argument) + refuse + allow)


def refuse(what, os_error):
    steps = steps_that_refuse(*REFUSED[what], os_error)
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(steps) // 8, steps)
    # Root can set a filter without it.
    if os.geteuid() != 0 and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot set a seccomp filter")


if __name__ == "__main__":
    refuse(sys.argv[1], getattr(errno, sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])
