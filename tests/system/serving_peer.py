# SPDX-License-Identifier: MIT
"""A server for one connection of `weir send`."""
import socket
import threading

from weir_process import DEADLINE_S


class Peer(threading.Thread):
    """Listens on a free local port, and serves one connection with the given function."""

    def __init__(self, serve, kind=socket.SOCK_STREAM):
        super().__init__(daemon=True)
        self.serve, self.kind, self.error = serve, kind, None
        self.listener = socket.socket(socket.AF_INET, kind)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        if kind == socket.SOCK_STREAM:
            self.listener.listen()
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(DEADLINE_S)
        self.listener.close()
        if self.error:
            raise self.error

    def run(self):
        try:
            if self.kind == socket.SOCK_DGRAM:
                self.serve(self.listener)
                return
            peer = self.listener.accept()[0]
            with peer:
                peer.settimeout(DEADLINE_S)
                self.serve(peer)
        except (OSError, AssertionError) as error:
            self.error = error


def receive_all(peer):
    got = b""
    while piece := peer.recv(65536):
        got += piece
    return got
