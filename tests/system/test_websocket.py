# SPDX-License-Identifier: MIT
"""WebSocket listeners: the request, messages, failures, closing, pings, the page, and the limits of sessions, with a
client that checks every byte."""
import os
import select
import signal
import socket
import ssl
import tempfile

import certificates
from websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame, header, request
from websocket_peer import WebSocket, ask, read_head
from weir_process import (DEADLINE_S, MIB, STUCK_S, WeirTest, connect, expect_end, linux_only, main, non_reading_client,
                          pattern_bytes, receive_exactly, scaled, wait_closed)

PATH = "?websocket=/play"


class WebSocketTest(WeirTest):
    def start_echo(self, *arguments, keys=""):
        return self.start("--listen", "tcp://127.0.0.1:0" + PATH + keys, "--workers", "1", *arguments)

    def open(self, weir, path="/play", **lines):
        peer = WebSocket.open(weir.tcp, path, **lines)
        self.addCleanup(peer.peer.close)
        return peer


class Opening(WebSocketTest):
    def test_answer(self):
        weir = self.start_echo()
        with connect(weir.tcp) as peer:
            peer.sendall(request())
            self.assertEqual(receive_exactly(peer, 129),
                             b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            peer.sendall(close_frame(1000))
            self.assertEqual(receive_exactly(peer, 4), b"\x88\x02\x03\xe8")
            expect_end(peer)
        ended = weir.stop()
        self.assertEqual((ended.summary["accepted"], ended.summary["closed_peer_done"]), (1, 1))

    def test_split_at_every_byte(self):
        """The request and a first message, in two pieces."""
        weir = self.start_echo()
        text = request("/play?room=1") + frame(TEXT, b"hello", mask=b"abcd")
        for cut in range(1, len(text)):
            with connect(weir.tcp) as peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer.sendall(text[:cut])
                peer.sendall(text[cut:])
                read_head(peer)
                self.assertEqual(receive_exactly(peer, 7), b"\x81\x05hello")
        weir.stop()

    def test_listening_line(self):
        weir = self.start_echo()
        self.assertEqual(weir.listeners[0].filters, "websocket=/play")
        weir.stop()

    def test_refused_requests(self):
        weir = self.start_echo("--verbose")
        for status, text in (
                (404, request("/")), (404, request("/play/x")), (405, request(method="POST")),
                (426, request(Upgrade=None)), (426, request(Sec_WebSocket_Version="8")),
                (400, request(Sec_WebSocket_Key="short")), (403, request(Origin="http://evil.example")),
                (505, request(version="HTTP/1.0")), (400, request(Content_Length="3") + b"abc"),
                (400, b"hello\r\n\r\n"), (431, request(X="y" * 9000)), (426, request(Connection=None))):
            with self.subTest(status=status, text=text[:40]):
                got, lines, body = ask(weir.tcp, text)
                self.assertEqual(got, status)
                self.assertIn("close", lines["Connection"])
                self.assertEqual(int(lines["Content-Length"]), len(body))
        ended = weir.stop()
        self.assertEqual(ended.summary["closed_upgrade"], 12)
        self.assertIn("WebSocket request refused with status 403", ended.log)
        self.assertNotIn("begins", "".join(line for line in ended.log.splitlines() if "evil" in line))

    def test_origins(self):
        weir = self.start_echo(keys="&origins=https://a.example,http://b.example:8080")
        for origin in ("https://a.example", "http://b.example:8080"):
            self.open(weir, Origin=origin).close()
        for origin in ("http://a.example", "http://127.0.0.1", "https://a.example.evil.example", "null"):
            self.assertEqual(ask(weir.tcp, request(Origin=origin))[0], 403)
        self.open(weir).close()
        weir.stop()

    def test_page_of_the_same_host(self):
        weir = self.start_echo()
        port = weir.tcp[1]
        self.open(weir, Host=f"localhost:{port}", Origin=f"http://localhost:{port}").close()
        self.assertEqual(ask(weir.tcp, request(Host=f"localhost:{port}", Origin="http://localhost:1"))[0], 403)
        weir.stop()

    def test_subprotocols(self):
        weir = self.start_echo(keys="&subprotocols=v2.game,v1.game")
        peer = self.open(weir, Sec_WebSocket_Protocol="v1.game, v2.game")
        self.assertEqual(peer.lines["Sec-WebSocket-Protocol"], "v2.game")
        peer = self.open(weir, Sec_WebSocket_Protocol="other")
        self.assertNotIn("Sec-WebSocket-Protocol", peer.lines)
        weir.stop()

    def test_opening_timeout(self):
        """A client that sends its request slowly is closed; receiving more bytes does not extend the time."""
        weir = self.start_echo("--opening-timeout", "300ms", "--stats", "100ms")
        with connect(weir.tcp) as peer:
            peer.sendall(b"GET /play HTTP/1.1\r\n")
            peer.settimeout(DEADLINE_S)
            try:
                while not select.select([peer], [], [], 0.02)[0]:
                    peer.sendall(b"X: y\r\n")
                self.assertEqual(peer.recv(100), b"")
            except ConnectionError:
                pass
        self.assertEqual(weir.stop().summary["closed_opening"], 1)


class Messages(WebSocketTest):
    def test_every_length(self):
        weir = self.start_echo()
        peer = self.open(weir)
        for length in (0, 1, 2, 124, 125, 126, 127, 128, 1000, 65535, 65536, 65537, scaled(MIB)):
            payload = pattern_bytes(length, seed=length)
            peer.send(BINARY, payload)
            peer.expect(BINARY, payload)
            peer.send(TEXT, b"a" * length)
            peer.expect(TEXT, b"a" * length)
        peer.close()
        weir.stop()

    def test_many_at_the_same_time(self):
        """Several messages in each received piece: the answers are in order, each with its type."""
        weir = self.start_echo()
        peer = self.open(weir)
        count = scaled(3000)
        messages = [(TEXT if i % 3 else BINARY, b"%d" % i * (i % 7 + 1)) for i in range(count)]
        peer.send_raw(b"".join(frame(*message) for message in messages))
        for message in messages:
            peer.expect(*message)
        peer.close()
        self.assertEqual(weir.stop().summary["messages_in"], count)

    def test_fragments_and_pings(self):
        weir = self.start_echo()
        peer = self.open(weir)
        peer.send(TEXT, "€".encode()[:1], final=False)
        peer.send(PING, b"one")
        peer.expect(PONG, b"one")
        peer.send(CONTINUATION, "€".encode()[1:2], final=False)
        peer.send(CONTINUATION, b"", final=False)
        peer.send(CONTINUATION, "€".encode()[2:])
        peer.expect(TEXT, "€".encode())
        peer.send_raw(frame(PING, b"two") + frame(PONG, b"three") + frame(PING, b"four") + frame(TEXT, b"x"))
        got = [peer.receive() for _ in range(2)]  # one pong answers both
        self.assertCountEqual(got, [(PONG, b"four"), (TEXT, b"x")])
        peer.close()
        weir.stop()

    def test_failures(self):
        """Each closes the session with its status; nothing of the wrong message reaches the handler."""
        weir = self.start_echo("--max-message", "1000")
        cases = (
            (1002, b"\x81\x05hello"), (1002, b"\xc1\x80abcd"), (1002, b"\x83\x80abcd"), (1002, b"\x8b\x80abcd"),
            (1002, frame(CONTINUATION, b"x")), (1002, frame(TEXT, b"x", final=False) + frame(TEXT, b"y")),
            (1002, frame(PING, b"x", final=False)), (1002, header(PING, 126, masked=True)),
            (1002, b"\x81\xfe\x00\x05abcdhello"), (1002, frame(CLOSE, b"x")), (1002, close_frame(1005)),
            (1002, close_frame(999)), (1007, frame(TEXT, b"\xff")), (1007, frame(TEXT, b"\xe2\x82")),
            (1007, close_frame(1000, b"\xff")), (1009, frame(BINARY, b"x" * 1001)),
            (1009, header(BINARY, 2**62, masked=True) + b"abcd"),
            (1009, frame(BINARY, b"x" * 600, final=False) + frame(CONTINUATION, b"x" * 401)),
        )
        for status, data in cases:
            with self.subTest(status=status, data=data[:20]):
                peer = self.open(weir)
                peer.send(TEXT, b"before")
                peer.expect(TEXT, b"before")
                peer.send_raw(data)
                peer.expect_close(status)
        ended = weir.stop()
        self.assertEqual(ended.summary["closed_protocol"], len(cases))
        self.assertEqual(ended.summary["messages_in"], len(cases))

    def test_max_message(self):
        weir = self.start_echo("--max-message", "100")
        peer = self.open(weir)
        peer.send(TEXT, b"a" * 100)
        peer.expect(TEXT, b"a" * 100)
        peer.send(TEXT, b"a" * 101)
        peer.expect_close(1009)
        weir.stop()

    def test_stream_for_a_codec(self):
        """With a codec the payloads are a stream, as clients that emulate sockets send it."""
        weir = self.start_echo(keys="&codec=line")
        peer = self.open(weir, Sec_WebSocket_Protocol="binary")
        self.assertEqual(peer.lines["Sec-WebSocket-Protocol"], "binary")
        peer.send(BINARY, b"one\ntwo\r\nthr")
        peer.expect(BINARY, b"one\n")
        peer.expect(BINARY, b"two\r\n")
        peer.send(BINARY, b"ee", final=False)
        peer.send(CONTINUATION, b"\n")
        peer.expect(BINARY, b"three\n")
        peer.send(BINARY, b"last")
        peer.send_raw(close_frame(1000))
        peer.expect(BINARY, b"last")
        peer.expect_close(1000, b"")
        weir.stop()

    def test_u32be_and_text_type(self):
        weir = self.start_echo(keys="&codec=u32be&websocket_send=text")
        peer = self.open(weir)
        peer.send(BINARY, b"\0\0\0\5hel")
        peer.send(BINARY, b"lo\0\0\0\1x")
        peer.expect(TEXT, b"\0\0\0\5hello")
        peer.expect(TEXT, b"\0\0\0\1x")
        peer.close()
        weir.stop()


class Closing(WebSocketTest):
    def test_status_of_the_client(self):
        weir = self.start_echo()
        for status in (1000, 1001, 1003, 3000, 4999, None):
            peer = self.open(weir)
            peer.send(TEXT, b"last")
            peer.send_raw(close_frame(status) + b"garbage" * 100)
            peer.expect(TEXT, b"last")
            peer.expect_close(status, b"")
            peer.peer.close()
        weir.wait_until("all are closed", lambda: True)
        self.assertEqual(weir.stop().summary["closed_protocol"], 0)

    def test_fin_without_close_frame(self):
        """The answers still arrive, then the server's close frame."""
        weir = self.start_echo()
        peer = self.open(weir)
        peer.send_raw(frame(TEXT, b"one") + frame(BINARY, b"two"))
        peer.peer.shutdown(socket.SHUT_WR)
        peer.expect(TEXT, b"one")
        peer.expect(BINARY, b"two")
        peer.expect_close(1000)
        self.assertEqual(weir.stop().summary["closed_peer_done"], 1)

    def test_fin_inside_a_frame(self):
        weir = self.start_echo()
        peer = self.open(weir)
        peer.send_raw(frame(TEXT, b"hello")[:-1])
        peer.peer.shutdown(socket.SHUT_WR)
        peer.expect_close(1002)
        self.assertEqual(weir.stop().summary["closed_protocol"], 1)

    def test_drain(self):
        """A graceful shutdown sends "going away" to idle clients."""
        weir = self.start_echo()
        peers = [self.open(weir) for _ in range(5)]
        weir.send_signal(signal.SIGINT)
        for peer in peers:
            peer.expect_close(1001, b"drain")
            peer.peer.close()
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.summary["closed_drain"]), (0, 5))

    def test_client_that_never_closes_its_side(self):
        weir = self.start_echo("--linger-timeout", "300ms")
        peer = self.open(weir)
        peer.send_raw(b"\x8f\x80abcd")
        peer.expect_close(1002)
        wait_closed(peer.peer)
        self.assertEqual(weir.stop().summary["closed_protocol"], 1)


class Pings(WebSocketTest):
    def test_silent_client(self):
        """A client that answers the server's pings stays; one that does not is closed."""
        weir = self.start_echo("--ping-interval", "100ms", "--pong-timeout", "30s")
        peer = self.open(weir)
        for _ in range(3):
            peer.expect(PING, b"")
            peer.send(PONG)
        peer.send(TEXT, b"x")
        while (got := peer.receive()) == (PING, b""):
            peer.send(PONG)
        self.assertEqual(got, (TEXT, b"x"))
        weir.stop()

    def test_no_pong(self):
        weir = self.start_echo("--ping-interval", "100ms", "--pong-timeout", "200ms")
        peer = self.open(weir)
        peer.expect(PING, b"")
        peer.expect_close(1001, b"idle")
        ended = weir.stop()
        self.assertEqual(ended.summary["closed_idle"], 1)
        self.assertIn("no answer to a ping of WebSocket within 200 ms", ended.log)

    def test_no_pings(self):
        weir = self.start_echo("--ping-interval", "off", "--idle-timeout", "300ms")
        peer = self.open(weir)
        peer.expect_close(1001, b"idle")
        self.assertEqual(weir.stop().summary["closed_idle"], 1)

    @linux_only("memory is measured by /proc")
    def test_flood_of_pings(self):
        """A client that pings and never reads makes the server stop reading, and costs bounded memory."""
        weir = self.start_echo("--ping-interval", "off", "--send-timeout", "1h", "--stats", "100ms")
        with non_reading_client(weir.tcp) as peer:
            peer.sendall(request())
            before = weir.rss_bytes()
            piece, sent = frame(PING, b"x" * 125) * 500, 0
            peer.settimeout(STUCK_S)
            try:
                while sent < 256 * MIB:
                    sent += peer.send(piece[sent % len(piece):])
            except TimeoutError:
                pass
            weir.wait_counted("websocket_pings", 1)
            self.assertLess(weir.rss_bytes() - before, 64 * MIB)
        weir.stop()


class Sessions(WebSocketTest):
    def test_frame_timeout(self):
        weir = self.start_echo("--frame-timeout", "300ms")
        peer = self.open(weir)
        peer.send(TEXT, b"part", final=False)
        peer.expect_close(1008, b"frame")
        self.assertEqual(weir.stop().summary["closed_frame"], 1)

    def test_sessions_per_address(self):
        weir = self.start_echo("--max-sessions-per-address", "2")
        peers = [self.open(weir) for _ in range(2)]
        with connect(weir.tcp) as third:
            try:
                third.sendall(request())
                self.assertEqual(third.recv(100), b"")
            except ConnectionError:
                pass
        peers[0].close()
        weir.stop()

    def test_message_rate(self):
        weir = self.start_echo("--message-rate", "50/s")
        peer = self.open(weir)
        count = 100
        peer.send_raw(b"".join(frame(TEXT, b"%d" % i) for i in range(count)))
        for i in range(count):
            peer.expect(TEXT, b"%d" % i)
        peer.close()
        weir.stop()

    def test_slow_reader(self):
        """The client sends without reading: the server stops reading; then every answer arrives."""
        weir = self.start_echo("--send-timeout", "1h")
        peer = self.open(weir)
        payload = pattern_bytes(10_000, seed=5)
        data = frame(BINARY, payload)
        peer.peer.setblocking(False)
        sent = 0
        while select.select([], [peer.peer], [], STUCK_S)[1]:
            sent += peer.peer.send(data[sent % len(data):])
        peer.peer.settimeout(DEADLINE_S)
        whole, part = divmod(sent, len(data))
        self.assertGreater(whole, 100)
        for _ in range(whole):
            peer.expect(BINARY, payload)
        peer.send_raw(data[part:])
        peer.expect(BINARY, payload)
        peer.close()
        weir.stop()

    def test_reset(self):
        weir = self.start_echo("--stats", "100ms")
        peer = self.open(weir)
        peer.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.peer.close()
        weir.wait_counted("closed_reset")
        weir.stop()


class Tls(WebSocketTest):
    """WebSocket above TLS: the request and the frames are sealed, and TLS says goodbye last."""

    def setUp(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        self.context = ssl.create_default_context(cafile=certificates.authority().ca)

    def start_wss(self, *arguments):
        pair = certificates.local()
        return self.start_echo("--tls-cert", pair.certificate, "--tls-key", pair.key, *arguments)

    def open_wss(self, weir, **lines):
        peer = WebSocket.open(weir.tcp, tls=self.context, **lines)
        self.addCleanup(peer.peer.close)
        return peer

    def test_messages(self):
        weir = self.start_wss()
        peer = self.open_wss(weir)
        payload = pattern_bytes(200_000, seed=3)
        peer.send(BINARY, payload)
        peer.expect(BINARY, payload)
        peer.send(TEXT, b"frag", final=False)
        peer.send(PING, b"?")
        peer.expect(PONG, b"?")
        peer.send(CONTINUATION, b"ments")
        peer.expect(TEXT, b"fragments")
        count = scaled(500)
        peer.send_raw(b"".join(frame(TEXT, b"%d" % i) for i in range(count)))
        for i in range(count):
            peer.expect(TEXT, b"%d" % i)
        peer.close()
        self.assertEqual(weir.stop().summary["closed_peer_done"], 1)

    def test_ends(self):
        """The close frame is followed by TLS's close_notify: the stream is not truncated."""
        weir = self.start_wss("--ping-interval", "100ms")
        failed, drained = self.open_wss(weir), self.open_wss(weir)
        failed.send_raw(frame(TEXT, b"\xff"))
        while (got := failed.receive())[0] == PING:
            failed.send(PONG)
        self.assertEqual((got[0], got[1][:2]), (CLOSE, b"\x03\xef"))
        self.assertEqual(failed.peer.recv(100), b"")
        failed.peer.close()
        drained.expect(PING, b"")
        weir.send_signal(signal.SIGINT)
        while (got := drained.receive())[0] == PING:
            pass
        self.assertEqual(got, (CLOSE, b"\x03\xe9drain"))
        self.assertEqual(drained.peer.recv(100), b"")
        drained.peer.close()
        self.assertEqual(weir.wait_end().code, 0)

    def test_http2(self):
        """A browser that is offered HTTP/2 uses it for the page, and a WebSocket needs HTTP/1.1."""
        pair = certificates.local()
        arguments = ("--listen", "tcp://127.0.0.1:0?websocket=/play", "--tls-cert", pair.certificate, "--tls-key", pair.key)
        ended = self.run_weir("serve", *arguments, "--tls-alpn", "h2,http/1.1")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("cannot use ALPN protocol h2: a WebSocket needs HTTP/1.1; remove h2", ended.stderr)
        self.start(*arguments, "--tls-alpn", "http/1.1").stop()

    def test_wrong_requests(self):
        weir = self.start_wss()
        with self.context.wrap_socket(connect(weir.tcp), server_hostname="localhost") as peer:
            peer.sendall(request("/other"))
            self.assertEqual(read_head(peer)[0], "HTTP/1.1 404 Not Found")
        with connect(weir.tcp) as peer:
            peer.sendall(request())
            wait_closed(peer)
        summary = weir.stop().summary
        self.assertEqual((summary["closed_upgrade"], summary["closed_tls"]), (1, 1))


class Groups(WebSocketTest):
    def test_chat_with_telnet(self):
        """A WebSocket client and a client with lines share a room; each gets messages in its own framing."""
        weir = self.start("--handler", "chat", "--codec", "line", "--tcp", "127.0.0.1:0", "--listen",
                          "tcp://127.0.0.1:0?websocket=/chat")
        lines_address, web_address = weir.address("tcp", 0), weir.address("tcp", 1)
        web = WebSocket.open(web_address, "/chat")
        self.addCleanup(web.peer.close)
        self.assertIn(b"* you are in lobby", web.receive()[1])
        web.receive()  # the help
        web.send(TEXT, b"/name ada")
        web.expect(TEXT, b"* you are now ada")
        with connect(lines_address) as plain:
            stream = plain.makefile("rb")

            def expect_line(line):
                """Skips notices: those of the other worker can come later than its sessions joined."""
                while (received := stream.readline()) != line:
                    self.assertTrue(received.startswith(b"* "), received)
            self.assertIn(b"joined", web.receive()[1])
            plain.sendall("/name bob\nhello, € !\n".encode())
            self.assertIn(b" is now bob", web.receive()[1])
            web.expect(TEXT, "bob: hello, € !".encode())
            expect_line(b"* you are now bob\n")
            web.send(TEXT, b"good morning")
            expect_line(b"ada: good morning\n")
            web.send(TEXT, b"/me waves")
            expect_line(b"~ ada waves\n")
            web.close()
            expect_line(b"* ada left\n")
        weir.stop()


class Page(WebSocketTest):
    def start_page(self, content, *arguments):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "index.html")
        with open(path, "wb") as file:
            file.write(content)
        return self.start_echo("--websocket-page", path, *arguments), path

    def test_page(self):
        content = "<!DOCTYPE html><p>Grüße".encode() + b"x" * 300_000
        weir, path = self.start_page(content)
        status, lines, body = ask(weir.tcp, request(Upgrade=None, Connection=None))
        self.assertEqual((status, body), (200, content))
        self.assertEqual(lines, {"Connection": "close", "Cache-Control": "no-cache",
                                 "Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
                                 "Content-Security-Policy": "frame-ancestors 'self'", "Content-Length": str(len(content))})
        status, lines, body = ask(weir.tcp, request(method="HEAD", Upgrade=None, Connection=None))
        self.assertEqual((status, body, lines["Content-Length"]), (200, b"", str(len(content))))
        os.unlink(path)
        self.assertEqual(ask(weir.tcp, request("/play?x", Upgrade=None, Connection=None))[0], 200)
        for other in ("/", "/index.html", "/play/../play", "/play/..", "/../../etc/passwd", "/favicon.ico"):
            self.assertEqual(ask(weir.tcp, request(other, Upgrade=None, Connection=None))[0], 404)
        status, lines, body = ask(weir.tcp, request(method="POST", Upgrade=None))
        self.assertEqual((status, lines["Allow"]), (405, "GET, HEAD"))
        self.open(weir).close()
        ended = weir.stop()
        self.assertEqual([line for line in ended.log.splitlines() if "closing" in line and "status" not in line], [])


class Options(WebSocketTest):
    def assert_refused(self, *arguments, says):
        done = self.run_weir("serve", *arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(says, done.stderr)

    def test_wrong_settings(self):
        url = "tcp://127.0.0.1:0?"
        page = "--websocket-page"
        for arguments, says in (
                (("--listen", url + "origins=*"), "origins needs websocket=/PATH"),
                (("--listen", url + "subprotocols=a"), "subprotocols needs websocket=/PATH"),
                (("--listen", url + "websocket_send=text"), "websocket_send needs websocket=/PATH"),
                (("--listen", "udp://127.0.0.1:0?websocket=/a"), "WebSocket is for TCP"),
                (("--listen", url + "websocket=/a&websocket_send=blob"), '"blob" is not'),
                (("--listen", url + "websocket=play"), "a path begins with '/'"),
                (("--listen", url + "websocket=/a&origins=a.example"), '"a.example" is not an origin'),
                (("--listen", url + "websocket=/a&subprotocols=a%20b"), '"a b" is not the name of a subprotocol'),
                (("--listen", url + "websocket=/a", page, "/does/not/exist"), "--websocket-page /does/not/exist: "),
                (("--listen", url, page, __file__), "no listener is a WebSocket"),
                (("--listen", url + "websocket=/a", "--pong-timeout", "0"), "--pong-timeout 0: ")):
            with self.subTest(arguments=arguments):
                self.assert_refused(*arguments, says=says)

    def test_page_that_is_too_long(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * (MIB + 1))
            file.flush()
            self.assert_refused("--listen", "tcp://127.0.0.1:0" + PATH, "--websocket-page", file.name, says="--websocket-page")


if __name__ == "__main__":
    main()
