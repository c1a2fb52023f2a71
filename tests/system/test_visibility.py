# SPDX-License-Identifier: MIT
"""What a running server shows: sessions and messages in the log, traces, and the public calls for tools, by a module."""
import re
import struct

from weir_process import WeirTest, connect, echo_once, expect_end, main, module, path_for_weir, receive_exactly, udp_socket

WRONG_SETTING, USAGE = 78, 64


def frame(text):
    return struct.pack(">I", len(text)) + text


def ask(peer, question):
    """Sends a frame, and returns the text of the answer."""
    peer.sendall(frame(question.encode()))
    length, = struct.unpack(">I", receive_exactly(peer, 4))
    return receive_exactly(peer, length).decode()


class Logged(WeirTest):
    def echo_framed(self, weir, text=b"hello"):
        with connect(weir.tcp) as peer:
            peer.sendall(frame(text))
            self.assertEqual(receive_exactly(peer, 4 + len(text)), frame(text))
            return "%s:%d" % peer.getsockname()

    def test_sessions(self):
        """-v: begin and end, with id, peer, reason and counts; no messages."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "-v")
        peer = self.echo_framed(weir)
        weir.wait_until("the session ends", lambda: " ends: peer_done" in weir.log)
        with connect(weir.tcp) as bad:
            bad.sendall(b"\xff" * 4)
            expect_end(bad)
        log = weir.stop().log
        begin = re.search(rf"weir: info: session ([0-9a-f]{{16}}) begins: tcp {peer}, codec u32be, handler echo\n", log)
        self.assertTrue(begin, log)
        self.assertRegex(log, rf"weir: info: session {begin[1]} ends: peer_done; tcp {peer}, open for \d+\.\d\d\d s; "
                              r"in 9 bytes, 1 messages; out 9 bytes, 1 messages\n")
        self.assertRegex(log, r"ends: protocol \(length 4294967295 exceeds 1048576\); tcp 127.* in 4 bytes, 0 messages")
        self.assertNotIn("weir: detail:", log)

    def test_lengths(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "-vv")
        self.echo_framed(weir)
        log = weir.stop().log
        self.assertRegex(log, r"weir: detail: session [0-9a-f]{16}: received a message of 5 bytes\n")
        self.assertRegex(log, r"weir: detail: session [0-9a-f]{16}: sent a message of 5 bytes\n")

    def test_nothing_without_options(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be")
        self.echo_framed(weir)
        self.assertNotIn("session", weir.stop().log)

    def test_trace(self):
        """Bytes in both directions, also of peers that send control characters; datagrams, too."""
        weir = self.start("--listen", "tcp://127.0.0.1:0?codec=u32be", "--udp", "127.0.0.1:0", "--trace")
        peer = self.echo_framed(weir, b"\x1b[31mred\n")
        with udp_socket(weir.udp) as other:
            other.send(b"ping")
            self.assertEqual(other.recv(100), b"ping")
        log = weir.stop().log
        dump = (r"weir: trace: session [0-9a-f]{16}   000000  00 00 00 09 1b 5b 33 31  6d 72 65 64 0a +"
                r"\|\.\.\.\.\.\[31mred\.\|\n")
        for what in ("received", "sent"):
            self.assertRegex(log, rf"weir: trace: session [0-9a-f]{{16}} of {peer}: {what} a frame of 13 bytes\n")
            self.assertRegex(log, rf"of 127\.0\.0\.1:\d+: {what} a frame of 4 bytes\n")
        self.assertEqual(len(re.findall(dump, log)), 2, log)
        self.assertNotIn("\x1b", log)
        self.assertNotIn("begins", log)

    def test_trace_of_other_peers(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--trace=10.0.0.0/8", "--trace=192.0.2.1, ::1")
        self.echo_framed(weir)
        self.assertNotIn("trace", weir.stop().log)

    def test_trace_of_long_frames(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--trace", "--trace-bytes", "2")
        self.echo_framed(weir)
        log = weir.stop().log
        self.assertRegex(log, r"   000000  00 00  +\|\.\.\|\n")
        self.assertRegex(log, r"   7 more bytes \(trace_bytes_max, --trace-bytes\)\n")

    def test_wrong_traces(self):
        for arguments, pattern in ((("--trace=10.0.0.0/33",), "--trace: 10.0.0.0/33"),
                                   (("--trace", "10.0.0.7"), "10.0.0.7")):
            with self.subTest(arguments):
                ended = self.run_weir("--tcp", "127.0.0.1:0", *arguments)
                self.assertIn(ended.returncode, (USAGE, WRONG_SETTING))
                self.assertIn(pattern, ended.stderr)

    def test_a_flood_of_lines_is_bounded_and_counted(self):
        """The log takes 10 lines per second; the echo goes on, and the loss is reported."""
        weir = self.start("--tcp", "127.0.0.1:0", "-vv", "--trace", "--log-rate", "10")
        echo_once(weir.tcp, 2_000_000)
        ended = weir.stop()
        self.assertGreater(ended.summary["log_lines_lost"], 0)
        self.assertRegex(ended.log, r"weir: warning: \d+ log lines were lost here: ")


class Inspected(WeirTest):
    def launch_inspector(self, *arguments, limit=5):
        path = path_for_weir(module("inspector"))
        return self.start("--listen", "tcp://127.0.0.1:0?codec=u32be", "--udp", "127.0.0.1:0",
                          "--handler", f"{path}?limit={limit}", "--udp-reply-ratio", "off", *arguments)

    def test_arguments(self):
        """Two listeners with the same arguments share what `open` made; `close` follows the last session."""
        weir = self.launch_inspector(limit=7)
        self.assertEqual([one.handler for one in weir.listeners], ["inspector", "inspector"])
        with connect(weir.tcp) as peer:
            self.assertEqual(ask(peer, "limit"), "limit=7")
        log = weir.stop().log
        self.assertEqual(log.count("weir: warning: inspector opens with limit=7\n"), 1)
        self.assertEqual(log.count("weir: warning: inspector closes with limit=7\n"), 1)

    def test_arguments_of_each_listener(self):
        path = path_for_weir(module("inspector")).replace("\\", "%5c")
        weir = self.start(*(f"--listen=tcp://127.0.0.1:0?codec=u32be&handler={path}?limit={limit}" for limit in (1, 2, 1)))
        for index, limit in enumerate((1, 2, 1)):
            with connect(weir.address("tcp", index)) as peer:
                self.assertEqual(ask(peer, "limit"), f"limit={limit}")
        log = weir.stop().log
        self.assertEqual((log.count("inspector opens"), log.count("inspector closes")), (2, 2))

    def test_wrong_arguments(self):
        path = path_for_weir(module("inspector"))
        for handler, pattern in ((path, "cannot open handler inspector: its arguments are ''; write '?limit=N'"),
                                 (f"{path}?size=1", "its arguments are 'size=1'"),
                                 (path_for_weir(module("shout")) + "?a=1", "cannot use handler shout: it takes no arguments"),
                                 ("echo?a=1", "cannot use handler echo: it takes no arguments")):
            with self.subTest(handler):
                ended = self.run_weir("--tcp", "127.0.0.1:0", "--handler", handler)
                self.assertEqual(ended.returncode, WRONG_SETTING, ended.stderr)
                self.assertIn(pattern, ended.stderr)

    def test_a_module_writes_to_the_log(self):
        """At the level that the program shows; -q leaves errors."""
        for option, wanted in (("-q", 1), (None, 2), ("-v", 3), ("-vv", 4)):
            with self.subTest(option):
                weir = self.launch_inspector(*((option,) if option else ()))
                with connect(weir.tcp) as peer:
                    self.assertEqual(ask(peer, "log hi\x1b"), "logged")
                if option == "-q":
                    weir.send_signal(2)
                    log = weir.wait_end().log
                else:
                    log = weir.stop().log
                lines = [f"weir: {level}: {level} hi?\n" for level in ("error", "warning", "info", "detail")]
                self.assertEqual([line in log for line in lines], [i < wanted for i in range(4)], log)

    def test_a_session_describes_itself(self):
        weir = self.launch_inspector()
        with connect(weir.tcp) as peer:
            address = "%s:%d" % peer.getsockname()
            self.assertEqual(ask(peer, "self"), f"tcp {address} open listener=1 codec=u32be handler=inspector "
                                                "in=8/0 pause=none ends=idle")
            # Messages count when the received bytes are handled, so the second question finds the first one.
            self.assertIn(" in=16/1 ", ask(peer, "self"))
        with udp_socket(weir.udp) as peer:
            peer.send(b"self")
            self.assertRegex(peer.recv(300).decode(), r"udp 127\.0\.0\.1:\d+ open listener=2 codec=datagram "
                                                      r"handler=inspector in=4/1 pause=none ends=idle")
        weir.stop()

    def test_lists_of_sessions(self):
        """Over all workers, in slices of three."""
        weir = self.launch_inspector("--workers", "3")
        peers = [connect(weir.tcp) for _ in range(20)]
        for peer in peers:
            self.addCleanup(peer.close)
            self.assertEqual(ask(peer, "limit"), "limit=5")
        with udp_socket(weir.udp) as other:
            other.send(b"limit")
            other.recv(100)
            self.assertEqual(ask(peers[0], "list"), f"sessions=21 datagram_sessions=1 bytes_in={20 * 9 + 8 + 5}")
        self.assertEqual(ask(peers[0], "workers"), "workers=3 sessions=20 iterates=1")
        for peer in peers:
            peer.close()
        weir.stop()


if __name__ == "__main__":
    main()
