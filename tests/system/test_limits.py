# SPDX-License-Identifier: MIT
"""Limits on the number, rate and addresses of clients: the server refuses or slows clients over a limit, and serves the
others as before."""
import socket
import struct

from weir_process import (DEADLINE_S, MIB, SANITIZED, BusyClient, Feeder, Pace, Sender, Settings, WeirTest,
                          close_with_reset, connect, echo, expect_end, expect_flood, flood, main, milliseconds,
                          non_reading_client, receive_exactly, scaled, wait_closed, with_limits)

REJECT_MESSAGE = b"come back later\r\n\x07\xff"
REJECT_MESSAGE_ESCAPED = "come back later\\r\\n\\x07\\xff"


def is_served(peer):
    """Returns whether the connection is a session: the server closes a refused one without an answer."""
    try:
        peer.sendall(b"?")
        return receive_exactly(peer, 1) == b"?"
    except ConnectionError:
        return False


def connect_served(address, source=None):
    """Returns a served connection; retries while connections are refused."""
    while True:
        peer = connect(address, source=source)
        if is_served(peer):
            return peer
        peer.close()


def read_all(peer):
    got = b""
    while piece := peer.recv(65536):
        got += piece
    return got


class Admission(WeirTest):
    def connect(self, weir, source=None):
        peer = connect(weir.tcp, source=source)
        self.addCleanup(peer.close)
        return peer

    def test_quota_of_one_address(self):
        """Connections over the quota are refused; another address is not, nor is a new connection after one has
        closed."""
        weir = self.start("--tcp", "127.0.0.1:0", "--max-sessions-per-address", "3", "--workers", "2")
        busy = BusyClient(weir.tcp, source="127.0.0.9")
        greedy = [self.connect(weir) for _ in range(3)]
        for peer in greedy:
            self.assertTrue(is_served(peer))
        for _ in range(5):
            self.assertFalse(is_served(self.connect(weir)))
        others = [self.connect(weir, source="127.0.0.2") for _ in range(3)]
        for peer in others:
            self.assertTrue(is_served(peer))
        self.assertFalse(is_served(self.connect(weir, source="127.0.0.2")))
        greedy[0].close()
        connect_served(weir.tcp).close()
        for peer in (*greedy[1:], *others):
            self.assertTrue(is_served(peer))
        busy.stop()
        summary = weir.stop().summary
        self.assertGreaterEqual(summary["refused_address"], 6, summary)
        self.assertEqual(summary["accepted"], 3 + 3 + 1 + 1, summary)

    @with_limits(1, 5, 20)
    def test_closing_releases_the_quota(self, limit_s):
        """However a session ends, it releases its part of the quota."""
        weir = self.start("--tcp", "127.0.0.1:0", "--max-sessions-per-address", "1", "--idle-timeout",
                          milliseconds(limit_s))
        for attempt in range(12):
            peer = connect_served(weir.tcp)
            if attempt % 3 == 0:
                with Pace(limit_s):
                    echo(peer, 100)
            elif attempt % 3 == 1:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif attempt == 2:
                wait_closed(peer)
            peer.close()
        self.assertEqual(weir.stop().summary["accepted"], 12)

    def test_total_sessions(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--max-sessions", "4", "--workers", "2")
        inside = [self.connect(weir) for _ in range(4)]
        for peer in inside:
            self.assertTrue(is_served(peer))
        for _ in range(10):
            self.assertFalse(is_served(self.connect(weir)))
        for peer in inside:
            self.assertTrue(is_served(peer))
        summary = weir.stop().summary
        self.assertEqual((summary["accepted"], summary["refused_full"]), (4, 10), summary)

    def test_allow_and_deny(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--allow", "127.0.0.0/28", "--deny", "127.0.0.8/31,127.0.0.3")
        let_in = {1: True, 2: True, 3: False, 7: True, 8: False, 9: False, 10: True, 15: True, 16: False, 200: False}
        for host, wanted in let_in.items():
            with self.subTest(host=host):
                self.assertEqual(is_served(self.connect(weir, source=f"127.0.0.{host}")), wanted)
        refused = list(let_in.values()).count(False)
        summary = weir.stop().summary
        self.assertEqual((summary["refused_denied"], summary["accepted"]), (refused, len(let_in) - refused), summary)

    def test_allow_and_deny_over_ipv6(self):
        """A wildcard listener compares IPv4 peers as IPv4 addresses."""
        weir = self.start("--tcp", "[::]:0", "--allow", "127.0.0.1", "--allow", "::1/128")
        port = weir.tcp[1]
        for source, target, wanted in (("127.0.0.1", "127.0.0.1", True), ("127.0.0.2", "127.0.0.1", False),
                                       ("::1", "::1", True)):
            with self.subTest(source=source):
                peer = connect((target, port), source=None if source == "::1" else source)
                self.addCleanup(peer.close)
                self.assertEqual(is_served(peer), wanted)
        self.assertEqual(weir.stop().summary["refused_denied"], 1)

    def test_accept_rate(self):
        """Most of a rush of connections is refused; connected clients stay, and later connections are accepted
        again."""
        rush = 100
        weir = self.start("--tcp", "127.0.0.1:0", "--accept-rate", "2")
        busy = BusyClient(weir.tcp)
        served = [is_served(self.connect(weir)) for _ in range(rush)]
        self.assertIn(False, served)
        connect_served(weir.tcp).close()
        busy.stop()
        summary = weir.stop().summary
        self.assertGreaterEqual(summary["refused_rate"], served.count(False), summary)
        self.assertEqual(summary["accepted"], 1 + served.count(True) + 1, summary)


class RejectMessage(WeirTest):
    """A refused client gets exactly the reject message, whatever it has sent in the meantime."""

    def setUp(self):
        if Settings.layers:
            self.skipTest("TLS and WebSocket send no reject message")

    def assert_reject_message(self, weir, source=None):
        for before in (b"", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000):
            with self.subTest(before=len(before)), connect(weir.tcp, source=source) as peer:
                if before:
                    peer.sendall(before)
                self.assertEqual(read_all(peer), REJECT_MESSAGE)

    def start_rejecting(self, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--reject-message", REJECT_MESSAGE_ESCAPED, *arguments)

    def test_full(self):
        weir = self.start_rejecting("--max-sessions", "1")
        busy = BusyClient(weir.tcp)
        self.assert_reject_message(weir)
        busy.stop()
        self.assertEqual(weir.stop().summary["refused_full"], 3)

    def test_denied(self):
        weir = self.start_rejecting("--deny", "127.0.0.2")
        self.assert_reject_message(weir, source="127.0.0.2")
        self.assertEqual(weir.stop().summary["refused_denied"], 3)

    def test_quota(self):
        weir = self.start_rejecting("--max-sessions-per-address", "1")
        busy = BusyClient(weir.tcp)
        self.assert_reject_message(weir)
        busy.stop()
        self.assertEqual(weir.stop().summary["refused_address"], 3)

    def test_through_a_codec(self):
        """The reject message is sent unchanged: the codec does not frame it."""
        weir = self.start_rejecting("--deny", "127.0.0.0/8", "--codec", "u32be")
        self.assert_reject_message(weir)
        weir.stop()

    def test_refused_clients_that_never_read(self):
        """Refused clients that neither read nor close cost no more than their limit allows, and are closed after the
        linger timeout."""
        weir = self.start_rejecting("--max-sessions", "1", "--linger-timeout", "1s", "--workers", "1")
        busy = BusyClient(weir.tcp)
        crowd = [connect(weir.tcp) for _ in range(scaled(300, 100))]
        for peer in crowd:
            self.assertIn(read_all(peer), (b"", REJECT_MESSAGE)) # at most 64 at the same time get the message
        self.assert_reject_message_again(weir)
        busy.stop()
        for peer in crowd:
            peer.close()
        self.assertGreaterEqual(weir.stop().summary["refused_full"], len(crowd))

    def assert_reject_message_again(self, weir):
        """Once lingering clients have been closed, refused clients get the reject message again."""
        while True:
            with connect(weir.tcp) as peer:
                got = read_all(peer)
            if got == REJECT_MESSAGE:
                return
            self.assertEqual(got, b"")


class Rates(WeirTest):
    def test_bytes(self):
        """Above its rate, the server reads more slowly from a client, and loses nothing."""
        rate, total = 256 * 1024, 625_000  # slow enough that no machine is slower
        weir = self.start("--tcp", "127.0.0.1:0", "--rate", str(rate))
        with connect(weir.tcp) as peer:
            echo(peer, total)
        summary = weir.stop().summary
        self.assertGreater(total, 2 * rate)
        self.assertGreater(summary["pauses_rate"], 0, summary)
        self.assert_counts_add_up(summary)

    def test_byte_rate_is_per_session(self):
        """Rates are per session: a session paused for its rate does not slow another one."""
        much = 8 * MIB # two minutes at its rate
        weir = self.start("--tcp", "127.0.0.1:0", "--rate", "64k", "--stats", "100ms", "--workers", "1")
        with connect(weir.tcp) as fast:
            sender = Sender(fast, much, seed=1, finish=False)
            weir.wait_counted("pauses_rate")
            with connect(weir.tcp) as modest:
                echo(modest, 30_000)
            self.assertFalse(self.has_come(fast, much), "the modest one waited for the fast one")
            close_with_reset(fast)
            sender.join(DEADLINE_S)
        weir.stop()

    @staticmethod
    def has_come(peer, wanted):
        """Returns whether that many bytes have arrived so far."""
        peer.setblocking(False)
        got = 0
        try:
            while got < wanted and (piece := peer.recv(65536)):
                got += len(piece)
        except BlockingIOError:
            pass
        return got >= wanted

    def test_messages(self):
        """The client sends everything without a pause, so it exceeds the rate on any machine, however slow."""
        count = 250
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--message-rate", "100")
        frames = b"".join(struct.pack("!I", 7) + b"%07d" % i for i in range(count))
        with connect(weir.tcp) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sender = Feeder(peer, [frames[i:i + 11] for i in range(0, len(frames), 11)])
            self.assertEqual(receive_exactly(peer, len(frames)), frames)
            expect_end(peer)
            sender.wait()
        summary = weir.stop().summary
        self.assertEqual(summary["messages_in"], count, summary)
        self.assertGreater(summary["pauses_rate"], 0, summary)
        self.assert_counts_add_up(summary)


class Queues(WeirTest):
    """--queue-high bounds the memory per peer, however small it is set."""
    HIGH, BUFFER = 64 * 1024, 16 * 1024
    SMALL = ("--queue-high", "64k", "--buffer-size", "16k")
    SLACK = 8 * 1024         # per client: its session and table entry
    SLACK_ONCE = 3 * MIB     # in total: tables that grow by pages, and the receive buffers of each worker

    def test_large_stream_through_a_small_queue(self):
        """A hundred megabytes through 64 KiB, to a client that repeatedly lets the queue fill up."""
        weir = self.start("--tcp", "127.0.0.1:0", *self.SMALL)
        with connect(weir.tcp, receive_bytes=16 * 1024) as peer:
            echo(peer, scaled(100_000_000))
        if Settings.is_windows():  # Wine's system takes megabytes for a slow client, so this one reads nothing at first
            peer = non_reading_client(weir.tcp)
            taken = flood([peer])[peer]
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken), taken)
            peer.close()
        summary = weir.stop().summary
        self.assertGreater(summary["pauses_queue"], 0, summary)
        self.assert_counts_add_up(summary)

    def test_memory_per_non_reading_client(self):
        readers = scaled(50, 10)
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1", *self.SMALL)
        busy = BusyClient(weir.tcp)
        before = 0 if Settings.is_windows() else weir.rss_bytes()
        peers = [non_reading_client(weir.tcp) for _ in range(readers)]
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        taken = flood(peers)
        if not SANITIZED and not Settings.is_windows():
            grown = weir.rss_bytes() - before
            print(f"\n    {readers} that do not read, high-water mark 64 KiB: {grown / readers / 1024:.0f} KiB each",
                  flush=True)
            self.assertLess(grown, readers * (self.HIGH + self.BUFFER + self.SLACK) + self.SLACK_ONCE)
        busy.stop()
        for peer in peers[::2]:
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken[peer]), taken[peer])
        for peer in peers:
            peer.close()
        summary = weir.stop().summary
        self.assertGreaterEqual(summary["pauses_queue"], readers, summary)


if __name__ == "__main__":
    main()
