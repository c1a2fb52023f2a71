# SPDX-License-Identifier: MIT
"""Runs a test in a network of its own, as a container has one: every port is free, and the test chooses the addresses.

    @in_own_network("link set lo up", "addr del ::1/128 dev lo")     # arguments of ip(8), one call each
    def test_without_ipv6(self):
        weir = self.start()

The network belongs to one thread and to the programs that it starts, and ends with them. Where the system does not
allow it, the test is skipped.
"""
import ctypes
import functools
import os
import subprocess
import threading

_CLONE_NEWNET = 0x40000000


def _enter(commands):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)


def in_own_network(*commands):
    def wrap(test):
        @functools.wraps(test)
        def run(self):
            failures, refused = [], []

            def body():
                try:
                    _enter(commands)
                except (OSError, subprocess.CalledProcessError) as error:
                    refused.append(error)
                    return
                try:
                    test(self)
                except BaseException as error: # also a skip: the test's own thread handles it
                    failures.append(error)
                finally:
                    self.doCleanups()
            thread = threading.Thread(target=body)
            thread.start()
            thread.join()
            if refused:
                self.skipTest(f"this user cannot create a network: {refused[0]}")
            if failures:
                raise failures[0]
        return run
    return wrap
