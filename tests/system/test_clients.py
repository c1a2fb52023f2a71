# SPDX-License-Identifier: MIT
"""Common client programs get back byte for byte what they sent: nc, ncat, socat, telnet, python3."""
import hashlib
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from weir_process import (DEADLINE_S, MIB, WeirTest, connect, echo, expect_end, main, pattern, pattern_bytes, scaled,
                          udp_socket)

SIZES = (0, 1, 1000, 64 * 1024, MIB)
HOSTS = ("127.0.0.1", "::1")


def has_openbsd_nc():
    if not shutil.which("nc"):
        return False
    help_text = subprocess.run(["nc", "-h"], capture_output=True, text=True, timeout=DEADLINE_S)
    return "OpenBSD" in help_text.stdout + help_text.stderr


def socat_address(kind, address):
    host, port = address
    return f"{kind}6:[{host}]:{port}" if ":" in host else f"{kind}4:{host}:{port}"


class Conversation:
    """A client program with open pipes: the test writes text, reads the answer, and decides when to close."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def read_until(self, wanted):
        """Reads until the wanted bytes have arrived; returns everything read."""
        heard, deadline = b"", time.monotonic() + DEADLINE_S
        while wanted not in heard:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"{self.process.args}: waited for {wanted!r}, heard {heard[:200]!r}")
            piece = self.process.stdout.read1(65536)
            if not piece:
                raise AssertionError(f"{self.process.args}: ended before {wanted!r}, heard {heard[:200]!r}")
            heard += piece
        return heard


class TcpClients(WeirTest):
    def setUp(self):
        self.weir = self.start("--tcp", "[::]:0")
        self.port = self.weir.tcp[1]

    def assert_echoes(self, make_command):
        """For every size and both address families: the client prints exactly its input."""
        sent = 0
        for host in HOSTS:
            for size in SIZES:
                with self.subTest(host=host, size=size):
                    data = pattern_bytes(size, seed=size + 1)
                    ended = subprocess.run(make_command((host, self.port)), input=data, capture_output=True,
                                           timeout=DEADLINE_S)
                    self.assertEqual(ended.returncode, 0, ended.stderr)
                    self.assertEqual(len(ended.stdout), size)
                    self.assertEqual(ended.stdout, data)
                    sent += size
        summary = self.weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["bytes_in"], sent)
        self.assertEqual(summary["accepted"], len(HOSTS) * len(SIZES))
        self.assertEqual(summary["closed_peer_done"], summary["closed"])

    @unittest.skipUnless(has_openbsd_nc(), "OpenBSD nc is not installed")
    def test_nc(self):
        self.assert_echoes(lambda address: ["nc", "-N", address[0], str(address[1])])

    @unittest.skipUnless(shutil.which("ncat"), "ncat is not installed")
    def test_ncat(self):
        self.assert_echoes(lambda address: ["ncat", address[0], str(address[1])])

    @unittest.skipUnless(shutil.which("socat"), "socat is not installed")
    def test_socat(self):
        self.assert_echoes(lambda address: ["socat", "-t", str(DEADLINE_S), "-", socat_address("TCP", address)])

    def test_python(self):
        for host in HOSTS:
            for size in SIZES:
                with self.subTest(host=host, size=size), connect((host, self.port)) as peer:
                    echo(peer, size, seed=size + 1)
        self.assert_counts_add_up(self.weir.stop().summary)

    @unittest.skipUnless(shutil.which("telnet"), "telnet is not installed")
    def test_telnet(self):
        """One line in, one line back. stdin stays open until the answer arrives, because telnet exits at the end of
        input."""
        for host in HOSTS:
            with self.subTest(host=host), Conversation(["telnet", host, str(self.port)]) as telnet:
                for line in (b"a first line", b"and another"):
                    telnet.write(line + b"\r\n")
                    telnet.read_until(line)
                telnet.process.stdin.close()
                telnet.process.wait(DEADLINE_S)
        summary = self.weir.stop().summary
        self.assertEqual(summary["accepted"], len(HOSTS))
        self.assertEqual(summary["accepted"], summary["closed"])

    @unittest.skipUnless(has_openbsd_nc(), "OpenBSD nc is not installed")
    def test_half_close_is_answered_and_closed(self):
        ended = subprocess.run(["sh", "-c", f"printf hi | nc -N 127.0.0.1 {self.port}"], capture_output=True,
                               timeout=DEADLINE_S)
        self.assertEqual((ended.returncode, ended.stdout), (0, b"hi"))
        with connect(("127.0.0.1", self.port)) as peer:
            peer.sendall(b"hi")
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(peer.recv(10), b"hi")
            expect_end(peer)

    def test_single_bytes(self):
        """Segments of one byte, each answered before the next."""
        with connect(("127.0.0.1", self.port)) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(scaled(2000)):
                peer.sendall(bytes([i & 255]))
                self.assertEqual(peer.recv(1), bytes([i & 255]))

    def test_urgent_byte_arrives_in_stream_order(self):
        """Urgent data arrives in the stream (RFC 6093, section 5), and the following data is not delayed."""
        with connect(("127.0.0.1", self.port)) as peer:
            peer.sendall(b"before")
            peer.send(b"!", socket.MSG_OOB)
            peer.sendall(b"after")
            peer.shutdown(socket.SHUT_WR)
            got = b""
            while piece := peer.recv(100):
                got += piece
            self.assertEqual(got, b"before!after")


class LongStreams(WeirTest):
    """100 MB in one stream."""

    TOTAL = scaled(100_000_000)

    def test_python(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        with connect(weir.tcp) as peer:
            echo(peer, self.TOTAL, seed=100)
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["bytes_in"], self.TOTAL)

    def test_many_simultaneous_streams(self):
        weir = self.start("--tcp", "[::]:0")
        peers = [connect((HOSTS[i % 2], weir.tcp[1])) for i in range(8)]
        failures = []

        def run(index):
            try:
                with peers[index] as peer:
                    echo(peer, self.TOTAL // 20, seed=index)
            except Exception as error:  # noqa: BLE001 - reported by the test's own thread
                failures.append((index, error))
        threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(peers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        self.assertEqual(failures, [])
        self.assert_counts_add_up(weir.stop().summary)

    @unittest.skipUnless(has_openbsd_nc(), "OpenBSD nc is not installed")
    def test_nc(self):
        weir = self.start("--tcp", "[::1]:0")
        with tempfile.TemporaryFile() as sent, tempfile.TemporaryFile() as received:
            digest = hashlib.sha256()
            for piece in pattern(self.TOTAL, seed=101):
                sent.write(piece)
                digest.update(piece)
            sent.flush()
            sent.seek(0)
            subprocess.run(["nc", "-N", weir.tcp[0], str(weir.tcp[1])], stdin=sent, stdout=received, check=True,
                           timeout=2 * DEADLINE_S)
            received.seek(0)
            self.assertEqual(hashlib.file_digest(received, "sha256").hexdigest(), digest.hexdigest())
        self.assert_counts_add_up(weir.stop().summary)


class UdpClients(WeirTest):
    """These programs exit at arbitrary times, so their stdin stays open until the answer arrives."""

    def setUp(self):
        self.weir = self.start("--udp", "[::]:0")
        self.port = self.weir.udp[1]

    def assert_answers(self, make_command):
        for host in HOSTS:
            with self.subTest(host=host), Conversation(make_command((host, self.port))) as client:
                client.write(b"one datagram\n")
                self.assertEqual(client.read_until(b"\n"), b"one datagram\n")
                client.write(b"and a second\n")
                self.assertEqual(client.read_until(b"\n"), b"and a second\n")
        summary = self.weir.stop().summary
        self.assertEqual((summary["datagrams_in"], summary["datagrams_out"]), (4, 4))
        self.assertEqual((summary["datagram_bytes_in"], summary["datagram_bytes_out"]), (52, 52))

    @unittest.skipUnless(has_openbsd_nc(), "OpenBSD nc is not installed")
    def test_nc(self):
        self.assert_answers(lambda address: ["nc", "-u", address[0], str(address[1])])

    @unittest.skipUnless(shutil.which("ncat"), "ncat is not installed")
    def test_ncat(self):
        self.assert_answers(lambda address: ["ncat", "-u", address[0], str(address[1])])

    @unittest.skipUnless(shutil.which("socat"), "socat is not installed")
    def test_socat(self):
        self.assert_answers(lambda address: ["socat", "-", socat_address("UDP", address)])

    def test_python(self):
        for host in HOSTS:
            with self.subTest(host=host), udp_socket((host, self.port)) as peer:
                for size in (0, 1, 1000):
                    peer.send(pattern_bytes(size))
                    self.assertEqual(peer.recv(65536), pattern_bytes(size))


if __name__ == "__main__":
    main()
