# SPDX-License-Identifier: MIT
"""Counts the system calls per echo. A tool, not a test; needs strace.

    python3 tests/system/count_syscalls.py --weir build/release/weir [--echoes 100000] [--connections 50] [--bytes 64]

The tool starts weir, connects, and lets strace count the calls of all its threads only while the echoes run:
the figures exclude starting, accepting and closing. Two patterns of requests: `together`, all connections send and
then all answers are read, so that weir can batch; `freely`, each sends again as soon as its answer arrives, at
the pace of the client (which is slower than weir). UDP has as many datagrams in flight as there are
connections.
"""
import argparse
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile

from weir_process import DEADLINE_S, Settings, Weir, connect, io_uring_error, receive_exactly, udp_socket

PRINTED_MAX = 6


def together(peers, echoes, message):
    for _ in range(echoes // len(peers)):
        for peer in peers:
            peer.sendall(message)
        for peer in peers:
            receive_exactly(peer, len(message))
    return echoes // len(peers) * len(peers)


def freely(peers, echoes, message):
    poll = select.epoll()
    by_file = {peer.fileno(): peer for peer in peers}
    for peer in peers:
        poll.register(peer, select.EPOLLIN)
        peer.sendall(message)
    done = 0
    while done < echoes:
        for file, _ in poll.poll(DEADLINE_S):
            receive_exactly(by_file[file], len(message))
            by_file[file].sendall(message)
            done += 1
    for peer in peers:
        receive_exactly(peer, len(message))
    return done + len(peers)


def datagrams(peers, echoes, message):
    peer, window = peers[0], 50
    for _ in range(echoes // window):
        for _ in range(window):
            peer.send(message)
        for _ in range(window):
            peer.recv(65536)
    return echoes // window * window


def attach(weir, report):
    """Attaches strace to all threads of weir; returns once it has reported each thread."""
    threads = len(os.listdir(f"/proc/{weir.pid}/task"))
    strace = subprocess.Popen(["strace", "-c", "-f", "-o", report, "-p", str(weir.pid)], stderr=subprocess.PIPE)
    report = b""
    while report.count(b" attached") < threads and b"attached with" not in report:
        if not select.select([strace.stderr], [], [], DEADLINE_S)[0]:
            raise SystemExit(f"strace does not attach: {report.decode()}")
        piece = os.read(strace.stderr.fileno(), 4096)
        if not piece:
            raise SystemExit(f"strace does not attach: {report.decode()}")
        report += piece
    return strace


def read_calls(report):
    """{call: number of calls} of what strace -c wrote."""
    calls = {}
    for line in report.splitlines():
        match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z_]\w*)$", line)
        if match and match.group(2) != "total":
            calls[match.group(2)] = int(match.group(1))
    return calls


def count(transport, way, options):
    """Returns (echoes, {call: number of calls})."""
    Settings.weir, Settings.transport = options.weir, transport
    weir = Weir("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", str(options.workers))
    try:
        weir.wait_ready()
        if way is datagrams:
            peers = [udp_socket(weir.udp)]
        else:
            peers = [connect(weir.tcp) for _ in range(options.connections)]
        message = b"m" * options.bytes
        way(peers, 2 * options.connections, message)
        with tempfile.NamedTemporaryFile("r") as report:
            strace = attach(weir, report.name)
            echoes = way(peers, options.echoes, message)
            strace.send_signal(signal.SIGINT)
            strace.wait(DEADLINE_S)
            strace.stderr.close()
            calls = read_calls(report.read())
        for peer in peers:
            peer.close()
        weir.stop()
        return echoes, calls
    finally:
        weir.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir", required=True, type=os.path.abspath)
    parser.add_argument("--echoes", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--bytes", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("strace"):
        sys.exit("strace is not installed")
    print(f"{options.echoes} echoes of {options.bytes} bytes, {options.connections} connections, "
          f"{options.workers} workers\n")
    print(f"{'transport':10} {'asked':10} {'calls per echo':>14}   calls")
    for transport in ("epoll", "uring"):
        if transport == "uring" and io_uring_error():
            print(f"{transport:10} unavailable on this machine ({io_uring_error()})")
            continue
        for way in (together, freely, datagrams):
            echoes, calls = count(transport, way, options)
            most = sorted(calls.items(), key=lambda pair: -pair[1])[:PRINTED_MAX]
            print(f"{transport:10} {way.__name__:10} {sum(calls.values()) / echoes:14.3f}   "
                  f"{', '.join(f'{name} {number}' for name, number in most)}", flush=True)


if __name__ == "__main__":
    main()
