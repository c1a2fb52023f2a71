# SPDX-License-Identifier: MIT
"""A cluster of real processes over the real nats-server: groups, ids, names and counts reach every node; node numbers are
unique; a node serves its own sessions while the broker is away."""
import os
import re
import select
import tempfile
import time

import certificates
from admin_http import get_json, request
from nats_process import start_nats
from weir_process import DEADLINE_S, POLL_S, WeirTest, connect, main, module, scaled

UNAVAILABLE, WRONG_SETTING = 69, 78


class Member:
    """One client of the module member, which does what a line says."""

    def __init__(self, test, weir):
        self.socket = connect(weir.tcp)
        test.addCleanup(self.socket.close)
        self.unread = b""

    def has_line(self, seconds=0.0):
        """Whether a line has arrived, or arrives soon."""
        while b"\n" not in self.unread and select.select([self.socket], [], [], seconds)[0]:
            piece = self.socket.recv(65536)
            if not piece:
                return False
            self.unread += piece
        return b"\n" in self.unread

    def read(self):
        """Returns the next line; "" at the end of the stream."""
        while b"\n" not in self.unread and (piece := self.socket.recv(65536)):
            self.unread += piece
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def do(self, command):
        """Returns the answer."""
        self.socket.sendall(command.encode() + b"\n")
        return self.read()

    def count_all(self, group):
        """Returns the first count that is complete: a node that has just connected may not know all others yet."""
        while (answer := self.do(f"count {group}")).endswith("at least"):
            time.sleep(POLL_S)
        return answer

    def is_finished(self):
        """Waits for the end of the stream; returns whether nothing precedes it."""
        return self.read() == ""


def metrics(weir):
    """Returns all samples of the cluster: weir_cluster_nodes or weir_cluster_dropped_total{why="away"}."""
    return {name: float(value) for name, value in re.findall(r"^(weir_cluster_\S+) (\S+)$", request(weir.admin, "/metrics").body, re.M)}


def documented_metrics():
    with open(os.path.join(os.path.dirname(__file__), "../../docs/operating.md"), encoding="utf-8") as document:
        return set(re.findall(r"^\| `(weir_cluster_\w+)`", document.read(), re.M))


class ClusterTest(WeirTest):
    def begin(self, broker, number, *arguments):
        """Starts a node, and does not wait for it."""
        return self.launch("--tcp", "127.0.0.1:0", "--handler", module("member"), "--codec", "line", "--cluster",
                           getattr(broker, "url", broker), "--node", str(number), "--cluster-hello", "200ms", "--admin",
                           "127.0.0.1:0", "-v", *arguments)

    def node(self, broker, number, *arguments):
        """Starts a node; waits until it works with the others."""
        weir = self.begin(broker, number, *arguments).wait_ready()
        self.wait_metric(weir, "weir_cluster_connected", 1)
        return weir

    def nodes(self, broker, count):
        """Returns nodes that know each other."""
        weirs = [self.begin(broker, i + 1) for i in range(count)]
        for weir in weirs:
            self.wait_metric(weir.wait_ready(), "weir_cluster_nodes", count - 1)
        return weirs

    def wait_metric(self, weir, name, value, is_least=False):
        deadline, found = time.monotonic() + DEADLINE_S, None
        while time.monotonic() < deadline:
            found = metrics(weir).get(name)
            if found == value or (is_least and found is not None and found >= value):
                return found
            time.sleep(POLL_S)
        raise AssertionError(f"{name} is {found}, not {value}:\n{weir.log}")

    def join(self, group, *members):
        """Lets the members join, and waits until messages of each reach all others."""
        for one in members:
            self.assertEqual(one.do(f"join {group}"), "ok")
        for one in members:
            self.wait_reach(one, f"cast {group}", [other for other in members if other is not one])

    def wait_reach(self, sender, command, receivers):
        """Sends until a message has reached every receiver, and reads all of them."""
        waiting, number = set(receivers), 0
        deadline = time.monotonic() + DEADLINE_S
        while waiting:
            self.assertLess(time.monotonic(), deadline, "a message does not arrive")
            number += 1
            self.assertEqual(sender.do(f"{command} try {number}"), "ok")
            waiting = {one for one in waiting if not one.has_line(POLL_S)}
        self.assertEqual(sender.do(f"{command} end"), "ok")
        for one in receivers:
            while one.read() != "end":
                pass


class Groups(ClusterTest):
    def test_a_group_across_three_nodes(self):
        weirs = self.nodes(start_nats(self), 3)
        members = [Member(self, weir) for weir in weirs for _ in range(2)]
        self.join("room", *members)
        count = scaled(300)
        for number in range(count):
            for i, one in enumerate(members):
                one.socket.sendall(f"cast room {i} {number} {'x' * (number % 700)}\n".encode())
        expected = {str(i): [f"{i} {number} {'x' * (number % 700)}" for number in range(count)] for i in range(len(members))}
        for i, one in enumerate(members):
            lines = [one.read() for _ in range(count * len(members))]
            self.assertEqual(lines.count("ok"), count)
            for j in range(len(members)):
                got = [line for line in lines if line.split()[0] == str(j)]
                self.assertEqual(got, [] if i == j else expected[str(j)])
        documented = documented_metrics()
        for weir in weirs:
            found = metrics(weir)
            self.assertLessEqual({name.split("{")[0] for name in found}, documented)
            self.assertEqual(found["weir_cluster_gaps_total"], 0)
            self.assertEqual(sum(value for name, value in found.items() if "dropped" in name), 0, found)

    def test_members_are_counted_on_all_nodes(self):
        weirs = self.nodes(start_nats(self), 3)
        members = [Member(self, weir) for weir in weirs]
        self.join("room", *members)
        for one in members:
            self.assertEqual(one.count_all("room"), "room: 3 of all")
        weirs[2].kill()                          # the others still wait for its answer
        self.assertIn(members[0].do("count room"), ("room: 2 at least", "room: 2 of all"))
        self.wait_metric(weirs[0], "weir_cluster_nodes", 1)
        self.assertEqual(members[0].do("count room"), "room: 2 of all")

    def test_a_chat_room(self):
        broker = start_nats(self)
        weirs = [self.launch("--tcp", "127.0.0.1:0", "--handler", "chat", "--codec", "line", "--cluster", broker.url,
                             "--node", str(i)) for i in range(3)]
        for weir in weirs:
            weir.wait_ready()
        ada, bob = Member(self, weirs[0]), Member(self, weirs[2])
        self.assertRegex(ada.read(), r"you are in lobby")
        ada.read()
        bob.read(), bob.read()
        deadline = time.monotonic() + DEADLINE_S
        while ada.do("/who") != "* 2 in lobby" or bob.do("/who") != "* 2 in lobby":
            self.assertLess(time.monotonic(), deadline)
        bob.socket.sendall("Gr\u00fc\u00dfe\n".encode())
        while not (line := ada.read()).endswith(": Gr\u00fc\u00dfe"):
            self.assertRegex(line, r"joined|in lobby")


class Sessions(ClusterTest):
    def test_send_and_finish_by_id(self):
        weirs = self.nodes(start_nats(self), 2)
        here, there = (Member(self, weir) for weir in weirs)
        identity = there.do("id")
        self.assertEqual(identity[:2], "02")
        self.assertEqual(here.do(f"send {identity} hello there"), "ok")
        self.assertEqual(there.read(), "hello there")
        self.assertEqual(here.do(f"finish {identity}"), "ok")
        self.assertTrue(there.is_finished())
        there.socket.close()
        gone, deadline = 'weir_cluster_refused_total{why="gone"}', time.monotonic() + DEADLINE_S
        while metrics(weirs[1])[gone] == 0:
            self.assertLess(time.monotonic(), deadline)
            self.assertEqual(here.do(f"send {identity} too late"), "ok")  # says nothing about other nodes


class Names(ClusterTest):
    def test_a_name_reaches_its_holder(self):
        weirs = self.nodes(start_nats(self), 3)
        holder, caller = Member(self, weirs[0]), Member(self, weirs[2])
        self.assertEqual(holder.do("bind ada"), "ok")
        self.wait_reach(caller, "call ada", [holder])

    def test_replace_moves_a_name(self):
        weirs = self.nodes(start_nats(self), 2)
        older, newer = (Member(self, weir) for weir in weirs)
        self.assertEqual(older.do("bind ada"), "ok")
        self.wait_reach(newer, "call ada", [older])                     # the other node knows the name
        self.assertEqual(newer.do("take ada"), "ok")
        self.assertTrue(older.is_finished())
        self.wait_metric(weirs[0], "weir_cluster_evicted_total", 1)
        self.wait_reach(Member(self, weirs[0]), "call ada", [newer])

    def test_the_holder_keeps_a_name_that_is_not_free(self):
        weirs = self.nodes(start_nats(self), 2)
        holder, late = (Member(self, weir) for weir in weirs)
        self.assertEqual(holder.do("bind ada"), "ok")
        self.wait_reach(late, "call ada", [holder])
        late.do("bind ada")                                             # free on its own node
        self.assertTrue(late.is_finished())
        self.wait_metric(weirs[1], "weir_cluster_evicted_total", 1)
        self.wait_reach(Member(self, weirs[1]), "call ada", [holder])


class Numbers(ClusterTest):
    def test_a_number_in_use_is_refused(self):
        broker = start_nats(self)
        first = self.node(broker, 7)
        second = self.launch("--tcp", "127.0.0.1:0", "--cluster", broker.url, "--node", "7")
        ended = second.wait_end()
        self.assertEqual(ended.code, UNAVAILABLE, ended.log)
        self.assertRegex(ended.log, r"node \d+: a live node of the cluster has the same number.*--node")
        self.assertEqual(self.wait_metric(first, "weir_cluster_connected", 1), 1)
        self.node(broker, 8)

    def test_a_number_is_free_after_kill(self):
        broker = start_nats(self)
        other = self.node(broker, 1)
        for _ in range(3):
            weir = self.node(broker, 7)
            self.wait_metric(other, "weir_cluster_nodes", 1)
            weir.kill()

    def test_clusters_of_other_names_do_not_meet(self):
        broker = start_nats(self)
        weirs = [self.node(broker, 1, "--cluster-name", name) for name in ("red", "blue")]
        members = [Member(self, weir) for weir in weirs]
        for one in members:
            one.do("join room")
        members[0].do("cast room hello")
        self.assertEqual(members[1].count_all("room"), "room: 1 of all")


class Away(ClusterTest):
    def assert_ready(self, weir):
        answer = request(weir.admin, "/readyz")
        self.assertEqual((answer.status, answer.body), (200, "ready\n"))

    def test_broker_absent_at_the_start(self):
        broker = start_nats(self)
        broker.stop()
        weir = self.begin(broker, 1, "--cluster-address", "first").wait_ready()
        self.assert_ready(weir)
        self.assertEqual(metrics(weir)["weir_cluster_connected"], 0)
        here, beside = Member(self, weir), Member(self, weir)
        self.assertEqual(beside.do("join room"), "ok")
        self.assertEqual(here.do("cast room hello"), "ok")
        self.assertEqual(beside.read(), "hello")
        self.wait_metric(weir, 'weir_cluster_dropped_total{why="away"}', 1)
        finding = self.wait_finding(weir, "broker_away")
        self.assertIn("nats-server", finding["advice"])
        broker.start()
        self.wait_metric(weir, "weir_cluster_connected", 1)
        other = self.node(broker, 2)
        self.wait_reach(Member(self, other), "cast room", [beside])
        self.assertEqual(get_json(other.admin, "/stats.json")["cluster"]["others"][0]["address"], "first")
        self.assertNotIn("broker_away", request(weir.admin, "/findings.json").body)

    def wait_finding(self, weir, identity):
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for finding in get_json(weir.admin, "/findings.json")["findings"]:
                if finding["id"] == identity:
                    return finding
            time.sleep(POLL_S)
        raise AssertionError(f"there is no finding {identity}")

    def test_broker_restarts(self):
        broker = start_nats(self)
        weirs = self.nodes(broker, 2)
        here, there = (Member(self, weir) for weir in weirs)
        self.join("room", here, there)
        broker.kill()
        for weir in weirs:
            self.wait_metric(weir, "weir_cluster_connected", 0)
            self.assert_ready(weir)
        self.assertEqual(here.do("cast room nobody hears this"), "ok")
        broker.start()
        for weir in weirs:
            self.wait_metric(weir, "weir_cluster_connected", 1)
            self.wait_metric(weir, "weir_cluster_nodes", 1)
        self.wait_reach(here, "cast room", [there])

    def test_top_shows_the_cluster(self):
        weirs = self.nodes(start_nats(self), 2)
        shown = self.run_weir("top", "--once", "--admin", weirs[0].admin)
        self.assertRegex(shown.stdout, r"cluster connected +other nodes 1")


class Configuration(ClusterTest):
    def test_wrong_settings(self):
        for arguments, message in ((("--cluster", "http://127.0.0.1:1"), "nats://HOST:PORT"),
                                   (("--cluster", "nats://127.0.0.1:1", "--cluster-name", "a b"), "name"),
                                   (("--cluster", "nats://127.0.0.1:1", "--cluster-ca", "/no/such"), "/no/such")):
            with self.subTest(arguments=arguments):
                ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", *arguments)
                self.assertEqual(ended.returncode, WRONG_SETTING, ended.stderr)
                self.assertIn(message, ended.stderr)

    def test_check_finds_wrong_settings(self):
        """weir check finds what the start would refuse, beside other mistakes, and connects to nothing."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            for servers, name, more, wanted in (("nats://a b", "shop", "", "no address of a NATS server"),
                                                ("http://localhost", "shop", "", "no address of a NATS server"),
                                                ("nats://localhost:1", "sh.op", "", "1 to 64 letters"),
                                                ("nats://localhost:1", "shop", "ca: /nonesuch", "/nonesuch"),
                                                ("nats://localhost:1", "shop", "credentials: /nonesuch", "/nonesuch")):
                file.seek(0)
                file.truncate()
                file.write(f"cluster:\n  servers: {servers}\n  name: {name}\n  {more}\nlisten:\n  - tcp://127.0.0.1:0?codec=no\n")
                file.flush()
                ended = self.run_weir("check", file.name)
                self.assertEqual(ended.returncode, WRONG_SETTING, ended.stderr)
                self.assertIn(wanted, ended.stderr)
                self.assertIn(f"{file.name}:6:5: ", ended.stderr)

    def test_tls_password_and_sandbox(self):
        authority = certificates.Certificates()
        pair = authority.issue("broker", names=("localhost",))
        broker = start_nats(self, "--tls", "--tlscert", pair.certificate, "--tlskey", pair.key, "--user", "weir", "--pass",
                            "secret")
        url = f"tls://weir:secret@localhost:{broker.port}"
        weirs = [self.node(url, i, "--cluster-ca", authority.ca, "--sandbox", "auto") for i in (1, 2)]
        self.wait_metric(weirs[0], "weir_cluster_nodes", 1)
        broker.kill()
        for weir in weirs:
            self.wait_metric(weir, "weir_cluster_connected", 0)
        broker.start()                                                  # names and files are still allowed
        for weir in weirs:
            self.wait_metric(weir, "weir_cluster_connected", 1)
            self.assertNotIn("secret", weir.log)


if __name__ == "__main__":
    main()
