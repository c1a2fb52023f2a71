# SPDX-License-Identifier: MIT
"""The files around the program: man pages, completions of shells, units of systemd, the packages of Debian, and the root of a
container. Their tools are used where they are installed."""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from heavy_peers import heavy_peer
from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, connect, echo, main

TREE = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = TREE / "packaging"
EXPOSURE_MAX = 1.5


def run(*command, **options):
    """Returns the command's output; a failure raises an error with all output."""
    ended = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           check=False, **options)
    if ended.returncode != 0:
        raise AssertionError(f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


def needs(program):
    """Skips a test where the program is not installed."""
    def wrap(test):
        @functools.wraps(test)
        def run_test(self):
            if not shutil.which(program):
                self.skipTest(f"needs {program}")
            return test(self)
        return run_test
    return wrap


class PackagingTest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def made(self, *arguments):
        run(sys.executable, TREE / "tools" / "manual", arguments[0], self.folder, *arguments[1:])
        return self.folder


class ManPages(PackagingTest):
    def pages(self):
        return self.made("pages", Settings.weir, f"{Settings.build}/weir-test")

    @needs("mandoc")
    def test_mandoc_has_no_warnings(self):
        folder = self.pages()
        for page in sorted(folder.iterdir()):
            with self.subTest(page.name):
                self.assertEqual(run("mandoc", "-T", "lint", "-W", "warning", page), "")

    def test_every_option_and_function_is_there(self):
        folder = self.pages()
        page = (folder / "weir.1").read_text("utf-8").replace("\\-", "-")
        helps = "".join(run(Settings.weir, command, "--help") for command in ("serve", "send", "selftest"))
        for option in re.findall(r"^  (?:-\w, |    )--([\w-]+)", helps, re.M):
            self.assertTrue(f'Fl "\\&-{option}"' in page or f'Fl "\\&-{option}[' in page, option)
        page = (folder / "libweir.3").read_text("utf-8")
        for header in (TREE / "include" / "weir").glob("*.h"):
            for name in re.findall(r"^WEIR_API [^;(]*?\*?(\w+)\(", header.read_text("utf-8"), re.M):
                self.assertTrue(f".Fn {name} " in page, name)


class Completions(PackagingTest):
    def completed(self, *words):
        """What bash proposes for the last of the words."""
        file = self.made("completions") / "weir.bash"
        script = f'. "{file}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return run("bash", "-c", script, "bash", *words, cwd=self.folder).split()

    @needs("bash")
    def test_bash(self):
        (self.folder / "pair.pem").write_text("")
        self.assertEqual(self.completed("weir", "ser"), ["serve"])
        self.assertEqual(self.completed("weir", "serve", "--idle"), ["--idle-timeout"])
        self.assertEqual(self.completed("weir", "--tc"), ["--tcp"])  # serve can be left out
        self.assertEqual(self.completed("weir", "--proxy", ""), ["off", "required"])
        self.assertEqual(self.completed("weir", "serve", "--proxy", "=", "req"), ["required"])
        self.assertEqual(self.completed("weir", "serve", "--proxy", "="), ["off", "required"])
        self.assertEqual(self.completed("weir", "--tls-cert", "pai"), ["pair.pem"])
        self.assertEqual(self.completed("weir", "--tcp", "5"), [])
        self.assertEqual(self.completed("weir", "frame", "exp"), ["explain"])
        self.assertEqual(self.completed("weir", "ctl", "rel"), ["reload"])
        self.assertIn("--timeout", self.completed("weir", "send", "--"))
        self.assertNotIn("--tcp", self.completed("weir", "send", "--"))

    def test_the_syntax_of_the_other_shells(self):
        folder = self.made("completions")
        for shell, file in (("zsh", "_weir"), ("fish", "weir.fish")):
            if shutil.which(shell):
                run(shell, "-n", folder / file)
        for file in ("_weir", "weir.fish", "weir.ps1"):
            text = (folder / file).read_text("utf-8")
            self.assertIn("first-byte-timeout", text)
            self.assertIn("required", text)


class Service(PackagingTest):
    @needs("systemd-analyze")
    def test_units(self):
        service = (PACKAGING / "systemd" / "weir.service").read_text("utf-8")
        unit = self.folder / "weir.service"
        unit.write_text(service.replace("/usr/bin/weir", Settings.weir))
        shutil.copy(PACKAGING / "systemd" / "weir.socket", self.folder)
        run("systemd-analyze", "verify", "--man=no", unit, self.folder / "weir.socket")
        report = run("systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
        exposure = float(re.search(r"exposure level for weir\.service: ([\d.]+)", report)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX, report)

    def test_the_socket_unit_fits_the_settings(self):
        """The addresses of the socket unit are those of the configuration file."""
        settings = (PACKAGING / "weir.yaml").read_text("utf-8")
        listed = re.findall(r"^Listen\w+=(.+)$", (PACKAGING / "systemd" / "weir.socket").read_text("utf-8"), re.M)
        self.assertEqual(listed, re.findall(r"^    address: (.+)$", settings, re.M))

    def test_weir_check_accepts_the_settings(self):
        ended = self.run_weir("check", PACKAGING / "weir.yaml")
        if "without libyaml" in ended.stderr:
            self.skipTest("built without libyaml")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended)

    @needs("logrotate")
    def test_logrotate(self):
        run("logrotate", "--debug", "--state", self.folder / "state", PACKAGING / "weir.logrotate")


class Debian(PackagingTest):
    def scripts(self, name, argument, *more, active):
        """Runs a maintainer script beside a systemctl of the test; returns its output and the calls."""
        calls = self.folder / "calls"
        calls.write_text("")
        for tool in ("systemctl", "systemd-sysusers", "deb-systemd-invoke", "deb-systemd-helper"):
            (self.folder / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>"{calls}"\n'
                                            f'case "$*" in *is-active*) exit {0 if active else 3} ;; esac\n')
            (self.folder / tool).chmod(0o755)
        text = (PACKAGING / "debian" / name).read_text("utf-8").replace("/run/systemd/system", str(self.folder))
        output = run("sh", "-c", text, name, argument, *more, env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        return output, calls.read_text()

    def test_an_upgrade_never_restarts_a_running_server(self):
        for name, arguments in (("prerm", ("upgrade", "2")), ("postrm", ("upgrade", "2")), ("postinst", ("configure", "1"))):
            output, calls = self.scripts(name, *arguments, active=True)
            self.assertNotRegex(calls, r"\b(re|try-re)?(start|stop)\b", name)
        self.assertIn("keeps its sessions", output)
        output, calls = self.scripts("postinst", "configure", "", active=False)
        self.assertIn("systemctl enable --now weir", output)
        self.assertNotIn("start weir", calls)
        output, calls = self.scripts("prerm", "remove", active=True)
        self.assertIn("stop weir.socket weir.service", calls)

    @heavy_peer("lintian", "cpack", "dpkg-deb")
    def test_lintian(self):
        """Builds weir as a package needs it, with the prefix /usr."""
        build = self.folder / "build"
        launcher = re.search(r"^CMAKE_C_COMPILER_LAUNCHER:\w+=(.+)$",
                             (pathlib.Path(Settings.build) / "CMakeCache.txt").read_text("utf-8"), re.M)
        run("cmake", "-S", TREE, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_INSTALL_PREFIX=/usr",
            "-DWEIR_TESTS=OFF", "-DWEIR_BENCH=OFF", "-DWEIR_EXAMPLES=OFF",
            *([f"-DCMAKE_C_COMPILER_LAUNCHER={launcher[1]}"] if launcher else []))
        run("cmake", "--build", build)
        run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", self.folder / "out")
        packages = {re.match(r"[a-z-]+", path.name)[0].rstrip("-"): path for path in (self.folder / "out").glob("*.deb")}
        self.assertEqual(sorted(packages), ["libweir", "libweir-dev", "weir"])
        self.assertEqual(run("lintian", *packages.values()), "")
        self.assertEqual(run("dpkg-deb", "--info", packages["weir"], "conffiles").split(),
                         ["/etc/logrotate.d/weir", "/etc/weir/weir.yaml"])


class Container(PackagingTest):
    def test_a_root_with_shared_libraries_serves(self):
        if os.geteuid() != 0:
            self.skipTest("only root can chroot")
        if SANITIZED:
            self.skipTest("the libraries of sanitizers look for files outside of the root")
        root = self.folder / "root"
        run(PACKAGING / "container" / "make-root", "--dynamic", root, Settings.build)
        program, Settings.weir = Settings.weir, "/usr/bin/weir"
        try:
            weir = self.launch("--tcp", "127.0.0.1:0", launcher=("chroot", "--userspec=65532:65532", root))
        finally:
            Settings.weir = program
        weir.wait_ready()
        with connect(weir.tcp) as peer:
            echo(peer, 10_000)
        weir.stop()

    @needs("strace")
    def test_the_profile_allows_every_system_call(self):
        profile = json.loads((PACKAGING / "container" / "seccomp.json").read_text("utf-8"))
        allowed = {name for group in profile["syscalls"] for name in group["names"]}
        self.assertLessEqual({"io_uring_setup", "io_uring_enter", "io_uring_register"}, allowed)
        self.assertFalse(allowed & {"ptrace", "mount", "bpf", "kexec_load", "init_module", "reboot"})
        trace = self.folder / "trace"
        weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", launcher=("strace", "-f", "-o", trace))
        with connect(weir.tcp) as peer:
            echo(peer, 10_000)
        children = pathlib.Path(f"/proc/{weir.pid}/task/{weir.pid}/children").read_text()
        os.kill(int(children.split()[0]), 15)  # strace ignores the signal
        self.assertEqual(weir.wait_end(DEADLINE_S).code, 0)
        called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
        self.assertIn("socket", called)
        self.assertEqual(called - allowed, set())


if __name__ == "__main__":
    main()
