# SPDX-License-Identifier: MIT
"""An HTTP client for the admin server, on a plain socket: tests send exactly the bytes that they name."""
import collections
import json
import socket

from weir_process import DEADLINE_S, connect

Answer = collections.namedtuple("Answer", "status headers body")


def connect_admin(address):
    """Connects to the address that weir prints: "127.0.0.1:9500", "[::1]:9500" or "unix:PATH"."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(DEADLINE_S)
        peer.connect("\0" + path[1:] if path.startswith("@") else path)
        return peer
    host, port = address.rsplit(":", 1)
    return connect((host.strip("[]"), int(port)))


class Client:
    """One connection; leaving the `with` block closes it."""

    def __init__(self, address):
        self._peer = connect_admin(address)
        self._read = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._peer.close()

    def send(self, raw):
        self._peer.sendall(raw)

    def request(self, target, method="GET", host="localhost", **headers):
        """Sends a request; in names of headers, _ stands for -."""
        lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host is not None else []),
                 *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send("".join(line + "\r\n" for line in [*lines, ""]).encode())
        return self.answer(method == "HEAD")

    def _more(self):
        piece = self._peer.recv(65536)
        self._read += piece
        return bool(piece)

    def answer(self, is_head=False):
        """Reads one answer; None: the server has closed the connection."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                if self._read:
                    raise AssertionError(f"half an answer: {self._read!r}")
                return None
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if is_head else int(headers["content-length"])
        while len(self._read) < length:
            if not self._more():
                raise AssertionError(f"{len(self._read)} of {length} bytes of a body")
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(status.split()[1]), headers, body.decode())

    def is_closed(self):
        """Waits until the server closes the connection; returns whether nothing came before."""
        try:
            while self._more():
                pass
        except ConnectionError:
            pass
        return not self._read


def request(address, target, **options):
    """One request on a connection of its own."""
    with Client(address) as client:
        return client.request(target, **options)


def get_json(address, target, **options):
    answer = request(address, target, **options)
    if answer.status != 200:
        raise AssertionError(f"{target}: {answer}")
    return json.loads(answer.body)
