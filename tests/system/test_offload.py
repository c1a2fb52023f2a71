# SPDX-License-Identifier: MIT
"""Answers joined into one send that the system then refuses: each must still arrive, and by itself.

On a link whose MTU is smaller than a datagram, a plain datagram is fragmented and passes, but a joined send of such
ones (UDP_SEGMENT) is refused. The loopback interface of a network namespace of our own gets such an MTU; where the
system allows none, the test is skipped.
"""
import ctypes
import signal
import subprocess

from weir_process import DEADLINE_S, WeirTest, main, pattern_bytes, udp_socket

CLONE_NEWNET = 0x40000000
MTU = 1300
has_own_network = False


def setUpModule():
    """Moves this process, and with it every weir it starts, into a network namespace of its own."""
    global has_own_network
    if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return
    subprocess.run(f"ip link set lo mtu {MTU} up".split(), check=True, timeout=DEADLINE_S)
    has_own_network = True


class Offload(WeirTest):
    def answers(self, sizes, host="127.0.0.1"):
        """Sends datagrams that the server finds all at once, and so would answer together."""
        if not has_own_network:
            self.skipTest("no network namespace of our own")
        weir = self.start("--udp", "[::]:0", "--workers", "1")
        sent = [pattern_bytes(size, seed) for seed, size in enumerate(sizes, 1)]
        with udp_socket((host, weir.udp[1])) as peer:
            weir.tell(signal.SIGSTOP)
            for datagram in sent:
                peer.send(datagram)
            weir.tell(signal.SIGCONT)
            received = [peer.recv(65536) for _ in sent]
        self.assertEqual(sorted(received), sorted(sent))
        summary = weir.stop().summary
        self.assertEqual(summary["datagrams_out"], len(sizes), summary)
        self.assertEqual(summary["datagram_bytes_out"], sum(sizes), summary)
        self.assertEqual(summary["dropped_unsent"], 0, summary)

    def test_joined_answers_above_the_mtu(self):
        self.answers([1400] * 32)

    def test_joined_answers_above_the_mtu_over_ipv6(self):
        self.answers([1400] * 32, "::1")

    def test_refused_among_good_ones(self):
        self.answers([100] * 5 + [1400] * 5 + [0] + [1450, 1450, 7] + [100] * 5 + [3000, 3000])

    def test_joined_answers_that_fit(self):
        self.answers([1000] * 20 + [10])


if __name__ == "__main__":
    main()
