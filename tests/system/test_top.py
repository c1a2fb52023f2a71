# SPDX-License-Identifier: MIT
"""weir top: as plain text for scripts, and on a terminal, with its keys, its size, and a server that goes away."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time

from weir_process import DEADLINE_S, Settings, WeirTest, connect, main, receive_exactly

UNAVAILABLE, USAGE = 69, 64
ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"


class Terminal:
    """A program on a pseudo-terminal, whose output is kept."""

    def __init__(self, *command, columns=100, rows=30):
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.output = b""
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, columns, rows):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self._master, text)

    def wait(self, pattern):
        """Waits until the output matches; forgets it up to there, and returns the match."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.output, re.S)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                raise AssertionError(f"never {pattern!r} in {self.output!r}")
            self.output += os.read(self._master, 65536)
        self.output = self.output[found.end():]
        return found

    def end(self):
        """Waits until the program has ended; returns its exit code, and whether the terminal is as before."""
        code = self.process.wait(DEADLINE_S)
        return code, termios.tcgetattr(self._slave) == self.before

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self._master)
        os.close(self._slave)


class TopTest(WeirTest):
    def start_server(self, *arguments):
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1", "--admin", "127.0.0.1:0", *arguments)
        peer = self.enterContext(connect(weir.tcp))
        peer.sendall(b"hello")
        receive_exactly(peer, 5)
        self.peer = "{}:{}".format(*peer.getsockname())
        return weir

    def top(self, weir, *arguments, **size):
        terminal = Terminal(*Settings.emulator, Settings.weir, "top", "--admin", weir.admin, "--interval", "200ms", *arguments, **size)
        self.addCleanup(terminal.close)
        return terminal

    def test_once(self):
        weir = self.start_server()
        ended = self.run_weir("top", "--once", "--interval", "200ms", "--admin", weir.admin)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertRegex(ended.stdout, r"^weir \S+  serving  up \d+ \w+  node 0  1 of 100 k sessions\nreceived ")
        self.assertRegex(ended.stdout, rf"\n{re.escape(self.peer)} +open +0 bytes +5 bytes +5 bytes .* echo\n")
        self.assertIn("\nNothing stands out: no rule found a problem.\n", ended.stdout)
        self.assertNotIn("\x1b", ended.stdout)
        weir.stop()

    def test_a_server_that_is_not_there(self):
        with connect(self.start("--tcp", "127.0.0.1:0").tcp) as peer:
            free = peer.getsockname()[1]
        ended = self.run_weir("top", "--once", "--admin", f"127.0.0.1:{free}")
        self.assertEqual((ended.returncode, ended.stdout), (UNAVAILABLE, ""))
        self.assertRegex(ended.stderr, rf"^weir: .*127\.0\.0\.1:{free}: .*\n$")

    def test_wrong_arguments(self):
        for arguments in (["--admin", "nowhere"], ["--admin-token-file", "no such file"], ["127.0.0.1:1"], ["--interval", "0"],
                          ["--sort", "x"]):
            ended = self.run_weir("top", *arguments)
            self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""), arguments)
            self.assertTrue(ended.stderr.startswith("weir: "), ended.stderr)

    def test_token(self):
        """The token is needed, and read from a file."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("correct-horse-battery\n")
            file.flush()
            weir = self.start_server("--admin-token-file", file.name)
            ended = self.run_weir("top", "--once", "--admin", weir.admin)
            self.assertEqual(ended.returncode, UNAVAILABLE)
            self.assertIn("use --admin-token-file", ended.stderr)
            ended = self.run_weir("top", "--once", "--interval", "200ms", "--admin", weir.admin, "--admin-token-file", file.name)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        weir.stop()

    def test_keys_and_size(self):
        weir = self.start_server()
        top = self.top(weir, columns=100, rows=30)
        top.wait(re.escape(ENTER))
        screen = top.wait(rb"\x1b\[Hweir .*?q: quit   s: sort \(now by queue\).*?\x1b\[J|\x1b\[H\x1b\[1mweir .*?now by queue\).*?\x1b\[J").group()
        self.assertEqual(screen.count(b"\r\n"), 29)
        self.assertIn(self.peer.encode(), screen)
        top.type(b"s")
        top.wait(rb"now by bytes\)")
        top.resize(40, 10)
        top.wait(rb"\x1b\[J")  # perhaps of the earlier size
        screen = top.wait(rb"\x1b\[H(?:(?!\x1b\[H).)*\x1b\[J").group()
        deadline = time.monotonic() + DEADLINE_S
        while screen.count(b"\r\n") != 9 and time.monotonic() < deadline:
            screen = top.wait(rb"\x1b\[H(?:(?!\x1b\[H).)*\x1b\[J").group()
        self.assertEqual(screen.count(b"\r\n"), 9)
        plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", screen).split(b"\r\n")
        self.assertLessEqual(max(len(line) for line in plain), 40)
        top.type(b"q")
        top.wait(re.escape(LEAVE))
        self.assertEqual(top.end(), (0, True))
        weir.stop()

    def test_ctrl_c_and_signals(self):
        weir = self.start_server()
        for stop in (lambda top: top.type(b"\x03"), lambda top: top.process.terminate()):
            top = self.top(weir)
            top.wait(rb"q: quit")
            stop(top)
            top.wait(re.escape(LEAVE))
            self.assertEqual(top.end(), (0, True))
        weir.stop()

    def test_a_server_that_goes_away(self):
        """The last figures stay, with the reason; a server at the same address is shown again."""
        weir = self.start_server()
        top = self.top(weir, columns=150)
        top.wait(re.escape(self.peer.encode()))
        weir.stop()
        top.wait(rb"No answer: .*" + re.escape(weir.admin.encode()))
        top.wait(re.escape(self.peer.encode()))
        again = self.start("--tcp", "127.0.0.1:0", "--admin", weir.admin)
        top.wait(rb"serving  up \d+ \w+  node 0  0 of")
        top.type(b"q")
        self.assertEqual(top.end(), (0, True))
        again.stop()


if __name__ == "__main__":
    main()
