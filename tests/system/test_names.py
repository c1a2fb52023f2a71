# SPDX-License-Identifier: MIT
"""Arguments, paths and names of modules in any language: they arrive unchanged, and messages print them unchanged.

On Windows each test also runs without the manifest's UTF-8 code page, as on systems that do not know it."""
import os
import shutil
import subprocess
import tempfile

from test_send import Peer, receive_all
from weir_process import (DEADLINE_S, Settings, WeirTest, connect, echo_once, linux_only, main,
                          module, path_for_weir, receive_exactly, start_tool)

OK, FAILED, USAGE, UNAVAILABLE, WRONG_SETTING = 0, 1, 64, 69, 78
# Polish, Japanese, Arabic, a combining accent, beyond 16 bits, and an ASCII name of each kind of blank and quote.
NAMES = ("Łódź", "日本語", "مرحبا", "e\u0301", "😀🏴", "naïve café", "tab\tand 'quotes'", "%PATH% $HOME")


class Names(WeirTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        """Returns (the path here, the path for weir)."""
        path = os.path.join(self.folder, *names)
        return path, path_for_weir(path)

    def write(self, text, *names):
        path, for_weir = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return for_weir

    def copy_module(self, *names):
        path, for_weir = self.path(*names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(module("shout"), path)
        return for_weir

    def assert_shouts(self, *arguments):
        weir = self.start(*arguments)
        with connect(weir.tcp) as peer:
            peer.sendall(b"who is there?")
            self.assertEqual(receive_exactly(peer, 13), b"WHO IS THERE?")
        weir.stop()

    def test_messages(self):
        messages = [*NAMES, "", "*", "?", "*.py", "back\\slash\\", 'a "quoted" word', "\\\"", "-- --"]
        got = []
        with Peer(lambda peer: got.append(receive_all(peer))) as peer:
            ended = subprocess.run([*Settings.emulator, Settings.weir, "send", "--codec", "u8", peer.address, "--", *messages],
                                   stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False)
            self.assertEqual((ended.returncode, ended.stderr), (OK, b""))
        self.assertEqual(got, [b"".join(bytes([len(one.encode())]) + one.encode() for one in messages)])

    def test_messages_in_errors(self):
        for name in NAMES[:6]:
            for code, arguments in ((USAGE, (name,)), (USAGE, ("--tcp", name)), (USAGE, ("--" + name,)),
                                    (WRONG_SETTING, ("frame", "explain", name)), (USAGE, ("frame", name)),
                                    (USAGE, ("send", name, "hello"))):
                with self.subTest(arguments=arguments):
                    ended = self.run_weir(*arguments)
                    self.assertEqual(ended.returncode, code, ended.stderr)
                    self.assertIn(name, ended.stderr)

    def test_port_file(self):
        for name in NAMES[:6]:
            path, for_weir = self.path(name, name + ".txt")
            os.mkdir(os.path.dirname(path))
            for _ in range(2):  # the second one replaces the file
                weir = self.start("--tcp", "127.0.0.1:0", "--port-file", for_weir)
                self.assertEqual(os.listdir(os.path.dirname(path)), [os.path.basename(path)])
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), b"%d\n" % weir.tcp[1])
                weir.stop()

    def test_port_file_that_cannot_be_written(self):
        path = self.path("日本", "absent", "ports")[1]
        ended = self.run_weir("--tcp", "127.0.0.1:0", "--port-file", path, transport=True)
        self.assertNotEqual(ended.returncode, OK)
        self.assertIn(path, ended.stderr)

    def test_lists(self):
        allow = self.write("127.0.0.0/8\n", "許可", "Łódź.txt")
        deny = self.write("10.0.0.0/8\n", "許可", "😀.txt")
        weir = self.start("--tcp", "127.0.0.1:0", "--allow-file", allow, "--deny-file", deny)
        echo_once(weir.tcp)
        weir.stop()
        for option, name, text in (("--allow-file", "absent-日本.txt", None), ("--deny-file", "wrong-Łódź.txt", "nonsense\n")):
            path = self.write(text, name) if text else self.path(name)[1]
            ended = self.run_weir("--tcp", "127.0.0.1:0", option, path)
            self.assertNotEqual(ended.returncode, OK)
            self.assertIn(path, ended.stderr)

    def test_modules(self):
        for name in NAMES[:6]:
            with self.subTest(name=name):
                self.assert_shouts("--tcp", "127.0.0.1:0", "--handler", self.copy_module(name, name + os.path.splitext(
                    module("shout"))[1]))

    def test_module_of_one_listener(self):
        path = self.copy_module("日本", "😀" + os.path.splitext(module("shout"))[1])
        bytes_of_name = "".join(f"%{byte:02x}" for byte in os.path.splitext(path)[0].encode())
        for escaped in (path.replace("\\", "%5C"), bytes_of_name + os.path.splitext(path)[1]):
            self.assert_shouts("--listen", f"tcp://127.0.0.1:0?handler={escaped}")

    def test_module_that_is_missing_or_wrong(self):
        wrong = self.write("no library", "Łódź.dll")
        for path, pattern in ((self.path("日本.so")[1], "there is no such file"), (wrong, "no module can be loaded from it: .+")):
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--handler", path, transport=True)
            self.assertEqual(ended.returncode, WRONG_SETTING)
            self.assertIn(f"--handler {path}: ", ended.stderr)
            self.assertRegex(ended.stderr, pattern)

    def test_endings_of_modules_have_no_case(self):
        for name in ("absent.DLL", "absent.Dll", "absent.SO", "日本.DLL"):
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--handler", name, transport=True)
            self.assertEqual(ended.returncode, WRONG_SETTING)
            self.assertIn(f"--handler {name}: there is no such file", ended.stderr)
        self.assert_shouts("--tcp", "127.0.0.1:0", "--handler", self.copy_module("LOUD.DLL"))

    def test_long_paths(self):
        """Longer than the 260 characters of older Windows; each name has fewer than 255 bytes."""
        names = ["日本語" * 20] * 6
        path, for_weir = self.path(*names, "ports.txt")
        os.makedirs(os.path.dirname(path))
        weir = self.start("--tcp", "127.0.0.1:0", "--port-file", for_weir)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"%d\n" % weir.tcp[1])
        weir.stop()
        self.assert_shouts("--tcp", "127.0.0.1:0", "--handler", self.copy_module(*names, "loud.dll"))

    @linux_only("arguments of Windows are Unicode")
    def test_bytes_that_are_no_utf8(self):
        """On Linux a name is any bytes."""
        path = os.fsencode(self.folder) + b"/\xff\xfe"
        weir = self.start("--tcp", "127.0.0.1:0", "--port-file", path)
        self.assertTrue(os.path.exists(path))
        weir.stop()

    def test_bytes_in_a_url_that_are_no_utf8(self):
        folder = path_for_weir(self.folder).replace("\\", "%5C")
        ended = self.run_weir("--listen", f"tcp://127.0.0.1:0?handler={folder}%ff.so", transport=True, errors="replace")
        self.assertEqual(ended.returncode, WRONG_SETTING)
        self.assertIn("there is no such file", ended.stderr)


class WindowsOnly(WeirTest):
    def setUp(self):
        if not Settings.is_windows():
            self.skipTest("arguments of Linux are bytes")

    def test_half_of_a_surrogate_pair(self):
        for argument, position, displayed in (("\\ud800", 2, "\ufffd"), ("a\\udc00b", 2, "a\ufffdb"), ("a\\ud83d", 2, "a\ufffd"),
                                           ("--tcp=\\ud83dx", 2, "--tcp=\ufffdx")):
            with self.subTest(argument=argument):
                ended = self.run_weir("frame", argument, launcher=())
                self.assertNotIn("surrogate", ended.stderr)  # without the tool, it is six characters
                ended = subprocess.run([*Settings.emulator, start_tool(), "units", Settings.weir, "frame", argument],
                                       stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False)
                self.assertEqual((ended.returncode, ended.stdout), (USAGE, b""))
                self.assertRegex(ended.stderr.decode(), rf'\Aweir: argument {position}, "{displayed}", is not valid Unicode: '
                                                        r".*surrogate pair; .*\n\Z")

    def test_a_whole_surrogate_pair(self):
        ended = subprocess.run([*Settings.emulator, start_tool(), "units", Settings.weir, "frame", "\\ud83d\\ude00"],
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, USAGE)
        self.assertIn("😀", ended.stderr.decode())

    def test_a_host_in_any_language(self):
        """The name cannot be resolved without a network, so this checks the message only."""
        ended = self.run_weir("send", "日本.invalid:1", "hello")
        self.assertEqual(ended.returncode, UNAVAILABLE)
        self.assertRegex(ended.stderr, r"\Aweir: cannot connect to 日本\.invalid:1: [A-Z][^?]+ \(error \d+\)\n\Z")


class WithoutManifest(Names):
    """The program as on Windows before 1903, which does not know the manifest's activeCodePage."""

    @classmethod
    def setUpClass(cls):
        if not Settings.is_windows():
            return
        cls.folder_of_copy = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder_of_copy)
        with open(Settings.weir, "rb") as file:
            program = file.read()
        assert program.count(b"activeCodePage") == 2  # the begin and the end of the element
        copy = os.path.join(cls.folder_of_copy, "weir.exe")
        with open(copy, "wb") as file:
            file.write(program.replace(b"activeCodePage", b"ignoredElement"))
        cls.addClassCleanup(setattr, Settings, "weir", Settings.weir)
        Settings.weir = copy

    def setUp(self):
        if not Settings.is_windows():
            self.skipTest("Linux has no manifests")
        super().setUp()


if __name__ == "__main__":
    main()
