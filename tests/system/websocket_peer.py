# SPDX-License-Identifier: MIT
"""A WebSocket client for tests, which sends and checks every byte (RFC 6455).

    peer = WebSocket.open(weir.tcp, "/play")   # the request, and the answer to it
    peer.send(TEXT, b"hello")
    peer.expect(TEXT, b"hello")                # one frame of the server, exactly
    peer.close(1000)                           # both close frames, then EOF
"""
import base64
import hashlib
import itertools
import socket
import struct

from weir_process import DEADLINE_S, connect, receive_exactly

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def header(opcode, length, final=True, masked=False):
    """Returns the shortest header of a frame."""
    first, mask_bit = (0x80 if final else 0) | opcode, 0x80 if masked else 0
    if length < 126:
        return bytes([first, mask_bit | length])
    if length < 65536:
        return bytes([first, mask_bit | 126]) + struct.pack("!H", length)
    return bytes([first, mask_bit | 127]) + struct.pack("!Q", length)


def masked(payload, mask):
    """Applies a mask to a payload of any length."""
    whole = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


_masks = itertools.count(0x37FA213D, 0x01010307)


def frame(opcode, payload=b"", final=True, mask=None):
    """Returns a frame of a client; each has another mask unless one is given."""
    mask = mask if mask is not None else struct.pack("!I", next(_masks) & 0xFFFFFFFF)
    return header(opcode, len(payload), final, masked=True) + mask + masked(payload, mask)


def close_frame(status=None, reason=b""):
    return frame(CLOSE, b"" if status is None else struct.pack("!H", status) + reason)


def request(path="/play", method="GET", version="HTTP/1.1", **lines):
    """Returns the request for a WebSocket. Arguments replace or add header lines: Sec_WebSocket_Version="8"; None
    removes one."""
    values = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
              "Sec-WebSocket-Version": "13"}
    values.update({name.replace("_", "-"): value for name, value in lines.items()})
    head = [f"{method} {path} {version}"] + [f"{name}: {value}" for name, value in values.items() if value is not None]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


def read_head(peer):
    """Reads an HTTP head, and nothing after it. Returns the status line and the header lines."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = peer.recv(1)
        if not byte:
            raise AssertionError(f"the stream ended inside an HTTP head: {head!r}")
        head += byte
    status, *lines = head.decode().split("\r\n")[:-2]
    return status, dict(line.split(": ", 1) for line in lines)


def ask(address, text):
    """Sends a request. Returns the status, the header lines and the body, up to EOF."""
    with connect(address) as peer:
        peer.sendall(text)
        status, lines = read_head(peer)
        body = b""
        while piece := peer.recv(65536):
            body += piece
    return int(status.split()[1]), lines, body


class WebSocket:
    """One client. Its socket is `peer`."""

    def __init__(self, peer, lines):
        self.peer, self.lines = peer, lines

    @classmethod
    def open(cls, address, path="/play", tls=None, **lines):
        """`tls`: an SSL context for wss."""
        peer = connect(address)
        peer.settimeout(DEADLINE_S)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            peer = tls.wrap_socket(peer, server_hostname="localhost", suppress_ragged_eofs=False)
        peer.sendall(request(path, **lines))
        status, answer = read_head(peer)
        if status != "HTTP/1.1 101 Switching Protocols" or answer["Sec-WebSocket-Accept"] != ACCEPT:
            raise AssertionError(f"no WebSocket: {status} {answer}")
        return cls(peer, answer)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.peer.close()

    def send(self, opcode, payload=b"", final=True, mask=None):
        self.peer.sendall(frame(opcode, payload, final, mask))

    def send_raw(self, data):
        self.peer.sendall(data)

    def receive(self):
        """Returns the opcode and the payload of one frame, which must be final, unmasked and as short as possible."""
        first, second = receive_exactly(self.peer, 2)
        length = second
        extra = b""
        if second in (126, 127):
            extra = receive_exactly(self.peer, 2 if second == 126 else 8)
            length = int.from_bytes(extra, "big")
        if bytes([first, second]) + extra != header(first & 15, length):
            raise AssertionError(f"not the header of a server: {bytes([first, second]) + extra!r}")
        return first & 15, receive_exactly(self.peer, length)

    def expect(self, opcode, payload):
        got = self.receive()
        if got != (opcode, payload):
            raise AssertionError(f"expected {opcode} {payload[:80]!r}, got {got[0]} {got[1][:80]!r}")

    def expect_close(self, status, reason=None):
        """The server's close frame, then EOF. A status of None: the frame has none."""
        opcode, payload = self.receive()
        if opcode != CLOSE:
            raise AssertionError(f"expected a close frame, got {opcode} {payload[:80]!r}")
        if status is None:
            wanted = payload == b""
        else:
            wanted = payload[:2] == struct.pack("!H", status) and reason in (None, payload[2:])
        if not wanted:
            raise AssertionError(f"expected status {status} {reason}, got {payload!r}")
        if rest := self.peer.recv(100):
            raise AssertionError(f"{rest!r} came after the close frame")

    def close(self, status=1000):
        """Ends from this side: the server repeats the status."""
        self.send_raw(close_frame(status))
        self.expect_close(status, b"")
        self.peer.close()
