# SPDX-License-Identifier: MIT
"""A client that sends and never reads costs what the settings say, and nobody else notices it."""
import select
import socket

from weir_process import (DEADLINE_S, MIB, SANITIZED, WeirTest, connect, deaf_client, echo, echo_once, expect_end,
                          expect_flood, flood, main, pattern, scaled)

HIGH_BYTES = MIB           # send_queue_high_bytes, the default
BUFFER_BYTES = 16 * 1024   # buffer_bytes, the default
READERS = scaled(20, 4)

# What one may cost beyond its queue: its session and its slot, less than 1 KiB together.
SLACK_BYTES = 8 * 1024
# And all of them once: tables that grow by pages, and the buffers that wait for data in each worker (32 of 16 KiB).
# Measured in a release build: 1,023 KiB each on epoll; 520 to 650 on uring, which pauses earlier for what the ring
# holds.
SLACK_ONCE_BYTES = 3 * MIB


class SlowReaders(WeirTest):
    def test_memory(self):
        """Each costs at most the high mark and one buffer; others' echoes are whole; all is well when they go."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2")
        echo_once(weir.tcp, 4 * MIB)
        files, before = weir.files_count(), weir.rss_bytes()
        peers = [deaf_client(weir.tcp) for _ in range(READERS)]
        taken = flood(peers)
        grown = weir.rss_bytes() - before
        print(f"\n    {READERS} clients that do not read: {grown / READERS / 1024:.0f} KiB each in the server, "
              f"{sum(taken.values()) / READERS / MIB:.1f} MiB taken from each", flush=True)
        if not SANITIZED:
            self.assertLess(grown, READERS * (HIGH_BYTES + BUFFER_BYTES + SLACK_BYTES) + SLACK_ONCE_BYTES)
        with connect(weir.tcp) as other:
            for turn in range(scaled(100)):
                echo(other, 64 * 1024, seed=turn, finish=False)
        echo_once(weir.tcp, scaled(20_000_000))
        for peer in peers:
            peer.close()
        weir.wait_until("their descriptors are free", lambda: weir.files_count() <= files)
        echo_once(weir.tcp, MIB)
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], summary["closed"])
        self.assertEqual(summary["closed_reset"], READERS)

    def test_memory_is_used_again(self):
        """A second crowd lives on the buffers of the first."""
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1")
        files = weir.files_count()
        for crowd in range(3):
            peers = [deaf_client(weir.tcp) for _ in range(READERS // 4)]
            flood(peers)
            if crowd == 0:
                before = weir.rss_bytes()
            for peer in peers:
                peer.close()
            weir.wait_until("their descriptors are free", lambda: weir.files_count() <= files)
        if not SANITIZED:
            self.assertLess(weir.rss_bytes() - before, SLACK_ONCE_BYTES)
        weir.stop()

    def test_slow_reader_gets_everything(self):
        """Ten megabytes to a client that takes a little at a time: between two reads, another one's whole echo."""
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
                    self.assertTrue(piece, f"the end came after {got} of {total}")
                    wanted += next(to_expect, b"") if len(wanted) < len(piece) else b""
                    self.assertEqual(piece, wanted[:len(piece)], f"wrong after {got} bytes")
                    wanted = wanted[len(piece):]
                    got += len(piece)
                    echo(other, 100, seed=got, finish=False)
            slow.settimeout(DEADLINE_S)
            expect_end(slow)
        self.assert_adds_up(weir.stop().summary)

    def test_reader_that_wakes_up(self):
        """Paused at the high mark, then read to the end: nothing was lost, and receiving went on."""
        weir = self.start("--tcp", "127.0.0.1:0")
        with deaf_client(weir.tcp) as peer:
            taken = flood([peer], seed=9)[peer]
            self.assertGreater(taken, HIGH_BYTES // 2)
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken, seed=9), taken)
            echo(peer, scaled(5_000_000), seed=10)
        self.assert_adds_up(weir.stop().summary)

    def test_deaf_in_their_last_words(self):
        """A client that half-closes and reads only then gets what was queued, and the end."""
        weir = self.start("--tcp", "[::1]:0")
        with deaf_client(weir.tcp) as peer:
            taken = flood([peer], seed=3)[peer]
            peer.shutdown(socket.SHUT_WR)
            echo_once(weir.tcp)
            peer.settimeout(DEADLINE_S)
            self.assertEqual(expect_flood(peer, taken, seed=3), taken)
            expect_end(peer)
        self.assert_adds_up(weir.stop().summary)


if __name__ == "__main__":
    main()
