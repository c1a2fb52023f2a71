# SPDX-License-Identifier: MIT
"""--memory limits what greedy peers of every kind can make the process hold; others are served meanwhile, and the
memory returns to the system when the peers have left."""
import re
import select
import socket
import struct
import time

from weir_process import (DEADLINE_S, MIB, SANITIZED, WeirTest, close_with_reset, connect, echo, echo_once, linux_only,
                          main, non_reading_client, scaled, servers_wait, udp_socket)

MEMORY_BYTES = 64 * MIB
# The program and its libraries, stacks, fixed tables, the log, and what the heap loses between its blocks: the constant
# that docs/design/sessions.md states.
CONSTANT_BYTES = 16 * MIB
# What may remain when all peers have left: the constant, and the table of sessions.
REMAINING_BYTES = 20 * MIB
STUCK_S = 0.2 # no peer could send for this long, and the server waits: none will
# Of bytes sent: five times the limit, because the system stores much of it on the way.
TAKEN_MAX = 5 * MEMORY_BYTES


def press(peers, stream, each_max=None, total_max=TAKEN_MAX):
    """Sends to all peers at the same time as much as the server takes: to each peer the bytes of `stream` again and
    again, up to `each_max`. Returns the bytes that each has taken; the server may have closed some."""
    taken = {peer: 0 for peer in peers}
    each_max = each_max or total_max
    for peer in peers:
        peer.setblocking(False)
    poll = select.poll()
    by_file = {peer.fileno(): peer for peer in peers}
    for peer in peers:
        poll.register(peer, select.POLLOUT)
    total, deadline = 0, time.monotonic() + DEADLINE_S
    while total < total_max and by_file:
        events = poll.poll(STUCK_S * 1000)
        if not events and servers_wait():
            break
        if events:
            deadline = time.monotonic() + DEADLINE_S
        elif time.monotonic() > deadline:
            raise AssertionError(f"in {DEADLINE_S} s, the server neither received nor waited")
        for file, _ in events:
            peer = by_file[file]
            at = taken[peer] % len(stream)
            try:
                count = peer.send(stream[at:at + each_max - taken[peer]])
            except BlockingIOError:
                continue
            except OSError: # the server closed it: the largest holder
                poll.unregister(file)
                del by_file[file]
                continue
            taken[peer] += count
            total += count
            if taken[peer] >= each_max:
                poll.unregister(file)
                del by_file[file]
    return taken


def frame(length, sent=None):
    """Returns a frame of this length, with its body or the first `sent` bytes of it."""
    return struct.pack(">I", length) + bytes(length if sent is None else sent)


@linux_only("/proc tells the memory of a process")
class Memory(WeirTest):
    def serve(self, *arguments):
        """Starts a server; its second TCP listener is a raw echo for honest clients, which can be silent for as long as
        the others are served."""
        return self.start(*arguments, "-l", "tcp://127.0.0.1:0?codec=raw&handler=echo", "--memory", "64m", "--workers",
                          "2", "--first-byte-timeout", "off", "--idle-timeout", "off")

    def honest(self, weir):
        return weir.address("tcp", -1)

    def peak_bytes(self, weir):
        with open(f"/proc/{weir.pid}/status") as status:
            return int(re.search(r"^VmHWM:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024

    def connect_many(self, address, count):
        peers = [connect(address) for _ in range(count)]
        for peer in peers:
            self.addCleanup(peer.close)
        return peers

    def connect_silent(self, address, count):
        peers = [non_reading_client(address) for _ in range(count)]
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536) # what waits here is not in the server
            self.addCleanup(peer.close)
        return peers

    def check(self, weir, peers=(), idle=None):
        """With the peers still there: others are served. Afterwards the memory has stayed in its limit and falls."""
        echo_once(self.honest(weir), 20_000)
        if idle:
            echo(idle, 20_000)
        peak = self.peak_bytes(weir)
        for peer in peers:
            peer.close()
        echo_once(self.honest(weir), 1000)
        if not SANITIZED:
            print(f"\n    at most {peak / MIB:.1f} MiB", end=" ", flush=True)
            self.assertLess(peak, MEMORY_BYTES + CONSTANT_BYTES)
            weir.wait_until("the memory is free", lambda: weir.rss_bytes() < REMAINING_BYTES)
            print(f"and {weir.rss_bytes() / MIB:.1f} afterwards", flush=True)
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], summary["closed"])
        return summary

    def press_and_check(self, arguments, stream, count, each_max=None, silent=True):
        weir = self.serve(*arguments)
        idle = self.connect_many(self.honest(weir), 1)[0]
        connect_peers = self.connect_silent if silent else self.connect_many
        peers = connect_peers(weir.tcp, scaled(count))
        press(peers, stream, each_max)
        return self.check(weir, peers, idle)

    # -- peers that do not read --

    def test_silent_readers(self):
        summary = self.press_and_check(("--tcp", "127.0.0.1:0"), bytes(65536), 400)
        self.assertGreater(summary["pauses_queue"] + summary["closed_exhausted"], 0)

    def test_many_silent_readers(self):
        """More of them than there are buffers."""
        self.press_and_check(("--tcp", "127.0.0.1:0"), bytes(16384), 4000, each_max=32768)

    def test_silent_readers_of_frames(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be"), frame(1000) * 64, 300)

    def test_small_requests(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be"), frame(1) * 4000, 200)

    def test_large_frames(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be,max=4m"), frame(3 * MIB), 100)

    def test_half_closed(self):
        weir = self.serve("--tcp", "127.0.0.1:0")
        peers = self.connect_silent(weir.tcp, scaled(400))
        for peer in press(peers, bytes(65536), each_max=256 * 1024):
            try:
                peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass # the server closed it
        self.check(weir, peers)

    def test_slow_readers(self):
        """They read one byte each time that nothing else happens."""
        weir = self.serve("--tcp", "127.0.0.1:0", "--send-timeout", "2s")
        peers = self.connect_silent(weir.tcp, scaled(200))
        press(peers, bytes(65536))
        for _ in range(5):
            for peer in peers:
                try:
                    peer.recv(1)
                except OSError:
                    pass
            echo_once(self.honest(weir), 1000)
        self.check(weir, peers)

    def test_limited_rate(self):
        """Input that was received and waits for the rate."""
        self.press_and_check(("--tcp", "127.0.0.1:0", "--rate", "16k"), bytes(65536), 300)

    # -- incomplete messages --

    def test_partial_frames(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be,max=1m"), frame(MIB, MIB - 1), 300,
                             each_max=MIB - 1)

    def test_partial_frames_of_any_length(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be,max=64m"), frame(64 * MIB, 16 * MIB), 30,
                             each_max=16 * MIB)

    def test_first_bytes(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be"), b"\0", 4000, each_max=1, silent=False)

    def test_short_partial_frames(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "varint"), b"\xff\x7f" + bytes(2000), 4000,
                             each_max=2000, silent=False)

    def test_lines_without_end(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "line,max=1m"), b"x" * MIB, 200, each_max=MIB - 1)

    def test_netstrings(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "netstring,max=1m"), b"1000000:" + bytes(900_000),
                             200, each_max=900_000)

    def test_fragments(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "sunrpc:max=1m"), frame(4000) * 200, 200,
                             each_max=900_000)

    def test_skipped_frames(self):
        self.press_and_check(("--tcp", "127.0.0.1:0", "--codec", "u32be,max=1k,oversize=skip"), frame(1 << 30, 65536),
                             100, each_max=MIB)

    # -- connections --

    def test_idle_connections(self):
        weir = self.serve("--tcp", "127.0.0.1:0")
        self.check(weir, self.connect_many(weir.tcp, scaled(6000)))

    def test_reconnects(self):
        weir = self.serve("--tcp", "127.0.0.1:0", "--codec", "u32be,max=1m")
        for attempt in range(scaled(2000)):
            peer = connect(weir.tcp)
            peer.sendall(frame(MIB, 40_000))
            if attempt % 2:
                close_with_reset(peer)
            else:
                peer.close()
        self.check(weir)

    # -- groups --

    def press_group(self, policy):
        weir = self.serve("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--broadcast-policy", policy,
                          "--send-timeout", "2s")
        members = self.connect_silent(weir.tcp, scaled(200))
        speakers = self.connect_many(weir.tcp, 4)
        press(speakers, (b"x" * 4000 + b"\n") * 16, each_max=8 * MIB)
        self.check(weir, members + speakers)

    def test_members_that_lose_the_newest(self):
        self.press_group("drop-newest")

    def test_members_that_lose_the_oldest(self):
        self.press_group("drop-oldest")

    # -- UDP --

    def test_udp_sessions(self):
        """Many addresses, each of which needs a session."""
        weir = self.serve("--udp", "127.0.0.1:0", "--message-rate", "100")
        for _ in range(scaled(8000)):
            with udp_socket(weir.udp) as peer:
                peer.send(b"x")
        self.check(weir)

    def test_udp_flood(self):
        weir = self.serve("--udp", "127.0.0.1:0")
        with udp_socket(weir.udp) as peer:
            for _ in range(scaled(3000)):
                peer.send(bytes(60_000))
            peer.settimeout(None)
        self.check(weir)


if __name__ == "__main__":
    main()
