# SPDX-License-Identifier: MIT
"""The admin server (--admin): HTTP as clients send it, which requests it answers, what it shows and does."""
import base64
import os
import tempfile
import threading

import certificates
from admin_http import Client, get_json, request
from weir_process import WeirTest, connect, linux_only, main, receive_exactly, stop_signals, udp_socket

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

    def sessions(self, weir, query=""):
        return get_json(weir.admin, "/sessions" + query)

    def test_pages(self):
        """Pages of any size show every session once, in the order of the key."""
        weir = self.start_admin()
        sent = {}
        peers = [connect(weir.tcp) for _ in range(30)]
        for number, peer in enumerate(peers):
            text = b"x" * (number % 7 + 1)  # equal keys, too
            peer.sendall(text)
            self.assertEqual(receive_exactly(peer, len(text)), text)
            sent["%s:%d" % peer.getsockname()] = len(text)
        weir.wait_until("all are listed", lambda: self.sessions(weir)["total"] == 30)
        for order, limit in (("desc", 1), ("desc", 7), ("asc", 30), ("asc", 11)):
            found, after = [], ""
            while after is not None:
                page = self.sessions(weir, f"?sort=bytes_in&order={order}&limit={limit}" + after)
                self.assertLessEqual(len(page["sessions"]), limit)
                self.assertEqual((page["total"], page["incomplete"]), (30, False))
                found += [(session["bytes_in"], session["peer"]) for session in page["sessions"]]
                after = page["next"] and f"&after={page['next']}"
            self.assertEqual({peer: count for count, peer in found}, sent)
            self.assertEqual(len(found), 30)
            counts = [count for count, _ in found]
            self.assertEqual(counts, sorted(counts, reverse=order == "desc"))
        one = "%s:%d" % peers[3].getsockname()
        self.assertEqual([session["peer"] for session in self.sessions(weir, "?filter=" + one)["sessions"]], [one])
        self.assertEqual(self.sessions(weir, "?filter=no%20such")["total"], 0)
        self.assertEqual(self.sessions(weir, "?filter=echo&limit=1")["total"], 30)
        for peer in peers:
            peer.close()

    def test_groups(self):
        """Members of both workers are added up."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--handler", "chat", "--codec", "line",
                          "--admin", "127.0.0.1:0")
        self.assertEqual(get_json(weir.admin, "/groups"), {"groups": [], "total": 0, "incomplete": False})
        peers = [connect(weir.tcp) for _ in range(6)]
        for number, peer in enumerate(peers):
            peer.sendall(b"name%d\n" % number)
        found = []

        def all_are_members():
            found[:] = get_json(weir.admin, "/groups?limit=1")["groups"]
            return found and found[0]["members"] == 6
        weir.wait_until("all have joined", all_are_members)
        self.assertEqual(get_json(weir.admin, "/groups")["total"], 1)
        self.assertEqual(found[0]["offered"], found[0]["delivered"] + sum(
            count for name, count in found[0].items() if name.startswith("dropped_") and name != "dropped_late"))
        for query in ("limit=0", "limit=1001", "limit=x", "sort=name"):
            self.assertEqual(request(weir.admin, "/groups?" + query).status, 400, query)
        for peer in peers:
            peer.close()

    def test_watch(self):
        """The last frame in each direction, with its header, from the watch on."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--admin", "127.0.0.1:0")
        with connect(weir.tcp) as peer:
            def echo_frame(text):
                raw = len(text).to_bytes(4, "big") + text
                peer.sendall(raw)
                self.assertEqual(receive_exactly(peer, len(raw)), raw)
            echo_frame(b"before")
            found = []
            weir.wait_until("it is listed", lambda: found.extend(self.sessions(weir)["sessions"]) or found)
            target = "/sessions/" + found[0]["id"]
            self.assertIsNone(get_json(weir.admin, target)["received_frame"])
            self.assertEqual(request(weir.admin, target + "/watch", Weir_Admin="1").status, 405)
            for wrong in ("for=", "for=2h", "for=x", "until=1s"):
                self.assertEqual(request(weir.admin, f"{target}/watch?{wrong}", method="POST", Weir_Admin="1").status, 400)
            self.assertEqual(request(weir.admin, target + "/watch?for=1m", method="POST", Weir_Admin="1").status, 202)

            def is_watched():  # the worker gets the request after the answer
                echo_frame(b"hello")
                return get_json(weir.admin, target)["received_frame"]
            weir.wait_until("the watch has begun", is_watched)
            before = get_json(weir.admin, target)
            echo_frame(b"x" * 1000)
            session = get_json(weir.admin, target)
            for name in ("received_frame", "sent_frame"):
                frame, count = session[name], before[name]["count"] + 1
                self.assertEqual((frame["count"], frame["frame_length"], frame["message_length"]), (count, 1004, 1000), name)
                self.assertEqual(frame["hex"], "000003e8" + "78" * 252)
        self.assertEqual(request(weir.admin, "/sessions/0/watch", method="POST", Weir_Admin="1").status, 404)

    def test_wrong_queries(self):
        weir = self.start_admin()
        for query in ("sort=peer", "order=up", "limit=0", "limit=1001", "limit=x", "limit=", "after=x", "after=1-", "after=1",
                      "after=11111111111111111-1", "page=2"):
            self.assertEqual(request(weir.admin, "/sessions?" + query).status, 400, query)

    def test_udp_sessions(self):
        weir = self.start("--udp", "127.0.0.1:0", "--message-rate", "1000", "--admin", "127.0.0.1:0")
        with udp_socket(weir.udp) as peer:
            peer.send(b"hello")
            self.assertEqual(peer.recv(100), b"hello")
            session, = self.sessions(weir)["sessions"]
            self.assertEqual((session["proto"], session["peer"]), ("udp", "%s:%d" % peer.getsockname()))

    def test_one_session(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--admin", "127.0.0.1:0")
        with connect(weir.tcp) as peer:
            peer.sendall(b"\0\0\0\5he")  # an incomplete frame
            weir.wait_until("it has arrived", lambda: weir_has_partial(weir))
            session, = get_json(weir.admin, "/sessions?sort=partial_bytes")["sessions"]
            self.assertEqual((session["partial_bytes"], session["codec"], session["deadline_reason"]), (6, "u32be", "frame"))
            same = get_json(weir.admin, "/sessions/" + session["id"])
            self.assertEqual(set(same), set(session) | {"received_frame", "sent_frame"})
            self.assertEqual(same["peer"], session["peer"])
        for wrong in ("/sessions/0", "/sessions/ffffffffffffffff", "/sessions/12345678901234567", "/sessions/x", "/sessions/"):
            self.assertEqual(request(weir.admin, wrong).status, 404, wrong)

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


def weir_has_partial(weir):
    sessions = get_json(weir.admin, "/sessions")["sessions"]
    return sessions and sessions[0]["partial_bytes"] == 6


class Controls(AdminTest):
    def post(self, weir, target, **headers):
        return request(weir.admin, target, method="POST", **{"Weir_Admin": "1", **headers})

    def test_header(self):
        """Without Weir-Admin a POST changes nothing: a page of another site cannot send this header."""
        weir = self.start_admin()
        for headers in ({"Weir_Admin": "0"}, {"Weir_Admin": ""}, {"Weir_Admin": "1, 1"}):
            self.assertEqual(self.post(weir, "/drain", **headers).status, 403)
        self.assertEqual(request(weir.admin, "/drain", method="POST").status, 403)
        self.assertEqual(request(weir.admin, "/drain", Weir_Admin="1").status, 405)
        preflight = request(weir.admin, "/drain", method="OPTIONS", Origin="http://evil.example",
                            Access_Control_Request_Method="POST", Access_Control_Request_Headers="weir-admin")
        self.assertEqual(preflight.status, 405)
        self.assertEqual([name for name in preflight.headers if name.startswith("access-control")], [])
        self.assertEqual(request(weir.admin, "/readyz").body, "ready\n")

    def test_close(self):
        weir = self.start_admin()
        for how, reset in (("", False), ("?how=finish", False), ("?how=abort", True)):
            with connect(weir.tcp) as peer:
                peer.sendall(b"x")
                self.assertEqual(receive_exactly(peer, 1), b"x")
                name = "%s:%d" % peer.getsockname()
                found = []
                weir.wait_until("it is listed", lambda: found.extend(
                    session["id"] for session in get_json(weir.admin, "/sessions?filter=" + name)["sessions"]) or found)
                self.assertEqual(self.post(weir, f"/sessions/{found[0]}/close{how}").status, 202)
                if reset:
                    self.assertRaises(ConnectionResetError, peer.recv, 1)
                else:
                    self.assertEqual(peer.recv(1), b"")
        self.assertEqual(self.post(weir, "/sessions/0/close").status, 404)
        self.assertEqual(self.post(weir, f"/sessions/{found[0]}/close?how=gently").status, 400)

    def test_drain(self):
        """/readyz fails immediately, the sessions end by the deadline, and the exit code is that of a requested end."""
        weir = self.start_admin()
        with connect(weir.tcp) as peer:
            peer.sendall(b"x")
            self.assertEqual(receive_exactly(peer, 1), b"x")
            self.assertEqual(self.post(weir, "/drain?within=soon").status, 400)
            with Client(weir.admin) as client:
                self.assertEqual(client.request("/drain?within=30s", method="POST", Weir_Admin="1").status, 202)
                self.assertEqual(client.request("/readyz").body, "draining\n")
            self.assertEqual(peer.recv(1), b"")
        self.assertEqual(weir.wait_end().code, 0)

    def test_signal(self):
        """SIGTERM makes /readyz fail while sessions still end."""
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", "--drain", "60s", "--admin", "127.0.0.1:0")
        with connect(weir.tcp) as peer:
            peer.sendall(b"\0\0\0\5he")  # an incomplete frame keeps the session open
            weir.wait_until("it has arrived", lambda: weir_has_partial(weir))
            weir.send_signal(stop_signals()[-1])
            weir.wait_until("it drains", lambda: request(weir.admin, "/readyz").status == 503)
            self.assertEqual(request(weir.admin, "/healthz").status, 200)
            self.assertTrue(get_json(weir.admin, "/stats.json")["draining"])
            peer.sendall(b"llo")
            self.assertEqual(receive_exactly(peer, 9), b"\0\0\0\5hello")
        self.assertEqual(weir.wait_end().code, 0)

    def test_reload(self):
        weir = self.start_admin()
        self.assertEqual(self.post(weir, "/reload").status, 501)
        self.assertIsNone(get_json(weir.admin, "/stats.json")["reload"])

    def test_reload_of_tls(self):
        """It answers when the new certificate is in use, or with the reason why the earlier one is."""
        if not self.has_tls():
            self.skipTest("weir was built without TLS")
        pair = certificates.local()
        with tempfile.TemporaryDirectory() as folder:
            both = os.path.join(folder, "both.pem")
            with open(both, "wb") as file:
                for path in (pair.certificate, pair.key):
                    with open(path, "rb") as part:
                        file.write(part.read())
            weir = self.start_admin("--tls-cert", both)
            answer = self.post(weir, "/reload")
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(get_json(weir.admin, "/stats.json")["reload"]["successful"])
            with open(both, "w", encoding="ascii") as file:
                file.write("no certificate\n")
            answer = self.post(weir, "/reload")
            self.assertEqual(answer.status, 422, answer)
            self.assertIn("both.pem", answer.body)
            self.assertFalse(get_json(weir.admin, "/stats.json")["reload"]["successful"])
            metrics = request(weir.admin, "/metrics").body
            self.assertIn("\nweir_config_last_reload_successful 0\n", metrics)
            self.assertRegex(metrics, r'\nweir_tls_certificate_expiry_timestamp_seconds\{name="[^"]+"\} \d{10}\n')

    def test_log(self):
        """The level holds from the answer on: sessions are logged, and then no longer."""
        weir = self.start_admin()
        for level in ("", "?level=", "?level=loud", "?level=trace"):
            self.assertEqual(self.post(weir, "/log" + level).status, 400)
        names = []
        for level in ("info", "error"):
            self.assertEqual(self.post(weir, "/log?level=" + level).status, 200)
            with connect(weir.tcp) as peer:
                peer.sendall(b"x")
                self.assertEqual(receive_exactly(peer, 1), b"x")
                names.append("%s:%d" % peer.getsockname())
        log = weir.stop().log
        self.assertRegex(log, f"begins: tcp {names[0]}")
        self.assertNotIn(f"begins: tcp {names[1]}", log)


if __name__ == "__main__":
    main()
