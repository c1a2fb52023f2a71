# SPDX-License-Identifier: MIT
"""weir send --tls: which servers it trusts, what it says if it does not, and how the stream ends."""
import socket
import ssl
import struct
import subprocess

import certificates
from send_command import FAILED, USAGE, CANNOT_CONNECT, WRONG_SETTING, SendTest
from serving_peer import Peer, receive_all
from weir_process import DEADLINE_S, Settings, WeirTest, close_with_reset, main, path_for_weir, receive_exactly


def context(pair=None, client_ca=None, **options):
    """Returns a server's context of Python's ssl module."""
    pair = pair or certificates.local()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.certificate, pair.key)
    if client_ca:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(client_ca)
    for name, value in options.items():
        setattr(server, name, value)
    return server


class TlsPeer(Peer):
    """Serves one TLS connection with the given function. `failure`: the handshake, or the first read, must fail with
    this exception."""

    def __init__(self, serve, server=None, failure=None):
        server = server or context()

        def secure(peer):
            try:
                with server.wrap_socket(peer, server_side=True, suppress_ragged_eofs=False) as stream:
                    serve(stream)
            except (ssl.SSLError, ConnectionError) as error:
                if not failure or not isinstance(error, failure):
                    raise
        super().__init__(secure)


def receive_to_end(stream):
    """Reads until the client's close_notify."""
    got = b""
    while piece := stream.recv(65536):
        got += piece
    return got


def answer(text):
    """Returns a function that reads to the end, answers, and ends with close_notify."""
    def serve(stream):
        receive_to_end(stream)
        stream.sendall(text)
        stream.unwrap()
    return serve


class SendTls(SendTest):
    def setUp(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        self.trusted = ("--tls-ca", path_for_weir(certificates.authority().ca))

    # -- what is exchanged --

    def test_an_exchange(self):
        """The message arrives, then close_notify; the answer follows, and the client's end is clean on both sides."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            received = []

            def serve(stream):
                received.append((receive_to_end(stream), stream.version()))
                stream.sendall(b"welcome")
                stream.unwrap()

            server = context(minimum_version=version, maximum_version=version)
            with self.subTest(version=version.name), TlsPeer(serve, server) as peer:
                self.assert_sent(self.send("--tls", *self.trusted, peer.address, "hello"), b"welcome\n")
            self.assertEqual(received, [(b"hello", version.name.replace("_", "."))])

    def test_frames(self):
        def serve(stream):
            assert receive_to_end(stream) == b"\0\0\0\5hello\0\0\0\0"
            stream.sendall(struct.pack(">I", 3) + b"a\nb" + b"\0\0\0\0")
            stream.unwrap()

        with TlsPeer(serve) as peer:
            self.assert_sent(self.send(*self.trusted, "--codec", "u32be", peer.address, "hello", ""), b"a\\nb\n\n")

    def test_a_server_that_speaks_first(self):
        """Its greeting can arrive together with the end of the handshake."""
        def serve(stream):
            stream.sendall(b"220 ready\n" * 200)
            assert receive_exactly(stream, 5) == b"QUIT\n"
            stream.sendall(b"221 bye\n")
            stream.unwrap()

        with TlsPeer(serve) as peer:
            self.assert_sent(self.send(*self.trusted, "--codec", "line", peer.address, "QUIT"),
                             b"220 ready\n" * 200 + b"221 bye\n")

    def test_large_streams_in_both_directions(self):
        """More data than all buffers on the way hold, to and from an echo."""
        def serve(stream):
            while piece := stream.recv(65536):
                stream.sendall(piece)
            stream.unwrap()

        lines = b"0123456789abcdef" * 4095 + b"\n"
        with TlsPeer(serve) as peer:
            ended = self.send("--raw", "--timeout", str(DEADLINE_S), *self.trusted, peer.address, stdin=lines * 100)
        self.assert_sent(ended, lines.rstrip(b"\n") * 100)

    def test_wait_keeps_the_sending_side_open(self):
        def serve(stream):
            assert receive_exactly(stream, 6) == b"hello\n"
            stream.sendall(b"first\nsecond\n")
            receive_to_end(stream)

        with TlsPeer(serve, failure=ssl.SSLError) as peer:
            self.assert_sent(self.send(*self.trusted, "--codec", "line", "--wait", "300ms", peer.address, "hello"),
                             b"first\nsecond\n")

    # -- the end --

    def test_a_stream_without_close_notify(self):
        """Raw bytes can be cut anywhere; frames show where the answer ends."""
        def cut(text):
            def serve(stream):
                receive_to_end(stream)
                stream.sendall(text)
                socket.socket.shutdown(stream, socket.SHUT_RDWR)  # FIN, without close_notify
            return serve

        with TlsPeer(cut(b"half of the ans")) as peer:
            ended = self.send(*self.trusted, peer.address, "hello")
        self.assert_failed(ended, FAILED, "cannot read .+: the connection ended without close_notify")
        self.assertEqual(ended.stdout, b"half of the ans\n")
        with TlsPeer(cut(b"\2ok")) as peer:
            self.assert_sent(self.send(*self.trusted, "--codec", "u8", peer.address, "hello"), b"ok\n")
        with TlsPeer(cut(b"\3ok")) as peer:
            self.assert_failed(self.send(*self.trusted, "--codec", "u8", peer.address, "hello"), FAILED, "cannot read")

    def test_a_reset(self):
        def serve(stream):
            receive_to_end(stream)
            plain = stream.detach()
            close_with_reset(socket.socket(fileno=plain))

        with TlsPeer(serve, failure=OSError) as peer:
            self.assert_failed(self.send(*self.trusted, peer.address, "hello"), FAILED, "cannot read .+: ")

    # -- which servers it trusts --

    def test_a_certificate_that_is_not_trusted(self):
        for pair, pattern in ((certificates.stranger(), "cannot connect to .+: TLS handshake failed: the server's "
                                                        "certificate is not accepted: .*(issuer|self.signed)"),
                              (certificates.expired(), "certificate has expired")):
            with self.subTest(pair=pair), TlsPeer(answer(b"never"), context(pair), ssl.SSLError) as peer:
                self.assert_failed(self.send("--tls", *self.trusted, peer.address, "hello"), CANNOT_CONNECT, pattern)

    def test_the_system_trusts_no_test_certificate(self):
        with TlsPeer(answer(b"never"), failure=ssl.SSLError) as peer:
            self.assert_failed(self.send("--tls", peer.address, "hello"), CANNOT_CONNECT, "certificate is not accepted")

    def test_the_name(self):
        """By default the host of the address; --tls-name replaces it, and asks the server for that name (SNI)."""
        asked = []
        server = context()
        server.sni_callback = lambda stream, name, context: asked.append(name)
        with TlsPeer(answer(b"yes"), server) as peer:
            self.assert_sent(self.send(*self.trusted, "--tls-name", "weir.test", peer.address, "x"), b"yes\n")
        port = peer.address.rsplit(":", 1)[1]
        with TlsPeer(answer(b"yes"), server) as peer:
            port = peer.address.rsplit(":", 1)[1]
            self.assert_sent(self.send(*self.trusted, f"localhost:{port}", "x"), b"yes\n")
        with TlsPeer(answer(b"yes"), server) as peer:
            self.assert_sent(self.send(*self.trusted, peer.address, "x"), b"yes\n")
        self.assertEqual(asked, ["weir.test", "localhost", None])  # an address is no name
        with TlsPeer(answer(b"never"), server, ssl.SSLError) as peer:
            self.assert_failed(self.send(*self.trusted, "--tls-name", "other.test", peer.address, "x"), CANNOT_CONNECT,
                               "certificate is not accepted: .*(host|name) ?mismatch")

    def test_insecure(self):
        with TlsPeer(answer(b"yes"), context(certificates.stranger())) as peer:
            self.assert_sent(self.send("--tls-insecure", peer.address, "hello"), b"yes\n")

    # -- the client's certificate, protocols and versions --

    def test_a_client_certificate(self):
        pair, names = certificates.client(), []

        def serve(stream):
            names.append(dict(part[0] for part in stream.getpeercert()["subject"])["commonName"])
            answer(b"welcome")(stream)

        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            server = context(client_ca=certificates.authority().ca, maximum_version=version)
            with self.subTest(version=version.name), TlsPeer(serve, server) as peer:
                self.assert_sent(self.send(*self.trusted, "--tls-cert", path_for_weir(pair.certificate), "--tls-key",
                                           path_for_weir(pair.key), peer.address, "x"), b"welcome\n")
        self.assertEqual(names, ["alice", "alice"])

    def test_a_client_certificate_that_is_refused(self):
        """In TLS 1.3 the client learns it after the handshake, when it reads first: the alert is reported, and not the
        reset that can follow it."""
        stranger = certificates.stranger()
        given = ("--tls-cert", path_for_weir(stranger.certificate), "--tls-key", path_for_weir(stranger.key))
        for version, codes in ((ssl.TLSVersion.TLSv1_2, (CANNOT_CONNECT,)),
                               (ssl.TLSVersion.TLSv1_3, (FAILED, CANNOT_CONNECT))):
            for arguments, pattern in (((), "certificate"), (given, "does not accept our certificate")):
                server = context(client_ca=certificates.authority().ca, maximum_version=version)
                with self.subTest(version=version.name, arguments=arguments), \
                        TlsPeer(answer(b"never"), server, (ssl.SSLError, OSError)) as peer:
                    ended = self.send(*self.trusted, *arguments, peer.address, "hello")
                    self.assertIn(ended.returncode, codes, ended)
                    self.assert_failed(ended, ended.returncode, pattern)

    def test_alpn(self):
        selected = []

        def serve(stream):
            selected.append(stream.selected_alpn_protocol())
            answer(b"yes")(stream)

        server = context()
        server.set_alpn_protocols(["two", "one"])
        with TlsPeer(serve, server) as peer:
            self.assert_sent(self.send(*self.trusted, "--tls-alpn", "one,two", peer.address, "x"), b"yes\n")
        self.assertEqual(selected, ["two"])
        with TlsPeer(serve, server, (ssl.SSLError, OSError)) as peer:
            self.assert_failed(self.send(*self.trusted, "--tls-alpn", "three", peer.address, "x"), CANNOT_CONNECT,
                               "(?i)alpn|protocol")

    def test_the_oldest_version(self):
        server = context(maximum_version=ssl.TLSVersion.TLSv1_2)
        with TlsPeer(answer(b"never"), server, ssl.SSLError) as peer:
            self.assert_failed(self.send(*self.trusted, "--tls-min", "1.3", peer.address, "x"), CANNOT_CONNECT,
                               "(?i)version|protocol")

    # -- servers that do not speak TLS --

    def test_a_plain_server(self):
        def serve(peer):
            peer.sendall(b"220 mail.example ESMTP\r\n")
            receive_all(peer)

        with Peer(serve) as peer:
            self.assert_failed(self.send(*self.trusted, peer.address, "x"), CANNOT_CONNECT,
                               r'the peer does not use TLS: its first bytes are "220 mail\.example')

    def test_a_server_that_ends_the_handshake(self):
        with Peer(lambda peer: receive_exactly(peer, 100)) as peer:
            self.assert_failed(self.send(*self.trusted, peer.address, "x"), CANNOT_CONNECT, "cannot connect to .+: ")

    def test_a_server_that_does_not_answer(self):
        with Peer(receive_all) as peer:
            self.assert_failed(self.send(*self.trusted, "--timeout", "300ms", peer.address, "x"), CANNOT_CONNECT,
                               "the TLS handshake was not complete in time, see --timeout")

    # -- settings --

    def test_usage_errors(self):
        for arguments, pattern in ((("--udp", "--tls"), "TLS needs TCP"),
                                   (("--tls-key", "a"), "--tls-key a is the key of a certificate"),
                                   (("--tls-insecure", "--tls-name", "a"), "--tls-insecure accepts any"),
                                   (("--tls-min", "1.1"), "1.2")):
            with self.subTest(arguments=arguments):
                self.assert_failed(self.send(*arguments, "127.0.0.1:1", "x"), USAGE, pattern)

    def test_files_are_read_before_connecting(self):
        pair = certificates.client()
        missing = path_for_weir(certificates.authority().path("missing.pem"))
        with Peer(lambda peer: None, socket.SOCK_DGRAM) as free:  # a port that no TCP listener has
            for arguments, pattern in ((("--tls-ca", missing), "missing.pem"),
                                       (("--tls-cert", missing), "missing.pem"),
                                       (("--tls-cert", path_for_weir(pair.certificate), "--tls-key",
                                         path_for_weir(certificates.local().key)), "does not belong")):
                with self.subTest(arguments=arguments):
                    self.assert_failed(self.send(*arguments, free.address, "x"), WRONG_SETTING, pattern)
            free.listener.sendto(b"", free.listener.getsockname())


class WithoutTls(WeirTest):
    def test_it_says_so(self):
        if self.has_tls():
            self.skipTest("weir is built with TLS")
        ended = subprocess.run([*Settings.emulator, Settings.weir, "send", "--tls", "127.0.0.1:1", "x"],
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, WRONG_SETTING)
        self.assertRegex(ended.stderr.decode(), "TLS")


if __name__ == "__main__":
    main()
