# SPDX-License-Identifier: MIT
"""Modules: a working one is loaded and answers, and each broken one is rejected with its own message."""
import os
import subprocess
import tempfile

from weir_process import (SANITIZED, Settings, WeirTest, connect, main, module, linux_only, path_for_weir,
                          receive_exactly, udp_socket)

WRONG_SETTING = 78


class Loaded(WeirTest):
    def assert_shouts(self, weir):
        with connect(weir.tcp) as peer:
            peer.sendall(b"who is there?")
            self.assertEqual(receive_exactly(peer, 13), b"WHO IS THERE?")

    def test_one_for_all_listeners(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--handler", path_for_weir(module("shout")))
        self.assertEqual([one.handler for one in weir.listeners], ["shout", "shout"])
        self.assert_shouts(weir)
        weir.stop()

    def test_datagrams(self):
        weir = self.start("--udp", "127.0.0.1:0", "--handler", path_for_weir(module("shout")))
        with udp_socket(weir.udp) as peer:
            peer.send(b"and here?")
            self.assertEqual(peer.recv(100), b"AND HERE?")
        weir.stop()

    def test_module_with_a_probe(self):
        """The module's codec applies to listeners without a codec; a datagram is one message, unchanged."""
        path = path_for_weir(module("tagged"))
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--handler", path)
        self.assertEqual([(one.codec, one.handler) for one in weir.listeners],
                         [("tagged", "echo"), ("datagram", "echo")])
        with connect(weir.tcp) as peer:
            peer.sendall(b"<ab")
            peer.sendall(b"cd><efgh>oops>")
            self.assertEqual(receive_exactly(peer, 13), b"<abcd><efgh>")
        ended = weir.stop()
        self.assertEqual(ended.summary["messages_in"], 2)
        self.assertIn("a message begins with '<'", ended.log)
        weir = self.start("--tcp", "127.0.0.1:0", "--handler", path, "--codec", "line")
        self.assertEqual(weir.listeners[0].codec, "line")
        weir.stop()

    def test_a_handler_gets_the_headers_length(self):
        """With strip=no, strip=N and strip=yes, with a probe, and for datagrams; whole and in single bytes."""
        path = path_for_weir(module("header")).replace("\\", "%5c")
        wanted = {"mqtt,minimal=no": (b"\x10\x83\x00abc", b"\x10\x0503abc"),
                  "length:width=1,offset=1,strip=1": (b"x\x03abc", b"\x00\x0502abc"),
                  "tls-record": (b"\x16\x03\x03\x00\x03abc", b"\x16\x03\x03\x00\x0505abc"),
                  "u16be": (b"\x00\x03abc", b"\x00\x0502abc"), "": (b"hkabc", b"k02abc")}
        weir = self.start(*(f"--listen=tcp://127.0.0.1:0?handler={path}" + (f"&codec={codec}" if codec else "")
                            for codec in wanted), "--listen", f"udp://127.0.0.1:0?handler={path}", "--udp-reply-ratio", "2")
        for index, (codec, (sent, reply)) in enumerate(wanted.items()):
            with self.subTest(codec), connect(weir.address("tcp", index)) as peer:
                peer.sendall(sent)
                self.assertEqual(receive_exactly(peer, len(reply)), reply)
                for byte in sent:
                    peer.sendall(bytes([byte]))
                self.assertEqual(receive_exactly(peer, len(reply)), reply)
        with udp_socket(weir.udp) as peer:
            peer.send(b"abc")
            self.assertEqual(peer.recv(100), b"00abc")
        weir.stop()

    def test_one_for_one_listener(self):
        path = path_for_weir(module("shout")).replace("\\", "%5c")
        weir = self.start("--listen", f"tcp://127.0.0.1:0?handler={path}", "--tcp", "127.0.0.1:0")
        self.assertEqual([one.handler for one in weir.listeners], ["shout", "echo"])
        self.assert_shouts(weir)
        weir.stop()

    def test_modules_built_with_an_older_header(self):
        """Their structs are smaller than the program's. It does not read behind them, also in a drain."""
        for name, codec, sent, answer in (("older", "older_codec", b"abcde", b"1:2 2:2 "),
                                          ("older_probe", "older_probe", b"3abc1d4", b"1:3 2:1 ")):
            with self.subTest(name):
                weir = self.start("--tcp", "127.0.0.1:0", "--handler", path_for_weir(module(name)))
                self.assertEqual([(one.codec, one.handler) for one in weir.listeners], [(codec, "older")])
                with connect(weir.tcp) as peer:
                    peer.sendall(sent)
                    self.assertEqual(receive_exactly(peer, len(answer)), answer)
                    self.assertEqual(weir.stop().summary["messages_in"], 2)

    @linux_only("Windows also searches the folder of the program")
    def test_module_by_bare_name(self):
        """A bare name is the file in the current folder, not a library of the system."""
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(os.path.dirname(module("shout")))
        weir = self.start("--tcp", "127.0.0.1:0", "--handler", "shout.so")
        self.assert_shouts(weir)
        weir.stop()

    @linux_only("nm reads ELF symbols")
    def test_the_program_exports_weir_and_nothing_else(self):
        if SANITIZED:
            self.skipTest("the sanitizer exports its own symbols")
        listing = subprocess.run(["nm", "-D", "--defined-only", Settings.weir], capture_output=True, text=True,
                                 check=True).stdout
        names = [line.split()[-1] for line in listing.splitlines()]
        self.assertIn("weir_session_send", names)
        # stdout@GLIBC and similar symbols belong to the C library; the program holds copies.
        self.assertEqual([name for name in names if "@" not in name and not name.startswith("weir_")], [])


class Refused(WeirTest):
    def assert_refused(self, path, pattern):
        ended = self.run_weir("--tcp", "127.0.0.1:0", "--handler", path, transport=True)
        self.assertEqual((ended.returncode, ended.stdout), (WRONG_SETTING, ""), ended.stderr)
        self.assertRegex(ended.stderr, r"\Aweir: --handler .+\n\Z")
        self.assertIn(f"--handler {path}: ", ended.stderr)
        self.assertRegex(ended.stderr, pattern)

    def test_each_broken_module_has_its_message(self):
        for name, pattern in (
                ("no_symbol", r"no module can be loaded from it: .+; a module is a shared library.*WEIR_MODULE\(\)"),
                ("old_abi", r"built for ABI version 3 of weir, and this is version 2; build it again"),
                ("empty", r"neither a handler nor a codec; name one in WEIR_MODULE\(\)"),
                ("no_size", r"its handler has a size that no version of weir\.h has"),
                ("module_no_size", r"it has a size that no version of weir\.h has"),
                ("module_newer", r"it was built with a newer weir\.h; use a newer weir, or build it with this"),
                ("newer", r"its handler was built with a newer weir\.h"),
                ("nameless", r"its handler has no name; give it one"),
                ("codec_no_size", r"its codec has a size that no version of weir\.h has"),
                ("probe_newer", r"its codec was built with a newer weir\.h")):
            with self.subTest(module=name):
                self.assert_refused(path_for_weir(module(name)), pattern)

    def test_no_file(self):
        for path in ("./absent.so", "absent.so", "absent.dll", "./absent"):
            with self.subTest(path=path):
                self.assert_refused(path, r"there is no such file")

    def test_file_that_is_no_library(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "text.so")
            with open(path, "w", encoding="ascii") as file:
                file.write("not a library\n")
            self.assert_refused(path_for_weir(path),
                                r"no module can be loaded from it: .+; a module is a shared library")


if __name__ == "__main__":
    main()
