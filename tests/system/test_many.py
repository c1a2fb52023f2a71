# SPDX-License-Identifier: MIT
"""10,000 simultaneous connections, each of which gets its own bytes back; then they close and leave nothing behind."""
import resource
import time

from weir_process import Settings, WeirTest, connect, main, receive_exactly, scaled

WANTED = 10_000
SPARE_FILES = 200  # descriptors of a process besides its connections
SOURCES = [f"127.0.4.{i + 1}" for i in range(8)]


class Many(WeirTest):
    def test_ten_thousand(self):
        files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = min(scaled(WANTED), files_max - SPARE_FILES, WANTED // 5 if Settings.is_windows() else WANTED)
        weir = self.start("--tcp", "127.0.0.1:0", "-v")
        if not Settings.is_windows():  # Windows has no such limit
            self.assertRegex(weir.log, rf"open files: at most {files_max} \(was \d+\)")
        baseline, memory = weir.files_count(), weir.rss_bytes()
        began = time.monotonic()
        peers = [connect(weir.tcp, source=SOURCES[i % len(SOURCES)]) for i in range(count)]
        for attempt in range(2):
            for i, peer in enumerate(peers):
                peer.sendall(b"%08d-%d" % (i, attempt))
            for i, peer in enumerate(peers):
                self.assertEqual(receive_exactly(peer, 10), b"%08d-%d" % (i, attempt))
        print(f"\n    {count} connections: {weir.files_count() - baseline} descriptors and "
              f"{(weir.rss_bytes() - memory) / count / 1024:.1f} KiB each in the server; "
              f"{time.monotonic() - began:.1f} s", flush=True)
        for peer in peers:
            peer.close()
        weir.wait_until("all descriptors are free again", lambda: weir.files_count() <= baseline)
        with connect(weir.tcp) as peer:
            peer.sendall(b"still here?")
            self.assertEqual(receive_exactly(peer, 11), b"still here?")
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["accepted"], count + 1)
        self.assertEqual(summary["bytes_in"], count * 20 + 11)
        self.assertEqual(summary["refused_full"] + summary["refused_failed"] + summary["pauses_no_files"], 0)

    def test_repeated_connects_and_closes(self):
        """Descriptors and sessions are reused; nothing accumulates."""
        weir = self.start("--tcp", "[::]:0", "--workers", "2")
        baseline, rounds = weir.files_count(), scaled(1500)
        for i in range(rounds):
            with connect(("127.0.0.1" if i % 2 else "::1", weir.tcp[1])) as peer:
                if i % 3:
                    peer.sendall(b"hello %d" % i)
                    self.assertEqual(receive_exactly(peer, len(b"hello %d" % i)), b"hello %d" % i)
        weir.wait_until("all descriptors are free again", lambda: weir.files_count() <= baseline)
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["accepted"], rounds)


if __name__ == "__main__":
    main()
