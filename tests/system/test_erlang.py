# SPDX-License-Identifier: MIT
"""Erlang as the peer: messages sent with {packet, N} come back complete and in order. Skipped without erl."""
import shutil
import subprocess
import sys

from weir_process import DEADLINE_S, SKIPPED, WeirTest, main

# packet option of gen_tcp: codec
PACKETS = {"1": "erlang1", "2": "erlang2", "4": "erlang4"}

# Sends messages of many sizes before reading the first answer; then each message must come back.
PEER = """
Port = {port}, Packet = {packet}, Sizes = [{sizes}],
{{ok, Socket}} = gen_tcp:connect({{127,0,0,1}}, Port, [binary, {{packet, Packet}}, {{active, false}}]),
Messages = [binary:copy(<<(N rem 251)>>, N) || N <- Sizes],
[ok = gen_tcp:send(Socket, Message) || Message <- Messages],
[{{ok, Message}} = gen_tcp:recv(Socket, 0, {ms}) || Message <- Messages],
ok = gen_tcp:shutdown(Socket, write),
{{error, closed}} = gen_tcp:recv(Socket, 0, {ms}),
io:format("the same~n"), halt(0).
"""

# With these options Erlang keeps the newline of a line, the header of a TPKT, and the mark of a record.
WHOLE_PEER = """
Port = {port}, Packet = {packet},
{{ok, Socket}} = gen_tcp:connect({{127,0,0,1}}, Port, [binary, {{packet, Packet}}, {{active, false}}]),
Frames = [{frames}],
ok = gen_tcp:send(Socket, Frames),
[{{ok, Frame}} = gen_tcp:recv(Socket, 0, {ms}) || Frame <- Frames],
io:format("the same~n"), halt(0).
"""


class ErlangTest(WeirTest):
    def run_peer(self, text):
        result = subprocess.run(["erl", "-noshell", "-eval", " ".join(text.split())], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((result.returncode, result.stdout), (0, "the same\n"), result.stderr)

    def test_each_packet_option(self):
        weir = self.start(*(f"--listen=tcp://127.0.0.1:0?codec={codec}&handler=echo" for codec in PACKETS.values()))
        for index, packet in enumerate(PACKETS):
            with self.subTest(packet):
                sizes = [0, 1, 2, 127, 128, 255] + ([256, 1000, 65535] if packet != "1" else [])
                sizes += [65536, 300000] if packet == "4" else []
                self.run_peer(PEER.format(port=weir.address("tcp", index)[1], packet=packet,
                                          sizes=",".join(map(str, sizes)), ms=DEADLINE_S * 500))
        summary = weir.stop().summary
        self.assertEqual(summary["bytes_in"], summary["bytes_out"])

    def test_lines_tpkt_and_records(self):
        frames = {"line": (r'<<"one\n">>, <<"two\r\n">>, <<"\n">>', "line"),
                  "tpkt": ('<<3,0,0,7,"abc">>, <<3,0,0,5,"x">>', "tpkt"),
                  "sunrm": ('<<1:1,3:31,"abc">>, <<1:1,1:31,"x">>', "sunrpc")}
        weir = self.start(*(f"--listen=tcp://127.0.0.1:0?codec={codec}&handler=echo" for _, codec in frames.values()))
        for index, (packet, (bytes_sent, _)) in enumerate(frames.items()):
            with self.subTest(packet):
                self.run_peer(WHOLE_PEER.format(port=weir.address("tcp", index)[1], packet=packet, frames=bytes_sent,
                                                ms=DEADLINE_S * 500))


if __name__ == "__main__":
    if not shutil.which("erl"):
        print("skipped: there is no erl here (package erlang-base)", file=sys.stderr)
        sys.exit(SKIPPED)
    main()
