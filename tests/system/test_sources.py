# SPDX-License-Identifier: MIT
"""Datagrams with a forged source that must never be answered: own addresses, port 0, broadcast and multicast addresses.

A single answer to a datagram with the server's own source would loop forever. Forging needs a raw socket
(CAP_NET_RAW); without it, these tests are skipped. Everything stays on the loopback interface; if the
system allows it, on that of a new network namespace, which then also has an address outside 127.0.0.0/8.
"""
import ctypes
import os
import subprocess

from forged import can_forge, send_forged
from weir_process import DEADLINE_S, WeirTest, connect, main, udp_socket

CLONE_NEWNET = 0x40000000
EXTRA_HOST = "192.0.2.1"  # TEST-NET-1
has_extra_host = False


def setUpModule():
    """Moves this process, and with it every weir it starts, into a new network namespace."""
    global has_extra_host
    if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return
    for command in ("ip link set lo up", f"ip address add {EXTRA_HOST}/24 dev lo"):
        subprocess.run(command.split(), check=True, timeout=DEADLINE_S)
    has_extra_host = True


def waiting_bytes(port):
    """Returns the bytes that this UDP port has received and its owner has not read, from /proc/net."""
    total = 0
    for path in ("/proc/net/udp", "/proc/net/udp6"):
        if not os.path.exists(path):
            continue
        with open(path) as table:
            for line in table.readlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port:
                    total += int(fields[4].partition(":")[2], 16)
    return total


class Sources(WeirTest):
    def setUp(self):
        if not can_forge():
            self.skipTest("no CAP_NET_RAW: cannot forge a source")

    def wait_processed(self, weir, honest):
        """Waits until every forged datagram was read and the server still answers; counts its own answers in
        `honest`."""
        for listener in weir.listeners:
            if listener.proto == "tcp":
                continue
            weir.wait_until("its queue is empty", lambda: waiting_bytes(listener.port) == 0)
            host = {"::": "::1"}.get(listener.host, listener.host)
            with udp_socket((host, listener.port)) as peer:
                for _ in range(3):
                    peer.send(b"honest")
                    self.assertEqual(peer.recv(100), b"honest")
                    honest.append(1)

    def assert_dropped(self, weir, forged, own=0, bad=0):
        """Requires that only the requests of wait_processed() were answered."""
        honest = []
        self.wait_processed(weir, honest)
        summary = weir.stop().summary
        self.assertEqual(summary["datagrams_out"], len(honest), summary)
        self.assertEqual(summary["datagrams_in"], len(honest) + forged, summary)
        self.assertEqual(summary["dropped_own_source"], own, summary)
        self.assertEqual(summary["dropped_bad_source"], bad, summary)
        self.assertEqual(summary["dropped_unsent"], 0, summary)

    def test_own_address_and_port(self):
        for bind in ("127.0.0.1:0", "[::1]:0"):
            with self.subTest(bind=bind):
                weir = self.start("--udp", bind, "--workers", "1")
                for _ in range(5):
                    send_forged(weir.udp, weir.udp)
                self.assert_dropped(weir, forged=5, own=5)

    def test_own_port_on_any_address_of_this_machine(self):
        """A wildcard listener answers on all local addresses, so all of them are its own."""
        weir = self.start("--udp", "[::]:0", "--workers", "1")
        port = weir.udp[1]
        for source, target in (("127.0.0.1", "127.0.0.1"), ("127.0.0.5", "127.0.0.1"), ("127.0.0.1", "127.9.9.9"),
                               ("::1", "::1")):
            send_forged((source, port), (target, port))
        self.assert_dropped(weir, forged=4, own=4)

    def test_own_address_of_an_interface(self):
        if not has_extra_host:
            self.skipTest("no new network namespace")
        weir = self.start("--udp", "[::]:0", "--workers", "1")
        port = weir.udp[1]
        send_forged((EXTRA_HOST, port), ("127.0.0.1", port))
        send_forged((EXTRA_HOST, port), (EXTRA_HOST, port))
        self.assert_dropped(weir, forged=2, own=2)

    def test_own_address_without_descriptors(self):
        """Recognizing its own addresses must not need a free descriptor."""
        if not has_extra_host:
            self.skipTest("no new network namespace")
        weir = self.start("--udp", "[::]:0", "--tcp", "127.0.0.1:0", "--workers", "1", files_max=32)
        port = weir.udp[1]
        for _ in range(40):
            self.addCleanup(connect(weir.tcp).close)
        weir.wait_until("descriptors ran out", lambda: weir.files_count() >= 32)
        send_forged((EXTRA_HOST, port), (EXTRA_HOST, port))
        self.assert_dropped(weir, forged=1, own=1)

    def test_broadcast_address_of_an_interface(self):
        """Only the system knows the broadcast address and does not send to it; a failed send is not counted as sent."""
        if not has_extra_host:
            self.skipTest("no new network namespace")
        weir = self.start("--udp", "[::]:0", "--workers", "1")
        send_forged(("192.0.2.255", 4000), ("127.0.0.1", weir.udp[1]))
        honest = []
        self.wait_processed(weir, honest)
        summary = weir.stop().summary
        self.assertEqual(summary["dropped_unsent"] + summary["dropped_bad_source"], 1, summary)
        self.assertEqual(summary["datagrams_out"], len(honest), summary)

    def test_own_other_listener(self):
        """Two listeners of one server would pass a datagram to each other forever."""
        weir = self.start("--udp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "1")
        first, second = weir.address("udp", 0), weir.address("udp", 1)
        send_forged(first, second)
        send_forged(second, first)
        self.assert_dropped(weir, forged=2, own=2)

    def test_own_addresses_in_every_worker(self):
        weir = self.start("--udp", "[::]:0", "--workers", "3")
        port = weir.udp[1]
        for i in range(30):
            send_forged((f"127.0.1.{i}", port), (f"127.0.2.{i}", port))
        self.assert_dropped(weir, forged=30, own=30)

    def test_sources_that_cannot_be_answered(self):
        """Port 0, multicast and broadcast. (IPv4's 0.0.0.0 cannot be forged: Linux replaces it with a real address when
        sending, and rejects it when receiving.)"""
        for bind in ("127.0.0.1:0", "[::]:0"):
            with self.subTest(bind=bind):
                weir = self.start("--udp", bind, "--workers", "1")
                target = ("127.0.0.1", weir.udp[1])
                sources = (("127.0.0.1", 0), ("224.0.0.1", 4000), ("239.255.255.250", 1900),
                           ("255.255.255.255", 4000), ("255.255.255.255", 0))
                for source in sources:
                    send_forged(source, target)
                self.assert_dropped(weir, forged=len(sources), bad=len(sources))

    def test_sources_that_cannot_be_answered_over_ipv6(self):
        """Port 0 and the unspecified address. (Linux itself rejects multicast sources.)"""
        for bind in ("[::1]:0", "[::]:0"):
            with self.subTest(bind=bind):
                weir = self.start("--udp", bind, "--workers", "1")
                for source in (("::1", 0), ("::", 4000), ("::", 0)):
                    send_forged(source, weir.udp)
                self.assert_dropped(weir, forged=3, bad=3)

    def test_empty_and_large(self):
        weir = self.start("--udp", "127.0.0.1:0", "--workers", "1")
        for payload in (b"", b"x" * 60_000):
            send_forged(weir.udp, weir.udp, payload)
            send_forged(("127.0.0.1", 0), weir.udp, payload)
        self.assert_dropped(weir, forged=4, own=2, bad=2)

    def test_an_ordinary_source_is_answered(self):
        """Checks the forger: the same packet from an ordinary source is answered."""
        weir = self.start("--udp", "127.0.0.1:0", "--workers", "1")
        for host in ("127.0.0.1", "127.0.0.3"):
            with udp_socket(weir.udp, connected=False) as peer:
                peer.bind((host, 0))
                send_forged(peer.getsockname(), weir.udp, b"not so forged")
                self.assertEqual(peer.recvfrom(100), (b"not so forged", weir.udp))
        weir.stop()


if __name__ == "__main__":
    main()
