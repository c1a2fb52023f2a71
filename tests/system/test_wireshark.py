# SPDX-License-Identifier: MIT
"""The dissectors of `weir frame wireshark`, in tshark: every vector of the tests is cut into the same messages as by
weir, whole, in small segments and in single bytes. Skipped without tshark."""
import ast
import random
import shutil
import struct
import subprocess
import sys

import vectors
from capture import connection, cut, datagram, dissect
from test_frames import FRAMINGS
from weir_process import DEADLINE_S, SKIPPED, Settings, WeirTest, main

FIRST_PORT = 20000
SMALL_BYTES = 2000  # only streams up to this size are also sent as single bytes


def frame(*arguments, given=b""):
    return subprocess.run([*Settings.emulator, Settings.weir, "frame", *arguments], input=given, capture_output=True,
                          timeout=DEADLINE_S)


def weir_messages(spec, stream):
    """Returns (messages, number of skipped messages, error or "")."""
    result = frame("decode", spec, given=stream)
    messages, skipped = [], 0
    for line in result.stdout.decode().splitlines():
        offset, length, text = line.split(None, 2)
        if offset == "-":
            skipped += int(length)
        else:
            messages.append(ast.literal_eval("b" + text))
    return messages, skipped, result.stderr.decode()


class Dissector:
    """One generated script, for one port."""

    def __init__(self, spec, port, *options):
        self.spec, self.port = spec, port
        self.name = f"weir_v{port}"
        result = frame("wireshark", spec, "--name", f"v{port}", "--port", str(port), *options)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        self.script = result.stdout

    def fields(self):
        return [f"{self.name}.{field}" for field in ("message_length", "message", "skipped", "malformed")]


def shorten(messages):
    """For the texts of failures: a comparison of long lists takes minutes."""
    return [(len(message), message[:20]) for message in messages[:20]]


def take_messages(lengths, texts):
    """Joins both columns: an empty message has a length, but no bytes."""
    texts = iter(texts)
    return [bytes.fromhex(next(texts)) if int(length) > 0 else b"" for length in lengths]


def fragmented(chance, message):
    """Returns a record of ONC RPC in several fragments."""
    fragments = []
    while message or not fragments:
        size = chance.choice((0, 1, 3, 500, 1500))
        fragments.append(message[:size])
        message = message[size:]
    marks = [len(fragment) | (1 << 31 if index == len(fragments) - 1 else 0) for index, fragment in enumerate(fragments)]
    return b"".join(struct.pack(">I", mark) + fragment for mark, fragment in zip(marks, fragments))


def random_streams(chance):
    """Returns [(spec, stream, pieces)]."""
    framings = {**FRAMINGS, "sunrpc": lambda message: fragmented(chance, message),
                "sunrpc,max=1200,oversize=skip": lambda message: fragmented(chance, message)}
    for spec in ("u16be", "line", "netstring", "varint"):
        framings[f"{spec},max=1200,oversize=skip"] = FRAMINGS[spec]
    found = []
    for spec, pack in framings.items():
        most = 255 if spec == "u8" else 3000
        stream = b"".join(pack(chance.randbytes(chance.choice((0, 1, 2, 5, 40, chance.randrange(most)))))
                          for _ in range(chance.randrange(1, 14)))
        stream = stream[:chance.choice((len(stream), len(stream), chance.randrange(1, len(stream) + 1)))]
        pieces, at = [], 0
        while at < len(stream):
            pieces.append(stream[at:at + chance.choice((1, 3, 100, 700, 1448, chance.randrange(1, 3000)))])
            at += len(pieces[-1])
        found.append((spec, stream, pieces))
    return found


class WiresharkTest(WeirTest):
    def read(self, dissectors, connections):
        """connections: [(dissector, packets)]. Returns per connection (messages, skipped count, malformed)."""
        fields = ["tcp.srcport"] + [field for one in dissectors for field in one.fields()]
        packets = [packet for _, packets in connections for packet in packets]
        rows, errors = dissect([one.script for one in dissectors], packets, fields, 10 * DEADLINE_S)
        self.assertNotIn("Lua", errors)
        results = [([], 0, False) for _ in connections]
        at = {one: 1 + 4 * index for index, one in enumerate(dissectors)}
        for row in rows:
            index = int(row[0][0]) - 1024
            lengths, texts, skipped, malformed = row[at[connections[index][0]]:][:4]
            before = results[index]
            results[index] = (before[0] + take_messages(lengths, texts), before[1] + len(skipped),
                              before[2] or bool(malformed))
        return results

    def check(self, wanted, fin):
        """wanted: [(spec, stream, pieces)]."""
        specs = list(dict.fromkeys(spec for spec, _, _ in wanted))
        dissectors = {spec: Dissector(spec, FIRST_PORT + index) for index, spec in enumerate(specs)}
        connections = [(dissectors[spec], connection((1024 + index, dissectors[spec].port), pieces, fin))
                       for index, (spec, _, pieces) in enumerate(wanted)]
        expected = {}
        for (spec, stream, pieces), result in zip(wanted, self.read(list(dissectors.values()), connections)):
            with self.subTest(spec=spec, stream=stream[:60], pieces=len(pieces)):
                if (spec, stream) not in expected:
                    expected[spec, stream] = weir_messages(spec, stream)
                messages, skipped, error = expected[spec, stream]
                self.assertTrue(result[0] == messages, (shorten(result[0]), shorten(messages)))
                is_malformed = bool(error) and "the stream ended inside" not in error
                self.assertEqual(result[2], is_malformed, error)
                # Weir counts a skipped message when it has read its header, Wireshark when the frame is whole.
                self.assertIn(skipped - result[1], (0, 1) if "the stream ended inside" in error else (0,))

    def test_every_vector_is_cut_as_by_weir(self):
        wanted = []
        for spec, stream in vectors.every():
            if spec in ("raw", "datagram") or not stream:
                continue
            wanted.append((spec, stream, cut(stream, 50000)))
            wanted.append((spec, stream, cut(stream, 1000 if len(stream) > SMALL_BYTES else 3)))
            if len(stream) <= SMALL_BYTES:
                wanted.append((spec, stream, cut(stream, 1)))
        self.assertGreater(len(wanted), 200)
        self.check(wanted, "last")

    def test_random_messages_and_segments(self):
        """Messages of up to 3000 bytes, records of several fragments, segments of every size, streams that are cut."""
        self.check([case for seed in range(6) for case in random_streams(random.Random(seed))], "last")

    def show_all(self, asked, options=()):
        """asked: [(spec, packets, arguments, fields)]. All in one run. Returns per line of `asked` the values of its
        fields, of all packets."""
        scripts = []
        for spec, _, arguments, _ in asked:
            result = frame("wireshark", spec, *arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            scripts.append(result.stdout)
        packets = [packet for _, sent, _, _ in asked for packet in sent]
        rows, errors = dissect(scripts, packets, [field for line in asked for field in line[3]], 4 * DEADLINE_S, options)
        self.assertNotIn("Lua", errors)
        columns = iter([sum((row[index] for row in rows), []) for index in range(len(rows[0]))])
        return [[next(columns) for _ in line[3]] for line in asked]

    def show(self, spec, sent, *fields, arguments=("--name", "x", "--port", "5000"), options=()):
        return self.show_all([(spec, sent, arguments, fields)], options)[0]

    def test_a_last_line_without_its_delimiter(self):
        """The line appears if FIN is in its last segment. A FIN on its own carries no bytes to dissect."""
        self.check([("line", b"one\ntwo", cut(b"one\ntwo", size)) for size in (1, 2, 100)], "last")
        result = self.read([dissector := Dissector("line", FIRST_PORT)],
                           [(dissector, connection((1024, FIRST_PORT), [b"one\ntwo"], "alone"))])
        self.assertEqual(result[0][0][:1], [b"one"])

    def test_fields(self):
        shown = ("length", "header", "magic", "message")
        wanted = (("tls-record", b"\x16\x03\x03\x00\x02hi", ["2", "1603030002", "", "16030300026869"]),
                  ("u32le", b"\x02\x00\x00\x00hi", ["2", "02000000", "", "6869"]),
                  ("length:width=3,endian=little", b"\x02\x00\x00hi", ["2", "020000", "", "6869"]),
                  ("tpkt", b"\x03\x00\x00\x06hi", ["6", "03000006", "03", "6869"]),
                  ("mqtt", b"\x10\x02hi", ["2", "1002", "", "10026869"]),
                  ("netstring", b"2:hi,", ["2", "323a", "", "6869"]),
                  ("sunrpc", b"\x00\x00\x00\x01h\x80\x00\x00\x01i", ["", "00000001", "", "6869"]),
                  ("line", b"hi\r\n", ["", "", "", "6869"]))
        found = self.show_all([(spec, connection((1024, 5000 + index), [stream]),
                                ("--name", f"x{index}", "--port", str(5000 + index)),
                                [f"weir_x{index}.{name}" for name in shown])
                               for index, (spec, stream, _) in enumerate(wanted)])
        for (spec, _, values), shown in zip(wanted, found):
            self.assertEqual((spec, [";".join(value) for value in shown]), (spec, values))

    def test_an_absurd_length_is_shown_and_not_waited_for(self):
        wanted = (("u32be", b"GET / HTTP/1.1\r\n"), ("u64be", b"\xff" * 9), ("varint", b"\xff" * 9 + b"\x01"),
                  ("u32be,oversize=skip", b"\xff" * 4), ("netstring", b"9999999999999999999:"), ("sunrpc", b"\xff" * 4),
                  ("line,max=9,oversize=skip", b"x" * (17 << 20)), ("line,max=9", b"x" * 11),
                  ("u64le,oversize=skip", b"\xff" * 8))
        dissectors = [Dissector(spec, FIRST_PORT + index) for index, (spec, _) in enumerate(wanted)]
        found = self.read(dissectors, [(one, connection((1024 + index, one.port), cut(stream, 50000), "none"))
                                       for index, (one, (_, stream)) in enumerate(zip(dissectors, wanted))])
        self.assertEqual(found, [([], 0, True)] * len(wanted))

    def test_bytes_after_a_malformed_frame_are_no_messages(self):
        """Also not if they are in the segment with the end of the malformed header."""
        sent = connection((1024, 5000), [b"\x00\x01x", b"\xff", b"\xff\x00\x01y", b"\x00\x01y"], "none")
        sent += connection((5000, 1024), [b"\x00\x01z"], "none")  # the other direction goes on
        found = self.show("u16be,max=9", sent, "weir_x.message", "weir_x.malformed", "weir_x.after")
        self.assertEqual((found[0], len(found[1]), len(found[2])), ([b"x".hex(), b"z".hex()], 1, 1))

    def test_without_reassembly(self):
        sent = connection((1024, 5000), [b"\x00\x01x\x00", b"\x00\x01y"], "none")
        found = self.show("u16be", sent, "weir_x.message", "weir_x.cut", "weir_x.malformed",
                          options=("-o", "tcp.desegment_tcp_streams:FALSE"))
        self.assertEqual((found[0], len(found[1]), found[2]), ([b"x".hex(), b"y".hex()], 1, []))

    def test_names_with_special_characters(self):
        names = {"Foo \"]]\\' bar": "weir_foo_bar", "a\n-- os.exit(1)": "weir_a_os_exit_1",
                 "%s%n'..error()..'": "weir_s_n_error", "Gr\u00f6\u00dfe": "weir_gr_e", "mqtt": "weir_mqtt",
                 "\u65e5\u672c": "weir_u16be", "tcp": "weir_tcp", "A" * 64: "weir_" + "a" * 40}
        found = self.show_all([("u16be", connection((1024, 5000 + index), [b"\x00\x01x"]),
                                ("--name", name, "--port", str(5000 + index)), [f"{shown}.message"])
                               for index, (name, shown) in enumerate(names.items())])
        self.assertEqual(found, [[[b"x".hex()]]] * len(names))

    def test_delimiters_with_special_characters(self):
        delimiters = {"'": b"'", "\\\\n": b"\\n", "]]": b"]]", "\\x00": b"\0", "%d": b"%d", "--[[": b"--[["}
        self.check([(f"line:delimiter={text}", b"ab" + given + b"c" + given, [b"ab" + given + b"c" + given])
                    for text, given in delimiters.items()], "last")

    def test_the_user_chooses_the_port(self):
        found = self.show("tpkt", connection((1024, 5001), [b"\x03\x00\x00\x05x"]), "weir_tpkt.message", arguments=(),
                          options=("-d", "tcp.port==5001,weir_tpkt"))
        self.assertEqual(found, [[b"x".hex()]])

    def test_datagrams(self):
        found = self.show("datagram", [datagram((1024, 5000), b"ab"), datagram((1024, 5000), b"c")], "weir_x.message")
        self.assertEqual(found, [[b"ab".hex(), b"c".hex()]])


if __name__ == "__main__":
    if not shutil.which("tshark"):
        print("skipped: there is no tshark here (package tshark)", file=sys.stderr)
        sys.exit(SKIPPED)
    main()
