# SPDX-License-Identifier: MIT
"""`weir` without a listener: only this machine reaches it, on both loopback addresses, and it says how to open it."""
import os
import re
import socket
import sys

from own_network import in_own_network
from weir_process import Settings, WeirTest, connect, echo_once, linux_only, main, udp_socket

CANNOT_LISTEN, PORT = 69, 5050
LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_call.py")
ALL = [("tcp", "127.0.0.1"), ("tcp", "::1"), ("udp", "127.0.0.1"), ("udp", "::1")]
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
HOW_TO_OPEN = "weir: only programs on this machine can connect; to listen on all addresses, add: "


def stranger(proto, host):
    """Returns a socket that another program would have on the default port."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, KINDS[proto])
    try:
        if ":" in host:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((host, PORT))
        if proto == "tcp":
            found.listen()
    except OSError:
        found.close()
        raise
    return found


def addresses(weir):
    return [(one.proto, one.host) for one in weir.listeners if one.port == PORT]


class Defaults(WeirTest):
    def need_the_port(self):
        for proto, host in [*ALL, ("tcp", "0.0.0.0"), ("udp", "0.0.0.0")]:
            try:
                stranger(proto, host).close()
            except OSError as error:
                self.skipTest(f"{proto} {host} {PORT} is not available: {error}")

    def assert_serves(self, wanted):
        for proto, host in wanted:
            if proto == "tcp":
                echo_once((host, PORT))
            else:
                with udp_socket((host, PORT)) as peer:
                    peer.send(b"hello")
                    self.assertEqual(peer.recv(100), b"hello")

    def test_loopback_on_both_families(self):
        self.need_the_port()
        weir = self.start()
        self.assertEqual(addresses(weir), ALL)
        self.assert_serves(ALL)
        with self.assertRaises(OSError, msg="another address of this machine"):
            connect(("127.0.0.2", PORT)).close()
        ended = weir.stop()
        self.assertEqual(ended.log.count(HOW_TO_OPEN + "--tcp 5050 --udp 5050\n"), 1, ended.log)
        self.assertNotIn("warning: udp", ended.log, "no datagram from another machine arrives here")

    def test_a_codec_for_streams_leaves_tcp(self):
        self.need_the_port()
        weir = self.start("--codec", "line")
        self.assertEqual(addresses(weir), ALL[:2])
        self.assertIn(HOW_TO_OPEN + "--tcp 5050\n", weir.stop().log)

    def test_quiet_says_nothing(self):
        self.need_the_port()
        weir = self.start("-q")
        self.assertEqual(addresses(weir), ALL)
        weir.send_signal(2)
        self.assertEqual(weir.wait_end().log, "")

    def test_a_port_by_name_means_all_addresses(self):
        weir = self.start("--tcp", "0", "--udp", "0")
        self.assertEqual([(one.proto, one.host) for one in weir.listeners], [("tcp", "::"), ("udp", "::")])
        self.assertNotIn(HOW_TO_OPEN, weir.stop().log)

    def test_one_listener_replaces_all_defaults(self):
        weir = self.start("--udp", "127.0.0.1:0")
        self.assertEqual(len(weir.listeners), 1)
        self.assertNotIn(HOW_TO_OPEN, weir.stop().log)

    @linux_only("Wine's exclusive bind succeeds beside a socket of Linux")
    def test_one_taken_port_prevents_the_start(self):
        """The error names the address that is in use, and the other three are not served."""
        self.need_the_port()
        for proto, host in ALL:
            with self.subTest(proto=proto, host=host), stranger(proto, host):
                address = f"[{host}]" if ":" in host else host
                ended = self.run_weir("serve", transport=True)
                self.assertEqual((ended.returncode, ended.stdout), (CANNOT_LISTEN, ""))
                self.assertRegex(ended.stderr, rf"\Aweir: cannot listen on {proto} {re.escape(address)}:{PORT}: "
                                 rf"address in use \(EADDRINUSE\); .*--{proto} {re.escape(address)}:0\n\Z")
                for other in ALL:
                    if other != (proto, host):
                        stranger(*other).close()


@linux_only("a network of its own, and a refused system call, need Linux")
class Containers(WeirTest):
    """Machines without one of the two families."""

    def assert_warns_once(self, weir, absent, left):
        lines = [line for line in weir.log.splitlines() if absent in line]
        self.assertEqual(lines, [f"weir: warning: this machine has no loopback address {absent}, so weir listens on "
                                 f"{left} only"])

    @in_own_network("link set lo up", "addr del ::1/128 dev lo")
    def test_ipv6_switched_off(self):
        weir = self.start()
        self.assertEqual(addresses(weir), [("tcp", "127.0.0.1"), ("udp", "127.0.0.1")])
        echo_once(("127.0.0.1", PORT))
        self.assert_warns_once(weir, "::1", "127.0.0.1")
        self.assertIn(HOW_TO_OPEN + "--tcp 5050 --udp 5050\n", weir.stop().log)

    @in_own_network("link set lo up", "addr del 127.0.0.1/8 dev lo")
    def test_only_ipv6(self):
        weir = self.start()
        self.assertEqual(addresses(weir), [("tcp", "::1"), ("udp", "::1")])
        echo_once(("::1", PORT))
        self.assert_warns_once(weir, "127.0.0.1", "::1")
        weir.stop()

    @in_own_network("link set lo up", "addr del 127.0.0.1/8 dev lo", "addr del ::1/128 dev lo")
    def test_no_loopback_at_all(self):
        ended = self.run_weir("serve", transport=True)
        self.assertEqual((ended.returncode, ended.stdout), (CANNOT_LISTEN, ""))
        self.assertRegex(ended.stderr, r"\Aweir: cannot listen on tcp 127\.0\.0\.1:5050: .*\(EADDRNOTAVAIL\); .+\n\Z")

    @in_own_network("link set lo up")
    def test_a_kernel_without_ipv6(self):
        weir = self.start(launcher=(sys.executable, LAUNCHER, "ipv6", "EAFNOSUPPORT"))
        self.assertEqual(addresses(weir), [("tcp", "127.0.0.1"), ("udp", "127.0.0.1")])
        echo_once(("127.0.0.1", PORT))
        self.assert_warns_once(weir, "::1", "127.0.0.1")
        weir.stop()

    @in_own_network("link set lo up", "addr add 192.0.2.7/32 dev lo")
    def test_the_line_that_opens_it(self):
        """The options that weir prints serve every address, also one that is not loopback."""
        weir = self.start()
        wanted = weir.log.partition(HOW_TO_OPEN)[2].splitlines()[0].split()
        weir.stop()
        opened = self.start(*wanted)
        self.assertEqual(addresses(opened), [("tcp", "::"), ("udp", "::")])
        echo_once(("192.0.2.7", PORT))
        opened.stop()


if __name__ == "__main__":
    main()
