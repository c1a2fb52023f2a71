# SPDX-License-Identifier: MIT
"""weir in a Windows console: what is typed and shown is Unicode, whatever the console's code pages are, and they are the
same afterwards. The console has the code pages 850 and 437; Wine and Windows 10 provide it without a window."""
import os
import shutil
import subprocess
import tempfile

from test_send import Peer, receive_all
from weir_process import DEADLINE_S, Settings, WeirTest, main, path_for_weir, start_tool

OK, FAILED, USAGE, WRONG_SETTING = 0, 1, 64, 78
UTF8, UNCHANGED, RESTORED = "during 65001", "during 437", "end 850 437"
CTRL_C, CTRL_F, CTRL_Z = "\x03", "\x06", "\x1a"
# For a program that is to crash. Wine's debugger loads the symbols of every module, which can take a minute on a busy
# machine, and fills the screen. The other names are those that cmake/toolchains/run-in-wine leaves out.
NO_DEBUGGER = {"WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=;winedbg.exe="}


class Console(WeirTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def run_in_console(self, *arguments, typed="", program=None, environment=None):
        """Returns the exit code, the reports of code pages, and the lines of the screen."""
        path = os.path.join(self.folder, "console.txt")
        with open(path, "wb") as file:
            file.write(typed.encode())
        ended = subprocess.run([*Settings.emulator, start_tool(), "console", path_for_weir(path), program or Settings.weir,
                                *arguments],
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False,
                               env={**os.environ, **(environment or {})})
        self.assertNotIn(b"start:", ended.stderr)  # Wine reports a crash there
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        count = next(i for i, line in enumerate(lines) if line.startswith("end "))
        return ended.returncode, lines[:count + 1], lines[count + 1:]

    def test_errors_are_readable(self):
        for word in ("日本", "Łódź", "ключ"):
            code, pages, screen = self.run_in_console("--" + word)
            self.assertEqual((code, pages), (USAGE, [RESTORED]))
            self.assertEqual(screen, [f"weir: unknown option --{word}; see weir serve --help"])

    def test_typed_lines_are_sent_and_answers_shown(self):
        got = []

        def serve(peer):
            got.append(receive_all(peer))
            peer.sendall(got[0])

        with Peer(serve) as peer:
            code, pages, screen = self.run_in_console("send", "--raw", "--codec", "line", peer.address,
                                                      typed=f"日本\nŁódź 😀\n{CTRL_Z}\n")
        self.assertEqual((code, pages), (OK, [RESTORED]))
        self.assertEqual(got, ["日本\nŁódź 😀\n".encode()])
        self.assertEqual(screen[-1].strip(), "日本Łódź 😀")

    def test_long_answers_are_shown_whole(self):
        """No character is cut where the output is."""
        text = "日本語" * 400
        def serve(peer):
            peer.sendall(text.encode())
            receive_all(peer)

        with Peer(serve) as peer:
            code, _, screen = self.run_in_console("send", "--raw", peer.address, "hello")
        self.assertEqual((code, "".join(screen)), (OK, text))

    def test_frame_tool_reads_what_is_typed(self):
        code, pages, screen = self.run_in_console("frame", "encode", "line", typed=f"日本\n{CTRL_Z}x is no end\n\n{CTRL_Z}\n")
        self.assertEqual((code, pages), (OK, [RESTORED]))
        self.assertEqual(screen.count("日本"), 2)  # as typed, and as encoded

    def test_every_way_out_restores(self):
        for way in ("exit", "abort", "crash", "end"):
            with self.subTest(way=way):
                _, pages, screen = self.run_in_console(way, program=os.path.join(Settings.build, "leave.exe"),
                                                       environment=NO_DEBUGGER)
                self.assertEqual(pages, [RESTORED])
                self.assertEqual(screen[0], "日本")

    def test_ctrl_c_ends_a_command_and_restores(self):
        with Peer(lambda peer: receive_all(peer)) as peer:
            _, pages, _ = self.run_in_console("send", peer.address, typed=f"hello\n{CTRL_C}")
        self.assertEqual(pages, [UTF8, RESTORED])

    def test_a_server_does_not_keep_the_code_page(self):
        """Other programs use the console while it runs."""
        path = os.path.join(self.folder, "ports-日本.txt")
        code, pages, screen = self.run_in_console("--tcp", "127.0.0.1:0", "--transport", Settings.transport, "--port-file",
                                                  path_for_weir(path), typed=f"{CTRL_F}ready{CTRL_F}{CTRL_C}")
        self.assertEqual((code, pages), (OK, [UNCHANGED, RESTORED]))
        self.assertIn("ready", screen)
        self.assertTrue(os.path.exists(path))

    def test_a_server_shows_names(self):
        code, pages, screen = self.run_in_console("--tcp", "127.0.0.1:0", "--transport", Settings.transport, "--handler",
                                                  "Łódź/日本.dll")
        self.assertEqual((code, pages), (WRONG_SETTING, [RESTORED]))
        self.assertIn("weir: --handler Łódź/日本.dll: there is no such file", screen[0])

    def test_redirected_output_leaves_the_console_alone(self):
        """Without output for the console, there is nothing to prepare it for."""
        ended = subprocess.run([*Settings.emulator, Settings.weir, "--日本"], stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.stderr.decode(), "weir: unknown option --日本; see weir serve --help\n")


if __name__ == "__main__":
    main()
