# SPDX-License-Identifier: MIT
"""The findings of the admin server: real clients and handlers provoke them, and a healthy server has none."""
import contextlib
import pathlib
import re
import struct

from admin_http import get_json, request
from weir_process import WeirTest, connect, expect_end, main, module, non_reading_client, path_for_weir, receive_exactly

SOURCES = pathlib.Path(__file__).resolve().parent.parent.parent / "src/admin"
PIECE = b"x" * 60000


class FindingsTest(WeirTest):
    def setUp(self):
        self.peers = self.enterContext(contextlib.ExitStack())

    def start_server(self, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--workers", "1", "--admin", "127.0.0.1:0", "--drain", "200ms",
                          *arguments)

    def connect(self, weir):
        return self.peers.enter_context(connect(weir.tcp))

    def findings(self, weir):
        return {one["id"]: one for one in get_json(weir.admin, "/findings.json")["findings"]}

    def wait_found(self, weir, name, again=None):
        """Waits for the finding, and calls again() before each look; returns the finding."""
        found = {}

        def look():
            if again:
                again()
            found.update(self.findings(weir))
            return name in found
        weir.wait_until(f"there is a finding {name}", look)
        return found[name]

    def test_a_healthy_server_has_none(self):
        weir = self.start_server("--handler", "echo")
        for _ in range(3):
            peer = self.connect(weir)
            peer.sendall(b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")
        self.assertEqual(self.findings(weir), {})
        self.assertEqual(get_json(weir.admin, "/stats.json")["findings"], [])
        weir.stop()

    def test_a_peer_that_does_not_read(self):
        weir = self.start_server("--handler", "echo", "--queue-high", "32k", "--send-timeout", "1m")
        silent = self.peers.enter_context(non_reading_client(weir.tcp))
        silent.setblocking(False)

        def send():
            with contextlib.suppress(BlockingIOError):
                while silent.send(PIECE):
                    pass
        finding = self.wait_found(weir, "peer_not_reading", send)
        self.assertRegex(finding["text"], r"^Session [0-9a-f]{16} of 127\.0\.0\.1:\d+ has been paused for \d+ s because its peer "
                                          r"does not read\.$")
        self.assertRegex(finding["evidence"], r"^Its send queue holds \d+ KiB\. It is closed in \d+ s \(stalled\)")
        self.assertEqual(finding["setting"], "send-timeout")
        self.assertEqual(request(weir.admin, f"/sessions/{finding['session']}/close?how=abort", method="POST", Weir_Admin="1").status, 202)
        weir.wait_until("the finding has gone", lambda: "peer_not_reading" not in self.findings(weir))
        weir.stop()

    def test_a_frame_that_is_sent_slowly(self):
        weir = self.start_server("--handler", "echo", "--codec", "u32be", "--frame-timeout", "1m")
        slow = self.connect(weir)
        slow.sendall(struct.pack(">I", 1000) + b"abc")
        finding = self.wait_found(weir, "slow_frame")
        self.assertIn("It is closed in", finding["evidence"])
        self.assertEqual(finding["setting"], "frame-timeout")
        slow.sendall(b"x" * 997)
        weir.wait_until("the finding has gone", lambda: "slow_frame" not in self.findings(weir))
        weir.stop()

    def test_a_limit_that_refuses(self):
        weir = self.start_server("--handler", "echo", "--max-sessions-per-address", "1")
        first = self.connect(weir)
        first.sendall(b"hello")
        receive_exactly(first, 5)

        def refused():
            with connect(weir.tcp) as peer:
                expect_end(peer)
        finding = self.wait_found(weir, "refused_address", refused)
        self.assertEqual(finding["setting"], "max-sessions-per-address")
        self.assertNotIn("refused_full", self.findings(weir))
        weir.stop()

    def test_one_address_with_most_sessions(self):
        weir = self.start_server("--handler", "echo")
        peers = [self.connect(weir) for _ in range(9)]
        for peer in peers:
            peer.sendall(b"hello")
            receive_exactly(peer, 5)
        self.assertNotIn("address_share", self.findings(weir))
        self.connect(weir)
        finding = self.wait_found(weir, "address_share")
        self.assertEqual((finding["text"], finding["evidence"]), ("All sessions belong to one address, 127.0.0.1.",
                                                                  "It has at least 10 of 10 open sessions."))
        weir.stop()

    def test_closes_for_one_reason(self):
        weir = self.start_server("--handler", "echo", "--first-byte-timeout", "100ms")
        for peer in [self.connect(weir) for _ in range(20)]:
            expect_end(peer)
        finding = self.wait_found(weir, "closes_dominated")
        self.assertEqual(finding["text"], "Nearly all closes are first-byte timeouts.")
        self.assertEqual(finding["setting"], "first-byte-timeout")
        weir.stop()

    def test_a_slow_handler(self):
        weir = self.start_server("--codec", "line", "--handler", path_for_weir(module("slow")), "--handler-warn", "10ms")
        peer = self.connect(weir)

        def exchange():
            peer.sendall(b"hello\n")
            receive_exactly(peer, 6)
        self.wait_found(weir, "handler_blocks", exchange)
        self.wait_found(weir, "loop_lag", exchange)
        finding = self.wait_found(weir, "handler_slow", exchange)
        self.assertRegex(finding["text"], r"^Handler slow took \d+ ms at p99\.$")
        self.assertIn(f"on tcp 127.0.0.1:{weir.tcp[1]}", finding["evidence"])
        weir.stop()

    def test_a_group_whose_member_does_not_read(self):
        weir = self.start_server("--codec", "line", "--handler", path_for_weir(module("room")), "--queue-high", "32k",
                                 "--broadcast-policy", "drop-newest", "--send-timeout", "1m")
        self.peers.enter_context(non_reading_client(weir.tcp))
        speaker = self.connect(weir)
        receive_exactly(speaker, len("welcome\n"))
        finding = self.wait_found(weir, "group_dropping", lambda: speaker.sendall((b"x" * 1000 + b"\n") * 500))
        self.assertRegex(finding["text"], '^Members of (the group "room"|groups) miss messages\\.$')
        self.assertEqual(finding["setting"], "broadcast-policy")
        weir.stop()

    def test_settings_are_options(self):
        """A finding names only options that exist."""
        text = self.run_weir("serve", "--help").stdout
        options = set(re.findall(r"--([a-z][a-z0-9-]+)", text))
        sources = "".join(file.read_text() for file in SOURCES.glob("findings_*.c"))
        named = re.findall(r'FINDINGS_(?:NOTE|WARNING|CRITICAL),\s+"([^"]*)"', sources) + \
            re.findall(r'\{WEIR_REASON_\w+,\s+"[^"]*",\s+"([^"]*)"', sources)
        self.assertGreater(len(named), 30)
        self.assertEqual(set(named) - options - {""}, set())


if __name__ == "__main__":
    main()
