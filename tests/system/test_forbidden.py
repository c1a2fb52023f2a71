# SPDX-License-Identifier: MIT
"""The system forbids a call, as a container's seccomp profile or a missing capability does: weir ends with code 69 and one
line that names the cause and the next step."""
import os
import pathlib
import re
import subprocess
import sys

from refuse_io_uring import CALLS
from weir_process import DEADLINE_S, Settings, WeirTest, main

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
CANNOT_START = 69
POLICY = "a policy forbids it: seccomp, SELinux, AppArmor or the container's profile; allow it there"
STARTING = {  # call: the operation that fails without it
    "socket": "listen on", "bind": "listen on", "listen": "listen on", "getsockname": "listen on",
    "setsockopt": "listen on", "signalfd4": "receive signals", "eventfd2": "receive signals",
    "epoll_create1": "use epoll", "epoll_ctl": "use epoll",
}


def refusing(error, call):
    return (sys.executable, LAUNCHER, f"{error}:{call}")


class Forbidden(WeirTest):
    def setUp(self):
        if not CALLS:
            self.skipTest("the numbers of system calls are unknown here")
        tried = subprocess.run([*refusing("EPERM", "listen"), "/bin/true"], capture_output=True, timeout=DEADLINE_S,
                               check=False)
        if tried.returncode != 0:
            self.skipTest(f"seccomp filters are unavailable: {tried.stderr.decode().strip().splitlines()[-1]}")

    def test_each_call_of_the_start(self):
        for error in ("EPERM", "EACCES"):
            for call, operation in STARTING.items():
                if operation == "use epoll" and Settings.transport != "epoll":
                    continue
                with self.subTest(error=error, call=call):
                    ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "1",
                                          transport=True, launcher=refusing(error, call))
                    self.assertEqual((ended.returncode, ended.stdout), (CANNOT_START, ""), ended.stderr)
                    self.assertRegex(ended.stderr, rf"\Aweir: cannot {operation}.*: not permitted \({error}\); "
                                                   rf"{re.escape(POLICY)}\n\Z")

    def test_a_client(self):
        for call in ("socket", "connect"):
            for protocol in ("tcp", "udp"):
                with self.subTest(call=call, protocol=protocol):
                    ended = self.run_weir("send", f"{protocol}://127.0.0.1:9", "x", launcher=refusing("EPERM", call))
                    self.assertEqual((ended.returncode, ended.stdout), (CANNOT_START, ""), ended.stderr)
                    self.assertRegex(ended.stderr, r"\Aweir: cannot connect to .*\(EPERM\); a firewall or a policy .*\n\Z")

    def test_a_privileged_port(self):
        """Root of a user namespace has no capability in the network namespace of the machine."""
        first_free = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if not first_free.exists() or int(first_free.read_text("ascii")) <= 1:
            self.skipTest("no port is privileged here")
        unshare = ("unshare", "-U", "-r")
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no user namespaces")
        for option in ("--tcp", "--udp"):
            ended = self.run_weir("serve", option, "127.0.0.1:1", transport=True, launcher=unshare)
            self.assertEqual((ended.returncode, ended.stdout), (CANNOT_START, ""), ended.stderr)
            self.assertRegex(ended.stderr, r"\Aweir: cannot listen on (tcp|udp) 127.0.0.1:1: not permitted \(EACCES\); ports "
                                           r"below 1024 need root or CAP_NET_BIND_SERVICE; take a higher one\n\Z")


if __name__ == "__main__":
    main()
