# SPDX-License-Identifier: MIT
"""Many clients that connect at the same time: every connection is accounted for, and a shutdown in the middle resets no
client that the server has accepted."""
import errno
import select
import socket
import struct

from weir_process import DEADLINE_S, WeirTest, family_of, main, scaled, stop_signals

CLIENTS = scaled(4000)
ENDLESS = 15_000  # clients of a storm that ends when the listener closes; fewer than the limit on descriptors
TOGETHER = 200   # clients that are under way at the same time; far fewer than the server's backlog
RESETS_EVERY = 3 # of the clients that reset immediately


class Storm:
    """Keeps TOGETHER clients under way until `most` have started. A client is under way until the server has answered
    its byte. What becomes of each client is counted.

    Without the answers, connects would be faster than a slow server. Linux drops the last packet of a handshake if the
    listener's backlog is full: the client is connected, but the server's system has no such connection. If the listener
    then closes, nothing ever tells this client."""

    def __init__(self, address, most, resets=False):
        self.address, self.most, self.resets = address, most, resets
        self.started = self.connected = self.refused = self.finished = self.reset = 0
        self._connecting, self._unanswered, self._open = {}, {}, {}
        self._poll = select.epoll()

    def _begin(self):
        peer = socket.socket(family_of(self.address[0]), socket.SOCK_STREAM)
        peer.setblocking(False)
        self.started += 1
        if peer.connect_ex(self.address) not in (0, errno.EINPROGRESS):
            self.refused += 1
            peer.close()
            return
        self._connecting[peer.fileno()] = peer
        self._poll.register(peer, select.EPOLLOUT)

    def _on_connect(self, peer):
        del self._connecting[peer.fileno()]
        if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            self.refused += 1
            peer.close()
            return
        self.connected += 1
        if self.resets and self.connected % RESETS_EVERY == 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            return
        self._unanswered[peer.fileno()] = peer
        self._poll.modify(peer, select.EPOLLIN)
        try:
            peer.send(b"?")
        except ConnectionError:  # reported once: recv() would return the end of the stream
            self._end(peer, "reset")

    def _on_input(self, peer):
        """Takes the answer, or the end."""
        try:
            is_answer = peer.recv(1) == b"?"
        except ConnectionResetError:
            self._end(peer, "reset")
            return
        if not is_answer:
            self._end(peer, "finished")
            return
        assert self._unanswered.pop(peer.fileno(), None), "a second answer"
        self._open[peer.fileno()] = peer

    def _end(self, peer, how):
        setattr(self, how, getattr(self, how) + 1)
        (self._unanswered if peer.fileno() in self._unanswered else self._open).pop(peer.fileno())
        peer.close()

    def step(self, begins=True):
        while begins and len(self._connecting) + len(self._unanswered) < TOGETHER and self.started < self.most:
            self._begin()
        events = self._poll.poll(DEADLINE_S)
        assert events, "nothing happened for too long"
        for file, _ in events:
            if file in self._connecting:
                self._on_connect(self._connecting[file])
            else:
                self._on_input(self._unanswered.get(file) or self._open[file])

    def run_until(self, condition):
        while not condition():
            self.step()

    def finish(self):
        """Ends all clients: waits for the answers, half-closes, and waits for the server's side."""
        while self._connecting or self._unanswered:
            self.step(begins=False)
        for peer in self._open.values():
            peer.shutdown(socket.SHUT_WR)
        self.wait_ended()

    def wait_ended(self):
        while self._connecting or self._unanswered or self._open:
            self.step(begins=False)
        self._poll.close()


class Storms(WeirTest):
    def refused(self, summary):
        return sum(count for name, count in summary.items() if name.startswith("refused_"))

    def test_every_connection_is_counted(self):
        """Some clients reset immediately, and some exceed a limit: accepted and refused are all that connected."""
        for limits in ((), ("--accept-rate", str(scaled(500)))):
            weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", *limits)
            storm = Storm(weir.tcp, CLIENTS, resets=True)
            storm.run_until(lambda: storm.connected + storm.refused == CLIENTS)
            storm.finish()
            summary = weir.stop().summary
            self.assertEqual(summary["accepted"] + self.refused(summary), storm.connected, summary)

    def test_a_shutdown_resets_no_accepted_client(self):
        """Clients that the server has not accepted are reset by the system when the listener closes; no other is."""
        for number in stop_signals():
            weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--drain", "1h")
            storm = Storm(weir.tcp, ENDLESS)
            storm.run_until(lambda: storm.connected >= CLIENTS // 4)
            weir.send_signal(number)
            storm.run_until(lambda: storm.started == storm.most or storm.refused > 0)
            storm.wait_ended()
            ended = weir.wait_end()
            self.assertEqual(ended.code, 0)
            self.assertEqual(ended.summary["accepted"], storm.finished, (ended.summary, vars(storm)))
            self.assertEqual(self.refused(ended.summary), 0, ended.summary)
            self.assertEqual(storm.connected, storm.finished + storm.reset)


if __name__ == "__main__":
    main()
