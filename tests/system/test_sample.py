# SPDX-License-Identifier: MIT
"""examples/rio_sample: without Registered I/O it exits with an error; with a replacement for the RIO table it echoes."""
import os
import re
import signal
import subprocess

from weir_process import DEADLINE_S, Settings, WeirTest, main, pattern_bytes, udp_socket

ENDED, NO_RIO = 0, 77


def program(name):
    return [*Settings.emulator, os.path.join(os.path.dirname(Settings.weir), name)]


class Sample(WeirTest):
    def start_sample(self):
        sample = subprocess.Popen([*program("rio_sample_stood_in.exe"), "0"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(sample.stdout.close)
        self.addCleanup(sample.wait)
        self.addCleanup(sample.kill)
        line = sample.stdout.readline()
        return sample, int(re.fullmatch(r"rio_sample: echo on UDP port (\d+); Ctrl-C ends it\s*", line)[1])

    def test_without_rio_it_exits_with_an_error(self):
        ended = subprocess.run([*program("rio_sample.exe"), "0"], stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=DEADLINE_S)
        if ended.returncode == ENDED:
            self.skipTest("this Windows has Registered I/O")
        self.assertEqual((ended.returncode, ended.stdout), (NO_RIO, ""))
        self.assertRegex(ended.stderr, r"\Ario_sample: cannot get Registered I/O: error 100\d\d; .*Windows 8")

    def test_echo(self):
        """Every size, both families, bursts larger than a batch in order, two clients with separate answers."""
        sample, port = self.start_sample()
        echoed = 0
        for host, most in (("127.0.0.1", 65507), ("::1", 65527)):
            with udp_socket((host, port)) as peer, udp_socket((host, port)) as other:
                for size in (0, 1, 1023, 1024, 1025, 9000, most):
                    peer.send(pattern_bytes(size))
                    self.assertEqual(peer.recv(65536), pattern_bytes(size))
                    echoed += 1
                for _ in range(10):
                    for i in range(100):
                        peer.send(b"peer %d" % i)
                        other.send(b"other %d" % i)
                    self.assertEqual([peer.recv(99) for _ in range(100)], [b"peer %d" % i for i in range(100)])
                    self.assertEqual([other.recv(99) for _ in range(100)], [b"other %d" % i for i in range(100)])
                    echoed += 200
        sample.send_signal(signal.SIGINT)
        rest, _ = sample.communicate(timeout=DEADLINE_S)
        self.assertEqual(sample.returncode, ENDED)
        self.assertEqual(rest.strip(), f"rio_sample: echoed={echoed} dropped=0 lost=0")


if __name__ == "__main__":
    main()
