# SPDX-License-Identifier: MIT
"""A cluster of three weir processes with the real nats-server and HAProxy, in which processes are stopped and killed. The
messages carry numbers, so the counters of all nodes can be compared with what the clients heard."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from cluster_peers import (Node, all_stats, begin_accounts, check_accounts, hear_all, start_nodes, talking, wait_talk,
                           wait_until, wait_whole)
from nats_process import NATS_SERVER, start_nats, start_nats_cluster
from program import TREE
from weir_process import DEADLINE_S, POLL_S, Settings, WeirTest, linux_only, main

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


@linux_only("nats-server does not run under Wine")
class Broker(WeirTest):
    def test_it_is_stopped_and_continues(self):
        """kill -STOP: writes to it block, and no worker waits for it."""
        broker = start_nats(self)
        nodes = start_nodes(self, 3, broker.url)
        with talking(nodes):
            broker.pause()
            wait_talk(nodes)
            for node in nodes:
                self.assertTrue(node.is_ready())
            broker.resume()
            wait_whole(nodes)
        check_accounts(self, nodes, gaps=0)

    def test_it_is_killed_and_started_again(self):
        broker = start_nats(self)
        nodes = start_nodes(self, 3, broker.url)
        with talking(nodes):
            broker.kill()
            wait_until(lambda: all(node.since("dropped_away", now=now) > 0 for node, now in zip(nodes, all_stats(nodes))),
                       lambda: all_stats(nodes))
            wait_talk(nodes)
            for node in nodes:
                self.assertTrue(node.is_ready())
            broker.start()
            wait_whole(nodes)
            wait_talk(nodes)
        check_accounts(self, nodes)

    def test_nodes_start_before_it(self):
        """The nodes serve their clients without it, and find each other when it comes."""
        broker = start_nats(self)
        broker.kill()
        nodes = [Node(self, i + 1, broker.url) for i in range(2)]
        for node in nodes:
            self.assertTrue(node.is_ready())
        broker.start()
        begin_accounts(nodes)
        check_accounts(self, nodes, gaps=0)

    def test_one_of_two_servers_is_killed(self):
        servers = start_nats_cluster(self, 2)
        urls = ",".join(server.url for server in servers)
        other = ",".join(server.url for server in reversed(servers))
        nodes = start_nodes(self, 3, [urls, other, urls])
        with talking(nodes):
            servers[0].kill()
            wait_whole(nodes)
            wait_talk(nodes)
        check_accounts(self, nodes)


@linux_only("nats-server does not run under Wine")
class Nodes(WeirTest):
    def test_one_is_killed(self):
        """The others miss nothing of each other; the killed one starts again with its number, without a wait."""
        broker = start_nats(self)
        nodes = start_nodes(self, 3, broker.url)
        dead, survivors = nodes[2], nodes[:2]
        with talking(nodes):
            wait_talk(nodes, 50)
            dead.weir.kill()
            wait_talk(survivors)
        check_accounts_of_survivors(self, survivors)
        dead.start()
        wait_whole(nodes)
        begin_accounts(nodes)
        check_accounts(self, nodes, gaps=0)

    def test_one_is_stopped_and_continues(self):
        broker = start_nats(self)
        nodes = start_nodes(self, 3, broker.url)
        with talking(nodes[:2]):
            nodes[2].weir.send_signal(signal.SIGSTOP)
            wait_talk(nodes[:2])
            nodes[2].weir.send_signal(signal.SIGCONT)
            wait_talk(nodes[:2], 50)
        check_accounts(self, nodes, gaps=0)

    def test_one_is_too_slow(self):
        """The broker disconnects a node that does not read: what it misses shows as gaps."""
        broker = start_nats(self, config='max_pending: 200000\nmax_payload: 100000\nwrite_deadline: "1s"\n')
        nodes = start_nodes(self, 3, broker.url)
        slow, senders = nodes[2], nodes[:2]
        with talking(senders):
            slow.weir.send_signal(signal.SIGSTOP)
            wait_until(lambda: flood(senders) or "Slow Consumer" in broker.log, lambda: broker.log)
            slow.weir.send_signal(signal.SIGCONT)
            wait_until(lambda: slow.since("disconnects") > 0, slow.stats)
            wait_whole(nodes)
        check_accounts(self, nodes)
        self.assertGreater(slow.since("gaps"), 0)

    def test_a_number_in_use_is_refused(self):
        broker = start_nats(self)
        start_nodes(self, 2, broker.url)
        ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--cluster", broker.url, "--cluster-name", "test",
                              "--node", "1")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("a live node of the cluster has the same number", ended.stderr)


def check_accounts_of_survivors(test, survivors):
    """As check_accounts(), while the dead node is perhaps not noticed yet."""
    hear_all(survivors)
    for receiver, sender in (survivors, reversed(survivors)):
        for client in receiver.clients:
            heard = client.heard[sender.speaker.name_in_room]
            test.assertEqual(len(heard) - client.base[sender.speaker.name_in_room], sender.said - sender.base_said)
        test.assertEqual(receiver.since("gaps"), 0)


def flood(senders):
    """Says much; returns None."""
    for node in senders:
        for _ in range(200):
            node.say()


@linux_only("a script for Linux")
@unittest.skipUnless(HAPROXY and NATS_SERVER, "haproxy or nats-server is not installed")
class Example(WeirTest):
    """examples/cluster/start, with HAProxy in front of the nodes."""

    def setUp(self):
        log = open(os.path.join(self.folder(), "log"), "w+b")
        self.addCleanup(log.close)
        self.process = subprocess.Popen([TREE / "examples" / "cluster" / "start", "--weir", Settings.weir],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(self.end)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line == "ready\n":
                break
        log.seek(0)
        self.text = "".join(lines)
        self.assertIn("ready\n", self.text, log.read().decode(errors="replace"))
        self.port = int(re.search(r"telnet 127\.0\.0\.1 (\d+)", self.text)[1])
        self.admins = re.findall(r"admin page http://(\S+)/", self.text)

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)
        self.process.stdin.close()
        self.process.stdout.close()

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def join(self):
        """Returns a client, and the number of its node: a guest's name ends with its session id."""
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        self.addCleanup(peer.close)
        greeting = b""
        while b"\n" not in greeting:
            greeting += peer.recv(1000)
        return peer, int(re.search(rb"as guest-([0-9a-f]+)", greeting)[1], 16) >> 56

    def until_heard(self, speaker, listener):
        """The speaker talks until the listener hears it: a room reaches another node as soon as the broker knows of it."""
        listener.setblocking(False)
        heard, deadline = b"", time.monotonic() + DEADLINE_S
        while b": mark" not in heard:
            self.assertLess(time.monotonic(), deadline, heard)
            speaker.sendall(b"mark\n")
            if select.select([listener], [], [], POLL_S)[0]:
                heard += listener.recv(65536)

    def test_one_room_and_a_drain(self):
        members = [self.join() for _ in range(6)]
        self.assertEqual({node for _, node in members}, {1, 2, 3})
        for peer, _ in members[1:]:
            self.until_heard(members[0][0], peer)
        self.command("drain 2")
        wait_until(lambda: all(self.join()[1] != 2 for _ in range(4)), "a drain")
        self.end()
        self.assertEqual(self.process.returncode, 0)


if __name__ == "__main__":
    main()
