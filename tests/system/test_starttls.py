# SPDX-License-Identifier: MIT
"""examples/starttls: TLS that begins in the middle of a session, with the clients of SMTP that people have."""
import shutil
import smtplib
import socket
import ssl
import subprocess
import unittest

import certificates
from program import Program, build_folder
from weir_process import DEADLINE_S, Settings, WeirTest, connect, main, path_for_weir, receive_exactly


def example():
    return build_folder() / "examples" / "bin" / ("starttls.exe" if Settings.is_windows() else "starttls")


class StartTls(WeirTest):
    def setUp(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        pair = certificates.local()
        self.server = Program(example(), "127.0.0.1:0", path_for_weir(pair.certificate), path_for_weir(pair.key)).__enter__()
        self.addCleanup(self.server.__exit__)
        self.context = ssl.create_default_context(cafile=certificates.authority().ca)

    def open_plain(self):
        """Returns a connection with TLS offered: the greeting and the answer to EHLO are read."""
        peer = connect(self.server.address)
        self.addCleanup(peer.close)
        self.expect(peer, b"220 ready\r\n")
        peer.sendall(b"EHLO test\r\n")
        self.expect(peer, b"250-hello\r\n250 STARTTLS\r\n")
        return peer

    def expect(self, peer, wanted):
        self.assertEqual(receive_exactly(peer, len(wanted)), wanted)

    def secure(self, peer):
        secured = self.context.wrap_socket(peer, server_hostname="localhost", suppress_ragged_eofs=False)
        self.addCleanup(secured.close)
        return secured

    def test_smtplib(self):
        with smtplib.SMTP(*self.server.address, timeout=DEADLINE_S) as client:
            self.assertEqual(client.docmd("DATA")[0], 530)
            client.starttls(context=self.context)
            client.ehlo()
            self.assertFalse(client.has_extn("starttls"))
            self.assertEqual(client.docmd("DATA")[0], 250)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_openssl(self):
        host, port = self.server.address
        ended = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"{host}:{port}", "-CAfile",
                                certificates.authority().ca, "-verify_return_error", "-crlf", "-ign_eof"],
                               input=b"NOOP\nQUIT\n", capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 0, ended)
        self.assertIn(b"250 ok\r\n221 bye\r\n", ended.stdout)

    def test_plain_text_behind_the_command_is_refused(self):
        """CVE-2011-0411: an attacker in between adds a command to the plain text, which the server would treat as the
        first one of the encrypted session. Nothing of it is answered, and there is no handshake."""
        for injected in (b"STARTTLS\r\nNOOP\r\n", b"STARTTLS\r\nNO", b"STARTTLS\r\n\0"):
            peer = self.open_plain()
            with self.subTest(injected=injected):
                peer.sendall(injected)
                self.expect(peer, b"220 go ahead\r\n")
                with self.assertRaises((ssl.SSLError, OSError)):
                    self.secure(peer)

    def test_plain_text_in_a_later_packet_is_refused(self):
        """It is no TLS."""
        peer = self.open_plain()
        peer.sendall(b"STARTTLS\r\n")
        self.expect(peer, b"220 go ahead\r\n")
        peer.sendall(b"NOOP\r\n" * 100)
        rest = b""
        try:
            while piece := peer.recv(65536):
                rest += piece
        except ConnectionError:
            pass
        self.assertNotIn(b"250", rest)

    def test_a_client_that_sends_before_it_reads(self):
        """The first commands of the encrypted session come with the last bytes of the handshake."""
        peer = self.open_plain()
        peer.sendall(b"STARTTLS\r\n")
        self.expect(peer, b"220 go ahead\r\n")
        secured = self.secure(peer)
        secured.sendall(b"NOOP\r\n" * 1000 + b"DATA\r\nQUIT\r\n")
        wanted = b"250 ok\r\n" * 1001 + b"221 bye\r\n"
        self.expect(secured, wanted)
        self.assertEqual(secured.recv(1), b"")  # after close_notify; without it this would raise

    def test_a_second_start(self):
        peer = self.open_plain()
        peer.sendall(b"STARTTLS\r\n")
        self.expect(peer, b"220 go ahead\r\n")
        secured = self.secure(peer)
        secured.sendall(b"STARTTLS\r\n")
        self.expect(secured, b"503 TLS is active already\r\n")

    def test_a_client_that_leaves(self):
        """At the border between plain text and TLS, by FIN and by RST, in the handshake and before it."""
        for sent in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"):
            peer = self.open_plain()
            peer.sendall(b"STARTTLS\r\n")
            self.expect(peer, b"220 go ahead\r\n")
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            with self.subTest(sent=sent):
                while peer.recv(65536):
                    pass
        self.test_smtplib()


if __name__ == "__main__":
    main()
