#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""flood.py - how long an honest client waits for its echo beside each kind of flood.

    bench/flood.py build/release/weir [--transport epoll|uring] [--seconds 4]

weir runs with one worker on core 0. The floods and the honest client run on the other cores; the honest client has a
higher priority. It sends a line, waits for the echo, and pauses a millisecond. The table shows the median and the 99th
percentile of the waiting time, without a flood and beside each one, and the ratio of the percentiles in this run. The
percentile beside a flood should be at most twice the one without.
"""
import argparse
import multiprocessing
import os
import re
import socket
import subprocess
import time

CLIENTS = 64
MEMBERS = 200


def connect(address):
    peer = socket.create_connection(address)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def away_from_the_server(priority):
    os.sched_setaffinity(0, set(range(1, os.cpu_count())))
    os.nice(priority)


def flood_streams(address, data, reads):
    """Sends the data on many connections as fast as they take it; drops the answers, or leaves them unread."""
    away_from_the_server(10)
    peers = [connect(address) for _ in range(CLIENTS)]
    for peer in peers:
        peer.setblocking(False)
    while True:
        for peer in peers:
            try:
                peer.send(data)
                if reads:
                    peer.recv(1 << 18)
            except BlockingIOError:
                pass


def flood_room(address, data, _):
    """One speaker in a room of many members, which read."""
    away_from_the_server(10)
    members = [connect(address) for _ in range(MEMBERS)]
    speaker = connect(address)
    for peer in members + [speaker]:
        peer.setblocking(False)
    while True:
        for peer in members + [speaker]:
            try:
                peer.recv(1 << 18)
            except BlockingIOError:
                pass
        try:
            speaker.send(data)
        except BlockingIOError:
            pass


FLOODS = (  # name, handler of the server, the flood, its data, whether it reads
    ("nothing", "echo", None, b"", True),
    ("empty lines", "echo", flood_streams, b"\n" * 16384, True),
    ("empty lines, unread", "echo", flood_streams, b"\n" * 16384, False),
    ("lines of 1000 bytes", "echo", flood_streams, (b"x" * 999 + b"\n") * 16, True),
    ("nothing", "chat", None, b"", True),
    ("a speaker in a room of %d" % MEMBERS, "chat", flood_room, b"hi\n" * 5000, True),
)


def measure(address, handler, seconds):
    """Returns the waiting times of the honest client, sorted, in microseconds."""
    peer = connect(address)
    peer.settimeout(60)
    lines = peer.makefile("rb")
    if handler == "chat":  # in a room of its own: the answer to a command is the echo
        peer.sendall(b"/join alone\n/help\n")
        while b"other text" not in lines.readline():
            pass
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        peer.sendall(b"/help\n" if handler == "chat" else b"hello\n")
        lines.readline()
        waits.append((time.perf_counter() - began) * 1e6)
        time.sleep(0.001)
    return sorted(waits)


def run(weir, transport, handler, flood, data, reads, seconds):
    server = subprocess.Popen(["taskset", "-c", "0", weir, "--tcp", "127.0.0.1:0", "--codec", "line", "--handler", handler,
                               "--workers", "1", "--transport", transport], stdout=subprocess.PIPE, text=True)
    found = re.search(r"addr=127\.0\.0\.1:(\d+)", server.stdout.readline())
    address = ("127.0.0.1", int(found[1]))
    while "ready" not in server.stdout.readline():
        pass
    noise = flood and multiprocessing.Process(target=flood, args=(address, data, reads), daemon=True)
    if noise:
        noise.start()
        time.sleep(1)
    waits = measure(address, handler, seconds)
    if noise:
        noise.kill()
        noise.join()
    server.kill()
    server.wait()
    return waits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("--transport", default="auto")
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()
    away_from_the_server(0)
    print(f"{'flood':32} {'handler':8} {'median us':>10} {'p99 us':>10} {'ratio':>6}")
    for name, handler, flood, data, reads in FLOODS:
        waits = run(arguments.weir, arguments.transport, handler, flood, data, reads, arguments.seconds)
        p99 = waits[len(waits) * 99 // 100]
        if not flood:
            without = p99
        print(f"{name:32} {handler:8} {waits[len(waits) // 2]:10.0f} {p99:10.0f} {p99 / without:6.1f}", flush=True)


if __name__ == "__main__":
    main()
