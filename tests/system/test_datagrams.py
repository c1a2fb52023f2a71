# SPDX-License-Identifier: MIT
"""UDP: every size in one burst, more empty datagrams than buffers, GSO batches, and the source address of answers.

The number of datagrams in flight is small enough for the server's receive buffer (212,992 bytes by default,
of which an empty datagram costs about 800). Therefore any loss is the server's.
"""
import collections
import errno
import random
import select
import socket
import struct
import unittest

from weir_process import MIB, POLL_S, SANITIZED, Settings, WeirTest, main, pattern_bytes, scaled, udp_socket

SIZES = (0, 1, 1000, 1472, 9000, 65507)
UDP_SEGMENT = 103
POOL = 4096  # datagram buffers of one worker: 256 MiB of 64 KiB each
WINDOW = 100


def exchange(peer, datagrams):
    """Sends all datagrams, then receives the same number; returns the answers in the order of arrival."""
    for datagram in datagrams:
        peer.send(datagram)
    return [peer.recv(65536) for _ in datagrams]


class Datagrams(WeirTest):
    def both_families(self, *arguments):
        weir = self.start("--udp", "[::]:0", *arguments)
        for host in ("127.0.0.1", "::1"):
            yield weir, (host, weir.udp[1])

    def test_all_sizes_in_one_burst(self):
        sent = 0
        for weir, address in self.both_families():
            with udp_socket(address) as peer:
                for index in range(scaled(50)):
                    sizes = list(SIZES)
                    random.Random(index).shuffle(sizes)
                    burst = [pattern_bytes(size, seed=index) for size in sizes]
                    self.assertEqual(exchange(peer, burst), burst)
                    sent += len(burst)
        summary = weir.stop().summary
        self.assertEqual((summary["datagrams_in"], summary["datagrams_out"]), (sent, sent))
        self.assertEqual(summary["datagram_bytes_in"], summary["datagram_bytes_out"])

    def test_small_sizes_in_one_burst(self):
        """Runs of equal and unequal lengths, with empty datagrams between them: offload tends to join these."""
        chance = random.Random(5)
        for weir, address in self.both_families():
            with udp_socket(address) as peer:
                for index in range(scaled(100)):
                    sizes = [size for _ in range(8)
                             for size in [chance.choice((0, 1, 2, 100, 100, 1000))] * chance.randint(1, 5)]
                    burst = [pattern_bytes(size, seed=index * 100 + i) for i, size in enumerate(sizes)]
                    self.assertEqual(exchange(peer, burst), burst)
        weir.stop()

    def test_empty_datagrams_beyond_the_pool(self):
        """An empty datagram occupies a buffer, too: ten times the pool passes through, and memory does not grow."""
        total = scaled(10 * POOL + 9 * WINDOW)
        weir = self.start("--udp", "[::1]:0", "--workers", "1")
        with udp_socket(weir.udp) as peer:
            self.assertEqual(exchange(peer, [b""] * WINDOW), [b""] * WINDOW)
            before, count = weir.rss_bytes(), WINDOW
            while count < total:
                self.assertEqual(exchange(peer, [b""] * WINDOW), [b""] * WINDOW)
                count += WINDOW
            if not SANITIZED:
                # Under Wine, RSS includes some memory of Wine.
                self.assertLess(weir.rss_bytes() - before, (4 if Settings.is_windows() else 2) * MIB)
            self.assertEqual(exchange(peer, [b"not empty"]), [b"not empty"])
        summary = weir.stop().summary
        self.assertEqual((summary["datagrams_in"], summary["datagrams_out"]), (count + 1, count + 1))
        self.assertEqual(summary["datagram_bytes_in"], 9)

    def test_empty_datagrams_to_many_workers(self):
        weir = self.start("--udp", "127.0.0.1:0", "--workers", "3")
        peers = [udp_socket(weir.udp) for _ in range(8)]
        for _ in range(scaled(50)):
            for peer in peers:
                for _ in range(10):
                    peer.send(b"")
            for peer in peers:
                self.assertEqual([peer.recv(10) for _ in range(10)], [b""] * 10)
        for peer in peers:
            peer.close()
        weir.stop()

    def test_answers_have_the_requested_address_as_source(self):
        weir = self.start("--udp", "[::]:0")
        port = weir.udp[1]
        # Wine 8 ignores IP_PKTINFO on a dual-stack socket.
        ours = ("127.0.0.1",) if Settings.is_windows() else ("127.0.0.2", "127.0.0.1", "127.5.6.7")
        for any_host, hosts in (("0.0.0.0", ours), ("::", ("::1",))):
            with udp_socket((any_host, 0), connected=False) as peer:
                peer.bind((any_host, 0))
                for host in hosts:
                    peer.sendto(b"who are you?", (host, port))
                    answer, source = peer.recvfrom(100)
                    self.assertEqual((answer, source[:2]), (b"who are you?", (host, port)))
        weir.stop()

    def test_gso_batches_come_back(self):
        """One send call with many datagrams (UDP_SEGMENT), the last one shorter; several GSO batches in flight."""
        for weir, address in self.both_families():
            with udp_socket(address) as peer:
                for segment, total in ((1000, 40_500), (1, 60), (1400, 1400 * 40), (1200, 1201), (500, 500)):
                    for index in range(3):
                        batches = [pattern_bytes(total, seed=index * 10 + i) for i in range(2)]
                        for batch in batches:
                            self.send_batch(peer, batch, segment)
                        wanted = [batch[at:at + segment] for batch in batches for at in range(0, total, segment)]
                        got = [peer.recv(65536) for _ in wanted]
                        self.assertEqual(got, wanted)
        summary = weir.stop().summary
        self.assertEqual(summary["datagrams_in"], summary["datagrams_out"])
        self.assertEqual(summary["datagram_bytes_in"], summary["datagram_bytes_out"])

    def send_batch(self, peer, batch, segment):
        try:
            peer.sendmsg([batch], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", segment))])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT):
                self.skipTest(f"the system does not support UDP_SEGMENT: {error}")
            raise

    def test_sockets_receive_only_their_own_datagrams(self):
        weir = self.start("--udp", "[::]:0", "--udp", "127.0.0.1:0")
        addresses = (("127.0.0.1", weir.udp[1]), ("::1", weir.udp[1]), weir.address("udp", 1))
        peers = [udp_socket(addresses[i % 3]) for i in range(12)]
        wanted = collections.defaultdict(list)
        for index in range(scaled(100)):
            for _ in range(2):
                for i, peer in enumerate(peers):
                    datagram = f"{i}: turn {index}, {'x' * random.Random(i + index).randint(0, 300)}".encode()
                    peer.send(datagram)
                    wanted[i].append(datagram)
            for i, peer in enumerate(peers):
                for datagram in wanted.pop(i):
                    self.assertEqual(peer.recv(1000), datagram)
        for peer in peers:
            peer.close()
        weir.stop()

    def test_a_closed_client_does_not_affect_others(self):
        """Answers to closed sockets cause ICMP errors; the next datagram is received nevertheless."""
        for weir, address in self.both_families():
            with udp_socket(address) as steady:
                for _ in range(scaled(200)):
                    with udp_socket(address) as fleeting:
                        fleeting.send(b"gone before the answer")
                    self.assertEqual(exchange(steady, [b"still there?"]), [b"still there?"])
        weir.stop()

    def test_a_datagram_flood_breaks_nothing(self):
        """Far more datagrams than the receive buffer holds: the system drops some, and every answer that arrives is
        correct."""
        weir = self.start("--udp", "127.0.0.1:0")
        with udp_socket(weir.udp) as peer:
            peer.setblocking(False)
            sent, answers = 0, 0
            while sent < scaled(20_000):
                try:
                    peer.send(struct.pack("=I", sent) * 100)
                    sent += 1
                    answer = peer.recv(65536)
                    self.assertEqual(answer, answer[:4] * 100)
                    answers += 1
                except BlockingIOError:
                    continue
        with udp_socket(weir.udp) as peer:
            peer.setblocking(False)

            def answers_again():  # retries: the receive buffer may still be full
                peer.send(b"and now?")
                return bool(select.select([peer], [], [], POLL_S)[0])
            weir.wait_until("it answers again", answers_again)
            self.assertEqual(peer.recv(100), b"and now?")
        self.assertGreater(answers, 0)
        weir.stop()


if __name__ == "__main__":
    main()
