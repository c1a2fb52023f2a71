# SPDX-License-Identifier: MIT
"""A room with one member that stops reading. In the built-in chat, speakers wait for it. With weir_broadcast(),
--broadcast-policy decides what happens to it. The other members receive every line."""
import re
import threading

from weir_process import DEADLINE_S, WeirTest, connect, module, non_reading_client, main, path_for_weir

LINES = 50    # sent in one batch
TEXT = b"-" * 300


class Listener(threading.Thread):
    """Reads the room's lines and checks that no number is missing."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.peer = connect(address)
        self.next, self.wrong = 0, None
        self.lines = self.peer.makefile("rb")
        self.lines.readline()  # the listener is in the room now
        self.start()

    def run(self):
        try:
            for line in self.lines:
                self._check_line(line)
        except OSError:  # the test has closed the connection
            pass

    def _check_line(self, line):
        found = re.search(rb"#(\d+)#", line)
        if not found:
            return
        if int(found[1]) != self.next:
            self.wrong = self.wrong or (self.next, line)
        self.next += 1


class Broadcasts(WeirTest):
    def send_lines_until(self, weir, condition):
        """Sends line after line to a member that does not read and to a listener, until the condition holds; the
        listener must receive every line."""
        listener = Listener(weir.tcp)
        with non_reading_client(weir.tcp), connect(weir.tcp) as speaker:
            drain = threading.Thread(target=self.read_and_discard, args=(speaker,), daemon=True)
            drain.start()
            sent = 0
            while not condition():
                speaker.sendall(b"".join(b"#%d#%s\n" % (sent + i, TEXT) for i in range(LINES)))
                sent += LINES
                weir.wait_until("the listener received it", lambda: listener.next >= sent or not listener.is_alive(),
                                progress=lambda: listener.next)
                self.assertIsNone(listener.wrong)
            speaker.sendall(b"#%d# the last line\n" % sent)
            weir.wait_until("the last line was received", lambda: listener.next > sent)
            speaker.shutdown(2)
        listener.peer.shutdown(2)
        listener.join(DEADLINE_S)
        drain.join(DEADLINE_S)

    @staticmethod
    def read_and_discard(peer):
        try:
            while peer.recv(65536):
                pass
        except OSError:
            pass

    @staticmethod
    def join_elsewhere(weir):
        """Returns a client, as a file, that has left the first room."""
        with connect(weir.tcp) as peer:
            peer.settimeout(DEADLINE_S)
            client = peer.makefile("rwb")
        client.write(b"/join elsewhere\n")
        client.flush()
        while b"you are in elsewhere" not in client.readline():
            pass
        return client

    def start_room(self, policy, handler=None, *options):
        return self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler",
                          handler or path_for_weir(module("room")), "--workers", "2", "--queue-high", "64k",
                          "--broadcast-policy", policy, "--stats", "100ms", *options)

    def test_disconnect(self):
        weir = self.start_room("disconnect")
        self.send_lines_until(weir, lambda: weir.has_counted("closed_slow_reader"))
        summary = weir.stop().summary
        self.assertEqual(summary["closed_slow_reader"], 1, summary)
        self.assertEqual(summary["sends_dropped"], 0, summary)

    def test_speakers_of_a_chat_wait(self):
        weir = self.start_room("disconnect", "chat", "--send-timeout", "off")
        listener = Listener(weir.tcp)
        first, second = (self.join_elsewhere(weir) for _ in range(2))
        sent = 30000  # more than the system stores for the silent member
        lines = b"".join(b"#%d#%s\n" % (i, TEXT) for i in range(sent))
        with non_reading_client(weir.tcp) as silent, connect(weir.tcp) as speaker:
            speaker.settimeout(DEADLINE_S)
            speaking = threading.Thread(target=speaker.sendall, args=(lines,), daemon=True)
            speaking.start()
            weir.wait_counted("pauses_group")
            self.assertIsNone(listener.wrong)
            first.write(b"is it quiet?\n")  # another room is not affected
            first.flush()
            while b"is it quiet?" not in second.readline():
                pass
            silent.settimeout(DEADLINE_S)
            reader = threading.Thread(target=self.read_and_discard, args=(silent,), daemon=True)
            reader.start()
            weir.wait_until("the listener received it", lambda: listener.next >= sent, progress=lambda: listener.next)
            self.assertIsNone(listener.wrong)
            speaking.join(DEADLINE_S)
            silent.shutdown(2)
            reader.join(DEADLINE_S)
        listener.peer.shutdown(2)
        listener.join(DEADLINE_S)
        first.close()
        second.close()
        summary = weir.stop().summary
        self.assertEqual((summary["sends_dropped"], summary["closed_slow_reader"], summary["closed_stalled"]), (0, 0, 0))
        self.assertGreater(summary["pauses_group"], 0)

    def test_drop(self):
        for policy in ("drop-newest", "drop-oldest"):
            with self.subTest(policy=policy):
                weir = self.start_room(policy)
                self.send_lines_until(weir, lambda: weir.has_counted("sends_dropped", 100))
                summary = weir.stop().summary
                self.assertEqual(summary["closed_slow_reader"], 0, summary)


if __name__ == "__main__":
    main()
