# SPDX-License-Identifier: MIT
"""weir service: Windows' service manager installs, starts, reloads, stops and removes a service that serves clients."""
import os
import socket
import tempfile

from weir_process import Settings, WeirTest, connect, echo_once, main, path_for_weir, receive_exactly, wait_closed

OK, USAGE, UNAVAILABLE, WRONG_SETTING = 0, 64, 69, 78


class Words(WeirTest):
    def refused(self, code, pattern, *arguments):
        ended = self.run_weir("service", *arguments)
        self.assertEqual((ended.returncode, ended.stdout), (code, ""), ended.stderr)
        self.assertRegex(ended.stderr, r"\Aweir: .+\n\Z", "one line")
        self.assertRegex(ended.stderr, pattern)

    def test_wrong_usage_is_refused(self):
        self.refused(USAGE, "instal: no such verb; did you mean install", "instal")
        self.refused(USAGE, "no such verb; see weir service --help", "42")
        self.refused(USAGE, "--name: a value is missing", "start", "--name")
        self.refused(USAGE, "now: weir service stop takes --name only", "stop", "now")
        self.refused(USAGE, r"unknown option --tpc; did you mean --tcp\?", "install", "--tpc", "5")

    def test_help(self):
        for arguments in ((), ("--help",), ("-h",)):
            ended = self.run_weir("service", *arguments)
            self.assertEqual((ended.returncode, ended.stderr), (OK, ""))
            for word in ("install", "remove", "start", "stop", "reload", "status", "--name", "--account"):
                self.assertIn(word, ended.stdout)

    def test_linux_has_units_instead(self):
        if Settings.is_windows():
            self.skipTest("Linux only")
        self.refused(UNAVAILABLE, "systemctl", "status")

    def test_a_service_is_started_by_windows_only(self):
        if not Settings.is_windows():
            self.skipTest("Windows only")
        self.refused(UNAVAILABLE, "service manager did not start this.*weir service start", "run")


class Service(WeirTest):
    NAME = f"weir-test-{os.getpid()}"

    def setUp(self):
        if not Settings.is_windows():
            self.skipTest("Windows only")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = os.path.join(self.folder, "service.log")
        # Wine ends its services with its last program.
        self.start("--tcp", "127.0.0.1:0", "--workers", "1")

    def service(self, verb, *arguments, code=OK):
        ended = self.run_weir("service", verb, "--name", self.NAME, *arguments)
        self.assertEqual(ended.returncode, code, ended.stderr)
        return ended.stdout + ended.stderr

    def install(self, *arguments):
        ports = os.path.join(self.folder, "ports")
        self.service("install", "--tcp", "127.0.0.1:0", "--workers", "1", "-v", "--port-file", path_for_weir(ports), *arguments)
        self.addCleanup(self.run_weir, "service", "remove", "--name", self.NAME)
        return ports

    def address(self, ports):
        with open(ports, encoding="ascii") as file:
            return "127.0.0.1", int(file.readline())

    def read_log(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def test_life_of_a_service(self):
        ports = self.install("--log-file", path_for_weir(self.log))
        self.assertEqual(self.service("status"), "stopped\n")
        self.assertIn("there is a service of this name", self.service("install", "--tcp", "1", code=UNAVAILABLE))
        self.service("start")  # returns when it listens
        self.assertRegex(self.service("status"), r"\Arunning, process \d+\n\Z")
        echo_once(self.address(ports))
        self.assertIn("it runs", self.service("start", code=UNAVAILABLE))
        self.service("reload")
        echo_once(self.address(ports))
        with connect(self.address(ports)) as client:  # a stop drains: the answer arrives, then the end
            client.sendall(b"queued")
            self.assertEqual(receive_exactly(client, 6), b"queued")
            self.service("stop")
            wait_closed(client)
        self.assertEqual(self.service("status"), "stopped\n")
        self.assertRegex(self.read_log(), r"served accepted=3 closed=3 .* closed_drain=1\n")
        self.assertIn("it does not run", self.service("stop", code=UNAVAILABLE))
        self.service("start")
        echo_once(self.address(ports))
        self.service("remove")  # stops it first
        self.assertIn("there is no such service", self.service("status", code=UNAVAILABLE))

    def test_without_a_file_the_log_goes_to_the_event_log(self):
        ports = self.install()
        self.service("start")
        for _ in range(20):
            echo_once(self.address(ports))
        self.service("stop")

    def test_a_failed_start_is_reported(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.service("install", "--tcp", "127.0.0.1:%d" % taken.getsockname()[1], "--bind-wait", "off")
            self.addCleanup(self.run_weir, "service", "remove", "--name", self.NAME)
            self.assertIn("it ended with exit code 69", self.service("start", code=UNAVAILABLE))
        self.assertEqual(self.service("status"), "stopped\n")

    def test_arguments_reach_the_service_unchanged(self):
        name = 'a "quoted" name\\'
        ports = self.install("--reject-message", name + "\\",  # the option reads two backslashes as one
                             "--max-sessions", "1", "--log-file", path_for_weir(self.log))
        self.service("start")
        with connect(self.address(ports)) as first:
            first.sendall(b"x")
            self.assertEqual(receive_exactly(first, 1), b"x")
            with connect(self.address(ports)) as second:
                self.assertEqual(receive_exactly(second, len(name)), name.encode())
        self.service("stop")


if __name__ == "__main__":
    main()
