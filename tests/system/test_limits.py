# SPDX-License-Identifier: MIT
"""How many, how fast, and who: whoever is over a limit is refused or slowed, and whoever is not notices nothing."""
import socket
import struct

from weir_process import (DEADLINE_S, MIB, SANITIZED, BusyClient, Sender, Settings, WeirTest, close_with_reset, connect, deaf_client, echo,
                          expect_end, expect_flood, flood, main, receive_exactly, scaled, wait_closed)

FAREWELL = b"come back later\r\n\x07\xff"
FAREWELL_WRITTEN = "come back later\\r\\n\\x07\\xff"


def is_served(peer):
    """Whether the connection is a session: refused ones end without an answer."""
    try:
        peer.sendall(b"?")
        return receive_exactly(peer, 1) == b"?"
    except ConnectionError:
        return False


def connect_served(address, source=None):
    """A connection that is served; tries for as long as it is refused."""
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
        """Who fills the quota is refused; another address is not, nor is who has left room again."""
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

    def test_quota_is_given_back(self):
        """Whichever way a session ends, its place in the quota is free again."""
        weir = self.start("--tcp", "127.0.0.1:0", "--max-sessions-per-address", "1", "--idle-timeout", "1s")
        for turn in range(12):
            peer = connect_served(weir.tcp)
            if turn % 3 == 0:
                echo(peer, 100)
            elif turn % 3 == 1:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif turn == 2:
                wait_closed(peer)
            peer.close()
        self.assertEqual(weir.stop().summary["accepted"], 12)

    def test_sessions_in_all(self):
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
        """A wildcard listener sees IPv4 peers as what they are."""
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
        """A rush is refused but for the first; who is inside stays, and later there is room again."""
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


class Farewell(WeirTest):
    """Who is refused is told, to the byte, and nothing else; whatever was sent meanwhile."""

    def assert_farewell(self, weir, source=None):
        for before in (b"", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000):
            with self.subTest(before=len(before)), connect(weir.tcp, source=source) as peer:
                if before:
                    peer.sendall(before)
                self.assertEqual(read_all(peer), FAREWELL)

    def start_rude(self, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--farewell", FAREWELL_WRITTEN, *arguments)

    def test_full(self):
        weir = self.start_rude("--max-sessions", "1")
        busy = BusyClient(weir.tcp)
        self.assert_farewell(weir)
        busy.stop()
        self.assertEqual(weir.stop().summary["refused_full"], 3)

    def test_denied(self):
        weir = self.start_rude("--deny", "127.0.0.2")
        self.assert_farewell(weir, source="127.0.0.2")
        self.assertEqual(weir.stop().summary["refused_denied"], 3)

    def test_quota(self):
        weir = self.start_rude("--max-sessions-per-address", "1")
        busy = BusyClient(weir.tcp)
        self.assert_farewell(weir)
        busy.stop()
        self.assertEqual(weir.stop().summary["refused_address"], 3)

    def test_through_a_codec(self):
        """It is sent as it is: a codec does not frame it."""
        weir = self.start_rude("--deny", "127.0.0.0/8", "--codec", "u32be")
        self.assert_farewell(weir)
        weir.stop()

    def test_nobody_listens(self):
        """Those who never read it, nor end, cost no more than their number allows, and go by themselves."""
        weir = self.start_rude("--max-sessions", "1", "--linger-timeout", "1s", "--workers", "1")
        busy = BusyClient(weir.tcp)
        crowd = [connect(weir.tcp) for _ in range(scaled(300, 100))]
        for peer in crowd:
            self.assertIn(read_all(peer), (b"", FAREWELL)) # at most 64 are told at once
        self.assert_farewell_again(weir)
        busy.stop()
        for peer in crowd:
            peer.close()
        self.assertGreaterEqual(weir.stop().summary["refused_full"], len(crowd))

    def assert_farewell_again(self, weir):
        """Once those who did not end were given up, there is room for farewells again."""
        while True:
            with connect(weir.tcp) as peer:
                got = read_all(peer)
            if got == FAREWELL:
                return
            self.assertEqual(got, b"")


class Rates(WeirTest):
    def test_bytes(self):
        """Above its rate a client is read from more slowly, and loses nothing."""
        rate, total = 1024 * 1024, 2_500_000
        weir = self.start("--tcp", "127.0.0.1:0", "--rate", "1m")
        with connect(weir.tcp) as peer:
            echo(peer, total)
        summary = weir.stop().summary
        self.assertGreater(total, 2 * rate)
        self.assertGreater(summary["pauses_rate"], 0, summary)
        self.assert_adds_up(summary)

    def test_bytes_of_one_alone(self):
        """Each session has a rate of its own: one at rest does not slow another down."""
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
        """Whether so many bytes came so far."""
        peer.setblocking(False)
        got = 0
        try:
            while got < wanted and (piece := peer.recv(65536)):
                got += len(piece)
        except BlockingIOError:
            pass
        return got >= wanted

    def test_messages(self):
        count = 250
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--message-rate", "100")
        frames = b"".join(struct.pack("!I", 7) + b"%07d" % i for i in range(count))
        with connect(weir.tcp) as peer:
            for i in range(0, len(frames), 11): # one after the other, so that they do not come as one piece
                peer.sendall(frames[i:i + 11])
                self.assertEqual(receive_exactly(peer, 11), frames[i:i + 11])
            peer.shutdown(socket.SHUT_WR)
            expect_end(peer)
        summary = weir.stop().summary
        self.assertEqual(summary["messages_in"], count, summary)
        self.assertGreater(summary["pauses_rate"], 0, summary)
        self.assert_adds_up(summary)


class Queues(WeirTest):
    """--queue-high is what a peer may cost, however small it is set."""
    HIGH, BUFFER = 64 * 1024, 16 * 1024
    SMALL = ("--queue-high", "64k", "--buffer-size", "16k")
    SLACK = 8 * 1024         # of each: its session, its slot
    SLACK_ONCE = 3 * MIB     # of all: what grows by pages, and the buffers that wait in each worker

    def test_much_through_little(self):
        """A hundred megabytes through 64 KiB, to a client that lets the queue fill up again and again."""
        weir = self.start("--tcp", "127.0.0.1:0", *self.SMALL)
        with connect(weir.tcp, receive_bytes=16 * 1024) as peer:
            echo(peer, scaled(100_000_000))
        summary = weir.stop().summary
        self.assertGreater(summary["pauses_queue"], 0, summary)
        self.assert_adds_up(summary)

    def test_memory_of_who_stops_reading(self):
        readers = scaled(50, 10)
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1", *self.SMALL)
        busy = BusyClient(weir.tcp)
        before = 0 if Settings.is_windows() else weir.rss_bytes()
        peers = [deaf_client(weir.tcp) for _ in range(readers)]
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        taken = flood(peers)
        if not SANITIZED and not Settings.is_windows():
            grown = weir.rss_bytes() - before
            print(f"\n    {readers} that do not read, at a mark of 64 KiB: {grown / readers / 1024:.0f} KiB each",
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
