# SPDX-License-Identifier: MIT
"""A reader of stderr or stdout that has stopped: clients are served, and a shutdown request ends the process."""
import fcntl
import os
import platform
import tempfile

from weir_process import (Settings, WeirTest, connect, echo_once, main, pattern_bytes, receive_exactly,
                          stop_signals, wait_closed)

FRAMED = ("--tcp", "127.0.0.1:0", "--codec", "u32be,max=1000", "--workers", "1")
TOO_LONG = b"\xff\xff\xff\xff"
SYSCALL_WRITE = {"x86_64": 1, "aarch64": 64}


class FullPipe:
    """A pipe that holds as many bytes as it can: the next write blocks until drain() reads them."""

    def __init__(self):
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.writing, False)
        self.filled = 0
        try:
            while True:
                self.filled += os.write(self.writing, b"x")
        except BlockingIOError:
            pass
        os.set_blocking(self.writing, True)  # the program shares this setting

    def drain(self):
        """Reads up to the end; returns the text after the bytes that filled the pipe."""
        os.close(self.writing)
        self.writing = None
        with open(self.reading, "rb") as pipe:
            self.reading = None
            return pipe.read()[self.filled:].decode()

    def close(self):
        for descriptor in (self.reading, self.writing):
            if descriptor is not None:
                os.close(descriptor)


def blocks_on(weir, stream):
    """Returns whether a thread of weir is in write() to this stream."""
    wanted = f"{SYSCALL_WRITE[platform.machine()]} {stream:#x} "
    for task in os.listdir(f"/proc/{weir.pid}/task"):
        try:
            with open(f"/proc/{weir.pid}/task/{task}/syscall") as syscall:
                if syscall.read().startswith(wanted):
                    return True
        except FileNotFoundError:
            pass  # this thread has ended
    return False


def framed_echo(address, total=900):
    message = total.to_bytes(4, "big") + pattern_bytes(total)
    with connect(address) as peer:
        peer.sendall(message)
        got = receive_exactly(peer, len(message))
    if got != message:
        raise AssertionError(f"{len(got)} of {len(message)} bytes came back")


class FullOutput(WeirTest):
    def full_pipe(self):
        pipe = FullPipe()
        self.addCleanup(pipe.close)
        return pipe

    def wait_blocked(self, weir, stream):
        if Settings.is_windows():
            return  # its calls cannot be observed from here, so a test can be faster than the program
        try:
            weir.wait_until(f"a thread is in write({stream})", lambda: blocks_on(weir, stream))
        except PermissionError:
            self.skipTest("/proc/PID/task/TID/syscall cannot be read here")

    def send_bad_frames(self, weir, count):
        for _ in range(count):
            with connect(weir.tcp) as peer:
                peer.sendall(TOO_LONG)
                wait_closed(peer)

    def test_a_full_stderr_blocks_no_worker(self):
        for signal_number in stop_signals():
            with self.subTest(signal=signal_number):
                pipe = self.full_pipe()
                weir = self.start(*FRAMED, stderr=pipe.writing)
                self.send_bad_frames(weir, 1)
                self.wait_blocked(weir, 2)
                self.send_bad_frames(weir, 5)
                framed_echo(weir.tcp)
                weir.send_signal(signal_number)
                self.assertEqual(weir.wait_end().code, 0)

    def test_lines_are_written_when_the_reader_continues(self):
        """All lines that had room arrive, in order, and the summary is the last one."""
        pipe = self.full_pipe()
        # Root of Linux is warned, and "ready" would wait for that line.
        user = ("--user", "nobody") if os.geteuid() == 0 and not Settings.is_windows() else ()
        weir = self.start(*FRAMED, *user, "--log-flush", "1h", stderr=pipe.writing)
        self.send_bad_frames(weir, 1)
        self.wait_blocked(weir, 2)
        weir.send_signal(stop_signals()[-1])
        text = pipe.drain()
        self.assertEqual(weir.wait_end().code, 0)
        self.assertRegex(text, r"\Aweir: warning: closing 127\.0\.0\.1:\d+: .*\nweir: served accepted=1 closed=1 .*\n\Z")

    def test_stats_on_a_full_stderr_do_not_block_a_shutdown(self):
        pipe = self.full_pipe()
        weir = self.start("--tcp", "127.0.0.1:0", "--stats", "100ms", stderr=pipe.writing)
        self.wait_blocked(weir, 2)
        echo_once(weir.tcp)
        weir.send_signal(stop_signals()[-1])
        self.assertEqual(weir.wait_end().code, 0)

    def test_a_full_stderr_and_no_time_to_flush(self):
        pipe = self.full_pipe()
        weir = self.start("--tcp", "127.0.0.1:0", "--stats", "100ms", "--log-flush", "off", stderr=pipe.writing)
        self.wait_blocked(weir, 2)
        weir.send_signal(stop_signals()[-1])
        self.assertEqual(weir.wait_end().code, 0)

    def launch_blocked(self, *arguments, **streams):
        """Starts weir without reading "ready"; returns it and the port."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        ports = os.path.join(folder.name, "ports")
        weir = self.launch(*arguments, "--port-file", ports, **streams)
        weir.wait_until("the ports are written", lambda: os.path.exists(ports))
        with open(ports) as file:
            return weir, int(file.readline())

    def test_a_full_stdout_blocks_no_shutdown(self):
        for streams in ("stdout",), ("stdout", "stderr"):
            with self.subTest(full=streams):
                pipe = self.full_pipe()
                weir, port = self.launch_blocked("--tcp", "127.0.0.1:0", "--stats", "100ms",
                                                 **{stream: pipe.writing for stream in streams})
                self.wait_blocked(weir, 1)
                echo_once(("127.0.0.1", port))
                weir.send_signal(stop_signals()[-1])
                ended = weir.wait_end()
                self.assertEqual(ended.code, 0)
                if "stderr" not in streams:
                    self.assertEqual(ended.summary["accepted"], 1)

    def test_ready_appears_when_the_reader_continues(self):
        pipe = self.full_pipe()
        weir, port = self.launch_blocked("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--log-flush", "1h",
                                         stdout=pipe.writing)
        self.wait_blocked(weir, 1)
        weir.send_signal(stop_signals()[-1])
        text = pipe.drain()
        self.assertEqual(weir.wait_end().code, 0)
        self.assertRegex(text, rf"\Alistening proto=tcp addr=127\.0\.0\.1:{port} .*\nlistening proto=udp .*\nready\n\Z")

    def test_a_failed_start_ends_with_a_full_stderr(self):
        """The exit code is that of the failure; a signal is not needed."""
        for code, arguments in ((69, ("--tcp", "192.0.2.1:1")), (78, ("--handler", "./missing.so", "--tcp", "0")),
                                (69, ("--tcp", "127.0.0.1:0", "--port-file", "/missing/ports")),
                                (69, ("--tcp", "127.0.0.1:0", "--user", "no-such-user-here"))):
            with self.subTest(arguments=arguments):
                pipe = self.full_pipe()
                self.assertEqual(self.launch(*arguments, stderr=pipe.writing).wait_end().code, code)


if __name__ == "__main__":
    main()
