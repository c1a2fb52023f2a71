# SPDX-License-Identifier: MIT
"""What a handler can do for one session: stream by on_room, send parts and memory of its own, answer after FIN, and set
the idle timeout, the longest message and the codec. The module serving.c does it, one line at a time."""
import socket

from weir_process import (DEADLINE_S, WeirTest, connect, expect_end, main, module, path_for_weir, plain_only, receive_exactly,
                          scaled)

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


class Serving(WeirTest):
    def serve(self, *options):
        return self.start("--tcp", "127.0.0.1:0", "--handler", path_for_weir(module("serving")), "--codec", "line",
                          "--workers", "1", "--stats", "100ms", *options)

    def ask(self, peer, request, answer):
        peer.sendall(request)
        self.assertEqual(receive_exactly(peer, len(answer)), answer)

    @staticmethod
    def cycle(left):
        """Returns the bytes that repeat when this many are left."""
        first = -left % 26
        return ALPHABET[first:] + ALPHABET[:first]

    def assert_stream(self, peer, total):
        """The stream ends with "z"; then the server's FIN."""
        left = total
        while left > 0:
            got = peer.recv(1 << 20)
            self.assertGreater(len(got), 0, f"{left} bytes of {total} did not come")
            self.assertEqual(got, (self.cycle(left) * (len(got) // 26 + 1))[:len(got)])
            left -= len(got)
        expect_end(peer)

    @plain_only("the codec of a WebSocket cannot change", ["websocket"])
    def test_streams_by_on_room(self):
        total = scaled(64_000_000)
        weir = self.serve("--queue-high", "1m")
        for word in (b"stream", b"static"):
            with self.subTest(word), connect(weir.tcp) as peer:
                peer.sendall(b"%s %d\n" % (word, total))
                peer.shutdown(socket.SHUT_WR)
                self.assert_stream(peer, total)
        weir.wait_counted("closed", 2)
        self.assert_bytes(weir.stop().summary, bytes_out=2 * total)

    @plain_only("the codec of a WebSocket cannot change", ["websocket"])
    def test_a_client_that_does_not_read_gets_the_rest_later(self):
        total = 20_000_000
        weir = self.serve()
        with connect(weir.tcp, receive_bytes=4096) as slow, connect(weir.tcp) as other:
            slow.sendall(b"static %d\n" % total)
            for _ in range(5):
                self.ask(other, b"parts one two\n", b"one+two\n")
            self.assert_stream(slow, total)
        weir.stop()

    @plain_only("the codec of a WebSocket cannot change", ["websocket"])
    def test_a_client_that_disappears_releases_the_memory(self):
        """The sanitizers find what is not freed, or freed twice."""
        weir = self.serve()
        for _ in range(10):
            with connect(weir.tcp, receive_bytes=4096) as peer:
                peer.sendall(b"static 100000000\n")
                self.assertEqual(receive_exactly(peer, 26), self.cycle(100_000_000))
        weir.wait_counted("closed", 10)
        weir.stop()

    def test_answers_after_fin(self):
        weir = self.serve()
        for request, answer in ((b"", b"bye\n"), (b"parts a b\nhold\n", b"a+b\nbye\nlater\n")):
            with self.subTest(request), connect(weir.tcp) as peer:
                peer.sendall(request)
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_exactly(peer, len(answer)), answer)
                expect_end(peer)
        self.assertEqual(weir.stop().summary["closed_peer_done"], 2)

    def test_an_idle_timeout_of_one_session(self):
        weir = self.serve()
        with connect(weir.tcp) as keeps, connect(weir.tcp) as ends:
            self.ask(keeps, b"idle 0\n", b"ok\n")
            self.ask(ends, b"idle 4294967295\n", b"refused\n")
            self.ask(ends, b"idle 50\n", b"ok\n")
            ends.settimeout(DEADLINE_S)
            expect_end(ends)
            self.ask(keeps, b"queued\n", b"queued 0\n")
        self.assertEqual(weir.stop().summary["closed_idle"], 1)

    def test_a_longest_message_of_one_session(self):
        weir = self.serve()
        with connect(weir.tcp) as peer:
            self.ask(peer, b"max 10\nparts aa b\n", b"ok\naa+b\n")
            self.ask(peer, b"max 0\nparts aaaaaaaaaa b\nmax 10\n", b"ok\naaaaaaaaaa+b\nok\n")
            peer.sendall(b"parts aaa bb\nqueued\n")
            expect_end(peer)
        with connect(weir.tcp) as peer:
            self.ask(peer, b"max 10\n", b"ok\n")
            peer.sendall(b"x" * 100)
            expect_end(peer)
        ended = weir.stop()
        self.assertEqual(ended.summary["closed_protocol"], 2)
        self.assertIn("this session allows 10", ended.log)

    @plain_only("the codec of a WebSocket cannot change", ["websocket"])
    def test_a_codec_of_one_session(self):
        """Whole, and in single bytes."""
        request = (b"codec u16be\n" + b"\0\x09parts a b" + b"\0\x0fcodec netstring" + b"9:parts c d," + b"10:codec line," +
                   b"parts e f\n")
        answer = b"ok\n" + b"\0\x03a+b" + b"\0\x02ok" + b"3:c+d," + b"2:ok," + b"e+f\n"
        weir = self.serve()
        for size in (len(request), 1, 7):
            with self.subTest(size), connect(weir.tcp) as peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(request), size):
                    peer.sendall(request[at:at + size])
                self.assertEqual(receive_exactly(peer, len(answer)), answer)
        weir.stop()


if __name__ == "__main__":
    main()
