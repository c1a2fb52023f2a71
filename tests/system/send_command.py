# SPDX-License-Identifier: MIT
"""Runs weir send and checks how it ended."""
import subprocess

from weir_process import DEADLINE_S, Settings, WeirTest

OK, FAILED, USAGE, CANNOT_CONNECT, LOST, WRONG_SETTING = 0, 1, 64, 69, 74, 78


class SendTest(WeirTest):
    def send(self, *arguments, stdin=b""):
        """Returns the ended process; its output is bytes."""
        return subprocess.run([*Settings.emulator, Settings.weir, "send", *arguments], input=stdin, capture_output=True,
                              timeout=DEADLINE_S, check=False)

    def assert_sent(self, ended, output):
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (OK, output, b""))

    def assert_failed(self, ended, code, pattern):
        self.assertEqual(ended.returncode, code, ended)
        self.assertRegex(ended.stderr.decode(), r"\Aweir: .+\n\Z")
        self.assertRegex(ended.stderr.decode(), pattern)
