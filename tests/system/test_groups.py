# SPDX-License-Identifier: MIT
"""Groups and names on several workers: counts of members, one holder per name, and the accounts of broadcasts. And UDP
peers that the handler vouches for."""
from weir_process import WeirTest, connect, expect_end, main, module, path_for_weir, plain_only, udp_socket

CLIENTS = 12  # more than workers, so that several workers have some


class Client:
    """A TCP client of the module `calls`."""

    def __init__(self, test, address):
        self.peer = connect(address)
        test.addCleanup(self.peer.close)
        self.lines = self.peer.makefile("rb")
        test.addCleanup(self.lines.close)

    def send(self, call):
        self.peer.sendall(call.encode() + b"\n")

    def read(self):
        return self.lines.readline().decode().rstrip("\n")

    def ask(self, call):
        self.send(call)
        return self.read()


class CallsTest(WeirTest):
    def start_calls(self, *options):
        return self.start("--handler", path_for_weir(module("calls")), "--workers", "4", "--listen",
                          "tcp://127.0.0.1:0?codec=line", *options)

    def clients(self, weir, count=CLIENTS):
        return [Client(self, weir.tcp) for _ in range(count)]

    def assert_account(self, summary, offered):
        """Every offer of a broadcast was delivered or dropped under one cause."""
        dropped = sum(count for name, count in summary.items() if name.startswith("broadcasts_dropped_"))
        self.assertEqual(summary["broadcasts_offered"], offered, summary)
        self.assertEqual(summary["broadcasts_delivered"] + dropped, offered, summary)


class Groups(CallsTest):
    def test_members_on_all_workers_are_counted(self):
        weir = self.start_calls()
        clients = self.clients(weir)
        for client in clients:
            self.assertEqual(client.ask("join room"), "ok")
        self.assertEqual(clients[0].ask("say room hello"), "ok")
        for client in clients[1:]:
            self.assertEqual(client.read(), "hello")
        for client in clients[:3]:
            self.assertEqual({client.ask("count room"), client.read()},
                             {"ok", f"room members={CLIENTS} offered={CLIENTS - 1} dropped=0"})
        self.assertEqual(clients[0].ask("leave room"), "ok")
        self.assertIn(f"room members={CLIENTS - 1} ", clients[0].ask("count room") + " " + clients[0].read())

    def test_a_group_without_members_does_not_exist(self):
        weir = self.start_calls()
        client, = self.clients(weir, 1)
        self.assertEqual({client.ask("count none"), client.read()}, {"ok", "none members=0 offered=0 dropped=0"})

    def test_groups_per_session_are_limited(self):
        weir = self.start_calls("--groups-per-session", "3")
        client, = self.clients(weir, 1)
        for name in "abc":
            self.assertEqual(client.ask(f"join {name}"), "ok")
        self.assertNotEqual(client.ask("join d"), "ok")
        self.assertEqual(client.ask("join a"), "ok")
        self.assertEqual(client.ask("leave a"), "ok")
        self.assertEqual(client.ask("join d"), "ok")

    def test_thousands_of_groups(self):
        weir = self.start_calls("--groups-per-session", "10000")
        clients = self.clients(weir, 2)
        for client in clients:
            client.peer.sendall(b"".join(b"join g%d\n" % i for i in range(3000)))
            for _ in range(3000):
                self.assertEqual(client.read(), "ok")
        for i in (0, 1, 1024, 2999):
            self.assertEqual(clients[0].ask(f"say g{i} number {i}"), "ok")
            self.assertEqual(clients[1].read(), f"number {i}")
        for client in clients:
            client.peer.close()
        self.assert_account(weir.stop().summary, 4)

    def test_each_offer_has_one_fate(self):
        """A member does not read, until it is disconnected: what was queued for it counts as dropped."""
        weir = self.start_calls("--queue-high", "64k", "--socket-receive", "64k", "--socket-send", "64k", "--stats", "100ms")
        speaker, silent, reader = self.clients(weir, 3)
        for client in (speaker, silent, reader):
            self.assertEqual(client.ask("join room"), "ok")
        text, said = "x" * 150, 0
        while not weir.has_counted("closed_slow_reader"):
            speaker.peer.sendall(f"say room {text}\n".encode() * 100)
            said += 100
            for _ in range(100):
                self.assertEqual(speaker.read(), "ok")
                self.assertEqual(reader.read(), text)
        summary = weir.stop().summary
        self.assertGreater(summary["broadcasts_dropped_full"], 0, summary)
        self.assertGreater(summary["broadcasts_dropped_closed"], 0, summary)
        self.assertGreaterEqual(summary["broadcasts_offered"], said)
        self.assert_account(summary, summary["broadcasts_offered"])


class Names(CallsTest):
    def test_a_name_has_one_holder_on_all_workers(self):
        weir = self.start_calls()
        clients = self.clients(weir)
        answers = [client.ask("bind ada") for client in clients]
        self.assertEqual(answers, ["ok"] + ["another session holds the name"] * (CLIENTS - 1))
        for client in clients[1:]:
            self.assertEqual(client.ask("to ada hello"), "ok")
            self.assertEqual(clients[0].read(), "hello")
        self.assertEqual(clients[0].ask("unbind"), "ok")
        self.assertEqual(clients[1].ask("to ada hello"), "no session of that id")
        self.assertEqual(clients[1].ask("bind ada"), "ok")
        clients[1].peer.close()
        clients[1].lines.close()
        weir.wait_until("the name is free", lambda: clients[2].ask("bind ada") == "ok")

    def test_replacing_evicts_the_older_holder(self):
        weir = self.start_calls()
        clients = self.clients(weir)
        self.assertEqual(clients[0].ask("bind ada"), "ok")
        for before, after in zip(clients, clients[1:]):
            self.assertEqual(after.ask("take ada"), "ok")
            expect_end(before.peer)
        self.assertEqual(clients[-1].ask("take ada"), "ok")  # its own
        summary = weir.stop().summary
        self.assertEqual(summary["closed_replaced"], CLIENTS - 1, summary)


class Chat(CallsTest):
    def test_names_are_unique_on_all_workers(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--workers", "4")
        clients = self.clients(weir)
        for client in clients:
            client.send("/name Ada")
        answers = []
        for client in clients:
            for line in iter(client.read, ""):
                if line in ("* you are now Ada", "* Ada, or a name that looks like it, is taken; choose another"):
                    answers.append("you are now" in line)
                    break
        self.assertEqual((len(answers), sum(answers)), (CLIENTS, 1))


class Datagrams(CallsTest):
    def test_a_peer_that_is_vouched_for_gets_long_answers(self):
        weir = self.start_calls("--udp", "127.0.0.1:0", "--stats", "100ms")
        with udp_socket(weir.udp) as peer:
            peer.send(b"fill 1000")
            weir.wait_counted("dropped_reply")
            peer.send(b"fill 1000")
            weir.wait_counted("dropped_reply", 2)
            peer.send(b"vouch")
            peer.send(b"fill 1000")
            self.assertEqual(len(peer.recv(2000)), 1000)
        log = weir.stop().log
        self.assertEqual(log.count("datagram_reply_percent_max (--udp-reply-ratio)"), 1, log)

    @plain_only("the address is that of the relay")
    def test_the_local_address(self):
        weir = self.start_calls("--udp", "127.0.0.1:0")
        client, = self.clients(weir, 1)
        self.assertEqual(client.ask("local"), "127.0.0.1:%d" % weir.tcp[1])
        with udp_socket(weir.udp) as peer:
            peer.send(b"vouch")
            peer.send(b"local")
            self.assertEqual(peer.recv(200).decode(), "127.0.0.1:%d" % weir.udp[1])


if __name__ == "__main__":
    main()
