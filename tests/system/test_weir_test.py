# SPDX-License-Identifier: MIT
"""weir-test: runs a module's handler under seeds, finds what is wrong with it, and replays a seed to the byte."""
import pathlib
import re
import signal
import subprocess
import tempfile

from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, connect, main, module, receive_exactly

FAILED, USAGE, IO, SETTING = 1, 64, 74, 78


def weir_test(*arguments):
    """Returns (exit code, stdout, stderr)."""
    ended = subprocess.run([str(pathlib.Path(Settings.weir).with_name("weir-test")), *map(str, arguments)], check=False,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


class Served(WeirTest):
    def test_an_assertion_ends_a_server_and_a_mark_does_nothing(self):
        command = [Settings.weir, "--tcp", "127.0.0.1:0", "--codec", "line", "--handler", module("simulated")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            port = int(re.search(rb"127\.0\.0\.1:(\d+)", server.stdout.readline())[1])
            with connect(("127.0.0.1", port)) as peer:
                peer.sendall(b"mark\n")
                self.assertEqual(receive_exactly(peer, 5), b"mark\n")
                peer.sendall(b"assert\n")
                errors = server.communicate(timeout=DEADLINE_S)[1].decode()
        self.assertEqual(server.returncode, -signal.SIGABRT)
        self.assertRegex(errors, r"weir: the program's assertion failed: !simulated__is\(message, \"assert\"\) \(.*simulated\.c:\d+\)")


class Tested(WeirTest):
    def run_with(self, lines, *arguments):
        """Runs the module simulated.c with these messages."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            code, out, err = weir_test(module("simulated"), "--codec", "line", "--input", file.name, *arguments)
            return code, out.replace(file.name, "INPUT"), err

    def assert_finds(self, message, cause, *arguments):
        """A message makes the handler fail: the seed, its cause and a replay line are printed, after the trace."""
        code, out, _ = self.run_with([message], "--seeds", "20", *arguments)
        self.assertEqual(code, FAILED, out[-2000:])
        last = out.splitlines()[-2:]
        self.assertRegex(last[0], rf"\AFAILED: seed \d+: .*{cause}")
        seed = re.match(r"FAILED: seed (\d+)", last[0])[1]
        self.assertEqual(last[1], f"replay: weir-test {module('simulated')} --codec line --input INPUT --seed {seed}")
        self.assertRegex(out, rf"\n +\d+\.\d+ ms  on_message peer \d+: \d+ bytes \"{message}\"\n")
        return out

    def test_a_handler_that_is_right(self):
        code, out, err = self.run_with(["mark", "two\\x20words"], "--seeds", "20")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"\Apassed: 20 seeds, [1-9]\d* sessions, [1-9]\d* messages, \d+ s of virtual time\n"
                              r"reached: 1 of 1 WEIR_SOMETIMES\n\Z")

    def test_a_situation_that_no_seed_reaches(self):
        code, out, _ = self.run_with(["other"], "--seeds", "5")
        self.assertEqual(code, FAILED)
        self.assertRegex(out, r"FAILED: no seed reached WEIR_SOMETIMES\(simulated__is\(message, \"mark\"\)\) at .*simulated\.c:\d+;")
        self.assertIn("reached: 0 of 1 WEIR_SOMETIMES\n", out)

    def test_a_violated_assertion(self):
        out = self.assert_finds("assert", r"WEIR_ASSERT\(!simulated__is\(message, \"assert\"\)\) at .*simulated\.c:\d+")
        self.assertIn("  VIOLATED: WEIR_ASSERT", out)

    def test_a_crash(self):
        self.assert_finds("crash", "exit code" if SANITIZED else "SIGSEGV")

    def test_a_handler_that_ends_the_process(self):
        self.assert_finds("exit", "the handler ended the process")

    def test_a_handler_that_never_returns(self):
        self.assert_finds("loop", "it used more than 1000 ms of processor time", "--limit", "1s")

    def test_a_handler_that_cannot_be_replayed(self):
        code, out, _ = self.run_with(["clock", "mark"], "--seeds", "2")
        self.assertEqual(code, FAILED)
        self.assertIn("FAILED: seed 1: two runs differ: the handler depends on something besides weir_now()", out)

    def test_two_replays_are_equal_to_the_byte(self):
        arguments = (["mark", "hello", "world"], "--udp", "--seed")
        first, second, other = (self.run_with(*arguments, seed) for seed in ("7", "7", "8"))
        self.assertEqual(first, second)
        self.assertNotEqual(first[1], other[1])
        self.assertEqual(first[0], 0)
        self.assertGreater(len(first[1].splitlines()), 100)
        self.assertRegex(first[1], r"ms  end: \d+ sessions, \d+ messages\nseed 7: passed\n\Z")
        for what in ("peer 5 connects", "on_open peer ", "on_close peer ", "socket 1 sends ", "socket 1 receives "):
            self.assertIn(what, first[1])

    def test_a_corpus_and_built_in_handlers(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("1", b"/nick ada"), ("2", b"hello\nthere"), ("3", b"")):
                (pathlib.Path(folder) / name).write_bytes(text)
            code, out, err = weir_test("chat", "--codec", "line", "--corpus", folder, "--seeds", "5")
            self.assertEqual((code, err), (0, ""), out)
            code, out, err = weir_test("echo", "--udp", "--no-tcp", "--corpus", folder, "--seed", "1")
            self.assertEqual((code, err), (0, ""), out)
            self.assertNotIn("peer", out)

    def test_a_module_with_a_codec(self):
        """The module tagged.c has a probe and no handler."""
        code, out, _ = weir_test(module("tagged"), "--seed", "2")
        self.assertEqual(code, 0)
        self.assertIn("a message begins with '<'", out)

    def test_arguments_of_a_handler(self):
        """Both listeners share what the handler's `open` returns, and its `close` releases it."""
        handler = module("inspector") + "?limit=5"
        code, out, err = weir_test(handler, "--codec", "line", "--udp", "--seed", "3")
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(re.findall(r"log: (inspector .*)", out),
                         ["inspector opens with limit=5", "inspector closes with limit=5"])
        self.assertIn("on_message peer ", out)
        self.assertIn("on_message socket ", out)
        code, out, err = weir_test(module("inspector") + "?limit=x")
        self.assertEqual((code, out), (SETTING, ""))
        self.assertIn("its arguments are 'limit=x'; write '?limit=N'", err)
        code, out, err = weir_test("echo?limit=5")
        self.assertEqual((code, out), (SETTING, ""))
        self.assertIn("it takes no arguments", err)

    def test_wrong_arguments(self):
        for arguments, code, wanted in (
                ((), USAGE, "a handler is missing"), (("echo", "chat"), USAGE, "weir-test runs one handler"),
                (("echo", "--no-tcp"), USAGE, "--no-tcp leaves no listener"), (("echo", "--seeds", "0"), USAGE, "--seeds"),
                (("echo", "--input", "/none"), IO, "/none"), (("echo", "--corpus", "/none"), IO, "--corpus /none"),
                (("nobody",), SETTING, "no such handler"), (("./none.so",), SETTING, "there is no such file"),
                (("echo", "--codec", "lin"), SETTING, "lin")):
            with self.subTest(arguments):
                ended = weir_test(*arguments)
                self.assertEqual((ended[0], ended[1]), (code, ""))
                self.assertIn(wanted, ended[2])

    def test_help(self):
        code, out, err = weir_test("--help")
        self.assertEqual((code, err), (0, ""))
        for option in ("--codec", "--udp", "--seeds", "--seed", "--input", "--corpus", "--limit"):
            self.assertIn(option, out)
        self.assertRegex(weir_test("--version")[1], r"\Aweir-test \d+\.\d+\.\d+\n\Z")


if __name__ == "__main__":
    main()
