# SPDX-License-Identifier: MIT
"""Configuration files: what weir check says about them, and that weir serve --config does what they say."""
import os
import re
import socket
import ssl
import tempfile

import certificates
from weir_process import WeirTest, connect, echo_once, expect_end, linux_only, main, module, path_for_weir

OK, USAGE, UNAVAILABLE, IO, SETTING = 0, 64, 69, 74, 78

ERRORS = r"""worker: 2
idle-timeout: 60s
limits:
  idle_timeout: 60s
  rate: fast
  deny: [192.0.2.0/244, *x]
  deny-file: none.txt
  max-sessions:
  lifetime: [1s, 2s]
  rate: 5
log: {level: infos}
memory: {queue-high: 8k}
udp: {answer-services: yes}
tls:
  game:
    certificate: none.pem
    min: 1.1
  lobby: {min: 1.3}
  certificate: x
workers: {count: 2}
websocket: 7
listen:
  - name: game
    address: "127.0.0.1:0"
    codec: u32bee,max=64k
    handler: ./none.so
    tls: gam
  - {address: tcp://127.0.0.1:0}
  - {address: "127.0.0.1:0", protocol: udp, proxy: required}
  - {address: "localhost:0", origins: [a, b]}
  - {codec: line}
  - 7000
  - {address: "127.0.0.1:0", name: game, max-message: 5, handler: nothing}
"""

ANSWERS = (  # position, what the answer contains; in the order of the answers
    ("1:1", "did you mean workers?"),
    ("2:1", "write limits.idle-timeout"),
    ("4:3", "did you mean idle-timeout?"),
    ("5:9", "write a size per second such as 64k/s"),
    ("6:10", "write /0 to /32"),
    ("6:25", "an alias (*)"),
    ("7:14", "limits.deny-file"),
    ("8:16", "limits.max-sessions has no value"),
    ("9:13", "limits.lifetime: a list; write one value"),
    ("10:3", "rate is already in line 5"),
    ("11:14", "did you mean info? Write one of error warning info detail"),
    ("12:22", "memory.queue-high 8k is less than two buffers of memory.buffer-size 16k"),
    ("13:24", "write one of off on"),
    ("16:18", "none.pem"),
    ("17:10", "did you mean 1.2?"),
    ("18:10", "tls.lobby needs a certificate"),
    ("19:3", "the settings need a name"),
    ("20:10", "workers: a section; write one value"),
    ("21:12", "websocket is a section"),
    ("25:12", "u32bee"),
    ("26:14", "there is no such file"),
    ("27:10", "no TLS settings have this name; did you mean game?"),
    ("28:15", "is a URL; write address: [ADDR:]PORT"),
    ("29:45", "is for TCP"),
    ("30:15", "localhost"),
    ("30:30", "is of a WebSocket; write websocket: /PATH"),
    ("31:5", "no address; write address: PORT"),
    ("32:5", "an item is a listener"),
    ("33:36", "is the name of two listeners"),
    ("33:55", "does not split a stream into messages"),
)


class ConfigTest(WeirTest):
    def setUp(self):
        if "without libyaml" in self.run_weir("check", path_for_weir(os.path.abspath(__file__))).stderr:
            self.skipTest("this weir was built without libyaml")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, text, name="weir.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return path_for_weir(path)

    def check(self, text, *arguments):
        """Returns the exit code, and the lines without the file's name."""
        path = self.write(text)
        ended = self.run_weir("check", *arguments, path)
        return ended.returncode, [line.removeprefix(f"{path}:") for line in (ended.stdout + ended.stderr).splitlines()]


class Check(ConfigTest):
    def test_every_error_is_answered_in_one_go(self):
        code, lines = self.check(ERRORS)
        self.assertEqual(code, SETTING)
        if not self.has_tls():
            lines = [line for line in lines if "OpenSSL" not in line]
        positions = [(re.match(r"\d+:\d+", line) or [line])[0] for line in lines]
        wanted = [answer for answer in ANSWERS if self.has_tls() or "none.pem" not in answer[1]]
        self.assertEqual(positions, [position for position, _ in wanted], "\n".join(lines))
        for line, (_, text) in zip(lines, wanted):
            self.assertIn(text, line)

    def test_a_good_file_is_bound_only_on_request(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            text = f"listen:\n  - address: 127.0.0.1:{other.getsockname()[1]}\n"
            self.assertEqual(self.check(text), (OK, [" no mistakes; 1 listener"]))
            code, lines = self.check(text, "--bind")
            self.assertEqual(code, UNAVAILABLE)
            self.assertIn("in use", lines[0])
        self.assertEqual(self.check(text, "--bind"), (OK, [" no mistakes; 1 listener, every address can be bound"]))

    def test_the_command_line(self):
        for arguments, code, answer in (((), USAGE, "weir check needs a file"), (("a", "b"), USAGE, "reads one file"),
                                        (("--bnd", "a"), USAGE, "did you mean --bind?"),
                                        (("no such file",), IO, "cannot open the file")):
            ended = self.run_weir("check", *arguments)
            self.assertEqual((ended.returncode, ended.stdout), (code, ""))
            self.assertIn(answer, ended.stderr)

    def test_every_key_takes_its_default(self):
        """All keys of weir check --keys in one file, each with the default that it prints."""
        keys = self.run_weir("check", "--keys").stdout
        sections = {}
        pattern = r"^  ([\w-]+)(?:\.([\w-]+))?: (\S+).*?\[([^\]]*)\](?: \(live\))?$"
        for section, key, _, default in re.findall(pattern, re.sub(r"\n {30,}", " ", keys), re.M):
            if default not in ("none", "umask", "auto"):
                sections.setdefault(section if key else "", []).append((key or section, default))
        self.assertGreater(sum(map(len, sections.values())), 50)
        text = "".join(f"{section}:\n" * bool(section) + "".join(f"{'  ' * bool(section)}{key}: {value}\n"
                                                                for key, value in values)
                       for section, values in sections.items())
        self.assertEqual(self.check(text)[0], OK, text)

    def test_modules_and_certificates_are_loaded(self):
        text = f"listen:\n  - address: 127.0.0.1:0\n    handler: {path_for_weir(module('newer'))}\n"
        code, lines = self.check(text)
        self.assertEqual(code, SETTING)
        self.assertRegex(lines[0], r"^3:14: handler .*newer weir\.h")
        if not self.has_tls():
            return
        good, other = certificates.local(), certificates.authority().issue("other", names=("other.test",))
        text = f"tls:\n  default:\n    certificate: {path_for_weir(good.certificate)}\n    key: {path_for_weir(other.key)}\n"
        code, lines = self.check(text)
        self.assertEqual((code, len(lines)), (SETTING, 1))
        self.assertRegex(lines[0], r"^[34]:\d+: .*key")

    def test_hostile_files_are_refused_quickly(self):
        for text, answer in (("a: &a [x]\nb: [*a, *a]\n", "an anchor (&)"), ("[" * 100000, "nested too deeply"),
                             ("- " * 50000, "nested too deeply"), ("#" * ((1 << 20) + 1), "more than 1 MiB"),
                             ("limits: {deny: [" + "10.0.0.1," * 20001 + "]}", "too many values"),
                             ("limits: {deny: [" + "10.0.0.1," * 1001 + "]}", "more than 1000 items"),
                             ("workers: 1\n---\nworkers: 2\n", "a second document"), ("workers: !!int 2\n", "a tag (!)"),
                             ("limits:\n\trate: 5\n", "a tab in the indentation"), ("<<: {rate: 5}\n", "a merge key")):
            code, lines = self.check(text)
            self.assertEqual(code, SETTING, text[:40])
            self.assertIn(answer, "\n".join(lines))

    def test_a_byte_order_mark_and_crlf_are_allowed(self):
        self.assertEqual(self.check("\ufeffworkers: 1\r\nlimits:\r\n  rate: 5\r\nlisten:\r\n- tcp://127.0.0.1:0\r\n")[0], OK)


class Serve(ConfigTest):
    def serve(self, text, *arguments, **options):
        return self.start("--config", self.write(text), *arguments, **options)

    def test_a_wrong_file_does_not_start(self):
        ended = self.run_weir("serve", "--config", self.write("limits:\n  rate: x\n"))
        self.assertEqual((ended.returncode, ended.stdout), (SETTING, ""))
        self.assertIn("weir.yaml:2:9: limits.rate", ended.stderr)

    def test_each_listener_has_its_own_settings(self):
        weir = self.serve("listen:\n"
                          "  - {name: one, address: '127.0.0.1:0', codec: line, max-sessions: 1}\n"
                          "  - tcp://127.0.0.1:0?codec=line&handler=time\n"
                          "  - {address: '127.0.0.1:0', protocol: udp}\n")
        with connect(weir.address("tcp", 0)) as first:
            first.sendall(b"hello\n")
            self.assertEqual(first.recv(100), b"hello\n")
            with connect(weir.address("tcp", 0)) as second:
                expect_end(second)
            with connect(weir.address("tcp", 1)) as clock:
                clock.sendall(b"\n")
                self.assertRegex(clock.recv(100), rb"\d")
        self.assertEqual(weir.stop().summary["refused_full"], 1)

    @linux_only("Wine's paths are those of another drive")
    def test_files_are_relative_to_the_folder_of_the_file(self):
        self.write("127.0.0.0/8 # all of this machine\n", "deny.txt")
        weir = self.serve("limits: {deny-file: deny.txt, reject-message: 'no\\n'}\nport-file: ports\nlisten: ['tcp://127.0.0.1:0']\n")
        with open(os.path.join(self.folder, "ports"), encoding="ascii") as ports:
            self.assertEqual(int(ports.read()), weir.tcp[1])
        with connect(weir.tcp) as peer:
            self.assertEqual(peer.recv(10), b"no\n")
            expect_end(peer)
        self.assertEqual(weir.stop().summary["refused_denied"], 1)

    def test_the_command_line_replaces_the_file(self):
        text = ("limits: {deny: [127.0.0.0/8], max-sessions: 7}\ncodec: line\n"
                "listen: ['tcp://127.0.0.1:1?codec=u32be', 'udp://127.0.0.1:1']\n")
        weir = self.serve(text, "--tcp", "127.0.0.1:0", "--deny", "192.0.2.1")
        self.assertEqual(len(weir.listeners), 1)
        self.assertEqual(weir.listeners[0].codec, "line")
        echo_once(weir.tcp, total=0)
        weir.stop()

    def test_a_value_of_the_file_is_checked_even_if_it_is_replaced(self):
        ended = self.run_weir("serve", "--config", self.write("limits:\n  rate: x\n"), "--rate", "5", "--tcp", "127.0.0.1:0")
        self.assertEqual(ended.returncode, SETTING)

    def test_two_names_have_two_certificates(self):
        if not self.has_tls():
            self.skipTest("this weir has no TLS")
        authority = certificates.authority()
        pairs = [authority.issue(name, names=(name,)) for name in ("game.test", "lobby.test")]
        weir = self.serve("tls:\n" + "".join(
            f"  {pair_name}:\n    certificate: {path_for_weir(pair.certificate)}\n    key: {path_for_weir(pair.key)}\n"
            for pair_name, pair in zip(("game", "lobby"), pairs)) +
            "listen:\n  - {address: '127.0.0.1:0', tls: game}\n  - {address: '127.0.0.1:0', tls: lobby}\n"
            "  - {address: '127.0.0.1:0'}\n")
        context = ssl.create_default_context(cafile=authority.ca)
        for index, name in enumerate(("game.test", "lobby.test")):
            with connect(weir.address("tcp", index)) as plain, context.wrap_socket(plain, server_hostname=name) as peer:
                peer.sendall(b"x")
                self.assertEqual(peer.recv(1), b"x")
        with connect(weir.address("tcp", 2)) as plain:
            plain.sendall(b"x")
            self.assertEqual(plain.recv(1), b"x")
        weir.stop()


if __name__ == "__main__":
    main()
