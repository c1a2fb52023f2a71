# SPDX-License-Identifier: MIT
"""Where io_uring is refused, weir runs on epoll and says why, once; asked for io_uring by name, it says what to do."""
import os
import subprocess
import sys

from weir_process import DEADLINE_S, Settings, WeirTest, echo_once, io_uring_refusal, main, udp_socket

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
FAILED, CANNOT_LISTEN = 1, 69
REFUSALS = ("EPERM", "ENOSYS", "ENOMEM")  # a container's profile, an old kernel, the limit on locked memory


def refusing(os_error):
    return (sys.executable, LAUNCHER, os_error)


class Fallback(WeirTest):
    def setUp(self):
        tried = subprocess.run([*refusing("EPERM"), "/bin/true"], capture_output=True, timeout=DEADLINE_S, check=False)
        if tried.returncode != 0:
            self.skipTest(f"no seccomp filters here: {tried.stderr.decode().strip().splitlines()[-1]}")

    def test_by_itself(self):
        for refusal in REFUSALS:
            with self.subTest(refusal=refusal):
                weir = self.start("--tcp", "[::]:0", "--udp", "[::]:0", "--workers", "3", transport=False,
                                  launcher=refusing(refusal))
                self.assertEqual({one.transport for one in weir.listeners}, {"epoll"})
                told = [line for line in weir.log.splitlines() if "transport" in line]
                self.assertEqual(len(told), 1, "exactly one line says what was chosen, and why")
                self.assertRegex(told[0], rf"\Aweir: warning: .*epoll.*io_uring.*\({refusal}\)")
                echo_once(weir.tcp, 200_000)
                with udp_socket(weir.udp) as peer:
                    peer.send(b"hello")
                    self.assertEqual(peer.recv(100), b"hello")
                ended = weir.stop()
                self.assertEqual(ended.log.count("\n"), 3, "that, what UDP echo means, and the summary")

    def test_asked_for_by_name(self):
        for refusal in REFUSALS:
            with self.subTest(refusal=refusal):
                ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--transport", "uring",
                                      launcher=refusing(refusal))
                codes = (FAILED, CANNOT_LISTEN) if refusal == "ENOMEM" else (CANNOT_LISTEN,)
                self.assertIn(ended.returncode, codes)
                self.assertEqual(ended.stdout, "")
                self.assertRegex(ended.stderr, rf"\Aweir: cannot use io_uring: .+ \({refusal}\); .*--transport epoll"
                                               r".*\n\Z")

    def test_epoll_asked_for_does_not_warn(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--transport", "epoll", transport=False, launcher=refusing("EPERM"))
        self.assertEqual(weir.log, "")
        echo_once(weir.tcp)
        weir.stop()

    def test_without_refusal_it_is_io_uring(self):
        if io_uring_refusal():
            self.skipTest("this machine refuses io_uring")
        weir = self.start("--tcp", "127.0.0.1:0", transport=False)
        self.assertEqual((weir.listeners[0].transport, weir.log), ("uring", ""))
        weir.stop()


if __name__ == "__main__":
    main()
