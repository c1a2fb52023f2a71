# SPDX-License-Identifier: MIT
"""The client's side of TLS, as a layer of a relay: see relay.py."""
import functools
import ssl

import certificates

READ_BYTES = 65536


@functools.cache
def _context():
    return ssl.create_default_context(cafile=certificates.authority().ca)


class TlsLayer:
    def __init__(self):
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context().wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self.is_open = self.peer_ended = False

    def begin(self):
        return self.receive(b"")[1]

    def receive(self, wire):
        plain = bytearray()
        if wire and self.peer_ended:
            raise ValueError("bytes came after close_notify")
        self._incoming.write(wire)
        try:
            if not self.is_open:
                self._tls.do_handshake()
                self.is_open = True
            while not self.peer_ended:
                piece = self._tls.read(READ_BYTES)
                plain += piece
                self.peer_ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.peer_ended = True
        return bytes(plain), self._outgoing.read()

    def send(self, plain):
        self._tls.write(plain)
        return self._outgoing.read()

    def goodbye(self):
        try:
            self._tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass  # the server's close_notify comes later, or came before
        return self._outgoing.read()
