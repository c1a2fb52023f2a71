# SPDX-License-Identifier: MIT
"""Datagrams with a forged source address. They need a raw socket: CAP_NET_RAW."""
import socket
import struct

IPV6_HDRINCL = 36


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff or 0xffff


def forge(source, target, payload):
    """Returns an IP packet with a UDP datagram from `source` to `target`, each (host, port)."""
    v6 = ":" in target[0]
    family = socket.AF_INET6 if v6 else socket.AF_INET
    ends = socket.inet_pton(family, source[0]) + socket.inet_pton(family, target[0])
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", source[1], target[1], length, 0)
    # both pseudo headers have the same sum
    udp = udp[:6] + struct.pack("!H", checksum(ends + struct.pack("!II", length, socket.IPPROTO_UDP) + udp + payload))
    if v6:
        return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + ends + udp + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, socket.IPPROTO_UDP, 0) + ends + udp + payload


def raw_socket(v6):
    raw = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if v6:
        raw.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return raw


def can_forge():
    try:
        raw_socket(False).close()
    except PermissionError:
        return False
    return True


def send_forged(source, target, payload=b"echo this"):
    """Sends `target` a datagram that claims to be from `source`, each (host, port)."""
    with raw_socket(":" in target[0]) as raw:
        raw.sendto(forge(source, target, payload), (target[0], 0))
