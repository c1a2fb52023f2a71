# SPDX-License-Identifier: MIT
"""Writes capture files of TCP streams, and reads them with tshark and Lua dissectors."""
import contextlib
import os
import pwd
import struct
import subprocess
import tempfile

LINKTYPE_RAW = 101  # packets begin with the IP header
SYN, FIN, ACK = 2, 1, 16
SEGMENT_BYTES_MAX = 60000


def segment(ports, sequence, flags, payload):
    """Returns an IPv4 packet. tshark does not verify the checksums by default."""
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, 1, 5 << 4, flags, 65535, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes((10, 0, 0, 1)),
                     bytes((10, 0, 0, 2)))
    return ip + tcp


def cut(stream, size):
    return [stream[at:at + size] for at in range(0, len(stream), size)]


def connection(ports, pieces, fin="last"):
    """Returns the packets of one direction. fin: in the "last" piece, "alone" after it, or "none"."""
    packets, sequence = [segment(ports, 999, SYN, b"")], 1000
    for index, piece in enumerate(pieces):
        ends = fin == "last" and index == len(pieces) - 1
        packets.append(segment(ports, sequence, ACK | (FIN if ends else 0), piece))
        sequence += len(piece)
    if fin == "alone":
        packets.append(segment(ports, sequence, ACK | FIN, b""))
    return packets


def datagram(ports, payload):
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)),
                       bytes((10, 0, 0, 2))) + udp


def capture_file(packets):
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, LINKTYPE_RAW)]
    for index, packet in enumerate(packets):
        out.append(struct.pack("<IIII", index // 1000, index % 1000 * 1000, len(packet), len(packet)) + packet)
    return b"".join(out)


@contextlib.contextmanager
def readable_folder():
    """A folder that every account can read: as root, tshark runs no Lua scripts."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield folder


def without_root(folder):
    """Returns the arguments of subprocess.run() that give up root."""
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"}
    if os.geteuid() != 0:
        return {"env": environment}
    account = pwd.getpwnam("nobody")
    return {"env": environment, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def dissect(scripts, packets, fields, timeout_s, options=()):
    """Runs tshark with these Lua scripts. Returns (rows, stderr): one row per packet, a list per field."""
    with readable_folder() as folder:
        words = ["tshark", "-n", "-r", os.path.join(folder, "streams.pcap"), "-T", "fields", "-E", "aggregator=;", *options]
        with open(os.path.join(folder, "streams.pcap"), "wb") as file:
            file.write(capture_file(packets))
        for index, script in enumerate(scripts):
            path = os.path.join(folder, f"dissector_{index}.lua")
            with open(path, "wb") as file:
                file.write(script)
            words.append(f"-Xlua_script:{path}")
        for field in fields:
            words += ["-e", field]
        result = subprocess.run(words, capture_output=True, timeout=timeout_s, cwd=folder, **without_root(folder))
    if result.returncode != 0:
        raise AssertionError(result.stderr.decode())
    rows = [[value.split(";") if value else [] for value in line.split("\t")]
            for line in result.stdout.decode().splitlines()]
    return rows, result.stderr.decode()
