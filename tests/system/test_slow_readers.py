# SPDX-License-Identifier: MIT
"""A client that sends and never reads costs the configured amount of memory, and does not affect other clients."""
import select
import socket

from weir_process import (DEADLINE_S, MIB, SANITIZED, WeirTest, connect, echo, echo_once, expect_end, expect_flood,
                          flood, linux_only, main, non_reading_client, pattern, pattern_bytes, plain_only, scaled,
                          system_memory)

HIGH_BYTES = MIB           # send_queue_high_bytes, the default
BUFFER_BYTES = 16 * 1024   # buffer_bytes, the default
READERS = scaled(20, 4)
SYSTEM_BYTES = 2 * MIB     # of one client in the kernel, with the defaults

# Memory per client beyond its queue: its session and its table entry, less than 1 KiB together.
SLACK_BYTES = 8 * 1024
# In total for all clients: tables that grow by pages, and the receive buffers of each worker (32 of 16 KiB). Measured
# in a release build: 1,023 KiB each on epoll; 520 to 650 on uring, which pauses earlier because of the data in its
# buffer ring.
SLACK_ONCE_BYTES = 3 * MIB


class SlowReaders(WeirTest):
    def test_memory(self):
        """Each client costs at most the high-water mark and one buffer; other clients' echoes are complete, and nothing
        remains when the clients close."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2")
        echo_once(weir.tcp, 4 * MIB)
        files, before = weir.files_count(), weir.rss_bytes()
        peers = [non_reading_client(weir.tcp) for _ in range(READERS)]
        taken = flood(peers)
        grown = weir.rss_bytes() - before
        print(f"\n    {READERS} clients that do not read: {grown / READERS / 1024:.0f} KiB each in the server, "
              f"{sum(taken.values()) / READERS / MIB:.1f} MiB taken from each", flush=True)
        if not SANITIZED:
            self.assertLess(grown, READERS * (HIGH_BYTES + BUFFER_BYTES + SLACK_BYTES) + SLACK_ONCE_BYTES)
        with connect(weir.tcp) as other:
            for attempt in range(scaled(100)):
                echo(other, 64 * 1024, seed=attempt, finish=False)
        echo_once(weir.tcp, scaled(20_000_000))
        for peer in peers:
            peer.close()
        weir.wait_until("their descriptors are free", lambda: weir.files_count() <= files)
        echo_once(weir.tcp, MIB)
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], summary["closed"])
        self.assertEqual(summary["closed_reset"], READERS)

    def assert_system_memory(self, weir, peer, message):
        """Floods with these messages and requires that the system holds at most SYSTEM_BYTES of them."""
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setblocking(False)
        flood([peer], piece=message)
        memory = system_memory(weir.tcp, peer)
        print(f"\n    {memory['bytes'] / MIB:.2f} MiB in the system, {memory}", flush=True)
        self.assertLessEqual(memory["bytes"], SYSTEM_BYTES)

    @plain_only("the client's sockets are those of the relay")
    @linux_only("ss shows the memory of Linux' sockets")
    def test_system_memory(self):
        """The system's socket buffers of one client stay below their bound, whether the client has a large or a small
        receive buffer, or sends small messages."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1")
        for receive_bytes, message_bytes in ((None, 65536), (4096, 65536), (None, 100)):
            with self.subTest(receive_bytes=receive_bytes, message_bytes=message_bytes), \
                    connect(weir.tcp, receive_bytes=receive_bytes) as peer:
                self.assert_system_memory(weir, peer, pattern_bytes(message_bytes))
        weir.stop()

    @plain_only("the client's sockets are those of the relay")
    @linux_only("ss shows the memory of Linux' sockets")
    def test_system_memory_after_a_fast_start(self):
        """A client that reads at first makes the system enlarge its buffers; when it stops reading, the bound holds."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1")
        with connect(weir.tcp) as peer:
            echo(peer, scaled(32 * MIB), finish=False)
            self.assert_system_memory(weir, peer, pattern_bytes(65536))
        weir.stop()

    @plain_only("the client's sockets are those of the relay")
    @linux_only("ss shows the memory of Linux' sockets")
    def test_socket_buffers_are_configurable(self):
        """Connections inherit the configured sizes from the listener, and no byte is lost in small buffers."""
        weir = self.start("--tcp", "127.0.0.1:0", "--socket-send", "64k", "--socket-receive", "32k",
                          "--socket-unsent", "16k")
        with connect(weir.tcp) as peer:
            echo(peer, scaled(8 * MIB), finish=False)
            memory = system_memory(weir.tcp, peer)
            self.assertEqual((memory["tb"], memory["rb"]), (64 * 1024, 32 * 1024))
            echo(peer, scaled(MIB), seed=2)
        self.assert_counts_add_up(weir.stop().summary)

    def test_large_echo_is_whole(self):
        """A hundred megabytes through the bounded buffers come back byte for byte."""
        weir = self.start("--tcp", "127.0.0.1:0")
        echo_once(weir.tcp, scaled(100_000_000))
        self.assert_counts_add_up(weir.stop().summary)

    def test_memory_is_reused(self):
        """Later clients reuse the buffers of the first ones."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1")
        files = weir.files_count()
        for crowd in range(3):
            peers = [non_reading_client(weir.tcp) for _ in range(READERS // 4)]
            flood(peers)
            if crowd == 0:
                before = weir.rss_bytes()
            for peer in peers:
                peer.close()
            weir.wait_until("their descriptors are free", lambda: weir.files_count() <= files)
        if not SANITIZED:
            self.assertLess(weir.rss_bytes() - before, SLACK_ONCE_BYTES)
        weir.stop()

    def test_slow_reader_receives_every_byte(self):
        """Ten megabytes to a client that reads a little at a time: between two reads, another client gets a whole
        echo."""
        total = scaled(10_000_000)
        weir = self.start("--tcp", "[::1]:0")
        with connect(weir.tcp, receive_bytes=8192) as slow, connect(weir.tcp) as other:
            slow.setblocking(False)
            to_send, to_expect = pattern(total), pattern(total)
            unsent, wanted, got = b"", b"", 0
            sending = True
            while got < total:
                waits_for = [slow] if sending else []
                readable, writable, _ = select.select([slow], waits_for, [], DEADLINE_S)
                self.assertTrue(readable or writable, f"stuck at {got} of {total}")
                if writable:
                    unsent = unsent or next(to_send, b"")
                    if unsent:
                        unsent = unsent[slow.send(unsent):]
                    else:
                        slow.shutdown(socket.SHUT_WR)
                        sending = False
                if readable:
                    piece = slow.recv(12_000)
                    self.assertTrue(piece, f"EOF came after {got} of {total}")
                    wanted += next(to_expect, b"") if len(wanted) < len(piece) else b""
                    self.assertEqual(piece, wanted[:len(piece)], f"wrong after {got} bytes")
                    wanted = wanted[len(piece):]
                    got += len(piece)
                    echo(other, 100, seed=got, finish=False)
            slow.settimeout(DEADLINE_S)
            expect_end(slow)
        self.assert_counts_add_up(weir.stop().summary)

    def test_paused_reader_receives_every_byte(self):
        """Paused at the high-water mark, then read to the end: nothing was lost, and receiving continued."""
        weir = self.start("--tcp", "127.0.0.1:0")
        with non_reading_client(weir.tcp) as peer:
            taken = flood([peer], seed=9)[peer]
            self.assertGreater(taken, HIGH_BYTES // 2)
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken, seed=9), taken)
            echo(peer, scaled(5_000_000), seed=10)
        self.assert_counts_add_up(weir.stop().summary)

    def test_half_closed_client_receives_queued_bytes(self):
        """A client that sends FIN and only then reads gets the queued bytes, then EOF."""
        weir = self.start("--tcp", "[::1]:0")
        with non_reading_client(weir.tcp) as peer:
            taken = flood([peer], seed=3)[peer]
            peer.shutdown(socket.SHUT_WR)
            echo_once(weir.tcp)
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken, seed=3), taken)
            expect_end(peer)
        self.assert_counts_add_up(weir.stop().summary)


if __name__ == "__main__":
    main()
