# SPDX-License-Identifier: MIT
"""docs/extending.md is correct: its commands produce the output shown there. Its programs are built in a separate
folder, against an installed weir, with the CMakeLists.txt of the document."""
import pathlib
import re
import socket
import subprocess
import tempfile

from program import STRICT, TREE, Program, build_folder, cached, compiler, fences, run
from weir_process import (DEADLINE_S, SANITIZED, Settings, WeirTest, connect, expect_end, main, receive_exactly)

DOCUMENT = TREE / "docs" / "extending.md"


def weir_test_program():
    return pathlib.Path(Settings.weir).with_name("weir-test")


def named_programs():
    """Returns {name: text} of its C and C++ programs: the line before each program names the file."""
    text = DOCUMENT.read_text("utf-8")
    found = {}
    for match in re.finditer(r"^```c(?:pp)?\n(.*?)^```$", text, re.M | re.S):
        names = re.findall(r"`(\w+\.c(?:pp)?)`", text[:match.start()])
        found[names[-1]] = match[1]
    return found


class Followed(WeirTest):
    """Follows every step of the document, in order."""

    @classmethod
    def setUpClass(cls):
        if SANITIZED or cached("CMAKE_BUILD_TYPE") != "Release":
            return
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.mine = pathlib.Path(folder.name) / "mine"
        cls.mine.mkdir()
        prefix = pathlib.Path(folder.name) / "weir"
        run("cmake", "--install", build_folder(), "--prefix", prefix)
        for name, text in named_programs().items():
            (cls.mine / name).write_text(text, "utf-8")
        (cls.mine / "CMakeLists.txt").write_text("".join(text for _, text in fences(DOCUMENT, "cmake")), "utf-8")
        run("cmake", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}",
            "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror",
            cwd=cls.mine)
        run("cmake", "--build", "build", cwd=cls.mine)

    def setUp(self):
        if SANITIZED or cached("CMAKE_BUILD_TYPE") != "Release":
            self.skipTest("only for builds without sanitizers")

    def module(self, name, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--handler", str(self.mine / "build" / f"{name}.so"), *arguments)

    def test_greet(self):
        weir = self.module("greet", "--codec", "line")
        host, port = weir.tcp
        answer = subprocess.run(["nc", "-N", host, str(port)], input=b"Ada\nGrace\n", capture_output=True,
                                timeout=DEADLINE_S, check=True).stdout.decode()
        self.assertEqual(answer, "Hello, Ada! That makes 1.\nHello, Grace! That makes 2.\n")
        for line in answer.splitlines():
            self.assertIn(f"    {line}\n", DOCUMENT.read_text("utf-8"))

    def test_greet_with_other_framing(self):
        weir = self.module("greet", "--codec", "u32be")
        host, port = weir.tcp
        self.assertIn("Hello, Ada! That makes 1.", run(Settings.weir, "send", "--codec", "u32be", f"{host}:{port}", "Ada"))

    def test_census(self):
        self.assertIn("write ?every=N after the file's name", self.run_weir(
            "--tcp", "127.0.0.1:0", "--handler", str(self.mine / "build" / "census.so")).stderr)
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line",
                          "--handler", str(self.mine / "build" / "census.so") + "?every=2")
        with connect(weir.tcp) as peer:
            peer.sendall(b"a\nb\n")
            wanted = "1 sessions, 0 do not read\n"
            self.assertEqual(receive_exactly(peer, len(wanted)).decode(), wanted)
        self.assertIn(f"    {wanted}", DOCUMENT.read_text("utf-8"))
        weir.stop()

    def test_kinds(self):
        weir = self.module("kinds")
        self.assertEqual(weir.listeners[0].codec, "kinds")
        with connect(weir.tcp) as peer:
            for sent in (b"\1\2\0\5hello", b"\1", b"\2\0\0", b"\2\3\xe8" + b"x" * 1000):
                peer.sendall(sent[:3])
                peer.sendall(sent[3:])
                wanted = (b"\1" if sent[0] == 1 else b"") + (b"\2\0\6thanks" if 2 in sent[:2] else b"")
                self.assertEqual(receive_exactly(peer, len(wanted)), wanted)
            self.assertIn("0102 0006 7468 616e 6b73", DOCUMENT.read_text("utf-8"))
        for bad in (b"\7", b"\2\3\xe9"):  # the log has the first; afterwards at most one per second
            with connect(weir.tcp) as peer:
                peer.sendall(bad)
                expect_end(peer)
        self.assertIn("7 is not a kind of message", weir.stop().log)

    def test_countdown(self):
        weir = self.module("countdown", "--codec", "line")
        host, port = weir.tcp
        lines = subprocess.run(["nc", "-N", host, str(port)], input=b"100000\n", capture_output=True, timeout=DEADLINE_S,
                               check=True).stdout.decode().splitlines()
        self.assertEqual(lines, [f"{number} to go" for number in range(100000, 0, -1)])
        self.assertIn(f"    {lines[-1]}\n", DOCUMENT.read_text("utf-8"))

    def test_lines(self):
        weir = self.module("lines", "--codec", "line")
        host, port = weir.tcp
        answer = subprocess.run(["nc", "-N", host, str(port)], input=b"a\nb\n", capture_output=True, timeout=DEADLINE_S,
                                check=True).stdout.decode()
        self.assertEqual(answer, "a\na+b\n")
        for line in answer.splitlines():
            self.assertIn(f"    {line}\n", DOCUMENT.read_text("utf-8"))
        with connect(weir.tcp) as peer:
            peer.sendall(b"x" * 600 + b"\n")
            self.assertEqual(receive_exactly(peer, 601), b"x" * 600 + b"\n")
            peer.sendall(b"x" * 600 + b"\n")
            expect_end(peer)
        self.assertIn("too many lines", weir.stop().log)

    def test_greet_test(self):
        run(self.mine / "build" / "greet_test")

    def test_switchboard(self):
        weir = self.module("switchboard", "--codec", "line", "--workers", "4")
        with connect(weir.tcp) as first, first.makefile("rb") as lines:
            first.sendall(b"I am ada\nada good morning\nwho\n")
            wanted = [b"welcome\n", b"good morning\n", b"1 clients\n"]
            self.assertEqual([lines.readline() for _ in wanted], wanted)
            for line in wanted:
                self.assertIn("    " + line.decode(), DOCUMENT.read_text("utf-8"))
            for sent, answer in (("I am ada", "that name is taken"), ("bob hello", "not here")):
                with connect(weir.tcp) as second:
                    second.sendall(sent.encode() + b"\n")
                    self.assertEqual(receive_exactly(second, len(answer) + 1).decode(), answer + "\n")
                    second.sendall(b"ada and you?\n")
                    self.assertEqual(lines.readline(), b"and you?\n")
        for _ in range(16):  # the answers often come after the FIN, which must not close the session
            with connect(weir.tcp) as peer, peer.makefile("rb") as lines:
                peer.sendall(b"who\n" * 20)
                peer.shutdown(socket.SHUT_WR)
                self.assertRegex(lines.read(), rb"\A(\d+ clients\n){20}\Z")

    def test_pulse(self):
        command = [self.mine / "build" / "pulse", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                host, port = server.stdout.readline().strip().rsplit(":", 1)
                with connect((host, int(port))) as peer:
                    peer.sendall(b"one\ntwo\n")
                    self.assertEqual(receive_exactly(peer, 8), b"one\ntwo\n")
                    lines = 0
                    while lines < 2:  # a tick can come between both
                        lines += int(re.fullmatch(r"worker 0: (\d+) lines\n", server.stdout.readline())[1])
                    self.assertEqual(lines, 2)
            finally:
                server.kill()

    def test_news(self):
        with Program(self.mine / "build" / "news", "127.0.0.1:0") as server:
            with connect(server.address) as first, connect(server.address) as second, connect(server.address) as third:
                third.sendall(b"what?\n")
                expect_end(third)
                # The server has answered each client that joined: both are members before the news is sent.
                for peer in (first, second):
                    peer.settimeout(0.05)
                readers = {first, second}
                while readers:
                    server.write_line("it rains")
                    for peer in list(readers):
                        try:
                            self.assertEqual(receive_exactly(peer, 9), b"it rains\n")
                            readers.remove(peer)
                        except TimeoutError:
                            pass
                for peer in (first, second):
                    peer.settimeout(DEADLINE_S)
                second.sendall(b"quit\n")
                rest = b"".join(iter(lambda: second.recv(65536), b""))
                self.assertEqual(rest.replace(b"it rains\n", b""), b"")
                server.write_line("")
                rest = b"".join(iter(lambda: first.recv(65536), b""))
                self.assertEqual(rest.replace(b"it rains\n", b""), b"goodbye\n")
            code, output, errors = server.end()
            self.assertEqual((code, output), (0, ""))
            self.assertIn("readers say nothing but quit", errors)


class Tested(WeirTest):
    """weir-test finds the bug in the document's locks.c, with the commands and the output of the document."""

    def setUp(self):
        if SANITIZED:
            self.skipTest("a module without sanitizers does not load into a program with them")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "build").mkdir()
        self.text = DOCUMENT.read_text("utf-8").split("## Test your handler", 1)[1].split("\n## ", 1)[0]
        inputs = re.search(r"`locks\.txt`:\n\n((?:    .*\n)+)", self.text)[1]
        (self.folder / "locks.txt").write_text(inputs.replace("    ", ""), "utf-8")

    def build(self, text):
        (self.folder / "locks.c").write_text(text, "utf-8")
        run(*compiler("c"), *STRICT, "-shared", "-fPIC", f"-I{TREE}/include", f"-I{build_folder()}/include", "locks.c",
            "-o", "build/locks.so", cwd=self.folder)

    def weir_test(self, command):
        words = command.split()
        self.assertEqual(words[0], "weir-test")
        ended = subprocess.run([weir_test_program(), *words[1:]], cwd=self.folder, capture_output=True, text=True,
                               timeout=DEADLINE_S, check=False)
        return ended.returncode, ended.stdout

    def test_the_bug_is_found_and_replayed(self):
        self.build(named_programs()["locks.c"])
        command = re.search(r"^    (weir-test build/locks.so .*)$", self.text, re.M)[1]
        code, found = self.weir_test(command)
        self.assertEqual(code, 1)
        wanted = [line.strip() for line in self.text.splitlines() if re.match(r" +(VIOLATED|FAILED|replay): ", line)]
        self.assertEqual(len(wanted), 3)
        lines = [re.sub(r"^ *[\d.]+ ms +", "", line) for line in found.splitlines()]
        self.assertEqual(lines[-3:], wanted)
        replay = wanted[2].removeprefix("replay: ")
        self.assertEqual(self.weir_test(replay), (1, found))

    def test_the_repaired_handler_passes(self):
        wrong = re.search(r"^    if \(reason == WEIR_REASON_PEER_DONE\) (.*)$", named_programs()["locks.c"], re.M)
        self.assertIn(f"\n    {wrong[1]}\n", self.text)
        self.build(named_programs()["locks.c"].replace(wrong[0], f"    (void)reason;\n    {wrong[1]}"))
        code, output = self.weir_test("weir-test build/locks.so --codec line --input locks.txt --seeds 50")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"\Apassed: 50 seeds, .*\nreached: 2 of 2 WEIR_SOMETIMES\n\Z")


class Document(WeirTest):
    def test_the_document_builds_each_program(self):
        self.assertEqual(list(named_programs()), ["greet.c", "kinds.c", "news.c", "countdown.c", "switchboard.c",
                                                  "locks.c", "greet_test.c", "census.c", "follow.c",
                                                  "pulse.c", "lines.cpp"])
        cmake = "".join(text for _, text in fences(DOCUMENT, "cmake"))
        for name in named_programs():
            self.assertIn(f" {name})", cmake)

    def test_each_program_compiles_strictly(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in named_programs().items():
                (pathlib.Path(folder) / name).write_text(text, "utf-8")
            for name, text in named_programs().items():
                with self.subTest(program=name):
                    source = pathlib.Path(folder) / name
                    source.write_text(text, "utf-8")
                    run(*compiler(source.suffix[1:]), *STRICT, f"-I{TREE}/include", f"-I{build_folder()}/include", "-c", source,
                        "-o", f"{folder}/object.o")

    def test_each_frame_specification_is_valid(self):
        text = DOCUMENT.read_text("utf-8")
        table = text[text.index("| frame specification |"):].split("\n\n", 1)[0]
        specs = [spec for line in table.splitlines()[2:] for spec in re.findall(r"`([^`]+)`", line.split("|")[1])]
        self.assertGreater(len(specs), 10)
        for spec in specs:
            with self.subTest(spec=spec):
                self.assertTrue(run(Settings.weir, "frame", "explain", spec))

    def test_each_name_in_it_exists(self):
        text = DOCUMENT.read_text("utf-8")
        headers = "".join(path.read_text("utf-8") for path in (TREE / "include" / "weir").glob("*.h"))
        for name in set(re.findall(r"`((?:weir_|WEIR_)\w+?)(?:\(|`)", text)) | set(re.findall(r"`(\w+_(?:ms|bytes|max))`", text)):
            if name != "weir_session_":
                self.assertRegex(headers, rf"\b{name}\b")
        options = run(Settings.weir, "serve", "--help") + run(weir_test_program(), "--help")
        for option in set(re.findall(r"`(--[a-z-]+)`", text)):
            self.assertIn(option, options)

    def test_each_link_leads_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", DOCUMENT.read_text("utf-8")):
            self.assertTrue((DOCUMENT.parent / link).exists(), link)

    def test_each_example_has_its_paragraph(self):
        text = DOCUMENT.read_text("utf-8")
        for example in (path.parent.name for path in (TREE / "examples").glob("*/CMakeLists.txt")):
            if example != "rio_sample":
                self.assertRegex(text, rf"\n\*\*\[{example}\]\(\.\./examples/{example}/{example}\.c\)\*\* ")


if __name__ == "__main__":
    main()
