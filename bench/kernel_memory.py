#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kernel_memory.py - measures the kernel's memory of a TCP connection, and the throughput that its bounds cost.

    python3 bench/kernel_memory.py build/release/weir memory  OPTIONS...
    python3 bench/kernel_memory.py build/release/weir speed   OPTIONS... [--rtt 20,100] [--load echo,discard]
    python3 bench/kernel_memory.py build/release/weir vanish  OPTIONS... [--rtt 20,100]

Each OPTIONS is one argument with the settings to compare, "--socket-unsent 256k --socket-receive 1m". `memory` prints the
largest socket of four clients that send and never read. `speed` prints MB/s of one connection over a path of that
round-trip time (0: loopback), in interleaved rounds. `vanish` stops the acknowledgements of an echo that runs at full
speed. A round-trip time above 0 needs root, TUN devices, and long_path beside weir.
Namespaces of their own contain the devices. docs/decisions/0010-kernel-memory-per-connection.md has the results.
"""
import argparse
import pathlib
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import time

CLIENTS, PIECE = 4, b"x" * 65536
STUCK_S = 1     # no byte was accepted for this long: none will be
VANISHED_S = 3  # after the last acknowledgement
ADDRESSES = ("10.9.0.1", "10.9.0.2")

CLIENT = """
import socket, struct, sys, threading, time
host, port, load, span = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]) / 2
peer = socket.create_connection((host, port))
def send():
    while True:
        peer.sendall(b"x" * 262144)
def acknowledged():
    return struct.unpack_from("Q", peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 120)[0]
threading.Thread(target=send, daemon=True).start()
buffer, half, got = bytearray(1 << 20), time.monotonic() + span, 0
if load == "discard":
    time.sleep(span)
    got -= acknowledged()
    time.sleep(span)
    got += acknowledged()
else:
    while time.monotonic() < half + span:
        length = peer.recv_into(buffer)
        got += length if time.monotonic() > half else 0
print(got / span / 1e6, flush=True)
"""


def start_weir(options, settings, host, handler, prefix=()):
    """Returns weir's process and port."""
    weir = subprocess.Popen([*prefix, options.weir, "--tcp", f"{host}:0", "--transport", options.transport, "--workers",
                             "1", "--quiet", "--handler", handler, *settings.split()], stdout=subprocess.PIPE, text=True)
    port = int(re.search(r" addr=\S+:(\d+) ", weir.stdout.readline())[1])
    assert weir.stdout.readline() == "ready\n"
    return weir, port


def end(*processes):
    for process in processes:
        process.kill()
        process.wait()


def sockets(port, prefix=()):
    """Returns the kernel's memory of each connection of this server, by ss's names, with the sum in "bytes"."""
    listed = subprocess.run([*prefix, "ss", "-tmnH", "state", "established", f"sport = :{port}"], text=True, check=True,
                            capture_output=True).stdout
    found = []
    for line in re.findall(r"skmem:\(([^)]*)\)", listed):
        memory = {name: int(count) for name, count in re.findall(r"([a-z]+)(\d+)", line)}
        found.append(memory | {"bytes": sum(memory[name] for name in ("r", "w", "f", "o", "bl"))})
    return found


# ---- memory ----


def warm(peer):
    """Echoes 32 MiB, so that the kernel enlarges the buffers."""
    sent = got = 0
    while got < 32 << 20:
        readable, writable, _ = select.select([peer], [peer] if sent < 32 << 20 else [], [])
        sent += peer.send(PIECE) if writable else 0
        got += len(peer.recv(1 << 20)) if readable else 0


def flood(port, kind):
    """Returns clients that have sent until no byte was accepted."""
    peers = []
    for _ in range(CLIENTS):
        peer = socket.socket()
        if kind == "small buffer":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setblocking(False)
        if kind == "fast start":
            warm(peer)
        peers.append(peer)
    while writable := select.select([], peers, [], STUCK_S)[1]:
        for peer in writable:
            peer.send(PIECE[:100] if kind == "100 bytes" else PIECE)
    return peers


def measure_memory(options, settings):
    for kind in ("default", "small buffer", "fast start", "100 bytes"):
        weir, port = start_weir(options, settings, "127.0.0.1", "echo")
        peers = flood(port, kind)
        largest = max(sockets(port), key=lambda memory: memory["bytes"])
        print(f"{settings or 'defaults':50} {kind:12} {largest['bytes'] / (1 << 20):5.2f} MiB {largest}", flush=True)
        for peer in peers:
            peer.close()
        end(weir)


# ---- paths ----


class Path:
    """A connection between two network namespaces; for a round-trip time of 0, loopback."""

    def __init__(self, options, rtt_ms):
        self.processes, self.hosts, self.link = [], [(), ()], None
        self.address = ADDRESSES[0] if rtt_ms else "127.0.0.1"
        if not rtt_ms:
            return
        self.processes = [subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 3600"],
                                           stdout=subprocess.PIPE) for _ in ADDRESSES]
        for process in self.processes:
            process.stdout.readline()
        program = pathlib.Path(options.weir).resolve().parent / "long_path"
        pids = [str(process.pid) for process in self.processes]
        self.link = subprocess.Popen([program, *pids, str(int(rtt_ms * 500))], stdout=subprocess.PIPE)
        self.link.stdout.readline()
        self.hosts = [("nsenter", "-t", pid, "-n") for pid in pids]
        for host, address in zip(self.hosts, ADDRESSES):
            script = f"ip link set lo up; ip addr add {address}/24 dev long; ip link set long txqueuelen 20000 up"
            subprocess.run([*host, "sh", "-c", script], check=True)
            if options.congestion:
                with_it = f"echo {options.congestion} > /proc/sys/net/ipv4/tcp_congestion_control"
                subprocess.run([*host, "sh", "-c", with_it], check=True)

    def close(self):
        end(*self.processes, *([self.link] if self.link else []))


def start_client(path, port, load, span_s):
    return subprocess.Popen([*path.hosts[1], sys.executable, "-c", CLIENT, path.address, str(port), load, str(span_s)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def run_speed(options, settings, rtt_ms, load):
    path = Path(options, rtt_ms)
    weir, port = start_weir(options, settings, path.address, load, path.hosts[0])
    client = start_client(path, port, load, options.seconds)
    speed = float(client.stdout.readline())
    end(client, weir)
    path.close()
    return speed


def measure_speed(options, rtt_ms, load):
    speeds = {settings: [] for settings in options.settings}
    for _ in range(options.rounds):
        for settings, results in speeds.items():
            results.append(run_speed(options, settings, rtt_ms, load))
    for settings, results in speeds.items():
        print(f"{load:8} {rtt_ms:5} ms {settings or 'defaults':50} {statistics.median(results):8.1f} MB/s "
              f"{[round(speed, 1) for speed in results]}", flush=True)


def measure_vanished(options, settings, rtt_ms):
    path = Path(options, rtt_ms)
    weir, port = start_weir(options, settings, path.address, "echo", path.hosts[0])
    client = start_client(path, port, "echo", 3600)
    time.sleep(options.seconds)
    path.link.send_signal(signal.SIGUSR1)
    time.sleep(VANISHED_S)
    print(f"{rtt_ms:5} ms {settings or 'defaults':50} {sockets(port, path.hosts[0])}", flush=True)
    end(client, weir)
    path.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("what", choices=("memory", "speed", "vanish"))
    parser.add_argument("settings", nargs="*", default=[""])
    parser.add_argument("--transport", default="epoll")
    parser.add_argument("--rtt", default="20")
    parser.add_argument("--load", default="echo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--congestion", default="reno")
    options = parser.parse_args()
    for rtt_ms in map(float, options.rtt.split(",") if options.what != "memory" else ["0"]):
        if options.what == "speed":
            for load in options.load.split(","):
                measure_speed(options, rtt_ms, load)
            continue
        for settings in options.settings:
            if options.what == "memory":
                measure_memory(options, settings)
            else:
                measure_vanished(options, settings, rtt_ms)


if __name__ == "__main__":
    main()
