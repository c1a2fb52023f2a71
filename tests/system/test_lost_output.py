# SPDX-License-Identifier: MIT
"""Output that is lost and input that cannot be read are errors of every command: one line on stderr, exit code 74."""
import contextlib
import fcntl
import os
import re
import socket
import subprocess
import tempfile
import threading

from weir_process import (DEADLINE_S, SANITIZED, Settings, WeirTest, connect, echo_once, linux_only, main, path_for_weir,
                          receive_exactly, stop_signals, wait_closed)

OK, FAILED, USAGE, LOST = 0, 1, 64, 74
PRINTING = (("--help",), ("-h",), ("--version",), ("serve", "--help"), ("serve", "-V"), ("send", "--help"),
            ("frame", "--help"), ("frame", "explain", "u32be"))
# Each prints something for this input.
FILTERS = ((("frame", "decode", "line"), b"hello\n"), (("frame", "encode", "line"), b"hello\n"),
           (("frame", "guess"), b"hello\nyou there\n"))
LISTENERS = ("--tcp", "127.0.0.1:0")


@contextlib.contextmanager
def full_disk():
    with open("/dev/full", "wb") as stream:
        yield stream


@contextlib.contextmanager
def closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


class Answering(threading.Thread):
    """A server that answers each connection with the same bytes, and then waits for its end."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer:
                peer.settimeout(DEADLINE_S)
                with contextlib.suppress(OSError):
                    peer.sendall(self.answer)
                    wait_closed(peer)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class LostTest(WeirTest):
    def end_of(self, *arguments, close=(), stdout=subprocess.PIPE, **options):
        """Runs a command to its end; returns its exit code and stderr."""
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        ended = subprocess.run([*Settings.emulator, Settings.weir, *arguments], stdout=stdout, stderr=subprocess.PIPE,
                               timeout=DEADLINE_S, check=False,
                               preexec_fn=lambda: [os.close(descriptor) for descriptor in close], **options)
        return ended.returncode, ended.stderr.decode()

    def assert_lost(self, ended, what, cause="weir: "):
        code, log = ended
        self.assertEqual(code, LOST, log)
        self.assertRegex(log, rf"\Aweir: cannot {what}: .+\n\Z")
        if not Settings.is_windows():
            self.assertRegex(log, cause)

    def all_losses(self):
        yield full_disk, r"No space left on device \(ENOSPC\); free some space"
        yield closed_pipe, r"Broken pipe \(EPIPE\); the program that reads it has ended"

    def some(self, commands):
        """Starting a program takes a second under Wine."""
        return commands[::3] if Settings.is_windows() else commands


class Stdout(LostTest):
    def test_commands_that_print(self):
        for loss, cause in self.all_losses():
            for arguments in self.some(PRINTING):
                with self.subTest(arguments=arguments, loss=loss.__name__), loss() as stream:
                    self.assert_lost(self.end_of(*arguments, stdout=stream), "write to stdout", cause)

    def test_commands_that_read_and_print(self):
        for loss, cause in self.all_losses():
            for arguments, given in FILTERS:
                with self.subTest(arguments=arguments, loss=loss.__name__), loss() as stream:
                    self.assert_lost(self.end_of(*arguments, input=given, stdout=stream), "write to stdout", cause)

    @linux_only("Wine uses the number of a closed descriptor itself")
    def test_a_closed_stdout(self):
        commands = [(arguments, b"") for arguments in PRINTING] + list(FILTERS)
        for arguments, given in commands:
            with self.subTest(arguments=arguments):
                self.assert_lost(self.end_of(*arguments, input=given, close=(1,)), "write to stdout",
                                 r"EBADF\); it is closed")

    @linux_only("the limit on the size of files is Linux's")
    def test_a_limit_on_the_size_of_files(self):
        """Linux sends a signal, too, which must not end the command without a word."""
        if SANITIZED:
            self.skipTest("the sanitizers make files before main()")
        with tempfile.TemporaryFile() as file:
            ended = subprocess.run(["prlimit", "--fsize=100", Settings.weir, "serve", "--help"], stdout=file,
                                   stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False)
            self.assert_lost((ended.returncode, ended.stderr.decode()), "write to stdout", r"EFBIG\); .*ulimit -f")

    def test_an_endless_input_ends_with_the_output(self):
        """The command does not read on when nothing that it prints can arrive."""
        for arguments, piece in ((("frame", "decode", "line"), b"hello\n" * 10000),
                                 (("frame", "encode", "line"), b"hello\n" * 10000)):
            with self.subTest(arguments=arguments), closed_pipe() as stream:
                process = subprocess.Popen([*Settings.emulator, Settings.weir, *arguments], stdin=subprocess.PIPE,
                                           stdout=stream, stderr=subprocess.PIPE)
                with process, self.assertRaises(BrokenPipeError):
                    while True:
                        process.stdin.write(piece)
                        process.stdin.flush()
                self.assertEqual(process.returncode, LOST)

    def test_an_error_after_lost_output_is_not_the_second_line(self):
        with full_disk() as stream:
            self.assert_lost(self.end_of("frame", "decode", "u8", input=b"\1x\5y", stdout=stream), "write to stdout")

    def test_an_error_without_output_keeps_its_code(self):
        with full_disk() as stream:
            self.assertEqual(self.end_of("--tpc", stdout=stream)[0], USAGE)
            code, log = self.end_of("frame", "decode", "u8", input=b"\5y", stdout=stream)
            self.assertEqual(code, FAILED)
            self.assertRegex(log, r"\Aweir: bad frame .*\n\Z")

    @linux_only("a pipe of Linux that another program made non-blocking")
    def test_a_non_blocking_stdout_loses_nothing(self):
        given = b"".join(b"%d\n" % i for i in range(100_000))
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        process = subprocess.Popen([Settings.weir, "frame", "encode", "line"], stdin=subprocess.PIPE, stdout=writing)
        os.close(writing)
        feeder = threading.Thread(target=lambda: (process.stdin.write(given), process.stdin.close()), daemon=True)
        feeder.start()
        with open(reading, "rb") as stream:
            self.assertEqual(stream.read(), given)
        feeder.join(DEADLINE_S)
        self.assertEqual(process.wait(DEADLINE_S), OK)


class Stdin(LostTest):
    def test_a_folder(self):
        folder = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        for arguments, _ in FILTERS:
            with self.subTest(arguments=arguments):
                self.assert_lost(self.end_of(*arguments, stdin=folder), "read stdin", r"EISDIR\); it is a folder")

    @linux_only("Wine uses the number of a closed descriptor itself")
    def test_a_closed_stdin(self):
        for arguments, _ in FILTERS:
            with self.subTest(arguments=arguments):
                self.assert_lost(self.end_of(*arguments, close=(0,)), "read stdin", r"EBADF\); it is closed")

    @linux_only("a descriptor of Linux that can only be written")
    def test_a_stdin_that_can_only_be_written(self):
        with tempfile.TemporaryFile("wb") as file, open(f"/proc/self/fd/{file.fileno()}", "wb") as written:
            for arguments, _ in FILTERS:
                self.assert_lost(self.end_of(*arguments, stdin=written), "read stdin", "EBADF")

    @linux_only("a file of Linux that fails")
    def test_a_stdin_that_fails(self):
        for arguments, _ in FILTERS:
            with self.subTest(arguments=arguments), open("/proc/self/mem", "rb") as file:  # address 0 is not mapped
                self.assert_lost(self.end_of(*arguments, stdin=file), "read stdin", r"Input/output error \(EIO\)")

    @linux_only("a terminal of Linux that has hung up")
    def test_a_stdin_that_fails_after_a_part(self):
        """A read that fails is not the end of the input: what was read before is printed."""
        leader, terminal = os.openpty()
        process = subprocess.Popen([Settings.weir, "frame", "decode", "line"], stdin=terminal, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        os.write(leader, b"hello\n")
        line = process.stdout.readline()
        os.close(leader)
        os.close(terminal)
        rest, log = process.communicate(timeout=DEADLINE_S)
        self.assertIn(b'"hello"', line)
        # A terminal without its other side ends the input, or fails: this depends on what notices it first.
        self.assertIn((process.returncode, rest), ((OK, b""), (LOST, b"")), log)

    def test_empty_input_is_no_error(self):
        self.assertEqual(self.end_of("frame", "decode", "line", input=b""), (OK, ""))
        self.assertEqual(self.end_of("frame", "encode", "line", input=b""), (OK, ""))

    @linux_only("Wine uses the number of a closed descriptor itself")
    def test_commands_that_do_not_read_it(self):
        """A closed stdin matters only to those that read it."""
        self.assertEqual(self.end_of("--version", close=(0,)), (OK, ""))
        self.assertEqual(self.end_of("frame", "explain", "u8", close=(0,)), (OK, ""))


class Send(LostTest):
    def setUp(self):
        self.server = Answering(b"hello\n" * 100)
        self.addCleanup(self.server.close)

    def test_lost_answers(self):
        """The command ends with the first lost answer, and does not wait for the server."""
        for loss, cause in self.all_losses():
            for options in ((), ("--codec", "line"), ("--wait", "1h"), ("--hex",), ("--raw",)):
                with self.subTest(options=options, loss=loss.__name__), loss() as stream:
                    self.assert_lost(self.end_of("send", *options, self.server.address, "68", stdout=stream),
                                     "write to stdout", cause)

    @linux_only("Wine uses the number of a closed descriptor itself")
    def test_closed_streams(self):
        self.assert_lost(self.end_of("send", self.server.address, "hello", close=(1,)), "write to stdout", "EBADF")
        self.assert_lost(self.end_of("send", "--wait", "1h", self.server.address, close=(0,)), "read stdin", "EBADF")

    def test_a_folder_as_stdin(self):
        folder = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        self.assert_lost(self.end_of("send", "--wait", "1h", self.server.address, stdin=folder), "read stdin", "EISDIR")


class Serve(LostTest):
    def assert_ends(self, cause, *arguments, **options):
        weir = self.launch(*LISTENERS, *arguments, **options)
        ended = weir.wait_end()
        self.assert_lost((ended.code, ended.log), "write to stdout", cause)

    def test_ready_cannot_be_printed(self):
        for loss, cause in self.all_losses():
            for options in ((), ("-q",), ("--stats", "100ms"), ("--workers", "2")):
                with self.subTest(options=options, loss=loss.__name__), loss() as stream:
                    self.assert_ends(cause, *options, stdout=stream)

    @linux_only("Wine uses the number of a closed descriptor itself")
    def test_a_closed_stdout(self):
        self.assert_ends("EBADF", close=(1,), stdout=subprocess.DEVNULL)
        weir = self.launch(*LISTENERS, close=(1, 2), stdout=subprocess.DEVNULL)
        self.assertEqual(weir.wait_end().code, LOST)

    @linux_only("/proc shows what the program does")
    def test_the_reader_ends_before_ready(self):
        """Stdout is full, then closed: the server runs until then, and clients are served."""
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x")
        os.set_blocking(writing, True)
        with tempfile.TemporaryDirectory() as folder:
            ports = os.path.join(folder, "ports")
            weir = self.launch(*LISTENERS, "--port-file", ports, stdout=writing)
            os.close(writing)
            weir.wait_until("the ports are written", lambda: os.path.exists(ports))
            with open(ports, encoding="ascii") as file:
                address = ("127.0.0.1", int(file.read()))
            with connect(address) as peer:
                peer.sendall(b"served")
                self.assertEqual(receive_exactly(peer, 6), b"served")
                os.close(reading)
                ended = weir.wait_end()
                wait_closed(peer)
            self.assert_lost((ended.code, ended.log), "write to stdout", "EPIPE")
            self.assertEqual(os.listdir(folder), [])

    def test_a_reader_that_ends_after_ready(self):
        """Nothing is printed on stdout after "ready", so nothing is lost."""
        weir = self.start(*LISTENERS)
        weir.process.stdout.close()
        echo_once(weir.tcp)
        weir.stop()

    def test_lost_log_lines_do_not_end_a_server(self):
        """A server must not end because its log has no room, or no reader."""
        for loss, _ in self.all_losses():
            with self.subTest(loss=loss.__name__), loss() as stream:
                weir = self.start(*LISTENERS, "--stats", "100ms", "-vv", stderr=stream)
                for _ in range(3):
                    echo_once(weir.tcp)
                weir.send_signal(stop_signals()[-1])
                self.assertEqual(weir.wait_end().code, OK)

    def test_later_stats_reach_a_reader(self):
        """A disk can have room again: later lines are written."""
        if Settings.is_windows() or SANITIZED:
            self.skipTest("needs a limit on the size of files, which only Linux has, and sanitizers do not survive")
        with tempfile.TemporaryFile() as log:
            weir = self.start(*LISTENERS, "--stats", "100ms", "-vv", stderr=log,
                              launcher=("prlimit", "--fsize=0:unlimited"))
            subprocess.run(["prlimit", f"--pid={weir.pid}", "--fsize=unlimited:unlimited"], check=True)
            weir.wait_until("a line of counters is in the log",
                            lambda: b"weir: stats accepted=" in os.pread(log.fileno(), 1 << 20, 0))
            weir.send_signal(stop_signals()[-1])
            self.assertEqual(weir.wait_end().code, OK)


class Lists(LostTest):
    """Files of --allow-file and --deny-file."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "list")

    def assert_unreadable(self, cause, path=None, option="--allow-file", **options):
        name = path_for_weir(path or self.path)
        code, log = self.end_of(*LISTENERS, option, name, **options)
        self.assertEqual(code, LOST, log)
        self.assertRegex(log, rf"\Aweir: {option} {re.escape(name)}: cannot (open|read) the file: .+\n\Z")
        if not Settings.is_windows():
            self.assertRegex(log, cause)

    def test_a_file_that_is_missing_or_a_folder(self):
        for option in ("--allow-file", "--deny-file"):
            self.assert_unreadable(r"ENOENT\); check that it exists and is readable", option=option)
            self.assert_unreadable(r"EISDIR\); it is a folder", path=self.folder, option=option)

    @linux_only("files of Linux that fail")
    def test_files_that_cannot_be_read(self):
        self.assert_unreadable("EIO", path="/proc/self/mem")  # address 0 is not mapped
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            self.assert_unreadable("ENXIO")
        os.remove(self.path)
        os.symlink("list", self.path)
        self.assert_unreadable("ELOOP")

    def test_wrong_usage_decides_over_an_unreadable_file(self):
        code, log = self.end_of(*LISTENERS, "--allow-file", path_for_weir(self.path), "--tpc", "1")
        self.assertEqual((code, log.count("\n")), (USAGE, 2))

    @linux_only("pipes of Linux")
    def test_pipes_and_files_without_a_size(self):
        """A list can come from another program: --allow-file <(command)."""
        reading, writing = os.pipe()
        os.write(writing, b"127.0.0.0/8\n")
        os.close(writing)
        weir = self.start(*LISTENERS, "--allow-file", f"/dev/fd/{reading}", pass_fds=(reading,))
        os.close(reading)
        echo_once(weir.tcp)
        weir.stop()
        code, log = self.end_of(*LISTENERS, "--allow-file", "/proc/self/comm")
        self.assertEqual(code, USAGE)
        self.assertIn("line 1: weir", log)

    def test_a_file_that_is_too_long(self):
        with open(self.path, "wb") as file:
            file.truncate((16 << 20) + 1)
        code, log = self.end_of(*LISTENERS, "--allow-file", path_for_weir(self.path))
        self.assertEqual(code, LOST)
        self.assertRegex(log, r"\Aweir: .*the file has more than 16 MiB; split it\n\Z")


if __name__ == "__main__":
    main()
