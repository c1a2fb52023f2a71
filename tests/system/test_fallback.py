# SPDX-License-Identifier: MIT
"""Without io_uring, weir runs on epoll and logs the reason once. With --transport uring, it prints what to do."""
import os
import subprocess
import sys

from weir_process import DEADLINE_S, Settings, WeirTest, echo_once, io_uring_error, main, udp_socket

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
FAILED, CANNOT_LISTEN = 1, 69
ERRORS = ("EPERM", "ENOSYS", "ENOMEM")  # seccomp profile, old kernel, limit on locked memory


def refusing(os_error):
    return (sys.executable, LAUNCHER, os_error)


class Fallback(WeirTest):
    def setUp(self):
        tried = subprocess.run([*refusing("EPERM"), "/bin/true"], capture_output=True, timeout=DEADLINE_S, check=False)
        if tried.returncode != 0:
            self.skipTest(f"seccomp filters are unavailable: {tried.stderr.decode().strip().splitlines()[-1]}")

    def test_fallback_is_automatic(self):
        for error in ERRORS:
            with self.subTest(error=error):
                weir = self.start("--tcp", "[::]:0", "--udp", "[::]:0", "--workers", "3", transport=False,
                                  launcher=refusing(error))
                self.assertEqual({one.transport for one in weir.listeners}, {"epoll"})
                lines = [line for line in weir.log.splitlines() if "transport" in line]
                self.assertEqual(len(lines), 1, "exactly one line says which transport was chosen, and why")
                self.assertRegex(lines[0], rf"\Aweir: warning: .*epoll.*io_uring.*\({error}\)")
                echo_once(weir.tcp, 200_000)
                with udp_socket(weir.udp) as peer:
                    peer.send(b"hello")
                    self.assertEqual(peer.recv(100), b"hello")
                ended = weir.stop()
                self.assertEqual(ended.log.count("\n"), 3, "that, what UDP echo means, and the summary")

    def test_uring_by_name_is_an_error(self):
        for error in ERRORS:
            with self.subTest(error=error):
                ended = self.run_weir("serve", "--tcp", "127.0.0.1:0", "--transport", "uring",
                                      launcher=refusing(error))
                codes = (FAILED, CANNOT_LISTEN) if error == "ENOMEM" else (CANNOT_LISTEN,)
                self.assertIn(ended.returncode, codes)
                self.assertEqual(ended.stdout, "")
                self.assertRegex(ended.stderr, rf"\Aweir: cannot use io_uring: .+ \({error}\); .*--transport epoll"
                                               r".*\n\Z")

    def test_epoll_by_name_does_not_warn(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--transport", "epoll", transport=False, launcher=refusing("EPERM"))
        self.assertEqual(weir.log, "")
        echo_once(weir.tcp)
        weir.stop()

    def test_verbose_names_the_reason_of_the_choice(self):
        for arguments, transport, reason in (((), "epoll", "chosen by auto"),
                                             (("--transport", "epoll"), "epoll", "chosen by its name")):
            with self.subTest(arguments=arguments):
                weir = self.start("--tcp", "127.0.0.1:0", "-v", *arguments, transport=False, launcher=refusing("EPERM"))
                self.assertRegex(weir.log, rf"weir: info: transport={transport}: {reason}")
                weir.stop()

    def test_default_is_io_uring(self):
        if io_uring_error():
            self.skipTest("this machine has no io_uring")
        weir = self.start("--tcp", "127.0.0.1:0", transport=False)
        self.assertEqual((weir.listeners[0].transport, weir.log), ("uring", ""))
        weir.stop()


if __name__ == "__main__":
    main()
