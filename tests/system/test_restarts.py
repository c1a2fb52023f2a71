# SPDX-License-Identifier: MIT
"""A restart waits for an address that old connections still use, and only while no program listens on it.

An earlier program without SO_REUSEADDR leaves such a connection. Under Wine Linux's rules apply, too."""
import contextlib
import os
import socket
import sys

from own_network import in_own_network
from weir_process import WeirTest, close_with_reset, echo_once, linux_only, main, stop_signals

OK, CANNOT_LISTEN = 0, 69
WAITS = "old connections still use the address, and no program listens on it"
FOREVER = "1h"


@contextlib.contextmanager
def old_connection(host="127.0.0.1"):
    """Yields (port, connection) of a program whose listener is closed, and whose connection is not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen()
        address = listener.getsockname()[:2]
        peer = socket.create_connection(address)
        connection = listener.accept()[0]
    with peer, connection:
        yield address[1], connection


def address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Restarts(WeirTest):
    def wait_waiting(self, weir):
        weir.wait_until("it waits for the address", lambda: WAITS in weir.log)

    def test_it_starts_when_the_old_connection_ends(self):
        for host, listen in (("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "")):
            for workers in ("1", "2"):
                with self.subTest(host=host, listen=listen, workers=workers), old_connection(host) as (port, old):
                    weir = self.launch("--tcp", address(listen, port) if listen else str(port), "--workers", workers,
                                       "--bind-wait", FOREVER)
                    self.wait_waiting(weir)
                    with self.assertRaises(ConnectionRefusedError):
                        socket.create_connection((host, port)).close()
                    close_with_reset(old)
                    weir.wait_ready()
                    echo_once((host, port))
                    self.assertEqual(weir.stop().log.count(WAITS), 1, "one line per address")

    def test_no_other_listener_opens_meanwhile(self):
        with old_connection() as (port, old), socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            free = other.getsockname()[1]
            other.close()
            weir = self.launch("--tcp", f"127.0.0.1:{free}", "--tcp", f"127.0.0.1:{port}", "--bind-wait", FOREVER)
            self.wait_waiting(weir)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", free)).close()
            close_with_reset(old)
            weir.wait_ready().stop()

    def test_the_wait_ends(self):
        with old_connection() as (port, _):
            ended = self.run_weir("--tcp", f"127.0.0.1:{port}", "--bind-wait", "100ms", transport=True)
            self.assertEqual((ended.returncode, ended.stdout), (CANNOT_LISTEN, ""))
            self.assertRegex(ended.stderr, rf"(?m)^weir: warning: tcp 127\.0\.0\.1:{port}: {WAITS}; waiting for at most "
                             r"bind_wait_ms = 100$")
            self.assertRegex(ended.stderr, rf"(?m)^weir: cannot listen on tcp 127\.0\.0\.1:{port}: address in use\b")

    def test_the_wait_can_be_off(self):
        with old_connection() as (port, _):
            ended = self.run_weir("--tcp", f"127.0.0.1:{port}", "--bind-wait", "off", transport=True)
            self.assertEqual(ended.returncode, CANNOT_LISTEN)
            self.assertNotIn(WAITS, ended.stderr)

    def test_a_signal_ends_the_wait(self):
        for number in stop_signals():
            with self.subTest(signal=number), old_connection() as (port, _):
                weir = self.launch("--tcp", f"127.0.0.1:{port}", "--bind-wait", FOREVER)
                self.wait_waiting(weir)
                weir.send_signal(number)
                ended = weir.wait_end()
                self.assertEqual((ended.code, weir.process.stdout.read()), (OK, b""))
                self.assertNotIn("cannot listen", ended.log)

    def test_it_does_not_wait_for_a_running_program(self):
        """The wait would exceed the deadline of the test."""
        for host, listen in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"),
                             ("::1", "::"), ("127.0.0.1", "::")):
            with self.subTest(host=host, listen=listen), \
                    socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as running:
                running.bind((host, 0))
                running.listen()
                ended = self.run_weir("--tcp", address(listen, running.getsockname()[1]), "--bind-wait", FOREVER,
                                      transport=True)
                self.assertEqual((ended.returncode, ended.stdout), (CANNOT_LISTEN, ""))
                self.assertNotIn(WAITS, ended.stderr)

    def test_it_does_not_wait_for_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as running:
            running.bind(("127.0.0.1", 0))
            ended = self.run_weir("--udp", "127.0.0.1:%d" % running.getsockname()[1], "--bind-wait", FOREVER,
                                  transport=True)
            self.assertEqual(ended.returncode, CANNOT_LISTEN)
            self.assertNotIn(WAITS, ended.stderr)

    @linux_only("Wine's server has the host's network")
    @in_own_network("link set lo up", "addr add 192.0.2.7/32 dev lo")
    def test_a_listener_on_another_address_counts(self):
        """No connection to loopback would find it."""
        with socket.socket() as running:
            running.bind(("192.0.2.7", 7000))
            running.listen()
            ended = self.run_weir("--tcp", "7000", "--bind-wait", FOREVER, transport=True)
            self.assertEqual(ended.returncode, CANNOT_LISTEN)
            self.assertNotIn(WAITS, ended.stderr)

    @linux_only("the list comes from elsewhere")
    def test_without_the_kernels_list_it_does_not_wait(self):
        launcher = (sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_call.py"), "netlink",
                    "EAFNOSUPPORT")
        with old_connection() as (port, _):
            ended = self.run_weir("--tcp", f"127.0.0.1:{port}", "--bind-wait", FOREVER, transport=True, launcher=launcher)
            if "cannot set a seccomp filter" in ended.stderr:
                self.skipTest("seccomp filters are unavailable")
            self.assertEqual(ended.returncode, CANNOT_LISTEN)
            self.assertNotIn(WAITS, ended.stderr)


if __name__ == "__main__":
    main()
