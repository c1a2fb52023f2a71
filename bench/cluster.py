#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a cluster costs, in one run:

    scripts/bench cluster [--rounds 7] [--messages 20000]

First table: CPU time of the worker per local message. One node, one speaker, and 10 members of its room on the same node:

    no cluster         weir without --cluster
    no cluster again   the same: its ratio is the noise of the run
    broker runs        a node of a cluster; no other node has a member of the room
    broker stopped     the same while nats-server is stopped (kill -STOP): writes to it block
    broker killed      the same without nats-server

The ratio of the last two should be at most 1.03. Second table: messages per second from a speaker on one node to a member on
another one, beside two processes that use libnats alone, with the same nats-server. Senders are at most 2048 messages ahead of
the receiver, so that nothing is dropped; "lost" shows it.

Weir has one worker on the first processor. nats-server, the clients and weir's other threads share the rest, so a table of a
machine with two processors shows the load generator as well.
"""
import argparse
import json
import os
import pathlib
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import beside

sys.path.insert(0, str(beside.ROOT / "tests" / "system"))
from admin_http import request  # noqa: E402

MEMBERS, WINDOW, TEXT_BYTES = 10, 2048, 64  # WINDOW: below mailbox_commands_max
MODES = ("no cluster", "no cluster again", "broker runs", "broker stopped", "broker killed")


class Broker:
    def __init__(self):
        self.port = beside.free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen([beside.which("nats-server"), "--addr", "127.0.0.1", "--port", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.sched_setaffinity(0, beside.LOAD_CORES))
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait()


class Node:
    def __init__(self, build, number, url=None):
        cluster = ("--cluster", url, "--cluster-name", "bench", "--node", str(number)) if url else ()
        self.process = subprocess.Popen(
            [build / "weir", "serve", "--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--workers", "1",
             "--admin", "127.0.0.1:0", *cluster], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line == "ready\n":
                break
        found = re.search(r"^listening .* addr=127\.0\.0\.1:(\d+) ", "".join(lines), re.M)
        if not found:
            sys.exit(f"weir does not start with {cluster}")
        self.port = int(found[1])
        self.admin = re.search(r"^admin addr=(\S+)", "".join(lines), re.M)[1]
        self.worker = self._pin()

    def _pin(self):
        """The worker runs on the first processor, everything else on the others. Returns the worker's task."""
        worker = None
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            is_worker = re.fullmatch(r"weir-\d+\n", (task / "comm").read_text())
            os.sched_setaffinity(int(task.name), {beside.SERVER_CORE} if is_worker else beside.LOAD_CORES)
            worker = task if is_worker else worker
        return worker

    def worker_cpu_ns(self):
        return int((self.worker / "schedstat").read_text().split()[0])

    def stats(self):
        return json.loads(request(self.admin, "/stats.json").body)["cluster"]

    def losses(self):
        return {name: value for name, value in self.stats().items()
                if name.startswith(("dropped", "gaps", "refused", "slow")) and value}

    def join(self, name):
        """Returns a connection in the room, from which everything so far was read."""
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(f"/name {name}\n".encode())
        text = b""
        while f"you are now {name}\n".encode() not in text:
            text += peer.recv(65536)
        return peer

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def drain(peers):
    """Reads everything that arrives until nothing has come for a while."""
    while readable := select.select(peers, [], [], 0.3)[0]:
        for peer in readable:
            peer.recv(1 << 20)


def say(speaker, members, messages, window):
    """The speaker says the messages, at most `window` ahead of the slowest member, and everyone receives them."""
    line = b"x" * TEXT_BYTES + b"\n"
    heard_bytes = len(b"speaker: " + line)
    got = {peer: 0 for peer in members}
    sent, deadline_s = 0, time.monotonic() + 60
    while (slowest := min(got.values()) // heard_bytes) < messages:
        if time.monotonic() > deadline_s:
            sys.exit(f"of {sent} messages, {slowest} arrived")
        count = min(512, messages - sent, window - (sent - slowest))
        if count > 0:
            speaker.sendall(line * count)
            sent += count
        for peer in select.select(members, [], [], 0 if count > 0 else 5)[0]:
            got[peer] += len(peer.recv(1 << 20))
    return sent


def local_cost(build, mode, messages):
    """Returns the worker's nanoseconds per message that a member receives."""
    broker = Broker().start() if mode.startswith("broker") else None
    node = Node(build, 1, broker.url if broker else None)
    try:
        peers = [node.join("speaker"), *(node.join(f"member{i}") for i in range(MEMBERS))]
        drain(peers)
        if mode == "broker stopped":
            broker.signal(signal.SIGSTOP)
        elif mode == "broker killed":
            broker.signal(signal.SIGKILL)
        speaker, *members = peers
        say(speaker, members, messages // 10, 256)  # warm
        before_ns = node.worker_cpu_ns()
        say(speaker, members, messages, 256)
        return (node.worker_cpu_ns() - before_ns) / (messages * MEMBERS)
    finally:
        node.end()
        if broker:
            broker.end()


def throughput(build, broker, messages):
    """Returns messages per second from one node to the other, and how many were lost."""
    nodes = [Node(build, 1, broker.url), Node(build, 2, broker.url)]
    try:
        speaker, member = nodes[0].join("speaker"), nodes[1].join("member")
        while not select.select([member], [], [], 0.1)[0]:
            speaker.sendall(b"hello\n")  # until the room reaches the other node
        drain([speaker, member])
        began_s = time.monotonic()
        arrived = say_across(speaker, member, messages)
        seconds = time.monotonic() - began_s
        if arrived < messages:
            print(f"of {messages} messages, {arrived} arrived: {[node.losses() for node in nodes]}", file=sys.stderr)
        return arrived / seconds, messages - arrived
    finally:
        for node in nodes:
            node.end()


def say_across(speaker, member, messages):
    """As say(), to one member on another node. Returns how many messages arrived; what is lost ends it."""
    line = b"x" * TEXT_BYTES + b"\n"
    heard_bytes, got, sent = len(b"speaker: " + line), 0, 0
    while got < messages * heard_bytes:
        count = min(512, messages - sent, WINDOW - (sent - got // heard_bytes))
        if count > 0:
            speaker.sendall(line * count)
            sent += count
        readable = select.select([member], [], [], 0 if count > 0 else 5)[0]
        if readable:
            got += len(member.recv(1 << 20))
        elif count <= 0:
            break  # the rest was lost
    return got // heard_bytes


def bare(build, broker, messages):
    command = [build / "bench" / "cluster_bare", broker.url, str(messages), str(TEXT_BYTES + len("speaker: ")), str(WINDOW)]
    if not command[0].exists():
        command[0] = build / "cluster_bare"
    return float(subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout)


def show_local(build, options):
    costs = {mode: [] for mode in MODES}
    for first in range(options.rounds):
        for mode in MODES[first % len(MODES):] + MODES[:first % len(MODES)]:
            costs[mode].append(local_cost(build, mode, options.messages))
    base = statistics.median(costs["no cluster"])
    print(f"{'CPU time of the worker':24} {'ns/message':>11} {'ratio':>7}")
    for mode in MODES:
        median = statistics.median(costs[mode])
        print(f"{mode:24} {median:11.0f} {median / base:7.3f}")


def show_throughput(build, options):
    broker = Broker().start()
    try:
        weir, plain, lost = [], [], 0
        for _ in range(options.rounds):
            rate, missing = throughput(build, broker, options.messages * 5)
            weir.append(rate)
            lost += missing
            plain.append(bare(build, broker, options.messages * 5))
    finally:
        broker.end()
    print(f"\n{'node to node':24} {'messages/s':>11} {'ratio':>7}")
    print(f"{'libnats alone':24} {statistics.median(plain):11.0f} {1:7.3f}")
    print(f"{'weir':24} {statistics.median(weir):11.0f} {statistics.median(weir) / statistics.median(plain):7.3f}   lost {lost}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=beside.ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=20000)
    options = parser.parse_args()
    if not beside.which("nats-server"):
        sys.exit("nats-server is not installed: apt-get install nats-server")
    beside.pin_load()
    show_local(options.build, options)
    show_throughput(options.build, options)


if __name__ == "__main__":
    main()
