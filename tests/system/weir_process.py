# SPDX-License-Identifier: MIT
"""Runs the program weir for tests: starts it, waits for it, observes it, and always ends it.

    class EchoTest(WeirTest):
        def test_echo(self):
            weir = self.start("--tcp", "127.0.0.1:0")     # returns once it has printed "ready"
            with connect(weir.tcp) as peer:
                echo(peer, 1000)                          # byte for byte, then FIN both ways
            ended = weir.stop()                           # SIGINT, exit code 0, the summary as a dict
            self.assertEqual(ended.summary["accepted"], 1)

    if __name__ == "__main__":
        main()                                            # test_x.py --weir PATH --transport uring|epoll

No test asserts a duration: every wait is for an event, and DEADLINE_S only ends a test in which the event
never arrives. A test of a time limit whose clients must be faster than the limit measures them: see with_limits().
A file that cannot run here exits with 77, which ctest counts as skipped.

The environment: WEIR_TEST_SCALE (1) shrinks counts and sizes for slow builds, WEIR_SANITIZED means that memory is not
measured. CMakeLists.txt sets both.
"""
import argparse
import collections
import ctypes
import errno
import fcntl
import functools
import math
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
import urllib.parse

import certificates
import relay
import tls_relay
import websocket_relay

DEADLINE_S = 45  # per event; far above the expected time, below ctest's own limit
SKIPPED = 77
POLL_S = 0.01
STUCK_S = 0.5    # no byte was accepted for this long, and the server waits: none will be
STUCK_WINE_S = 2 # under Wine, where a thread also waits while Wine's server works for it
BUSY_PAUSE_S = 0.005 # far below every time limit; without it, each busy client would occupy a processor
MIB = 1024 * 1024
FLOOD_MAX = 512 * MIB
UNACCEPTED_BYTES = 512 * MIB # more than one client sends before its relay accepts it

LAYERS = {"tls": tls_relay.TlsLayer, "websocket": websocket_relay.WebSocketLayer}  # in the order of the wire

SCALE = float(os.environ.get("WEIR_TEST_SCALE", "1"))
SANITIZED = os.environ.get("WEIR_SANITIZED", "") not in ("", "0")

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
TCP_LISTEN = "0A"  # in /proc/net/tcp
_IO_URING_SETUP = 425  # the same number on x86_64 and aarch64


class Settings:
    weir = None
    transport = None
    build = None   # folder of the build; a test can replace `weir` by a copy elsewhere
    layers = ()    # of LAYERS: TCP clients reach weir through these filters, by a relay
    emulator = ()  # command prefix that runs a program of another system: Wine

    @classmethod
    def is_windows(cls):
        return cls.weir.endswith(".exe")


def without_root_warning(text):
    """Removes the warning that a server prints only if these tests run as root; test_sandbox.py tests it."""
    return re.sub(r"^weir: warning: weir runs as root: .*\n", "", text, flags=re.M)


def stop_signals():
    """Returns the signals that start a graceful shutdown: for a Windows program the first is Ctrl-C, and there is no
    second."""
    return (signal.SIGINT,) if Settings.is_windows() else (signal.SIGINT, signal.SIGTERM)


def linux_only(reason):
    """Skips a test, or a class of tests, for a Windows program, with this reason."""
    assert isinstance(reason, str), "write @linux_only(REASON): without a reason the test would not run"

    def wrap(what):
        if isinstance(what, type):
            what.only_on_linux = reason
            return what

        @functools.wraps(what)
        def run(self, *arguments):
            if Settings.is_windows():
                self.skipTest(reason)
            return what(self, *arguments)
        return run
    return wrap


def plain_only(reason, without=("tls", "websocket")):
    """Skips a test if clients reach weir through one of these filters, with this reason."""
    def wrap(test):
        @functools.wraps(test)
        def run(self, *arguments):
            if any(name in Settings.layers for name in without):
                self.skipTest(reason)
            return test(self, *arguments)
        return run
    return wrap


class TooSlow(Exception):
    """A client could not keep up, so the test proves nothing with its time limit."""


class Pace:
    """The longest pause of a client that must be faster than the server's time limit. As a context manager, it turns a
    failure of its block into TooSlow if the client paused for more than half of the limit. No limit: never."""

    def __init__(self, limit_s=None):
        self._pause_max_s = math.inf if limit_s is None else limit_s / 2
        self._longest_s, self._last_s = 0, time.monotonic()

    def step(self):
        """The client did something."""
        now_s = time.monotonic()
        self._longest_s, self._last_s = max(self._longest_s, now_s - self._last_s), now_s

    def check(self):
        if self._longest_s > self._pause_max_s:
            raise TooSlow(f"a client paused for {self._longest_s:.1f} s")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.step()
        if kind and issubclass(kind, (OSError, AssertionError)):
            self.check()


def with_limits(*limits_s):
    """Gives a test the first time limit as an argument, and repeats the test with the next one if it raises TooSlow:
    most machines need only the short one."""
    def wrap(test):
        @functools.wraps(test)
        def run(self):
            for limit_s in limits_s[:-1]:
                try:
                    test(self, limit_s)
                    return
                except TooSlow as error:
                    print(f"\n    again with a longer limit than {limit_s} s: {error}", flush=True)
                for weir in self._weirs:
                    weir.kill()  # otherwise busy clients would go on
            test(self, limits_s[-1])
        return run
    return wrap


def milliseconds(limit_s):
    """Returns the time as weir reads it."""
    return f"{round(limit_s * 1000)}ms"


def scaled(count, least=1):
    """Returns the count, smaller for a slow build."""
    return max(least, int(count * SCALE))


# ---- the process ----------------------------------------------------------------------------------------------------

Listener = collections.namedtuple("Listener", "proto host port transport workers codec handler filters line")
Ended = collections.namedtuple("Ended", "code summary log")

_LISTENING = re.compile(r"listening proto=(tcp|udp) addr=(\S+?)(?::(\d+))? transport=(\S+) workers=(\d+) codec=(\S+) "
                        r"handler=(\S+)((?: (?:proxy|tls|websocket)=\S+)*)$")


def read_listener(line):
    match = _LISTENING.match(line)
    if not match:
        raise AssertionError(f"not a listener's line: {line!r}")
    proto, host, port, transport, workers, codec, handler, filters = match.groups()
    if not port:  # addr=unix:PATH
        port = 0
    return Listener(proto, host.strip("[]"), int(port), transport, int(workers), codec, handler, filters.strip(), line)


def read_summary(log):
    """Returns the closing line as a dict in which missing names are 0."""
    lines = [line for line in log.splitlines() if line.startswith("weir: served ")]
    if len(lines) != 1:
        raise AssertionError(f"expected one summary, found {len(lines)} in:\n{log}")
    return collections.Counter({name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", lines[0])})


def with_layers(arguments):
    """Returns the arguments of weir, with TCP listeners that have the filters of Settings.layers."""
    if "tls" in Settings.layers:
        pair = certificates.local()
        arguments = (*arguments, "--tls-cert", pair.certificate, "--tls-key", pair.key)
    return tuple(_with_websocket(arguments) if "websocket" in Settings.layers else arguments)


def _with_websocket(arguments):
    codec = next((value for name, value in zip(arguments, arguments[1:]) if name == "--codec"), "raw")
    for name, value in zip(("", *arguments), arguments):
        if value == "--tcp":
            yield "--listen"
            continue
        if name == "--tcp":
            value = "tcp://" + value
        if name == "--tcp" or (name == "--listen" and value.startswith("tcp:")):
            value += ("&" if "?" in value else "?") + f"websocket={websocket_relay.PATH}"
            value += "" if "codec=" in value else "&codec=" + urllib.parse.quote(codec, safe="")
        yield value


class Weir:
    """One running weir. Create it with WeirTest.start(), which also ends it."""

    running = set()

    def __init__(self, *arguments, transport=True, launcher=(), close=(), files_max=None, stdout=subprocess.PIPE,
                 stderr=None, pass_fds=()):
        # A module of Windows is linked with weir.exe, so the program keeps its name then.
        has_module = any(b".dll" in os.fsencode(argument).lower() for argument in arguments)
        self._program = RenamedProgram() if Settings.is_windows() and not has_module else None
        program = self._program.path if self._program else Settings.weir
        command = [*launcher, *Settings.emulator, program, "serve", *with_layers(arguments)]
        self._relays = {}
        if transport:
            command += ["--transport", Settings.transport]
            if Settings.is_windows():
                command += ["--verify-rio"]
        self._log = tempfile.TemporaryFile()
        self._last_log = None  # set by kill()
        self.command = command
        self.listeners = []
        self.admin = None  # address of the admin server, as weir prints it
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr or self._log,
                                        pass_fds=pass_fds,
                                        preexec_fn=lambda: _before_exec(close, files_max))
        self._end = os.pidfd_open(self.process.pid)
        Weir.running.add(self)

    # -- life --

    def wait_ready(self):
        """Reads lines up to "ready"."""
        output = b""
        deadline = time.monotonic() + DEADLINE_S
        while not output.endswith(b"ready\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no \"ready\" in {DEADLINE_S} s, only {output!r}\n{self.log}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"weir ended with {self.process.wait()} before \"ready\":\n{self.log}")
            output += piece
        lines = output.decode().splitlines()[:-1]
        self.admin = next((line.removeprefix("admin addr=") for line in lines if line.startswith("admin addr=")), None)
        self.listeners = [read_listener(line) for line in lines if not line.startswith("admin addr=")]
        return self

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait_end(self, seconds=DEADLINE_S):
        """Waits for the process to exit for a reason other than this call."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"weir did not end in {seconds} s:\n{self.log}") from None
        log = self.log
        summary = read_summary(log) if "weir: served " in log else None
        if summary is not None:
            self._check_counts(summary)
        return Ended(code, summary, log)

    @staticmethod
    def _check_counts(summary):
        """Checks that the counts of an ended server add up: every client and peer is closed, each for one reason, and
        no bytes are queued. Every scenario runs this check."""
        ended = summary["closed"] + summary["peers_closed"]
        if (summary["accepted"] != summary["closed"] or summary["peers_opened"] != summary["peers_closed"] or
                reasons_sum(summary) != ended or summary["queued_bytes"] != 0):
            raise AssertionError(f"the counts do not add up: {dict(summary)}")

    def stop(self, number=signal.SIGINT):
        """Shuts down gracefully; fails unless the exit code is 0 and there is a summary."""
        self.send_signal(number)
        ended = self.wait_end()
        if ended.code != 0 or ended.summary is None:
            raise AssertionError(f"exit code {ended.code} after signal {number}:\n{ended.log}")
        return ended

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._last_log is not None:
            return
        Weir.running.discard(self)
        for relay in self._relays.values():
            relay.close()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self._end)
        if self._program:
            self._program.remove()
        self._last_log = self.whole_log
        self._log.close()

    def wait_until(self, what, condition, seconds=DEADLINE_S, progress=None):
        """Waits until the condition holds; polls often, and fails immediately when the process ends. If progress() returns
        another value than before, an event has happened, and the time begins again."""
        deadline, seen = time.monotonic() + seconds, progress and progress()
        while not condition():
            if progress and progress() != seen:
                deadline, seen = time.monotonic() + seconds, progress()
            if select.select([self._end], [], [], POLL_S)[0]:
                raise AssertionError(f"weir ended with {self.process.wait()} while waiting until {what}:\n{self.log}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{seconds} s were not enough until {what}\n{self.connections()}{self.log}")

    # -- addresses --

    def has_counted(self, name, count=1):
        """Returns whether the count has reached this value; weir was started with --stats, which reports with a
        delay."""
        return any(int(found) >= count for found in re.findall(rf" {name}=(\d+)", self.log))

    def wait_counted(self, name, count=1):
        self.wait_until(f"{name}={count}", lambda: self.has_counted(name, count))

    def address(self, proto, index=0):
        """Returns the (host, port) of a listener to connect to: a loopback address replaces a wildcard."""
        listener = [one for one in self.listeners if one.proto == proto][index]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)
        if proto == "tcp" and Settings.layers:
            return self._relay((host, listener.port), listener.host == "::").address
        return host, listener.port

    def _relay(self, target, is_wildcard):
        if target not in self._relays:
            layers = [LAYERS[name] for name in Settings.layers]
            self._relays[target] = relay.Relay(target, lambda: [layer() for layer in layers], is_wildcard)
        return self._relays[target]

    def unreached_bytes(self, peer):
        """Returns an upper bound of the bytes sent by this TCP client that have not reached weir's system."""
        count = unacknowledged_bytes(peer)
        for one in self._relays.values():
            if one.address[1] == peer.getpeername()[1]:
                further = one.unreached_bytes(peer.getsockname())
                return count + (UNACCEPTED_BYTES if further is None else further)
        return count

    @property
    def tcp(self):
        return self.address("tcp")

    @property
    def udp(self):
        return self.address("udp")

    # -- the system's view of the process --

    def connections(self):
        """Returns what the system says about its TCP connections: what is queued, windows and timers. "" without ss."""
        filters = " or ".join(f"sport = :{one.port} or dport = :{one.port}" for one in self.listeners if one.proto == "tcp")
        if not filters or not shutil.which("ss"):
            return ""
        return subprocess.run(["ss", "-tinoH", f"( {filters} )"], capture_output=True, text=True, check=False).stdout

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        """The stderr output so far, without the warning of root's programs."""
        return without_root_warning(self.whole_log)

    @property
    def whole_log(self):
        if self._last_log is not None:
            return self._last_log
        return os.pread(self._log.fileno(), 16 * MIB, 0).decode(errors="replace")

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024

    def files_count(self):
        """The number of open descriptors; a Windows program's handles."""
        return self._program.handles_count() if self._program else len(os.listdir(f"/proc/{self.pid}/fd"))

    def is_waiting(self):
        """Whether each of its threads waits for an event, or was stopped; a thread that only lacks a processor does
        not."""
        try:
            for thread in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{thread}/stat") as stat:
                    if stat.read().rpartition(") ")[2][0] not in "STtZ":
                        return False
        except (FileNotFoundError, ProcessLookupError):
            pass # it has ended, or one of its threads has
        return True

    def is_listening(self):
        """Whether its first TCP listener is open. Asks the system: a connection could be accepted, and be counted."""
        port = f"{next(one.port for one in self.listeners if one.proto == 'tcp'):04X}"
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            if os.path.exists(table):
                with open(table) as lines:
                    if any(line.split()[1].endswith(":" + port) and line.split()[3] == TCP_LISTEN for line in lines):
                        return True
        return False

    def cpu_seconds(self):
        """User and system time of all its threads so far."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class RenamedProgram:
    """A copy of the Windows program under a unique name, by which the test finds it among Wine's processes: their
    process ids differ from Linux's."""

    def __init__(self):
        self._folder = tempfile.mkdtemp()
        self.path = os.path.join(self._folder, f"weir_{os.path.basename(self._folder)}.exe")
        shutil.copyfile(Settings.weir, self.path)

    def handles_count(self):
        counter = os.path.join(Settings.build, "handles.exe")
        return int(subprocess.run([*Settings.emulator, counter, os.path.basename(self.path)], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=True, timeout=DEADLINE_S).stdout)

    def remove(self):
        shutil.rmtree(self._folder, ignore_errors=True)


def _before_exec(close, files_max):
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if files_max:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    for descriptor in close:
        os.close(descriptor)


# ---- test cases -----------------------------------------------------------------------------------------------------


class WeirTest(unittest.TestCase):
    """A test that starts weirs. Each is killed when the test ends; if the test failed, their logs are printed."""

    def run(self, result=None):
        self._weirs = []
        if Settings.is_windows() and getattr(self, "only_on_linux", None):
            self.setUp = lambda: self.skipTest(self.only_on_linux)
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for weir in self._weirs:
                print(f"--- {' '.join(weir.command)} ({weir.process.returncode}) wrote to stderr:\n{weir.log[-20000:]}"
                      f"---", file=sys.stderr)
        return result

    def launch(self, *arguments, **options):
        """Starts weir without waiting for it."""
        weir = Weir(*arguments, **options)
        self._weirs.append(weir)
        self.addCleanup(weir.kill)
        return weir

    def start(self, *arguments, **options):
        return self.launch(*arguments, **options).wait_ready()

    def run_weir(self, *arguments, transport=False, launcher=(), **options):
        """Runs weir until it exits; returns subprocess's result, with text."""
        command = [*launcher, *Settings.emulator, Settings.weir, *arguments]
        if transport:
            command += ["--transport", Settings.transport]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S,
                               preexec_fn=lambda: _before_exec((), None), **options)
        ended.stderr = without_root_warning(ended.stderr)
        return ended

    def has_tls(self):
        """Returns whether weir was built with TLS."""
        return _has_tls(Settings.weir, Settings.emulator)

    def assert_counts_add_up(self, summary):
        """Checks the counts of an echo server whose clients read all their answers."""
        self.assertEqual(summary["accepted"], summary["closed"], summary)
        if not Settings.layers:
            self.assertEqual(summary["bytes_in"], summary["bytes_out"], summary)
        self.assertEqual(summary["closed"], reasons_sum(summary), summary)

    def assert_bytes(self, summary, **counts):
        """Checks bytes_in or bytes_out; with filters, those of handshakes, records and frames are added."""
        for name, count in counts.items():
            (self.assertGreater if Settings.layers else self.assertEqual)(summary[name], count, summary)


@functools.cache
def _has_tls(weir, emulator):
    ended = subprocess.run([*emulator, weir, "serve", "--tcp", "127.0.0.1:0", "--tls-cert", "no such file"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return "built without OpenSSL" not in ended.stderr


def reasons_sum(summary):
    return sum(count for name, count in summary.items() if name.startswith("closed_"))


def io_uring_error():
    """Returns why this machine does not support io_uring, or None."""
    parameters = ctypes.create_string_buffer(120)
    descriptor = _libc.syscall(_IO_URING_SETUP, 1, parameters)
    if descriptor < 0:
        return errno.errorcode.get(ctypes.get_errno(), "unknown")
    os.close(descriptor)
    return None


def raise_files_limit():
    """Raises the limit to its maximum; returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def main():
    parser = argparse.ArgumentParser(description="Black-box tests of weir; other arguments go to unittest.")
    parser.add_argument("--weir", required=True, help="the program under test")
    parser.add_argument("--transport", required=True, choices=("uring", "epoll", "iocp", "rio"))
    parser.add_argument("--emulator", default="", help="what runs it, as cmake/toolchains/run-in-wine")
    parser.add_argument("--layers", default="", help=f"TCP clients reach it through these filters: {'+'.join(LAYERS)}")
    known, rest = parser.parse_known_args()
    Settings.weir, Settings.transport = os.path.abspath(known.weir), known.transport
    Settings.build = os.path.dirname(Settings.weir)
    Settings.emulator = tuple(known.emulator.split())
    Settings.layers = tuple(known.layers.split("+") if known.layers else ())
    if not set(Settings.layers) <= set(LAYERS):
        parser.error(f"--layers {known.layers}: known are {'+'.join(LAYERS)}")
    if "tls" in Settings.layers and not _has_tls(Settings.weir, Settings.emulator):
        print("skipped: weir is built without TLS", file=sys.stderr)
        sys.exit(SKIPPED)
    error = io_uring_error()
    if known.transport == "uring" and error:
        print(f"skipped: this machine has no io_uring ({error})", file=sys.stderr)
        sys.exit(SKIPPED)
    raise_files_limit()
    thread_failures = count_thread_failures()
    result = unittest.main(module="__main__", argv=[sys.argv[0], *rest], exit=False, verbosity=2).result
    sys.exit(exit_code_of(result, len(thread_failures)))


def count_thread_failures():
    """Returns a list with an entry for each exception that ends a thread, which unittest does not notice."""
    failures = []

    def add(failure):
        failures.append(failure.exc_value)
        threading.__excepthook__(failure)
    threading.excepthook = add
    return failures


def exit_code_of(result, thread_failures_count):
    skipped = {getattr(test, "test_case", test).id() for test, _ in result.skipped}
    if not result.wasSuccessful() or thread_failures_count > 0:
        return 1
    if result.testsRun == 0 and not skipped:
        print("no test ran", file=sys.stderr)
        return 1
    return SKIPPED if result.testsRun <= len(skipped) else 0


# ---- clients --------------------------------------------------------------------------------------------------------


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def connect(address, receive_bytes=None, source=None, seconds=DEADLINE_S):
    """Returns a connected TCP socket; every call on it has a deadline."""
    peer = socket.socket(family_of(address[0]), socket.SOCK_STREAM)
    try:
        if receive_bytes:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            peer.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect
            peer.bind((source, 0))
        peer.settimeout(seconds)
        peer.connect(address)
    except OSError:
        peer.close()
        raise
    return peer


def udp_socket(address, connected=True):
    """Returns a UDP socket for exchanging datagrams with the address, with room for every answer."""
    peer = socket.socket(family_of(address[0]), socket.SOCK_DGRAM)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
    peer.settimeout(DEADLINE_S)
    if connected:
        peer.connect(address)
    return peer


def pattern(total, seed=1):
    """Yields `total` bytes that do not repeat, in pieces of at most 64 KiB; the same for the same seed."""
    chance = random.Random(seed)
    while total > 0:
        length = min(total, 65536)
        yield chance.randbytes(length)
        total -= length


def pattern_bytes(total, seed=1):
    return b"".join(pattern(total, seed))


def receive_exactly(peer, length):
    """Returns `length` bytes; fewer if the stream ended before."""
    got = bytearray(length)
    view, count = memoryview(got), 0
    while count < length:
        more = peer.recv_into(view[count:])
        if more == 0:
            break
        count += more
    return bytes(got[:count])


def expect(peer, total, seed=1):
    """Receives the bytes of pattern(); fails at the first different byte."""
    offset = 0
    for piece in pattern(total, seed):
        got = receive_exactly(peer, len(piece))
        if got != piece:
            wrong = next((i for i, pair in enumerate(zip(got, piece)) if pair[0] != pair[1]), len(got))
            what = "the stream ended" if wrong == len(got) else "the first wrong byte is"
            raise AssertionError(f"of {total} bytes, {what} at {offset + wrong}")
        offset += len(piece)


def expect_end(peer):
    rest = peer.recv(65536)
    if rest:
        raise AssertionError(f"expected the end of the stream, got {len(rest)} more bytes: {rest[:64]!r}")


class Sender(threading.Thread):
    """Sends pattern(total, seed) in the background, then FIN if wanted."""

    def __init__(self, peer, total, seed, finish):
        super().__init__(daemon=True)
        self.peer, self.total, self.seed, self.finish, self.error = peer, total, seed, finish, None
        self.start()

    def run(self):
        try:
            for piece in pattern(self.total, self.seed):
                self.peer.sendall(piece)
            if self.finish:
                self.peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    def wait(self):
        self.join(DEADLINE_S)
        if self.error:
            raise self.error


class Feeder(threading.Thread):
    """Sends the bytes in the background, in these pieces, then FIN."""

    def __init__(self, peer, pieces):
        super().__init__(daemon=True)
        self.peer, self.pieces, self.error = peer, pieces, None
        self.start()

    def run(self):
        try:
            for piece in self.pieces:
                self.peer.sendall(piece)
            self.peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    def wait(self):
        self.join(DEADLINE_S)
        if self.error:
            raise self.error


def echo(peer, total, seed=1, finish=True):
    """Sends `total` bytes and reads them back at the same time; with `finish`, then both FINs."""
    sender = Sender(peer, total, seed, finish)
    expect(peer, total, seed)
    if finish:
        expect_end(peer)
    sender.wait()


def echo_once(address, total=1000, seed=1):
    """Makes one echo on a new connection."""
    with connect(address) as peer:
        echo(peer, total, seed)


def module(name):
    """Returns the path of a module of tests/system/modules."""
    return os.path.join(Settings.build, "modules", name + (".dll" if Settings.is_windows() else ".so"))


def start_tool():
    """Returns tests/windows/start.c as a program: it starts programs in ways that Linux cannot."""
    return os.path.join(Settings.build, "start.exe")


def path_for_weir(path):
    """Returns the path as the program sees it: Wine maps our tree to drive Z."""
    return "Z:" + path.replace("/", "\\") if Settings.is_windows() else path


def non_reading_client(address):
    """Returns a connection that never reads: its receive buffer is small, so that its answers stay in the server."""
    peer = connect(address, receive_bytes=4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MIB)
    peer.setblocking(False)
    return peer


def servers_wait():
    """Whether every running weir waits: if its peers cannot send then, they never can."""
    return all(weir.is_waiting() for weir in Weir.running)


def flood(peers, seed=1, piece=None):
    """Sends the same piece (64 KiB) repeatedly to each peer, until none has accepted a byte for a while and the server
    waits; returns the bytes accepted per peer."""
    piece = piece or pattern_bytes(65536, seed)
    taken = {peer: 0 for peer in peers}
    stuck_s = STUCK_WINE_S if Settings.is_windows() else STUCK_S
    last_sent_s = time.monotonic()
    while sum(taken.values()) < FLOOD_MAX:
        writable = select.select([], peers, [], POLL_S)[1]
        pause_s = time.monotonic() - last_sent_s
        if not writable and pause_s > stuck_s and servers_wait():
            return taken
        if writable:
            last_sent_s = time.monotonic()
        elif pause_s > DEADLINE_S:
            raise AssertionError(f"in {DEADLINE_S} s, the server neither received nor waited")
        for peer in writable:
            taken[peer] += peer.send(piece[taken[peer] % len(piece):])
    raise AssertionError(f"{FLOOD_MAX} bytes were taken from clients that read nothing")


def expect_flood(peer, taken, seed=1):
    """Receives the bytes sent by flood(), up to their end or the stream's; returns the number of bytes, all checked."""
    piece, offset = pattern_bytes(65536, seed), 0
    while offset < taken:
        wanted = piece[:taken - offset]
        got = receive_exactly(peer, len(wanted))
        if got != wanted[:len(got)]:
            raise AssertionError(f"of {taken} bytes, one is wrong after {offset}")
        offset += len(got)
        if len(got) < len(wanted):
            break
    return offset


def unacknowledged_bytes(peer):
    """Returns the number of sent bytes that have not reached the other side's system yet."""
    return struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, b"\0" * 4))[0]


def system_memory(address, peer):
    """Returns the memory of the server's side of this connection in the Linux kernel: a dict of ss's names, and the sum
    as "bytes". r and w are the queued data with its overhead, rb and tb their bounds. f is memory in advance: it is
    negative while data is queued for which the socket has not reserved memory yet, and ss prints it without a sign."""
    listed = subprocess.run(["ss", "-tmnH", "state", "established", f"sport = :{address[1]}",
                             f"dport = :{peer.getsockname()[1]}"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"skmem:\(([^)]*)\)", listed)
    if len(found) != 1:
        raise AssertionError(f"expected one connection, ss listed: {listed!r}")
    memory = {name: int(count) for name, count in re.findall(r"([a-z]+)(\d+)", found[0])}
    memory["f"] -= 1 << 32 if memory["f"] >= 1 << 31 else 0
    memory["bytes"] = sum(memory[name] for name in ("r", "w", "f", "o", "bl"))
    return memory


def half_close(peer):
    """Sends FIN. Raises ConnectionResetError if the peer has reset the connection: shutdown() then reports, other than
    every other call, that there is none."""
    try:
        peer.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            raise ConnectionResetError(error.errno, "reset before the FIN") from error
        raise


def close_with_reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()


class BusyClient(threading.Thread):
    """Echoes small pieces, BUSY_PAUSE_S apart, until it is stopped: actions on other clients must not affect it. limit_s
    is the time limit that only a client which pauses for longer exceeds, see with_limits()."""

    def __init__(self, address, source=None, limit_s=None):
        super().__init__(daemon=True)
        self.peer = connect(address, source=source)
        self.count, self._error, self._over = 0, None, threading.Event()
        self._pace = Pace(limit_s)
        self._one()
        self.start()

    def _one(self):
        piece = b"busy %d" % self.count
        self.peer.sendall(piece)
        got = receive_exactly(self.peer, len(piece))
        if got != piece:
            raise AssertionError(f"the busy client got {got!r} for {piece!r}")
        self.count += 1
        self._pace.step()

    def run(self):
        try:
            while not self._over.wait(BUSY_PAUSE_S):
                self._one()
        except (OSError, AssertionError) as error:
            self._pace.step()
            self._error = error

    def stop(self):
        """Stops; requires that the client was served all the time and still is."""
        self._over.set()
        self.join(DEADLINE_S)
        with self.peer, self._pace:
            if self._error:
                raise AssertionError(f"the busy client, after {self.count} answers") from self._error
            echo(self.peer, 1000)


def wait_closed(peer):
    """Reads until EOF, or until the connection breaks."""
    try:
        while peer.recv(65536):
            pass
    except ConnectionError:
        pass
