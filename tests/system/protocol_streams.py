# SPDX-License-Identifier: MIT
"""Byte streams of real protocols, built from their specifications for the tests of `weir frame guess`.

Nothing here knows the guesser. Each generator yields the messages of a connection, as sent by one side or by both in turn.
A generator can first yield Preamble(bytes), which is not a message. The values vary as in real traffic: sizes, types,
identifiers, text, and bytes without structure."""
import collections
import json
import random
import struct
import zlib

PROTOCOLS = {}  # name: Protocol
Protocol = collections.namedtuple("Protocol", "name frames expressible")
Stream = collections.namedtuple("Stream", "name data boundaries expressible")  # boundaries: where messages begin; the end


class Preamble(bytes):
    """Bytes before the first message."""


def protocol(expressible=True):
    def register(function):
        name = function.__name__.replace("_", "-")
        PROTOCOLS[name] = Protocol(name, function, expressible)
        return function
    return register


WORDS = """account active alpha amount answer archive balance blue branch buffer cache channel city client cluster code color
config connection content count country created current customer data date default delta device disk document email error
event example field file filter first flag format friday gateway green group header host image index invoice item january
key language last level limit line link list local location log london machine manager map market memory message method
metric minute mobile model module monday month name network node note number object office offset open option order origin
output owner page paris parent part partner password path payment person phone policy port price primary private process
product profile project property public query queue rate reason record red region report request result road role root
route rule sample schema second section sensor server service session setting shard signal size sort source start
state station status stock stop storage stream string subject summary sunday system table tag target task temperature
text thread ticket time title token topic total trace transaction type unit update user value vendor version view volume
warning web week window worker year zone""".split()


def words(r, count):
    return " ".join(r.choice(WORDS) for _ in range(count))


def text(r, low, high):
    """Text of about that many bytes."""
    size = r.randint(low, high)
    return words(r, size // 6 + 1)[:size].encode()


def size_of_many(r, typical, most):
    """A size as in real traffic: mostly small, sometimes large."""
    kind = r.random()
    if kind < 0.6:
        return r.randint(1, typical)
    if kind < 0.95:
        return r.randint(typical, 4 * typical)
    return r.randint(4 * typical, most)


def document(r, fields):
    """A JSON document."""
    return json.dumps({r.choice(WORDS): r.choice([r.randint(0, 1 << r.randint(1, 31)), words(r, r.randint(1, 6)), r.random() < 0.5,
                                                 round(r.random() * 1000, 2), None]) for _ in range(fields)}).encode()


def body(r, low, high):
    """A payload of about that size: text, JSON, zeros, numbers, or bytes without structure."""
    size = r.randint(low, high)
    kind = r.randrange(6)
    if kind == 0:
        return text(r, size, size)
    if kind == 1:
        return document(r, size // 24 + 1)
    if kind == 2:
        return r.randbytes(size)
    if kind == 3:
        return bytes(size)
    if kind == 4:
        return b"".join(struct.pack("<I", r.randint(0, 5000)) for _ in range(size // 4 + 1))
    return zlib.compress(text(r, 2 * size, 2 * size))


# ---- lengths in binary headers ----


@protocol()
def tls(r):
    yield b"\x16\x03\x01" + struct.pack(">H", 517) + b"\x01\x00\x01\xfc\x03\x03" + r.randbytes(32 + 475)[:507] + bytes(4)
    yield b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + r.randbytes(116)
    yield b"\x14\x03\x03\x00\x01\x01"
    while True:
        kind = r.random()
        if kind < 0.02:
            yield b"\x15\x03\x03\x00\x13" + r.randbytes(19)
            continue
        size = 16401 if kind < 0.15 else size_of_many(r, 300, 16000) + 17
        yield b"\x17\x03\x03" + struct.pack(">H", size) + r.randbytes(size)


@protocol()
def postgresql(r):
    def message(kind, content):
        return kind + struct.pack(">I", len(content) + 4) + content

    yield message(b"R", bytes(4))
    for name in ("application_name", "client_encoding", "DateStyle", "server_version", "TimeZone"):
        yield message(b"S", name.encode() + b"\0" + text(r, 2, 12) + b"\0")
    yield message(b"K", r.randbytes(8))
    yield message(b"Z", b"I")
    while True:
        columns = r.randint(1, 8)
        yield message(b"T", struct.pack(">H", columns) + b"".join(
            r.choice(WORDS).encode() + b"\0" + struct.pack(">IHIhiH", r.randint(16384, 17000), i + 1, r.choice((23, 25, 1043)),
                                                           r.choice((4, -1)), -1, 0) for i in range(columns)))
        rows = r.randint(0, 40)
        for _ in range(rows):
            values = [None if r.random() < 0.1 else text(r, 1, r.choice((8, 40, 400))) for _ in range(columns)]
            yield message(b"D", struct.pack(">H", columns) + b"".join(
                b"\xff\xff\xff\xff" if value is None else struct.pack(">I", len(value)) + value for value in values))
        yield message(b"C", b"SELECT %d\0" % rows)
        yield message(b"Z", b"I")


@protocol()
def postgresql_client(r):
    yield Preamble(struct.pack(">II", 41, 196608) + b"user\0postgres\0database\0shop\0\0"[:33].ljust(33, b"\0"))
    while True:
        query = b"SELECT " + text(r, 10, 200) + b" FROM " + r.choice(WORDS).encode() + b" WHERE id = $1"
        yield b"P" + struct.pack(">I", len(query) + 4 + 1 + 3) + b"\0" + query + b"\0" + bytes(1) + bytes(0) + b"\0"[:0] + b"\0"
        value = text(r, 1, 30)
        bind = b"\0\0" + struct.pack(">HHHI", 0, 1, 0, 0)[:4] + struct.pack(">HI", 1, len(value)) + value + struct.pack(">H", 0)
        yield b"B" + struct.pack(">I", len(bind) + 4) + bind
        yield b"D" + struct.pack(">I", 6) + b"P\0"
        yield b"E" + struct.pack(">I", 9) + bytes(5)
        yield b"S" + struct.pack(">I", 4)


@protocol()
def mysql(r):
    def packet(number, content):
        return len(content).to_bytes(3, "little") + bytes([number & 255]) + content

    yield packet(0, b"\x0a8.0.36\0" + struct.pack("<I", r.randint(8, 9000)) + r.randbytes(8) + b"\0\xff\xff\xff\x02\0\xff\xdf\x15"
                 + bytes(10) + r.randbytes(12) + b"\0caching_sha2_password\0")
    yield packet(1, struct.pack("<IIB", 0x1ff8a68d, 1 << 24, 255) + bytes(23) + b"shop\0\x20" + r.randbytes(32) + b"shop\0")
    yield packet(2, b"\0\0\0\x02\0\0\0")
    while True:
        yield packet(0, b"\x03SELECT " + text(r, 10, 300))
        if r.random() < 0.3:
            yield packet(1, b"\0" + bytes([r.randint(0, 5), r.randint(0, 200)]) + b"\x02\0\0\0")
            continue
        columns, number = r.randint(1, 6), 1
        yield packet(number, bytes([columns]))
        for _ in range(columns):
            number += 1
            name = r.choice(WORDS).encode()
            content = b"".join(bytes([len(part)]) + part for part in (b"def", b"shop", b"t", b"t", name, name))
            yield packet(number, content + b"\x0c\xff\0" + struct.pack("<IBHB", r.choice((11, 80, 1020)), r.choice((3, 253)), 0, 0)
                         + bytes(2))
        for _ in range(r.randint(0, 30)):
            number += 1
            row = b""
            for _ in range(columns):
                value = text(r, 0, r.choice((10, 60, 240)))
                row += bytes([len(value)]) + value if len(value) < 251 else b"\xfc" + struct.pack("<H", len(value)) + value
            yield packet(number, row)
        yield packet(number + 1, b"\xfe\0\0\x02\0\0\0")


def bson(r, fields):
    out = b""
    for _ in range(fields):
        name, kind = r.choice(WORDS).encode() + b"\0", r.randrange(5)
        if kind == 0:
            value = text(r, 1, 60)
            out += b"\x02" + name + struct.pack("<I", len(value) + 1) + value + b"\0"
        elif kind == 1:
            out += b"\x10" + name + struct.pack("<i", r.randint(-1, 100000))
        elif kind == 2:
            out += b"\x01" + name + struct.pack("<d", r.random() * 1000)
        elif kind == 3:
            out += b"\x07" + name + r.randbytes(12)
        else:
            out += b"\x08" + name + bytes([r.randint(0, 1)])
    return struct.pack("<I", len(out) + 5) + out + b"\0"


@protocol()
def mongodb(r):
    request = r.randint(1, 1000)
    while True:
        request += 1
        for answers in (0, request):
            content = struct.pack("<I", 0) + b"\0" + bson(r, r.randint(2, 12))
            if r.random() < 0.4:
                documents = b"".join(bson(r, r.randint(3, 20)) for _ in range(r.randint(1, 20)))
                content += b"\x01" + struct.pack("<I", len(documents) + 14) + b"documents\0" + documents
            yield struct.pack("<IIII", len(content) + 16, request + (100000 if answers else 0), answers, 2013) + content


@protocol()
def kafka(r):
    correlation = r.randint(0, 5000)
    while True:
        correlation += 1
        key, version = r.choice(((0, 9), (1, 13), (3, 12), (8, 8), (12, 4), (18, 3)))
        client, topic = b"consumer-1", r.choice(WORDS).encode()
        content = struct.pack(">HHIH", key, version, correlation, len(client)) + client + b"\0"
        if key == 0:
            batch = body(r, 50, r.choice((200, 900, 8000)))
            content += b"\0\xff\xff" + struct.pack(">I", 30000) + b"\x02" + bytes([len(topic) + 1]) + topic + b"\x02" + struct.pack(
                ">I", r.randint(0, 11)) + b"\xcb\x01" + struct.pack(">QIIBI", 0, len(batch), 0xffffffff, 2, zlib.crc32(batch)) + batch
        else:
            content += struct.pack(">III", r.randint(0, 9), 1, r.randint(0, 50)) + bytes([len(topic) + 1]) + topic + text(r, 0, 60)
        yield struct.pack(">I", len(content)) + content


@protocol()
def http2(r):
    yield Preamble(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    def frame(kind, flags, stream, content):
        return len(content).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + content

    yield frame(4, 0, 0, b"".join(struct.pack(">HI", key, value) for key, value in ((1, 65536), (3, 1000), (4, 6291456))))
    yield frame(8, 0, 0, struct.pack(">I", 15663105))
    stream = 1
    while True:
        yield frame(1, r.choice((4, 5, 0x25)), stream, r.randbytes(r.randint(20, 250)))
        for _ in range(r.randint(0, 6)):
            yield frame(0, 0, stream, body(r, 1, r.choice((100, 2000, 16000)))[:16384])
        if r.random() < 0.3:
            yield frame(8, 0, r.choice((0, stream)), struct.pack(">I", r.randint(1, 1 << 20)))
        if r.random() < 0.1:
            yield frame(6, r.randint(0, 1), 0, r.randbytes(8))
        if r.random() < 0.1:
            yield frame(3, 0, stream, struct.pack(">I", 8))
        stream += 2


@protocol()
def amqp(r):
    yield Preamble(b"AMQP\0\0\x09\x01")

    def frame(kind, channel, content):
        return struct.pack(">BHI", kind, channel, len(content)) + content + b"\xce"

    yield frame(1, 0, struct.pack(">HH", 10, 11) + bytes(4) + b"\x05PLAIN" + struct.pack(">I", 12) + b"\0guest\0guest" + b"\x05en_US")
    yield frame(1, 0, struct.pack(">HHHIH", 10, 31, 2047, 131072, 60))
    yield frame(1, 0, struct.pack(">HH", 10, 40) + b"\x01/\0\0")
    while True:
        channel, key = r.randint(1, 4), r.choice(WORDS).encode()
        yield frame(1, channel, struct.pack(">HHH", 60, 40, 0) + b"\0" + bytes([len(key)]) + key + b"\0")
        content = body(r, 10, r.choice((200, 2000, 20000)))
        yield frame(2, channel, struct.pack(">HHQH", 60, 0, len(content), 0x9000) + b"\x10application/json\x02")
        yield frame(3, channel, content)
        if r.random() < 0.05:
            yield frame(8, 0, b"")


@protocol()
def bgp(r):
    def message(kind, content):
        return b"\xff" * 16 + struct.pack(">HB", len(content) + 19, kind) + content

    yield message(1, b"\x04" + struct.pack(">HH", 65001, 180) + r.randbytes(4) + b"\x14\x02\x12\x01\x04\0\x01\0\x01\x02\0\x41\x04"
                  + struct.pack(">I", 65001) + b"\x46\0")
    yield message(4, b"")
    while True:
        if r.random() < 0.1:
            yield message(4, b"")
            continue
        path = b"".join(struct.pack(">I", r.randint(1000, 70000)) for _ in range(r.randint(1, 6)))
        attributes = b"\x40\x01\x01\0\x40\x02" + bytes([len(path) + 2, 2, len(path) // 4]) + path + b"\x40\x03\x04\x0a\0\0" + bytes(
            [r.randint(1, 20)])
        routes = b"".join(bytes([24]) + r.randbytes(3) for _ in range(size_of_many(r, 10, 900)))
        yield message(2, struct.pack(">HH", 0, len(attributes)) + attributes + routes)


@protocol()
def smpp(r):
    number = 0
    while True:
        number += 1
        kind = r.random()
        if kind < 0.1:
            yield struct.pack(">IIII", 16, 0x15, 0, number)
            yield struct.pack(">IIII", 16, 0x80000015, 0, number)
            continue
        source, target = (str(r.randint(10**10, 10**12)).encode() for _ in range(2))
        short = text(r, 5, 160)
        content = b"\0\x01\x01" + source + b"\0\x01\x01" + target + b"\0\0\0\0\0\0\x01\0\0\0" + bytes([len(short)]) + short
        yield struct.pack(">IIII", len(content) + 16, 4, 0, number) + content
        content = b"%08x" % r.randint(0, 1 << 31) + b"\0"
        yield struct.pack(">IIII", len(content) + 16, 0x80000004, 0, number) + content


@protocol()
def diameter(r):
    def avp(code, content, vendor=None):
        head = 8 if vendor is None else 12
        out = struct.pack(">I", code) + bytes([0x40 if vendor is None else 0xc0]) + (head + len(content)).to_bytes(3, "big")
        return out + (b"" if vendor is None else struct.pack(">I", vendor)) + content + bytes(-len(content) % 4)

    hop = r.randint(0, 1 << 32 - 1)
    while True:
        hop += 1
        command, application = r.choice(((280, 0), (272, 4), (316, 16777251), (318, 16777251)))
        for flags in (0xc0, 0x40):
            content = b"".join((avp(263, b"client;%d;%d" % (r.randint(0, 1 << 31), r.randint(0, 99999))),
                                avp(264, b"mme%d.example.org" % r.randint(1, 20)), avp(296, b"example.org")))
            if flags == 0x40:
                content += avp(268, struct.pack(">I", 2001))
            for _ in range(r.randint(0, 8)):
                content += avp(r.randint(1000, 1500), body(r, 4, r.choice((8, 40, 300))), 10415)
            yield b"\x01" + (len(content) + 20).to_bytes(3, "big") + bytes([flags]) + command.to_bytes(3, "big") + struct.pack(
                ">III", application, hop & 0xffffffff, hop * 7 & 0xffffffff) + content


@protocol()
def modbus_tcp(r):
    transaction = r.randint(0, 60000)
    while True:
        transaction = transaction + 1 & 0xffff
        unit, function, count = r.choice((1, 1, 1, 2, 17)), r.choice((3, 3, 3, 4, 1, 16)), r.randint(1, 100)
        if function == 16:
            request = struct.pack(">HHB", r.randint(0, 400), count, 2 * count) + b"".join(
                struct.pack(">H", r.randint(0, 4000)) for _ in range(count))
            answer = request[:4]
        else:
            request = struct.pack(">HH", r.randint(0, 400), count)
            values = b"".join(struct.pack(">H", r.randint(0, 4000)) for _ in range(count))
            answer = bytes([len(values)]) + values
        for content in (request, answer):
            yield struct.pack(">HHHBB", transaction, 0, len(content) + 2, unit, function) + content


@protocol()
def mqtt(r):
    def packet(first, content):
        out, length = bytearray([first]), len(content)
        while True:
            out.append(length & 127 | (128 if length > 127 else 0))
            length >>= 7
            if length == 0:
                return bytes(out) + content

    client = b"sensor-%04d" % r.randint(0, 9999)
    yield packet(0x10, b"\0\x04MQTT\x04\x02\0\x3c" + struct.pack(">H", len(client)) + client)
    yield packet(0x20, b"\0\0")
    number = 0
    while True:
        number = number % 65535 + 1
        topic = "/".join(r.choice(WORDS) for _ in range(r.randint(2, 4))).encode()
        content = document(r, r.randint(1, 12)) if r.random() < 0.7 else body(r, 1, 700)
        kind = r.random()
        if kind < 0.05:
            yield packet(0xc0, b"")
            yield packet(0xd0, b"")
        elif kind < 0.1:
            yield packet(0x82, struct.pack(">HH", number, len(topic)) + topic + b"\x01")
            yield packet(0x90, struct.pack(">H", number) + b"\x01")
        elif kind < 0.5:
            yield packet(0x32, struct.pack(">H", len(topic)) + topic + struct.pack(">H", number) + content)
            yield packet(0x40, struct.pack(">H", number))
        else:
            yield packet(r.choice((0x30, 0x30, 0x31)), struct.pack(">H", len(topic)) + topic + content)


@protocol()
def stun_tcp(r):
    while True:
        identifier = r.randbytes(12)
        kind, answer = r.choice(((1, 0x101), (3, 0x103), (4, 0x104), (0x16, 0x16), (0x17, 0x17)))
        for kind_sent in (kind, answer):
            content = b""
            for _ in range(r.randint(1, 5)):
                attribute, value = r.choice(((6, text(r, 4, 30)), (0x20, b"\0\x01" + r.randbytes(6)), (0x14, b"example.org"),
                                             (0x15, r.randbytes(16)), (0x13, body(r, 20, 900)), (8, r.randbytes(20))))
                content += struct.pack(">HH", attribute, len(value)) + value + bytes(-len(value) % 4)
            yield struct.pack(">HHI", kind_sent, len(content), 0x2112a442) + identifier + content


def leb128(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@protocol()
def minecraft(r):
    x, y, z = r.random() * 1000, 64.0, r.random() * 1000
    while True:
        kind = r.random()
        if kind < 0.4:
            x, z = x + r.random() - 0.5, z + r.random() - 0.5
            content = b"\x17" + struct.pack(">dddffB", x, y, z, r.random() * 360, r.random() * 90, 1)
        elif kind < 0.6:
            content = b"\x2e" + leb128(r.randint(1, 3000)) + struct.pack(">hhhB", *(r.randint(-200, 200) for _ in range(3)), 1)
        elif kind < 0.7:
            content = b"\x0f" + (lambda t: leb128(len(t)) + t)(json.dumps({"text": words(r, r.randint(2, 40))}).encode()) + b"\0"
        elif kind < 0.75:
            content = b"\x22" + struct.pack(">ii", r.randint(-90, 90), r.randint(-90, 90)) + zlib.compress(body(r, 2000, 16000))
        else:
            content = b"\x21" + r.randbytes(8)
        yield leb128(len(content)) + content


@protocol()
def thrift_framed(r):
    number = 0
    while True:
        number += 1
        name = r.choice((b"getUser", b"listItems", b"ping", b"updateOrder"))
        for kind in (1, 2):
            fields = b""
            for identifier in range(r.randint(0, 6)):
                value = text(r, 1, r.choice((20, 200)))
                fields += r.choice((b"\x0b" + struct.pack(">HI", identifier + 1, len(value)) + value,
                                    b"\x08" + struct.pack(">HI", identifier + 1, r.randint(0, 100000)),
                                    b"\x0a" + struct.pack(">HQ", identifier + 1, r.randint(0, 1 << 40))))
            content = b"\x80\x01\0" + bytes([kind]) + struct.pack(">I", len(name)) + name + struct.pack(">I", number) + fields + b"\0"
            yield struct.pack(">I", len(content)) + content


@protocol()
def zeromq_short(r):
    """ZMTP 3.0 whose frames all have fewer than 256 bytes: otherwise a flag selects a length of 8 bytes."""
    yield Preamble(b"\xff" + bytes(8) + b"\x7f\x03\0NULL" + bytes(48))
    yield b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"[:40]
    while True:
        content = document(r, r.randint(1, 6))[:255]
        yield b"\x01\x00"
        yield b"\x01" + bytes([16]) + r.randbytes(16)
        yield b"\x00" + bytes([len(content)]) + content


@protocol()
def tpkt_rdp(r):
    yield b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=admin\r\n\x01\0\x08\0\0\0\0\0"[:43]
    yield b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x0f\x08\0\x01\0\0\0"
    while True:
        content = body(r, 10, r.choice((60, 300, 4000)))
        yield struct.pack(">BBH", 3, 0, len(content) + 12) + b"\x02\xf0\x80" + r.choice((b"\x64", b"\x68")) + struct.pack(
            ">HH", r.randint(3, 8), 1003) + content


@protocol()
def s7comm(r):
    number = 0
    while True:
        number = number + 1 & 0xffff
        items = r.randint(1, 10)
        parameter = b"\x04" + bytes([items]) + b"".join(b"\x12\x0a\x10\x02" + struct.pack(">HH", 2, r.randint(1, 60)) + b"\x84"
                                                       + r.randint(0, 4000).to_bytes(3, "big") for _ in range(items))
        content = b"\x02\xf0\x80\x32\x01\0\0" + struct.pack(">HHH", number, len(parameter), 0) + parameter
        yield struct.pack(">BBH", 3, 0, len(content) + 4) + content
        data = b"".join(b"\xff\x04\0\x10" + struct.pack(">H", r.randint(0, 30000)) for _ in range(items))
        content = b"\x02\xf0\x80\x32\x03\0\0" + struct.pack(">HHHBB", number, 2, len(data), 0, 0) + b"\x04" + bytes([items]) + data
        yield struct.pack(">BBH", 3, 0, len(content) + 4) + content


@protocol()
def memcached_binary(r):
    while True:
        opaque = r.randbytes(4)
        opcode = r.choice((0, 0, 0, 1, 4, 0x0a))
        key = b"" if opcode == 0x0a else b"user:%d:" % r.randint(1, 10**6) + r.choice(WORDS).encode()
        value = body(r, 5, r.choice((50, 900, 20000))) if opcode in (0, 1) else b""
        extras = bytes(4) + struct.pack(">I", 3600) if opcode == 1 else b""
        sent = value if opcode == 1 else b""
        yield struct.pack(">BBHBBHI", 0x80, opcode, len(key), len(extras), 0, 0, len(extras) + len(key) + len(sent)) + opaque \
            + bytes(8) + extras + key + sent
        if opcode == 0 and r.random() < 0.8:
            yield struct.pack(">BBHBBHI", 0x81, 0, 0, 4, 0, 0, 4 + len(value)) + opaque + struct.pack(">QI", r.randint(1, 10**6), 0) \
                + value
        else:
            answer = b"Not found" if opcode == 0 else b""
            yield struct.pack(">BBHBBHI", 0x81, opcode, 0, 0, 0, 1 if answer else 0, len(answer)) + opaque + bytes(8) + answer


@protocol()
def iec104(r):
    yield b"\x68\x04\x07\0\0\0"
    yield b"\x68\x04\x0b\0\0\0"
    sent = received = 0
    while True:
        kind = r.random()
        if kind < 0.15:
            yield b"\x68\x04\x01\0" + struct.pack("<H", 2 * received & 0xffff)
            continue
        if kind < 0.2:
            yield b"\x68\x04\x43\0\0\0"
            continue
        sent = sent + 1 & 0x7fff
        objects = r.randint(1, 12)
        types = r.choice(((13, 5), (1, 1), (36, 12), (9, 3)))
        content = bytes([types[0], objects]) + struct.pack("<HH", 3, r.randint(1, 4)) + b"".join(
            r.randint(1, 4000).to_bytes(3, "little") + (struct.pack("<f", r.random() * 400) + bytes(8))[:types[1]]
            for _ in range(objects))
        content = struct.pack("<HH", 2 * sent & 0xffff, 2 * received & 0xffff) + content
        yield b"\x68" + bytes([len(content)]) + content


@protocol()
def dce_rpc(r):
    yield b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10\0\0\0\0\x01\0\0\0\0\0\x01\0" + r.randbytes(40)
    yield b"\x05\0\x0c\x03\x10\0\0\0\x44\0\0\0\x01\0\0\0\xb8\x10\xb8\x10\x12\x34\0\0\x0d\0\\PIPE\\lsass\0\0\0\x01\0\0\0" + bytes(24)
    call = 1
    while True:
        call += 1
        for kind in (0, 2):
            auth = r.choice((0, 0, 16))
            content = body(r, 8, r.choice((80, 400, 4000)))[:4200] + bytes(8 if auth else 0) + r.randbytes(auth)
            yield b"\x05\0" + bytes([kind, 3]) + b"\x10\0\0\0" + struct.pack("<HHI", len(content) + 24, auth, call) + struct.pack(
                "<IHH", len(content), 0, r.randint(0, 40)) + content


@protocol()
def dns_tcp(r):
    def name():
        return b"".join(bytes([len(part)]) + part for part in (r.choice(WORDS).encode(), r.choice(WORDS).encode(), b"com")) + b"\0"

    while True:
        identifier, question = r.randbytes(2), name() + struct.pack(">HH", r.choice((1, 28, 16, 252)), 1)
        yield (lambda m: struct.pack(">H", len(m)) + m)(identifier + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + question)
        answers = size_of_many(r, 6, 300)
        content = identifier + struct.pack(">HHHHH", 0x8180, 1, answers, 0, 0) + question + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, r.randint(30, 86400), 4) + r.randbytes(4) for _ in range(answers))
        yield struct.pack(">H", len(content)) + content


@protocol()
def netbios_smb2(r):
    number = 0
    while True:
        number += 1
        command = r.choice((5, 6, 8, 8, 9, 16, 14))
        for flags in (0, 1):
            content = body(r, 9, r.choice((60, 120, 120, 30000)))
            content = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 1, 0, command, 33, flags, 0, number, 65279, 5, 0x400000000031) \
                + bytes(16) + content
            yield b"\0" + len(content).to_bytes(3, "big") + content


@protocol()
def erlang_packet_4(r):
    while True:
        content = b"\x83h\x03d\0\x04call" + b"a" + bytes([r.randint(0, 255)]) + b"m" + (
            lambda t: struct.pack(">I", len(t)) + t)(text(r, 5, r.choice((40, 400, 3000))))
        yield struct.pack(">I", len(content)) + content


@protocol()
def erlang_packet_2(r):
    while True:
        content = r.choice((b"ok ", b"error ", b"info ", b"set ")) + text(r, 5, r.choice((30, 200, 1200)))
        yield struct.pack(">H", len(content)) + content


@protocol()
def sun_rpc(r):
    while True:
        number, procedure = r.randint(0, (1 << 32) - 1), r.choice((1, 3, 4, 6, 7))
        handle = b"\0\0\0\x1c" + b"\x01\0\x07\0" + bytes(8) + r.randbytes(16)
        call = struct.pack(">IIIIII", number, 0, 2, 100003, 3, procedure) + struct.pack(">II", 1, 24) + bytes(24) + bytes(8) + handle
        if procedure == 7:
            data = body(r, 100, 9000)
            call += struct.pack(">QIII", r.randint(0, 1 << 20), len(data), 2, len(data)) + data + bytes(-len(data) % 4)
        reply = struct.pack(">IIIIII", number, 1, 0, 0, 0, 0) + bytes(4) + struct.pack(">IIII", 1, 0o100644, 1, 0) + bytes(60)
        if procedure == 6:
            data = body(r, 100, 9000)
            reply += struct.pack(">III", len(data), 0, len(data)) + data + bytes(-len(data) % 4)
        for content in (call, reply):
            yield struct.pack(">I", 1 << 31 | len(content)) + content


@protocol()
def cassandra(r):
    stream = 0
    while True:
        stream = (stream + 1) % 32768
        query = b"SELECT " + text(r, 10, 120)
        content = struct.pack(">I", len(query)) + query + b"\0\x01\0"
        yield b"\x04\0" + struct.pack(">HBI", stream, r.choice((7, 10)), len(content)) + content
        rows = r.randint(0, 50)
        content = struct.pack(">IIIH", 2, 1, 2, 4) + b"shop" + struct.pack(">H", 5) + b"items" + struct.pack(">I", rows) + b"".join(
            (lambda t: struct.pack(">I", len(t)) + t)(text(r, 1, 60)) for _ in range(2 * rows))
        yield b"\x84\0" + struct.pack(">HBI", stream, 8, len(content)) + content


@protocol()
def opc_ua(r):
    number = 50
    channel = r.randint(1, 5000)
    yield b"HELF" + struct.pack("<IIIIII", 59, 0, 65536, 65536, 0, 0) + struct.pack("<I", 27) + b"opc.tcp://plant.example:4840"[:27]
    yield b"ACKF" + struct.pack("<IIIIII", 28, 0, 65536, 65536, 0, 0)
    while True:
        number += 1
        content = struct.pack("<IIII", channel, 1, number, number) + b"\x01\0" + struct.pack("<H", r.choice((631, 634, 826, 829))) + body(
            r, 30, r.choice((90, 400, 6000)))
        yield b"MSG" + r.choice((b"F", b"F", b"F", b"C")) + struct.pack("<I", len(content) + 8) + content


@protocol()
def ethernet_ip(r):
    session = r.randint(1, 1 << 31)
    while True:
        context = r.randbytes(8)
        for answer in (0, 1):
            item = body(r, 8, r.choice((30, 100, 480)))[:500]
            content = struct.pack("<IHHHHHH", 0, 10, 2, 0, 0, 0xb2, len(item)) + item
            yield struct.pack("<HHII", 0x6f, len(content), session, 0) + context + bytes(4) + content


@protocol()
def tds(r):
    while True:
        query = words(r, r.randint(4, 40)).encode("utf-16-le")
        yield struct.pack(">BBHHBB", 1, 1, len(query) + 8, 0, 1, 0) + query
        for number in range(r.randint(1, 6)):
            content = b"\x81\x01\0" + body(r, 20, r.choice((200, 4000)))[:4080]
            yield struct.pack(">BBHHBB", 4, r.choice((0, 1)), len(content) + 8, r.choice((51, 53)), number + 1, 0) + content


@protocol()
def nine_p(r):
    tag = 0
    while True:
        tag = (tag + 1) % 100
        kind = r.choice((110, 112, 116, 116, 118, 120))
        content = struct.pack("<I", r.randint(1, 40)) + (struct.pack("<Q", r.randint(0, 1 << 20)) if kind in (116, 118) else b"")
        sent = body(r, 10, 8000) if kind == 118 else text(r, 0, 20)
        content += struct.pack("<I", len(sent)) + sent
        yield struct.pack("<IBH", len(content) + 7, kind, tag) + content
        answer = body(r, 10, 8000) if kind == 116 else r.randbytes(13)
        yield struct.pack("<IBH", len(answer) + 11, kind + 1, tag) + struct.pack("<I", len(answer)) + answer


@protocol()
def bittorrent(r):
    yield Preamble(b"\x13BitTorrent protocol" + bytes(5) + b"\x10\0\x05" + r.randbytes(20) + b"-TR4050-" + r.randbytes(12))
    yield struct.pack(">IB", 126, 5) + r.randbytes(125)
    while True:
        kind = r.random()
        if kind < 0.05:
            yield bytes(4)
        elif kind < 0.4:
            yield struct.pack(">IBIII", 13, 6, r.randint(0, 999), 16384 * r.randint(0, 15), 16384)
        elif kind < 0.6:
            yield struct.pack(">IBI", 5, 4, r.randint(0, 999))
        elif kind < 0.7:
            yield struct.pack(">IB", 1, r.randint(0, 3))
        else:
            size = r.choice((16384, 16384, r.randint(1, 16384)))
            yield struct.pack(">IBII", size + 9, 7, r.randint(0, 999), 16384 * r.randint(0, 15)) + r.randbytes(size)


@protocol()
def protobuf_delimited(r):
    while True:
        content = b"\x08" + leb128(r.randint(1, 1 << 28)) + b"\x12" + (lambda t: leb128(len(t)) + t)(text(r, 3, r.choice((30, 200, 2000))))
        if r.random() < 0.5:
            content += b"\x18" + leb128(r.randint(0, 300)) + b"\x21" + struct.pack("<d", r.random())
        yield leb128(len(content)) + content


@protocol()
def iso8583(r):
    while True:
        content = r.choice((b"0200", b"0210", b"0800", b"0810")) + b"%016X" % (r.getrandbits(64) | 1 << 63) + b"".join(
            b"%0*d" % (r.choice((6, 12, 4)), r.randint(0, 9999)) for _ in range(r.randint(3, 30)))
        yield struct.pack(">H", len(content)) + content


# ---- text ----


@protocol()
def redis_requests(r):
    while True:
        parts = [r.choice((b"GET", b"SET", b"HSET", b"EXPIRE", b"LPUSH")), b"user:%d" % r.randint(1, 10**5)]
        parts += [text(r, 1, 40).replace(b"\n", b" ") for _ in range(r.randint(0, 3))]
        yield b"*%d\r\n" % len(parts)
        for part in parts:
            yield b"$%d\r\n" % len(part)
            yield part + b"\r\n"


@protocol()
def irc(r):
    while True:
        nick = r.choice(WORDS).encode()
        yield r.choice((
            b":" + nick + b"!~" + nick + b"@" + r.choice(WORDS).encode() + b".example.org PRIVMSG #weir :" + text(r, 4, 200),
            b"PING :irc.example.org", b":irc.example.org 353 me = #weir :" + text(r, 20, 300), b":" + nick + b" JOIN #weir")) + b"\r\n"


@protocol()
def smtp(r):
    yield b"220 mail.example.org ESMTP ready\r\n"
    yield b"EHLO client.example.org\r\n"
    while True:
        yield b"250-mail.example.org at your service\r\n"
        yield b"250 SIZE 35882577\r\n"
        yield b"MAIL FROM:<" + r.choice(WORDS).encode() + b"@example.org>\r\n"
        yield b"250 2.1.0 Ok\r\n"
        yield b"RCPT TO:<" + r.choice(WORDS).encode() + b"@example.com>\r\n"
        yield b"250 2.1.5 Ok\r\n"
        yield b"DATA\r\n"
        yield b"354 End data with <CR><LF>.<CR><LF>\r\n"
        for _ in range(r.randint(1, 20)):
            yield text(r, 0, 75) + b"\r\n"
        yield b".\r\n"


@protocol()
def json_lines(r):
    while True:
        yield document(r, r.randint(2, 10)) + b"\n"


@protocol()
def nul_xml(r):
    while True:
        name = r.choice(("move", "chat", "join", "ack")).encode()
        yield b"<" + name + b' id="%d">' % r.randint(1, 5000) + text(r, 3, 200) + b"</" + name + b">\0"


@protocol()
def netstring(r):
    while True:
        content = body(r, 0, r.choice((20, 300, 3000)))
        yield b"%d:%s," % (len(content), content)


@protocol()
def hl7_mllp(r):
    while True:
        segments = [b"MSH|^~\\&|LAB|HOSP|EHR|HOSP|2024%04d||ORU^R01|%d|P|2.5" % (r.randint(101, 1231), r.randint(1, 99999))]
        segments += [b"OBX|%d|NM|" % i + r.choice(WORDS).encode() + b"||%.1f|mg" % (r.random() * 90) for i in range(r.randint(1, 12))]
        yield b"\x0b" + b"\r".join(segments) + b"\r\x1c\r"


@protocol()
def mpeg_ts(r):
    counters = collections.Counter()
    while True:
        pid = r.choice((0, 0x100, 0x100, 0x100, 0x101, 0x1fff))
        counters[pid] = (counters[pid] + 1) % 16
        yield struct.pack(">BHB", 0x47, pid | (0x4000 if r.random() < 0.1 else 0), 0x10 | counters[pid]) + (
            b"\xff" * 184 if pid == 0x1fff else r.randbytes(184))


# ---- streams that no specification can cut ----


@protocol(expressible=False)
def websocket(r):
    while True:
        content = document(r, r.randint(1, 40)) if r.random() < 0.8 else r.randbytes(r.randint(1, 70000))
        size = len(content)
        yield bytes([r.choice((0x81, 0x82))]) + (bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 65536
                                                 else b"\x7f" + struct.pack(">Q", size)) + content


@protocol(expressible=False)
def websocket_masked(r):
    while True:
        content, mask = document(r, r.randint(1, 30)), r.randbytes(4)
        size = len(content)
        yield b"\x81" + (bytes([128 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)) + mask + bytes(
            byte ^ mask[i % 4] for i, byte in enumerate(content))


@protocol(expressible=False)
def rtmp(r):
    yield Preamble(b"\x03" + bytes(8) + r.randbytes(1528))
    stamp = 0
    while True:
        stamp += r.randint(10, 40)
        content = r.randbytes(size_of_many(r, 400, 20000))
        kind = r.choice((8, 9))
        yield bytes([4 if kind == 8 else 6]) + stamp.to_bytes(3, "big") + len(content).to_bytes(3, "big") + bytes([kind]) + struct.pack(
            "<I", 1) + bytes([0xc4 if kind == 8 else 0xc6]).join(content[i:i + 128] for i in range(0, len(content), 128))


@protocol(expressible=False)
def zeromq_mixed(r):
    yield Preamble(b"\xff" + bytes(8) + b"\x7f\x03\0NULL" + bytes(48))
    while True:
        content = document(r, r.randint(1, 40))
        yield b"\0" + bytes([len(content)]) + content if len(content) < 256 else b"\x02" + struct.pack(">Q", len(content)) + content


@protocol(expressible=False)
def http1_chunked(r):
    while True:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in range(r.randint(1, 8)):
            content = r.randbytes(size_of_many(r, 400, 16000))
            yield b"%x\r\n" % len(content) + content + b"\r\n"
        yield b"0\r\n\r\n"


@protocol(expressible=False)
def ldap(r):
    def ber(tag, content):
        size = len(content)
        return bytes([tag]) + (bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256
                               else b"\x82" + struct.pack(">H", size)) + content

    number = 0
    while True:
        number = number % 127 + 1
        content = ber(4, b"cn=" + text(r, 4, 40) + b",dc=example,dc=org") + ber(0x30, b"".join(
            ber(0x30, ber(4, r.choice(WORDS).encode()) + ber(0x31, ber(4, text(r, 2, 90)))) for _ in range(r.randint(1, 9))))
        yield ber(0x30, ber(2, bytes([number])) + ber(r.choice((0x64, 0x65, 0x63)), content))


@protocol(expressible=False)
def random_bytes(r):
    while True:
        yield r.randbytes(r.randint(20, 400))


@protocol(expressible=False)
def compressed(r):
    packer = zlib.compressobj(9)
    while True:
        piece = packer.compress(document(r, 50) + text(r, 500, 3000))
        if piece:
            yield piece


@protocol(expressible=False)
def zeros(r):
    while True:
        yield bytes(r.randint(20, 400))


@protocol(expressible=False)
def words_without_lines(r):
    while True:
        yield text(r, 20, 300) + r.choice((b". ", b", ", b"; ", b" "))


@protocol(expressible=False)
def numbers_little_endian(r):
    while True:
        yield b"".join(struct.pack("<I", r.randint(0, r.choice((10, 1000, 100000)))) for _ in range(r.randint(5, 50)))


@protocol(expressible=False)
def machine_code(r):
    """Instructions of x86-64, roughly: frequent opcodes, with operands."""
    pieces = (b"\x48\x89", b"\x48\x8b", b"\x0f\x84", b"\xe8", b"\x48\x83\xc4", b"\x5d\xc3", b"\x31\xc0", b"\x85\xc0", b"\x41\x57\x41\x56",
              b"\x0f\x1f\x44\0\0", b"\x66\x90", b"\xff\x25")
    while True:
        yield r.choice(pieces) + struct.pack("<i", r.randint(-5000, 5000) if r.random() < 0.6 else r.randint(0, 127))[:r.choice((1, 1, 4))]


def stream(name, frames_count=None, bytes_min=None, seed=1):
    """A stream of that many messages, or of whole messages with at least that many bytes."""
    chosen = PROTOCOLS[name]
    data, boundaries = bytearray(), []
    for frame in chosen.frames(random.Random(f"{name} {seed}")):
        if not isinstance(frame, Preamble):
            boundaries.append(len(data))
        data += frame
        if len(boundaries) == frames_count or (bytes_min and len(data) >= bytes_min):
            break
    boundaries.append(len(data))
    return Stream(name, bytes(data), boundaries, chosen.expressible)


def cut_end(whole, seed=1):
    """The stream without the last part of its last message. Very short last messages lose one byte."""
    last = whole.boundaries[-1] - whole.boundaries[-2]
    left = max(1, int(last * random.Random(seed).uniform(0.2, 0.9))) if last > 1 else 0
    return whole._replace(data=whole.data[:whole.boundaries[-2] + left])


def cut_start(whole, seed=1):
    """The stream from within its first message on."""
    first = whole.boundaries[1] - whole.boundaries[0]
    lost = whole.boundaries[0] + max(1, int(first * random.Random(seed).uniform(0.1, 0.9)))
    return whole._replace(data=whole.data[lost:], boundaries=[at - lost for at in whole.boundaries if at >= lost])
