# SPDX-License-Identifier: MIT
"""The frame specifications that are compared with other libraries, and byte streams for each: valid, at the maximum,
above it, incomplete, and malformed in every way that libraries treat differently. No stream is made by weir.

every() yields (spec, [(tag, stream)]). The tags are those that test_peers.c knows."""
SMALL = 16  # max= of most specifications


def number(value, width, order):
    return value.to_bytes(width, order)


def length_streams(spec, width, order="big", before=b"", after=b"", counts=0, most=SMALL, magic=False):
    """counts: what the sender adds to the bytes of the body. most: the longest body."""
    def frame(body, value=None):
        value = len(body) + counts if value is None else value
        return before + number(value, width, order) + after + body

    full = 256 ** width - 1
    good = frame(b"abc") + frame(b"") + frame(b"hello")
    streams = [("valid", good), ("partial", good + frame(b"abcdef")[:-2]), ("partial", good + frame(b"")[:1])]
    streams.append(("max", frame(b"m" * most) + frame(b"x")))
    if most + 1 + counts <= full:
        streams.append(("oversize", frame(b"ab") + frame(b"o" * (most + 1)) + frame(b"cd")))
    if full > most + counts + 200:
        streams.append(("huge", frame(b"ab") + frame(b"cd", full) + b"more bytes than a header has"))
        streams.append(("huge", frame(b"ab") + frame(b"cd", full // 2 + 1) + b"more bytes than a header has"))
    for value in {0, 1, max(counts - 1, 0), max(counts // 2, 0)}:
        if value < counts:
            streams.append(("short", frame(b"ab") + frame(b"cd", value) + frame(b"ef") * 9))
    if magic:
        streams.append(("magic", frame(b"ab") + b"\x7f" + frame(b"cd")[1:] + frame(b"ef")))
    return spec, streams


def varint(value, width=0):
    out = bytearray()
    while value > 0x7F or len(out) + 1 < width:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def varint_streams(spec, before=b"", most=SMALL):
    def frame(body, value=None, width=0):
        return before + varint(len(body) if value is None else value, width) + body

    good = frame(b"abc") + frame(b"") + frame(b"hello")
    return spec, [("valid", good), ("partial", good + frame(b"abcdef")[:-2]), ("partial", good + before + b"\x80"),
                  ("max", frame(b"m" * most) + frame(b"x")),
                  ("oversize", frame(b"ab") + frame(b"o" * (most + 1)) + frame(b"cd")),
                  ("padded", frame(b"ab", width=2) + frame(b"", width=3) + frame(b"cd", width=5) + frame(b"ef")),
                  ("padded6", frame(b"ab", width=6) + frame(b"cd", width=10) + frame(b"ef")),
                  ("padded_max", frame(b"m" * most, width=5) + frame(b"x")),
                  ("wide", frame(b"ab") + frame(b"cde", 2 ** 32 + 3) + frame(b"fg")),
                  ("negative", frame(b"ab") + frame(b"cd", 2 ** 31) + frame(b"fg")),
                  ("eleven", frame(b"ab") + before + b"\x80" * 10 + b"\x01" + frame(b"fg"))]


def line_streams(spec, end, most=SMALL):
    streams = [("valid", b"abc" + end + end + b"hello" + end), ("unterminated", b"abc" + end + b"last"),
               ("max", b"m" * most + end + b"x" + end), ("oversize", b"ab" + end + b"o" * (most + 1) + end + b"cd" + end),
               ("oversize", b"ab" + end + b"o" * (most + 40) + end + b"cd" + end),
               ("oversize", b"ab" + end + b"o" * (most + 40)), ("utf8", b"ab" + end + b"\xff\xfe\xc3" + end + b"cd" + end)]
    if end == b"\n":
        streams += [("valid", b"abc\r\n\r\nde\rf\nx\r\r\n"), ("max_cr", b"m" * most + b"\r\n" + b"x\n"),
                    ("unterminated_cr", b"abc\nlast\r")]
    if most > 1000:
        streams = [("oversize", b"ab" + end + b"o" * (most + 1) + end + b"cd" + end)]  # keeps vectors.txt small
    return spec, streams


def random_case(chance):
    """A random header with a length, and streams of random fields, as (spec, streams)."""
    width = chance.choice((1, 2, 3, 4, 8, 5))
    offset, extra = chance.choice((0, 0, 1, 2, 5)), chance.choice((0, 0, 1, 3))
    header, order = offset + width + extra, chance.choice(("big", "little"))
    covers, adjust = chance.choice(("body", "header+body", "rest")), chance.choice((0, 0, -1, -3, 2, 5))
    strip, most = chance.choice((header, header, 0, chance.randrange(header + 1))), chance.randrange(header + 8, 60)
    spec = (f"length:width={width},endian={order},offset={offset},header={header},covers={covers},adjust={adjust},"
            f"strip={strip},max={most}" + chance.choice(("", "", ",oversize=skip")))
    streams = []
    for _ in range(12):
        stream = b""
        for _ in range(chance.randrange(1, 5)):
            body = bytes([97 + chance.randrange(26)]) * chance.choice((0, 1, 2, 5, 30, 70))
            counted = len(body) - adjust + {"body": 0, "header+body": header, "rest": extra}[covers]
            counted += chance.choice((0,) * 12 + (-1, 1, -5, 50, 200, 2 ** 31, 2 ** 63))
            if 0 <= counted < 256 ** width:
                stream += b"h" * offset + number(counted, width, order) + b"t" * extra + body
        streams.append(("random", stream[:len(stream) - chance.choice((0, 0, 1, 4))]))
    return spec, [(tag, stream) for tag, stream in streams if stream]


def record(fragments):
    out = b""
    for index, fragment in enumerate(fragments):
        last = index == len(fragments) - 1
        out += number((1 << 31 if last else 0) | len(fragment), 4, "big") + fragment
    return out


def sunrpc_streams(spec, most=SMALL):
    good = record([b"abc"]) + record([b""]) + record([b"hello"])
    return spec, [("valid", good), ("partial", good + record([b"abcdef"])[:-2]), ("max", record([b"m" * most]) + good),
                  ("oversize", record([b"ab"]) + record([b"o" * (most + 1)]) + record([b"cd"])),
                  ("fragments", record([b"ab", b"", b"cd"]) + good),
                  ("fragments", record([b"m" * most, b"x"]) + good)]


def every():
    little = "little"
    yield length_streams("u8,max=16", 1)
    yield length_streams("u8", 1, most=255)
    yield length_streams("u16be,max=16", 2)
    yield length_streams("u16be,max=16,oversize=skip", 2)
    yield length_streams("u16le,max=16", 2, little)
    yield length_streams("u24be,max=16", 3)
    yield length_streams("u24le,max=16", 3, little)
    yield length_streams("u32be,max=16", 4)
    yield length_streams("u32be,max=16,strip=no", 4, most=SMALL - 4)
    yield length_streams("u32le,max=16", 4, little)
    yield length_streams("u64be,max=16", 8)
    yield length_streams("u64le,max=16", 8, little)
    yield length_streams("u64le,max=16,oversize=skip", 8, little)
    yield length_streams("length:width=5,max=16", 5)
    yield length_streams("length:width=4,covers=header+body,max=16", 4, counts=4)
    yield length_streams("length:width=4,covers=header+body,strip=no,max=16", 4, counts=4, most=SMALL - 4)
    yield length_streams("length:width=4,covers=header+body,strip=2,max=16", 4, counts=4, most=SMALL - 2)
    yield length_streams("tpkt,max=16", 2, before=b"\x03\x00", counts=4, magic=True)
    yield length_streams("tpkt,strip=no,max=16", 2, before=b"\x03\x00", counts=4, most=SMALL - 4, magic=True)
    yield length_streams("tls-record,max=16", 2, before=b"\x16\x03\x03", most=SMALL - 5)
    yield length_streams("diameter,max=40", 3, before=b"\x01", after=b"d" * 16, counts=20, most=20, magic=True)
    yield length_streams("bgp,max=40", 2, before=b"\xff" * 16, after=b"\x02", counts=19, most=21, magic=True)
    yield length_streams("length:width=2,offset=2,header=6,covers=rest,max=16", 2, before=b"hh", after=b"tt", counts=2)
    yield length_streams("length:width=2,offset=2,header=6,covers=rest,strip=no,max=16", 2, before=b"hh", after=b"tt",
                         counts=2, most=SMALL - 6)
    yield length_streams("length:width=2,offset=2,header=6,strip=4,max=16", 2, before=b"hh", after=b"tt", most=SMALL - 2)
    yield length_streams("netty(0,4,-4,4),max=16", 4, counts=4)
    yield "netty(1,2,1,3),max=16", [("valid", b"h\x00\x02abch\x00\x00a"), ("max", b"h\x00\x0f" + b"m" * 16),
                                    ("oversize", b"h\x00\x02abch\x00\x10" + b"o" * 17)]
    yield length_streams("length:width=1,adjust=-2,max=16", 1, counts=2)
    yield length_streams("length:width=2,header=8,adjust=-4,max=16", 2, after=b"headed", counts=4)
    yield length_streams("length:width=2,header=8,adjust=-4,max=16,strip=no", 2, after=b"headed", counts=4, most=SMALL - 8)
    yield length_streams("length:width=1,offset=2,magic=AB,max=16", 1, before=b"AB", magic=True)
    yield "length:width=2,adjust=40000,max=50000", []
    yield "u32be,max=1g", [("valid", b"\x00\x00\x00\x02ab"), ("huge", b"\xff\xff\xff\xffab")]
    yield varint_streams("varint,max=16")
    yield varint_streams("varint,max=300", most=300)
    yield varint_streams("varint,minimal=no,max=16")
    yield varint_streams("varint,max=16,oversize=skip")
    yield varint_streams("varint,offset=2,max=16", before=b"hh")
    yield varint_streams("mqtt,max=16", before=b"\x10", most=SMALL - 2)
    yield varint_streams("mqtt,minimal=no,max=16", before=b"\x10", most=SMALL - 2)
    yield "varint,adjust=1", []
    yield "varint,covers=header+body", []
    yield "varint,max=1g", [("valid", b"\x02ab")]
    yield line_streams("line,max=16", b"\n")
    yield line_streams("line,max=16,oversize=skip", b"\n")
    yield line_streams("line,max=9000", b"\n", most=9000)
    yield line_streams("crlf,max=16", b"\r\n")
    yield line_streams("crlf,max=16,oversize=skip", b"\r\n")
    yield line_streams("nul,max=16", b"\0")
    yield line_streams("nul,max=16,oversize=skip", b"\0")
    yield line_streams("line:delimiter=aab,max=16", b"aab")
    yield line_streams("line:delimiter=123456789,max=16", b"123456789")
    yield "line,max=1g", [("valid", b"ab\n")]
    yield "netstring,max=16", []
    yield "fixed:size=4", [("valid", b"abcdefgh"), ("partial", b"abcdef")]
    yield "fixed:size=100m", [("partial", b"abcdef")]
    yield "fixed:size=1g", [("partial", b"abcdef")]
    for spec in ("u32be", "u64le", "tls-record", "bgp", "diameter", "mqtt", "line", "crlf", "nul", "sunrpc", "varint"):
        yield spec, []  # the lines with the default maximum are compiled
    yield sunrpc_streams("sunrpc,max=16")
    yield sunrpc_streams("sunrpc:fragments=2,max=16")
    yield sunrpc_streams("sunrpc,max=16,oversize=skip")
