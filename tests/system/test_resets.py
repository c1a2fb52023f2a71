# SPDX-License-Identifier: MIT
"""Connections that are reset at any moment, with bytes in flight in both directions, affect no other connection."""
import random
import socket
import threading

from weir_process import (DEADLINE_S, WeirTest, close_with_reset, connect, echo, echo_once, main, pattern_bytes,
                          scaled)

RESETS = scaled(300, 40)
TOGETHER = 20
DATA = pattern_bytes(300_000)


def reset_immediately(peer, chance):
    close_with_reset(peer)


def reset_after_sending(peer, chance):
    peer.setblocking(False)
    try:
        peer.send(DATA[:chance.randint(1, len(DATA))])
    except BlockingIOError:
        pass
    close_with_reset(peer)


def reset_with_everything_full(peer, chance):
    peer.setblocking(False)
    try:
        while True:
            peer.send(DATA)
    except BlockingIOError:
        pass
    close_with_reset(peer)


def reset_while_reading(peer, chance):
    peer.sendall(DATA[:chance.randint(1000, 100_000)])
    peer.recv(chance.randint(1, 50_000))
    close_with_reset(peer)


def reset_after_half_close(peer, chance):
    peer.sendall(DATA[:chance.randint(1, 100_000)])
    peer.shutdown(socket.SHUT_WR)
    if chance.random() < 0.5:
        peer.recv(1000)
    close_with_reset(peer)


WAYS = (reset_immediately, reset_after_sending, reset_with_everything_full, reset_while_reading, reset_after_half_close)


class Resets(WeirTest):
    def storm(self, weir, address):
        chance = random.Random(7)
        peers = []
        for i in range(RESETS):
            peers.append(connect(address))
            if len(peers) == TOGETHER:
                victim = peers.pop(chance.randrange(len(peers)))
                WAYS[i % len(WAYS)](victim, chance)
        for peer in peers:
            close_with_reset(peer)

    def test_resets_at_random_moments(self):
        weir = self.start("--tcp", "[::]:0", "--workers", "2")
        baseline = weir.files_count()
        for host in ("127.0.0.1", "::1"):
            self.storm(weir, (host, weir.tcp[1]))
        weir.wait_until("all descriptors are free again", lambda: weir.files_count() <= baseline)
        echo_once(weir.tcp, 1_000_000)
        summary = weir.stop().summary
        self.assertEqual(summary["accepted"], summary["closed"])
        self.assertGreater(summary["closed_reset"], RESETS)

    def test_resets_do_not_affect_other_clients(self):
        """During the resets, a steady client receives every byte correctly."""
        weir = self.start("--tcp", "127.0.0.1:0")
        failures, over = [], threading.Event()

        def echo_steadily():
            attempt = 0
            try:
                with connect(weir.tcp) as peer:
                    while not over.is_set() or attempt < 10:
                        echo(peer, 50_000, seed=attempt, finish=False)
                        attempt += 1
            except Exception as error:  # noqa: BLE001 - reported by the test's own thread
                failures.append(error)
        steady = threading.Thread(target=echo_steadily, daemon=True)
        steady.start()
        self.storm(weir, weir.tcp)
        over.set()
        steady.join(DEADLINE_S)
        self.assertEqual(failures, [])
        self.assertFalse(steady.is_alive())
        weir.stop()

    def test_shutdown_during_resets(self):
        """The server shuts down while connections are reset."""
        weir = self.start("--tcp", "127.0.0.1:0", "--drain", "200ms")
        peers = [connect(weir.tcp) for _ in range(60)]
        for peer in peers:
            reset_after_sending(peer, random.Random(3)) if peer in peers[::2] else peer.sendall(b"x" * 1000)
        weir.send_signal(2)
        for peer in peers[1::2]:
            close_with_reset(peer)
        ended = weir.wait_end()
        self.assertEqual(ended.code, 0, ended.log)
        self.assertEqual(ended.summary["accepted"], ended.summary["closed"])


if __name__ == "__main__":
    main()
