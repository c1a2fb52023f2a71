# SPDX-License-Identifier: MIT
"""--spin: a server that looks for the next event before it sleeps."""
from admin_http import get_json
from weir_process import WeirTest, connect, main, receive_exactly

USAGE = 64


def exchange(peer, count):
    """Sends `count` messages; each waits for the echo of the one before."""
    for number in range(count):
        message = b"%08d" % number
        peer.sendall(message)
        assert receive_exactly(peer, len(message)) == message


class Spin(WeirTest):
    def start_server(self, *options):
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1", "--admin", "127.0.0.1:0", *options)
        return weir, connect(weir.tcp)

    def hits(self, weir):
        return get_json(weir.admin, "/stats.json")["stats"]["spin_hits"]

    def test_fast_exchange(self):
        """A fast exchange finds its messages while the server spins; a timeout still ends a silent session."""
        weir, peer = self.start_server("--spin", "10ms", "--idle-timeout", "2s")
        with peer:
            while self.hits(weir) == 0:  # the number is up to date within a second
                exchange(peer, 200)
            self.assertEqual(peer.recv(1), b"")

    def test_off(self):
        """Without --spin no wait spins."""
        weir, peer = self.start_server()
        with peer:
            exchange(peer, 500)
            self.assertEqual(self.hits(weir), 0)

    def test_values(self):
        """auto, off and times up to 10 ms are accepted, and others refused with what to write."""
        for good in ("auto", "off", "1us", "10ms"):
            self.start("--tcp", "127.0.0.1:0", "--spin", good)
        for bad in ("11ms", "5", "-1us", "fast"):
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--spin", bad)
            self.assertEqual(ended.returncode, USAGE)
            self.assertIn("write auto, or a time such as 50us or 1ms, at most 10ms; or off", ended.stderr)


if __name__ == "__main__":
    main()
