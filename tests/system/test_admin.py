# SPDX-License-Identifier: MIT
"""The admin server (--admin): HTTP as clients send it, which requests it answers, what it shows and does."""
import base64
import os
import tempfile
import threading

from admin_http import Client, get_json, request
from weir_process import WeirTest, connect, linux_only, main, receive_exactly

WRONG_SETTING, UNAVAILABLE = 78, 69
TOKEN = "correct-horse-battery"
SECURITY = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-frame-options": "DENY",
            "cross-origin-resource-policy": "same-origin", "referrer-policy": "no-referrer"}


class AdminTest(WeirTest):
    def start_admin(self, *arguments, admin="127.0.0.1:0"):
        return self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--admin", admin, *arguments)


class Requests(AdminTest):
    def setUp(self):
        self.admin = self.start_admin().admin

    def test_heads(self):
        """What is no request, or none that this server takes, gets its status, and the connection ends."""
        host = b"Host: localhost\r\n"
        cases = {
            b"hello\r\n\r\n": 400,
            b"GET /healthz HTTP/1.1\r\n\r\n": 400,  # no Host
            b"GET /healthz HTTP/2.0\r\n" + host + b"\r\n": 505,
            b"GET /healthz HTTP/1.1\r\n" + host + host + b"\r\n": 400,
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n": 400,
            b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n": 400,
            b"GET /healthz HTTP/1.1\r\n" + host + b"X: " + b"x" * 9000 + b"\r\n\r\n": 431,
            b"GET /healthz HTTP/1.1\r\n" + host + b"X: x\r\n" * 64 + b"\r\n": 431,
            b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + host + b"\r\n": 431,
            b"GET /healthz HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\nhello": 413,
            b"POST /reload HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 413,
            b"GET http://localhost/healthz HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET /%00 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET /%zz HTTP/1.1\r\n" + host + b"\r\n": 400,
        }
        for raw, status in cases.items():
            with self.subTest(raw=raw[:60]), Client(self.admin) as client:
                client.send(raw)
                answer = client.answer()
                self.assertEqual(answer.status, status)
                if "connection" in answer.headers:
                    self.assertTrue(client.is_closed())

    def test_methods(self):
        for target, method, allow in (("/healthz", "DELETE", "GET, HEAD"), ("/stats.json", "OPTIONS", "GET, HEAD")):
            answer = request(self.admin, target, method=method)
            self.assertEqual((answer.status, answer.headers["allow"]), (405, allow))
            self.assertNotIn("access-control-allow-origin", answer.headers)
        self.assertEqual(request(self.admin, "/nothing").status, 404)
        self.assertEqual(request(self.admin, "/stats.json?sort=x").status, 400)
        self.assertEqual(request(self.admin, "/%68ealthz").body, "ok\n")

    def test_keep_alive(self):
        """Requests one after the other, pipelined, and split at every byte; HEAD has the length of GET."""
        with Client(self.admin) as client:
            for _ in range(3):
                self.assertEqual(client.request("/readyz").body, "ready\n")
            get = client.request("/")
            head = client.request("/", method="HEAD")
            self.assertEqual(head.headers, get.headers)
            one = b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"
            client.send(one * 20)
            for _ in range(20):
                self.assertEqual(client.answer().body, "ok\n")
            for byte in one:
                client.send(bytes([byte]))
            self.assertEqual(client.answer().body, "ok\n")
            self.assertEqual(client.request("/readyz", Connection="close").headers["connection"], "close")
            self.assertTrue(client.is_closed())

    def test_requests_are_bounded(self):
        with Client(self.admin) as client:
            one = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            client.send(one * 1001)
            answers = [client.answer() for _ in range(1000)]
            self.assertEqual({answer.status for answer in answers}, {200})
            self.assertEqual([i for i, answer in enumerate(answers) if "connection" in answer.headers], [999])
            self.assertTrue(client.is_closed())

    def test_old_http(self):
        """HTTP/1.0 without Host, as load balancers send it, also with FIN behind the request."""
        with Client(self.admin) as client:
            client.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            client._peer.shutdown(1)
            self.assertEqual(client.answer().body, "ok\n")
            self.assertTrue(client.is_closed())


class Guarded(AdminTest):
    def test_host(self):
        """A page whose name resolves to this machine sends its own name."""
        weir = self.start_admin("--admin-host", "Weir.Example")
        port = weir.admin.rsplit(":", 1)[1]
        for host in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", f"127.0.0.1:{port}", "[::1]:80", "192.0.2.1",
                     "weir.example", "WEIR.EXAMPLE:80"):
            self.assertEqual(request(weir.admin, "/stats.json", host=host).status, 200, host)
        for host in ("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "", ":80",
                     "[::1].evil.example", "[::1", "127.0.0.1:80:80", "localhost:http", "weir.example.", "127.1", "[]"):
            for target in ("/", "/stats.json", "/healthz"):
                answer = request(weir.admin, target, host=host)
                self.assertEqual(answer.status, 421, host)
                self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_header_lines(self):
        weir = self.start_admin()
        for target in ("/", "/healthz", "/stats.json", "/nothing"):
            headers = request(weir.admin, target, Origin="http://evil.example").headers
            self.assertEqual({name: headers.get(name) for name in SECURITY}, SECURITY)
            self.assertEqual([name for name in headers if name.startswith("access-control")], [])
        policy = request(weir.admin, "/").headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)

    def test_beyond_loopback(self):
        """Without a token the program does not start, whatever the other options are."""
        for address in ("0", "0.0.0.0:0", "[::]:0", "*:0"):
            ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--admin", address)
            self.assertEqual(ended.returncode, WRONG_SETTING, ended.stderr)
            self.assertIn("--admin-token-file", ended.stderr)
            self.assertNotIn("ready", ended.stdout)

    def token_file(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_token(self):
        weir = self.start_admin("--admin-token-file", self.token_file(TOKEN + "\n"), admin="0.0.0.0:0")
        address = weir.admin.replace("0.0.0.0", "127.0.0.1")
        for right in ("Bearer " + TOKEN, "bearer " + TOKEN, "Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode()):
            self.assertEqual(request(address, "/stats.json", Authorization=right).status, 200)
            # A browser that a page misleads has no token, so the name does not matter.
            self.assertEqual(request(address, "/stats.json", host="any.example", Authorization=right).status, 200)
        wrong = ("Bearer", "Bearer ", "Bearer x", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN} x",
                 f"Digest {TOKEN}", TOKEN, "Basic " + base64.b64encode(TOKEN.encode()).decode(), "Basic ", "Basic ====",
                 "Basic " + base64.b64encode(b"x:" + b"y" * 600).decode(), f"Bearer {TOKEN * 2}")
        for text in wrong:
            answer = request(address, "/stats.json", Authorization=text)
            self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, 'Basic realm="weir"'), text)
        self.assertEqual(request(address, "/").status, 401)
        self.assertEqual(request(address, "/healthz").body, "ok\n")
        self.assertEqual(request(address, "/readyz").body, "ready\n")
        self.assertEqual(request(address, "/readyz", host="evil.example").status, 421)

    def test_bad_tokens(self):
        for text in ("", "short\n", "with a blank in it\n", "x" * 300):
            ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--admin", "0", "--admin-token-file",
                                  self.token_file(text))
            self.assertIn(ended.returncode, (WRONG_SETTING, 74), ended.stderr)
            self.assertIn("token", ended.stderr)
        ended = self.run_weir("serve", "--admin", "0", "--admin-token-file", "/nonexistent/token")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("/nonexistent/token", ended.stderr)


class Addresses(AdminTest):
    @linux_only("Unix-domain sockets")
    def test_unix(self):
        """Only the user who runs weir can connect to the file, and Host is not checked."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "admin.sock")
            weir = self.start_admin(admin="unix:" + path)
            self.assertEqual(weir.admin, "unix:" + path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertEqual(request(weir.admin, "/healthz", host="weir").body, "ok\n")
            weir.stop()
            self.assertFalse(os.path.exists(path))

    def test_in_use(self):
        weir = self.start_admin()
        ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--admin", weir.admin)
        self.assertEqual(ended.returncode, UNAVAILABLE)
        self.assertIn("--admin", ended.stderr)
        self.assertNotIn("ready", ended.stdout)

    def test_off(self):
        self.assertIsNone(self.start("--tcp", "127.0.0.1:0").admin)


class Figures(AdminTest):
    def test_stats(self):
        weir = self.start_admin()
        with connect(weir.tcp) as peer:
            peer.sendall(b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")
            stats = get_json(weir.admin, "/stats.json")
        self.assertTrue(stats["ready"])
        self.assertFalse(stats["draining"])
        self.assertEqual(len(stats["workers"]), 2)
        self.assertEqual([listener["address"] for listener in stats["listeners"]], ["%s:%d" % weir.tcp])
        self.assertEqual(stats["stats"]["accepted"], 1)
        self.assertIn("idle", stats["stats"]["closed_by_reason"])

    def test_many_clients(self):
        """More clients than the server takes: those that are served get whole answers."""
        weir = self.start_admin()
        wrong = []

        def ask():
            try:
                if get_json(weir.admin, "/stats.json")["node"] != 0:
                    wrong.append("node")
            except ConnectionError:
                pass
            except AssertionError as error:
                if "None" not in str(error):
                    wrong.append(error)

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(request(weir.admin, "/healthz").body, "ok\n")


if __name__ == "__main__":
    main()
