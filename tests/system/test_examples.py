# SPDX-License-Identifier: MIT
"""Each program in examples/ does what its opening comment says, byte for byte; and all of them build against an
installed weir, outside the tree."""
import contextlib
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading

from program import TREE, Program, build_folder, cached, run
from weir_process import (DEADLINE_S, SANITIZED, Settings, WeirTest, close_with_reset, connect, echo, expect_end, main,
                          linux_only, receive_exactly, scaled, udp_socket)

FREE = "127.0.0.1:0"


def example(name):
    return build_folder() / "examples" / "bin" / (name + (".exe" if Settings.is_windows() else ""))


class ExampleTest(WeirTest):
    name = None
    folder = None  # folder of the program; None: this build

    def open(self):
        server = Program(example(self.name), FREE).__enter__()
        self.addCleanup(server.__exit__)
        return server

    def connect(self, server):
        peer = connect(server.address)
        self.addCleanup(peer.close)
        return peer

    def assert_ends(self, server, output="", errors=""):
        code, rest, text = server.end()
        self.assertEqual((code, rest, text.replace("\r\n", "\n")), (0, output, errors))

    def assert_answers(self, peer, *wanted):
        for one in wanted:
            self.assertEqual(receive_exactly(peer, len(one)), one)


class Echo(ExampleTest):
    name = "echo"

    def test_it_echoes(self):
        server = self.open()
        for seed in range(3):
            with connect(server.address) as peer:
                echo(peer, 300_000, seed)
        self.assert_ends(server)

    def test_it_is_short(self):
        lines = (TREE / "examples" / "echo" / "echo.c").read_text("utf-8").splitlines()
        self.assertLessEqual(len(lines), 40)

    @linux_only("nc is a Linux program")
    def test_by_nc(self):
        server = self.open()
        answer = subprocess.run(["nc", "-N", server.address[0], str(server.address[1])], input=b"hello\n",
                                capture_output=True, timeout=DEADLINE_S, check=True)
        self.assertEqual(answer.stdout, b"hello\n")
        self.assert_ends(server)

    def test_an_address_in_use(self):
        server = self.open()
        host, port = server.address
        ended = subprocess.run([*Settings.emulator, example("echo"), f"{host}:{port}"], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertIn("address in use", ended.stderr)


class Target(threading.Thread):
    """The server behind the relay: serves one connection with the given function, and keeps its result."""

    def __init__(self, serve):
        super().__init__(daemon=True)
        self.serve, self.result, self.error = serve, None, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def run(self):
        try:
            peer = self.listener.accept()[0]
            with peer:
                peer.settimeout(DEADLINE_S)
                self.result = self.serve(peer)
        except OSError as error:
            self.error = error

    def end(self):
        self.join(DEADLINE_S)
        self.listener.close()
        if self.error:
            raise self.error
        return self.result


def receive_all(peer):
    pieces = []
    while piece := peer.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


class RelayTcp(ExampleTest):
    name = "relay_tcp"
    DATA = bytes(range(256)) * 64 + b"end"

    def open_to(self, target):
        server = Program(example(self.name), FREE, target).__enter__()
        self.addCleanup(server.__exit__)
        return server

    def open_before(self, serve):
        """Returns a client that is connected through the relay, and the server behind it."""
        target = Target(serve)
        target.start()
        self.relay = self.open_to(target.address)
        return self.connect(self.relay), target

    def test_both_directions_are_unchanged(self):
        with Program(example("echo"), FREE) as behind:
            relay = self.open_to("localhost:%d" % behind.address[1])
            for seed in range(3):
                with connect(relay.address) as peer:
                    echo(peer, 1_000_000, seed)
            self.assert_ends(relay)

    def test_a_half_close_of_the_client(self):
        def serve(peer):
            got = receive_all(peer)  # until the client's FIN
            peer.sendall(got[::-1])
            return got

        peer, target = self.open_before(serve)
        peer.sendall(self.DATA)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), self.DATA[::-1])
        self.assertEqual(target.end(), self.DATA)
        self.assert_ends(self.relay)

    def test_a_half_close_of_the_server(self):
        def serve(peer):
            peer.sendall(self.DATA)
            peer.shutdown(socket.SHUT_WR)
            return receive_all(peer)

        peer, target = self.open_before(serve)
        self.assertEqual(receive_all(peer), self.DATA)
        peer.sendall(self.DATA)
        peer.close()
        self.assertEqual(target.end(), self.DATA)
        self.assert_ends(self.relay)

    def test_slow_readers_in_both_directions(self):
        """Nothing is read before the queues are full: more is sent than all buffers on the way hold."""
        data = self.DATA * 2000  # 32 MB
        blocked = threading.Event()

        def fill(peer):
            """Sends until the way is full. Returns how much was sent."""
            sent = 0
            peer.settimeout(0.3)
            with contextlib.suppress(socket.timeout):
                while sent < len(data):
                    sent += peer.send(data[sent:sent + (1 << 20)])
            peer.settimeout(DEADLINE_S)
            return sent

        def serve(peer):
            sent = fill(peer)
            blocked.wait(DEADLINE_S)
            rest = threading.Thread(target=lambda: (peer.sendall(data[sent:]), peer.shutdown(socket.SHUT_WR)))
            rest.start()
            got = receive_all(peer)
            rest.join(DEADLINE_S)
            return sent, got == data

        peer, target = self.open_before(serve)
        sent = fill(peer)
        self.assertLess(sent, len(data))
        blocked.set()
        rest = threading.Thread(target=lambda: (peer.sendall(data[sent:]), peer.shutdown(socket.SHUT_WR)))
        rest.start()
        self.assertEqual(receive_all(peer) == data, True)
        rest.join(DEADLINE_S)
        sent, is_whole = target.end()
        self.assertLess(sent, len(data))
        self.assertTrue(is_whole)
        self.assert_ends(self.relay)

    def test_a_reset_is_passed_on(self):
        arrived = threading.Event()

        def serve(peer):
            try:
                got = peer.recv(100)
                arrived.set()
                return got + peer.recv(100)
            except ConnectionResetError:
                return "reset"

        peer, target = self.open_before(serve)
        peer.sendall(b"x")
        self.assertTrue(arrived.wait(DEADLINE_S))
        close_with_reset(peer)
        self.assertIn(target.end(), ("reset", b"x") if Settings.is_windows() else ("reset",))
        self.assert_ends(self.relay)

    def test_a_server_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
        relay = self.open_to(address)
        with contextlib.suppress(ConnectionResetError):
            expect_end(self.connect(relay))
        code, _, errors = relay.end()
        self.assertEqual(code, 0)
        self.assertIn("cannot connect to %s: connection refused" % address, errors)


class Chat(ExampleTest):
    name = "chat"

    def enter(self, server, name):
        peer = self.connect(server)
        peer.sendall(name.encode() + b"\n")
        self.assert_answers(peer, b"* what is your name?\n", b"* you are in the lobby\n")
        return peer

    def test_rooms(self):
        server = self.open()
        ada = self.enter(server, "Ada")
        bob = self.enter(server, "Bob")
        self.assert_answers(ada, b"* Bob came\n")
        eve = self.enter(server, "Eve")
        for peer in (ada, bob):
            self.assert_answers(peer, b"* Eve came\n")
        ada.sendall(b"hel")
        ada.sendall(b"lo\r\n")
        for peer in (bob, eve):
            self.assert_answers(peer, b"Ada: hello\n")
        ada.sendall(b"/join den\n")
        for peer in (bob, eve):
            self.assert_answers(peer, b"* Ada left\n")
        bob.sendall(b"/join den\n")
        self.assert_answers(ada, b"* Bob came\n")
        self.assert_answers(eve, b"* Bob left\n")
        bob.sendall(b"psst\n\x1b[31mred\n")
        self.assert_answers(ada, b"Bob: psst\n", b"Bob: ?[31mred\n")
        bob.close()
        self.assert_answers(ada, b"* Bob left\n")
        eve.sendall(b"/what\n/quit\n")
        self.assert_answers(eve, b"* /join ROOM, /quit\n", b"* goodbye\n")
        expect_end(eve)
        server.write_line("")
        self.assert_answers(ada, b"* the server is going down\n")
        expect_end(ada)
        self.assert_ends(server)

    def test_bad_names_and_long_lines(self):
        server = self.open()
        peer = self.connect(server)
        self.assert_answers(peer, b"* what is your name?\n")
        for name in (b"", b"a b", b"x" * 21, b"\xc3\xa4", b"a\0b"):
            peer.sendall(name + b"\n")
            self.assert_answers(peer, b"* letters, digits and dashes, please: what is your name?\n")
        peer.sendall(b"x" * 20 + b"\n")
        self.assert_answers(peer, b"* you are in the lobby\n")
        ada = self.enter(server, "Ada")
        self.assert_answers(peer, b"* Ada came\n")
        ada.sendall(b"x" * 501 + b"\n" + b"y" * 401 + b"\n" + b"z" * 400 + b"\n")
        self.assert_answers(ada, b"* the line is too long\n")
        self.assert_answers(peer, b"Ada: " + b"z" * 400 + b"\n")
        peer.close()
        ada.close()
        self.assert_ends(server)


class GameRoom(ExampleTest):
    name = "game_room"

    def enter(self, server, room, name):
        peer = self.connect(server)
        peer.sendall(f"join {room} {name}\n".encode())
        return peer

    def read_until(self, peer, wanted):
        """Reads lines until the wanted one comes; each tick sends at most one."""
        text = b""
        while not text.endswith(wanted + b"\n"):
            text += receive_exactly(peer, 1)
        return text

    def test_rooms(self):
        server = self.open()
        ada = self.enter(server, 0, "Ada")
        self.read_until(ada, b"room 0: Ada 0,0")
        eve = self.enter(server, 1, "Eve")
        self.read_until(eve, b"room 1: Eve 0,0")
        bob = self.enter(server, 0, "Bob")
        for peer in (ada, bob):
            self.read_until(peer, b"room 0: Ada 0,0; Bob 0,0")
        ada.sendall(b"move 1 0\nmove 1 -1\n")
        for peer in (ada, bob):
            self.read_until(peer, b"room 0: Ada 2,-1; Bob 0,0")
        bob.close()
        line = b""
        while line != b"room 0: Ada 2,-1\n":  # the room notices when it sends to a session that has ended
            ada.sendall(b"move 0 0\n")
            line = self.read_until(ada, b"")
        eve.sendall(b"move 0 1\n")
        self.assertNotIn(b"room 0", self.read_until(eve, b"room 1: Eve 0,1"))
        eve.sendall(b"move 2 0\n")
        expect_end(eve)
        self.assert_ends(server)

    def test_many_players_in_both_rooms(self):
        server = self.open()
        peers = [self.enter(server, number % 2, "Player") for number in range(32)]
        for peer in peers:
            for _ in range(5):
                peer.sendall(b"move 0 1\n")
        for number, peer in enumerate(peers):
            self.read_until(peer, b"room %d:" % (number % 2) + b";".join([b" Player 0,5"] * 16))
        late = self.enter(server, 1, "Late")
        self.read_until(late, b"the room is full")
        self.assert_ends(server)


def request(number, text):
    return struct.pack(">II", 4 + len(text), number) + text


class RequestReply(ExampleTest):
    name = "request_reply"

    def test_out_of_order(self):
        server = self.open()
        peer = self.connect(server)
        peer.sendall(request(1, b"later one") + request(2, b"later two") + request(2**32 - 1, b"echo three") +
                     request(4, b"nonsense"))
        self.assert_answers(peer, request(2**32 - 1, b"three"), request(4, b"no such request: echo, later or ask"),
                            request(2, b"two"), request(1, b"one"))
        peer.close()
        self.assert_ends(server)

    def test_deferred_requests_are_limited(self):
        server = self.open()
        peer = self.connect(server)
        peer.sendall(b"".join(request(number, b"later %d" % number) for number in range(9)))
        self.assert_answers(peer, request(8, b"too many requests wait"),
                            *(request(number, b"%d" % number) for number in reversed(range(8))))

    def test_the_console(self):
        server = self.open()
        first, second = self.connect(server), self.connect(server)
        asked = []
        for number, peer in ((7, first), (7, second), (8, first)):
            peer.sendall(request(number, b"ask who is there?"))
            asked.append(re.fullmatch(r"ask (\d+) (\d+) who is there\?", server.read_line()).groups())
        self.assertEqual([number for _, number in asked], ["7", "7", "8"])
        self.assertEqual(asked[0][0], asked[2][0])
        self.assertNotEqual(asked[0][0], asked[1][0])
        for session, number in reversed(asked):
            server.write_line(f"{session} {number} it is {number}")
        self.assert_answers(second, request(7, b"it is 7"))
        self.assert_answers(first, request(8, b"it is 8"), request(7, b"it is 7"))
        second.close()
        server.write_line("garbage")
        server.write_line("0 1 nobody")
        first.close()
        self.assert_ends(server, errors="write SESSION NUMBER ANSWER, as they were printed\n"
                                        "not sent: no session of that id\n")

    def test_a_half_closed_client_gets_its_replies(self):
        server = self.open()
        peer = self.connect(server)
        peer.sendall(request(1, b"later one") + request(2, b"ask who is there?"))
        peer.shutdown(socket.SHUT_WR)
        session, number = re.fullmatch(r"ask (\d+) (\d+) who is there\?", server.read_line()).groups()
        self.assert_answers(peer, request(1, b"one"))
        server.write_line(f"{session} {number} it is I")
        self.assert_answers(peer, request(2, b"it is I"))
        self.assertEqual(peer.recv(100), b"")
        self.assert_ends(server)

    def test_a_bad_request_ends_it(self):
        server = self.open()
        for bad in (struct.pack(">I", 3) + b"abc", request(1, b"echo " + b"x" * 196), b"GET / HTTP/1.1\r\n\r\n"):
            peer = self.connect(server)
            peer.sendall(bad)
            self.assertEqual(peer.recv(100), b"")
        peer = self.connect(server)
        peer.sendall(request(1, b"echo " + b"x" * 195))
        self.assert_answers(peer, request(1, b"x" * 195))


class Player:
    """A client of the relay: a TCP and a UDP socket."""

    def __init__(self, test, server, udp, room, name):
        self.tcp, self.udp = test.connect(server), udp_socket(udp)
        test.addCleanup(self.udp.close)
        self.send(b"L" + bytes([room]) + name)
        welcome = self.receive()
        test.assertEqual((welcome[:1], len(welcome)), (b"W", 11))
        self.number, self.token = struct.unpack(">H8s", welcome[1:])

    def send(self, message):
        self.tcp.sendall(struct.pack(">H", len(message)) + message)

    def receive(self):
        return receive_exactly(self.tcp, struct.unpack(">H", receive_exactly(self.tcp, 2))[0])

    def hello(self, udp=None):
        udp = udp or self.udp
        answer = b""
        while answer != b"h":  # ticks come in between
            udp.send(b"H" + self.token)
            answer = udp.recv(2000)

    def move(self, number, x, y):
        self.udp.send(b"P" + struct.pack(">Iii", number, x, y))

    def tick(self):
        """Returns {player: (number, x, y)} of the next tick."""
        datagram = b""
        while datagram[:1] != b"T":
            datagram = self.udp.recv(2000)
        self.tick_number, count = struct.unpack_from(">IH", datagram, 1)
        return {player: (number, x, y) for player, number, x, y in
                (struct.unpack_from(">HIii", datagram, 7 + 14 * i) for i in range(count))}

    def wait_tick(self, wanted):
        while self.tick() != wanted:
            pass


class Relay(ExampleTest):
    name = "relay"

    def open(self):
        server = Program(example(self.name), FREE, FREE).__enter__()
        self.addCleanup(server.__exit__)
        host, port = re.match(r"(.*):(\d+) for positions", server.read_line()).groups()
        self.udp = (host, int(port))
        return server

    def enter(self, server, room, name):
        return Player(self, server, self.udp, room, name)

    def test_players_see_their_room(self):
        server = self.open()
        ada, bob, eve = self.enter(server, 1, b"ada"), self.enter(server, 1, b"bob"), self.enter(server, 2, b"eve")
        self.assertEqual(ada.receive(), b"J" + struct.pack(">H", bob.number) + b"bob")
        for player in (ada, bob, eve):
            player.hello()
            player.move(1, 10 * player.number, -player.number)
        both = {player.number: (1, 10 * player.number, -player.number) for player in (ada, bob)}
        ada.wait_tick(both)
        bob.wait_tick(both)
        eve.wait_tick({eve.number: (1, 10 * eve.number, -eve.number)})
        bob.tcp.close()
        self.assertEqual(ada.receive(), b"Q" + struct.pack(">H", bob.number))
        ada.wait_tick({ada.number: both[ada.number]})
        self.assert_ends(server)

    def test_a_tick_is_one_for_all_players(self):
        server = self.open()
        ada, bob = self.enter(server, 1, b"ada"), self.enter(server, 1, b"bob")
        ada.hello()
        for _ in range(3):
            ada.tick()
        bob.hello()
        bob.tick()
        self.assertGreater(bob.tick_number, ada.tick_number)
        self.assert_ends(server)

    def test_a_full_room_is_larger_than_its_players_datagrams(self):
        server = self.open()
        players = [self.enter(server, 7, b"player %d" % i) for i in range(30)]
        for player in players:
            player.hello()
            player.move(0, 1, 2)
        for player in players:
            player.wait_tick({one.number: (0, 1, 2) for one in players})
        self.assert_ends(server)

    def test_a_token_binds_both_sessions(self):
        server = self.open()
        ada = self.enter(server, 1, b"ada")
        ada.udp.send(b"P" + struct.pack(">Iii", 1, 1, 1))  # before the hello: ignored
        ada.udp.send(b"H" + b"\0" * 8)                     # a wrong token: no answer
        ada.hello()
        self.assertEqual(ada.tick(), {})
        with udp_socket(self.udp) as elsewhere:  # the client has another address now
            ada.hello(elsewhere)
            ada.udp, old = elsewhere, ada.udp
            ada.move(2, 5, 5)
            ada.wait_tick({ada.number: (2, 5, 5)})
            old.send(b"P" + struct.pack(">Iii", 9, 9, 9))
            for _ in range(3):
                self.assertEqual(ada.tick(), {ada.number: (2, 5, 5)})
        self.assert_ends(server)

    def test_a_second_login_evicts_the_first(self):
        server = self.open()
        first, second = self.enter(server, 1, b"ada"), self.enter(server, 1, b"ada")
        self.assertEqual(first.tcp.recv(100), b"")
        second.hello()
        second.move(1, 1, 1)
        second.wait_tick({second.number: (1, 1, 1)})
        self.assert_ends(server)

    def test_bad_logins_end_the_session(self):
        server = self.open()
        for bad in (b"L\1", b"X\1ada", b"L\1" + b"x" * 41, b"L\1a\0b"):
            peer = self.connect(server)
            peer.sendall(struct.pack(">H", len(bad)) + bad)
            self.assertEqual(peer.recv(100), b"")
        ada = self.enter(server, 1, b"ada")
        ada.send(b"L\1ada")
        self.assertEqual(ada.tcp.recv(100), b"")
        self.assert_ends(server)


class CustomCodec(ExampleTest):
    name = "custom_codec"

    def test_it_reverses(self):
        server = self.open()
        peer = self.connect(server)
        text = bytes(range(256)) * 256
        stream = b"$5\r\nhello\r\n$0\r\n\r\n$65536\r\n" + text + b"\r\n"
        wanted = b"$5\r\nolleh\r\n$0\r\n\r\n$65536\r\n" + text[::-1] + b"\r\n"
        peer.sendall(stream)
        self.assert_answers(peer, wanted)
        for byte in stream[:24]:
            peer.send(bytes([byte]))
        self.assert_answers(peer, wanted[:17])
        peer.close()
        self.assert_ends(server)

    def test_bad_headers(self):
        server = self.open()
        for bad in (b"+OK\r\n", b"$\r\n", b"$12a\r\n", b"$12\rx", b"$123456789", b"$65537\r\n"):
            peer = self.connect(server)
            peer.sendall(bad)
            self.assertEqual(peer.recv(100), b"")
        self.assert_ends(server)


class Client(ExampleTest):
    name = "request_reply"

    def ask(self, address, *requests):
        return subprocess.run([*Settings.emulator, example("client"), address[0], str(address[1]), *requests],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def test_it_prints_replies(self):
        server = self.open()
        ended = self.ask(server.address, "later one", "later two", "echo three")
        self.assertEqual((ended.returncode, ended.stdout.replace("\r", ""), ended.stderr),
                         (0, "3: three\n2: two\n1: one\n", ""))
        ended = self.ask(server.address, "echo Łódź 日本 😀")
        self.assertEqual((ended.returncode, ended.stdout.replace("\r", "")), (0, "1: Łódź 日本 😀\n"))
        self.assert_ends(server)

    def test_bytes_on_the_wire(self):
        """A Python server that sends its answers in small pieces; and servers that send garbage or close too early."""
        for answer, code, wanted, errors in ((request(2, b"b") + request(1, b"a"), 0, "2: b\n1: a\n", ""),
                                           (request(1, b"a"), 1, "1: a\n",
                                            "the server ended before all replies were here\n"),
                                           (b"\xff\xff\xff\xff", 1, "", r"length 4294967295 exceeds 1024")):
            with self.subTest(answer=answer), socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(DEADLINE_S)
                client = subprocess.Popen([*Settings.emulator, example("client"), "127.0.0.1",
                                           str(listener.getsockname()[1]), "first", ""], stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                with client:
                    peer = listener.accept()[0]
                    with peer:
                        peer.settimeout(DEADLINE_S)
                        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self.assertEqual(receive_exactly(peer, 21), request(1, b"first") + request(2, b""))
                        for byte in answer:
                            peer.send(bytes([byte]))
                    out, text = client.communicate(timeout=DEADLINE_S)
                self.assertEqual((client.returncode, out), (code, wanted), text)
                self.assertRegex(text, errors if code else r"\A\Z")

    def test_connection_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        self.assertEqual(self.ask(address, "echo 1").stderr.strip(), "cannot connect")


class Streaming(ExampleTest):
    name = "streaming"
    row = b"." * 63 + b"\n"

    def assert_streams(self, server, total):
        with connect(server.address) as peer:
            peer.sendall(b"%d\n" % total)
            peer.shutdown(socket.SHUT_WR)
            left = total
            while left > 0:
                got = receive_exactly(peer, min(left, 65536))
                self.assertEqual(got, (self.row * 1024)[:len(got)])
                self.assertGreater(len(got), 0, f"{left} bytes of {total} did not come")
                left -= len(got)
            expect_end(peer)

    def test_it_streams(self):
        """WEIR_STREAM_BYTES=1000000000 asks for a gigabyte."""
        server = self.open()
        for total in (0, 1, 65537, int(os.environ.get("WEIR_STREAM_BYTES", scaled(30_000_000)))):
            with self.subTest(total):
                self.assert_streams(server, total)
        self.assert_ends(server)

    def test_requests_that_are_none(self):
        server = self.open()
        for request in (b"\n", b"ten\n", b"1000000000001\n", b"1" * 21 + b"\n"):
            with self.subTest(request), connect(server.address) as peer:
                peer.sendall(request)
                expect_end(peer)
        self.assert_ends(server)


class Queue(ExampleTest):
    name = "queue"

    def test_a_pop_waits_for_a_push(self):
        server = self.open()
        first, second, third = (self.connect(server) for _ in range(3))
        third.sendall(b"pop\nwait 5\n")  # its second request is answered after the first one
        third.shutdown(socket.SHUT_WR)
        for one in (first, second):
            one.sendall(b"pop\npush later\n")
        gone = self.connect(server)
        gone.sendall(b"pop\n")
        gone.close()
        pusher = self.connect(server)
        pusher.sendall(b"push one\npush two\npush three\n")
        self.assert_answers(pusher, b"ok\nok\nok\n")
        got = sorted(receive_exactly(one, 9) for one in (first, second, third))
        self.assertEqual({text[:5] for text in got}, {b"text "})
        expect_end_of_answers = receive_exactly(third, 100)
        self.assertTrue(expect_end_of_answers.endswith(b"ok\n"), expect_end_of_answers)
        self.assert_ends(server)

    def test_texts_wait_for_a_pop(self):
        server = self.open()
        peer = self.connect(server)
        peer.sendall(b"push a\npush b\npop\npop\n")
        self.assert_answers(peer, b"ok\nok\ntext a\ntext b\n")
        peer.sendall(b"push c\n" * 1001)
        self.assert_answers(peer, b"ok\n" * 1000 + b"full\n")
        self.assert_ends(server)

    def test_an_idle_timeout_that_the_client_chooses(self):
        server = self.open()
        peer = self.connect(server)
        peer.sendall(b"wait 0\nwait 1\n")
        self.assert_answers(peer, b"ok\nok\n")
        expect_end(peer)
        for request in (b"wait \n", b"wait 1x\n", b"wait 86401\n", b"other\n"):
            with self.subTest(request), connect(server.address) as wrong:
                wrong.sendall(request)
                expect_end(wrong)
        self.assert_ends(server)


@linux_only("the installed library is for Linux")
class Outside(WeirTest):
    def test_they_build_where_weir_is_installed(self):
        if SANITIZED or cached("CMAKE_BUILD_TYPE") != "Release":
            self.skipTest("only for builds without sanitizers")
        with tempfile.TemporaryDirectory() as folder:
            prefix = f"{folder}/prefix"
            run("cmake", "--install", build_folder(), "--prefix", prefix)
            examples = f"{prefix}/share/doc/weir/examples"
            flags = ("-DCMAKE_C_FLAGS=-std=c17 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror",
                     f"-DCMAKE_PREFIX_PATH={prefix}")
            run("cmake", "-S", examples, "-B", f"{folder}/all", *flags)
            run("cmake", "--build", f"{folder}/all")
            for name in ("echo", "chat", "request_reply", "custom_codec", "streaming", "queue", "client", "relay_tcp",
                         "relay", "game_room"):
                with self.subTest(example=name):
                    run("cmake", "-S", f"{examples}/{name}", "-B", f"{folder}/{name}", *flags)
                    run("cmake", "--build", f"{folder}/{name}")
            with Program(f"{folder}/echo/echo", FREE) as server, connect(server.address) as peer:
                echo(peer, 1000)
            with Program(f"{folder}/all/bin/echo", FREE) as server, connect(server.address) as peer:
                echo(peer, 1000)


if __name__ == "__main__":
    main()
