# SPDX-License-Identifier: MIT
"""Out of file descriptors: connected clients are served, accepting pauses without using the CPU, and resumes later."""
import re
import resource
import select
import subprocess

from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, connect, echo_once, main, udp_socket

CANNOT_START = 69
FILES_MAX = 64
CLIENTS = 100
LOOK_S = 1.0     # observation time of the waiting server
BUSY_SHARE = 0.5 if SANITIZED else 0.25  # of one core; a busy loop uses a full core


class Descriptors(WeirTest):
    def answered(self, waiting, seconds):
        """Returns the waiting clients that got their answer within this time; leaves the others in `waiting`."""
        ready = select.select(list(waiting), [], [], seconds)[0]
        for peer in ready:
            self.assertEqual(peer.recv(100), waiting.pop(peer))
        return ready

    def answered_so_far(self, waiting):
        """Returns all clients answered before a whole look passes without an answer, and the CPU time of that look."""
        served = []
        while True:
            used = self.weir.cpu_seconds()
            more = self.answered(waiting, LOOK_S)
            served += more
            if not more or not waiting:
                return served, self.weir.cpu_seconds() - used

    def run_out(self, workers):
        self.weir = weir = self.start("--tcp", "127.0.0.1:0", "--workers", workers, files_max=FILES_MAX)
        baseline = weir.files_count()
        waiting = {}
        for i in range(CLIENTS):
            peer = connect(weir.tcp)
            self.addCleanup(peer.close)
            peer.sendall(b"client %d" % i)
            waiting[peer] = b"client %d" % i
        served, used = self.answered_so_far(waiting)
        print(f"\n    {len(served)} of {CLIENTS} served under a limit of {FILES_MAX}; waiting took {used:.2f} s of CPU "
              f"in {LOOK_S} s", flush=True)
        self.assertGreater(len(served), FILES_MAX // 3)
        if waiting:
            self.assertLess(used, BUSY_SHARE * LOOK_S, "it spins while it waits for descriptors")
        everyone = len(served)
        while waiting:
            for peer in served:
                peer.sendall(b"once more")
                self.assertEqual(peer.recv(100), b"once more")
                peer.close()
            served = self.answered(waiting, DEADLINE_S)
            self.assertTrue(served, f"{len(waiting)} clients wait although descriptors are free")
            everyone += len(served)
        self.assertEqual(everyone, CLIENTS)
        for peer in served:
            peer.close()
        weir.wait_until("all descriptors are free again", lambda: weir.files_count() <= baseline)
        echo_once(weir.tcp)
        summary = weir.stop().summary
        self.assert_counts_add_up(summary)
        self.assertEqual(summary["accepted"], CLIENTS + 1)
        self.assertGreater(summary["pauses_no_files"], 0)
        self.assertLess(summary["pauses_no_files"], 1000)

    def test_one_worker(self):
        self.run_out("1")

    def test_two_workers(self):
        self.run_out("2")

    def test_datagrams_need_no_descriptors(self):
        """Only connections need descriptors: UDP needs none per peer."""
        self.weir = weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "1",
                                      files_max=FILES_MAX)
        for _ in range(CLIENTS):
            self.addCleanup(connect(weir.tcp).close)
        weir.wait_until("they ran out", lambda: weir.files_count() >= FILES_MAX)
        with udp_socket(weir.udp) as peer:
            for i in range(100):
                peer.send(b"datagram %d" % i)
                self.assertEqual(peer.recv(100), b"datagram %d" % i)
        weir.stop()

    def test_start_without_descriptors_is_an_error(self):
        """Whatever the limit: the server starts, or exits with code 69 and one line that reports it. (A worker that runs
        already can warn that it accepts no connections now.) Below 4, no program starts: its libraries are files."""
        started = 0
        for files_max in range(8 if SANITIZED else 4, 33):  # LeakSanitizer needs files at the exit
            for transport in (True, False):
                with self.subTest(files_max=files_max, transport=transport):
                    weir = self.launch("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "2",
                                       transport=transport, files_max=files_max)
                    if weir.process.stdout.readline():
                        weir.kill()
                        started += 1
                        continue
                    ended = weir.wait_end()
                    self.assertEqual(ended.code, CANNOT_START, ended.log)
                    warnings = r"weir: warning: (cannot go on with tcp|the line before is repeated|.*epoll instead)"
                    errors = [line for line in ended.log.splitlines() if not re.match(warnings, line)]
                    self.assertEqual(len(errors), 1, ended.log)
                    self.assertRegex(errors[0], r"\Aweir: cannot .+ \(EMFILE\); raise the limit on open files with "
                                                r"'ulimit -n'\Z")
        self.assertGreater(started, 20)

    def test_a_client_with_few_descriptors(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0")
        for files_max in (4, 5, 6):
            for protocol, port in (("tcp", weir.tcp[1]), ("udp", weir.udp[1])):
                ended = self.run_limited(files_max, "send", f"{protocol}://127.0.0.1:{port}", "hello")
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"hello\n", b""))
        weir.stop()

    @staticmethod
    def run_limited(files_max, *arguments):
        return subprocess.run([Settings.weir, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=DEADLINE_S, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                                         (files_max, files_max)))


if __name__ == "__main__":
    main()
