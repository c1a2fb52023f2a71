# SPDX-License-Identifier: MIT
"""compare_rows.py - the rows of bench/compare: what is measured, under which load, and which figure decides."""
import collections

# load: the mode and the settings of peer_load. kind: what the servers do (compare_peers.py). figure: "cpu" is processor time
# of the server per message, "p50" the median latency; "count" is free of noise and measured once.
# unit: what the row counts. quick: whether --quick measures the row.
Row = collections.namedtuple("Row", "title kind load figure unit quick")


def load(mode, **settings):
    return mode, settings


# In hexadecimal digits: an MQTT client without a name and its subscription to "t"; 64 bytes published to it.
MQTT_HELLO = "100c00044d515454040200000000" + "8206000100017400"
MQTT_MESSAGE = "3043000174" + bytes(range(64)).hex()
PING, PONG = b"*1\r\n$4\r\nPING\r\n".hex(), b"+PONG\r\n".hex()

ROWS = {
    "tcp-64-50": Row("TCP echo of 64 bytes, 50 connections", "echo", load("echo", connections=50), "cpu", "echo", True),
    "tcp-64-1000": Row("TCP echo of 64 bytes, 1,000 connections", "echo", load("echo", connections=1000), "cpu", "echo", True),
    "tcp-16k-50": Row("TCP echo of 16 KiB, 50 connections", "echo", load("echo", connections=50, bytes=16384), "cpu", "echo",
                      True),
    "tcp-framed-16": Row("TCP echo of 64-byte frames, 16 in flight on each of 50 connections", "framed",
                         load("echo", connections=50, depth=16, framed=1), "cpu", "echo", True),
    "connect": Row("Connect, one echo, close; 16 at a time", "echo", load("connect", connections=16), "cpu", "connection", True),
    "broadcast": Row("Broadcast of 64 bytes to 1,000 connections", "broadcast",
                     load("broadcast", connections=1000, depth=4), "cpu", "delivery", False),
    "udp-64": Row("UDP echo of 64 bytes, 50 peers, 8 in flight each", "udp", load("udp", connections=50, depth=8), "cpu", "echo",
                  True),
    "udp-peers": Row("UDP echo of 64 bytes, 10,000 peers, 400 in flight", "udp-peers",
                     load("udp", connections=10000, window=400), "cpu", "echo", False),
    "one": Row("TCP echo of 64 bytes, one connection", "low", load("echo", connections=1), "p50", "echo", True),
    "open": Row("TCP echo of 64 bytes, 20,000 messages/s on 50 connections (open loop)", "low",
                load("open", connections=50, rate=20000), "cpu", "echo", False),
    "proxy": Row("Proxying an echo of 64 bytes, 50 connections", "proxy", load("echo", connections=50), "cpu", "echo", False),
    "ping": Row("Request of 14 bytes, 50 connections: PING of Redis, and echo", "ping",
                load("echo", connections=50, request=PING), "cpu", "request", False),
    "memory": Row("User memory per idle connection, 10,000 connections", "echo", load("echo", connections=10000), "count",
                  "bytes", False),
    "instructions": Row("User-space instructions per TCP echo of 64 bytes, one connection", "echo", None, "count", "instructions",
                        False),
    "instructions-50": Row("User-space instructions per TCP echo of 64 bytes, 50 connections ready together", "echo",
                           load("echo", connections=50), "count", "instructions", False),
    "syscalls": Row("System calls per TCP echo of 64 bytes, 50 connections", "echo", load("echo", connections=50), "count",
                    "calls", True),
}


PLURALS = {"echo": "echoes", "delivery": "deliveries"}


def plural(unit):
    return PLURALS.get(unit, unit + "s")


def load_words(row, port, pids, warm_ms, window_ms, overrides):
    """The command line of peer_load, after its name. overrides: settings of one server."""
    mode, settings = row.load
    settings = {"port": port, "pids": ",".join(str(pid) for pid in pids), "warm_ms": warm_ms, "window_ms": window_ms,
                **settings, **overrides}
    return [mode, *(f"{name}={value}" for name, value in settings.items())]
