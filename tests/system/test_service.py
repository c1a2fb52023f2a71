# SPDX-License-Identifier: MIT
"""weir as a service of systemd: it reports its state (sd_notify) and uses sockets that are passed to it (socket
activation). A socket of the test stands in for systemd; systemd-socket-activate is the real program."""
import errno
import os
import random
import re
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest

from weir_process import DEADLINE_S, Settings, WeirTest, connect, echo, main

# Puts the descriptors of the first argument at 3, 4, ..., sets the variables of systemd, and runs the rest.
PARENT = """
import fcntl, os, sys
numbers = [int(number) for number in sys.argv[1].split(",") if number]
copies = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]
for number in set(numbers):
    os.close(number)
for index, copy in enumerate(copies):
    os.dup2(copy, 3 + index)
    os.close(copy)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)))
os.environ.update(word.split("=", 1) for word in sys.argv[2].split(";") if word)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Manager:
    """The socket to which a service reports; like systemd's it is a datagram socket with a path or an abstract name."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(DEADLINE_S)
        self.name = address

    def close(self):
        self._socket.close()

    def read(self):
        """Returns the next report as a dict."""
        text = self._socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def read_until(self, name):
        """Returns the reports up to the first one with this name."""
        reports = [self.read()]
        while name not in reports[-1]:
            reports.append(self.read())
        return reports

    def drop_waiting(self):
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(4096)


class ServiceTest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def manager(self, address=None):
        manager = Manager(address or f"{self.folder}/notify")
        self.addCleanup(manager.close)
        return manager

    def listener(self, host="127.0.0.1", kind=socket.SOCK_STREAM):
        """Returns a socket as systemd binds it, and its address for weir."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, kind)
        self.addCleanup(bound.close)
        bound.bind((host, 0))
        if kind == socket.SOCK_STREAM:
            bound.listen(8)
        return bound, f"[{host}]:{bound.getsockname()[1]}" if ":" in host else f"{host}:{bound.getsockname()[1]}"

    def activated(self, sockets, *arguments, variables="", start=True):
        launcher = (sys.executable, "-c", PARENT, ",".join(str(one.fileno()) for one in sockets), variables)
        weir = self.launch(*arguments, launcher=launcher, pass_fds=[one.fileno() for one in sockets])
        return weir.wait_ready() if start else weir


class Reports(ServiceTest):
    def start_notifying(self, manager, *arguments, environment=()):
        return self.start("--tcp", "127.0.0.1:0", *arguments,
                          launcher=("env", f"NOTIFY_SOCKET={manager.name}", *environment))

    def test_a_life(self):
        manager = self.manager()
        weir = self.start_notifying(manager, "--bind-wait", "1s")
        self.assertEqual(manager.read(), {"EXTEND_TIMEOUT_USEC": "31000000"})
        self.assertEqual(manager.read(), {"READY": "1", "STATUS": "serving"})
        weir.send_signal(signal.SIGHUP)
        reloading = manager.read()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertLessEqual(int(reloading["MONOTONIC_USEC"]), time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
        self.assertEqual(manager.read(), {"READY": "1"})
        weir.send_signal(signal.SIGTERM)
        self.assertEqual(manager.read(), {"STOPPING": "1"})
        self.assertEqual(weir.wait_end().code, 0)

    def test_an_abstract_name(self):
        manager = self.manager(f"@weir-{os.getpid()}-{random.getrandbits(32):x}")
        weir = self.start_notifying(manager)
        manager.read_until("READY")
        weir.stop()

    def test_a_long_drain_asks_for_time_and_counts_sessions(self):
        manager = self.manager()
        weir = self.start_notifying(manager, "--drain", "1h", "--codec", "line", "--stats", "100ms")
        with connect(weir.tcp) as peer:
            peer.sendall(b"begun")   # an incomplete message keeps the session open
            weir.wait_counted("accepted")
            weir.send_signal(signal.SIGTERM)
            manager.read_until("STOPPING")
            for _ in range(2):
                self.assertEqual(manager.read(), {"STATUS": "shutting down: 1 sessions left"})
                self.assertEqual(manager.read(), {"EXTEND_TIMEOUT_USEC": "15000000"})
            peer.sendall(b"\n")
            self.assertEqual(peer.recv(100), b"begun\n")
        self.assertEqual(weir.wait_end().code, 0)

    def test_a_manager_that_is_gone_is_logged_once(self):
        manager = self.manager()
        manager.close()
        weir = self.start_notifying(manager)
        weir.send_signal(signal.SIGHUP)
        ended = weir.stop()
        self.assertEqual(ended.log.count("the state cannot be reported to the service manager"), 1, ended.log)

    def test_children_and_other_processes_are_not_meant(self):
        manager = self.manager()
        weir = self.start_notifying(manager, "--bind-wait", "off", environment=(
            "WATCHDOG_USEC=1000", "WATCHDOG_PID=1", "LISTEN_PID=1", "LISTEN_FDS=1"))
        weir.send_signal(signal.SIGHUP)
        self.assertEqual([sorted(manager.read()) for _ in range(3)],
                         [["READY", "STATUS"], ["MONOTONIC_USEC", "RELOADING"], ["READY"]])  # and no WATCHDOG
        weir.stop()

    def test_invalid_variables_end_the_start(self):
        for variable in ("NOTIFY_SOCKET=relative", f"NOTIFY_SOCKET=/{'x' * 200}", "WATCHDOG_USEC=-1", "WATCHDOG_USEC=1s"):
            with self.subTest(variable):
                ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", launcher=("env", variable))
                self.assertEqual(ended.returncode, 78, ended)
                self.assertIn(variable.partition("=")[0], ended.stderr)


class Watchdog(ServiceTest):
    PERIOD = ("WATCHDOG_USEC=100000",)

    @staticmethod
    def open_writer(weir, fifo):
        """Returns the descriptor once a reader has opened the FIFO, too."""
        opened = []

        def try_open():
            try:
                opened.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                if error.errno != errno.ENXIO:  # no reader yet
                    raise
            return opened
        weir.wait_until("the handler reads the FIFO", try_open)
        return opened[0]

    def test_it_is_fed_only_while_every_worker_answers(self):
        manager = self.manager()
        fifo = f"{self.folder}/fifo"
        os.mkfifo(fifo)
        module = f"{Settings.build}/modules/blocks.so"
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--handler", module,
                          launcher=("env", f"NOTIFY_SOCKET={manager.name}", *self.PERIOD))
        for _ in range(3):
            manager.read_until("WATCHDOG")
        with connect(weir.tcp) as peer:
            peer.sendall(fifo.encode())
            writer = self.open_writer(weir, fifo)  # the worker waits for its end
            manager.drop_waiting()
            reports = [manager.read() for _ in range(12)]  # STATUS comes before each WATCHDOG
            fed = sum("WATCHDOG" in report for report in reports)
            self.assertLessEqual(fed, 1, reports)  # of the answers before
            weir.wait_until("the log says it",
                            lambda: re.search(r"worker \d has not answered for \d+ ms", weir.log))
            os.close(writer)
            self.assertEqual(peer.recv(200), fifo.encode())
            manager.read_until("WATCHDOG")
        manager.read_until("WATCHDOG")
        weir.stop()


class Activation(ServiceTest):
    def test_sockets_are_matched_by_address_and_kind(self):
        first, first_at = self.listener()
        second, second_at = self.listener()
        third, third_at = self.listener(kind=socket.SOCK_DGRAM)
        path = f"{self.folder}/socket"
        fourth = socket.socket(socket.AF_UNIX)
        self.addCleanup(fourth.close)
        fourth.bind(path)
        fourth.listen(8)
        weir = self.activated([third, second, fourth, first], "--tcp", first_at, "--tcp", second_at, "--udp", third_at,
                              "--tcp", "127.0.0.1:0", "--tcp", f"unix:{path}", "--workers", "2")
        for bound in (first, second):
            with connect(bound.getsockname()) as peer:
                echo(peer, 10_000)
        with connect(weir.address("tcp", 2)) as peer:  # the one that weir bound itself
            echo(peer, 10_000)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect(path)
            echo(peer, 10_000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect(third.getsockname())
            peer.send(b"datagram")
            self.assertEqual(peer.recv(100), b"datagram")
        weir.stop()
        self.assertTrue(os.path.exists(path))

    def test_clients_wait_for_the_next_server(self):
        bound, at = self.listener()
        self.activated([bound], "--tcp", at).stop()
        with connect(bound.getsockname()) as peer:
            peer.sendall(b"early")
            weir = self.activated([bound], "--tcp", at)
            self.assertEqual(peer.recv(100), b"early")
        weir.stop()

    def test_the_program_keeps_no_copy(self):
        """After the listener is closed, the connections of a parent that has ended are refused."""
        bound, at = self.listener()
        weir = self.activated([bound], "--tcp", at, "--drain", "1h", "--codec", "line", "--stats", "100ms")
        address = bound.getsockname()
        bound.close()
        with connect(address) as peer:
            peer.sendall(b"begun")
            weir.wait_counted("accepted")
            weir.send_signal(signal.SIGTERM)
            weir.wait_until("the listener is closed", lambda: not weir.is_listening())
            peer.sendall(b"\n")
            self.assertEqual(peer.recv(100), b"begun\n")
        self.assertEqual(weir.wait_end().code, 0)

    def refused(self, text, sockets, *arguments, variables="", code=78):
        weir = self.activated(sockets, *arguments, variables=variables, start=False)
        ended = weir.wait_end()
        self.assertEqual(ended.code, code, ended.log)
        self.assertIn(text, ended.log)

    def test_a_socket_without_a_listener_ends_the_start(self):
        stream, stream_at = self.listener()
        other, other_at = self.listener()
        datagram, datagram_at = self.listener(kind=socket.SOCK_DGRAM)
        self.refused(f"tcp {other_at}: no listener without a socket has this address (game.socket)", [stream, other],
                     "--tcp", stream_at, variables="LISTEN_FDNAMES=chat.socket:game.socket")
        self.refused(f"add the listener (--udp {datagram_at})", [datagram], "--tcp", datagram_at)
        self.refused(f"tcp {stream_at}", [stream, stream], "--tcp", stream_at)  # twice the same one

    def test_invalid_descriptors_end_the_start(self):
        bound, at = self.listener()
        self.refused("not all of these descriptors are open", [bound], "--tcp", at, variables="LISTEN_FDS=50")
        self.refused("LISTEN_FDS=x", [bound], "--tcp", at, variables="LISTEN_FDS=x")
        with open("/dev/null", "rb") as file:
            self.refused("descriptor 3: it is not an open socket (ENOTSOCK)", [file], "--tcp", at, code=69)
        with connect(bound.getsockname()) as peer:
            self.refused("set Accept=no", [peer], "--tcp", at)


@unittest.skipUnless(shutil.which("systemd-socket-activate"), "needs systemd-socket-activate")
class SystemdSocketActivate(ServiceTest):
    """An address of its own in 127.0.0.0/8 keeps other programs off the port: the tool must know it."""

    def address(self):
        return ("127." + ".".join(str(random.randint(1, 250)) for _ in range(3)), 7117)

    def launch_at(self, options, *arguments):
        weir = self.launch(*arguments, launcher=("systemd-socket-activate", *options))
        weir.wait_until("the tool listens", lambda: "Listening on" in weir.log)
        return weir

    def test_streams(self):
        address, path = self.address(), f"{self.folder}/socket"
        text = f"{address[0]}:{address[1]}"
        weir = self.launch_at(("-l", text, "-l", path), "--tcp", f"unix:{path}", "--tcp", text)
        weir.wait_until("both listen", lambda: os.path.exists(path))
        with connect(address) as peer:
            echo(peer, 10_000)
        weir.wait_ready()
        with connect(address) as peer:
            echo(peer, 10_000)
        weir.stop()

    def test_datagrams(self):
        address = self.address()
        text = f"{address[0]}:{address[1]}"
        weir = self.launch_at(("--datagram", "-l", text), "--udp", text)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect(address)
            peer.send(b"datagram")
            self.assertEqual(peer.recv(100), b"datagram")
        weir.wait_ready()
        weir.stop()


if __name__ == "__main__":
    main()
