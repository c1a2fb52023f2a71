# SPDX-License-Identifier: MIT
"""The formula by which libhv splits a stream, as its header hloop.h documents it. libhv itself is in no distribution.

A connection reads into a buffer of 8192 bytes, or of fixed_length, that grows up to package_max_length."""
import re

READ_BYTES = 8192
ENDLESS = 1000  # messages without progress


def settings(text):
    """Returns the members of a printed line."""
    found = {name: value for name, value in re.findall(r"\.(\w+) = (\{[^}]*\}|\w+|-\d+)", text)}
    for name, value in found.items():
        if re.fullmatch(r"-?\d+", value):
            found[name] = int(value)
    if "delimiter" in found:
        found["delimiter"] = bytes(int(byte, 16) for byte in re.findall(r"0x[0-9a-f]+", found["delimiter"]))
    return found


def varint(bytes_):
    """Returns (value modulo 2^32, bytes); bytes is 0 if more are needed, -1 if it is too long."""
    value = 0
    for index, byte in enumerate(bytes_[:10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value % 2 ** 32, index + 1
    return 0, -1 if len(bytes_) >= 10 else 0


class Stream:
    def __init__(self, line):
        self.set = settings(line)
        self.held = b""
        self.room = self.set["fixed_length"] if "fixed_length" in self.set else READ_BYTES
        self.messages, self.failed = [], False

    def feed(self, piece):
        while piece and not self.failed:
            taken = piece[:self.room - len(self.held)]
            piece = piece[len(taken):]
            self.held += taken
            {"UNPACK_BY_FIXED_LENGTH": self.fixed, "UNPACK_BY_DELIMITER": self.delimiter,
             "UNPACK_BY_LENGTH_FIELD": self.length}[self.set["mode"]]()

    def take(self, count):
        self.messages.append(self.held[:count])
        self.held = self.held[count:]

    def fixed(self):
        while len(self.held) >= self.set["fixed_length"]:
            self.take(self.set["fixed_length"])

    def delimiter(self):
        end = self.set["delimiter"]
        while end in self.held:
            self.take(self.held.index(end) + len(end))
        if len(self.held) == self.room:
            self.failed = self.room >= self.set["package_max_length"]
            self.room = min(2 * self.room, self.set["package_max_length"])

    def length(self):
        set_, package = self.set, 0
        while not self.failed and len(self.held) >= set_["body_offset"]:
            at, width, head = set_["length_field_offset"], set_["length_field_bytes"], set_["body_offset"]
            if set_["length_field_coding"] == "ENCODE_BY_VARINT":
                body, width = varint(self.held[at:])
                if width == 0:
                    break
                self.failed = width < 0
                head += width - 1
            else:
                order = "big" if set_["length_field_coding"] == "ENCODE_BY_BIG_ENDIAN" else "little"
                body = int.from_bytes(self.held[at:at + width], order)
            package = head + body + set_.get("length_adjustment", 0)
            self.failed = self.failed or package <= 0 or package > set_["package_max_length"]
            if self.failed or len(self.held) < package:
                break
            self.take(package)
        if not self.failed and package > self.room:
            self.room = max(package, min(2 * self.room, set_["package_max_length"]))


def decode(line, pieces):
    """Returns (messages, failed)."""
    stream = Stream(line)
    for piece in pieces:
        stream.feed(piece)
    return stream.messages, stream.failed
