# SPDX-License-Identifier: MIT
"""Nodes of a cluster, each with two chat clients, whose messages carry numbers: what one side said, and the other heard.

    nodes = start_nodes(self, 3, broker.url)      # three processes of weir; all see each other
    with talking(nodes):                          # each speaker says number after number
        broker.pause() ...
    check_accounts(self, nodes)                   # delivered + counted drops + gaps = sent, for each pair of nodes
"""
import concurrent.futures
import contextlib
import json
import re
import select
import socket
import threading
import time

from admin_http import request
from weir_process import DEADLINE_S, POLL_S, connect

PAUSE_S = 0.002  # between two lines of a speaker
DROPPED = ("away", "queue", "write", "too_large", "refused", "memory")
REFUSED = ("mailbox", "gone", "malformed", "other")


def wait_until(condition, what, seconds=DEADLINE_S):
    """Waits until the condition is true; returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what() if callable(what) else what}")
        time.sleep(POLL_S)
    return value


class Client(threading.Thread):
    """A member of the room, which reads all the time: `heard` has the numbers of each speaker."""

    def __init__(self, address, name):
        super().__init__(daemon=True)
        self.name_in_room, self.heard, self.error = name, {}, None
        self._peer = connect(address)
        self._closing, self._closed = socket.socketpair()
        self._changed = threading.Condition()
        self._peer.sendall(f"/name {name}\n".encode())
        self.start()

    def say(self, text):
        self._peer.sendall(text.encode() + b"\n")

    def run(self):
        unread = b""
        try:
            while True:
                if self._closed in select.select([self._peer, self._closed], [], [])[0]:
                    return
                piece = self._peer.recv(1 << 16)
                if not piece:
                    return
                *lines, unread = (unread + piece).split(b"\n")
                self._take(lines)
        except ConnectionError:
            return
        except AssertionError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _take(self, lines):
        with self._changed:
            for line in lines:
                if line == b"* you are now " + self.name_in_room.encode():
                    self.heard[None] = [0]
                match = re.fullmatch(rb"(\w+): (\d+)", line.rstrip(b"\r"))
                if not match:
                    continue
                numbers = self.heard.setdefault(match[1].decode(), [])
                number = int(match[2])
                if numbers and number <= numbers[-1]:
                    raise AssertionError(f"{self.name_in_room} heard {match[1]} say {number} after {numbers[-1]}")
                numbers.append(number)
            self._changed.notify_all()

    def last(self, speaker):
        """Returns the last number that it heard of the speaker, or -1."""
        if self.error:
            raise self.error
        numbers = self.heard.get(speaker)
        return numbers[-1] if numbers else -1

    def wait_for(self, speaker, number, seconds=DEADLINE_S):
        """Waits until it has heard this number, or a later one, of the speaker."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.last(speaker) >= number, seconds):
                raise AssertionError(f"{self.name_in_room} did not hear {speaker} say {number}, only {self.last(speaker)}")

    def close(self):
        self._closing.close()
        self.join(DEADLINE_S)
        self._closed.close()
        self._peer.close()


class Node:
    """A process of weir with the number, and its two clients: a speaker, and a listener of the same node."""

    def __init__(self, test, number, url, *arguments):
        self.test, self.number, self.url, self.arguments = test, number, url, arguments
        self.life, self.said, self.weir, self.clients = 0, 0, None, []
        self.base, self._saying = {}, threading.Lock()
        self.start()

    def start(self):
        self.life += 1
        self.weir = self.test.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--workers", "2",
                                    "--admin", "127.0.0.1:0", "--cluster", self.url, "--cluster-name", "test",
                                    "--node", str(self.number), *self.arguments)
        self.said = 0
        self.clients = [Client(self.weir.tcp, f"{role}{self.number}x{self.life}") for role in ("speaker", "listener")]
        for client in self.clients:
            self.test.addCleanup(client.close)
            client.wait_for(None, 0)

    @property
    def speaker(self):
        return self.clients[0]

    @property
    def listener(self):
        return self.clients[1]

    def say(self):
        """The speaker says the next number."""
        with self._saying:
            self.said += 1
            self.speaker.say(str(self.said))

    def stats(self):
        """The counters of struct weir_cluster_stats, by name."""
        return cluster_stats(self.weir)

    def since(self, *names, now=None):
        """Returns the sum of how much these counters grew since the accounts began; `now` are those of stats()."""
        now = now or self.stats()
        return sum(now[name] - self.base[name] for name in names)

    def is_ready(self):
        return request(self.weir.admin, "/readyz").status == 200


def cluster_stats(weir):
    """Returns the counters of struct weir_cluster_stats, by name, as they are now or later: all readers of the admin server
    share one snapshot per second."""
    asked_ms = time.time_ns() // 1_000_000 + 1

    def read():
        found = json.loads(request(weir.admin, "/stats.json").body)
        return found["cluster"] if found["now_ms"] >= asked_ms else None
    return wait_until(read, "a new snapshot")


def all_stats(nodes):
    """Returns the counters of each node, in the order of the nodes; all wait for their next snapshot at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        return list(pool.map(Node.stats, nodes))


def wait_whole(nodes):
    """Waits until every node is connected, and sees all others."""
    wait_until(lambda: all(now["state"] == "connected" and now["nodes"] == len(nodes) - 1 for now in all_stats(nodes)),
               lambda: all_stats(nodes))


def listeners_to(speaker, nodes):
    """Returns all clients except the node's own speaker: the chat does not repeat a line to the client that said it."""
    return [client for node in nodes for client in node.clients if client is not speaker.speaker]


def hear_all(nodes):
    """Each speaker says numbers until every other client has heard one of them: then the broker knows the room of every
    node, and each receiver knows its gaps."""
    for node in nodes:
        first = node.said + 1

        def is_heard(node=node, first=first):
            node.say()
            return all(client.last(node.speaker.name_in_room) >= first for client in listeners_to(node, nodes))
        wait_until(is_heard, lambda node=node: f"all clients hear node {node.number}\n{describe(nodes)}")
        for client in listeners_to(node, nodes):
            client.wait_for(node.speaker.name_in_room, node.said)


def begin_accounts(nodes):
    """All nodes see each other and hear each other; what comes is counted from here on."""
    wait_whole(nodes)
    hear_all(nodes)
    for node, now in zip(nodes, all_stats(nodes)):
        node.base = now
        node.base_said = node.said
        for client in node.clients:
            client.base = {speaker: len(numbers) for speaker, numbers in client.heard.items()}


def start_nodes(test, count, url, *arguments):
    """Starts nodes 1 to `count`; `url` is one for all, or a list."""
    urls = [url] * count if isinstance(url, str) else url
    nodes = [Node(test, i + 1, urls[i], *arguments) for i in range(count)]
    begin_accounts(nodes)
    return nodes


@contextlib.contextmanager
def talking(nodes):
    """Inside the block, each speaker says one number after the other."""
    over = threading.Event()

    def talk(node):
        while not over.wait(PAUSE_S):
            try:
                node.say()
            except OSError:
                return
    threads = [threading.Thread(target=talk, args=(node,), daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(DEADLINE_S)


def wait_talk(nodes, count=200):
    """Waits until the listener of each node has heard its own speaker say this many further numbers."""
    for node, said in [(node, node.said) for node in nodes]:
        node.listener.wait_for(node.speaker.name_in_room, said + count)


def delivered(client, speaker):
    return len(client.heard.get(speaker, [])) - client.base.get(speaker, 0)


def describe(nodes):
    """Returns what each node heard, and counted since the accounts began, for a failed test."""
    lines = []
    for node, now in zip(nodes, all_stats(nodes)):
        heard = {speaker: len(numbers) for speaker, numbers in node.listener.heard.items() if speaker}
        grown = {name: value - node.base.get(name, 0) for name, value in now.items()
                 if isinstance(value, int) and value != node.base.get(name, 0)}
        lines.append(f"node {node.number}: said {node.said}, heard {heard}, counted {grown}")
    return "\n".join(lines)


def check_accounts(test, nodes, gaps=None):
    """The nodes are whole again, and silent. For each receiver: delivered + counted drops + gaps = sent, summed over the
    other nodes; on the same node nothing is missing. `gaps`: their number on each node, if it is known and no connection was
    given up: a node does that when its broker is silent for more than four seconds, which a slow machine can cause."""
    wait_whole(nodes)
    hear_all(nodes)
    now = dict(zip(nodes, all_stats(nodes)))
    for receiver in nodes:
        others = [node for node in nodes if node is not receiver]
        sent = sum(node.said - node.base_said for node in others)
        dropped = sum(node.since(*(f"dropped_{why}" for why in DROPPED), now=now[node]) for node in others)
        refused = receiver.since(*(f"refused_{why}" for why in REFUSED), now=now[receiver])
        lost = receiver.since("gaps", now=now[receiver])
        for client in receiver.clients:
            got = sum(delivered(client, node.speaker.name_in_room) for node in others)
            test.assertEqual(got + dropped + refused + lost, sent,
                             f"node {receiver.number}: {got} delivered, {dropped} dropped, {refused} refused, {lost} gaps\n"
                             f"{describe(nodes)}")
        test.assertEqual(delivered(receiver.listener, receiver.speaker.name_in_room), receiver.said - receiver.base_said)
        if gaps is not None and all(node.since("disconnects", now=now[node]) == 0 for node in nodes):
            test.assertEqual(lost, gaps, f"gaps of node {receiver.number}")
