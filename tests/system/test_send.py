# SPDX-License-Identifier: MIT
"""weir send: messages are framed and sent, answers are printed, and the exit code reports the result."""
import contextlib
import os
import select
import socket
import struct
import subprocess
import tempfile
import threading
import time

from send_command import OK, FAILED, USAGE, CANNOT_CONNECT, LOST, WRONG_SETTING, SendTest
from serving_peer import Peer, receive_all
from weir_process import (DEADLINE_S, Settings, WeirTest, close_with_reset, linux_only, main, receive_exactly,
                          start_tool)


class Send(SendTest):
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

    @linux_only("Windows refuses what a full queue does not take")
    def test_the_timeout_covers_connecting(self):
        """The queue of the listener is full, so the system ignores each further attempt to connect."""
        with socket.socket() as listener, contextlib.ExitStack() as waiting:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(listener.getsockname())
            address = "127.0.0.1:%d" % listener.getsockname()[1]
            self.assert_failed(self.send("--timeout", "300ms", address, "hello"), CANNOT_CONNECT,
                               r"cannot connect to 127.+: no answer in time, see --timeout")

    def test_a_name_whose_first_address_refuses(self):
        """localhost is ::1 and 127.0.0.1 on most systems; the listener has the second one alone."""
        with Peer(lambda peer: (receive_all(peer), peer.sendall(b"welcome"))) as peer:
            ended = self.send("localhost:%s" % peer.address.rsplit(":", 1)[1], "hello")
        self.assertEqual((ended.returncode, ended.stdout), (0, b"welcome\n"), ended.stderr)

    def test_an_ipv4_address_in_its_mapped_form(self):
        with Peer(lambda peer: (receive_all(peer), peer.sendall(b"welcome"))) as peer:
            ended = self.send("[::ffff:127.0.0.1]:%s" % peer.address.rsplit(":", 1)[1], "hello")
        self.assertEqual((ended.returncode, ended.stdout), (0, b"welcome\n"), ended.stderr)

    def test_usage_errors(self):
        self.assert_failed(self.send(), USAGE, r"an address is missing")
        self.assert_failed(self.send("--codex", "raw", "7"), USAGE, "did you mean --codec")
        self.assert_failed(self.send("--codec", "u32bee", "127.0.0.1:1", "x"), WRONG_SETTING, "u32bee")
        self.assert_failed(self.send("--codec", "datagram", "127.0.0.1:1", "x"), WRONG_SETTING, "not for TCP")

    def test_the_command_line_is_checked_before_connecting(self):
        """The listener never sees a connection or a datagram of a command line that cannot work."""
        large = "日" * 21836 + "x"  # 65,509 bytes; a command line of Windows has at most 32,767 characters
        for kind, arguments, pattern in (
                (socket.SOCK_STREAM, ("--hex", "68", "xyz"), 'message 2, "xyz": with --hex write pairs'),
                (socket.SOCK_STREAM, ("--hex", "0"), "pairs of hexadecimal digits"),
                (socket.SOCK_STREAM, ("--hex", "0x01"), "pairs of hexadecimal digits"),
                (socket.SOCK_STREAM, ("--hex", "6\n8"), r'"6\\n8": with --hex'),
                (socket.SOCK_STREAM, ("--codec", "u8,max=2", "ok", "long"), "the message is too long"),
                (socket.SOCK_STREAM, ("--codec", "line", "a\nb"), "cannot contain these bytes"),
                (socket.SOCK_DGRAM, ("--udp", "--hex", "68", "xyz"), "pairs of hexadecimal digits"),
                (socket.SOCK_DGRAM, ("--udp", large), "too long for a datagram")):
            with self.subTest(arguments=arguments[:2]), socket.socket(socket.AF_INET, kind) as listener:
                listener.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    listener.listen()
                listener.setblocking(False)
                self.assert_failed(self.send("127.0.0.1:%d" % listener.getsockname()[1], *arguments), USAGE, pattern)
                with self.assertRaises(BlockingIOError):
                    listener.accept() if kind == socket.SOCK_STREAM else listener.recv(1)

    def test_ports_are_not_reduced_modulo_65536(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            port = listener.getsockname()[1]
            for text in (str(port + 65536), str(port + 2 ** 32), str(port + 2 ** 64), f"+{port}", f" {port}", f"{port} ",
                         hex(port), f"{port}x"):
                for address in (f"127.0.0.1:{text}", f"tcp://127.0.0.1:{text}"):
                    self.assert_failed(self.send(address, "x"), USAGE, "the port is (too large|not a number)")
            with self.assertRaises(BlockingIOError):
                listener.accept()

    def test_a_line_of_stdin_that_is_not_hexadecimal_is_named(self):
        with Peer(receive_all) as peer:
            self.assert_failed(self.send("--hex", peer.address, stdin=b"68\nxy\n"), FAILED, 'line 2, "xy": with --hex')

    def test_urls(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be")
        url = "tcp://127.0.0.1:%d" % weir.tcp[1]
        self.assert_sent(self.send(f"{url}?codec=u32be", "hello"), b"hello\n")
        self.assert_failed(self.send(f"{url}%00", "hello"), USAGE, "%00 encodes the byte NUL")
        weir.stop()
        weir = self.start("--udp", "127.0.0.1:0")
        self.assert_sent(self.send("udp://127.0.0.1:%d" % weir.udp[1], "hello"), b"hello\n")
        weir.stop()


class Stdin(WeirTest):
    """Messages from every kind of stdin. What the server does is noticed at any time, and not only with the next line."""

    def open(self, *arguments, stdin=subprocess.PIPE, launcher=(), **options):
        """Starts weir send; the test ends it."""
        sender = subprocess.Popen([*Settings.emulator, *launcher, Settings.weir, "send", *arguments], stdin=stdin,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(self.end, sender)
        return sender

    @staticmethod
    def end(sender):
        if sender.poll() is None:
            sender.kill()
        sender.wait()
        for stream in (sender.stdout, sender.stderr, sender.stdin):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass  # it ended without reading all of its stdin

    @staticmethod
    def type(sender, text):
        sender.stdin.write(text)
        sender.stdin.flush()

    def assert_shows(self, sender, text):
        """Waits for this text on its stdout, while its stdin stays open."""
        got, until = b"", time.monotonic() + DEADLINE_S
        while len(got) < len(text):
            if not select.select([sender.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError(f"only {got!r} of {text!r} in {DEADLINE_S} s")
            piece = os.read(sender.stdout.fileno(), 65536)
            if not piece:
                break
            got += piece
        self.assertEqual(got, text)

    def assert_ends(self, sender, code=OK, rest=b"", errors=r"\A\Z"):
        """Waits until it ends, and does not close its stdin."""
        self.assertEqual(sender.wait(DEADLINE_S), code)
        self.assertEqual(sender.stdout.read(), rest)
        self.assertRegex(sender.stderr.read().decode(), errors)

    @staticmethod
    def echo_lines(peer):
        while line := peer.recv(65536):
            peer.sendall(line)

    def test_answers_appear_while_a_pipe_stays_open(self):
        with Peer(self.echo_lines) as peer:
            sender = self.open("--codec", "line", peer.address)
            for line in (b"one\n", b"two\n", b"three\n"):
                self.type(sender, line)
                self.assert_shows(sender, line)
            self.type(sender, b"fo")
            self.type(sender, b"ur")
            sender.stdin.close()
            self.assert_ends(sender, rest=b"four\n")

    def test_a_greeting_appears_before_any_input(self):
        def serve(peer):
            peer.sendall(b"welcome\n")
            assert receive_all(peer) == b""

        with Peer(serve) as peer:
            sender = self.open("--codec", "line", peer.address)
            self.assert_shows(sender, b"welcome\n")
            sender.stdin.close()
            self.assert_ends(sender)

    def test_the_end_of_the_server_is_noticed_while_stdin_is_silent(self):
        with Peer(lambda peer: peer.sendall(b"bye\n")) as peer:
            sender = self.open("--codec", "line", peer.address)
            self.assert_ends(sender, FAILED, b"bye\n", "the peer closed the connection")

    def test_a_reset_is_noticed_while_stdin_is_silent(self):
        def serve(peer):
            assert receive_exactly(peer, 4) == b"one\n"
            close_with_reset(peer)

        with Peer(serve) as peer:
            sender = self.open("--codec", "line", peer.address)
            self.type(sender, b"one\n")
            self.assert_ends(sender, FAILED, b"", r"\Aweir: cannot read 127.+: .+")

    def test_datagrams(self):
        def serve(peer):
            for _ in range(2):
                data, sender = peer.recvfrom(100)
                peer.sendto(data, sender)

        with Peer(serve, socket.SOCK_DGRAM) as peer:
            sender = self.open("--udp", peer.address)
            for line in (b"one\n", b"two\n"):
                self.type(sender, line)
                self.assert_shows(sender, line)
            sender.stdin.close()
            self.assert_ends(sender)

    def test_messages_as_arguments_leave_stdin_alone(self):
        with Peer(self.echo_lines) as peer:
            self.assert_ends(self.open(peer.address, "hello"), rest=b"hello\n")

    def test_a_file(self):
        lines = b"".join(b"line %d of a file\n" % i for i in range(40_000))
        with tempfile.TemporaryFile() as file, Peer(self.echo_lines) as peer:
            file.write(lines)
            file.seek(0)
            sender = self.open("--codec", "line", peer.address, stdin=file)
            self.assert_shows(sender, lines)
            self.assert_ends(sender)

    def test_more_input_than_the_peer_reads(self):
        """The peer reads only when all input that weir reads ahead is stuck; nothing is lost."""
        line = b"0123456789abcdef" * 4095 + b"\n"
        begin = threading.Event()

        def serve(peer):
            assert begin.wait(DEADLINE_S)
            assert receive_all(peer) == line * 300

        with Peer(serve) as peer:
            sender = self.open("--codec", "line", "--timeout", str(DEADLINE_S), peer.address)
            os.set_blocking(sender.stdin.fileno(), False)
            sent, stuck_s = 0, 2
            while select.select([], [sender.stdin], [], stuck_s)[1] and sent < len(line) * 300:
                sent += os.write(sender.stdin.fileno(), (line * 2)[sent % len(line):][:len(line) * 300 - sent])
            self.assertLess(sent, len(line) * 300, "it read everything ahead")
            begin.set()
            os.set_blocking(sender.stdin.fileno(), True)
            while sent < len(line) * 300:
                sent += os.write(sender.stdin.fileno(), (line * 2)[sent % len(line):][:len(line) * 300 - sent])
            sender.stdin.close()
            self.assert_ends(sender)

    def test_nothing(self):
        with Peer(lambda peer: receive_all(peer)) as peer:
            self.assert_ends(self.open(peer.address, stdin=subprocess.DEVNULL))

    def test_no_stdin(self):
        """The program was started without one: an error, as a script that closes stdin did not mean an empty one."""
        with Peer(lambda peer: receive_all(peer)) as peer:
            if Settings.is_windows():
                sender = self.open(peer.address, launcher=(start_tool(), "no-stdin"))
            else:
                sender = self.open(peer.address, stdin=None, preexec_fn=lambda: os.close(0))
            self.assert_ends(sender, LOST, b"", r"\Aweir: cannot read stdin: .+\n\Z")

    @linux_only("test_console.py has a console of Windows")
    def test_a_terminal(self):
        master, terminal = os.openpty()
        self.addCleanup(os.close, master)
        with Peer(self.echo_lines) as peer:
            sender = self.open("--codec", "line", peer.address, stdin=terminal)
            os.close(terminal)
            os.write(master, b"one\n")
            self.assert_shows(sender, b"one\n")
            os.write(master, b"two\n\4")  # Ctrl-D: the end of the input
            self.assert_ends(sender, rest=b"two\n")

    @linux_only("only Linux has this mode of a pipe")
    def test_a_non_blocking_pipe(self):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        with Peer(self.echo_lines) as peer:
            sender = self.open("--codec", "line", peer.address, stdin=reader)
            os.close(reader)
            os.write(writer, b"one\n")
            self.assert_shows(sender, b"one\n")
            os.close(writer)
            self.assert_ends(sender)

    def test_a_folder_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder, Peer(lambda peer: receive_all(peer)) as peer:
            folder = os.open(folder, os.O_RDONLY)
            self.addCleanup(os.close, folder)
            self.assert_ends(self.open(peer.address, stdin=folder), LOST, b"", r"\Aweir: cannot read stdin: .+\n\Z")


if __name__ == "__main__":
    main()
