# SPDX-License-Identifier: MIT
"""Timeouts: each timeout closes the session that exceeded it, with its own reason, and no other session.

In every test a busy client echoes all the time, from before the timeout until after the session was closed, on
its own connection. The timeouts are about a second: short enough for a test, and more than a busy client needs for
one exchange. A test whose timeout the busy client, too, could exceed is repeated with a longer one if a loaded machine
made the client pause.
"""
import select
import socket
import struct

from weir_process import (MIB, BusyClient, Pace, WeirTest, connect, non_reading_client, echo, expect_end, main,
                          milliseconds, pattern_bytes, receive_exactly, scaled, udp_socket, wait_closed, with_limits)

LIMIT = "1s"
LIMITS_S = (1, 5, 20)
PATIENT = ("--stats", "100ms", "--first-byte-timeout", "1h", "--idle-timeout", "1h", "--send-timeout", "1h")


def framed(message):
    return struct.pack("!I", len(message)) + message


def flood_until_closed(peer):
    """Sends to a server that stops reading, until the server closes the connection."""
    peer.settimeout(None)
    try:
        while True:
            peer.sendall(b"x" * 65536)
    except (ConnectionError, socket.timeout):
        return


class TimeLimits(WeirTest):
    def start_patient(self, *arguments):
        """Starts a server with very long timeouts, except those in the arguments."""
        return self.start("--tcp", "127.0.0.1:0", *PATIENT, *arguments)

    def assert_one(self, weir, reason, busy):
        """Requires that one session was closed for the reason; the busy client was not, and still is served."""
        weir.wait_counted(f"closed_{reason}")
        busy.stop()
        summary = weir.stop().summary
        self.assertEqual(summary[f"closed_{reason}"], 1, summary)
        self.assertGreaterEqual(summary["closed_peer_done"], 1, summary)
        return summary

    @with_limits(*LIMITS_S)
    def test_idle(self, limit_s):
        weir = self.start_patient("--idle-timeout", milliseconds(limit_s))
        busy = BusyClient(weir.tcp, limit_s=limit_s)
        with connect(weir.tcp) as peer:
            with Pace(limit_s):
                echo(peer, 1000, finish=False)
            wait_closed(peer)
        self.assertEqual(self.assert_one(weir, "idle", busy)["accepted"], 2)

    @with_limits(*LIMITS_S)
    def test_idle_without_a_byte(self, limit_s):
        """A client that never sent a byte is also idle, if the first-byte timeout is off."""
        weir = self.start_patient("--idle-timeout", milliseconds(limit_s), "--first-byte-timeout", "off")
        busy = BusyClient(weir.tcp, limit_s=limit_s)
        with connect(weir.tcp) as peer:
            wait_closed(peer)
        self.assert_one(weir, "idle", busy)

    @with_limits(*LIMITS_S)
    def test_first_byte(self, limit_s):
        """After its first byte, a client may stay silent."""
        weir = self.start_patient("--first-byte-timeout", milliseconds(limit_s))
        busy = BusyClient(weir.tcp, limit_s=limit_s)
        with connect(weir.tcp) as silent_later:
            with Pace(limit_s):
                echo(silent_later, 1, finish=False)
            with connect(weir.tcp) as silent:
                wait_closed(silent)
            weir.wait_counted("closed_first_byte")
            echo(silent_later, 1000)
        self.assertEqual(self.assert_one(weir, "first_byte", busy)["accepted"], 3)

    def test_listener_in_a_room(self):
        """A member of a chat room that sends nothing stays longer than a silent client elsewhere, and then hears."""
        weir = self.start("--listen", "tcp://127.0.0.1:0?codec=line&handler=chat", "--listen",
                          "tcp://127.0.0.1:0?handler=echo", *PATIENT, "--first-byte-timeout", LIMIT)
        room, elsewhere = weir.address("tcp", 0), weir.address("tcp", 1)
        with connect(room) as listener, listener.makefile("rb") as lines:
            lines.readline()  # the listener is in the room now
            with connect(elsewhere) as silent:
                wait_closed(silent)
            weir.wait_counted("closed_first_byte")
            with connect(room) as speaker:
                speaker.sendall(b"anyone here?\n")
                while b"anyone here?" not in (line := lines.readline()):
                    self.assertNotEqual(line, b"", "the listener was closed")
        summary = weir.stop().summary
        self.assertEqual(summary["closed_first_byte"], 1, summary)

    def test_frame(self):
        """Single bytes do not extend the frame timeout; the timeout does not run between two frames."""
        weir = self.start_patient("--frame-timeout", LIMIT, "--codec", "u32be")
        with connect(weir.tcp) as waiting, connect(weir.tcp) as slow:
            for _ in range(3):
                waiting.sendall(framed(b"whole"))
                self.assertEqual(receive_exactly(waiting, 9), framed(b"whole"))
            slow.sendall(framed(b"one that is whole") + framed(b"x" * 10_000)[:5])
            self.assertEqual(receive_exactly(slow, 21), framed(b"one that is whole"))
            while not select.select([slow], [], [], 0.05)[0]:
                slow.sendall(b"x")
            wait_closed(slow)
            slow.close()
            weir.wait_counted("closed_frame")
            waiting.sendall(framed(b"again"))
            waiting.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_exactly(waiting, 9), framed(b"again"))
            expect_end(waiting)
        summary = weir.stop().summary
        self.assertEqual((summary["closed_frame"], summary["closed_peer_done"]), (1, 1), summary)

    def test_frame_timeout_in_the_header(self):
        """The length field itself is part of the frame."""
        weir = self.start_patient("--frame-timeout", LIMIT, "--codec", "u32be")
        with connect(weir.tcp) as peer:
            peer.sendall(b"\0")
            wait_closed(peer)
        weir.wait_counted("closed_frame")
        self.assertEqual(weir.stop().summary["closed_frame"], 1)

    def test_send_stalled(self):
        weir = self.start_patient("--send-timeout", LIMIT)
        busy = BusyClient(weir.tcp)
        with non_reading_client(weir.tcp) as non_reader:
            flood_until_closed(non_reader)
            self.assert_one(weir, "stalled", busy)

    def test_send_rate_min(self):
        """A client that reads slower than the minimum rate is closed as stalled, even if it reads steadily."""
        weir = self.start_patient("--send-timeout", LIMIT, "--send-rate-min", "64m")
        busy = BusyClient(weir.tcp)
        with non_reading_client(weir.tcp) as slow:
            piece = pattern_bytes(65536)
            try:
                while True: # a few bytes whenever sending blocks: too slow
                    if select.select([], [slow], [], 0.05)[1]:
                        slow.send(piece)
                    else:
                        slow.recv(16)
            except (ConnectionError, BlockingIOError):
                pass
            self.assert_one(weir, "stalled", busy)

    def test_lifetime(self):
        """The lifetime closes even a busy session; a later session has its own lifetime."""
        weir = self.start_patient("--lifetime", "2s")
        with connect(weir.tcp) as old:
            try:
                count = 0
                while True:
                    old.sendall(b"%06d" % count)
                    got = receive_exactly(old, 6)
                    if not got:
                        break
                    self.assertEqual(got, b"%06d" % count)
                    count += 1
            except ConnectionError:
                pass
        self.assertGreater(count, 0)
        weir.wait_counted("closed_lifetime")
        with connect(weir.tcp) as young:
            echo(young, 1000)
        summary = weir.stop().summary
        self.assertEqual((summary["closed_lifetime"], summary["closed_peer_done"]), (1, 1), summary)

    def test_linger(self):
        """The server has sent FIN; it does not wait forever for a peer that sends none."""
        weir = self.start_patient("--listen", "tcp://127.0.0.1:0?handler=time", "--linger-timeout", LIMIT)
        busy = BusyClient(weir.address("tcp", 0))
        with connect(weir.address("tcp", 1)) as peer:
            received = b""
            while not received.endswith(b"\n"):
                received += peer.recv(100)
            expect_end(peer)
            self.assert_one(weir, "application", busy)

    @with_limits(*LIMITS_S)
    def test_datagram_peer_idle(self, limit_s):
        """An idle peer is removed, and is a new peer when it sends again."""
        weir = self.start("--udp", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--udp-idle-timeout", milliseconds(limit_s),
                          "--message-rate", "1000000", *PATIENT)
        busy = BusyClient(weir.tcp)
        pace = Pace(limit_s)
        with udp_socket(weir.udp) as peer, udp_socket(weir.udp) as other:
            for attempt in range(2):
                peer.send(b"here")
                self.assertEqual(peer.recv(100), b"here")
                while not weir.has_counted("closed_idle", attempt + 1):
                    other.send(b"still here")
                    self.assertEqual(other.recv(100), b"still here")
                    pace.step()
        busy.stop()
        summary = weir.stop().summary
        with pace:
            self.assertEqual((summary["closed_idle"], summary["peers_opened"]), (2, 3), summary)

    def test_every_limit_off(self):
        """With timeouts off, clients that would exceed each timeout stay connected, while a limited server closes its
        client."""
        off = [word for name in ("idle", "first-byte", "frame", "send", "linger") for word in
               (f"--{name}-timeout", "off")]
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "u32be", *off)
        limited = self.start("--tcp", "127.0.0.1:0", "--idle-timeout", LIMIT)
        with connect(weir.tcp) as silent, connect(weir.tcp) as partial, connect(limited.tcp) as measure:
            partial.sendall(framed(b"begun")[:6])
            wait_closed(measure)
            partial.sendall(framed(b"begun")[6:])
            silent.sendall(framed(b"awake"))
            self.assertEqual(receive_exactly(partial, 9), framed(b"begun"))
            self.assertEqual(receive_exactly(silent, 9), framed(b"awake"))
        limited.stop()
        weir.stop()


class Crowd(WeirTest):
    @with_limits(2, 8, 32)
    def test_many_idle_among_many_busy(self, limit_s):
        """Many clients become idle while others are busy: the server closes exactly the idle ones."""
        weir = self.start("--tcp", "127.0.0.1:0", "--idle-timeout", milliseconds(limit_s), "--first-byte-timeout", "off")
        busy = [BusyClient(weir.tcp, limit_s=limit_s) for _ in range(3)]
        idle_count = scaled(200, 20)
        idle = []
        for i in range(idle_count):
            idle.append(connect(weir.tcp))
            if i % 2:
                with Pace(limit_s):
                    echo(idle[-1], 100, finish=False)
        for peer in idle:
            wait_closed(peer)
            peer.close()
        for client in busy:
            client.stop()
        summary = weir.stop().summary
        self.assertEqual(summary["closed_idle"], idle_count, summary)
        self.assertEqual(summary["closed_peer_done"], len(busy), summary)

    def test_idle_while_it_sends(self):
        """Sent bytes count as activity as well as received bytes: a client that only reads is not idle."""
        total = scaled(8 * MIB)
        weir = self.start("--tcp", "127.0.0.1:0", "--idle-timeout", "3s")
        with connect(weir.tcp, receive_bytes=65536) as peer:
            echo(peer, total)
        self.assert_counts_add_up(weir.stop().summary)


if __name__ == "__main__":
    main()
