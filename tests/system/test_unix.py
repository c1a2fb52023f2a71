# SPDX-License-Identifier: MIT
"""Unix-domain sockets by the program: --tcp unix:PATH, the permissions of the file, weir send unix:PATH."""
import errno
import os
import socket
import stat
import tempfile
import time

from weir_process import DEADLINE_S, POLL_S, WeirTest, echo, main


def connect_to(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(DEADLINE_S)
    peer.connect(path)
    return peer


class UnixSockets(WeirTest):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = f"{self.folder.name}/weir.sock"

    def mode(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def test_echo_and_the_end(self):
        weir = self.start("--tcp", f"unix:{self.path}")
        with connect_to(self.path) as peer:
            echo(peer, 100_000)
        weir.stop()
        self.assertFalse(os.path.exists(self.path))

    def test_the_mode_of_the_file(self):
        for option, expected in (("0660", 0o660), ("666", 0o666), ("0600", 0o600)):
            with self.subTest(option):
                weir = self.start("--tcp", f"unix:{self.path}", "--unix-mode", option)
                self.assertEqual(self.mode(), expected)
                with connect_to(self.path) as peer:
                    echo(peer, 1000)
                weir.stop()

    def test_without_a_mode_the_umask_decides(self):
        umask = os.umask(0o027)
        try:
            weir = self.start("--tcp", f"unix:{self.path}")
        finally:
            os.umask(umask)
        self.assertEqual(self.mode(), 0o750)
        weir.stop()

    def test_a_mode_that_is_none(self):
        for arguments, text in ((("--tcp", f"unix:{self.path}", "--unix-mode", "rw"), "permissions in octal digits"),
                                (("--tcp", "0", "--unix-mode", "0660"), "no listener has a socket file")):
            with self.subTest(arguments):
                ended = self.run_weir(*arguments)
                self.assertEqual(ended.returncode, 64)
                self.assertIn(text, ended.stderr)

    def test_send(self):
        weir = self.start("--tcp", f"unix:{self.path}", "--codec", "line")
        ended = self.run_weir("send", "--codec", "line", f"unix:{self.path}", "to a file")
        self.assertEqual((ended.returncode, ended.stdout), (0, "to a file\n"), ended)
        weir.stop()
        ended = self.run_weir("send", f"unix:{self.path}", "x")
        self.assertEqual(ended.returncode, 69, ended)

    def is_open(self):
        """Whether a socket has the path."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            return probe.connect_ex(self.path) != errno.ECONNREFUSED

    def test_a_file_that_a_dead_server_left_is_replaced(self):
        weir = self.start("--tcp", f"unix:{self.path}")
        weir.kill()
        while self.is_open():  # the system closes the sockets of a killed io_uring server a little later
            time.sleep(POLL_S)
        self.assertTrue(os.path.exists(self.path))
        weir = self.start("--tcp", f"unix:{self.path}")
        ended = self.run_weir("--tcp", f"unix:{self.path}")
        self.assertEqual(ended.returncode, 69)
        self.assertTrue(ended.stderr.endswith("or take another path\n"), ended.stderr)
        with connect_to(self.path) as peer:
            echo(peer, 1000)
        weir.stop()

    def test_a_name_without_a_file(self):
        name = f"weir-test-{os.getpid()}"
        weir = self.start("--tcp", f"unix:@{name}")
        with connect_to(f"\0{name}") as peer:
            echo(peer, 1000)
        weir.stop()


if __name__ == "__main__":
    main()
