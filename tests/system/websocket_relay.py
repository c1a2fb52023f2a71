# SPDX-License-Identifier: MIT
"""The client's side of WebSocket in stream mode, as a layer of a relay: see relay.py. Pieces of the stream become binary
messages: whole ones, in fragments, with pings between them."""
import struct

from websocket_frames import ACCEPT, BINARY, CLOSE, CONTINUATION, PING, PONG, close_frame, frame, request

PATH = "/relay"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n"
FIN_BIT = 0x80


class WebSocketLayer:
    def __init__(self):
        self._unread = bytearray()
        self._left = 0  # bytes of a binary message that have not come: it can be larger than memory
        self._count = 0  # pieces sent
        self.is_open = self.peer_ended = False

    def begin(self):
        return request(PATH, Sec_WebSocket_Protocol="binary")

    def receive(self, wire):
        plain, answer = bytearray(), bytearray()
        if wire and self.peer_ended:
            raise ValueError("bytes came after the close frame")
        self._unread += wire
        if not self.is_open and not self._read_head():
            return b"", b""
        plain += self._read_binary()
        while self._left == 0 and (got := self._read_frame()) is not None:
            opcode, payload = got
            if opcode == BINARY:
                plain += self._read_binary()
            elif opcode == PING:
                answer += frame(PONG, payload)
            elif opcode == CLOSE:
                self._end(payload)
            elif opcode != PONG:
                raise ValueError(f"a frame of weir has opcode {opcode}")
        return bytes(plain), bytes(answer)

    def send(self, plain):
        self._count += 1
        if self._count % 3 == 0:  # fragments, and a control frame between them
            half = len(plain) // 2
            return frame(BINARY, plain[:half], final=False) + frame(PING, b"?") + frame(CONTINUATION, plain[half:])
        return frame(BINARY, plain)

    def goodbye(self):
        return close_frame(1000)

    def _end(self, payload):
        if len(payload) < 2:
            raise ValueError(f"weir's close frame has no status: {payload!r}")
        self.status, = struct.unpack("!H", payload[:2])
        self.peer_ended = True
        if self._unread:
            raise ValueError("bytes came after the close frame")

    def _read_head(self):
        head, end, rest = self._unread.partition(b"\r\n\r\n")
        if not end:
            return False
        for part in (ANSWER, f"Sec-WebSocket-Accept: {ACCEPT}\r\n".encode(), b"Sec-WebSocket-Protocol: binary\r\n"):
            if part not in head + b"\r\n":
                raise ValueError(f"no WebSocket: {head!r}")
        self._unread, self.is_open = rest, True
        return True

    def _read_binary(self):
        """Returns what has come of the current binary message."""
        piece = bytes(self._unread[:self._left])
        del self._unread[:len(piece)]
        self._left -= len(piece)
        return piece

    def _read_frame(self):
        """Returns the opcode and the payload of the next frame; None: it is not complete. Of a binary message it reads only
        the header."""
        if len(self._unread) < 2:
            return None
        first, length = self._unread[:2]
        extra = {126: 2, 127: 8}.get(length, 0)
        if len(self._unread) < 2 + extra:
            return None
        if extra:
            length = int.from_bytes(self._unread[2:2 + extra], "big")
        if first & 0xF0 != FIN_BIT:
            raise ValueError(f"not the header of a server: {bytes(self._unread[:2])!r}")
        if first & 15 == BINARY:
            del self._unread[:2 + extra]
            self._left = length
            return BINARY, b""
        if len(self._unread) < 2 + extra + length:
            return None
        payload = bytes(self._unread[2 + extra:2 + extra + length])
        del self._unread[:2 + extra + length]
        return first & 15, payload
