# SPDX-License-Identifier: MIT
"""The formats of the log, its file, and priorities for journald. Other programs read every line: json, and a grammar of
logfmt."""
import json
import os
import re
import signal
import socket
import tempfile

from weir_process import WeirTest, connect, linux_only, main, path_for_weir, wait_closed

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LOGFMT = re.compile(rf'time={TIME} level=(error|warning|info|detail|trace) msg="((?:[^"\\\x00-\x1f]|\\.)*)"\Z')
HOSTILE = b"GET / \x1b[2J\"\\\xff\xfe\n"  # to a listener that needs a header: the log shows what came
PROXY = ("--tcp", "127.0.0.1:0", "--proxy", "required", "--proxy-from", "127.0.0.0/8", "--workers", "1")
SESSIONS = ("--tcp", "127.0.0.1:0", "--workers", "1", "-v")


class LogTest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "weir.log")

    def read(self, path=None):
        with open(path or self.path, encoding="utf-8") as file:
            return file.read()

    def end(self, weir, code=0):
        weir.send_signal(signal.SIGINT)
        self.assertEqual(weir.wait_end().code, code, weir.log)
        return weir.log

    def visit(self, weir, data=b"hello"):
        with connect(weir.tcp) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            wait_closed(client)

    def wait_for(self, weir, text, path=None):
        weir.wait_until(f"the file has {text!r}", lambda: text in self.read(path))


class FormatsTest(LogTest):
    def log_of(self, *arguments):
        """The log of a server that has met a hostile client."""
        weir = self.start(*PROXY, "-v", *arguments)
        self.visit(weir, HOSTILE)
        weir.wait_until("the client's bytes are logged", lambda: "there is no PROXY header" in weir.log)
        return self.end(weir)

    def test_every_line_of_json_is_an_object(self):
        lines = [json.loads(line) for line in self.log_of("--log-format", "json").splitlines()]
        for line in lines:
            self.assertEqual(list(line), ["time", "level", "msg"])
            self.assertRegex(line["time"], rf"\A{TIME}\Z")
        self.assertEqual({line["level"] for line in lines}, {"info", "warning"})
        self.assertIn("served accepted=1", lines[-1]["msg"])
        self.assert_escaped("\n".join(line["msg"] for line in lines))

    def test_every_line_of_logfmt_has_its_members(self):
        log = self.log_of("--log-format", "logfmt")
        for line in log.splitlines():
            self.assertRegex(line, LOGFMT)
        self.assert_escaped(log.replace("\\\"", "\"").replace("\\\\", "\\"))

    def test_a_line_of_text_names_the_program_and_the_level(self):
        log = self.log_of()
        for line in log.splitlines():
            self.assertRegex(line, r"\Aweir: (info|warning|served)\b")
        self.assert_escaped(log)

    def assert_escaped(self, log):
        """What the client sent cannot control a terminal that shows the log."""
        self.assertIn("GET /", log)
        self.assertRegex(log, r"\A[\n\x20-\x7e]*\Z")

    def test_an_unknown_format_is_refused(self):
        ended = self.run_weir("--tcp", "127.0.0.1:0", "--log-format", "xml")
        self.assertEqual(ended.returncode, 64)
        self.assertIn("text", ended.stderr)
        self.assertIn("logfmt", ended.stderr)

    @linux_only("signals and /proc")
    def test_the_journal_gets_priorities(self):
        with open(self.path, "w+b") as journal:
            file = os.fstat(journal.fileno())
            os.environ["JOURNAL_STREAM"] = f"{file.st_dev}:{file.st_ino}"
            try:
                weir = self.start(*PROXY, "-v", stderr=journal)
            finally:
                del os.environ["JOURNAL_STREAM"]
            self.visit(weir, HOSTILE)
            self.wait_for(weir, "there is no PROXY header")
            self.end(weir)
        lines = self.read().splitlines()
        for line in lines:
            self.assertRegex(line, r"\A<[3467]>(error|warning|info): ")
        self.assertTrue(any(line.startswith("<4>warning: ") for line in lines))
        self.assertRegex(lines[-1], r"\A<6>info: served ")

    @linux_only("signals and /proc")
    def test_another_stream_than_the_journal_gets_none(self):
        os.environ["JOURNAL_STREAM"] = "1:1"
        try:
            weir = self.start(*SESSIONS)
        finally:
            del os.environ["JOURNAL_STREAM"]
        self.visit(weir)
        self.assertNotIn("<", weir.stop().log)


class FileTest(LogTest):
    def serve(self, *arguments):
        return self.start(*SESSIONS, "--log-file", path_for_weir(self.path), *arguments)

    def test_the_log_is_appended_to_the_file(self):
        with open(self.path, "w", encoding="ascii") as file:
            file.write("an earlier line\n")
        weir = self.serve()
        self.visit(weir)
        self.assertEqual(self.end(weir), "", "stderr")
        lines = self.read().splitlines()
        self.assertEqual(lines[0], "an earlier line")
        for line in lines[1:]:
            self.assertRegex(line, rf"\A{TIME} (info|warning): ")
        self.assertIn("info: session ", self.read())
        self.assertIn("info: served accepted=1", lines[-1])

    def test_an_error_of_the_start_is_on_stderr_too(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ended = self.run_weir("--tcp", "127.0.0.1:%d" % taken.getsockname()[1], "--bind-wait", "off",
                                  "--log-file", path_for_weir(self.path))
        self.assertEqual(ended.returncode, 69)
        self.assertRegex(ended.stderr, r"\Aweir: .+\n\Z")
        self.assertIn("error: " + ended.stderr[len("weir: "):], self.read())

    def test_a_file_that_cannot_be_written_is_named(self):
        for path in (os.path.join(self.path, "missing"), os.path.dirname(self.path)):
            path = path_for_weir(path)
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--log-file", path)
            self.assertEqual((ended.returncode, ended.stdout), (69, ""))
            self.assertRegex(ended.stderr, r"\Aweir: cannot write --log-file .+\n\Z")
            self.assertIn(path, ended.stderr)

    @linux_only("signals and /proc")
    def test_the_file_is_opened_again_on_request(self):
        weir = self.serve("--log-format", "json")
        self.visit(weir)
        self.wait_for(weir, " ends")
        old = self.path + ".1"
        os.rename(self.path, old)
        self.visit(weir)  # into the old file
        weir.wait_until("two sessions are in the old file", lambda: self.read(old).count(" ends") == 2)
        weir.send_signal(signal.SIGUSR1)
        weir.wait_until("the file is there again", lambda: os.path.exists(self.path))
        self.visit(weir)
        self.end(weir)
        new = [json.loads(line)["msg"] for line in self.read().splitlines()]
        self.assertEqual(sum(" begins" in line for line in new), 1, new)
        self.assertEqual(len([json.loads(line) for line in self.read(old).splitlines() if " begins" in line]), 2)

    @linux_only("signals and /proc")
    def test_the_old_file_stays_if_the_new_one_cannot_be_opened(self):
        weir = self.serve()
        os.rename(self.path, self.path + ".1")
        os.mkdir(self.path)
        weir.send_signal(signal.SIGUSR1)
        self.wait_for(weir, "error: the log goes on in the old file", self.path + ".1")
        self.visit(weir)
        self.end(weir)
        self.assertIn(" begins", self.read(self.path + ".1"))

    @linux_only("signals and /proc")
    def test_a_request_without_a_file_changes_nothing(self):
        weir = self.start(*SESSIONS)
        weir.send_signal(signal.SIGUSR1)
        self.visit(weir)
        self.assertNotIn("opened again", weir.stop().log)

    @linux_only("signals and /proc")
    def test_repeated_lines_are_counted(self):
        weir = self.serve()
        self.wait_for(weir, "transport=")
        for text in ("opened again", "the line before is repeated"):
            weir.send_signal(signal.SIGUSR1)
            self.wait_for(weir, text)
        self.end(weir)
        self.assertEqual(self.read().count("opened again"), 1)

    def test_equal_reports_are_all_written(self):
        """An idle server on Windows counts nothing: its lines of counters are equal."""
        weir = self.serve("--stats", "100ms")
        weir.wait_until("three reports are there", lambda: self.read().count(" stats accepted=0") >= 3)
        self.end(weir)
        self.assertNotIn("the line before", self.read())

    @linux_only("signals and /proc")
    def test_a_reader_that_has_stopped_delays_no_client(self):
        os.mkfifo(self.path)
        reading = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reading)
        weir = self.serve("--log-flush", "100ms")
        for _ in range(800):  # their lines fill the pipe, the output and the queue
            self.visit(weir)
        weir.send_signal(signal.SIGINT)
        self.assertEqual(weir.wait_end().code, 0)


if __name__ == "__main__":
    main()
