# SPDX-License-Identifier: MIT
"""The options of the real program: help, documents and option table agree; the effect of some options."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from weir_process import Settings, WeirTest, echo_once, main

ROOT = pathlib.Path(__file__).resolve().parents[2]
OK, USAGE = 0, 64


class Words(WeirTest):
    def test_documents_and_help_are_equal(self):
        tool = subprocess.run([sys.executable, ROOT / "tools" / "options_doc", *Settings.emulator, Settings.weir],
                              capture_output=True, text=True, check=False)
        self.assertEqual((tool.returncode, tool.stderr), (0, ""), tool.stdout)

    def test_each_line_of_the_table_is_in_the_help(self):
        """Read from options.def as text: the help omits nothing."""
        table = (ROOT / "src" / "cli" / "options.def").read_text("utf-8")
        names = re.findall(r'^(?:OPTIONS_|SETTING_)(?:VALUE|CHOICE|TEXT|ESCAPED|SWITCH|ACTION)\('
                           r'(?:"[^"]+", (?:LIVE|RESTART),\s+)?"([^"]+)"', table, re.M)
        help_text = self.run_weir("serve", "--help").stdout
        self.assertEqual(names, re.findall(r"^  (?:-\w, |    )--([\w-]+)", help_text, re.M))
        for alias in re.findall(r'^(?:OPTIONS_|SETTING_)(?:VALUE|ACTION)\((?:"[^"]+", (?:LIVE|RESTART),\s+)?"[^"]+",\s+"([^"]+)"',
                                table, re.M):
            self.assertIn(f"--{alias})", " ".join(help_text.split()))
        self.assertEqual(re.findall(r'^OPTIONS_GROUP\("([^"]+)"', table, re.M),
                         re.findall(r"^(\w[\w ]*):$", help_text, re.M))

    def test_each_option_has_a_key(self):
        """A configuration file has everything that the command line has; this test lists the exceptions and why."""
        table = (ROOT / "src" / "cli" / "options.def").read_text("utf-8")
        without = set(re.findall(r'^OPTIONS_(?:VALUE|CHOICE|TEXT|ESCAPED|SWITCH|ACTION)\("([^"]+)"', table, re.M))
        self.assertEqual(without, {"config", "help", "version",     # of the command line alone
                                   "tcp", "udp", "listen",          # the list listen
                                   "verbose", "quiet"})             # log.level
        keys = re.findall(r'^SETTING_\w+\("([^"]+)"', table, re.M)
        self.assertEqual(len(keys), len(set(keys)))

    def test_each_setting_has_an_option(self):
        """Read from weir.h as text; this test lists the members that are no settings, and the combined ones."""
        header = (ROOT / "include" / "weir" / "weir.h").read_text("utf-8")
        body = re.search(r"^struct weir_config \{\n(.*?)^\};", header, re.M | re.S)[1]
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
        settings = set(re.findall(r"(\w+)\s*[,;]", re.sub(r"\(\*(\w+)\)\([^)]*\)", r"\1", body)))
        table = (ROOT / "src" / "cli" / "options.def").read_text("utf-8")
        self.assertGreater(len(settings), 30)
        self.assertEqual(settings - {"size", "log", "on_stopped", "user", "allow", "deny", "trace", "tick_ms",
                                     "on_tick", "on_worker_start", "on_worker_end"},
                         set(re.findall(r"\bconfig\.(\w+)", table)))

    def test_live_keys_are_those_of_the_library(self):
        """Read from update.h and weir.h as text: a reload can change exactly the settings that weir_server_update() changes."""
        update = (ROOT / "include" / "weir" / "update.h").read_text("utf-8")
        live = set(re.findall(r"\b[a-z]\w+_\w+\b", re.search(r"- struct weir_config: (.*?)\n \* - struct", update, re.S)[1]))
        table = (ROOT / "src" / "cli" / "options.def").read_text("utf-8")
        rows = re.findall(r'^SETTING_\w+\("[^"]+", (LIVE|RESTART),(?:(?!^SETTING|^OPTIONS).)*?\bconfig\.(\w+)', table,
                          re.M | re.S)
        self.assertGreater(len(live), 15)
        self.assertEqual({member for when, member in rows if when == "LIVE" and not member.endswith("_timeout_ms")},
                         live)
        self.assertEqual([member for when, member in rows if when == "RESTART" and member.endswith("_timeout_ms")], [])

    def test_short_help_is_short(self):
        help_text = self.run_weir("--help").stdout
        self.assertLess(help_text.count("\n"), 25)
        self.assertIn("weir serve --help", help_text)

    def test_all_usage_errors_are_reported_together(self):
        ended = self.run_weir("--tpc", "0", "--drain", "soon", "--queue-low", "2m", "stray")
        self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""))
        self.assertEqual([line[:6] for line in ended.stderr.splitlines()], ["weir: "] * 4)
        for wanted in ("did you mean --tcp?", "--drain soon: write a time", "stray", "--queue-low 2m must be less"):
            self.assertIn(wanted, ended.stderr)

    def test_an_address_alone_prints_a_hint(self):
        for arguments in (["5050"], ["serve", "5050"]):
            ended = self.run_weir(*arguments)
            self.assertEqual(ended.returncode, USAGE)
            self.assertIn("--tcp 5050", ended.stderr)


class Running(WeirTest):
    def test_port_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ports")
            for _ in range(2):  # also overwrites the file of an earlier run
                weir = self.start("--tcp", "127.0.0.1:0", "--tcp", "[::1]:0", "--udp", "127.0.0.1:0",
                                  "--port-file", self.path_for_weir(path))
                with open(path, encoding="ascii") as file:
                    self.assertEqual(file.read(), "".join(f"{one.port}\n" for one in weir.listeners))
                self.assertEqual(os.listdir(folder), ["ports"])
                weir.stop()
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--port-file",
                                  self.path_for_weir(os.path.join(folder, "absent", "ports")), transport=True)
            self.assertEqual((ended.returncode, ended.stdout), (69, ""))
            self.assertRegex(ended.stderr, r"weir: cannot write --port-file \S+: .+; check that its folder")

    @staticmethod
    def path_for_weir(path):
        """Wine maps our tree to drive Z."""
        return "Z:" + path.replace("/", "\\") if Settings.is_windows() else path

    def test_periodic_stats(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--stats", "100ms")
        echo_once(weir.tcp)
        weir.wait_until("the counts are logged",
                        lambda: re.search(r"^weir: stats accepted=1 closed=1 .*bytes_in=1000 ", weir.log, re.M))
        weir.stop()

    def test_without_stats_there_are_none(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        echo_once(weir.tcp)
        self.assertNotIn("weir: stats", weir.stop().log)

    def test_a_listener_by_url(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?codec=raw&handler=echo", "-l", "udp://127.0.0.1:0")
        self.assertEqual([(one.proto, one.codec, one.handler) for one in weir.listeners],
                         [("tcp", "raw", "echo"), ("udp", "datagram", "echo")])
        echo_once(weir.tcp)
        weir.stop()

    def test_unknown_handler_and_codec(self):
        for option, name in (("--handler", "nonesuch"), ("--codec", "nonesuch")):
            ended = self.run_weir("--tcp", "127.0.0.1:0", option, name, transport=True)
            self.assertEqual((ended.returncode, ended.stdout), (78, ""), ended.stderr)
            self.assertRegex(ended.stderr, r"\Aweir: .*nonesuch.*\n\Z")

    def test_a_udp_echo_beyond_loopback_warns(self):
        warning = r"weir: warning: udp \S+ echoes to the source address"
        for arguments, warned in ((["--udp", "0"], True), (["--udp", "127.0.0.1:0"], False),
                                  (["--udp", "[::1]:0"], False), (["--tcp", "0"], False),
                                  (["--udp", "0", "--allow", "127.0.0.0/8"], False),
                                  (["--udp", "0", "--quiet"], False)):
            with self.subTest(arguments=arguments):
                weir = self.start(*arguments)
                self.assertEqual(bool(re.search(warning, weir.log)), warned, weir.log)
                weir.kill()

    def test_allow_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "friends")
            with open(path, "w", encoding="ascii") as file:
                file.write("# friends\n10.0.0.0/8\nnonsense # foe\n")
            printed_path = self.path_for_weir(path)
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--allow-file", printed_path)
        self.assertEqual(ended.returncode, USAGE)
        self.assertIn(f"--allow-file {printed_path}, line 3: nonsense: not an address or a block", ended.stderr)


if __name__ == "__main__":
    main()
