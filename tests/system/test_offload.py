# SPDX-License-Identifier: MIT
"""Answers joined into one send that the system rejects: each must still arrive, as a separate datagram.

On a link whose MTU is smaller than a datagram, a plain datagram is fragmented and passes, but a joined send of such
datagrams (UDP_SEGMENT) fails. The test sets such an MTU on the loopback interface of a new network namespace; if the
system allows none, the test is skipped.
"""
import ctypes
import signal
import subprocess

from weir_process import DEADLINE_S, WeirTest, main, pattern_bytes, udp_socket

CLONE_NEWNET = 0x40000000
MTU = 1300
has_new_network = False


def setUpModule():
    """Moves this process, and with it every weir it starts, into a new network namespace."""
    global has_new_network
    if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return
    subprocess.run(f"ip link set lo mtu {MTU} up".split(), check=True, timeout=DEADLINE_S)
    has_new_network = True


class Offload(WeirTest):
    def answers(self, sizes, host="127.0.0.1"):
        """Sends datagrams that the server finds in one batch, so that it joins their answers."""
        if not has_new_network:
            self.skipTest("no new network namespace")
        weir = self.start("--udp", "[::]:0", "--workers", "1")
        sent = [pattern_bytes(size, seed) for seed, size in enumerate(sizes, 1)]
        with udp_socket((host, weir.udp[1])) as peer:
            weir.send_signal(signal.SIGSTOP)
            for datagram in sent:
                peer.send(datagram)
            weir.send_signal(signal.SIGCONT)
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

    def test_failing_sends_among_good_ones(self):
        self.answers([100] * 5 + [1400] * 5 + [0] + [1450, 1450, 7] + [100] * 5 + [3000, 3000])

    def test_joined_answers_that_fit(self):
        self.answers([1000] * 20 + [10])


if __name__ == "__main__":
    main()
