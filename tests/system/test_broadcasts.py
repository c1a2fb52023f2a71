# SPDX-License-Identifier: MIT
"""A room of which one member stops reading: what becomes of that one is --broadcast-policy's to say, and the others
read every word."""
import re
import threading

from weir_process import DEADLINE_S, WeirTest, connect, deaf_client, main

LINES = 50    # said at once
TEXT = b"-" * 300


class Listener(threading.Thread):
    """Reads what is said, and looks that no number is left out."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.peer = connect(address)
        self.next, self.wrong = 0, None
        self.lines = self.peer.makefile("rb")
        self.lines.readline()  # it is in the room
        self.start()

    def run(self):
        try:
            for line in self.lines:
                self._hear(line)
        except OSError:  # the test has ended it
            pass

    def _hear(self, line):
        found = re.search(rb"#(\d+)#", line)
        if not found:
            return
        if int(found[1]) != self.next:
            self.wrong = self.wrong or (self.next, line)
        self.next += 1


class Broadcasts(WeirTest):
    def say_until(self, weir, condition):
        """Has one say line after line to a deaf member and a listening one, until the condition holds; the listener
        must have heard all of it."""
        listener = Listener(weir.tcp)
        with deaf_client(weir.tcp), connect(weir.tcp) as speaker:
            drain = threading.Thread(target=self.swallow, args=(speaker,), daemon=True)
            drain.start()
            said = 0
            while not condition():
                speaker.sendall(b"".join(b"#%d#%s\n" % (said + i, TEXT) for i in range(LINES)))
                said += LINES
                weir.wait_until("the listener heard it", lambda: listener.next >= said or not listener.is_alive())
                self.assertIsNone(listener.wrong)
            speaker.sendall(b"#%d# the last word\n" % said)
            weir.wait_until("the last word was heard", lambda: listener.next > said)
        listener.peer.shutdown(2)
        listener.join(DEADLINE_S)
        drain.join(DEADLINE_S)

    @staticmethod
    def swallow(peer):
        try:
            while peer.recv(65536):
                pass
        except OSError:
            pass

    def start_room(self, policy):
        return self.start("--tcp", "127.0.0.1:0", "--codec", "line", "--handler", "chat", "--workers", "2",
                          "--queue-high", "64k", "--broadcast-policy", policy, "--stats", "100ms",
                          "--first-byte-timeout", "off")

    def test_disconnect(self):
        weir = self.start_room("disconnect")
        self.say_until(weir, lambda: weir.has_counted("closed_slow_reader"))
        summary = weir.stop().summary
        self.assertEqual(summary["closed_slow_reader"], 1, summary)
        self.assertEqual(summary["sends_dropped"], 0, summary)

    def test_drop(self):
        for policy in ("drop-newest", "drop-oldest"):
            with self.subTest(policy=policy):
                weir = self.start_room(policy)
                self.say_until(weir, lambda: weir.has_counted("sends_dropped", 100))
                summary = weir.stop().summary
                self.assertEqual(summary["closed_slow_reader"], 0, summary)


if __name__ == "__main__":
    main()
