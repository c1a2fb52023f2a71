# SPDX-License-Identifier: MIT
"""Reloads of the configuration file: all or nothing, for open sessions too, and without a lost session or byte."""
import contextlib
import http.client
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import certificates
from weir_process import (DEADLINE_S, SANITIZED, Settings, WeirTest, connect, expect_end, main, pattern_bytes,
                          receive_exactly, scaled)

OK = 0


class ReloadTest(WeirTest):
    def setUp(self):
        if "without libyaml" in self.run_weir("check", os.path.abspath(__file__)).stderr:
            self.skipTest("this weir was built without libyaml")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.file = os.path.join(self.folder, "weir.yaml")

    def write(self, text):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.file + ".new", self.file)

    def serve(self, text, *arguments):
        self.write(text)
        return self.start("--config", self.file, *arguments)

    def reload(self, weir, text, answer=" was loaded again"):
        """Writes the file, sends SIGHUP and waits for one more line with this answer."""
        before = weir.log.count(answer)
        if text is not None:
            self.write(text)
        weir.send_signal(signal.SIGHUP)
        weir.wait_until(f"the log has {answer!r}", lambda: weir.log.count(answer) > before)

    def assert_serves(self, peer):
        peer.sendall(b"hello\n")
        self.assertEqual(receive_exactly(peer, 6), b"hello\n")


LINE = "log: {level: info}\nlisten: ['tcp://127.0.0.1:0?codec=line']\n"


class Live(ReloadTest):
    def test_a_limit_applies_to_later_connections(self):
        weir = self.serve(LINE)
        first = connect(weir.tcp)
        self.assert_serves(first)
        self.reload(weir, LINE + "limits: {max-sessions-per-address: 1, reject-message: 'full\\n'}\n")
        with connect(weir.tcp) as second:
            self.assertEqual(second.recv(10), b"full\n")
        self.assert_serves(first)
        self.reload(weir, LINE)
        with connect(weir.tcp) as third:
            self.assert_serves(third)
        first.close()
        self.assertEqual(weir.stop().summary["refused_address"], 1)

    def test_a_shortened_timeout_applies_to_open_sessions(self):
        weir = self.serve(LINE)
        with connect(weir.tcp) as peer:
            self.assert_serves(peer)
            self.reload(weir, LINE + "limits: {idle-timeout: 100ms}\n")
            expect_end(peer)
        self.assertEqual(weir.stop().summary["closed_idle"], 1)

    def test_the_limit_of_a_listener(self):
        text = "log: {level: info}\nlisten:\n  - {name: one, address: '127.0.0.1:0', codec: line, max-sessions: %d}\n"
        weir = self.serve(text % 1)
        with connect(weir.tcp) as first:
            self.assert_serves(first)
            with connect(weir.tcp) as second:
                expect_end(second)
            self.reload(weir, text % 2)
            with connect(weir.tcp) as second:
                self.assert_serves(second)
        weir.stop()

    def test_the_log_level(self):
        weir = self.serve(LINE)
        self.reload(weir, LINE.replace("info", "detail"))
        with connect(weir.tcp) as peer:
            self.assert_serves(peer)
        weir.wait_until("a message is logged", lambda: "detail" in weir.log)
        weir.stop()

    def test_an_option_of_the_command_line_stays(self):
        weir = self.serve(LINE, "--max-sessions-per-address", "1")
        with connect(weir.tcp) as first:
            self.assert_serves(first)
            self.reload(weir, LINE + "limits: {max-sessions-per-address: 5}\n")
            with connect(weir.tcp) as second:
                expect_end(second)
        weir.stop()

    @unittest.skipIf(SANITIZED, "LeakSanitizer needs system calls that the sandbox forbids")
    def test_a_list_in_another_folder_is_read_in_the_sandbox(self):
        elsewhere = tempfile.TemporaryDirectory()
        self.addCleanup(elsewhere.cleanup)
        denied = os.path.join(elsewhere.name, "denied")
        with open(denied, "w", encoding="ascii") as file:
            file.write("192.0.2.1\n")
        weir = self.serve(LINE + f"limits: {{deny-file: {denied}}}\n", "--sandbox", "auto")
        with connect(weir.tcp) as peer:
            self.assert_serves(peer)
        with open(denied, "a", encoding="ascii") as file:
            file.write("127.0.0.1\n")
        self.reload(weir, None)
        with connect(weir.tcp) as peer:
            expect_end(peer)
        self.assertEqual(weir.stop().summary["refused_denied"], 1)

    def test_certificates_are_loaded_again(self):
        if not self.has_tls():
            self.skipTest("this weir has no TLS")
        authority = certificates.authority()
        for name in ("game.test", "lobby.test"):
            pair = authority.issue(name, names=(name,))
            shutil.copy(pair.certificate, os.path.join(self.folder, name))
            with open(pair.key, encoding="ascii") as key, open(os.path.join(self.folder, name), "a", encoding="ascii") as file:
                file.write(key.read())
        text = ("log: {level: info}\ntls: {game: {certificate: cert.pem}}\n"
                "listen: ['tcp://127.0.0.1:0?codec=line&tls=game']\n")
        shutil.copy(os.path.join(self.folder, "game.test"), os.path.join(self.folder, "cert.pem"))
        weir = self.serve(text)
        context = ssl.create_default_context(cafile=authority.ca)
        with context.wrap_socket(connect(weir.tcp), server_hostname="game.test") as before:
            self.assert_serves(before)
            shutil.copy(os.path.join(self.folder, "lobby.test"), os.path.join(self.folder, "cert.pem"))
            self.reload(weir, None)
            with context.wrap_socket(connect(weir.tcp), server_hostname="lobby.test") as after:
                self.assert_serves(after)
            with open(os.path.join(self.folder, "cert.pem"), "w", encoding="ascii") as file:
                file.write("no certificate")
            self.reload(weir, None, "the earlier settings stay in use")
            self.assertIn("weir.yaml:2:", weir.log)
            self.assert_serves(before)
        weir.stop()


class Wrong(ReloadTest):
    def test_a_wrong_file_changes_nothing(self):
        text = LINE + "limits: {max-sessions-per-address: 1}\n"
        weir = self.serve(text)
        with connect(weir.tcp) as first:
            self.assert_serves(first)
            for wrong, answer in ((text.replace("1}", "5, rate: x}"), "weir.yaml:3:45: limits.rate"),
                                  (text.replace("1}", "5"), "weir.yaml:"), ("\tx: 1\n", "weir.yaml:1:1: a tab"),
                                  (text.replace("1}", "5, deny-file: none}"), "limits.deny-file"),
                                  (text.replace("line", "lime").replace("1}", "5}"), "did you mean line?"),
                                  (text.replace("line", "line&handler=./none.so").replace("1}", "5}"), "no such file")):
                self.reload(weir, wrong, "the earlier settings stay in use")
                self.assertIn(answer, weir.log)
                with connect(weir.tcp) as second:
                    expect_end(second)
                self.assert_serves(first)
            os.remove(self.file)
            self.reload(weir, None, "cannot open the file")
            self.assert_serves(first)
        self.assertEqual(weir.stop().summary["refused_address"], 6)

    def test_every_error_is_logged(self):
        weir = self.serve(LINE)
        self.reload(weir, LINE + "limits: {rate: x, lifetime: y}\nworker: 1\n", "the earlier settings stay in use")
        for position in ("3:16", "3:29", "4:1"):
            self.assertRegex(weir.log, rf"weir\.yaml:{position}: ")
        weir.stop()

    def test_settings_that_need_a_restart_are_named(self):
        text = ("log: {level: info}\nworkers: 1\nmemory: {queue-high: 1m}\nlisten:\n"
                "  - {name: game, address: '127.0.0.1:0', codec: line}\n  - {address: '127.0.0.1:0', protocol: udp}\n")
        weir = self.serve(text, "--admin", "127.0.0.1:0")
        changed = (text.replace("workers: 1", "workers: 2").replace("1m", "2m").replace("codec: line", "codec: u32be") +
                   "  - {address: '127.0.0.1:1', codec: raw}\nlimits: {max-sessions-per-address: 1}\n")
        self.write(changed.replace("  - {address: '127.0.0.1:0', protocol: udp}\n", ""))
        client = http.client.HTTPConnection(weir.admin, timeout=DEADLINE_S)
        client.request("POST", "/reload", headers={"Weir-Admin": "1"})
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        self.assertEqual(answer.status, 200, text)
        for line in ("workers needs a restart: 1 is in use, and the file has 2",
                     "memory.queue-high needs a restart: 1m is in use, and the file has 2m",
                     "listen game: codec needs a restart: line is in use, and the file has u32be",
                     "listen udp 127.0.0.1:0 needs a restart: open is in use, and the file has none",
                     "listen tcp 127.0.0.1:1 needs a restart: none is in use, and the file has open"):
            weir.wait_until(f"the log has {line!r}", lambda line=line: line in weir.log)
            self.assertIn(line.split(" needs")[0], text)
        with connect(weir.tcp) as first:
            self.assert_serves(first)  # the codec of the start
            with connect(weir.tcp) as second:
                expect_end(second)
        weir.stop()


class Load(ReloadTest):
    def test_no_session_and_no_byte_is_lost(self):
        """Clients send and connect without a pause, while good and wrong files are loaded."""
        texts = [LINE + f"limits: {{idle-timeout: {60 + i}s, max-sessions-per-address: {1000 + i}, rate: {i}g}}\n" for i in range(3)]
        texts.append(LINE + "limits: {rate: x}\n")
        weir = self.serve(texts[0].replace("codec=line", "codec=raw"))
        texts = [text.replace("codec=line", "codec=raw") for text in texts]
        ends, failures, counts = threading.Event(), [], []

        def work(seed, reconnects):
            piece, count = pattern_bytes(20000, seed), 0
            try:
                while not ends.is_set():
                    with connect(weir.tcp) as peer:
                        while not ends.is_set():
                            peer.sendall(piece)
                            assert receive_exactly(peer, len(piece)) == piece
                            count += 1
                            if reconnects:
                                break
                        peer.shutdown(socket.SHUT_WR)
                        expect_end(peer)
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
            counts.append(count)
        workers = [threading.Thread(target=work, args=(seed, seed % 2 == 0)) for seed in range(1, 5)]
        for worker in workers:
            worker.start()
        for number in range(scaled(30, 8)):
            is_wrong = number % 4 == 3
            self.reload(weir, texts[number % 4], "the earlier settings stay in use" if is_wrong else " was loaded again")
        ends.set()
        for worker in workers:
            worker.join()
        self.assertEqual(failures, [])
        self.assertGreater(min(counts), 0)
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["closed_peer_done"], summary["accepted"], summary)


class HangUp(ReloadTest):
    def test_with_a_terminal_on_stdin_it_is_the_end(self):
        self.write(LINE)
        terminal, side = pty.openpty()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, terminal)
            process = stack.enter_context(subprocess.Popen(
                [Settings.weir, "serve", "--config", self.file, "--transport", Settings.transport], stdin=side,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            os.close(side)
            while (line := process.stdout.readline()) != "ready\n":
                self.assertNotEqual(line, "", "weir ended")
            process.send_signal(signal.SIGHUP)
            _, errors = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, OK, errors)
            self.assertNotIn("loaded again", errors)
            self.assertIn("served", errors)

    def test_without_a_file_only_certificates_are_loaded(self):
        if not self.has_tls():
            self.skipTest("this weir has no TLS")
        pair = certificates.local()
        denied = os.path.join(self.folder, "denied")
        with open(denied, "w", encoding="ascii"):
            pass
        weir = self.start("-v", "--tcp", "127.0.0.1:0", "--codec", "line", "--tls-cert", pair.certificate, "--tls-key", pair.key,
                          "--deny-file", denied)
        with open(denied, "w", encoding="ascii") as file:
            file.write("127.0.0.1\n")
        self.reload(weir, None, "the files of TLS were loaded again")
        context = ssl.create_default_context(cafile=certificates.authority().ca)
        with context.wrap_socket(connect(weir.tcp), server_hostname="localhost") as peer:
            self.assert_serves(peer)
        weir.stop()


if __name__ == "__main__":
    main()
