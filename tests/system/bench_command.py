# SPDX-License-Identifier: MIT
"""Runs weir bench, checks what it found, and serves it with servers that are right or wrong in a known way."""
import json
import socket
import threading

from weir_process import Settings, WeirTest

OK, FAILED, USAGE, CANNOT_CONNECT, LOST, WRONG_SETTING = 0, 1, 64, 69, 74, 78


class StreamServer:
    """Serves every TCP connection with serve(socket) on a thread of its own."""

    def __init__(self, serve):
        self._serve, self._peers = serve, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                peer = self._listener.accept()[0]
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._peers.append(peer)
                threading.Thread(target=self._run, args=(peer,), daemon=True).start()
        except OSError:
            pass  # the test has ended

    def _run(self, peer):
        try:
            with peer:
                self._serve(peer)
        except OSError:
            pass  # the generator may reset its connections

    def close(self):
        self._listener.close()
        for peer in self._peers:
            peer.close()


def transformed(transform):
    """Returns a server's function that answers each piece of the stream with transform(position, piece)."""
    def serve(peer):
        position = 0
        while piece := peer.recv(65536):
            peer.sendall(transform(position, piece))
            position += len(piece)
    return serve


def unchanged(_, piece):
    return piece


def with_byte_flipped(at):
    def transform(position, piece):
        if position <= at < position + len(piece):
            changed = bytearray(piece)
            changed[at - position] ^= 1
            return bytes(changed)
        return piece
    return transform


class BenchTest(WeirTest):
    def bench(self, address, *arguments):
        """Runs weir bench with --json; returns its exit code and the object."""
        words = ["bench", "--json", *arguments, address]
        if "--udp" not in arguments:
            words[1:1] = ["--transport", Settings.transport]
        ended = self.run_weir(*words)
        self.assertEqual(ended.stderr, "")
        self.assertEqual(ended.stdout.count("\n"), 1, ended.stdout)
        return ended.returncode, json.loads(ended.stdout)

    def serve(self, serve):
        server = StreamServer(serve)
        self.addCleanup(server.close)
        return server.address

    def start_address(self, *arguments, proto="tcp"):
        weir = self.start(*arguments)
        return "%s:%d" % (weir.tcp if proto == "tcp" else weir.udp)

    def assert_right(self, result, messages, size):
        """Checks the counts of a run that sent this many messages and got as many answers."""
        code, found = result
        self.assertEqual(code, OK, found)
        self.assertEqual((found["messages"], found["verified_bytes"]), (messages, messages * size), found)
        self.assertEqual(set(found["errors"].values()), {0}, found)
        self.assertEqual((found["examples"], found["right"], found["stopped"]), ({}, True, False))
        for times in ("service_ns", "response_ns"):
            self.assertEqual(found[times]["count"], messages)
            self.assert_times(found[times])

    def assert_times(self, times):
        ordered = [times[name] for name in ("min", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99", "max")]
        self.assertEqual(ordered, sorted(ordered))
        self.assertTrue(times["min"] <= times["mean"] <= times["max"], times)

    def assert_wrong(self, result, error, example, count=1):
        """Checks a run in which something was wrong."""
        code, found = result
        self.assertEqual((code, found["right"]), (FAILED, False), found)
        self.assertEqual(found["errors"][error], count, found)
        self.assertRegex(found["examples"][error], example)

    def fails(self, *arguments):
        """Runs weir bench, which prints one line on stderr; returns its exit code and the line."""
        ended = self.run_weir("bench", *arguments)
        self.assertEqual(ended.stdout, "")
        self.assertRegex(ended.stderr, r"\Aweir: [^\n]+\n\Z")
        return ended.returncode, ended.stderr
