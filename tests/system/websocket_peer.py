# SPDX-License-Identifier: MIT
"""A WebSocket client for tests, which sends and checks every byte (RFC 6455).

    peer = WebSocket.open(weir.tcp, "/play")   # the request, and the answer to it
    peer.send(TEXT, b"hello")
    peer.expect(TEXT, b"hello")                # one frame of the server, exactly
    peer.close(1000)                           # both close frames, then EOF
"""
import socket
import struct

from websocket_frames import ACCEPT, CLOSE, close_frame, frame, header, request
from weir_process import DEADLINE_S, connect, receive_exactly


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
