# SPDX-License-Identifier: MIT
"""Lets tests of plain TCP run through TLS: a relay in this process, to which their clients connect.

    client -- plain TCP --> TlsRelay -- TLS --> weir --tls-cert ...
      FIN       becomes close_notify and FIN; close_notify becomes FIN
      RST       becomes RST, in both directions; so does a FIN without close_notify

The relay passes bytes on only when the other side takes them, so that a client that does not read still stops weir."""
import contextlib
import select
import socket
import ssl
import struct
import threading

import certificates

HELD_BYTES_MAX = 65536  # in one direction
PIECE_BYTES = 16384


def _reset(connection):
    """Closes with RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Link:
    """One client, and its connection to weir."""

    def __init__(self, client, target, context):
        self.client, self.weir = client, socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.for_client, self.for_weir = bytearray(), bytearray()
        self.is_open = self.client_ended = self.weir_ended = self.said_goodbye = self.sent_fin = self.passed_fin = False
        self.weir.connect(target)
        for connection in (self.client, self.weir):
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.client.close()
        self.weir.close()

    def interests(self):
        """Returns [(connection, events)] that the link waits for; errors are reported in any case."""
        client = weir = 0
        if not self.client_ended and self.is_open and len(self.for_weir) < HELD_BYTES_MAX:
            client |= select.EPOLLIN
        if not self.weir_ended and len(self.for_client) < HELD_BYTES_MAX:
            weir |= select.EPOLLIN
        if self.for_client:
            client |= select.EPOLLOUT
        if self.for_weir:
            weir |= select.EPOLLOUT
        return (self.client, client), (self.weir, weir)

    def step(self):
        """Does what is possible. Returns False when the link has ended."""
        try:
            self._read_weir()
            self._read_client()
            self._write(self.for_weir, self.weir)
            self._write(self.for_client, self.client)
            self._finish()
        except (OSError, ssl.SSLError):
            _reset(self.client)
            _reset(self.weir)
            return False
        return not (self.passed_fin and self.sent_fin)

    def _read_weir(self):
        if not self.weir_ended and len(self.for_client) < HELD_BYTES_MAX:
            with contextlib.suppress(BlockingIOError):
                piece = self.weir.recv(PIECE_BYTES)
                if piece:
                    self.incoming.write(piece)
                else:
                    self.incoming.write_eof()
        try:
            if not self.is_open:
                self.tls.do_handshake()
                self.is_open = True
            while not self.weir_ended:
                piece = self.tls.read(PIECE_BYTES)
                self.for_client += piece
                self.weir_ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.weir_ended = True
        self.for_weir += self.outgoing.read()

    def _read_client(self):
        if self.client_ended or not self.is_open or len(self.for_weir) >= HELD_BYTES_MAX:
            return
        with contextlib.suppress(BlockingIOError):
            piece = self.client.recv(PIECE_BYTES)
            if piece:
                self.tls.write(piece)
            else:
                self.client_ended = True
        if self.client_ended and not self.said_goodbye:
            self.said_goodbye = True
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                self.tls.unwrap()
        self.for_weir += self.outgoing.read()

    @staticmethod
    def _write(data, connection):
        with contextlib.suppress(BlockingIOError):
            while data:
                del data[:connection.send(data)]

    def _finish(self):
        """Passes on the ends whose bytes have all left."""
        if self.said_goodbye and not self.for_weir and not self.sent_fin:
            self.sent_fin = True
            self.weir.shutdown(socket.SHUT_WR)
        if self.weir_ended and not self.for_client and not self.passed_fin:
            self.passed_fin = True
            self.client.shutdown(socket.SHUT_WR)


class TlsRelay(threading.Thread):
    """A relay to one listener. It serves until close()."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self._target = target
        self._context = ssl.create_default_context(cafile=certificates.authority().ca)
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self._listener = socket.create_server((target[0], 0), family=family, backlog=4096)
        self.address = self._listener.getsockname()[:2]
        self._links, self._epoll = {}, select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._awake, self._wake = socket.socketpair()
        self._epoll.register(self._awake, select.EPOLLIN)
        self.start()

    def close(self):
        self._wake.close()
        self.join()

    def run(self):
        while True:
            for number, _ in self._epoll.poll():
                if number == self._awake.fileno():
                    self._end()
                    return
                if number == self._listener.fileno():
                    self._accept()
                elif number in self._links:
                    self._step(self._links[number])

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            link = _Link(client, self._target, self._context)
        except OSError:  # weir does not listen any longer
            _reset(client)
            return
        for connection, _ in link.interests():
            self._links[connection.fileno()] = link
            self._epoll.register(connection, 0)
        self._step(link)

    def _step(self, link):
        numbers = [connection.fileno() for connection, _ in link.interests()]
        if link.step():
            for connection, events in link.interests():
                self._epoll.modify(connection, events)
            return
        for number in numbers:
            del self._links[number]
        link.close()  # which takes both out of the epoll set

    def _end(self):
        for link in set(self._links.values()):
            link.close()
        for resource in (self._listener, self._awake, self._epoll):
            resource.close()
