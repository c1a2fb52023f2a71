# SPDX-License-Identifier: MIT
"""The handler chat: telnet clients, text that could deceive other users, and names."""
import shutil
import subprocess
import unittest

from weir_process import DEADLINE_S, WeirTest, connect, main

IAC, SE, NOP, IP, SB, WILL, WONT, DO, DONT = 255, 240, 241, 244, 250, 251, 252, 253, 254
TERMINAL_TYPE, NAWS, TIMING_MARK, ECHO = 24, 31, 6, 1


def until(lines, wanted):
    """Reads up to the wanted line; returns the lines before it."""
    before = []
    for line in iter(lines.readline, b""):
        if line.rstrip(b"\r\n") == wanted:
            return before
        before.append(line)
    raise AssertionError(f"the stream ended before {wanted!r}: {before}")


class Chat(WeirTest):
    def setUp(self):
        self.weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--workers", "1")

    def join(self, name):
        """Returns a client with this name, and its lines."""
        peer = connect(self.weir.tcp)
        self.addCleanup(peer.close)
        lines = peer.makefile("rb")
        self.addCleanup(lines.close)
        peer.sendall(b"/name %s\n" % name)
        until(lines, b"* you are now " + name)
        return peer, lines

    def join_two(self):
        ada, ada_lines = self.join(b"ada")
        bob, bob_lines = self.join(b"bob")
        return ada, ada_lines, bob, bob_lines

    def assert_heard(self, speaker, listener_lines, sent, heard):
        """Sends bytes, and then a mark: the listener gets exactly the wanted lines before the mark."""
        speaker.sendall(sent + b"mark\n")
        got = [line for line in until(listener_lines, b"ada: mark") if not line.startswith(b"* ")]
        self.assertEqual(got, heard)

    def test_telnet_commands(self):
        ada, _, _, bob_lines = self.join_two()
        for sent, heard in (
                (b"plain\r\n", [b"ada: plain\n"]),
                (b"lone return\r\0\n", [b"ada: lone return\n"]),
                (bytes([IAC, WILL, NAWS, IAC, DO, ECHO]) + b"hello\r\n", [b"ada: hello\n"]),
                (bytes([IAC, SB, NAWS, 0, 80, 0, 24, IAC, SE]) + b"hello\n", [b"ada: hello\n"]),
                (bytes([IAC, SB, NAWS, 0, 80, 0, 10, IAC, SE]) + b"ten rows\n", [b"ada: ten rows\n"]),  # 10: a newline
                (bytes([IAC, SB, NAWS, IAC, IAC, 0, 24, IAC, SE]) + b"wide\n", [b"ada: wide\n"]),
                (bytes([IAC, SB, TERMINAL_TYPE, 0]) + b"xterm" + bytes([IAC, SE]) + b"type\n", [b"ada: type\n"]),
                (b"Ctrl-C" + bytes([IAC, IP, IAC, DO, TIMING_MARK]) + b"\r\n", [b"ada: Ctrl-C\n"]),
                (bytes([IAC, WONT, ECHO, IAC, DONT, ECHO, IAC, NOP]) + b"quiet\n", [b"ada: quiet\n"]),
                (bytes([IAC, NOP]) + b"\n", [])):
            with self.subTest(sent=sent):
                self.assert_heard(ada, bob_lines, sent, heard)

    def test_telnet_commands_in_single_bytes(self):
        ada, _, _, bob_lines = self.join_two()
        for byte in (bytes([IAC, WILL, NAWS, IAC, SB, NAWS, 0, 80, 0, 10, IAC, SE]) + b"hello" + bytes([IAC, NOP]) +
                     b"\r\n"):
            ada.sendall(bytes([byte]))
        self.assert_heard(ada, bob_lines, b"", [b"ada: hello\n"])

    def test_requests_are_refused(self):
        ada, ada_lines, _, _ = self.join_two()
        ada.sendall(bytes([IAC, DO, TIMING_MARK, IAC, WILL, NAWS, IAC, WONT, ECHO]) + b"\n/help\n")
        self.assertIn(bytes([IAC, WONT, TIMING_MARK, IAC, DONT, NAWS]) + b"\n", until_help(ada_lines))

    def test_an_escaped_byte_is_data(self):
        ada, ada_lines, _, bob_lines = self.join_two()
        self.assert_heard(ada, bob_lines, b"a" + bytes([IAC, IAC]) + b"\n", [])
        until(ada_lines, b"* not sent: character 2 is not UTF-8")

    def test_hidden_characters_are_rejected(self):
        ada, ada_lines, _, bob_lines = self.join_two()
        for text, position, code in (("a\u202etxt.exe", 2, "U+202E"), ("zero\u200bwidth", 5, "U+200B"),
                                     ("\u2066x", 1, "U+2066"), ("a\u2028* bob left", 2, "U+2028"),
                                     ("\x1b[2J", 1, "U+001B"), ("a\u009b2J", 2, "U+009B"), ("\ufeffhello", 1, "U+FEFF"),
                                     ("/me \u200e", 5, "U+200E"), ("/name ad\u200ba", 9, "U+200B"),
                                     ("/join ro\u202eom", 9, "U+202E"), ("a\U000e0041", 2, "U+E0041")):
            with self.subTest(text=text):
                self.assert_heard(ada, bob_lines, text.encode() + b"\n", [])
                until(ada_lines, f"* not sent: character {position}, {code}, is invisible or controls the terminal"
                      .encode())
        for sent in (b"caf\xe9\n", b"a\xc0\xaf\n", b"a\xed\xa0\x80\n"):
            with self.subTest(sent=sent):
                self.assert_heard(ada, bob_lines, sent, [])
                until(ada_lines, b"* not sent: character %d is not UTF-8" % (4 if sent.startswith(b"caf") else 2))
        for text in ("\u05e9\u05dc\u05d5\u05dd", "\u0633\u0644\u0627\u0645", "\u2764\ufe0f", "\u65e5\u672c", "e\u0301"):
            self.assert_heard(ada, bob_lines, text.encode() + b"\n", [b"ada: %s\n" % text.encode()])

    def test_no_line_looks_like_a_notice(self):
        ada, _, _, bob_lines = self.join_two()
        for sent, heard in ((b"/me waves\n", b"~ ada waves\n"), (b"/me joined\n", b"~ ada joined\n"),
                            (b"/me is now bob\n", b"~ ada is now bob\n"), (b"* bob left\n", b"ada: * bob left\n"),
                            (b"x" + b" " * 200 + b"* bob left\n", b"ada: x" + b" " * 8 + b"* bob left\n"),
                            ("x\u3000\u00a0".encode() * 40 + b"* bob left\n",
                             b"ada: " + b"x  " * 40 + b"* bob left\n")):
            with self.subTest(sent=sent):
                self.assert_heard(ada, bob_lines, sent, [heard])

    def test_names_are_unique(self):
        ada, ada_lines, bob, bob_lines = self.join_two()
        for name in (b"ada", b"ADA", b"Ada"):
            bob.sendall(b"/name %s\n" % name)
            until(bob_lines, b"* %s, or a name that looks like it, is taken; choose another" % name)
        for name in (b"guest-1", b"Guest-x", b"GUEST-"):
            bob.sendall(b"/name %s\n" % name)
            until(bob_lines, b"* %s, or a name that looks like it, is taken; choose another" % name)
        for name in (b"b\xc3\xb6b", b"a b", b"", b"x" * 25, b"*"):
            bob.sendall(b"/name %s\n" % name)
            until(bob_lines, b"* a name has 1 to 24 letters, digits, '-', '_' and '.'")
        ada.sendall(b"/name Ada\n")  # its own name, in another case
        until(ada_lines, b"* you are now Ada")
        ada.sendall(b"/quit\n")
        until(bob_lines, b"* Ada left")
        bob.sendall(b"/name ada\n")
        until(bob_lines, b"* you are now ada")

    def test_lengths_count_characters(self):
        ada, ada_lines, _, bob_lines = self.join_two()
        for character in ("x", "\u00fc", "\u65e5", "\U0001f600"):
            text = (character * 1000).encode()
            self.assert_heard(ada, bob_lines, text + b"\n", [b"ada: %s\n" % text])
            self.assert_heard(ada, bob_lines, text + character.encode() + b"\n", [])
            until(ada_lines, b"* not sent: a message has at most 1000 characters")

    def test_users_are_counted(self):
        ada, ada_lines = self.join(b"ada")
        bob, bob_lines = self.join(b"bob")
        ada.sendall(b"/who\n")
        until(ada_lines, b"* 2 in lobby")
        bob.sendall(b"/join attic\n/who\n")
        until(bob_lines, b"* 1 in attic")
        ada.sendall(b"/who\n")
        until(ada_lines, b"* 1 in lobby")

    @unittest.skipUnless(shutil.which("nc"), "nc is not installed")
    def test_with_netcat(self):
        _, ada_lines = self.join(b"ada")
        ended = subprocess.run(["nc", "-N", *map(str, self.weir.tcp)], input=b"/name bob\nhello\n/me nods\n/quit\n",
                               capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertIn(b"* you are now bob\n", ended.stdout)
        self.assertTrue(ended.stdout.endswith(b"* goodbye\n"), ended.stdout)
        until(ada_lines, b"bob: hello")
        until(ada_lines, b"~ bob nods")
        until(ada_lines, b"* bob left")

    @unittest.skipUnless(shutil.which("telnet"), "telnet is not installed")
    def test_with_telnet(self):
        _, ada_lines = self.join(b"ada")
        telnet = subprocess.Popen(["telnet", *map(str, self.weir.tcp)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        with telnet:
            telnet.stdin.write(b"/name bob\nhello\n/quit\n")
            telnet.stdin.flush()
            until(ada_lines, b"bob: hello")
            until(ada_lines, b"* bob left")
            self.assertIn(b"* you are now bob", telnet.stdout.read())


def until_help(lines):
    """Reads up to the second line of help; the first is sent when a client joins."""
    before = []
    for line in iter(lines.readline, b""):
        if line.startswith(b"* /name NICK") and before:
            return before
        before.append(line)
    raise AssertionError(f"the stream ended: {before}")


class Datagrams(WeirTest):
    def test_chat_and_time_warn_of_the_reply_ratio(self):
        warning = "--udp-reply-ratio 1.0 drops"
        for arguments, warned in ((["--udp", "127.0.0.1:0", "--handler", "chat"], True),
                                  (["--udp", "127.0.0.1:0", "--handler", "time"], True),
                                  (["-l", "udp://127.0.0.1:0?handler=time", "--tcp", "127.0.0.1:0"], True),
                                  (["--udp", "127.0.0.1:0"], False),
                                  (["--udp", "127.0.0.1:0", "--handler", "discard"], False),
                                  (["--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat"], False),
                                  (["--udp", "127.0.0.1:0", "--handler", "chat", "--udp-reply-ratio", "off"], False),
                                  (["--udp", "127.0.0.1:0", "--handler", "time", "--udp-reply-ratio", "20"], False)):
            with self.subTest(arguments=arguments):
                weir = self.start(*arguments)
                self.assertEqual(weir.log.count(warning), 1 if warned else 0, weir.log)
                weir.kill()


if __name__ == "__main__":
    main()
