# SPDX-License-Identifier: MIT
"""The PROXY protocol: the client that a load balancer names takes the place of the connection's address, but only if the
sender is trusted."""
import socket

from proxy_headers import (AUTHORITY, LOCAL, SIGNATURE, UNIQUE_ID, ask, read_line, read_report, server_of, tlv,
                           version_1, version_2)
from weir_process import (MIB, Settings, WeirTest, close_with_reset, connect, echo, expect_end, main, module,
                          receive_exactly)

CLIENT, CLIENT_6 = ("192.0.2.1", 56324), ("2001:db8::1", 4711)
TRUSTED = ("--proxy", "required", "--proxy-from", "127.0.0.1")


def text_of(address):
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


class ProxyTest(WeirTest):
    def setUp(self):
        self._peers = []

    def connect(self, weir, source=None):
        peer = connect(weir.tcp, source=source)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(peer.close)
        self._peers.append(peer)
        return peer

    def stop(self, weir):
        """Closes the connections first: the server then waits for none of them."""
        for peer in self._peers:
            peer.close()
        return weir.stop()

    def start_via(self, *arguments, handler_arguments=""):
        return self.start("--tcp", "127.0.0.1:0", "--handler", module("via") + handler_arguments, *arguments)

    def assert_closed(self, peer):
        """The server closes without an answer."""
        try:
            self.assertEqual(peer.recv(1000), b"")
        except ConnectionError:
            pass


class Headers(ProxyTest):
    def test_each_version_names_the_client(self):
        weir = self.start_via(*TRUSTED)
        for client in (CLIENT, CLIENT_6):
            for version, make in ((1, version_1), (2, version_2)):
                with self.subTest(client=client, version=version):
                    peer = self.connect(weir)
                    peer.sendall(make(client))
                    report = ask(peer)
                    self.assertEqual(report["peer"], text_of(client))
                    self.assertEqual(report["proxy"], text_of(peer.getsockname()))
                    self.assertEqual(report["server"], text_of(server_of(client)))
                    self.assertEqual((report["version"], report["named"]), (str(version), "1"))
        self.stop(weir)

    def test_ipv4_client_of_a_dual_stack_proxy(self):
        """The address is an IPv4 address, whatever its notation: rules for it apply."""
        weir = self.start_via(*TRUSTED, "--deny", "192.0.2.0/24")
        peer = self.connect(weir)
        peer.sendall(version_1(("::ffff:198.51.100.1", 5), ("::ffff:192.0.2.2", 6)))
        self.assertEqual(ask(peer)["peer"], "198.51.100.1:5")
        peer = self.connect(weir)
        peer.sendall(version_1(("::ffff:192.0.2.1", 5), ("::ffff:192.0.2.2", 6)) + b"?")
        self.assert_closed(peer)
        self.stop(weir)

    def test_authority_and_unique_id(self):
        weir = self.start_via(*TRUSTED, "--verbose")
        peer = self.connect(weir)
        peer.sendall(version_2(CLIENT, tlvs=tlv(AUTHORITY, b"a.example") + tlv(UNIQUE_ID, b"id-7\x07")))
        report = ask(peer)
        self.assertEqual((report["authority"], report["id"]), ("a.example", "id-7\x07"))
        weir.wait_until("the session is in the log", lambda: "begins: " in weir.log)
        line = next(line for line in weir.log.splitlines() if "begins: " in line)
        self.assertIn(f"tcp 192.0.2.1:56324 via {text_of(peer.getsockname())}, codec raw, ", line)
        self.assertTrue(line.endswith(', handler via, authority "a.example", unique id "id-7\\x07"'), line)
        self.stop(weir)

    def test_split_at_every_byte(self):
        """Two pieces of each length: all connections send the first piece, then all the second one. A third one is sent
        byte by byte."""
        weir = self.start_via(*TRUSTED)
        for make in (version_1, version_2):
            header = make(CLIENT)
            peers = [self.connect(weir) for _ in range(1, len(header))]
            for length, peer in enumerate(peers, 1):
                peer.sendall(header[:length])
            for length, peer in enumerate(peers, 1):
                peer.sendall(header[length:])
            for peer in peers:
                self.assertEqual(ask(peer)["peer"], text_of(CLIENT))
                peer.close()
            peer = self.connect(weir)
            for byte in header:
                peer.sendall(bytes([byte]))
            self.assertEqual(ask(peer)["peer"], text_of(CLIENT))
        summary = self.stop(weir).summary
        self.assertEqual(summary["closed_proxy"], 0, summary)

    def test_data_in_the_segment_of_the_header(self):
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED)
        for header in (version_1(CLIENT), version_2(CLIENT), b"PROXY UNKNOWN\r\n"):
            peer = self.connect(weir)
            peer.sendall(header + b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")
            echo(peer, MIB // 4)
        self.stop(weir)

    def test_a_second_header_is_data(self):
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED)
        for first in (version_1(CLIENT), version_2(CLIENT)):
            for second in (version_1(CLIENT_6), version_2(CLIENT_6), LOCAL):
                peer = self.connect(weir)
                peer.sendall(first + second)
                self.assertEqual(receive_exactly(peer, len(second)), second)
        self.stop(weir)

    def test_a_header_with_the_end_of_the_stream(self):
        """The client sent nothing, or everything before FIN."""
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED)
        for data in (b"", b"hello"):
            peer = self.connect(weir)
            peer.sendall(version_1(CLIENT) + data)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_exactly(peer, len(data)), data)
            expect_end(peer)
        summary = self.stop(weir).summary
        self.assertEqual(summary["closed_peer_done"], 2, summary)

    def test_unknown_clients_have_the_address_of_the_proxy(self):
        weir = self.start_via(*TRUSTED, "--max-sessions-per-address", "2")
        unspec = SIGNATURE + b"\x21\0\0\0"
        for header in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n", unspec, LOCAL):
            peer = self.connect(weir)  # no limit for each address: the proxy stands for many clients
            peer.sendall(header)
            report = ask(peer)
            self.assertEqual(report["peer"], text_of(peer.getsockname()))
            self.assertEqual((report["proxy"], report["named"]), ("-", "0"))
        self.stop(weir)


class Failures(ProxyTest):
    def test_something_else_than_a_header(self):
        """The connection closes immediately, and the log says what the peer sent. No handler learns of it."""
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED, "--verbose")
        cases = ((b"GET / HTTP/1.1\r\n\r\n", "this is an HTTP request"),
                 (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "this is a TLS ClientHello"),
                 (b"hello\r\n", "this client speaks text"),
                 (b"\0\0\0\5hello", 'the first bytes are "\\x00\\x00\\x00\\x05hello"'),
                 (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", 'the destination port is "65536"'),
                 (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "a LF without CR"),
                 (b"PROXY UNKNOWN" + b" " * 200, "no CR and LF within 107 bytes"),
                 (SIGNATURE + b"\x21\x11\xff\xff", "65535 bytes follow, more than 4096"),
                 (SIGNATURE + b"\x31\x11\0\0", "unknown version 3"),
                 (version_2(CLIENT, tlvs=tlv(3, b"\0\0\0\1")), "but CRC32C says"))
        for sent, says in cases:
            with self.subTest(sent=sent):
                peer = self.connect(weir)
                peer.sendall(sent)
                self.assert_closed(peer)
                peer.close()
                weir.wait_until(f"the log says {says!r}", lambda: says in weir.log)
        ended = self.stop(weir)
        self.assertEqual(ended.summary["closed_proxy"], len(cases), ended.summary)
        self.assertEqual(ended.summary["opening_failed_proxy"], len(cases), ended.summary)
        self.assertNotIn("begins:", ended.log)

    def test_end_within_the_header(self):
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED)
        for sent in (b"", b"PROXY TCP4 192.0.2.1", version_2(CLIENT)[:-1]):
            peer = self.connect(weir)
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            self.assert_closed(peer)
        summary = self.stop(weir).summary
        self.assertEqual((summary["opening_failed_proxy"], summary["closed_proxy"]), (2, 2), summary)
        self.assertEqual(summary["health_checks"], 1, summary)  # of a load balancer that sends nothing

    def test_silence(self):
        """A deadline ends the wait; bytes that come meanwhile do not extend it."""
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED, "--opening-timeout", "300ms")
        silent, slow = self.connect(weir), self.connect(weir)
        slow.sendall(b"PROXY ")
        self.assert_closed(silent)
        self.assert_closed(slow)
        summary = self.stop(weir).summary
        self.assertEqual(summary["closed_opening"], 2, summary)


class Senders(ProxyTest):
    def test_forged_header(self):
        """Only the listed senders can name a client; others are refused and counted."""
        weir = self.start_via(*TRUSTED, "--verbose")
        for header in (version_1(CLIENT), version_2(CLIENT), LOCAL, b""):
            peer = self.connect(weir, source="127.0.0.2")
            try:
                peer.sendall(header + b"?")
            except ConnectionError:
                pass
            self.assert_closed(peer)
        peer = self.connect(weir)
        peer.sendall(version_1(CLIENT))
        self.assertEqual(ask(peer)["peer"], text_of(CLIENT))
        ended = self.stop(weir)
        self.assertEqual((ended.summary["refused_denied"], ended.summary["accepted"]), (4, 1), ended.summary)
        self.assertEqual(ended.log.count("begins:"), 1, ended.log)

    def test_others_are_served_without_a_header(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?proxy=required&proxy_from=127.0.0.1&proxy_others=serve",
                          "--max-sessions-per-address", "2", "--verbose")
        for header in (version_1(CLIENT), version_2(CLIENT)):
            peer = self.connect(weir, source="127.0.0.2")
            peer.sendall(header)
            self.assertEqual(receive_exactly(peer, len(header)), header)  # data
        self.assert_closed(self.connect(weir, source="127.0.0.2"))  # the third one of this address
        peer = self.connect(weir)
        peer.sendall(version_1(CLIENT))
        echo(peer, 1000)
        ended = self.stop(weir)
        self.assertNotIn("192.0.2.1:56324", "".join(line for line in ended.log.splitlines() if "127.0.0.2" in line))
        self.assertEqual(ended.log.count("192.0.2.1:56324 via 127.0.0.1:"), 1, ended.log)

    def test_listeners_without_the_protocol(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?proxy=off", "--listen", "tcp://127.0.0.1:0", *TRUSTED)
        with connect(weir.address("tcp", 0)) as peer:
            peer.sendall(version_1(CLIENT))
            self.assertEqual(receive_exactly(peer, len(version_1(CLIENT))), version_1(CLIENT))
        with connect(weir.address("tcp", 1)) as peer:
            peer.sendall(version_1(CLIENT))
            echo(peer, 1000)
        self.stop(weir)


class Limits(ProxyTest):
    def test_clients_have_the_limits_of_addresses(self):
        """The limit for each address counts the clients, not the proxy; a session that ends returns its part."""
        weir = self.start_via(*TRUSTED, "--max-sessions-per-address", "2")
        one = [self.connect(weir) for _ in range(2)]
        for port, peer in enumerate(one):
            peer.sendall(version_1(("192.0.2.1", port)))
            self.assertEqual(ask(peer)["peer"], f"192.0.2.1:{port}")
        for _ in range(3):
            peer = self.connect(weir)
            peer.sendall(version_1(("192.0.2.1", 9)) + b"?")
            self.assert_closed(peer)
        for host in range(2, 9):
            peer = self.connect(weir)
            peer.sendall(version_2((f"192.0.2.{host}", 9)))
            self.assertEqual(ask(peer)["peer"], f"192.0.2.{host}:9")
        one[0].close()
        weir.wait_until("the client can connect again", lambda: self._is_served(weir, "192.0.2.1"))
        summary = self.stop(weir).summary
        self.assertGreaterEqual(summary["refused_address"], 3, summary)

    def _is_served(self, weir, host):
        peer = self.connect(weir)
        try:
            peer.sendall(version_1((host, 1)))
            return ask(peer).get("peer") == f"{host}:1"
        except ConnectionError:
            return False

    def test_allow_and_deny_name_clients(self):
        weir = self.start_via(*TRUSTED, "--allow", "192.0.2.0/24,2001:db8::/32", "--deny", "192.0.2.66")
        for host, wanted in (("192.0.2.1", True), ("192.0.2.66", False), ("198.51.100.1", False),
                             ("2001:db8::5", True), ("2001:db9::5", False)):
            with self.subTest(host=host):
                peer = self.connect(weir)
                peer.sendall(version_2((host, 1)) + b"?")
                if wanted:
                    self.assertIn(host, read_report(read_line(peer))["peer"])
                else:
                    self.assert_closed(peer)
        self.assertEqual(self.stop(weir).summary["refused_denied"], 3)


class HealthChecks(ProxyTest):
    def test_checks_are_counted_and_reach_no_handler(self):
        """HAProxy's check: LOCAL without addresses, then FIN or RST. The log does not mention it."""
        weir = self.start_via("--stats", "100ms", *TRUSTED, "--verbose", handler_arguments="?greet")
        self.check_until(weir, "closed_peer_done", socket.socket.close)
        if not Settings.is_windows():  # there a reset always comes before the accept, and does not count
            self.check_until(weir, "closed_reset", close_with_reset)
        ended = self.stop(weir)
        self.assertEqual(ended.summary["health_checks"], ended.summary["accepted"], ended.summary)
        self.assertEqual(ended.summary["opening_failed_proxy"], 0, ended.summary)
        self.assertNotIn("begins:", ended.log)
        self.assertNotIn("127.0.0.1:", ended.log.replace(text_of(weir.tcp), ""))

    def check_until(self, weir, counter, end):
        """Checks the server, as often as it takes."""
        def check():
            peer = self.connect(weir)
            peer.sendall(LOCAL)
            end(peer)
            return weir.has_counted(counter)
        weir.wait_until(counter, check)

    def test_a_check_that_talks_is_a_session(self):
        weir = self.start_via("--stats", "100ms", *TRUSTED)
        peer = self.connect(weir)
        peer.sendall(LOCAL)
        self.assertEqual(ask(peer)["peer"], text_of(peer.getsockname()))
        self.assertEqual(self.stop(weir).summary["health_checks"], 0)

    def test_a_check_that_waits_is_greeted(self):
        """A client of a Unix-domain socket of HAProxy comes with LOCAL, too, and waits for the greeting of a protocol
        in which the server speaks first."""
        weir = self.start_via(*TRUSTED, handler_arguments="?greet")
        peer = self.connect(weir)
        peer.sendall(LOCAL)
        self.assertEqual(read_report(read_line(peer))["named"], "0")
        self.stop(weir)

    def test_addresses_of_local_are_not_read(self):
        """A block that names a client, or that is malformed: LOCAL means the proxy itself."""
        weir = self.start_via(*TRUSTED, "--deny", "192.0.2.0/24")
        forged = bytearray(version_2(CLIENT, tlvs=tlv(UNIQUE_ID, b"forged")))
        forged[12] = 0x20
        for header in (bytes(forged), SIGNATURE + b"\x20\xff\0\3abc"):
            peer = self.connect(weir)
            peer.sendall(header)
            report = ask(peer)
            self.assertEqual((report["peer"], report["id"]), (text_of(peer.getsockname()), ""))
        self.stop(weir)


if __name__ == "__main__":
    main()
