# SPDX-License-Identifier: MIT
"""A drain under load: the server answers every byte it received, and spreads the closing of idle sessions as
configured."""
import select
import signal
import socket
import threading

from weir_process import (DEADLINE_S, WeirTest, connect, echo, expect_end, expect_flood, flood, linux_only, main,
                          non_reading_client, pattern_bytes, receive_exactly, scaled, udp_socket)

PIECE = pattern_bytes(10_000, seed=77)


class Streaming(threading.Thread):
    """Sends without waiting for answers, which another thread compares, until stopped or until sending fails."""

    def __init__(self, weir):
        super().__init__(daemon=True)
        self.weir, self.peer = weir, connect(weir.tcp)
        self.sent = self.got = 0
        self.wrong, self.enough, self.broke = None, threading.Event(), False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.start()

    def run(self):
        try:
            while not self.enough.is_set():
                self.sent += self.peer.send(PIECE[self.sent % len(PIECE):])
        except OSError:
            self.broke = True

    def reached(self):
        """Returns how many of its bytes have reached the server's system; a lower bound."""
        sent = self.sent
        return sent - self.weir.unreached_bytes(self.peer)

    def _read(self):
        try:
            while piece := self.peer.recv(65536):
                at = self.got % len(PIECE)
                if (PIECE * (2 + len(piece) // len(PIECE)))[at:at + len(piece)] != piece:
                    self.wrong = self.wrong or self.got
                self.got += len(piece)
        except OSError:
            self.broke = True

    def wait(self):
        self.enough.set()
        self.join(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        self.peer.close()
        return self


class Drains(WeirTest):
    def begin(self, weir):
        """Starts the shutdown, and returns once the listener is closed."""
        weir.send_signal(signal.SIGINT)
        weir.wait_until("the listener is closed", lambda: not weir.is_listening())

    def test_under_load(self):
        """The drain begins while clients are streaming, and they continue for a while: every byte that had reached the
        server is echoed, and every echoed byte is correct. (The server finishes a client that is idle for a moment, and
        reads no later bytes from it; a loaded machine causes such moments.)"""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h", "--workers", "2")
        clients = [Streaming(weir) for _ in range(6)]
        weir.wait_until("all of them are streaming", lambda: all(one.got > scaled(1_000_000) for one in clients))
        reached = [one.reached() for one in clients]
        self.begin(weir)
        for one in clients:
            one.wait()
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        for one, least in zip(clients, reached):
            self.assertIsNone(one.wrong)
            self.assertGreaterEqual(one.got, least)
        self.assert_bytes(ended.summary, bytes_out=sum(one.got for one in clients))
        self.assertEqual(ended.summary["closed_drain"], len(clients), ended.summary)

    @linux_only("Wine processes cannot be stopped separately")
    def test_simultaneous_requests_of_idle_clients(self):
        """More simultaneous requests than fit a batch, from clients that had been idle, and a drain that begins at the
        same moment: the server answers all of them."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h", "--workers", "1", "--stats", "100ms")
        peers = [connect(weir.tcp) for _ in range(scaled(400, 200))]
        for peer in peers:
            echo(peer, 10, finish=False)
        lines = weir.log.count("weir: stats")
        weir.wait_until("all were idle", lambda: weir.log.count("weir: stats") > lines + 3)
        weir.send_signal(signal.SIGSTOP) # so that the requests and the signal arrive together
        for peer in peers:
            peer.sendall(b"asked before")
        for peer in peers:
            weir.wait_until("the request reached the server", lambda: weir.unreached_bytes(peer) == 0)
        weir.send_signal(signal.SIGINT)
        weir.send_signal(signal.SIGCONT)
        for peer in peers:
            self.assertEqual(receive_exactly(peer, 12), b"asked before")
            expect_end(peer)
            peer.close()
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.summary["closed_drain"]), (0, len(peers)), ended.summary)
        self.assert_counts_add_up(ended.summary)

    def test_under_load_to_the_deadline(self):
        """Clients that never stop are cut off at the deadline; every byte echoed until then is correct."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "500ms", "--workers", "2")
        clients = [Streaming(weir) for _ in range(6)]
        weir.wait_until("all of them are streaming", lambda: all(one.got > 100_000 for one in clients))
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        for one in clients:
            one.wait()
            self.assertIsNone(one.wrong)
            self.assertGreater(one.got, 100_000)
        self.assertEqual(ended.code, 0)
        # bytes_out is no upper bound: it excludes a pending send, part of which may have been delivered.
        self.assertLessEqual(sum(one.got for one in clients), ended.summary["bytes_in"])
        summary = ended.summary
        self.assertEqual(summary["closed_drain"] + summary["closed_shutdown"], len(clients), summary)

    def test_bytes_waiting_for_the_rate_are_echoed(self):
        """A drain does not close a session whose received bytes wait for their rate, even if it looks idle."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h", "--rate", "100k", "--stats", "100ms")
        sent = pattern_bytes(250_000)
        with connect(weir.tcp) as peer:
            peer.sendall(sent)
            weir.wait_counted("pauses_rate")
            self.begin(weir)
            self.assertEqual(receive_exactly(peer, len(sent)), sent)
            expect_end(peer)
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.summary["closed_drain"]), (0, 1), ended.summary)

    def test_a_partial_message_can_be_completed(self):
        """A drain lets a peer complete a partial message."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--drain", "1h")
        with connect(weir.tcp) as peer, connect(weir.tcp) as idle:
            peer.sendall(b"\0\0\0\1a" + b"\0\0\0\4be")
            self.assertEqual(receive_exactly(peer, 5), b"\0\0\0\1a")
            self.begin(weir)
            expect_end(idle)
            peer.sendall(b"gi")
            self.assertEqual(receive_exactly(peer, 8), b"\0\0\0\4begi")
            expect_end(peer)
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.summary["closed_drain"]), (0, 2), ended.summary)

    def test_jitter(self):
        """Idle sessions are closed one by one: when the first is closed, others are still answered."""
        count = 60
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h", "--drain-jitter", "4s", "--workers", "2")
        peers = [connect(weir.tcp) for _ in range(count)]
        for peer in peers:
            echo(peer, 10, finish=False)
        weir.send_signal(signal.SIGINT)
        readable = select.select(peers, [], [], DEADLINE_S)[0]
        self.assertTrue(readable)
        answered = 0
        for peer in peers:
            if peer in readable:
                continue
            peer.sendall(b"still?")
            answered += receive_exactly(peer, 6) == b"still?"
        self.assertGreater(answered, 0)
        for peer in peers:
            expect_end(peer)
            peer.close()
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        self.assertEqual(ended.summary["closed_drain"], count, ended.summary)

    def test_jitter_within_the_deadline(self):
        """A drain never exceeds its deadline, whatever the jitter."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "500ms", "--drain-jitter", "1h")
        peers = [connect(weir.tcp) for _ in range(20)]
        for peer in peers:
            echo(peer, 10, finish=False)
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        for peer in peers:
            peer.close()
        self.assertEqual(ended.code, 0)
        summary = ended.summary
        self.assertEqual(summary["closed_drain"] + summary["closed_shutdown"], len(peers), summary)
        self.assertGreater(summary["closed_shutdown"], 0, summary)

    def test_datagram_peers(self):
        """A drain closes the known peers, each with the reason drain; peers that send meanwhile are answered."""
        weir = self.start("--udp", "127.0.0.1:0", "--message-rate", "1000000", "--drain", "1h")
        peers = [udp_socket(weir.udp) for _ in range(10)]
        for peer in peers:
            peer.send(b"known")
            self.assertEqual(peer.recv(100), b"known")
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        for peer in peers:
            peer.close()
        self.assertEqual(ended.code, 0)
        self.assertEqual(ended.summary["closed_drain"], len(peers), ended.summary)

    def test_half_closed_clients(self):
        """Clients that sent FIN before the drain get every answer, and are not closed with the reason drain."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "1h")
        with non_reading_client(weir.tcp) as peer:
            taken = flood([peer])[peer]
            peer.shutdown(socket.SHUT_WR)
            self.begin(weir)
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken), taken)
            expect_end(peer)
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.summary["closed_drain"]), (0, 0), ended.summary)
        self.assert_counts_add_up(ended.summary)


if __name__ == "__main__":
    main()
