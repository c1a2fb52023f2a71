# SPDX-License-Identifier: MIT
"""PROXY protocol headers of both versions, as a load balancer sends them, and answers of the module via."""
import re
import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"  # HAProxy's health check
AUTHORITY, UNIQUE_ID = 2, 5


def server_of(client):
    """Returns an address of the client's family to which the client connected."""
    return ("2001:db8::2" if ":" in client[0] else "198.51.100.7"), 443


def version_1(client, server=None):
    """Returns a line for the addresses (host, port)."""
    family, server = "TCP6" if ":" in client[0] else "TCP4", server or server_of(client)
    return f"PROXY {family} {client[0]} {server[0]} {client[1]} {server[1]}\r\n".encode()


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def version_2(client, tlvs=b""):
    family, server = socket.AF_INET6 if ":" in client[0] else socket.AF_INET, server_of(client)
    block = (socket.inet_pton(family, client[0]) + socket.inet_pton(family, server[0]) +
             struct.pack(">HH", client[1], server[1]) + tlvs)
    return SIGNATURE + bytes([0x21, 0x21 if ":" in client[0] else 0x11]) + struct.pack(">H", len(block)) + block


def read_line(peer):
    """Receives one line; "" if the connection ends without one."""
    line = b""
    while not line.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            break
        line += byte
    return line.decode()


def read_report(text):
    """Returns a line of the module via as a dict."""
    return dict(re.findall(r"(\w+)=(\S*)", text))


def ask(peer):
    """Lets the module report on this connection."""
    peer.sendall(b"?")
    return read_report(read_line(peer))
