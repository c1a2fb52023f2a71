# SPDX-License-Identifier: MIT
"""weir bench over WebSocket, and over WebSocket with TLS, against weir."""
import certificates
from bench_command import CANNOT_CONNECT, BenchTest
from weir_process import main, path_for_weir


class WebSocket(BenchTest):
    def test_echo(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?websocket=/echo")
        for size in (1, 125, 126, 65535, 65536):
            with self.subTest(size=size):
                self.assert_right(self.bench("%s:%d" % weir.tcp, "--websocket", "/echo", "-n", "3", "-m", "30", "-s", str(size)),
                                  30, size)
        summary = weir.stop().summary
        self.assertEqual((summary["accepted"], summary["closed_peer_done"]), (15, 15), "each ends with a close frame")

    def test_dials(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?websocket=/echo")
        self.assert_right(self.bench("%s:%d" % weir.tcp, "--websocket", "/echo", "--mode", "connect", "-n", "3", "-m", "20"), 20, 64)
        self.assertEqual(weir.stop().summary["accepted"], 21, "one of them is the trial")

    def test_tls(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        pair = certificates.local()
        weir = self.start("--listen", "tcp://127.0.0.1:0?websocket=/echo", "--tls-cert", path_for_weir(pair.certificate),
                          "--tls-key", path_for_weir(pair.key))
        self.assert_right(self.bench("%s:%d" % weir.tcp, "--tls-insecure", "--websocket", "/echo", "-n", "3", "-m", "30"), 30, 64)

    def test_another_path(self):
        weir = self.start("--listen", "tcp://127.0.0.1:0?websocket=/echo")
        code, why = self.fails("--websocket", "/other", "-m", "1", "%s:%d" % weir.tcp)
        self.assertEqual(code, CANNOT_CONNECT)
        self.assertRegex(why, "does not open a WebSocket at this path")


if __name__ == "__main__":
    main()
