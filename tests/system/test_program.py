# SPDX-License-Identifier: MIT
"""The program's interface: help, usage errors with their one line, exit codes, lines on stdout, and survived
failures."""
import os
import re
import signal
import socket
import subprocess

from weir_process import (DEADLINE_S, SANITIZED, Settings, Weir, WeirTest, close_with_reset, connect, echo_once, main,
                          receive_exactly, udp_socket)

OK, USAGE, CANNOT_LISTEN, LOST_OUTPUT, WRONG_SETTING = 0, 64, 69, 74, 78


def foreign_listener(kind, host, port=0, shared=False):
    """Returns another process's socket on the port; `shared` opens it with address sharing, as a careless program
    would."""
    foreign = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    if shared:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if ":" in host:
        foreign.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        foreign.bind((host, port))
        if kind == socket.SOCK_STREAM:
            foreign.listen()
    except OSError:
        foreign.close()
        raise
    return foreign


def free_port(host):
    with foreign_listener(socket.SOCK_STREAM, host) as foreign:
        return foreign.getsockname()[1]


class Words(WeirTest):
    """Messages and exit codes."""

    def assert_usage_error(self, code, pattern, *arguments, **options):
        ended = self.run_weir(*arguments, **options)
        self.assertEqual(ended.returncode, code, ended.stderr)
        self.assertEqual(ended.stdout, "")
        self.assertRegex(ended.stderr, r"\Aweir: .+\n\Z", "one line")
        self.assertRegex(ended.stderr, pattern)

    def test_help(self):
        for arguments in (["serve", "-h"], ["serve", "--help"], ["--tcp", "0", "--help"]):
            ended = self.run_weir(*arguments)
            self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
            for wanted in ("weir serve", "--tcp", "--udp", "--workers", "--transport", "--drain", "--verbose",
                           "--quiet", "--version", "5050", "ready", "Exit codes"):
                self.assertIn(wanted, ended.stdout)
            for code in (OK, 1, USAGE, CANNOT_LISTEN, LOST_OUTPUT, WRONG_SETTING):
                self.assertRegex(ended.stdout, rf"\b{code}\b")
            self.assertLessEqual(max(map(len, ended.stdout.splitlines())), 120)

    def test_version(self):
        for word in ("--version", "-V"):
            ended = self.run_weir(word)
            self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
            self.assertRegex(ended.stdout, r"\Aweir \d+\.\d+\.\d+\n\Z")

    def test_unknown_option(self):
        self.assert_usage_error(USAGE, r"unknown option --tpc.*did you mean --tcp\?", "--tpc", "0")
        self.assert_usage_error(USAGE, r"did you mean --workers\?", "serve", "--worker=2")
        self.assert_usage_error(USAGE, r"unknown option --nothing-like-it.*weir serve --help", "--nothing-like-it")
        self.assert_usage_error(USAGE, r"unknown option -x", "-x")
        self.assert_usage_error(USAGE, r"unknown option -v?x", "-vx")

    def test_unknown_command(self):
        self.assert_usage_error(USAGE, r"sevre.*did you mean serve\?.*weir --help", "sevre")
        self.assert_usage_error(USAGE, r"stray.*weir serve --help", "serve", "stray")

    def test_missing_or_superfluous_value(self):
        self.assert_usage_error(USAGE, r"--tcp needs a value", "--tcp")
        self.assert_usage_error(USAGE, r"--help takes no value", "--help=yes")

    def test_bad_address(self):
        for address, reason in (("nonsense", "the port is missing"), ("70000", "the port is too large"),
                                ("-1", "the port is not a number"), ("1.2.3.4.5:80", "not an IPv4 address"),
                                ("[::1:80", "the brackets do not enclose"), ("[::1]", "the port is missing"),
                                ("127.0.0.1", "the port is missing"), ("127.0.0.1:", "the port is missing"),
                                ("host.example:80", "not an address"), ("", "the address is empty"),
                                ("127.0.0.1:80:90", "not an address"), ("[1.2.3.4]:80x", "the port is not a number")):
            for option in ("--tcp", "--udp"):
                with self.subTest(address=address, option=option):
                    self.assert_usage_error(USAGE, re.escape(f"{option} {address}: {reason}"), option, address)

    def test_bad_numbers(self):
        for value in ("0", "-1", "256", "two", "", "1x", "99999999999999999999"):
            with self.subTest(workers=value):
                self.assert_usage_error(USAGE, re.escape(f"--workers {value}: write a number from 1 to 255"),
                                        "--workers", value)
        for value in ("soon", "5x", "", "-5s", "99999999999999999999s", "s"):
            with self.subTest(drain=value):
                self.assert_usage_error(USAGE, re.escape(f"--drain {value}: write a time"), "--drain", value)

    def test_unknown_transport(self):
        self.assert_usage_error(WRONG_SETTING, r"nope.*uring, epoll", "--tcp", "127.0.0.1:0", "--transport", "nope")

    def test_too_many_listeners(self):
        self.assert_usage_error(USAGE, r"more than 64 listeners", *["--tcp", "127.0.0.1:0"] * 65)

    def test_address_of_another_machine(self):
        for kind, address in (("tcp", "192.0.2.1:0"), ("udp", "192.0.2.1:0"), ("tcp", "[2001:db8::1]:0")):
            with self.subTest(kind=kind, address=address):
                self.assert_usage_error(CANNOT_LISTEN, re.escape(f"cannot listen on {kind} {address}: ")
                                        + r".*\(EADDRNOTAVAIL\); ", f"--{kind}", address, transport=True)

    def test_port_in_use(self):
        """Also with several workers that share the port, and if the other process allows sharing, too."""
        for option, kind, flag in (("tcp", socket.SOCK_STREAM, "t"), ("udp", socket.SOCK_DGRAM, "u")):
            for host in ("127.0.0.1", "::1", "::"):
                for workers in ("1", "3"):
                    for shared in (False, True):
                        with self.subTest(kind=option, host=host, workers=workers, shared=shared), \
                                foreign_listener(kind, host, shared=shared) as foreign:
                            port = foreign.getsockname()[1]
                            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                            other = "0" if host == "::" else f"{address.rpartition(':')[0]}:0"
                            ended = self.run_weir("serve", f"--{option}", address, "--workers", workers,
                                                  transport=True)
                            self.assertEqual((ended.returncode, ended.stdout), (CANNOT_LISTEN, ""))
                            self.assertEqual(
                                ended.stderr,
                                f"weir: cannot listen on {option} {address}: address in use (EADDRINUSE); find its "
                                f"owner with 'ss -l{flag}np sport = :{port}', or take another port with "
                                f"--{option} {other}\n")

    def test_port_in_use_by_the_same_process(self):
        for option in ("--tcp", "--udp"):
            for workers in ("1", "2"):
                with self.subTest(option=option, workers=workers):
                    address = f"127.0.0.1:{free_port('127.0.0.1')}"
                    self.assert_usage_error(CANNOT_LISTEN, r"address in use", option, address, option, address,
                                            "--workers", workers)

    def test_one_address_in_use_prevents_the_start(self):
        """With one of two addresses in use, the server does not start, and names the address."""
        with foreign_listener(socket.SOCK_STREAM, "127.0.0.1") as foreign:
            port = foreign.getsockname()[1]
            self.assert_usage_error(CANNOT_LISTEN, rf"tcp 127\.0\.0\.1:{port}", "--tcp", "127.0.0.1:0",
                                    "--tcp", f"127.0.0.1:{port}", transport=True)

    def test_low_port_needs_a_privilege(self):
        """Run as another user, if the test may switch to one."""
        if os.geteuid() != 0:
            self.skipTest("only root can switch to another user")
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as setting:
            if int(setting.read()) <= 7:
                self.skipTest("unprivileged users may bind low ports")
        reachable = subprocess.run([Settings.weir, "--version"], user=65534, group=65534, extra_groups=[],
                                   capture_output=True, check=False) if self.can_run_as_other_user() else None
        if not reachable or reachable.returncode != 0:
            self.skipTest("another user cannot run the program in this folder")
        self.assert_usage_error(CANNOT_LISTEN, r"cannot listen on tcp 127\.0\.0\.1:7: not permitted \(EACCES\); .*1024",
                                "--tcp", "127.0.0.1:7", "--transport", "epoll", user=65534, group=65534, extra_groups=[])

    @staticmethod
    def can_run_as_other_user():
        try:
            subprocess.run([Settings.weir, "--version"], user=65534, group=65534, extra_groups=[], capture_output=True,
                           check=False)
        except PermissionError:
            return False
        return True


class Lines(WeirTest):
    """The lines on stdout are an interface; the log goes to stderr."""

    def test_listening_lines(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--tcp=[::1]:0", "-t", "0", "-u0", "--udp", "[::]:0", "--workers",
                          "2")
        self.assertEqual([(one.proto, one.host) for one in weir.listeners],
                         [("tcp", "127.0.0.1"), ("tcp", "::1"), ("tcp", "::"), ("udp", "::"), ("udp", "::")])
        for listener in weir.listeners:
            self.assertGreater(listener.port, 0)
            self.assertEqual((listener.transport, listener.workers, listener.handler),
                             (Settings.transport, 2, "echo"))
            self.assertEqual(listener.codec, "raw" if listener.proto == "tcp" else "datagram")
        for index in range(3):
            echo_once(weir.address("tcp", index))
        for index in range(2):
            with udp_socket(weir.address("udp", index)) as peer:
                peer.send(b"hello")
                self.assertEqual(peer.recv(100), b"hello")
        ended = weir.stop()
        lines = [line for line in ended.log.splitlines() if "echoes to the source address" not in line]
        self.assertEqual(len(lines), 1, "nothing but the summary, and the warning of the open UDP echo")

    def test_workers_default_to_the_cores(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        self.assertEqual(weir.listeners[0].workers, len(os.sched_getaffinity(0)))
        weir.stop()

    def test_dual_stack(self):
        weir = self.start("--tcp", "0", "--udp", "0")
        for host in ("127.0.0.1", "::1"):
            echo_once((host, weir.tcp[1]))
            with udp_socket((host, weir.udp[1])) as peer:
                peer.send(b"hello")
                self.assertEqual(peer.recv(100), b"hello")
        weir.stop()

    def test_quiet_and_verbose(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--quiet")
        weir.send_signal(signal.SIGINT)
        ended = weir.wait_end()
        self.assertEqual((ended.code, ended.log), (0, ""))
        weir = self.start("--tcp", "127.0.0.1:0", "-v")
        self.assertRegex(weir.log, r"weir: info: open files: at most \d+ \(was \d+\)\n")
        weir.stop()


class HardToKill(WeirTest):
    def wait_listening(self, weir, address):
        """Waits for a weir whose stdout the test does not read."""
        def answers():
            try:
                echo_once(address)
            except ConnectionRefusedError:
                return False
            return True
        weir.wait_until("it listens", answers)

    def test_closed_descriptors(self):
        """stdin, stderr or both closed (`<&- 2>&-`): the server runs, and exits on a signal. Without stdout it ends, see
        test_lost_output.py."""
        for close in ((0,), (2,), (0, 2)):
            with self.subTest(closed=close):
                address = ("127.0.0.31", free_port("127.0.0.31"))
                weir = self.launch("--tcp", "%s:%d" % address, "-v", close=close, stdout=subprocess.DEVNULL)
                self.wait_listening(weir, address)
                echo_once(address, 100_000)
                weir.send_signal(signal.SIGINT)
                self.assertEqual(weir.wait_end().code, 0)
        for close in ((1,), (0, 1), (1, 2), (0, 1, 2)):
            with self.subTest(closed=close):
                weir = self.launch("--tcp", "127.0.0.1:0", close=close, stdout=subprocess.DEVNULL)
                self.assertEqual(weir.wait_end().code, LOST_OUTPUT)

    def test_a_log_on_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            weir = self.launch("--tcp", "127.0.0.1:0", "-vv", stderr=full).wait_ready()
            echo_once(weir.tcp)
            weir.send_signal(signal.SIGINT)
            self.assertEqual(weir.wait_end().code, 0)

    def test_sigpipe(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        weir.send_signal(signal.SIGPIPE)
        echo_once(weir.tcp)
        weir.stop()

    def test_stopped_and_continued(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        with connect(weir.tcp) as peer:
            weir.send_signal(signal.SIGSTOP)
            peer.sendall(b"asleep?")
            weir.send_signal(signal.SIGCONT)
            self.assertEqual(receive_exactly(peer, 7), b"asleep?")
        weir.stop()

    def test_restart_on_the_same_port(self):
        """Immediately after kill -9 with live connections, some of which then stay in TIME_WAIT or FIN_WAIT."""
        weir = self.start("--tcp", "127.0.0.34:0", "--udp", "127.0.0.34:0", "--workers", "2")
        tcp, udp = weir.tcp, weir.udp
        for attempt in range(3):
            peers = [connect(tcp) for _ in range(20)]
            for peer in peers:
                peer.sendall(b"alive")
                self.assertEqual(receive_exactly(peer, 5), b"alive")
            weir.send_signal(signal.SIGKILL)
            weir.wait_end()
            weir = self.start("--tcp", "%s:%d" % tcp, "--udp", "%s:%d" % udp, "--workers", "2")
            echo_once(tcp)
            for peer in peers:
                close_with_reset(peer) if attempt == 1 else peer.close()
        weir.stop()

    def test_restart_after_a_drain(self):
        """The server closed first, so that the connections are in its TIME_WAIT."""
        weir = self.start("--tcp", "127.0.0.35:0")
        address = weir.tcp
        with connect(address) as peer:
            peer.sendall(b"alive")
            self.assertEqual(receive_exactly(peer, 5), b"alive")
            weir.send_signal(signal.SIGINT)
            self.assertEqual(peer.recv(10), b"")
        self.assertEqual(weir.wait_end().code, 0)
        weir = self.start("--tcp", "%s:%d" % address)
        echo_once(address)
        weir.stop()

    def test_many_signals(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        with connect(weir.tcp):
            for _ in range(20):
                weir.send_signal(signal.SIGTERM)
            self.assertEqual(weir.wait_end().code, 0)


if __name__ == "__main__":
    main()
