# SPDX-License-Identifier: MIT
"""Lets tests of plain TCP run through filters: a relay in this process, to which their clients connect.

    client -- plain TCP --> Relay -- layers: TLS, WebSocket, or WebSocket over TLS --> weir
      FIN       becomes the goodbye of each layer (close_notify, close frame) and FIN; those become FIN
      RST       becomes RST, in both directions; so does a FIN without the goodbyes
      a close before the layers are open becomes a close

The relay passes bytes on only when the other side takes them, so that a client that does not read still stops weir. It
connects from the client's host, and to the host to which the client connected.

A layer is the client's side of a filter:

    begin() -> wire bytes             opens it
    receive(wire) -> plain, wire      decodes, and answers; raises ValueError or SSLError for what no server may send
    send(plain) -> wire
    goodbye() -> wire
    is_open, peer_ended               whether the server has opened it, and has said goodbye"""
import contextlib
import fcntl
import select
import socket
import ssl
import struct
import termios
import threading

HELD_BYTES_MAX = 65536  # in one direction
PIECE_BYTES = 16384
# Of the sockets' buffers for what goes to the client. The system announces room in larger ones in steps that a slow client
# needs seconds for, and weir would close it as stalled.
BUFFER_BYTES = 32768


def _reset(connection):
    """Closes with RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _host(address):
    """Returns the host of a socket's address, with IPv4 hosts as such."""
    return address[0].removeprefix("::ffff:")


def _bytes_count(connection, request):
    return struct.unpack("i", fcntl.ioctl(connection, request, b"\0" * 4))[0]


def _connect(client, port):
    """Returns a connection to weir for this client."""
    host, source = _host(client.getsockname()), _host(client.getpeername())
    weir = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        weir.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        weir.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect
        weir.bind((source, 0))
        weir.connect((host, port))
    except OSError:
        weir.close()
        raise
    return weir


class _Link:
    """One client, and its connection to weir. The layers are in the order of the wire: TLS first."""

    def __init__(self, client, port, layers):
        self.client, self.weir, self.layers = client, _connect(client, port), layers
        self.for_client, self.for_weir = bytearray(), bytearray()
        self.client_ended = self.weir_ended = self.said_goodbye = self.sent_fin = self.passed_fin = False
        self.started = 0  # layers
        for connection in (self.client, self.weir):
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._begin_layers()

    def close(self):
        self.client.close()
        self.weir.close()

    def is_open(self):
        return self.layers[-1].is_open

    def interests(self):
        """Returns [(connection, events)] that the link waits for. None: a connection whose both directions have ended
        would report that forever."""
        client = weir = 0
        if not self.client_ended and self.is_open() and len(self.for_weir) < HELD_BYTES_MAX:
            client |= select.EPOLLIN
        if not self.weir_ended and len(self.for_client) < HELD_BYTES_MAX:
            weir |= select.EPOLLIN
        if self.for_client:
            client |= select.EPOLLOUT
        if self.for_weir:
            weir |= select.EPOLLOUT
        return ((self.client, None if self.client_ended and self.passed_fin else client),
                (self.weir, None if self.weir_ended and self.sent_fin else weir))

    def step(self, has_failed=False):
        """Does what is possible. Returns False when the link has ended."""
        try:
            if has_failed:
                raise ConnectionResetError
            self._read_weir()
            self._read_client()
            self._write(self.for_weir, self.weir)
            self._write(self.for_client, self.client)
            self._finish()
        except (OSError, ValueError):  # SSLError is an OSError
            _reset(self.weir)
            if self.is_open():
                _reset(self.client)
            return False
        return not (self.passed_fin and self.sent_fin)

    def unreached_bytes(self):
        """Returns an upper bound of the client's bytes that weir's system does not have. The client's own system may have
        more."""
        return (_bytes_count(self.client, termios.FIONREAD) + len(self.for_weir) +
                _bytes_count(self.weir, termios.TIOCOUTQ))

    def _begin_layers(self):
        while self.started < len(self.layers) and (self.started == 0 or self.layers[self.started - 1].is_open):
            self._send(self.layers[self.started].begin(), self.started)
            self.started += 1

    def _send(self, data, depth):
        """Sends bytes of the layer of this depth through those that are outside of it."""
        if not data:
            return
        for layer in reversed(self.layers[:depth]):
            data = layer.send(data)
        self.for_weir += data

    def _read_weir(self):
        if self.weir_ended or len(self.for_client) >= HELD_BYTES_MAX:
            return
        with contextlib.suppress(BlockingIOError):
            data = self.weir.recv(PIECE_BYTES)
            if not data:
                self.weir_ended = True
                if not all(layer.peer_ended for layer in self.layers):
                    raise ConnectionResetError("FIN came without a goodbye")
            for depth, layer in enumerate(self.layers[:self.started]):
                data, answer = layer.receive(data)
                self._send(answer, depth)
            self.for_client += data
            self._begin_layers()

    def _read_client(self):
        if self.client_ended or not self.is_open() or len(self.for_weir) >= HELD_BYTES_MAX:
            return
        with contextlib.suppress(BlockingIOError):
            data = self.client.recv(PIECE_BYTES)
            self.client_ended = not data
            self._send(data, len(self.layers))

    @staticmethod
    def _write(data, connection):
        with contextlib.suppress(BlockingIOError):
            while data:
                del data[:connection.send(data)]

    def _finish(self):
        """Passes on the ends whose bytes have all left."""
        if self.client_ended and not self.said_goodbye:
            self.said_goodbye = True
            for depth, layer in reversed(list(enumerate(self.layers))):
                self._send(layer.goodbye(), depth)
            self._write(self.for_weir, self.weir)
        if self.said_goodbye and not self.for_weir and not self.sent_fin:
            self.sent_fin = True
            self.weir.shutdown(socket.SHUT_WR)
        if self.weir_ended and not self.for_client and not self.passed_fin:
            self.passed_fin = True
            self.client.shutdown(socket.SHUT_WR)


class Relay(threading.Thread):
    """A relay to one listener. It serves until close()."""

    def __init__(self, target, make_layers, both_families=False):
        """make_layers() returns the layers of one connection. both_families: the listener is a wildcard of IPv6."""
        super().__init__(daemon=True)
        self._port, self._make_layers = target[1], make_layers
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        host = "::" if both_families else target[0]
        self._listener = socket.create_server((host, 0), family=family, backlog=4096, dualstack_ipv6=both_families)
        self.address = target[0], self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._links, self._epoll = {}, select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._awake, self._wake = socket.socketpair()
        self._epoll.register(self._awake, select.EPOLLIN)
        self.start()

    def close(self):
        self._wake.close()
        self.join()

    def unreached_bytes(self, own_address):
        """Returns an upper bound of the bytes of the client with this address that have reached the relay's system, but
        not weir's. None: the relay has not accepted the client yet."""
        with self._lock:
            for link in self._links.values():
                if link.client.getpeername() == own_address:
                    return link.unreached_bytes()
        return None

    def run(self):
        while True:
            events = self._epoll.poll()
            with self._lock:
                for number, found in events:
                    if number == self._awake.fileno():
                        self._end()
                        return
                    if number == self._listener.fileno():
                        self._accept()
                    elif number in self._links:
                        self._step(self._links[number], bool(found & select.EPOLLERR))

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            link = _Link(client, self._port, self._make_layers())
        except OSError:  # weir does not listen any longer, or the client has gone
            _reset(client)
            return
        for connection, _ in link.interests():
            self._links[connection.fileno()] = link
            self._epoll.register(connection, 0)
        self._step(link)

    def _step(self, link, has_failed=False):
        numbers = [connection.fileno() for connection, _ in link.interests()]
        if link.step(has_failed):
            for connection, events in link.interests():
                if events is not None:
                    self._epoll.modify(connection, events)
                elif self._links.pop(connection.fileno(), None):
                    self._epoll.unregister(connection)
            return
        for number in numbers:
            self._links.pop(number, None)
        link.close()  # which takes both out of the epoll set

    def _end(self):
        for link in set(self._links.values()):
            link.close()
        for resource in (self._listener, self._awake, self._epoll):
            resource.close()
