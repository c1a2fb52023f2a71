# SPDX-License-Identifier: MIT
"""The frames and the request of a WebSocket client, as bytes (RFC 6455)."""
import base64
import hashlib
import itertools
import struct

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
