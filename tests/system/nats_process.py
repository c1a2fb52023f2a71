# SPDX-License-Identifier: MIT
"""Runs nats-server for tests: on ports that it chooses itself, and on the same ones after a restart.

    class ClusterTest(WeirTest):
        def test_it(self):
            broker = start_nats(self)                     # skips the test without nats-server
            ... "--cluster", broker.url
            broker.pause(); broker.resume()               # SIGSTOP, SIGCONT
            broker.kill(); broker.start()                 # kill -9, then again on the same port

Two servers that form one cluster: start_nats_cluster(self, 2).
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from weir_process import DEADLINE_S, POLL_S, _before_exec

NATS_SERVER = shutil.which("nats-server") or next(
    (path for path in ("/usr/sbin/nats-server", "/usr/local/sbin/nats-server") if os.access(path, os.X_OK)), None)


def free_port():
    """Returns a port that nothing listens on. For a server that must know its port before its start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NatsServer:
    """One nats-server process. Create it by start_nats(), which also ends it."""

    def __init__(self, *arguments, config=None):
        if not NATS_SERVER:
            raise unittest.SkipTest("nats-server is not installed (Debian and Ubuntu: nats-server)")
        self._folder = tempfile.TemporaryDirectory(prefix="weir_nats_")
        self._arguments = list(arguments)
        self._config = os.path.join(self._folder.name, "nats.conf")
        if config:
            self.change_config(config)
            self._arguments += ["--config", self._config]
        self.log_path = os.path.join(self._folder.name, "log")
        self.port = -1  # it chooses one
        self.process = None

    def change_config(self, text):
        """Writes the configuration file that the next start() reads."""
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(text)

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self):
        """Starts the server, after kill() or stop() on the same port; returns when it accepts clients."""
        ports = os.path.join(self._folder.name, "ports")
        shutil.rmtree(ports, ignore_errors=True)
        os.mkdir(ports)
        self.process = subprocess.Popen(
            [NATS_SERVER, "--addr", "127.0.0.1", "--port", str(self.port), "--ports_file_dir", ports, "--log", self.log_path,
             *self._arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: _before_exec((), None))
        path = os.path.join(ports, f"nats-server_{self.process.pid}.ports")
        deadline = time.monotonic() + DEADLINE_S
        while (found := self._read_ports(path)) is None:
            if self.process.poll() is not None:
                raise AssertionError(f"nats-server ended with {self.process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                raise AssertionError(f"nats-server was not ready in {DEADLINE_S} s:\n{self.log}")
            time.sleep(POLL_S)
        self.port = int(found["nats"][0].rpartition(":")[2])
        return self

    @staticmethod
    def _read_ports(path):
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):  # not there, or not written completely
            return None

    def pause(self):
        """SIGSTOP: connections stay open, and nothing reads from them."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end, as its service does."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self._folder.cleanup()


def start_nats(test, *arguments, config=None):
    """Returns a running nats-server that ends with the test; skips the test if there is none. `config` is the text of a
    configuration file."""
    server = NatsServer(*arguments, config=config)
    test.addCleanup(server.remove)
    return server.start()


def start_nats_cluster(test, count):
    """Returns `count` servers, each connected to all others."""
    routes = [free_port() for _ in range(count)]
    servers = []
    for i, port in enumerate(routes):
        others = ",".join(f"nats://127.0.0.1:{other}" for other in routes if other != port)
        servers.append(start_nats(test, "--cluster_name", "test", "--cluster", f"nats://127.0.0.1:{port}", "--routes", others,
                                  "--server_name", f"test-{i}"))
    deadline = time.monotonic() + DEADLINE_S
    while any("Route connection created" not in server.log for server in servers):
        if time.monotonic() > deadline:
            raise AssertionError("the servers did not find each other:\n" + "\n".join(server.log for server in servers))
        time.sleep(POLL_S)
    return servers
