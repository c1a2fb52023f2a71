# SPDX-License-Identifier: MIT
"""The Windows program: its messages, its shutdown, and many clients for a while. See test_program.py for Linux."""
import os
import random
import signal
import socket
import time

from weir_process import (WeirTest, close_with_reset, connect, echo, echo_once, main,
                          pattern_bytes, raise_files_limit, receive_exactly, udp_socket)

OK, USAGE, CANNOT_LISTEN, WRONG_SETTING = 0, 64, 69, 78
CROWD = 200
MESSAGES = 500_000
MESSAGE_BYTES = 64
SOAK_S = float(os.environ.get("WEIR_SOAK_S", "60"))
SOAK_GROWTH_BYTES_MAX = 1024 * 1024  # of resident memory, in the second half


class Words(WeirTest):
    def assert_usage_error(self, code, pattern, *arguments, **options):
        ended = self.run_weir(*arguments, **options)
        self.assertEqual(ended.returncode, code, ended.stderr)
        self.assertEqual(ended.stdout, "")
        self.assertRegex(ended.stderr, r"\Aweir: .+\n\Z", "one line")
        self.assertRegex(ended.stderr, pattern)

    def test_help_and_version(self):
        ended = self.run_weir("serve", "--help")
        self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
        for wanted in ("weir serve", "--transport", "rio", "iocp", "--verify-rio"):
            self.assertIn(wanted, ended.stdout)
        self.assertNotIn("\r", ended.stdout)
        self.assertRegex(self.run_weir("--version").stdout, r"\Aweir \d+\.\d+\.\d+\n\Z")

    def test_usage_errors(self):
        self.assert_usage_error(USAGE, r"unknown option --tpc.*did you mean --tcp\?", "--tpc", "0")
        self.assert_usage_error(WRONG_SETTING, r"epoll.*rio, iocp", "--tcp", "0", "--transport", "epoll")

    def test_without_rio_the_error_has_a_hint(self):
        ended = self.run_weir("--tcp", "127.0.0.1:0", "--transport", "rio")
        if ended.returncode == OK:
            self.skipTest("this Windows has Registered I/O")
        self.assertEqual(ended.returncode, CANNOT_LISTEN)
        self.assertRegex(ended.stderr, r"Registered I/O.*WSA\w+ \(100\d\d\); .*--transport iocp.*docs/windows\.md")
        weir = self.start("--tcp", "127.0.0.1:0", transport=False)
        self.assertEqual(weir.listeners[0].transport, "iocp")
        self.assertRegex(weir.log, r"weir: warning: transport=iocp: .*WSA\w+ \(100\d\d\)")
        weir.stop()

    def test_port_in_use(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0")
        for kind, (host, port) in (("tcp", weir.tcp), ("udp", weir.udp)):
            with self.subTest(kind=kind):
                self.assert_usage_error(CANNOT_LISTEN,
                                        rf"cannot listen on {kind} {host}:{port}: address in use, WSAE\w+ \(100\d\d\); find "
                                        rf"its owner with 'netstat -ano \| findstr :{port}', or take "
                                        rf"another port with --{kind} {host}:0\n", f"--{kind}", f"{host}:{port}", transport=True)
        weir.stop()

    def test_address_of_another_machine(self):
        self.assert_usage_error(CANNOT_LISTEN, r"192\.0\.2\.1:0: .*WSAEADDRNOTAVAIL \(10049\); .*ipconfig",
                                "--tcp", "192.0.2.1:0", transport=True)


class Lines(WeirTest):
    def test_listeners_and_workers(self):
        weir = self.start("--tcp", "[::]:0", "--udp", "[::]:0", "--workers", "3")
        self.assertEqual([(one.proto, one.workers) for one in weir.listeners], [("tcp", 3), ("udp", 1)])
        for host in ("127.0.0.1", "::1"):
            echo_once((host, weir.tcp[1]), 100_000)
            with udp_socket((host, weir.udp[1])) as peer:
                peer.send(b"hello")
                self.assertEqual(peer.recv(100), b"hello")
        weir.stop()

    def test_restart_on_the_same_port(self):
        """Immediately after it was killed with live connections, and after a drain."""
        weir = self.start("--tcp", "127.0.0.1:0")
        address = weir.tcp
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
            peers = [connect(address) for _ in range(20)]
            for peer in peers:
                echo(peer, 100, finish=False)
            weir.send_signal(number)
            weir.wait_end()
            weir = self.start("--tcp", "%s:%d" % address)
            echo_once(address)
            for peer in peers:
                peer.close()
        weir.stop()

    def test_many_interrupts(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        with connect(weir.tcp):
            for _ in range(20):
                weir.send_signal(signal.SIGINT)
            self.assertEqual(weir.wait_end().code, OK)


class Crowds(WeirTest):
    def test_half_a_million_messages(self):
        """Over 200 connections on several workers, 25 messages in flight, without a wrong byte."""
        raise_files_limit()
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2")
        peers = [connect(weir.tcp) for _ in range(CROWD)]
        batch = 25
        for index in range(MESSAGES // CROWD // batch):
            data = [pattern_bytes(batch * MESSAGE_BYTES, seed=index * CROWD + i) for i in range(CROWD)]
            for peer, bytes_ in zip(peers, data):
                peer.sendall(bytes_)
            for peer, bytes_ in zip(peers, data):
                self.assertEqual(receive_exactly(peer, len(bytes_)), bytes_)
        for peer in peers:
            peer.close()
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["bytes_in"], MESSAGES * MESSAGE_BYTES)

    def test_burst_of_datagrams(self):
        """A thousand datagrams in one burst; each is answered."""
        weir = self.start("--udp", "127.0.0.1:0")
        with udp_socket(weir.udp) as peer:
            for i in range(1000):
                peer.send(b"%d" % i)
            self.assertEqual(sorted(int(peer.recv(100)) for _ in range(1000)), list(range(1000)))
        weir.stop()

    def test_soak(self):
        """Connects, RSTs, FINs and datagrams for WEIR_SOAK_S seconds: afterwards all resources are released, and the
        memory has not grown in the second half."""
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "2")
        for _ in range(100):
            echo_once(weir.tcp)
        baseline, memory, halfway = weir.files_count(), weir.rss_bytes(), None
        chance, until, rounds = random.Random(11), time.monotonic() + SOAK_S, 0
        with udp_socket(weir.udp) as datagrams:
            while time.monotonic() < until:
                if halfway is None and time.monotonic() > until - SOAK_S / 2:
                    halfway = weir.rss_bytes()
                rounds += 1
                peers = [connect(weir.tcp) for _ in range(20)]
                for i, peer in enumerate(peers):
                    self.use(peer, chance, i)
                datagrams.send(b"still there?")
                self.assertEqual(datagrams.recv(100), b"still there?")
        weir.wait_until("all handles are free again", lambda: weir.files_count() <= baseline)
        print(f"\n    {rounds * 20} connections in {SOAK_S:.0f} s; handles {baseline} before, {weir.files_count()} after; "
              f"memory {memory // 1024} KiB before, {halfway // 1024} KiB halfway, {weir.rss_bytes() // 1024} KiB after",
              flush=True)
        self.assertLess(weir.rss_bytes() - halfway, SOAK_GROWTH_BYTES_MAX)
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], summary["closed"])
        self.assertEqual(summary["accepted"], 100 + rounds * 20)

    @staticmethod
    def use(peer, chance, index):
        """One short connection: some end with FIN, some are reset while sending."""
        way = index % 4
        if way == 0:
            echo(peer, chance.randint(0, 20_000), seed=index)
            peer.close()
        elif way == 1:
            close_with_reset(peer)
        elif way == 2:
            peer.setblocking(False)
            try:
                peer.send(pattern_bytes(chance.randint(1, 200_000)))
            except BlockingIOError:
                pass
            close_with_reset(peer)
        else:
            peer.sendall(b"half")
            peer.shutdown(socket.SHUT_WR)
            peer.close()


if __name__ == "__main__":
    main()
