#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""udp_paths.py - runs udp_paths in interleaved rounds and prints tables of paired ratios.

    cc -std=c17 -D_GNU_SOURCE -O2 bench/udp_paths.c -o udp_paths -luring
    python3 bench/udp_paths.py ./udp_paths             every load, every path (about 8 minutes)
    python3 bench/udp_paths.py ./udp_paths --rounds 5 --loads a,b --paths single,mmsg
    python3 bench/udp_paths.py ./udp_paths --floor     the cost of one iteration, no wake-ups (10 seconds)
    python3 bench/udp_paths.py ./udp_paths --facts     accepted and rejected sends of the kernel

Server on core 0, loader on core 1. The others are compared with the first path, round by round.
"""
import argparse
import errno
import itertools
import os
import signal
import socket
import statistics
import struct
import subprocess
import time

LOADS = {  # name: (title, peers, in flight, bytes, GSO batches)
    "a": ("64 B, 50 peers x 8 in flight", 50, 8, 64, 0),
    "b": ("64 B, 50 peers x 1 in flight", 50, 1, 64, 0),
    "c": ("1 KiB, 50 peers x 8 in flight", 50, 8, 1024, 0),
    "d": ("64 B, 50 peers x 16 in flight, GSO batches", 50, 16, 64, 1),
    "e": ("1 KiB, 50 peers x 16 in flight, GSO batches", 50, 16, 1024, 1),
    "f": ("64 B, 1 peer x 1 in flight", 1, 1, 64, 0),
}
PATHS = [
    "single", "single+bare", "mmsg", "mmsg+bare", "mmsg+group", "mmsg+gro", "mmsg+gro+bare", "mmsg+gro+group",
    "mmsg+gro+group+again", "sqe", "sqe+gro", "ringmmsg", "ringmmsg+gro+group", "poll+gro+group", "mmsg+adapt",
    "mmsg+s64", "mmsg+gro+group+s64", "mmsg+gro+group+colour",
]


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def fields(line):
    return {key: float(value) for key, value in (part.split("=") for part in line.split())}


def run_once(program, path, load, span_ms, host, port):
    server = subprocess.Popen([program, "serve", path, str(port)], stdout=subprocess.PIPE, text=True,
                              preexec_fn=pinned(0))
    assert server.stdout.readline() == "ready\n", path
    arguments = [str(server.pid), host, str(port), *map(str, LOADS[load][1:]), str(span_ms)]
    loader = subprocess.run([program, "load", *arguments], stdout=subprocess.PIPE, text=True, timeout=60,
                            check=True, preexec_fn=pinned(1))
    while server.poll() is None:  # repeat the signal: the server misses one that arrives just before it waits
        server.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    result = fields(loader.stdout) | fields(server.stdout.read())
    assert result["failed"] == 0, (path, result)
    return result


def spread(values, form):
    return f"{form % statistics.median(values)} ({form % min(values)}..{form % max(values)})"


def measure(options):
    ports = itertools.cycle(range(20000 + os.getpid() % 8000, 30000))  # a ring frees its port late: never reuse one
    for load in options.loads.split(","):
        results = {path: [] for path in options.paths.split(",")}
        for number in range(options.rounds):
            order = list(results) if number % 2 == 0 else list(reversed(results))
            for path in order:
                results[path].append(run_once(options.program, path, load, options.span, options.host, next(ports)))
        print(f"\n### {load}: {LOADS[load][0]}; {options.rounds} rounds of {options.span} ms\n")
        print("| path | ns per datagram | ratio, paired | datagrams per iteration | per receive | per send | util "
              "| resent, of them late |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        first = next(iter(results.values()))
        for path, rounds in results.items():
            ratios = [one["ns"] / base["ns"] for one, base in zip(rounds, first)]
            middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
            lost, late = (sum(one[key] for one in rounds) for key in ("lost", "stale"))
            print(f"| {path} | {spread([one['ns'] for one in rounds], '%.0f')} | {spread(ratios, '%.2f')} "
                  f"| {middle['per_iteration'] * middle['per_receive']:.1f} | {middle['per_receive']:.1f} "
                  f"| {middle['per_send']:.1f} | {middle['util']:.2f} | {lost:.0f}, {late:.0f} |", flush=True)


def attempt(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]


def facts():
    udp_segment, udp_gro = 103, 104  # linux/udp.h
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.setsockopt(socket.IPPROTO_UDP, udp_gro, 1)
    server.bind(("::", 0))
    server.setblocking(False)

    def drain():
        seen = []
        while not isinstance(got := attempt(lambda: server.recvmsg(70000, 256)), str):
            batch = [struct.unpack("i", value)[0] for level, kind, value in got[1] if (level, kind) == (17, udp_gro)]
            seen.append((len(got[0]), batch[0] if batch else None))
        return seen if len(seen) < 5 else f"{len(seen)} x {seen[0]}"

    for host, family in ("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6):
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.connect((host, server.getsockname()[1]))

        def send(count, segment, client=client):
            control = [(17, udp_segment, struct.pack("H", segment))] if segment is not None else []
            return attempt(lambda: client.sendmsg([b"x" * count], control))

        print(f"{host}: (bytes, UDP_SEGMENT) -> result, then what the receiver with UDP_GRO gets: (bytes, cmsg)")
        for case in ((64 * 64, 64), (128 * 64, 64), (129 * 64, 64), (100, 64), (64, 64), (10, 64), (0, 64), (0, None),
                     (100, 0), (65487, 1024), (65507, 1024), (65508, 1024), (65527, 1024), (65528, 1024),
                     (65507, None), (65508, None), (65528, None)):
            print(f"  {case} -> {send(*case)}: {drain()}")
        server.sendto(b"", client.getsockname()[:2] if family != socket.AF_INET else
                      ("::ffff:127.0.0.1", client.getsockname()[1]))
        print("  reply of length 0 arrives as", len(client.recv(10)), "bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--span", type=int, default=300, help="milliseconds measured per run, after a warm-up")
    parser.add_argument("--loads", default="a,b,c,d,e")
    parser.add_argument("--paths", default=",".join(PATHS))
    parser.add_argument("--host", default="::ffff:127.0.0.1",
                        help="IPv6 form; ::ffff:127.0.0.2 gets no answer unless the reply's source is right")
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--facts", action="store_true")
    options = parser.parse_args()
    if options.facts:
        facts()
    elif options.floor:
        for ready in 1, 2, 4, 8, 32:
            subprocess.run([options.program, "floor", "64", str(ready)], check=True, preexec_fn=pinned(0))
    else:
        measure(options)


if __name__ == "__main__":
    main()
