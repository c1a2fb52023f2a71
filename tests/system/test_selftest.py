# SPDX-License-Identifier: MIT
"""weir selftest reports what the machine offers, in one file; its last line is the verdict."""
import os
import sys
import tempfile

from weir_process import Settings, WeirTest, io_uring_error, main, path_for_weir

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
OK, FAILED, USAGE, CANNOT_WRITE = 0, 1, 64, 74


class Selftest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "report.txt")

    def selftest(self, *arguments, launcher=()):
        """Runs weir selftest; returns its exit code and the report's lines."""
        ended = self.run_weir("selftest", "--output", path_for_weir(self.file), *arguments, launcher=launcher)
        with open(self.file, encoding="utf-8", newline="") as report:
            text = report.read()
        self.assertEqual(ended.stdout, text, "what is printed is what the file has")
        self.assertEqual(ended.stderr, "")
        return ended.returncode, text.splitlines()

    def transports(self):
        return ("rio", "iocp") if Settings.is_windows() else ("uring", "epoll")

    def echo_line(self, lines, transport):
        found = [line for line in lines if line.startswith(f"echo over {transport}: ")]
        self.assertEqual(len(found), 1, lines)
        return found[0]

    def test_the_last_line_is_the_verdict(self):
        code, lines = self.selftest()
        self.assertEqual(code, OK, lines)
        self.assertRegex(lines[0], r"\Aweir \S+ selftest on (Linux|Windows|Wine, as Windows) \S+.*, (32|64) bits\Z")
        best, last = self.transports()
        self.assertTrue(self.echo_line(lines, last).endswith("every byte came back"))
        if self.echo_line(lines, best).endswith("every byte came back"):
            self.assertEqual(lines[-1], "good")
        else:
            self.assertEqual(lines[-1], "good without " + {"rio": "RIO", "uring": "io_uring"}[best])
            self.assertRegex(self.echo_line(lines, best), r"\((WSA)?E\w+( \(\d+\))?\)|WSAE\w+ \(100\d\d\)", "it says why")
        if best == "uring":
            self.assertEqual(lines[-1] == "good", not io_uring_error())

    def test_an_old_report_is_replaced(self):
        with open(self.file, "w", encoding="utf-8") as report:
            report.write("old\n" * 10000)
        code, lines = self.selftest()
        self.assertEqual((code, "old" in lines), (OK, False))

    def test_without_io_uring_it_is_good(self):
        if Settings.is_windows():
            self.skipTest("io_uring is of Linux")
        if self.run_weir("--version", launcher=(sys.executable, LAUNCHER, "EPERM")).returncode != OK:
            self.skipTest("seccomp filters are unavailable")
        code, lines = self.selftest(launcher=(sys.executable, LAUNCHER, "EPERM"))
        self.assertEqual((code, lines[-1]), (OK, "good without io_uring"))
        self.assertRegex(self.echo_line(lines, "uring"), r"cannot use io_uring: .*\(EPERM\).*not available")

    def test_what_stands_still_is_ended_and_named(self):
        code, lines = self.selftest("--limit", "1ms")
        self.assertEqual(code, FAILED)
        self.assertRegex(self.echo_line(lines, self.transports()[1]), r"STOOD STILL for 1 ms, and was ended\Z")
        self.assertRegex(lines[-1], rf"\Awrong: .*the echo over {self.transports()[1]} failed")

    def test_wrong_usage(self):
        for arguments, code, why in ((("--limt", "1s"), USAGE, "--limit"), (("word",), USAGE, "options only"),
                                     (("--output", path_for_weir(os.path.join(self.file, "no", "such"))),
                                      CANNOT_WRITE, "--output")):
            with self.subTest(arguments=arguments):
                ended = self.run_weir("selftest", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (code, ""))
                self.assertRegex(ended.stderr, rf"\Aweir: .*{why}.*\n\Z")

    def test_help(self):
        ended = self.run_weir("selftest", "--help")
        self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
        for wanted in ("--output", "--limit", "good without"):
            self.assertIn(wanted, ended.stdout)


if __name__ == "__main__":
    main()
