# SPDX-License-Identifier: MIT
"""Messages over sockets: every framing checked against Python's struct and int, byte-exact echoes for every cut, bad
frames, chat rooms; and `weir frame` over pipes."""
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import tempfile

from weir_process import (DEADLINE_S, MIB, SANITIZED, Feeder, Settings, WeirTest, connect, expect_end, main,
                          path_for_weir, pattern_bytes, receive_exactly, scaled)


def number(width, order):
    return lambda message: len(message).to_bytes(width, order) + message


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "frames.md"

# SPEC: a function from message to frame, independent of weir.
FRAMINGS = {
    "u8": number(1, "big"),
    "u16be": lambda message: struct.pack(">H", len(message)) + message,
    "u16le": lambda message: struct.pack("<H", len(message)) + message,
    "u24be": number(3, "big"),
    "u32be": lambda message: struct.pack(">I", len(message)) + message,
    "u32le": lambda message: struct.pack("<I", len(message)) + message,
    "u64be": lambda message: struct.pack(">Q", len(message)) + message,
    "varint": lambda message: varint(len(message)) + message,
    "tpkt": lambda message: struct.pack(">BBH", 3, 0, len(message) + 4) + message,
    "sunrpc": lambda message: struct.pack(">I", 1 << 31 | len(message)) + message,
    "netstring": lambda message: b"%d:%s," % (len(message), message),
    "length:width=4,covers=header+body": lambda message: struct.pack(">I", len(message) + 4) + message,
    "length:width=2,offset=2,header=6,covers=rest":
        lambda message: struct.pack(">HHH", 0, len(message) + 2, 0) + message,
    "netty(0,4,-4,4)": lambda message: struct.pack(">I", len(message) + 4) + message,
    "line": lambda message: message.hex().encode() + b"\n",
    "line:delimiter=\\r\\n": lambda message: message.hex().encode() + b"\r\n",
}
SIZES = (0, 1, 2, 5, 100, 127, 128, 250)
LARGE_SIZES = (1000, 16383, 16384, 65000)


def sizes(spec):
    return SIZES if spec == "u8" else SIZES + LARGE_SIZES


def stream_of(spec, seed=1):
    """Returns messages of many sizes, framed."""
    return b"".join(FRAMINGS[spec](pattern_bytes(size, seed + size)) for size in sizes(spec))


def small_pieces(stream, chance):
    """Single bytes at first, then larger pieces."""
    at = 0
    while at < len(stream):
        size = 1 if at < 300 else chance.choice((1, 2, 3, 100, 5000, 20000))
        yield stream[at:at + size]
        at += size


class FramedEchoTest(WeirTest):
    def start_all(self):
        listeners = [f"--listen=tcp://127.0.0.1:0?codec={spec.replace('+', '%2B')}&handler=echo" for spec in FRAMINGS]
        return self.start(*listeners)

    def check_all(self, cut):
        weir = self.start_all()
        for index, spec in enumerate(FRAMINGS):
            with self.subTest(spec), connect(weir.address("tcp", index)) as peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each piece becomes one segment
                stream = stream_of(spec)
                feeder = Feeder(peer, cut(stream))
                self.assertEqual(receive_exactly(peer, len(stream)), stream)
                expect_end(peer)
                feeder.wait()
        self.assert_counts_add_up(weir.stop().summary)

    def test_every_framing_byte_for_byte(self):
        self.check_all(lambda stream: [stream])

    def test_every_framing_in_small_pieces(self):
        chance = random.Random(7)
        self.check_all(lambda stream: small_pieces(stream, chance))

    def test_fragments_of_a_record_come_back_joined(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "sunrpc", "--handler", "echo")
        with connect(weir.tcp) as peer:
            peer.sendall(struct.pack(">I", 3) + b"abc" + struct.pack(">I", 0) + struct.pack(">I", 1 << 31 | 2) + b"de")
            self.assertEqual(receive_exactly(peer, 9), struct.pack(">I", 1 << 31 | 5) + b"abcde")

    def test_many_messages_of_many_peers(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--handler", "echo")
        stream = b"".join(FRAMINGS["u32be"](pattern_bytes(size % 300, size)) for size in range(scaled(3000, 300)))
        peers = [connect(weir.tcp) for _ in range(8)]
        try:
            for piece in range(0, len(stream), 40000):
                for peer in peers:
                    peer.sendall(stream[piece:piece + 40000])
                for peer in peers:
                    wanted = stream[piece:piece + 40000]
                    # Each complete frame of this piece is answered immediately.
                    self.assertEqual(receive_exactly(peer, whole(stream, piece + len(wanted)) - whole(stream, piece)),
                                     stream[whole(stream, piece):whole(stream, piece + len(wanted))])
        finally:
            for peer in peers:
                peer.close()


def whole(stream, length):
    """Returns the number of leading bytes that are complete u32be frames."""
    at = 0
    while at + 4 <= length and at + 4 + struct.unpack_from(">I", stream, at)[0] <= length:
        at += 4 + struct.unpack_from(">I", stream, at)[0]
    return at


class BadFrameTest(WeirTest):
    def test_a_malformed_frame_closes_the_session_with_a_reason(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--handler", "echo")
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", struct.pack("<I", 5) + b"hello"):
            with connect(weir.tcp) as peer:
                peer.sendall(struct.pack(">I", 2) + b"ok" + sent)
                self.assertEqual(receive_exactly(peer, 6), struct.pack(">I", 2) + b"ok")
                self.assertEqual(read_until_end(peer), b"")
        self.assertEqual(weir.stop().summary["closed_protocol"], 3)

    def test_an_announced_frame_costs_no_memory(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be,max=1g", "--handler", "discard")
        with connect(weir.tcp) as first:
            first.sendall(struct.pack(">I", 1) + b"x")
            before = weir.rss_bytes()
            peers = [connect(weir.tcp) for _ in range(50)]
            for peer in peers:
                peer.sendall(struct.pack(">I", 1 << 30) + b"x" * 100)
            with connect(weir.tcp) as last:  # accepted after all of those
                last.sendall(struct.pack(">I", 1) + b"x")
            if not SANITIZED:
                self.assertLess(weir.rss_bytes() - before, 32 * MIB)
            for peer in peers:
                peer.close()

    def test_oversized_frames_are_skipped(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be,max=16,oversize=skip", "--handler", "echo")
        with connect(weir.tcp) as peer:
            peer.sendall(FRAMINGS["u32be"](b"y" * 100000) + FRAMINGS["u32be"](b"here"))
            self.assertEqual(receive_exactly(peer, 8), FRAMINGS["u32be"](b"here"))


def read_until_end(peer):
    """Returns the bytes up to the end of the stream, or up to its reset."""
    got = b""
    try:
        while True:
            more = peer.recv(65536)
            if not more:
                return got
            got += more
    except ConnectionResetError:
        return got


class HandlersTest(WeirTest):
    def lines(self, peer):
        return peer.makefile("r", encoding="utf-8", newline="\n")

    def test_chat(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat")
        with connect(weir.tcp) as ada, connect(weir.tcp) as bob:
            ada_lines, bob_lines = self.lines(ada), self.lines(bob)
            ada.sendall(b"/name ada\n")
            until(ada_lines, "* you are now ada")
            bob.sendall(b"/name bob\r\n")
            until(bob_lines, "* you are now bob")
            ada.sendall(b"/join den\n")
            until(ada_lines, "* you are in den, as ada")
            bob.sendall(b"/join den\n")
            until(bob_lines, "* you are in den, as bob")
            until(ada_lines, "* bob joined")
            bob.sendall("caf\u00e9 \u20ac\n".encode())
            self.assertEqual(ada_lines.readline(), "bob: caf\u00e9 \u20ac\n")
            ada.sendall(b"/me nods\n")
            # The notice that ada joined can still be in the mailbox of bob's worker when bob joins.
            until(bob_lines, "~ ada nods")
            bob.sendall(b"/quit\n")
            until(bob_lines, "* goodbye")
            until(ada_lines, "* bob left")

    def test_time_and_discard(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?handler=time", "--listen",
                          "tcp://127.0.0.1:0?codec=line&handler=time", "--listen",
                          "tcp://127.0.0.1:0?handler=discard")
        for index, end in ((0, b"Z\r\n"), (1, b"Z\n")):
            with connect(weir.address("tcp", index)) as peer:
                received = read_until_end(peer)
                self.assertRegex(received, rb"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\r?\n\Z")
                self.assertTrue(received.endswith(end))
        with connect(weir.address("tcp", 2)) as peer:
            peer.sendall(b"x" * 100000)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(read_until_end(peer), b"")


def until(lines, wanted):
    """Reads up to the wanted line."""
    for line in iter(lines.readline, ""):
        if line == wanted + "\n":
            return
    raise AssertionError(f"the stream ended before {wanted!r}")


def some(specs):
    """Returns all of them; only a few under Wine, where starting a program takes a second."""
    return list(specs)[::6] if Settings.is_windows() else list(specs)


class FrameToolTest(WeirTest):
    def frame(self, *arguments, given=b"", cwd=None):
        return subprocess.run([*Settings.emulator, Settings.weir, "frame", *arguments], input=given,
                              capture_output=True, timeout=DEADLINE_S, cwd=cwd)

    def test_decode_reads_what_python_packs(self):
        for spec, pack in some(FRAMINGS.items()):
            with self.subTest(spec):
                messages = [b"hello", b"", b"\x00\xff\"\\"] if "line" not in spec else [b"hello", b""]
                result = self.frame("decode", spec, given=b"".join(map(pack, messages)))
                self.assertEqual(result.returncode, 0, result.stderr)
                texts = [line.split(b"  ")[-1] for line in result.stdout.splitlines()]
                wanted = [b'"hello"', b'""', b'"\\x00\\xff\\"\\\\"'] if "line" not in spec else \
                    [b'"68656c6c6f"', b'""']
                self.assertEqual(texts, wanted)

    def test_encode_writes_what_python_packs(self):
        for spec, pack in some(FRAMINGS.items()):
            if "line" in spec:
                continue
            with self.subTest(spec):
                result = self.frame("encode", spec, given=b"hello\n\n\\x00\\n\\xff\n")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stdout, pack(b"hello") + pack(b"") + pack(b"\x00\n\xff"))

    def test_offsets_and_errors(self):
        given = FRAMINGS["u16be"](b"a") + FRAMINGS["u16be"](b"bc") + b"\x00\x09x"
        result = self.frame("decode", "u16be", given=given)
        self.assertEqual(result.returncode, 1)
        self.assertEqual([line.split() for line in result.stdout.splitlines()],
                         [[b"0", b"1", b'"a"'], [b"3", b"2", b'"bc"']])
        self.assertIn(b"bad frame at byte 7: the stream ended inside a frame: 3 of 11 bytes", result.stderr)
        result = self.frame("decode", "u32be", given=b"GET / HTTP/1.1\r\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"this is an HTTP request", result.stderr)

    def test_large_streams_through_a_pipe(self):
        messages = [pattern_bytes(size * 37 % 3000, size) for size in range(scaled(400, 80))]
        stream = b"".join(map(FRAMINGS["varint"], messages))
        result = self.frame("decode", "varint", given=stream)
        self.assertEqual(result.returncode, 0, result.stderr)
        lengths = [int(line.split()[1]) for line in result.stdout.splitlines()]
        self.assertEqual(lengths, list(map(len, messages)))

    def test_guess(self):
        for spec in some(("u16le", "u32be", "tpkt", "netstring")):
            given = b"".join(FRAMINGS[spec](pattern_bytes(size, size)) for size in (5, 60, 17, 200, 33))
            result = self.frame("guess", given=given)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout.split()[0].decode(), spec)

    def test_a_file_instead_of_stdin(self):
        stream = b"".join(FRAMINGS["u32be"](message) for message in (b"hello", b"", b"second"))
        with tempfile.TemporaryDirectory() as folder:
            capture, lines = os.path.join(folder, "capture"), os.path.join(folder, "-lines")
            for path, written in ((capture, stream), (lines, b"hello\n\nsecond\n")):
                with open(path, "wb") as file:
                    file.write(written)
            for arguments in (("decode", "u32be"), ("guess",)):
                wanted = self.frame(*arguments, given=stream)
                self.assertEqual((wanted.returncode, wanted.stderr), (0, b""))
                for words, given in (((path_for_weir(capture),), b"not read"), (("-",), stream),
                                     (("--", path_for_weir(capture)), b"")):
                    with self.subTest(arguments=arguments, words=words):
                        got = self.frame(*arguments, *words, given=given)
                        self.assertEqual((got.returncode, got.stdout, got.stderr), (0, wanted.stdout, b""))
            self.assertEqual(self.frame("encode", "u32be", path_for_weir(lines)).stdout, stream)
            self.assertEqual(self.frame("encode", "u32be", "--", "-lines", cwd=folder).stdout, stream)
            for path in (os.path.join(folder, "absent"), folder):
                with self.subTest(path=path):
                    got = self.frame("decode", "u32be", path_for_weir(path), given=stream)
                    self.assertEqual((got.returncode, got.stdout), (74, b""))
                    self.assertRegex(got.stderr.decode(), r"\Aweir: cannot read .+: .+; .+\n\Z")

    def test_every_command_has_help(self):
        wanted = self.frame("--help")
        self.assertEqual((wanted.returncode, wanted.stderr), (0, b""))
        for words in (("explain",), ("explain", "u8"), ("decode",), ("decode", "u8"), ("encode",), ("guess",),
                      ("guess", "absent")):
            for option in ("--help", "-h"):
                with self.subTest(words=words, option=option):
                    got = self.frame(*words, option)
                    self.assertEqual((got.returncode, got.stdout, got.stderr), (0, wanted.stdout, b""))

    def test_the_document_and_the_program_agree(self):
        text = DOCUMENT.read_text("utf-8")
        documented = dict(re.findall(r"^\| `([^`]+)` \| `[^`]+` \| (.+) \|$", text.split("## Names")[1], re.M))
        names = self.frame("--help").stdout.decode().split(",oversize=skip.\n\n")[1]
        self.assertEqual(documented, dict(re.findall(r"^  (\S+) +(.+)$", names, re.M)))
        for name, means in some(
                re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| .+ \|$", text.split("## Names")[1], re.M)):
            with self.subTest(name):
                self.assertEqual(self.frame("explain", name).stdout, self.frame("explain", means).stdout)
        examples = re.search(r"```spec\n(.*?)```", text, re.S)[1].split()
        self.assertGreater(len(examples), 10)
        for spec in some(examples):
            with self.subTest(spec):
                self.assertEqual(self.frame("explain", spec).returncode, 0)

    def test_explain_and_usage_errors(self):
        result = self.frame("explain", "tpkt")
        self.assertIn(b"length, 2 bytes big endian", result.stdout)
        self.assertIn(b"LengthFieldBasedFrameDecoder", result.stdout)
        for arguments, code, wanted in ((("explain", "u32bee"), 78, b"did you mean u32be?"),
                                      (("explan", "u32be"), 64, b"did you mean explain"),
                                      (("decode",), 64, b"frame decode: a SPEC is missing; write weir frame decode SPEC [FILE]"),
                                      (("explain", "u8", "x"), 64, b"too many words; write weir frame explain SPEC"),
                                      (("decode", "u8", "x", "y"), 64, b"too many words"),
                                      (("guess", "x", "y"), 64, b"too many words; write weir frame guess [FILE]"),
                                      (("wireshark", "u8", "x"), 64, b"write weir frame wireshark SPEC [--name NAME]"),
                                      (("wireshark", "u8", "--name", ""), 64, b"--name: write 1 to 64 bytes"),
                                      (("wireshark", "u8", "--name", "x" * 65), 64, b"--name: write 1 to 64 bytes"),
                                      (("wireshark", "u8", "--port", "65536"), 64, b"--port"),
                                      (("wireshark", "u8", "--port", "0"), 64, b"--port"),
                                      (("decode", "u8", "--port", "1"), 64, b"are options of weir frame wireshark"),
                                      (("wiresharc", "u8"), 64, b"did you mean wireshark?"),
                                      (("guess", "--spec"), 64, b"unknown option --spec"), ((), 64, b"weir frame explain SPEC")):
            result = self.frame(*arguments)
            self.assertEqual(result.returncode, code)
            self.assertIn(wanted, result.stderr)


if __name__ == "__main__":
    main()
