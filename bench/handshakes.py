#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long other clients of a TLS server wait while 1,000 clients do not complete their handshakes, in one run:

    scripts/bench handshakes [--seconds 4] [--rounds 5] [--clients 1000]

    nothing            no other clients
    nothing again      the same: its ratio is the noise of the run
    silent             1,000 clients have connected, and send nothing
    half-done          1,000 clients have sent their hello, have got the server's answer, and send nothing more
    half-done, coming  1,000 clients come like this again and again, 1,000 at a time

weir has one worker on the first processor, and the clients run on the others. The honest client has an open session with
TLS. It sends a line, waits for the echo, and pauses a millisecond. The table shows the medians over the rounds of its median
and 99th percentile, and the ratio of the percentile to the one of "nothing". It should be at most 2 beside silent and
half-done clients. Beside those that come, the honest client waits for up to 16 handshakes.
"""
import argparse
import multiprocessing
import os
import pathlib
import resource
import socket
import ssl
import statistics
import sys
import tempfile
import time

import beside

sys.path.insert(0, str(beside.ROOT / "tests" / "system"))
import certificates  # noqa: E402


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def hello():
    """Returns the first bytes of a client's handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()


def crowd(port, clients, first, again, is_there):
    """Holds clients that sent `first`, and got an answer to it. With `again` others replace them without an end."""
    os.nice(10)  # what is measured is the server, not the processor that the clients share
    while True:
        peers = [connect(port) for _ in range(clients)]
        for peer in peers:
            peer.sendall(first)
        for peer in peers:
            while first and not peer.recv(65536):
                sys.exit("the server has closed a connection of the crowd")
        is_there.set()
        while not again:
            time.sleep(60)
        for peer in peers:
            peer.close()


class Honest:
    """The client whose waiting times are measured."""

    def __init__(self, port):
        context = ssl.create_default_context(cafile=certificates.authority().ca)
        self.peer = context.wrap_socket(connect(port), server_hostname="localhost")

    def measure(self, seconds):
        """Returns the median and the 99th percentile of the waiting times, in microseconds."""
        waits, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            self.peer.sendall(b"hello\n")
            got = b""
            while not got.endswith(b"\n"):
                got += self.peer.recv(100)
            waits.append((time.perf_counter() - began) * 1e6)
            time.sleep(0.001)
        waits.sort()
        return waits[len(waits) // 2], waits[len(waits) * 99 // 100]


CASES = (  # name, whether there is a crowd, whether it sends a hello, whether it comes again
    ("nothing", False, False, False),
    ("silent", True, False, False),
    ("half-done", True, True, False),
    ("nothing again", False, False, False),
    ("half-done, coming", True, True, True),
)


def run(build, folder, case, clients, seconds):
    _, has_crowd, says_hello, again = case
    pair, port = certificates.local(), beside.free_port()
    with beside.Servers(build, folder) as servers:
        servers.weir(port, "--codec", "line", "--tls-cert", pair.certificate, "--tls-key", pair.key, "--opening-timeout", "1h",
                     "--max-sessions", str(clients + 100), "--tls-handshakes-max", str(2 * clients))
        honest = Honest(port)
        if not has_crowd:
            return honest.measure(seconds)
        is_there = multiprocessing.Event()
        others = multiprocessing.Process(target=crowd, args=(port, clients, hello() if says_hello else b"", again, is_there),
                                         daemon=True)
        others.start()
        try:
            while not is_there.wait(0.1):
                if not others.is_alive():
                    sys.exit("the crowd has ended")
            return honest.measure(seconds)
        finally:
            others.kill()
            others.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=beside.ROOT / "build" / "release")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=1000)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    beside.pin_load()
    results = {case[0]: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for round_index in range(options.rounds):
            for case in CASES[round_index % len(CASES):] + CASES[:round_index % len(CASES)]:
                results[case[0]].append(run(options.build.resolve(), pathlib.Path(folder), case, options.clients,
                                            options.seconds))
    medians = {name: [statistics.median(column) for column in zip(*values)] for name, values in results.items()}
    print(f"{'beside ' + str(options.clients) + ' clients':24} {'median us':>10} {'p99 us':>10} {'ratio':>6}")
    for name, (median, p99) in medians.items():
        print(f"{name:24} {median:10.0f} {p99:10.0f} {p99 / medians['nothing'][1]:6.2f}")


if __name__ == "__main__":
    main()
