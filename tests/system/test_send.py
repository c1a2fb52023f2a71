# SPDX-License-Identifier: MIT
"""weir send: messages are framed and sent, answers are printed, and the exit code reports the result."""
import socket
import struct
import subprocess
import threading

from weir_process import (DEADLINE_S, Settings, WeirTest, close_with_reset, main, receive_exactly)

OK, FAILED, USAGE, CANNOT_CONNECT, WRONG_SETTING = 0, 1, 64, 69, 78


class Peer(threading.Thread):
    """Listens on a free local port, and serves one connection with the given function."""

    def __init__(self, serve, kind=socket.SOCK_STREAM):
        super().__init__(daemon=True)
        self.serve, self.kind, self.error = serve, kind, None
        self.listener = socket.socket(socket.AF_INET, kind)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        if kind == socket.SOCK_STREAM:
            self.listener.listen()
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(DEADLINE_S)
        self.listener.close()
        if self.error:
            raise self.error

    def run(self):
        try:
            if self.kind == socket.SOCK_DGRAM:
                self.serve(self.listener)
                return
            peer = self.listener.accept()[0]
            with peer:
                peer.settimeout(DEADLINE_S)
                self.serve(peer)
        except (OSError, AssertionError) as error:
            self.error = error


def receive_all(peer):
    got = b""
    while piece := peer.recv(65536):
        got += piece
    return got


class Send(WeirTest):
    def send(self, *arguments, stdin=b""):
        """Returns the ended process; its output is bytes."""
        return subprocess.run([*Settings.emulator, Settings.weir, "send", *arguments], input=stdin, capture_output=True,
                              timeout=DEADLINE_S, check=False)

    def assert_sent(self, ended, output):
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (OK, output, b""))

    def assert_failed(self, ended, code, pattern):
        self.assertEqual(ended.returncode, code, ended)
        self.assertRegex(ended.stderr.decode(), r"\Aweir: .+\n\Z")
        self.assertRegex(ended.stderr.decode(), pattern)

    def test_to_an_echo(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        tcp = "127.0.0.1:%d" % weir.tcp[1]
        self.assert_sent(self.send(tcp, "hello"), b"hello\n")
        self.assert_sent(self.send(tcp, "--hex", "68 0a ff"), b"680aff\n")
        self.assert_sent(self.send(tcp, "--raw", "--", "-dash\\"), b"-dash\\")
        weir.stop()

    def test_to_a_framed_echo(self):
        """The same frame specification on both sides; the server's --max-message replaces the codec's maximum."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u16le,max=9", "--max-message", "5")
        tcp = "127.0.0.1:%d" % weir.tcp[1]
        self.assertEqual(weir.listeners[0].codec, "u16le,max=5")
        self.assert_sent(self.send("--codec", "u16le", tcp, "hello", "", "two"), b"hello\n\ntwo\n")
        self.assertEqual(self.send("--codec", "u16le", tcp, "longer").stdout, b"")
        self.assertEqual(weir.stop().summary["closed_protocol"], 1)

    def test_datagrams(self):
        def serve(peer):
            for _ in range(3):
                data, sender = peer.recvfrom(100)
                peer.sendto(data, sender)

        with Peer(serve, socket.SOCK_DGRAM) as peer:
            self.assert_sent(self.send("--udp", peer.address, "one", "", "three"), b"one\n\nthree\n")

    def test_large_streams_in_both_directions(self):
        """More data than all buffers on the way hold: a client that only writes first would wait forever."""
        weir = self.start("--tcp", "127.0.0.1:0", "--queue-high", "64k")
        lines = b"0123456789abcdef" * 4095 + b"\n"
        ended = self.send("--raw", "--timeout", str(DEADLINE_S), "127.0.0.1:%d" % weir.tcp[1], stdin=lines * 200)
        self.assert_sent(ended, lines.rstrip(b"\n") * 200)
        weir.stop()

    def test_frames(self):
        def serve(peer):
            assert receive_all(peer) == b"\0\0\0\5hello\0\0\0\0"
            peer.sendall(struct.pack(">I", 3) + b"a\nb" + b"\0\0\0\0" + b"\0\0")
            peer.sendall(b"\0\1\xff")

        with Peer(serve) as peer:
            self.assert_sent(self.send("--codec", "u32be", peer.address, "hello", ""), b"a\\nb\n\n\\xff\n")

    def test_lines_of_stdin(self):
        def serve(peer):
            assert receive_all(peer) == b"\3one\0\4four"
            peer.sendall(b"\2ok")

        with Peer(serve) as peer:
            self.assert_sent(self.send("-c", "u8", peer.address, stdin=b"one\r\n\nfour"), b"ok\n")

    def test_wait_keeps_the_sending_side_open(self):
        def serve(peer):
            assert receive_exactly(peer, 6) == b"hello\n"
            peer.sendall(b"first\nsecond\n")
            assert peer.recv(1) == b""  # FIN only now, when the client closes

        with Peer(serve) as peer:
            self.assert_sent(self.send("--codec", "line", "--wait", "300ms", peer.address, "hello"), b"first\nsecond\n")

    def test_a_malformed_answer_is_reported(self):
        with Peer(lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n")) as peer:
            self.assert_failed(self.send("--codec", "u32be", peer.address, "hello"), FAILED, r"cannot read 127.+: .+")

    def test_a_truncated_answer_is_reported(self):
        def serve(peer):
            receive_all(peer)
            peer.sendall(b"\0\0\0\5he")

        with Peer(serve) as peer:
            self.assert_failed(self.send("--codec", "u32be", peer.address, "hello"), FAILED, "cannot read")

    def test_a_reset(self):
        def serve(peer):
            receive_all(peer)
            close_with_reset(peer)

        with Peer(serve) as peer:
            self.assert_failed(self.send(peer.address, "hello"), FAILED, r"cannot read 127.+: ")

    def test_a_peer_that_never_closes(self):
        over = threading.Event()
        with Peer(lambda peer: over.wait(DEADLINE_S)) as peer:
            self.assert_failed(self.send("--timeout", "200ms", peer.address, "hello"), FAILED,
                               "gave up on .+: the peer does not close the connection, see --timeout and --wait")
            over.set()

    def test_datagrams_without_an_answer(self):
        def serve(peer):
            data, sender = peer.recvfrom(100)
            peer.sendto(data, sender)
            peer.recvfrom(100)

        with Peer(serve, socket.SOCK_DGRAM) as peer:
            ended = self.send("--udp", "--timeout", "300ms", peer.address, "one", "two")
        self.assert_failed(ended, FAILED, "not every datagram was answered")
        self.assertEqual(ended.stdout, b"one\n")

    def test_connection_refused(self):
        with Peer(lambda peer: None, socket.SOCK_DGRAM) as taken:  # a port that no TCP listener has
            taken.listener.sendto(b"", taken.listener.getsockname())
            self.assert_failed(self.send(taken.address, "hello"), CANNOT_CONNECT, r"cannot connect to 127.+: ")

    def test_usage_errors(self):
        self.assert_failed(self.send(), USAGE, r"an address is missing")
        self.assert_failed(self.send("--codex", "raw", "7"), USAGE, "did you mean --codec")
        self.assert_failed(self.send("--codec", "u32bee", "127.0.0.1:1", "x"), WRONG_SETTING, "u32bee")
        self.assert_failed(self.send("--codec", "datagram", "127.0.0.1:1", "x"), WRONG_SETTING, "not for TCP")
        with Peer(lambda peer: None) as peer:
            self.assert_failed(self.send("--hex", peer.address, "xyz"), FAILED, "pairs of hexadecimal digits")
        with Peer(lambda peer: None) as peer:
            self.assert_failed(self.send("--codec", "u8,max=2", peer.address, "long"), FAILED, "the message is too long")


if __name__ == "__main__":
    main()
