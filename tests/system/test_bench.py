# SPDX-License-Identifier: MIT
"""weir bench: what it counts, that it compares every byte, what it reports, and how it ends. No test looks at how fast
anything is."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import xml.etree.ElementTree

import certificates
from bench_command import (CANNOT_CONNECT, FAILED, LOST, OK, USAGE, WRONG_SETTING, BenchTest, transformed, unchanged,
                           with_byte_flipped)
from weir_process import Settings, linux_only, main, path_for_weir

TIMES = ("service_ns", "response_ns", "lag_ns", "connect_ns")


class Streams(BenchTest):
    def test_echo(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        result = self.bench("%s:%d" % weir.tcp, "-n", "7", "-m", "1000", "--depth", "3", "-s", "100")
        self.assert_right(result, 1000, 100)
        self.assertEqual(result[1]["connected"], 7)
        summary = weir.stop().summary
        self.assertEqual((summary["accepted"], summary["bytes_in"], summary["bytes_out"]), (7, 100000, 100000))

    def test_echo_of_another_server(self):
        self.assert_right(self.bench(self.serve(transformed(unchanged)), "-n", "3", "-m", "50", "-s", "70000"), 50, 70000)

    def test_threads_share_the_connections(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        result = self.bench("%s:%d" % weir.tcp, "-n", "5", "-j", "3", "-m", "101")
        self.assert_right(result, 101, 64)
        self.assertEqual((result[1]["connected"], weir.stop().summary["accepted"]), (5, 5))

    def test_frames(self):
        for codec, frame_bytes in (("u32be", 104), ("line", 101), ("netstring", 105), ("fixed:size=100", 100)):
            with self.subTest(codec=codec):
                weir = self.start("--tcp", "127.0.0.1:0", "--codec", codec)
                self.assert_right(self.bench("%s:%d" % weir.tcp, "-c", codec, "-n", "2", "-m", "40", "-s", "100"), 40, 100)
                self.assertEqual(weir.stop().summary["bytes_in"], 40 * frame_bytes)

    def test_a_url_names_the_codec(self):
        address = self.start_address("--tcp", "127.0.0.1:0", "--codec", "u16be")
        self.assert_right(self.bench(f"tcp://{address}?codec=u16be", "-n", "1", "-m", "5"), 5, 64)

    def test_tls(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        pair = certificates.local()
        address = self.start_address("--tcp", "127.0.0.1:0", "--tls-cert", path_for_weir(pair.certificate), "--tls-key",
                                     path_for_weir(pair.key))
        self.assert_right(self.bench(address, "--tls-insecure", "-n", "3", "-m", "30"), 30, 64)
        code, ended = self.fails("--tls", "-m", "1", address)
        self.assertEqual(code, CANNOT_CONNECT)
        self.assertRegex(ended, "certificate")

    def test_a_websocket_message_in_several_frames(self):
        def serve(peer):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += peer.recv(1)
            peer.sendall(b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x89\x02hi")
            stream = peer.makefile("rb")
            pongs = 0
            while (start := stream.read(2)) and start[0] & 15 != 8:
                mask = stream.read(4)
                body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(start[1] & 127)))
                if start[0] & 15 == 10:
                    self.assertEqual(body, b"hi")
                    pongs += 1
                else:
                    peer.sendall(b"\x02\x05" + body[:5] + b"\x80" + bytes([len(body) - 5]) + body[5:])
            self.pongs = pongs
        self.assert_right(self.bench(self.serve(serve), "--websocket", "/", "-n", "1", "-m", "9"), 9, 64)
        self.assertEqual(self.pongs, 1)

    @linux_only("Windows has no Unix-domain sockets here")
    def test_unix(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "echo.sock")
            self.start("--tcp", f"unix:{path}")
            self.assert_right(self.bench(f"unix:{path}", "-n", "2", "-m", "10"), 10, 64)


class Wrong(BenchTest):
    def test_a_wrong_byte(self):
        address = self.serve(transformed(with_byte_flipped(64 * 3 + 5)))
        result = self.bench(address, "-n", "1", "-m", "10")
        self.assert_wrong(result, "wrong_bytes", r"\Aconnection 0, answer 3, byte 5 of 64: 0x.. instead of 0x..\Z")
        self.assertEqual((result[1]["messages"], result[1]["errors"]["unsent"]), (3, 6))

    def test_swapped_answers(self):
        def swap(peer):
            data = b""
            while piece := peer.recv(65536):
                data += piece
                if len(data) == 128:
                    peer.sendall(data[64:] + data[:64])
        self.assert_wrong(self.bench(self.serve(swap), "-n", "1", "-m", "2", "--depth", "2"), "wrong_bytes", "answer 0, byte")

    def test_more_than_was_sent(self):
        address = self.serve(transformed(lambda position, piece: piece + b"more" if position == 0 else piece))
        self.assert_wrong(self.bench(address, "-n", "1", "-m", "1", "-t", "1s"), "unasked",
                          r"\Aconnection 0: 4 bytes more than were sent\Z")

    def test_a_frame_of_another_length(self):
        def shorten(peer):
            stream = peer.makefile("rb")
            while head := stream.read(4):
                body = stream.read(struct.unpack(">I", head)[0])
                peer.sendall(struct.pack(">I", len(body) - 1) + body[:-1])
        self.assert_wrong(self.bench(self.serve(shorten), "-c", "u32be", "-n", "1", "-m", "1"), "wrong_length",
                          "answer 0: 63 bytes instead of 64")

    def test_a_lost_connection(self):
        def end(peer):
            peer.sendall(peer.recv(64))
        code, found = self.bench(self.serve(end), "-n", "2", "-m", "10", "-t", "5s")
        self.assertEqual((code, found["right"]), (FAILED, False))
        self.assertEqual(found["errors"]["connections_lost"], 2, found)
        self.assertEqual(found["messages"] + found["errors"]["unanswered"] + found["errors"]["unsent"], 10, found)

    def test_no_answer(self):
        def swallow(peer):
            while peer.recv(65536):
                pass
        code, found = self.bench(self.serve(swallow), "-n", "2", "-d", "100ms", "--warmup", "0", "-t", "100ms")
        self.assertEqual((code, found["messages"], found["errors"]["unanswered"]), (FAILED, 0, 2), found)
        self.assertIn("--timeout", found["examples"]["unanswered"])

    def test_a_wrong_datagram(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))

        def serve():
            try:
                for count in range(10):
                    data, peer = server.recvfrom(65536)
                    answers = {3: [data[:-1] + bytes([data[-1] ^ 1])], 4: [data, data], 5: [data + b"x"], 6: []}
                    for answer in answers.get(count, [data]):
                        server.sendto(answer, peer)
            except OSError:
                pass  # the test has ended
        threading.Thread(target=serve, daemon=True).start()
        result = self.bench("127.0.0.1:%d" % server.getsockname()[1], "--udp", "-n", "1", "-m", "10", "--loss-timeout", "100ms")
        self.assert_wrong(result, "wrong_bytes", r"\Asocket 0, answer 3: byte 63 is wrong\Z")
        self.assert_wrong(result, "wrong_length", r"\Asocket 0: at least 65 bytes instead of 64\Z")
        self.assertEqual((result[1]["messages"], result[1]["lost"], result[1]["others"]), (7, 2, 1), result)


class Modes(BenchTest):
    def test_open_loop(self):
        """As many messages as the rate and the time make, in warm-up and measurement."""
        weir = self.start("--tcp", "127.0.0.1:0")
        result = self.bench("%s:%d" % weir.tcp, "-n", "5", "-j", "2", "-r", "200", "-d", "500ms", "--warmup", "100ms")
        code, found = result
        self.assertEqual((code, found["messages"], found["loop"], found["rate"]), (OK, 100, "open", 200), found)
        self.assertEqual(found["verified_bytes"], 120 * 64)
        self.assertEqual(found["lag_ns"]["count"], 100)
        self.assertGreaterEqual(found["response_ns"]["max"], found["service_ns"]["min"])
        self.assertEqual(weir.stop().summary["bytes_in"], 120 * 64)

    def test_open_loop_of_a_number_of_messages(self):
        address = self.start_address("--tcp", "127.0.0.1:0")
        self.assert_right(self.bench(address, "-n", "3", "-r", "1000", "-m", "77"), 77, 64)

    def test_late_messages_are_sent(self):
        """A server that answers late delays the messages behind, which are all sent, and count from when they were due."""
        gate = threading.Event()

        def serve(peer):
            peer.sendall(peer.recv(64))
            data = peer.recv(64)
            gate.wait(0.2)
            peer.sendall(data)
            transformed(unchanged)(peer)
        code, found = self.bench(self.serve(serve), "-n", "1", "-r", "100", "-m", "20")
        self.assertEqual((code, found["messages"]), (OK, 20), found)
        self.assertGreater(found["response_ns"]["p90"], found["service_ns"]["p90"])

    def test_connect(self):
        for how in ("graceful", "rude"):
            with self.subTest(close=how):
                weir = self.start("--tcp", "127.0.0.1:0")
                result = self.bench("%s:%d" % weir.tcp, "--mode", "connect", "-n", "4", "-m", "50", "--close", how)
                self.assert_right(result, 50, 64)
                self.assertEqual((result[1]["connected"], result[1]["connect_ns"]["count"]), (50, 50))
                self.assertEqual(weir.stop().summary["accepted"], 51, "one of them is the trial")

    def test_idle(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        pid = () if Settings.is_windows() else ("-p", str(weir.pid))
        code, found = self.bench("%s:%d" % weir.tcp, "--mode", "idle", "-n", "20", "-d", "200ms", *pid)
        self.assertEqual((code, found["messages"], found["connected"]), (OK, 20, 20), found)
        self.assertEqual(found["verified_bytes"], 2 * 20 * 64, "an echo at the begin, and one at the end")
        if pid:
            self.assertGreater(found["server"]["memory_bytes"], 0)
        self.assertEqual(weir.stop().summary["accepted"], 20)

    def test_broadcast(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat")
        for arguments in (("--depth", "1"), ("--depth", "4", "-s", "500"), ("-r", "200")):
            with self.subTest(arguments=arguments):
                code, found = self.bench("%s:%d" % weir.tcp, "--mode", "broadcast", "-n", "12", "-m", "30", *arguments)
                self.assertEqual((code, found["messages"], found["connected"]), (OK, 30 * 11, 12), found)
                self.assertEqual(found["verified_bytes"], 30 * 11 * found["size_bytes"])
                self.assertEqual(found["codec"], "line")
                self.assertGreater(found["others"], 0, "the notices of the chat")

    def test_broadcast_in_no_room(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "line")
        code, why = self.fails("--mode", "broadcast", "-n", "5", "-t", "200ms", "%s:%d" % weir.tcp)
        self.assertEqual(code, CANNOT_CONNECT)
        self.assertIn("4 of 5 members do not receive what the first one says", why)

    def test_a_wrong_broadcast(self):
        """A room that changes the fourth message for one member, and keeps the fifth from it."""
        room, lock = [], threading.Lock()

        def serve(peer):
            with lock:
                room.append(peer)
            for line in peer.makefile("rb"):
                for member in list(room):
                    if b": 00000004" in line and member is room[-1]:
                        continue
                    wrong = b": 00000003" in line and member is room[-1]
                    member.sendall(b"someone says " + (line[:-2] + b"~\n" if wrong else line))
        code, found = self.bench(self.serve(serve), "--mode", "broadcast", "-n", "4", "-m", "10", "--depth", "2", "-t", "5s")
        self.assertEqual(code, FAILED)
        self.assertEqual((found["messages"], found["errors"]["wrong_bytes"], found["errors"]["unanswered"]), (28, 1, 1), found)
        self.assertRegex(found["examples"]["wrong_bytes"], r"\Amember \d, message 3\Z")
        self.assertRegex(found["examples"]["unanswered"], r"\Amember \d has not received message 4\Z")

    def test_datagrams(self):
        for depth in (1, 100):
            with self.subTest(depth=depth):
                weir = self.start("--udp", "127.0.0.1:0")
                code, found = self.bench("%s:%d" % weir.udp, "--udp", "-n", "3", "-m", "600", "--depth", str(depth))
                self.assertEqual((code, found["messages"] + found["lost"]), (OK, 600), found)
                self.assertEqual(found["protocol"], "udp")
                weir.stop()

    def test_processor_time_of_the_server(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        if Settings.is_windows():
            self.skipTest("the tests do not know the number that Windows gives the process")
        code, found = self.bench("%s:%d" % weir.tcp, "-n", "2", "-d", "200ms", "--warmup", "0", "-p", str(weir.pid))
        self.assertEqual((code, found["server"]["pid"]), (OK, weir.pid))
        self.assertGreater(found["server"]["cpu_s"], 0)
        self.assertGreater(found["server"]["messages"], 0)
        self.assertGreater(found["server"]["cpu_ns_per_message"], 0)


class Reports(BenchTest):
    def run_on_echo(self, *arguments):
        address = self.start_address("--tcp", "127.0.0.1:0")
        ended = self.run_weir("bench", *arguments, address)
        self.assertEqual((ended.returncode, ended.stderr), (OK, ""), ended)
        return address, ended.stdout

    def test_text(self):
        address, text = self.run_on_echo("-n", "2", "-m", "1000")
        self.assertIn(f"weir bench {address}: echo over TCP, codec raw\n64 bytes, 2 connections, depth 1, 1 thread, closed loop\n",
                      text)
        self.assertRegex(text, r"\nmessages +1,000 in \d+\.\d\d s\nrate +[\d,]+ messages/s, ")
        self.assertRegex(text, r"\nverified +62 KiB of answers, every byte compared\n")
        self.assertRegex(text, r"\nround trip( +\d+(\.\d+)? [num]?s){7}\n")
        self.assertNotIn("ERROR", text)

    def test_text_of_an_open_loop(self):
        text = self.run_on_echo("-n", "2", "-r", "1000", "-m", "100")[1]
        for row in ("service time", "response time", "generator lag"):
            self.assertRegex(text, rf"\n{row}( +\d+(\.\d+)? [num]?s){{7}}\n")

    def test_text_of_errors(self):
        ended = self.run_weir("bench", "-n", "1", "-m", "10", self.serve(transformed(with_byte_flipped(0))))
        self.assertEqual(ended.returncode, FAILED)
        self.assertRegex(ended.stdout, r"\nERROR +1 answers with wrong bytes: connection 0, answer 0, byte 0 of 64: 0x")

    def test_plot(self):
        text = self.run_on_echo("-n", "2", "-m", "1000", "--plot")[1]
        chart = text[text.index("* round trip, by percentile"):].splitlines()
        self.assertEqual(len(chart), 16, chart)
        self.assertTrue(all(len(line) < 80 and line.isascii() for line in chart), chart)
        columns = {i for line in chart[1:15] for i, mark in enumerate(line) if mark == "*"}
        self.assertEqual(len(columns), 66, "the curve has a mark in every column")

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            hgrm, svg = os.path.join(folder, "a.hgrm"), os.path.join(folder, "a.svg")
            self.run_on_echo("-n", "2", "-r", "1000", "-m", "200", "--hgrm", path_for_weir(hgrm), "--svg", path_for_weir(svg))
            with open(hgrm, encoding="ascii") as file:
                self.check_hgrm(file.read(), 200)
            root = xml.etree.ElementTree.parse(svg).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        lines = root.findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 2, "response and service time")
        for line in lines:
            points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
            self.assertEqual(points, sorted(points))
            self.assertTrue(all(later[1] <= earlier[1] for earlier, later in zip(points, points[1:])), "it never falls")

    def check_hgrm(self, text, count):
        lines = text.splitlines()
        self.assertEqual(lines[0].split(), ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
        rows = [list(map(float, line.split())) for line in lines[2:] if line and not line.startswith("#")]
        for earlier, later in zip(rows, rows[1:]):
            self.assertTrue(earlier[0] < later[0] and earlier[1] < later[1] and earlier[2] < later[2], (earlier, later))
        self.assertEqual((rows[-1][1:], len(rows[-1])), ([1.0, count], 3))
        for row in rows[:-1]:
            self.assertAlmostEqual(row[1], row[2] / count, delta=1e-9)
            self.assertAlmostEqual(row[3], 1 / (1 - row[1]), delta=0.01)
        found = re.search(r"#\[Max     = +([\d.]+), Total count    = +(\d+)\]", text)
        self.assertEqual((float(found[1]), int(found[2])), (rows[-1][0], count))
        self.assertRegex(text, r"#\[Mean    = +[\d.]+, StdDeviation   = +[\d.]+\]")
        self.assertRegex(text, r"#\[Buckets = +32, SubBuckets     = +2048\]\n\Z")

    def test_json(self):
        """Every member that docs/benchmarks.md names is there, and no other."""
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "benchmarks.md")
        with open(path, encoding="utf-8") as file:
            section = file.read().split("### The JSON object", 1)[1].split("\n## ", 1)[0]
        documented = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
        pid = () if Settings.is_windows() else ("-p", str(os.getpid()))
        found = self.bench(self.start_address("--tcp", "127.0.0.1:0"), "-n", "1", "-m", "3", *pid)[1]
        self.assertEqual(set(found) | {"server"}, documented)
        for name in TIMES:
            self.assert_times(found[name])

    def test_json_stream(self):
        ended = self.run_weir("bench", "--json-stream", "-n", "1", "-m", "30", "-r", "20", self.start_address("--tcp", "127.0.0.1:0"))
        *lines, last = map(json.loads, ended.stdout.splitlines())
        self.assertEqual((ended.returncode, last["messages"]), (OK, 30))
        self.assertEqual(lines[-1]["answers"], 30, "the last line is printed at the end")
        for line in lines:
            self.assertEqual((set(line), line["is_warmup"]), ({"at_s", "is_warmup", "answers", "answers_per_s"}, False))
        self.assertEqual([line["at_s"] for line in lines], sorted(line["at_s"] for line in lines))

    @linux_only("Windows has no SIGINT for one process")
    def test_stopped(self):
        """SIGINT ends a run early, with a report of what was measured until then."""
        process = subprocess.Popen([Settings.weir, "bench", "--json-stream", "-n", "2", "-d", "10m", "--warmup", "0",
                                    self.start_address("--tcp", "127.0.0.1:0")], stdout=subprocess.PIPE, text=True)
        with process:
            self.assertGreater(json.loads(process.stdout.readline())["answers"], 0)
            process.send_signal(signal.SIGINT)
            found = json.loads(process.stdout.read().splitlines()[-1])
        self.assertEqual((process.returncode, found["stopped"], found["right"]), (OK, True, True), found)
        self.assertGreater(found["messages"], 0)
        self.assertLess(found["elapsed_s"], 600)

    def test_a_file_that_cannot_be_written(self):
        ended = self.run_weir("bench", "-m", "1", "--svg", path_for_weir("/does/not/exist/a.svg"), "127.0.0.1:1")
        self.assertEqual((ended.returncode, ended.stdout), (LOST, ""))
        self.assertIn("--svg", ended.stderr)


class CommandLine(BenchTest):
    def test_nothing_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = "127.0.0.1:%d" % free.getsockname()[1]
        for arguments in ((), ("--mode", "connect"), ("-n", "3", "-j", "2")):
            with self.subTest(arguments=arguments):
                ended = self.run_weir("bench", *arguments, address)
                self.assertEqual((ended.returncode, ended.stdout), (CANNOT_CONNECT, ""))
                self.assertRegex(ended.stderr, r"\Aweir: cannot connect to [^\n]+refused[^\n]*\n\Z")

    def test_wrong_usage(self):
        for arguments, pattern in (
                ((), "an address is missing; write weir bench HOST:PORT"),
                (("a:1", "b:2"), "b:2: there is an address already, a:1"),
                (("-n", "2", "-j", "3", "a:1"), "--threads 3: each thread needs a connection"),
                (("-m", "5", "-d", "1s", "a:1"), "--messages and --duration exclude each other"),
                (("-m", "5", "--warmup", "1s", "a:1"), "--messages has no warm-up"),
                (("--udp", "--tls", "a:1"), "TLS and WebSocket need TCP"),
                (("--udp", "-c", "line", "a:1"), "each datagram is a message"),
                (("--udp", "-s", "15", "a:1"), "--size 15: with --udp it is 16 to 65507"),
                (("--udp", "a:0"), "nothing listens on port 0"),
                (("a:0",), "nothing listens on port 0"),
                (("localhost",), "localhost: "),
                (("a:99999",), "a:99999: "),
                (("--udp", "--mode", "connect", "a:1"), "--udp has no connections"),
                (("--udp", "tcp://a:1"), "contradict each other"),
                (("-c", "line", "tcp://a:1?codec=u8"), "both name a codec"),
                (("--mode", "connect", "--depth", "2", "a:1"), "sends one message per connection"),
                (("--mode", "broadcast", "-n", "1", "a:1"), "needs --connections 2 or more"),
                (("--mode", "broadcast", "-j", "2", "a:1"), "measures with one thread"),
                (("--mode", "broadcast", "-s", "31", "a:1"), "--size 31: in mode broadcast it is 32 to 65536"),
                (("--mode", "broadcast", "-c", "raw", "a:1"), "needs a --codec with frames"),
                (("--mode", "broadcast", "--websocket", "/", "a:1"), "does not speak WebSocket"),
                (("--mode", "idle", "-r", "5", "a:1"), "sends nothing meanwhile"),
                (("--websocket", "chat", "a:1"), "a path begins with a slash; write /chat"),
                (("--websocket", "/", "-c", "line", "a:1"), "--websocket and --codec exclude each other"),
                (("--tls-insecure", "--tls-ca", "x", "a:1"), "--tls-insecure accepts any certificate"),
                (("-s", "1m", "--depth", "1000", "a:1"), "at most 256 MiB"),
                (("--mode", "loud", "a:1"), "--mode"),
                (("-p", "2147483646", "a:1"), "--pid 2147483646: there is no such process")):
            with self.subTest(arguments=arguments):
                ended = self.run_weir("bench", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""))
                self.assertRegex(ended.stderr, r"\A(weir: [^\n]+\n)+\Z")
                self.assertIn(pattern, ended.stderr)

    def test_codecs_that_do_not_work(self):
        for codec, size, pattern in (("u99", "64", "u99"), ("fixed:size=10", "64", "cannot frame messages of --size 64"),
                                     ("u8", "300", "cannot frame messages of --size 300"),
                                     ("datagram", "64", "cannot frame messages")):
            with self.subTest(codec=codec):
                ended = self.run_weir("bench", "-c", codec, "-s", size, "127.0.0.1:1")
                self.assertEqual((ended.returncode, ended.stdout), (WRONG_SETTING, ""))
                self.assertIn(pattern, ended.stderr)

    def test_help(self):
        ended = self.run_weir("bench", "--help")
        self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
        for word in ("--rate", "--hgrm", "--websocket", "Exit codes"):
            self.assertIn(word, ended.stdout)


if __name__ == "__main__":
    main()
