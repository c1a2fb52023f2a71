# SPDX-License-Identifier: MIT
"""What the documents of the filters tell people to type works as it stands: the browser chat of the README, and the
certificate, the server and the client of docs/filters.md. Only ports differ."""
import re
import shlex
import subprocess
import tempfile

from program import TREE
from websocket_frames import TEXT, request
from websocket_peer import WebSocket, ask
from weir_process import DEADLINE_S, WeirTest, connect, main


def commands(document, beginning):
    """Returns the indented lines of a document that begin with this text."""
    return re.findall(rf"^    (?:\$ )?({re.escape(beginning)}.*)$", (TREE / document).read_text("utf-8"), re.M)


class FilterDocuments(WeirTest):
    def test_the_browser_chat_of_the_readme(self):
        line, = [line for line in commands("README.md", "scripts/run") if "websocket=" in line]
        page = TREE / "examples" / "browser_chat" / "index.html"
        words = [{"7000": "127.0.0.1:0", "tcp://7080?websocket=/chat": "tcp://127.0.0.1:0?websocket=/chat",
                  "examples/browser_chat/index.html": page}.get(word, word) for word in shlex.split(line.rstrip(" &"))[1:]]
        self.assertIn(page, words)
        weir = self.start(*words)
        self.assertEqual(ask(weir.address("tcp", 1), request("/chat", Upgrade=None, Connection=None))[2], page.read_bytes())
        with connect(weir.address("tcp", 0)) as telnet, WebSocket.open(weir.address("tcp", 1), "/chat") as browser:
            with telnet.makefile("rb") as lines:
                browser.send(TEXT, b"/name ada")
                browser.send(TEXT, b"is anyone here?")
                while lines.readline() != b"ada: is anyone here?\n":
                    pass
        weir.stop()

    def test_the_certificate_for_trying(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        make, = commands("docs/filters.md", "openssl req")
        self.assertEqual(commands("docs/extending.md", "openssl req"), [make])
        server, client = commands("docs/filters.md", "weir --tcp 127.0.0.1:5050 "), commands("docs/filters.md", "echo hello |")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(make, shell=True, cwd=folder, check=True, capture_output=True, timeout=DEADLINE_S)
            words = shlex.split(server[0].rstrip(" &"))[1:]
            self.assertEqual(words[:2], ["--tcp", "127.0.0.1:5050"])
            weir = self.start("--tcp", "127.0.0.1:0", *(re.sub(r"^\w+\.pem$", rf"{folder}/\g<0>", word)
                                                        for word in words[2:]))
            sent = self.run_weir("send", "--tls-ca", f"{folder}/cert.pem", "--codec", "line", f"localhost:{weir.tcp[1]}", "Ada")
            self.assertEqual((sent.returncode, sent.stdout), (0, "Ada\n"), sent.stderr)
            line = client[0].replace(":5050", f":{weir.tcp[1]}")
            # It has no half close, so it ends when the server does.
            with subprocess.Popen(line, shell=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as running:
                self.assertEqual(running.stdout.readline(), b"hello\n")
                weir.stop()


if __name__ == "__main__":
    main()
