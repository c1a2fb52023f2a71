# SPDX-License-Identifier: MIT
"""TLS of weir serve: certificates by name and of clients, reload, peers that do not use TLS or do not finish, ends, and
floods. test_tls_peers.py has other programs as clients; tests/unit/test_tls_*.c has the engine."""
import contextlib
import os
import select
import shutil
import signal
import socket
import ssl
import struct
import tempfile
import threading

import certificates
from weir_process import (DEADLINE_S, WeirTest, connect, expect_end, linux_only, main, pattern_bytes, receive_exactly,
                          scaled, wait_closed)

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
HELLO_HEAD = bytes.fromhex("16030100c8010000c40303")  # of a handshake message of 196 bytes


class TlsTest(WeirTest):
    def setUp(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        self.ca = certificates.authority().ca

    def start_tls(self, *arguments, pair=None, codec="line"):
        pair = pair or certificates.local()
        return self.start("--tcp", "127.0.0.1:0", "--codec", codec, "--tls-cert", pair.certificate, "--tls-key", pair.key,
                          "--stats", "100ms", *arguments)

    def context(self, version=None):
        context = ssl.create_default_context(cafile=self.ca)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def open(self, weir, context=None, name="localhost", session=None):
        """Returns a client after the handshake."""
        plain = connect(weir.tcp)
        try:
            peer = (context or self.context()).wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=False,
                                                           session=session)
        except (OSError, ssl.SSLError):
            plain.close()
            raise
        self.addCleanup(peer.close)
        return peer

    def assert_echo(self, peer, message=b"hello\n"):
        peer.sendall(message)
        self.assertEqual(receive_exactly(peer, len(message)), message)

    def folder(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder


class Settings(TlsTest):
    def test_versions(self):
        weir = self.start_tls()
        for version in VERSIONS:
            self.assert_echo(self.open(weir, self.context(version)))
        weir = self.start_tls("--tls-min", "1.3")
        self.assert_echo(self.open(weir, self.context(VERSIONS[1])))
        with self.assertRaises(ssl.SSLError):
            self.open(weir, self.context(VERSIONS[0]))
        weir.wait_until("the log names the version", lambda: "the peer's version of TLS is too old" in weir.log)
        self.assertEqual(weir.stop().summary["opening_failed_tls"], 1)

    def test_certificates_by_name(self):
        other = certificates.authority().issue("other", names=("other.test", "*.other.test"))
        path = os.path.join(self.folder(), "other.pem")
        with open(path, "wb") as joined:
            for name in other:
                with open(name, "rb") as part:
                    joined.write(part.read())
        weir = self.start_tls("--tls-host", f"other.test,*.other.test={path}")
        for name, subject in (("localhost", "local server"), ("other.test", "other"), ("a.other.test", "other")):
            peer = self.open(weir, name=name)
            self.assertIn((("commonName", subject),), peer.getpeercert()["subject"])
            self.assert_echo(peer)
        strict = self.start_tls("--tls-host", f"other.test={path}", "--tls-strict-names")
        self.assert_echo(self.open(strict, name="weir.test"))
        with self.assertRaisesRegex(ssl.SSLError, "UNRECOGNIZED_NAME"):
            self.open(strict, name="unknown.test")

    def test_client_certificates(self):
        client, stranger = certificates.client(), certificates.stranger()
        weir = self.start_tls("--tls-client-ca", self.ca)
        context = self.context()
        context.load_cert_chain(*client)
        self.assert_echo(self.open(weir, context))
        context = self.context()
        context.load_cert_chain(*stranger)
        for bad in (context, self.context()):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                peer = self.open(weir, bad)
                peer.recv(1)  # in TLS 1.3 the client learns it here
        optional = self.start_tls("--tls-client-ca", self.ca, "--tls-client", "optional")
        self.assert_echo(self.open(optional))
        summary = weir.stop().summary
        self.assertEqual(summary["opening_failed_tls"], 2)
        self.assertEqual(summary["closed_tls"], 2)

    def test_protocols(self):
        weir = self.start_tls("--tls-alpn", "game,chat", "--tls-alpn-required")
        context = self.context()
        context.set_alpn_protocols(["chat", "game"])
        peer = self.open(weir, context)
        self.assertEqual(peer.selected_alpn_protocol(), "game")
        self.assert_echo(peer)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)application.protocol"):
            self.open(weir)

    def test_listening_lines(self):
        """The lines name the filters of each listener."""
        pair = certificates.local()
        weir = self.start("--listen", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?tls=off", "--udp", "127.0.0.1:0",
                          "--listen", "tcp://127.0.0.1:0?proxy=required&proxy_from=127.0.0.1",
                          "--tls-cert", pair.certificate, "--tls-key", pair.key)
        self.assertCountEqual([listener.filters for listener in weir.listeners],
                              ["tls=default", "", "", "proxy=required tls=default"])
        weir.stop()

    def test_one_listener_without_tls(self):
        pair = certificates.local()
        weir = self.start("--listen", "tcp://127.0.0.1:0?codec=line", "--listen", "tcp://127.0.0.1:0?codec=line&tls=off",
                          "--tls-cert", pair.certificate, "--ssl-key", pair.key)
        self.assert_echo(self.open(weir))
        with connect(weir.address("tcp", 1)) as plain:
            self.assert_echo(plain)

    def test_wrong_settings(self):
        pair = certificates.local()
        for arguments, text in (
                (["--tls-cert", "no such file"], "cannot load certificate no such file: it does not exist"),
                (["--tls-cert", pair.certificate], "add the key to the certificate file"),
                (["--tls-cert", pair.certificate, "--tls-key", certificates.client().key],
                 "it does not belong to the certificate"),
                (["--tls-cert", certificates.expired().certificate, "--tls-key", certificates.expired().key],
                 "it expired on "),
                (["--tls-key", pair.key], "TLS options need a certificate: --tls-cert FILE"),
                (["--tls-client", "required"], "TLS options need a certificate: --tls-cert FILE"),
                (["--tls-cert", pair.certificate, "--tls-key", pair.key, "--tls-client", "required"],
                 "no CA is configured"),
                (["--tls-cert", "a", "--tls-cert", "b", "--tls-cert", "c"], "at most two pairs"),
                (["--tls-cert", ""], "--tls-cert needs the name of a file"),
                (["--tls-cert", "a", "--tls-host", "a.example"], "write the names and a file"),
                (["--listen", "tcp://127.0.0.1:0?tls=default"], "tls=default needs --tls-cert FILE"),
                (["--listen", "tcp://127.0.0.1:0?tls=game"], "tls=game is not default or off"),
                (["--listen", "udp://127.0.0.1:0?tls=default"], "TLS is for TCP")):
            with self.subTest(arguments=arguments):
                ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", *arguments)
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(text, ended.stderr)


class Reload(TlsTest):
    def install(self, pair):
        """Copies a pair to where the server reads it, each file by one rename."""
        for name, source in (("cert.pem", pair.certificate), ("key.pem", pair.key)):
            shutil.copy(source, os.path.join(self.where, "new"))
            os.rename(os.path.join(self.where, "new"), os.path.join(self.where, name))

    def start_reloadable(self, pair, *arguments):
        self.where = self.folder()
        self.install(pair)
        return self.start_tls("-v", *arguments, pair=certificates.Pair(os.path.join(self.where, "cert.pem"),
                                                                      os.path.join(self.where, "key.pem")))

    def reload(self, weir, text, times=1):
        weir.send_signal(signal.SIGHUP)
        weir.wait_until("the files were loaded", lambda: weir.log.count(text) >= times)

    @linux_only("Windows has no SIGHUP")
    def test_reload(self):
        """New clients get the new certificate, earlier ones stay, and tickets remain valid."""
        first = certificates.authority().issue("first", names=("localhost",))
        second = certificates.authority().issue("second", names=("localhost",))
        weir = self.start_reloadable(first)
        context = self.context()
        before = self.open(weir, context)
        self.assert_echo(before)  # reads the ticket, too
        self.install(second)
        self.reload(weir, "the files of TLS were loaded again")
        self.assert_echo(before)
        after = self.open(weir)
        self.assertIn((("commonName", "second"),), after.getpeercert()["subject"])
        resumed = self.open(weir, context, session=before.session)
        self.assertTrue(resumed.session_reused)
        self.assert_echo(resumed)
        os.remove(os.path.join(self.where, "key.pem"))
        self.reload(weir, "the earlier TLS certificates stay in use: cannot load key")
        self.assertIn((("commonName", "second"),), self.open(weir).getpeercert()["subject"])
        self.assert_echo(before)
        weir.stop()

    @linux_only("Windows has no SIGHUP")
    def test_reload_under_load(self):
        """Clients connect and echo without a pause while certificates are replaced; none fails."""
        pairs = [certificates.authority().issue(name, names=("localhost",)) for name in ("first", "second")]
        weir = self.start_reloadable(pairs[0])
        ends, failures, counts = threading.Event(), [], []

        def work():
            count = 0
            try:
                while not ends.is_set():
                    with contextlib.closing(self.open(weir)) as peer:
                        for _ in range(3):
                            self.assert_echo(peer)
                        count += 1
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
            counts.append(count)
        workers = [threading.Thread(target=work) for _ in range(3)]
        with contextlib.closing(self.open(weir)) as peer:
            for worker in workers:
                worker.start()
            for round_number in range(scaled(20, 4)):
                self.install(pairs[(round_number + 1) % 2])
                self.reload(weir, "the files of TLS were loaded again", round_number + 1)
                self.assert_echo(peer)
                with contextlib.closing(self.open(weir)) as later:  # its lines part equal ones, which would be folded
                    self.assert_echo(later)
            ends.set()
            for worker in workers:
                worker.join()
        self.assertEqual(failures, [])
        self.assertGreater(min(counts), 0)
        summary = weir.stop().summary
        self.assertEqual(summary["closed_tls"], 0, summary)

    @linux_only("Windows has no SIGHUP")
    def test_hangup_without_tls(self):
        """A hang-up does not end a server whose stdin is no terminal."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line")
        with connect(weir.tcp) as peer:
            weir.send_signal(signal.SIGHUP)
            self.assert_echo(peer)
        weir.stop()


class Strangers(TlsTest):
    """Peers that do not use TLS, and those that do not finish their handshake."""

    def fail_with(self, weir, sent, text):
        with connect(weir.tcp) as peer:
            peer.sendall(sent)
            wait_closed(peer)
        weir.wait_until(f"the log has {text}", lambda: text in weir.log)

    def test_other_protocols(self):
        weir = self.start_tls("-v")  # warnings of one kind are written once per second
        self.fail_with(weir, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a plain HTTP request on a TLS listener")
        self.fail_with(weir, b"SSH-2.0-OpenSSH_9.2\r\n", 'the peer does not use TLS: its first bytes are "SSH-2.0-Ope')
        self.fail_with(weir, os.urandom(3000).replace(b"\x16", b"x").replace(b"\x15", b"x"), "TLS")
        with connect(weir.tcp) as peer:  # nothing at all
            peer.shutdown(socket.SHUT_WR)
            wait_closed(peer)
        self.assert_echo(self.open(weir))
        summary = weir.stop().summary
        self.assertGreaterEqual(summary["opening_failed_tls"], 3)

    def test_unfinished_handshakes_end(self):
        """Silent and half-done clients end by their deadline, also those that send a byte from time to time."""
        weir = self.start_tls("--opening-timeout", "1s")
        with connect(weir.tcp) as silent, connect(weir.tcp) as half, connect(weir.tcp) as slow:
            half.sendall(HELLO_HEAD)
            for byte in HELLO_HEAD:
                with contextlib.suppress(ConnectionError):
                    slow.sendall(bytes([byte]))
            for peer in (silent, half, slow):
                wait_closed(peer)
            weir.wait_counted("closed_opening", 3)
        weir.stop()

    def test_many_unfinished_handshakes(self):
        """A thousand silent and a thousand half-done handshakes, while others are served."""
        count = scaled(1000, 50)
        weir = self.start_tls("--tls-handshakes-max", "off", "--opening-timeout", "1h")
        with contextlib.ExitStack() as stack:
            served = self.open(weir)
            for index in range(2 * count):
                peer = stack.enter_context(connect(weir.tcp))
                if index % 2:
                    peer.sendall(HELLO_HEAD)
                if index % 100 == 0:
                    self.assert_echo(served)
            weir.wait_counted("opening", 2 * count)
            self.assert_echo(served)
            self.assert_echo(self.open(weir))  # a new client, too
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], 2 * count + 2)

    def test_limit_of_unfinished_handshakes(self):
        weir = self.start_tls("-v", "--tls-handshakes-max", "5", "--workers", "1", "--opening-timeout", "1h")
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(connect(weir.tcp)).sendall(HELLO_HEAD)
            with connect(weir.tcp) as silent:  # has sent nothing, so it makes no handshake yet
                weir.wait_counted("opening", 6)
                self.fail_with(weir, HELLO_HEAD, "too many unfinished TLS handshakes (tls_handshakes_max)")
                silent.shutdown(socket.SHUT_WR)
        self.assert_echo_soon(weir)
        weir.stop()

    def assert_echo_soon(self, weir):
        """The server notices the ends of clients a little later than they do."""
        def served():
            try:
                self.assert_echo(self.open(weir))
                return True
            except (OSError, ssl.SSLError):
                return False
        weir.wait_until("a handshake succeeds", served)

    def test_limit_of_the_rate(self):
        weir = self.start_tls("--tls-handshake-rate", "1/s", "--opening-timeout", "1h")
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                with contextlib.suppress(ConnectionError):
                    stack.enter_context(connect(weir.tcp)).sendall(HELLO_HEAD)
            weir.wait_until("one is refused",
                            lambda: "too many TLS handshakes per second (tls_handshake_rate)" in weir.log)
        weir.stop()


class Ends(TlsTest):
    def test_half_close(self):
        """The client's close_notify is its half close: answers go out, then the server's close_notify and FIN."""
        for version in VERSIONS:
            weir = self.start_tls(codec="raw")
            plain = connect(weir.tcp)
            with plain:
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                peer = self.context(version).wrap_bio(incoming, outgoing, server_hostname="localhost")
                self.exchange(plain, incoming, outgoing, peer.do_handshake)
                data = pattern_bytes(300_000)
                peer.write(data)
                with contextlib.suppress(ssl.SSLWantReadError):
                    peer.unwrap()
                sender = threading.Thread(target=plain.sendall, args=(outgoing.read(),))
                sender.start()
                got = b""
                while len(got) < len(data):
                    got += self.exchange(plain, incoming, outgoing, lambda: peer.read(65536))
                sender.join()
                self.assertEqual(got, data)
                self.assertEqual(self.exchange(plain, incoming, outgoing, lambda: peer.read(1)), b"")
                expect_end(plain)
            self.assertEqual(weir.stop().summary["closed_peer_done"], 1)

    def exchange(self, plain, incoming, outgoing, call):
        """Repeats the call until it succeeds, with the bytes that it needs."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                piece = plain.recv(65536)
                self.assertTrue(piece, "FIN without close_notify")
                incoming.write(piece)
            except ssl.SSLZeroReturnError:
                return b""

    def test_truncation(self):
        """FIN without close_notify: complete for a codec that stands between two messages, else truncated."""
        for codec, sent, reason in (("line", b"hello\n", "peer_done"), ("line", b"hello\nhal", "truncated"),
                                    ("u32be", b"\0\0\0\1x", "peer_done"), ("raw", b"hello", "truncated")):
            with self.subTest(codec=codec, sent=sent):
                weir = self.start_tls(codec=codec)
                peer = self.open(weir)
                peer.sendall(sent)
                receive_exactly(peer, sent.find(b"\n") + 1 or len(sent))
                socket.socket.shutdown(peer, socket.SHUT_WR)
                weir.wait_counted(f"closed_{reason}")
                weir.stop()

    def test_drain(self):
        """The drain ends idle sessions by close_notify and FIN."""
        weir = self.start_tls()
        peer = self.open(weir)
        self.assert_echo(peer)
        weir.send_signal(signal.SIGINT)
        self.assertEqual(peer.recv(1), b"")  # an error without close_notify
        peer.close()
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0)
        self.assertEqual(ended.summary["closed_drain"], 1)

    def test_reset(self):
        weir = self.start_tls()
        peer = self.open(weir)
        self.assert_echo(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        weir.wait_counted("closed_reset")
        weir.stop()

    def test_broken_record(self):
        """A record that was changed on its way ends the session, with an alert."""
        weir = self.start_tls()
        peer = self.open(weir)
        self.assert_echo(peer)
        os.write(peer.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)bad.record.mac"):
            peer.recv(1)
        weir.wait_counted("closed_tls")
        self.assertIn("TLS failed: ", weir.log)
        self.assertEqual(weir.stop().summary["opening_failed_tls"], 0)


class Data(TlsTest):
    def test_large_messages(self):
        weir = self.start_tls("--max-message", "4m", codec="u32be")
        for version in VERSIONS:
            peer = self.open(weir, self.context(version))
            message = struct.pack(">I", 3_000_000) + pattern_bytes(3_000_000)
            self.assertEqual(self.exchange(peer, message), message)

    @staticmethod
    def exchange(peer, message):
        """Sends the message, and receives as many bytes at the same time. In one thread, because OpenSSL's connections
        must not be used by two: then one of them can end at any time."""
        peer.setblocking(False)
        view, sent, got = memoryview(message), 0, bytearray()
        while len(got) < len(message):
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if sent < len(message):
                    sent += peer.send(view[sent:sent + 65536])
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                piece = peer.recv(65536)
                if not piece:
                    raise AssertionError(f"EOF came after {len(got)} of {len(message)} bytes, with {sent} sent")
                got += piece
                continue
            if not any(select.select([peer], [peer] if sent < len(message) else [], [], DEADLINE_S)):
                raise AssertionError(f"no byte came or left; so far {len(got)} came, and {sent} left")
        return bytes(got)

    def test_broadcast(self):
        """Members with and without TLS receive the same broadcasts."""
        pair = certificates.local()
        weir = self.start("--listen", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?tls=off", "--handler", "chat",
                          "--codec", "line", "--tls-cert", pair.certificate, "--tls-key", pair.key)
        with connect(weir.address("tcp", 1)) as plain, contextlib.closing(self.open(weir)) as first, \
                contextlib.closing(self.open(weir)) as second:
            for peer in (plain, first, second):
                peer.sendall(b"name\n")
            text = b"x" * 500
            first.sendall(text + b"\n")
            for peer in (plain, second):
                got = b""
                while text not in got:
                    piece = peer.recv(65536)
                    self.assertTrue(piece)
                    got += piece
        weir.stop()

    def test_a_reader_that_does_not_read_pauses_its_session(self):
        weir = self.start_tls("--queue-high", "64k", "--send-timeout", "1h", codec="raw")
        peer = self.open(weir)
        peer.settimeout(None)
        peer.setblocking(False)
        sent = 0
        piece = b"x" * 65536
        while not weir.has_counted("pauses_queue"):
            with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
                sent += peer.send(piece)
        peer.settimeout(DEADLINE_S)
        self.assertEqual(receive_exactly(peer, sent), b"x" * sent)
        weir.stop()


if __name__ == "__main__":
    main()
