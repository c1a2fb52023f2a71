# SPDX-License-Identifier: MIT
"""How a connection that weir closes ends for its client: by RST if bytes of the stream are lost, never by EOF, which
would claim that the stream is complete. A client that reads slowly but steadily is not closed."""
import socket

from weir_process import (DEADLINE_S, Pace, WeirTest, connect, echo, expect_end, flood, main, milliseconds,
                          non_reading_client, pattern_bytes, receive_exactly, stop_signals, with_limits)

PATIENT = ("--stats", "100ms", "--first-byte-timeout", "1h", "--idle-timeout", "1h", "--send-timeout", "1h")
SLOW_BYTES = 4096        # read per report of the server, 100 ms apart
SLOW_REPORTS_PER_S = 33  # of the send timeout: more than three timeouts


def read_until_reset(peer):
    """Returns the number of bytes that arrive before the RST; fails at EOF."""
    count = 0
    peer.settimeout(DEADLINE_S)
    try:
        while got := peer.recv(65536):
            count += len(got)
    except ConnectionResetError:
        return count
    raise AssertionError(f"EOF came after {count} bytes of a stream that is not complete")


class Endings(WeirTest):
    def start_patient(self, *arguments):
        return self.start("--tcp", "127.0.0.1:0", "--workers", "1", *PATIENT, *arguments)

    def reports_count(self, weir):
        return weir.log.count(" bytes_in=")

    def assert_reset(self, *arguments, reason, stop=False, limit_s=None):
        """A client that does not read is closed for the reason: it gets an RST, and never more bytes than counted.
        limit_s: the time after which the server closes, in which the client must end its flood."""
        weir = self.start_patient(*arguments)
        with non_reading_client(weir.tcp) as peer:
            with Pace(limit_s):
                taken = flood([peer])[peer]
            if stop:
                weir.send_signal(stop_signals()[-1])
                summary = weir.wait_end().summary
            else:
                weir.wait_counted(f"closed_{reason}")
                summary = weir.stop().summary
            received = read_until_reset(peer)
        self.assertEqual(summary[f"closed_{reason}"], 1, summary)
        self.assertLess(received, taken)
        self.assertLessEqual(received, summary["bytes_out"])
        self.assertLess(summary["bytes_out"], taken)

    @with_limits(3, 20)
    def test_stalled(self, limit_s):
        self.assert_reset("--send-timeout", milliseconds(limit_s), reason="stalled", limit_s=limit_s)

    @with_limits(5, 20)
    def test_lifetime(self, limit_s):
        self.assert_reset("--lifetime", milliseconds(limit_s), reason="lifetime", limit_s=limit_s)

    def test_drain_deadline(self):
        self.assert_reset("--drain", "200ms", reason="shutdown", stop=True)

    def test_complete_stream_ends_by_eof(self):
        """Nothing is lost if the client has received every byte when its session reaches its lifetime."""
        weir = self.start_patient("--lifetime", "1s")
        with connect(weir.tcp) as peer:
            echo(peer, 100_000, finish=False)
            expect_end(peer)
        weir.wait_counted("closed_lifetime")
        self.assert_bytes(weir.stop().summary, bytes_out=100_000)

    @with_limits(3, 10)
    def test_slow_but_steady_reader(self, limit_s):
        """The client needs several send timeouts for what one send carries, and gets every byte."""
        weir = self.start_patient("--send-timeout", milliseconds(limit_s))
        with non_reading_client(weir.tcp) as peer:
            pace = Pace(limit_s)  # flood() ends with a pause
            taken = flood([peer])[peer]
            peer.settimeout(DEADLINE_S)
            got = b""
            for _ in range(SLOW_REPORTS_PER_S * limit_s):
                seen = self.reports_count(weir)
                weir.wait_until("another report", lambda: self.reports_count(weir) > seen)
                with pace:
                    got += receive_exactly(peer, SLOW_BYTES)
            piece = pattern_bytes(65536)
            self.assertEqual(got, (piece * (len(got) // len(piece) + 1))[:len(got)])
            self.assertLess(len(got), taken)
            expected = self.rest_of_flood(piece, len(got), taken)
            self.assertEqual(receive_exactly(peer, len(expected)), expected)
            peer.shutdown(socket.SHUT_WR)
            expect_end(peer)
        summary = weir.stop().summary
        self.assertEqual(summary["closed_peer_done"], 1, summary)
        self.assert_bytes(summary, bytes_out=taken)

    def rest_of_flood(self, piece, offset, taken):
        return (piece * (taken // len(piece) + 1))[offset:taken]


if __name__ == "__main__":
    main()
