# SPDX-License-Identifier: MIT
"""weir ctl and weir inspect: what they print, and the exit codes by which scripts decide."""
import json
import os
import tempfile

from weir_process import WeirTest, connect, linux_only, main, receive_exactly

DONE, NO, USAGE, UNREACHABLE, REFUSED = 0, 1, 64, 69, 78
TOKEN = "correct-horse-battery"


class Ctl(WeirTest):
    def start_admin(self, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0", *arguments)

    def ctl(self, weir, *words):
        return self.run_weir("ctl", "--admin", weir.admin, *words)

    def expect(self, ended, code, text=""):
        self.assertEqual(ended.returncode, code, ended)
        self.assertIn(text, ended.stdout + ended.stderr)
        return ended.stdout

    def open_session(self, weir, text=b"hello"):
        """Returns a connected client, and the id of its session."""
        peer = connect(weir.tcp)
        self.addCleanup(peer.close)
        peer.sendall(text)
        self.assertEqual(receive_exactly(peer, len(text)), text)
        name = "%s:%d" % peer.getsockname()
        found = []  # the list can be a second old

        def is_listed():
            listed = json.loads(self.expect(self.ctl(weir, "sessions", "--json", "--filter", name), DONE))
            found.extend(session["id"] for session in listed["sessions"])
            return found
        weir.wait_until("it is listed", is_listed)
        return peer, found[0]

    def test_questions(self):
        weir = self.start_admin()
        self.assertEqual(self.expect(self.ctl(weir, "health"), DONE), "ok\n")
        self.assertEqual(self.expect(self.ctl(weir, "ready"), DONE), "ready\n")
        self.assertTrue(json.loads(self.expect(self.ctl(weir, "stats"), DONE))["ready"])

    def test_sessions(self):
        weir = self.start_admin()
        peer, session = self.open_session(weir)
        name = "%s:%d" % peer.getsockname()
        listed = self.expect(self.ctl(weir, "sessions"), DONE)
        self.assertRegex(listed, rf"(?m)^{session}  open     tcp .* 5 bytes +5 bytes +0 bytes  - +{name}$")
        self.assertRegex(listed, r"(?m)^1 of 1 sessions$")
        self.assertIn("0 of 0", self.expect(self.ctl(weir, "sessions", "-f", "no such & session=1"), DONE))
        self.expect(self.ctl(weir, "sessions", "--sort", "beauty"), NO, "sort must be")

    def test_inspect(self):
        weir = self.start_admin("--codec", "raw")
        peer, session = self.open_session(weir)
        shown = self.expect(self.run_weir("inspect", "--admin", weir.admin, session), DONE)
        self.assertRegex(shown, rf"session     {session}, tcp from 127\.0\.0\.1:{peer.getsockname()[1]}\n")
        for line in ("codec raw, handler echo; listener 1", "received    5 bytes, 1 messages", "queue       0 bytes",
                     "reading     yes", "deadline    idle in 9 min"):
            self.assertIn(line, shown)
        self.assertIn("last in     none since the watch began", shown)
        answer = json.loads(self.expect(self.run_weir("inspect", "--admin", weir.admin, "-j", "-w", "0", session), DONE))
        self.assertEqual((answer["bytes_in"], answer["received_frame"]), (5, None))
        peer.sendall(b'he"\n')  # the session is watched now
        self.assertEqual(receive_exactly(peer, 4), b'he"\n')
        shown = self.expect(self.run_weir("inspect", "--admin", weir.admin, session), DONE)
        for line in ("last in     4 bytes, of which 4 are the message", "last out    4 bytes", r'ago: "he\"\n"'):
            self.assertIn(line, shown)
        self.expect(self.run_weir("inspect", "--admin", weir.admin, "0"), NO, "no session")
        self.expect(self.run_weir("inspect", "--admin", weir.admin, "x/../y"), USAGE, "hexadecimal")
        self.expect(self.run_weir("inspect", "--admin", weir.admin), USAGE)

    def test_close(self):
        weir = self.start_admin()
        peer, session = self.open_session(weir)
        self.expect(self.ctl(weir, "close", session), DONE)
        self.assertEqual(peer.recv(1), b"")
        peer, session = self.open_session(weir)
        self.expect(self.ctl(weir, "close", "--abort", session), DONE)
        self.assertRaises(ConnectionResetError, peer.recv, 1)
        weir.wait_until("it has ended", lambda: self.ctl(weir, "close", session).returncode == NO)
        self.expect(self.ctl(weir, "close", "no id"), USAGE, "hexadecimal")

    def test_changes(self):
        """A reload and a log level; then a drain: it is no longer ready, and ends."""
        weir = self.start_admin("--codec", "u32be")
        self.expect(self.ctl(weir, "reload"), NO, "no files")
        self.expect(self.ctl(weir, "log", "loud"), NO, "level must be")
        self.expect(self.ctl(weir, "drain", "soon"), NO, "within must be")
        self.expect(self.ctl(weir, "ready"), DONE)
        with connect(weir.tcp) as peer:
            peer.sendall(b"\0\0\0\5he")  # an incomplete frame keeps the session open
            weir.wait_until("it has arrived", lambda: " 6 bytes " in self.ctl(weir, "sessions").stdout)
            self.expect(self.ctl(weir, "drain", "60s"), DONE)
            self.expect(self.ctl(weir, "ready"), NO, "draining")
            self.expect(self.ctl(weir, "health"), DONE)
        self.assertEqual(weir.wait_end().code, 0)
        self.expect(self.ctl(weir, "health"), UNREACHABLE, weir.admin)

    def test_token(self):
        with tempfile.TemporaryDirectory() as folder:
            path, wrong = os.path.join(folder, "token"), os.path.join(folder, "wrong")
            for name, text in ((path, TOKEN), (wrong, TOKEN + "x")):
                with open(name, "w", encoding="ascii") as file:
                    file.write(text + "\n")
            weir = self.start_admin("--admin-token-file", path)
            self.expect(self.ctl(weir, "health"), DONE)
            self.expect(self.ctl(weir, "stats"), REFUSED, "token")
            self.expect(self.ctl(weir, "stats", "--admin-token-file", wrong), REFUSED, "token")
            self.expect(self.ctl(weir, "stats", "--admin-token-file", path), DONE, '"ready":true')
            self.expect(self.ctl(weir, "stats", "--admin-token-file", os.path.join(folder, "none")), 74, "none")

    @linux_only("Unix-domain sockets")
    def test_unix(self):
        with tempfile.TemporaryDirectory() as folder:
            address = "unix:" + os.path.join(folder, "admin.sock")
            self.start("--tcp", "127.0.0.1:0", "--admin", address)
            self.expect(self.run_weir("ctl", "--admin", address, "health"), DONE, "ok")
            self.expect(self.run_weir("ctl", "--admin", address + "x", "health"), UNREACHABLE, "admin.sockx")

    def test_port_alone(self):
        weir = self.start_admin()
        self.expect(self.run_weir("ctl", "-a", weir.admin.rsplit(":", 1)[1], "ready"), DONE, "ready")

    def test_another_server(self):
        """An echo server answers with the request, which is not what an admin server answers."""
        weir = self.start("--tcp", "127.0.0.1:0")
        self.expect(self.run_weir("ctl", "-a", "%s:%d" % weir.tcp, "health"), UNREACHABLE, "not the admin server")

    def test_usage(self):
        for words, text in ((["ctl"], "verb"), (["ctl", "helth"], "health"), (["ctl", "close"], "argument"),
                            (["ctl", "health", "now"], "no argument"), (["ctl", "log"], "argument"),
                            (["ctl", "-a", "::1", "health"], "--admin"), (["ctl", "close", "1", "2"], "too many"),
                            (["inspect"], "id"), (["ctl", "--no-such"], "--no-such")):
            self.expect(self.run_weir(*words), USAGE, text)
        for command in ("ctl", "inspect"):
            printed = self.expect(self.run_weir(command, "--help"), DONE, "Exit codes")
            self.assertTrue(all(len(line) <= 100 for line in printed.splitlines()))


if __name__ == "__main__":
    main()
