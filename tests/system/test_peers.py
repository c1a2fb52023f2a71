# SPDX-License-Identifier: MIT
"""UDP peers: per-peer limits, no amplification, and no endless exchange between two servers."""
import socket

from forged import can_forge, send_forged
from weir_process import BusyClient, WeirTest, linux_only, main, pattern_bytes, scaled, udp_socket

UDP = ("--udp", "127.0.0.1:0", "--workers", "1")


class Peers(WeirTest):
    def ask(self, peer, payload=b"here"):
        peer.send(payload)
        self.assertEqual(peer.recv(65536), payload)

    def assert_no_amplification(self, summary):
        self.assertLessEqual(summary["datagram_bytes_out"], summary["datagram_bytes_in"], summary)

    def test_message_rate_per_peer(self):
        """A peer over its rate gets no answers; another peer does."""
        weir = self.start(*UDP, "--message-rate", "10", "--stats", "100ms")
        with udp_socket(weir.udp) as fast, udp_socket(weir.udp) as modest:
            for i in range(100):
                fast.send(b"%03d" % i)
            weir.wait_counted("dropped_rate")
            for _ in range(5):
                self.ask(modest)
            self.assertEqual(fast.recv(100), b"000")
        summary = weir.stop().summary
        self.assertEqual(summary["datagrams_out"], summary["datagrams_in"] - summary["dropped_rate"], summary)
        self.assertEqual(summary["peers_opened"], 2, summary)

    def test_rate_in_bytes(self):
        weir = self.start(*UDP, "--rate", "10000", "--stats", "100ms")
        with udp_socket(weir.udp) as fast, udp_socket(weir.udp) as modest:
            for _ in range(50):
                fast.send(b"x" * 1000)
            weir.wait_counted("dropped_rate")
            self.ask(modest, b"y" * 1000)
        summary = weir.stop().summary
        self.assertEqual(summary["datagrams_out"], summary["datagrams_in"] - summary["dropped_rate"], summary)

    def test_eviction(self):
        """With more peers than the table holds, the peers idle longest are evicted; the server still answers all of
        them."""
        crowd = scaled(200, 50)
        weir = self.start(*UDP, "--udp-peers-max", "16", "--message-rate", "1000000")
        peers = [udp_socket(weir.udp) for _ in range(crowd)]
        for _ in range(2):
            for peer in peers:
                self.ask(peer)
        for peer in peers:
            peer.close()
        summary = weir.stop().summary
        self.assertEqual(summary["peers_opened"], 2 * crowd, summary)
        self.assertEqual(summary["closed_evicted"], 2 * crowd - 16, summary)
        self.assertEqual(summary["closed_drain"], 16, summary)

    def test_allow_and_deny(self):
        weir = self.start(*UDP, "--allow", "127.0.0.0/30", "--deny", "127.0.0.2", "--stats", "100ms")
        with udp_socket(weir.udp, connected=False) as denied, udp_socket(weir.udp, connected=False) as allowed:
            denied.bind(("127.0.0.2", 0))
            allowed.bind(("127.0.0.1", 0))
            for _ in range(30):
                denied.sendto(b"no", weir.udp)
            weir.wait_counted("refused_denied", 1)
            allowed.sendto(b"yes", weir.udp)
            self.assertEqual(allowed.recv(100), b"yes")
        summary = weir.stop().summary
        self.assertEqual((summary["refused_denied"], summary["datagrams_out"]), (30, 1), summary)

    def test_denied_gro_batches(self):
        """Every datagram of a GRO batch is counted."""
        weir = self.start(*UDP, "--deny", "127.0.0.2", "--stats", "100ms")
        with udp_socket(weir.udp, connected=False) as denied:
            denied.bind(("127.0.0.2", 0))
            denied.connect(weir.udp)
            try:
                denied.setsockopt(socket.IPPROTO_UDP, 103, 100) # UDP_SEGMENT: ten datagrams of 100 bytes
            except OSError:
                self.skipTest("no segmentation offload")
            for _ in range(5):
                denied.send(b"x" * 1000)
            weir.wait_counted("datagrams_in", 50)
        self.assertEqual(weir.stop().summary["refused_denied"], 50)

    def test_replies_never_exceed_requests(self):
        """A handler whose reply would be larger than the request sends nothing."""
        weir = self.start("--listen", "udp://127.0.0.1:0?handler=time", "--stats", "100ms")
        with udp_socket(weir.udp) as peer:
            for size in (0, 1, 10):
                peer.send(b"x" * size)
            weir.wait_counted("dropped_reply", 3)
            peer.send(b"x" * 100)
            self.assertRegex(peer.recv(100).decode(), r"^\d{4}-\d\d-\d\d")
        summary = weir.stop().summary
        self.assertEqual((summary["dropped_reply"], summary["datagrams_out"]), (3, 1), summary)
        self.assert_no_amplification(summary)

    def test_ratio(self):
        """Reply ratio 0.5 with known peers: every second answer of equal size is sent."""
        weir = self.start(*UDP, "--udp-reply-ratio", "0.5", "--message-rate", "1000000", "--stats", "100ms")
        with udp_socket(weir.udp) as peer:
            for i in range(20):
                peer.send(b"%02d" % i + b"x" * 98)
            weir.wait_counted("datagrams_in", 20)
            weir.wait_counted("dropped_reply", 10)
        summary = weir.stop().summary
        self.assertEqual((summary["datagrams_out"], summary["dropped_reply"]), (10, 10), summary)

    def test_ratio_of_echoes(self):
        weir = self.start(*UDP)
        with udp_socket(weir.udp) as peer:
            for i in range(scaled(500)):
                self.ask(peer, pattern_bytes(i, seed=i))
        summary = weir.stop().summary
        self.assertEqual(summary["datagram_bytes_out"], summary["datagram_bytes_in"], summary)


class TwoServers(WeirTest):
    """Two echo servers, and one datagram to the first with the source address of the second."""

    def setUp(self):
        if not can_forge():
            self.skipTest("no CAP_NET_RAW: cannot forge a source")

    def forge_between_servers(self, *arguments, payload=b"round and round"):
        first = self.start(*UDP, "--tcp", "127.0.0.1:0", "--stats", "100ms", *arguments)
        second = self.start(*UDP, "--stats", "100ms")
        send_forged(second.udp, first.udp, payload)
        return first, second

    def assert_forged_dropped(self, first, second, dropped):
        """The forged datagram was dropped; other peers are answered."""
        first.wait_counted(dropped)
        busy = BusyClient(first.tcp)
        with udp_socket(first.udp) as peer:
            peer.send(b"anybody?")
            self.assertEqual(peer.recv(100), b"anybody?")
        busy.stop()
        one, other = first.stop().summary, second.stop().summary
        self.assertEqual(one[dropped], 1, one)
        self.assertEqual(one["datagrams_in"], one["datagrams_out"] + 1, one)
        self.assertEqual(other["datagrams_in"], one["datagrams_out"] - 1, other)
        self.assertEqual(other["datagrams_out"], other["datagrams_in"], other)

    @linux_only("Wine does not let two programs use one UDP port exclusively, not even with two addresses")
    def test_two_servers_on_one_port(self):
        """With default options neither server answers a port number that it serves itself."""
        first = self.start("--udp", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--stats", "100ms")
        second = self.start("--udp", f"127.0.0.2:{first.udp[1]}", "--stats", "100ms")
        send_forged(second.udp, first.udp)
        first.wait_counted("dropped_services")
        one, other = first.stop().summary, second.stop().summary
        self.assertEqual((one["datagrams_in"], one["datagrams_out"], one["dropped_services"]), (1, 0, 1), one)
        self.assertEqual(other["datagrams_in"], 0, other)

    def test_a_service_is_not_answered(self):
        weir = self.start(*UDP, "--stats", "100ms")
        send_forged(("127.0.0.1", 7), weir.udp)
        weir.wait_counted("dropped_services")
        weir.stop()

    def test_a_service_is_answered_with_the_option(self):
        weir = self.start(*UDP, "--udp-answer-services", "--stats", "100ms")
        send_forged(("127.0.0.1", 7), weir.udp)
        weir.wait_counted("datagrams_out")
        weir.stop()

    def test_message_rate_stops_a_loop(self):
        self.assert_forged_dropped(*self.forge_between_servers("--message-rate", "50"), "dropped_rate")

    def test_byte_rate_stops_a_loop(self):
        self.assert_forged_dropped(*self.forge_between_servers("--rate", "1000"), "dropped_rate")

    def test_message_rate_stops_a_loop_of_empty_datagrams(self):
        """Empty datagrams have no bytes that a ratio could limit."""
        self.assert_forged_dropped(*self.forge_between_servers("--message-rate", "50", payload=b""), "dropped_rate")


if __name__ == "__main__":
    main()
