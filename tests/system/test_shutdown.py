# SPDX-License-Identifier: MIT
"""Shutdown: a first signal starts a drain with a deadline, a second signal does not wait; the counts add up."""
import signal
import socket
import threading

from weir_process import (DEADLINE_S, MIB, Pace, WeirTest, close_with_reset, connect, non_reading_client, echo, expect_end,
                          expect_flood, flood, half_close, main, milliseconds, reasons_sum, receive_exactly, scaled,
                          stop_signals, udp_socket, with_limits)


def requesting_non_reader(address):
    """Returns a client that requests more than all buffers hold, and never reads."""
    peer = non_reading_client(address)
    flood([peer])
    return peer


class Shutdown(WeirTest):
    def drain(self, weir, number=signal.SIGINT):
        """Starts the shutdown, and returns once the listener is closed."""
        weir.send_signal(number)
        weir.wait_until("the listener is closed", lambda: not weir.is_listening())

    def test_signals_shut_down(self):
        for number in stop_signals():
            with self.subTest(signal=number):
                weir = self.start("--tcp", "[::]:0", "--udp", "[::]:0")
                with connect(weir.tcp) as peer:
                    echo(peer, 1000)
                summary = weir.stop(number).summary
                self.assertEqual((summary["accepted"], summary["closed"]), (1, 1))

    def test_queued_bytes_reach_a_late_reader(self):
        """A client that read nothing before the signal gets every byte that had reached the server, then EOF."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h")
        with non_reading_client(weir.tcp) as peer:
            taken = flood([peer], seed=4)[peer]
            reached = taken - weir.unreached_bytes(peer)
            self.drain(weir)
            peer.settimeout(DEADLINE_S)
            self.assertGreaterEqual(expect_flood(peer, taken, seed=4), reached)
            expect_end(peer)
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        self.assertGreaterEqual(ended.summary["bytes_out"], reached)
        self.assertEqual(ended.summary["closed_drain"], 1)

    def test_requests_in_flight_are_answered(self):
        """Bytes sent before the signal are echoed on every connection, followed by EOF."""
        weir = self.start("--tcp", "[::1]:0", "--drain", "1h")
        peers = [connect(weir.tcp) for _ in range(scaled(200))]
        for i, peer in enumerate(peers):
            peer.sendall(b"hello %04d" % i)
            self.assertEqual(receive_exactly(peer, 10), b"hello %04d" % i)
        for i, peer in enumerate(peers):
            peer.sendall(b"last %05d" % i)
        for peer in peers:
            weir.wait_until("the request reached the server", lambda: weir.unreached_bytes(peer) == 0)
        weir.send_signal(stop_signals()[-1])
        for i, peer in enumerate(peers):
            self.assertEqual(receive_exactly(peer, 10), b"last %05d" % i)
            expect_end(peer)
            peer.close()
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        self.assert_counts_add_up(ended.summary)

    def test_idle_clients_get_eof(self):
        """Idle clients get EOF long before the deadline, whether or not they close afterwards."""
        weir = self.start("--tcp", "[::]:0", "--drain", "1h", "--stats", "100ms")
        peers = [connect(("127.0.0.1" if i % 2 else "::1", weir.tcp[1])) for i in range(20)]
        for peer in peers[:10]:
            echo(peer, 1000, finish=False)
        weir.wait_counted("accepted", len(peers))
        weir.send_signal(signal.SIGINT)
        for peer in peers:
            expect_end(peer)
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        self.assertEqual(ended.summary["closed_drain"], len(peers))
        for peer in peers:
            peer.close()

    def test_busy_clients_do_not_delay_the_shutdown(self):
        """Clients that send requests without a pause are closed at the deadline."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "500ms")
        over = threading.Event()

        def ask():
            try:
                with connect(weir.tcp) as peer:
                    while not over.is_set():
                        peer.sendall(b"and another")
                        if not peer.recv(100):
                            return
            except OSError:
                return
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        weir.wait_until("the clients are connected", lambda: weir.files_count() > 0)
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)
        self.assertEqual(ended.code, 0)
        self.assertEqual(ended.summary["accepted"], ended.summary["closed"])

    @with_limits(0.2, 2, 10)
    def test_deadline_closes_a_client_that_never_reads(self, limit_s):
        """The other client, which is idle, is closed before the deadline."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", milliseconds(limit_s))
        with requesting_non_reader(weir.tcp), connect(weir.tcp) as idle:
            echo(idle, 10, finish=False)  # otherwise it may not be accepted yet
            with Pace(limit_s) as pace:
                weir.send_signal(stop_signals()[-1])
                expect_end(idle)
            ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        if ended.summary["closed_shutdown"] == 2:
            pace.check()
        self.assertEqual(ended.summary["closed_shutdown"], 1)
        self.assertEqual(ended.summary["accepted"], ended.summary["closed"])

    def test_second_signal_exits_immediately(self):
        for second in stop_signals():
            with self.subTest(second=second):
                weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h")
                with requesting_non_reader(weir.tcp):
                    self.drain(weir)
                    weir.send_signal(second)
                    ended = weir.wait_end()
                self.assertEqual(ended.code, 0)
                self.assertEqual(ended.summary["closed_shutdown"], 1)

    def test_sums(self):
        """Each client's bytes are counted once, and each close under its reason."""
        weir = self.start("--tcp", "[::]:0", "--udp", "127.0.0.1:0", "--workers", "2")
        sizes = (0, 1, 1000, 16 * 1024, 16 * 1024 + 1, MIB)
        for i, size in enumerate(sizes * 5):
            with connect(("127.0.0.1" if i % 2 else "::1", weir.tcp[1])) as peer:
                echo(peer, size, seed=i)
        baseline = weir.files_count()
        with connect(weir.tcp) as peer:
            echo(peer, 1000, finish=False)
            close_with_reset(peer)
        weir.wait_until("the reset was noticed", lambda: weir.files_count() <= baseline)
        with udp_socket(weir.udp) as peer:
            for _ in range(7):
                peer.send(b"seven bytes"[:7])
                peer.recv(100)
        with connect(weir.tcp) as idle:
            echo(idle, 10, finish=False)
            summary = weir.stop().summary
        total = sum(sizes) * 5 + 1000 + 10
        self.assert_bytes(summary, bytes_in=total, bytes_out=total)
        self.assertEqual(summary["accepted"], len(sizes) * 5 + 2)
        self.assertEqual(summary["closed"], reasons_sum(summary))
        self.assertEqual(summary["closed_peer_done"], len(sizes) * 5)
        self.assertEqual((summary["closed_reset"], summary["closed_drain"]), (1, 1))
        for name, wanted in (("datagrams_in", 7), ("datagrams_out", 7), ("datagram_bytes_in", 49),
                             ("datagram_bytes_out", 49)):
            self.assertEqual(summary[name], wanted, name)
        self.assert_counts_add_up(summary)

    def test_connections_not_yet_accepted(self):
        """A signal during a rush of connections: each is served or refused, and the server exits."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--drain", "1h")
        ended_well, failures = [], []

        def rush():
            while not over.is_set():
                try:
                    with connect(weir.tcp) as peer:
                        peer.sendall(b"quick")
                        half_close(peer)
                        got = receive_exactly(peer, 5)
                    if got not in (b"", b"quick"):
                        failures.append(got)
                    ended_well.append(got)
                except ConnectionError:
                    if over.is_set():
                        return
        over = threading.Event()
        threads = [threading.Thread(target=rush, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        weir.wait_until("the rush has started", lambda: len(ended_well) > 50)
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)
        self.assertEqual((failures, ended.code), ([], 0))
        self.assert_counts_add_up(ended.summary)


if __name__ == "__main__":
    main()
