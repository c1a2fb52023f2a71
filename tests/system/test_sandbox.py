# SPDX-License-Identifier: MIT
"""--user and --sandbox: a module that does what an attacker would cannot open files, start programs or become root, while
the log, name lookups and threads still work."""
import ctypes
import os
import re
import shutil
import signal
import sys
import tempfile
import unittest

from weir_process import SANITIZED, Settings, WeirTest, connect, echo_once, linux_only, main, receive_exactly

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
UNAVAILABLE = 69
LANDLOCK = {"x86_64": 444, "aarch64": 444}[os.uname().machine]
IS_ROOT = os.geteuid() == 0


def has_landlock():
    """The system call of this number returns the version of Landlock, if it is active."""
    return ctypes.CDLL(None).syscall(LANDLOCK, None, ctypes.c_size_t(0), 1) > 0


@unittest.skipIf(SANITIZED, "LeakSanitizer needs system calls and files that the sandbox forbids")
@linux_only("Landlock and seccomp")
class SandboxTest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o777)
        if not has_landlock():
            self.skipTest("this kernel has no active Landlock")
        with open(Settings.weir, "rb") as program:
            if b"seccomp_rule_add" not in program.read():
                self.skipTest("weir was built without libseccomp")

    def serve(self, *arguments, **options):
        attack = os.path.join(self.folder, "attack.so")
        shutil.copy(os.path.join(Settings.build, "modules", "attack.so"), attack)
        return self.start("--tcp", "127.0.0.1:0", "--codec", "netstring", "--handler", attack, "--workers", "2", "-v",
                          *arguments, **options)

    def ask(self, weir, request):
        """What the module answers: "done", or an error."""
        with connect(weir.tcp) as client:
            client.sendall(b"%d:%s," % (len(request), request.encode()))
            length = b""
            while not length.endswith(b":"):
                length += receive_exactly(client, 1)
            return receive_exactly(client, int(length[:-1]) + 1)[:-1].decode()

    def assert_sandboxed(self, weir):
        for request in ("read /etc/passwd", "read /etc/shadow", "read /root", "read /proc/1/status",
                        f"write {self.folder}/new", "write /tmp/weir-attack"):
            self.assertEqual(self.ask(weir, request), "EACCES", request)
        for request in ("spawn /bin/sh", "execute /bin/sh", "ring", "mount " + self.folder, "root"):
            self.assertEqual(self.ask(weir, request), "EPERM", request)
        for request in ("thread", "resolve localhost", "read /etc/hosts"):
            self.assertEqual(self.ask(weir, request), "done", request)

    def test_a_handler_of_an_attacker_is_harmless(self):
        weir = self.serve("--sandbox", "on")
        self.assert_sandboxed(weir)
        log = weir.stop().log
        self.assertIn("sandbox: files outside of the configuration are forbidden", log)
        self.assertIn("sandbox: programs, new rings and administration are forbidden", log)

    def test_without_a_sandbox_it_is_not(self):
        """What the other tests compare with."""
        weir = self.serve()
        for request in ("read /etc/passwd", f"write {self.folder}/new", "spawn /bin/sh", "thread"):
            self.assertEqual(self.ask(weir, request), "done", request)
        weir.stop()

    def test_the_log_can_be_opened_again(self):
        path = os.path.join(self.folder, "logs", "weir.log")
        os.mkdir(os.path.dirname(path))
        weir = self.serve("--sandbox", "on", "--log-file", path)
        self.assertEqual(self.ask(weir, "write /etc/passwd"), "EACCES")
        os.rename(path, path + ".1")
        weir.send_signal(signal.SIGUSR1)
        weir.wait_until("the file is there again", lambda: os.path.exists(path))
        weir.send_signal(signal.SIGINT)
        self.assertEqual(weir.wait_end().code, 0)
        with open(path, encoding="utf-8") as file:
            self.assertIn("opened again", file.read())

    def test_a_unix_socket_is_removed_at_the_end(self):
        path = os.path.join(self.folder, "sockets", "echo")
        os.mkdir(os.path.dirname(path))
        weir = self.start("--tcp", "unix:" + path, "--sandbox", "on", "--workers", "1")
        self.assertTrue(os.path.exists(path))
        weir.stop()
        self.assertFalse(os.path.exists(path))

    def test_the_files_of_a_shared_folder_stay_private(self):
        """/tmp has files of other programs: only the named one can be read."""
        with tempfile.NamedTemporaryFile(dir="/tmp", suffix=".html") as page, tempfile.NamedTemporaryFile(dir="/tmp") as other:
            weir = self.serve("--sandbox", "on", "--websocket-page", page.name,
                              "--listen", "tcp://127.0.0.1:0?websocket=/x")
            self.assertEqual(self.ask(weir, "read " + page.name), "done")
            self.assertEqual(self.ask(weir, "read " + other.name), "EACCES")
            weir.stop()

    def test_auto_goes_on_without_a_protection_and_on_does_not(self):
        launcher = (sys.executable, LAUNCHER, "ENOSYS:landlock_create_ruleset")
        weir = self.start("--tcp", "127.0.0.1:0", "--sandbox", "auto", "--workers", "1", "-v", launcher=launcher)
        echo_once(weir.tcp)
        self.assertIn("--sandbox auto goes on without this protection", weir.stop().log)
        ended = self.run_weir("--tcp", "127.0.0.1:0", "--sandbox", "on", launcher=launcher)
        self.assertEqual((ended.returncode, ended.stdout), (UNAVAILABLE, ""))
        self.assertRegex(ended.stderr, r"\Aweir: cannot limit the files of this process: .+ENOSYS.+\n\Z")


@linux_only("users of Linux")
class UserTest(WeirTest):
    def ids(self, weir):
        """The user and group ids of every thread, as sets of text."""
        found = set()
        for task in os.listdir(f"/proc/{weir.pid}/task"):
            with open(f"/proc/{weir.pid}/task/{task}/status", encoding="ascii") as status:
                text = status.read()
            found.add(tuple(re.search(rf"^{name}:\s+(.*)$", text, re.M)[1].split()[0] for name in ("Uid", "Gid")))
        return found

    def test_every_thread_becomes_the_user(self):
        if not IS_ROOT:
            self.skipTest("only root can become another user")
        for user, expected in (("65534:65533", ("65534", "65533")), ("nobody", ("65534", "65534")), ("4711", ("4711", "4711"))):
            weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2", "--user", user)
            self.assertEqual(self.ids(weir), {expected})
            echo_once(weir.tcp)
            weir.stop()
            self.assertNotIn("runs as root", weir.whole_log)

    def test_root_is_warned(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "1")
        weir.stop()
        self.assertEqual("warning: weir runs as root" in weir.whole_log, IS_ROOT)

    def test_an_unknown_user_is_refused(self):
        for user, reason in (("no-such-user-here", "no such user"), ("nobody:no-such-group", "no such group"),
                             ("root", "that is the user root"), ("x" * 200, "too long")):
            ended = self.run_weir("--tcp", "127.0.0.1:0", "--user", user)
            self.assertEqual((ended.returncode, ended.stdout), (UNAVAILABLE, ""), ended.stderr)
            self.assertIn(reason, ended.stderr)


if __name__ == "__main__":
    main()
